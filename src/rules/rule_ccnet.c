/* cc_net's two thresholds before its language model: length and language. */
#include "rules/rule.h"
#include "rules/view.h"

typedef struct ccnet {
    double min_chars, min_language;
} ccnet;

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "300", "fewest characters", 0, 1e12},
    {"min_language", YH_PARAM_NUMBER, "0.5",
     "least confidence of the rule `language`, when that ran before", 0, 1},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    ccnet *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = c;
    c->min_chars = yh_param_number(p, "min_chars");
    c->min_language = yh_param_number(p, "min_language");
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const ccnet *c = state;
    size_t chars;
    YH_TRY(yh_view_chars(d, &chars, err));
    if ((double)chars < c->min_chars)
        return yh_draft_remove(d, step, (double)chars, "ccnet_short", err);
    if (d->lang[0] != '\0' && d->lang_score < c->min_language)
        return yh_draft_remove(d, step, d->lang_score, "ccnet_language", err);
    return YH_OK;
}

const yh_rule yh_rule_ccnet = {
    .name = "ccnet",
    .doc = "removes short documents and those of uncertain language; perplexity has the rest",
    .source = "Wenzek et al., CCNet, 2019",
    .params = params,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
