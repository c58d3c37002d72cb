/* Whether a document is made like prose: number and length of words, symbols, bullets, ellipses,
 * words with letters, common words. */
#include "rules/rule.h"
#include "rules/view.h"
#include "rules/word_set.h"
#include "text/utf8.h"

typedef struct gopher {
    yh_word_rule words;
    yh_word_set stop;
    bool dolma;
    double min_words, max_words, min_mean_length, max_mean_length, max_symbols, max_bullets,
        max_ellipses, min_alpha, min_stop_words;
} gopher;

static const yh_param params[] = {
    YH_WORD_PARAMS,
    {"parity", YH_PARAM_TEXT, "\"datatrove\"",
     "datatrove: words of punctuation alone do not count, mean length, different stop words; "
     "dolma: words between blanks, all of them, median length, occurrences of stop words",
     0, 0},
    {"min_words", YH_PARAM_NUMBER, "50", "fewest words; 0: any", 0, 1e12},
    {"max_words", YH_PARAM_NUMBER, "100000", "most words; 0: any", 0, 1e12},
    {"min_mean_length", YH_PARAM_NUMBER, "3", "shortest mean word, characters; 0: any", 0, 1e6},
    {"max_mean_length", YH_PARAM_NUMBER, "10", "longest mean word; 0: any", 0, 1e6},
    {"max_symbols", YH_PARAM_NUMBER, "0.1", "most # and, apart, most ellipses per word; 0: any", 0,
     1e6},
    {"max_bullets", YH_PARAM_NUMBER, "0.9", "most lines that begin with a bullet; 0: any", 0, 1},
    {"max_ellipses", YH_PARAM_NUMBER, "0.3", "most lines that end with an ellipsis; 0: any", 0, 1},
    {"min_alpha", YH_PARAM_NUMBER, "0.8", "fewest words with a letter; 0: any", 0, 1},
    {"min_stop_words", YH_PARAM_NUMBER, "2", "fewest stop words; 0: any", 0, 1e6},
    {"stop_words", YH_PARAM_LIST,
     "[\"the\",\"be\",\"to\",\"of\",\"and\",\"that\",\"have\",\"with\"]",
     "common words, as they are written", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    gopher *g = state;
    yh_word_rule_fini(&g->words);
    yh_word_set_fini(&g->stop);
    yh_free(g);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    gopher *g = yh_calloc(1, sizeof *g);
    if (g == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = g;
    const char *parity = yh_param_text(p, "parity");
    g->dolma = strcmp(parity, "dolma") == 0;
    if (!g->dolma && strcmp(parity, "datatrove") != 0)
        return yh_fail(err, YH_CORRUPT,
                       "gopher_quality: \"parity\" is \"%s\"; there is datatrove, dolma", parity);
    g->min_words = yh_param_number(p, "min_words");
    g->max_words = yh_param_number(p, "max_words");
    g->min_mean_length = yh_param_number(p, "min_mean_length");
    g->max_mean_length = yh_param_number(p, "max_mean_length");
    g->max_symbols = yh_param_number(p, "max_symbols");
    g->max_bullets = yh_param_number(p, "max_bullets");
    g->max_ellipses = yh_param_number(p, "max_ellipses");
    g->min_alpha = yh_param_number(p, "min_alpha");
    g->min_stop_words = yh_param_number(p, "min_stop_words");
    YH_TRY(yh_word_set_create(&g->stop, json_object_get(p, "stop_words"), err));
    YH_TRY(yh_word_rule_create(&g->words, p, err));
    if (g->dolma)
        g->words.kind = YH_WORDS_SPACE;
    return YH_OK;
}

static size_t count_text(const yh_draft *d, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (const char *p = d->text, *end = p + d->len;
         (p = memmem(p, (size_t)(end - p), what, len)) != NULL; p += len)
        n++;
    return n;
}

typedef struct word_counts {
    size_t n, counted, chars, alpha, stop;
    double length; /* mean or median of the counted ones */
} word_counts;

static bool only_symbols(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int len;
        if (!yh_char_symbol(yh_utf8_next((const uint8_t *)p + i, &len)))
            return false;
        i += (size_t)len;
    }
    return true;
}

static bool has_letter(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)p + i, &len);
        if (cp < 0x80 ? (cp | 32) - 'a' < 26u : yh_char_letter(cp))
            return true;
        i += (size_t)len;
    }
    return false;
}

