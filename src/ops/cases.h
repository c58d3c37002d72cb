/* Every operation's own test cases, run in four modes by the tests and by `yh bench`: compare with
 * the reference, check the gradient, time, and tell whether the operation has a gradient. */
#ifndef YH_OPS_CASES_H
#define YH_OPS_CASES_H

#include "tensor/op.h"

/* ---- for build_case in op_*.c ---- */
/* Activations: normal random numbers in the graph's compute type, differentiable. */
yh_tensor *yh_case_input(yh_graph *g, const char *name, int64_t rows, int64_t cols);
/* Weights: matrix in the compute type (cols > 0) or F32 vector (cols 0), trainable. */
yh_tensor *yh_case_param(yh_graph *g, const char *name, int64_t rows, int64_t cols);
typedef enum yh_case_ids {
    YH_CASE_RANDOM,  /* in [0, below) */
    YH_CASE_TARGETS, /* the same, some of them -1 */
    YH_CASE_POS,     /* i % below: positions in sequences */
    YH_CASE_START,   /* first row of the sequence of `below` rows that row i lies in */
    YH_CASE_LAST     /* below - n + i: the last n positions */
} yh_case_ids;
yh_tensor *yh_case_id_input(yh_graph *g, const char *name, int64_t n, yh_case_ids kind,
                            int64_t below);

/* ---- running ---- */
int yh_op_count(void);
const yh_op *yh_op_at(int i); /* in order of name */

typedef struct yh_case_run {
    yh_graph *g;
    yh_tensor *y, *loss; /* loss: sum of y * r for a random r when differentiated */
    float *memory;       /* of inputs, weights, gradients */
    size_t memory_size;
    double flops, bytes;
} yh_case_run;
/* Builds, fills (from seed) and plans one case. gradient: differentiate it; YH_UNSUPPORTED when
 * the operation has none. */
yh_status yh_case_open(yh_case_run *r, const yh_op *op, const yh_op_case *c, yh_dtype type,
                       bool gradient, int recompute, uint64_t seed, yh_err *err) YH_MUST_CHECK;
void yh_case_close(yh_case_run *r);

#endif
