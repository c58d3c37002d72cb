/* Navigation, footers, notices: lines that a site repeats on its pages. Unlike exact_line no copy
 * stays, and how often a line occurs is judged by the site's size. */
#include "base/hash.h"
#include "rules/fold.h"
#include "dedup/spans.h"
#include "input/utf8_scan.h"

static const yh_param params[] = {
    {"min_pages", YH_PARAM_NUMBER, "5", "least pages of the site that have the line", 2, 1e9},
    {"min_share", YH_PARAM_NUMBER, "0.1",
     "least share of the site's pages, for a line that stands mostly near the top or the end", 0,
     1},
    {"min_share_inside", YH_PARAM_NUMBER, "0.5", "the same for other lines", 0, 1},
    {"edge", YH_PARAM_NUMBER, "10", "how many lines from the top and from the end count as near it",
     0, 1e6},
    {"max_chars", YH_PARAM_NUMBER, "400",
     "longer lines stay; a character of Chinese, Japanese or Korean counts three", 1, 1e9},
    {"within", YH_PARAM_TEXT, "\"site\"",
     "what is one site: site (host of the address, else source) or source", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

/* Site, line, document, place, length, whether near an edge. A page itself is line 0. */
enum { RECORD = 32, MOSTLY = 80 /* per cent */ };

typedef struct scan {
    yh_sorter *s;
    size_t edge, longest;
    yh_scope scope;
} scan;

static yh_status put(yh_batch *b, uint64_t site, uint64_t line, const yh_stored *d,
                     const yh_text_line *l, bool edge, yh_err *err)
{
    uint8_t *r;
    YH_TRY(yh_batch_add(b, &r, err));
    yh_sort_put64(r, site);
    yh_sort_put64(r + 8, line);
    yh_sort_put32(r + 16, (uint32_t)d->ordinal);
    yh_sort_put32(r + 20, (uint32_t)l->at);
    yh_sort_put32(r + 24, (uint32_t)(l->next - l->at));
    yh_sort_put32(r + 28, edge);
    return YH_OK;
}

static yh_status add_document(const scan *c, const yh_stored *d, yh_batch *b, yh_buf *folded,
                              yh_err *err)
{
    const uint64_t site = yh_scope_hash(c->scope, d);
    yh_text_line l = {0, 0, 0};
    size_t lines = 0, i = 0;
    YH_TRY(put(b, site, 0, d, &l, false, err));
    while (yh_text_next(d->text, d->len, false, &l))
        lines++;
    for (l = (yh_text_line){0, 0, 0}; yh_text_next(d->text, d->len, false, &l); i++) {
        if (l.len > 3 * c->longest || yh_utf8_weight(d->text + l.at, l.len) > c->longest)
            continue;
        yh_buf_clear(folded);
        YH_TRY(yh_fold_text(d->text + l.at, l.len, folded, err));
        uint64_t h = folded->len > 0 ? yh_hash64(folded->data, folded->len, 0)
                                     : yh_hash64(d->text + l.at, l.len, 1); /* "* * *" */
        YH_TRY(put(b, site, h | (h == 0), d, &l, i < c->edge || lines - i <= c->edge, err));
    }
    return YH_OK;
}

static yh_status add_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const scan *c = user;
    yh_batch b = {.s = c->s, .size = RECORD};
    yh_buf folded;
    yh_status st = YH_OK;
    (void)worker;
    yh_buf_init(&folded, 0);
    for (size_t i = 0; i < n && st == YH_OK; i++)
        st = add_document(c, &docs[i], &b, &folded, err);
    yh_buf_fini(&folded);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

typedef struct group {
    uint8_t key[16]; /* site, line */
    uint64_t number; /* of the group in order */
    uint64_t pages;  /* of the site */
    uint64_t docs, places, near;
    uint32_t last; /* document */
} group;

typedef struct limits {
    double pages, share, inside;
} limits;

static bool is_furniture(const group *g, const limits *l)
{
    if (yh_sort_get64(g->key + 8) == 0 || (double)g->docs < l->pages)
        return false;
    double share = (double)g->docs / (double)g->pages;
    return share >= (g->near * 100 >= g->places * MOSTLY ? l->share : l->inside);
}

/* Counts one record; *begins: of a new group, *g being the one before still. */
static bool begins(const group *g, const uint8_t *r)
{
    return g->places == 0 || memcmp(g->key, r, 16) != 0;
}

static void take(group *g, const uint8_t *r)
{
    if (begins(g, r)) {
        if (memcmp(g->key, r, 8) != 0 || g->places == 0)
            g->pages = 0;
        memcpy(g->key, r, 16);
        g->number++;
        g->docs = g->places = g->near = 0;
    }
    uint32_t doc = yh_sort_get32(r + 16);
    g->docs += g->places == 0 || doc != g->last;
    g->places++;
    g->near += yh_sort_get32(r + 28);
    g->last = doc;
    if (yh_sort_get64(r + 8) == 0)
        g->pages = g->docs; /* the pages come before the lines */
}

static yh_status note(yh_sorter *found, const group *g, yh_err *err)
{
    uint8_t r[16];
    uint64_t share;
    double value = (double)g->docs / (double)g->pages;
    memcpy(&share, &value, sizeof share);
    yh_sort_put64(r, g->number);
    yh_sort_put64(r + 8, share);
    return yh_sorter_add(found, r, 1, err);
}

/* First reading: the numbers of the groups that are to go. */
static yh_status judge(yh_sorter *s, yh_sorter *found, const limits *lim, yh_err *err)
{
    group g = {0};
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(s, err));
    for (;;) {
        YH_TRY(yh_sorter_next(s, &r, &n, err));
        for (size_t i = 0; i < n; i++, r += RECORD) {
            if (g.places > 0 && begins(&g, r) && is_furniture(&g, lim))
                YH_TRY(note(found, &g, err));
            take(&g, r);
        }
        if (n == 0)
            return g.places > 0 && is_furniture(&g, lim) ? note(found, &g, err) : YH_OK;
    }
}

typedef struct reading {
    yh_sorter *s;
    const uint8_t *r;
    size_t n;
    uint64_t number; /* UINT64_MAX: no more */
    double share;
} reading;

static yh_status next_found(reading *f, yh_err *err)
{
    if (f->n == 0)
        YH_TRY(yh_sorter_next(f->s, &f->r, &f->n, err));
    f->number = UINT64_MAX;
    if (f->n == 0)
        return YH_OK;
    uint64_t share = yh_sort_get64(f->r + 8);
    f->number = yh_sort_get64(f->r);
    memcpy(&f->share, &share, sizeof share);
    f->r += 16;
    f->n--;
    return YH_OK;
}

/* Second reading: cuts every line of these groups. */
static yh_status cut(yh_sorter *s, yh_sorter *found, yh_stage_run *x, yh_err *err)
{
    group g = {0};
    reading f = {.s = found};
    uint64_t cuts = 0, bytes = 0;
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_rewind(s, err));
    YH_TRY(yh_sorter_finish(found, err));
    YH_TRY(next_found(&f, err));
    while (f.number != UINT64_MAX) {
        YH_TRY(yh_sorter_next(s, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, r += RECORD) {
            take(&g, r);
            while (f.number < g.number)
                YH_TRY(next_found(&f, err));
            if (f.number != g.number)
                continue;
            YH_TRY(yh_decisions_cut(x->out, yh_sort_get32(r + 16), yh_sort_get32(r + 20),
                                    yh_sort_get32(r + 24), f.share, UINT64_MAX, err));
            cuts++;
            bytes += yh_sort_get32(r + 24);
        }
    }
    YH_TRY(yh_pass_count(x, "different_lines", yh_sorter_count(found), err));
    YH_TRY(yh_pass_count(x, "cut", cuts, err));
    return yh_pass_count(x, "cut_bytes", bytes, err);
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    yh_sorter *found = NULL;
    scan c = {.edge = (size_t)yh_param_number(p, "edge"),
              .longest = (size_t)yh_param_number(p, "max_chars"),
              .scope = YH_SCOPE_SITE};
    const limits lim = {yh_param_number(p, "min_pages"), yh_param_number(p, "min_share"),
                        yh_param_number(p, "min_share_inside")};
    const char *within = yh_param_text(p, "within");
    if (strcmp(within, "source") == 0)
        c.scope = YH_SCOPE_SOURCE;
    else if (strcmp(within, "site") != 0)
        return yh_fail(err, YH_CORRUPT,
                       "site_lines: \"within\" must be \"site\" or \"source\", not \"%s\"", within);
    YH_TRY(yh_pass_check(x, "site_lines", err));
    yh_status st = yh_sorter_create(&c.s, RECORD, x->memory - x->memory / 8, x->work, x->pool, err);
    if (st == YH_OK)
        st = yh_sorter_create(&found, 16, x->memory / 8, x->work, NULL, err);
    if (st == YH_OK)
        st = yh_pass_each(x, 0, 0.7, add_block, &c, err);
    if (st == YH_OK)
        st = judge(c.s, found, &lim, err);
    if (st == YH_OK)
        st = cut(c.s, found, x, err);
    yh_sorter_free(found);
    yh_sorter_free(c.s);
    return st;
}

const yh_stage yh_stage_site_lines = {
    .name = "site_lines",
    .doc = "cuts lines that a site repeats on many of its pages: navigation, notices, footers",
    .params = params,
    .run = run,
};
