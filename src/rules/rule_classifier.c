/* Keeps documents, or lines, by what a classifier says of them. */
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "rules/rule.h"
#include "rules/view.h"
#include "yh/classify.h"

typedef struct classifier {
    yh_classifier *c;
    int label;
    double min, max, line_letters, sample, pareto;
    uint64_t seed;
    bool lines;
} classifier;

static const yh_param params[] = {
    {"model", YH_PARAM_TEXT, "\"\"",
     "path of a model: yh classify train's, or fastText's .bin, .ftz", 0, 0},
    {"label", YH_PARAM_TEXT, "\"\"", "the label whose probability counts", 0, 0},
    {"min", YH_PARAM_NUMBER, "0", "least probability of the label", 0, 1},
    {"max", YH_PARAM_NUMBER, "1", "most probability of the label", 0, 1},
    {"sample", YH_PARAM_NUMBER, "0",
     "share of the documents outside min and max that is kept all the same, drawn by their text", 0,
     1},
    {"pareto", YH_PARAM_NUMBER, "0",
     "keeps documents the more likely the higher the probability p: a draw of the Pareto "
     "distribution with this shape exceeds 1 - p (GPT-3's filter: 9); 0: none",
     0, 1e6},
    {"seed", YH_PARAM_NUMBER, "0", "another number, another draw", 0, 1e15},
    {"lines", YH_PARAM_BOOL, "false", "judge lines and cut them, instead of the document", 0, 0},
    {"line_bytes", YH_PARAM_NUMBER, "0", "shorter lines are not judged", 0, 1e9},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    classifier *s = state;
    yh_classifier_free(s->c);
    yh_free(s);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    classifier *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    const char *model = yh_param_text(p, "model"), *label = yh_param_text(p, "label");
    s->min = yh_param_number(p, "min");
    s->max = yh_param_number(p, "max");
    s->sample = yh_param_number(p, "sample");
    s->pareto = yh_param_number(p, "pareto");
    s->seed = (uint64_t)yh_param_number(p, "seed");
    s->lines = yh_param_bool(p, "lines");
    if (s->lines && (s->sample > 0 || s->pareto > 0))
        return yh_fail(err, YH_CORRUPT,
                       "classifier: \"sample\" and \"pareto\" are for documents, "
                       "not for \"lines\"");
    s->line_letters = yh_param_number(p, "line_bytes");
    if (model[0] == '\0')
        return yh_fail(err, YH_CORRUPT, "classifier: give a \"model\"");
    YH_TRY(yh_classifier_load(&s->c, model, err));
    int n = yh_classifier_labels(s->c);
    while (s->label < n && strcmp(yh_classifier_label(s->c, s->label), label) != 0)
        s->label++;
    if (s->label == n)
        return yh_fail(err, YH_CORRUPT, "classifier: %s has no label \"%s\"; its first is \"%s\"",
                       model, label, yh_classifier_label(s->c, 0));
    return YH_OK;
}

static yh_status cut_lines(const classifier *s, yh_draft *d, int step, float *p, yh_err *err)
{
    const yh_tokens *lines;
    yh_span *cut = NULL;
    size_t n = 0, cap = 0;
    YH_TRY(yh_view_lines(d, &lines, err));
    yh_status st = YH_OK;
    for (size_t i = 0; i < lines->n && st == YH_OK; i++) {
        const yh_token *t = &lines->t[i];
        if (t->len == 0 || (double)t->len < s->line_letters)
            continue;
        st = yh_classifier_predict(s->c, d->text + t->at, t->len, p, err);
        double v = (double)p[s->label];
        if (st != YH_OK || (v >= s->min && v <= s->max))
            continue;
        yh_span *more = yh_grow(cut, &cap, n + 1, sizeof *cut);
        if (more == NULL) {
            st = yh_fail(err, YH_NOMEM, "no memory for %zu lines", n + 1);
            break;
        }
        cut = more;
        cut[n++] = (yh_span){.at = t->at,
                             .len = t->len + (t->at + t->len < d->len),
                             .score = v,
                             .evidence = yh_classifier_label(s->c, s->label)};
    }
    if (st == YH_OK && n > 0)
        st = yh_draft_cut_spans(d, step, cut, n, err);
    yh_free(cut);
    return st;
}

/* A number in [0, 1) that depends on the text and the seed alone, so that the same documents stay
 * whatever their order, the threads and the machines. */
static double draw(const classifier *s, const yh_draft *d)
{
    return (double)(yh_hash64(d->text, d->len, s->seed) >> 11) * 0x1p-53;
}

static bool keeps(const classifier *s, const yh_draft *d, double p)
{
    if (p >= s->min && p <= s->max && s->pareto == 0)
        return true;
    double u = draw(s, d);
    if (p >= s->min && p <= s->max && u < pow(2 - p, -s->pareto))
        return true;
    return u < s->sample;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const classifier *s = state;
    float *p = yh_malloc(sizeof *p * (size_t)yh_classifier_labels(s->c));
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to classify");
    yh_status st;
    if (s->lines) {
        st = cut_lines(s, d, step, p, err);
    } else if ((st = yh_classifier_predict(s->c, d->text, d->len, p, err)) == YH_OK) {
        double v = (double)p[s->label];
        st = yh_draft_value(d, "classifier", v, err);
        if (st == YH_OK && !keeps(s, d, v))
            st = yh_draft_remove(d, step, v, yh_classifier_label(s->c, s->label), err);
    }
    yh_free(p);
    return st;
}

const yh_rule yh_rule_classifier = {
    .name = "classifier",
    .doc = "removes documents, or cuts lines, by the probability of a label",
    .source = "Joulin et al., Bag of Tricks for Efficient Text Classification, 2016",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
