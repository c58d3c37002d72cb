/* RefinedWeb's corrections of lines: what web pages keep around a text although they were extracted
 * well. The thresholds that the paper leaves open are those of DCLM's reproduction. */
#include <utf8proc.h>

#include "rules/patterns.h"
#include "rules/rule.h"
#include "rules/view.h"
#include "rules/words.h"
#include "text/utf8.h"

typedef struct refinedweb {
    yh_word_rule words;
    yh_patterns *any; /* all phrases: most lines have none of them */
    json_t *counters, *begin, *end, *inside;
    double max_upper, max_digits, min_words, max_edit_words, max_removed;
} refinedweb;

static const yh_param params[] = {
    {"words", YH_PARAM_TEXT, "\"space\"",
     "what a word of the document is, for max_removed: as for gopher_quality", 0, 0},
    {"dictionary", YH_PARAM_TEXT, "\"\"", "file of Chinese words; empty: that of python3-jieba", 0,
     0},
    {"max_upper", YH_PARAM_NUMBER, "0.5", "most of a line's characters that are capitals", 0, 1},
    {"max_digits", YH_PARAM_NUMBER, "0.999999",
     "most of a line's characters that are digits; the default: not all of them", 0, 1},
    {"counters", YH_PARAM_LIST,
     "[\"likes\",\"shares\",\"comments\",\"retweets\",\"reposts\",\"quotes\",\"bookmarks\","
     "\"upvotes\",\"downvotes\",\"downloads\",\"views\",\"followers\"]",
     "a line of a number and one of these is cut; in small letters", 0, 0},
    {"min_words", YH_PARAM_NUMBER, "2", "fewest words of a line, between blanks", 0, 1e6},
    {"begin", YH_PARAM_LIST, "[\"sign-in\"]", "cut where a short line begins with it", 0, 0},
    {"end", YH_PARAM_LIST, "[\"read more...\",\"read more…\"]",
     "cut where a short line ends with it", 0, 0},
    {"inside", YH_PARAM_LIST, "[\"items in cart\"]", "cut anywhere in a short line", 0, 0},
    {"max_edit_words", YH_PARAM_NUMBER, "10", "words of a short line, at most", 0, 1e6},
    {"max_removed", YH_PARAM_NUMBER, "0.05",
     "the document goes when its lines lost more of its words; 1: it stays", 0, 1},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    refinedweb *r = state;
    yh_word_rule_fini(&r->words);
    yh_patterns_free(r->any);
    json_decref(r->counters);
    json_decref(r->begin);
    json_decref(r->end);
    json_decref(r->inside);
    yh_free(r);
}

