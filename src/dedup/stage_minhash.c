/* Near-duplicate documents. */
#include "dedup/near.h"

static const yh_param params[] = {
    YH_NEAR_PARAMS("0.7"),
    {"min_tokens", YH_PARAM_NUMBER, "1",
     "documents with fewer words (characters of a spaceless script) are not compared", 0, 1e9},
    {NULL, 0, NULL, NULL, 0, 0},
};

static bool whole(const yh_stored *d, yh_near_unit *u)
{
    bool first = u->number == UINT32_MAX;
    *u = (yh_near_unit){0, d->len, 0, true};
    return first;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    yh_near_options o = {
        .stage = "minhash", .min_tokens = (size_t)yh_param_number(p, "min_tokens"), .next = whole};
    YH_TRY(yh_near_options_get(&o, p, err));
    return yh_near_run(&o, x, err);
}

const yh_stage yh_stage_minhash = {
    .name = "minhash",
    .doc = "of documents that say nearly the same keeps the longest: MinHash-LSH, confirmed by the "
           "exact Jaccard similarity of their shingles, connected components",
    .source = "Broder 1997; parameters: Penedo et al. 2024 (FineWeb)",
    .params = params,
    .run = run,
};
