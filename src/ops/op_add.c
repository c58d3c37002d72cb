/* y = a + b. src: a, b [T, C]. Both gradients are y's own. */
#include "ops/ops_util.h"

static void forward_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->add(t->type, t->src[0]->data, t->src[1]->data, t->data, b, e);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), YH_GRAIN_ELEMS, forward_range, t);
    return YH_OK;
}

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_graph_grad_add(g, t->src[0], grad);
    yh_graph_grad_add(g, t->src[1], grad);
}

static const yh_op_case cases[] = {{{1, 1}, false}, {{9, 71}, false}, {{4096, 768}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_add(g, yh_case_input(g, "a", p[0], p[1]), yh_case_input(g, "b", p[0], p[1]));
}

static void reference(const yh_tensor *t, double *out)
{
    for (int64_t i = 0; i < yh_tensor_count(t); i++)
        out[i] = yh_tensor_get(t->src[0], i) + yh_tensor_get(t->src[1], i);
}

const yh_op yh_op_add = {.name = "add",
                         .forward = forward,
                         .backward = backward,
                         .inplace = {1u << 0 | 1u << 1},
                         .cases = cases,
                         .n_cases = sizeof cases / sizeof cases[0],
                         .build_case = build_case,
                         .reference = reference};

yh_tensor *yh_add(yh_graph *g, yh_tensor *a, yh_tensor *b)
{
    yh_tensor *src[2] = {a, b};
    if (!yh_sources_ok(g, "add", 2, src) || !yh_want_matrix(g, "add", a) ||
        !yh_want_matrix(g, "add", b))
        return NULL;
    if (a->dim[0] != b->dim[0] || a->dim[1] != b->dim[1])
        return yh_graph_fail(g, "add: %s and %s have different shapes", a->name, b->name);
    return yh_graph_node(g, &yh_op_add, a->type, 2, a->dim, 2, src);
}
