/* The forward pass is that of SentencePiece's EncodeOptimized: scores of the best path to each
 * character's end, ties to the earlier begin. Kudo 2018, "Subword regularization".
 * SentencePiece adds in single precision, over the whole text; where a sum is larger than
 * YH_UNIGRAM_RESET it is subtracted from all that are in use (since its version 0.2.2). Hugging
 * Face adds in double precision, over a word. */
#include <math.h>

#include "text/unigram.h"
#include "text/utf8.h"

#define SPACE "\xE2\x96\x81"

/* SEGMENT: of longer texts the path is taken, and its nodes are used again, where no other path
 * passes by. FRESH: nodes made at once. */
enum { SEGMENT = 512, FRESH = 4096, AHEAD = 1 << 14 };

typedef struct yh_unigram_node {
    double score;       /* not a number: there is no path to here */
    uint32_t id, begin; /* of the last token on the path to here */
} node;

void yh_unigram_init(yh_unigram *m, const yh_bpe *v)
{
    *m = (yh_unigram){.v = v, .unk = YH_NO_ID};
    memset(m->byte_id, 0xFF, sizeof m->byte_id);
}

void yh_unigram_fini(yh_unigram *m)
{
    yh_free(m->score);
    yh_datrie_fini(&m->trie);
    yh_free(m->first);
    memset(m, 0, sizeof *m);
}

static inline bool is_space(const uint8_t *t, const uint8_t *end)
{
    return t[0] == 0xE2 && end - t >= 3 && t[1] == 0x96 && t[2] == 0x81;
}

/* End of the word at t < end: the next space that follows something else. */
static inline const uint8_t *word_end(const uint8_t *t, const uint8_t *end)
{
    while (t < end && is_space(t, end))
        t += 3;
    while (t < end && !is_space(t, end))
        t++;
    return t;
}

static void find_spaced(yh_unigram *m, const yh_datrie_key *key, size_t n)
{
    m->widest = fabs(m->unk_score);
    m->spaced = isfinite(m->widest);
    for (size_t i = 0; i < n && m->spaced; i++) {
        const uint8_t *p = (const uint8_t *)key[i].text, *end = p + key[i].len;
        double size = fabs(m->score[key[i].value]);
        m->spaced = isfinite(size) && word_end(p, end) == end;
        m->widest = size > m->widest ? size : m->widest;
    }
}

