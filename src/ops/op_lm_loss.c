/* Output projection and cross-entropy in chunks of rows: the logits of a batch are never stored.
 * When the graph is differentiated, each chunk's gradients (of x, and of the projection's weight)
 * are computed in the same visit: the upstream gradient of a loss is 1, so nothing has to wait.
 *
 * A chunk's logits never reach memory either. The product that makes them, transposed ([V, rows]:
 * the weight is read where it lies, a token is a column), stores their exponentials and adds them
 * up. With p = e / sum a row's gradients are
 *   dx = scale * (sum over v of e[v] w[v] / sum + (p[t] - 1) w[t]),  dw = eT (scale / sum * x),
 * so nothing waits for the sums: dx is accumulated block by block of the vocabulary while the
 * exponentials are in the cache, and scaled at the end; the target's own share, whose p - 1 must be
 * exact where the model is sure, comes by itself: it is minus the others' exponentials by the sum.
 *
 * Exponentials are taken of logits minus a shift, 0 at first. Where a row's largest logit is so
 * large that sums might overflow or vanish, the chunk is computed once more with that as the shift.
 *
 * src: x [T, C], w [V, C], targets [T] I32, scale [1] F32. extra: losses of rows [T]; scratch
 * (see `chunk`); when differentiated dx [T, C] and the exponentials of a chunk, R columns of V. */
#include <math.h>

#include "ops/ops_util.h"

enum { X, W, TARGETS, SCALE };
enum { ROW_LOSS, SCRATCH, DX, EXPS };
enum { BLOCK = YH_LOSS_BLOCK };
static const float safe = 40.0f; /* e^40 times any vocabulary is far from overflow */

/* Rows of a chunk: 64 MiB of exponentials in bf16, or half of what the weight takes if that is
 * more: the weight's gradient is read and written once a chunk. */
static int64_t chunk_rows(int64_t rows, int64_t vocab, int64_t width)
{
    int64_t n = ((int64_t)32 << 20) / vocab;
    n = n > width / 2 ? n : width / 2;
    n = n < 32 ? 32 : n > 992 ? 992 : n / 32 * 32; /* 1,024 floats would alias in the cache */
    if (rows <= n)
        return rows;
    int64_t chunks = (rows + n - 1) / n;
    int64_t even = ((rows + chunks - 1) / chunks + 31) / 32 * 32;
    return even < n ? even : n;
}

typedef struct chunk {
    const yh_tensor *t;
    int64_t first, rows, most; /* most: rows of a whole chunk */
    bool grad;
    double scale;
    /* scratch */
    double *sum;
    float *top, *shift, *chosen; /* [rows] */
    float *dx;                   /* [rows, C] */
    void *xs;                    /* x / sum * scale, in x's type */
    void *packed;                /* x, then xs, as a product's right side */
} chunk;

static int64_t scratch_floats(int64_t rows, int64_t width)
{
    return 5 * rows + 2 * rows * width + (int64_t)yh_gemm_packed_bytes(rows, width) / 4 + 64;
}

static chunk chunk_at(const yh_tensor *t, int64_t first)
{
    const int64_t most = (int64_t)t->attr[0].i, left = t->src[X]->dim[0] - first,
                  width = t->src[X]->dim[1];
    chunk c = {.t = t,
               .first = first,
               .rows = left < most ? left : most,
               .most = most,
               .grad = t->extra[DX] != NULL,
               .scale = (double)*(const float *)t->src[SCALE]->data};
    float *p = t->extra[SCRATCH]->data;
    c.packed = p; /* aligned to 64 */
    p += yh_gemm_packed_bytes(most, width) / 4;
    c.sum = (double *)(void *)p;
    c.top = p + 2 * most;
    c.shift = c.top + most;
    c.chosen = c.shift + most;
    c.dx = c.chosen + most;
    c.xs = c.dx + most * width;
    return c;
}

