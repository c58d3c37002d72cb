#include <stdlib.h>

#include "text/dtrie.h"

/* OPEN: blocks that are still looked through for room; TRIES: failures before one is given up. */
enum { OPEN = 32, TRIES = 64 };

typedef struct block {
    uint32_t number, tries;
} block;

/* Keys [begin, end) share `depth` bytes, which lead to node. */
typedef struct range {
    size_t begin, end, depth;
    uint32_t node;
} range;

typedef struct builder {
    yh_dtrie *t;
    size_t cap, ranges, range_cap, bits_cap;
    uint64_t (*room)[4]; /* free nodes, a block's 256 each */
    block open[OPEN];
    int opens;
    range *range;
} builder;

void yh_dtrie_fini(yh_dtrie *t)
{
    yh_free(t->node);
    *t = (yh_dtrie){0};
}

uint32_t yh_dtrie_get(const yh_dtrie *t, const char *p, size_t n)
{
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (!yh_dtrie_step(t, &at, (uint8_t)p[i]))
            return YH_DTRIE_NONE;
    return t->node[at].value;
}

static int by_text(const void *a, const void *b)
{
    const yh_dtrie_key *x = a, *y = b;
    uint32_t n = x->len < y->len ? x->len : y->len;
    int c = n > 0 ? memcmp(x->p, y->p, n) : 0;
    if (c != 0)
        return c;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for a trie");
}

static yh_status add_block(builder *b, yh_err *err)
{
    size_t number = b->t->n / 256;
    if (number >= UINT32_MAX / 256)
        return yh_fail(err, YH_LIMIT, "a vocabulary with more than 4 billion characters");
    yh_dtrie_node *node = yh_grow(b->t->node, &b->cap, b->t->n + 256, sizeof *node);
    if (node == NULL)
        return no_memory(err);
    b->t->node = node;
    void *room = yh_grow(b->room, &b->bits_cap, number + 1, sizeof *b->room);
    if (room == NULL)
        return no_memory(err);
    b->room = room;
    memset(b->room[number], 0xFF, sizeof *b->room);
    for (size_t i = 0; i < 256; i++)
        node[b->t->n + i] = (yh_dtrie_node){0, YH_DTRIE_NONE, YH_DTRIE_NONE};
    b->t->n += 256;
    if (b->opens == OPEN) {
        memmove(b->open, b->open + 1, (OPEN - 1) * sizeof *b->open);
        b->opens--;
    }
    b->open[b->opens++] = (block){(uint32_t)number, 0};
    return YH_OK;
}

static bool is_free(const builder *b, uint32_t number, unsigned slot)
{
    return (b->room[number][slot / 64] >> (slot % 64) & 1) != 0;
}

/* A base in the block whose places for all labels are free. */
static bool fits(const builder *b, uint32_t number, const uint8_t *label, int n, uint32_t *base)
{
    for (unsigned w = 0; w < 4; w++)
        for (uint64_t bits = b->room[number][w]; bits != 0; bits &= bits - 1) {
            unsigned low = (w * 64 + (unsigned)__builtin_ctzll(bits)) ^ label[0];
            int k = 1;
            while (k < n && is_free(b, number, low ^ label[k]))
                k++;
            if (k == n) {
                *base = number * 256 + low;
                return true;
            }
        }
    return false;
}

static yh_status find_base(builder *b, const uint8_t *label, int n, uint32_t *base, yh_err *err)
{
    for (int i = 0; i < b->opens; i++) {
        if (fits(b, b->open[i].number, label, n, base))
            return YH_OK;
        if (++b->open[i].tries >= TRIES) {
            b->opens--;
            memmove(b->open + i, b->open + i + 1, (size_t)(b->opens - i) * sizeof *b->open);
            i--;
        }
    }
    YH_TRY(add_block(b, err));
    return fits(b, b->open[b->opens - 1].number, label, n, base)
               ? YH_OK
               : yh_fail(err, YH_LIMIT, "a trie's node with more than 256 children");
}

static yh_status push(builder *b, range r, yh_err *err)
{
    range *at = yh_grow(b->range, &b->range_cap, b->ranges + 1, sizeof *at);
    if (at == NULL)
        return no_memory(err);
    b->range = at;
    at[b->ranges++] = r;
    return YH_OK;
}

/* The value and the children of one node. */
static yh_status place(builder *b, const yh_dtrie_key *key, range r, yh_err *err)
{
    uint8_t label[256];
    size_t start[257];
    int n = 0;
    uint32_t base = 0;
    for (; r.begin < r.end && key[r.begin].len == r.depth; r.begin++)
        b->t->node[r.node].value = key[r.begin].value;
    for (size_t i = r.begin; i < r.end; i++) {
        uint8_t byte = (uint8_t)key[i].p[r.depth];
        if (n == 0 || label[n - 1] != byte) {
            start[n] = i;
            label[n++] = byte;
        }
    }
    if (n == 0)
        return YH_OK;
    start[n] = r.end;
    YH_TRY(find_base(b, label, n, &base, err));
    b->t->node[r.node].base = base;
    for (int i = 0; i < n; i++) {
        uint32_t child = base ^ label[i];
        b->t->node[child].check = r.node;
        b->room[child / 256][child % 256 / 64] &= ~((uint64_t)1 << child % 64);
        YH_TRY(push(b, (range){start[i], start[i + 1], r.depth + 1, child}, err));
    }
    return YH_OK;
}

yh_status yh_dtrie_build(yh_dtrie *t, yh_dtrie_key *key, size_t n, yh_err *err)
{
    builder b = {.t = t};
    *t = (yh_dtrie){0};
    if (n > 0)
        qsort(key, n, sizeof *key, by_text);
    yh_status s = add_block(&b, err);
    if (s == YH_OK) {
        b.room[0][0] &= ~(uint64_t)1; /* the root, which is nobody's child */
        s = push(&b, (range){0, n, 0, 0}, err);
    }
    while (s == YH_OK && b.ranges > 0)
        s = place(&b, key, b.range[--b.ranges], err);
    yh_free(b.room);
    yh_free(b.range);
    if (s != YH_OK)
        yh_dtrie_fini(t);
    return s;
}
