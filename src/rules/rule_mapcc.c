/* MAP-CC's rules for Chinese documents, with the thresholds of its paper. Its published code does
 * not do all that the paper says (duplicate sentences are not counted, results of the repetition
 * rules not looked at); here each rule does. Counted on the text as it stands: put `normalize`
 * before. */
#include <math.h>

#include "rules/ngrams.h"
#include "rules/rule.h"
#include "rules/view.h"
#include "rules/words.h"
#include "text/utf8.h"

typedef struct mapcc {
    yh_word_rule words;
    yh_rule_step repetition;
    double min_chars, max_chars, min_sentences, min_mean_length, max_mean_length, max_hashes,
        max_ellipses, max_brackets, max_digits, max_read_more, max_bullets, min_unique, min_entropy,
        min_language, dup_sentences, dup_sentence_chars;
    bool punctuation;
    json_t *read_more; /* a reference */
} mapcc;

#define REPEATED(n)                                                                                \
    {                                                                                              \
        "dup_" #n, YH_PARAM_NUMBER, "0.6",                                                         \
            "most characters in repeated sequences of " #n " words", 0, 1                          \
    }
static const yh_param params[] = {
    {"words", YH_PARAM_TEXT, "\"chinese\"", "what a word is: chinese, or as for gopher_quality", 0,
     0},
    {"dictionary", YH_PARAM_TEXT, "\"\"", "file of Chinese words; empty: that of python3-jieba", 0,
     0},
    {"min_sentences", YH_PARAM_NUMBER, "2", "fewest sentences", 0, 1e9},
    {"min_chars", YH_PARAM_NUMBER, "50", "fewest characters", 0, 1e12},
    {"max_chars", YH_PARAM_NUMBER, "10000", "most characters, of articles; 0: any, for books", 0,
     1e12},
    {"min_mean_length", YH_PARAM_NUMBER, "1.3", "shortest mean word, characters", 0, 1e6},
    {"max_mean_length", YH_PARAM_NUMBER, "10", "longest mean word", 0, 1e6},
    {"max_hashes", YH_PARAM_NUMBER, "0.1", "most runs of # per character", 0, 1},
    {"max_ellipses", YH_PARAM_NUMBER, "0.1", "most ellipses per character", 0, 1},
    {"max_brackets", YH_PARAM_NUMBER, "0.1", "most characters inside 【】", 0, 1},
    {"max_digits", YH_PARAM_NUMBER, "0.3", "most digits among characters that are no punctuation",
     0, 1},
    {"max_read_more", YH_PARAM_NUMBER, "0.3", "most lines that end with one of `read_more`", 0, 1},
    {"read_more", YH_PARAM_LIST, "[\"readmore\",\"展开\",\"更多\",\"。。。\"]",
     "what ends a line that is cut short", 0, 0},
    {"max_bullets", YH_PARAM_NUMBER, "0.9", "most lines that begin with a bullet", 0, 1},
    {"punctuation", YH_PARAM_BOOL, "true", "there must be some", 0, 0},
    {"min_unique", YH_PARAM_NUMBER, "0.1",
     "different characters per character must be more; 0: any, for books", 0, 1},
    {"min_entropy", YH_PARAM_NUMBER, "3", "least entropy of the characters, nats", 0, 20},
    {"min_language", YH_PARAM_NUMBER, "0.4",
     "least confidence of the rule `language`, when that ran before", 0, 1},
    {"dup_sentences", YH_PARAM_NUMBER, "0.3", "most sentences that equal an earlier one", 0, 1},
    {"dup_sentence_chars", YH_PARAM_NUMBER, "0.2", "most characters in these", 0, 1},
    {"top_2", YH_PARAM_NUMBER, "0.2", "most characters in the commonest pair of words", 0, 1},
    {"top_3", YH_PARAM_NUMBER, "0.18", "the same of three words", 0, 1},
    {"top_4", YH_PARAM_NUMBER, "0.16", "of four", 0, 1},
    REPEATED(5),
    REPEATED(6),
    REPEATED(7),
    REPEATED(8),
    REPEATED(9),
    REPEATED(10),
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    mapcc *m = state;
    yh_word_rule_fini(&m->words);
    yh_rule_step_free(&m->repetition);
    json_decref(m->read_more);
    yh_free(m);
}

