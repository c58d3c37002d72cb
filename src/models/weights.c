/* A model's weights in memory: making, random start, binding to graphs, freeing. */
#include <math.h>

#include "base/rng.h"
#include "formats/safetensors.h"
#include "models/weights.h"

/* Streams of random numbers: parameter i draws from stream BASE + i. */
static const uint64_t init_stream = (uint64_t)0x796831 << 32;

int64_t yh_weights_count(const yh_param_spec *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->ndim; i++)
        n *= s->dim[i]; /* in range: checked by yh_weights_create */
    return n;
}

bool yh_weights_is_bf16(const yh_model *m, const yh_param_spec *s)
{
    return m->type == YH_BF16 && s->kind != YH_PARAM_VECTOR;
}

yh_status yh_weights_alloc(yh_param *p, bool bf16, bool masters, yh_err *err)
{
    size_t n = (size_t)yh_weights_count(&p->spec);
    p->owned = true;
    if (!bf16)
        p->w = yh_big_alloc(n * sizeof *p->w);
    else
        p->w16 = yh_big_alloc(n * sizeof *p->w16);
    if (bf16 && masters)
        p->low = yh_big_alloc(n * sizeof *p->low);
    if ((bf16 ? p->w16 == NULL : p->w == NULL) || (bf16 && masters && p->low == NULL))
        return yh_fail(err, YH_NOMEM, "no memory for the weights of \"%s\" (%zu numbers)",
                       p->spec.name, n);
    return YH_OK;
}

void yh_weights_free(yh_param *p)
{
    if (!p->owned)
        return;
    size_t n = (size_t)yh_weights_count(&p->spec);
    yh_big_free(p->w, n * sizeof *p->w);
    yh_big_free(p->w16, n * sizeof *p->w16);
    yh_big_free(p->low, n * sizeof *p->low);
}

void yh_weights_put(const yh_param *p, int64_t at, const float *v, int64_t n)
{
    if (p->w != NULL)
        memcpy(p->w + at, v, (size_t)n * sizeof *v);
    else if (p->low != NULL)
        yh_kernels()->f32_split(v, p->w16 + at, p->low + at, 0, n);
    else
        yh_kernels()->f32_to_bf16(v, p->w16 + at, 0, n);
}

void yh_weights_get(const yh_param *p, bool masters, int64_t at, float *v, int64_t n)
{
    if (p->w != NULL)
        memcpy(v, p->w + at, (size_t)n * sizeof *v);
    else if (masters && p->low != NULL)
        yh_kernels()->f32_join(p->w16 + at, p->low + at, v, 0, n);
    else
        yh_kernels()->bf16_to_f32(p->w16 + at, v, 0, n);
}

