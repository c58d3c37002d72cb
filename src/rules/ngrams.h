/* How much of a text is repeated: lines, paragraphs, n-grams of words. */
#ifndef YH_RULES_NGRAMS_H
#define YH_RULES_NGRAMS_H

#include "rules/words.h"

/* Of the spans of text that equal an earlier one (with `first`: and of that one, when there are
 * more): how many and their characters. */
typedef struct yh_repeats {
    size_t n, chars;
} yh_repeats;
yh_status yh_repeated(const char *text, const yh_token *span, size_t n, bool first, yh_repeats *out,
                      yh_err *err) YH_MUST_CHECK;

/* n-grams of the words of one text. One thread. */
typedef struct yh_ngrams yh_ngrams;
yh_status yh_ngrams_create(yh_ngrams **out, const char *text, const yh_tokens *words,
                           yh_err *err) YH_MUST_CHECK;
void yh_ngrams_free(yh_ngrams *g);
/* Characters of the most frequent n-gram (words joined by blanks; of equally frequent ones the one
 * that comes first) times its occurrences; 0 when there are fewer than n words. */
size_t yh_ngrams_top(yh_ngrams *g, size_t n);
/* Characters (without blanks) of n-grams that occurred before, from left to right, none counted
 * twice. Words joined without blanks decide what is equal. */
size_t yh_ngrams_dup(yh_ngrams *g, size_t n);

#endif
