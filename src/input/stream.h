/* A file as a stream of bytes, plain or compressed (.gz, .zst, told by the content, not the name).
 * Memory is bounded by one window whatever the file holds. A damaged compressed file gives the
 * bytes before the damage and then ends, with `broken` set. One thread at a time. */
#ifndef YH_INPUT_STREAM_H
#define YH_INPUT_STREAM_H

#include "base/alloc.h"

typedef struct yh_stream yh_stream;

yh_status yh_stream_open(yh_stream **out, const char *path, yh_err *err) YH_MUST_CHECK;
/* A stream over bytes in memory (plain; borrowed): for tests and fuzzing. */
yh_status yh_stream_memory(yh_stream **out, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;
void yh_stream_close(yh_stream *s);

/* Makes at least `want` bytes visible if the file has them, and returns what is visible: a pointer
 * that is valid until the next call. *n less than want: the end is there. */
yh_status yh_stream_peek(yh_stream *s, size_t want, const uint8_t **p, size_t *n,
                         yh_err *err) YH_MUST_CHECK;
void yh_stream_skip(yh_stream *s, size_t n); /* n <= what was visible */

uint64_t yh_stream_offset(const yh_stream *s);   /* decompressed bytes skipped so far */
uint64_t yh_stream_raw_done(const yh_stream *s); /* bytes of the file read so far */
/* What is wrong with the compressed data, with its place; NULL while nothing is. */
const char *yh_stream_broken(const yh_stream *s);

#endif
