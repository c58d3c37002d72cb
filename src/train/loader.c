#include "train/loader.h"

#include "base/rng.h"

enum { STRIDE = 64 /* documents between two stored offsets */ };

/* Streams of the counter-based generator, one purpose each. */
enum { STREAM_DOCS = 0x10000000, STREAM_ROWS = 0x20000000, STREAM_RANDOM = 0x30000000 };

struct yh_loader {
    const yh_tokens *t;
    yh_loader_options o;
    uint64_t docs, total, lead, rows;
    uint32_t eos;
    /* of the epoch in hand */
    uint64_t epoch;
    yh_permutation doc_order, row_order;
    uint64_t
        *offset; /* [docs/STRIDE + 1] stream offset (without the lead) of every 64th document */
};

/* ------------------------------------------------------------------ permutation */

void yh_permutation_init(yh_permutation *p, uint64_t n, uint64_t seed, uint64_t stream)
{
    int bits = 2;
    while (bits < 64 && (n - 1) >> bits != 0)
        bits++;
    p->n = n;
    p->half = (bits + 1) / 2;
    for (uint64_t i = 0; i < 6; i += 2) {
        uint32_t v[4];
        yh_philox(seed, stream, i, v);
        p->key[i] = (uint64_t)v[0] << 32 | v[1];
        p->key[i + 1] = (uint64_t)v[2] << 32 | v[3];
    }
}

uint64_t yh_permutation_at(const yh_permutation *p, uint64_t i)
{
    uint64_t mask = ((uint64_t)1 << p->half) - 1;
    do {
        uint64_t l = i >> p->half, r = i & mask;
        for (int k = 0; k < 6; k++) {
            uint64_t f = yh_mix64(r ^ p->key[k]) & mask;
            uint64_t next = l ^ f;
            l = r;
            r = next;
        }
        i = l << p->half | r;
    } while (i >= p->n);
    return i;
}

/* ------------------------------------------------------------------ the stream of an epoch */

static uint64_t doc_at(const yh_loader *l, uint64_t place)
{
    return l->o.order == YH_ORDER_SHUFFLE ? yh_permutation_at(&l->doc_order, place) : place;
}

static void open_epoch(yh_loader *l, uint64_t epoch)
{
    l->epoch = epoch;
    yh_permutation_init(&l->doc_order, l->docs, l->o.seed, STREAM_DOCS + epoch);
    yh_permutation_init(&l->row_order, l->rows, l->o.seed, STREAM_ROWS + epoch);
    uint64_t at = 0;
    for (uint64_t i = 0; i < l->docs; i++) {
        yh_token_doc d;
        if (i % STRIDE == 0)
            l->offset[i / STRIDE] = at;
        yh_tokens_doc(l->t, l->o.split, doc_at(l, i), &d);
        at += d.n;
    }
}

/* Copies stream tokens [at, at+n), at counted without the lead; at + n <= total. */
static void copy_stream(const yh_loader *l, uint64_t at, uint64_t n, int32_t *out)
{
    uint64_t lo = 0, hi = (l->docs - 1) / STRIDE;
    while (lo < hi) {
        uint64_t mid = (lo + hi + 1) / 2;
        if (l->offset[mid] <= at)
            lo = mid;
        else
            hi = mid - 1;
    }
    uint64_t begin = l->offset[lo];
    for (uint64_t place = lo * STRIDE; n > 0 && place < l->docs; place++) {
        uint64_t doc = doc_at(l, place);
        yh_token_doc d;
        yh_tokens_doc(l->t, l->o.split, doc, &d);
        if (at < begin + d.n) {
            uint64_t first = at - begin, k = d.n - first < n ? d.n - first : n;
            yh_tokens_copy(l->t, l->o.split, doc, first, k, out);
            out += k;
            at += k;
            n -= k;
        }
        begin += d.n;
    }
}

/* ------------------------------------------------------------------ life */

