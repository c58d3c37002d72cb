/* Decompression step by step: gzip, zstd, xz, bzip2, lz4 frames, raw deflate (zip entries) and zlib
 * (HTTP). Members and frames behind one another are one stream. Memory is that of one window: xz
 * and zstd data that ask for more than YH_UNPACK_WINDOW are refused. One thread at a time. */
#ifndef YH_INPUT_UNPACK_H
#define YH_INPUT_UNPACK_H

#include "base/alloc.h"

/* Against data that grow without end. A file may always become YH_UNPACK_FREE bytes; beyond, it
 * may grow by the ratio, and up to the maximum. Text seldom goes beyond 1:30; deflate can do
 * 1:1032, the others more. */
#define YH_UNPACK_RATIO  128u
#define YH_UNPACK_FREE   ((uint64_t)64 << 20)
#define YH_UNPACK_MAX    ((uint64_t)1 << 40)
#define YH_UNPACK_WINDOW ((uint64_t)256 << 20)

typedef enum yh_packing {
    YH_PACKING_NONE,
    YH_PACKING_GZIP,
    YH_PACKING_ZSTD,
    YH_PACKING_XZ,
    YH_PACKING_BZIP2,
    YH_PACKING_LZ4,
    YH_PACKING_DEFLATE,
    YH_PACKING_ZLIB
} yh_packing;

/* By the first bytes (6 suffice); never DEFLATE or ZLIB, which have no mark. */
yh_packing yh_packing_of(const uint8_t *p, size_t n);
/* By a file's ending (".gz", ".zst", ".xz", ".bz2", ".lz4"); *base: length without it. */
yh_packing yh_packing_named(const char *name, size_t *base);
/* Whether a member or frame seems to begin at p (10 bytes). */
bool yh_packing_restarts(yh_packing k, const uint8_t *p);
const char *yh_packing_name(yh_packing k); /* "gzip" */

typedef struct yh_unpack yh_unpack;
yh_status yh_unpack_open(yh_unpack **out, yh_packing k, yh_err *err) YH_MUST_CHECK;
void yh_unpack_close(yh_unpack *u);

typedef enum yh_unpack_is {
    YH_UNPACK_GOES_ON, /* wants more input or more room */
    YH_UNPACK_ENDED,   /* the data ended as they should; input may be left behind raw deflate */
    YH_UNPACK_BROKEN   /* see yh_unpack_what; what was written before is good */
} yh_unpack_is;

/* Takes from in[*in_at, n_in) and writes to out[*out_at, n_out), moving both. last: no input will
 * come behind this one. Errors: YH_NOMEM. */
yh_status yh_unpack_step(yh_unpack *u, const uint8_t *in, size_t n_in, size_t *in_at, bool last,
                         uint8_t *out, size_t n_out, size_t *out_at, yh_unpack_is *is,
                         yh_err *err) YH_MUST_CHECK;
bool yh_unpack_inside(const yh_unpack *u);      /* a member or frame is open */
const char *yh_unpack_what(const yh_unpack *u); /* "gzip data end too early" */

/* The whole of in[0, n) appended to out, at most max bytes. *what: NULL, or (static or owned by
 * nobody) what is wrong; the bytes before the damage or the limit are there. */
yh_status yh_unpack_all(yh_packing k, const void *in, size_t n, size_t max, yh_buf *out,
                        const char **what, yh_err *err) YH_MUST_CHECK;

#endif
