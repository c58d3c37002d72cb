/* A corpus through a pool: while batch k is worked on by all threads, one of them first reads batch
 * k + 1 and another hands on the results of batch k - 1. Results are handed on in the order of the
 * corpus, whatever the number of threads. */
#ifndef YH_DATA_DOC_BATCH_H
#define YH_DATA_DOC_BATCH_H

#include "base/alloc.h"
#include "yh/corpus.h"
#include "yh/tok.h"

typedef struct yh_batch_doc {
    const char *text; /* NUL-terminated */
    size_t len;       /* > 0 */
    const char *source;
    yh_ids ids; /* for the work's use; empty at first, its memory is kept */
    bool heldout;
    yh_status status; /* of the work; err says why */
    yh_err err;
    size_t text_at, source_at;
} yh_batch_doc;

typedef struct yh_doc_batch {
    yh_batch_doc *doc;
    size_t n, cap, empty; /* empty: documents without text, which are left out */
    uint64_t bytes;
    yh_buf text, names;
    bool more; /* another batch follows */
    yh_status status;
    yh_err err;
} yh_doc_batch;

typedef struct yh_batches {
    yh_corpus *corpus;
    size_t batch_bytes; /* 0: 8 MB */
    /* Any thread; worker is below yh_pool_threads. */
    void (*work)(void *arg, yh_batch_doc *d, int worker);
    /* One batch at a time, in order, on any thread. */
    yh_status (*take)(void *arg, yh_doc_batch *b, yh_err *err);
    void *arg;
    /* private */
    yh_doc_batch ring[3];
    yh_doc_batch *next, *current, *done;
    yh_status taken;
    yh_err taken_err;
} yh_batches;

/* Reads the corpus to its end. Callers zero the struct and fill in the first part; nothing needs
 * freeing afterwards. YH_STOPPED behind yh_stop_request: batches that were taken stay taken. */
yh_status yh_batches_run(yh_batches *r, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

#endif
