/* Lines that a page has around its text. What a line must show depends on where it stands: before
 * and behind the text little is enough, between its paragraphs it must be nothing else. */
#include "rules/line_rules.h"
#include "rules/rule.h"

typedef struct boilerplate {
    yh_line_patterns p;
    double strong;
    bool titles;
} boilerplate;

static const yh_param params[] = {
    {"lists", YH_PARAM_LIST, "[]", "further lists like web_boilerplate: names or paths", 0, 0},
    {"strong", YH_PARAM_NUMBER, "4", "weight of phrases at which a line counts as boilerplate", 0.1,
     1000},
    {"repeated_titles", YH_PARAM_BOOL, "true",
     "cut a title that stands before the text a second time", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static void destroy(void *state)
{
    boilerplate *s = state;
    yh_line_patterns_fini(&s->p);
    yh_free(s);
}

static const char *const sections[YH_LINE_SECTIONS] = {"strong", "start", "item", "alone"};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    boilerplate *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    s->strong = yh_param_number(p, "strong");
    s->titles = yh_param_bool(p, "repeated_titles");
    return yh_line_patterns_load(&s->p, "web_boilerplate", json_object_get(p, "lists"), sections,
                                 err);
}

typedef struct seen {
    yh_line_hits strong, start, item, alone;
} seen;

typedef struct work {
    const boilerplate *s;
    yh_lines l;
    seen *seen;
    bool *hit;
    const char **evidence;
    double *score;
} work;

static void set(work *w, size_t i, const char *evidence, double score)
{
    if (w->evidence[i] != NULL)
        return;
    w->evidence[i] = evidence;
    w->score[i] = score;
}

static const char *entry(const work *w, uint32_t k)
{
    return w->s->p.list.entry[k].text;
}

static double density(const yh_line_info *i, const yh_line_hits *h)
{
    return (double)h->covered / (double)(i->chars + 1);
}

/* "By A, source: B, original title: C": several openings of such lines in one. */
static bool credits(const work *w, const seen *s)
{
    return s->start.at_start && s->start.score >= w->s->strong;
}

static void look(work *w)
{
    for (size_t i = 0; i < w->l.n; i++) {
        const yh_line_info *li = &w->l.line[i];
        seen *s = &w->seen[i];
        if (li->blank || li->fold_len > 3000)
            continue;
        const char *f = yh_line_folded(&w->l, i);
        yh_line_hits h[YH_LINE_SECTIONS];
        yh_line_patterns_match(&w->s->p, f, li->fold_len, h);
        s->strong = h[0];
        if (li->chars <= 160) {
            s->start = h[1];
            s->item = h[2];
        }
        if (li->chars <= 40)
            s->alone = h[3];
        w->hit[i] =
            (s->strong.score >= w->s->strong && density(li, &s->strong) >= 0.06) || credits(w, s);
    }
}

/* Of a line's letters and digits, how many are entries of menus. */
static double menu_share(const yh_line_info *i, const yh_line_hits *h)
{
    return i->words == 0 ? 0 : (double)h->covered / (double)i->words;
}

static bool decide_anywhere(work *w, size_t i)
{
    const yh_line_info *li = &w->l.line[i];
    const seen *s = &w->seen[i];
    double d = density(li, &s->strong);
    if (s->alone.n == 1 && s->alone.covered + 3 >= li->chars &&
        s->alone.covered * 5 >= li->words * 4u) {
        set(w, i, entry(w, s->alone.pattern), 1);
    } else if (s->strong.score >= w->s->strong &&
               (d >= 0.35 || (li->in_brackets && s->strong.score >= w->s->strong + 1))) {
        set(w, i, entry(w, s->strong.pattern), s->strong.score);
    } else if (s->item.n >= 4 && menu_share(li, &s->item) >= 0.9 && li->bars >= 2 &&
               li->stops == 0) {
        set(w, i, "menu", menu_share(li, &s->item));
    }
    return w->evidence[i] != NULL;
}

static void decide_outside(work *w, size_t i)
{
    const yh_line_info *li = &w->l.line[i];
    const seen *s = &w->seen[i];
    double d = density(li, &s->strong);
    if (s->strong.score >= w->s->strong && (d >= 0.06 || li->chars <= 60))
        set(w, i, entry(w, s->strong.pattern), s->strong.score);
    else if (s->strong.score >= 2 &&
             (d >= 0.25 || (d >= 0.12 && li->chars <= 40 && li->stops == 0)))
        set(w, i, entry(w, s->strong.pattern), s->strong.score);
    else if (s->start.n > 0 && s->start.at_start &&
             li->chars <= (s->start.strongest >= 2 ? 120 : 80) &&
             (li->stops <= 1 || s->start.strongest >= 2) && (!li->prose || credits(w, s)))
        set(w, i, entry(w, s->start.pattern), s->start.strongest);
    else if (s->item.n > 0 && menu_share(li, &s->item) >= 0.8 && li->stops == 0)
        set(w, i, "menu", menu_share(li, &s->item));
    else if (s->item.n >= 2 && li->bars >= 3 && !li->prose && menu_share(li, &s->item) >= 0.3)
        set(w, i, "menu", menu_share(li, &s->item));
}

/* Short lines between two that go: half of a menu. */
static bool beside(const work *w, size_t i)
{
    size_t up = i, down = i + 1;
    while (up > 0 && w->l.line[up - 1].blank)
        up--;
    while (down < w->l.n && w->l.line[down].blank)
        down++;
    return (up > 0 && w->evidence[up - 1] != NULL) || (down < w->l.n && w->evidence[down] != NULL);
}

static void decide_neighbours(work *w)
{
    for (size_t i = 0; i < w->l.n; i++) {
        const yh_line_info *li = &w->l.line[i];
        const seen *s = &w->seen[i];
        if (li->blank || li->heading || w->evidence[i] != NULL || s->item.n == 0)
            continue;
        double share = menu_share(li, &s->item);
        bool outside = li->zone != YH_ZONE_BODY;
        if (li->chars <= 12 && share >= (outside ? 0.5 : 0.9) && li->stops == 0 && beside(w, i))
            set(w, i, "menu", share);
    }
}

static void decide_titles(work *w)
{
    enum { HEAD_LINES = 24, TITLE_MIN = 6, NEAR = 12 };
    size_t seen_lines = 0;
    for (size_t i = 0; i < w->l.n && seen_lines < HEAD_LINES; i++) {
        const yh_line_info *li = &w->l.line[i];
        if (li->zone != YH_ZONE_HEAD)
            return;
        if (li->blank || w->evidence[i] != NULL)
            continue;
        seen_lines++;
        const char *f = yh_line_folded(&w->l, i);
        if (li->chars < TITLE_MIN || li->stops > 0 || f[li->fold_len - 1] == ':')
            continue;
        for (size_t k = i > NEAR ? i - NEAR : 0; k < i; k++)
            if (w->l.line[k].fold_len == li->fold_len && w->evidence[k] == NULL &&
                memcmp(yh_line_folded(&w->l, k), f, li->fold_len) == 0) {
                set(w, i, "repeated title", 1);
                break;
            }
    }
}

static void decide(work *w)
{
    bool prose = false, outside = false;
    for (size_t i = 0; i < w->l.n; i++) {
        const yh_line_info *li = &w->l.line[i];
        prose = prose || (li->prose && !w->hit[i]);
        if (li->blank || (li->heading && w->seen[i].strong.score < w->s->strong))
            continue;
        if (!decide_anywhere(w, i) && li->zone != YH_ZONE_BODY)
            decide_outside(w, i);
        outside = outside || w->evidence[i] != NULL;
    }
    if (outside)
        decide_neighbours(w);
    if (prose && w->s->titles)
        decide_titles(w);
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    work w = {.s = state};
    yh_lines_init(&w.l);
    yh_status s = yh_lines_scan(&w.l, w.s->p.han, d->text, d->len, err);
    if (s == YH_OK) {
        w.seen = yh_calloc(w.l.n + 1, sizeof *w.seen);
        w.hit = yh_calloc(w.l.n + 1, sizeof *w.hit);
        w.evidence = yh_calloc(w.l.n + 1, sizeof *w.evidence);
        w.score = yh_calloc(w.l.n + 1, sizeof *w.score);
        if (w.seen == NULL || w.hit == NULL || w.evidence == NULL || w.score == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for %zu lines", w.l.n);
    }
    if (s == YH_OK) {
        look(&w);
        yh_lines_zones(&w.l, w.hit);
        decide(&w);
        s = yh_lines_cut(d, step, &w.l, w.evidence, w.score, err);
    }
    yh_free(w.seen);
    yh_free(w.hit);
    yh_free(w.evidence);
    yh_free(w.score);
    yh_lines_fini(&w.l);
    return s;
}

const yh_rule yh_rule_boilerplate_lines = {
    .name = "boilerplate_lines",
    .doc = "cuts lines of the page around the text: menus, copyright and ICP lines, share buttons, "
           "related links, editors' and apps' lines",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
