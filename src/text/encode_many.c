/* Encoding one text by many threads, and counting. */
#include "base/thread.h"
#include "text/cut.h"

enum { PART = 1 << 18 };

typedef struct part {
    size_t begin, end;
    yh_ids ids;
    uint64_t count;
    yh_status status;
    yh_err err;
} part;

typedef struct job {
    const yh_tok *t;
    const char *text;
    unsigned flags;
    bool keep; /* the ids, not only their number */
    part *part;
    size_t n;
} job;

static void encode_part(void *arg, int64_t begin, int64_t end, int worker)
{
    job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        part *p = &j->part[i];
        p->status =
            yh_tok_encode(j->t, j->text + p->begin, p->end - p->begin, j->flags, &p->ids, &p->err);
        p->count = p->ids.n;
        if (!j->keep)
            yh_ids_fini(&p->ids);
    }
}

static void job_fini(job *j)
{
    for (size_t i = 0; i < j->n; i++)
        yh_ids_fini(&j->part[i].ids);
    yh_free(j->part);
}

/* Cuts text[0..n) into parts of about PART bytes. */
static yh_status job_init(job *j, size_t n, yh_err *err)
{
    size_t cap = 0, at = 0;
    bool can = yh_can_cut(j->t);
    do {
        size_t end = n;
        /* a place in the second half of the part, else a longer part */
        for (size_t size = PART; can && n - at > size + PART; size += PART) {
            size_t low = at + size - PART / 2;
            end = yh_cut_last(j->t, (const uint8_t *)j->text, n, low, at + size);
            if (end > low)
                break;
            end = n;
        }
        part *p = yh_grow(j->part, &cap, j->n + 1, sizeof *p);
        if (p == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to encode a text of %zu bytes", n);
        j->part = p;
        p[j->n++] = (part){.begin = at, .end = end, .ids = YH_IDS_INIT, .err = YH_ERR_INIT};
        at = end;
    } while (at < n);
    return YH_OK;
}

static yh_status job_run(job *j, yh_pool *pool, yh_err *err)
{
    yh_pool_run_dynamic(pool, (int64_t)j->n, 1, encode_part, j);
    for (size_t i = 0; i < j->n; i++)
        if (j->part[i].status != YH_OK)
            return yh_fail(err, j->part[i].status, "%s", j->part[i].err.msg);
    return YH_OK;
}

static yh_status append(yh_ids *out, const yh_ids *in, size_t base, bool offsets, yh_err *err)
{
    size_t cap = out->cap;
    if (out->n + in->n > cap) {
        /* all three are as long as cap says */
        uint32_t *id = yh_grow(out->id, &cap, out->n + in->n, sizeof *id);
        if (id != NULL)
            out->id = id;
        uint64_t *begin = offsets ? yh_realloc_array(out->begin, cap, sizeof *begin) : NULL;
        if (begin != NULL)
            out->begin = begin;
        uint64_t *end = offsets ? yh_realloc_array(out->end, cap, sizeof *end) : NULL;
        if (end != NULL)
            out->end = end;
        if (id == NULL || (offsets && (begin == NULL || end == NULL)))
            return yh_fail(err, YH_NOMEM, "no memory for %zu ids", out->n + in->n);
        out->cap = cap;
    }
    if (in->n > 0)
        memcpy(out->id + out->n, in->id, in->n * sizeof *in->id);
    for (size_t i = 0; offsets && i < in->n; i++) {
        out->begin[out->n + i] = in->begin[i] + base;
        out->end[out->n + i] = in->end[i] + base;
    }
    out->n += in->n;
    return YH_OK;
}

yh_status yh_tok_encode_pool(const yh_tok *t, const char *text, size_t n, unsigned flags,
                             yh_pool *pool, yh_ids *out, yh_err *err)
{
    job j = {.t = t, .text = text, .flags = flags & ~(unsigned)YH_ENCODE_TEMPLATE, .keep = true};
    bool offsets = (flags & YH_ENCODE_OFFSETS) != 0,
         fits = offsets ? out->n == 0 : out->begin == NULL;
    if (pool == NULL || yh_pool_threads(pool) == 1 || n < (size_t)2 * PART || !yh_can_cut(t) ||
        (flags & (YH_ENCODE_TEMPLATE | YH_ENCODE_TRUNCATE | YH_ENCODE_PAD)) != 0 || !fits)
        return yh_tok_encode(t, text, n, flags, out, err);
    if (offsets)
        yh_ids_fini(out);
    yh_status s = job_init(&j, n, err);
    if (s == YH_OK)
        s = job_run(&j, pool, err);
    for (size_t i = 0; i < j.n && s == YH_OK; i++)
        s = append(out, &j.part[i].ids, j.part[i].begin, offsets, err);
    job_fini(&j);
    return s;
}

yh_status yh_tok_count(const yh_tok *t, const char *text, size_t n, unsigned flags, yh_pool *pool,
                       uint64_t *count, yh_err *err)
{
    job j = {.t = t, .text = text};
    if (flags & (YH_ENCODE_TRUNCATE | YH_ENCODE_PAD)) { /* these look at all ids */
        yh_ids all = YH_IDS_INIT;
        yh_status whole =
            yh_tok_encode(t, text, n, flags & ~(unsigned)YH_ENCODE_OFFSETS, &all, err);
        *count = all.n;
        yh_ids_fini(&all);
        return whole;
    }
    j.flags = flags & ~(unsigned)(YH_ENCODE_TEMPLATE | YH_ENCODE_OFFSETS);
    *count = (flags & YH_ENCODE_TEMPLATE) ? t->n_before + t->n_after : 0;
    yh_status s = job_init(&j, n, err);
    if (s == YH_OK)
        s = job_run(&j, pool, err);
    for (size_t i = 0; i < j.n && s == YH_OK; i++)
        *count += j.part[i].count;
    job_fini(&j);
    return s;
}
