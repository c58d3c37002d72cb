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

/* ---- a whole training step of a named model, on random tokens ---- */
typedef struct yh_bench_step_options {
    const char *model;             /* "gpt2", "qwen3-0.6b", "d6", ..., or a config.json, whose
                                      vocabulary then counts */
    uint32_t context, micro_batch; /* 0: the model's own; as many as make 4,096 tokens */
    uint32_t vocab;                /* of a named model; 0: 50,257 for gpt2, 151,936 for qwen3-0.6b,
                                      512 for nanogpt-shakespeare-char, else 32,768 */
    bool muon;                     /* else AdamW */
    bool f32;                      /* else bf16 where the CPU multiplies it */
    int recompute;                 /* level, 0 to 2 */
    bool pack_weights;             /* by the optimiser, as yh_train_options' */
    int steps;                     /* timed ones, behind one that warms up; 0: 3 */
} yh_bench_step_options;
typedef struct yh_bench_step_part {
    const char *op;               /* constant; "optimizer" comes last */
    double seconds, flops, bytes; /* of one step, the median of the steps */
    int64_t calls;
    double fraction; /* of the limit that binds (roofline) */
} yh_bench_step_part;
enum { YH_BENCH_PARTS = 48 };
typedef struct yh_bench_step {
    uint64_t tokens, weights; /* of one step; of the model */
    double seconds;           /* median of a whole step */
    double model_flops;       /* of one step: what the model needs, recomputation not counted */
    double fraction;          /* model_flops / seconds / peak */
    uint64_t memory;          /* weights, optimiser state, gradients, activations, bytes */
    bool bf16;
    int parts;
    yh_bench_step_part part[YH_BENCH_PARTS]; /* by time, longest first; the optimiser last */
} yh_bench_step;
yh_status yh_bench_step_run(const yh_bench_step_options *o, const yh_machine_limits *limits,
                            yh_pool *pool, yh_bench_step *out, yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
