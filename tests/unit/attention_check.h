/* Checking attention against a plain double-precision reference: odd sizes, document starts,
 * windows, grouped heads, guard pages; equal bits for any number of threads and either way of
 * splitting; gradients checked numerically. Shared by the tests of attention and of its tiles. The
 * including test sets FIRST_TYPE: 0 for F32 and BF16 rows, 1 for BF16 alone. */
#ifndef YH_TESTS_ATTENTION_CHECK_H
#define YH_TESTS_ATTENTION_CHECK_H

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "guarded.h"
#include "kernels/kernels.h"

typedef struct shape {
    int64_t rows;
    int heads, kv_heads, dim;
    int64_t window;
    int64_t doc; /* mean document length; 0: one document; negative: exactly that long */
    int64_t pad; /* extra elements of the row strides */
} shape;

/* All tensors as doubles, contiguous. */
typedef struct reference {
    shape s;
    double scale;
    int32_t *start;
    double *q, *k, *v, *out, *lse, *dout, *dq, *dk, *dv;
} reference;

static double *doubles(int64_t n)
{
    double *p = calloc((size_t)n, sizeof *p);
    assert_non_null(p);
    return p;
}
static double *random_values(int64_t n, yh_rng *rng, yh_dtype type)
{
    double *p = doubles(n);
    for (int64_t i = 0; i < n; i++) {
        float x = (float)yh_rng_normal(rng);
        if (type == YH_BF16)
            x = yh_bf16_to_f32(yh_f32_to_bf16(x));
        p[i] = (double)x;
    }
    return p;
}

static int64_t low(const reference *r, int64_t t)
{
    int64_t lo = r->start[t];
    if (r->s.window > 0 && t - r->s.window + 1 > lo)
        lo = t - r->s.window + 1;
    return lo;
}

static double score(const reference *r, int h, int64_t t, int64_t u)
{
    const int d = r->s.dim, g = h / (r->s.heads / r->s.kv_heads);
    double s = 0;
    for (int i = 0; i < d; i++)
        s += r->q[(t * r->s.heads + h) * d + i] * r->k[(u * r->s.kv_heads + g) * d + i];
    return s * r->scale;
}

static void reference_forward(reference *r)
{
    const shape s = r->s;
    for (int h = 0; h < s.heads; h++)
        for (int64_t t = 0; t < s.rows; t++) {
            const int g = h / (s.heads / s.kv_heads);
            double top = -HUGE_VAL, sum = 0, *o = r->out + (t * s.heads + h) * s.dim;
            for (int64_t u = low(r, t); u <= t; u++)
                top = fmax(top, score(r, h, t, u));
            for (int i = 0; i < s.dim; i++)
                o[i] = 0;
            for (int64_t u = low(r, t); u <= t; u++) {
                double p = exp(score(r, h, t, u) - top);
                sum += p;
                for (int i = 0; i < s.dim; i++)
                    o[i] += p * r->v[(u * s.kv_heads + g) * s.dim + i];
            }
            for (int i = 0; i < s.dim; i++)
                o[i] /= sum;
            r->lse[h * s.rows + t] = top + log(sum);
        }
}

static void reference_backward(reference *r)
{
    const shape s = r->s;
    for (int h = 0; h < s.heads; h++)
        for (int64_t t = 0; t < s.rows; t++) {
            const int g = h / (s.heads / s.kv_heads), d = s.dim;
            const double *o = r->out + (t * s.heads + h) * d, *go = r->dout + (t * s.heads + h) * d;
            double delta = 0;
            for (int i = 0; i < d; i++)
                delta += o[i] * go[i];
            for (int64_t u = low(r, t); u <= t; u++) {
                double p = exp(score(r, h, t, u) - r->lse[h * s.rows + t]), dp = 0;
                const int64_t at = (u * s.kv_heads + g) * d, own = (t * s.heads + h) * d;
                for (int i = 0; i < d; i++)
                    dp += go[i] * r->v[at + i];
                double ds = p * (dp - delta) * r->scale;
                for (int i = 0; i < d; i++) {
                    r->dv[at + i] += p * go[i];
                    r->dk[at + i] += ds * r->q[own + i];
                    r->dq[own + i] += ds * r->k[at + i];
                }
            }
        }
}

