/* Frequent substrings, from all sorted suffixes of the words: neighbours in sorted order share
 * prefixes, and every stretch of them that shares more than its surroundings is a candidate. Only
 * the first bytes of a suffix matter, so plain sorting by bytes does. */
#include <math.h>
#include <stdlib.h>

#include "base/thread.h"
#include "text/unigram_train.h"
#include "text/utf8.h"

/* DEEP: bytes of a suffix that are looked at: one character more than a piece may have. */
enum { DEEP = 4 * (YH_UNIGRAM_CHARS + 1), PAIRS = 65536 };

typedef struct candidate {
    uint64_t score;
    uint32_t at, len;
} candidate;

typedef struct gatherer {
    candidate *all;
    size_t n, cap;
    bool failed;
} gatherer;

typedef struct seeding {
    const yh_uni_words *w;
    uint32_t *suffix, *word; /* sorted; the word of each */
    uint32_t *begin;         /* [PAIRS + 1] */
    uint32_t most;
    gatherer *gatherer;
} seeding;

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM,
                   "no memory to train the tokenizer; give it less with --memory, "
                   "or train on a part of the corpus");
}

void yh_piece_list_fini(yh_piece_list *l)
{
    yh_free(l->blob);
    yh_free(l->at);
    yh_free(l->score);
    memset(l, 0, sizeof *l);
}

yh_status yh_piece_list_add(yh_piece_list *l, const void *t, size_t n, double score, yh_err *err)
{
    char *blob = yh_grow(l->blob, &l->cap, l->len + n + 1, 1);
    if (blob != NULL)
        l->blob = blob;
    uint32_t *at = yh_grow(l->at, &l->at_cap, (size_t)l->n + 2, sizeof *at);
    if (at != NULL)
        l->at = at;
    double *s = yh_grow(l->score, &l->score_cap, (size_t)l->n + 1, sizeof *s);
    if (s != NULL)
        l->score = s;
    if (blob == NULL || at == NULL || s == NULL)
        return no_memory(err);
    memcpy(blob + l->len, t, n);
    at[l->n] = (uint32_t)l->len;
    s[l->n++] = score;
    l->len += n;
    at[l->n] = (uint32_t)l->len;
    return YH_OK;
}

/* ---- sorting the suffixes of one bucket ---- */

/* Never asked for behind the zero that ends the word. */
static inline uint8_t byte_at(const uint8_t *blob, uint32_t s, uint32_t d)
{
    return blob[s + d];
}

static void swap_suffix(seeding *g, size_t a, size_t b)
{
    uint32_t s = g->suffix[a], w = g->word[a];
    g->suffix[a] = g->suffix[b];
    g->word[a] = g->word[b];
    g->suffix[b] = s;
    g->word[b] = w;
}

/* Quicksort by the byte at depth d in three parts (Bentley and Sedgewick, 1997). The largest part
 * goes on in the loop and the others are at most half, so calls nest log n deep at most. */
static void sort(seeding *g, size_t lo, size_t hi, uint32_t d)
{
    const uint8_t *blob = g->w->blob;
    while (hi - lo > 1 && d < DEEP) {
        uint8_t a = byte_at(blob, g->suffix[lo], d), b = byte_at(blob, g->suffix[hi - 1], d),
                c = byte_at(blob, g->suffix[lo + (hi - lo) / 2], d);
        uint8_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t lt = lo, i = lo, gt = hi;
        while (i < gt) {
            uint8_t x = byte_at(blob, g->suffix[i], d);
            if (x < pivot)
                swap_suffix(g, lt++, i++);
            else if (x > pivot)
                swap_suffix(g, i, --gt);
            else
                i++;
        }
        size_t less = lt - lo, same = gt - lt, more = hi - gt;
        enum {
            LESS,
            SAME,
            MORE
        } most = less >= same && less >= more ? LESS
                 : more > same                ? MORE
                                              : SAME;
        if (most != LESS)
            sort(g, lo, lt, d);
        if (most != MORE)
            sort(g, gt, hi, d);
        if (most != SAME && pivot != 0)
            sort(g, lt, gt, d + 1);
        if (most == SAME && pivot == 0)
            return; /* all ended */
        if (most == LESS) {
            hi = lt;
        } else if (most == MORE) {
            lo = gt;
        } else {
            lo = lt;
            hi = gt;
            d++;
        }
    }
}

/* ---- candidates ---- */