static yh_status compile(refinedweb *r, yh_err *err)
{
    const json_t *list[] = {r->inside, r->end, r->begin};
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        n += json_array_size(list[i]);
    const char **text = yh_calloc(n + 1, sizeof *text);
    if (text == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu phrases", n);
    n = 0;
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < json_array_size(list[i]); k++)
            text[n++] = json_string_value(json_array_get(list[i], k));
    yh_status s = n > 0 ? yh_patterns_create(&r->any, text, NULL, n, YH_PATTERNS_FOLD, err) : YH_OK;
    yh_free(text);
    return s;
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    refinedweb *r = yh_calloc(1, sizeof *r);
    if (r == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = r;
    r->max_upper = yh_param_number(p, "max_upper");
    r->max_digits = yh_param_number(p, "max_digits");
    r->min_words = yh_param_number(p, "min_words");
    r->max_edit_words = yh_param_number(p, "max_edit_words");
    r->max_removed = yh_param_number(p, "max_removed");
    r->counters = json_incref(json_object_get(p, "counters"));
    r->begin = json_incref(json_object_get(p, "begin"));
    r->end = json_incref(json_object_get(p, "end"));
    r->inside = json_incref(json_object_get(p, "inside"));
    YH_TRY(compile(r, err));
    return yh_word_rule_create(&r->words, p, err);
}

/* ------------------------------------------------------------------ whole lines */

static uint32_t char_at(const char *p, size_t i, int *len)
{
    return yh_utf8_next((const uint8_t *)p + i, len);
}

/* Capitals as Python's str.isupper: letters, Roman numerals, letters in circles and squares. */
static bool upper(uint32_t cp)
{
    return yh_char_upper(cp) || (cp >= 0x2160 && cp <= 0x216f) || (cp >= 0x24b6 && cp <= 0x24cf) ||
           (cp >= 0x1f130 && cp <= 0x1f149) || (cp >= 0x1f150 && cp <= 0x1f169) ||
           (cp >= 0x1f170 && cp <= 0x1f189);
}

static bool digit(uint32_t cp)
{
    return cp < 0x80 ? cp - '0' < 10u : yh_char_digit(cp);
}

typedef struct line_counts {
    size_t upper, digits, words;
} line_counts;

static line_counts count(const char *p, size_t n)
{
    line_counts c = {0};
    bool in_word = false;
    for (size_t i = 0; i < n;) {
        int len = 1;
        uint32_t cp = (uint8_t)p[i];
        if (cp < 0x80) {
            c.upper += cp - 'A' < 26u;
            c.digits += cp - '0' < 10u;
        } else {
            cp = char_at(p, i, &len);
            c.upper += upper(cp);
            c.digits += yh_char_digit(cp);
        }
        bool space = yh_char_space(cp);
        c.words += !space && !in_word;
        in_word = !space;
        i += (size_t)len;
    }
    return c;
}

/* Whether the characters from i on are the word `what`, whatever their case. */
static bool same_word(const char *p, size_t n, size_t *i, const char *what)
{
    size_t at = *i, k = 0, m = strlen(what);
    while (k < m && at < n) {
        int a, b;
        uint32_t x = char_at(p, at, &a), y = char_at(what, k, &b);
        if ((uint32_t)utf8proc_tolower((int32_t)x) != y)
            return false;
        at += (size_t)a;
        k += (size_t)b;
    }
    *i = at;
    return k == m;
}

/* A number, perhaps with k, m or b, blanks, one of the words; and else no letter or digit. */
static bool counter(const refinedweb *r, const char *p, size_t n)
{
    size_t i = 0;
    int len = 0;
    while (i < n && !yh_char_word(char_at(p, i, &len)))
        i += (size_t)len;
    if (i == n || !digit(char_at(p, i, &len)))
        return false;
    while (i < n && (p[i] == ',' || p[i] == '.' || digit(char_at(p, i, &len))))
        i += p[i] == ',' || p[i] == '.' ? 1 : (size_t)len;
    if (i < n && strchr("kmbKMB", p[i]) != NULL)
        i++;
    size_t blank = i;
    while (i < n && yh_char_space(char_at(p, i, &len)))
        i += (size_t)len;
    if (i == blank)
        return false;
    for (size_t k = 0; k < json_array_size(r->counters); k++) {
        size_t at = i;
        if (!same_word(p, n, &at, json_string_value(json_array_get(r->counters, k))))
            continue;
        while (at < n && !yh_char_word(char_at(p, at, &len)))
            at += (size_t)len;
        if (at == n)
            return true;
    }
    return false;
}

/* Why the whole line goes; NULL: it does not. */
static const char *judge(const refinedweb *r, const char *p, yh_token t, size_t *words)
{
    const char *text = p + t.at;
    line_counts c = count(text, t.len);
    *words = c.words;
    if ((double)c.upper / t.chars > r->max_upper)
        return "mainly_upper";
    if ((double)c.digits / t.chars > r->max_digits)
        return "only_digits";
    if (c.digits > 0 && counter(r, text, t.len))
        return "counter";
    return (double)c.words < r->min_words ? "few_words" : NULL;
}

/* ------------------------------------------------------------------ parts of lines */

/* What is left of a line, and where each byte stood. */
typedef struct rest {
    char *text;
    uint32_t *at;
    size_t n;
} rest;

static bool equal(const char *p, const char *what, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char a = p[i], b = what[i];
        a = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a);
        b = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
        if (a != b)
            return false;
    }
    return true;
}

/* Bytes of the first phrase of the list that stands at i; 0: none. */
static size_t phrase_at(const json_t *list, const rest *x, size_t i)
{
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *v = json_array_get(list, k);
        size_t n = json_string_length(v);
        if (n > 0 && n <= x->n - i && equal(x->text + i, json_string_value(v), n))
            return n;
    }
    return 0;
}

static void drop(rest *x, size_t i, size_t n)
{
    memmove(x->text + i, x->text + i + n, x->n - i - n);
    memmove(x->at + i, x->at + i + n, (x->n - i - n) * sizeof *x->at);
    x->n -= n;
}

/* Takes out phrases anywhere, each with one blank before it. */
static void edit_inside(const refinedweb *r, rest *x)
{
    size_t out = 0;
    for (size_t i = 0; i < x->n;) {
        int len;
        size_t blank = yh_char_space(char_at(x->text, i, &len)) ? (size_t)len : 0;
        size_t n = blank > 0 && i + blank < x->n ? phrase_at(r->inside, x, i + blank) : 0;
        if (n > 0)
            n += blank;
        else
            n = phrase_at(r->inside, x, i);
        if (n > 0) {
            i += n;
            continue;
        }
        for (int k = 0; k < len; k++, i++, out++) {
            x->text[out] = x->text[i];
            x->at[out] = x->at[i];
        }
    }
    x->n = out;
}

