/* isa: each */
/* The row kernels against double-precision references: both dtypes, odd widths, guard pages behind
 * every array, splits that must not change bits, gradients against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "guarded.h"
#include "kernels/kernels.h"

enum { ROWS = 5, MAX_WIDTH = 300, MAX_N = ROWS * MAX_WIDTH };
static const int64_t WIDTHS[] = {1, 2, 3, 5, 8, 15, 16, 17, 33, 64, 100, 257};
enum { N_WIDTHS = sizeof WIDTHS / sizeof *WIDTHS };
#define EACH_TYPE(t) for (yh_dtype t = YH_F32; t <= YH_BF16; t++)
#define EACH_WIDTH(w)                                                                              \
    for (int64_t i_ = 0, w = WIDTHS[0]; i_ < N_WIDTHS; i_++, w = i_ < N_WIDTHS ? WIDTHS[i_] : 0)

/* Values in doubles, and as a kernel sees them, ending at a guard page. */
typedef struct values {
    double d[MAX_N];
    guarded g;
    int64_t n;
    yh_dtype type;
} values;

static double rounded(double x, yh_dtype type)
{
    float f = (float)x;
    if (type == YH_BF16)
        f = yh_bf16_to_f32(yh_f32_to_bf16(f));
    return (double)f;
}
static double got(const values *v, int64_t i)
{
    if (v->type == YH_BF16)
        return (double)yh_bf16_to_f32(((const yh_bf16 *)v->g.p)[i]);
    return (double)((const float *)v->g.p)[i];
}
static void write_values(values *v)
{
    for (int64_t i = 0; i < v->n; i++) {
        if (v->type == YH_BF16)
            ((yh_bf16 *)v->g.p)[i] = yh_f32_to_bf16((float)v->d[i]);
        else
            ((float *)v->g.p)[i] = (float)v->d[i];
    }
}
static void values_zero(values *v, yh_dtype type, int64_t n)
{
    v->type = type;
    v->n = n;
    v->g = guarded_new((size_t)n * (type == YH_BF16 ? 2 : 4));
    memset(v->d, 0, sizeof v->d);
}
static void values_random(values *v, yh_dtype type, int64_t n, uint64_t stream)
{
    yh_rng rng;
    yh_rng_init(&rng, 42, stream);
    values_zero(v, type, n);
    for (int64_t i = 0; i < n; i++)
        v->d[i] = rounded(yh_rng_normal(&rng) * 1.5, type);
    write_values(v);
}
static void free_values(values *v, int n)
{
    for (int i = 0; i < n; i++)
        guarded_free(&v[i].g);
}

static void check(const char *what, int64_t i, double have, double want, yh_dtype type)
{
    double limit = type == YH_BF16 ? 5e-3 : 4e-6;
    double d = fabs(have - want), scale = fabs(want) > 1 ? fabs(want) : 1;
    if (!(d <= limit * scale))
        fail_msg("%s[%d] %s: %.9g, expected %.9g", what, (int)i, yh_dtype_text(type), have, want);
}
static void check_all(const char *what, const values *v, const double *want)
{
    for (int64_t i = 0; i < v->n; i++)
        check(what, i, got(v, i), want[i], v->type);
}

/* ---- gradients: d/dx of sum(dy * f(x)) by central differences in double ---- */

typedef void (*forward_fn)(const void *ctx, double *const *in, double *out);

static void numeric_check(const char *what, forward_fn f, const void *ctx, double **in, int which,
                          const values *grad, const double *dy, int64_t n_out)
{
    static double up[MAX_N], down[MAX_N];
    for (int64_t i = 0; i < grad->n; i++) {
        const double eps = 1e-4, keep = in[which][i];
        double sum = 0;
        in[which][i] = keep + eps;
        f(ctx, in, up);
        in[which][i] = keep - eps;
        f(ctx, in, down);
        in[which][i] = keep;
        for (int64_t k = 0; k < n_out; k++)
            sum += dy[k] * (up[k] - down[k]) / (2 * eps);
        double d = fabs(got(grad, i) - sum), scale = fabs(sum) > 1 ? fabs(sum) : 1;
        if (!(d <= (grad->type == YH_BF16 ? 1e-2 : 3e-5) * scale))
            fail_msg("gradient of %s[%d] %s: %.9g, expected %.9g", what, (int)i,
                     yh_dtype_text(grad->type), got(grad, i), sum);
    }
}

