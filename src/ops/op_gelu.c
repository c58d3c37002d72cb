/* GELU in the tanh form (Hendrycks & Gimpel 2016; "gelu_new" of GPT-2). src: x [T, F]; extra, when
 * differentiated: the derivative at x, which shares the exponentials and takes x's place. */
#include <math.h>

#include "ops/ops_util.h"

static void forward_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->gelu(t->type, t->src[0]->data, t->data,
                       t->extra[0] != NULL ? t->extra[0]->data : NULL, b, e);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), YH_GRAIN_ELEMS, forward_range, t);
    return YH_OK;
}

/* ---- src: the derivative, dy */
static void backward_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->mul(t->type, t->src[0]->data, t->src[1]->data, t->data, b, e);
}

static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), YH_GRAIN_ELEMS, backward_range, t);
    return YH_OK;
}

static const yh_op op_back = {
    .name = "gelu_back", .forward = backward_run, .inplace = {1u << 0 | 1u << 1}};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *y = yh_graph_saved(g, t);
    yh_tensor *slope = y != NULL ? yh_graph_extra(g, y, 0, t->type, 2, t->dim) : NULL;
    yh_tensor *src[2] = {slope, grad};
    if (slope == NULL)
        return;
    yh_graph_grad_add(g, t->src[0], yh_graph_node(g, &op_back, t->type, 2, t->dim, 2, src));
}

static const yh_op_case cases[] = {{{1, 1}, false}, {{7, 37}, false}, {{2048, 3072}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_gelu(g, yh_case_input(g, "x", p[0], p[1]));
}

static void reference(const yh_tensor *t, double *out)
{
    for (int64_t i = 0; i < yh_tensor_count(t); i++) {
        double x = yh_tensor_get(t->src[0], i);
        out[i] = 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    }
}

const yh_op yh_op_gelu = {.name = "gelu",
                          .forward = forward,
                          .backward = backward,
                          .inplace = {1u << 0, 1u << 0},
                          .recompute = true,
                          .cases = cases,
                          .n_cases = sizeof cases / sizeof cases[0],
                          .build_case = build_case,
                          .reference = reference};

yh_tensor *yh_gelu(yh_graph *g, yh_tensor *x)
{
    if (!yh_sources_ok(g, "gelu", 1, &x) || !yh_want_matrix(g, "gelu", x))
        return NULL;
    return yh_graph_node(g, &yh_op_gelu, x->type, 2, x->dim, 1, &x);
}