/* gopher_repetition, for n-grams alone. */
static yh_status repetition(mapcc *m, const json_t *p, yh_err *err)
{
    static const char *const same[] = {"words", "dictionary", "top_2", "top_3", "top_4", "dup_5",
                                       "dup_6", "dup_7",      "dup_8", "dup_9", "dup_10"};
    json_t *given = json_pack("{s:i,s:i,s:i,s:i}", "dup_line_frac", 0, "dup_para_frac", 0,
                              "dup_line_char_frac", 0, "dup_para_char_frac", 0);
    bool good = given != NULL;
    for (size_t i = 0; good && i < sizeof same / sizeof *same; i++)
        good = json_object_set(given, same[i], json_object_get(p, same[i])) == 0;
    yh_status s = good ? yh_rule_step_create(&m->repetition, yh_rule_find("gopher_repetition"),
                                             given, "mapcc", err)
                       : yh_fail(err, YH_NOMEM, "no memory for a rule");
    json_decref(given);
    return s;
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    mapcc *m = yh_calloc(1, sizeof *m);
    if (m == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = m;
    m->min_chars = yh_param_number(p, "min_chars");
    m->max_chars = yh_param_number(p, "max_chars");
    m->min_sentences = yh_param_number(p, "min_sentences");
    m->min_mean_length = yh_param_number(p, "min_mean_length");
    m->max_mean_length = yh_param_number(p, "max_mean_length");
    m->max_hashes = yh_param_number(p, "max_hashes");
    m->max_ellipses = yh_param_number(p, "max_ellipses");
    m->max_brackets = yh_param_number(p, "max_brackets");
    m->max_digits = yh_param_number(p, "max_digits");
    m->max_read_more = yh_param_number(p, "max_read_more");
    m->max_bullets = yh_param_number(p, "max_bullets");
    m->min_unique = yh_param_number(p, "min_unique");
    m->min_entropy = yh_param_number(p, "min_entropy");
    m->min_language = yh_param_number(p, "min_language");
    m->dup_sentences = yh_param_number(p, "dup_sentences");
    m->dup_sentence_chars = yh_param_number(p, "dup_sentence_chars");
    m->punctuation = yh_param_bool(p, "punctuation");
    m->read_more = json_incref(json_object_get(p, "read_more"));
    YH_TRY(yh_word_rule_create(&m->words, p, err));
    return repetition(m, p, err);
}

/* ------------------------------------------------------------------ characters */

enum { PAGES = 0x1100, PAGE = 256 };

/* How often each character occurs, by pages of 256 that are made when needed. */
typedef struct counts {
    uint16_t page[PAGES]; /* number + 1 */
    uint32_t (*table)[PAGE];
    size_t n, cap;
    size_t chars, bare, digits, hashes, ellipses, inside, marks; /* bare: no punctuation */
} counts;

static yh_status tally(counts *c, uint32_t cp, yh_err *err)
{
    if (c->page[cp / PAGE] == 0) {
        void *more = yh_grow(c->table, &c->cap, c->n + 1, sizeof *c->table);
        if (more == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to count characters");
        c->table = more;
        memset(c->table[c->n], 0, sizeof *c->table);
        c->page[cp / PAGE] = (uint16_t)++c->n;
    }
    c->table[c->page[cp / PAGE] - 1][cp % PAGE]++;
    return YH_OK;
}

/* Characters of every 【...】 that ends on its line, the brackets not counted. */
static size_t inside_brackets(const yh_draft *d)
{
    static const char open[] = "【", shut[] = "】";
    const char *p = d->text, *end = p + d->len;
    size_t n = 0;
    while (p < end && (p = memmem(p, (size_t)(end - p), open, 3)) != NULL) {
        const char *from = p + 3, *line = memchr(from, '\n', (size_t)(end - from));
        const char *to = line != NULL ? line : end;
        const char *q = memmem(from, (size_t)(to - from), shut, 3);
        for (const char *k = from; q != NULL && k < q; k++)
            n += ((uint8_t)*k & 0xc0) != 0x80;
        p = q != NULL ? q + 3 : to;
    }
    return n;
}

static yh_status count_chars(const yh_draft *d, counts *c, yh_err *err)
{
    uint32_t before = 0, run = 0;
    for (size_t i = 0; i < d->len;) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)d->text + i, &len);
        bool han = yh_char_han(cp), space = !han && yh_char_space(cp);
        YH_TRY(tally(c, cp, err));
        run = cp == before ? run + 1 : 1;
        c->chars++;
        c->bare += han || space || yh_char_word(cp);
        c->digits += cp < 0x80 ? cp - '0' < 10u : !han && yh_char_digit(cp);
        c->hashes += (cp == '#' || cp == 0xff03) && run == 1;
        c->ellipses += (cp == 0x2026 && run == 1) || ((cp == '.' || cp == 0x3002) && run == 2);
        c->marks += cp < 0x80 ? cp > 32 && cp < 127 && (cp == '_' || !yh_char_word(cp))
                              : !han && yh_char_punctuation(cp);
        before = cp;
        i += (size_t)len;
    }
    c->inside = inside_brackets(d);
    return YH_OK;
}

