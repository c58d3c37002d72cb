/* The forward pass is that of SentencePiece's EncodeOptimized: scores of the best path to each
 * character's end, ties to the earlier begin. Kudo 2018, "Subword regularization". */
#include <math.h>

#include "text/unigram.h"
#include "text/utf8.h"

#define SPACE "\xE2\x96\x81"

enum { KEY_MAX = 32, ID_MAX = 7, CACHE_SLOTS = 1 << 15 };

typedef struct yh_unigram_seen {
    uint8_t len, n;  /* len 0: empty */
    uint16_t margin; /* 0: the tokens behind a sum of 0; else see yh_unigram_text */
    uint8_t key[KEY_MAX];
    uint32_t id[ID_MAX];
} yh_unigram_seen;

typedef struct yh_unigram_node {
    double score, second; /* second: of the best path that was not taken */
    uint32_t id, begin;   /* of the last token on the path to here; begin UINT32_MAX: no path */
} yh_unigram_node;

void yh_unigram_init(yh_unigram *m, const yh_bpe *v)
{
    *m = (yh_unigram){.v = v, .unk = YH_NO_ID};
    memset(m->byte_id, 0xFF, sizeof m->byte_id);
}

void yh_unigram_fini(yh_unigram *m)
{
    yh_free(m->score);
    yh_free(m->left_out);
    yh_dtrie_fini(&m->trie);
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

static void find_spaced(yh_unigram *m, const yh_dtrie_key *key, size_t n)
{
    m->widest = fabs(m->unk_score);
    m->spaced = isfinite(m->widest);
    for (size_t i = 0; i < n && m->spaced; i++) {
        const uint8_t *p = (const uint8_t *)key[i].p, *end = p + key[i].len;
        double size = fabs(m->score[key[i].value]);
        m->spaced = isfinite(size) && word_end(p, end) == end;
        m->widest = size > m->widest ? size : m->widest;
    }
}

yh_status yh_unigram_finish(yh_unigram *m, yh_err *err)
{
    const yh_bpe *v = m->v;
    size_t n = 0;
    yh_dtrie_key *key = yh_malloc(((size_t)v->count + 1) * sizeof *key);
    if (key == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a vocabulary");
    for (uint32_t i = 0; i < v->size; i++)
        if (v->begin[i] != SIZE_MAX && v->len[i] > 0 && v->reachable[i] &&
            (m->left_out == NULL || !m->left_out[i]))
            key[n++] = (yh_dtrie_key){v->blob + v->begin[i], v->len[i], i};
    find_spaced(m, key, n);
    yh_status s = yh_dtrie_build(&m->trie, key, n, err);
    yh_free(key);
    m->spaced = m->spaced && s == YH_OK && yh_dtrie_get(&m->trie, SPACE, 3) != YH_DTRIE_NONE;
    return s;
}

void yh_unigram_work_fini(yh_unigram_work *w)
{
    yh_free(w->cache);
    yh_free(w->node);
    *w = (yh_unigram_work){0};
}

static yh_status grow(yh_unigram_work *w, size_t n, yh_err *err)
{
    if (w->cache == NULL) {
        w->cache = yh_calloc(CACHE_SLOTS, sizeof *w->cache);
        if (w->cache == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for an encoder");
    }
    if (n + 1 <= w->cap)
        return YH_OK;
    void *node = yh_grow(w->node, &w->cap, n + 1, sizeof *w->node);
    if (node == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a word of %zu bytes", n);
    w->node = node;
    return YH_OK;
}

static inline void offer(yh_unigram_node *to, double score, uint32_t id, uint32_t begin,
                         bool seconds)
{
    if (to->begin != UINT32_MAX && !(score > to->score)) {
        if (seconds && score > to->second)
            to->second = score;
        return;
    }
    if (seconds)
        to->second = to->begin != UINT32_MAX ? to->score : -HUGE_VAL;
    to->score = score;
    to->id = id;
    to->begin = begin;
}

/* Fills the nodes from the sum before this text; false: a character is unknown and there is no
 * token for that. */
static inline __attribute__((always_inline)) bool forward_with(const yh_unigram *m,
                                                               yh_unigram_node *node,
                                                               const uint8_t *t, size_t n,
                                                               double base, bool seconds)
{
    const yh_dtrie_node *trie = m->trie.node;
    for (size_t i = 0; i <= n; i++)
        node[i].begin = UINT32_MAX;
    node[0].score = base;
    for (size_t at = 0, len; at < n; at += len) {
        double here = node[at].score;
        bool alone = false;
        uint32_t k = 0;
        len = (size_t)yh_utf8_len(t[at]);
        for (size_t i = at; i < n; i++) {
            uint32_t to = trie[k].base ^ t[i];
            if (trie[to].check != k)
                break;
            k = to;
            uint32_t id = trie[k].value;
            if (id == YH_DTRIE_NONE)
                continue;
            offer(&node[i + 1], m->score[id] + here, id, (uint32_t)at, seconds);
            alone = alone || i + 1 - at == len;
        }
        if (alone)
            continue;
        if (m->unk == YH_NO_ID)
            return false;
        offer(&node[at + len], m->unk_score + here, m->unk, (uint32_t)at, seconds);
    }
    return true;
}

static bool forward(const yh_unigram *m, yh_unigram_node *node, const uint8_t *t, size_t n,
                    double base, bool seconds)
{
    return seconds ? forward_with(m, node, t, n, base, true)
                   : forward_with(m, node, t, n, base, false);
}

/* Bytes of t[begin..end), each with the place of all, or of nothing but the last one's. */
static yh_status add_bytes(const yh_unigram *m, yh_places *p, const uint8_t *t, size_t begin,
                           size_t end, bool *done, yh_err *err)
{
    *done = m->fallback;
    for (size_t i = begin; i < end && *done; i++)
        *done = m->byte_id[t[i]] != YH_NO_ID;
    for (size_t i = begin; i < end && *done; i++)
        YH_TRY(
            yh_places_add(p, m->byte_id[t[i]], begin, m->sentencepiece && i + 1 < end ? begin : end, err));
    return YH_OK;
}

/* An unknown text: it may be a token after all, where several unknown characters make one. */
static yh_status add_unknown(const yh_unigram *m, yh_places *p, const uint8_t *t, size_t begin,
                             size_t end, yh_err *err)
{
    bool done = false;
    if (!m->sentencepiece) {
        uint32_t id = yh_dtrie_get(&m->trie, (const char *)t + begin, end - begin);
        if (id != YH_DTRIE_NONE)
            return yh_places_add(p, id, begin, end, err);
    }
    YH_TRY(add_bytes(m, p, t, begin, end, &done, err));
    return done ? YH_OK : yh_places_add(p, m->unk, begin, end, err);
}

/* The best path, from the front. plain: no unknown token is on it. */
static yh_status collect(const yh_unigram *m, yh_unigram_node *node, yh_places *p, const uint8_t *t,
                         size_t n, bool *plain, yh_err *err)
{
    *plain = true;
    /* turn the links around: node[begin].begin becomes the end of the token that begins there */
    uint32_t end = (uint32_t)n, id = 0, at = (uint32_t)n;
    while (at > 0) {
        uint32_t begin = node[at].begin, own = node[at].id;
        node[at].begin = end;
        node[at].id = id;
        end = at;
        id = own;
        at = begin;
    }
    node[0].begin = end;
    node[0].id = id;
    while (at < n) {
        id = node[at].id;
        end = node[at].begin;
        if (id != m->unk) {
            YH_TRY(yh_places_add(p, id, at, end, err));
            at = end;
            continue;
        }
        *plain = false;
        /* SentencePiece turns each unknown character into bytes by itself, and fuses the others */
        bool fuse = !m->sentencepiece || !m->fallback;
        while (fuse && end < n && node[end].id == m->unk)
            end = node[end].begin;
        YH_TRY(add_unknown(m, p, t, at, end, err));
        at = end;
    }
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

yh_status yh_unigram_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_err *err)
{
    bool plain;
    yh_unigram_seen *e = NULL;
    p->n = 0;
    if (n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "a word of %zu bytes: the limit is 4 GB", n);
    YH_TRY(grow(w, n, err));
    if (n <= KEY_MAX) { /* each word's sums begin at 0: the same word, the same tokens */
        e = &w->cache[key_hash(t, n) & (CACHE_SLOTS - 1)];
        if (e->len == n && e->margin == 0 && memcmp(e->key, t, n) == 0) {
            for (size_t i = 0, at = 0; i < e->n; i++) {
                YH_TRY(yh_places_add(p, e->id[i], at, at + m->v->len[e->id[i]], err));
                at += m->v->len[e->id[i]];
            }
            return YH_OK;
        }
    }
    if (!forward(m, w->node, t, n, 0, false))
        return yh_fail(err, YH_INVALID,
                       "a character is in no token and the tokenizer has no unknown token");
    YH_TRY(collect(m, w->node, p, t, n, &plain, err));
    if (e != NULL && plain && p->n <= ID_MAX) {
        e->len = (uint8_t)n;
        e->n = (uint8_t)p->n;
        e->margin = 0;
        memcpy(e->key, t, n);
        memcpy(e->id, p->id, p->n * sizeof *e->id);
    }
    return YH_OK;
}

/* ---- whole texts of SentencePiece ----
 *
 * SentencePiece (since 0.2.1) looks for the best path of the whole text, in sums of double
 * precision: the sum before a word may change how its sums are rounded. But as no token reaches
 * across the begin of a word, its path can be taken with the sum before it alone. And where all
 * paths that were not taken are worse by more than rounding can make up for, the path is the same
 * behind any sum: that margin is kept with the word. */

enum { AHEAD = 1 << 14 }; /* ids */
#define MARGIN_ONE 1024   /* margins are kept in these parts of 1 */

/* How far rounding can move the difference of two paths over n bytes behind the sum `base`: each
 * addition by half a unit of the sum's last place, 2^-53 of it; taken twice. */
static double rounding(const yh_unigram *m, double base, size_t n)
{
    return 2.0 * (double)(n + 1) * (fabs(base) + (double)(n + 1) * m->widest) * 0x1p-52;
}

/* What the path's margin is for sure, whatever the sum before. */
static uint16_t margin_of(const yh_unigram *m, const yh_unigram_node *node, size_t n)
{
    double least = HUGE_VAL;
    for (size_t at = n; at > 0; at = node[at].begin)
        least = fmin(least, node[at].score - node[at].second);
    least = (least - rounding(m, node[0].score, n)) * MARGIN_ONE;
    return least <= 0 ? 0 : least < UINT16_MAX ? (uint16_t)least : UINT16_MAX;
}

/* A word that must be looked at: its tokens to p, *sum moves on. e: where to keep it, or NULL. */
static yh_status text_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                           size_t n, yh_unigram_seen *e, double *sum, yh_err *err)
{
    bool plain;
    YH_TRY(grow(w, n, err));
    if (!forward(m, w->node, t, n, *sum, e != NULL))
        return yh_fail(err, YH_INVALID,
                       "a character is in no token and the tokenizer has no unknown token");
    *sum = w->node[n].score;
    uint16_t margin = e != NULL ? margin_of(m, w->node, n) : 0;
    p->n = 0;
    YH_TRY(collect(m, w->node, p, t, n, &plain, err));
    if (margin > 0 && plain && p->n <= ID_MAX) {
        e->len = (uint8_t)n;
        e->n = (uint8_t)p->n;
        e->margin = margin;
        memcpy(e->key, t, n);
        memcpy(e->id, p->id, p->n * sizeof *e->id);
    }
    return YH_OK;
}

yh_status yh_unigram_text(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, uint32_t **id, size_t *n_ids, size_t *cap, yh_err *err)
{
    double sum = 0;
    YH_TRY(grow(w, 0, err));
    for (size_t at = 0, end; at < n; at = end) {
        end = (size_t)(word_end(t + at, t + n) - t);
        size_t len = end - at;
        if (*cap - *n_ids < len + ID_MAX) { /* a word has at most an id a byte */
            uint32_t *more = yh_grow(*id, cap, *n_ids + len + AHEAD, sizeof *more);
            if (more == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for %zu ids", *n_ids + len);
            *id = more;
        }
        yh_unigram_seen *e = NULL;
        if (len <= KEY_MAX) {
            e = &w->cache[key_hash(t + at, len) & (CACHE_SLOTS - 1)];
            if (e->len == len && memcmp(e->key, t + at, len) == 0 &&
                e->margin > rounding(m, sum, len) * MARGIN_ONE) {
                memcpy(*id + *n_ids, e->id, sizeof e->id);
                *n_ids += e->n;
                for (int i = 0; i < e->n; i++)
                    sum += m->score[e->id[i]];
                continue;
            }
        }
        YH_TRY(text_word(m, w, p, t + at, len, e, &sum, err));
        memcpy(*id + *n_ids, p->id, p->n * sizeof **id);
        *n_ids += p->n;
    }
    return YH_OK;
}
