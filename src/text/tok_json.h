/* Small helpers for the readers of tokenizer.json's parts. */
#ifndef YH_TEXT_TOK_JSON_H
#define YH_TEXT_TOK_JSON_H

#include <jansson.h>

#include "base/alloc.h"

/* "type" of a part; "" when it has none. */
const char *yh_tok_type(const json_t *j);
/* The error for a part that is not supported; what may be NULL. */
yh_status yh_tok_unsupported(const char *name, const char *part, const char *what,
                             yh_err *err) YH_MUST_CHECK;
/* Appends a literal as a pattern. */
yh_status yh_tok_quote(const char *text, yh_buf *b, yh_err *err) YH_MUST_CHECK;

#endif
