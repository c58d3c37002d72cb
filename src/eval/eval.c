/* Bits per byte of documents. Documents are laid end to end in runs of fixed length; attention's
 * `start` keeps them apart, so that short ones cost no padding. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "eval/packer.h"
#include "yh/eval.h"

void yh_eval_report_fini(yh_eval_report *r)
{
    yh_free(r->rows);
    r->rows = NULL;
    r->n = 0;
}

typedef struct eval {
    yh_packer *packer;
    yh_eval_row *rows; /* in order of first appearance */
    size_t n, cap, last;
    uint64_t docs, tokens;
    uint32_t eos;
} eval;

/* Row of a source; sources come in runs, so the last one is tried first. */
static yh_status row_of(eval *e, const char *source, size_t *out, yh_err *err)
{
    char name[sizeof e->rows->source];
    size_t n = source == NULL ? 0 : strlen(source);
    if (n >= sizeof name) /* cut between characters */
        for (n = sizeof name - 1; n > 0 && ((unsigned char)source[n] & 0xC0) == 0x80;)
            n--;
    if (n > 0)
        memcpy(name, source, n);
    name[n] = '\0';
    for (size_t i = 0; i < e->n; i++) {
        size_t k = (e->last + i) % e->n;
        if (strcmp(e->rows[k].source, name) == 0) {
            *out = e->last = k;
            return YH_OK;
        }
    }
    yh_eval_row *rows = yh_grow(e->rows, &e->cap, e->n + 1, sizeof *rows);
    if (rows == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu sources", e->n + 1);
    e->rows = rows;
    memset(&rows[e->n], 0, sizeof *rows);
    memcpy(rows[e->n].source, name, n + 1);
    *out = e->last = e->n++;
    return YH_OK;
}

static void add_nats(void *user, size_t row, double nats)
{
    ((eval *)user)->rows[row].nats += nats;
}

/* ids: t1 .. tn EOS */
static yh_status add_doc(eval *e, const int32_t *ids, size_t n, uint64_t bytes, const char *source,
                         yh_err *err)
{
    size_t row = 0;
    if (yh_stop_requested())
        return yh_fail(err, YH_STOPPED, "stopped");
    YH_TRY(row_of(e, source, &row, err));
    e->rows[row].docs++;
    e->rows[row].tokens += n;
    e->rows[row].bytes += bytes;
    e->docs++;
    e->tokens += n;
    return yh_packer_add(e->packer, ids, n, (int32_t)e->eos, row, err);
}

static int by_source(const void *a, const void *b)
{
    return strcmp(((const yh_eval_row *)a)->source, ((const yh_eval_row *)b)->source);
}

static yh_status finish(eval *e, yh_eval_report *r, const char *what, yh_err *err)
{
    YH_TRY(yh_packer_flush(e->packer, err));
    if (e->docs == 0)
        return yh_fail(err, YH_NOTFOUND, "%s: holds no document to evaluate on", what);
    if (e->n > 0)
        qsort(e->rows, e->n, sizeof *e->rows, by_source);
    for (size_t i = 0; i < e->n; i++) {
        r->total.docs += e->rows[i].docs;
        r->total.tokens += e->rows[i].tokens;
        r->total.bytes += e->rows[i].bytes;
        r->total.nats += e->rows[i].nats;
    }
    r->rows = e->rows;
    r->n = e->n;
    e->rows = NULL;
    if (!isfinite(r->total.nats))
        return yh_fail(err, YH_CORRUPT,
                       "the model gives no finite numbers: its weights are broken");
    return YH_OK;
}

static void eval_fini(eval *e)
{
    yh_packer_free(e->packer);
    yh_free(e->rows);
}

/* ------------------------------------------------------------------ corpus */

typedef struct doc_ids {
    yh_ids ids;
    int32_t *row;
    size_t cap;
} doc_ids;

static yh_status encode_doc(doc_ids *d, const yh_tok *tok, const yh_doc *doc, uint32_t eos,
                            yh_err *err)
{
    d->ids.n = 0;
    YH_TRY(yh_tok_encode(tok, doc->text, doc->len, 0, &d->ids, err));
    int32_t *row = yh_grow(d->row, &d->cap, d->ids.n + 1, sizeof *row);
    if (row == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a document of %zu tokens", d->ids.n);
    d->row = row;
    for (size_t i = 0; i < d->ids.n; i++)
        row[i] = (int32_t)d->ids.id[i];
    row[d->ids.n] = (int32_t)eos;
    return YH_OK;
}

static yh_status walk_corpus(eval *e, const yh_tok *tok, yh_corpus *c, unsigned per_mille,
                             uint64_t max_tokens, yh_err *err)
{
    doc_ids d = {.ids = YH_IDS_INIT};
    yh_doc doc;
    bool more = true;
    yh_status s;
    while (max_tokens == 0 || e->tokens < max_tokens) {
        YH_GOTO(s, yh_corpus_next(c, &doc, &more, err), out);
        if (!more)
            break;
        if (per_mille > 0 && !yh_doc_is_heldout(doc.text, doc.len, per_mille))
            continue;
        YH_GOTO(s, encode_doc(&d, tok, &doc, e->eos, err), out);
        YH_GOTO(s, add_doc(e, d.row, d.ids.n + 1, doc.len, doc.source, err), out);
    }
    s = YH_OK;
out:
    yh_ids_fini(&d.ids);
    yh_free(d.row);
    return s;
}

yh_status yh_eval_corpus(yh_model *m, const yh_tok *tok, const char *corpus,
                         unsigned heldout_per_mille, uint64_t max_tokens, yh_pool *pool,
                         yh_eval_report *r, yh_err *err)
{
    eval e = {0};
    yh_corpus *c = NULL;
    yh_model_facts facts;
    double begun = yh_now();
    yh_status s;
    memset(r, 0, sizeof *r);
    yh_model_describe(m, &facts);
    if (heldout_per_mille > 1000)
        return yh_fail(err, YH_INVALID, "held-out share is %u per mille, at most 1000",
                       heldout_per_mille);
    if (yh_tok_size(tok) > (uint32_t)facts.vocab)
        return yh_fail(err, YH_MISMATCH,
                       "the tokenizer has %u ids, the model only %d: they do not belong together",
                       yh_tok_size(tok), facts.vocab);
    if (yh_tok_eos(tok) < 0)
        return yh_fail(err, YH_UNSUPPORTED,
                       "the tokenizer has no end-of-text token, which evaluation puts between "
                       "documents");
    e.eos = (uint32_t)yh_tok_eos(tok);
    YH_GOTO(s, yh_corpus_open(&c, corpus, err), out);
    YH_GOTO(s, yh_packer_create(&e.packer, m, pool, add_nats, &e, err), out);
    YH_GOTO(s, walk_corpus(&e, tok, c, heldout_per_mille, max_tokens, err), out);
    s = finish(&e, r, corpus, err);
out:
    yh_corpus_close(c);
    eval_fini(&e);
    r->seconds = yh_now() - begun;
    if (s != YH_OK)
        yh_eval_report_fini(r);
    return s;
}

/* ------------------------------------------------------------------ token folder */

static yh_status walk_tokens(eval *e, const yh_tokens *t, yh_split split, uint64_t max_tokens,
                             yh_err *err)
{
    uint64_t docs = yh_tokens_docs(t, split);
    int32_t *row = NULL;
    size_t cap = 0;
    yh_status s = YH_OK;
    for (uint64_t i = 0; i < docs && s == YH_OK && (max_tokens == 0 || e->tokens < max_tokens);
         i++) {
        yh_token_doc d;
        yh_tokens_doc(t, split, i, &d);
        int32_t *p = yh_grow(row, &cap, (size_t)d.n, sizeof *p);
        if (p == NULL) {
            s = yh_fail(err, YH_NOMEM, "no memory for a document of %llu tokens",
                        (unsigned long long)d.n);
            break;
        }
        row = p;
        yh_tokens_copy(t, split, i, 0, d.n, row);
        s = add_doc(e, row, (size_t)d.n, d.text_bytes, d.source, err);
    }
    yh_free(row);
    return s;
}

yh_status yh_eval_tokens(yh_model *m, const yh_tokens *t, yh_split split, uint64_t max_tokens,
                         yh_pool *pool, yh_eval_report *r, yh_err *err)
{
    eval e = {.eos = yh_tokens_eos(t)};
    yh_model_facts facts;
    double begun = yh_now();
    memset(r, 0, sizeof *r);
    yh_model_describe(m, &facts);
    if (yh_tokens_vocab(t) > (uint32_t)facts.vocab)
        return yh_fail(err, YH_MISMATCH,
                       "the tokens have a vocabulary of %u, the model only %d: they do not belong "
                       "together",
                       yh_tokens_vocab(t), facts.vocab);
    yh_status s = yh_packer_create(&e.packer, m, pool, add_nats, &e, err);
    if (s == YH_OK)
        s = walk_tokens(&e, t, split, max_tokens, err);
    if (s == YH_OK)
        s = finish(&e, r, split == YH_HELDOUT ? "the held-out split" : "the training split", err);
    eval_fini(&e);
    r->seconds = yh_now() - begun;
    if (s != YH_OK)
        yh_eval_report_fini(r);
    return s;
}
