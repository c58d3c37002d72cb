/* Decoding: writes the new rows of keys and values into the caches, then attends over them.
 * src: q, k, v, k_cache, v_cache, pos (k and v NULL: q holds all three side by side). attr: heads,
 * kv_heads, window, dim. */
#include <math.h>

#include "ops/ops_util.h"

enum { HEADS, KV_HEADS, WINDOW, DIM };

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *q = t->src[0], *cache[2] = {t->src[3], t->src[4]};
    const int32_t *pos = t->src[5]->data;
    int64_t heads = t->attr[HEADS].i, kv = t->attr[KV_HEADS].i, dim = t->attr[DIM].i;
    size_t row = (size_t)(kv * dim) * yh_dtype_size(q->type);
    for (int64_t i = 0; i < q->dim[0]; i++) {
        if (pos[i] < 0 || pos[i] >= cache[0]->dim[0])
            return yh_fail(err, YH_INVALID, "position %d: the cache holds %lld rows", (int)pos[i],
                           (long long)cache[0]->dim[0]);
        for (int c = 0; c < 2; c++) {
            const yh_tensor *from = t->src[1 + c];
            const void *in = from != NULL ? yh_at(from, i * from->dim[1])
                                          : yh_at(q, i * q->dim[1] + (heads + c * kv) * dim);
            memcpy(yh_at(cache[c], pos[i] * kv * dim), in, row);
        }
    }
    yh_attn_cached a = {.n = q->dim[0],
                        .heads = (int)heads,
                        .kv_heads = (int)kv,
                        .dim = (int)dim,
                        .scale = 1.0f / sqrtf((float)dim),
                        .window = t->attr[WINDOW].i,
                        .type = q->type,
                        .pos = pos,
                        .q = q->data,
                        .k_cache = cache[0]->data,
                        .v_cache = cache[1]->data,
                        .out = t->data,
                        .ldq = q->dim[1],
                        .ldkv = kv * dim,
                        .ldo = heads * dim};
    return yh_attn_cached_run(&a, pool, err);
}

/* With the cache full: its filling is not known before the run. */
static void cost(const yh_tensor *t, double *flops, double *bytes)
{
    (void)bytes;
    *flops = 4.0 * (double)t->dim[0] * (double)t->dim[1] * (double)t->src[3]->dim[0];
}