/* ---- norms ---- */

typedef struct norm_ctx {
    int64_t width, rows;
    double eps;
} norm_ctx;

static void ref_rms(const void *ctx, double *const *in, double *y)
{
    const norm_ctx *c = ctx;
    for (int64_t r = 0; r < c->rows; r++) {
        double s = 0;
        for (int64_t i = 0; i < c->width; i++)
            s += in[0][r * c->width + i] * in[0][r * c->width + i];
        s = 1 / sqrt(s / (double)c->width + c->eps);
        for (int64_t i = 0; i < c->width; i++)
            y[r * c->width + i] = in[0][r * c->width + i] * s * in[1][i];
    }
}
static void ref_layer(const void *ctx, double *const *in, double *y)
{
    const norm_ctx *c = ctx;
    for (int64_t r = 0; r < c->rows; r++) {
        const double *x = in[0] + r * c->width;
        double m = 0, s = 0;
        for (int64_t i = 0; i < c->width; i++)
            m += x[i] / (double)c->width;
        for (int64_t i = 0; i < c->width; i++)
            s += (x[i] - m) * (x[i] - m);
        s = 1 / sqrt(s / (double)c->width + c->eps);
        for (int64_t i = 0; i < c->width; i++)
            y[r * c->width + i] = (x[i] - m) * s * in[1][i] + in[2][i];
    }
}

enum { X, W, B, Y, DY, DX, DW, DB, MEAN, RSTD, AGAIN, COUNT };
static values v[COUNT];
static double want[MAX_N];

static void norm_case(bool layer, yh_dtype t, int64_t width)
{
    const yh_kernel_table *k = yh_kernels();
    const norm_ctx c = {width, ROWS, (double)1e-2f};
    const int64_t n = ROWS * width;
    double *in[] = {v[X].d, v[W].d, v[B].d};
    for (int i = 0; i < COUNT; i++) {
        bool rows = i == X || i == Y || i == DY || i == DX || i == AGAIN;
        int64_t size = rows ? n : i == MEAN || i == RSTD ? ROWS : width;
        if (i == X || i == W || i == B || i == DY)
            values_random(&v[i], rows ? t : YH_F32, size, (uint64_t)i);
        else
            values_zero(&v[i], rows ? t : YH_F32, size);
    }
    for (int half = 0; half < 2; half++) {
        int64_t b = half ? 2 : 0, e = half ? ROWS : 2;
        if (layer) {
            k->layernorm(t, v[X].g.p, v[W].g.p, v[B].g.p, (float)c.eps, v[Y].g.p, v[MEAN].g.p,
                         v[RSTD].g.p, width, b, e);
            k->layernorm_back(t, v[X].g.p, v[W].g.p, v[MEAN].g.p, v[RSTD].g.p, v[DY].g.p, v[DX].g.p,
                              false, v[DW].g.p, v[DB].g.p, width, b, e);
        } else {
            k->rmsnorm(t, v[X].g.p, v[W].g.p, (float)c.eps, v[Y].g.p, v[RSTD].g.p, width, b, e);
            k->rmsnorm_back(t, v[X].g.p, v[W].g.p, v[RSTD].g.p, v[DY].g.p, v[DX].g.p, false,
                            v[DW].g.p, width, b, e);
        }
    }
    (layer ? ref_layer : ref_rms)(&c, in, want);
    check_all("norm", &v[Y], want);
    numeric_check("x", layer ? ref_layer : ref_rms, &c, in, 0, &v[DX], v[DY].d, n);
    numeric_check("w", layer ? ref_layer : ref_rms, &c, in, 1, &v[DW], v[DY].d, n);
    if (layer)
        numeric_check("b", ref_layer, &c, in, 2, &v[DB], v[DY].d, n);
    /* all rows at once: the same bits; statistics may be left out; add_dx adds */
    if (layer)
        k->layernorm(t, v[X].g.p, v[W].g.p, v[B].g.p, (float)c.eps, v[AGAIN].g.p, NULL, NULL, width,
                     0, ROWS);
    else
        k->rmsnorm(t, v[X].g.p, v[W].g.p, (float)c.eps, v[AGAIN].g.p, NULL, width, 0, ROWS);
    assert_memory_equal(v[AGAIN].g.p, v[Y].g.p, (size_t)n * (t == YH_BF16 ? 2 : 4));
    for (int64_t i = 0; i < n; i++) {
        v[AGAIN].d[i] = 0.5;
        want[i] = rounded(0.5 + got(&v[DX], i), t);
    }
    write_values(&v[AGAIN]);
    if (layer)
        k->layernorm_back(t, v[X].g.p, v[W].g.p, v[MEAN].g.p, v[RSTD].g.p, v[DY].g.p, v[AGAIN].g.p,
                          true, NULL, NULL, width, 0, ROWS);
    else
        k->rmsnorm_back(t, v[X].g.p, v[W].g.p, v[RSTD].g.p, v[DY].g.p, v[AGAIN].g.p, true, NULL,
                        width, 0, ROWS);
    for (int64_t i = 0; i < n; i++) /* the first gradient was rounded on its own */
        assert_true(fabs(got(&v[AGAIN], i) - want[i]) <=
                    (t == YH_BF16 ? 8e-3 : 1e-6) * fmax(1, fabs(want[i])));
    free_values(v, COUNT);
}

