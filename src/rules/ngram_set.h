/* The n-grams of evaluation sets, to be looked for in documents. Tokens are those of rules/fold.h:
 * case, punctuation and spacing do not count. */
#ifndef YH_RULES_NGRAM_SET_H
#define YH_RULES_NGRAM_SET_H

#include "base/json.h"
#include "rules/fold.h"

enum { YH_NGRAM_MAX = 256 }; /* tokens */

typedef struct yh_ngram_set yh_ngram_set;

typedef struct yh_ngram_options {
    size_t words, chars; /* length of an n-gram of spaced, of spaceless text */
    /* A shorter text of a set counts as one n-gram from so many tokens on; of spaceless text in
     * the same proportion. At least `words`: short texts do not count. */
    size_t least;
    const json_t *fields; /* of JSON and CSV: names to be read; empty or NULL: all */
} yh_ngram_options;

yh_status yh_ngram_set_create(yh_ngram_set **out, const yh_ngram_options *o,
                              yh_err *err) YH_MUST_CHECK;
void yh_ngram_set_free(yh_ngram_set *s);

/* Adds a file, or every file of a folder: JSON Lines, JSON, CSV, TSV (every string is a text, its
 * line or record number its place) and plain text (every line); .gz, .zst and what else streams
 * take. The name of the set is the path's last part without its endings. */
yh_status yh_ngram_set_load(yh_ngram_set *s, const char *path, yh_err *err) YH_MUST_CHECK;
/* Adds one text. name is copied once per set. */
yh_status yh_ngram_set_add(yh_ngram_set *s, const char *name, uint64_t place, const char *text,
                           size_t n, yh_err *err) YH_MUST_CHECK;
uint64_t yh_ngram_set_count(const yh_ngram_set *s);

/* A match: tokens [first, first + length) of the document. */
typedef struct yh_ngram_hit {
    size_t first, length;
    const char *set; /* borrowed from the set of n-grams */
    uint64_t place;
} yh_ngram_hit;
/* Calls fn for every match, by length, then by place; fn returns false to stop. Any thread. */
void yh_ngram_set_find(const yh_ngram_set *s, const yh_fold_tokens *t,
                       bool (*fn)(void *user, const yh_ngram_hit *hit), void *user);

#endif
