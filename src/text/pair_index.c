#include "text/pair_index.h"

#include "base/thread.h"

enum { CHUNK = 1 << 18, PARTS_MOST = 64, SKETCH_LEAST = 1 << 12, SKETCH_MOST = 1 << 24 };
#define PART_SYMBOLS ((size_t)32 << 20) /* symbols whose pairs one part may count in memory */

typedef struct yh_pair_chunk {
    struct yh_pair_chunk *next;
    size_t used, cap;
    uint32_t list[];
} yh_pair_chunk;

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM,
                   "no memory to train the tokenizer; give it less with --memory, or train on a "
                   "part of the corpus");
}

static inline uint64_t mix(uint32_t left, uint32_t right)
{
    uint64_t k = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return k ^ k >> 29;
}

static void drop_lists(yh_pair_index *x)
{
    while (x->chunk != NULL) {
        yh_pair_chunk *c = x->chunk;
        x->chunk = c->next;
        yh_free(c);
    }
    x->list_bytes = 0;
}

void yh_pair_index_fini(yh_pair_index *x)
{
    drop_lists(x);
    yh_free(x->pair);
    yh_free(x->slot);
    memset(x, 0, sizeof *x);
}

uint32_t *yh_pair_index_list(yh_pair_index *x, size_t n)
{
    yh_pair_chunk *c = x->chunk;
    if (c == NULL || n > c->cap - c->used) {
        size_t cap = n > CHUNK ? n : CHUNK, bytes = 0;
        if (!yh_mul_size(cap, sizeof(uint32_t), &bytes) || !yh_add_size(bytes, sizeof *c, &bytes) ||
            (c = yh_malloc(bytes)) == NULL)
            return NULL;
        c->used = 0;
        c->cap = cap;
        c->next = x->chunk;
        x->chunk = c;
        x->list_bytes += bytes;
    }
    uint32_t *list = c->list + c->used;
    c->used += n;
    return list;
}

static yh_status grow_slots(yh_pair_index *x, yh_err *err)
{
    size_t slots = x->slots == 0 ? 1 << 12 : x->slots * 2;
    uint32_t *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < x->n; i++) {
        size_t k = mix(x->pair[i].left, x->pair[i].right) & (slots - 1);
        while (slot[k] != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = i + 1;
    }
    yh_free(x->slot);
    x->slot = slot;
    x->slots = slots;
    return YH_OK;
}

uint32_t yh_pair_index_find(const yh_pair_index *x, uint32_t left, uint32_t right)
{
    if (x->slots == 0)
        return UINT32_MAX;
    for (size_t k = mix(left, right) & (x->slots - 1); x->slot[k] != 0;
         k = (k + 1) & (x->slots - 1)) {
        const yh_listed_pair *p = &x->pair[x->slot[k] - 1];
        if (p->left == left && p->right == right)
            return x->slot[k] - 1;
    }
    return UINT32_MAX;
}

yh_status yh_pair_index_add(yh_pair_index *x, uint32_t left, uint32_t right, uint32_t *index,
                            yh_err *err)
{
    if ((x->n + 1) * 2ull > x->slots)
        YH_TRY(grow_slots(x, err));
    if (x->n == UINT32_MAX - 1)
        return yh_fail(err, YH_LIMIT, "too many pairs to train on");
    yh_listed_pair *all = yh_grow(x->pair, &x->cap, (size_t)x->n + 1, sizeof *all);
    if (all == NULL)
        return no_memory(err);
    x->pair = all;
    size_t k = mix(left, right) & (x->slots - 1);
    while (x->slot[k] != 0)
        k = (k + 1) & (x->slots - 1);
    x->slot[k] = x->n + 1;
    *index = x->n;
    all[x->n++] = (yh_listed_pair){.left = left, .right = right};
    return YH_OK;
}

yh_status yh_pair_first_most(const yh_train_words *w, int64_t *most, yh_err *err)
{
    int64_t *count = yh_calloc(65536, sizeof *count);
    *most = 0;
    if (count == NULL)
        return no_memory(err);
    for (size_t at = 0, from = 0; at < w->len;) {
        const uint32_t *p = w->data + at, n = p[2];
        yh_train_words_passed(w, &from, at);
        int64_t c = yh_train_count(p);
        for (uint32_t i = 1; i < n; i++)
            count[p[YH_TRAIN_HEAD + i - 1] << 8 | p[YH_TRAIN_HEAD + i]] += c;
        at += YH_TRAIN_HEAD + n;
    }
    for (size_t k = 0; k < 65536; k++)
        if (count[k] > *most)
            *most = count[k];
    yh_free(count);
    return YH_OK;
}

/* ---- building ---- */

typedef struct tally {
    uint64_t key; /* left << 32 | right */
    int64_t count;
    uint32_t n;    /* words */
    uint32_t last; /* word that was listed last + 1; 0: empty slot */
} tally;

