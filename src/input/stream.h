/* Bytes one after the other: a file, a pipe, a part of another stream, memory; plain or compressed
 * (gzip, zstd, xz, bzip2, lz4: told by the content, not the name). Memory is bounded by one window
 * whatever the file holds, and growth by the limits of unpack.h. Damaged data give the bytes before
 * the damage and then end, with `broken` set. One thread at a time. */
#ifndef YH_INPUT_STREAM_H
#define YH_INPUT_STREAM_H

#include "input/unpack.h"

typedef struct yh_stream yh_stream;

/* Reading anywhere: a regular file, or memory. */
typedef struct yh_random {
    int fd; /* -1: memory */
    const uint8_t *memory;
    uint64_t size;
} yh_random;
/* Exactly n bytes from `at`; YH_CORRUPT when the file ends before. Thread safe. */
yh_status yh_random_read(const yh_random *r, uint64_t at, void *p, size_t n,
                         yh_err *err) YH_MUST_CHECK;

yh_status yh_stream_open(yh_stream **out, const char *path, yh_err *err) YH_MUST_CHECK;
/* The lines of a plain file that begin in its bytes [begin, end), taken as they are. Offsets are
 * those of the file. */
yh_status yh_stream_lines(yh_stream **out, const char *path, uint64_t begin, uint64_t end,
                          yh_err *err) YH_MUST_CHECK;
/* Where the first line at or behind byte `at` begins: 0, or behind a line end; the file's size when
 * there is none. *lines (may be NULL): line ends in [from, that place). */
yh_status yh_stream_line_at(const char *path, uint64_t at, uint64_t from, uint64_t *place,
                            uint64_t *lines, yh_err *err) YH_MUST_CHECK;
/* Standard input. */
yh_status yh_stream_stdin(yh_stream **out, yh_err *err) YH_MUST_CHECK;
/* A stream over bytes in memory (borrowed), taken as they are: for tests and fuzzing. */
yh_status yh_stream_memory(yh_stream **out, const void *p, size_t n, yh_err *err) YH_MUST_CHECK;
/* The same, decompressed if they are compressed. */
yh_status yh_stream_memory_packed(yh_stream **out, const void *p, size_t n,
                                  yh_err *err) YH_MUST_CHECK;
/* The next `length` bytes of another stream as one of its own (decompressed if they are). The
 * parent (borrowed) must not be used meanwhile; yh_stream_left says what was not taken from it. */
yh_status yh_stream_part(yh_stream **out, yh_stream *parent, uint64_t length, const char *name,
                         yh_err *err) YH_MUST_CHECK;
uint64_t yh_stream_left(const yh_stream *s);
/* Bytes [at, at + length) of r (borrowed). kind DEFLATE: raw deflate; NONE: as they are, and
 * decompressed if they look compressed. */
yh_status yh_stream_range(yh_stream **out, const yh_random *r, uint64_t at, uint64_t length,
                          yh_packing kind, const char *name, yh_err *err) YH_MUST_CHECK;
void yh_stream_close(yh_stream *s);

/* CRC-32 of what will come out (not checked where the data are compressed a second time). Before
 * the first peek. */
void yh_stream_expect(yh_stream *s, uint32_t crc);
/* Limits of growth; 0 leaves the default. */
void yh_stream_limit(yh_stream *s, uint32_t ratio, uint64_t max);

/* Makes at least `want` bytes visible if the file has them, and returns what is visible: a pointer
 * that is valid until the next call. *n less than want: the end is there. */
yh_status yh_stream_peek(yh_stream *s, size_t want, const uint8_t **p, size_t *n,
                         yh_err *err) YH_MUST_CHECK;
void yh_stream_skip(yh_stream *s, size_t n); /* n <= what was visible */
/* Passes over n bytes, visible or not; fewer when the end comes before. */
yh_status yh_stream_pass(yh_stream *s, uint64_t n, yh_err *err) YH_MUST_CHECK;

/* What comes is UTF-16 (a mark at its beginning is dropped) and is given as UTF-8 from now on, with
 * the offsets of that; nothing may have been skipped before. Units that are no character become
 * U+FFFD. */
yh_status yh_stream_utf16(yh_stream *s, bool big_endian, yh_err *err) YH_MUST_CHECK;
/* Which of them it is, "UTF-16LE" or "UTF-16BE"; "" for bytes as they are. */
const char *yh_stream_encoding(const yh_stream *s);
uint64_t yh_stream_replaced(const yh_stream *s); /* units that became U+FFFD so far */

/* The whole contents for reading anywhere, valid while the stream lives; nothing may have been
 * skipped before. What is not a plain file is copied to a nameless temporary file (in $TMPDIR).
 * Damaged data give what is before the damage. */
yh_status yh_stream_random(yh_stream *s, yh_random *r, yh_err *err) YH_MUST_CHECK;

uint64_t yh_stream_offset(const yh_stream *s);   /* decompressed bytes skipped so far */
uint64_t yh_stream_made(const yh_stream *s);     /* decompressed bytes so far */
uint64_t yh_stream_raw_done(const yh_stream *s); /* bytes of the file read so far */
uint64_t yh_stream_raw_used(const yh_stream *s); /* of these, bytes that the decoder took */
/* Size of a regular file on disk; 0 for anything else. */
uint64_t yh_stream_raw_size(const yh_stream *s);
/* What is wrong with the compressed data, with its place; NULL while nothing is. */
const char *yh_stream_broken(const yh_stream *s);

#endif
