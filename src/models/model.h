/* Models: configuration, parameters by name, and the graph of each architecture family.
 * One family a file (model_*.c), each exporting `const yh_model_family yh_model_<name>`. */
#ifndef YH_MODELS_MODEL_H
#define YH_MODELS_MODEL_H

#include "base/json.h"
#include "ops/ops.h"
#include "yh/model.h"

typedef struct yh_model_config {
    const char *family; /* "qwen3", "gpt2": constant strings */
    int32_t vocab, width, layers, heads, kv_heads, head_dim, ffn, context;
    double rope_theta, norm_eps;
    bool tied; /* output projection shares the embedding */
    double init_std;
    int32_t bos, eos, pad; /* token ids; -1: none */
} yh_model_config;

typedef enum yh_param_kind {
    YH_PARAM_EMBED,  /* token or position table [rows, width] */
    YH_PARAM_MATRIX, /* hidden matrix [out, in]: Muon's */
    YH_PARAM_HEAD,   /* untied output projection [vocab, width] */
    YH_PARAM_VECTOR  /* norm weights and biases, always F32 in graphs */
} yh_param_kind;

typedef struct yh_param_spec {
    char name[96]; /* the Hugging Face tensor name; also the graph param's name */
    yh_param_kind kind;
    int ndim;
    int64_t dim[2];             /* the graph's shape */
    bool transposed;            /* stored as [in, out] in files (GPT-2's Conv1D) */
    double init_mean, init_std; /* normal; std 0: constant mean */
    bool decay;                 /* weight decay applies */
} yh_param_spec;

/* What a graph is built for. */
typedef struct yh_build {
    yh_graph *g;
    const yh_model_config *cfg;
    int64_t rows; /* tokens per run */
    bool trainable;
    bool cached; /* inference with KV cache of `capacity` rows; else training form */
    int64_t capacity;
    /* inputs, made by yh_model_build */
    yh_tensor *tokens, *pos, *start, *targets, *scale, *out_rows;
    yh_tensor **k_cache, **v_cache; /* [layers], inputs */
    /* results */
    yh_tensor *hidden; /* [rows, width] after the last norm */
    yh_tensor *head;   /* weight of the output projection [vocab, width] */
    yh_tensor *loss;   /* training form: see yh_lm_loss */
    yh_tensor *logits; /* [n_out, vocab] F32 (kept); NULL when n_out is 0 */
    int cursor;        /* yh_model_param's own: where the next name probably is */
} yh_build;

typedef struct yh_model_family {
    const char *name;     /* "qwen3" */
    const char *hf_class; /* "Qwen3ForCausalLM" */
    yh_status (*read_config)(yh_model_config *c, const json_t *j, const char *path, yh_err *err);
    yh_status (*write_config)(const yh_model_config *c, json_t *j, yh_err *err);
    /* What this family asks besides yh_model_config_check's common rules. */
    yh_status (*check_config)(const yh_model_config *c, const char *path, yh_err *err);
    /* Number of parameters tensors; fills spec i. */
    int (*param_count)(const yh_model_config *c);
    void (*param_spec)(const yh_model_config *c, int i, yh_param_spec *spec);
    /* From b->tokens to b->hidden and b->head, parameters made with yh_model_param. */
    void (*build_body)(yh_build *b);
} yh_model_family;

const yh_model_family *yh_model_family_find(const char *name_or_hf_class);

/* Makes (or finds) the graph parameter that has this name in the family's table. */
yh_tensor *yh_model_param(yh_build *b, const char *fmt, ...) YH_PRINTF(2, 3);

/* Builds the whole. n_out 0: the loss in the training form, nothing in the cached form (it only
 * fills the cache). n_out > 0, either form: logits of the rows named by input "out_rows" [n_out].
 * Errors come out of yh_graph_plan. Inputs: "tokens" and "pos" [rows] I32; training form "start"
 * [rows] I32 and for the loss "targets" [rows] I32 and "scale" [1] F32; cached form "k_cache.N" and
 * "v_cache.N" [capacity, kv_heads*head_dim] in the compute type, N from 0 to layers-1. Positions
 * must lie below `rows` and the context (training form) or below the capacity; the run fails
 * where one does not. The caller differentiates: yh_graph_backward(b->g, b->loss). */
