/* A model folder as Hugging Face lays it out: config.json, model.safetensors (or shards with
 * model.safetensors.index.json), generation_config.json, tokenizer.json. */
#ifndef YH_MODEL_H
#define YH_MODEL_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_model yh_model;

/* How matrices are held: AUTO is bf16 where the CPU multiplies bf16, else F32. Masters are made
 * only for training. */
typedef enum yh_precision { YH_PRECISION_AUTO, YH_PRECISION_F32, YH_PRECISION_BF16 } yh_precision;

yh_status yh_model_load(yh_model **out, const char *dir, yh_precision p, bool masters,
                        yh_err *err) YH_MUST_CHECK;
void yh_model_free(yh_model *m);

typedef struct yh_model_facts {
    const char *family; /* borrowed, constant */
    int32_t vocab, width, layers, heads, kv_heads, head_dim, ffn, context;
    uint64_t weights; /* number of weights */
    bool tied;
} yh_model_facts;
void yh_model_describe(const yh_model *m, yh_model_facts *out);

#ifdef __cplusplus
}
#endif
#endif
