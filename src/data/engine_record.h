/* Documents as records: the lines of part and removed files, and what travels through the store. */
#ifndef YH_DATA_ENGINE_RECORD_H
#define YH_DATA_ENGINE_RECORD_H

#include "data/recipe.h"
#include "dedup/store.h"

/* What a record says beside the draft's own fields. */
typedef struct yh_origin {
    const char *id, *source;
    uint64_t part; /* of a divided document, from 1; 0 and 1: not said */
    /* members of `meta` and elements of `edits` from before the stages; may be NULL */
    const char *meta, *edits, *original;
    size_t meta_len, edits_len, original_len;
} yh_origin;

/* A kept document:
 *   {"text","id","source","meta":{"part"?, "encoding"?, "title"?, "url"?, values..., what the input
 *   had, "lang"?, "lang_score"?, "original"?, "edits"?: [{"rule","step","cuts","bytes"} or
 *   {"rule","step","changes","evidence"?}]}} */
yh_status yh_record_kept(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                         yh_err *err) YH_MUST_CHECK;
/* What was cut from it, and the document itself if it was removed:
 *   {"text","id","source","rule","step","what":"document" or
 * "part","at","len","score"?,"evidence"?} at, len: bytes of the text as the step saw it. */
yh_status yh_record_removed(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                            yh_err *err) YH_MUST_CHECK;
/* The rest of a document for the store, as `extra`; and back: o's pointers go into extra. */
yh_status yh_record_pack(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                         yh_err *err) YH_MUST_CHECK;
yh_status yh_record_unpack(const char *extra, size_t len, yh_origin *o, double *lang_score,
                           yh_err *err) YH_MUST_CHECK;

#endif
