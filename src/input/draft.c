#include <stdio.h>

#include "input/draft.h"
#include "input/utf8_scan.h"

void yh_draft_fini(yh_draft *d)
{
    yh_draft_stale(d);
    for (size_t i = 0; i < d->n_edit; i++) {
        yh_free(d->edit[i].text);
        yh_free(d->edit[i].evidence);
    }
    yh_free(d->edit);
    yh_free(d->url);
    yh_free(d->meta);
    yh_free(d->original);
    yh_free(d->removed_evidence);
    yh_free(d->text);
    yh_free(d->title);
    memset(d, 0, sizeof *d);
}

void yh_drafts_fini(yh_drafts *l)
{
    for (size_t i = 0; i < l->n; i++)
        yh_draft_fini(&l->d[i]);
    yh_free(l->d);
    memset(l, 0, sizeof *l);
}

static yh_status push(yh_drafts *l, yh_draft **out, yh_err *err)
{
    yh_draft *d = yh_grow(l->d, &l->cap, l->n + 1, sizeof *d);
    if (d == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu documents", l->n + 1);
    l->d = d;
    *out = &d[l->n++];
    memset(*out, 0, sizeof **out);
    (*out)->removed_by = -1;
    return YH_OK;
}

yh_status yh_drafts_add(yh_drafts *l, yh_buf *text, uint64_t number, bool starts,
                        const char *encoding, yh_err *err)
{
    yh_draft *d = NULL;
    YH_TRY(yh_buf_reserve(text, 0, err));
    YH_TRY(push(l, &d, err));
    text->data[text->len] = '\0';
    d->text = text->data;
    d->len = text->len;
    d->number = number;
    d->starts = starts;
    snprintf(d->encoding, sizeof d->encoding, "%s", encoding);
    yh_buf_init(text, text->max);
    return YH_OK;
}

void yh_drafts_problem(yh_drafts *l, uint64_t place, const char *what)
{
    enum { KEPT = sizeof l->problem / sizeof *l->problem };
    if (l->n_problems < KEPT) {
        l->problem[l->n_problems].place = place;
        snprintf(l->problem[l->n_problems].what, sizeof l->problem->what, "%s", what);
    }
    l->n_problems++;
}

void yh_draft_stale(yh_draft *d)
{
    if (d->view != NULL)
        d->view_free(d->view);
    d->view = NULL;
    d->raw = NULL;
}

yh_status yh_draft_remove(yh_draft *d, int step, double score, const char *evidence, yh_err *err)
{
    if (d->removed_by >= 0)
        return YH_OK;
    if (evidence != NULL && (d->removed_evidence = yh_strdup(evidence)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the reason of a removal");
    d->removed_by = step;
    d->removed_score = score;
    return YH_OK;
}

static yh_status add_edit(yh_draft *d, yh_edit e, const char *evidence, yh_err *err)
{
    yh_edit *list = yh_grow(d->edit, &d->cap_edit, d->n_edit + 1, sizeof *list);
    if (list != NULL)
        d->edit = list;
    if (evidence != NULL)
        e.evidence = yh_strdup(evidence);
    if (list == NULL || (evidence != NULL && e.evidence == NULL)) {
        yh_free(e.evidence);
        yh_free(e.text);
        return yh_fail(err, YH_NOMEM, "no memory to note what was done to a document");
    }
    list[d->n_edit++] = e;
    return YH_OK;
}

yh_status yh_draft_cut_spans(yh_draft *d, int step, const yh_span *span, size_t n, yh_err *err)
{
    if (n == 0)
        return YH_OK;
    for (size_t i = 0; i < n; i++) {
        yh_edit e = {.step = step,
                     .kind = YH_EDIT_CUT,
                     .at = span[i].at,
                     .len = span[i].len,
                     .score = span[i].score};
        e.text = yh_strndup(d->text + span[i].at, span[i].len);
        if (e.text == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to keep a removed stretch of %zu bytes",
                           span[i].len);
        YH_TRY(add_edit(d, e, span[i].evidence, err));
    }
    size_t to = span[0].at;
    for (size_t i = 0; i < n; i++) {
        size_t from = span[i].at + span[i].len, end = i + 1 < n ? span[i + 1].at : d->len;
        memmove(d->text + to, d->text + from, end - from);
        to += end - from;
    }
    d->text[to] = '\0';
    d->len = to;
    yh_draft_stale(d);
    return YH_OK;
}

yh_status yh_draft_cut(yh_draft *d, int step, size_t at, size_t len, yh_err *err)
{
    yh_span span = {.at = at, .len = len};
    return yh_draft_cut_spans(d, step, &span, 1, err);
}

yh_status yh_draft_change(yh_draft *d, int step, yh_buf *text, uint64_t count, const char *evidence,
                          yh_err *err)
{
    YH_TRY(yh_buf_reserve(text, 0, err));
    text->data[text->len] = '\0';
    if (count > 0)
        YH_TRY(add_edit(d, (yh_edit){.step = step, .kind = YH_EDIT_CHANGE, .count = count},
                        evidence, err));
    yh_free(d->text);
    d->text = text->data;
    d->len = text->len;
    yh_buf_init(text, text->max);
    yh_draft_stale(d);
    return YH_OK;
}

yh_status yh_draft_value(yh_draft *d, const char *name, double value, yh_err *err)
{
    int i = 0;
    while (i < d->n_value && strcmp(d->value[i].name, name) != 0)
        i++;
    if (i == YH_DRAFT_VALUES)
        return yh_fail(err, YH_INVALID, "more than %d numbers for one document, \"%s\" is too many",
                       YH_DRAFT_VALUES, name);
    d->value[i] = (yh_value){name, value};
    if (i == d->n_value)
        d->n_value++;
    return YH_OK;
}

/* ------------------------------------------------------------------ division into parts */

static bool sentence_end(const char *t, size_t i)
{
    return (t[i] == ' ' && i > 0 && strchr(".!?", t[i - 1]) != NULL) ||
           (i >= 2 && (memcmp(t + i - 2, "\xe3\x80\x82", 3) == 0 || /* 。 */
                       memcmp(t + i - 2, "\xef\xbc\x81", 3) == 0 || /* ！ */
                       memcmp(t + i - 2, "\xef\xbc\x9f", 3) == 0)); /* ？ */
}

/* Where to cut text[from, len) near `goal`: behind the best boundary in [goal - slack, goal +
 * slack]. */
static size_t best_cut(const char *t, size_t from, size_t len, size_t goal, size_t slack)
{
    size_t lo = goal - from > slack ? goal - slack : from + 1;
    size_t hi = len - goal > slack ? goal + slack : len;
    size_t best = 0, best_rank = 0, best_dist = 0;
    for (size_t i = lo; i < hi; i++) {
        size_t rank = t[i] == '\n' ? (t[i - 1] == '\n' ? 4 : 3) : sentence_end(t, i) ? 2 : 0;
        if (rank == 0 && t[i] == ' ')
            rank = 1;
        size_t dist = i > goal ? i - goal : goal - i;
        if (rank > best_rank || (rank == best_rank && rank > 0 && dist < best_dist)) {
            best = i + 1;
            best_rank = rank;
            best_dist = dist;
        }
    }
    if (best_rank == 0)
        for (best = goal; best > from + 1 && ((uint8_t)t[best] & 0xc0) == 0x80;)
            best--;
    return best;
}

static yh_status divide_one(yh_drafts *out, yh_draft *d, size_t chars, size_t part_chars,
                            yh_err *err)
{
    size_t parts = (chars + part_chars - 1) / part_chars;
    size_t step = d->len / parts, from = 0;
    for (size_t k = 0; k < parts && from < d->len; k++) {
        size_t to = d->len;
        if (k + 1 < parts)
            to = best_cut(d->text, from, d->len, from + step < d->len ? from + step : d->len - 1,
                          step / 4);
        size_t end = to;
        while (end > from && (d->text[end - 1] == '\n' || d->text[end - 1] == ' '))
            end--;
        size_t begin = from;
        while (begin < end && (d->text[begin] == '\n' || d->text[begin] == ' '))
            begin++;
        yh_draft *part = NULL;
        YH_TRY(push(out, &part, err));
        part->number = d->number;
        part->offset = d->offset;
        part->starts = k == 0 && d->starts;
        memcpy(part->encoding, d->encoding, sizeof part->encoding);
        part->text = yh_strndup(d->text + begin, end - begin);
        part->len = end - begin;
        if (part->text == NULL || (d->title != NULL && (part->title = yh_strdup(d->title)) == NULL))
            return yh_fail(err, YH_NOMEM, "no memory to divide a document of %zu bytes", d->len);
        if (k == 0) { /* what was cut from the whole stays with the first part */
            part->edit = d->edit;
            part->n_edit = d->n_edit;
            part->cap_edit = d->cap_edit;
            d->edit = NULL;
            d->n_edit = d->cap_edit = 0;
        }
        from = to;
    }
    return YH_OK;
}

yh_status yh_drafts_divide(yh_drafts *l, size_t part_chars, yh_err *err)
{
    const size_t longest = part_chars + part_chars / 5;
    bool any = false;
    for (size_t i = 0; i < l->n && !any; i++)
        any = l->d[i].len > longest;
    if (!any)
        return YH_OK;
    yh_drafts out = {0};
    yh_status s = YH_OK;
    for (size_t i = 0; i < l->n && s == YH_OK; i++) {
        yh_draft *d = &l->d[i], *same = NULL;
        size_t chars = d->removed_by >= 0 ? 0 : yh_utf8_count(d->text, d->len);
        if (chars > longest) {
            s = divide_one(&out, d, chars, part_chars, err);
        } else if ((s = push(&out, &same, err)) == YH_OK) {
            *same = *d;
            memset(d, 0, sizeof *d);
        }
    }
    for (size_t i = 0; i < l->n; i++)
        yh_draft_fini(&l->d[i]);
    yh_free(l->d);
    l->d = out.d;
    l->n = out.n;
    l->cap = out.cap;
    return s;
}