yh_status yh_weights_create(yh_model **out, const yh_model_config *cfg, yh_dtype type, yh_err *err)
{
    *out = NULL;
    const yh_model_family *f = yh_model_family_find(cfg->family);
    if (f == NULL)
        return yh_fail(err, YH_UNSUPPORTED, "there is no model family \"%s\"", cfg->family);
    if (type != YH_F32 && type != YH_BF16)
        return yh_fail(err, YH_INVALID, "models compute in f32 or bf16, not %s",
                       yh_dtype_text(type));
    YH_TRY(yh_model_config_check(cfg, "model configuration", err));
    yh_model *m = yh_calloc(1, sizeof *m);
    if (m == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a model");
    m->family = f;
    m->cfg = *cfg;
    m->type = type;
    m->n_params = f->param_count(cfg);
    m->params = yh_calloc((size_t)m->n_params, sizeof *m->params);
    if (m->params == NULL) {
        yh_status s = yh_fail(err, YH_NOMEM, "no memory for a model of %d tensors", m->n_params);
        yh_model_free(m);
        return s;
    }
    for (int i = 0; i < m->n_params; i++) {
        yh_param_spec *p = &m->params[i].spec;
        size_t n = sizeof(float);
        f->param_spec(cfg, i, p);
        for (int k = 0; k < p->ndim; k++)
            if (p->dim[k] < 1 || !yh_mul_size(n, (size_t)p->dim[k], &n)) {
                yh_status s = yh_fail(err, YH_LIMIT, "tensor \"%s\" would be too large", p->name);
                m->n_params = 0; /* shapes of the rest are not known */
                yh_model_free(m);
                return s;
            }
    }
    *out = m;
    return YH_OK;
}

void yh_model_free(yh_model *m)
{
    if (m == NULL)
        return;
    for (int i = 0; m->params != NULL && i < m->n_params; i++)
        yh_weights_free(&m->params[i]);
    yh_free(m->params);
    yh_safetensors_close(m->files);
    yh_free(m);
}

/* Four normals from one 128-bit draw (Box-Muller twice); the value of element i depends on
 * (seed, parameter, i) only. */
static void normals(uint64_t seed, uint64_t stream, uint64_t block, float out[4], double std)
{
    uint32_t r[4];
    yh_philox(seed, stream, block, r);
    for (int i = 0; i < 4; i += 2) {
        double u = ((double)r[i] + 0.5) * 0x1p-32;
        double v = (double)r[i + 1] * 0x1p-32 * 6.283185307179586;
        double radius = std * sqrt(-2.0 * log(u));
        out[i] = (float)(radius * cos(v));
        out[i + 1] = (float)(radius * sin(v));
    }
}

static void init_param(yh_param *p, uint64_t seed, int index)
{
    const int64_t n = yh_weights_count(&p->spec);
    const float mean = (float)p->spec.init_mean;
    float v[1024] = {0};
    enum { STEP = sizeof v / sizeof *v };
    for (int64_t at = 0; at < n; at += STEP) {
        for (int64_t i = 0; i < STEP; i += 4) {
            if (p->spec.init_std > 0.0)
                normals(seed, init_stream + (uint64_t)index, (uint64_t)(at + i) / 4, v + i,
                        p->spec.init_std);
            for (int k = 0; k < 4; k++)
                v[i + k] = p->spec.init_std > 0.0 ? mean + v[i + k] : mean;
        }
        yh_weights_put(p, at, v, n - at < STEP ? n - at : STEP);
    }
}

yh_status yh_model_init(yh_model **out, const yh_model_config *cfg, yh_dtype type, uint64_t seed,
                        yh_err *err)
{
    YH_TRY(yh_weights_create(out, cfg, type, err));
    for (int i = 0; i < (*out)->n_params; i++) {
        yh_param *p = &(*out)->params[i];
        yh_status s = yh_weights_alloc(p, yh_weights_is_bf16(*out, &p->spec), true, err);
        if (s != YH_OK) {
            yh_model_free(*out);
            *out = NULL;
            return s;
        }
        init_param(p, seed, i);
    }
    return YH_OK;
}

yh_status yh_model_bind(yh_model *m, yh_graph *g, yh_err *err)
{
    if (yh_graph_compute_type(g) != m->type)
        return yh_fail(err, YH_MISMATCH, "the graph computes in %s, the model in %s",
                       yh_dtype_text(yh_graph_compute_type(g)), yh_dtype_text(m->type));
    for (int i = 0; i < m->n_params; i++) {
        yh_param *p = &m->params[i];
        yh_tensor *t = yh_graph_find(g, p->spec.name);
        if (t == NULL)
            continue; /* this graph has no use for it */
        if (yh_tensor_count(t) != yh_weights_count(&p->spec))
            return yh_fail(err, YH_INTERNAL, "parameter \"%s\" has another shape in the graph",
                           p->spec.name);
        void *data = t->type == YH_BF16 ? (void *)p->w16 : (void *)p->w;
        if (data == NULL || (t->type != YH_F32 && t->type != YH_BF16))
            return yh_fail(err, YH_INTERNAL, "parameter \"%s\" has no %s weights", p->spec.name,
                           yh_dtype_text(t->type));
        yh_tensor_bind(t, data);
    }
    return YH_OK;
}

void yh_config_facts(const yh_model_config *c, yh_model_facts *out)
{
    *out = (yh_model_facts){.family = c->family,
                            .vocab = c->vocab,
                            .width = c->width,
                            .layers = c->layers,
                            .heads = c->heads,
                            .kv_heads = c->kv_heads,
                            .head_dim = c->head_dim,
                            .ffn = c->ffn,
                            .context = c->context,
                            .weights = yh_model_param_total(c),
                            .tied = c->tied};
}

void yh_model_describe(const yh_model *m, yh_model_facts *out)
{
    yh_config_facts(&m->cfg, out);
}
