/* Training: from token shards to a model folder. */
#ifndef YH_TRAIN_H
#define YH_TRAIN_H

#include "yh/model.h"
#include "yh/tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum yh_optimizer {
    YH_OPT_MUON,
    YH_OPT_ADAMW
} yh_optimizer; /* Muon: matrices; rest AdamW */
typedef enum yh_schedule { YH_SCHED_WSD, YH_SCHED_COSINE, YH_SCHED_CONSTANT } yh_schedule;

/* SHUFFLE: documents and rows in an order drawn anew for each epoch. STREAM: as packed, one after
 * the other. RANDOM: rows from random offsets of the stream (nanoGPT's way). */
typedef enum yh_order { YH_ORDER_SHUFFLE, YH_ORDER_STREAM, YH_ORDER_RANDOM } yh_order;

/* Hidden matrices packed by the optimiser, for both products that read them. AUTO: where it is
 * expected to pay and memory allows it. The bits are the same. */
typedef enum yh_pack_weights { YH_PACK_AUTO, YH_PACK_ON, YH_PACK_OFF } yh_pack_weights;

typedef struct yh_train_progress yh_train_progress;

/* Everything 0 or NULL follows from the rules in docs/train.md. */
typedef struct yh_train_options {
    const char *data;      /* token folder */
    const char *tokenizer; /* folder whose tokenizer files are copied into the run; NULL: data's */
    const char *out;       /* run folder: a model folder plus training state and metrics.jsonl */
    const char
        *model; /* named size ("gpt2", "d6", ...), a config.json, or a model folder to start from */
    int depth;  /* the dial; used when model is NULL */
    double minutes;                /* stop by time: the schedule follows the clock's budget */
    uint64_t tokens, steps;        /* or by tokens, or by steps; at most one of the three */
    uint64_t batch_tokens;         /* per optimiser step */
    uint32_t context, micro_batch; /* tokens per sequence; sequences per micro-batch */
    yh_optimizer optimizer;
    yh_schedule schedule;
    double lr, muon_lr, min_lr_ratio, warmup_ratio, decay_ratio, weight_decay, beta1, beta2, eps,
        clip;
    bool lr_set, muon_lr_set, wd_set, clip_set, beta2_set, warmup_set, optimizer_set, schedule_set,
        min_lr_set, decay_set, precision_set, order_set, across_set; /* given explicitly */
    yh_order order;
    yh_precision precision;
    uint64_t memory; /* bytes that the process may hold at most; 0: what is available now */
    int recompute; /* with recompute_set: 0 keeps all activations, 1 computes the cheap ones again,
                      2 whole blocks; else the lowest that fits. The bits are the same. */
    bool recompute_set;
    yh_pack_weights pack_weights;
    uint64_t seed;
    uint32_t eval_every, sample_every, save_every; /* steps; 0: by rule */
    uint64_t eval_tokens;  /* held-out tokens looked at, at most; 0: by rule */
    bool resume;           /* go on from `out` when it holds a checkpoint (else start there);
                              false: a checkpoint in `out` is discarded */
    bool keep_best;        /* leave the weights best on held-out documents (stops early) */
    bool across_documents; /* attention crosses document boundaries (nanoGPT's way) */
    /* Called at sample points with the model as it stands (bound to memory of the run: read only).
     * Returns text for metrics.jsonl and the progress event, or NULL; borrowed until the next call.
     */
    const char *(*sample)(void *user, yh_model *model, uint64_t step);
    void (*progress)(void *user, const yh_train_progress *p);
    void *user;
} yh_train_options;

struct yh_train_progress {
    const char *event;    /* "plan", "step", "eval", "sample", "save", "done" */
    uint64_t step, steps; /* steps: 0 when unknown (by time) */
    uint64_t tokens;
    double loss, bits_per_byte; /* of the step / of held-out text (NaN: not known yet) */
    double lr, grad_norm;
    double tokens_per_second, peak_fraction; /* model FLOPs against the measured peak */
    double seconds, seconds_left;
    uint64_t memory_predicted, memory_peak;
    const char
        *text; /* event "sample": the sample; "plan": a description; "done": why it stopped */
};

typedef struct yh_train_result {
    uint64_t steps, tokens, best_step, epochs_milli; /* epochs_milli: passes over the text x 1000 */
    bool finished;                                   /* false: stopped on request, can be resumed */
    double heldout_bits_per_byte;                    /* of the last evaluation; NaN: none */
    double seconds, loss, best_bits_per_byte, tokens_per_second, peak_fraction;
    uint64_t memory_predicted, memory_peak;
    char stopped_because[96];
} yh_train_result;

/* Trains. Restartable: with `resume` an unfinished run goes on bit for bit where its last
 * checkpoint was, a finished one returns its result at once. YH_STOPPED after yh_stop_request, with
 * the state saved; YH_LIMIT when the memory would not suffice (nothing was started, the message
 * says what is needed at least); YH_MISMATCH
 * when options or data differ from the checkpoint's, naming what differs; YH_BUSY when another
 * process trains in `out`. */
yh_status yh_train_run(const yh_train_options *o, yh_pool *pool, yh_train_result *r,
                       yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
