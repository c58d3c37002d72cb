/* Near-duplicates out of core: MinHash-LSH finds candidates, the exact Jaccard similarity of their
 * shingles confirms them, connected components decide. What minhash (documents) and
 * repeated_chapters (stretches of documents) have in common. */
#ifndef YH_DEDUP_NEAR_H
#define YH_DEDUP_NEAR_H

#include "dedup/pass.h"

/* A stretch of a document that is compared with all others. */
typedef struct yh_near_unit {
    size_t at, len;
    uint32_t number; /* within the document, counted from 0 */
    bool whole;      /* there is no text beside it: to cut it is to remove the document */
} yh_near_unit;

typedef struct yh_near_options {
    const char *stage;
    int bands, rows;
    int words, chars; /* shingle length of spaced and of spaceless text, in tokens */
    const char *unit; /* "auto", "words" or "characters" */
    bool verify;
    double threshold;  /* of the exact similarity */
    uint64_t seed;     /* of the permutations */
    size_t min_tokens; /* shorter stretches are not compared */
    /* Gives the stretches one after the other: u->number counts up from the one before, whose
     * values are still in *u; the first call has all bits of number set. false: no more. */
    bool (*next)(const yh_stored *d, yh_near_unit *u);
    bool cut; /* cut the stretch instead of removing the document, unless it is whole */
} yh_near_options;

/* Memory beside sorters and blocks: 12 bytes for every stretch that has a candidate. */
yh_status yh_near_run(const yh_near_options *o, yh_stage_run *x, yh_err *err) YH_MUST_CHECK;

/* Sets the options that both stages have in their tables. */
yh_status yh_near_options_get(yh_near_options *o, const json_t *params, yh_err *err) YH_MUST_CHECK;
#define YH_NEAR_PARAMS(THRESHOLD)                                                                   \
    {"bands", YH_PARAM_NUMBER, "14", "bands of the signature", 1, 1024},                            \
        {"rows", YH_PARAM_NUMBER, "8", "64-bit minima in a band; bands x rows is at most 4096", 1,  \
         1024},                                                                                     \
        {"n", YH_PARAM_NUMBER, "5", "words of a shingle", 1, 64},                                   \
        {"chars",                                                                                   \
         YH_PARAM_NUMBER,                                                                           \
         "8",                                                                                       \
         "characters of a shingle in text that is written without spaces (five words of English "   \
         "hold about as much as eight Chinese characters)",                                         \
         1,                                                                                         \
         64},                                                                                       \
        {"unit",     YH_PARAM_TEXT,                                                                 \
         "\"auto\"", "words, characters, or auto: characters where most are of a spaceless script", \
         0,          0},                                                                            \
        {"verify",                                                                                  \
         YH_PARAM_BOOL,                                                                             \
         "true",                                                                                    \
         "compare the shingles themselves; false: every candidate is a duplicate, as in "           \
         "FineWeb's chain",                                                                         \
         0,                                                                                         \
         0},                                                                                        \
        {"seed", YH_PARAM_NUMBER,                                                                   \
         "0",    "other permutations: which pairs near the limit are found is chance",              \
         0,      1e9},                                                                              \
    {                                                                                               \
        "threshold", YH_PARAM_NUMBER, THRESHOLD, "least Jaccard similarity of the shingles", 0, 1   \
    }

#endif
