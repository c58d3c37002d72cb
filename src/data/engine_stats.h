/* Statistics of a run: counters that workers fill per group, and the JSON object that they are
 * added to, which becomes report.json. Sums and lists in the order of the groups: the same whatever
 * the number of threads or machines. */
#ifndef YH_DATA_ENGINE_STATS_H
#define YH_DATA_ENGINE_STATS_H

#include "base/json.h"
#include "input/draft.h"

struct yh_recipe;

enum { YH_TALLY_STEPS = 64, YH_LENGTH_BINS = 32, YH_VALUE_BINS = 128, YH_EXAMPLES = 8 };

/* What one step did. */
typedef struct yh_tally_step {
    uint64_t removed, removed_bytes;               /* documents */
    uint64_t cut_docs, cuts, cut_lines, cut_bytes; /* stretches */
    uint64_t changed_docs, changes;
} yh_tally_step;

typedef struct yh_tally_name {
    char name[24];
    uint64_t n;
} yh_tally_name;

typedef struct yh_tally_value {
    const char *name;
    uint64_t bin[YH_VALUE_BINS];
} yh_tally_value;

/* Of documents of one source. */
typedef struct yh_tally {
    char *source; /* owned */
    uint64_t in, in_bytes, kept, kept_bytes, kept_chars, removed, replaced;
    yh_tally_step step[YH_TALLY_STEPS];
    uint64_t length[YH_LENGTH_BINS]; /* kept ones with 2^i <= characters < 2^(i + 1) */
    yh_tally_name encoding[8], lang[24];
    int n_encodings, n_langs;
    yh_tally_value *value; /* YH_DRAFT_VALUES, or NULL */
    int n_values;
} yh_tally;

/* An example of a removal: those with the lowest hashes stay. */
typedef struct yh_example {
    uint64_t hash;
    int step;
    json_t *record; /* text cut to a few lines, id, score, evidence */
} yh_example;

yh_status yh_stats_create(json_t **stats, yh_err *err) YH_MUST_CHECK;
/* Adds n to the number at stats[a][b][c] (b, c may be NULL), which is made if missing. */
yh_status yh_stats_add(json_t *stats, uint64_t n, const char *a, const char *b, const char *c,
                       yh_err *err) YH_MUST_CHECK;
uint64_t yh_stats_get(const json_t *stats, const char *a, const char *b);
/* Counts stats[list].count and .by_kind[kind], and names the first thousand in .list. */
yh_status yh_stats_name(json_t *stats, const char *list, const char *kind, const char *file,
                        const char *place, const char *what, yh_err *err) YH_MUST_CHECK;
/* Adds a tally's counters. steps: names of the recipe's steps, for the keys. */
yh_status yh_stats_tally(json_t *stats, const yh_tally *t, const struct yh_recipe *r,
                         yh_err *err) YH_MUST_CHECK;
/* Offers an example; takes the reference to record. */
yh_status yh_stats_example(json_t *stats, const char *step, uint64_t hash, json_t *record,
                           yh_err *err) YH_MUST_CHECK;
/* Whether an example with this hash would stay. */
bool yh_stats_wants(const json_t *stats, const char *step, uint64_t hash);
/* Adds everything of `more`: numbers are summed, lists go behind, the best examples stay. */
yh_status yh_stats_merge(json_t *stats, const json_t *more, yh_err *err) YH_MUST_CHECK;

void yh_tally_add_name(yh_tally_name *list, int *n, int cap, const char *name);
yh_status yh_tally_values(yh_tally *t, const yh_draft *d, yh_err *err) YH_MUST_CHECK;
/* The bin of a value and where it begins: 0 below 0; 1 to 50 for [0, 1]; then quarter octaves. */
int yh_value_bin(double v);
double yh_value_bin_begin(int bin);

#endif