/* Exponentials of the vocabulary from row v on, and what they add to dx. */
static yh_status one_block(const chunk *c, int64_t v, int64_t count, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = c->t->src[X], *w = c->t->src[W], *exps = c->t->extra[EXPS];
    const yh_gemm_exp e = {.shift = c->shift,
                           .target = (const int32_t *)c->t->src[TARGETS]->data + c->first,
                           .first = v,
                           .chosen = c->chosen,
                           .sum = c->sum,
                           .top = c->top};
    const yh_gemm p = {.m = count,
                       .n = c->rows,
                       .k = w->dim[1],
                       .ab_type = x->type,
                       .c_type = x->type,
                       .trans_b = true,
                       .a = yh_at(w, v * w->dim[1]),
                       .b = yh_at(x, c->first * x->dim[1]),
                       .c = c->grad ? yh_at(exps, v * c->most) : NULL,
                       .lda = w->dim[1],
                       .ldb = x->dim[1],
                       .ldc = c->most,
                       .packed_b = c->packed,
                       .exp = &e};
    YH_TRY(yh_gemm_run(&p, pool, err));
    if (!c->grad)
        return YH_OK;
    const yh_gemm q = {.m = c->rows,
                       .n = w->dim[1],
                       .k = count,
                       .ab_type = x->type,
                       .c_type = YH_F32,
                       .trans_a = true,
                       .accumulate = v > 0,
                       .a = p.c,
                       .b = p.a,
                       .c = c->dx,
                       .lda = c->most,
                       .ldb = w->dim[1],
                       .ldc = w->dim[1]};
    return yh_gemm_run(&q, pool, err);
}

static yh_status all_blocks(const chunk *c, yh_pool *pool, yh_err *err)
{
    const int64_t vocab = c->t->src[W]->dim[0];
    for (int64_t i = 0; i < c->rows; i++) {
        c->sum[i] = 0.0;
        c->top[i] = -INFINITY;
    }
    for (int64_t v = 0; v < vocab; v += BLOCK)
        YH_TRY(one_block(c, v, vocab - v < BLOCK ? vocab - v : BLOCK, pool, err));
    return YH_OK;
}

static yh_status exponentials(const chunk *c, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = c->t->src[X];
    const yh_gemm p = {.n = c->rows,
                       .k = x->dim[1],
                       .ab_type = x->type,
                       .trans_b = true,
                       .b = yh_at(x, c->first * x->dim[1]),
                       .ldb = x->dim[1]};
    bool again = false;
    yh_gemm_pack_b(&p, c->packed, pool);
    memset(c->shift, 0, (size_t)c->rows * sizeof *c->shift);
    YH_TRY(all_blocks(c, pool, err));
    for (int64_t i = 0; i < c->rows; i++) {
        c->shift[i] = fabsf(c->top[i]) > safe && isfinite(c->top[i]) ? c->top[i] : 0.0f;
        again = again || c->shift[i] != 0.0f;
    }
    return again ? all_blocks(c, pool, err) : YH_OK;
}