static int better_first(const void *x, const void *y, const uint8_t *blob)
{
    const candidate *a = x, *b = y;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    int c = memcmp(blob + a->at, blob + b->at, a->len < b->len ? a->len : b->len);
    return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static int compare_candidates(const void *x, const void *y, void *blob)
{
    return better_first(x, y, blob);
}

static void keep_best(const seeding *g, gatherer *k)
{
    qsort_r(k->all, k->n, sizeof *k->all, compare_candidates, g->w->blob);
    if (k->n > g->most)
        k->n = g->most;
}

/* A string that `weight` occurrences of text share; shorter ones up to `above` bytes are shared by
 * more. */
static void candidate_of(const seeding *g, gatherer *k, uint32_t at, uint32_t len, uint32_t above,
                         uint64_t weight)
{
    const uint8_t *p = g->w->blob + at;
    uint32_t chars = 0, n = 0;
    if (weight < 2)
        return;
    while (n < len && chars <= YH_UNIGRAM_CHARS) {
        uint32_t next = n + (uint32_t)yh_utf8_len(p[n]);
        if (next > len)
            break; /* the last character is not shared whole */
        n = next;
        chars++;
    }
    if (chars < 2 || chars > YH_UNIGRAM_CHARS || n <= above)
        return;
    if (k->n > 4 * (size_t)g->most + 1000)
        keep_best(g, k);
    candidate *all = yh_grow(k->all, &k->cap, k->n + 1, sizeof *all);
    if (all == NULL) {
        k->failed = true;
        return;
    }
    k->all = all;
    all[k->n++] = (candidate){weight * chars, at, n};
}

static uint32_t shared(const uint8_t *a, const uint8_t *b)
{
    uint32_t n = 0;
    while (n < DEEP && a[n] == b[n] && a[n] != 0)
        n++;
    return n;
}

typedef struct stretch {
    uint32_t len; /* bytes shared */
    uint32_t at;
    uint64_t before; /* weight of all suffixes before the first */
} stretch;

static void bucket(const seeding *g, gatherer *k, size_t lo, size_t hi)
{
    stretch open[DEEP + 2];
    size_t n = 0;
    uint64_t before = 0;
    uint32_t len = 0; /* shared with the suffix before */
    for (size_t i = lo; i < hi && !k->failed; i++) {
        const uint8_t *p = g->w->blob + g->suffix[i];
        uint64_t weight = (uint64_t)g->w->count[g->word[i]];
        uint32_t next = i + 1 < hi ? shared(p, g->w->blob + g->suffix[i + 1]) : 0;
        /* the suffix alone, to its end */
        uint32_t most = len > next ? len : next;
        uint32_t whole = g->w->at[g->word[i] + 1] - 1 - g->suffix[i];
        if (whole > most && whole < DEEP)
            candidate_of(g, k, g->suffix[i], whole, most, weight);
        /* stretches open with their first suffix and close when less is shared */
        if (next > len)
            open[n++] = (stretch){next, g->suffix[i], before};
        before += weight;
        while (n > 0 && open[n - 1].len > next) {
            stretch s = open[--n];
            uint32_t above = n > 0 && open[n - 1].len > next ? open[n - 1].len : next;
            candidate_of(g, k, s.at, s.len, above, before - s.before);
            if ((n == 0 || open[n - 1].len < next) && next > 0) {
                open[n++] = (stretch){next, s.at, s.before};
                break;
            }
        }
        len = next;
    }
}

static void buckets(void *arg, int64_t begin, int64_t end, int thread)
{
    seeding *g = arg;
    for (int64_t b = begin; b < end; b++) {
        size_t lo = g->begin[b], hi = g->begin[b + 1];
        if (hi - lo == 0 || (b & 0xFF) == 0)
            continue; /* nothing, or the last character of words */
        sort(g, lo, hi, 2);
        bucket(g, &g->gatherer[thread], lo, hi);
    }
}

/* All places where a character begins, by their first two bytes. */
static yh_status list_suffixes(seeding *g, yh_err *err)
{
    const yh_uni_words *w = g->w;
    uint32_t n = 0;
    g->begin = yh_calloc(PAIRS + 1, sizeof *g->begin);
    if (g->begin == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = w->at[i]; k + 1 < w->at[i + 1]; k++)
            if ((w->blob[k] & 0xC0) != 0x80) {
                g->begin[((uint32_t)w->blob[k] << 8 | w->blob[k + 1]) + 1]++;
                n++;
            }
    for (uint32_t b = 0; b < PAIRS; b++)
        g->begin[b + 1] += g->begin[b];
    g->suffix = yh_malloc(((size_t)n + 1) * sizeof *g->suffix);
    g->word = yh_malloc(((size_t)n + 1) * sizeof *g->word);
    uint32_t *to = yh_malloc(PAIRS * sizeof *to);
    if (g->suffix == NULL || g->word == NULL || to == NULL) {
        yh_free(to);
        return no_memory(err);
    }
    memcpy(to, g->begin, PAIRS * sizeof *to);
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = w->at[i]; k + 1 < w->at[i + 1]; k++)
            if ((w->blob[k] & 0xC0) != 0x80) {
                uint32_t *at = &to[(uint32_t)w->blob[k] << 8 | w->blob[k + 1]];
                g->suffix[*at] = k;
                g->word[(*at)++] = i;
            }
    yh_free(to);
    return YH_OK;
}

