/* Cleaning rules. One rule is one file filter_<name>.c that exports
 *     const yh_filter yh_filter_<name>
 * CMake makes the list from the file names; rules run in the order of `order`, then of the name.
 *
 * A rule is either without memory (`apply`: looks at one document; runs in parallel) or with memory
 * (`keys`, in parallel, reduces the document to numbers; `decide`, one document after the other in
 * the order of the input, decides by those numbers alone). The numbers are kept beside a finished
 * shard, so that a run that was interrupted remembers without reading the input again. */
#ifndef YH_DATA_FILTER_H
#define YH_DATA_FILTER_H

#include "input/draft.h"
#include "yh/corpus.h"

typedef struct yh_filter {
    const char *name; /* the reason in reports and in removed-*.jsonl.zst */
    const char *doc;  /* one line for people */
    int order;
    bool whole; /* sees the document before it is divided into parts */
    bool again; /* runs again on a document that lost lines */

    /* Sets d->removed_by = self, or takes stretches out with yh_draft_cut(d, self, ...). */
    yh_status (*apply)(const yh_clean_options *o, yh_draft *d, int self, yh_err *err);

    /* Fills d->key[slot] (and d->line[slot], one a key, when the rule is about lines). */
    yh_status (*keys)(yh_draft *d, int slot, yh_err *err);
    void *(*create)(void); /* NULL: no memory */
    void (*destroy)(void *state);
    /* Sets *remove_document, or line[i] = 1 for each line to be removed. */
    yh_status (*decide)(void *state, const uint64_t *key, size_t n, bool *remove_document,
                        uint8_t *line, yh_err *err);
} yh_filter;

/* All rules, in the order in which they run; *n of them. */
const yh_filter *const *yh_filters(int *n);

/* Appends to d->key[slot] and, when line is not NULL, d->line[slot]. */
yh_status yh_draft_key(yh_draft *d, int slot, uint64_t key, const yh_line *line, yh_err *err);

#endif
