/* y = x · wᵀ + b + residual. src: x [T, In], w [Out, In], b [Out] F32 or NULL, residual [T, Out] or
 * NULL. The residual's gradient is y's own: nothing is computed for it. */
#include "ops/ops_util.h"

enum { X, W, B, RESIDUAL };

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = t->src[X], *w = t->src[W];
    yh_gemm p = {.m = x->dim[0],
                 .n = w->dim[0],
                 .k = x->dim[1],
                 .ab_type = x->type,
                 .c_type = t->type,
                 .trans_b = true,
                 .a = x->data,
                 .b = w->data,
                 .c = t->data,
                 .lda = x->dim[1],
                 .ldb = w->dim[1],
                 .ldc = w->dim[0],
                 .bias = t->src[B] != NULL ? t->src[B]->data : NULL,
                 .residual = t->src[RESIDUAL] != NULL ? t->src[RESIDUAL]->data : NULL,
                 .packed_b = w->packed[0]};
    return yh_gemm_run(&p, pool, err);
}

static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    const yh_tensor *x = t->src[0], *w = t->src[1];
    (void)bytes;
    *flops = 2.0 * (double)x->dim[0] * (double)w->dim[0] * (double)w->dim[1];
}

/* ---- dw = dyᵀ · x, or is added to; src: dy, w, x */
static yh_status dw_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    yh_tensor *dy = t->src[0], *w = t->src[1], *x = t->src[2];
    yh_gemm p = {.m = w->dim[0],
                 .n = w->dim[1],
                 .k = x->dim[0],
                 .ab_type = x->type,
                 .c_type = YH_F32,
                 .trans_a = true,
                 .accumulate = true,
                 .c_empty = !yh_grad_adds(w),
                 .a = dy->data,
                 .b = x->data,
                 .c = w->grad_data,
                 .lda = dy->dim[1],
                 .ldb = x->dim[1],
                 .ldc = w->dim[1]};
    return yh_gemm_run(&p, pool, err);
}

static const yh_op op_dw = {.name = "linear_dw", .forward = dw_run, .cost = cost};

/* ---- db: column sums of dy; src: dy, b; extra: partial sums [blocks, Out] */
static void db_blocks(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg, *dy = t->src[0], *part = t->extra[0];
    int64_t width = dy->dim[1];
    (void)worker;
    for (int64_t i = b; i < e; i++) {
        float *out = (float *)part->data + i * width;
        memset(out, 0, (size_t)width * sizeof *out);
        yh_kernels()->col_sum(dy->type, dy->data, out, width,
                              yh_block_begin(dy->dim[0], part->dim[0], i),
                              yh_block_begin(dy->dim[0], part->dim[0], i + 1));
    }
}

static yh_status db_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *part = t->extra[0];
    (void)err;
    yh_pool_run(pool, part->dim[0], 1, db_blocks, t);
    yh_grad_sum_parts(t->src[1], part);
    return YH_OK;
}

static const yh_op op_db = {.name = "linear_db", .forward = db_run};

/* ---- dx = dy · w + what dx holds already; src: dy, w, that or NULL */
static yh_status dx_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *dy = t->src[0], *w = t->src[1], *add = t->src[2];
    yh_gemm p = {.m = dy->dim[0],
                 .n = w->dim[1],
                 .k = w->dim[0],
                 .ab_type = dy->type,
                 .c_type = t->type,
                 .a = dy->data,
                 .b = w->data,
                 .c = t->data,
                 .lda = dy->dim[1],
                 .ldb = w->dim[1],
                 .ldc = w->dim[1],
                 .residual = add != NULL ? add->data : NULL,
                 .packed_b = w->packed[1]};
    return yh_gemm_run(&p, pool, err);
}

