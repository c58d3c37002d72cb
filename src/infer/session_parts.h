/* What generation needs of a session beside its public face. */
#ifndef YH_INFER_SESSION_PARTS_H
#define YH_INFER_SESSION_PARTS_H

#include "infer/sampler.h"

yh_sampler *yh_session_sampler(yh_session *s); /* borrowed */
int64_t yh_session_eos(const yh_session *s);   /* of the model's configuration; -1: none */

#endif
