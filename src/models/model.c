/* What all families share: the registry, parameters by name, inputs and outputs of a graph. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "models/model.h"
#include "registry_model.h"
#include "tensor/op.h"

#define DECLARE(name) extern const yh_model_family yh_model_##name;
YH_REGISTRY_MODEL(DECLARE)
#undef DECLARE
static const yh_model_family *const families[] = {
#define ENTRY(name) &yh_model_##name,
    YH_REGISTRY_MODEL(ENTRY)
#undef ENTRY
};

const yh_model_family *yh_model_family_find(const char *name_or_hf_class)
{
    for (size_t i = 0; name_or_hf_class != NULL && i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i]->name, name_or_hf_class) == 0 ||
            strcmp(families[i]->hf_class, name_or_hf_class) == 0)
            return families[i];
    }
    return NULL;
}

/* ------------------------------------------------------------------ configuration */

static yh_status check_range(const char *path, const char *what, int64_t v, int64_t min,
                             int64_t max, yh_err *err)
{
    if (v >= min && v <= max)
        return YH_OK;
    return yh_fail(err, YH_CORRUPT, "%s: %s is %lld, must be %lld to %lld", path, what,
                   (long long)v, (long long)min, (long long)max);
}

yh_status yh_model_config_check(const yh_model_config *c, const char *path, yh_err *err)
{
    const struct {
        const char *what;
        int64_t v, min, max;
    } range[] = {{"the vocabulary size", c->vocab, 1, 1 << 24},
                 {"the width", c->width, 1, 1 << 17},
                 {"the number of layers", c->layers, 1, 4096},
                 {"the number of attention heads", c->heads, 1, 4096},
                 {"the number of key-value heads", c->kv_heads, 1, 4096},
                 {"the head size", c->head_dim, 1, 512},
                 {"the width of the MLP", c->ffn, 1, 1 << 20},
                 {"the context", c->context, 1, 1 << 24},
                 {"the BOS id", c->bos, -1, (int64_t)c->vocab - 1},
                 {"the EOS id", c->eos, -1, (int64_t)c->vocab - 1},
                 {"the PAD id", c->pad, -1, (int64_t)c->vocab - 1}};
    const yh_model_family *f = yh_model_family_find(c->family);
    if (f == NULL)
        return yh_fail(err, YH_UNSUPPORTED, "%s: there is no model family \"%s\"", path,
                       c->family != NULL ? c->family : "");
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++)
        YH_TRY(check_range(path, range[i].what, range[i].v, range[i].min, range[i].max, err));
    if (c->heads % c->kv_heads != 0)
        return yh_fail(err, YH_CORRUPT,
                       "%s: %d attention heads cannot share %d key-value heads evenly", path,
                       (int)c->heads, (int)c->kv_heads);
    if (!(c->norm_eps > 0.0 && c->norm_eps < 1.0))
        return yh_fail(err, YH_CORRUPT, "%s: the norms' epsilon is %g, must be between 0 and 1",
                       path, c->norm_eps);
    if (!(c->init_std >= 0.0 && c->init_std <= 10.0))
        return yh_fail(err, YH_CORRUPT, "%s: the initial deviation is %g, must be 0 to 10", path,
                       c->init_std);
    return f->check_config(c, path, err);
}

/* ------------------------------------------------------------------ counting */

static uint64_t spec_count(const yh_param_spec *s)
{
    return (uint64_t)s->dim[0] * (uint64_t)(s->ndim > 1 ? s->dim[1] : 1);
}

uint64_t yh_model_param_total(const yh_model_config *c)
{
    const yh_model_family *f = yh_model_family_find(c->family);
    uint64_t sum = 0;
    for (int i = 0; f != NULL && i < f->param_count(c); i++) {
        yh_param_spec s;
        f->param_spec(c, i, &s);
        sum += spec_count(&s);
    }
    return sum;
}

uint64_t yh_model_param_matmul(const yh_model_config *c)
{
    const yh_model_family *f = yh_model_family_find(c->family);
    uint64_t sum = c->tied ? (uint64_t)c->vocab * (uint64_t)c->width : 0;
    for (int i = 0; f != NULL && i < f->param_count(c); i++) {
        yh_param_spec s;
        f->param_spec(c, i, &s);
        if (s.kind == YH_PARAM_MATRIX || s.kind == YH_PARAM_HEAD)
            sum += spec_count(&s);
    }
    return sum;
}

double yh_model_flops_per_token(const yh_model_config *c, int64_t context)
{
    return 6.0 * (double)yh_model_param_matmul(c) +
           6.0 * (double)c->layers * (double)c->heads * (double)c->head_dim * (double)context;
}

/* ------------------------------------------------------------------ building */

yh_tensor *yh_model_param(yh_build *b, const char *fmt, ...)
{
    char name[sizeof((yh_param_spec *)0)->name];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    if (yh_graph_failed(b->g))
        return NULL;
    yh_tensor *t = yh_graph_find(b->g, name);
    if (t != NULL)
        return t;
    const yh_model_family *f = yh_model_family_find(b->cfg->family);
    int n = f->param_count(b->cfg);
    for (int i = 0; i < n; i++) {
        yh_param_spec s;
        int at = (b->cursor + i) % n;
        f->param_spec(b->cfg, at, &s);
        if (strcmp(s.name, name) != 0)
            continue;
        b->cursor = at + 1;
        yh_dtype type = s.kind == YH_PARAM_VECTOR ? YH_F32 : yh_graph_compute_type(b->g);
        return yh_graph_param(b->g, s.name, type, s.ndim, s.dim, b->trainable);
    }
    return yh_graph_fail(b->g, "family %s has no parameter \"%s\"", f->name, name);
}

