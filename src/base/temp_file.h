/* Temporary files without a name: nothing is left behind, however the process ends. */
#ifndef YH_BASE_TEMP_FILE_H
#define YH_BASE_TEMP_FILE_H

#include "base/alloc.h"

/* Opens one in folder `dir` (NULL: $TMPDIR, else /tmp) for reading and writing; close(*fd) ends it.
 */
yh_status yh_temp_open(int *fd, const char *dir, yh_err *err) YH_MUST_CHECK;
/* Whole transfers at a place; `dir` stands for the file in messages. Any thread. */
yh_status yh_temp_write(int fd, const void *p, size_t n, uint64_t at, const char *dir,
                        yh_err *err) YH_MUST_CHECK;
yh_status yh_temp_read(int fd, void *p, size_t n, uint64_t at, const char *dir,
                       yh_err *err) YH_MUST_CHECK;

#endif
