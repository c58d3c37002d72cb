/* Lines of other people's advertising that broken-in pages carry: adult and gambling keywords,
 * stuffed keywords. A line goes when such words fill it; a sentence that mentions them stays. */
#include "rules/line_rules.h"
#include "rules/rule.h"

typedef struct spam {
    yh_line_patterns p;
    yh_patterns *inside; /* the section [inline], as written */
    uint32_t *inside_of; /* entry of each */
    double score, density;
    bool stuffing;
} spam;

static const yh_param params[] = {
    {"lists", YH_PARAM_LIST, "[]", "further lists like web_spam: names or paths", 0, 0},
    {"score", YH_PARAM_NUMBER, "4", "least sum of the weights of a line's words", 0.1, 1000},
    {"density", YH_PARAM_NUMBER, "0.4",
     "least share of its characters in such words; before and behind the text half of it", 0, 1},
    {"stuffing", YH_PARAM_BOOL, "true",
     "cut lines before and behind the text that list the same keyword again and again", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    spam *s = state;
    yh_line_patterns_fini(&s->p);
    yh_patterns_free(s->inside);
    yh_free(s->inside_of);
    yh_free(s);
}

static const char *const sections[YH_LINE_SECTIONS] = {"adult", "gambling", "trade", NULL};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    spam *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    s->score = yh_param_number(p, "score");
    s->density = yh_param_number(p, "density");
    s->stuffing = yh_param_bool(p, "stuffing");
    YH_TRY(yh_line_patterns_load(&s->p, "web_spam", json_object_get(p, "lists"), sections, err));
    const char **text = yh_calloc(s->p.list.n + 1, sizeof *text);
    s->inside_of = yh_calloc(s->p.list.n + 1, sizeof *s->inside_of);
    yh_status st = YH_OK;
    size_t n = 0;
    if (text == NULL || s->inside_of == NULL)
        st = yh_fail(err, YH_NOMEM, "no memory for a list");
    for (size_t i = 0; i < s->p.list.n && st == YH_OK; i++)
        if (strcmp(s->p.list.entry[i].section, "inline") == 0) {
            s->inside_of[n] = (uint32_t)i;
            text[n++] = s->p.list.entry[i].text;
        }
    if (st == YH_OK)
        st = yh_patterns_create(&s->inside, text, NULL, n, YH_PATTERNS_FOLD, err);
    yh_free(text);
    return st;
}

/* Commas, blanks and bars between many short pieces that share their beginning or end. */
static bool stuffed(const char *f, const yh_line_info *li)
{
    enum { PIECES = 8, MOST = 64 };
    struct {
        size_t at, len;
    } piece[MOST];
    size_t n = 0, from = 0;
    if (li->stops > 0 || li->pauses + li->bars < PIECES)
        return false;
    for (size_t i = 0; i <= li->fold_len && n < MOST; i++) {
        bool end = i == li->fold_len || f[i] == ',' || f[i] == '|' || f[i] == '_' || f[i] == ';' ||
                   (i + 3 <= li->fold_len && memcmp(f + i, "\xe3\x80\x81", 3) == 0);
        if (!end)
            continue;
        if (i > from) {
            piece[n].at = from;
            piece[n++].len = i - from;
        }
        from = i + (i < li->fold_len && (unsigned char)f[i] >= 0x80 ? 3 : 1);
    }
    size_t alike = 0;
    for (size_t i = 1; i < n; i++) {
        size_t a = piece[i].len, b = piece[i - 1].len;
        alike += a >= 6 && b >= 6 &&
                 (memcmp(f + piece[i].at, f + piece[i - 1].at, 6) == 0 ||
                  memcmp(f + piece[i].at + a - 6, f + piece[i - 1].at + b - 6, 6) == 0);
    }
    return n >= PIECES && alike * 2 >= n;
}

static void decide(const spam *s, yh_lines *l, bool *hit, const char **evidence, double *score)
{
    for (size_t i = 0; i < l->n; i++) {
        const yh_line_info *li = &l->line[i];
        if (li->blank || li->fold_len > 6000)
            continue;
        hit[i] = s->stuffing && stuffed(yh_line_folded(l, i), li);
        yh_line_hits of[YH_LINE_SECTIONS];
        yh_line_patterns_match(&s->p, yh_line_folded(l, i), li->fold_len, of);
        for (int k = 0; k < 3; k++) {
            const yh_line_hits h = of[k];
            if (h.score < s->score || h.strongest < 2 || h.score <= score[i])
                continue;
            double share = li->words == 0 ? 0 : (double)h.covered / (double)li->words;
            /* a long sentence with stops needs more: people write about these things too */
            double need = li->stops > 1 && li->prose ? 2 * s->density : s->density;
            double least = li->stops > 0 && li->prose ? need : need / 2;
            hit[i] = hit[i] || share >= least;
            if (share >= least && h.n >= 2) {
                evidence[i] = share >= need ? s->p.list.entry[h.pattern].text : NULL;
                score[i] = h.score;
            }
        }
    }
    yh_lines_zones(l, hit);
    for (size_t i = 0; i < l->n; i++) {
        const yh_line_info *li = &l->line[i];
        if (li->zone == YH_ZONE_BODY || evidence[i] != NULL || li->blank || li->heading)
            continue;
        if (score[i] > 0)
            evidence[i] = "spam words before or behind the text";
        else if (s->stuffing && stuffed(yh_line_folded(l, i), li))
            evidence[i] = "stuffed keywords";
    }
}

/* ------------------------------------------------------------------ names inside sentences */

enum { SPANS = 256 };
typedef struct inside {
    const spam *s;
    yh_span span[SPANS];
    size_t n;
} inside;

static bool take(void *ctx, const yh_match *m)
{
    inside *c = ctx;
    while (c->n > 0 && m->at <= c->span[c->n - 1].at)
        c->n--;
    if (c->n > 0 && m->at < c->span[c->n - 1].at + c->span[c->n - 1].len)
        return true;
    c->span[c->n++] = (yh_span){.at = m->at,
                                .len = m->len,
                                .score = 1,
                                .evidence = c->s->p.list.entry[c->s->inside_of[m->pattern]].text};
    return c->n < SPANS;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const spam *s = state;
    yh_lines l;
    yh_lines_init(&l);
    yh_status st = yh_lines_scan(&l, s->p.han, d->text, d->len, err);
    bool *hit = yh_calloc(l.n + 1, sizeof *hit);
    const char **evidence = yh_calloc(l.n + 1, sizeof *evidence);
    double *score = yh_calloc(l.n + 1, sizeof *score);
    if (st == YH_OK && (hit == NULL || evidence == NULL || score == NULL))
        st = yh_fail(err, YH_NOMEM, "no memory for %zu lines", l.n);
    if (st == YH_OK) {
        decide(s, &l, hit, evidence, score);
        st = yh_lines_cut(d, step, &l, evidence, score, err);
    }
    yh_free(hit);
    yh_free(evidence);
    yh_free(score);
    yh_lines_fini(&l);
    if (st != YH_OK)
        return st;
    inside c = {.s = s};
    yh_patterns_scan(s->inside, d->text, d->len, take, &c);
    return yh_draft_cut_spans(d, step, c.span, c.n, err);
}

const yh_rule yh_rule_spam_lines = {
    .name = "spam_lines",
    .doc = "cuts lines filled with adult, gambling or trade spam, stuffed keywords, and spam names "
           "put into sentences",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
