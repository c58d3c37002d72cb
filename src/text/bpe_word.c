/* Encoding one word: from the cache, by the exact way, or by merging. */
#include "base/heap.h"
#include "text/bpe.h"

enum { SHORT = 64 };

void yh_bpe_work_fini(yh_bpe_work *w)
{
    yh_free(w->cache_memory);
    yh_free(w->id);
    yh_free(w->dead);
    yh_free(w->sym);
    yh_free(w->next);
    yh_free(w->prev);
    yh_free(w->rank);
    yh_free(w->heap);
    memset(w, 0, sizeof *w);
}

yh_status yh_bpe_work_init(yh_bpe_work *w, yh_err *err)
{
    if (w->cache != NULL)
        return YH_OK;
    /* zeroed, and touched only where words go: an encoder for a short text costs little */
    w->cache_memory = yh_calloc((size_t)YH_WORD_BUCKETS * 2 + 2, sizeof *w->cache);
    if (w->cache_memory == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for an encoder");
    w->cache = (yh_bpe_slot *)(((uintptr_t)w->cache_memory + 63) & ~(uintptr_t)63);
    return YH_OK;
}

/* Short words: look for the lowest rank in a small array, again and again. */
static size_t encode_short(const yh_bpe *b, const uint8_t *t, size_t n, uint32_t *sym)
{
    uint32_t rank[SHORT];
    for (size_t i = 0; i < n; i++)
        sym[i] = b->byte_id[t[i]];
    for (size_t i = 0; i + 1 < n; i++)
        rank[i] = b->byte_rank[(size_t)t[i] << 8 | t[i + 1]];
    while (n > 1) {
        size_t at = 0;
        uint32_t best = rank[0];
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < best) {
                best = rank[i];
                at = i;
            }
        if (best == UINT32_MAX)
            break;
        sym[at] = b->merged[best];
        n--;
        memmove(sym + at + 1, sym + at + 2, (n - at - 1) * sizeof *sym);
        memmove(rank + at, rank + at + 1, (n - at) * sizeof *rank);
        if (at > 0)
            rank[at - 1] = yh_bpe_rank(b, sym[at - 1], sym[at]);
        if (at + 1 < n)
            rank[at] = yh_bpe_rank(b, sym[at], sym[at + 1]);
    }
    return n;
}

