/* FineWeb-2's settings for Chinese (cmn_Hani): Gopher's repetition, FineWeb's and Gopher's quality
 * rules one after the other, with its thresholds and without those that it leaves out. */
#include "rules/rule.h"

typedef struct chain {
    yh_rule_step step[3];
} chain;

static const yh_param params[] = {
    {"words", YH_PARAM_TEXT, "\"chinese\"", "what a word is: chinese, or as for gopher_quality", 0,
     0},
    {"dictionary", YH_PARAM_TEXT, "\"\"", "file of Chinese words; empty: that of python3-jieba", 0,
     0},
    {"dup_line_frac", YH_PARAM_NUMBER, "0.287", "most lines that equal an earlier one", 0, 1},
    {"top_2", YH_PARAM_NUMBER, "0.256", "most characters in the commonest pair of words", 0, 1},
    {"top_3", YH_PARAM_NUMBER, "0.201", "the same of three words", 0, 1},
    {"top_4", YH_PARAM_NUMBER, "0.171", "of four", 0, 1},
    {"dup_5", YH_PARAM_NUMBER, "0.198", "most characters in repeated sequences of 5 words", 0, 1},
    {"dup_6", YH_PARAM_NUMBER, "0.182", "of 6", 0, 1},
    {"dup_7", YH_PARAM_NUMBER, "0.167", "of 7", 0, 1},
    {"dup_8", YH_PARAM_NUMBER, "0.154", "of 8", 0, 1},
    {"dup_9", YH_PARAM_NUMBER, "0.14", "of 9", 0, 1},
    {"dup_10", YH_PARAM_NUMBER, "0.127", "of 10", 0, 1},
    {"line_punct", YH_PARAM_NUMBER, "0.106", "fewest lines that end with terminal punctuation", 0,
     1},
    {"dup_line_chars", YH_PARAM_NUMBER, "0.1", "most characters in lines that equal an earlier one",
     0, 1e6},
    {"new_lines", YH_PARAM_NUMBER, "0.178", "most line ends per word", 0, 1e6},
    {"min_words", YH_PARAM_NUMBER, "50", "fewest words", 0, 1e12},
    {"max_words", YH_PARAM_NUMBER, "100000", "most words", 0, 1e12},
    {"min_mean_length", YH_PARAM_NUMBER, "1", "shortest mean word, characters", 0, 1e6},
    {"max_mean_length", YH_PARAM_NUMBER, "5", "longest mean word", 0, 1e6},
    {"min_alpha", YH_PARAM_NUMBER, "0.735", "fewest words with a letter", 0, 1},
    {"min_stop_words", YH_PARAM_NUMBER, "2", "fewest different stop words", 0, 1e6},
    {"stop_words", YH_PARAM_LIST,
     "[\"的\",\"年\",\"在\",\"月\",\"是\",\"和\",\"日\",\"了\",\"於\",\"·\",\"為\",\"有\",\"被\","
     "\"人\",\"中\",\"为\",\"他\",\"與\",\"後\",\"也\",\"而\",\"由\"]",
     "common words", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

/* Parameters of ours that a rule has go to it; `fixed` says the others. */
static yh_status part(yh_rule_step *s, const char *name, const json_t *p, json_t *fixed,
                      yh_err *err)
{
    const yh_rule *rule = yh_rule_find(name);
    if (rule == NULL || fixed == NULL) {
        json_decref(fixed);
        return yh_fail(err, rule == NULL ? YH_INTERNAL : YH_NOMEM, "fineweb2_zh: cannot make %s",
                       name);
    }
    for (const yh_param *q = rule->params; q->name != NULL; q++) {
        json_t *v = json_object_get(p, q->name);
        if (v != NULL && json_object_set(fixed, q->name, v) != 0) {
            json_decref(fixed);
            return yh_fail(err, YH_NOMEM, "fineweb2_zh: no memory");
        }
    }
    yh_status st = yh_rule_step_create(s, rule, fixed, "fineweb2_zh", err);
    json_decref(fixed);
    return st;
}

static void destroy(void *state)
{
    chain *c = state;
    for (int i = 0; i < 3; i++)
        yh_rule_step_free(&c->step[i]);
    yh_free(c);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    chain *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = c;
    YH_TRY(part(&c->step[0], "gopher_repetition", p,
                json_pack("{s:i,s:i,s:i}", "dup_para_frac", 0, "dup_line_char_frac", 0,
                          "dup_para_char_frac", 0),
                err));
    YH_TRY(part(&c->step[1], "fineweb", p, json_pack("{s:i}", "short_lines", 999), err));
    return part(&c->step[2], "gopher_quality", p, json_object(), err);
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const chain *c = state;
    for (int i = 0; i < 3 && d->removed_by < 0; i++)
        YH_TRY(c->step[i].rule->apply(c->step[i].state, d, step, err));
    return YH_OK;
}

const yh_rule yh_rule_fineweb2_zh = {
    .name = "fineweb2_zh",
    .doc = "removes Chinese documents that FineWeb-2's settings for Chinese remove",
    .source = "Penedo et al., FineWeb2, 2025; configuration cmn_Hani",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
