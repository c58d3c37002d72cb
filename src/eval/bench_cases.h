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

/* Collects times until there are enough. */
typedef struct yh_bench_timer {
    double t[400], total;
    int n;
} yh_bench_timer;
bool yh_bench_enough(const yh_bench_timer *t);
void yh_bench_add(yh_bench_timer *t, double seconds);
/* Fills the row's seconds (median) and fraction (of the arithmetic limit of the type, or of memory)
 * and reports it. */
void yh_bench_report(const yh_bench_run *b, yh_bench_row *r, bool bf16, yh_bench_timer *t);

/* Runs fn once, then until it was timed often enough, and reports. YH_STOPPED after a stop request.
 */
yh_status yh_bench_time(const yh_bench_run *b, yh_bench_row *r, bool bf16,
                        yh_status (*fn)(void *arg, yh_pool *pool, yh_err *err), void *arg,
                        yh_err *err) YH_MUST_CHECK;

/* The groups of cases. */
yh_status yh_bench_gemm(const yh_bench_run *b, yh_err *err) YH_MUST_CHECK;
yh_status yh_bench_graph(const yh_bench_run *b, yh_err *err) YH_MUST_CHECK;
yh_status yh_bench_optimizer(const yh_bench_run *b, yh_err *err) YH_MUST_CHECK;

#endif