/* Most pairs are rare. The sketch has sums of counts over all pairs of one hash, and only pairs
 * whose sum reaches the threshold are counted one by one. */
typedef struct part {
    uint32_t *sketch; /* stops at its largest value */
    size_t sketch_mask;
    tally *slot;
    size_t slots, n;
    uint64_t words; /* of all pairs that are listed */
    bool failed, full;
} part;

typedef struct build {
    yh_pair_index *x;
    const yh_train_words *w;
    int64_t threshold;
    uint64_t memory; /* that the index may take: 0, no bound */
    uint64_t mass;   /* all pairs */
    int parts;
    part part[PARTS_MOST];
    uint32_t *last; /* by listed pair */
    uint32_t *used;
} build;

/* Closes the gaps that merging left; drops words of one symbol. Returns how many pairs there are.
 */
static uint64_t close_gaps(yh_train_words *w)
{
    size_t to = 0;
    uint64_t mass = 0;
    for (size_t at = 0, from = 0; at < w->len;) {
        uint32_t *p = w->data + at, n = p[2];
        yh_train_words_passed(w, &from, at);
        size_t next = at + YH_TRAIN_HEAD + n;
        while (next < w->len && w->data[next] == YH_TRAIN_GAP)
            next++;
        if (n > 1) {
            mass += (uint64_t)yh_train_count(p) * (n - 1);
            memmove(w->data + to, p, (YH_TRAIN_HEAD + (size_t)n) * sizeof *p);
            to += YH_TRAIN_HEAD + n;
        }
        at = next;
    }
    w->len = to;
    return mass;
}

static bool part_grow(part *p)
{
    size_t slots = p->slots == 0 ? 1 << 12 : p->slots * 2;
    tally *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < p->slots; i++) {
        if (p->slot[i].last == 0)
            continue;
        size_t k = mix((uint32_t)(p->slot[i].key >> 32), (uint32_t)p->slot[i].key) & (slots - 1);
        while (slot[k].last != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = p->slot[i];
    }
    yh_free(p->slot);
    p->slot = slot;
    p->slots = slots;
    return true;
}

static inline bool in_part(uint64_t h, int parts, int i)
{
    return (int)((h >> 32) * (unsigned)parts >> 32) == i;
}

static inline bool may_be_listed(const build *b, const part *p, uint64_t h)
{
    return p->sketch[h & p->sketch_mask] >= (b->threshold < UINT32_MAX ? b->threshold : UINT32_MAX);
}

static bool part_sketch(const build *b, part *p, int index)
{
    const yh_train_words *w = b->w;
    size_t n = SKETCH_LEAST;
    /* so that sums of rare pairs seldom reach the threshold; never much for few words */
    while (n < SKETCH_MOST && n * 8 * (size_t)b->parts < w->len &&
           (b->memory == 0 || n * (size_t)b->parts < b->memory / 64) &&
           n / 8 * (size_t)b->parts < b->mass / (uint64_t)b->threshold)
        n *= 2;
    p->sketch = yh_big_alloc(n * sizeof *p->sketch);
    p->sketch_mask = n - 1;
    if (p->sketch == NULL)
        return false;
    for (size_t at = 0, from = 0; at < w->len;) {
        const uint32_t *s = w->data + at + YH_TRAIN_HEAD, n_sym = s[-1];
        yh_train_words_passed(w, &from, at);
        uint64_t c = (uint64_t)yh_train_count(w->data + at);
        for (uint32_t i = 1; i < n_sym; i++) {
            uint64_t h = mix(s[i - 1], s[i]);
            if (!in_part(h, b->parts, index))
                continue;
            uint32_t *k = &p->sketch[h & p->sketch_mask];
            *k = c < UINT32_MAX - *k ? *k + (uint32_t)c : UINT32_MAX;
        }
        at += YH_TRAIN_HEAD + n_sym;
    }
    return true;
}

static bool part_count(const build *b, part *p, int index)
{
    const yh_train_words *w = b->w;
    uint64_t most = b->memory / 8 / sizeof(tally) / (size_t)b->parts;
    if (!part_sketch(b, p, index))
        return false;
    for (size_t at = 0, from = 0; at < w->len;) {
        const uint32_t *s = w->data + at + YH_TRAIN_HEAD, n = s[-1];
        yh_train_words_passed(w, &from, at);
        int64_t c = yh_train_count(w->data + at);
        uint32_t word = (uint32_t)at + 1;
        for (uint32_t i = 1; i < n; i++) {
            uint64_t h = mix(s[i - 1], s[i]), key = (uint64_t)s[i - 1] << 32 | s[i];
            if (!in_part(h, b->parts, index) || !may_be_listed(b, p, h))
                continue;
            if ((p->n + 1) * 3 > p->slots * 2) {
                p->full = b->memory != 0 && p->slots >= most && p->slots > 0;
                if (p->full)
                    return true;
                if (!part_grow(p))
                    return false;
            }
            size_t k = h & (p->slots - 1);
            while (p->slot[k].last != 0 && p->slot[k].key != key)
                k = (k + 1) & (p->slots - 1);
            tally *t = &p->slot[k];
            p->n += t->last == 0;
            t->key = key;
            t->count += c;
            t->n += t->last != word;
            t->last = word;
        }
        at += YH_TRAIN_HEAD + n;
    }
    /* only what is listed stays */
    p->n = 0;
    for (size_t i = 0; i < p->slots; i++)
        if (p->slot[i].last != 0 && p->slot[i].count >= b->threshold) {
            p->words += p->slot[i].n;
            p->slot[p->n++] = p->slot[i];
        }
    tally *less = yh_realloc(p->slot, (p->n + 1) * sizeof *less);
    if (less != NULL)
        p->slot = less;
    return true;
}

