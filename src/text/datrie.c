/* Building the double array: breadth first over the sorted keys. A node with one child takes any
 * free slot; one with several looks for a base that fits in the latest blocks of 256. */
#include <stdlib.h>

#include "text/datrie.h"

enum { BLOCK = 256, LATEST = 32, FAILED_MAX = 64, BASE_MAX = 1 << 23 };

typedef struct sorted {
    uint64_t head; /* first eight bytes, big end first */
    const yh_datrie_key *key;
} sorted;

typedef struct range { /* the keys below one node */
    uint32_t begin, end, depth, node, last;
} range;

typedef struct builder {
    yh_datrie *t;
    sorted *key;
    uint64_t *used, *based; /* bits: slot is used, slot is somebody's base */
    uint16_t *room;         /* free slots of each block, 0 when it is given up */
    uint8_t *failed;        /* how often nothing fitted */
    uint32_t blocks, cap;   /* blocks */
    range *queue;
    size_t head, tail, queue_cap;
} builder;

static uint64_t head_of(const yh_datrie_key *k)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < 8; i++)
        v = v << 8 | (i < k->len ? (uint8_t)k->text[i] : 0u);
    return v;
}

static int compare(const void *a, const void *b)
{
    const sorted *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    uint32_t n = x->key->len < y->key->len ? x->key->len : y->key->len;
    int c = n > 0 ? memcmp(x->key->text, y->key->text, n) : 0;
    if (c != 0)
        return c;
    if (x->key->len != y->key->len)
        return x->key->len < y->key->len ? -1 : 1;
    return (x->key->value > y->key->value) - (x->key->value < y->key->value);
}

static bool bit(const uint64_t *b, uint32_t i)
{
    return (b[i >> 6] >> (i & 63) & 1) != 0;
}

static void set(uint64_t *b, uint32_t i)
{
    b[i >> 6] |= (uint64_t)1 << (i & 63);
}

static void *widen(void *p, size_t old, size_t now)
{
    p = yh_realloc(p, now);
    if (p != NULL)
        memset((char *)p + old, 0, now - old);
    return p;
}

