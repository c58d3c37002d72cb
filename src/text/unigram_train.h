/* Training of a unigram vocabulary: T. Kudo, "Subword Regularization" (2018), as the program
 * SentencePiece does it: a large seed vocabulary of frequent substrings; expectation-maximisation
 * of the pieces' probabilities, with the digamma function for a sparse prior; removal of the pieces
 * whose loss costs least, until the size is reached. All sums over the text are sums of integers,
 * so they do not depend on the number of threads. */
#ifndef YH_TEXT_UNIGRAM_TRAIN_H
#define YH_TEXT_UNIGRAM_TRAIN_H

#include "base/alloc.h"
#include "text/datrie.h"

enum { YH_UNIGRAM_CHARS = 16, YH_UNIGRAM_SEEDS = 1000000 };

/* Words of valid UTF-8 without zero bytes: word i is blob[at[i] .. at[i + 1] - 1), a zero behind
 * it. No piece may reach over the end of one. */
typedef struct yh_uni_words {
    uint8_t *blob;
    uint32_t *at; /* [n + 1] */
    int64_t *count;
    uint32_t n;
    char *const *reserved; /* texts that no piece of several characters may be; borrowed */
    uint32_t reserved_n;
} yh_uni_words;

typedef struct yh_piece_list {
    char *blob;
    size_t len, cap; /* of blob */
    uint32_t *at;    /* [n + 1] */
    double *score;   /* natural logarithm of the probability */
    uint32_t n;
    size_t at_cap, score_cap;
} yh_piece_list;
void yh_piece_list_fini(yh_piece_list *l);
yh_status yh_piece_list_add(yh_piece_list *l, const void *t, size_t n, double score,
                            yh_err *err) YH_MUST_CHECK;

/* unigram_seed.c: every character of the words, then the substrings of 2 to YH_UNIGRAM_CHARS
 * characters, at most `most` pieces in all, by (occurrences * characters); the scores are
 * logarithms of shares of that. *chars: how many of them are single characters. */
yh_status yh_unigram_seed(const yh_uni_words *w, uint32_t most, yh_pool *pool, yh_piece_list *out,
                          uint32_t *chars, yh_err *err) YH_MUST_CHECK;

/* Trains `size` pieces, all characters of the words among them, in order of falling score. Fewer
 * when the words do not have so many. */
yh_status yh_unigram_train(const yh_uni_words *w, uint32_t size, yh_pool *pool,
                           void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                           yh_piece_list *out, yh_err *err) YH_MUST_CHECK;

#endif
