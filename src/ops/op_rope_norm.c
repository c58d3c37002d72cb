/* Per-head RMSNorm (Qwen3's QK-norm) and rotary positions (Su et al. 2021, halves as in GPT-NeoX).
 * src: x [T, heads*dim], norm_w [dim] F32 or NULL, pos [T] I32, table [max_pos, dim] F32; extra:
 * rstd [T*heads]. attr: heads, eps. */
#include <math.h>

#include "ops/ops_util.h"

/* ---- cosines and sines, once per graph. attr: theta */
static yh_status table_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    int64_t half = t->dim[1] / 2;
    (void)pool;
    (void)err;
    for (int64_t i = 0; i < half; i++) {
        double freq = pow(t->attr[0].f, -2.0 * (double)i / (double)t->dim[1]);
        for (int64_t p = 0; p < t->dim[0]; p++) {
            float *row = (float *)t->data + p * t->dim[1];
            row[i] = (float)cos((double)p * freq);
            row[half + i] = (float)sin((double)p * freq);
        }
    }
    return YH_OK;
}

static const yh_op op_table = {.name = "rope_table", .forward = table_run, .once = true};

static yh_tensor *rope_table(yh_graph *g, double theta, int64_t max_pos, int64_t dim)
{
    yh_tensor like = {0};
    like.attr[0].f = theta;
    like.attr[1].i = max_pos;
    like.attr[2].i = dim;
    yh_tensor *t = yh_graph_find_constant(g, &op_table, &like);
    if (t != NULL)
        return t;
    int64_t shape[2] = {max_pos, dim};
    t = yh_graph_node(g, &op_table, YH_F32, 2, shape, 0, NULL);
    if (t != NULL)
        memcpy(t->attr, like.attr, sizeof t->attr);
    return t;
}

static void forward_rows(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg;
    (void)worker;
    yh_kernels()->rope_norm(t->type, t->src[0]->data, t->src[1] != NULL ? t->src[1]->data : NULL,
                            (float)t->attr[1].f, t->src[3]->data, t->src[2]->data, t->data,
                            t->src[1] != NULL ? t->extra[0]->data : NULL, (int)t->attr[0].i,
                            (int)t->src[3]->dim[1], b, e);
}

static yh_status forward(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const int32_t *pos = t->src[2]->data;
    for (int64_t i = 0; i < t->dim[0]; i++) {
        if (pos[i] < 0 || pos[i] >= t->src[3]->dim[0])
            return yh_fail(err, YH_INVALID, "\"%s\"[%lld] is %d: the graph is built for %lld",
                           t->src[2]->name, (long long)i, (int)pos[i],
                           (long long)t->src[3]->dim[0]);
    }
    yh_pool_run(pool, t->dim[0], YH_GRAIN_ROWS, forward_rows, t);
    return YH_OK;
}

/* ---- src: x, norm_w or NULL, pos, table, rstd or NULL, dy; extra: dw of each block [blocks, dim]
 */
static void backward_blocks(void *arg, int64_t b, int64_t e, int worker)
{
    const yh_tensor *t = arg, *part = t->extra[0];
    int64_t dim = part->dim[1];
    bool norm = t->src[1] != NULL;
    (void)worker;
    for (int64_t i = b; i < e; i++) {
        float *dw = (float *)part->data + i * dim;
        memset(dw, 0, (size_t)dim * sizeof *dw);
        yh_kernels()->rope_norm_back(t->type, norm ? t->src[0]->data : NULL,
                                     norm ? t->src[1]->data : NULL, norm ? t->src[4]->data : NULL,
                                     t->src[3]->data, t->src[2]->data, t->src[5]->data, t->data,
                                     norm ? dw : NULL, (int)t->attr[0].i, (int)dim,
                                     yh_block_begin(t->dim[0], part->dim[0], i),
                                     yh_block_begin(t->dim[0], part->dim[0], i + 1));
    }
}

static yh_status backward_run(yh_tensor *t, yh_pool *pool, yh_err *err)
{
    const yh_tensor *part = t->extra[0];
    (void)err;
    yh_pool_run(pool, part->dim[0], 1, backward_blocks, t);
    if (t->src[1] != NULL && t->src[1]->needs_grad)
        yh_grad_sum_parts(t->src[1], part);
    return YH_OK;
}

static const yh_op op_back = {.name = "rope_norm_back", .forward = backward_run};

