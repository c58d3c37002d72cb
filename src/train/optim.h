/* Optimisers: AdamW (Loshchilov & Hutter 2019, with torch's semantics) for embeddings, the output
 * projection and vectors; Muon (Keller Jordan, "Muon: an optimizer for hidden layers", 2024) for
 * hidden matrices, or AdamW for these too. The exact rules are written in docs/train.md.
 *
 * Gradients lie in one buffer, parameter after parameter, each from a multiple of 16 floats. All
 * results are the same bits for any number of threads. */
#ifndef YH_TRAIN_OPTIM_H
#define YH_TRAIN_OPTIM_H

#include "models/model.h"
#include "yh/train.h"

typedef struct yh_optim_rule {
    yh_optimizer kind;
    double beta1, beta2, eps; /* AdamW */
    double momentum;          /* Muon */
    double weight_decay;      /* of matrices and embeddings (spec.decay); vectors never */
    double clip;              /* global norm; 0: off */
} yh_optim_rule;

/* State of one parameter. Muon uses m only. */
typedef struct yh_optim_param {
    yh_param *p; /* borrowed from the model */
    bool muon;
    int64_t n, rows, cols;
    float *g, *m, *v;
    void *packed[2]; /* see yh_optim_pack; NULL: not packed */
} yh_optim_param;

typedef struct yh_optim {
    yh_optim_rule rule;
    int n;
    yh_optim_param *param;
    int64_t blocks;
    struct yh_optim_block *block; /* pieces of at most YH_OPTIM_BLOCK elements, one a work item */
    double *partial;              /* [blocks] sums of squares */
    void *grad, *state, *scratch, *packed; /* yh_big_alloc */
    size_t grad_bytes, state_bytes, scratch_bytes, packed_bytes;
    yh_dtype type; /* of Muon's products */
} yh_optim;

enum { YH_OPTIM_BLOCK = 65536 };

/* Bytes that yh_optim_init will take for a model of this configuration. */
yh_status yh_optim_bytes(const yh_model_config *cfg, yh_optimizer kind, yh_dtype type,
                         size_t *grads, size_t *state, size_t *scratch, yh_err *err) YH_MUST_CHECK;
/* The model must have masters and outlive o. Gradients and state start at zero. */
yh_status yh_optim_init(yh_optim *o, yh_model *m, const yh_optim_rule *rule,
                        yh_err *err) YH_MUST_CHECK;
void yh_optim_fini(yh_optim *o);

/* Before the first step, and before graphs are bound to the weights: gradients and state are
 * touched first by the threads that a step has work on them, and where these stay where they are
 * (yh_pool_pinned) the weights that the model owns move to memory that is touched likewise. Values
 * stay, and no more memory is taken than steps will need. */
yh_status yh_optim_place(yh_optim *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* Keeps the hidden matrices packed, too, for both products that read them (yh_tensor_bind_packed):
 * now, and in the pass of every step. Whatever else changes weights comes before. */
yh_status yh_optim_pack(yh_optim *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;
size_t yh_optim_pack_bytes(const yh_model_config *cfg, yh_dtype type); /* that this takes */

/* One update, t = 1, 2, ...: norm of the gradients (returned), clip, update. The
 * gradients stay: the next step's overwrite them (yh_graph_clear_grads). lr: AdamW's of this step;
 * muon_lr: Muon's. A norm that is not finite changes nothing and returns YH_LIMIT. */
yh_status yh_optim_step(yh_optim *o, uint64_t t, double lr, double muon_lr, yh_pool *pool,
                        double *grad_norm, yh_err *err) YH_MUST_CHECK;

#endif
