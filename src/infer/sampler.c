/* Choosing the next token. Order of the filters as in transformers and llama.cpp: repetition
 * penalty, top-k, temperature, top-p, min-p. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "infer/sampler.h"

/* Own stream of random numbers: not shared with weights or data. */
static const uint64_t sample_stream = (uint64_t)0x73616d70 << 32;

typedef struct candidate {
    float logit; /* later: probability */
    uint32_t id;
} candidate;

struct yh_sampler {
    uint32_t vocab;
    candidate *c;
};

yh_status yh_sampler_create(yh_sampler **out, uint32_t vocab, yh_err *err)
{
    yh_sampler *s = yh_calloc(1, sizeof *s);
    *out = NULL;
    if (s != NULL)
        s->c = yh_calloc(vocab, sizeof *s->c);
    if (s == NULL || s->c == NULL) {
        yh_sampler_free(s);
        return yh_fail(err, YH_NOMEM, "no memory for a sampler of %u tokens", vocab);
    }
    s->vocab = vocab;
    *out = s;
    return YH_OK;
}

void yh_sampler_free(yh_sampler *s)
{
    if (s == NULL)
        return;
    yh_free(s->c);
    yh_free(s);
}

yh_status yh_sampling_check(const yh_sampling *s, yh_err *err)
{
    if (!(s->temperature >= 0.0f && s->temperature <= 100.0f))
        return yh_fail(err, YH_INVALID, "temperature is %g, must be 0 to 100",
                       (double)s->temperature);
    if (s->top_k < 0)
        return yh_fail(err, YH_INVALID, "top-k is %d, must be 0 (off) or more", s->top_k);
    if (!(s->top_p > 0.0f && s->top_p <= 1.0f))
        return yh_fail(err, YH_INVALID, "top-p is %g, must be above 0 and at most 1 (off)",
                       (double)s->top_p);
    if (!(s->min_p >= 0.0f && s->min_p <= 1.0f))
        return yh_fail(err, YH_INVALID, "min-p is %g, must be 0 (off) to 1", (double)s->min_p);
    if (!(s->repetition_penalty > 0.0f && s->repetition_penalty <= 100.0f))
        return yh_fail(err, YH_INVALID, "repetition penalty is %g, must be above 0, at most 100",
                       (double)s->repetition_penalty);
    return YH_OK;
}

/* The penalty of Keskar et al. 2019 (CTRL): once for each token that occurs, not once per
 * occurrence. */
static void penalise(candidate *c, uint32_t vocab, float penalty, const uint32_t *recent, size_t n)
{
    size_t first = n > YH_SAMPLE_RECENT ? n - YH_SAMPLE_RECENT : 0;
    for (size_t i = first; i < n; i++) {
        bool seen = recent[i] >= vocab;
        for (size_t k = first; k < i && !seen; k++)
            seen = recent[k] == recent[i];
        if (!seen) {
            float *l = &c[recent[i]].logit;
            *l = *l > 0.0f ? *l / penalty : *l * penalty;
        }
    }
}

/* The most likely first; equal ones in the order of ids. NaN comes last. */
static bool before(const candidate *a, const candidate *b)
{
    if (a->logit != b->logit)
        return a->logit > b->logit || (isnan(b->logit) && !isnan(a->logit));
    return a->id < b->id;
}

static int compare(const void *a, const void *b)
{
    return before(a, b) ? -1 : before(b, a) ? 1 : 0;
}

static void sift(candidate *h, size_t n, size_t i)
{
    for (;;) {
        size_t worst = i, l = 2 * i + 1;
        if (l < n && before(&h[worst], &h[l]))
            worst = l;
        if (l + 1 < n && before(&h[worst], &h[l + 1]))
            worst = l + 1;
        if (worst == i)
            return;
        candidate t = h[i];
        h[i] = h[worst];
        h[worst] = t;
        i = worst;
    }
}

/* Moves the k first ones to the front (a heap whose root is the last of them) and sorts them. */
static void select_first(candidate *c, size_t n, size_t k)
{
    if (k < n) {
        for (size_t i = k / 2; i-- > 0;)
            sift(c, k, i);
        for (size_t i = k; i < n; i++)
            if (before(&c[i], &c[0])) {
                candidate t = c[0];
                c[0] = c[i];
                c[i] = t;
                sift(c, k, 0);
            }
    }
    qsort(c, k, sizeof *c, compare);
}

static uint32_t most_likely(const candidate *c, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (before(&c[i], &c[best]))
            best = i;
    return c[best].id;
}

/* Logits to probabilities (of the n candidates), in order; returns how many top-p and min-p keep.
 */
static size_t filter(candidate *c, size_t n, const yh_sampling *s)
{
    double sum = 0.0, kept = 0.0;
    double top = (double)c[0].logit, t = (double)s->temperature;
    for (size_t i = 0; i < n; i++) {
        double p = exp(((double)c[i].logit - top) / t);
        c[i].logit = p > 0.0 ? (float)p : 0.0f; /* NaN: never */
        sum += (double)c[i].logit;
    }
    size_t keep = 0;
    while (keep < n && (keep == 0 || (s->top_p >= 1.0f || kept < (double)s->top_p * sum)) &&
           (keep == 0 || c[keep].logit >= s->min_p * c[0].logit))
        kept += (double)c[keep++].logit;
    return keep;
}

uint32_t yh_sampler_pick(yh_sampler *m, const float *logits, uint32_t vocab, const yh_sampling *s,
                         const uint32_t *recent, size_t n_recent, uint64_t index)
{
    candidate *c = m->c;
    uint32_t r[4];
    if (vocab > m->vocab)
        vocab = m->vocab;
    for (uint32_t i = 0; i < vocab; i++)
        c[i] = (candidate){logits[i], i};
    if (recent != NULL && s->repetition_penalty != 1.0f)
        penalise(c, vocab, s->repetition_penalty, recent, n_recent);
    if (s->temperature <= 0.0f || s->top_k == 1)
        return most_likely(c, vocab);
    size_t n = s->top_k > 0 && (uint32_t)s->top_k < vocab ? (size_t)s->top_k : vocab;
    select_first(c, vocab, n);
    if (!isfinite(c[0].logit))
        return c[0].id;
    n = filter(c, n, s);
    double sum = 0.0, at;
    for (size_t i = 0; i < n; i++)
        sum += (double)c[i].logit;
    yh_philox(s->seed, sample_stream, index, r);
    at = (double)(((uint64_t)r[0] << 32 | r[1]) >> 11) * 0x1p-53 * sum;
    for (size_t i = 0; i + 1 < n; i++) {
        at -= (double)c[i].logit;
        if (at < 0.0)
            return c[i].id;
    }
    return c[n - 1].id;
}

uint32_t yh_sample(const float *logits, uint32_t vocab, const yh_sampling *s,
                   const uint32_t *recent, size_t n_recent, uint64_t index)
{
    yh_sampler *m;
    uint32_t best = 0;
    if (vocab > 0 && yh_sampler_create(&m, vocab, NULL) == YH_OK) {
        best = yh_sampler_pick(m, logits, vocab, s, recent, n_recent, index);
        yh_sampler_free(m);
        return best;
    }
    for (uint32_t i = 1; i < vocab; i++) /* no memory: the most likely one needs none */
        if (logits[i] > logits[best])
            best = i;
    return best;
}