static void spread(const counts *c, double *unique, double *entropy)
{
    double n = c->chars > 0 ? (double)c->chars : 1;
    size_t different = 0;
    *entropy = 0;
    for (size_t i = 0; i < c->n; i++)
        for (int k = 0; k < PAGE; k++)
            if (c->table[i][k] > 0) {
                double p = c->table[i][k] / n;
                *entropy -= p * log(p);
                different++;
            }
    *unique = (double)different / n;
}

static yh_status by_chars(const mapcc *m, yh_draft *d, int step, const counts *c, yh_err *err)
{
    double n = c->chars > 0 ? (double)c->chars : 1, bare = c->bare > 0 ? (double)c->bare : 1;
    double unique, entropy;
    spread(c, &unique, &entropy);
    const struct {
        double value, limit;
        bool bad;
        const char *why;
    } test[] = {
        {n, m->min_chars, (double)c->chars < m->min_chars, "mapcc_short"},
        {n, m->max_chars, m->max_chars > 0 && (double)c->chars > m->max_chars, "mapcc_long"},
        {(double)c->inside / n, m->max_brackets, (double)c->inside / n > m->max_brackets,
         "mapcc_brackets"},
        {(double)c->hashes / n, m->max_hashes, (double)c->hashes / n > m->max_hashes,
         "mapcc_hashes"},
        {(double)c->ellipses / n, m->max_ellipses, (double)c->ellipses / n > m->max_ellipses,
         "mapcc_ellipses"},
        {(double)c->digits / bare, m->max_digits, (double)c->digits / bare > m->max_digits,
         "mapcc_digits"},
        {0, 0, m->punctuation && c->marks == 0, "mapcc_no_punctuation"},
        {unique, m->min_unique, m->min_unique > 0 && unique <= m->min_unique, "mapcc_unique"},
        {entropy, m->min_entropy, entropy < m->min_entropy, "mapcc_entropy"},
    };
    for (size_t i = 0; i < sizeof test / sizeof *test; i++)
        if (test[i].bad)
            return yh_draft_remove(d, step, test[i].value, test[i].why, err);
    return YH_OK;
}

/* ------------------------------------------------------------------ sentences, lines, words */

static bool ends_sentence(uint32_t cp)
{
    static const uint32_t end[] = {'.',    '!',    '?',    ';',    '"',    0x2026,
                                   0x3002, 0xff01, 0xff1f, 0xff1b, 0x201c, 0x201d};
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (cp == end[i])
            return true;
    return false;
}

static yh_status by_sentences(const mapcc *m, yh_draft *d, int step, yh_tokens *all, yh_err *err)
{
    size_t from = 0, chars = 0, total = 0;
    for (size_t i = 0; i <= d->len;) {
        int len = 1;
        uint32_t cp = i < d->len ? yh_utf8_next((const uint8_t *)d->text + i, &len) : '.';
        if (ends_sentence(cp)) {
            yh_token t = yh_token_strip(
                d->text, (yh_token){(uint32_t)from, (uint32_t)(i - from), (uint32_t)chars});
            if (t.len > 0)
                YH_TRY(yh_tokens_add(all, t.at, t.len, t.chars, err));
            total += t.len > 0 ? t.chars : 0;
            from = i + (size_t)len;
            chars = 0;
        } else {
            chars++;
        }
        i += (size_t)len;
    }
    if ((double)all->n < m->min_sentences)
        return yh_draft_remove(d, step, (double)all->n, "mapcc_sentences", err);
    yh_repeats r;
    YH_TRY(yh_repeated(d->text, all->t, all->n, false, &r, err));
    double n = all->n > 0 ? (double)all->n : 1,
           share = total > 0 ? (double)r.chars / (double)total : 0;
    if ((double)r.n / n > m->dup_sentences)
        return yh_draft_remove(d, step, (double)r.n / n, "mapcc_dup_sentences", err);
    if (share > m->dup_sentence_chars)
        return yh_draft_remove(d, step, share, "mapcc_dup_sentence_chars", err);
    return YH_OK;
}

