/* RMSNorm (Zhang & Sennrich 2019): y = x / rms(x) * w. src: x [T, C], w [C] F32; extra: rstd [T].
 */
#include <math.h>

#include "ops/ops_util.h"

static void forward_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->rmsnorm(t->type, t->src[0]->data, t->src[1]->data, (float)t->attr[0].f, t->data,
                          t->extra[0]->data, t->dim[1], b, e);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    yh_pool_run(pool, t->dim[0], YH_GRAIN_ROWS, forward_rows, t);
    return YH_OK;
}

/* ---- src: x, w, rstd, dy, what dx holds already or NULL; extra: dw of each block [blocks, C] */
static void backward_blocks(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg, *part = t->extra[0], *add = t->src[4];
    int64_t width = t->dim[1];
    (void)worker;
    for (int64_t i = b; i < e; i++) {
        float *dw = (float *)part->data + i * width;
        int64_t r0 = yh_block_begin(t->dim[0], part->dim[0], i);
        int64_t r1 = yh_block_begin(t->dim[0], part->dim[0], i + 1);
        memset(dw, 0, (size_t)width * sizeof *dw);
        if (add != NULL && add->data != t->data)
            memcpy(yh_at(t, r0 * width), yh_at(add, r0 * width),
                   (size_t)((r1 - r0) * width) * yh_dtype_size(t->type));
        yh_kernels()->rmsnorm_back(t->type, t->src[0]->data, t->src[1]->data, t->src[2]->data,
                                   t->src[3]->data, t->data, add != NULL, dw, width, r0, r1);
    }
}

static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *part = t->extra[0];
    (void)err;
    yh_pool_run(pool, part->dim[0], 1, backward_blocks, t);
    if (t->src[1]->needs_grad)
        yh_grad_sum_parts(t->src[1], part);
    return YH_OK;
}

static const yh_op op_back = {
    .name = "rmsnorm_back", .forward = backward_run, .inplace = {1u << 4}};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *x = t->src[0];
    yh_tensor *src[5] = {yh_graph_saved(g, x), t->src[1], t->extra[0], grad,
                         yh_graph_grad_take(g, x)};
    yh_tensor *dx = yh_graph_node(g, &op_back, x->type, 2, x->dim, 5, src);
    int64_t dim[2] = {yh_row_blocks(x->dim[0]), x->dim[1]};
    yh_graph_extra(g, dx, 0, YH_F32, 2, dim);
    yh_graph_grad_add(g, x, dx);
}

static const yh_op_case cases[] = {
    {{1, 1}, false}, {{5, 37}, false}, {{70, 64}, false}, {{4096, 768}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_rmsnorm(g, yh_case_input(g, "x", p[0], p[1]), yh_case_param(g, "w", p[1], 0), 1e-5f);
}

static void reference(const yh_tensor *t, double *out)
{
    int64_t width = t->dim[1];
    for (int64_t r = 0; r < t->dim[0]; r++) {
        double sum = 0.0;
        for (int64_t i = 0; i < width; i++)
            sum +=
                yh_tensor_get(t->src[0], r * width + i) * yh_tensor_get(t->src[0], r * width + i);
        for (int64_t i = 0; i < width; i++)
            out[r * width + i] = yh_tensor_get(t->src[0], r * width + i) *
                                 yh_tensor_get(t->src[1], i) /
                                 sqrt(sum / (double)width + t->attr[0].f);
    }
}

const yh_op yh_op_rmsnorm = {.name = "rmsnorm",
                             .forward = forward,
                             .backward = backward,
                             .recompute = true,
                             .cases = cases,
                             .n_cases = sizeof cases / sizeof cases[0],
                             .build_case = build_case,
                             .reference = reference};

yh_tensor *yh_rmsnorm(yh_graph *g, yh_tensor *x, yh_tensor *w, float eps)
{
    yh_tensor *src[2] = {x, w};
    if (!yh_sources_ok(g, "rmsnorm", 2, src) || !yh_want_matrix(g, "rmsnorm", x) ||
        !yh_want_vector(g, "rmsnorm", w, x->dim[1]))
        return NULL;
    yh_tensor *t = yh_graph_node(g, &yh_op_rmsnorm, x->type, 2, x->dim, 2, src);
    if (t == NULL || yh_graph_extra(g, t, 0, YH_F32, 1, x->dim) == NULL)
        return NULL;
    t->attr[0].f = (double)eps;
    return t;
}
