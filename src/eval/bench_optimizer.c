/* The optimiser's pass over all weights, bound by memory. */
#include <stdio.h>

#include "base/alloc.h"
#include "eval/bench_cases.h"
#include "kernels/kernels.h"

enum { WEIGHTS = 16 << 20, GRAIN = 4096 };

typedef struct adamw_job {
    float *w, *g, *m, *v;
    yh_bf16 *w16;
} adamw_job;

static void adamw_range(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const adamw_job *j = arg;
    yh_kernels()->adamw(j->w, j->w16, j->g, j->m, j->v, 1.0f, 1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.1f,
                        0.05f, true, begin, end);
}

static yh_status run_adamw(void *arg, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, WEIGHTS, GRAIN, adamw_range, arg);
    return YH_OK;
}

yh_status yh_bench_optimizer(const yh_bench_run *b, yh_err *err)
{
    const bool bf16 = b->limits->flops_bf16 > 0;
    yh_bench_row r = {.op = "adamw", .flops = 0};
    snprintf(r.shape, sizeof r.shape, "%d", (int)WEIGHTS);
    snprintf(r.type, sizeof r.type, "%s", bf16 ? "bf16" : "f32");
    if (!yh_bench_wanted(b, &r))
        return YH_OK;
    /* weight, gradient and two moments are read and written; the bf16 copy is written */
    r.bytes = (double)WEIGHTS * (4 * 8 + (bf16 ? 2 : 0));
    const size_t size = (size_t)WEIGHTS * (4 * sizeof(float) + sizeof(yh_bf16));
    float *data = yh_big_alloc(size);
    if (data == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the case adamw");
    adamw_job j = {data, data + WEIGHTS, data + 2 * WEIGHTS, data + 3 * WEIGHTS, NULL};
    if (bf16)
        j.w16 = (yh_bf16 *)(void *)(data + 4 * (size_t)WEIGHTS);
    yh_status s = yh_bench_time(b, &r, false, run_adamw, &j, err);
    yh_big_free(data, size);
    return s;
}
