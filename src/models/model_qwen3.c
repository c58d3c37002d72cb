/* Qwen3 (Hugging Face Qwen3ForCausalLM): RMSNorm before each block, grouped-query attention with
 * QK-norm and rotary positions, SwiGLU, no biases. */
#include <math.h>
#include <stdio.h>

#include "models/model.h"

enum { PER_LAYER = 11 };

/* ------------------------------------------------------------------ configuration */

/* rope_theta stands at the top or, in newer files, in rope_parameters. */
static yh_status read_rope(yh_model_config *c, const json_t *j, const char *path, yh_err *err)
{
    const json_t *r = json_object_get(j, "rope_parameters");
    const json_t *s = json_object_get(j, "rope_scaling");
    double dflt = 10000.0;
    if (json_is_object(s)) { /* newer files may repeat the plain kind here */
        YH_TRY(yh_model_refuse(s, "rope_type", "default", path, err));
        YH_TRY(yh_model_refuse(s, "type", "default", path, err));
    } else {
        YH_TRY(yh_model_refuse(j, "rope_scaling", NULL, path, err));
    }
    if (json_is_object(r)) {
        YH_TRY(yh_model_refuse(r, "rope_type", "default", path, err));
        YH_TRY(yh_json_num(r, "rope_theta", 1.0, 1e12, true, dflt, path, &dflt, err));
    }
    return yh_json_num(j, "rope_theta", 1.0, 1e12, true, dflt, path, &c->rope_theta, err);
}

static yh_status check_layers(const json_t *j, const char *path, yh_err *err)
{
    const json_t *types = json_object_get(j, "layer_types");
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *s = json_string_value(json_array_get(types, i));
        if (s == NULL || strcmp(s, "full_attention") != 0)
            return yh_fail(err, YH_UNSUPPORTED,
                           "%s: \"layer_types\"[%zu] must be \"full_attention\": nothing else is "
                           "supported",
                           path, i);
    }
    return YH_OK;
}

static yh_status read_config(yh_model_config *c, const json_t *j, const char *path, yh_err *err)
{
    *c = (yh_model_config){.family = "qwen3"};
    YH_TRY(yh_model_refuse(j, "attention_bias", NULL, path, err));
    YH_TRY(yh_model_refuse(j, "use_sliding_window", NULL, path, err));
    YH_TRY(yh_model_refuse(j, "hidden_act", "silu", path, err));
    YH_TRY(check_layers(j, path, err));
    YH_TRY(read_rope(c, j, path, err));
    YH_TRY(yh_model_read_size(j, "vocab_size", 1 << 24, 0, path, &c->vocab, err));
    YH_TRY(yh_model_read_size(j, "hidden_size", 1 << 17, 0, path, &c->width, err));
    YH_TRY(yh_model_read_size(j, "num_hidden_layers", 4096, 0, path, &c->layers, err));
    YH_TRY(yh_model_read_size(j, "num_attention_heads", 4096, 0, path, &c->heads, err));
    YH_TRY(yh_model_read_size(j, "num_key_value_heads", 4096, c->heads, path, &c->kv_heads, err));
    YH_TRY(yh_model_read_size(j, "head_dim", 512, 128, path, &c->head_dim, err));
    YH_TRY(yh_model_read_size(j, "intermediate_size", 1 << 20, 0, path, &c->ffn, err));
    YH_TRY(
        yh_model_read_size(j, "max_position_embeddings", 1 << 24, 32768, path, &c->context, err));
    YH_TRY(yh_json_num(j, "rms_norm_eps", 0.0, 1.0, true, 1e-6, path, &c->norm_eps, err));
    YH_TRY(yh_json_num(j, "initializer_range", 0.0, 10.0, true, 0.02, path, &c->init_std, err));
    YH_TRY(yh_json_bool(j, "tie_word_embeddings", true, false, path, &c->tied, err));
    return yh_model_read_ids(c, j, path, err);
}

