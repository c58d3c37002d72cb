/* The inside of a classifier: dictionary, matrices, features. Formulas, hashes and file format are
 * fastText's (version 12 of the file), so that models are interchangeable. */
#ifndef YH_RULES_FASTTEXT_H
#define YH_RULES_FASTTEXT_H

#include "base/alloc.h"
#include "yh/classify.h"

enum { YH_FT_HS = 1, YH_FT_NS = 2, YH_FT_SOFTMAX = 3, YH_FT_OVA = 4 };

/* Vectors cut into parts of `dsub` numbers, each part one of 256. */
typedef struct yh_ft_quantizer {
    int32_t dim, nsubq, dsub, lastdsub;
    float *centroids; /* dim * 256 */
} yh_ft_quantizer;

typedef struct yh_ft_matrix {
    int64_t m, n;
    float *data; /* m * n; NULL: quantized */
    bool qnorm;
    uint8_t *codes, *norm_codes;
    yh_ft_quantizer pq, npq;
} yh_ft_matrix;

typedef struct yh_ft_entry {
    uint32_t at, len; /* in text */
    int64_t count;
    bool label;
} yh_ft_entry;

typedef struct yh_ft_node { /* of the tree of hierarchical softmax */
    int32_t left, right;
    int64_t count;
} yh_ft_node;

struct yh_classifier {
    int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, lr_update;
    double t;
    yh_ft_entry *entry; /* words, then labels */
    size_t n_entry, cap_entry;
    int32_t nwords, nlabels;
    int64_t ntokens;
    yh_buf text;    /* their names, each NUL-terminated */
    int32_t *slot;  /* of names: index + 1 */
    size_t slots;   /* a power of two */
    int64_t pruned; /* -1: none; else entries of prune */
    int32_t *prune; /* pairs (bucket, row), sorted by bucket */
    yh_ft_matrix in, out;
    yh_ft_node *tree;
};

uint32_t yh_ft_hash(const char *p, size_t n);
/* Index of a name or -1. */
int32_t yh_ft_find(const yh_classifier *c, const char *p, size_t n);
/* Adds a name with count 1 or counts one more. */
yh_status yh_ft_count(yh_classifier *c, const char *p, size_t n, bool label,
                      yh_err *err) YH_MUST_CHECK;
yh_status yh_ft_index(yh_classifier *c,
                      yh_err *err) YH_MUST_CHECK; /* slots anew from the entries */

typedef struct yh_ft_rows {
    int32_t *row;
    size_t n, cap;
    int32_t *hash; /* of the words */
    size_t n_hash, cap_hash;
} yh_ft_rows;
void yh_ft_rows_fini(yh_ft_rows *r);
/* Rows of the input matrix of a text: words, n-grams of characters and words, end of line. */
yh_status yh_ft_features(const yh_classifier *c, const char *text, size_t n, yh_ft_rows *out,
                         yh_err *err) YH_MUST_CHECK;

yh_status yh_ft_save(const yh_classifier *c, const char *path, yh_err *err) YH_MUST_CHECK;
/* `name` stands for the file in messages. */
yh_status yh_ft_parse(yh_classifier **out, const uint8_t *p, size_t n, const char *name,
                      yh_err *err) YH_MUST_CHECK;
bool yh_ft_blank(char c); /* what divides words: also \v, \f, NUL */

/* Labels and texts of a file for training. */
typedef yh_status (*yh_ft_example_fn)(void *ctx, const char *const *label, const size_t *len,
                                      size_t n_label, const char *text, size_t n, yh_err *err);
yh_status yh_ft_examples(const char *path, yh_ft_example_fn fn, void *ctx,
                         yh_err *err) YH_MUST_CHECK;

#endif
