/* y = silu(gate) * up (Shazeer 2020). src: gate, up [T, F]. */
#include <math.h>

#include "ops/ops_util.h"

static void forward_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->swiglu(t->type, t->src[0]->data, t->src[1]->data, t->data, b, e);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), YH_GRAIN_ELEMS, forward_range, t);
    return YH_OK;
}

/* ---- src: gate, up, dy; output dgate, extra dup */
static void backward_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->swiglu_back(t->type, t->src[0]->data, t->src[1]->data, t->src[2]->data, t->data,
                              t->extra[0]->data, b, e);
}

static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), YH_GRAIN_ELEMS, backward_range, t);
    return YH_OK;
}

static const yh_op op_back = {
    .name = "swiglu_back", .forward = backward_run, .inplace = {1u << 0, 1u << 1}};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *gate = t->src[0], *up = t->src[1];
    yh_tensor *src[3] = {yh_graph_saved(g, gate), yh_graph_saved(g, up), grad};
    yh_tensor *dgate = yh_graph_node(g, &op_back, t->type, 2, t->dim, 3, src);
    yh_tensor *dup = yh_graph_extra(g, dgate, 0, t->type, 2, t->dim);
    yh_graph_grad_add(g, gate, dgate);
    yh_graph_grad_add(g, up, dup);
}

static const yh_op_case cases[] = {{{1, 1}, false}, {{7, 37}, false}, {{2048, 3072}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_swiglu(g, yh_case_input(g, "gate", p[0], p[1]), yh_case_input(g, "up", p[0], p[1]));
}

static void reference(const yh_tensor *t, double *out)
{
    for (int64_t i = 0; i < yh_tensor_count(t); i++) {
        double x = yh_tensor_get(t->src[0], i);
        out[i] = x / (1.0 + exp(-x)) * yh_tensor_get(t->src[1], i);
    }
}

const yh_op yh_op_swiglu = {.name = "swiglu",
                            .forward = forward,
                            .backward = backward,
                            .inplace = {1u << 0 | 1u << 1},
                            .recompute = true,
                            .cases = cases,
                            .n_cases = sizeof cases / sizeof cases[0],
                            .build_case = build_case,
                            .reference = reference};

yh_tensor *yh_swiglu(yh_graph *g, yh_tensor *gate, yh_tensor *up)
{
    yh_tensor *src[2] = {gate, up};
    if (!yh_sources_ok(g, "swiglu", 2, src) || !yh_want_matrix(g, "swiglu", gate) ||
        !yh_want_matrix(g, "swiglu", up))
        return NULL;
    if (gate->dim[0] != up->dim[0] || gate->dim[1] != up->dim[1])
        return yh_graph_fail(g, "swiglu: gate and up have different shapes");
    return yh_graph_node(g, &yh_op_swiglu, gate->type, 2, gate->dim, 2, src);
}
