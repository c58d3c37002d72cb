/* Generating text: a session is one mutable timeline (KV cache) over an immutable model. */
#ifndef YH_SESSION_H
#define YH_SESSION_H

#include "yh/model.h"
#include "yh/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_session yh_session;
/* context 0: the model's. model and pool must outlive the session. */
yh_status yh_session_create(yh_session **out, yh_model *model, uint32_t context, yh_pool *pool,
                            yh_err *err) YH_MUST_CHECK;
void yh_session_free(yh_session *s);
void yh_session_reset(yh_session *s);
/* Feeds ids; afterwards logits of the last one are ready. YH_LIMIT when the context is full. */
yh_status yh_session_feed(yh_session *s, const uint32_t *id, size_t n, yh_err *err) YH_MUST_CHECK;
const float *yh_session_logits(const yh_session *s); /* [vocab]; borrowed until the next feed */
uint32_t yh_session_used(const yh_session *s);
/* The ids fed so far [used]; borrowed. */
const uint32_t *yh_session_ids(const yh_session *s);
/* Makes the timeline equal to id[0..n), n > 0: what it shares with the present one is not computed
 * again. Afterwards the logits of the last id are ready. */
yh_status yh_session_set(yh_session *s, const uint32_t *id, size_t n, yh_err *err) YH_MUST_CHECK;
/* The model's vocabulary: number of logits. */
uint32_t yh_session_vocab(const yh_session *s);
uint32_t yh_session_context(const yh_session *s);

typedef struct yh_sampling {
    float temperature;        /* 0: the most likely token */
    int top_k;                /* 0: off */
    float top_p;              /* 1: off */
    float min_p;              /* 0: off */
    float repetition_penalty; /* 1: off; over the last 256 tokens */
    uint64_t seed;
} yh_sampling;
#define YH_SAMPLING_INIT                                                                           \
    {                                                                                              \
        0.8f, 40, 0.95f, 0.0f, 1.0f, 0                                                             \
    }
/* YH_INVALID names the setting that is out of range. */
yh_status yh_sampling_check(const yh_sampling *s, yh_err *err) YH_MUST_CHECK;
/* index: position in the stream, so that sampling depends on (seed, index) only. recent: the tokens
 * so far (may be NULL when the penalty is 1). */
uint32_t yh_sample(const float *logits, uint32_t vocab, const yh_sampling *s,
                   const uint32_t *recent, size_t n_recent, uint64_t index);

typedef struct yh_generate_options {
    yh_sampling sampling;
    uint32_t max_tokens;     /* 0: until the context is full */
    const char *const *stop; /* texts that end the output (not emitted) */
    size_t n_stop;
    bool ignore_eos;
    /* called with text as it is ready; false: stop */
    bool (*emit)(void *user, const char *text, size_t len);
    void *user;
} yh_generate_options;
typedef struct yh_generate_result {
    uint32_t prompt_tokens, tokens;
    double prompt_seconds, seconds;
    const char *finish; /* "stop", "length", "cancelled": constant */
} yh_generate_result;
/* Continues `prompt`, which stands for the whole timeline (its unchanged beginning is not computed
 * again). Without YH_ENCODE_SPECIAL in encode_flags the prompt is the beginning of a document: the
 * EOS id goes in front of it, as in training. With it (a rendered chat) nothing is added. Ends at
 * EOS, at the end-of-turn tokens of chats, at a stop text, at max_tokens or when the context is
 * full. A stop request (yh_stop_request) ends it with finish "cancelled" and YH_OK. */
yh_status yh_generate(yh_session *s, const yh_tok *tok, const char *prompt, size_t n,
                      unsigned encode_flags, const yh_generate_options *o, yh_generate_result *r,
                      yh_err *err) YH_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
