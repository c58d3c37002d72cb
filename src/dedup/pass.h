/* What stages share: passes over the documents with progress, records sorted by document that a
 * pass reads beside them, and the order in which documents are preferred. */
#ifndef YH_DEDUP_PASS_H
#define YH_DEDUP_PASS_H

#include "base/sorter.h"
#include "dedup/stage.h"

/* Stages that number documents with 32 bits refuse more than this. */
#define YH_PASS_DOCS_MAX UINT32_MAX
yh_status yh_pass_check(const yh_stage_run *x, const char *stage, yh_err *err) YH_MUST_CHECK;

/* yh_store_each that reports progress from `from` to `to`. */
yh_status yh_pass_each(yh_stage_run *x, double from, double to, yh_store_fn fn, void *user,
                       yh_err *err) YH_MUST_CHECK;

/* Puts a count into x->stats. */
yh_status yh_pass_count(yh_stage_run *x, const char *name, uint64_t n, yh_err *err) YH_MUST_CHECK;

/* ---- records by document ----
 * Records that begin with the document's number (32 bits, big-endian), in a temporary file; what a
 * range of documents has is read in one go. Reading: any thread. Memory: one number for 1024
 * documents. */
typedef struct yh_by_doc yh_by_doc;
/* Ends adding to s, takes everything out of it (equal records once) and frees it, failing or not.
 */
yh_status yh_by_doc_create(yh_by_doc **out, yh_sorter *s, size_t size, const yh_stage_run *x,
                           yh_err *err) YH_MUST_CHECK;
/* The records of documents [first, last]: *n of them replace what out held. index (may be NULL):
 * how many records stand before them. */
yh_status yh_by_doc_read(const yh_by_doc *b, uint64_t first, uint64_t last, yh_buf *out, size_t *n,
                         uint64_t *index, yh_err *err) YH_MUST_CHECK;
uint64_t yh_by_doc_count(const yh_by_doc *b);
void yh_by_doc_free(yh_by_doc *b);

/* ---- ranks ----
 * Every living document's place in the order of yh_stage_prefers: records of 8 bytes, the
 * document and its rank (0: preferred to all), each 32 bits big-endian. Uses
 * three quarters of the stage's memory meanwhile. */
enum { YH_RANK_RECORD = 8 };
yh_status yh_ranks_create(yh_by_doc **out, yh_stage_run *x, double from, double to,
                          yh_err *err) YH_MUST_CHECK;

/* The record of document `ordinal` among n that begin at *at; moves *at there. NULL: it has none.
 * For walking through documents and records in step. */
static inline const uint8_t *yh_by_doc_find(const uint8_t *r, size_t n, size_t size, size_t *at,
                                            uint64_t ordinal)
{
    while (*at < n && yh_sort_get32(r + *at * size) < ordinal)
        ++*at;
    return *at < n && yh_sort_get32(r + *at * size) == ordinal ? r + *at * size : NULL;
}

#endif
