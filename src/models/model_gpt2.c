/* GPT-2 (Hugging Face GPT2LMHeadModel): learned positions, LayerNorm before each block, one product
 * for queries, keys and values, GELU, biases; matrices stored as [in, out]. */
#include <math.h>
#include <stdio.h>

#include "models/model.h"

enum { PER_LAYER = 12 };

/* ------------------------------------------------------------------ configuration */

static yh_status read_config(yh_model_config *c, const json_t *j, const char *path, yh_err *err)
{
    *c = (yh_model_config){.family = "gpt2"};
    const char *act = NULL;
    YH_TRY(yh_json_str(j, "activation_function", true, path, &act, err));
    if (act != NULL && strcmp(act, "gelu_pytorch_tanh") != 0)
        YH_TRY(yh_model_refuse(j, "activation_function", "gelu_new", path, err));
    YH_TRY(yh_model_refuse(j, "scale_attn_weights", "true", path, err));
    YH_TRY(yh_model_refuse(j, "scale_attn_by_inverse_layer_idx", NULL, path, err));
    YH_TRY(yh_model_refuse(j, "add_cross_attention", NULL, path, err));
    YH_TRY(yh_model_read_size(j, "vocab_size", 1 << 24, 0, path, &c->vocab, err));
    YH_TRY(yh_model_read_size(j, "n_embd", 1 << 17, 0, path, &c->width, err));
    YH_TRY(yh_model_read_size(j, "n_layer", 4096, 0, path, &c->layers, err));
    YH_TRY(yh_model_read_size(j, "n_head", 4096, 0, path, &c->heads, err));
    YH_TRY(yh_model_read_size(j, "n_positions", 1 << 24, 1024, path, &c->context, err));
    YH_TRY(yh_model_read_size(j, "n_inner", 1 << 20, 4 * (int64_t)c->width, path, &c->ffn, err));
    if (c->width % c->heads != 0)
        return yh_fail(err, YH_CORRUPT, "%s: \"n_embd\" %d is no multiple of \"n_head\" %d", path,
                       (int)c->width, (int)c->heads);
    c->kv_heads = c->heads;
    c->head_dim = c->width / c->heads;
    YH_TRY(yh_json_num(j, "layer_norm_epsilon", 0.0, 1.0, true, 1e-5, path, &c->norm_eps, err));
    YH_TRY(yh_json_num(j, "initializer_range", 0.0, 10.0, true, 0.02, path, &c->init_std, err));
    YH_TRY(yh_json_bool(j, "tie_word_embeddings", true, true, path, &c->tied, err));
    return yh_model_read_ids(c, j, path, err);
}

static yh_status write_config(const yh_model_config *c, json_t *j, yh_err *err)
{
    json_t *own = json_pack(
        "{s:[s], s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:b, "
        "s:i}",
        "architectures", "GPT2LMHeadModel", "model_type", "gpt2", "activation_function", "gelu_new",
        "attn_pdrop", 0.0, "embd_pdrop", 0.0, "resid_pdrop", 0.0, "initializer_range", c->init_std,
        "layer_norm_epsilon", c->norm_eps, "n_embd", (int)c->width, "n_head", (int)c->heads,
        "n_inner", (int)c->ffn, "n_layer", (int)c->layers, "n_positions", (int)c->context,
        "scale_attn_weights", 1, "scale_attn_by_inverse_layer_idx", 0, "tie_word_embeddings",
        (int)c->tied, "use_cache", 1, "vocab_size", (int)c->vocab);
    int bad = own == NULL || json_object_update(j, own) != 0;
    json_decref(own);
    if (bad)
        return yh_fail(err, YH_NOMEM, "no memory for a configuration");
    return yh_model_write_ids(c, j, err);
}

static yh_status check_config(const yh_model_config *c, const char *path, yh_err *err)
{
    if (c->kv_heads != c->heads || (int64_t)c->heads * c->head_dim != c->width)
        return yh_fail(err, YH_CORRUPT, "%s: in gpt2 the heads together are as wide as the model",
                       path);
    return YH_OK;
}

/* ------------------------------------------------------------------ parameters */

static int param_count(const yh_model_config *c)
{
    return 2 + c->layers * PER_LAYER + 2 + (c->tied ? 0 : 1);
}

static void vector(yh_param_spec *spec, int64_t n, double mean)
{
    *spec = (yh_param_spec){.kind = YH_PARAM_VECTOR, .ndim = 1, .dim = {n, 1}, .init_mean = mean};
}

static void matrix(yh_param_spec *spec, yh_param_kind kind, int64_t rows, int64_t cols, double std)
{
    *spec = (yh_param_spec){.kind = kind,
                            .ndim = 2,
                            .dim = {rows, cols},
                            .transposed = kind == YH_PARAM_MATRIX,
                            .init_std = std,
                            .decay = true};
}

