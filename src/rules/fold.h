/* Text reduced to what counts when two texts are compared: words in lower case, characters of
 * scripts that are written without spaces, nothing else. */
#ifndef YH_RULES_FOLD_H
#define YH_RULES_FOLD_H

#include "base/alloc.h"

/* Appends the folded text: words with one blank between them, no blank beside a character of a
 * spaceless script. */
yh_status yh_fold_text(const char *text, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

/* 64-bit hashes of the tokens: a word is one, a character of a spaceless script (Han, kana, Thai,
 * Lao, Khmer, Burmese, Tibetan) is one. */
typedef struct yh_fold_tokens {
    uint64_t *t;
    size_t n, cap;
    size_t spaceless; /* of n */
} yh_fold_tokens;
/* Replaces what `out` held. */
yh_status yh_fold_hash(const char *text, size_t n, yh_fold_tokens *out, yh_err *err) YH_MUST_CHECK;
void yh_fold_tokens_fini(yh_fold_tokens *t);
/* The bytes of text that tokens [first, first + count) span, count >= 1. */
void yh_fold_place(const char *text, size_t n, size_t first, size_t count, size_t *at, size_t *end);

/* murmur3's finalizer: every bit of the result depends on every bit of x. */
static inline uint64_t yh_fold_mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

#endif
