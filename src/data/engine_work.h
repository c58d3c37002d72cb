/* What becomes of one group of documents: records, frames, statistics. A yh_work belongs to one
 * thread at a time; scan and emit fill it in parallel and write it in order. */
#ifndef YH_DATA_ENGINE_WORK_H
#define YH_DATA_ENGINE_WORK_H

#include "data/engine.h"

typedef struct yh_work {
    yh_buf kept, gone;             /* records, then the frame of them */
    uint64_t kept_text, gone_text; /* bytes of text in them */
    yh_tally *tally;               /* one a source */
    size_t n_tally, cap_tally;
    json_t *examples; /* an object for yh_stats_example; NULL: none */
    /* of a scan with stages behind it */
    yh_buf block, ids; /* ids: each with its NUL */
    size_t n_docs;
    uint64_t bytes;
    yh_err err;
    yh_status status;
} yh_work;

void yh_work_fini(yh_work *w);
void yh_work_reset(yh_work *w); /* empty, with the memory of its records kept */
/* The counters of a source; NULL: no memory. */
yh_tally *yh_work_tally(yh_work *w, const char *source);
/* Writes and counts what the steps did to a draft, and its removal. */
yh_status yh_work_removed(const yh_engine *e, yh_work *w, const yh_draft *d, const yh_origin *o,
                          yh_err *err) YH_MUST_CHECK;
/* Writes and counts a kept document. */
yh_status yh_work_kept(const yh_engine *e, yh_work *w, const yh_draft *d, const yh_origin *o,
                       yh_err *err) YH_MUST_CHECK;
/* Makes frames of the records. */
yh_status yh_work_pack(const yh_engine *e, yh_work *w, yh_err *err) YH_MUST_CHECK;
/* Writes the frames and adds the counters. */
yh_status yh_work_write(const yh_engine *e, yh_work *w, yh_output *out, json_t *stats,
                        yh_err *err) YH_MUST_CHECK;

#endif
