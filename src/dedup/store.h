/* Documents between the rules that look at one and the stages that look at all: compressed blocks
 * on disk, read as often as needed, and what stages decided about them.
 *
 * A document's number (ordinal) is its place in the store, counted from 0. Stages see documents
 * through a view: those that no earlier stage removed, without what earlier stages cut. */
#ifndef YH_DEDUP_STORE_H
#define YH_DEDUP_STORE_H

#include "base/alloc.h"

typedef struct yh_stored {
    uint64_t ordinal;
    const char *text; /* UTF-8, NUL-terminated */
    size_t len;
    const char *id, *source, *url; /* NUL-terminated; url "" when not known */
    const char *lang;              /* "" when not known */
    const char *extra; /* the rest of the record (title, meta, edits) as the writer packed it; the
                          store does not look inside */
    size_t extra_len;
} yh_stored;

/* ---- writing: one process, documents in their final order ---- */
typedef struct yh_store_writer yh_store_writer;
/* The file `path` and its index `path`.idx appear whole at the commit. */
yh_status yh_store_writer_create(yh_store_writer **out, const char *path,
                                 yh_err *err) YH_MUST_CHECK;
/* Packs and compresses documents into one block, without touching the writer: any thread. */
yh_status yh_store_block(const yh_stored *doc, size_t n, yh_buf *block, yh_err *err) YH_MUST_CHECK;
/* Appends a block that holds n documents with `bytes` of text. */
yh_status yh_store_writer_add(yh_store_writer *w, const yh_buf *block, size_t n, uint64_t bytes,
                              yh_err *err) YH_MUST_CHECK;
yh_status yh_store_writer_commit(yh_store_writer *w, yh_err *err) YH_MUST_CHECK;
void yh_store_writer_free(yh_store_writer *w); /* aborts what was not committed */

/* ---- decisions of one stage ---- */
/* A file of decisions sorted by document: whole removals, and stretches to cut (bytes of the text
 * as the stage saw it, at character boundaries, disjoint). */
typedef struct yh_decisions yh_decisions;
yh_status yh_decisions_create(yh_decisions **out, uint64_t memory, const char *dir, yh_pool *pool,
                              yh_err *err) YH_MUST_CHECK;
/* other: the document that it repeats (shown as evidence), UINT64_MAX: none. Any thread, any order.
 */
yh_status yh_decisions_remove(yh_decisions *d, uint64_t ordinal, double score, uint64_t other,
                              yh_err *err) YH_MUST_CHECK;
yh_status yh_decisions_cut(yh_decisions *d, uint64_t ordinal, uint64_t at, uint64_t len,
                           double score, uint64_t other, yh_err *err) YH_MUST_CHECK;
/* Sorts, joins overlapping stretches and writes `path` atomically. */
yh_status yh_decisions_commit(yh_decisions *d, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_decisions_free(yh_decisions *d);

typedef struct yh_decision {
    uint64_t ordinal, at, len; /* len UINT64_MAX: the whole document */
    double score;
    uint64_t other;
} yh_decision;

/* ---- reading ---- */
typedef struct yh_store yh_store;
/* paths: the store's files in the order of the documents (a run on many machines has several). */
yh_status yh_store_open(yh_store **out, const char *const *paths, size_t n,
                        yh_err *err) YH_MUST_CHECK;
void yh_store_close(yh_store *s);
/* Puts one more stage's decisions (file of yh_decisions_commit) over the documents. */
yh_status yh_store_apply(yh_store *s, const char *decisions, yh_err *err) YH_MUST_CHECK;
uint64_t yh_store_documents(const yh_store *s); /* all that were written, removed ones included */
uint64_t yh_store_bytes(const yh_store *s);     /* of their text */
uint64_t yh_store_blocks(const yh_store *s);

/* Calls fn for every block, blocks in any order, several at a time, worker in [0, threads of the
 * pool). docs: the living documents of the block in order; borrowed for the call. The first error
 * ends it. */
typedef yh_status (*yh_store_fn)(void *user, int worker, const yh_stored *docs, size_t n,
                                 yh_err *err);
yh_status yh_store_each(yh_store *s, yh_pool *pool, yh_store_fn fn, void *user,
                        yh_err *err) YH_MUST_CHECK;

/* Reading by number: a cursor of one thread, which keeps the last few blocks. YH_INVALID: no such
 * document; *out has text NULL when it was removed. */
typedef struct yh_store_cursor yh_store_cursor;
yh_status yh_store_cursor_create(yh_store_cursor **out, const yh_store *s,
                                 yh_err *err) YH_MUST_CHECK;
yh_status yh_store_get(yh_store_cursor *c, uint64_t ordinal, yh_stored *out,
                       yh_err *err) YH_MUST_CHECK;
/* One block as it was written, with the decisions of every stage about its documents: for the pass
 * that writes the corpus. decision[k]: those of stage k, n_decision[k] of them; all borrowed until
 * the next call. */
typedef struct yh_store_raw {
    const yh_stored *doc;
    size_t n;
    const yh_decision *const *decision;
    const size_t *n_decision;
} yh_store_raw;
yh_status yh_store_block_raw(yh_store_cursor *c, uint64_t block, yh_store_raw *out,
                             yh_err *err) YH_MUST_CHECK;
void yh_store_cursor_free(yh_store_cursor *c);

#endif
