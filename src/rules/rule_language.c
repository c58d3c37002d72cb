/* Finds out the language of a document, keeps the wanted ones, and cuts lines in others. */
#include <stdio.h>

#include "rules/lang.h"
#include "rules/rule.h"
#include "rules/view.h"

typedef struct language {
    json_t *keep; /* a reference; empty: all */
    bool keep_unknown, cut_lines;
    double min_score, line_score, line_weight;
} language;

static const yh_param params[] = {
    {"keep", YH_PARAM_LIST, "[]",
     "languages to keep: en, zh (all Chinese), zh-Hans, zh-Hant, yue, ja ...; empty: all", 0, 0},
    {"min_score", YH_PARAM_NUMBER, "0.65", "least confidence in a kept language", 0, 1},
    {"keep_unknown", YH_PARAM_BOOL, "false", "keep documents whose language is not known", 0, 0},
    {"lines", YH_PARAM_TEXT, "\"keep\"",
     "cut: cut lines in other languages than those of `keep` (the document's when that is empty)",
     0, 0},
    {"line_score", YH_PARAM_NUMBER, "0.9", "least confidence that a line is in another language", 0,
     1},
    {"line_letters", YH_PARAM_NUMBER, "40",
     "fewest letters of a line to be judged; one of Chinese, Japanese or Korean counts three", 0,
     1e9},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    language *l = state;
    json_decref(l->keep);
    yh_free(l);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    language *l = yh_calloc(1, sizeof *l);
    if (l == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = l;
    const char *lines = yh_param_text(p, "lines");
    l->keep = json_incref(json_object_get(p, "keep"));
    l->keep_unknown = yh_param_bool(p, "keep_unknown");
    l->min_score = yh_param_number(p, "min_score");
    l->line_score = yh_param_number(p, "line_score");
    l->line_weight = yh_param_number(p, "line_letters");
    l->cut_lines = strcmp(lines, "cut") == 0;
    if (!l->cut_lines && strcmp(lines, "keep") != 0)
        return yh_fail(err, YH_CORRUPT, "language: \"lines\" is \"%s\"; there is keep, cut", lines);
    return YH_OK;
}

static bool wanted(const language *l, const char *code)
{
    size_t n = json_array_size(l->keep);
    for (size_t i = 0; i < n; i++)
        if (yh_lang_covers(json_string_value(json_array_get(l->keep, i)), code))
            return true;
    return n == 0;
}

/* The part of a code before the script: lines of the other script of Chinese stay. */
static bool same_language(const char *a, const char *b)
{
    char x[16];
    snprintf(x, sizeof x, "%s", a);
    x[strcspn(x, "-")] = '\0';
    return yh_lang_covers(x, b) || (strcmp(a, "yue") == 0 && yh_lang_covers("zh", b));
}

static yh_status cut_lines(const language *l, yh_draft *d, int step, yh_err *err)
{
    const yh_tokens *lines;
    yh_span *cut = NULL;
    size_t n = 0, cap = 0;
    char(*codes)[16] = NULL; /* evidence; borrowed by cut, so its memory is all there before */
    YH_TRY(yh_view_lines(d, &lines, err));
    codes = yh_calloc(lines->n + 1, sizeof *codes);
    yh_status s =
        codes == NULL ? yh_fail(err, YH_NOMEM, "no memory for %zu lines", lines->n) : YH_OK;
    for (size_t i = 0; i < lines->n && s == YH_OK; i++) {
        const yh_token *t = &lines->t[i];
        if ((double)t->len < l->line_weight)
            continue;
        yh_lang x = yh_lang_detect(d->text + t->at, t->len);
        bool stays =
            json_array_size(l->keep) > 0 ? wanted(l, x.code) : same_language(d->lang, x.code);
        if (stays || x.code[0] == '\0' || x.score < l->line_score ||
            (double)x.weight < l->line_weight)
            continue;
        yh_span *more = yh_grow(cut, &cap, n + 1, sizeof *cut);
        if (more == NULL) {
            s = yh_fail(err, YH_NOMEM, "no memory for %zu lines", n + 1);
            break;
        }
        cut = more;
        memcpy(codes[n], x.code, sizeof x.code);
        size_t end = t->at + t->len + (t->at + t->len < d->len);
        cut[n] = (yh_span){.at = t->at, .len = end - t->at, .score = x.score, .evidence = codes[n]};
        n++;
    }
    if (s == YH_OK && n > 0)
        s = yh_draft_cut_spans(d, step, cut, n, err);
    yh_free(cut);
    yh_free(codes);
    return s;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const language *l = state;
    yh_lang x = yh_lang_detect(d->text, d->len);
    memcpy(d->lang, x.code, sizeof d->lang);
    d->lang_score = x.score;
    yh_draft_stale(d); /* what "auto" words are may be another kind now */
    bool unknown = x.code[0] == '\0';
    if (unknown ? !l->keep_unknown && json_array_size(l->keep) > 0
                : !wanted(l, x.code) || (json_array_size(l->keep) > 0 && x.score < l->min_score))
        return yh_draft_remove(d, step, x.score, unknown ? "unknown" : x.code, err);
    return l->cut_lines && !unknown ? cut_lines(l, d, step, err) : YH_OK;
}

const yh_rule yh_rule_language = {
    .name = "language",
    .doc = "finds out the language, keeps the wanted ones and cuts lines in others",
    .source = "CLD2 (Sites, 2013) for languages that their characters do not tell apart",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