static void layer_spec(const yh_model_config *c, int l, int k, yh_param_spec *spec)
{
    const double out_std = c->init_std / sqrt(2.0 * (double)c->layers);
    const struct {
        const char *name;
        int64_t rows, cols; /* cols 0: vector */
        double value;       /* deviation of a matrix, start of a vector */
    } layer[PER_LAYER] = {{"ln_1.weight", c->width, 0, 1.0},
                          {"ln_1.bias", c->width, 0, 0.0},
                          {"attn.c_attn.weight", 3 * (int64_t)c->width, c->width, c->init_std},
                          {"attn.c_attn.bias", 3 * (int64_t)c->width, 0, 0.0},
                          {"attn.c_proj.weight", c->width, c->width, out_std},
                          {"attn.c_proj.bias", c->width, 0, 0.0},
                          {"ln_2.weight", c->width, 0, 1.0},
                          {"ln_2.bias", c->width, 0, 0.0},
                          {"mlp.c_fc.weight", c->ffn, c->width, c->init_std},
                          {"mlp.c_fc.bias", c->ffn, 0, 0.0},
                          {"mlp.c_proj.weight", c->width, c->ffn, out_std},
                          {"mlp.c_proj.bias", c->width, 0, 0.0}};
    if (layer[k].cols != 0)
        matrix(spec, YH_PARAM_MATRIX, layer[k].rows, layer[k].cols, layer[k].value);
    else
        vector(spec, layer[k].rows, layer[k].value);
    snprintf(spec->name, sizeof spec->name, "transformer.h.%d.%s", l, layer[k].name);
}

static void param_spec(const yh_model_config *c, int i, yh_param_spec *spec)
{
    int after = i - 2 - c->layers * PER_LAYER;
    const char *name;
    if (i >= 2 && after < 0) {
        layer_spec(c, (i - 2) / PER_LAYER, (i - 2) % PER_LAYER, spec);
        return;
    }
    if (i < 2) {
        matrix(spec, YH_PARAM_EMBED, i == 0 ? c->vocab : c->context, c->width, c->init_std);
        name = i == 0 ? "transformer.wte.weight" : "transformer.wpe.weight";
    } else if (after < 2) {
        vector(spec, c->width, after == 0 ? 1.0 : 0.0);
        name = after == 0 ? "transformer.ln_f.weight" : "transformer.ln_f.bias";
    } else {
        matrix(spec, YH_PARAM_HEAD, c->vocab, c->width, c->init_std);
        name = "lm_head.weight";
    }
    snprintf(spec->name, sizeof spec->name, "%s", name);
}

/* ------------------------------------------------------------------ graph */

static yh_tensor *norm(yh_build *b, yh_tensor *x, int l, const char *which)
{
    yh_tensor *w = yh_model_param(b, "transformer.h.%d.%s.weight", l, which);
    yh_tensor *bias = yh_model_param(b, "transformer.h.%d.%s.bias", l, which);
    return yh_layernorm(b->g, x, w, bias, (float)b->cfg->norm_eps);
}

static yh_tensor *linear(yh_build *b, yh_tensor *x, int l, const char *which, yh_tensor *residual)
{
    yh_tensor *w = yh_model_param(b, "transformer.h.%d.%s.weight", l, which);
    yh_tensor *bias = yh_model_param(b, "transformer.h.%d.%s.bias", l, which);
    return yh_linear(b->g, x, w, bias, residual);
}

static yh_tensor *block(yh_build *b, yh_tensor *x, int l)
{
    yh_graph *g = b->g;
    int heads = b->cfg->heads;
    yh_tensor *qkv = linear(b, norm(b, x, l, "ln_1"), l, "attn.c_attn", NULL);
    yh_tensor *y = b->cached ? yh_attention_cached(g, qkv, NULL, NULL, b->k_cache[l], b->v_cache[l],
                                                   b->pos, heads, heads, 0)
                             : yh_attention(g, qkv, NULL, NULL, b->start, heads, heads, 0);
    x = linear(b, y, l, "attn.c_proj", x);
    y = yh_gelu(g, linear(b, norm(b, x, l, "ln_2"), l, "mlp.c_fc", NULL));
    return linear(b, y, l, "mlp.c_proj", x);
}

static void build_body(yh_build *b)
{
    yh_graph *g = b->g;
    yh_tensor *wte = yh_model_param(b, "transformer.wte.weight");
    yh_tensor *wpe = yh_model_param(b, "transformer.wpe.weight");
    yh_tensor *x = yh_add(g, yh_embedding(g, b->tokens, wte), yh_embedding(g, b->pos, wpe));
    for (int l = 0; l < b->cfg->layers; l++) {
        yh_graph_checkpoint(x);
        x = block(b, x, l);
    }
    yh_graph_checkpoint(x);
    yh_tensor *w = yh_model_param(b, "transformer.ln_f.weight");
    yh_tensor *bias = yh_model_param(b, "transformer.ln_f.bias");
    b->hidden = yh_layernorm(g, x, w, bias, (float)b->cfg->norm_eps);
    b->head = b->cfg->tied ? wte : yh_model_param(b, "lm_head.weight");
}

const yh_model_family yh_model_gpt2 = {.name = "gpt2",
                                       .hf_class = "GPT2LMHeadModel",
                                       .read_config = read_config,
                                       .write_config = write_config,
                                       .check_config = check_config,
                                       .param_count = param_count,
                                       .param_spec = param_spec,
                                       .build_body = build_body};