/* Losses; dx, x for dw, and the targets' exponentials from the sums. */
static void finish_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const chunk *c = arg;
    const yh_tensor *t = c->t, *x = t->src[X], *w = t->src[W];
    const int32_t *target = (const int32_t *)t->src[TARGETS]->data + c->first;
    const int64_t width = x->dim[1];
    const yh_kernel_table *k = yh_kernels();
    (void)worker;
    for (int64_t i = b; i < e; i++) {
        const bool counts = target[i] >= 0;
        const double chosen = counts ? (double)c->chosen[i] - (double)c->shift[i] : 0.0;
        const double others = c->sum[i], sum = others + exp(chosen);
        ((float *)t->extra[ROW_LOSS]->data)[c->first + i] =
            counts ? (float)(log(sum) - chosen) : 0.0f;
        if (!c->grad)
            continue;
        const double miss = counts ? -others / sum : 0.0;
        const float all = counts ? (float)(c->scale / sum) : 0.0f;
        const float own = (float)(c->scale * miss);
        float *dx = c->dx + i * width;
        const int64_t row = counts ? target[i] * width : 0;
        for (int64_t j = 0; j < width; j++)
            dx[j] *= all;
        for (int64_t j = 0; counts && j < width; j++)
            dx[j] += own * (w->type == YH_BF16 ? yh_bf16_to_f32(((const yh_bf16 *)w->data)[row + j])
                                               : ((const float *)w->data)[row + j]);
        if (x->type == YH_BF16) {
            k->f32_to_bf16(dx, yh_at(t->extra[DX], (c->first + i) * width), 0, width);
            k->bf16_to_f32(yh_at(x, (c->first + i) * width), dx, 0, width);
            k->scale_f32(dx, all, 0, width);
            k->f32_to_bf16(dx, (yh_bf16 *)c->xs + i * width, 0, width);
        } else {
            memcpy(yh_at(t->extra[DX], (c->first + i) * width), dx, (size_t)width * 4);
            memcpy((float *)c->xs + i * width, yh_at(x, (c->first + i) * width), (size_t)width * 4);
            k->scale_f32((float *)c->xs + i * width, all, 0, width);
        }
        if (counts)
            yh_tensor_set(t->extra[EXPS], target[i] * c->most + i, -others);
    }
}

static yh_status weight_gradient(const chunk *c, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = c->t->src[X];
    yh_tensor *w = c->t->src[W];
    const int64_t vocab = w->dim[0], width = w->dim[1];
    yh_gemm q = {.n = width,
                 .k = c->rows,
                 .ab_type = x->type,
                 .c_type = YH_F32,
                 .accumulate = true,
                 .c_empty = !yh_grad_adds(w),
                 .b = c->xs,
                 .lda = c->most,
                 .ldb = width,
                 .ldc = width,
                 .packed_b = c->packed};
    yh_gemm_pack_b(&q, c->packed, pool);
    for (int64_t v = 0; v < vocab; v += BLOCK) {
        q.m = vocab - v < BLOCK ? vocab - v : BLOCK;
        q.a = yh_at(c->t->extra[EXPS], v * c->most);
        q.c = w->grad_data + v * width;
        YH_TRY(yh_gemm_run(&q, pool, err));
    }
    return YH_OK;
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const int32_t *target = t->src[TARGETS]->data;
    const int64_t rows = t->src[X]->dim[0], vocab = t->src[W]->dim[0];
    for (int64_t i = 0; i < rows; i++) {
        if (target[i] >= vocab)
            return yh_fail(err, YH_INVALID, "\"%s\"[%lld] is %d: the vocabulary has %lld",
                           t->src[TARGETS]->name, (long long)i, (int)target[i], (long long)vocab);
    }
    for (int64_t first = 0; first < rows; first += t->attr[0].i) {
        chunk c = chunk_at(t, first);
        YH_TRY(exponentials(&c, pool, err));
        yh_pool_run(pool, c.rows, 1, finish_rows, &c);
        if (c.grad && t->src[W]->needs_grad)
            YH_TRY(weight_gradient(&c, pool, err));
    }
    double sum = 0.0;
    for (int64_t i = 0; i < rows; i++)
        sum += (double)((const float *)t->extra[ROW_LOSS]->data)[i];
    *(float *)t->data = (float)(sum * (double)*(const float *)t->src[SCALE]->data);
    return YH_OK;
}

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *x = t->src[X];
    if (grad != NULL) {
        yh_graph_fail(g, "lm_loss must be the loss itself: nothing may follow it");
        return;
    }
    const int64_t exps[2] = {t->attr[0].i, t->src[W]->dim[0]};
    yh_tensor *dx = yh_graph_extra(g, t, DX, x->type, 2, x->dim);
    yh_graph_extra(g, t, EXPS, x->type, 2, exps);
    yh_graph_grad_add(g, x, dx);
}

