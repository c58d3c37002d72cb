/* Newton-Schulz orthogonalisation by matrix products. With the shorter side first (X is [r, c],
 * r <= c; a taller matrix is transposed):
 *   X = X / (|X| + 1e-7);  five times:  A = X X^T;  B = b A + c A A;  X = a X + B X.
 * a X is folded into the product: X = (B + a I) X. */
#include <math.h>

#include "train/optim.h"

enum { ITERATIONS = 5, GRAIN = 16384, SUM_BLOCK = 65536 };

static const float coef_a = 3.4445f, coef_b = -4.7750f, coef_c = 2.0315f;

static size_t round_64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* x and next in the product type; a, b in F32; a16, b16 in the product type (none for F32). */
typedef struct layout {
    size_t x, next, a, b, a16, b16, partial, bytes;
} layout;

static layout plan(int64_t rows, int64_t cols, yh_dtype type)
{
    size_t n = (size_t)rows * (size_t)cols, r = (size_t)(rows < cols ? rows : cols);
    size_t e = yh_dtype_size(type), half = type == YH_F32 ? 0 : r * r * e;
    layout l = {0};
    l.next = l.x + round_64(n * e);
    l.a = l.next + round_64(n * e);
    l.b = l.a + round_64(r * r * 4);
    l.a16 = l.b + round_64(r * r * 4);
    l.b16 = l.a16 + round_64(half);
    l.partial = l.b16 + round_64(half);
    l.bytes = l.partial + round_64((n / SUM_BLOCK + 1) * sizeof(double));
    return l;
}

size_t yh_muon_scratch(int64_t rows, int64_t cols, yh_dtype type)
{
    return plan(rows, cols, type).bytes;
}

typedef struct job {
    float *x; /* the caller's matrix */
    void *y;  /* [r, c] in the product type */
    int64_t rows, cols, r;
    yh_dtype type;
    float scale;
    double *partial;
    float *a, *b;
    yh_bf16 *a16, *b16;
} job;

static void sum_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    int64_t n = j->rows * j->cols;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i * SUM_BLOCK, k = n - at < SUM_BLOCK ? n - at : SUM_BLOCK;
        j->partial[i] = yh_kernels()->sum_squares(j->x + at, k);
    }
}

static void put(const job *j, int64_t i, float v)
{
    if (j->type == YH_F32)
        ((float *)j->y)[i] = v;
    else
        ((yh_bf16 *)j->y)[i] = yh_f32_to_bf16(v);
}

static float get(const job *j, const void *y, int64_t i)
{
    return j->type == YH_F32 ? ((const float *)y)[i] : yh_bf16_to_f32(((const yh_bf16 *)y)[i]);
}

/* Rows [begin, end) of y = x * scale, transposed when x is tall. */
static void load_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    bool tall = j->rows > j->cols;
    int64_t c = tall ? j->rows : j->cols;
    for (int64_t i = begin; i < end; i++)
        for (int64_t k = 0; k < c; k++)
            put(j, i * c + k, j->x[tall ? k * j->cols + i : i * c + k] * j->scale);
}

static void store_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    bool tall = j->rows > j->cols;
    for (int64_t i = begin; i < end; i++)
        for (int64_t k = 0; k < j->cols; k++)
            j->x[i * j->cols + k] = get(j, j->y, tall ? k * j->rows + i : i * j->cols + k);
}

static void narrow_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    yh_kernels()->f32_to_bf16(j->a, j->a16, begin, end);
}

/* b = coef_b * a + coef_c * b + coef_a * I, and its bf16 copy */
static void combine_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        j->b[i] = coef_b * j->a[i] + coef_c * j->b[i] + (i / j->r == i % j->r ? coef_a : 0.0f);
    if (j->type != YH_F32)
        yh_kernels()->f32_to_bf16(j->b, j->b16, begin, end);
}

static yh_status product(int64_t m, int64_t n, int64_t k, yh_dtype type, bool trans_b,
                         yh_dtype c_type, const void *a, const void *b, void *c, yh_pool *pool,
                         yh_err *err)
{
    yh_gemm g = {.m = m,
                 .n = n,
                 .k = k,
                 .ab_type = type,
                 .c_type = c_type,
                 .trans_b = trans_b,
                 .a = a,
                 .b = b,
                 .c = c,
                 .lda = k,
                 .ldb = trans_b ? k : n,
                 .ldc = n};
    return yh_gemm_run(&g, pool, err);
}

yh_status yh_muon_orthogonalise(float *x, int64_t rows, int64_t cols, yh_dtype type, void *scratch,
                                yh_pool *pool, yh_err *err)
{
    layout l = plan(rows, cols, type);
    char *mem = scratch;
    int64_t r = rows < cols ? rows : cols, c = rows < cols ? cols : rows, n = rows * cols;
    job j = {.x = x, .rows = rows, .cols = cols, .r = r, .type = type};
    void *now = mem + l.x, *next = mem + l.next;
    j.y = now;
    j.a = (float *)(void *)(mem + l.a);
    j.b = (float *)(void *)(mem + l.b);
    j.a16 = (yh_bf16 *)(void *)(mem + l.a16);
    j.b16 = (yh_bf16 *)(void *)(mem + l.b16);
    j.partial = (double *)(void *)(mem + l.partial);
    int64_t parts = (n + SUM_BLOCK - 1) / SUM_BLOCK;
    yh_pool_run(pool, parts, 1, sum_part, &j);
    double sum = 0;
    for (int64_t i = 0; i < parts; i++)
        sum += j.partial[i];
    j.scale = (float)(1.0 / (sqrt(sum) + 1e-7));
    int64_t grain = GRAIN / (c > 0 ? c : 1) + 1;
    yh_pool_run(pool, r, grain, load_part, &j);
    const void *a = type == YH_F32 ? (const void *)j.a : j.a16;
    const void *b = type == YH_F32 ? (const void *)j.b : j.b16;
    for (int it = 0; it < ITERATIONS; it++) {
        YH_TRY(product(r, r, c, type, true, YH_F32, now, now, j.a, pool, err));
        if (type != YH_F32)
            yh_pool_run(pool, r * r, GRAIN, narrow_part, &j);
        YH_TRY(product(r, r, r, type, false, YH_F32, a, a, j.b, pool, err));
        yh_pool_run(pool, r * r, GRAIN, combine_part, &j);
        YH_TRY(product(r, c, r, type, false, type, b, now, next, pool, err));
        void *t = now;
        now = next;
        next = t;
    }
    j.y = now;
    yh_pool_run(pool, rows, GRAIN / (cols > 0 ? cols : 1) + 1, store_part, &j);
    return YH_OK;
}
