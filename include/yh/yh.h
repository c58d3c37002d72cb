/* Everything. */
#ifndef YH_YH_H
#define YH_YH_H

#include "yh/bench.h"
#include "yh/classify.h"
#include "yh/corpus.h"
#include "yh/eval.h"
#include "yh/model.h"
#include "yh/runtime.h"
#include "yh/session.h"
#include "yh/status.h"
#include "yh/tok.h"
#include "yh/tokens.h"
#include "yh/train.h"

#endif