static void backward(yh_graph *g, yh_tensor *t, yh_tensor *grad)
{
    yh_tensor *x = t->src[0];
    bool norm = t->src[1] != NULL;
    yh_tensor *src[6] = {norm ? yh_graph_saved(g, x) : NULL, t->src[1], t->src[2], t->src[3],
                         norm ? t->extra[0] : NULL,          grad};
    yh_tensor *dx = yh_graph_node(g, &op_back, x->type, 2, x->dim, 6, src);
    int64_t dim[2] = {yh_row_blocks(x->dim[0]), t->src[3]->dim[1]};
    if (yh_graph_extra(g, dx, 0, YH_F32, 2, dim) != NULL)
        dx->attr[0] = t->attr[0];
    yh_graph_grad_add(g, x, dx);
}

/* rows, heads, dim, norm */
static const yh_op_case cases[] = {{{1, 1, 2, 1}, false},   {{5, 3, 6, 1}, false},
                                   {{41, 2, 16, 1}, false}, {{41, 2, 16, 0}, false},
                                   {{7, 1, 128, 1}, false}, {{4096, 12, 64, 1}, true}};

static yh_tensor *build_case(yh_graph *g, const int64_t *p)
{
    yh_tensor *x = yh_case_input(g, "x", p[0], p[1] * p[2]);
    yh_tensor *w = p[3] != 0 ? yh_case_param(g, "w", p[2], 0) : NULL;
    yh_tensor *pos = yh_case_id_input(g, "pos", p[0], YH_CASE_POS, 19);
    return yh_rope_norm(g, x, w, pos, (int)p[1], 1e-6f, 10000.0, 19);
}

static void reference(const yh_tensor *t, double *out)
{
    const yh_tensor *x = t->src[0];
    int64_t heads = t->attr[0].i, dim = t->src[3]->dim[1], half = dim / 2;
    double theta = t->src[3]->attr[0].f;
    for (int64_t r = 0; r < t->dim[0] * heads; r++) {
        double sum = 0.0, rstd = 1.0, p = yh_tensor_get(t->src[2], r / heads);
        for (int64_t i = 0; i < dim; i++)
            sum += yh_tensor_get(x, r * dim + i) * yh_tensor_get(x, r * dim + i);
        if (t->src[1] != NULL)
            rstd = 1.0 / sqrt(sum / (double)dim + t->attr[1].f);
        for (int64_t i = 0; i < half; i++) {
            double wa = t->src[1] != NULL ? yh_tensor_get(t->src[1], i) : 1.0;
            double wb = t->src[1] != NULL ? yh_tensor_get(t->src[1], half + i) : 1.0;
            double a = yh_tensor_get(x, r * dim + i) * rstd * wa;
            double b = yh_tensor_get(x, r * dim + half + i) * rstd * wb;
            double angle = p * pow(theta, -2.0 * (double)i / (double)dim);
            out[r * dim + i] = a * cos(angle) - b * sin(angle);
            out[r * dim + half + i] = b * cos(angle) + a * sin(angle);
        }
    }
}

const yh_op yh_op_rope_norm = {.name = "rope_norm",
                               .forward = forward,
                               .backward = backward,
                               .recompute = true,
                               .cases = cases,
                               .n_cases = sizeof cases / sizeof cases[0],
                               .build_case = build_case,
                               .reference = reference};

yh_tensor *yh_rope_norm(yh_graph *g, yh_tensor *x, yh_tensor *norm_w, yh_tensor *pos, int heads,
                        float eps, double theta, int64_t max_pos)
{
    yh_tensor *src[4] = {x, norm_w, pos, NULL};
    yh_tensor *needed[2] = {x, pos};
    if (!yh_sources_ok(g, "rope_norm", 2, needed) || !yh_want_matrix(g, "rope_norm", x) ||
        !yh_want_ids(g, "rope_norm", pos, x->dim[0]))
        return NULL;
    if (heads < 1 || x->dim[1] % heads != 0 || x->dim[1] / heads % 2 != 0 || max_pos < 1 ||
        !(theta > 0.0))
        return yh_graph_fail(g, "rope_norm: %lld columns cannot be %d heads of even size",
                             (long long)x->dim[1], heads);
    if (norm_w != NULL && !yh_want_vector(g, "rope_norm", norm_w, x->dim[1] / heads))
        return NULL;
    src[3] = rope_table(g, theta, max_pos, x->dim[1] / heads);
    yh_tensor *t = yh_graph_node(g, &yh_op_rope_norm, x->type, 2, x->dim, 4, src);
    int64_t n = x->dim[0] * heads;
    if (t == NULL || yh_graph_extra(g, t, 0, YH_F32, 1, &n) == NULL)
        return NULL;
    t->attr[0].i = heads;
    t->attr[1].f = (double)eps;
    return t;
}