yh_status yh_loader_create(yh_loader **out, const yh_tokens *t, const yh_loader_options *o,
                           yh_err *err)
{
    *out = NULL;
    uint64_t docs = yh_tokens_docs(t, o->split), total = yh_tokens_total(t, o->split);
    uint64_t lead = o->across_documents ? 0 : 1;
    const char *name = o->split == YH_TRAIN ? "training" : "held-out";
    if (docs == 0 || total == 0)
        return yh_fail(err, YH_INVALID, "the %s split is empty; pack more text", name);
    if (yh_tokens_vocab(t) > o->vocab)
        return yh_fail(err, YH_MISMATCH,
                       "the tokens use a vocabulary of %u, the model has %u; pack with the model's "
                       "tokenizer",
                       yh_tokens_vocab(t), o->vocab);
    uint64_t rows = (total - 1 + lead) / o->context;
    if (rows == 0)
        return yh_fail(err, YH_INVALID,
                       "the %s split has %llu tokens, less than one row of %u; use a shorter "
                       "context or more text",
                       name, (unsigned long long)total, o->context);
    yh_loader *l = yh_calloc(1, sizeof *l);
    if (l == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the loader");
    *l = (yh_loader){.t = t, .o = *o, .docs = docs, .total = total, .lead = lead, .rows = rows};
    l->eos = yh_tokens_eos(t);
    l->offset = yh_malloc((docs / STRIDE + 1) * sizeof *l->offset);
    if (l->offset == NULL) {
        yh_free(l);
        return yh_fail(err, YH_NOMEM, "no memory for an index of %llu documents",
                       (unsigned long long)docs);
    }
    open_epoch(l, 0);
    *out = l;
    return YH_OK;
}

void yh_loader_free(yh_loader *l)
{
    if (l == NULL)
        return;
    yh_free(l->offset);
    yh_free(l);
}

uint64_t yh_loader_rows(const yh_loader *l)
{
    return l->rows;
}

uint64_t yh_loader_memory(const yh_loader *l)
{
    return sizeof *l + (l->docs / STRIDE + 1) * sizeof *l->offset;
}

/* ------------------------------------------------------------------ rows */

/* Fills tokens and targets from the stream offset `at` (the lead counted). */
static void read_row(const yh_loader *l, uint64_t at, int32_t *tokens, int32_t *targets)
{
    uint32_t c = l->o.context;
    if (at < l->lead) {
        tokens[0] = (int32_t)l->eos;
        copy_stream(l, 0, c, targets);
        memcpy(tokens + 1, targets, (c - 1) * sizeof *tokens);
        return;
    }
    copy_stream(l, at - l->lead, 1, tokens);
    copy_stream(l, at - l->lead + 1, c, targets);
    memcpy(tokens + 1, targets, (c - 1) * sizeof *tokens);
}

static yh_status check_ids(const int32_t *id, uint32_t n, uint32_t vocab, uint64_t sample,
                           yh_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        if (id[i] < 0 || (uint32_t)id[i] >= vocab)
            return yh_fail(err, YH_MISMATCH,
                           "token id %d in row %llu is past the model's vocabulary of %u; the "
                           "tokens are damaged or were packed with another tokenizer",
                           id[i], (unsigned long long)sample, vocab);
    return YH_OK;
}

static void mark_segments(const int32_t *tokens, uint32_t n, int32_t eos, bool across, int32_t base,
                          int32_t *pos, int32_t *start)
{
    int32_t begin = 0;
    for (int32_t i = 0; i < (int32_t)n; i++) {
        if (!across && tokens[i] == eos)
            begin = i;
        pos[i] = i - begin;
        start[i] = base + begin;
    }
}

yh_status yh_loader_row(yh_loader *l, uint64_t sample, int32_t base, int32_t *tokens,
                        int32_t *targets, int32_t *pos, int32_t *start, yh_err *err)
{
    uint64_t at, c = l->o.context;
    if (l->o.order == YH_ORDER_RANDOM) {
        yh_rng r;
        yh_rng_init(&r, l->o.seed, STREAM_RANDOM);
        r.index = sample * 2; /* a value takes half a counter; a retry the next */
        at = yh_rng_below(&r, l->total + l->lead - c);
    } else {
        uint64_t epoch = sample / l->rows, row = sample % l->rows;
        if (l->o.order == YH_ORDER_SHUFFLE) {
            if (epoch != l->epoch)
                open_epoch(l, epoch);
            row = yh_permutation_at(&l->row_order, row);
        }
        at = row * c;
    }
    read_row(l, at, tokens, targets);
    YH_TRY(check_ids(tokens, 1, l->o.vocab, sample, err));
    YH_TRY(check_ids(targets, l->o.context, l->o.vocab, sample, err));
    mark_segments(tokens, l->o.context, (int32_t)l->eos, l->o.across_documents, base, pos, start);
    return YH_OK;
}

/* ------------------------------------------------------------------ held-out subset */

enum { STREAM_EVAL = 0x40000000, EVAL_SEED = 20260 };

static yh_status grow_run(yh_eval_set *e, uint64_t *cap, int32_t eos, yh_err *err)
{
    if (e->runs == *cap) {
        uint64_t n = *cap == 0 ? 4 : *cap * 2;
        int32_t **array[4] = {&e->tokens, &e->targets, &e->pos, &e->start};
        for (int i = 0; i < 4; i++) {
            size_t count = 0;
            int32_t *p = yh_mul_size((size_t)n, (size_t)e->rows, &count)
                             ? yh_realloc_array(*array[i], count, sizeof *p)
                             : NULL;
            if (p == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for the held-out tokens");
            *array[i] = p;
        }
        *cap = n;
    }
    uint64_t base = e->runs++ * (uint64_t)e->rows;
    for (int64_t i = 0; i < e->rows; i++) { /* ignored rows until filled */
        e->tokens[base + (uint64_t)i] = eos;
        e->targets[base + (uint64_t)i] = -1;
        e->pos[base + (uint64_t)i] = 0;
        e->start[base + (uint64_t)i] = (int32_t)i;
    }
    return YH_OK;
}

/* Lays the n tokens id[1..n] predicted from id[0..n-1] into runs, in pieces of `context`. */
static yh_status lay_pieces(yh_eval_set *e, uint64_t *cap, int64_t *used, const int32_t *id,
                            uint64_t n, uint32_t context, int32_t eos, yh_err *err)
{
    for (uint64_t at = 0; at < n; at += context) {
        int64_t k = (int64_t)(n - at < context ? n - at : context);
        if (e->runs == 0 || *used + k > e->rows) {
            YH_TRY(grow_run(e, cap, eos, err));
            *used = 0;
        }
        uint64_t base = (e->runs - 1) * (uint64_t)e->rows + (uint64_t)*used;
        for (int64_t i = 0; i < k; i++) {
            e->tokens[base + (uint64_t)i] = id[at + (uint64_t)i];
            e->targets[base + (uint64_t)i] = id[at + (uint64_t)i + 1];
            e->pos[base + (uint64_t)i] = (int32_t)i;
            e->start[base + (uint64_t)i] = (int32_t)*used;
        }
        *used += k;
        e->tokens_used += (uint64_t)k;
    }
    return YH_OK;
}

/* Across documents the whole split is one text. */
static yh_status lay_stream(yh_eval_set *e, const yh_tokens *t, uint64_t take, int32_t *id,
                            uint64_t *cap, int64_t *used, uint32_t context, int32_t eos,
                            yh_err *err)
{
    uint64_t have = 0, docs = yh_tokens_docs(t, YH_HELDOUT);
    for (uint64_t i = 0; i < docs && have < take; i++) {
        yh_token_doc d;
        yh_tokens_doc(t, YH_HELDOUT, i, &d);
        uint64_t k = d.n < take - have ? d.n : take - have;
        yh_tokens_copy(t, YH_HELDOUT, i, 0, k, id + have);
        e->bytes += (double)d.text_bytes * (double)k / (double)d.n;
        have += k;
    }
    return have < 2 ? YH_OK : lay_pieces(e, cap, used, id, have - 1, context, eos, err);
}

static yh_status lay_documents(yh_eval_set *e, const yh_tokens *t, uint64_t take, int32_t *id,
                               uint64_t *cap, int64_t *used, uint32_t context, int32_t eos,
                               yh_err *err)
{
    yh_permutation order;
    uint64_t docs = yh_tokens_docs(t, YH_HELDOUT);
    yh_permutation_init(&order, docs, EVAL_SEED, STREAM_EVAL);
    for (uint64_t i = 0; i < docs && take > 0; i++) {
        yh_token_doc d;
        uint64_t doc = yh_permutation_at(&order, i);
        yh_tokens_doc(t, YH_HELDOUT, doc, &d);
        uint64_t k = d.n < take ? d.n : take;
        if (k == 0)
            continue;
        id[0] = eos;
        yh_tokens_copy(t, YH_HELDOUT, doc, 0, k, id + 1);
        e->bytes += (double)d.text_bytes * (double)k / (double)d.n;
        YH_TRY(lay_pieces(e, cap, used, id, k, context, eos, err));
        take -= k;
    }
    return YH_OK;
}

yh_status yh_eval_set_make(yh_eval_set *e, const yh_tokens *t, uint32_t context, int64_t rows,
                           uint64_t max_tokens, bool across_documents, uint32_t vocab, yh_err *err)
{
    *e = (yh_eval_set){.rows = rows};
    uint64_t total = yh_tokens_total(t, YH_HELDOUT), cap = 0;
    uint64_t take = max_tokens != 0 && max_tokens < total ? max_tokens : total;
    int64_t used = 0;
    int32_t eos = (int32_t)yh_tokens_eos(t);
    if (take == 0)
        return YH_OK;
    int32_t *id = yh_malloc((take + 1) * sizeof *id);
    if (id == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the held-out tokens");
    yh_status s = across_documents ? lay_stream(e, t, take, id, &cap, &used, context, eos, err)
                                   : lay_documents(e, t, take, id, &cap, &used, context, eos, err);
    yh_free(id);
    for (uint64_t i = 0; s == YH_OK && i < e->runs; i++)
        s = check_ids(e->tokens + i * (uint64_t)rows, (uint32_t)rows, vocab, i, err);
    for (uint64_t i = 0; s == YH_OK && i < e->runs * (uint64_t)rows; i++)
        if (e->targets[i] >= (int32_t)vocab)
            s = yh_fail(err, YH_MISMATCH,
                        "held-out token id %d is past the model's vocabulary of %u; the tokens are "
                        "damaged or were packed with another tokenizer",
                        e->targets[i], vocab);
    if (s != YH_OK)
        yh_eval_set_fini(e);
    return s;
}

void yh_eval_set_fini(yh_eval_set *e)
{
    yh_free(e->tokens);
    yh_free(e->targets);
    yh_free(e->pos);
    yh_free(e->start);
    *e = (yh_eval_set){0};
}
