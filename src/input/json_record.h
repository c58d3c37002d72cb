/* From one JSON value to a document with what its record says besides: the fast way for plain
 * objects, and keeping members for the others. The rules are in docs/inputs.md. */
#ifndef YH_INPUT_JSON_RECORD_H
#define YH_INPUT_JSON_RECORD_H

#include "input/draft.h"
#include "input/json_text.h"

/* Appends the document of an object in p[0, n) whose text is a string. *done false: it is not of
 * that kind, and nothing was appended. wanted: name of the text's member; NULL: the usual ones. */
yh_status yh_json_record(const char *p, size_t n, uint64_t number, const char *wanted,
                         yh_drafts *out, bool *done, yh_err *err) YH_MUST_CHECK;

/* The members of object j but those in used (NULL ends) go to the last document of *out: url,
 * title, and meta. A list or object of more than YH_META_NESTED bytes is left out, and named. */
yh_status yh_json_members_keep(const json_t *j, const char *const *used, yh_drafts *out,
                               yh_err *err) YH_MUST_CHECK;

#endif