static reference reference_new(shape s, yh_dtype type, uint64_t seed)
{
    yh_rng rng;
    yh_rng_init(&rng, seed, 1);
    int64_t nq = s.rows * s.heads * s.dim, nk = s.rows * s.kv_heads * s.dim;
    reference r = {.s = s, .scale = 1 / sqrt((double)s.dim)};
    r.start = calloc((size_t)s.rows + 1, sizeof *r.start);
    assert_non_null(r.start);
    int32_t start = 0;
    for (int64_t t = 0; t < s.rows; t++) {
        if ((s.doc > 0 && yh_rng_below(&rng, (uint64_t)s.doc) == 0) ||
            (s.doc < 0 && t % -s.doc == 0))
            start = (int32_t)t;
        r.start[t] = start;
    }
    r.q = random_values(nq, &rng, type);
    r.k = random_values(nk, &rng, type);
    r.v = random_values(nk, &rng, type);
    r.dout = random_values(nq, &rng, type);
    r.out = doubles(nq);
    r.lse = doubles(s.rows * s.heads);
    r.dq = doubles(nq);
    r.dk = doubles(nk);
    r.dv = doubles(nk);
    return r;
}
static void reference_free(reference *r)
{
    double *all[] = {r->q, r->k, r->v, r->dout, r->out, r->lse, r->dq, r->dk, r->dv};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(r->start);
}

/* ---- the same tensors as the kernels see them ---- */

enum { Q, K, V, OUT, DOUT, DQ, DK, DV, TENSORS };

typedef struct tensors {
    yh_attn a;
    guarded g[TENSORS], lse, start;
    int64_t bytes[TENSORS];
} tensors;

static int64_t width_of(const shape *s, int which)
{
    bool key = which == K || which == V || which == DK || which == DV;
    return (int64_t)(key ? s->kv_heads : s->heads) * s->dim;
}

/* Rows with a stride; the last row ends at the guard page. */
static guarded to_rows(const double *src, int64_t rows, int64_t width, int64_t ld, yh_dtype type,
                       int64_t *bytes)
{
    const int64_t size = type == YH_BF16 ? 2 : 4;
    *bytes = rows > 0 ? ((rows - 1) * ld + width) * size : 0;
    guarded g = guarded_new((size_t)*bytes);
    memset(g.p, 0x7f, (size_t)*bytes); /* huge values or NaN between the rows */
    for (int64_t r = 0; src != NULL && r < rows; r++)
        for (int64_t i = 0; i < width; i++) {
            if (type == YH_BF16)
                ((yh_bf16 *)g.p)[r * ld + i] = yh_f32_to_bf16((float)src[r * width + i]);
            else
                ((float *)g.p)[r * ld + i] = (float)src[r * width + i];
        }
    return g;
}

static tensors tensors_new(const reference *r, yh_dtype type)
{
    const shape s = r->s;
    const double *src[TENSORS] = {[Q] = r->q, [K] = r->k, [V] = r->v, [DOUT] = r->dout};
    tensors t = {.a = {.rows = s.rows,
                       .heads = s.heads,
                       .kv_heads = s.kv_heads,
                       .dim = s.dim,
                       .scale = (float)r->scale,
                       .window = s.window,
                       .type = type}};
    for (int i = 0; i < TENSORS; i++)
        t.g[i] =
            to_rows(src[i], s.rows, width_of(&s, i), width_of(&s, i) + s.pad, type, &t.bytes[i]);
    t.lse = guarded_new((size_t)(s.rows * s.heads) * 4);
    t.start = guarded_new((size_t)s.rows * 4);
    memcpy(t.start.p, r->start, (size_t)s.rows * 4);
    t.a.q = t.g[Q].p;
    t.a.k = t.g[K].p;
    t.a.v = t.g[V].p;
    t.a.out = t.g[OUT].p;
    t.a.dout = t.g[DOUT].p;
    t.a.dq = t.g[DQ].p;
    t.a.dk = t.g[DK].p;
    t.a.dv = t.g[DV].p;
    t.a.lse = t.lse.p;
    t.a.start = t.start.p;
    t.a.ldq = t.a.ldo = width_of(&s, Q) + s.pad;
    t.a.ldk = t.a.ldv = width_of(&s, K) + s.pad;
    return t;
}
static void tensors_free(tensors *t)
{
    for (int i = 0; i < TENSORS; i++)
        guarded_free(&t->g[i]);
    guarded_free(&t->lse);
    guarded_free(&t->start);
}

