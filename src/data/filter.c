#include "data/filter.h"

#include "registry_filter.h"

#define DECLARE(name) extern const yh_filter yh_filter_##name;
YH_REGISTRY_FILTER(DECLARE)
#undef DECLARE

#define ONE(name) +1
enum { N_FILTERS = 0 YH_REGISTRY_FILTER(ONE) };
#undef ONE

#include <pthread.h>

static const yh_filter *sorted[N_FILTERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void sort_filters(void)
{
    int n = 0;
#define ENTRY(name) sorted[n++] = &yh_filter_##name;
    YH_REGISTRY_FILTER(ENTRY)
#undef ENTRY
    for (int i = 1; i < n; i++) /* stable: the registry is in the order of the names */
        for (int j = i; j > 0 && sorted[j - 1]->order > sorted[j]->order; j--) {
            const yh_filter *t = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = t;
        }
}

const yh_filter *const *yh_filters(int *n)
{
    pthread_once(&once, sort_filters);
    *n = N_FILTERS;
    return sorted;
}

yh_status yh_draft_key(yh_draft *d, int slot, uint64_t key, const yh_line *line, yh_err *err)
{
    uint64_t *k = yh_grow(d->key[slot], &d->cap_key[slot], d->n_key[slot] + 1, sizeof *k);
    if (k == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the keys of a document");
    d->key[slot] = k;
    if (line != NULL) {
        yh_line *l = yh_grow(d->line[slot], &d->cap_line[slot], d->n_key[slot] + 1, sizeof *l);
        if (l == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for the keys of a document");
        d->line[slot] = l;
        l[d->n_key[slot]] = *line;
    }
    k[d->n_key[slot]++] = key;
    return YH_OK;
}