static void make_caches(yh_build *b)
{
    char name[32];
    size_t bytes = (size_t)b->cfg->layers * sizeof *b->k_cache;
    int64_t dim[2] = {b->capacity, (int64_t)b->cfg->kv_heads * b->cfg->head_dim};
    b->k_cache = yh_graph_alloc(b->g, bytes);
    b->v_cache = yh_graph_alloc(b->g, bytes);
    for (int i = 0; i < b->cfg->layers && !yh_graph_failed(b->g); i++) {
        snprintf(name, sizeof name, "k_cache.%d", i);
        b->k_cache[i] = yh_graph_input(b->g, name, yh_graph_compute_type(b->g), 2, dim);
        snprintf(name, sizeof name, "v_cache.%d", i);
        b->v_cache[i] = yh_graph_input(b->g, name, yh_graph_compute_type(b->g), 2, dim);
    }
}

void yh_model_build(yh_build *b, int64_t n_out)
{
    yh_graph *g = b->g;
    int64_t one = 1;
    const yh_model_family *f = yh_model_family_find(b->cfg->family);
    yh_err e = YH_ERR_INIT;
    if (f == NULL || yh_model_config_check(b->cfg, "model configuration", &e) != YH_OK) {
        yh_graph_fail(g, "%s", f == NULL ? "no such model family" : e.msg);
        return;
    }
    b->cursor = 0;
    b->tokens = yh_graph_input(g, "tokens", YH_I32, 1, &b->rows);
    b->pos = yh_graph_input(g, "pos", YH_I32, 1, &b->rows);
    if (b->cached)
        make_caches(b);
    else
        b->start = yh_graph_input(g, "start", YH_I32, 1, &b->rows);
    if (yh_graph_failed(g))
        return;
    f->build_body(b);
    if (n_out > 0) {
        b->out_rows = yh_graph_input(g, "out_rows", YH_I32, 1, &n_out);
        b->logits = yh_logits(g, yh_take_rows(g, b->hidden, b->out_rows), b->head);
        yh_graph_keep(g, b->logits);
    } else if (!b->cached) {
        b->targets = yh_graph_input(g, "targets", YH_I32, 1, &b->rows);
        b->scale = yh_graph_input(g, "scale", YH_F32, 1, &one);
        b->loss = yh_lm_loss(g, b->hidden, b->head, b->targets, b->scale);
    }
}

/* ------------------------------------------------------------------ helpers of families */

yh_status yh_model_refuse(const json_t *j, const char *key, const char *only, const char *path,
                          yh_err *err)
{
    const json_t *v = json_object_get(j, key);
    bool same;
    if (v == NULL)
        return YH_OK;
    if (only == NULL)
        same = json_is_null(v) || json_is_false(v);
    else if (strcmp(only, "true") == 0)
        same = json_is_true(v);
    else
        same = json_is_string(v) && strcmp(json_string_value(v), only) == 0;
    if (same)
        return YH_OK;
    return yh_fail(err, YH_UNSUPPORTED, "%s: \"%s\" must be %s: nothing else is supported", path,
                   key, only == NULL ? "false or null" : only);
}

/* A list of ids (as generation settings have it) stands for its first. */
static yh_status read_id(const json_t *j, const char *key, int64_t vocab, const char *path,
                         int32_t *out, yh_err *err)
{
    const json_t *v = json_object_get(j, key);
    if (json_is_array(v))
        v = json_array_get(v, 0);
    *out = -1;
    if (v == NULL || json_is_null(v))
        return YH_OK;
    if (!json_is_integer(v) || json_integer_value(v) < -1)
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a token id", path, key);
    int64_t id = json_integer_value(v);
    if (id >= vocab) { /* a small model made from a family's defaults keeps the large one's ids */
        yh_log(YH_LOG_WARN, "%s: \"%s\" is %lld, past the vocabulary of %lld: ignored", path, key,
               (long long)id, (long long)vocab);
        return YH_OK;
    }
    *out = (int32_t)id;
    return YH_OK;
}

yh_status yh_model_read_ids(yh_model_config *c, const json_t *j, const char *path, yh_err *err)
{
    YH_TRY(read_id(j, "bos_token_id", c->vocab, path, &c->bos, err));
    YH_TRY(read_id(j, "eos_token_id", c->vocab, path, &c->eos, err));
    return read_id(j, "pad_token_id", c->vocab, path, &c->pad, err);
}

yh_status yh_model_read_size(const json_t *j, const char *key, int64_t max, int64_t dflt,
                             const char *path, int32_t *out, yh_err *err)
{
    int64_t v;
    YH_TRY(yh_json_int(j, key, 1, max, dflt > 0, dflt, path, &v, err));
    *out = (int32_t)v;
    return YH_OK;
}

static json_t *id_value(int32_t id)
{
    return id >= 0 ? json_integer(id) : json_null();
}

yh_status yh_model_write_ids(const yh_model_config *c, json_t *j, yh_err *err)
{
    if (json_object_set_new(j, "bos_token_id", id_value(c->bos)) != 0 ||
        json_object_set_new(j, "eos_token_id", id_value(c->eos)) != 0 ||
        json_object_set_new(j, "pad_token_id", id_value(c->pad)) != 0)
        return yh_fail(err, YH_NOMEM, "no memory for a configuration");
    return YH_OK;
}
