#include "dedup/pass.h"

#include <unistd.h>

#include "base/temp_file.h"

yh_status yh_pass_check(const yh_stage_run *x, const char *stage, yh_err *err)
{
    uint64_t n = yh_store_documents(x->store);
    return n < YH_PASS_DOCS_MAX
               ? YH_OK
               : yh_fail(err, YH_LIMIT, "%s: %llu documents, at most %llu in one run", stage,
                         (unsigned long long)n, (unsigned long long)YH_PASS_DOCS_MAX - 1);
}

yh_status yh_pass_count(yh_stage_run *x, const char *name, uint64_t n, yh_err *err)
{
    if (x->stats == NULL)
        return YH_OK;
    return json_object_set_new(x->stats, name, json_integer((json_int_t)n)) == 0
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "no memory for the numbers of a stage");
}

/* ------------------------------------------------------------------ progress */

typedef struct counted {
    yh_stage_run *x;
    double from, to;
    yh_store_fn fn;
    void *user;
    uint64_t blocks, done;
} counted;

static yh_status count(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    counted *c = user;
    if (n > 0)
        YH_TRY(c->fn(c->user, worker, docs, n, err));
    uint64_t done = __atomic_add_fetch(&c->done, 1, __ATOMIC_RELAXED);
    if (worker == 0 && c->x->progress != NULL) /* the caller's own thread */
        c->x->progress(c->x->user, c->from + (c->to - c->from) * (double)done / (double)c->blocks);
    return YH_OK;
}

yh_status yh_pass_each(yh_stage_run *x, double from, double to, yh_store_fn fn, void *user,
                       yh_err *err)
{
    counted c = {x, from, to, fn, user, yh_store_blocks(x->store), 0};
    return yh_store_each(x->store, x->pool, count, &c, err);
}

/* ------------------------------------------------------------------ records by document */

enum { STEP = 1024 }; /* documents between two entries of the index */

struct yh_by_doc {
    char *dir;
    int fd;
    size_t size;
    uint64_t *first; /* first[i]: first record of documents from i * STEP */
    uint64_t steps, n;
};

void yh_by_doc_free(yh_by_doc *b)
{
    if (b == NULL)
        return;
    if (b->fd >= 0)
        close(b->fd);
    yh_free(b->first);
    yh_free(b->dir);
    yh_free(b);
}

uint64_t yh_by_doc_count(const yh_by_doc *b)
{
    return b->n;
}

static yh_status fill_file(yh_by_doc *b, yh_sorter *s, uint8_t *last, yh_buf *out, yh_err *err)
{
    const uint8_t *r;
    size_t n;
    uint64_t step = 0;
    do {
        yh_buf_clear(out);
        uint64_t begin = b->n;
        YH_TRY(yh_sorter_next(s, &r, &n, err));
        for (size_t i = 0; i < n; i++, r += b->size) {
            if (b->n > 0 && memcmp(last, r, b->size) == 0)
                continue;
            memcpy(last, r, b->size);
            while (step < yh_sort_get32(r) / STEP && step < b->steps)
                b->first[++step] = b->n;
            YH_TRY(yh_buf_add(out, r, b->size, err));
            b->n++;
        }
        if (out->len > 0)
            YH_TRY(yh_temp_write(b->fd, out->data, out->len, begin * b->size, b->dir, err));
    } while (n > 0);
    while (step < b->steps)
        b->first[++step] = b->n;
    return YH_OK;
}

yh_status yh_by_doc_create(yh_by_doc **out, yh_sorter *s, size_t size, const yh_stage_run *x,
                           yh_err *err)
{
    uint8_t last[256];
    yh_buf block;
    yh_buf_init(&block, 0);
    yh_by_doc *b = yh_calloc(1, sizeof *b);
    *out = NULL;
    yh_status st = YH_OK;
    if (b == NULL) {
        yh_sorter_free(s);
        return yh_fail(err, YH_NOMEM, "no memory for records by document");
    }
    b->fd = -1;
    b->size = size;
    b->steps = yh_store_documents(x->store) / STEP + 1;
    b->dir = yh_strdup(x->work);
    b->first = yh_calloc((size_t)b->steps + 1, sizeof *b->first);
    if (b->dir == NULL || b->first == NULL)
        st = yh_fail(err, YH_NOMEM, "no memory for records by document");
    if (st == YH_OK)
        st = yh_temp_open(&b->fd, x->work, err);
    if (st == YH_OK)
        st = yh_sorter_finish(s, err);
    if (st == YH_OK)
        st = fill_file(b, s, last, &block, err);
    yh_sorter_free(s);
    yh_buf_fini(&block);
    if (st != YH_OK) {
        yh_by_doc_free(b);
        return st;
    }
    *out = b;
    return YH_OK;
}

