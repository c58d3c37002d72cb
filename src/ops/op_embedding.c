/* Rows of a table. src: tokens [T] I32, w [V, C]. */
#include "ops/ops_util.h"

static void forward_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg, *w = t->src[1];
    const int32_t *tok = t->src[0]->data;
    size_t row = (size_t)t->dim[1] * yh_dtype_size(t->type);
    (void)worker;
    for (int64_t i = b; i < e; i++)
        memcpy((char *)t->data + (size_t)i * row, (const char *)w->data + (size_t)tok[i] * row,
               row);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const int32_t *tok = t->src[0]->data;
    for (int64_t i = 0; i < t->dim[0]; i++) {
        if (tok[i] < 0 || tok[i] >= t->src[1]->dim[0])
            return yh_fail(err, YH_INVALID, "\"%s\"[%lld] is %d: %s has %lld rows", t->src[0]->name,
                           (long long)i, (int)tok[i], t->src[1]->name,
                           (long long)t->src[1]->dim[0]);
    }
    yh_pool_run(pool, t->dim[0], YH_GRAIN_ROWS, forward_rows, t);
    return YH_OK;
}

/* Columns are split over threads and rows visited in order: the sums of a token that occurs often
 * do not depend on the split. src: tokens, w, dy */
static void backward_columns(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg, *dy = t->src[2];
    const int32_t *tok = t->src[0]->data;
    int64_t width = dy->dim[1];
    (void)worker;
    for (int64_t i = 0; i < dy->dim[0]; i++) {
        float *out = t->src[1]->grad_data + tok[i] * width;
        if (dy->type == YH_F32) {
            const float *in = (const float *)dy->data + i * width;
            for (int64_t c = b; c < e; c++)
                out[c] += in[c];
        } else {
            const yh_bf16 *in = (const yh_bf16 *)dy->data + i * width;
            for (int64_t c = b; c < e; c++)
                out[c] += yh_bf16_to_f32(in[c]);
        }
    }
}

static void zero_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *w = arg;
    (void)worker;
    memset(w->grad_data + b * w->dim[1], 0, (size_t)((e - b) * w->dim[1]) * sizeof(float));
}

static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    (void)err;
    if (!yh_grad_adds(t->src[1])) /* a projection that shares the table wrote to it before */
        yh_pool_run(pool, t->src[1]->dim[0], YH_GRAIN_ROWS, zero_rows, t->src[1]);
    yh_pool_run(pool, t->src[2]->dim[1], 16, backward_columns, t);
    return YH_OK;
}

static const yh_op op_back = {.name = "embedding_back", .forward = backward_run};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *src[3] = {t->src[0], t->src[1], grad};
    if (t->src[1]->needs_grad)
        yh_graph_node(g, &op_back, YH_F32, 0, NULL, 3, src);
}

static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    *flops = 0.0;
    *bytes = 2.0 * (double)yh_tensor_bytes(t);
}

static const yh_op_case cases[] = {
    {{1, 1, 1}, false}, {{37, 11, 24}, false}, {{70, 200, 33}, false}, {{4096, 32768, 768}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    return yh_embedding(g, yh_case_id_input(g, "tokens", p[0], YH_CASE_RANDOM, p[1]),
                        yh_case_param(g, "w", p[1], p[2]));
}

static void reference(const yh_tensor *t, double *out)
{
    int64_t width = t->dim[1];
    for (int64_t i = 0; i < t->dim[0] * width; i++) {
        int64_t tok = (int64_t)yh_tensor_get(t->src[0], i / width);
        out[i] = yh_tensor_get(t->src[1], tok * width + i % width);
    }
}

const yh_op yh_op_embedding = {.name = "embedding",
                               .forward = forward,
                               .backward = backward,
                               .cost = cost,
                               .cases = cases,
                               .n_cases = sizeof cases / sizeof cases[0],
                               .build_case = build_case,
                               .reference = reference};

yh_tensor *yh_embedding(yh_graph *g, yh_tensor *tokens, yh_tensor *w)
{
    yh_tensor *src[2] = {tokens, w};
    if (!yh_sources_ok(g, "embedding", 2, src) || !yh_want_matrix(g, "embedding", w) ||
        !yh_want_ids(g, "embedding", tokens, tokens->dim[0]))
        return NULL;
    int64_t dim[2] = {tokens->dim[0], w->dim[1]};
    return yh_graph_node(g, &yh_op_embedding, w->type, 2, dim, 2, src);
}
