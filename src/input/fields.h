/* Records with named fields (JSON objects, rows of tables): which one is the text, and keeping the
 * others. */
#ifndef YH_INPUT_FIELDS_H
#define YH_INPUT_FIELDS_H

#include "input/reader.h"

/* Rank of a field's name as the text: 0 is the best, -1: not one. By `wanted` alone if it is not
 * NULL. Names are compared without regard to case. */
int yh_field_rank(const char *name, size_t n, const char *wanted);

/* Puts a field that is not the text into the draft or its meta: title and url have places of their
 * own, the rest becomes a member of `meta` (strings). Empty ones are dropped. */
yh_status yh_field_keep(yh_draft *d, yh_buf *meta, const char *name, size_t n_name,
                        const char *value, size_t n, yh_err *err) YH_MUST_CHECK;

#endif
