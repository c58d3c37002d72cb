/* Tar archives as a stream: v7, ustar, GNU long names, pax paths and sizes (POSIX.1-2001). */
#ifndef YH_INPUT_TAR_H
#define YH_INPUT_TAR_H

#include "input/stream.h"

/* Whether the 512 bytes are a header: by its checksum. */
bool yh_tar_is_header(const uint8_t *block);

typedef struct yh_tar {
    yh_stream *s; /* borrowed */
    uint64_t size, pad;
    bool regular; /* else a folder, link or device: nothing to read */
    yh_buf name;  /* bytes as they stand there */
    const char
        *problem; /* static; set by next: something is damaged. It looks for the next header */
} yh_tar;
void yh_tar_init(yh_tar *t, yh_stream *s);
void yh_tar_fini(yh_tar *t);
/* Goes to the next entry: its `size` bytes are next in the stream, and must have been taken (with
 * yh_tar_leave) before the next call. */
yh_status yh_tar_next(yh_tar *t, bool *more, yh_err *err) YH_MUST_CHECK;
/* Passes over `left` bytes of the entry and what fills up its last block. */
yh_status yh_tar_leave(yh_tar *t, uint64_t left, yh_err *err) YH_MUST_CHECK;

#endif