static void norms(void **state)
{
    (void)state;
    EACH_TYPE(t)
    EACH_WIDTH(w)
    for (int layer = 0; layer < 2; layer++)
        norm_case(layer, t, w);
}

/* ---- rotary embedding ---- */

typedef struct rope_ctx {
    int heads, dim;
    bool norm;
    const double *cos_sin;
    const int32_t *pos;
} rope_ctx;

static void ref_rope(const void *ctx, double *const *in, double *y)
{
    const rope_ctx *c = ctx;
    const int h = c->dim / 2;
    for (int j = 0; j < ROWS * c->heads; j++) {
        const double *x = in[0] + j * c->dim, *cs = c->cos_sin + c->pos[j / c->heads] * c->dim;
        double s = 0, z[64];
        for (int i = 0; i < c->dim; i++)
            s += x[i] * x[i];
        s = 1 / sqrt(s / c->dim + (double)1e-2f);
        for (int i = 0; i < c->dim; i++)
            z[i] = c->norm ? x[i] * s * in[1][i] : x[i];
        for (int i = 0; i < h; i++) {
            y[j * c->dim + i] = z[i] * cs[i] - z[h + i] * cs[h + i];
            y[j * c->dim + h + i] = z[h + i] * cs[i] + z[i] * cs[h + i];
        }
    }
}

static void rope(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    static const int dims[] = {2, 6, 10, 32, 34, 64};
    EACH_TYPE(t)
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        for (int norm = 0; norm < 2; norm++) {
            const int heads = 3, dim = dims[i];
            const int64_t n = ROWS * heads * dim;
            int32_t pos[ROWS] = {0, 3, 1, 2, 3};
            values cs;
            values_random(&cs, YH_F32, 4 * dim, 99);
            const rope_ctx c = {heads, dim, norm, cs.d, pos};
            values_random(&v[X], t, n, 1);
            values_random(&v[W], YH_F32, dim, 2);
            values_random(&v[DY], t, n, 3);
            values_zero(&v[Y], t, n);
            values_zero(&v[DX], t, n);
            values_zero(&v[DW], YH_F32, dim);
            values_zero(&v[RSTD], YH_F32, ROWS * heads);
            const float *w = norm ? v[W].g.p : NULL;
            for (int half = 0; half < 2; half++) {
                int64_t b = half ? 3 : 0, e = half ? ROWS : 3;
                k->rope_norm(t, v[X].g.p, w, 1e-2f, cs.g.p, pos, v[Y].g.p,
                             norm ? v[RSTD].g.p : NULL, heads, dim, b, e);
                k->rope_norm_back(t, v[X].g.p, w, norm ? v[RSTD].g.p : NULL, cs.g.p, pos, v[DY].g.p,
                                  v[DX].g.p, norm ? v[DW].g.p : NULL, heads, dim, b, e);
            }
            double *in[] = {v[X].d, v[W].d};
            ref_rope(&c, in, want);
            check_all("rope", &v[Y], want);
            numeric_check("x", ref_rope, &c, in, 0, &v[DX], v[DY].d, n);
            if (norm)
                numeric_check("w", ref_rope, &c, in, 1, &v[DW], v[DY].d, n);
            /* in place */
            k->rope_norm(t, v[X].g.p, w, 1e-2f, cs.g.p, pos, v[X].g.p, NULL, heads, dim, 0, ROWS);
            assert_memory_equal(v[X].g.p, v[Y].g.p, (size_t)n * (t == YH_BF16 ? 2 : 4));
            guarded_free(&cs.g);
            values used[] = {v[X], v[W], v[DY], v[Y], v[DX], v[DW], v[RSTD]};
            free_values(used, 7);
        }
}