static yh_status grow_work(yh_bpe_work *w, size_t n, yh_err *err)
{
    if (n <= w->cap)
        return YH_OK;
    uint32_t **arrays[] = {&w->sym, &w->next, &w->prev, &w->rank};
    for (int i = 0; i < 4; i++) {
        void *p = yh_realloc_array(*arrays[i], n, sizeof(uint32_t));
        if (p == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
        *arrays[i] = p;
    }
    /* a merge takes one entry out and puts at most two in, and there are fewer than n merges */
    void *h = yh_realloc_array(w->heap, n, 2 * sizeof *w->heap);
    if (h == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
    w->heap = h;
    w->cap = n;
    return YH_OK;
}

/* Long words: a linked list of symbols and a heap of (rank, position). An entry is stale when the
 * rank at its position has moved on. */
static yh_status encode_long(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                             uint32_t *id, size_t *n_ids, yh_err *err)
{
    if (n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "a word of %zu bytes: the limit is 4 GB", n);
    YH_TRY(grow_work(w, n, err));
    uint32_t *sym = w->sym, *next = w->next, *prev = w->prev, *rank = w->rank;
    uint64_t *heap = w->heap;
    size_t entries = 0;
    for (size_t i = 0; i < n; i++) {
        sym[i] = b->byte_id[t[i]];
        next[i] = i + 1 < n ? (uint32_t)i + 1 : UINT32_MAX;
        prev[i] = i > 0 ? (uint32_t)i - 1 : UINT32_MAX;
        rank[i] = i + 1 < n ? b->byte_rank[(size_t)t[i] << 8 | t[i + 1]] : UINT32_MAX;
        if (rank[i] != UINT32_MAX)
            heap[entries++] = (uint64_t)rank[i] << 32 | (uint32_t)i;
    }
    yh_heap_make(heap, entries);
    while (entries > 0) {
        const uint64_t least = yh_heap_pop(heap, &entries);
        uint32_t at = (uint32_t)least, r = (uint32_t)(least >> 32);
        if (rank[at] != r)
            continue;
        uint32_t gone = next[at], around[2] = {prev[at], at};
        sym[at] = b->merged[r];
        next[at] = next[gone];
        if (next[at] != UINT32_MAX)
            prev[next[at]] = at;
        rank[gone] = UINT32_MAX;
        for (int k = 0; k < 2; k++) {
            uint32_t i = around[k];
            if (i == UINT32_MAX)
                continue;
            rank[i] = next[i] == UINT32_MAX ? UINT32_MAX : yh_bpe_rank(b, sym[i], sym[next[i]]);
            if (rank[i] == UINT32_MAX)
                continue;
            yh_heap_push(heap, &entries, (uint64_t)rank[i] << 32 | i);
        }
    }
    size_t m = 0;
    for (uint32_t i = 0; i != UINT32_MAX; i = next[i])
        id[m++] = sym[i];
    *n_ids = m;
    return YH_OK;
}

static yh_status encode_merging(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                                uint32_t *id, size_t *n_ids, yh_err *err)
{
    if (n > SHORT)
        return encode_long(b, w, t, n, id, n_ids, err);
    *n_ids = encode_short(b, t, n, id);
    return YH_OK;
}

static yh_status encode_exact(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                              uint32_t *id, size_t *n_ids, yh_err *err)
{
    size_t words = (n + 64) / 64;
    if (words > 1) {
        uint64_t *dead = yh_grow(w->dead, &w->dead_cap, words, sizeof *dead);
        if (dead == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
        w->dead = dead;
        memset(dead, 0, words * sizeof *dead);
    }
    *n_ids = yh_bpe_exact(b, t, n, id, words > 1 ? w->dead : NULL);
    return *n_ids > 0 ? YH_OK : encode_merging(b, w, t, n, id, n_ids, err);
}

void yh_bpe_keep(yh_bpe_work *w, uint64_t lo, uint64_t hi, size_t n, const uint32_t *id,
                 size_t n_ids)
{
    if (n_ids > YH_WORD_IDS)
        return;
    yh_bpe_slot *s = yh_bpe_bucket(w, lo, hi, n);
    s[1] = s[0];
    s[0] = (yh_bpe_slot){.lo = lo, .hi = hi, .len = (uint8_t)n, .n = (uint8_t)n_ids};
    memcpy(s[0].id, id, n_ids * sizeof *id);
}

yh_status yh_bpe_miss(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n, uint64_t lo,
                      uint64_t hi, uint32_t *id, size_t *n_ids, yh_err *err)
{
    uint32_t whole = YH_NO_ID;
    if (b->ignore_merges && b->token == NULL && n <= b->longest)
        whole = yh_bpe_find(b, (const char *)t, n);
    if (whole != YH_NO_ID) {
        id[0] = whole;
        *n_ids = 1;
    } else if (b->token != NULL) {
        YH_TRY(encode_exact(b, w, t, n, id, n_ids, err));
    } else {
        YH_TRY(encode_merging(b, w, t, n, id, n_ids, err));
    }
    if (n <= YH_WORD_MAX)
        yh_bpe_keep(w, lo, hi, n, id, *n_ids);
    return YH_OK;
}

static yh_status room(yh_bpe_work *w, size_t n, yh_err *err)
{
    uint32_t *id = yh_grow(w->id, &w->id_cap, n + YH_WORD_IDS, sizeof *id);
    if (id == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
    w->id = id;
    return YH_OK;
}

yh_status yh_bpe_word(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                      const uint32_t **id, size_t *n_ids, yh_err *err)
{
    uint64_t key[2] = {0, 0};
    if (w->cache == NULL)
        YH_TRY(yh_bpe_work_init(w, err));
    if (n <= YH_WORD_MAX) {
        memcpy(key, t, n);
        yh_bpe_slot *s = yh_bpe_bucket(w, key[0], key[1], n);
        for (int i = 0; i < 2; i++)
            if (s[i].lo == key[0] && s[i].hi == key[1] && s[i].len == n) {
                *id = s[i].id;
                *n_ids = s[i].n;
                return YH_OK;
            }
    }
    YH_TRY(room(w, n, err));
    YH_TRY(yh_bpe_miss(b, w, t, n, key[0], key[1], w->id, n_ids, err));
    *id = w->id;
    return YH_OK;
}

yh_status yh_bpe_word_merging(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                              const uint32_t **id, size_t *n_ids, yh_err *err)
{
    YH_TRY(room(w, n, err));
    *id = w->id;
    uint32_t whole = b->ignore_merges ? yh_bpe_find(b, (const char *)t, n) : YH_NO_ID;
    if (whole == YH_NO_ID)
        return encode_merging(b, w, t, n, w->id, n_ids, err);
    w->id[0] = whole;
    *n_ids = 1;
    return YH_OK;
}
