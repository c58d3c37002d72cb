#include "dedup/repeats.h"

#include "base/hash.h"

/* ANCHOR: hash, hash of the context, rank, place, document, symbols before and from the anchor on.
 * PLACE: document, place of an anchor. WINDOW: anchor's hash, window's hash, rank, place, document.
 * CUT: document, place, symbols, other document. */
enum { ANCHOR = 32, PLACE = 8, WINDOW = 28, CUT = YH_REPEAT_RECORD };

typedef struct search {
    const yh_repeats *o;
    yh_stage_run *x;
    yh_by_doc *ranks, *places;
    yh_sorter *anchors, *windows;
    yh_sorter *to_compare; /* PLACE */
    yh_sorter *cuts;
} search;

/* What a worker needs for one block. */
typedef struct worker {
    yh_symbols y;
    yh_windows w;
    yh_buf ranks, places;
    size_t n_rank, n_place, rank_at, place_at;
} worker;

static void worker_fini(worker *k)
{
    yh_free(k->y.s);
    yh_windows_fini(&k->w);
    yh_buf_fini(&k->ranks);
    yh_buf_fini(&k->places);
}

static yh_status worker_init(worker *k, const search *q, const yh_stored *docs, size_t n,
                             yh_err *err)
{
    const uint64_t first = docs[0].ordinal, last = docs[n - 1].ordinal;
    *k = (worker){0};
    yh_buf_init(&k->ranks, 0);
    yh_buf_init(&k->places, 0);
    YH_TRY(yh_by_doc_read(q->ranks, first, last, &k->ranks, &k->n_rank, NULL, err));
    if (q->places != NULL) {
        YH_TRY(yh_by_doc_read(q->places, first, last, &k->places, &k->n_place, NULL, err));
        if (k->n_place == 0)
            return YH_OK;
    }
    return yh_windows_init(&k->w, q->o, err);
}

static yh_status rank_of(worker *k, const yh_stored *d, const uint8_t **rank, yh_err *err)
{
    *rank = yh_by_doc_find((const uint8_t *)k->ranks.data, k->n_rank, YH_RANK_RECORD, &k->rank_at,
                           d->ordinal);
    return *rank != NULL ? YH_OK : yh_fail(err, YH_INTERNAL, "a document has no rank");
}

/* ------------------------------------------------------------------ anchors */

static yh_status anchors_of(const search *q, worker *k, const yh_stored *d, yh_batch *b,
                            yh_err *err)
{
    const yh_repeats *o = q->o;
    const uint64_t scope = yh_scope_hash(o->scope, d);
    size_t last = SIZE_MAX;
    const uint8_t *rank;
    YH_TRY(rank_of(k, d, &rank, err));
    YH_TRY(yh_symbols_make(&k->y, o, d, err));
    yh_windows_start(&k->w, &k->y);
    while (yh_windows_next(&k->w)) {
        const size_t at = k->w.anchor;
        uint8_t *r;
        if (at == last)
            continue;
        last = at;
        size_t left = at < o->window - o->gram ? at : o->window - o->gram;
        size_t right = k->y.n - at < o->window ? k->y.n - at : o->window;
        uint64_t context =
            o->characters ? yh_hash64(k->y.s + at - left, (left + right) * sizeof *k->y.s, left)
                          : yh_hash64(d->text + at - left, left + right, left);
        YH_TRY(yh_batch_add(b, &r, err));
        yh_sort_put64(r, k->w.anchor_hash ^ scope);
        yh_sort_put64(r + 8, context);
        memcpy(r + 16, rank + 4, 4);
        yh_sort_put32(r + 20, (uint32_t)at);
        yh_sort_put32(r + 24, (uint32_t)d->ordinal);
        yh_sort_put32(r + 28, (uint32_t)(left << 16 | right));
    }
    return YH_OK;
}

