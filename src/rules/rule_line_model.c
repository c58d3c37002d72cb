/* Lines that a trained classifier takes for boilerplate: for what lists do not know. */
#include "rules/line_model.h"
#include "rules/line_rules.h"
#include "rules/rule.h"

typedef struct by_model {
    yh_line_model *model;
    yh_han *han;
    double threshold;
    bool prose;
} by_model;

static const yh_param params[] = {
    {"model", YH_PARAM_TEXT, "\"\"", "file of a line model; without one the rule does nothing", 0,
     0},
    {"threshold", YH_PARAM_NUMBER, "0.95", "least probability at which a line goes", 0, 1},
    {"prose", YH_PARAM_BOOL, "false", "also judge lines that read like running text", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    by_model *s = state;
    yh_line_model_free(s->model);
    yh_han_free(s->han);
    yh_free(s);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    by_model *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    s->threshold = yh_param_number(p, "threshold");
    s->prose = yh_param_bool(p, "prose");
    if (yh_param_text(p, "model")[0] == '\0')
        return YH_OK;
    YH_TRY(yh_line_model_load(&s->model, yh_param_text(p, "model"), err));
    return yh_line_model_simplified(s->model) ? yh_han_create(&s->han, err) : YH_OK;
}

static yh_status judge(const by_model *s, const yh_draft *d, const yh_lines *l,
                       const char **evidence, double *score, yh_err *err)
{
    size_t last = l->n > 1 ? l->n - 1 : 1;
    for (size_t i = 0; i < l->n; i++) {
        const yh_line_info *li = &l->line[i];
        if (li->blank || (li->prose && !s->prose))
            continue;
        YH_TRY(yh_line_model_score(s->model, s->han, d->text + li->at, li->len,
                                   (double)i / (double)last, &score[i], err));
        if (score[i] >= s->threshold)
            evidence[i] = "line model";
    }
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const by_model *s = state;
    if (s->model == NULL)
        return YH_OK;
    yh_lines l;
    yh_lines_init(&l);
    yh_status st = yh_lines_scan(&l, s->han, d->text, d->len, err);
    const char **evidence = yh_calloc(l.n + 1, sizeof *evidence);
    double *score = yh_calloc(l.n + 1, sizeof *score);
    if (st == YH_OK && (evidence == NULL || score == NULL))
        st = yh_fail(err, YH_NOMEM, "no memory for %zu lines", l.n);
    if (st == YH_OK)
        st = judge(s, d, &l, evidence, score, err);
    if (st == YH_OK)
        st = yh_lines_cut(d, step, &l, evidence, score, err);
    yh_free(evidence);
    yh_free(score);
    yh_lines_fini(&l);
    return st;
}

const yh_rule yh_rule_line_model = {
    .name = "line_model",
    .doc = "cuts lines that a trained line classifier takes for boilerplate",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