/* Nodes behind every character of at most three bytes. */
static yh_status index_first(yh_unigram *m, yh_err *err)
{
    m->first = yh_malloc(0x10000 * sizeof *m->first);
    if (m->first == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a vocabulary");
    for (uint32_t cp = 0; cp < 0x10000; cp++) {
        uint8_t text[4];
        uint32_t at = 0;
        int n = yh_utf8_encode(cp, text), i = 0;
        while (i < n && (at = yh_datrie_child(&m->trie, at, text[i])) != 0)
            i++;
        m->first[cp] = i == n ? m->trie.node[at] : (yh_datrie_node){0, YH_DATRIE_NONE};
    }
    return YH_OK;
}

yh_status yh_unigram_finish(yh_unigram *m, yh_err *err)
{
    const yh_bpe *v = m->v;
    size_t n = 0;
    yh_datrie_key *key = yh_malloc(((size_t)v->count + 1) * sizeof *key);
    if (key == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a vocabulary");
    m->longest = 4;
    for (uint32_t i = 0; i < v->size; i++)
        if (v->begin[i] != SIZE_MAX && v->len[i] > 0 && v->reachable[i]) {
            key[n++] = (yh_datrie_key){v->blob + v->begin[i], v->len[i], i};
            m->longest = v->len[i] > m->longest ? v->len[i] : m->longest;
        }
    find_spaced(m, key, n);
    yh_status s = yh_datrie_build(&m->trie, key, n, NULL, err);
    yh_free(key);
    m->by_bytes = m->sentencepiece && m->fallback && !v->reachable[m->unk];
    for (int b = 0; b < 256 && m->by_bytes; b++)
        m->by_bytes = m->byte_id[b] < v->size && !v->reachable[m->byte_id[b]];
    for (int b = 0; b < 256 && m->by_bytes; b++)
        m->score[m->byte_id[b]] = (b & 0xC0) == 0x80 ? 0 : m->unk_score;
    m->spaced = m->spaced && s == YH_OK && yh_datrie_get(&m->trie, SPACE, 3) != YH_DATRIE_NONE;
    return s == YH_OK ? index_first(m, err) : s;
}

void yh_unigram_work_fini(yh_unigram_work *w)
{
    yh_free(w->cache_memory);
    yh_free(w->node);
    *w = (yh_unigram_work){0};
}

yh_status yh_unigram_work_init(yh_unigram_work *w, yh_err *err)
{
    if (w->cache != NULL)
        return YH_OK;
    /* zeroed, and touched only where words go: an encoder for a short text costs little */
    w->cache_memory = yh_calloc(((size_t)2 << YH_UNIGRAM_BITS) + 1, sizeof *w->cache);
    if (w->cache_memory == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for an encoder");
    w->cache = (yh_unigram_slot *)(((uintptr_t)w->cache_memory + 63) & ~(uintptr_t)63);
    return YH_OK;
}

void yh_unigram_keep(yh_unigram_work *w, uint64_t lo, uint64_t hi, size_t len, const uint32_t *id,
                     size_t n)
{
    if (n > YH_UNIGRAM_IDS)
        return;
    yh_unigram_slot *s = yh_unigram_bucket(w, lo, hi, len);
    if (s[0].len != 0)
        s[1] = s[0];
    s->lo = lo;
    s->hi = hi;
    s->len = (uint8_t)len;
    s->n = (uint8_t)n;
    memcpy(s->id, id, n * sizeof *id);
}

/* ---- the best path ---- */

/* More nodes without a path: n at least. */
static yh_status freshen(yh_unigram_work *w, size_t n, yh_err *err)
{
    n += FRESH;
    void *p = yh_grow(w->node, &w->cap, n, sizeof *w->node);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
    w->node = p;
    memset(w->node + w->fresh, 0xFF, (n - w->fresh) * sizeof *w->node);
    w->fresh = n;
    return YH_OK;
}

static inline void offer(node *to, double score, uint32_t id, uint32_t begin, double *second)
{
    bool better = !(score <= to->score);
    uint64_t bits[2], now;
    if (second != NULL && !better)
        *second = score > *second ? score : *second;
    else if (second != NULL)
        *second = isnan(to->score) ? -HUGE_VAL : to->score;
    /* without jumps, as nobody can guess them */
    memcpy(bits, to, sizeof bits);
    memcpy(&now, &score, sizeof now);
    bits[0] = better ? now : bits[0];
    node from = {0, id, begin};
    uint64_t back;
    memcpy(&back, &from.id, sizeof back);
    bits[1] = better ? back : bits[1];
    memcpy(to, bits, sizeof bits);
}

/* The trie's node behind the character at t, and its length. */
static inline yh_datrie_node first_at(const yh_unigram *m, const uint8_t *t, size_t *len)
{
    if (t[0] < 0x80) {
        *len = 1;
        return m->first[t[0]];
    }
    if (t[0] < 0xE0) {
        *len = 2;
        return m->first[(t[0] & 0x1Fu) << 6 | (t[1] & 0x3Fu)];
    }
    if (t[0] < 0xF0) {
        *len = 3;
        return m->first[(t[0] & 0xFu) << 12 | (t[1] & 0x3Fu) << 6 | (t[2] & 0x3Fu)];
    }
    uint32_t at = 0;
    *len = 4;
    for (int i = 0; i < 4; i++)
        if ((at = yh_datrie_child(&m->trie, at, t[i])) == 0)
            return (yh_datrie_node){0, YH_DATRIE_NONE};
    return m->trie.node[at];
}

/* Subtracts the sum to `at` from it and all behind it. Exact. */
static void reset(node *to, size_t at, size_t reach)
{
    double offset = to[at].score;
    for (size_t i = at; i <= reach || i == at; i++)
        to[i].score = (double)(float)(to[i].score - offset); /* stays what is not a number */
}

static inline double sum(double a, double b, bool single)
{
    return single ? (double)(float)(a + b) : a + b;
}

/* Fills the nodes of the segment that begins at t, behind the sum `base`; *end: where it ends: all
 * paths pass there, and that to it does not end in an unknown token. single: in single precision,
 * with resets. second: NULL, or of each node the score of the best path that was not taken. */
static inline __attribute__((always_inline)) yh_status
forward_with(const yh_unigram *m, yh_unigram_work *w, const uint8_t *t, size_t n, double base,
             bool single, double *second, size_t *end, yh_err *err)
{
    const yh_datrie_node *trie = m->trie.node;
    const double *score = m->score;
    size_t at = 0, len, reach = 0;
    if (w->dirty > 0)
        memset(w->node, 0xFF, w->dirty * sizeof *w->node);
    w->dirty = w->fresh; /* should this fail */
    if (w->fresh <= m->longest)
        YH_TRY(freshen(w, m->longest + 1, err));
    node *to = w->node;
    to[0].score = base;
    for (; at < n; at += len) {
        if (at >= SEGMENT && at == reach && to[at].id != m->unk)
            break;
        if (w->fresh <= at + m->longest) {
            YH_TRY(freshen(w, at + m->longest + 1, err));
            to = w->node;
        }
        if (single && fabs(to[at].score) > YH_UNIGRAM_RESET)
            reset(to, at, reach);
        double here = to[at].score;
        yh_datrie_node k = first_at(m, t + at, &len);
        if (k.value != YH_DATRIE_NONE) {
            offer(&to[at + len], sum(score[k.value], here, single), k.value, (uint32_t)at,
                  second != NULL ? &second[at + len] : NULL);
        } else {
            if (m->unk == YH_NO_ID)
                return yh_fail(err, YH_INVALID,
                               "a character is in no token and the tokenizer has no unknown token");
            offer(&to[at + len], sum(m->unk_score, here, single), m->unk, (uint32_t)at,
                  second != NULL ? &second[at + len] : NULL);
        }
        reach = at + len > reach ? at + len : reach;
        for (size_t i = at + len; i < n; i++) {
            k = trie[k.link >> 9 ^ t[i]];
            if ((k.link & 0x1FF) != (t[i] | 0x100u))
                break;
            if (k.value == YH_DATRIE_NONE)
                continue;
            offer(&to[i + 1], sum(score[k.value], here, single), k.value, (uint32_t)at,
                  second != NULL ? &second[i + 1] : NULL);
            reach = i + 1 > reach ? i + 1 : reach;
        }
    }
    *end = at;
    w->dirty = at + 1;
    return YH_OK;
}

static yh_status forward(const yh_unigram *m, yh_unigram_work *w, const uint8_t *t, size_t n,
                         double base, size_t *end, yh_err *err)
{
    return m->sentencepiece ? forward_with(m, w, t, n, base, true, NULL, end, err)
                            : forward_with(m, w, t, n, base, false, NULL, end, err);
}

/* Bytes of t[begin..end), each with the place of all, or of nothing but the last one's. */
static yh_status add_bytes(const yh_unigram *m, yh_places *p, const uint8_t *t, size_t begin,
                           size_t end, bool *done, yh_err *err)
{
    *done = m->fallback;
    for (size_t i = begin; i < end && *done; i++)
        *done = m->byte_id[t[i]] != YH_NO_ID;
    for (size_t i = begin; i < end && *done; i++)
        YH_TRY(yh_places_add(p, m->byte_id[t[i]], begin,
                             m->sentencepiece && i + 1 < end ? begin : end, err));
    return YH_OK;
}

/* An unknown text: it may be a token after all, where several unknown characters make one. */
static yh_status add_unknown(const yh_unigram *m, yh_places *p, const uint8_t *t, size_t begin,
                             size_t end, yh_err *err)
{
    bool done = false;
    if (!m->sentencepiece) {
        uint32_t id = yh_datrie_get(&m->trie, (const char *)t + begin, end - begin);
        if (id != YH_DATRIE_NONE)
            return yh_places_add(p, id, begin, end, err);
    }
    YH_TRY(add_bytes(m, p, t, begin, end, &done, err));
    return done ? YH_OK : yh_places_add(p, m->unk, begin, end, err);
}

/* The best path over the segment t[begin..begin + n), from the front. */
static yh_status collect(const yh_unigram *m, node *to, yh_places *p, const uint8_t *t,
                         size_t begin, size_t n, yh_err *err)
{
    /* turn the links around: begin of a token's begin becomes its end */
    uint32_t end = (uint32_t)n, id = 0, at = (uint32_t)n;
    while (at > 0) {
        uint32_t from = to[at].begin, own = to[at].id;
        to[at].begin = end;
        to[at].id = id;
        end = at;
        id = own;
        at = from;
    }
    to[0].begin = end;
    to[0].id = id;
    while (at < n) {
        id = to[at].id;
        end = to[at].begin;
        if (id != m->unk) {
            YH_TRY(yh_places_add(p, id, begin + at, begin + end, err));
            at = end;
            continue;
        }
        /* SentencePiece turns each unknown character into bytes by itself, and fuses the others */
        bool fuse = !m->sentencepiece || !m->fallback;
        while (fuse && end < n && to[end].id == m->unk)
            end = to[end].begin;
        YH_TRY(add_unknown(m, p, t, begin + at, begin + end, err));
        at = end;
    }
    return YH_OK;
}

yh_status yh_unigram_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_err *err)
{
    double before = 0;
    p->n = 0;
    if (n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "a word of %zu bytes: the limit is 4 GB", n);
    for (size_t at = 0, end; at < n; at += end) {
        YH_TRY(forward(m, w, t + at, n - at, before, &end, err));
        before = w->node[end].score;
        YH_TRY(collect(m, w->node, p, t, at, end, err));
    }
    return YH_OK;
}

yh_status yh_unigram_room(yh_ids *out, size_t n, yh_err *err)
{
    if (out->cap - out->n >= n)
        return YH_OK;
    uint32_t *more = yh_grow(out->id, &out->cap, out->n + n + AHEAD, sizeof *more);
    if (more == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu ids", out->n + n);
    out->id = more;
    return YH_OK;
}

/* Appends the ids of the path over a segment. */
static yh_status add_path(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_ids *out, yh_err *err)
{
    YH_TRY(yh_unigram_room(out, n, err)); /* at most an id a byte */
    uint32_t *id = out->id + out->n;
    size_t k = n; /* from the back */
    for (size_t at = n; at > 0; at = w->node[at].begin) {
        if (w->node[at].id != m->unk) {
            id[--k] = w->node[at].id;
        } else if (m->by_bytes) {
            for (size_t i = at; i > w->node[at].begin;)
                id[--k] = m->byte_id[t[--i]];
        } else {
            p->n = 0;
            YH_TRY(collect(m, w->node, p, t, 0, n, err));
            memcpy(id, p->id, p->n * sizeof *id);
            out->n += p->n;
            return YH_OK;
        }
    }
    memmove(id, id + k, (n - k) * sizeof *id);
    out->n += n - k;
    return YH_OK;
}

yh_status yh_unigram_ids(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                         size_t n, double *before, yh_ids *out, yh_err *err)
{
    if (n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "a text of %zu bytes: the limit is 4 GB", n);
    for (size_t at = 0, end; at < n; at += end) {
        YH_TRY(forward(m, w, t + at, n - at, *before, &end, err));
        *before = w->node[end].score;
        YH_TRY(add_path(m, w, p, t + at, end, out, err));
    }
    return YH_OK;
}

yh_status yh_unigram_add_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p,
                              const uint8_t *t, size_t n, size_t left, yh_ids *out, yh_err *err)
{
    double before = 0; /* each word's: the same word, the same ids */
    if (n > YH_UNIGRAM_KEY)
        return yh_unigram_ids(m, w, p, t, n, &before, out, err);
    uint64_t lo, hi;
    YH_TRY(yh_unigram_work_init(w, err));
    yh_bpe_load(t, n, left, &lo, &hi);
    const yh_unigram_slot *s = yh_unigram_seen(w, lo, hi, n);
    size_t begin = out->n;
    if (s != NULL) {
        YH_TRY(yh_unigram_room(out, YH_UNIGRAM_IDS, err));
        memcpy(out->id + begin, s->id, sizeof s->id);
        out->n += s->n;
        return YH_OK;
    }
    YH_TRY(yh_unigram_ids(m, w, p, t, n, &before, out, err));
    yh_unigram_keep(w, lo, hi, n, out->id + begin, out->n - begin);
    return YH_OK;
}

/* ---- words of SentencePiece's texts ----
 *
 * SentencePiece looks for the best path of the whole text: the sum before a word may change how its
 * sums are rounded. But as no token reaches across the begin of a word, its path can be taken with
 * the sum before it alone. And where all paths that were not taken are worse by more than rounding
 * can make up for, the path is the same behind any sum. */

/* The most that a word can add to a sum anywhere in it. */
static double swing(const yh_unigram *m)
{
    return (YH_UNIGRAM_SURE + 1) * m->widest;
}

size_t yh_unigram_trusted(const yh_unigram *m, double before)
{
    double most = YH_UNIGRAM_RESET - swing(m) - fabs(before);
    return most > 0 ? 1 + (size_t)(most / fmax(m->widest, 1e-6)) : 0;
}

yh_status yh_unigram_sure(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_ids *out, bool *sure, yh_err *err)
{
    double second[YH_UNIGRAM_SURE + 1], least = HUGE_VAL, rounding = 0;
    size_t end;
    YH_TRY(forward_with(m, w, t, n, 0, false, second, &end, err));
    /* two paths, each with an addition for each character, rounded by half of the last place of a
     * sum below 2^17 */
    for (size_t i = 0; i < n; i++)
        rounding += (t[i] & 0xC0) != 0x80 ? 2 * 0x1p-8 : 0;
    for (size_t at = n; at > 0; at = w->node[at].begin)
        least = w->node[at].id == m->unk && !m->by_bytes
                    ? 0
                    : fmin(least, w->node[at].score - second[at]);
    *sure = least > rounding + 0x1p-20;
    return *sure ? add_path(m, w, p, t, n, out, err) : YH_OK;
}