/* rows, heads, kv_heads, dim, window (negative: none, side by side), capacity */
static const yh_op_case cases[] = {{{1, 1, 1, 2, 0, 1}, false},    {{1, 4, 2, 16, 0, 37}, false},
                                   {{5, 3, 1, 8, 0, 21}, false},   {{9, 2, 2, 64, 6, 70}, false},
                                   {{3, 2, 2, 24, -1, 50}, false}, {{1, 12, 4, 64, 0, 4096}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    bool fused = p[4] < 0;
    yh_tensor *q = yh_case_input(g, "q", p[0], fused ? (p[1] + 2 * p[2]) * p[3] : p[1] * p[3]);
    yh_tensor *k = fused ? NULL : yh_case_input(g, "k", p[0], p[2] * p[3]);
    yh_tensor *v = fused ? NULL : yh_case_input(g, "v", p[0], p[2] * p[3]);
    yh_tensor *kc = yh_case_input(g, "k_cache", p[5], p[2] * p[3]);
    yh_tensor *vc = yh_case_input(g, "v_cache", p[5], p[2] * p[3]);
    yh_tensor *pos = yh_case_id_input(g, "pos", p[0], YH_CASE_LAST, p[5]);
    return yh_attention_cached(g, q, k, v, kc, vc, pos, (int)p[1], (int)p[2], fused ? 0 : p[4]);
}

/* Reads the caches after the run: the new rows must be in them. */
static void reference_row(const yh_tensor *t, int64_t r, int64_t h, double *out)
{
    const yh_tensor *q = t->src[0];
    const yh_tensor *in[2] = {t->src[1], t->src[2]}, *cache[2] = {t->src[3], t->src[4]};
    int64_t heads = t->attr[HEADS].i, kv = t->attr[KV_HEADS].i, dim = t->attr[DIM].i;
    int64_t kh = h / (heads / kv) * dim, last = (int64_t)yh_tensor_get(t->src[5], r), first = 0;
    int64_t new0 = (int64_t)yh_tensor_get(t->src[5], 0); /* the case's positions are consecutive */
    if (t->attr[WINDOW].i > 0 && last - t->attr[WINDOW].i + 1 > 0)
        first = last - t->attr[WINDOW].i + 1;
    double sum = 0.0;
    for (int64_t i = 0; i < dim; i++)
        out[i] = 0.0;
    for (int64_t j = first; j <= last; j++) {
        double s = 0.0, x[2][128];
        for (int64_t i = 0; i < dim; i++) {
            for (int c = 0; c < 2; c++)
                x[c][i] = j < new0        ? yh_tensor_get(cache[c], j * kv * dim + kh + i)
                          : in[c] != NULL ? yh_tensor_get(in[c], (j - new0) * kv * dim + kh + i)
                                          : yh_tensor_get(q, (j - new0) * q->dim[1] +
                                                                 (heads + c * kv) * dim + kh + i);
            s += yh_tensor_get(q, r * q->dim[1] + h * dim + i) * x[0][i];
        }
        double p = exp(s / sqrt((double)dim));
        sum += p;
        for (int64_t i = 0; i < dim; i++)
            out[i] += p * x[1][i];
    }
    for (int64_t i = 0; i < dim; i++)
        out[i] /= sum;
}

static void reference(const yh_tensor *t, double *out)
{
    int64_t heads = t->attr[HEADS].i, dim = t->attr[DIM].i;
    for (int64_t r = 0; r < t->dim[0]; r++) {
        for (int64_t h = 0; h < heads; h++)
            reference_row(t, r, h, out + (r * heads + h) * dim);
    }
}

const yh_op yh_op_attention_cached = {.name = "attention_cached",
                                      .forward = forward,
                                      .cost = cost,
                                      .cases = cases,
                                      .n_cases = sizeof cases / sizeof cases[0],
                                      .build_case = build_case,
                                      .reference = reference};

yh_tensor *yh_attention_cached(yh_graph *g, yh_tensor *q, yh_tensor *k, yh_tensor *v,
                               yh_tensor *k_cache, yh_tensor *v_cache, yh_tensor *pos, int heads,
                               int kv_heads, int64_t window)
{
    yh_tensor *src[6] = {q, k, v, k_cache, v_cache, pos};
    yh_tensor *needed[4] = {q, k_cache, v_cache, pos};
    if (!yh_sources_ok(g, "attention_cached", 4, needed) ||
        !yh_want_matrix(g, "attention_cached", q) ||
        !yh_want_ids(g, "attention_cached", pos, q->dim[0]))
        return NULL;
    int64_t units = k != NULL ? heads : (int64_t)heads + 2 * (int64_t)kv_heads;
    if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0 || q->dim[1] % units != 0 ||
        (k == NULL) != (v == NULL))
        return yh_graph_fail(g, "attention_cached: %lld columns cannot be %d heads, %d key heads",
                             (long long)q->dim[1], heads, kv_heads);
    int64_t head_dim = q->dim[1] / units;
    for (int i = 1; i < 5; i++) {
        int64_t rows = i < 3 ? q->dim[0] : k_cache->dim[0];
        if (src[i] != NULL && (!yh_want_matrix(g, "attention_cached", src[i]) ||
                               src[i]->dim[0] != rows || src[i]->dim[1] != kv_heads * head_dim))
            return yh_graph_fail(g, "attention_cached: %s must be [%lld, %lld]", src[i]->name,
                                 (long long)rows, (long long)(kv_heads * head_dim));
    }
    int64_t dim[2] = {q->dim[0], heads * head_dim};
    yh_tensor *t = yh_graph_node(g, &yh_op_attention_cached, q->type, 2, dim, 6, src);
    if (t == NULL)
        return NULL;
    t->attr[HEADS].i = heads;
    t->attr[KV_HEADS].i = kv_heads;
    t->attr[WINDOW].i = window;
    t->attr[DIM].i = head_dim;
    return t;
}
