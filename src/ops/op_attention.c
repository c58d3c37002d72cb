/* Causal grouped-query attention, blocked (FlashAttention-2, Dao 2023). src: q, k, v, start (k and
 * v NULL: q holds all three side by side); extra: log-sum-exp [heads, T]. attr: heads, kv_heads,
 * window, dim. */
#include <math.h>

#include "ops/ops_util.h"

enum { HEADS, KV_HEADS, WINDOW, DIM };

/* Fills what forward and backward share; t has src q, k, v, start first. */
static yh_attn shape_of(const yh_tensor *t)
{
    const yh_tensor *q = t->src[0], *k = t->src[1], *v = t->src[2];
    int64_t heads = t->attr[HEADS].i, kv = t->attr[KV_HEADS].i, dim = t->attr[DIM].i;
    yh_attn a = {.rows = q->dim[0],
                 .heads = (int)heads,
                 .kv_heads = (int)kv,
                 .dim = (int)dim,
                 .scale = 1.0f / sqrtf((float)dim),
                 .window = t->attr[WINDOW].i,
                 .type = q->type,
                 .start = t->src[3]->data,
                 .q = q->data,
                 .k = k != NULL ? k->data : yh_at(q, heads * dim),
                 .v = v != NULL ? v->data : yh_at(q, (heads + kv) * dim),
                 .ldq = q->dim[1],
                 .ldk = k != NULL ? k->dim[1] : q->dim[1],
                 .ldv = v != NULL ? v->dim[1] : q->dim[1],
                 .ldo = heads * dim};
    return a;
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    yh_attn a = shape_of(t);
    for (int64_t i = 0; i < a.rows; i++) {
        if (a.start[i] < 0 || a.start[i] > i || (i > 0 && a.start[i] < a.start[i - 1]))
            return yh_fail(err, YH_INVALID,
                           "\"%s\"[%lld] is %d: must not decrease nor pass its row",
                           t->src[3]->name, (long long)i, (int)a.start[i]);
    }
    a.out = t->data;
    a.lse = t->extra[0]->data;
    return yh_attn_forward(&a, pool, err);
}

/* Pairs of rows that see each other; while `start` is not bound yet: as if all rows were one
 * sequence. */
static double pairs(const yh_tensor *t)
{
    const int32_t *start = t->src[3]->data;
    int64_t window = t->attr[WINDOW].i;
    double sum = 0.0;
    for (int64_t i = 0; i < t->src[0]->dim[0]; i++) {
        int64_t seen = i + 1 - (start != NULL ? start[i] : 0);
        sum += (double)(window > 0 && seen > window ? window : seen);
    }
    return sum;
}

static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    (void)bytes;
    *flops = 4.0 * pairs(t) * (double)(t->attr[HEADS].i * t->attr[DIM].i);
}

/* ---- src: q, k, v, start, out, lse, dout; output dq (or all three), extra dk, dv */
static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    yh_attn a = shape_of(t);
    a.out = t->src[4]->data;
    a.lse = t->src[5]->data;
    a.dout = t->src[6]->data;
    a.dq = t->data;
    a.dk = t->src[1] != NULL ? t->extra[0]->data : yh_at(t, (int64_t)a.heads * a.dim);
    a.dv =
        t->src[2] != NULL ? t->extra[1]->data : yh_at(t, (int64_t)(a.heads + a.kv_heads) * a.dim);
    return yh_attn_backward(&a, pool, err);
}

static void cost_back(const yh_tensor *t, double *flops, double *bytes)
{
    (void)bytes; /* scores again, then dP, dV, dQ, dK */
    *flops = 10.0 * pairs(t) * (double)(t->attr[HEADS].i * t->attr[DIM].i);
}

static const yh_op op_back = {.name = "attention_back", .forward = backward_run, .cost = cost_back};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *q = t->src[0], *k = t->src[1], *v = t->src[2];
    yh_tensor *src[7] = {yh_graph_saved(g, q),
                         yh_graph_saved(g, k),
                         yh_graph_saved(g, v),
                         t->src[3],
                         t,
                         t->extra[0],
                         grad};
    yh_tensor *dq = yh_graph_node(g, &op_back, q->type, 2, q->dim, 7, src);
    if (dq == NULL)
        return;
    memcpy(dq->attr, t->attr, sizeof dq->attr);
    yh_graph_grad_add(g, q, dq);
    if (k != NULL) {
        yh_graph_grad_add(g, k, yh_graph_extra(g, dq, 0, k->type, 2, k->dim));
        yh_graph_grad_add(g, v, yh_graph_extra(g, dq, 1, v->type, 2, v->dim));
    }
}