static yh_status write_config(const yh_model_config *c, json_t *j, yh_err *err)
{
    json_t *own = json_pack(
        "{s:[s], s:s, s:b, s:f, s:i, s:s, s:i, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:n, "
        "s:{s:f, s:s}, s:n, s:b, s:b, s:b, s:i}",
        "architectures", "Qwen3ForCausalLM", "model_type", "qwen3", "attention_bias", 0,
        "attention_dropout", 0.0, "head_dim", (int)c->head_dim, "hidden_act", "silu", "hidden_size",
        (int)c->width, "initializer_range", c->init_std, "intermediate_size", (int)c->ffn,
        "max_position_embeddings", (int)c->context, "max_window_layers", (int)c->layers,
        "num_attention_heads", (int)c->heads, "num_hidden_layers", (int)c->layers,
        "num_key_value_heads", (int)c->kv_heads, "rms_norm_eps", c->norm_eps, "rope_theta",
        c->rope_theta, "rope_scaling", "rope_parameters", "rope_theta", c->rope_theta, "rope_type",
        "default", "sliding_window", "tie_word_embeddings", (int)c->tied, "use_cache", 1,
        "use_sliding_window", 0, "vocab_size", (int)c->vocab);
    int bad = own == NULL || json_object_update(j, own) != 0;
    json_decref(own);
    if (bad)
        return yh_fail(err, YH_NOMEM, "no memory for a configuration");
    return yh_model_write_ids(c, j, err);
}

static yh_status check_config(const yh_model_config *c, const char *path, yh_err *err)
{
    if (c->head_dim % 2 != 0)
        return yh_fail(err, YH_CORRUPT, "%s: \"head_dim\" is %d, must be even", path,
                       (int)c->head_dim);
    if (!(c->rope_theta >= 1.0 && c->rope_theta <= 1e12))
        return yh_fail(err, YH_CORRUPT, "%s: \"rope_theta\" is %g, must be 1 to 1e12", path,
                       c->rope_theta);
    return YH_OK;
}

/* ------------------------------------------------------------------ parameters */

static int param_count(const yh_model_config *c)
{
    return 1 + c->layers * PER_LAYER + 1 + (c->tied ? 0 : 1);
}

static void param_spec(const yh_model_config *c, int i, yh_param_spec *spec)
{
    const int64_t q = (int64_t)c->heads * c->head_dim, kv = (int64_t)c->kv_heads * c->head_dim;
    /* what adds to the residual stream starts smaller (GPT-2's rule) */
    const double out_std = c->init_std / sqrt(2.0 * (double)c->layers);
    const struct {
        const char *name;
        int64_t rows, cols; /* cols 0: vector of ones */
        double std;
    } layer[PER_LAYER] = {{"input_layernorm", c->width, 0, 0.0},
                          {"self_attn.q_proj", q, c->width, c->init_std},
                          {"self_attn.q_norm", c->head_dim, 0, 0.0},
                          {"self_attn.k_proj", kv, c->width, c->init_std},
                          {"self_attn.k_norm", c->head_dim, 0, 0.0},
                          {"self_attn.v_proj", kv, c->width, c->init_std},
                          {"self_attn.o_proj", c->width, q, out_std},
                          {"post_attention_layernorm", c->width, 0, 0.0},
                          {"mlp.gate_proj", c->ffn, c->width, c->init_std},
                          {"mlp.up_proj", c->ffn, c->width, c->init_std},
                          {"mlp.down_proj", c->width, c->ffn, out_std}};
    int l = (i - 1) / PER_LAYER, k = (i - 1) % PER_LAYER;
    memset(spec, 0, sizeof *spec);
    if (i == 0 || i == param_count(c) - 1 + (c->tied ? 1 : 0)) {
        *spec = (yh_param_spec){.kind = i == 0 ? YH_PARAM_EMBED : YH_PARAM_HEAD,
                                .ndim = 2,
                                .dim = {c->vocab, c->width},
                                .init_std = c->init_std,
                                .decay = true};
        snprintf(spec->name, sizeof spec->name, "%s",
                 i == 0 ? "model.embed_tokens.weight" : "lm_head.weight");
    } else if (l == c->layers) {
        *spec = (yh_param_spec){
            .kind = YH_PARAM_VECTOR, .ndim = 1, .dim = {c->width, 1}, .init_mean = 1.0};
        snprintf(spec->name, sizeof spec->name, "model.norm.weight");
    } else {
        bool matrix = layer[k].cols != 0;
        *spec = (yh_param_spec){.kind = matrix ? YH_PARAM_MATRIX : YH_PARAM_VECTOR,
                                .ndim = matrix ? 2 : 1,
                                .dim = {layer[k].rows, matrix ? layer[k].cols : 1},
                                .init_mean = matrix ? 0.0 : 1.0,
                                .init_std = layer[k].std,
                                .decay = matrix};
        snprintf(spec->name, sizeof spec->name, "model.layers.%d.%s.weight", l, layer[k].name);
    }
}

