/* Documents that repeat themselves: shares of equal lines and paragraphs, of the most frequent
 * short n-grams of words, and of repeated longer ones. As datatrove counts them. */
#include <stdio.h>

#include "rules/ngrams.h"
#include "rules/rule.h"
#include "rules/view.h"

typedef struct repetition {
    yh_word_rule words;
    double dup_line_frac, dup_para_frac, dup_line_char_frac, dup_para_char_frac;
    double top[5], dup[11]; /* by n; 0: not looked at */
    bool count_first;
} repetition;

static const yh_param params[] = {
    YH_WORD_PARAMS,
    {"dup_line_frac", YH_PARAM_NUMBER, "0.3", "most lines that equal an earlier one; 0: any", 0, 1},
    {"dup_para_frac", YH_PARAM_NUMBER, "0.3", "the same of paragraphs", 0, 1},
    {"dup_line_char_frac", YH_PARAM_NUMBER, "0.2", "most characters in such lines, of all", 0, 1},
    {"dup_para_char_frac", YH_PARAM_NUMBER, "0.2", "the same of paragraphs", 0, 1},
    {"top_2", YH_PARAM_NUMBER, "0.2", "most characters in the commonest pair of words", 0, 1},
    {"top_3", YH_PARAM_NUMBER, "0.18", "the same of three words", 0, 1},
    {"top_4", YH_PARAM_NUMBER, "0.16", "of four", 0, 1},
    {"dup_5", YH_PARAM_NUMBER, "0.15", "most characters in repeated sequences of 5 words", 0, 1},
    {"dup_6", YH_PARAM_NUMBER, "0.14", "of 6", 0, 1},
    {"dup_7", YH_PARAM_NUMBER, "0.13", "of 7", 0, 1},
    {"dup_8", YH_PARAM_NUMBER, "0.12", "of 8", 0, 1},
    {"dup_9", YH_PARAM_NUMBER, "0.11", "of 9", 0, 1},
    {"dup_10", YH_PARAM_NUMBER, "0.1", "of 10", 0, 1},
    {"count_first", YH_PARAM_BOOL, "false",
     "count the first of equal lines and paragraphs too (Dolma); false: copies alone (datatrove)",
     0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    repetition *r = state;
    yh_word_rule_fini(&r->words);
    yh_free(r);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    repetition *r = yh_calloc(1, sizeof *r);
    if (r == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = r;
    r->dup_line_frac = yh_param_number(p, "dup_line_frac");
    r->dup_para_frac = yh_param_number(p, "dup_para_frac");
    r->dup_line_char_frac = yh_param_number(p, "dup_line_char_frac");
    r->dup_para_char_frac = yh_param_number(p, "dup_para_char_frac");
    r->count_first = yh_param_bool(p, "count_first");
    char name[16];
    for (int n = 2; n <= 10; n++) {
        snprintf(name, sizeof name, "%s_%d", n < 5 ? "top" : "dup", n);
        *(n < 5 ? &r->top[n] : &r->dup[n]) = yh_param_number(p, name);
    }
    return yh_word_rule_create(&r->words, p, err);
}

/* What stands between runs of at least `least` \n in text[from, to). */
static yh_status split(yh_tokens *l, const char *text, size_t from, size_t to, size_t least,
                       yh_err *err)
{
    size_t begin = from, chars = 0;
    for (size_t i = from; i < to;) {
        size_t k = i;
        while (k < to && text[k] == '\n')
            k++;
        if (k - i >= least) {
            YH_TRY(yh_tokens_add(l, begin, i - begin, chars, err));
            begin = i = k;
            chars = 0;
        } else {
            chars += ((uint8_t)text[i] & 0xc0) != 0x80;
            i++;
        }
    }
    return yh_tokens_add(l, begin, to - begin, chars, err);
}

/* The stretch without white space at its ends. */
static void strip(const yh_draft *d, size_t *from, size_t *to)
{
    const yh_token all = {0, (uint32_t)d->len, 0};
    yh_token t = yh_token_strip(d->text, all);
    *from = t.at;
    *to = t.at + t.len;
}

/* Shares of copies among the parts of the text; removes by the first that is too high. */
static yh_status copies(const repetition *r, yh_draft *d, int step, bool lines, size_t chars,
                        yh_err *err)
{
    yh_tokens l = {0};
    yh_repeats x = {0};
    size_t from = 0, to = d->len;
    if (!lines)
        strip(d, &from, &to);
    yh_status s = split(&l, d->text, from, to, lines ? 1 : 2, err);
    if (s == YH_OK)
        s = yh_repeated(d->text, l.t, l.n, r->count_first, &x, err);
    double share = l.n > 0 ? (double)x.n / (double)l.n : 0;
    double char_share = (double)x.chars / (double)chars;
    yh_tokens_fini(&l);
    double most = lines ? r->dup_line_frac : r->dup_para_frac;
    double most_chars = lines ? r->dup_line_char_frac : r->dup_para_char_frac;
    if (s == YH_OK && most > 0 && share > most)
        return yh_draft_remove(d, step, share, lines ? "dup_line_frac" : "dup_para_frac", err);
    if (s == YH_OK && most_chars > 0 && char_share > most_chars)
        return yh_draft_remove(d, step, char_share,
                               lines ? "dup_line_char_frac" : "dup_para_char_frac", err);
    return s;
}

static yh_status ngrams(const repetition *r, yh_draft *d, int step, size_t chars, yh_err *err)
{
    const yh_tokens *words;
    yh_ngrams *g = NULL;
    char why[32];
    YH_TRY(yh_view_words(d, &r->words, &words, err));
    YH_TRY(yh_ngrams_create(&g, d->text, words, err));
    yh_status s = YH_OK;
    for (int n = 2; n <= 10 && d->removed_by < 0 && s == YH_OK; n++) {
        double most = n < 5 ? r->top[n] : r->dup[n];
        if (most <= 0)
            continue;
        size_t c = n < 5 ? yh_ngrams_top(g, (size_t)n) : yh_ngrams_dup(g, (size_t)n);
        snprintf(why, sizeof why, n < 5 ? "top_%d_gram" : "duplicated_%d_n_grams", n);
        if ((double)c / (double)chars > most)
            s = yh_draft_remove(d, step, (double)c / (double)chars, why, err);
    }
    yh_ngrams_free(g);
    return s;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const repetition *r = state;
    size_t chars;
    YH_TRY(yh_view_chars(d, &chars, err));
    if (chars == 0)
        return yh_draft_remove(d, step, 0, "empty", err);
    YH_TRY(copies(r, d, step, false, chars, err));
    if (d->removed_by < 0)
        YH_TRY(copies(r, d, step, true, chars, err));
    return d->removed_by < 0 ? ngrams(r, d, step, chars, err) : YH_OK;
}

const yh_rule yh_rule_gopher_repetition = {
    .name = "gopher_repetition",
    .doc = "removes documents that repeat their lines, paragraphs or words",
    .source = "Rae et al., Scaling Language Models (Gopher), 2021, table A1; counted as datatrove",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
