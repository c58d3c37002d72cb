/* C4's rules: lines that are sentences stay, pages with too few of them or with signs of code or
 * filler text go. */
#include "rules/rule.h"
#include "rules/patterns.h"
#include "rules/view.h"
#include "text/utf8.h"

typedef struct c4 {
    yh_word_rule words;
    yh_patterns *policy;
    bool paper, citations, terminal, lorem, javascript, bracket, by_policy;
    double min_sentences, min_words, max_word;
} c4;

static const yh_param params[] = {
    YH_WORD_PARAMS,
    {"parity", YH_PARAM_TEXT, "\"datatrove\"",
     "datatrove: a line may end with ', filler and { count in lines that stay; paper: it may not, "
     "they count in the whole page",
     0, 0},
    {"citations", YH_PARAM_BOOL, "true", "cut [1], [edit], [citation needed]", 0, 0},
    {"terminal", YH_PARAM_BOOL, "true", "lines must end with terminal punctuation", 0, 0},
    {"min_sentences", YH_PARAM_NUMBER, "5", "fewest sentences of a page; 0: any", 0, 1e9},
    {"min_words", YH_PARAM_NUMBER, "3", "fewest words of a line, between blanks; 0: any", 0, 1e9},
    {"max_word", YH_PARAM_NUMBER, "1000", "longest word of a line, characters; 0: any", 0, 1e9},
    {"lorem_ipsum", YH_PARAM_BOOL, "true", "remove pages with the filler text", 0, 0},
    {"javascript", YH_PARAM_BOOL, "true", "cut lines about JavaScript", 0, 0},
    {"curly_bracket", YH_PARAM_BOOL, "true", "remove pages with a {", 0, 0},
    {"policy", YH_PARAM_BOOL, "true", "cut lines about cookies, privacy and terms of use", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    c4 *c = state;
    yh_word_rule_fini(&c->words);
    yh_patterns_free(c->policy);
    yh_free(c);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    static const char *const policy[] = {"terms of use", "privacy policy", "cookie policy",
                                         "uses cookies", "use of cookies", "use cookies"};
    c4 *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = c;
    const char *parity = yh_param_text(p, "parity");
    c->paper = strcmp(parity, "paper") == 0;
    if (!c->paper && strcmp(parity, "datatrove") != 0)
        return yh_fail(err, YH_CORRUPT, "c4: \"parity\" is \"%s\"; there is datatrove, paper",
                       parity);
    c->citations = yh_param_bool(p, "citations");
    c->terminal = yh_param_bool(p, "terminal");
    c->lorem = yh_param_bool(p, "lorem_ipsum");
    c->javascript = yh_param_bool(p, "javascript");
    c->bracket = yh_param_bool(p, "curly_bracket");
    c->by_policy = yh_param_bool(p, "policy");
    c->min_sentences = yh_param_number(p, "min_sentences");
    c->min_words = yh_param_number(p, "min_words");
    c->max_word = yh_param_number(p, "max_word");
    YH_TRY(yh_patterns_create(&c->policy, policy, NULL, sizeof policy / sizeof *policy,
                              YH_PATTERNS_FOLD, err));
    return yh_word_rule_create(&c->words, p, err);
}

/* What becomes of a page: stretches to cut, and the lines that stay, for pages whose lines end in
 * other ways than \n. */
typedef struct page {
    const c4 *c;
    yh_draft *d;
    yh_word_kind kind;
    yh_span *cut;
    size_t n_cut, cap_cut;
    yh_buf line; /* of the present line what stays of it */
    yh_buf kept; /* what stays of the page, lines ended by \n */
    size_t sentences, n_kept;
    const char *drop; /* why the page goes */
} page;

static yh_status cut(page *g, size_t from, size_t to, const char *why, yh_err *err)
{
    if (from == to)
        return YH_OK;
    if (g->n_cut > 0 && g->cut[g->n_cut - 1].at + g->cut[g->n_cut - 1].len == from &&
        g->cut[g->n_cut - 1].evidence == why) {
        g->cut[g->n_cut - 1].len += to - from;
        return YH_OK;
    }
    yh_span *s = yh_grow(g->cut, &g->cap_cut, g->n_cut + 1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu stretches to cut", g->n_cut + 1);
    g->cut = s;
    s[g->n_cut++] = (yh_span){.at = from, .len = to - from, .evidence = why};
    return YH_OK;
}

/* Length of a citation mark at p: [digits], [edit], [citation needed]; 0: none. */
static size_t citation(const char *p, size_t n)
{
    static const char *const marks[] = {"[edit]", "[citation needed]"};
    if (n < 2 || p[0] != '[')
        return 0;
    for (int i = 0; i < 2; i++)
        if (n >= strlen(marks[i]) && memcmp(p, marks[i], strlen(marks[i])) == 0)
            return strlen(marks[i]);
    size_t k = 1;
    while (k < n) {
        int len;
        if (!yh_char_digit(yh_utf8_next((const uint8_t *)p + k, &len)))
            break;
        k += (size_t)len;
    }
    return k < n && p[k] == ']' ? k + 1 : 0;
}

static bool has(const char *p, size_t n, const char *what)
{
    return memmem(p, n, what, strlen(what)) != NULL;
}

static bool has_folded(const char *p, size_t n, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= n; i++)
        if (strncasecmp(p + i, what, len) == 0)
            return true;
    return false;
}

static bool ends_like_sentence(const page *g)
{
    const char *p = g->line.data;
    size_t n = g->line.len;
    if (n >= 3 && memcmp(p + n - 3, "...", 3) == 0)
        return false;
    return n > 0 && strchr(g->c->paper ? ".?!\"" : ".?!\"'", p[n - 1]) != NULL;
}

/* Why the line (stripped, `words` of it, the longest `longest`) goes, NULL: it stays. */
static const char *judge(page *g, size_t words, size_t longest)
{
    const c4 *c = g->c;
    const char *p = g->line.data != NULL ? g->line.data : "";
    size_t n = g->line.len;
    if (c->max_word > 0 && (double)longest > c->max_word)
        return "too_long_word";
    if (c->terminal && !ends_like_sentence(g))
        return "no_terminal_punc";
    if (c->min_words > 0 && (double)words < c->min_words)
        return "too_few_words";
    if (c->lorem && has_folded(p, n, "lorem ipsum"))
        return g->drop = "lorem_ipsum";
    if (c->javascript && has_folded(p, n, "javascript"))
        return "javascript";
    if (c->bracket && has(p, n, "{"))
        return g->drop = "curly_bracket";
    if (c->by_policy && yh_patterns_find(c->policy, p, n, NULL))
        return "policy";
    return NULL;
}

static yh_status one_line(page *g, yh_token whole, size_t end, yh_err *err)
{
    const char *text = g->d->text;
    yh_token t = yh_token_strip(text, whole);
    yh_tokens words = {0};
    size_t longest = 0;
    YH_TRY(yh_words_space(&words, text, t.at, t.at + t.len, err));
    for (size_t i = 0; i < words.n; i++)
        longest = words.t[i].chars > longest ? words.t[i].chars : longest;
    size_t n_words = words.n;
    yh_tokens_fini(&words);
    size_t mark = g->n_cut, from = t.at, stop = t.at + t.len;
    yh_buf_clear(&g->line);
    YH_TRY(cut(g, whole.at, t.at, NULL, err));
    for (size_t i = from; i < stop && g->c->citations;) {
        const char *b = memchr(text + i, '[', stop - i);
        size_t len = b != NULL ? citation(b, (size_t)(text + stop - b)) : 0;
        if (b == NULL)
            break;
        i = (size_t)(b - text) + (len > 0 ? len : 1);
        if (len == 0)
            continue;
        YH_TRY(yh_buf_add(&g->line, text + from, (size_t)(b - text) - from, err));
        YH_TRY(cut(g, (size_t)(b - text), i, "citation", err));
        from = i;
    }
    YH_TRY(yh_buf_add(&g->line, text + from, stop - from, err));
    const char *why = judge(g, n_words, longest);
    if (why != NULL) {
        g->n_cut = mark;
        return cut(g, whole.at, end, why, err);
    }
    size_t n = 0;
    if (g->c->min_sentences > 0)
        YH_TRY(yh_view_sentences(&g->c->words, g->kind, g->line.data ? g->line.data : "", 0,
                                 g->line.len, &n, err));
    g->sentences += n > 0 ? n : 1;
    YH_TRY(cut(g, stop, whole.at + whole.len, NULL, err));
    if (g->n_kept++ > 0)
        YH_TRY(yh_buf_addc(&g->kept, '\n', err));
    return yh_buf_add(&g->kept, g->line.data, g->line.len, err);
}

static yh_status lines(page *g, yh_err *err)
{
    const c4 *c = g->c;
    yh_draft *d = g->d;
    const yh_tokens *l;
    if (c->paper && c->lorem && has_folded(d->text, d->len, "lorem ipsum"))
        g->drop = "lorem_ipsum";
    else if (c->paper && c->bracket && has(d->text, d->len, "{"))
        g->drop = "curly_bracket";
    YH_TRY(yh_view_splitlines(d, &l, err));
    for (size_t i = 0; i < l->n && g->drop == NULL; i++)
        YH_TRY(one_line(g, l->t[i], i + 1 < l->n ? l->t[i + 1].at : d->len, err));
    if (g->drop == NULL && (double)g->sentences < c->min_sentences)
        g->drop = "too_few_sentences";
    return YH_OK;
}

/* Puts what stays in place of the text: by cuts where that is the same, so that each has its
 * reason, else as a whole. */
static yh_status replace(page *g, int step, yh_err *err)
{
    yh_draft *d = g->d;
    yh_token all = {0, (uint32_t)g->kept.len, 0};
    all = yh_token_strip(g->kept.data != NULL ? g->kept.data : "", all);
    yh_buf out;
    yh_buf_init(&out, 0);
    yh_status s = yh_buf_add(&out, g->kept.data != NULL ? g->kept.data + all.at : "", all.len, err);
    if (s != YH_OK || (out.len == d->len && memcmp(out.data, d->text, d->len) == 0)) {
        yh_buf_fini(&out);
        return s;
    }
    s = yh_draft_cut_spans(d, step, g->cut, g->n_cut, err);
    if (s == YH_OK && (out.len != d->len || memcmp(out.data, d->text, d->len) != 0))
        s = yh_draft_change(d, step, &out, 1, "line ends", err);
    yh_buf_fini(&out);
    return s;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    page g = {.c = state, .d = d, .kind = yh_view_kind(d, &((const c4 *)state)->words)};
    yh_buf_init(&g.line, 0);
    yh_buf_init(&g.kept, 0);
    yh_status s = lines(&g, err);
    if (s == YH_OK && g.drop != NULL)
        s = yh_draft_remove(d, step, (double)g.sentences, g.drop, err);
    else if (s == YH_OK)
        s = replace(&g, step, err);
    yh_buf_fini(&g.line);
    yh_buf_fini(&g.kept);
    yh_free(g.cut);
    return s;
}

const yh_rule yh_rule_c4 = {
    .name = "c4",
    .doc = "cuts lines that are no sentences, removes pages with too few or with code or filler",
    .source = "Raffel et al., Exploring the Limits of Transfer Learning (T5), 2020, section 2.2",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
