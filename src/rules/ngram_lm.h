/* What training and applying an n-gram model share: the file and the keys of n-grams. */
#ifndef YH_RULES_NGRAM_LM_H
#define YH_RULES_NGRAM_LM_H

#include "base/hash.h"
#include "base/rng.h"
#include "base/sorter.h"
#include "rules/view.h"
#include "yh/classify.h"

enum { YH_LM_ORDER_MAX = 6 };

/* A file: this, then for each order its entries, sorted by key. Little-endian. */
typedef struct yh_lm_head {
    char magic[8]; /* "yhngram1" */
    uint32_t order, pad;
    char words[16]; /* what a token is */
    uint64_t count[YH_LM_ORDER_MAX];
    float unknown; /* log10 of the probability of a word that was never seen */
    float pad2;
} yh_lm_head;

typedef struct yh_lm_entry {
    uint64_t key;
    float prob, backoff; /* log10 */
} yh_lm_entry;

/* The key of an n-gram from that of what stands before its last token; an empty one has key 0. */
static inline uint64_t yh_lm_key(uint64_t before, uint64_t word)
{
    return yh_mix64(before * 0x9e3779b97f4a7c15ull + word);
}
static const uint64_t yh_lm_begin = 0x5bd1e9955bd1e995ull, yh_lm_end = 0x7b3a5c0e9d1f2468ull;

/* Calls fn with the hashes of the tokens of every line that has any, the end included. */
typedef yh_status (*yh_lm_line_fn)(void *ctx, const uint64_t *word, size_t n, yh_err *err);
yh_status yh_lm_lines(const yh_word_rule *w, const char *text, size_t n, yh_lm_line_fn fn,
                      void *ctx, yh_err *err) YH_MUST_CHECK;
yh_status yh_lm_words(yh_word_rule *w, const char *words, yh_err *err) YH_MUST_CHECK;
/* From memory that stays valid. `name` stands for the file in messages. */
yh_status yh_lm_parse(yh_ngram_lm **out, const uint8_t *p, size_t n, const char *name,
                      yh_err *err) YH_MUST_CHECK;

/* What was counted. One sorter a length, finished; a record is key, context, suffix (8 bytes each,
 * big-endian), whether it begins with <s>, count (4 each). A key may come several times. */
enum { YH_LM_COUNT_BYTES = 32 };
typedef struct yh_lm_counts {
    int order;
    char words[16];
    uint64_t memory; /* bytes, of everything */
    uint32_t prune[YH_LM_ORDER_MAX];
    char *dir; /* of temporary files; owned */
    yh_sorter *sorted[YH_LM_ORDER_MAX];
} yh_lm_counts;
/* Memory of one of the sorters that there are at a time. */
static inline uint64_t yh_lm_share(const yh_lm_counts *c)
{
    return c->memory / 2 / (2 * YH_LM_ORDER_MAX + 4);
}
/* Writes the model. Uses up the sorters. */
yh_status yh_lm_estimate(yh_lm_counts *c, const char *path, yh_err *err) YH_MUST_CHECK;

#endif
