/* From counts to a model, all in sorted streams, so that memory does not grow with the text:
 * adjusted counts (of what stands before), discounts, and probabilities from short n-grams to long
 * ones. The definitions are those of Heafield et al., "Scalable Modified Kneser-Ney Language Model
 * Estimation", ACL 2013; what pruned n-grams had goes to the backoff of their context. */
#include <math.h>

#include "base/file.h"
#include "rules/ngram_lm.h"

/* Records in order, one at a time; p NULL: the end. */
typedef struct stream {
    yh_sorter *s;
    size_t size, left;
    const uint8_t *p;
} stream;

static yh_status step(stream *t, yh_err *err)
{
    if (t->left > 1) {
        t->left--;
        t->p += t->size;
        return YH_OK;
    }
    const uint8_t *p;
    YH_TRY(yh_sorter_next(t->s, &p, &t->left, err));
    t->p = t->left > 0 ? p : NULL;
    return YH_OK;
}

static yh_status begin(stream *t, yh_sorter *s, size_t size, yh_err *err)
{
    *t = (stream){.s = s, .size = size};
    return step(t, err);
}

/* A sorter that is being filled. */
typedef struct heap {
    yh_sorter *s;
    yh_batch batch;
} heap;

static void put_double(uint8_t *p, double v)
{
    memcpy(p, &v, sizeof v);
}

static double get_double(const uint8_t *p)
{
    double v;
    memcpy(&v, p, sizeof v);
    return v;
}

enum {
    SUFFIX = 8,    /* key of an n-gram that a longer one ends with */
    ADJUSTED = 32, /* context, key, suffix, adjusted count and whether it stays (4 each) */
    GAMMA = 24,    /* context, what is left for shorter ones, sum of counts */
    PART = 32,     /* suffix, key, discounted share, gamma */
    PROB = 16      /* key, probability */
};

typedef struct estimate {
    yh_lm_counts *c;
    heap suffix[YH_LM_ORDER_MAX], adjusted[YH_LM_ORDER_MAX], gamma, part, prob[2];
    uint64_t n[YH_LM_ORDER_MAX][5]; /* n-grams with an adjusted count of 1 to 4 */
    yh_lm_head head;
    yh_writer w;
} estimate;

static yh_status open_heap(estimate *e, heap *h, size_t size, yh_err *err)
{
    YH_TRY(yh_sorter_create(&h->s, size, yh_lm_share(e->c), e->c->dir, NULL, err));
    h->batch.s = h->s;
    h->batch.size = size;
    h->batch.n = 0;
    return YH_OK;
}

static yh_status close_heap(heap *h, yh_err *err)
{
    YH_TRY(yh_batch_flush(&h->batch, err));
    return yh_sorter_finish(h->s, err);
}

static void free_heap(heap *h)
{
    yh_sorter_free(h->s);
    h->s = NULL;
}

/* ------------------------------------------------------------------ adjusted counts */

/* The next n-gram with the sum of its counts, from which the stream then stands behind. */
static yh_status next_count(stream *t, uint8_t *record, uint32_t *count, yh_err *err)
{
    uint64_t sum = 0;
    memcpy(record, t->p, YH_LM_COUNT_BYTES);
    while (t->p != NULL && memcmp(t->p, record, 8) == 0) {
        sum += yh_sort_get32(t->p + 28);
        YH_TRY(step(t, err));
    }
    *count = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    return YH_OK;
}

/* How many longer n-grams end with this one. */
static yh_status count_left(stream *t, const uint8_t *key, uint32_t *left, yh_err *err)
{
    *left = 0;
    while (t->p != NULL && memcmp(t->p, key, 8) <= 0) {
        *left += memcmp(t->p, key, 8) == 0;
        YH_TRY(step(t, err));
    }
    return YH_OK;
}

