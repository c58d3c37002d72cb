/* Records of a corpus: one JSON object a line, written fast. */
#ifndef YH_DATA_RECORD_H
#define YH_DATA_RECORD_H

#include "base/alloc.h"

/* Appends "text" as a JSON string with its quotes; text must be well-formed UTF-8. */
yh_status yh_record_string(yh_buf *out, const char *text, size_t n, yh_err *err) YH_MUST_CHECK;
/* Compresses n bytes as one zstd frame (with checksum) appended to out. */
yh_status yh_record_compress(yh_buf *out, const void *p, size_t n, int level,
                             yh_err *err) YH_MUST_CHECK;

#endif
