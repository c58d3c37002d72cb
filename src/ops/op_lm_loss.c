/* Output projection and cross-entropy in chunks of rows: the logits of a batch are never stored.
 * When the graph is differentiated, each chunk's gradients (of x, and of the projection's weight)
 * are computed in the same visit: the upstream gradient of a loss is 1, so nothing has to wait.
 * src: x [T, C], w [V, C], targets [T] I32, scale [1] F32. extra: losses of rows [T]; logits of a
 * chunk [R, V] F32; when differentiated dx [T, C]; and the chunk's gradient in bf16. */
#include <math.h>

#include "ops/ops_util.h"

enum { X, W, TARGETS, SCALE };
enum { ROW_LOSS, LOGITS, DX, GRAD16 };

/* Rows of a chunk: about 64 MiB of logits, at least 128 rows. */
static int64_t chunk_rows(int64_t rows, int64_t vocab)
{
    int64_t n = ((int64_t)16 << 20) / vocab / 32 * 32;
    n = n < 128 ? 128 : n > 4096 ? 4096 : n;
    if (rows <= n)
        return rows;
    int64_t chunks = (rows + n - 1) / n;
    int64_t even = ((rows + chunks - 1) / chunks + 31) / 32 * 32;
    return even < n ? even : n;
}

typedef struct chunk {
    const yh_tensor *t;
    int64_t first, rows;
    float scale; /* 0: no gradient */
} chunk;

/* Losses of the rows; the logits become their gradient. */
static void entropy_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const chunk *c = arg;
    const yh_tensor *t = c->t;
    const int32_t *target = t->src[TARGETS]->data;
    int64_t vocab = t->src[W]->dim[0];
    (void)worker;
    for (int64_t i = b; i < e; i++) {
        float *row = (float *)t->extra[LOGITS]->data + i * vocab;
        float *loss = (float *)t->extra[ROW_LOSS]->data + c->first + i;
        yh_kernels()->cross_entropy(row, vocab, target[c->first + i], c->scale, loss);
        if (t->extra[DX] == NULL)
            continue;
        if (c->scale == 0.0f)
            memset(row, 0, (size_t)vocab * sizeof *row);
        if (t->extra[GRAD16] != NULL)
            yh_kernels()->f32_to_bf16(row, (yh_bf16 *)t->extra[GRAD16]->data + i * vocab, 0, vocab);
    }
}

static yh_status chunk_logits(const chunk *c, yh_pool *pool, yh_err *err)
{
    const yh_tensor *x = c->t->src[X], *w = c->t->src[W];
    yh_gemm p = {.m = c->rows,
                 .n = w->dim[0],
                 .k = w->dim[1],
                 .ab_type = x->type,
                 .c_type = YH_F32,
                 .trans_b = true,
                 .a = yh_at(x, c->first * x->dim[1]),
                 .b = w->data,
                 .c = c->t->extra[LOGITS]->data,
                 .lda = x->dim[1],
                 .ldb = w->dim[1],
                 .ldc = w->dim[0]};
    return yh_gemm_run(&p, pool, err);
}

static yh_status chunk_gradients(const chunk *c, yh_pool *pool, yh_err *err)
{
    const yh_tensor *t = c->t, *x = t->src[X], *w = t->src[W], *dx = t->extra[DX];
    const yh_tensor *grad = t->extra[GRAD16] != NULL ? t->extra[GRAD16] : t->extra[LOGITS];
    yh_gemm p = {.m = c->rows,
                 .n = w->dim[1],
                 .k = w->dim[0],
                 .ab_type = x->type,
                 .c_type = dx->type,
                 .a = grad->data,
                 .b = w->data,
                 .c = yh_at(dx, c->first * x->dim[1]),
                 .lda = w->dim[0],
                 .ldb = w->dim[1],
                 .ldc = x->dim[1]};
    YH_TRY(yh_gemm_run(&p, pool, err));
    if (!w->needs_grad)
        return YH_OK;
    yh_gemm q = {.m = w->dim[0],
                 .n = w->dim[1],
                 .k = c->rows,
                 .ab_type = x->type,
                 .c_type = YH_F32,
                 .trans_a = true,
                 .accumulate = true,
                 .a = grad->data,
                 .b = yh_at(x, c->first * x->dim[1]),
                 .c = w->grad_data,
                 .lda = w->dim[0],
                 .ldb = x->dim[1],
                 .ldc = w->dim[1]};
    return yh_gemm_run(&q, pool, err);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const int32_t *target = t->src[TARGETS]->data;
    int64_t rows = t->src[X]->dim[0], vocab = t->src[W]->dim[0], step = t->extra[LOGITS]->dim[0];
    float scale = *(const float *)t->src[SCALE]->data;
    for (int64_t i = 0; i < rows; i++) {
        if (target[i] >= vocab)
            return yh_fail(err, YH_INVALID, "\"%s\"[%lld] is %d: the vocabulary has %lld",
                           t->src[TARGETS]->name, (long long)i, (int)target[i], (long long)vocab);
    }
    for (int64_t first = 0; first < rows; first += step) {
        chunk c = {t, first, rows - first < step ? rows - first : step,
                   t->extra[DX] != NULL ? scale : 0.0f};
        YH_TRY(chunk_logits(&c, pool, err));
        yh_pool_run(pool, c.rows, 1, entropy_rows, &c);
        if (t->extra[DX] != NULL)
            YH_TRY(chunk_gradients(&c, pool, err));
    }
    double sum = 0.0;
    for (int64_t i = 0; i < rows; i++)
        sum += (double)((const float *)t->extra[ROW_LOSS]->data)[i];
    *(float *)t->data = (float)(sum * (double)scale);
    return YH_OK;
}

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *x = t->src[X];
    if (grad != NULL) {
        yh_graph_fail(g, "lm_loss must be the loss itself: nothing may follow it");
        return;
    }
    yh_tensor *dx = yh_graph_extra(g, t, DX, x->type, 2, x->dim);
    if (x->type == YH_BF16)
        yh_graph_extra(g, t, GRAD16, YH_BF16, 2, t->extra[LOGITS]->dim);
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
    int64_t one = 1, chunk_dim[2] = {rows_at_once, w->dim[0]};
    if (rows_at_once == 0)
        chunk_dim[0] = chunk_rows(x->dim[0], w->dim[0]);
    yh_tensor *t = yh_graph_node(g, &yh_op_lm_loss, YH_F32, 1, &one, 4, src);
    yh_tensor *losses = yh_graph_extra(g, t, ROW_LOSS, YH_F32, 1, x->dim);
    if (yh_graph_extra(g, t, LOGITS, YH_F32, 2, chunk_dim) == NULL)
        return NULL;
    yh_graph_keep(g, t);
    yh_graph_keep(g, losses);
    return t;
}

yh_tensor *yh_lm_loss(yh_graph *g, yh_tensor *x, yh_tensor *w, yh_tensor *targets, yh_tensor *scale)
{
    return build(g, x, w, targets, scale, 0);
}
