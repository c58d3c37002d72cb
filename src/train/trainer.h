/* What the parts of a training run share. One trainer per run; it owns everything it points to
 * except the options and the pool. */
#ifndef YH_TRAIN_TRAINER_H
#define YH_TRAIN_TRAINER_H

#include "base/file.h"
#include "base/thread.h"
#include "train/loader.h"
#include "train/plan.h"

/* What changes from step to step besides weights and optimiser state, and is kept in checkpoints.
 */
typedef struct yh_train_state {
    uint64_t step;   /* finished steps */
    double elapsed;  /* seconds of training so far, over all sittings */
    double best_bpb; /* held out; NaN: none yet */
    uint64_t best_step;
    double last_bpb;    /* NaN: none yet */
    uint32_t bad_evals; /* evaluations in a row without improvement */
    double loss;        /* of the last step */
    bool finished;
    char why[96];
    uint64_t metrics_bytes; /* length of metrics.jsonl at this state */
    /* told again when a finished run is asked for */
    double rate, peak_fraction; /* tokens per second of all steps; of the measured peak */
    uint64_t memory_predicted, memory_peak;
} yh_train_state;

typedef struct yh_train_memory {
    uint64_t weights, shadow /* bf16; weights: what these lack, and F32 */, packed, grads, state,
        scratch, graph, eval_graph, loader, data, process, total;
} yh_train_memory;

typedef struct yh_metrics {
    int fd; /* -1: closed */
    char *path;
    uint64_t bytes;
} yh_metrics;

/* A micro-batch that is read while another is computed. */
typedef struct yh_ahead {
    yh_task task;
    struct yh_trainer *t;
    int32_t *rows; /* where to */
    uint64_t sample;
    bool asked;
    yh_status status;
    yh_err err;
} yh_ahead;

/* The second half of saving, beside the steps: the best model, then the checkpoint that knows of
 * it.
 */
typedef struct yh_saving {
    yh_task task;
    bool pending;              /* something waits for yh_saving_start; best and state are ours */
    struct yh_st_writer *best; /* weights that wait for the disk; NULL: none */
    json_t *state;             /* of the checkpoint; NULL: none */
    yh_status status;
    yh_err err;
} yh_saving;

typedef struct yh_trainer {
    const yh_train_options *o;
    yh_pool *pool;
    yh_train_plan plan;
    yh_plan_facts facts;
    yh_train_state state;
    yh_train_memory memory;
    uint64_t held_before; /* bytes that the process held before training began */
    double peak;          /* FLOP/s of the machine in the compute type; 0: not measured */
    bool resumed;
    int recompute;     /* level */
    bool pack;         /* yh_optim_pack */
    bool release_data; /* mapped tokens are let go of after each micro-batch */

    yh_tokens *tokens;
    yh_loader *loader;
    yh_eval_set heldout;
    yh_model *model;
    yh_optim optim;
    yh_graph *graph, *eval_graph;
    yh_build build, eval_build;
    int32_t *rows; /* twice (tokens, targets, pos, start), of one micro-batch each */
    yh_ahead ahead;
    yh_saving saving;
    float scale, eval_scale;

    yh_dir_lock lock;
    yh_metrics metrics;
    double sitting, elapsed_before; /* yh_now() at the start of this sitting; seconds before it */
    double last_save, save_seconds;
    double step_seconds;     /* of the last steps, smoothed; 0: none yet */
    double all_step_seconds; /* of this sitting, evaluation and saving not counted */
    uint64_t sitting_steps;
} yh_trainer;

/* ---- train_setup.c ---- */
/* Opens data, makes or restores the plan, the model, graphs and optimiser. */
yh_status yh_trainer_open(yh_trainer *t, const yh_train_options *o, yh_pool *pool,
                          yh_err *err) YH_MUST_CHECK;
void yh_trainer_close(yh_trainer *t);
/* Builds, not yet plans, the graph of one micro-batch; trainable: with its backward pass. */
yh_status yh_trainer_graph(yh_graph **g, yh_build *b, const yh_train_plan *p, bool trainable,
                           int recompute, yh_err *err) YH_MUST_CHECK;
