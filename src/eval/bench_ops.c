/* Timing: the median of repeated runs against the roofline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/bench_cases.h"

enum { MIN_RUNS = 5, MAX_RUNS = 400 };
_Static_assert(MAX_RUNS == sizeof((yh_bench_timer *)0)->t / sizeof(double), "room for all runs");
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

bool yh_bench_enough(const yh_bench_timer *t)
{
    return t->n >= MAX_RUNS || (t->n >= MIN_RUNS && t->total >= MIN_SECONDS);
}

void yh_bench_add(yh_bench_timer *t, double seconds)
{
    t->t[t->n++] = seconds;
    t->total += seconds;
}

void yh_bench_report(const yh_bench_run *b, yh_bench_row *r, bool bf16, yh_bench_timer *t)
{
    const double peak =
        bf16 && b->limits->flops_bf16 > 0 ? b->limits->flops_bf16 : b->limits->flops_f32;
    const double compute = r->flops / peak, memory = r->bytes / b->limits->read_bytes;
    qsort(t->t, (size_t)t->n, sizeof *t->t, by_value);
    r->seconds = t->t[t->n / 2] > 0 ? t->t[t->n / 2] : 1e-9;
    r->fraction = (compute > memory ? compute : memory) / r->seconds;
    b->row(b->user, r);
}

yh_status yh_bench_time(const yh_bench_run *b, yh_bench_row *r, bool bf16,
                        yh_status (*fn)(void *arg, yh_pool *pool, yh_err *err), void *arg,
                        yh_err *err)
{
    yh_bench_timer t = {.n = 0};
    YH_TRY(fn(arg, b->pool, err)); /* caches, workspaces */
    while (!yh_bench_enough(&t)) {
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
        double start = yh_now();
        YH_TRY(fn(arg, b->pool, err));
        yh_bench_add(&t, yh_now() - start);
    }
    yh_bench_report(b, r, bf16, &t);
    return YH_OK;
}

yh_status yh_bench_ops(yh_pool *pool, const yh_machine_limits *limits, const char *filter,
                       void (*row)(void *user, const yh_bench_row *row), void *user, yh_err *err)
{
    const yh_bench_run b = {pool, limits, filter, row, user};
    YH_TRY(yh_bench_gemm(&b, err));
    YH_TRY(yh_bench_graph(&b, err));
    return yh_bench_optimizer(&b, err);
}
