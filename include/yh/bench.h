/* This machine's limits, and the kernels against them. */
#ifndef YH_BENCH_H
#define YH_BENCH_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_machine_limits {
    double flops_f32,
        flops_bf16;    /* per second, all threads of the pool together; bf16 0: no units */
    double read_bytes; /* memory read bandwidth, bytes per second */
    int threads;
    char isa[16];
    char cpu[96];
} yh_machine_limits;
/* Measures for about `seconds` in all. */
yh_status yh_machine_measure(yh_pool *pool, double seconds, yh_machine_limits *out,
                             yh_err *err) YH_MUST_CHECK;
/* Only the peak of multiply-adds, in bf16 or F32; 0 in *flops when there are no bf16 units. Takes
 * no memory, so that a training run can ask without changing what it is about to measure. */
yh_status yh_machine_flops(yh_pool *pool, double seconds, bool bf16, double *flops,
                           yh_err *err) YH_MUST_CHECK;

typedef struct yh_bench_row {
    char op[32], shape[64], type[8];
    double seconds;      /* median of the runs */
    double flops, bytes; /* of one run */
    double fraction;     /* of the limit that binds (roofline) */
} yh_bench_row;
/* Runs every operation's timing cases whose name contains `filter` (NULL: all). */
yh_status yh_bench_ops(yh_pool *pool, const yh_machine_limits *limits, const char *filter,
                       void (*row)(void *user, const yh_bench_row *row), void *user,
                       yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
