/* Decoders: ids to text. */
#ifndef YH_TEXT_DECODE_H
#define YH_TEXT_DECODE_H

#include <jansson.h>

#include "base/alloc.h"

typedef struct yh_decoder {
    int kind;
} yh_decoder;

#endif