/* ---- element-wise ---- */

static void ref_swiglu(const void *ctx, double *const *in, double *y)
{
    for (int64_t i = 0; i < *(const int64_t *)ctx; i++)
        y[i] = in[0][i] / (1 + exp(-in[0][i])) * in[1][i];
}
static void ref_gelu(const void *ctx, double *const *in, double *y)
{
    for (int64_t i = 0; i < *(const int64_t *)ctx; i++) {
        double x = in[0][i];
        y[i] = 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    }
}

static void activations(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    EACH_TYPE(t)
    EACH_WIDTH(n)
    {
        double *in[] = {v[X].d, v[W].d};
        for (int i = X; i <= DB; i++) {
            if (i == X || i == W || i == DY)
                values_random(&v[i], t, n, (uint64_t)i);
            else
                values_zero(&v[i], t, n);
        }
        for (int64_t b = 0; b < n; b += 7) { /* pieces of 7: bodies and tails must agree below */
            int64_t e = b + 7 < n ? b + 7 : n;
            k->swiglu(t, v[X].g.p, v[W].g.p, v[Y].g.p, b, e);
            k->swiglu_back(t, v[X].g.p, v[W].g.p, v[DY].g.p, v[DX].g.p, v[DW].g.p, b, e);
        }
        ref_swiglu(&n, in, want);
        check_all("swiglu", &v[Y], want);
        numeric_check("gate", ref_swiglu, &n, in, 0, &v[DX], v[DY].d, n);
        numeric_check("up", ref_swiglu, &n, in, 1, &v[DW], v[DY].d, n);
        k->swiglu(t, v[X].g.p, v[W].g.p, v[DB].g.p, 0, n);
        assert_memory_equal(v[DB].g.p, v[Y].g.p, (size_t)n * (t == YH_BF16 ? 2 : 4));
        k->gelu(t, v[X].g.p, v[Y].g.p, v[DX].g.p, 0, n);
        k->mul(t, v[DX].g.p, v[DY].g.p, v[DX].g.p, 0, n);
        ref_gelu(&n, in, want);
        check_all("gelu", &v[Y], want);
        k->gelu(t, v[X].g.p, v[DB].g.p, NULL, 0, n);
        assert_memory_equal(v[DB].g.p, v[Y].g.p, (size_t)n * (t == YH_BF16 ? 2 : 4));
        numeric_check("x", ref_gelu, &n, in, 0, &v[DX], v[DY].d, n);
        k->add(t, v[X].g.p, v[W].g.p, v[Y].g.p, 0, n);
        for (int64_t i = 0; i < n; i++)
            assert_true(got(&v[Y], i) == rounded((double)((float)v[X].d[i] + (float)v[W].d[i]), t));
        free_values(v, DB + 1);
    }
}

static void extremes_stay_finite(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    const float x[] = {0.0f,  -0.0f, 1e-30f, 90.0f, -90.0f, 1e4f,
                       -1e4f, 1e20f, -1e20f, 3e38f, -3e38f};
    enum { N = sizeof x / sizeof *x };
    float y[N], one[N], d1[N], d2[N];
    for (int i = 0; i < N; i++)
        one[i] = 1;
    k->gelu(YH_F32, x, y, d1, 0, N);
    for (int i = 0; i < N; i++) {
        assert_true(y[i] == (x[i] > 1 ? x[i] : x[i] > 0 ? x[i] * 0.5f : 0));
        assert_true(d1[i] == (x[i] > 1 ? 1.0f : x[i] < -1 ? 0.0f : 0.5f));
    }
    k->swiglu(YH_F32, x, one, y, 0, N);
    k->swiglu_back(YH_F32, x, one, one, d1, d2, 0, N);
    for (int i = 0; i < N; i++) {
        assert_true(isfinite(y[i]) && isfinite(d1[i]) && isfinite(d2[i]));
        assert_true(fabsf(y[i] - (x[i] > 1 ? x[i] : x[i] > 0 ? x[i] * 0.5f : 0)) <= 1e-35f);
    }
}

