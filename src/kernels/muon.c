/* Newton-Schulz orthogonalisation by matrix products. X is [r, c], r <= c; a taller matrix is its
 * transpose, stored as it is:
 *   X = X / (|X| + 1e-7);  five times:  A = X X^T;  B = b A + c A A;  X = a X + B X.
 * a X is folded into the product: X = (B + a I) X. A is symmetric, so both of its products are
 * S S^T (yh_gemm_symmetric), and a tall matrix takes X^T (B + a I). */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

enum { ITERATIONS = 5, GRAIN = 16384, SUM_BLOCK = 65536 };

static const float coef_a = 3.4445f, coef_b = -4.7750f, coef_c = 2.0315f;

static size_t round_64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* x, next, a and b in the product type; square (A A) in F32, where b lies, too, when that is F32 */
typedef struct layout {
    size_t x, next, a, square, b, partial, bytes;
} layout;

static layout plan(int64_t rows, int64_t cols, yh_dtype type)
{
    size_t n = (size_t)rows * (size_t)cols, r = (size_t)(rows < cols ? rows : cols);
    size_t e = yh_dtype_size(type);
    layout l = {0};
    l.next = l.x + round_64(n * e);
    l.a = l.next + round_64(n * e);
    l.square = l.a + round_64(r * r * e);
    l.b = type == YH_F32 ? l.square : l.square + round_64(r * r * 4);
    l.partial = l.b + round_64(r * r * e);
    l.bytes = l.partial + round_64((n / SUM_BLOCK + 1) * sizeof(double));
    return l;
}

size_t yh_muon_scratch(int64_t rows, int64_t cols, yh_dtype type)
{
    return plan(rows, cols, type).bytes;
}

typedef struct job {
    float *x; /* the caller's matrix */
    void *y;  /* the same in the product type */
    int64_t n, r;
    yh_dtype type;
    float scale;
    double *partial;
    const void *a;
    float *square;
    void *b;
} job;

static void sum_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i * SUM_BLOCK, k = j->n - at < SUM_BLOCK ? j->n - at : SUM_BLOCK;
        j->partial[i] = yh_kernels()->sum_squares(j->x + at, k);
    }
}

/* y = x * scale */
static void load_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    yh_kernels()->scale_f32(j->x, j->scale, begin, end);
    if (j->type == YH_F32)
        memcpy((float *)j->y + begin, j->x + begin, (size_t)(end - begin) * sizeof(float));
    else
        yh_kernels()->f32_to_bf16(j->x, j->y, begin, end);
}

static void store_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    if (j->type == YH_F32)
        memcpy(j->x + begin, (float *)j->y + begin, (size_t)(end - begin) * sizeof(float));
    else
        yh_kernels()->bf16_to_f32(j->y, j->x, begin, end);
}

/* Rows [begin, end) of b = coef_b * a + coef_c * a a + coef_a * I. */
static void combine_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        float *s = j->square + row * j->r;
        if (j->type == YH_F32) {
            const float *a = (const float *)j->a + row * j->r;
            for (int64_t i = 0; i < j->r; i++)
                s[i] = coef_b * a[i] + coef_c * s[i];
        } else {
            const yh_bf16 *a = (const yh_bf16 *)j->a + row * j->r;
            for (int64_t i = 0; i < j->r; i++)
                s[i] = coef_b * yh_bf16_to_f32(a[i]) + coef_c * s[i];
        }
        s[row] += coef_a;
    }
    if (j->type != YH_F32)
        yh_kernels()->f32_to_bf16(j->square, j->b, begin * j->r, end * j->r);
}

/* next = (b) x, or x (b) when x is tall */
static yh_status multiply(const job *j, int64_t rows, int64_t cols, const void *x, void *next,
                          yh_pool *pool, yh_err *err)
{
    const bool tall = rows > cols;
    yh_gemm g = {.m = rows,
                 .n = cols,
                 .k = j->r,
                 .ab_type = j->type,
                 .c_type = j->type,
                 .trans_b = tall, /* b is symmetric: the layout that needs the lesser packing */
                 .a = tall ? x : j->b,
                 .b = tall ? j->b : x,
                 .c = next,
                 .lda = tall ? cols : j->r,
                 .ldb = tall ? j->r : cols,
                 .ldc = cols};
    return yh_gemm_run(&g, pool, err);
}

yh_status yh_muon_orthogonalise(float *x, int64_t rows, int64_t cols, yh_dtype type, void *scratch,
                                yh_pool *pool, yh_err *err)
{
    const layout l = plan(rows, cols, type);
    char *mem = scratch;
    const int64_t r = rows < cols ? rows : cols, n = rows * cols;
    void *now = mem + l.x, *next = mem + l.next, *a = mem + l.a;
    job j = {.x = x, .y = now, .n = n, .r = r, .type = type, .a = a, .b = mem + l.b};
    j.square = (float *)(void *)(mem + l.square);
    j.partial = (double *)(void *)(mem + l.partial);
    const int64_t parts = (n + SUM_BLOCK - 1) / SUM_BLOCK;
    yh_pool_run(pool, parts, 1, sum_part, &j);
    double sum = 0;
    for (int64_t i = 0; i < parts; i++)
        sum += j.partial[i];
    j.scale = (float)(1.0 / (sqrt(sum) + 1e-7));
    yh_pool_run(pool, n, GRAIN, load_part, &j);
    for (int it = 0; it < ITERATIONS; it++) {
        const yh_gemm gram = {.n = r,
                              .k = rows < cols ? cols : rows,
                              .ab_type = type,
                              .c_type = type,
                              .trans_a = rows > cols,
                              .a = now,
                              .lda = cols,
                              .c = a,
                              .ldc = r};
        const yh_gemm square = {.n = r,
                                .k = r,
                                .ab_type = type,
                                .c_type = YH_F32,
                                .a = a,
                                .lda = r,
                                .c = j.square,
                                .ldc = r};
        YH_TRY(yh_gemm_symmetric(&gram, pool, err));
        YH_TRY(yh_gemm_symmetric(&square, pool, err));
        yh_pool_run(pool, r, GRAIN / (r > 0 ? r : 1) + 1, combine_part, &j);
        YH_TRY(multiply(&j, rows, cols, now, next, pool, err));
        void *t = now;
        now = next;
        next = t;
    }
    j.y = now;
    yh_pool_run(pool, n, GRAIN, store_part, &j);
    return YH_OK;
}
