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

yh_status yh_spans_run(const json_t *params, yh_stage_run *x, bool paragraphs,
                       yh_err *err) YH_MUST_CHECK;

#endif
