/* Lines and paragraphs that occur again: the stages exact_line and exact_paragraph, which differ in
 * what they count as one stretch. */
#ifndef YH_DEDUP_SPANS_H
#define YH_DEDUP_SPANS_H

#include "dedup/pass.h"

typedef struct yh_text_line {
    size_t at, len; /* without the line end */
    size_t next;    /* where the next one begins */
} yh_text_line;

/* The line (paragraph: lines up to a blank one) that begins at l->next. False: there is none. */
bool yh_text_next(const char *text, size_t n, bool paragraphs, yh_text_line *l);

/* The group within which stretches are compared: hash of the site, the source, or 0. */
typedef enum yh_scope {
    YH_SCOPE_CORPUS,
    YH_SCOPE_SOURCE,
    YH_SCOPE_SITE,
    YH_SCOPE_DOCUMENT
} yh_scope;
uint64_t yh_scope_hash(yh_scope scope, const yh_stored *d);
/* From a recipe's word; YH_CORRUPT names the words that there are. */
yh_status yh_scope_of(const char *text, yh_scope *scope, yh_err *err) YH_MUST_CHECK;

/* The parameters of both. CHARS: the default of min_chars, a string; ONE, MANY: what they are
 * called. */
#define YH_SPANS_PARAMS(CHARS, ONE, MANY)                                                          \
    {"min_chars",                                                                                  \
     YH_PARAM_NUMBER,                                                                              \
     CHARS,                                                                                        \
     "least length of a " ONE                                                                      \
     " that is looked at, in characters; one of Chinese, Japanese or Korean counts three",         \
     0,                                                                                            \
     1e9},                                                                                         \
        {"copies", YH_PARAM_NUMBER, "1", "how many of equal " MANY " stay", 0, 1e9},               \
        {"within",                                                                                 \
         YH_PARAM_TEXT,                                                                            \
         "\"corpus\"",                                                                             \
         "where they are compared: corpus, source, site (host of the address, else source), "      \
         "document",                                                                               \
         0,                                                                                        \
         0},                                                                                       \
        {"normalise", YH_PARAM_BOOL,                                                               \
         "true",      "compare letters and digits alone, in lower case, words apart",              \
         0,           0},                                                                          \
    {                                                                                              \
        NULL, 0, NULL, NULL, 0, 0                                                                  \
    }

yh_status yh_spans_run(const json_t *params, yh_stage_run *x, bool paragraphs,
                       yh_err *err) YH_MUST_CHECK;

#endif