static double value(const void *p, int64_t i, yh_dtype type)
{
    if (type == YH_BF16)
        return (double)yh_bf16_to_f32(((const yh_bf16 *)p)[i]);
    return (double)((const float *)p)[i];
}

/* Largest difference relative to the root mean square of the tensor, or to the scale of the inputs
 * where a gradient is zero but for rounding. */
static double worst(const void *p, const double *want, int64_t rows, int64_t width, int64_t ld,
                    yh_dtype type)
{
    double sq = 0, top = 0;
    for (int64_t i = 0; i < rows * width; i++)
        sq += want[i] * want[i];
    sq = sqrt(sq / (double)(rows * width)) + 0.2;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < width; i++) {
            double d = fabs(value(p, r * ld + i, type) - want[r * width + i]) / sq;
            if (!(d <= top))
                top = d != d ? 1e300 : d;
        }
    return top;
}

static const shape SHAPES[] = {
    {1, 1, 1, 64, 0, 0, 0},      {64, 2, 2, 64, 0, 0, 0},     {65, 2, 1, 64, 0, 0, 8},
    {200, 4, 2, 32, 0, 0, 0},    {193, 3, 3, 10, 0, 20, 3},   {130, 6, 2, 80, 50, 0, 2},
    {256, 2, 2, 64, 0, -64, 0},  {257, 2, 1, 64, 1, 0, 0},    {300, 4, 1, 96, 70, 40, 0},
    {129, 1, 1, 256, 0, 60, 16}, {97, 2, 2, 6, 33, 7, 1},     {320, 8, 2, 64, 128, -128, 0},
    {70, 2, 1, 7, 0, 0, 0},      {128, 2, 2, 128, 0, -32, 0}, {31, 1, 1, 2, 0, 1, 0},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static void matches_reference(void **state)
{
    (void)state;
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 2, NULL), YH_OK);
    for (int i = 0; i < N_SHAPES; i++)
        for (int b = FIRST_TYPE; b < 2; b++) {
            const yh_dtype type = b ? YH_BF16 : YH_F32;
            /* bf16: results and the probabilities are rounded to 8 bits */
            const double limit = b ? 0.06 : 2e-5;
            const shape s = SHAPES[i];
            reference r = reference_new(s, type, (uint64_t)i + 1);
            tensors t = tensors_new(&r, type);
            reference_forward(&r);
            reference_backward(&r);
            yh_err err = YH_ERR_INIT;
            assert_int_equal(yh_attn_forward(&t.a, pool, &err), YH_OK);
            double e_out = worst(t.a.out, r.out, s.rows, width_of(&s, Q), t.a.ldo, type);
            double e_lse = worst(t.a.lse, r.lse, 1, s.rows * s.heads, 0, YH_F32);
            assert_int_equal(yh_attn_backward(&t.a, pool, &err), YH_OK);
            double e_dq = worst(t.a.dq, r.dq, s.rows, width_of(&s, Q), t.a.ldq, type);
            double e_dk = worst(t.a.dk, r.dk, s.rows, width_of(&s, K), t.a.ldk, type);
            double e_dv = worst(t.a.dv, r.dv, s.rows, width_of(&s, K), t.a.ldv, type);
            if (!(e_out <= limit && e_lse <= 1e-5 && e_dq <= limit && e_dk <= limit &&
                  e_dv <= limit))
                fail_msg("shape %d %s: out %.2e lse %.2e dq %.2e dk %.2e dv %.2e", i,
                         yh_dtype_text(type), e_out, e_lse, e_dq, e_dk, e_dv);
            tensors_free(&t);
            reference_free(&r);
        }
    yh_pool_free(pool);
}

