/* Keeps documents by how usual they are to an n-gram model: its perplexity, and cc_net's thirds. */
#include <math.h>

#include "rules/rule.h"
#include "yh/classify.h"

typedef struct perplexity {
    yh_ngram_lm *m;
    double min, max, head, middle;
    bool keep[3];
} perplexity;

static const char *const thirds[3] = {"head", "middle", "tail"};

static const yh_param params[] = {
    {"model", YH_PARAM_TEXT, "\"\"", "path of a model that yh classify lm made", 0, 0},
    {"min", YH_PARAM_NUMBER, "0", "least perplexity", 0, 1e300},
    {"max", YH_PARAM_NUMBER, "0", "most perplexity; 0: any", 0, 1e300},
    {"head", YH_PARAM_NUMBER, "0", "up to this perplexity a document is of the head", 0, 1e300},
    {"middle", YH_PARAM_NUMBER, "0", "up to this one of the middle, above of the tail", 0, 1e300},
    {"keep", YH_PARAM_LIST, "[\"head\",\"middle\",\"tail\"]", "thirds that stay", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    perplexity *s = state;
    yh_ngram_lm_free(s->m);
    yh_free(s);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    perplexity *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    const json_t *keep = json_object_get(p, "keep");
    s->min = yh_param_number(p, "min");
    s->max = yh_param_number(p, "max");
    s->head = yh_param_number(p, "head");
    s->middle = yh_param_number(p, "middle");
    for (size_t i = 0; i < json_array_size(keep); i++) {
        const char *name = json_string_value(json_array_get(keep, i));
        int k = 0;
        while (k < 3 && strcmp(name, thirds[k]) != 0)
            k++;
        if (k == 3)
            return yh_fail(err, YH_CORRUPT,
                           "perplexity: \"keep\" has \"%s\"; there is head, middle, tail", name);
        s->keep[k] = true;
    }
    const char *model = yh_param_text(p, "model");
    if (model[0] == '\0')
        return yh_fail(err, YH_CORRUPT, "perplexity: give a \"model\"");
    return yh_ngram_lm_load(&s->m, model, err);
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const perplexity *s = state;
    double log10 = 0;
    uint64_t tokens = 0;
    YH_TRY(yh_ngram_lm_score(s->m, d->text, d->len, &log10, &tokens, err));
    if (tokens == 0)
        return YH_OK;
    double v = pow(10, -log10 / (double)tokens);
    YH_TRY(yh_draft_value(d, "perplexity", v, err));
    if (v < s->min)
        return yh_draft_remove(d, step, v, "min", err);
    if (s->max > 0 && v > s->max)
        return yh_draft_remove(d, step, v, "max", err);
    if (s->head <= 0)
        return YH_OK;
    int third = v <= s->head ? 0 : s->middle <= 0 || v <= s->middle ? 1 : 2;
    return s->keep[third] ? YH_OK : yh_draft_remove(d, step, v, thirds[third], err);
}

const yh_rule yh_rule_perplexity = {
    .name = "perplexity",
    .doc = "removes documents that are unusual, or too usual, to an n-gram model",
    .source = "Wenzek et al., CCNet, 2020; Heafield et al., ACL 2013",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
