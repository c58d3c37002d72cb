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
/* From a fresh one on: goes to where yh_lines_place was this. YH_CORRUPT: there is no such line. */
yh_status yh_lines_seek(yh_lines *l, uint32_t file, uint64_t line, yh_err *err) YH_MUST_CHECK;
/* A hash of the names, sizes and times of the files, on top of `seed`. */
uint64_t yh_lines_fingerprint(const yh_lines *l, uint64_t seed);
void yh_lines_close(yh_lines *l);

#endif
