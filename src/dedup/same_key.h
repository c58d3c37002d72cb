/* Of documents with the same key one stays: what exact_document and url have in common. */
#ifndef YH_DEDUP_SAME_KEY_H
#define YH_DEDUP_SAME_KEY_H

#include "base/hash.h"
#include "dedup/pass.h"

/* The key of one document. *has false: it has none and stays. Documents of the family of the one
 * that stays do not go (parts of one document). scratch is empty. Any thread. */
typedef struct yh_same_key {
    yh_hash128 key;
    uint64_t family;
    bool has;
} yh_same_key;
typedef yh_status (*yh_same_key_fn)(const void *user, const yh_stored *d, yh_buf *scratch,
                                    yh_same_key *out, yh_err *err);
/* The whole stage. Adds the number of removals to x->stats as "removed". */
yh_status yh_same_key_run(yh_stage_run *x, yh_same_key_fn fn, const void *user,
                          yh_err *err) YH_MUST_CHECK;

#endif
