/* What a stage decided: collected in any order, sorted out of core, written as one file. */
#include "base/file.h"
#include "base/hash.h"
#include "base/sorter.h"
#include "dedup/store_disk.h"

/* Sorted record: document, kind (removal before cuts), place, length, score, other. */
enum { RECORD = 44, REMOVAL = 0, CUT = 1 };

struct yh_decisions {
    yh_sorter *sorter;
};

yh_status yh_decisions_create(yh_decisions **out, uint64_t memory, const char *dir, yh_pool *pool,
                              yh_err *err)
{
    *out = NULL;
    yh_decisions *d = yh_calloc(1, sizeof *d);
    if (d == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for decisions");
    yh_status s = yh_sorter_create(&d->sorter, RECORD, memory, dir, pool, err);
    if (s != YH_OK) {
        yh_free(d);
        return s;
    }
    *out = d;
    return YH_OK;
}

void yh_decisions_free(yh_decisions *d)
{
    if (d == NULL)
        return;
    yh_sorter_free(d->sorter);
    yh_free(d);
}

static yh_status add(yh_decisions *d, uint32_t kind, const yh_decision *x, yh_err *err)
{
    uint8_t r[RECORD];
    uint64_t score;
    memcpy(&score, &x->score, sizeof score);
    yh_sort_put64(r, x->ordinal);
    yh_sort_put32(r + 8, kind);
    yh_sort_put64(r + 12, x->at);
    yh_sort_put64(r + 20, x->len);
    yh_sort_put64(r + 28, score);
    yh_sort_put64(r + 36, x->other);
    return yh_sorter_add(d->sorter, r, 1, err);
}

yh_status yh_decisions_remove(yh_decisions *d, uint64_t ordinal, double score, uint64_t other,
                              yh_err *err)
{
    const yh_decision x = {ordinal, 0, UINT64_MAX, score, other};
    return add(d, REMOVAL, &x, err);
}

yh_status yh_decisions_cut(yh_decisions *d, uint64_t ordinal, uint64_t at, uint64_t len,
                           double score, uint64_t other, yh_err *err)
{
    const yh_decision x = {ordinal, at, len, score, other};
    if (len == 0)
        return YH_OK;
    if (at + len < at || len == UINT64_MAX)
        return yh_fail(err, YH_INTERNAL, "a cut of %llu bytes", (unsigned long long)len);
    return add(d, CUT, &x, err);
}

static yh_decision parse(const uint8_t *r)
{
    yh_decision x = {yh_sort_get64(r), yh_sort_get64(r + 12), yh_sort_get64(r + 20), 0,
                     yh_sort_get64(r + 36)};
    uint64_t score = yh_sort_get64(r + 28);
    memcpy(&x.score, &score, sizeof score);
    return x;
}

typedef struct output {
    yh_writer file;
    yh_decision *chunk;
    size_t n;
    yh_decisions_tail tail;
} output;

static yh_status put_chunk(output *o, yh_err *err)
{
    o->tail.check = yh_hash64(o->chunk, o->n * sizeof *o->chunk, o->tail.check);
    o->tail.count += o->n;
    yh_status s = yh_writer_write(&o->file, o->chunk, o->n * sizeof *o->chunk, err);
    o->n = 0;
    return s;
}

static yh_status put(output *o, const yh_decision *x, yh_err *err)
{
    o->chunk[o->n++] = *x;
    return o->n == YH_DECISIONS_CHUNK ? put_chunk(o, err) : YH_OK;
}

/* Joins stretches that overlap; score and other are those of the longest. */
static bool join(yh_decision *held, uint64_t *longest, const yh_decision *x)
{
    uint64_t end = held->at + held->len;
    if (held->len == UINT64_MAX)
        return true; /* the document goes: what else was said about it is void */
    if (x->at >= end)
        return false;
    if (x->at + x->len > end)
        held->len = x->at + x->len - held->at;
    if (x->len > *longest) {
        *longest = x->len;
        held->score = x->score;
        held->other = x->other;
    }
    return true;
}

static yh_status write_all(yh_decisions *d, output *o, yh_err *err)
{
    const uint8_t *r;
    size_t n;
    bool holds = false;
    yh_decision held = {0};
    uint64_t longest = 0;
    for (;;) {
        YH_TRY(yh_sorter_next(d->sorter, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            yh_decision x = parse(r + i * RECORD);
            if (holds && x.ordinal == held.ordinal && join(&held, &longest, &x))
                continue;
            if (holds)
                YH_TRY(put(o, &held, err));
            held = x;
            longest = x.len;
            holds = true;
        }
    }
    if (holds)
        YH_TRY(put(o, &held, err));
    return put_chunk(o, err);
}

yh_status yh_decisions_commit(yh_decisions *d, const char *path, yh_err *err)
{
    output o = {.file = YH_WRITER_INIT};
    yh_status s;
    o.chunk = yh_malloc(YH_DECISIONS_CHUNK * sizeof *o.chunk);
    if (o.chunk == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for decisions");
    YH_GOTO(s, yh_sorter_finish(d->sorter, err), out);
    YH_GOTO(s, yh_writer_open(&o.file, path, err), out);
    YH_GOTO(s, yh_writer_write(&o.file, YH_DECISIONS_MAGIC, 8, err), out);
    YH_GOTO(s, write_all(d, &o, err), out);
    YH_GOTO(s, yh_writer_write(&o.file, &o.tail, sizeof o.tail, err), out);
    s = yh_writer_commit(&o.file, err);
out:
    yh_writer_abort(&o.file);
    yh_free(o.chunk);
    return s;
}
