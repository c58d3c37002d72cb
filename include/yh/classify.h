/* Text classifiers: averaged vectors of words, their n-grams and their characters, with a softmax
 * over labels (Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016). Model files
 * are fastText's: .bin and quantized .ftz are read, .bin is written. */
#ifndef YH_CLASSIFY_H
#define YH_CLASSIFY_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable once loaded; any number of threads at once. */
typedef struct yh_classifier yh_classifier;

yh_status yh_classifier_load(yh_classifier **out, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_classifier_free(yh_classifier *c);
int yh_classifier_labels(const yh_classifier *c);
const char *yh_classifier_label(const yh_classifier *c, int i); /* without "__label__"; borrowed */

/* Probabilities of all labels (yh_classifier_labels of them) of a text, valid UTF-8; line ends
 * count as blanks. They are 0 when the text has nothing that the model knows. */
yh_status yh_classifier_predict(const yh_classifier *c, const char *text, size_t n,
                                float *probability, yh_err *err) YH_MUST_CHECK;

typedef struct yh_classifier_options {
    uint32_t dim;                  /* of the vectors; 0: 32 */
    uint32_t epochs;               /* 0: 5 */
    uint32_t min_count;            /* rarer words are left to their characters; 0: 1 */
    uint32_t word_ngrams;          /* longest n-grams of words; 0: 2 */
    uint32_t min_chars, max_chars; /* n-grams of characters; max_chars 0: none */
    uint32_t buckets;              /* for hashed n-grams; 0: 200,000 */
    double rate;                   /* of learning at the beginning; 0: 0.5 */
    uint64_t seed;
    void (*progress)(void *user, double fraction, double loss);
    void *user;
} yh_classifier_options;

/* Trains on a file: lines "__label__NAME text" (more labels may follow: one is drawn each time), or
 * JSON Lines with "text" and "label" (a name ending in .jsonl). Writes `out`. The same file and
 * options give the same bytes. */
yh_status yh_classifier_train(const char *data, const char *out, const yh_classifier_options *o,
                              yh_err *err) YH_MUST_CHECK;

typedef struct yh_classifier_score {
    uint64_t n, right; /* examples, and those whose best label is theirs */
} yh_classifier_score;
/* Of each label (arrays of yh_classifier_labels) how often it is given, how often it is the truth,
 * how often both. May be NULL. */
yh_status yh_classifier_eval(const yh_classifier *c, const char *data, yh_classifier_score *score,
                             uint64_t *given, uint64_t *truth, uint64_t *both,
                             yh_err *err) YH_MUST_CHECK;

/* ---- lines: boilerplate or text ----
 * Logistic regression over hashed n-grams of characters and the form of a line, for the rule
 * line_model. */

/* Immutable once loaded; any number of threads at once. */
typedef struct yh_line_classifier yh_line_classifier;

#define YH_LINE_THRESHOLD 0.95 /* at which the rule line_model cuts */

yh_status yh_line_classifier_load(yh_line_classifier **out, const char *path,
                                  yh_err *err) YH_MUST_CHECK;
void yh_line_classifier_free(yh_line_classifier *c);
/* Probability that a line (valid UTF-8, without its end) is boilerplate. place: 0 for the first
 * line of its document, 1 for the last; negative: not known. */
yh_status yh_line_classifier_predict(const yh_line_classifier *c, const char *line, size_t n,
                                     double place, double *probability, yh_err *err) YH_MUST_CHECK;

typedef struct yh_line_classifier_options {
    uint32_t bits, epochs; /* 2^bits weights, 10 to 24; times through the data; 0: 18, 5 */
    double rate;           /* of learning; 0: 0.2 */
    uint64_t seed;
    double hold_out;  /* share of the documents that is kept for judging, 0 to below 1 */
    double threshold; /* of judging; 0: YH_LINE_THRESHOLD */
} yh_line_classifier_options;

typedef struct yh_line_score {
    uint64_t learned, learned_boilerplate; /* lines; training only */
    uint64_t lines, boilerplate;           /* judged, and those of them that are boilerplate */
    uint64_t cut, cut_boilerplate;         /* those at or above the threshold */
    /* the same of lines whose text is none that was learned; training only */
    uint64_t new_lines, new_boilerplate, new_cut, new_cut_boilerplate;
} yh_line_score;

/* Trains on a corpus folder (what boilerplate_lines, spam_lines, site_lines and line_model cut is
 * boilerplate, the lines of kept documents are text) or on a file of JSON Lines {"text": LINE,
 * "boilerplate": true, "place": 0.3, "id": DOCUMENT}, and writes `out`. held_out (may be NULL): how
 * the model does on the documents that were held out. The same data and options give the same
 * bytes. */
yh_status yh_line_classifier_train(const char *data, const char *out,
                                   const yh_line_classifier_options *o, yh_line_score *held_out,
                                   yh_err *err) YH_MUST_CHECK;
/* All of `data`, of the same kinds. */
yh_status yh_line_classifier_eval(const yh_line_classifier *c, const char *data, double threshold,
                                  yh_line_score *score, yh_err *err) YH_MUST_CHECK;

/* ---- n-gram language models: how usual a text is ----
 * Interpolated modified Kneser-Ney (Chen and Goodman, 1999), estimated as KenLM's lmplz does. A
 * line is a sentence. */

/* Immutable; any number of threads at once. */
typedef struct yh_ngram_lm yh_ngram_lm;
yh_status yh_ngram_lm_load(yh_ngram_lm **out, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_ngram_lm_free(yh_ngram_lm *m);
/* Adds the base-10 logarithm of the probability of a text and its tokens (ends of lines count as
 * tokens) to *log10 and *tokens. Empty lines do not count. */
yh_status yh_ngram_lm_score(const yh_ngram_lm *m, const char *text, size_t n, double *log10,
                            uint64_t *tokens, yh_err *err) YH_MUST_CHECK;

typedef struct yh_ngram_builder yh_ngram_builder;
typedef struct yh_ngram_options {
    int order; /* 1 to 6 */
    const char
        *words; /* "space", "english", "chinese", "characters"; kept in the model; NULL: space */
    uint64_t memory;   /* bytes to count and estimate in, at least 1 MiB; what is more goes to disk;
                          0: 1 GiB */
    const char *dir;   /* folder of temporary files; NULL: the present one */
    uint32_t prune[6]; /* n-grams of length i + 1 that occur at most so often are left out; not less
                          than of the length before; 0 for single words */
} yh_ngram_options;
/* One thread. The same lines give the same model whatever their order and the memory. */
yh_status yh_ngram_builder_create(yh_ngram_builder **out, const yh_ngram_options *o,
                                  yh_err *err) YH_MUST_CHECK;
yh_status yh_ngram_builder_add(yh_ngram_builder *b, const char *text, size_t n,
                               yh_err *err) YH_MUST_CHECK;
/* Estimates and writes the model. Nothing can be added afterwards. */
yh_status yh_ngram_builder_finish(yh_ngram_builder *b, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_ngram_builder_free(yh_ngram_builder *b);

#ifdef __cplusplus
}
#endif

#endif