static bool bullet(const char *text, yh_token t)
{
    static const char *const mark[] = {"•", "●", "○", "■", "□", "▪", "▫", "※",
                                       "·", "➢", "‣", "▶", "◀", "◦", "–"};
    for (size_t i = 0; i < sizeof mark / sizeof *mark; i++)
        if (yh_token_begins(text, t, mark[i]))
            return true;
    return false;
}

static yh_status by_lines(const mapcc *m, yh_draft *d, int step, yh_err *err)
{
    const yh_tokens *lines;
    size_t more = 0, bullets = 0;
    YH_TRY(yh_view_splitlines(d, &lines, err));
    for (size_t i = 0; i < lines->n; i++) {
        bullets += bullet(d->text, lines->t[i]);
        for (size_t k = 0; k < json_array_size(m->read_more); k++)
            if (yh_token_ends(d->text, lines->t[i],
                              json_string_value(json_array_get(m->read_more, k)))) {
                more++;
                break;
            }
    }
    double n = lines->n > 0 ? (double)lines->n : 1;
    if ((double)more / n > m->max_read_more)
        return yh_draft_remove(d, step, (double)more / n, "mapcc_read_more", err);
    if ((double)bullets / n > m->max_bullets)
        return yh_draft_remove(d, step, (double)bullets / n, "mapcc_bullets", err);
    return YH_OK;
}

static yh_status by_words(const mapcc *m, yh_draft *d, int step, yh_err *err)
{
    const yh_tokens *words;
    size_t n = 0, chars = 0;
    YH_TRY(yh_view_words(d, &m->words, &words, err));
    for (size_t i = 0; i < words->n; i++) {
        const yh_token *t = &words->t[i];
        bool real = false;
        for (uint32_t k = 0; k < t->len && !real;) {
            int len;
            real = yh_char_word(yh_utf8_next((const uint8_t *)d->text + t->at + k, &len));
            k += (uint32_t)len;
        }
        n += real;
        chars += real ? t->chars : 0;
    }
    double mean = n > 0 ? (double)chars / (double)n : 0;
    if (mean < m->min_mean_length || mean > m->max_mean_length)
        return yh_draft_remove(d, step, mean, "mapcc_word_length", err);
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const mapcc *m = state;
    if (d->lang[0] != '\0' && d->lang_score < m->min_language)
        return yh_draft_remove(d, step, d->lang_score, "mapcc_language", err);
    counts *c = yh_calloc(1, sizeof *c);
    yh_tokens sentences = {0};
    yh_status s =
        c == NULL ? yh_fail(err, YH_NOMEM, "no memory for a rule") : count_chars(d, c, err);
    if (s == YH_OK)
        s = by_chars(m, d, step, c, err);
    if (c != NULL)
        yh_free(c->table);
    yh_free(c);
    if (s == YH_OK && d->removed_by < 0)
        s = by_sentences(m, d, step, &sentences, err);
    yh_tokens_fini(&sentences);
    if (s == YH_OK && d->removed_by < 0)
        s = by_lines(m, d, step, err);
    if (s == YH_OK && d->removed_by < 0)
        s = by_words(m, d, step, err);
    if (s == YH_OK && d->removed_by < 0)
        s = m->repetition.rule->apply(m->repetition.state, d, step, err);
    return s;
}

const yh_rule yh_rule_mapcc = {
    .name = "mapcc",
    .doc = "removes Chinese documents that MAP-CC's rules remove",
    .source = "Du et al., Chinese Tiny LLM, 2024; Zhang et al., MAP-Neo, 2024",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
