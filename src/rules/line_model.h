/* A classifier of lines: boilerplate or text. Logistic regression over hashed character n-grams
 * (one to four characters of the folded line, the ends of the line marked) and a few features of
 * form and place; trained by gradient descent with a step for each weight (Duchi et al., "Adaptive
 * subgradient methods", JMLR 12, 2011). The same samples and options give the same model, bit for
 * bit.
 *
 * A model file is: "YHLINES1\n", a line of JSON {"bits", "samples", "epochs", "simplified"}, 2^bits
 * floats (little endian), XXH3-64 of all before it (little endian). */
#ifndef YH_RULES_LINE_MODEL_H
#define YH_RULES_LINE_MODEL_H

#include "rules/line_scan.h"

/* Immutable once trained or loaded; any number of threads at once. */
typedef struct yh_line_model yh_line_model;

/* One line to learn from. */
typedef struct yh_line_sample {
    const char *text; /* valid UTF-8, without line end; not kept */
    size_t len;
    double place; /* 0: first line of its document, 1: last; negative: not known */
    bool boilerplate;
} yh_line_sample;

typedef struct yh_line_options {
    int bits;      /* 2^bits weights; 10 to 24; 0: 18 */
    int epochs;    /* 0: 5 */
    double rate;   /* step; 0: 0.2 */
    double decay;  /* towards zero, per step; 0: 1e-7 */
    uint64_t seed; /* of the order */
} yh_line_options;

/* options NULL: the defaults. YH_INVALID when there are no samples of one of the two kinds. Linear.
 */
yh_status yh_line_model_train(yh_line_model **out, const yh_line_sample *sample, size_t n,
                              const yh_line_options *options, yh_err *err) YH_MUST_CHECK;
/* The same from a file of JSON Lines {"text": LINE, "boilerplate": true, "place": 0.3}. */
yh_status yh_line_model_train_file(yh_line_model **out, const char *path,
                                   const yh_line_options *options, yh_err *err) YH_MUST_CHECK;
void yh_line_model_free(yh_line_model *m);

yh_status yh_line_model_save(const yh_line_model *m, const char *path, yh_err *err) YH_MUST_CHECK;
/* Foreign data: YH_CORRUPT says what is wrong with the file. */
yh_status yh_line_model_load(yh_line_model **out, const char *path, yh_err *err) YH_MUST_CHECK;
yh_status yh_line_model_parse(yh_line_model **out, const void *bytes, size_t n, const char *name,
                              yh_err *err) YH_MUST_CHECK;

/* Probability that a line is boilerplate, in [0, 1]. h: as when it was trained, see below. */
yh_status yh_line_model_score(const yh_line_model *m, const yh_han *h, const char *text, size_t len,
                              double place, double *probability, yh_err *err) YH_MUST_CHECK;
/* Whether it was trained on lines folded to Simplified characters (the program had OpenCC's
 * dictionaries): then h must not be NULL in yh_line_model_score. */
bool yh_line_model_simplified(const yh_line_model *m);

#endif
