/* Running a planned graph: nodes in order of creation; what each kind of operation costs. */
#include "base/file.h"
#include "tensor/graph_private.h"

static void op_cost(const yh_tensor *t, double *flops, double *bytes)
{
    *flops = 0.0;
    *bytes = (double)yh_tensor_bytes(t);
    for (int i = 0; i < YH_MAX_SRC; i++) {
        if (t->src[i] != NULL)
            *bytes += (double)yh_tensor_bytes(t->src[i]);
    }
    for (int i = 0; i < YH_MAX_OUT_EXTRA; i++) {
        if (t->extra[i] != NULL)
            *bytes += (double)yh_tensor_bytes(t->extra[i]);
    }
    if (t->op->cost != NULL)
        t->op->cost(t, flops, bytes);
}

static void total_cost(const yh_graph *g, double *flops, double *bytes)
{
    double f, b;
    *flops = *bytes = 0.0;
    for (size_t i = 0; i < g->n; i++) {
        if (yh_is_node(g->tensor[i]) && !g->tensor[i]->op->once) {
            op_cost(g->tensor[i], &f, &b);
            *flops += f;
            *bytes += b;
        }
    }
}

double yh_graph_flops(const yh_graph *g)
{
    double flops, bytes;
    total_cost(g, &flops, &bytes);
    return flops;
}

double yh_graph_traffic(const yh_graph *g)
{
    double flops, bytes;
    total_cost(g, &flops, &bytes);
    return bytes;
}

void yh_graph_profile_enable(yh_graph *g, bool on)
{
    g->profiling = on;
    g->n_profile = 0;
}

int yh_graph_profile(const yh_graph *g, yh_op_profile *out, int max)
{
    int n = g->n_profile < max ? g->n_profile : max;
    if (n > 0)
        memcpy(out, g->profile, (size_t)n * sizeof *out);
    return n;
}

static void profile_add(yh_graph *g, const yh_tensor *t, double seconds)
{
    int i = 0;
    while (i < g->n_profile && strcmp(g->profile[i].op, t->op->name) != 0)
        i++;
    if (i == YH_PROFILE_MAX)
        return;
    if (i == g->n_profile)
        g->profile[g->n_profile++] = (yh_op_profile){.op = t->op->name};
    double flops, bytes;
    op_cost(t, &flops, &bytes);
    g->profile[i].seconds += seconds;
    g->profile[i].flops += flops;
    g->profile[i].bytes += bytes;
    g->profile[i].calls++;
}

static yh_status check_bound(const yh_graph *g, yh_err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        const yh_tensor *t = g->tensor[i];
        if (t->kind != YH_T_NODE && t->data == NULL)
            return yh_fail(err, YH_INVALID, "\"%s\" is not bound to memory", t->name);
        if (t->kind == YH_T_PARAM && t->needs_grad && g->differentiated && t->grad_data == NULL)
            return yh_fail(err, YH_INVALID, "the gradient of \"%s\" is not bound to memory",
                           t->name);
    }
    return YH_OK;
}

void yh_graph_clear_grads(yh_graph *g)
{
    for (size_t i = 0; i < g->n; i++)
        g->tensor[i]->grad_empty = g->tensor[i]->grad_data != NULL;
}

bool yh_grad_adds(yh_tensor *param)
{
    const bool adds = !param->grad_empty;
    param->grad_empty = false;
    return adds;
}

/* Gradients that no node wrote. */
static void zero_empty_grads(yh_graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        yh_tensor *t = g->tensor[i];
        if (t->grad_data != NULL && !yh_grad_adds(t))
            memset(t->grad_data, 0, (size_t)yh_tensor_count(t) * sizeof *t->grad_data);
    }
}

yh_status yh_graph_run(yh_graph *g, yh_pool *pool, yh_err *err)
{
    if (!g->planned)
        return yh_fail(err, YH_INVALID, "the graph is not planned");
    YH_TRY(check_bound(g, err));
    for (size_t i = 0; i < g->n; i++) {
        yh_tensor *t = g->tensor[i];
        if (!yh_is_node(t) || t->op->once)
            continue;
        double t0 = g->profiling ? yh_now() : 0.0;
        YH_TRY(t->op->forward(t, pool, err));
        if (g->profiling)
            profile_add(g, t, yh_now() - t0);
    }
    zero_empty_grads(g);
    return YH_OK;
}
