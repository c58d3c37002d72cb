/* FineWeb's own rules: lines that end like sentences, short lines, repeated lines, lists. */
#include "rules/ngrams.h"
#include "rules/rule.h"
#include "rules/view.h"
#include "text/utf8.h"

typedef struct fineweb {
    yh_word_rule words;
    double line_punct, short_lines, short_length, dup_line_chars, new_lines;
    bool punct_exclude_zero;
    json_t *ends; /* a reference; empty: terminal punctuation of any script */
} fineweb;

static const yh_param params[] = {
    YH_WORD_PARAMS,
    {"line_punct", YH_PARAM_NUMBER, "0.12", "fewest lines that end with terminal punctuation", 0,
     1},
    {"punct_exclude_zero", YH_PARAM_BOOL, "false", "keep documents without any such line", 0, 0},
    {"line_ends", YH_PARAM_LIST, "[]", "what counts as such an end; empty: that of all scripts", 0,
     0},
    {"short_lines", YH_PARAM_NUMBER, "0.67", "most lines that are short", 0, 1e6},
    {"short_length", YH_PARAM_NUMBER, "30", "characters of a short line, at most", 0, 1e9},
    {"dup_line_chars", YH_PARAM_NUMBER, "0.01",
     "most characters in lines that equal an earlier one: 0.01 in FineWeb's code, 0.1 in its paper",
     0, 1e6},
    {"new_lines", YH_PARAM_NUMBER, "0.3", "most line ends per word", 0, 1e6},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    fineweb *f = state;
    yh_word_rule_fini(&f->words);
    json_decref(f->ends);
    yh_free(f);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    fineweb *f = yh_calloc(1, sizeof *f);
    if (f == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = f;
    f->line_punct = yh_param_number(p, "line_punct");
    f->punct_exclude_zero = yh_param_bool(p, "punct_exclude_zero");
    f->short_lines = yh_param_number(p, "short_lines");
    f->short_length = yh_param_number(p, "short_length");
    f->dup_line_chars = yh_param_number(p, "dup_line_chars");
    f->new_lines = yh_param_number(p, "new_lines");
    f->ends = json_incref(json_object_get(p, "line_ends"));
    return yh_word_rule_create(&f->words, p, err);
}

static bool ends_well(const fineweb *f, const char *text, yh_token t)
{
    for (size_t i = 0; i < json_array_size(f->ends); i++)
        if (yh_token_ends(text, t, json_string_value(json_array_get(f->ends, i))))
            return true;
    if (json_array_size(f->ends) > 0 || t.len == 0)
        return false;
    const char *p = text + t.at + t.len - 1;
    while (((uint8_t)*p & 0xc0) == 0x80)
        p--;
    int len;
    return yh_char_terminal(yh_utf8_next((const uint8_t *)p, &len));
}

static yh_status by_lines(const fineweb *f, yh_draft *d, int step, const yh_tokens *all,
                          yh_tokens *full, yh_err *err)
{
    size_t good = 0, brief = 0, chars = 0;
    for (size_t i = 0; i < all->n; i++) {
        const yh_token *t = &all->t[i];
        chars += t->chars;
        if (yh_token_strip(d->text, *t).len == 0)
            continue;
        YH_TRY(yh_tokens_add(full, t->at, t->len, t->chars, err));
        good += ends_well(f, d->text, *t);
        brief += t->chars <= f->short_length;
    }
    if (full->n == 0)
        return yh_draft_remove(d, step, 0, "empty", err);
    double n = (double)full->n, share = (double)good / n;
    if (share < f->line_punct && !(good == 0 && f->punct_exclude_zero))
        return yh_draft_remove(d, step, share, "line_punct_ratio", err);
    if ((double)brief / n > f->short_lines)
        return yh_draft_remove(d, step, (double)brief / n, "short_line_ratio", err);
    yh_repeats r;
    YH_TRY(yh_repeated(d->text, full->t, full->n, false, &r, err));
    double copied = (double)r.chars / (double)chars;
    if (copied > f->dup_line_chars)
        return yh_draft_remove(d, step, copied, "char_dup_ratio", err);
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const fineweb *f = state;
    const yh_tokens *lines, *words;
    yh_tokens full = {0};
    YH_TRY(yh_view_lines(d, &lines, err));
    yh_status s = by_lines(f, d, step, lines, &full, err);
    yh_tokens_fini(&full);
    if (s != YH_OK || d->removed_by >= 0)
        return s;
    YH_TRY(yh_view_words(d, &f->words, &words, err));
    double share = (double)(lines->n - 1) / (words->n > 0 ? (double)words->n : 1);
    return share > f->new_lines ? yh_draft_remove(d, step, share, "list_ratio", err) : YH_OK;
}

const yh_rule yh_rule_fineweb = {
    .name = "fineweb",
    .doc = "removes documents whose lines do not end like sentences, are short, or are repeated",
    .source = "Penedo et al., The FineWeb Datasets, 2024, section 3.6; counted as datatrove",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