/* Threads decide between one pass over spans and two passes over blocks: the bits are the same. */
static void same_bits_for_any_threads(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int b = FIRST_TYPE; b < 2; b++) {
            const yh_dtype type = b ? YH_BF16 : YH_F32;
            reference r = reference_new(SHAPES[i], type, (uint64_t)i + 50);
            tensors first = tensors_new(&r, type);
            for (int threads = 1; threads <= 5; threads++) {
                yh_pool *pool;
                assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
                tensors t = tensors_new(&r, type), *use = threads == 1 ? &first : &t;
                assert_int_equal(yh_attn_forward(&use->a, pool, NULL), YH_OK);
                assert_int_equal(yh_attn_backward(&use->a, pool, NULL), YH_OK);
                for (int k = 0; threads > 1 && k < TENSORS; k++)
                    assert_memory_equal(t.g[k].p, first.g[k].p, (size_t)t.bytes[k]);
                tensors_free(&t);
                yh_pool_free(pool);
            }
            tensors_free(&first);
            reference_free(&r);
        }
}

/* Rows of a longer causal attention, asked for one by one and as a block, against the cache. */
static void cached_matches_reference(void **state)
{
    (void)state;
    const shape shapes[] = {{70, 4, 2, 64, 0, 0, 0},
                            {1100, 2, 1, 32, 0, 0, 0},
                            {700, 3, 3, 10, 600, 0, 0},
                            {90, 2, 2, 7, 5, 0, 3},
                            {130, 2, 1, 128, 0, 0, 0}};
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 3, NULL), YH_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int b = FIRST_TYPE; b < 2; b++)
            for (int64_t n = 1; n <= 70; n = n == 1 ? 3 : n * 4 + 5) {
                const yh_dtype type = b ? YH_BF16 : YH_F32;
                const shape s = shapes[i];
                reference r = reference_new(s, type, i + 9);
                tensors t = tensors_new(&r, type);
                reference_forward(&r);
                const int64_t from = s.rows - n, size = b ? 2 : 4;
                guarded pos = guarded_new((size_t)n * 4);
                for (int64_t k = 0; k < n; k++)
                    ((int32_t *)pos.p)[k] = (int32_t)(from + k);
                yh_attn_cached c = {.n = n,
                                    .heads = s.heads,
                                    .kv_heads = s.kv_heads,
                                    .dim = s.dim,
                                    .scale = t.a.scale,
                                    .window = s.window,
                                    .type = type,
                                    .pos = pos.p,
                                    .q = (const char *)t.a.q + from * t.a.ldq * size,
                                    .k_cache = t.a.k,
                                    .v_cache = t.a.v,
                                    .out = (char *)t.a.out + from * t.a.ldo * size,
                                    .ldq = t.a.ldq,
                                    .ldkv = t.a.ldk,
                                    .ldo = t.a.ldo};
                assert_int_equal(yh_attn_cached_run(&c, pool, NULL), YH_OK);
                double e =
                    worst(c.out, r.out + from * width_of(&s, Q), n, width_of(&s, Q), t.a.ldo, type);
                if (!(e <= (b ? 0.06 : 2e-5)))
                    fail_msg("shape %zu n %d %s: %.2e", i, (int)n, yh_dtype_text(type), e);
                guarded_free(&pos);
                tensors_free(&t);
                reference_free(&r);
            }
    yh_pool_free(pool);
}

#endif
