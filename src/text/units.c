#include "base/hash.h"
#include "base/heap.h"
#include "text/units.h"
#include "text/utf8.h"

/* SHORT: symbols that are merged by looking at all of them again and again. */
#define FROZEN 0x80000000u /* of a symbol that never merges */
#define SPACE  0x2581u     /* SentencePiece's space */
enum { AHEAD = 1 << 14 };  /* ids */
enum { SHORT = 48, JOIN_BITS = 20, KEY_MAX = 30, ID_MAX = 8, CACHE_SLOTS = 1 << 15 };

typedef struct yh_units_seen {
    uint8_t len, n; /* len 0: empty */
    uint8_t key[KEY_MAX];
    uint32_t id[ID_MAX];
} yh_units_seen;

void yh_units_init(yh_units *m, const yh_bpe *v)
{
    *m = (yh_units){.v = v, .unk = YH_NO_ID};
    memset(m->byte_id, 0xFF, sizeof m->byte_id);
}

void yh_units_fini(yh_units *m)
{
    yh_free(m->prefix);
    yh_free(m->suffix);
    yh_free(m->char_id);
    yh_free(m->pair);
    yh_free(m->joins);
    yh_free(m->mark);
    yh_datrie_fini(&m->frozen);
    memset(m, 0, sizeof *m);
}

yh_status yh_units_add(yh_units *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t id,
                       yh_err *err)
{
    if (m->n_pairs >= YH_MAX_MERGES * (size_t)16)
        return yh_fail(err, YH_LIMIT, "more than %u merges", YH_MAX_MERGES * 16);
    yh_units_pair *p = yh_grow(m->pair, &m->pair_cap, m->n_pairs + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the merges");
    m->pair = p;
    p[m->n_pairs++] = (yh_units_pair){(uint64_t)left << 32 | right, rank, id};
    return YH_OK;
}

static inline size_t pair_hash(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32);
}

static inline size_t join_hash(uint32_t a, uint32_t b)
{
    return (a * 0x9E3779B1u ^ b * 0x85EBCA77u) >> (32 - JOIN_BITS);
}

static inline bool joins(const yh_units *m, uint32_t a, uint32_t b)
{
    size_t h = join_hash(a, b);
    return (m->joins[h / 64] >> (h % 64) & 1) != 0;
}

/* The unit at t[0..n): its length, and a number that stands for it. */
static inline size_t unit_at(const yh_units *m, const uint8_t *t, uint32_t *code)
{
    int len = 1;
    *code = m->bytes ? *t : yh_utf8_next(t, &len);
    return (size_t)len;
}

uint32_t yh_units_char(const yh_units *m, uint32_t cp)
{
    if (cp < 0x10000)
        return m->char_id[cp];
    uint8_t text[4];
    return yh_bpe_find(m->v, (const char *)text, (size_t)yh_utf8_encode(cp, text));
}

