/* Timing cases: what `yh bench` runs. */
#ifndef YH_EVAL_BENCH_CASES_H
#define YH_EVAL_BENCH_CASES_H

#include "base/thread.h"
#include "yh/bench.h"

typedef struct yh_bench_run {
    yh_pool *pool;
    const yh_machine_limits *limits;
    const char *filter;
    void (*row)(void *user, const yh_bench_row *row);
    void *user;
} yh_bench_run;

/* Whether the filter lets a case through (op, shape and type are filled). */
bool yh_bench_wanted(const yh_bench_run *b, const yh_bench_row *r);

/* Runs fn until it was timed often enough, fills the row's seconds and fraction and reports it.
 * bf16: which arithmetic limit counts. YH_STOPPED after a stop request. */
yh_status yh_bench_time(const yh_bench_run *b, yh_bench_row *r, bool bf16,
                        yh_status (*fn)(void *arg, yh_pool *pool, yh_err *err), void *arg,
                        yh_err *err) YH_MUST_CHECK;

/* The groups of cases. */
yh_status yh_bench_gemm(const yh_bench_run *b, yh_err *err) YH_MUST_CHECK;

#endif
