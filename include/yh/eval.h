/* Evaluation: bits per byte and perplexity on documents. */
#ifndef YH_EVAL_H
#define YH_EVAL_H

#include "yh/model.h"
#include "yh/tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_eval_row {
    char source[128];
    uint64_t docs, tokens, bytes;
    double nats; /* sum of -ln p over the tokens, EOS included */
} yh_eval_row;
/* bits per byte = nats / ln 2 / bytes; perplexity = exp(nats / tokens). */
typedef struct yh_eval_report {
    yh_eval_row total;
    yh_eval_row *rows; /* by source; freed by yh_eval_report_fini */
    size_t n;
    double seconds;
} yh_eval_report;
void yh_eval_report_fini(yh_eval_report *r);

/* On a corpus (folder or file). heldout_per_mille 0: every document; else only the held-out ones.
 * max_tokens 0: all. Documents longer than the context (or than 4096 tokens) are cut into pieces
 * without shared context. Errors name what is wrong; YH_NOTFOUND when there is no document. */
yh_status yh_eval_corpus(yh_model *m, const yh_tok *tok, const char *corpus,
                         unsigned heldout_per_mille, uint64_t max_tokens, yh_pool *pool,
                         yh_eval_report *r, yh_err *err) YH_MUST_CHECK;
/* On the held-out (or training) split of a token folder. */
yh_status yh_eval_tokens(yh_model *m, const yh_tokens *t, yh_split split, uint64_t max_tokens,
                         yh_pool *pool, yh_eval_report *r, yh_err *err) YH_MUST_CHECK;

/* Logits of one sequence of ids as it stands (nothing is put in front), out [n, vocab] F32. n is at
 * most the model's context. For comparing with other implementations. */
yh_status yh_eval_logits(yh_model *m, const uint32_t *id, size_t n, float *out, yh_pool *pool,
                         yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
