/* The pairs that are frequent enough to be merged soon, each with its exact count and the words
 * that may hold it. A pair's occurrences all appear in the merge that makes the younger of its two
 * tokens, and only go away afterwards: so a pair that is not frequent enough to be listed when it
 * appears need not be looked at until the whole index is built again with a lower threshold. */
#ifndef YH_TEXT_PAIR_INDEX_H
#define YH_TEXT_PAIR_INDEX_H

#include "text/bpe_train.h"

typedef struct yh_listed_pair {
    uint32_t left, right;
    int64_t count;
    uint32_t *words; /* offsets in yh_train_words.data; may hold words that lost the pair since */
    uint32_t n;
} yh_listed_pair;

typedef struct yh_pair_index {
    yh_listed_pair *pair;
    uint32_t n;
    size_t cap;
    uint32_t *slot; /* hash of (left, right) to pair index + 1 */
    size_t slots;
    int64_t blind; /* no pair that is not listed occurs more often than this */
    struct yh_pair_chunk *chunk;
    uint64_t list_bytes; /* of the chunks */
} yh_pair_index;

void yh_pair_index_fini(yh_pair_index *x);
/* Lists all pairs that occur at least `threshold` times. Closes the gaps between the words first:
 * offsets change, words of one symbol go. memory: that training takes in all, 0 for no bound; when
 * the index is too large for that, *done is false, nothing is listed, and a higher threshold helps.
 */
yh_status yh_pair_index_build(yh_pair_index *x, yh_train_words *w, int64_t threshold,
                              uint64_t memory, yh_pool *pool, bool *done,
                              yh_err *err) YH_MUST_CHECK;
/* Most occurrences of a pair of symbols below 256. */
yh_status yh_pair_first_most(const yh_train_words *w, int64_t *most, yh_err *err) YH_MUST_CHECK;
/* Index of a listed pair, or UINT32_MAX. */
uint32_t yh_pair_index_find(const yh_pair_index *x, uint32_t left, uint32_t right);
/* Lists a pair that is not listed yet. */
yh_status yh_pair_index_add(yh_pair_index *x, uint32_t left, uint32_t right, uint32_t *index,
                            yh_err *err) YH_MUST_CHECK;
/* Memory for a list, until the next build; NULL: none left. */
uint32_t *yh_pair_index_list(yh_pair_index *x, size_t n);

#endif
