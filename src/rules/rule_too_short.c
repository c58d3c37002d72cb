/* Very short documents teach little and are mostly leftovers of pages. */
#include "input/utf8_scan.h"
#include "rules/rule.h"

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "60",
     "least characters; one of Chinese, Japanese or Korean counts three", 0, 1e9},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    size_t *least = yh_malloc(sizeof *least);
    if (least == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *least = (size_t)yh_param_number(p, "min_chars");
    *state = least;
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const size_t least = *(const size_t *)state;
    if (d->len >= 3 * least)
        return YH_OK;
    size_t weight = yh_utf8_weight(d->text, d->len);
    return weight < least ? yh_draft_remove(d, step, (double)weight, NULL, err) : YH_OK;
}

const yh_rule yh_rule_too_short = {
    .name = "too_short",
    .doc = "removes documents with too few characters",
    .params = params,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
