/* Members of a JSON object, for yh_draft.meta and the records' `meta`. */
#ifndef YH_INPUT_META_H
#define YH_INPUT_META_H

#include "input/draft.h"

/* Appends "text" as a JSON string; bytes that are not UTF-8 become U+FFFD. */
yh_status yh_meta_quote(yh_buf *out, const char *text, size_t n, yh_err *err) YH_MUST_CHECK;
/* Appends `"key":"value"`, behind a comma if out is not empty. */
yh_status yh_meta_string(yh_buf *out, const char *key, const char *value, size_t n,
                         yh_err *err) YH_MUST_CHECK;
/* The same with a value that is JSON already. */
yh_status yh_meta_raw(yh_buf *out, const char *key, size_t n_key, const char *json, size_t n,
                      yh_err *err) YH_MUST_CHECK;
/* Moves the members into the draft, which has none, and empties out. */
yh_status yh_meta_give(yh_buf *out, yh_draft *d, yh_err *err) YH_MUST_CHECK;
/* A copy of text as well-formed UTF-8 without control characters (for urls and titles); an empty
 * one gives NULL. */
yh_status yh_meta_copy(char **out, const char *text, size_t n, yh_err *err) YH_MUST_CHECK;

#endif
