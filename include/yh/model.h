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

/* Writes config.json, generation_config.json and model.safetensors into dir, each atomic; weights
 * as F32 or BF16 (AUTO: F32). transformers opens the folder. */
yh_status yh_model_write(const yh_model *m, const char *dir, yh_precision store,
                         yh_err *err) YH_MUST_CHECK;

typedef struct yh_model_facts {
    const char *family; /* borrowed, constant */
    int32_t vocab, width, layers, heads, kv_heads, head_dim, ffn, context;
    uint64_t weights; /* number of weights */
    bool tied;
} yh_model_facts;
void yh_model_describe(const yh_model *m, yh_model_facts *out);
/* From config.json alone: nothing of the weights is read. */
yh_status yh_model_inspect(const char *dir, yh_model_facts *out, yh_err *err) YH_MUST_CHECK;

/* One tensor of a safetensors file; texts are borrowed during the call. */
typedef struct yh_tensor_facts {
    const char *name, *type, *file;
    int ndim;
    int64_t dim[8];
    uint64_t offset, size; /* bytes in the file */
} yh_tensor_facts;
/* Checks a .safetensors file, an index of shards, or a folder with either, and calls `each` for
 * every tensor by name (NULL: only the check). Returning false ends the walk. */
yh_status yh_model_tensors(const char *path, bool (*each)(void *user, const yh_tensor_facts *t),
                           void *user, yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