/* The n-grams of length i + 1; says to the shorter ones what ends with them. */
static yh_status adjust(estimate *e, int i, yh_err *err)
{
    stream t, longer = {0};
    bool longest = i + 1 == e->c->order;
    uint8_t begin_key[8], record[YH_LM_COUNT_BYTES], *r;
    yh_sort_put64(begin_key, yh_lm_key(0, yh_lm_begin));
    YH_TRY(open_heap(e, &e->adjusted[i], ADJUSTED, err));
    if (i > 0)
        YH_TRY(open_heap(e, &e->suffix[i - 1], SUFFIX, err));
    if (!longest)
        YH_TRY(begin(&longer, e->suffix[i].s, SUFFIX, err));
    YH_TRY(begin(&t, e->c->sorted[i], YH_LM_COUNT_BYTES, err));
    while (t.p != NULL) {
        uint32_t raw, count, left = 0;
        YH_TRY(next_count(&t, record, &raw, err));
        if (!longest)
            YH_TRY(count_left(&longer, record, &left, err));
        count = longest || yh_sort_get32(record + 24) != 0 ? raw : left;
        if (i == 0 && memcmp(record, begin_key, 8) == 0)
            count = 0; /* it is never predicted */
        bool stays = raw > e->c->prune[i];
        e->n[i][count <= 4 ? count : 0]++;
        e->head.count[i] += stays;
        YH_TRY(yh_batch_add(&e->adjusted[i].batch, &r, err));
        memcpy(r, record + 8, 8);
        memcpy(r + 8, record, 8);
        memcpy(r + 16, record + 16, 8);
        yh_sort_put32(r + 24, count);
        yh_sort_put32(r + 28, stays);
        if (i > 0) {
            YH_TRY(yh_batch_add(&e->suffix[i - 1].batch, &r, err));
            memcpy(r, record + 16, 8);
        }
    }
    yh_sorter_free(e->c->sorted[i]);
    e->c->sorted[i] = NULL;
    free_heap(&e->suffix[i]);
    if (i > 0)
        YH_TRY(close_heap(&e->suffix[i - 1], err));
    return close_heap(&e->adjusted[i], err);
}

typedef struct discounts {
    double d[4];
} discounts;

/* Of adjusted counts; where the formula has no answer, KenLM's substitutes. */
static discounts discounts_of(const uint64_t *n)
{
    discounts d = {{0, 0.5, 1, 1.5}}, e = {{0, 0, 0, 0}};
    if (n[1] == 0 || n[2] == 0 || n[3] == 0 || n[4] == 0)
        return d;
    double y = (double)n[1] / ((double)n[1] + 2 * (double)n[2]);
    for (int k = 1; k <= 3; k++) {
        e.d[k] = k - (k + 1) * y * (double)n[k + 1] / (double)n[k];
        if (e.d[k] < 0 || e.d[k] > k)
            return d;
    }
    return e;
}

static double discount(const discounts *d, uint32_t count)
{
    return d->d[count < 3 ? count : 3];
}

/* ------------------------------------------------------------------ probabilities */

/* What each context leaves to shorter ones. */
static yh_status sum_contexts(estimate *e, int i, const discounts *d, yh_err *err)
{
    stream t;
    uint8_t context[8], *r;
    YH_TRY(open_heap(e, &e->gamma, GAMMA, err));
    YH_TRY(begin(&t, e->adjusted[i].s, ADJUSTED, err));
    while (t.p != NULL) {
        double total = 0, left = 0;
        memcpy(context, t.p, 8);
        while (t.p != NULL && memcmp(t.p, context, 8) == 0) {
            uint32_t count = yh_sort_get32(t.p + 24);
            total += count;
            left += yh_sort_get32(t.p + 28) != 0 ? discount(d, count) : count;
            YH_TRY(step(&t, err));
        }
        YH_TRY(yh_batch_add(&e->gamma.batch, &r, err));
        memcpy(r, context, 8);
        put_double(r + 8, left / total);
        put_double(r + 16, total);
    }
    return close_heap(&e->gamma, err);
}

/* The part of a probability that an n-gram has of itself, sorted by what it ends with. */
static yh_status own_parts(estimate *e, int i, const discounts *d, yh_err *err)
{
    stream t, g;
    uint8_t *r;
    YH_TRY(yh_sorter_rewind(e->adjusted[i].s, err));
    YH_TRY(open_heap(e, &e->part, PART, err));
    YH_TRY(begin(&g, e->gamma.s, GAMMA, err));
    YH_TRY(begin(&t, e->adjusted[i].s, ADJUSTED, err));
    while (t.p != NULL) {
        while (g.p != NULL && memcmp(g.p, t.p, 8) < 0)
            YH_TRY(step(&g, err));
        if (g.p == NULL)
            return yh_fail(err, YH_INTERNAL, "an n-gram without its context");
        if (yh_sort_get32(t.p + 28) != 0) {
            uint32_t count = yh_sort_get32(t.p + 24);
            YH_TRY(yh_batch_add(&e->part.batch, &r, err));
            memcpy(r, t.p + 16, 8);
            memcpy(r + 8, t.p + 8, 8);
            put_double(r + 16, (count - discount(d, count)) / get_double(g.p + 16));
            put_double(r + 24, get_double(g.p + 8));
        }
        YH_TRY(step(&t, err));
    }
    free_heap(&e->adjusted[i]);
    return close_heap(&e->part, err);
}

