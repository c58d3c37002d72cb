/* Graph: built once for fixed shapes, differentiated, planned into one arena, run many times.
 *
 * Ownership: a graph owns its nodes (arena) and its activation buffer; the caller owns the memory
 * of inputs and parameters and binds it with yh_tensor_bind before running. Nothing is allocated
 * while running. A graph belongs to one thread at a time; running uses the pool. Building cannot
 * fail half-way with a crash: a failed builder returns NULL and the graph remembers the first
 * error, which yh_graph_plan reports; builders accept NULL sources. */
#ifndef YH_TENSOR_GRAPH_H
#define YH_TENSOR_GRAPH_H

#include "base/alloc.h"
#include "kernels/kernels.h"

enum { YH_MAX_DIMS = 4, YH_MAX_SRC = 8, YH_MAX_OUT_EXTRA = 4 };

typedef struct yh_op yh_op;
typedef struct yh_graph yh_graph;
typedef struct yh_tensor yh_tensor;

typedef enum yh_tensor_kind { YH_T_NODE, YH_T_INPUT, YH_T_PARAM } yh_tensor_kind;

/* Contiguous, row-major; dim[0] is the slowest. */
struct yh_tensor {
    const char *name; /* owned by the graph */
    yh_dtype type;
    int ndim;
    int64_t dim[YH_MAX_DIMS];
    yh_tensor_kind kind;
    const yh_op *op;            /* NODE only */
    yh_tensor *src[YH_MAX_SRC]; /* NODE only; NULL allowed for optional sources */
    /* what forward leaves for backward, planned like activations (for example rstd, lse) */
    yh_tensor *extra[YH_MAX_OUT_EXTRA];
    union {
        int64_t i;
        double f;
    } attr[8];  /* the op's own parameters; meaning in op_*.c */
    void *data; /* valid after planning (nodes) or binding (inputs, params) */
    /* PARAM only: F32 gradient buffer, bound by the caller, accumulated into by backward nodes */
    float *grad_data;
    bool grad_empty; /* PARAM only: what is there counts as zero (yh_graph_clear_grads) */
    /* PARAM only: the matrix [n, k] packed for x · wᵀ and for dy · w (kernels.h), or NULL */
    const void *packed[2];
    bool needs_grad;
    yh_tensor *grad; /* NODE/INPUT: gradient node once yh_graph_backward ran */
    int32_t id;      /* order of creation = order of execution */
    /* kept by the graph */
    yh_tensor *owner; /* node that writes this one: itself, or whose `extra` it is */
    yh_tensor *again; /* recomputed copy that backward nodes read; NULL: none */
    bool keep;
    bool checkpoint; /* never computed again */
};

yh_status yh_graph_create(yh_graph **out, yh_dtype compute_type, yh_err *err) YH_MUST_CHECK;
void yh_graph_free(yh_graph *g);
yh_dtype yh_graph_compute_type(const yh_graph *g); /* dtype of activations: F32 or BF16 */

yh_tensor *yh_graph_input(yh_graph *g, const char *name, yh_dtype type, int ndim,
                          const int64_t *dim);
/* trainable: gets a gradient; type of matrices is the compute type, of vectors F32 */
yh_tensor *yh_graph_param(yh_graph *g, const char *name, yh_dtype type, int ndim,
                          const int64_t *dim, bool trainable);
yh_tensor *yh_graph_find(const yh_graph *g, const char *name); /* inputs and params; NULL: none */
void yh_tensor_bind(yh_tensor *t, void *data);
void yh_tensor_bind_grad(yh_tensor *t, float *grad);
/* The caller keeps them equal to the matrix: results are the same bits with and without. */
void yh_tensor_bind_packed(yh_tensor *t, const void *by_rows, const void *by_columns);
int64_t yh_tensor_count(const yh_tensor *t); /* elements */
size_t yh_tensor_bytes(const yh_tensor *t);

/* Keeps a node's data until the end of the run (its memory is not reused), so that it can be read.
 */
void yh_graph_keep(yh_graph *g, yh_tensor *t);
/* 0: every activation that backward nodes need is kept. 1: outputs of cheap operations (norms,
 * rope, SwiGLU, GELU) are computed once more before their use: less memory, the same bits. 2:
 * everything but checkpoints is, a third more products. Set before yh_graph_backward. */
enum { YH_RECOMPUTE_MAX = 2 };
void yh_graph_set_recompute(yh_graph *g, int level);
/* Marks where level 2 starts again from: the input of each block. NULL is passed over. */
void yh_graph_checkpoint(yh_tensor *t);
/* Adds the backward nodes of a scalar loss (upstream gradient 1). Once per graph. */
void yh_graph_backward(yh_graph *g, yh_tensor *loss);
/* Places every node by lifetime in one buffer and allocates it. Reports the first builder error.
 * After it the graph is frozen. */
yh_status yh_graph_plan(yh_graph *g, yh_err *err) YH_MUST_CHECK;
size_t yh_graph_memory(const yh_graph *g); /* bytes of the planned buffer */
/* Before the first of the runs whose gradients shall add up: what the parameters' gradients hold
 * counts as zero from now on. The next run overwrites it, so nobody has to zero it, and gradients
 * are whole after each run. Without this a run adds to what is there. */
void yh_graph_clear_grads(yh_graph *g);
/* Memory that a plan would take, without allocating it. */
yh_status yh_graph_measure(yh_graph *g, size_t *bytes, yh_err *err) YH_MUST_CHECK;
yh_status yh_graph_run(yh_graph *g, yh_pool *pool, yh_err *err) YH_MUST_CHECK;
/* FLOPs of one run, matrix products and attention only; attention by the sequences in "start" when
 * that is bound, else as if all rows were one. */
double yh_graph_flops(const yh_graph *g);

/* Profile: seconds, flops and bytes of each op since the last reset (filled when enabled). */
typedef struct yh_op_profile {
    const char *op;
    double seconds, flops, bytes;
    int64_t calls;
} yh_op_profile;
void yh_graph_profile_enable(yh_graph *g, bool on);
int yh_graph_profile(const yh_graph *g, yh_op_profile *out, int max); /* number of rows */

#endif
