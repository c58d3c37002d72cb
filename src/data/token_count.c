/* Counting the tokens of a corpus without storing them. */
#include "base/thread.h"
#include "data/doc_batch.h"
#include "yh/tokens.h"

typedef struct counter {
    const yh_tok *tok;
    yh_token_count *out;
    void (*progress)(void *user, const yh_token_count *so_far);
    void *user;
} counter;

static void work(void *arg, yh_batch_doc *d, int worker)
{
    const counter *c = arg;
    (void)worker;
    d->status = yh_tok_encode(c->tok, d->text, d->len, 0, &d->ids, &d->err);
}

static yh_status take(void *arg, yh_doc_batch *b, yh_err *err)
{
    counter *c = arg;
    for (size_t i = 0; i < b->n; i++) {
        if (b->doc[i].status != YH_OK)
            return yh_fail(err, b->doc[i].status, "%s", b->doc[i].err.msg);
        c->out->tokens += b->doc[i].ids.n;
    }
    c->out->documents += b->n;
    c->out->bytes += b->bytes;
    if (c->progress != NULL)
        c->progress(c->user, c->out);
    return YH_OK;
}

yh_status yh_count_run(const char *corpus, const yh_tok *tok, yh_pool *pool,
                       void (*progress)(void *user, const yh_token_count *so_far), void *user,
                       yh_token_count *out, yh_err *err)
{
    counter c = {.tok = tok, .out = out, .progress = progress, .user = user};
    yh_batches r = {.work = work, .take = take, .arg = &c};
    *out = (yh_token_count){0};
    YH_TRY(yh_corpus_open(&r.corpus, corpus, err));
    yh_status s = yh_batches_run(&r, pool, err);
    yh_corpus_close(r.corpus);
    return s;
}