/* ---- characters ---- */

static yh_status list_chars(const yh_uni_words *w, yh_piece_list *out, yh_err *err)
{
    int64_t *count = yh_calloc(0x110000, sizeof *count);
    yh_status s = count != NULL ? YH_OK : no_memory(err);
    for (uint32_t i = 0; i < w->n && s == YH_OK; i++)
        for (uint32_t k = w->at[i]; k + 1 < w->at[i + 1];) {
            int len;
            count[yh_utf8_next(w->blob + k, &len)] += w->count[i];
            k += (uint32_t)len;
        }
    for (uint32_t c = 0; c < 0x110000 && s == YH_OK; c++) {
        uint8_t t[4];
        if (count[c] > 0)
            s = yh_piece_list_add(out, t, (size_t)yh_utf8_encode(c, t), (double)count[c], err);
    }
    yh_free(count);
    return s;
}

static bool is_reserved(const yh_uni_words *w, const candidate *c)
{
    for (uint32_t i = 0; i < w->reserved_n; i++)
        if (strlen(w->reserved[i]) == c->len &&
            memcmp(w->reserved[i], w->blob + c->at, c->len) == 0)
            return true;
    return false;
}

static yh_status take_best(seeding *g, int threads, yh_piece_list *out, yh_err *err)
{
    gatherer all = {0};
    yh_status s = YH_OK;
    for (int i = 0; i < threads && s == YH_OK; i++) {
        gatherer *k = &g->gatherer[i];
        candidate *c = yh_grow(all.all, &all.cap, all.n + k->n + 1, sizeof *c);
        if (c == NULL || k->failed) {
            all.all = c != NULL ? c : all.all;
            s = no_memory(err);
            break;
        }
        all.all = c;
        if (k->n > 0)
            memcpy(c + all.n, k->all, k->n * sizeof *c);
        all.n += k->n;
        yh_free(k->all);
        k->all = NULL;
    }
    if (s == YH_OK && all.n > 0)
        keep_best(g, &all);
    for (size_t i = 0; i < all.n && out->n < g->most && s == YH_OK; i++)
        if (!is_reserved(g->w, &all.all[i]))
            s = yh_piece_list_add(out, g->w->blob + all.all[i].at, all.all[i].len,
                                  (double)all.all[i].score, err);
    yh_free(all.all);
    return s;
}

yh_status yh_unigram_seed(const yh_uni_words *w, uint32_t most, yh_pool *pool, yh_piece_list *out,
                          uint32_t *chars, yh_err *err)
{
    seeding g = {.w = w, .most = most};
    int threads = yh_pool_threads(pool);
    memset(out, 0, sizeof *out);
    yh_status s = list_chars(w, out, err);
    *chars = out->n;
    g.gatherer = yh_calloc((size_t)threads, sizeof *g.gatherer);
    if (s == YH_OK && g.gatherer == NULL)
        s = no_memory(err);
    if (s == YH_OK)
        s = list_suffixes(&g, err);
    if (s == YH_OK) {
        yh_pool_run_dynamic(pool, PAIRS, 64, buckets, &g);
        s = take_best(&g, threads, out, err);
    }
    double sum = 0;
    for (uint32_t i = 0; i < out->n; i++)
        sum += out->score[i];
    for (uint32_t i = 0; i < out->n; i++)
        out->score[i] = log(out->score[i]) - log(sum);
    for (int i = 0; i < threads && g.gatherer != NULL; i++)
        yh_free(g.gatherer[i].all);
    yh_free(g.gatherer);
    yh_free(g.suffix);
    yh_free(g.word);
    yh_free(g.begin);
    return s;
}
