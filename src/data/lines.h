/* The lines of a corpus's files, one after the other: part-* or removed-*. One thread at a time. */
#ifndef YH_DATA_LINES_H
#define YH_DATA_LINES_H

#include "base/file.h"

typedef struct yh_lines yh_lines;

/* what: "part" or "removed". YH_NOTFOUND: no corpus; YH_INVALID: not finished. */
yh_status yh_lines_open(yh_lines **out, const char *corpus, const char *what,
                        yh_err *err) YH_MUST_CHECK;
/* The next line without its end, valid until the next call; *more false at the end. */
yh_status yh_lines_next(yh_lines *l, const char **line, size_t *n, bool *more,
                        yh_err *err) YH_MUST_CHECK;
/* Where it stands: file (borrowed), its index, line from 1. */
const char *yh_lines_place(const yh_lines *l, uint32_t *file, uint64_t *line);
void yh_lines_close(yh_lines *l);

#endif
