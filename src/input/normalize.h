/* One form for every text: NFC; line ends as \n; no control, zero-width or directional characters;
 * no-break spaces as spaces; no blanks at line ends; at most two blank lines; no blank lines at the
 * ends. Joiners (U+200C, U+200D) stay where they shape letters or emoji. */
#ifndef YH_INPUT_NORMALIZE_H
#define YH_INPUT_NORMALIZE_H

#include "base/alloc.h"

/* text: well-formed UTF-8. Appends to out (which must be empty or end a line). */
yh_status yh_normalize(const char *text, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

#endif
