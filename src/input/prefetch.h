/* Reading ahead: threads that open, decompress and split the next files while the caller works on
 * the chunks before. Chunks come in the order of the files and, within one, of its bytes, whatever
 * the number of threads; memory is bounded. */
#ifndef YH_INPUT_PREFETCH_H
#define YH_INPUT_PREFETCH_H

#include "input/source.h"

typedef struct yh_prefetch yh_prefetch;

typedef struct yh_prefetch_options {
    int threads;   /* readers; each works on a file of its own; 0: 1 */
    size_t bytes;  /* held in all queues together; 0: 64 MiB. One chunk may go beyond */
    size_t first;  /* index of the file to begin with */
    uint64_t skip; /* its first chunks that were taken in an earlier run */
    const yh_read_options *read; /* may be NULL; borrowed */
    const yh_slice *slice;       /* of each path; borrowed; NULL: all are whole */
} yh_prefetch_options;

/* path: n paths (borrowed; NULL entries are left out), o may be NULL. */
yh_status yh_prefetch_create(yh_prefetch **out, const char *const *path, size_t n,
                             const yh_prefetch_options *o, yh_err *err) YH_MUST_CHECK;
/* The next chunk, whose file and last are set. A file ends with a chunk of which last is true; it
 * has no piece when nothing was left to say with it. A file that cannot be opened is such a chunk
 * with a note ("cannot be read"). *more false: all files are done. Waits. Errors: the reader's. */
yh_status yh_prefetch_next(yh_prefetch *p, yh_chunk *c, bool *more, yh_err *err) YH_MUST_CHECK;
/* Takes over (moves out of *b) the memory of a piece that is done with, for a later one. Any
 * thread.
 */
void yh_prefetch_spare(yh_prefetch *p, yh_buf *b);
/* Stops the threads and drops what they read. NULL is allowed. */
void yh_prefetch_free(yh_prefetch *p);

#endif