static yh_status add_block(builder *b, yh_err *err)
{
    if (b->blocks == b->cap) {
        uint32_t cap = b->cap != 0 ? b->cap * 2 : 64;
        if (cap > BASE_MAX / BLOCK)
            return yh_fail(err, YH_LIMIT, "a vocabulary with more than %d trie nodes", BASE_MAX);
        size_t old = b->cap, now = cap;
        void *node =
            widen(b->t->node, old * BLOCK * sizeof *b->t->node, now * BLOCK * sizeof *b->t->node);
        if (node != NULL)
            b->t->node = node;
        void *used = widen(b->used, old * BLOCK / 8, now * BLOCK / 8);
        if (used != NULL)
            b->used = used;
        void *based = widen(b->based, old * BLOCK / 8, now * BLOCK / 8);
        if (based != NULL)
            b->based = based;
        void *room = widen(b->room, old * sizeof *b->room, now * sizeof *b->room);
        if (room != NULL)
            b->room = room;
        void *failed = widen(b->failed, old, now);
        if (failed != NULL)
            b->failed = failed;
        if (failed == NULL || node == NULL || used == NULL || based == NULL || room == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a trie");
        b->cap = cap;
    }
    b->room[b->blocks++] = BLOCK;
    return YH_OK;
}

/* Bit i of w goes to bit i ^ x, x < 64. */
static uint64_t exchange(uint64_t w, unsigned x)
{
    static const uint64_t low[6] = {0x5555555555555555u, 0x3333333333333333u, 0x0F0F0F0F0F0F0F0Fu,
                                    0x00FF00FF00FF00FFu, 0x0000FFFF0000FFFFu, 0x00000000FFFFFFFFu};
    for (unsigned k = 0; k < 6; k++)
        if (x >> k & 1)
            w = (w & low[k]) << (1u << k) | (w >> (1u << k) & low[k]);
    return w;
}

/* A base in this block for children with these bytes, or 0: all 256 bases at once. */
static uint32_t fit(const builder *b, uint32_t block, const uint8_t *c, int n)
{
    const uint64_t *used = b->used + (size_t)block * 4, *based = b->based + (size_t)block * 4;
    uint64_t ok[4];
    for (int q = 0; q < 4; q++)
        ok[q] = ~based[q];
    if (block == 0)
        ok[0] &= ~(uint64_t)1; /* 0 says that there are no children */
    for (int i = 0; i < n; i++) {
        uint64_t any = 0;
        for (int q = 0; q < 4; q++)
            any |= ok[q] &= exchange(~used[q ^ c[i] >> 6], c[i] & 63);
        if (any == 0)
            return 0;
    }
    for (uint32_t q = 0; q < 4; q++)
        if (ok[q] != 0)
            return block * BLOCK + q * 64 + (uint32_t)__builtin_ctzll(ok[q]);
    return 0;
}

static yh_status find_base(builder *b, const uint8_t *c, int n, uint32_t *out, yh_err *err)
{
    uint32_t k = b->blocks > LATEST ? b->blocks - LATEST : 0;
    for (; k < b->blocks; k++) {
        if (b->room[k] < n)
            continue;
        *out = fit(b, k, c, n);
        if (*out != 0)
            return YH_OK;
        /* some slots go with no base that is left: such a block is full when that happens often */
        b->failed[k] = (uint8_t)(b->failed[k] + (n == 1 ? 8 : 1));
        if (b->failed[k] >= FAILED_MAX)
            b->room[k] = 0;
    }
    YH_TRY(add_block(b, err));
    *out = fit(b, b->blocks - 1, c, n);
    if (*out == 0) { /* the very first block, whose base 0 stays unused */
        YH_TRY(add_block(b, err));
        *out = fit(b, b->blocks - 1, c, n);
    }
    return YH_OK;
}

static void take(builder *b, uint32_t slot, uint8_t label)
{
    set(b->used, slot);
    if (b->room[slot / BLOCK] > 0)
        b->room[slot / BLOCK]--;
    b->t->node[slot] = (yh_datrie_node){0x100u | label, YH_DATRIE_NONE};
}

static yh_status push(builder *b, range r, yh_err *err)
{
    range *q = yh_grow(b->queue, &b->queue_cap, b->tail + 1, sizeof *q);
    if (q == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a trie");
    b->queue = q;
    q[b->tail++] = r;
    return YH_OK;
}

/* Places the children of one node. */
static yh_status expand(builder *b, range r, uint32_t *prefix, yh_err *err)
{
    uint8_t c[256];
    uint32_t begin[257];
    int n = 0;
    while (r.end - r.begin > 1 && b->key[r.begin + 1].key->len == r.depth)
        r.begin++; /* of equal texts the last */
    const yh_datrie_key *first = b->key[r.begin].key;
    if (first->len == r.depth) {
        b->t->node[r.node].value = first->value;
        if ((first->value & YH_DATRIE_BY) == 0) {
            if (prefix != NULL)
                prefix[first->value] = r.last;
            r.last = first->value;
        }
        r.begin++;
    }
    for (uint32_t i = r.begin; i < r.end; i++) {
        uint8_t byte = (uint8_t)b->key[i].key->text[r.depth];
        if (n == 0 || c[n - 1] != byte) {
            c[n] = byte;
            begin[n++] = i;
        }
    }
    if (n == 0)
        return YH_OK;
    begin[n] = r.end;
    uint32_t base;
    YH_TRY(find_base(b, c, n, &base, err));
    set(b->based, base);
    b->t->node[r.node].link |= base << 9;
    for (int i = 0; i < n; i++) {
        take(b, base ^ c[i], c[i]);
        YH_TRY(push(b, (range){begin[i], begin[i + 1], r.depth + 1, base ^ c[i], r.last}, err));
    }
    return YH_OK;
}

yh_status yh_datrie_build(yh_datrie *t, yh_datrie_key *key, size_t n, uint32_t *prefix, yh_err *err)
{
    builder b = {.t = t};
    memset(t, 0, sizeof *t);
    yh_status s = add_block(&b, err);
    if (s == YH_OK) {
        take(&b, 0, 0);
        b.t->node[0].link = 0; /* nobody's child */
        b.key = yh_calloc(n + 1, sizeof *b.key);
        if (b.key == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for a trie");
    }
    if (s == YH_OK) {
        for (size_t i = 0; i < n; i++)
            b.key[i] = (sorted){head_of(&key[i]), &key[i]};
        qsort(b.key, n, sizeof *b.key, compare);
        if (n > 0)
            s = push(&b, (range){0, (uint32_t)n, 0, 0, YH_DATRIE_NONE}, err);
    }
    while (s == YH_OK && b.head < b.tail)
        s = expand(&b, b.queue[b.head++], prefix, err);
    t->slots = b.blocks * BLOCK;
    for (uint32_t i = 0; s == YH_OK && i < t->slots; i++)
        if (!bit(b.used, i))
            t->node[i].value = YH_DATRIE_NONE;
    yh_free(b.key);
    yh_free(b.queue);
    yh_free(b.used);
    yh_free(b.based);
    yh_free(b.room);
    yh_free(b.failed);
    if (s != YH_OK)
        yh_datrie_fini(t);
    return s;
}

uint32_t yh_datrie_get(const yh_datrie *t, const char *text, size_t n)
{
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++)
        if ((at = yh_datrie_child(t, at, (uint8_t)text[i])) == 0)
            return YH_DATRIE_NONE;
    return t->node[at].value;
}

void yh_datrie_fini(yh_datrie *t)
{
    yh_free(t->node);
    memset(t, 0, sizeof *t);
}