/* The held-out tokens that evaluation looks at, laid out for the plan's micro-batch. */
yh_status yh_trainer_open_heldout(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* Binds the graph's inputs to the first or second half of t->rows. */
void yh_trainer_bind_rows(yh_trainer *t, int half);
/* Plans the graphs of t and binds them to its model, optimiser, rows and scales. */
yh_status yh_trainer_bind(yh_trainer *t, yh_err *err) YH_MUST_CHECK;

/* ---- train_memory.c ---- */
/* Builds, not yet plans, the graphs at the lowest level of recomputation at which the run fits into
 * the limit and the machine, with fewer rows at once where a limit asks for it; fills t->memory,
 * t->recompute and t->pack. YH_LIMIT: nothing fits, the message says what the least would be. */
yh_status yh_trainer_fit_memory(yh_trainer *t, yh_err *err) YH_MUST_CHECK;

/* ---- train_eval.c ---- */
/* Bits per byte of the held-out subset; NaN when there is none. */
yh_status yh_trainer_evaluate(yh_trainer *t, double *bpb, double *loss, yh_err *err) YH_MUST_CHECK;

/* ---- train_checkpoint.c ---- */
/* Whether OUT holds a checkpoint; one that was being replaced when the process died is put right.
 */
bool yh_checkpoint_exists(const char *out);
yh_status yh_checkpoint_discard(const char *out, yh_err *err) YH_MUST_CHECK;
/* Writes OUT/checkpoint as a whole: the old one stays until the new one is complete on disk.
 * Returns when weights and state are copied; yh_saving_start has the rest done. */
yh_status yh_checkpoint_save(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* The model as it is into OUT, the same way. */
yh_status yh_best_save(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* Waits for the disk beside the next steps, for what was saved since the last call. What goes wrong
 * there is reported by the next save and by yh_saving_wait, which returns when all is in place. */
void yh_saving_start(yh_trainer *t);
yh_status yh_saving_wait(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* Ends it at once: what was not started is dropped. */
void yh_saving_close(yh_trainer *t);
/* Reads plan and state (tokens must be open: the data is compared). */
yh_status yh_checkpoint_read_state(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* Loads the model with masters (checks the checksums), then the optimiser's state. */
yh_status yh_checkpoint_load_model(yh_trainer *t, yh_err *err) YH_MUST_CHECK;
yh_status yh_checkpoint_load_optim(yh_trainer *t, yh_err *err) YH_MUST_CHECK;

/* ---- train_metrics.c ---- */
/* Opens OUT/metrics.jsonl for appending and cuts it to `keep` bytes. */
yh_status yh_metrics_open(yh_metrics *m, const char *out, uint64_t keep, yh_err *err) YH_MUST_CHECK;
/* Appends one object (reference taken over; NULL: no memory) as a line. */
yh_status yh_metrics_add(yh_metrics *m, json_t *j, yh_err *err) YH_MUST_CHECK;
yh_status yh_metrics_sync(yh_metrics *m, yh_err *err) YH_MUST_CHECK;
void yh_metrics_close(yh_metrics *m);

/* ---- train_output.c ---- */
/* Copies the tokenizer's files into the run folder, after checking that it is the tokens'. */
yh_status yh_train_copy_tokenizer(const yh_trainer *t, yh_err *err) YH_MUST_CHECK;
/* Brings the measured numbers of t->state up to date. */
void yh_trainer_measure(yh_trainer *t);
/* The result as far as the state tells it. */
void yh_trainer_result(const yh_trainer *t, yh_train_result *r);

/* ---- train_machine.c ---- */
/* Peak FLOP/s of this machine in the type; 0 when it cannot be measured. */
double yh_train_machine_peak(yh_dtype type, yh_pool *pool);

/* Fraction of the budget that is done, in [0, 1]. */
double yh_trainer_fraction(const yh_trainer *t, double elapsed);
double yh_trainer_elapsed(const yh_trainer *t);

#endif
