/* What an operation is, and what its file (src/ops/op_*.c) may ask of the graph. tensor never
 * includes ops: nodes hold a `const yh_op *`. */
#ifndef YH_TENSOR_OP_H
#define YH_TENSOR_OP_H

#include "tensor/graph.h"

/* One test case of an operation: sizes, whose meaning is the operation's own. */
typedef struct yh_op_case {
    int64_t p[6];
    bool timing; /* for `yh bench` instead of the tests: too large for naive references */
} yh_op_case;

struct yh_op {
    const char *name;
    /* Computes t->data and t->extra[..]->data from t->src[..]->data. Sums in a fixed order,
     * whatever the pool. */
    yh_status (*forward)(yh_tensor *t, yh_pool *pool, yh_err *err);
    /* Emits the nodes that turn `grad` (like t) into gradients of t's sources, given to
     * yh_graph_grad_add. grad is NULL for the loss itself (upstream 1). NULL: no gradient. */
    void (*backward)(yh_graph *g, yh_tensor *t, yh_tensor *grad);
    /* FLOPs of products and bytes moved by one run; NULL: no FLOPs, each operand once. */
    void (*cost)(const yh_tensor *t, double *flops, double *bytes);
    /* Bit i: the output (then extra[0], extra[1]) may take the memory of src[i] when nobody needs
     * that afterwards. */
    uint8_t inplace[3];
    bool once;      /* constant: computed when the graph is planned, then kept */
    bool recompute; /* cheap: backward may run it again (yh_graph_set_recompute) */

    /* ---- test cases (ops/cases.h runs them) ---- */
    const yh_op_case *cases;
    int n_cases;
    /* Builds the case's node; its sources are made with yh_case_*. */
    yh_tensor *(*build_case)(yh_graph *g, const int64_t *p);
    /* The node's output by its definition, in double, read from its sources with yh_tensor_get. */
    void (*reference)(const yh_tensor *t, double *out);
};

/* ---- building ---- */
/* Records the first failure and returns NULL. */
yh_tensor *yh_graph_fail(yh_graph *g, const char *fmt, ...) YH_PRINTF(2, 3);
bool yh_graph_failed(const yh_graph *g);
const yh_err *yh_graph_error(const yh_graph *g);
/* New node with these sources (n_src; NULL entries allowed). ndim 0: a node with no output, run for
 * its effect on a parameter's gradient. needs_grad follows from the sources. */
yh_tensor *yh_graph_node(yh_graph *g, const yh_op *op, yh_dtype type, int ndim, const int64_t *dim,
                         int n_src, yh_tensor *const *src);
/* Output number i (below YH_MAX_OUT_EXTRA) besides the main one: statistics, second gradients,
 * scratch. */
yh_tensor *yh_graph_extra(yh_graph *g, yh_tensor *t, int i, yh_dtype type, int ndim,
                          const int64_t *dim);
/* Constant node with the same op and attributes made before; NULL: none. */
yh_tensor *yh_graph_find_constant(const yh_graph *g, const yh_op *op, const yh_tensor *like);
/* Memory that lives as long as the graph, zeroed; NULL (and a recorded failure) when short. */
void *yh_graph_alloc(yh_graph *g, size_t size);

/* ---- differentiating: called from backward ---- */
/* The activation that a backward node shall read for t: t, or its recomputed copy. */
yh_tensor *yh_graph_saved(yh_graph *g, yh_tensor *t);
/* Adds a contribution to t's gradient (nothing when t needs none). */
void yh_graph_grad_add(yh_graph *g, yh_tensor *t, yh_tensor *grad);
/* Takes what t's gradient holds so far, for a node that adds to it while writing its own
 * contribution; that node must then be given to yh_graph_grad_add. NULL: nothing yet. */
yh_tensor *yh_graph_grad_take(yh_graph *g, yh_tensor *t);

/* ---- running ---- */
/* Asked before each contribution to a parameter's gradient. True: it has to be added to what is
 * there; false: it is the first, and whoever asked writes all of the gradient. */
bool yh_grad_adds(yh_tensor *param);

/* Inputs and parameters in order of creation; returns how many there are (at most max filled). */
int yh_graph_sources(const yh_graph *g, yh_tensor **out, int max);
double yh_graph_traffic(const yh_graph *g); /* bytes that one run reads and writes */

/* ---- elements, for references and tests ---- */
double yh_tensor_get(const yh_tensor *t, int64_t i);
void yh_tensor_set(yh_tensor *t, int64_t i, double v);

#endif
