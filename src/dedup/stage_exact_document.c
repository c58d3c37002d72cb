/* Documents that are equal, or equal but for case, punctuation and spaces. */
#include "rules/fold.h"
#include "dedup/same_key.h"

static const yh_param params[] = {
    {"normalise", YH_PARAM_BOOL, "false",
     "compare letters and digits alone, in lower case, words apart", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status key_of(const void *user, const yh_stored *d, yh_buf *folded, yh_same_key *out,
                        yh_err *err)
{
    const bool *fold = user;
    if (*fold)
        YH_TRY(yh_fold_text(d->text, d->len, folded, err));
    /* nothing but punctuation: as it stands */
    out->key =
        folded->len > 0 ? yh_hash128_of(folded->data, folded->len) : yh_hash128_of(d->text, d->len);
    return YH_OK;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    const bool fold = yh_param_bool(p, "normalise");
    return yh_same_key_run(x, key_of, &fold, err);
}

const yh_stage yh_stage_exact_document = {
    .name = "exact_document",
    .doc = "of equal documents keeps one (128-bit hashes)",
    .params = params,
    .run = run,
};
