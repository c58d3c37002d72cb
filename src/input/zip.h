/* Zip archives (PKWARE's APPNOTE 6.3): entries by the central directory, zip64 included; where it
 * is missing or damaged, by the headers in front of the data. */
#ifndef YH_INPUT_ZIP_H
#define YH_INPUT_ZIP_H

#include "input/stream.h"

enum { YH_ZIP_DIRECTORY_MAX = 256 << 20 }; /* bytes of a central directory that are read */

typedef struct yh_zip {
    yh_random file;
    yh_buf dir; /* the central directory; empty: entries are found by their headers */
    size_t at;
    uint64_t next;     /* without directory: where to look for the next header */
    uint64_t looked;   /* bytes read in looking so */
    uint64_t base;     /* bytes in front of the archive (a self-extracting program) */
    char problem[120]; /* set by open and next; "": nothing */
    /* The present entry. */
    const char *name;    /* bytes as they stand there; borrowed until next */
    size_t name_len;     /* without directory: of a longer name the first 4096 bytes */
    bool utf8;           /* the name says that it is */
    bool folder, sealed; /* sealed: encrypted */
    bool sized;          /* packed and crc are known */
    int method;
    uint64_t packed, header; /* bytes; offset of the local header */
    uint32_t crc;
    yh_buf local;
} yh_zip;

/* r is borrowed. Never fails because of the contents. */
yh_status yh_zip_open(yh_zip *z, const yh_random *r, yh_err *err) YH_MUST_CHECK;
void yh_zip_close(yh_zip *z);
yh_status yh_zip_next(yh_zip *z, bool *more, yh_err *err) YH_MUST_CHECK;
/* Opens the present entry; *out NULL: it cannot be read, and z->problem says why. */
yh_status yh_zip_entry(yh_zip *z, const char *name, yh_stream **out, yh_err *err) YH_MUST_CHECK;
/* Before the stream of an entry is closed, so that the next header is found behind it. */
void yh_zip_leave(yh_zip *z, const yh_stream *s);
/* Goes to the entry of exactly this name; *found. For archives with a directory. */
yh_status yh_zip_find(yh_zip *z, const char *name, size_t n, bool *found,
                      yh_err *err) YH_MUST_CHECK;

#endif