/* Adds what the shorter n-gram has. prob[0] of those, prob[1] of these. */
static yh_status interpolate(estimate *e, int i, double uniform, yh_err *err)
{
    stream t, shorter = {0};
    uint8_t *r;
    YH_TRY(open_heap(e, &e->prob[1], PROB, err));
    YH_TRY(begin(&t, e->part.s, PART, err));
    if (i > 0) {
        YH_TRY(yh_sorter_rewind(e->prob[0].s, err));
        YH_TRY(begin(&shorter, e->prob[0].s, PROB, err));
    }
    while (t.p != NULL) {
        double lower = uniform;
        if (i > 0) {
            while (shorter.p != NULL && memcmp(shorter.p, t.p, 8) < 0)
                YH_TRY(step(&shorter, err));
            bool found = shorter.p != NULL && memcmp(shorter.p, t.p, 8) == 0;
            lower = get_double(t.p + 24) * (found ? get_double(shorter.p + 8) : 0);
        }
        YH_TRY(yh_batch_add(&e->prob[1].batch, &r, err));
        memcpy(r, t.p + 8, 8);
        put_double(r + 8, get_double(t.p + 16) + lower);
        YH_TRY(step(&t, err));
    }
    free_heap(&e->part);
    return close_heap(&e->prob[1], err);
}

/* Writes what prob[0] has, with the backoffs that the longer ones left. */
static yh_status put(estimate *e, bool longest, yh_err *err)
{
    stream t, g = {0};
    YH_TRY(yh_sorter_rewind(e->prob[0].s, err));
    YH_TRY(begin(&t, e->prob[0].s, PROB, err));
    if (!longest) {
        YH_TRY(yh_sorter_rewind(e->gamma.s, err));
        YH_TRY(begin(&g, e->gamma.s, GAMMA, err));
    }
    while (t.p != NULL) {
        yh_lm_entry x = {yh_sort_get64(t.p), (float)log10(get_double(t.p + 8)), 0};
        while (g.p != NULL && memcmp(g.p, t.p, 8) < 0)
            YH_TRY(step(&g, err));
        if (g.p != NULL && memcmp(g.p, t.p, 8) == 0)
            x.backoff = (float)log10(get_double(g.p + 8));
        YH_TRY(yh_writer_write(&e->w, &x, sizeof x, err));
        YH_TRY(step(&t, err));
    }
    free_heap(&e->prob[0]);
    return YH_OK;
}

static yh_status one_length(estimate *e, int i, const char *path, yh_err *err)
{
    discounts d = discounts_of(e->n[i]);
    double uniform = 0;
    YH_TRY(sum_contexts(e, i, &d, err));
    YH_TRY(own_parts(e, i, &d, err));
    if (i == 0) {
        stream g;
        YH_TRY(yh_sorter_rewind(e->gamma.s, err));
        YH_TRY(begin(&g, e->gamma.s, GAMMA, err));
        if (g.p == NULL)
            return yh_fail(err, YH_INTERNAL, "no words were counted");
        uniform = get_double(g.p + 8) / (double)e->head.count[0]; /* <unk> comes in, <s> goes */
        e->head.unknown = (float)log10(uniform);
        YH_TRY(yh_writer_open(&e->w, path, err));
        YH_TRY(yh_writer_write(&e->w, &e->head, sizeof e->head, err));
    }
    YH_TRY(interpolate(e, i, uniform, err));
    if (i > 0)
        YH_TRY(put(e, false, err));
    free_heap(&e->gamma);
    e->prob[0] = e->prob[1];
    e->prob[0].batch.n = 0;
    e->prob[1].s = NULL;
    return YH_OK;
}

static yh_status run(estimate *e, const char *path, yh_err *err)
{
    const int order = e->c->order;
    for (int i = order; i-- > 0;)
        YH_TRY(adjust(e, i, err));
    for (int i = 0; i < order; i++)
        YH_TRY(one_length(e, i, path, err));
    YH_TRY(put(e, true, err));
    return yh_writer_commit(&e->w, err);
}

yh_status yh_lm_estimate(yh_lm_counts *c, const char *path, yh_err *err)
{
    estimate *e = yh_calloc(1, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a model");
    e->c = c;
    e->w = (yh_writer)YH_WRITER_INIT;
    memcpy(e->head.magic, "yhngram1", 8);
    e->head.order = (uint32_t)c->order;
    memcpy(e->head.words, c->words, sizeof c->words);
    yh_status s = run(e, path, err);
    yh_writer_abort(&e->w);
    for (int i = 0; i < YH_LM_ORDER_MAX; i++) {
        free_heap(&e->suffix[i]);
        free_heap(&e->adjusted[i]);
    }
    free_heap(&e->gamma);
    free_heap(&e->part);
    free_heap(&e->prob[0]);
    free_heap(&e->prob[1]);
    yh_free(e);
    return s;
}