/* Median length: the middle one, or the mean of the two middle ones. */
static double median(const yh_tokens *words)
{
    enum { LONGEST = 4096 };
    size_t count[LONGEST + 1] = {0}, n = words->n, seen = 0;
    for (size_t i = 0; i < n; i++)
        count[words->t[i].chars < LONGEST ? words->t[i].chars : LONGEST]++;
    double low = -1;
    for (size_t len = 0; n > 0 && len <= LONGEST; len++) {
        seen += count[len];
        if (low < 0 && seen > (n - 1) / 2)
            low = (double)len;
        if (seen > n / 2)
            return (low + (double)len) / 2;
    }
    return 0;
}

static yh_status count_words(const gopher *g, yh_draft *d, word_counts *c, yh_err *err)
{
    const yh_tokens *words;
    YH_TRY(yh_view_words(d, &g->words, &words, err));
    uint8_t *found = yh_calloc(g->stop.n + 1, 1);
    if (found == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *c = (word_counts){.n = words->n};
    for (size_t i = 0; i < words->n; i++) {
        const yh_token *t = &words->t[i];
        const char *p = d->text + t->at;
        bool letter = has_letter(p, t->len);
        c->alpha += letter;
        if (letter || g->dolma || !only_symbols(p, t->len)) {
            c->counted++;
            c->chars += t->chars;
        }
        int k = yh_word_set_find(&g->stop, p, t->len);
        if (k >= 0) {
            c->stop += g->dolma || found[k] == 0;
            found[k] = 1;
        }
    }
    yh_free(found);
    c->length = g->dolma         ? median(words)
                : c->counted > 0 ? (double)c->chars / (double)c->counted
                                 : 0;
    return YH_OK;
}

static yh_status by_lines(const gopher *g, yh_draft *d, int step, yh_err *err)
{
    const yh_tokens *lines;
    size_t bullets = 0, ellipses = 0;
    YH_TRY(yh_view_splitlines(d, &lines, err));
    for (size_t i = 0; i < lines->n; i++) {
        yh_token t = yh_token_strip(d->text, lines->t[i]);
        bullets += yh_token_begins(d->text, t, "•") || yh_token_begins(d->text, t, "-");
        ellipses += yh_token_ends(d->text, t, "...") || yh_token_ends(d->text, t, "…");
    }
    double n = lines->n > 0 ? (double)lines->n : 1;
    if (g->max_bullets > 0 && (double)bullets / n > g->max_bullets)
        return yh_draft_remove(d, step, (double)bullets / n, "gopher_too_many_bullets", err);
    if (g->max_ellipses > 0 && (double)ellipses / n > g->max_ellipses)
        return yh_draft_remove(d, step, (double)ellipses / n, "gopher_too_many_end_ellipsis", err);
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const gopher *g = state;
    word_counts c = {0};
    YH_TRY(count_words(g, d, &c, err));
    double n = c.n > 0 ? (double)c.n : 1, counted = (double)c.counted;
    if (g->min_words > 0 && counted < g->min_words)
        return yh_draft_remove(d, step, counted, "gopher_short_doc", err);
    if (g->max_words > 0 && counted > g->max_words)
        return yh_draft_remove(d, step, counted, "gopher_long_doc", err);
    if (c.counted > 0 && g->min_mean_length > 0 && c.length < g->min_mean_length)
        return yh_draft_remove(d, step, c.length, "gopher_below_avg_threshold", err);
    if (c.counted > 0 && g->max_mean_length > 0 && c.length > g->max_mean_length)
        return yh_draft_remove(d, step, c.length, "gopher_above_avg_threshold", err);
    double hashes = (double)count_text(d, "#") / n;
    double ellipses = (double)(count_text(d, "...") + count_text(d, "…")) / n;
    if (g->max_symbols > 0 && hashes > g->max_symbols)
        return yh_draft_remove(d, step, hashes, "gopher_too_many_hashes", err);
    if (g->max_symbols > 0 && ellipses > g->max_symbols)
        return yh_draft_remove(d, step, ellipses, "gopher_too_many_ellipsis", err);
    YH_TRY(by_lines(g, d, step, err));
    if (d->removed_by < 0 && g->min_alpha > 0 && (double)c.alpha / n < g->min_alpha)
        return yh_draft_remove(d, step, (double)c.alpha / n, "gopher_below_alpha_threshold", err);
    if (d->removed_by < 0 && g->min_stop_words > 0 && (double)c.stop < g->min_stop_words)
        return yh_draft_remove(d, step, (double)c.stop, "gopher_enough_stop_words", err);
    return YH_OK;
}

const yh_rule yh_rule_gopher_quality = {
    .name = "gopher_quality",
    .doc = "removes documents that are not made like prose: words, symbols, bullets, stop words",
    .source = "Rae et al., Scaling Language Models (Gopher), 2021, section A1.1",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