static void edit_ends(const refinedweb *r, rest *x)
{
    size_t longest = 0;
    for (size_t k = 0; k < json_array_size(r->end); k++) {
        const json_t *v = json_array_get(r->end, k);
        size_t n = json_string_length(v);
        if (n <= x->n && n > longest && equal(x->text + x->n - n, json_string_value(v), n))
            longest = n;
    }
    if (longest > 0) {
        size_t i = x->n - longest, before = i;
        int len;
        while (before > 0 && ((uint8_t)x->text[--before] & 0xc0) == 0x80)
            ;
        if (i > 0 && yh_char_space(char_at(x->text, before, &len)))
            i = before;
        x->n = i;
    }
    size_t n = x->n > 0 ? phrase_at(r->begin, x, 0) : 0;
    int len;
    if (n > 0) {
        if (n < x->n && yh_char_space(char_at(x->text, n, &len)))
            n += (size_t)len;
        drop(x, 0, n);
    }
}

typedef struct cuts {
    yh_span *span;
    size_t n, cap;
} cuts;

static yh_status cut(cuts *c, size_t at, size_t len, const char *why, yh_err *err)
{
    yh_span *more = yh_grow(c->span, &c->cap, c->n + 1, sizeof *more);
    if (more == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu lines", c->n + 1);
    c->span = more;
    c->span[c->n++] = (yh_span){.at = at, .len = len, .score = 0, .evidence = why};
    return YH_OK;
}

/* A short line that has a phrase somewhere. */
static yh_status edit(const refinedweb *r, const yh_draft *d, yh_token t, cuts *c, yh_err *err)
{
    rest x = {.text = yh_malloc(t.len), .at = yh_malloc(t.len * sizeof *x.at), .n = t.len};
    yh_status s = x.text == NULL || x.at == NULL
                      ? yh_fail(err, YH_NOMEM, "no memory for a line of %u bytes", t.len)
                      : YH_OK;
    if (s == YH_OK) {
        memcpy(x.text, d->text + t.at, t.len);
        for (uint32_t i = 0; i < t.len; i++)
            x.at[i] = i;
        edit_inside(r, &x);
        edit_ends(r, &x);
        line_counts left = count(x.text, x.n);
        if (left.words == 0) {
            s = cut(c, t.at, (size_t)t.len + (t.at + t.len < d->len), "phrase", err);
        } else {
            size_t next = 0;
            for (size_t k = 0; k <= x.n && s == YH_OK; k++) {
                size_t at = k < x.n ? x.at[k] : t.len;
                if (at > next)
                    s = cut(c, t.at + next, at - next, "phrase", err);
                next = at + 1;
            }
        }
    }
    yh_free(x.text);
    yh_free(x.at);
    return s;
}

static yh_status find_cuts(const refinedweb *r, yh_draft *d, cuts *c, yh_err *err)
{
    const yh_tokens *lines;
    YH_TRY(yh_view_lines(d, &lines, err));
    for (size_t i = 0; i < lines->n; i++) {
        yh_token t = lines->t[i];
        size_t words = 0;
        if (t.len == 0)
            continue;
        const char *why = judge(r, d->text, t, &words);
        if (why != NULL)
            YH_TRY(cut(c, t.at, (size_t)t.len + (t.at + t.len < d->len), why, err));
        else if ((double)words <= r->max_edit_words && r->any != NULL &&
                 yh_patterns_find(r->any, d->text + t.at, t.len, NULL))
            YH_TRY(edit(r, d, t, c, err));
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ the document */

/* The share of the words that the cuts take. */
static yh_status lost(const refinedweb *r, yh_draft *d, const cuts *c, double *share, yh_err *err)
{
    const yh_tokens *words;
    yh_tokens left = {0};
    yh_buf b;
    yh_buf_init(&b, 0);
    size_t at = 0;
    yh_status s = yh_view_words(d, &r->words, &words, err);
    for (size_t i = 0; i <= c->n && s == YH_OK; i++) {
        size_t end = i < c->n ? c->span[i].at : d->len;
        s = yh_buf_add(&b, d->text + at, end - at, err);
        at = i < c->n ? end + c->span[i].len : end;
    }
    if (s == YH_OK && b.len > 0)
        s = yh_words_of(&r->words, yh_view_kind(d, &r->words), &left, b.data, 0, b.len, err);
    *share =
        s == YH_OK && words->n > 0 ? ((double)words->n - (double)left.n) / (double)words->n : 0;
    yh_tokens_fini(&left);
    yh_buf_fini(&b);
    return s;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const refinedweb *r = state;
    cuts c = {0};
    double share = 0;
    yh_status s = find_cuts(r, d, &c, err);
    if (s == YH_OK && c.n > 0 && r->max_removed < 1)
        s = lost(r, d, &c, &share, err);
    if (s == YH_OK && share > r->max_removed)
        s = yh_draft_remove(d, step, share, "refinedweb_lines_removed", err);
    else if (s == YH_OK && c.n > 0)
        s = yh_draft_cut_spans(d, step, c.span, c.n, err);
    yh_free(c.span);
    return s;
}

const yh_rule yh_rule_refinedweb_lines = {
    .name = "refinedweb_lines",
    .doc = "cuts counters, capitals, numbers, single words and shop phrases among lines",
    .source = "Penedo et al., The RefinedWeb Dataset, 2023, appendix G.2; Li et al., DCLM, 2024",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
