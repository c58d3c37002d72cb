/* From options to a plan: every number that training needs, decided by the rules in docs/train.md.
 * The plan is kept in the checkpoint; a resumed run takes it from there. */
#ifndef YH_TRAIN_PLAN_H
#define YH_TRAIN_PLAN_H

#include "models/model.h"
#include "train/optim.h"
#include "train/schedule.h"

typedef struct yh_train_plan {
    yh_model_config cfg;
    yh_dtype type; /* compute type */
    uint64_t seed;
    uint32_t context, micro_batch, micro_batches; /* tokens; sequences; of one step */
    uint64_t batch_tokens;                        /* context * micro_batch * micro_batches */
    uint64_t steps;                               /* 0: by time */
    double minutes;                               /* by time; 0: by steps */
    uint64_t max_steps; /* by time: ends here at the latest (passes over the text) */
    double lr, muon_lr;
    yh_optim_rule optim;
    yh_schedule_rule schedule;
    yh_order order;
    bool across_documents, keep_best;
    uint32_t eval_every, sample_every, save_every; /* steps; 0 of save_every: by time */
    uint64_t eval_tokens;
} yh_train_plan;

/* What the rules look at besides the options. */
typedef struct yh_plan_facts {
    uint64_t train_tokens, heldout_tokens;
    uint32_t vocab;
    int32_t eos;
    double flops; /* of this machine in the compute type, per second; 0: unknown */
} yh_plan_facts;

/* Fills the plan. path_of_model of a folder with weights is known to the caller by
 * yh_plan_model_is_folder. */
yh_status yh_plan_make(yh_train_plan *p, const yh_train_options *o, const yh_plan_facts *f,
                       yh_err *err) YH_MUST_CHECK;
/* Whether it is a name rather than a config.json or a folder. */
bool yh_plan_model_is_named(const char *model);
bool yh_plan_model_is_folder(const char *model);

/* The dial: Qwen3's architecture with layers = heads = depth. depth in [1, 64]. */
void yh_plan_dial(yh_model_config *c, int depth, uint32_t vocab, int32_t eos);
/* The depth that the rule chooses for a corpus and a number of FLOPs. */
int yh_plan_depth(const yh_plan_facts *f, double flops_total, double *predicted_tokens);

/* Steps that the run takes, or is expected to take by time. */
uint64_t yh_plan_expected_steps(const yh_train_plan *p, const yh_plan_facts *f);
/* One line for people; caller frees with yh_free; NULL: no memory. */
char *yh_plan_text(const yh_train_plan *p, const yh_plan_facts *f, uint64_t memory, int recompute,
                   bool packed);

/* ---- plan_json.c: into and out of trainer_state.json (cfg excepted: config.json holds it) ---- */
json_t *yh_plan_to_json(const yh_train_plan *p); /* NULL: no memory */
yh_status yh_plan_from_json(yh_train_plan *p, const json_t *j, const char *path,
                            yh_err *err) YH_MUST_CHECK;
/* Names every option that is given and differs from the plan: YH_MISMATCH. */
yh_status yh_plan_compare(const yh_train_plan *p, const yh_train_options *o, const char *out,
                          yh_err *err) YH_MUST_CHECK;

#endif