/* ------------------------------------------------------------------ graph */

static yh_tensor *attention(yh_build *b, yh_tensor *x, yh_tensor *residual, int l)
{
    yh_graph *g = b->g;
    const yh_model_config *c = b->cfg;
    float eps = (float)c->norm_eps;
    int64_t max_pos = b->cached ? b->capacity : b->rows < c->context ? b->rows : c->context;
    yh_tensor *w = yh_model_param(b, "model.layers.%d.self_attn.q_proj.weight", l);
    yh_tensor *norm = yh_model_param(b, "model.layers.%d.self_attn.q_norm.weight", l);
    yh_tensor *q = yh_rope_norm(g, yh_linear(g, x, w, NULL, NULL), norm, b->pos, c->heads, eps,
                                c->rope_theta, max_pos);
    w = yh_model_param(b, "model.layers.%d.self_attn.k_proj.weight", l);
    norm = yh_model_param(b, "model.layers.%d.self_attn.k_norm.weight", l);
    yh_tensor *k = yh_rope_norm(g, yh_linear(g, x, w, NULL, NULL), norm, b->pos, c->kv_heads, eps,
                                c->rope_theta, max_pos);
    w = yh_model_param(b, "model.layers.%d.self_attn.v_proj.weight", l);
    yh_tensor *v = yh_linear(g, x, w, NULL, NULL);
    yh_tensor *y = b->cached ? yh_attention_cached(g, q, k, v, b->k_cache[l], b->v_cache[l], b->pos,
                                                   c->heads, c->kv_heads, 0)
                             : yh_attention(g, q, k, v, b->start, c->heads, c->kv_heads, 0);
    w = yh_model_param(b, "model.layers.%d.self_attn.o_proj.weight", l);
    return yh_linear(g, y, w, NULL, residual);
}

static yh_tensor *mlp(yh_build *b, yh_tensor *x, yh_tensor *residual, int l)
{
    yh_tensor *w = yh_model_param(b, "model.layers.%d.mlp.gate_proj.weight", l);
    yh_tensor *gate = yh_linear(b->g, x, w, NULL, NULL);
    w = yh_model_param(b, "model.layers.%d.mlp.up_proj.weight", l);
    yh_tensor *y = yh_swiglu(b->g, gate, yh_linear(b->g, x, w, NULL, NULL));
    w = yh_model_param(b, "model.layers.%d.mlp.down_proj.weight", l);
    return yh_linear(b->g, y, w, NULL, residual);
}

static void build_body(yh_build *b)
{
    yh_graph *g = b->g;
    float eps = (float)b->cfg->norm_eps;
    yh_tensor *embed = yh_model_param(b, "model.embed_tokens.weight");
    yh_tensor *x = yh_embedding(g, b->tokens, embed);
    for (int l = 0; l < b->cfg->layers; l++) {
        yh_tensor *w = yh_model_param(b, "model.layers.%d.input_layernorm.weight", l);
        yh_graph_checkpoint(x);
        x = attention(b, yh_rmsnorm(g, x, w, eps), x, l);
        w = yh_model_param(b, "model.layers.%d.post_attention_layernorm.weight", l);
        x = mlp(b, yh_rmsnorm(g, x, w, eps), x, l);
    }
    yh_graph_checkpoint(x);
    b->hidden = yh_rmsnorm(g, x, yh_model_param(b, "model.norm.weight"), eps);
    b->head = b->cfg->tied ? embed : yh_model_param(b, "lm_head.weight");
}

const yh_model_family yh_model_qwen3 = {.name = "qwen3",
                                        .hf_class = "Qwen3ForCausalLM",
                                        .read_config = read_config,
                                        .write_config = write_config,
                                        .check_config = check_config,
                                        .param_count = param_count,
                                        .param_spec = param_spec,
                                        .build_body = build_body};
