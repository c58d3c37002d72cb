#include "dedup/spans.h"

#include "base/hash.h"
#include "rules/fold.h"
#include "dedup/url_key.h"
#include "input/utf8_scan.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static yh_text_line one_line(const char *text, size_t n, size_t at)
{
    const char *end = memchr(text + at, '\n', n - at);
    size_t e = end != NULL ? (size_t)(end - text) : n;
    yh_text_line l = {at, e - at, end != NULL ? e + 1 : n};
    while (l.len > 0 && blank(text[l.at])) {
        l.at++;
        l.len--;
    }
    while (l.len > 0 && blank(text[l.at + l.len - 1]))
        l.len--;
    return l;
}

bool yh_text_next(const char *text, size_t n, bool paragraphs, yh_text_line *l)
{
    yh_text_line one = {0, 0, l->next};
    while (one.next < n) { /* blank lines */
        one = one_line(text, n, one.next);
        if (one.len > 0)
            break;
    }
    *l = one;
    if (one.len == 0)
        return false;
    while (paragraphs && one.next < n) {
        one = one_line(text, n, one.next);
        l->next = one.next;
        if (one.len == 0)
            break;
        l->len = one.at + one.len - l->at;
    }
    return true;
}

uint64_t yh_scope_hash(yh_scope scope, const yh_stored *d)
{
    char small[256];
    size_t n = 0;
    const char *p;
    switch (scope) {
    case YH_SCOPE_SITE:
        p = yh_url_site(d, &n);
        n = n < sizeof small ? n : sizeof small;
        for (size_t i = 0; i < n; i++)
            small[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];
        return yh_hash64(small, n, 1);
    case YH_SCOPE_SOURCE:
        return yh_hash64(d->source, strlen(d->source), 2);
    case YH_SCOPE_DOCUMENT:
        return yh_hash64(d->id, strlen(d->id), 3);
    case YH_SCOPE_CORPUS:
        return 0;
    }
    return 0;
}

/* ------------------------------------------------------------------ the stage */

/* Key, rank of the document, place, length, document: the copy that stays comes first. */
enum { RECORD = 32 };

typedef struct scan {
    yh_sorter *s;
    const yh_by_doc *ranks;
    bool paragraphs, fold;
    size_t least;
    yh_scope scope;
} scan;

static yh_status add_document(const scan *c, const yh_stored *d, const uint8_t *rank, yh_batch *b,
                              yh_buf *folded, yh_err *err)
{
    const uint64_t scope = yh_scope_hash(c->scope, d);
    yh_text_line l = {0, 0, 0};
    while (yh_text_next(d->text, d->len, c->paragraphs, &l)) {
        const char *p = d->text + l.at;
        size_t n = l.len;
        uint8_t *r;
        if (3 * l.len < c->least || (l.len < c->least && yh_utf8_weight(p, n) < c->least))
            continue;
        if (c->fold) {
            yh_buf_clear(folded);
            YH_TRY(yh_fold_text(p, n, folded, err));
            if (folded->len == 0)
                continue;
            p = folded->data;
            n = folded->len;
        }
        yh_hash128 key = yh_hash128_of(p, n);
        YH_TRY(yh_batch_add(b, &r, err));
        yh_sort_put64(r, key.hi ^ scope);
        yh_sort_put64(r + 8, key.lo);
        memcpy(r + 16, rank + 4, 4);
        yh_sort_put32(r + 20, (uint32_t)l.at);
        yh_sort_put32(r + 24, (uint32_t)(l.next - l.at));
        yh_sort_put32(r + 28, (uint32_t)d->ordinal);
    }
    return YH_OK;
}

static yh_status add_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const scan *c = user;
    yh_batch b = {.s = c->s, .size = RECORD};
    yh_buf folded, ranks;
    size_t n_rank, at = 0;
    (void)worker;
    yh_buf_init(&folded, 0);
    yh_buf_init(&ranks, 0);
    yh_status st =
        yh_by_doc_read(c->ranks, docs[0].ordinal, docs[n - 1].ordinal, &ranks, &n_rank, NULL, err);
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        const uint8_t *rank = yh_by_doc_find((const uint8_t *)ranks.data, n_rank, YH_RANK_RECORD,
                                             &at, docs[i].ordinal);
        if (rank != NULL) /* every document has one */
            st = add_document(c, &docs[i], rank, &b, &folded, err);
    }
    yh_buf_fini(&folded);
    yh_buf_fini(&ranks);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

static yh_status decide(const scan *c, yh_stage_run *x, uint64_t copies, yh_err *err)
{
    uint8_t first[RECORD] = {0};
    uint64_t seen = 0, cut = 0, bytes = 0;
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(c->s, err));
    for (;;) {
        YH_TRY(yh_sorter_next(c->s, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, r += RECORD) {
            if (seen == 0 || memcmp(first, r, 16) != 0) {
                memcpy(first, r, sizeof first);
                seen = 0;
            }
            if (seen++ < copies)
                continue;
            YH_TRY(yh_decisions_cut(x->out, yh_sort_get32(r + 28), yh_sort_get32(r + 20),
                                    yh_sort_get32(r + 24), (double)(seen - 1),
                                    yh_sort_get32(first + 28), err));
            cut++;
            bytes += yh_sort_get32(r + 24);
        }
    }
    YH_TRY(yh_pass_count(x, "cut", cut, err));
    return yh_pass_count(x, "cut_bytes", bytes, err);
}

yh_status yh_scope_of(const char *text, yh_scope *scope, yh_err *err)
{
    static const char *const names[] = {"corpus", "source", "site", "document"};
    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *scope = (yh_scope)i;
            return YH_OK;
        }
    return yh_fail(err, YH_CORRUPT,
                   "\"within\" must be \"corpus\", \"source\", \"site\" or \"document\", not "
                   "\"%s\"",
                   text);
}

yh_status yh_spans_run(const json_t *p, yh_stage_run *x, bool paragraphs, yh_err *err)
{
    yh_by_doc *ranks = NULL;
    scan c = {.paragraphs = paragraphs,
              .fold = yh_param_bool(p, "normalise"),
              .least = (size_t)yh_param_number(p, "min_chars")};
    uint64_t copies = (uint64_t)yh_param_number(p, "copies");
    YH_TRY(yh_scope_of(yh_param_text(p, "within"), &c.scope, err));
    YH_TRY(yh_pass_check(x, paragraphs ? "exact_paragraph" : "exact_line", err));
    YH_TRY(yh_ranks_create(&ranks, x, 0, 0.3, err));
    c.ranks = ranks;
    yh_status st = yh_sorter_create(&c.s, RECORD, x->memory, x->work, x->pool, err);
    if (st == YH_OK)
        st = yh_pass_each(x, 0.3, 0.8, add_block, &c, err);
    if (st == YH_OK)
        st = decide(&c, x, copies, err);
    yh_sorter_free(c.s);
    yh_by_doc_free(ranks);
    return st;
}
