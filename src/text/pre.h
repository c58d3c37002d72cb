/* Pre-tokenizers: text to words, by a list of steps. */
#ifndef YH_TEXT_PRE_H
#define YH_TEXT_PRE_H

#include <jansson.h>

#include "text/pretok.h"

enum { YH_PRE_STEPS = 16 };

typedef enum yh_behavior {                     /* of the matches; a gap is the text between two */
                           YH_ISOLATED,        /* matches and gaps are words */
                           YH_REMOVED,         /* gaps are words */
                           YH_MERGED_PREVIOUS, /* a match belongs to the gap before it */
                           YH_MERGED_NEXT,     /* to the gap behind it */
                           YH_CONTIGUOUS       /* neighbouring matches are one word */
} yh_behavior;

typedef enum yh_pre_kind {
    YH_PRE_PATTERN,   /* matches of a pattern */
    YH_PRE_CLASS,     /* each character of the classes in mask */
    YH_PRE_CHAR,      /* each occurrence of text, one character */
    YH_PRE_FIXED,     /* every `length` characters are a word */
    YH_PRE_METASPACE, /* spaces become text, which may be prepended */
    YH_PRE_SPACE,     /* a space is prepended unless there is one (ByteLevel) */
} yh_pre_kind;

typedef enum yh_prepend { YH_PREPEND_NEVER, YH_PREPEND_FIRST, YH_PREPEND_ALWAYS } yh_prepend;

typedef struct yh_pre_step {
    yh_pre_kind kind;
    yh_behavior behavior;
    bool invert; /* matches and gaps change roles */
    yh_pattern *pattern;
    uint8_t mask;
    yh_prepend prepend;
    char text[5];
    size_t length;
} yh_pre_step;

typedef struct yh_pre {
    yh_pre_step step[YH_PRE_STEPS];
    size_t n;
} yh_pre;

void yh_pre_fini(yh_pre *p);
/* Adds the steps of a tokenizer.json's "pre_tokenizer"; *byte_level: whether there is a ByteLevel,
 * behind whose steps the words are bytes. */
yh_status yh_pre_read(yh_pre *p, const json_t *j, bool *byte_level, const char *name,
                      yh_err *err) YH_MUST_CHECK;

#endif