/* exp as it comes out of silu: x sigmoid(x) / x over the range in which it is a normal number. */
static void sigmoid_is_accurate(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    enum { N = 1000 };
    static float x[N], one[N], y[N];
    double top = 0;
    for (int chunk = 0; chunk < 170; chunk++) {
        for (int i = 0; i < N; i++) {
            x[i] = -85.0f + (float)chunk + (float)i * 0.001f + 1e-5f;
            one[i] = 1 / x[i];
        }
        k->swiglu(YH_F32, x, one, y, 0, N);
        for (int i = 0; i < N; i++) {
            double w = (double)x[i] * (double)one[i] / (1 + exp(-(double)x[i]));
            top = fmax(top, fabs((double)y[i] / w - 1));
        }
    }
    assert_true(top < 4e-7);
}

/* ---- conversions ---- */

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static void conversions(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    enum { N = 65536 };
    guarded h = guarded_new(N * 2), f = guarded_new(N * 4), b = guarded_new(N * 2);
    uint16_t *hp = h.p, *bp = b.p;
    float *fp = f.p;
    for (int i = 0; i < N; i++)
        hp[i] = (uint16_t)i;
    k->bf16_to_f32(hp, fp, 0, N);
    for (int i = 0; i < N; i++)
        assert_true(bits_of(fp[i]) == (uint32_t)i << 16);
    k->f16_to_f32(hp, fp, 0, N);
    for (int i = 0; i < N; i++) {
        int e = i >> 10 & 31, m = i & 1023;
        double w = e == 0 ? ldexp(m, -24) : ldexp(1024 + m, e - 25);
        if (e == 31)
            assert_true(m != 0 ? isnan(fp[i]) : isinf(fp[i]) && (fp[i] < 0) == (i >= 32768));
        else
            assert_true(bits_of(fp[i]) == bits_of((float)(i >= 32768 ? -w : w)));
    }
    /* every kind of rounding, for every upper half */
    static const uint32_t low[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (size_t l = 0; l < sizeof low / sizeof *low; l++) {
        for (int i = 0; i < N; i++)
            fp[i] = float_of((uint32_t)i << 16 | low[l]);
        k->f32_to_bf16(fp, bp, 0, N);
        for (int i = 0; i < N; i++)
            assert_int_equal(bp[i], yh_f32_to_bf16(fp[i]));
    }
    guarded l = guarded_new(N * 2), again = guarded_new(N * 4);
    int16_t *lp = l.p;
    for (int i = 0; i < N; i++) {
        static const uint32_t some[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x1234};
        fp[i] = float_of((uint32_t)i << 16 | some[i % 7]);
    }
    k->f32_split(fp, bp, lp, 0, N);
    k->f32_join(bp, lp, again.p, 0, N);
    assert_memory_equal(fp, again.p, N * 4);
    for (int i = 0; i < N; i++) {
        yh_bf16 high;
        int16_t low_half;
        yh_f32_split(fp[i], &high, &low_half);
        assert_true(bp[i] == high && lp[i] == low_half);
        assert_int_equal(bits_of(yh_f32_join(high, low_half)), bits_of(fp[i]));
        if (isfinite(fp[i]) && (bits_of(fp[i]) & 0xffffu) != 0x8000u) /* but ties */
            assert_int_equal(high, yh_f32_to_bf16(fp[i]));
    }
    EACH_WIDTH(n)
    {
        k->f32_split(fp + N - n, bp + N - n, lp + N - n, 0, n);
        k->f32_join(bp + N - n, lp + N - n, fp + N - n, 0, n);
        k->f32_to_bf16(fp + N - n, bp + N - n, 0, n);
        k->bf16_to_f32(bp + N - n, fp + N - n, 0, n);
        k->f16_to_f32(hp + N - n, fp + N - n, 0, n);
        k->scale_f32(fp, 2, N - n, N);
    }
    guarded_free(&h);
    guarded_free(&f);
    guarded_free(&b);
    guarded_free(&l);
    guarded_free(&again);
}

/* ---- sums and loss ---- */

static void sums(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    EACH_TYPE(t)
    EACH_WIDTH(w)
    {
        values_random(&v[X], t, ROWS * w, 4);
        values_zero(&v[Y], YH_F32, w);
        for (int64_t i = 0; i < w; i++) {
            want[i] = v[Y].d[i] = 1;
            for (int64_t r = 0; r < ROWS; r++)
                want[i] += v[X].d[r * w + i];
        }
        write_values(&v[Y]);
        k->col_sum(t, v[X].g.p, v[Y].g.p, w, 0, 1);
        k->col_sum(t, v[X].g.p, v[Y].g.p, w, 1, ROWS);
        check_all("col_sum", &v[Y], want);
        guarded_free(&v[X].g);
        guarded_free(&v[Y].g);
    }
    for (int64_t n = 0; n < 20000; n = n * 3 + 1) {
        guarded g = guarded_new((size_t)n * 4 + 4);
        float *x = g.p;
        double s = 0;
        for (int64_t i = 0; i <= n; i++) {
            x[i] = (float)(i % 101) - 50.25f;
            s += i > 0 ? (double)x[i] * (double)x[i] : 0;
        }
        assert_true(fabs(k->sum_squares(x + 1, n) - s) <= 1e-12 * s);
        guarded_free(&g);
    }
}

/* ---- AdamW: torch.optim.AdamW's update in double ---- */

static void adamw(void **state)
{
    (void)state;
    const yh_kernel_table *k = yh_kernels();
    const double lr = 1e-2, b1 = 0.9, b2 = 0.95, eps = 1e-8, wd = 0.1, clip = 0.5;
    EACH_WIDTH(n)
    {
        enum { WT, G, M, V };
        yh_bf16 high[MAX_N];
        int16_t low[MAX_N];
        static double w[MAX_N], m[MAX_N], sq[MAX_N];
        values_random(&v[WT], YH_F32, n, 1);
        values_random(&v[G], YH_F32, n, 2);
        values_zero(&v[M], YH_F32, n);
        values_zero(&v[V], YH_F32, n);
        memset(m, 0, sizeof m);
        memset(sq, 0, sizeof sq);
        memcpy(w, v[WT].d, sizeof w);
        for (int step = 1; step <= 5; step++) {
            const double c1 = 1 - pow(b1, step), c2 = 1 - pow(b2, step);
            write_values(&v[G]);
            for (int64_t i = 0; i < n; i++) {
                double g = v[G].d[i] * clip;
                w[i] *= 1 - lr * wd;
                m[i] = b1 * m[i] + (1 - b1) * g;
                sq[i] = b2 * sq[i] + (1 - b2) * g * g;
                w[i] -= lr / c1 * m[i] / (sqrt(sq[i]) / sqrt(c2) + eps);
            }
            int64_t cut = n / 2;
            float *whole = v[WT].g.p;
            const bool split = step % 2 != 0;
            if (split)
                k->f32_split(whole, high, low, 0, n);
            for (int half = 0; half < 2; half++)
                k->adamw(split ? NULL : whole, high, low, v[G].g.p, v[M].g.p, v[V].g.p, (float)clip,
                         (float)lr, (float)b1, (float)b2, (float)eps, (float)wd, (float)c1,
                         (float)c2, half ? cut : 0, half ? n : cut);
            if (split)
                k->f32_join(high, low, whole, 0, n);
            for (int64_t i = 0; i < n; i++) {
                check("w", i, got(&v[WT], i), w[i], YH_F32);
                check("m", i, got(&v[M], i), m[i], YH_F32);
                check("v", i, got(&v[V], i), sq[i], YH_F32);
            }
        }
        free_values(v, V + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms),
        cmocka_unit_test(rope),
        cmocka_unit_test(activations),
        cmocka_unit_test(extremes_stay_finite),
        cmocka_unit_test(sigmoid_is_accurate),
        cmocka_unit_test(conversions),
        cmocka_unit_test(sums),
        cmocka_unit_test(adamw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
