/* BPE training on counted words. */
#ifndef YH_TEXT_BPE_TRAIN_H
#define YH_TEXT_BPE_TRAIN_H

#include "base/alloc.h"

/* Words as symbols, one behind the other: the high and low half of the count, the number n of
 * symbols, n symbols. Symbols 0..255 are the bytes in the order of yh_byte_order. Worked on in
 * place: what a word lost at its end is YH_TRAIN_GAP, which no count begins with. */
typedef struct yh_train_words {
    uint32_t *data;
    size_t len;             /* of data, at most UINT32_MAX */
    size_t size;            /* bytes of data: yh_train_words_open */
    uint64_t memory;        /* 0: data is in memory; else in a file, and training with what belongs
                               to it takes about so many bytes of memory */
    uint64_t visited;       /* bytes of the file that may be resident: train_words.c */
    const yh_buf *reserved; /* texts that no merge may make: those of special tokens; borrowed */
    uint32_t reserved_n;
} yh_train_words;
enum { YH_TRAIN_HEAD = 3 };
#define YH_TRAIN_GAP UINT32_MAX
static inline size_t yh_train_word_size(size_t bytes)
{
    return YH_TRAIN_HEAD + bytes;
}
/* Writes one word of n bytes at p and returns where the next one goes. symbol: of each byte. */
static inline uint32_t *yh_train_word_put(uint32_t *p, const uint8_t *t, size_t n, int64_t count,
                                          const uint32_t symbol[256])
{
    p[0] = (uint32_t)((uint64_t)count >> 32);
    p[1] = (uint32_t)count;
    p[2] = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        p[YH_TRAIN_HEAD + i] = symbol[t[i]];
    return p + YH_TRAIN_HEAD + n;
}
static inline int64_t yh_train_count(const uint32_t *word)
{
    return (int64_t)((uint64_t)word[0] << 32 | word[1]);
}

/* train_words.c. Room for n symbols: in memory (memory 0), or in an unnamed file in the folder
 * (NULL: $TMPDIR). */
yh_status yh_train_words_open(yh_train_words *w, size_t n, const char *folder, uint64_t memory,
                              yh_err *err) YH_MUST_CHECK;
void yh_train_words_close(yh_train_words *w);
/* For passes from front to back, of a thread each, over words in a file: the memory behind `at` is
 * given back now and then; *from: where the thread's pass began, moved. */
void yh_train_words_let_go_behind(const yh_train_words *w, size_t *from, size_t at);
static inline void yh_train_words_passed(const yh_train_words *w, size_t *from, size_t at)
{
    if (w->memory != 0)
        yh_train_words_let_go_behind(w, from, at);
}
/* Before a word is visited out of order, by one thread. */
void yh_train_words_visit_file(yh_train_words *w);
static inline void yh_train_words_visit(yh_train_words *w)
{
    if (w->memory != 0)
        yh_train_words_visit_file(w);
}

/* Merge i joins left[i], right[i] to id 256 + i. No two merges make the same text: inside a token
 * no merge ever crossed its ends, so equal texts went through the same merges. */
typedef struct yh_train_merges {
    uint32_t *left, *right;
    uint32_t n;
    size_t left_cap, right_cap;
} yh_train_merges;
void yh_train_merges_fini(yh_train_merges *m);

/* Merges until there are `tokens` tokens or no pair occurs at least min_count (>= 1) times. The
 * rule (that of Hugging Face's trainer): the pair that occurs most often; of equals the one with
 * the lower left id, then the lower right id. The same for any number of threads. Returns
 * YH_STOPPED on a stop request. */
yh_status yh_bpe_train(yh_train_words *w, uint32_t tokens, int64_t min_count, yh_pool *pool,
                       void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                       yh_train_merges *out, yh_err *err) YH_MUST_CHECK;

#endif