static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    const yh_tensor *x = t->src[X], *w = t->src[W];
    double product = 2.0 * (double)x->dim[0] * (double)w->dim[0] * (double)w->dim[1];
    (void)bytes;
    *flops = t->extra[DX] == NULL ? product : (w->needs_grad ? 3.0 : 2.0) * product;
}

static yh_tensor *build(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *targets,
                        yh_tensor *scale, int64_t rows_at_once);

/* rows, width, vocab, rows of a chunk (0: by rule) */
static const yh_op_case cases[] = {{{1, 1, 1, 0}, false},
                                   {{3, 8, 5, 0}, false},
                                   {{37, 19, 131, 0}, false},
                                   {{130, 6, 67, 48}, false},
                                   {{2048, 768, 32768, 0}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    int64_t one = 1;
    yh_tensor *x = yh_case_input(g, "x", p[0], p[1]), *w = yh_case_param(g, "w", p[2], p[1]);
    yh_tensor *targets = yh_case_id_input(g, "targets", p[0], YH_CASE_TARGETS, p[2]);
    return build(g, x, w, targets, yh_graph_input(g, "scale", YH_F32, 1, &one), p[3]);
}

static void reference(const yh_tensor *t, double *out)
{
    const yh_tensor *x = t->src[X], *w = t->src[W];
    int64_t width = w->dim[1], vocab = w->dim[0];
    out[0] = 0.0;
    for (int64_t r = 0; r < x->dim[0]; r++) {
        double sum = 0.0, at = 0.0;
        int64_t target = (int64_t)yh_tensor_get(t->src[TARGETS], r);
        for (int64_t v = 0; v < vocab && target >= 0; v++) {
            double s = 0.0;
            for (int64_t i = 0; i < width; i++)
                s += yh_tensor_get(x, r * width + i) * yh_tensor_get(w, v * width + i);
            sum += exp(s);
            at = v == target ? s : at;
        }
        if (target >= 0)
            out[0] += (log(sum) - at) * yh_tensor_get(t->src[SCALE], 0);
    }
}

const yh_op yh_op_lm_loss = {.name = "lm_loss",
                             .forward = forward,
                             .backward = backward,
                             .cost = cost,
                             .cases = cases,
                             .n_cases = sizeof cases / sizeof cases[0],
                             .build_case = build_case,
                             .reference = reference};

static yh_tensor *build(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *targets,
                        yh_tensor *scale, int64_t rows_at_once)
{
    yh_tensor *src[4] = {x, w, targets, scale};
    if (!yh_sources_ok(g, "lm_loss", 4, src) || !yh_want_matrix(g, "lm_loss", x) ||
        !yh_want_matrix(g, "lm_loss", w) || !yh_want_ids(g, "lm_loss", targets, x->dim[0]) ||
        !yh_want_vector(g, "lm_loss", scale, 1))
        return NULL;
    if (x->dim[1] != w->dim[1])
        return yh_graph_fail(g, "lm_loss: %s and %s have different widths", x->name, w->name);
    const int64_t one = 1,
                  most = rows_at_once != 0 ? rows_at_once
                                           : chunk_rows(x->dim[0], w->dim[0], w->dim[1]),
                  floats = scratch_floats(most, w->dim[1]);
    yh_tensor *t = yh_graph_node(g, &yh_op_lm_loss, YH_F32, 1, &one, 4, src);
    yh_tensor *losses = yh_graph_extra(g, t, ROW_LOSS, YH_F32, 1, x->dim);
    if (yh_graph_extra(g, t, SCRATCH, YH_F32, 1, &floats) == NULL)
        return NULL;
    t->attr[0].i = most;
    yh_graph_keep(g, t);
    yh_graph_keep(g, losses);
    return t;
}

yh_tensor *yh_lm_loss(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *targets, yh_tensor *scale)
{
    return build(g, x, w, targets, scale, 0);
}
