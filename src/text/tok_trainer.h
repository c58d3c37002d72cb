/* What the parts of the trainer share: tok_train.c counts words, tok_train_bpe.c and
 * tok_train_unigram.c make tokenizers of them. Private to them. */
#ifndef YH_TEXT_TOK_TRAINER_H
#define YH_TEXT_TOK_TRAINER_H

#include "base/file.h"
#include "text/pretok.h"
#include "text/word_count.h"
#include "yh/tok.h"

typedef struct yh_train_worker {
    yh_words_local *words;
    yh_scan_state *scan;
    yh_err err;
} yh_train_worker;

struct yh_tok_trainer {
    yh_tok_kind kind;
    uint32_t vocab;
    int64_t min_count;
    uint64_t memory, save_bytes;
    char **special;
    uint32_t specials;
    double coverage;
    bool byte_fallback;
    char *pattern_text;
    yh_pattern *pattern;
    yh_pool *pool;
    yh_train_worker *worker;
    int workers;
    yh_words *words;
    struct yh_train_counters *counters; /* train_count.c */
    /* the work folder */
    char *work, *key;
    yh_dir_lock lock;
    bool complete;        /* an earlier run counted everything */
    uint64_t docs, bytes; /* given so far */
    uint64_t had_docs;    /* counted by an earlier run */
    uint64_t saved_bytes; /* of `bytes` when the state was stored last */
    yh_tok_train_report report;
};

/* train_count.c: counting the words of documents while further ones are read. The caller's thread
 * reads, and counts with the others when it is ahead of them; threads - 1 others count all the
 * time. Text is copied. One caller. count_all returns when all that was added is counted; nothing
 * but the counters may touch the workers in between. stop: also of what was never started. */
yh_status yh_train_count_start(yh_tok_trainer *t, yh_err *err) YH_MUST_CHECK;
yh_status yh_train_count_add(yh_tok_trainer *t, const char *text, size_t n,
                             yh_err *err) YH_MUST_CHECK;
yh_status yh_train_count_all(yh_tok_trainer *t, yh_err *err) YH_MUST_CHECK;
void yh_train_count_stop(yh_tok_trainer *t);

typedef void (*yh_train_progress)(void *user, uint64_t done, uint64_t total);

/* Which words are kept when a word of n bytes needs fixed + each * n bytes of `memory`: those that
 * occur at least `least` times. Fills the report. */
typedef struct yh_train_choice {
    int64_t least;
    uint64_t words[YH_WORD_SHARDS], bytes[YH_WORD_SHARDS]; /* of those kept */
    uint64_t all;                                          /* bytes that all words would need */
    double left_out; /* share of the text that the others make up */
} yh_train_choice;
yh_status yh_train_choose(yh_tok_trainer *t, uint64_t memory, size_t fixed, size_t each,
                          yh_train_choice *out, yh_err *err) YH_MUST_CHECK;

/* *every: 1 when all words fit, else only one of so many occurrences is to be counted, whatever the
 * word, so that those that are left fit. thin_count: how many of a word's are; the word's hash
 * decides about the rest of the division. Fills the report. */
yh_status yh_train_thin(yh_tok_trainer *t, uint64_t memory, size_t fixed, size_t each,
                        uint64_t *every, yh_err *err) YH_MUST_CHECK;
int64_t yh_train_thin_count(const uint8_t *word, size_t n, int64_t count, uint64_t every);

/* The words of valid UTF-8 as a unigram vocabulary sees them: a space is the first character of the
 * word behind it, U+2581, and a word ends where the script changes, because no piece has two. */
yh_status yh_train_count_unigram(yh_words_local *w, const uint8_t *t, size_t n,
                                 yh_err *err) YH_MUST_CHECK;

yh_status yh_train_unigram(yh_tok_trainer *t, yh_train_progress progress, void *user, yh_tok **out,
                           yh_err *err) YH_MUST_CHECK;
yh_status yh_train_bpe(yh_tok_trainer *t, yh_train_progress progress, void *user, yh_tok **out,
                       yh_err *err) YH_MUST_CHECK;

#endif
