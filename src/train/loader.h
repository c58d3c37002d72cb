/* The loader: rows of tokens for training, at random access.
 *
 * The token stream of an epoch is the epoch's documents laid end to end, each closed by its EOS,
 * behind one leading EOS. Row r reads the tokens [r*context, (r+1)*context) of the stream and
 * predicts the token behind each. An input EOS opens a segment: attention (`start`) does not look
 * over it and positions count from it; so does the beginning of a row. Nothing but
 * (seed, epoch, sample) decides what a row holds, so resuming needs only the counter.
 *
 * across_documents (nanoGPT's way): the plain stream without a leading EOS; a row is one segment.
 *
 * Thread safety: a loader belongs to one thread at a time. */
#ifndef YH_TRAIN_LOADER_H
#define YH_TRAIN_LOADER_H

#include "base/alloc.h"
#include "yh/train.h"

/* A permutation of [0, n) that is computed, not stored: a balanced Feistel network of six rounds
 * over the next even power of two, walking the cycle until the value is below n (Black & Rogaway,
 * "Ciphers with arbitrary finite domains", 2002). Depends on (seed, stream) only. */
typedef struct yh_permutation {
    uint64_t n;
    int half; /* bits of one half */
    uint64_t key[6];
} yh_permutation;
void yh_permutation_init(yh_permutation *p, uint64_t n, uint64_t seed, uint64_t stream);
uint64_t yh_permutation_at(const yh_permutation *p, uint64_t i); /* i < n */

typedef struct yh_loader yh_loader;

typedef struct yh_loader_options {
    yh_split split;
    uint32_t context; /* tokens of a row */
    yh_order order;
    bool across_documents;
    uint64_t seed;
    uint32_t vocab; /* ids must be below it: YH_MISMATCH otherwise */
} yh_loader_options;

/* YH_INVALID when the split holds less than one row. t must outlive the loader. */
yh_status yh_loader_create(yh_loader **out, const yh_tokens *t, const yh_loader_options *o,
                           yh_err *err) YH_MUST_CHECK;
void yh_loader_free(yh_loader *l);
uint64_t yh_loader_rows(const yh_loader *l);   /* rows of an epoch */
uint64_t yh_loader_memory(const yh_loader *l); /* bytes held */

/* Row of sample number `sample` counted over all epochs (epoch = sample / rows). Fills context
 * entries each; `base` is added to start (the row's place in the micro-batch). */
yh_status yh_loader_row(yh_loader *l, uint64_t sample, int32_t base, int32_t *tokens,
                        int32_t *targets, int32_t *pos, int32_t *start, yh_err *err) YH_MUST_CHECK;

/* The tokens of the held-out text that evaluation looks at: whole documents in an order fixed by
 * the seed until max_tokens, the last one cut, each cut into pieces of `context` tokens that share
 * no context (as yh_eval_tokens does), pieces laid end to end into runs of `rows` rows, the rest
 * of a run ignored (target -1). */
typedef struct yh_eval_set {
    int32_t *tokens, *targets, *pos, *start; /* [runs*rows] each */
    uint64_t runs, tokens_used;
    int64_t rows;
    double bytes; /* of text behind the tokens; in proportion for a document that was cut */
} yh_eval_set;
yh_status yh_eval_set_make(yh_eval_set *e, const yh_tokens *t, uint32_t context, int64_t rows,
                           uint64_t max_tokens, bool across_documents, uint32_t vocab,
                           yh_err *err) YH_MUST_CHECK;
void yh_eval_set_fini(yh_eval_set *e);

#endif
