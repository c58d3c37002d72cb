/* BPE training on counted words. */
#ifndef YH_TEXT_BPE_TRAIN_H
#define YH_TEXT_BPE_TRAIN_H

#include "base/alloc.h"

/* Words as symbols: word w is sym[start[w] .. start[w+1]) and occurs count[w] times. Symbols 0..255
 * are the bytes in the order of yh_byte_order. sym is worked on in place. */
typedef struct yh_train_words {
    uint32_t *sym;
    uint64_t *start;
    int64_t *count;
    uint32_t n;
} yh_train_words;

/* left[i], right[i] join to id result[i], which is 256 + i but for the rare merges that make a text
 * again that is a token already. */
typedef struct yh_train_merges {
    uint32_t *left, *right, *result;
    uint32_t n, tokens; /* tokens: 256 + different results */
    size_t left_cap, right_cap, result_cap;
} yh_train_merges;
void yh_train_merges_fini(yh_train_merges *m);

/* Merges until there are `tokens` tokens or no pair occurs at least twice. The rule (that of
 * Hugging Face's trainer): the pair that occurs most often; of equals the one with the lower left
 * id, then the lower right id. Returns YH_STOPPED on a stop request. */
yh_status yh_bpe_train(yh_train_words *w, uint32_t tokens,
                       void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                       yh_train_merges *out, yh_err *err) YH_MUST_CHECK;

#endif