/* rows, heads, kv_heads, dim, window (negative: none, and q, k, v side by side), sequence */
static const yh_op_case cases[] = {
    {{1, 1, 1, 2, 0, 1}, false},       {{7, 3, 1, 4, 0, 7}, false},
    {{33, 4, 2, 16, 0, 11}, false},    {{40, 2, 2, 8, 5, 40}, false},
    {{29, 2, 2, 24, -1, 13}, false},   {{70, 1, 1, 64, 0, 70}, false},
    {{2048, 12, 4, 64, 0, 2048}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    bool fused = p[4] < 0;
    yh_tensor *q = yh_case_input(g, "q", p[0], fused ? (p[1] + 2 * p[2]) * p[3] : p[1] * p[3]);
    yh_tensor *k = fused ? NULL : yh_case_input(g, "k", p[0], p[2] * p[3]);
    yh_tensor *v = fused ? NULL : yh_case_input(g, "v", p[0], p[2] * p[3]);
    yh_tensor *start = yh_case_id_input(g, "start", p[0], YH_CASE_START, p[5]);
    return yh_attention(g, q, k, v, start, (int)p[1], (int)p[2], fused ? 0 : p[4]);
}

/* Row r of head h's output by the definition. */
static void reference_row(const yh_tensor *t, int64_t r, int64_t h, double *out)
{
    int64_t heads = t->attr[HEADS].i, kv = t->attr[KV_HEADS].i, dim = t->attr[DIM].i;
    const yh_tensor *q = t->src[0], *k = t->src[1] != NULL ? t->src[1] : q;
    const yh_tensor *v = t->src[2] != NULL ? t->src[2] : q;
    int64_t kh = (t->src[1] != NULL ? 0 : heads * dim) + h / (heads / kv) * dim;
    int64_t vh = (t->src[2] != NULL ? 0 : (heads + kv) * dim) + h / (heads / kv) * dim;
    int64_t first = (int64_t)yh_tensor_get(t->src[3], r), window = t->attr[WINDOW].i;
    if (window > 0 && first < r - window + 1)
        first = r - window + 1;
    double score[128], most = -1e300, sum = 0.0;
    for (int64_t j = first; j <= r; j++) {
        double s = 0.0;
        for (int64_t i = 0; i < dim; i++)
            s += yh_tensor_get(q, r * q->dim[1] + h * dim + i) *
                 yh_tensor_get(k, j * k->dim[1] + kh + i);
        score[j - first] = s / sqrt((double)dim);
        most = score[j - first] > most ? score[j - first] : most;
    }
    for (int64_t j = first; j <= r; j++)
        sum += exp(score[j - first] - most);
    for (int64_t i = 0; i < dim; i++) {
        out[i] = 0.0;
        for (int64_t j = first; j <= r; j++)
            out[i] += exp(score[j - first] - most) / sum * yh_tensor_get(v, j * v->dim[1] + vh + i);
    }
}

static void reference(const yh_tensor *t, double *out)
{
    int64_t heads = t->attr[HEADS].i, dim = t->attr[DIM].i;
    for (int64_t r = 0; r < t->dim[0]; r++) {
        for (int64_t h = 0; h < heads; h++)
            reference_row(t, r, h, out + (r * heads + h) * dim);
    }
}

const yh_op yh_op_attention = {.name = "attention",
                               .forward = forward,
                               .backward = backward,
                               .cost = cost,
                               .cases = cases,
                               .n_cases = sizeof cases / sizeof cases[0],
                               .build_case = build_case,
                               .reference = reference};

yh_tensor *yh_attention(yh_graph *g, yh_tensor *q, yh_tensor *k, yh_tensor *v, yh_tensor *start,
                        int heads, int kv_heads, int64_t window)
{
    yh_tensor *src[4] = {q, k, v, start}, *needed[2] = {q, start};
    if (!yh_sources_ok(g, "attention", 2, needed) || !yh_want_matrix(g, "attention", q) ||
        !yh_want_ids(g, "attention", start, q->dim[0]))
        return NULL;
    int64_t units = k != NULL ? heads : (int64_t)heads + 2 * (int64_t)kv_heads;
    if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0 || q->dim[1] % units != 0 ||
        (k == NULL) != (v == NULL))
        return yh_graph_fail(g, "attention: %lld columns cannot be %d heads and %d key heads",
                             (long long)q->dim[1], heads, kv_heads);
    int64_t head_dim = q->dim[1] / units;
    for (int i = 1; i < 3; i++) {
        if (src[i] != NULL &&
            (!yh_want_matrix(g, "attention", src[i]) || src[i]->dim[0] != q->dim[0] ||
             src[i]->dim[1] != kv_heads * head_dim))
            return yh_graph_fail(g, "attention: keys and values must be [%lld, %lld]",
                                 (long long)q->dim[0], (long long)(kv_heads * head_dim));
    }
    int64_t dim[2] = {q->dim[0], heads * head_dim}, lse[2] = {heads, q->dim[0]};
    yh_tensor *t = yh_graph_node(g, &yh_op_attention, q->type, 2, dim, 4, src);
    if (t == NULL || yh_graph_extra(g, t, 0, YH_F32, 2, lse) == NULL)
        return NULL;
    t->attr[HEADS].i = heads;
    t->attr[KV_HEADS].i = kv_heads;
    t->attr[WINDOW].i = window;
    t->attr[DIM].i = head_dim;
    return t;
}
