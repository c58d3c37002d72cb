/* Of documents with the same key one stays: what exact_document and url have in common. */
#ifndef YH_DEDUP_SAME_KEY_H
#define YH_DEDUP_SAME_KEY_H

#include "base/hash.h"
#include "dedup/pass.h"

enum { YH_SAME_KEY_RECORD = 56 };

/* family: documents of the family of the one that stays do not go (parts of one document). */
yh_status yh_same_key_add(yh_batch *b, yh_hash128 key, uint64_t family, const yh_stored *d,
                          yh_err *err) YH_MUST_CHECK;
/* Ends adding to s and decides. Adds the number of removals to x->stats as "removed". */
yh_status yh_same_key_decide(yh_sorter *s, yh_stage_run *x, yh_err *err) YH_MUST_CHECK;

#endif