yh_status yh_by_doc_read(const yh_by_doc *b, uint64_t first, uint64_t last, yh_buf *out, size_t *n,
                         uint64_t *index, yh_err *err)
{
    uint64_t from = first / STEP, to = last / STEP + 1;
    *n = 0;
    yh_buf_clear(out);
    if (from >= b->steps)
        return YH_OK;
    uint64_t lo = b->first[from], hi = b->first[to < b->steps ? to : b->steps];
    size_t bytes = (size_t)(hi - lo) * b->size, skip = 0, end;
    YH_TRY(yh_buf_reserve(out, bytes + 1, err));
    YH_TRY(yh_temp_read(b->fd, out->data, bytes, lo * b->size, b->dir, err));
    const uint8_t *r = (const uint8_t *)out->data;
    while (skip < bytes && yh_sort_get32(r + skip) < first)
        skip += b->size;
    for (end = bytes; end > skip && yh_sort_get32(r + end - b->size) > last;)
        end -= b->size;
    memmove(out->data, out->data + skip, end - skip);
    out->len = end - skip;
    *n = out->len / b->size;
    if (index != NULL)
        *index = lo + skip / b->size;
    return YH_OK;
}

/* ------------------------------------------------------------------ ranks */

enum { PLACE = 28 }; /* ~length, hash, hash of the id, document */

static yh_status place(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    yh_batch b = {.s = user, .size = PLACE};
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        uint8_t *r;
        yh_stage_rank k = yh_stage_rank_of(&docs[i]);
        YH_TRY(yh_batch_add(&b, &r, err));
        yh_sort_put64(r, ~k.len);
        yh_sort_put64(r + 8, k.hash);
        yh_sort_put64(r + 16, k.id_hash);
        yh_sort_put32(r + 24, (uint32_t)docs[i].ordinal);
    }
    return yh_batch_flush(&b, err);
}

static yh_status number(yh_sorter *places, yh_sorter *ranks, yh_err *err)
{
    const uint8_t *r;
    size_t n;
    uint32_t rank = 0;
    yh_batch b = {.s = ranks, .size = YH_RANK_RECORD};
    YH_TRY(yh_sorter_finish(places, err));
    for (;;) {
        YH_TRY(yh_sorter_next(places, &r, &n, err));
        if (n == 0)
            return yh_batch_flush(&b, err);
        for (size_t i = 0; i < n; i++, r += PLACE) {
            uint8_t *to;
            YH_TRY(yh_batch_add(&b, &to, err));
            memcpy(to, r + 24, 4);
            yh_sort_put32(to + 4, rank++);
        }
    }
}

yh_status yh_ranks_create(yh_by_doc **out, yh_stage_run *x, double from, double to, yh_err *err)
{
    yh_sorter *places = NULL, *ranks = NULL;
    *out = NULL;
    yh_status st = yh_sorter_create(&places, PLACE, x->memory / 2, x->work, x->pool, err);
    if (st == YH_OK)
        st = yh_sorter_create(&ranks, YH_RANK_RECORD, x->memory / 4, x->work, x->pool, err);
    if (st == YH_OK)
        st = yh_pass_each(x, from, to, place, places, err);
    if (st == YH_OK)
        st = number(places, ranks, err);
    yh_sorter_free(places);
    if (st == YH_OK)
        return yh_by_doc_create(out, ranks, YH_RANK_RECORD, x, err);
    yh_sorter_free(ranks);
    return st;
}