static yh_status build_pairs(yh_units *m, yh_err *err)
{
    size_t slots = 16;
    while (slots < 2 * m->n_pairs + 1)
        slots *= 2;
    yh_units_pair *hash = yh_malloc(slots * sizeof *hash);
    if (hash == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the merges");
    memset(hash, 0xFF, slots * sizeof *hash);
    m->mark = yh_calloc((size_t)m->parts + 1, sizeof *m->mark);
    if (m->mark == NULL) {
        yh_free(hash);
        return yh_fail(err, YH_NOMEM, "no memory for the merges");
    }
    for (size_t i = 0; i < m->n_pairs; i++) {
        size_t k = pair_hash(m->pair[i].key) & (slots - 1);
        while (hash[k].key != UINT64_MAX && hash[k].key != m->pair[i].key)
            k = (k + 1) & (slots - 1);
        hash[k] = m->pair[i];
        uint32_t left = (uint32_t)(m->pair[i].key >> 32), right = (uint32_t)m->pair[i].key;
        if (left >= m->parts || right >= m->parts)
            continue; /* never met */
        m->mark[left][0] |= (uint64_t)1 << yh_bpe_mark(right);
        m->mark[right][1] |= (uint64_t)1 << yh_bpe_mark(left);
    }
    yh_free(m->pair);
    m->pair = hash;
    m->pairs = slots;
    return YH_OK;
}

/* Characters that are tokens, and those that stand side by side in one. */
static void scan_token(yh_units *m, uint32_t id)
{
    const uint8_t *t = (const uint8_t *)m->v->blob + m->v->begin[id];
    size_t n = m->v->len[id], at = 0;
    uint32_t last = 0, code = 0;
    if (!m->bytes && yh_utf8_valid(t, n) != n)
        return;
    while (at < n) {
        size_t len = unit_at(m, t + at, &code);
        if (at > 0) {
            size_t h = join_hash(last, code);
            m->joins[h / 64] |= (uint64_t)1 << h % 64;
        } else if (len == n && code < 0x10000) {
            m->char_id[code] = id;
        }
        last = code;
        at += len;
    }
}

/* Numbers for characters that are no tokens but stand in some. */
static void number_parts(yh_units *m, uint32_t id, uint32_t *next)
{
    const uint8_t *t = (const uint8_t *)m->v->blob + m->v->begin[id];
    uint32_t code;
    for (size_t at = 0, n = m->v->len[id]; at < n;) {
        at += unit_at(m, t + at, &code);
        if (code < 0x10000 && m->char_id[code] == YH_NO_ID)
            m->char_id[code] = (*next)++;
    }
}

static inline bool is_apart(const yh_units *m, uint32_t a, uint32_t b)
{
    return !joins(m, a, b) && yh_units_char(m, a) < m->v->size && yh_units_char(m, b) < m->v->size;
}

static void fill_apart(yh_units *m)
{
    for (uint32_t a = 0; a < YH_UNITS_NEAR; a++)
        for (uint32_t b = 0; b < YH_UNITS_NEAR; b++)
            if (is_apart(m, a < 0x80 ? a : SPACE, b < 0x80 ? b : SPACE))
                m->apart[a][b / 64] |= (uint64_t)1 << (b % 64);
}

yh_status yh_units_index(yh_units *m, yh_err *err)
{
    uint32_t next = m->v->size;
    m->char_id = yh_malloc(0x10000 * sizeof *m->char_id);
    m->joins = yh_calloc(((size_t)1 << JOIN_BITS) / 64, sizeof *m->joins);
    if (m->char_id == NULL || m->joins == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the vocabulary");
    memset(m->char_id, 0xFF, 0x10000 * sizeof *m->char_id);
    for (uint32_t i = 0; i < m->v->size; i++)
        if (m->v->begin[i] != SIZE_MAX && m->v->reachable[i])
            scan_token(m, i);
    for (uint32_t i = 0; m->late_unk && i < m->v->size; i++)
        if (m->v->begin[i] != SIZE_MAX && m->v->reachable[i])
            number_parts(m, i, &next);
    m->parts = next;
    m->cuts = m->prefix == NULL && m->suffix == NULL && !m->ignore_merges;
    fill_apart(m);
    return YH_OK;
}

yh_status yh_units_finish(yh_units *m, yh_err *err)
{
    return build_pairs(m, err);
}

void yh_units_work_fini(yh_units_work *w)
{
    yh_free(w->cache);
    yh_free(w->sym);
    yh_free(w->len);
    yh_free(w->next);
    yh_free(w->prev);
    yh_free(w->rank);
    yh_free(w->heap);
    *w = (yh_units_work){0};
}

static yh_status grow_work(yh_units_work *w, size_t n, yh_err *err)
{
    if (n <= w->cap)
        return YH_OK;
    if (n < 2 * w->cap)
        n = 2 * w->cap;
    uint32_t **arrays[] = {&w->sym, &w->len, &w->next, &w->prev, &w->rank};
    for (int i = 0; i < 5; i++) {
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

/* ---- merging ---- */

static inline const yh_units_pair *find_pair(const yh_units *m, uint32_t left, uint32_t right)
{
    uint64_t key = (uint64_t)left << 32 | right;
    for (size_t i = pair_hash(key) & (m->pairs - 1);; i = (i + 1) & (m->pairs - 1)) {
        if (m->pair[i].key == key)
            return &m->pair[i];
        if (m->pair[i].key == UINT64_MAX)
            return NULL;
    }
}

static inline uint32_t rank_of(const yh_units *m, uint32_t left, uint32_t right, uint32_t *id)
{
    if (left >= m->parts || right >= m->parts || /* frozen, or in no token */
        (m->mark[left][0] >> yh_bpe_mark(right) & m->mark[right][1] >> yh_bpe_mark(left) & 1) == 0)
        return UINT32_MAX;
    const yh_units_pair *p = find_pair(m, left, right);
    if (p == NULL)
        return UINT32_MAX;
    *id = p->id;
    return p->rank;
}

static size_t merge_short(const yh_units *m, uint32_t *sym, uint32_t *len, size_t n)
{
    uint32_t rank[SHORT], id[SHORT];
    for (size_t i = 0; i + 1 < n; i++)
        rank[i] = rank_of(m, sym[i], sym[i + 1], &id[i]);
    while (n > 1) {
        size_t at = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[at])
                at = i;
        if (rank[at] == UINT32_MAX)
            break;
        sym[at] = id[at];
        len[at] += len[at + 1];
        n--;
        memmove(sym + at + 1, sym + at + 2, (n - at - 1) * sizeof *sym);
        memmove(len + at + 1, len + at + 2, (n - at - 1) * sizeof *len);
        memmove(rank + at, rank + at + 1, (n - at) * sizeof *rank);
        memmove(id + at, id + at + 1, (n - at) * sizeof *id);
        if (at > 0)
            rank[at - 1] = rank_of(m, sym[at - 1], sym[at], &id[at - 1]);
        if (at + 1 < n)
            rank[at] = rank_of(m, sym[at], sym[at + 1], &id[at]);
    }
    return n;
}

/* A linked list of symbols and a heap of (rank, position); an entry is stale when the rank at its
 * position has moved on. */
static size_t merge_long(const yh_units *m, yh_units_work *w, size_t n)
{
    uint32_t *sym = w->sym, *len = w->len, *next = w->next, *prev = w->prev, *rank = w->rank;
    uint64_t *heap = w->heap;
    size_t entries = 0, kept = 0;
    uint32_t id = 0;
    for (size_t i = 0; i < n; i++) {
        next[i] = i + 1 < n ? (uint32_t)i + 1 : UINT32_MAX;
        prev[i] = i > 0 ? (uint32_t)i - 1 : UINT32_MAX;
        rank[i] = i + 1 < n ? rank_of(m, sym[i], sym[i + 1], &id) : UINT32_MAX;
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
        (void)rank_of(m, sym[at], sym[gone], &id);
        sym[at] = id;
        len[at] += len[gone];
        next[at] = next[gone];
        if (next[at] != UINT32_MAX)
            prev[next[at]] = at;
        rank[gone] = UINT32_MAX;
        for (int k = 0; k < 2; k++) {
            uint32_t i = around[k];
            if (i == UINT32_MAX)
                continue;
            rank[i] = next[i] == UINT32_MAX ? UINT32_MAX : rank_of(m, sym[i], sym[next[i]], &id);
            if (rank[i] == UINT32_MAX)
                continue;
            yh_heap_push(heap, &entries, (uint64_t)rank[i] << 32 | i);
        }
    }
    for (uint32_t i = 0; i != UINT32_MAX; i = next[i]) {
        sym[kept] = sym[i]; /* kept <= i: nothing unread is overwritten */
        len[kept++] = len[i];
    }
    return kept;
}

/* ---- one word ---- */

/* Id of a unit with the word's prefix and suffix. */
static uint32_t dressed(const yh_units *m, const uint8_t *t, size_t n, bool first, bool last)
{
    char text[256 + 4 + 256];
    size_t k = 0;
    if (m->prefix != NULL && !first)
        k = strlen(memcpy(text, m->prefix, strlen(m->prefix) + 1));
    memcpy(text + k, t, n);
    k += n;
    if (m->suffix != NULL && last) {
        memcpy(text + k, m->suffix, strlen(m->suffix));
        k += strlen(m->suffix);
    }
    return yh_bpe_find(m->v, text, k);
}

typedef struct symbols {
    yh_units_work *w;
    size_t n, pending; /* bytes of unknown units that are still to become a token; 0: none */
    bool plain;        /* every symbol is as long as its token */
    bool dropped;
} symbols;

static void add_symbol(symbols *s, uint32_t id, size_t len)
{
    s->w->sym[s->n] = id;
    s->w->len[s->n++] = (uint32_t)len;
}

static void flush_unknown(const yh_units *m, symbols *s)
{
    if (s->pending > 0)
        add_symbol(s, m->unk, s->pending);
    s->pending = 0;
}

/* A unit that is no token. */
static void add_unknown(const yh_units *m, symbols *s, const uint8_t *t, size_t n)
{
    bool all = m->fallback;
    s->plain = false;
    for (size_t i = 0; i < n && all; i++)
        all = m->byte_id[t[i]] != YH_NO_ID;
    if (all) { /* unknown units before stay pending: so has it Hugging Face */
        for (size_t i = 0; i < n; i++)
            add_symbol(s, m->byte_id[t[i]], 1);
        return;
    }
    if (m->unk == YH_NO_ID) {
        s->dropped = true;
        return;
    }
    if (!m->fuse_unk)
        flush_unknown(m, s);
    s->pending += n;
}

/* Symbols of t[0..n), a part of a word: whether it is the word's first and last. */
static yh_status to_symbols(const yh_units *m, symbols *s, const uint8_t *t, size_t n, bool first,
                            bool last, yh_err *err)
{
    uint32_t code;
    bool dress = m->prefix != NULL || m->suffix != NULL;
    YH_TRY(grow_work(s->w, n, err));
    for (size_t at = 0, len; at < n; at += len) {
        uint32_t id;
        if (m->frozen.slots > 0 &&
            (len = yh_datrie_longest(&m->frozen, 0, t + at, n - at, &id)) > 0) {
            add_symbol(s, id | FROZEN, len);
            continue;
        }
        len = unit_at(m, t + at, &code);
        if (m->late_unk) {
            add_symbol(s, yh_units_char(m, code) & ~FROZEN, len);
            continue;
        }
        id = dress ? dressed(m, t + at, len, first && at == 0, last && at + len == n)
                   : yh_units_char(m, code);
        if (id == YH_NO_ID) {
            add_unknown(m, s, t + at, len);
            continue;
        }
        flush_unknown(m, s);
        add_symbol(s, id, len);
    }
    flush_unknown(m, s);
    return YH_OK;
}

/* Unknown symbols behind the merges: bytes, or one token for all that stand together. */
static yh_status add_late(const yh_units *m, yh_places *p, bool fuse, const uint8_t *t, size_t at,
                          size_t len, yh_err *err)
{
    bool all = m->fallback;
    for (size_t i = 0; i < len && all; i++)
        all = m->byte_id[t[at + i]] != YH_NO_ID;
    if (all) {
        for (size_t i = 0; i + 1 < len; i++)
            YH_TRY(yh_places_add(p, m->byte_id[t[at + i]], at, at, err));
        return yh_places_add(p, m->byte_id[t[at + len - 1]], at, at + len, err);
    }
    if (!fuse)
        return yh_places_add(p, m->unk, at, at + len, err);
    p->end[p->n - 1] += (uint32_t)len;
    return YH_OK;
}

static yh_status part(const yh_units *m, yh_units_work *w, yh_places *p, const uint8_t *t,
                      size_t begin, size_t n, size_t word, bool *plain, bool *dropped, yh_err *err)
{
    symbols s = {.w = w, .plain = true};
    YH_TRY(to_symbols(m, &s, t + begin, n, begin == 0, begin + n == word, err));
    size_t k = s.n <= SHORT ? merge_short(m, w->sym, w->len, s.n) : merge_long(m, w, s.n);
    bool unknown = false;
    for (size_t i = 0, at = begin; i < k; i++) {
        uint32_t id = w->sym[i] & ~FROZEN;
        if (m->late_unk && id >= m->v->size) {
            YH_TRY(add_late(m, p, unknown, t, at, w->len[i], err));
            unknown = true;
            s.plain = false;
        } else {
            YH_TRY(yh_places_add(p, id, at, at + w->len[i], err));
            unknown = false;
        }
        at += w->len[i];
    }
    *plain = s.plain && m->prefix == NULL && m->suffix == NULL;
    *dropped = *dropped || s.dropped;
    return YH_OK;
}

static inline size_t key_hash(const uint8_t *p, size_t n)
{
    uint64_t h = n * 0x9E3779B97F4A7C15u, v;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&v, p, 8);
        h = (h ^ v) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    for (v = 0; n > 0; n--)
        v = v << 8 | p[n - 1];
    h = (h ^ v) * 0xD6E8FEB86659FD93u;
    return (size_t)(h ^ h >> 29 ^ h >> 47);
}

/* The same through the cache. */
static yh_status cached(const yh_units *m, yh_units_work *w, yh_places *p, const uint8_t *t,
                        size_t begin, size_t n, size_t word, bool *dropped, yh_err *err)
{
    size_t first = p->n;
    bool plain;
    if (n > KEY_MAX)
        return part(m, w, p, t, begin, n, word, &plain, dropped, err);
    yh_units_seen *e = &w->cache[key_hash(t + begin, n) & (CACHE_SLOTS - 1)];
    if (e->len == n && memcmp(e->key, t + begin, n) == 0) {
        for (size_t i = 0, at = begin; i < e->n; i++) {
            YH_TRY(yh_places_add(p, e->id[i], at, at + m->v->len[e->id[i]], err));
            at += m->v->len[e->id[i]];
        }
        return YH_OK;
    }
    YH_TRY(part(m, w, p, t, begin, n, word, &plain, dropped, err));
    if (plain && p->n - first <= ID_MAX) {
        e->len = (uint8_t)n;
        e->n = (uint8_t)(p->n - first);
        memcpy(e->key, t + begin, n);
        memcpy(e->id, p->id + first, e->n * sizeof *e->id);
    }
    return YH_OK;
}

/* Place in the table of the character at t, YH_UNITS_NEAR: it is not there. */
static inline uint32_t near_at(const uint8_t *t, size_t *len)
{
    *len = 1;
    if (t[0] < 0x80)
        return t[0];
    *len = (size_t)yh_utf8_len(t[0]);
    return t[0] == 0xE2 && t[1] == 0x96 && t[2] == 0x81 ? 0x80 : YH_UNITS_NEAR;
}

/* End of the part at `at`: where no token reaches across, and both sides are known. */
static inline size_t part_end(const yh_units *m, const uint8_t *t, size_t n, size_t at)
{
    size_t last, len;
    uint32_t a, b;
    int k;
    if (m->bytes) {
        while (++at < n && !is_apart(m, t[at - 1], t[at]))
            ;
        return at;
    }
    for (a = near_at(t + at, &len);; a = b) {
        last = at;
        at += len;
        if (at >= n)
            return n;
        b = near_at(t + at, &len);
        if (a < YH_UNITS_NEAR && b < YH_UNITS_NEAR) {
            if (m->apart[a][b / 64] >> (b % 64) & 1)
                return at;
        } else if (is_apart(m, yh_utf8_next(t + last, &k), yh_utf8_next(t + at, &k))) {
            return at;
        }
    }
}

/* A byte's width in GPT-2's alphabet. */
static size_t width(const yh_units *m, uint8_t byte)
{
    return m->bytes && yh_byte_char(byte) >= 0x80 ? 2 : 1;
}

/* Hugging Face adds up the lengths of the tokens that are left where unknown units vanished, in the
 * alphabet's characters where it is in use: the same sums, brought back to bytes of the word. */
static void shift_places(const yh_units *m, yh_places *p, const uint8_t *t, size_t n)
{
    const yh_bpe *v = m->v;
    size_t sum = 0, i = 0, at = 0; /* at: width of t[0..i) */
    for (size_t k = 0; k < p->n; k++) {
        size_t from = sum, j, to;
        if (m->bytes)
            for (size_t b = 0; b < v->len[p->id[k]]; b++)
                sum += width(m, (uint8_t)v->blob[v->begin[p->id[k]] + b]);
        else
            sum += p->end[k] - p->begin[k];
        while (i < n && at + width(m, t[i]) <= from)
            at += width(m, t[i++]);
        for (j = i, to = at; j < n && to < sum; j++)
            to += width(m, t[j]);
        p->begin[k] = (uint32_t)i;
        p->end[k] = (uint32_t)j;
    }
}

static yh_status make_cache(yh_units_work *w, yh_err *err)
{
    if (w->cache == NULL)
        w->cache = yh_calloc(CACHE_SLOTS, sizeof *w->cache);
    return w->cache != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for an encoder");
}

yh_status yh_units_word(const yh_units *m, yh_units_work *w, yh_places *p, const uint8_t *t,
                        size_t n, yh_err *err)
{
    bool dropped = false, plain;
    p->n = 0;
    if (m->ignore_merges) {
        uint32_t id = yh_bpe_find(m->v, (const char *)t, n);
        if (id != YH_NO_ID)
            return yh_places_add(p, id, 0, n, err);
    }
    YH_TRY(make_cache(w, err));
    if (!m->cuts)
        YH_TRY(part(m, w, p, t, 0, n, n, &plain, &dropped, err));
    else
        for (size_t at = 0, end; at < n; at = end) {
            end = part_end(m, t, n, at);
            YH_TRY(cached(m, w, p, t, at, end - at, n, &dropped, err));
        }
    if (dropped)
        shift_places(m, p, t, n);
    return YH_OK;
}

/* A part that is not in the cache: its ids to the end of *o. */
static yh_status miss(const yh_units *m, yh_units_work *w, yh_bpe_work *words, yh_places *p,
                      const uint8_t *t, size_t n, uint64_t lo, uint64_t hi, uint32_t *id,
                      size_t *n_ids, yh_err *err)
{
    bool dropped = false;
    p->n = 0;
    YH_TRY(cached(m, w, p, t, 0, n, n, &dropped, err)); /* this one takes longer parts */
    memcpy(id, p->id, p->n * sizeof *id);
    *n_ids = p->n;
    if (n <= YH_WORD_MAX)
        yh_bpe_keep(words, lo, hi, n, id, p->n);
    return YH_OK;
}

yh_status yh_units_text(const yh_units *m, yh_units_work *w, yh_bpe_work *words, yh_places *p,
                        const uint8_t *t, size_t n, uint32_t **id, size_t *n_ids, size_t *cap,
                        yh_err *err)
{
    YH_TRY(yh_bpe_work_init(words, err));
    YH_TRY(make_cache(w, err));
    for (size_t at = 0, end, made; at < n; at = end) {
        end = part_end(m, t, n, at);
        size_t len = end - at;
        if (*cap - *n_ids < len + YH_WORD_IDS) { /* a part has at most an id a byte */
            uint32_t *more = yh_grow(*id, cap, *n_ids + len + AHEAD, sizeof *more);
            if (more == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for %zu ids", *n_ids + len);
            *id = more;
        }
        uint64_t lo = 0, hi = 0;
        if (len <= YH_WORD_MAX) {
            yh_bpe_load(t + at, len, n - at, &lo, &hi);
            const yh_bpe_slot *e = yh_bpe_seen(words, lo, hi, len);
            if (e != NULL) {
                memcpy(*id + *n_ids, e->id, sizeof e->id);
                *n_ids += e->n;
                continue;
            }
        }
        YH_TRY(miss(m, w, words, p, t + at, len, lo, hi, *id + *n_ids, &made, err));
        *n_ids += made;
    }
    return YH_OK;
}
