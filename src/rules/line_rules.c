#include <stdlib.h>

#include "input/utf8_scan.h"
#include "rules/line_rules.h"

static yh_status fold_all(yh_line_patterns *p, const char *const sections[YH_LINE_SECTIONS],
                          yh_err *err)
{
    p->weight = yh_calloc(p->list.n + 1, sizeof *p->weight);
    p->folded = yh_calloc(p->list.n + 1, sizeof *p->folded);
    p->section = yh_calloc(p->list.n + 1, sizeof *p->section);
    if (p->weight == NULL || p->folded == NULL || p->section == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of patterns");
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (size_t i = 0; i < p->list.n && s == YH_OK; i++) {
        const yh_list_entry *e = &p->list.entry[i];
        yh_buf_clear(&b);
        p->section[i] = -1;
        for (int8_t k = 0; k < YH_LINE_SECTIONS && sections[k] != NULL; k++)
            if (strcmp(e->section, sections[k]) == 0)
                p->section[i] = k;
        p->weight[i] = e->value[0] != '\0' ? strtod(e->value, NULL) : 1;
        s = yh_han_fold(p->han, e->text, e->len, &b, err);
        if (s == YH_OK && (p->folded[i] = yh_strndup(b.data, b.len)) == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for a list of patterns");
    }
    yh_buf_fini(&b);
    return s;
}

yh_status yh_line_patterns_load(yh_line_patterns *p, const char *name, const json_t *more,
                                const char *const sections[YH_LINE_SECTIONS], yh_err *err)
{
    memset(p, 0, sizeof *p);
    yh_list_init(&p->list);
    yh_status s = yh_han_create(&p->han, NULL);
    if (s != YH_OK && s != YH_UNSUPPORTED)
        return yh_fail(err, s, "no memory for a table of characters");
    YH_TRY(yh_list_load(&p->list, name, err));
    for (size_t i = 0; i < json_array_size(more); i++)
        YH_TRY(yh_list_load(&p->list, json_string_value(json_array_get(more, i)), err));
    YH_TRY(fold_all(p, sections, err));
    return yh_patterns_create(&p->find, (const char *const *)p->folded, NULL, p->list.n, 0, err);
}

void yh_line_patterns_fini(yh_line_patterns *p)
{
    for (size_t i = 0; i < p->list.n && p->folded != NULL; i++)
        yh_free(p->folded[i]);
    yh_free(p->folded);
    yh_free(p->weight);
    yh_free(p->section);
    yh_patterns_free(p->find);
    yh_list_fini(&p->list);
    yh_han_free(p->han);
    memset(p, 0, sizeof *p);
}

enum { HITS = 64 }; /* of one line; more say nothing new */

typedef struct collect {
    const yh_line_patterns *p;
    yh_match hit[YH_LINE_SECTIONS][HITS];
    size_t n[YH_LINE_SECTIONS];
} collect;

/* ASCII patterns are words: nothing of a longer word. */
static bool whole_word(const char *text, size_t n, const yh_match *m)
{
    const char *t = text + m->at;
#define WORD(c) (((c) >= 'a' && (c) <= 'z') || ((c) >= '0' && (c) <= '9'))
    if (m->at > 0 && WORD(t[0]) && WORD(t[-1]))
        return false;
    return !(m->at + m->len < n && WORD(t[m->len]) && WORD(t[m->len - 1]));
#undef WORD
}

static bool keep(void *ctx, const yh_match *m)
{
    collect *c = ctx;
    const int8_t k = c->p->section[m->pattern];
    if (k < 0 || c->n[k] == HITS)
        return true;
    yh_match *hit = c->hit[k];
    size_t n = c->n[k];
    /* matches come by their ends, the longest first: what lies inside the last one is dropped, what
     * contains it replaces it */
    while (n > 0 && m->at <= hit[n - 1].at)
        n--;
    if (n == 0 || m->at + m->len > hit[n - 1].at + hit[n - 1].len)
        hit[n++] = *m;
    c->n[k] = n;
    return true;
}

static yh_line_hits add_up(const yh_line_patterns *p, const yh_match *hit, size_t count,
                           const char *folded, size_t n)
{
    yh_line_hits h = {0};
    size_t covered = 0; /* byte up to which characters were counted */
    for (size_t i = 0; i < count; i++) {
        const yh_match *m = &hit[i];
        if (!whole_word(folded, n, m))
            continue;
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || hit[k].pattern == m->pattern;
        double w = p->weight[m->pattern];
        h.score += again ? 0 : w;
        h.n++;
        if (w > h.strongest) {
            h.strongest = w;
            h.pattern = m->pattern;
            h.at_start = m->at <= 3; /* a bracket may stand before it */
        }
        size_t from = m->at > covered ? m->at : covered;
        if (m->at + m->len > from) {
            h.covered += yh_utf8_count(folded + from, m->at + m->len - from);
            covered = m->at + m->len;
        }
    }
    return h;
}

void yh_line_patterns_match(const yh_line_patterns *p, const char *folded, size_t n,
                            yh_line_hits hits[YH_LINE_SECTIONS])
{
    collect c;
    c.p = p;
    memset(c.n, 0, sizeof c.n);
    yh_patterns_scan(p->find, folded, n, keep, &c);
    for (int k = 0; k < YH_LINE_SECTIONS; k++)
        hits[k] = add_up(p, c.hit[k], c.n[k], folded, n);
}

yh_status yh_lines_cut(yh_draft *d, int step, const yh_lines *l, const char *const *evidence,
                       const double *score, yh_err *err)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < l->n; i++)
        n += evidence[i] != NULL;
    if (n == 0)
        return YH_OK;
    yh_span *span = yh_calloc(n, sizeof *span);
    if (span == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to cut %zu lines", n);
    for (size_t i = 0; i < l->n;) {
        size_t to = i + 1;
        if (evidence[i] == NULL) {
            i++;
            continue;
        }
        while (to < l->n && evidence[to] == evidence[i])
            to++;
        span[k].evidence = evidence[i];
        span[k].score = score != NULL ? score[i] : 0;
        yh_lines_span(l, d->len, i, to, &span[k].at, &span[k].len);
        /* the last lines go with the line end before them */
        k++;
        i = to;
    }
    yh_status s = yh_draft_cut_spans(d, step, span, k, err);
    while (s == YH_OK && d->len > 0 && d->text[d->len - 1] == '\n')
        d->text[--d->len] = '\0';
    yh_free(span);
    return s;
}
