/* Base64 with the standard alphabet, padded or not. */
#ifndef YH_TEXT_BASE64_H
#define YH_TEXT_BASE64_H

#include "base/alloc.h"

/* Appends what text[0..n) stands for. YH_CORRUPT when it is no base64. */
yh_status yh_base64_decode(const char *text, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

#endif