static void count_parts(void *arg, int64_t begin, int64_t end, int thread)
{
    build *b = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        b->part[i].failed = !part_count(b, &b->part[i], (int)i);
}

static void list_parts(void *arg, int64_t begin, int64_t end, int thread)
{
    build *b = arg;
    const yh_train_words *w = b->w;
    yh_pair_index *x = b->x;
    (void)thread;
    for (int64_t mine = begin; mine < end; mine++)
        for (size_t at = 0, from = 0; at < w->len;) {
            const uint32_t *s = w->data + at + YH_TRAIN_HEAD, n = s[-1];
            yh_train_words_passed(w, &from, at);
            for (uint32_t i = 1; i < n; i++) {
                uint64_t h = mix(s[i - 1], s[i]);
                if (!in_part(h, b->parts, (int)mine) || !may_be_listed(b, &b->part[mine], h))
                    continue;
                uint32_t k = yh_pair_index_find(x, s[i - 1], s[i]);
                if (k == UINT32_MAX || b->last[k] == (uint32_t)at + 1)
                    continue;
                b->last[k] = (uint32_t)at + 1;
                x->pair[k].words[b->used[k]++] = (uint32_t)at;
            }
            at += YH_TRAIN_HEAD + n;
        }
}

static yh_status list_all(build *b, yh_pool *pool, yh_err *err)
{
    yh_pair_index *x = b->x;
    for (int i = 0; i < b->parts; i++)
        for (size_t k = 0; k < b->part[i].n; k++) {
            const tally *t = &b->part[i].slot[k];
            uint32_t at;
            YH_TRY(yh_pair_index_add(x, (uint32_t)(t->key >> 32), (uint32_t)t->key, &at, err));
            x->pair[at].count = t->count;
            x->pair[at].n = t->n;
            x->pair[at].words = yh_pair_index_list(x, t->n);
            if (x->pair[at].words == NULL)
                return no_memory(err);
        }
    b->last = yh_calloc((size_t)x->n + 1, sizeof *b->last);
    b->used = yh_calloc((size_t)x->n + 1, sizeof *b->used);
    if (b->last == NULL || b->used == NULL)
        return no_memory(err);
    yh_pool_run_dynamic(pool, b->parts, 1, list_parts, b);
    return YH_OK;
}

/* Whether the lists of what is counted fit. */
static bool fits(const build *b)
{
    uint64_t bytes = 0;
    for (int i = 0; i < b->parts; i++) {
        if (b->part[i].full)
            return false;
        bytes += b->part[i].words * sizeof(uint32_t) +
                 b->part[i].n * (sizeof(yh_listed_pair) + sizeof(tally));
    }
    return b->memory == 0 || bytes <= b->memory / 8;
}

yh_status yh_pair_index_build(yh_pair_index *x, yh_train_words *w, int64_t threshold,
                              uint64_t memory, yh_pool *pool, bool *done, yh_err *err)
{
    drop_lists(x);
    x->n = 0;
    if (x->slots > 0)
        memset(x->slot, 0, x->slots * sizeof *x->slot);
    x->blind = threshold - 1;
    build b = {.x = x, .w = w, .threshold = threshold, .memory = memory, .mass = close_gaps(w)};
    size_t parts = w->len / PART_SYMBOLS + 1, threads = (size_t)yh_pool_threads(pool);
    parts = (parts + threads - 1) / threads * threads;
    b.parts = parts > PARTS_MOST ? PARTS_MOST : (int)parts;
    yh_pool_run_dynamic(pool, b.parts, 1, count_parts, &b);
    yh_status s = YH_OK;
    for (int i = 0; i < b.parts; i++)
        if (b.part[i].failed)
            s = no_memory(err);
    *done = s == YH_OK && fits(&b);
    if (*done)
        s = list_all(&b, pool, err);
    for (int i = 0; i < b.parts; i++) {
        yh_free(b.part[i].slot);
        yh_big_free(b.part[i].sketch, (b.part[i].sketch_mask + 1) * sizeof(uint32_t));
    }
    yh_free(b.last);
    yh_free(b.used);
    return s;
}
