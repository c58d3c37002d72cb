/* Timing: the median of repeated runs against the roofline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/bench_cases.h"

enum { MIN_RUNS = 5, MAX_RUNS = 400 };
static const double MIN_SECONDS = 0.15;

bool yh_bench_wanted(const yh_bench_run *b, const yh_bench_row *r)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s %s", r->op, r->shape, r->type);
    return b->filter == NULL || strstr(name, b->filter) != NULL;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

yh_status yh_bench_time(const yh_bench_run *b, yh_bench_row *r, bool bf16,
                        yh_status (*fn)(void *arg, yh_pool *pool, yh_err *err), void *arg,
                        yh_err *err)
{
    double t[MAX_RUNS], total = 0;
    int n = 0;
    YH_TRY(fn(arg, b->pool, err)); /* caches, workspaces */
    while (n < MIN_RUNS || (n < MAX_RUNS && total < MIN_SECONDS)) {
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
        double start = yh_now();
        YH_TRY(fn(arg, b->pool, err));
        t[n] = yh_now() - start;
        total += t[n++];
    }
    qsort(t, (size_t)n, sizeof *t, by_value);
    r->seconds = t[n / 2] > 0 ? t[n / 2] : 1e-9;
    const double peak =
        bf16 && b->limits->flops_bf16 > 0 ? b->limits->flops_bf16 : b->limits->flops_f32;
    const double compute = r->flops / peak, memory = r->bytes / b->limits->read_bytes;
    r->fraction = (compute > memory ? compute : memory) / r->seconds;
    b->row(b->user, r);
    return YH_OK;
}

yh_status yh_bench_ops(yh_pool *pool, const yh_machine_limits *limits, const char *filter,
                       void (*row)(void *user, const yh_bench_row *row), void *user, yh_err *err)
{
    const yh_bench_run b = {pool, limits, filter, row, user};
    YH_TRY(yh_bench_gemm(&b, err));
    return YH_OK;
}