static yh_status anchors_block(void *user, int thread, const yh_stored *docs, size_t n, yh_err *err)
{
    const search *q = user;
    worker k;
    yh_batch b = {.s = q->anchors, .size = ANCHOR};
    (void)thread;
    yh_status st = worker_init(&k, q, docs, n, err);
    for (size_t i = 0; i < n && st == YH_OK; i++)
        if (docs[i].len >= q->o->window)
            st = anchors_of(q, &k, &docs[i], &b, err);
    worker_fini(&k);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

typedef struct grouping {
    yh_batch places, cuts;
    uint8_t first[ANCHOR]; /* of the context */
    bool any, sent, cut;   /* first is set; is to be compared; is cut */
} grouping;

static yh_status cut_context(grouping *g, const uint8_t *r, const uint8_t *other, yh_err *err)
{
    uint8_t *c;
    uint32_t sides = yh_sort_get32(r + 28), left = sides >> 16;
    YH_TRY(yh_batch_add(&g->cuts, &c, err));
    memcpy(c, r + 24, 4);
    yh_sort_put32(c + 4, yh_sort_get32(r + 20) - left);
    yh_sort_put32(c + 8, left + (sides & 0xffff));
    memcpy(c + 12, other + 24, 4);
    return YH_OK;
}

static yh_status send_place(grouping *g, const uint8_t *r, yh_err *err)
{
    uint8_t *p;
    YH_TRY(yh_batch_add(&g->places, &p, err));
    memcpy(p, r + 24, 4);
    memcpy(p + 4, r + 20, 4);
    return YH_OK;
}

/* One anchor, in order of hash, context, rank, place. */
static yh_status take_anchor(grouping *g, const yh_repeats *o, const uint8_t *r, yh_err *err)
{
    if (g->any && memcmp(g->first, r, 16) == 0) { /* a copy of the whole context */
        if (!o->keep_first && !g->cut) {
            YH_TRY(cut_context(g, g->first, r, err));
            g->cut = true;
        }
        return cut_context(g, r, g->first, err);
    }
    bool same_anchor = g->any && memcmp(g->first, r, 8) == 0;
    if (same_anchor && !g->sent)
        YH_TRY(send_place(g, g->first, err));
    if (same_anchor)
        YH_TRY(send_place(g, r, err));
    memcpy(g->first, r, ANCHOR);
    g->any = true;
    g->sent = same_anchor;
    g->cut = false;
    return YH_OK;
}

static yh_status group_anchors(search *q, yh_err *err)
{
    grouping g = {.places = {.s = q->to_compare, .size = PLACE},
                  .cuts = {.s = q->cuts, .size = CUT}};
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(q->anchors, err));
    for (;;) {
        YH_TRY(yh_sorter_next(q->anchors, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, r += ANCHOR)
            YH_TRY(take_anchor(&g, q->o, r, err));
    }
    YH_TRY(yh_batch_flush(&g.places, err));
    return yh_batch_flush(&g.cuts, err);
}

/* ------------------------------------------------------------------ windows */

/* The windows of the anchors that are to be compared; places: p[0..n) of this document. */
static yh_status windows_of(const search *q, worker *k, const yh_stored *d, const uint8_t *p,
                            size_t n, yh_batch *b, yh_err *err)
{
    const uint64_t scope = yh_scope_hash(q->o->scope, d);
    size_t i = 0;
    const uint8_t *rank;
    YH_TRY(rank_of(k, d, &rank, err));
    YH_TRY(yh_symbols_make(&k->y, q->o, d, err));
    yh_windows_start(&k->w, &k->y);
    while (i < n && yh_windows_next(&k->w)) {
        uint8_t *r;
        while (i < n && yh_sort_get32(p + i * PLACE + 4) < k->w.anchor)
            i++;
        if (i == n || yh_sort_get32(p + i * PLACE + 4) != k->w.anchor)
            continue;
        YH_TRY(yh_batch_add(b, &r, err));
        yh_sort_put64(r, k->w.anchor_hash ^ scope);
        yh_sort_put64(r + 8, k->w.window_hash);
        memcpy(r + 16, rank + 4, 4);
        yh_sort_put32(r + 20, (uint32_t)k->w.at);
        yh_sort_put32(r + 24, (uint32_t)d->ordinal);
    }
    return YH_OK;
}

static yh_status windows_block(void *user, int thread, const yh_stored *docs, size_t n, yh_err *err)
{
    const search *q = user;
    worker k;
    yh_batch b = {.s = q->windows, .size = WINDOW};
    (void)thread;
    yh_status st = worker_init(&k, q, docs, n, err);
    const uint8_t *p = (const uint8_t *)k.places.data;
    for (size_t i = 0; i < n && st == YH_OK && k.n_place > 0; i++) {
        if (yh_by_doc_find(p, k.n_place, PLACE, &k.place_at, docs[i].ordinal) == NULL)
            continue;
        size_t end = k.place_at;
        while (end < k.n_place && yh_sort_get32(p + end * PLACE) == docs[i].ordinal)
            end++;
        st = windows_of(q, &k, &docs[i], p + k.place_at * PLACE, end - k.place_at, &b, err);
    }
    worker_fini(&k);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

static yh_status cut_window(yh_batch *b, const yh_repeats *o, const uint8_t *r,
                            const uint8_t *other, yh_err *err)
{
    uint8_t *c;
    YH_TRY(yh_batch_add(b, &c, err));
    memcpy(c, r + 24, 4);
    memcpy(c + 4, r + 20, 4);
    yh_sort_put32(c + 8, (uint32_t)o->window);
    memcpy(c + 12, other + 24, 4);
    return YH_OK;
}

static yh_status group_windows(search *q, yh_err *err)
{
    yh_batch b = {.s = q->cuts, .size = CUT};
    uint8_t first[WINDOW];
    uint64_t seen = 0;
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(q->windows, err));
    for (;;) {
        YH_TRY(yh_sorter_next(q->windows, &r, &n, err));
        if (n == 0)
            return yh_batch_flush(&b, err);
        for (size_t i = 0; i < n; i++, r += WINDOW) {
            if (seen == 0 || memcmp(first, r, 16) != 0) {
                memcpy(first, r, sizeof first);
                seen = 1;
                continue;
            }
            if (seen++ == 1 && !q->o->keep_first)
                YH_TRY(cut_window(&b, q->o, first, r, err));
            YH_TRY(cut_window(&b, q->o, r, first, err));
        }
    }
}

/* ------------------------------------------------------------------ stretches */

/* Joins what overlaps or touches. */
static yh_status join_cuts(yh_sorter *cuts, yh_sorter *joined, yh_err *err)
{
    yh_batch b = {.s = joined, .size = CUT};
    const uint8_t *r;
    size_t n;
    uint8_t *held = NULL; /* in the batch until the next one is added */
    uint64_t end = 0;
    YH_TRY(yh_sorter_finish(cuts, err));
    for (;;) {
        YH_TRY(yh_sorter_next(cuts, &r, &n, err));
        if (n == 0)
            return yh_batch_flush(&b, err);
        for (size_t i = 0; i < n; i++, r += CUT) {
            uint64_t at = yh_sort_get32(r + 4), stop = at + yh_sort_get32(r + 8);
            if (held != NULL && memcmp(held, r, 4) == 0 && at <= end) {
                end = stop > end ? stop : end;
                yh_sort_put32(held + 8, (uint32_t)(end - yh_sort_get32(held + 4)));
                continue;
            }
            YH_TRY(yh_batch_add(&b, &held, err));
            memcpy(held, r, CUT);
            end = stop;
        }
    }
}

static yh_status find_anchors(search *q, yh_err *err)
{
    yh_stage_run *x = q->x;
    YH_TRY(yh_sorter_create(&q->anchors, ANCHOR, x->memory / 2, x->work, x->pool, err));
    YH_TRY(yh_pass_each(x, 0.15, 0.45, anchors_block, q, err));
    YH_TRY(yh_sorter_create(&q->to_compare, PLACE, x->memory / 8, x->work, x->pool, err));
    YH_TRY(group_anchors(q, err));
    yh_sorter_free(q->anchors);
    q->anchors = NULL;
    yh_sorter *places = q->to_compare;
    q->to_compare = NULL; /* taken over, whatever happens */
    return yh_by_doc_create(&q->places, places, PLACE, x, err);
}

static yh_status find_all(search *q, yh_by_doc **out, yh_err *err)
{
    yh_stage_run *x = q->x;
    yh_sorter *joined = NULL;
    YH_TRY(yh_ranks_create(&q->ranks, x, 0, 0.15, err));
    YH_TRY(yh_sorter_create(&q->cuts, CUT, x->memory / 4, x->work, x->pool, err));
    YH_TRY(find_anchors(q, err));
    if (yh_by_doc_count(q->places) > 0) {
        YH_TRY(yh_sorter_create(&q->windows, WINDOW, x->memory / 2, x->work, x->pool, err));
        YH_TRY(yh_pass_each(x, 0.45, 0.75, windows_block, q, err));
        YH_TRY(group_windows(q, err));
        yh_sorter_free(q->windows);
        q->windows = NULL;
    }
    YH_TRY(yh_sorter_create(&joined, CUT, x->memory / 4, x->work, x->pool, err));
    yh_status st = join_cuts(q->cuts, joined, err);
    if (st != YH_OK) {
        yh_sorter_free(joined);
        return st;
    }
    return yh_by_doc_create(out, joined, CUT, x, err);
}

yh_status yh_repeats_find(yh_by_doc **out, const yh_repeats *o, yh_stage_run *x, yh_err *err)
{
    search q = {.o = o, .x = x};
    *out = NULL;
    yh_status st = find_all(&q, out, err);
    yh_by_doc_free(q.ranks);
    yh_by_doc_free(q.places);
    yh_sorter_free(q.anchors);
    yh_sorter_free(q.windows);
    yh_sorter_free(q.to_compare);
    yh_sorter_free(q.cuts);
    return st;
}