static const yh_op op_dx = {
    .name = "linear_dx", .forward = dx_run, .cost = cost, .inplace = {1u << 2}};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *x = t->src[X], *w = t->src[W], *b = t->src[B];
    if (grad->type != x->type) {
        yh_graph_fail(g, "linear: an f32 output of bf16 sources has no gradient");
        return;
    }
    if (b != NULL && b->needs_grad) {
        yh_tensor *src[2] = {grad, b};
        int64_t dim[2] = {yh_row_blocks(grad->dim[0]), grad->dim[1]};
        yh_graph_extra(g, yh_graph_node(g, &op_db, YH_F32, 0, NULL, 2, src), 0, YH_F32, 2, dim);
    }
    if (w->needs_grad) {
        yh_tensor *src[3] = {grad, w, yh_graph_saved(g, x)};
        yh_graph_node(g, &op_dw, YH_F32, 0, NULL, 3, src);
    }
    if (x->needs_grad) {
        yh_tensor *src[3] = {grad, w, yh_graph_grad_take(g, x)};
        yh_graph_grad_add(g, x, yh_graph_node(g, &op_dx, x->type, 2, x->dim, 3, src));
    }
    yh_graph_grad_add(g, t->src[RESIDUAL], grad);
}

/* rows, in, out, bias, residual */
static const yh_op_case cases[] = {{{1, 1, 1, 0, 0}, false},       {{1, 33, 70, 1, 0}, false},
                                   {{17, 40, 23, 0, 1}, false},    {{67, 65, 66, 1, 1}, false},
                                   {{1, 768, 768, 0, 0}, true},    {{2048, 768, 768, 0, 1}, true},
                                   {{2048, 768, 3072, 1, 0}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    yh_tensor *x = yh_case_input(g, "x", p[0], p[1]);
    yh_tensor *w = yh_case_param(g, "w", p[2], p[1]);
    yh_tensor *b = p[3] != 0 ? yh_case_param(g, "b", p[2], 0) : NULL;
    yh_tensor *r = p[4] != 0 ? yh_case_input(g, "residual", p[0], p[2]) : NULL;
    return yh_linear(g, x, w, b, r);
}

static void reference(const yh_tensor *t, double *out)
{
    const yh_tensor *x = t->src[X], *w = t->src[W];
    int64_t rows = x->dim[0], in = w->dim[1], width = w->dim[0];
    for (int64_t i = 0; i < rows * width; i++) {
        int64_t r = i / width, o = i % width;
        double sum = 0.0;
        for (int64_t k = 0; k < in; k++)
            sum += yh_tensor_get(x, r * in + k) * yh_tensor_get(w, o * in + k);
        if (t->src[B] != NULL)
            sum += yh_tensor_get(t->src[B], o);
        if (t->src[RESIDUAL] != NULL)
            sum += yh_tensor_get(t->src[RESIDUAL], i);
        out[i] = sum;
    }
}

const yh_op yh_op_linear = {.name = "linear",
                            .forward = forward,
                            .backward = backward,
                            .cost = cost,
                            .inplace = {1u << RESIDUAL},
                            .cases = cases,
                            .n_cases = sizeof cases / sizeof cases[0],
                            .build_case = build_case,
                            .reference = reference};

static yh_tensor *build(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *b, yh_tensor *residual,
                        yh_dtype type)
{
    yh_tensor *src[4] = {x, w, b, residual};
    if (!yh_sources_ok(g, "linear", 2, src) || !yh_want_matrix(g, "linear", x) ||
        !yh_want_matrix(g, "linear", w))
        return NULL;
    if (x->dim[1] != w->dim[1])
        return yh_graph_fail(g, "linear: %s has %lld columns, %s %lld", x->name,
                             (long long)x->dim[1], w->name, (long long)w->dim[1]);
    if (b != NULL && !yh_want_vector(g, "linear", b, w->dim[0]))
        return NULL;
    if (residual != NULL && (residual->ndim != 2 || residual->dim[0] != x->dim[0] ||
                             residual->dim[1] != w->dim[0] || residual->type != type))
        return yh_graph_fail(g, "linear: residual %s has another shape or type than the output",
                             residual->name);
    int64_t dim[2] = {x->dim[0], w->dim[0]};
    return yh_graph_node(g, &yh_op_linear, type, 2, dim, 4, src);
}

yh_tensor *yh_linear(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *b, yh_tensor *residual)
{
    return build(g, x, w, b, residual, yh_graph_compute_type(g));
}

yh_tensor *yh_logits(yh_graph *g, yh_tensor *x, yh_tensor *w)
{
    return build(g, x, w, NULL, NULL, YH_F32);
}
