/* The optimisers: AdamW's pass over all weights, bound by memory, and Muon's orthogonalisation of a
 * matrix, bound by its products. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "eval/bench_cases.h"
#include "kernels/kernels.h"

enum { WEIGHTS = 16 << 20, GRAIN = 4096 };

typedef struct adamw_job {
    float *w, *g, *m, *v;
    yh_bf16 *high; /* w is NULL */
    int16_t *low;
} adamw_job;

static void adamw_range(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const adamw_job *j = arg;
    yh_kernels()->adamw(j->w, j->high, j->low, j->g, j->m, j->v, 1.0f, 1e-3f, 0.9f, 0.95f, 1e-8f,
                        0.1f, 0.1f, 0.05f, begin, end);
}

static yh_status run_adamw(void *arg, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, WEIGHTS, GRAIN, adamw_range, arg);
    return YH_OK;
}

static yh_status bench_adamw(const yh_bench_run *b, yh_err *err)
{
    const bool bf16 = b->limits->flops_bf16 > 0;
    yh_bench_row r = {.op = "adamw", .flops = 0};
    snprintf(r.shape, sizeof r.shape, "%d", (int)WEIGHTS);
    snprintf(r.type, sizeof r.type, "%s", bf16 ? "bf16" : "f32");
    if (!yh_bench_wanted(b, &r))
        return YH_OK;
    /* weight and two moments are read and written, the gradient read */
    r.bytes = (double)WEIGHTS * 4 * 7;
    const size_t size = (size_t)WEIGHTS * 4 * sizeof(float);
    float *data = yh_big_alloc(size);
    if (data == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the case adamw");
    adamw_job j = {.w = data, data + WEIGHTS, data + 2 * WEIGHTS, data + 3 * WEIGHTS};
    if (bf16) {
        j.w = NULL;
        j.high = (yh_bf16 *)(void *)data;
        j.low = (int16_t *)(void *)(j.high + WEIGHTS);
    }
    yh_status s = yh_bench_time(b, &r, false, run_adamw, &j, err);
    yh_big_free(data, size);
    return s;
}

typedef struct muon_job {
    int64_t rows, cols;
    yh_dtype type;
    const float *source;
    float *x;
    void *scratch;
} muon_job;

static yh_status run_muon(void *arg, yh_pool *pool, yh_err *err)
{
    const muon_job *j = arg;
    memcpy(j->x, j->source, (size_t)(j->rows * j->cols) * sizeof *j->x);
    return yh_muon_orthogonalise(j->x, j->rows, j->cols, j->type, j->scratch, pool, err);
}

/* FLOPs count what symmetry leaves: of X X^T and A A half. */
static double muon_flops(int64_t rows, int64_t cols)
{
    const double r = (double)(rows < cols ? rows : cols), c = (double)(rows < cols ? cols : rows);
    return 5 * (r * r * c + r * r * r + 2 * r * r * c);
}

static yh_status bench_muon(const yh_bench_run *b, int64_t rows, int64_t cols, yh_dtype type,
                            yh_err *err)
{
    yh_bench_row r = {.op = "muon", .flops = muon_flops(rows, cols)};
    snprintf(r.shape, sizeof r.shape, "%lldx%lld", (long long)rows, (long long)cols);
    snprintf(r.type, sizeof r.type, "%s", type == YH_BF16 ? "bf16" : "f32");
    if (!yh_bench_wanted(b, &r))
        return YH_OK;
    const size_t n = (size_t)(rows * cols), matrix = ((n + 15) & ~(size_t)15) * sizeof(float);
    const size_t size = 2 * matrix + yh_muon_scratch(rows, cols, type);
    char *data = yh_big_alloc(size);
    if (data == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the case muon");
    float *source = (float *)(void *)data;
    yh_rng rng;
    yh_rng_init(&rng, 1, n);
    for (size_t i = 0; i < n; i++)
        source[i] = (float)yh_rng_normal(&rng);
    r.bytes = 8 * (double)n;
    muon_job j = {rows, cols, type, source, (float *)(void *)(data + matrix), data + 2 * matrix};
    yh_status s = yh_bench_time(b, &r, type == YH_BF16, run_muon, &j, err);
    yh_big_free(data, size);
    return s;
}

yh_status yh_bench_optimizer(const yh_bench_run *b, yh_err *err)
{
    /* hidden matrices of a d6 and of GPT-2 124M */
    static const int64_t shape[][2] = {
        {384, 384}, {1024, 384}, {384, 1024}, {768, 768}, {3072, 768}};
    YH_TRY(bench_adamw(b, err));
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        if (b->limits->flops_bf16 > 0)
            YH_TRY(bench_muon(b, shape[i][0], shape[i][1], YH_BF16, err));
        YH_TRY(bench_muon(b, shape[i][0], shape[i][1], YH_F32, err));
    }
    return YH_OK;
}
