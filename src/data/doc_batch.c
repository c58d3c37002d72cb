#include "base/thread.h"
#include "data/doc_batch.h"

enum { BATCH_BYTES = 8 << 20, BATCH_DOCS = 8192 };

static yh_status add_doc(yh_doc_batch *b, const yh_doc *d, yh_err *err)
{
    if (b->n == b->cap) {
        size_t old = b->cap;
        yh_batch_doc *doc = yh_grow(b->doc, &b->cap, b->n + 1, sizeof *doc);
        if (doc == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a batch of documents");
        memset(doc + old, 0, (b->cap - old) * sizeof *doc);
        b->doc = doc;
    }
    yh_batch_doc *to = &b->doc[b->n];
    const yh_batch_doc *last = b->n > 0 ? to - 1 : NULL;
    to->ids.n = 0;
    to->status = YH_OK;
    to->err = (yh_err)YH_ERR_INIT;
    to->len = d->len;
    to->text_at = b->text.len;
    if (last != NULL && strcmp(b->names.data + last->source_at, d->source) == 0) {
        to->source_at = last->source_at;
    } else {
        to->source_at = b->names.len;
        YH_TRY(yh_buf_add(&b->names, d->source, strlen(d->source) + 1, err));
    }
    YH_TRY(yh_buf_add(&b->text, d->text, d->len + 1, err));
    b->bytes += d->len;
    b->n++;
    return YH_OK;
}

static yh_status fill(yh_batches *r, yh_doc_batch *b, yh_err *err)
{
    size_t limit = r->batch_bytes != 0 ? r->batch_bytes : BATCH_BYTES;
    yh_doc d;
    b->n = b->empty = 0;
    b->bytes = 0;
    b->more = true;
    yh_buf_clear(&b->text);
    yh_buf_clear(&b->names);
    while (b->n < BATCH_DOCS && b->bytes < limit) {
        YH_TRY(yh_corpus_next(r->corpus, &d, &b->more, err));
        if (!b->more)
            break;
        if (d.len == 0)
            b->empty++;
        else
            YH_TRY(add_doc(b, &d, err));
    }
    for (size_t i = 0; i < b->n; i++) { /* the buffers stay where they are from now on */
        b->doc[i].text = b->text.data + b->doc[i].text_at;
        b->doc[i].source = b->names.data + b->doc[i].source_at;
    }
    return YH_OK;
}

/* Items: read the next batch, hand on the last one, the documents of this one. */
static void step(void *arg, int64_t begin, int64_t end, int worker)
{
    yh_batches *r = arg;
    for (int64_t i = begin; i < end; i++) {
        if (i >= 2)
            r->work(r->arg, &r->current->doc[i - 2], worker);
        else if (i == 0 && r->next != NULL)
            r->next->status = fill(r, r->next, &r->next->err);
        else if (i == 1 && r->done != NULL)
            r->taken = r->take(r->arg, r->done, &r->taken_err);
    }
}

static yh_status take_last(yh_batches *r, yh_err *err)
{
    return r->done != NULL ? r->take(r->arg, r->done, err) : YH_OK;
}

static yh_status run(yh_batches *r, yh_pool *pool, yh_err *err)
{
    r->taken_err = (yh_err)YH_ERR_INIT;
    r->current = &r->ring[0];
    YH_TRY(fill(r, r->current, err));
    for (int k = 1;; k++) {
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        r->next = r->current->more ? &r->ring[k % 3] : NULL;
        if (r->next != NULL)
            r->next->err = (yh_err)YH_ERR_INIT;
        yh_pool_run_dynamic(pool, (int64_t)r->current->n + 2, 1, step, r);
        if (r->taken != YH_OK)
            return yh_fail(err, r->taken, "%s", r->taken_err.msg);
        r->done = r->current;
        if (r->next == NULL)
            return take_last(r, err);
        if (r->next->status != YH_OK) {
            YH_TRY(take_last(r, err));
            return yh_fail(err, r->next->status, "%s", r->next->err.msg);
        }
        r->current = r->next;
    }
}

yh_status yh_batches_run(yh_batches *r, yh_pool *pool, yh_err *err)
{
    yh_status s = run(r, pool, err);
    for (int k = 0; k < 3; k++) {
        yh_doc_batch *b = &r->ring[k];
        for (size_t i = 0; i < b->cap; i++)
            yh_ids_fini(&b->doc[i].ids);
        yh_free(b->doc);
        yh_buf_fini(&b->text);
        yh_buf_fini(&b->names);
    }
    return s;
}
