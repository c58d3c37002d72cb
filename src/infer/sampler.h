/* The sampler with its memory kept, for loops. One thread at a time. */
#ifndef YH_INFER_SAMPLER_H
#define YH_INFER_SAMPLER_H

#include "yh/session.h"

enum { YH_SAMPLE_RECENT = 256 }; /* tokens that the repetition penalty looks back */

typedef struct yh_sampler yh_sampler;
yh_status yh_sampler_create(yh_sampler **out, uint32_t vocab, yh_err *err) YH_MUST_CHECK;
void yh_sampler_free(yh_sampler *s);
/* See yh_sample. vocab: at most the sampler's, at least 1. */
uint32_t yh_sampler_pick(yh_sampler *m, const float *logits, uint32_t vocab, const yh_sampling *s,
                         const uint32_t *recent, size_t n_recent, uint64_t index);
#endif