void yh_model_build(yh_build *b, int64_t n_out);

/* Checks ranges and divisibility of a configuration; the message names the key and `path`. */
yh_status yh_model_config_check(const yh_model_config *c, const char *path,
                                yh_err *err) YH_MUST_CHECK;

/* ---- for model_*.c ---- */
/* YH_UNSUPPORTED unless the key is missing or has the value `only` ("true": JSON's true; NULL:
 * false or null). */
yh_status yh_model_refuse(const json_t *j, const char *key, const char *only, const char *path,
                          yh_err *err) YH_MUST_CHECK;
/* A whole number from 1 to max; dflt 0: the key must be there. */
yh_status yh_model_read_size(const json_t *j, const char *key, int64_t max, int64_t dflt,
                             const char *path, int32_t *out, yh_err *err) YH_MUST_CHECK;
/* bos_token_id, eos_token_id, pad_token_id; vocab must be set. */
yh_status yh_model_read_ids(yh_model_config *c, const json_t *j, const char *path,
                            yh_err *err) YH_MUST_CHECK;
yh_status yh_model_write_ids(const yh_model_config *c, json_t *j, yh_err *err) YH_MUST_CHECK;

/* A model in memory. */
typedef struct yh_param {
    yh_param_spec spec;
    float *w;     /* F32: vectors, and matrices that are computed with in F32; else NULL */
    yh_bf16 *w16; /* bf16 */
    int16_t
        *low;   /* the other half of w16's masters (yh_f32_split), where they are trained; else NULL
                 */
    bool owned; /* false: view into the mapping owned by the model */
} yh_param;

struct yh_model {
    const yh_model_family *family;
    yh_model_config cfg;
    yh_dtype type; /* compute type of graphs made from it */
    int n_params;
    yh_param *params;
    void *files; /* formats' mapping(s) that views point into; freed with the model */
};

/* A new model with random weights (counter-based in the seed), masters in F32. */
yh_status yh_model_init(yh_model **out, const yh_model_config *cfg, yh_dtype type, uint64_t seed,
                        yh_err *err) YH_MUST_CHECK;
/* Binds every parameter of g (made by yh_model_build) to the model's memory. */
yh_status yh_model_bind(yh_model *m, yh_graph *g, yh_err *err) YH_MUST_CHECK;
uint64_t yh_model_param_total(const yh_model_config *c);  /* number of weights */
uint64_t yh_model_param_matmul(const yh_model_config *c); /* weights that take part in products */
/* FLOPs of the model itself for one token of training (forward and backward), with attention over
 * `context` tokens: 6 * matmul weights + 6 * layers * heads * head_dim * context (causal). */
double yh_model_flops_per_token(const yh_model_config *c, int64_t context);

/* Writes config.json, generation_config.json and model.safetensors into dir (each atomic);
 * weights as `store` (F32 or BF16). sync false: the caller syncs model.safetensors. */
yh_status yh_model_save(const yh_model *m, const char *dir, yh_dtype store, bool sync,
                        yh_err *err) YH_MUST_CHECK;
struct yh_st_writer;
/* The same in two halves: _begin copies the weights to the system under a temporary name, so that
 * they may change afterwards; _end writes the other files, waits for the disk and puts the weights
 * in place. It reads m's configuration only, may run on another thread, and frees w, as
 * yh_st_writer_free does where nothing is to be kept. */
yh_status yh_model_save_begin(const yh_model *m, const char *dir, yh_dtype store,
                              struct yh_st_writer **out, yh_err *err) YH_MUST_CHECK;
yh_status yh_model_save_end(const yh_model *m, const char *dir, yh_dtype store,
                            struct yh_st_writer *w, bool sync, yh_err *err) YH_MUST_CHECK;

#endif
