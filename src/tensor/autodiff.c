/* Reverse-mode differentiation: walks the nodes backwards and lets each operation emit the nodes
 * that compute its sources' gradients. */
#include "tensor/graph_private.h"

/* ------------------------------------------------- sum of two gradients of one activation */

static void add_range(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->add(t->type, t->src[0]->data, t->src[1]->data, t->data, b, e);
}

static yh_status add_forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, yh_tensor_count(t), 4096, add_range, t);
    return YH_OK;
}

static const yh_op op_grad_add = {.name = "grad_add", .forward = add_forward, .inplace = {1 | 2}};

void yh_graph_grad_add(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    if (t == NULL || grad == NULL || !t->needs_grad || t->kind == YH_T_PARAM)
        return;
    if (t->grad == NULL) {
        t->grad = grad;
        return;
    }
    yh_tensor *src[2] = {t->grad, grad};
    t->grad = yh_graph_node(g, &op_grad_add, grad->type, grad->ndim, grad->dim, 2, src);
}

yh_tensor *yh_graph_grad_take(yh_graph *g, yh_tensor *t)
{
    (void)g;
    if (t == NULL)
        return NULL;
    yh_tensor *grad = t->grad;
    t->grad = NULL;
    return grad;
}

/* ------------------------------------------------- recomputation */

void yh_graph_set_recompute(yh_graph *g, int level)
{
    if (g->differentiated)
        yh_graph_fail(g, "recomputation must be chosen before the graph is differentiated");
    g->recompute = level;
}

void yh_graph_checkpoint(yh_tensor *t)
{
    if (t != NULL)
        t->checkpoint = true;
}

static bool computed_again(const yh_graph *g, const yh_tensor *t)
{
    if (!yh_is_node(t) || t->op->once || t->checkpoint || t->keep)
        return false;
    return g->recompute >= 2 || (g->recompute == 1 && t->op->recompute);
}

yh_tensor *yh_graph_saved(yh_graph *g, yh_tensor *t)
{
    if (t == NULL || !computed_again(g, t))
        return t;
    if (t->again != NULL)
        return t->again;
    yh_tensor *src[YH_MAX_SRC];
    for (int i = 0; i < YH_MAX_SRC; i++)
        src[i] = yh_graph_saved(g, t->src[i]);
    yh_tensor *c = yh_graph_node(g, t->op, t->type, t->ndim, t->dim, YH_MAX_SRC, src);
    if (c == NULL)
        return NULL;
    memcpy(c->attr, t->attr, sizeof c->attr);
    for (int i = 0; i < YH_MAX_OUT_EXTRA; i++) {
        const yh_tensor *e = t->extra[i];
        if (e != NULL && yh_graph_extra(g, c, i, e->type, e->ndim, e->dim) == NULL)
            return NULL;
    }
    t->again = c;
    return c;
}

/* ------------------------------------------------- the walk */

void yh_graph_backward(yh_graph *g, yh_tensor *loss)
{
    if (yh_graph_failed(g))
        return;
    if (loss == NULL || !yh_is_node(loss) || yh_tensor_count(loss) != 1 || !loss->needs_grad) {
        yh_graph_fail(g, "only a scalar that depends on something trainable can be differentiated");
        return;
    }
    if (g->differentiated || g->planned) {
        yh_graph_fail(g, "a graph is differentiated once, before it is planned");
        return;
    }
    g->differentiated = true;
    for (int32_t i = loss->id; i >= 0 && !yh_graph_failed(g); i--) {
        yh_tensor *t = g->tensor[i];
        if (!yh_is_node(t) || !t->needs_grad || (t != loss && t->grad == NULL))
            continue;
        if (t->op->backward == NULL) {
            yh_graph_fail(g, "operation %s has no gradient", t->op->name);
            return;
        }
        t->op->backward(g, t, t->grad);
    }
}
