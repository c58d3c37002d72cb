/* The text of a JSON record: the rules are in docs/clean.md. */
#ifndef YH_INPUT_JSON_TEXT_H
#define YH_INPUT_JSON_TEXT_H

#include "base/json.h"

/* The members that may hold the text, the best first; NULL ends. */
extern const char *const yh_json_bodies[];

/* Appends the text of one value to out. *found false: nothing in it is text of a known kind.
 * wanted: name of the text's member; NULL: the usual ones. *used (NULL ends): the members that the
 * text was taken from. */
yh_status yh_json_text(const json_t *j, const char *wanted, yh_buf *out, bool *found,
                       const char *used[8], yh_err *err) YH_MUST_CHECK;

#endif
