/* The text of a JSON record: the rules are in docs/clean.md. */
#ifndef YH_INPUT_JSON_TEXT_H
#define YH_INPUT_JSON_TEXT_H

#include "base/json.h"

/* Appends the text of one value to out. *found false: nothing in it is text of a known kind.
 * title (may be NULL): borrowed from j, NULL when absent. */
yh_status yh_json_text(const json_t *j, yh_buf *out, bool *found, const char **title,
                       yh_err *err) YH_MUST_CHECK;

#endif
