/* ChineseWebText's rules before its classifiers: length, lines, share of Chinese, sensitive words,
 * repetition. Its demand that a document be in Simplified characters is left out: `simplify` makes
 * it so. */
#include <utf8proc.h>

#include "base/rng.h"
#include "rules/list.h"
#include "rules/patterns.h"
#include "rules/rule.h"
#include "rules/view.h"
#include "text/utf8.h"

typedef struct webtext {
    yh_patterns *sensitive; /* NULL: none */
    size_t n_sensitive;
    double min_chars, min_line, min_han, max_sensitive, max_repeated;
} webtext;

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "200", "characters; there must be more", 0, 1e12},
    {"min_line", YH_PARAM_NUMBER, "10", "least mean line, characters", 0, 1e9},
    {"min_han", YH_PARAM_NUMBER, "0.3", "least share of Chinese characters", 0, 1},
    {"file", YH_PARAM_TEXT, "\"\"", "path of a list of sensitive words, one a line; empty: none", 0,
     0},
    {"list", YH_PARAM_LIST, "[]", "more sensitive words", 0, 0},
    {"max_sensitive", YH_PARAM_NUMBER, "0.5", "most different sensitive words per line", 0, 1e6},
    {"max_repeated", YH_PARAM_NUMBER, "0.5",
     "most sequences of 13 characters that occur more than once", 0, 1},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    webtext *w = state;
    yh_patterns_free(w->sensitive);
    yh_free(w);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    webtext *w = yh_calloc(1, sizeof *w);
    if (w == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = w;
    w->min_chars = yh_param_number(p, "min_chars");
    w->min_line = yh_param_number(p, "min_line");
    w->min_han = yh_param_number(p, "min_han");
    w->max_sensitive = yh_param_number(p, "max_sensitive");
    w->max_repeated = yh_param_number(p, "max_repeated");
    const char *path = yh_param_text(p, "file");
    const json_t *more = json_object_get(p, "list");
    yh_list file;
    yh_list_init(&file);
    yh_status s = path[0] != '\0' ? yh_list_load(&file, path, err) : YH_OK;
    size_t n = file.n + json_array_size(more);
    const char **word = yh_calloc(n + 1, sizeof *word);
    if (s == YH_OK && word == NULL)
        s = yh_fail(err, YH_NOMEM, "no memory for %zu words", n);
    for (size_t i = 0; s == YH_OK && i < n; i++)
        word[i] =
            i < file.n ? file.entry[i].text : json_string_value(json_array_get(more, i - file.n));
    if (s == YH_OK && n > 0)
        s = yh_patterns_create(&w->sensitive, word, NULL, n, 0, err);
    w->n_sensitive = n;
    yh_free(word);
    yh_list_fini(&file);
    return s;
}

typedef struct seen {
    uint8_t *bit;
    size_t n;
} seen;

static bool note(void *ctx, const yh_match *m)
{
    seen *s = ctx;
    s->n += s->bit[m->pattern] == 0;
    s->bit[m->pattern] = 1;
    return true;
}

static yh_status sensitive(const webtext *w, const yh_draft *d, size_t *n, yh_err *err)
{
    seen s = {yh_calloc(w->n_sensitive, 1), 0};
    if (s.bit == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    yh_patterns_scan(w->sensitive, d->text, d->len, note, &s);
    yh_free(s.bit);
    *n = s.n;
    return YH_OK;
}

enum { GRAM = 13 };

/* Hashes of all sequences of 13 characters of the text in small letters and without blanks. */
static size_t sequences(const yh_draft *d, uint64_t *out)
{
    static const uint64_t base = 0x9e3779b97f4a7c15ull;
    uint64_t ring[GRAM] = {0}, h = 0, top = 1;
    size_t n = 0;
    for (int i = 0; i < GRAM; i++)
        top *= base;
    for (size_t i = 0; i < d->len;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        i += (size_t)len;
        if (cp == ' ' || cp == '\n' || cp == '\t')
            continue;
        uint64_t v = yh_mix64((uint64_t)utf8proc_tolower((int32_t)cp) + 1);
        h = h * base + v - ring[n % GRAM] * top;
        ring[n % GRAM] = v;
        n++;
        if (n >= GRAM)
            out[n - GRAM] = yh_mix64(h) | 1;
    }
    return n >= GRAM ? n - GRAM + 1 : 0;
}

static yh_status repeated(yh_draft *d, size_t chars, double *share, yh_err *err)
{
    size_t slots = 16, again = 0;
    while (slots < 2 * chars)
        slots *= 2;
    uint64_t *hash = yh_malloc((chars + 1) * sizeof *hash);
    struct slot {
        uint64_t hash;
        size_t n;
    } *table = yh_calloc(slots, sizeof *table);
    yh_status s = hash == NULL || table == NULL
                      ? yh_fail(err, YH_NOMEM, "no memory to count %zu sequences", chars)
                      : YH_OK;
    size_t n = s == YH_OK ? sequences(d, hash) : 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = hash[i] & (slots - 1);
        while (table[k].n > 0 && table[k].hash != hash[i])
            k = (k + 1) & (slots - 1);
        table[k].hash = hash[i];
        again += table[k].n == 0 ? 0 : table[k].n == 1 ? 2 : 1;
        table[k].n++;
    }
    *share = n > 0 ? (double)again / (double)n : 0;
    yh_free(hash);
    yh_free(table);
    return s;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const webtext *w = state;
    const yh_tokens *lines;
    size_t chars = 0, han = 0, words = 0;
    YH_TRY(yh_view_lines(d, &lines, err));
    double n_lines = lines->n > 0 ? (double)lines->n : 1, share = 0;
    for (size_t i = 0; i < d->len; chars++) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        han += cp >= 0x4e00 && cp <= 0x9fa5;
        i += (size_t)len;
    }
    double n = (double)chars;
    if (n <= w->min_chars)
        return yh_draft_remove(d, step, n, "webtext_short", err);
    if (n / n_lines < w->min_line)
        return yh_draft_remove(d, step, n / n_lines, "webtext_lines", err);
    if (n > 0 && (double)han / n < w->min_han)
        return yh_draft_remove(d, step, (double)han / n, "webtext_han", err);
    if (w->sensitive != NULL)
        YH_TRY(sensitive(w, d, &words, err));
    if ((double)words / n_lines > w->max_sensitive)
        return yh_draft_remove(d, step, (double)words / n_lines, "webtext_sensitive", err);
    YH_TRY(repeated(d, chars, &share, err));
    return share > w->max_repeated ? yh_draft_remove(d, step, share, "webtext_repeated", err)
                                   : YH_OK;
}

const yh_rule yh_rule_chinesewebtext = {
    .name = "chinesewebtext",
    .doc = "removes documents that ChineseWebText's rules remove",
    .source = "Chen et al., ChineseWebText, 2023, section 3.2",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
