/* Shingles, candidates on disk, and their exact similarity. */
#include <pthread.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/thread.h"
#include "dedup/near_parts.h"
#include "base/sort_records.h"
#include "base/temp_file.h"

yh_status yh_near_shingles(const yh_near_options *o, const char *text, size_t n, yh_fold_tokens *t,
                           yh_err *err)
{
    const uint64_t k = 0x9e3779b97f4a7c15u;
    YH_TRY(yh_fold_hash(text, n, t, err));
    bool chars = o->unit[0] == 'c' || (o->unit[0] == 'a' && 2 * t->spaceless > t->n);
    size_t w = (size_t)(chars ? o->chars : o->words);
    if (t->n == 0 || t->n < o->min_tokens) {
        t->n = 0;
        return YH_OK;
    }
    if (w > t->n)
        w = t->n;
    uint64_t sum = 0, high = 1; /* a polynomial in k over the window */
    for (size_t i = 0; i + 1 < w; i++) {
        sum = sum * k + t->t[i];
        high *= k;
    }
    for (size_t i = 0; i + w <= t->n; i++) {
        sum = sum * k + t->t[i + w - 1];
        uint64_t first = t->t[i];
        t->t[i] = yh_fold_mix(sum);
        sum -= first * high;
    }
    t->n -= w - 1;
    return YH_OK;
}

/* Sorted, each once. */
static void make_set(yh_fold_tokens *t)
{
    size_t n = 0;
    yh_sort_records((uint8_t *)t->t, t->n, sizeof *t->t);
    for (size_t i = 0; i < t->n; i++)
        if (i == 0 || t->t[i] != t->t[n - 1])
            t->t[n++] = t->t[i];
    t->n = n;
    for (size_t i = 0; i < n; i++) /* order of bytes to order of numbers */
        t->t[i] = yh_sort_get64((const uint8_t *)&t->t[i]);
}

/* ------------------------------------------------------------------ table */

typedef struct fill {
    const yh_near_options *o;
    const yh_by_doc *candidates;
    yh_near_table *t;
    uint64_t end; /* of the sets */
} fill;

static yh_status add_unit(fill *f, const yh_stored *d, const yh_near_unit *u, yh_fold_tokens *t,
                          yh_near_entry *e, yh_err *err)
{
    const yh_stored part = {.text = d->text + u->at, .len = u->len, .id = d->id};
    *e = (yh_near_entry){.ordinal = d->ordinal,
                         .at = u->at,
                         .len = u->len,
                         .rank = yh_stage_rank_of(&part),
                         .number = u->number,
                         .whole = u->whole};
    if (!f->o->verify)
        return YH_OK;
    YH_TRY(yh_near_shingles(f->o, part.text, part.len, t, err));
    make_set(t);
    e->n = t->n;
    e->offset = __atomic_fetch_add(&f->end, t->n * sizeof *t->t, __ATOMIC_RELAXED);
    return yh_temp_write(f->t->sets, t->t, t->n * sizeof *t->t, e->offset, f->t->dir, err);
}

/* The candidates r[0..n) among the stretches of documents. */
static yh_status fill_entries(fill *f, const yh_stored *docs, size_t n, const uint8_t *r, size_t m,
                              yh_near_entry *e, yh_fold_tokens *t, yh_err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < n && k < m; i++) {
        yh_near_unit u = {.number = UINT32_MAX};
        while (k < m && yh_sort_get32(r + k * 8) == docs[i].ordinal) {
            uint32_t number = yh_sort_get32(r + k * 8 + 4);
            while (u.number != number)
                if (!f->o->next(&docs[i], &u))
                    return yh_fail(err, YH_INTERNAL, "%s: a stretch was lost", f->o->stage);
            YH_TRY(add_unit(f, &docs[i], &u, t, &e[k], err));
            k++;
        }
    }
    return k == m ? YH_OK : yh_fail(err, YH_INTERNAL, "%s: a candidate was lost", f->o->stage);
}

static yh_status fill_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    fill *f = user;
    yh_fold_tokens t = {0};
    yh_buf r;
    size_t m = 0;
    uint64_t index = 0;
    yh_near_entry *e = NULL;
    (void)worker;
    yh_buf_init(&r, 0);
    yh_status st =
        yh_by_doc_read(f->candidates, docs[0].ordinal, docs[n - 1].ordinal, &r, &m, &index, err);
    if (st == YH_OK && m > 0) {
        e = yh_calloc(m, sizeof *e);
        st = e != NULL ? fill_entries(f, docs, n, (const uint8_t *)r.data, m, e, &t, err)
                       : yh_fail(err, YH_NOMEM, "no memory for candidates");
        for (size_t i = 0; i < m && st == YH_OK; i++)
            f->t->id[index + i] = yh_sort_get64((const uint8_t *)r.data + i * 8);
        if (st == YH_OK)
            st = yh_temp_write(f->t->entries, e, m * sizeof *e, index * sizeof *e, f->t->dir, err);
    }
    yh_free(e);
    yh_fold_tokens_fini(&t);
    yh_buf_fini(&r);
    return st;
}

yh_status yh_near_table_create(yh_near_table *t, const yh_near_options *o,
                               const yh_by_doc *candidates, yh_stage_run *x, yh_err *err)
{
    fill f = {o, candidates, t, 0};
    *t = (yh_near_table){.entries = -1, .sets = -1, .dir = x->work};
    t->n = yh_by_doc_count(candidates);
    if (t->n > UINT32_MAX / 2 || t->n * 12 > x->memory)
        return yh_fail(err, YH_LIMIT,
                       "%s: %llu candidates need %llu bytes of memory, the limit is %llu; give "
                       "more, or remove equal documents first",
                       o->stage, (unsigned long long)t->n, (unsigned long long)t->n * 12,
                       (unsigned long long)x->memory);
    t->id = yh_calloc((size_t)t->n + 1, sizeof *t->id);
    if (t->id == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for candidates");
    YH_TRY(yh_temp_open(&t->entries, x->work, err));
    YH_TRY(yh_temp_open(&t->sets, x->work, err));
    return t->n > 0 ? yh_pass_each(x, 0.6, 0.8, fill_block, &f, err) : YH_OK;
}

void yh_near_table_fini(yh_near_table *t)
{
    if (t->entries >= 0)
        close(t->entries);
    if (t->sets >= 0)
        close(t->sets);
    yh_free(t->id);
    *t = (yh_near_table){.entries = -1, .sets = -1};
}

yh_status yh_near_entry_read(const yh_near_table *t, uint32_t i, yh_near_entry *e, yh_err *err)
{
    return yh_temp_read(t->entries, e, sizeof *e, (uint64_t)i * sizeof *e, t->dir, err);
}

uint32_t yh_near_find(const yh_near_table *t, uint64_t id)
{
    uint64_t lo = 0, hi = t->n;
    while (hi - lo > 1) {
        uint64_t mid = (lo + hi) / 2;
        if (t->id[mid] <= id)
            lo = mid;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

/* ------------------------------------------------------------------ comparing */

typedef struct set {
    uint32_t candidate; /* UINT32_MAX: none */
    uint64_t *x;
    size_t n, cap;
} set;

typedef struct compare {
    const yh_near_table *t;
    yh_near_pair *p;
    double least;
    set *s; /* two per worker */
    pthread_mutex_t lock;
    yh_status st;
    yh_err error;
} compare;

static yh_status load_set(const yh_near_table *t, uint32_t i, const yh_near_entry *e, set *s,
                          yh_err *err)
{
    if (s->candidate == i)
        return YH_OK;
    s->candidate = UINT32_MAX;
    if (s->cap < e->n) {
        yh_free(s->x);
        s->cap = 0;
        if ((s->x = yh_malloc(e->n * sizeof *s->x)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to compare documents");
        s->cap = e->n;
    }
    s->n = e->n;
    YH_TRY(yh_temp_read(t->sets, s->x, s->n * sizeof *s->x, e->offset, t->dir, err));
    s->candidate = i;
    return YH_OK;
}

static double jaccard(const set *a, const set *b)
{
    size_t i = 0, j = 0, both = 0;
    while (i < a->n && j < b->n) {
        uint64_t x = a->x[i], y = b->x[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    size_t all = a->n + b->n - both;
    return all > 0 ? (double)both / (double)all : 0;
}

static yh_status compare_pair(compare *c, yh_near_pair *p, set *s, yh_err *err)
{
    yh_near_entry a, b;
    YH_TRY(yh_near_entry_read(c->t, p->a, &a, err));
    YH_TRY(yh_near_entry_read(c->t, p->b, &b, err));
    p->similarity = 0;
    if (a.n == 0 || b.n == 0)
        return YH_OK;
    double most = a.n < b.n ? (double)a.n / (double)b.n : (double)b.n / (double)a.n;
    if (most < c->least) /* not even if one holds the other */
        return YH_OK;
    YH_TRY(load_set(c->t, p->a, &a, &s[0], err));
    YH_TRY(load_set(c->t, p->b, &b, &s[1], err));
    p->similarity = jaccard(&s[0], &s[1]);
    return YH_OK;
}

static void compare_range(void *arg, int64_t begin, int64_t end, int worker)
{
    compare *c = arg;
    for (int64_t i = begin; i < end; i++) {
        yh_err err = YH_ERR_INIT;
        yh_status st = compare_pair(c, &c->p[i], c->s + 2 * worker, &err);
        if (st == YH_OK)
            continue;
        pthread_mutex_lock(&c->lock);
        if (c->st == YH_OK) {
            c->st = st;
            c->error = err;
        }
        pthread_mutex_unlock(&c->lock);
        return;
    }
}

yh_status yh_near_compare(const yh_near_table *t, yh_near_pair *p, size_t n, double least,
                          yh_pool *pool, yh_err *err)
{
    const size_t threads = (size_t)yh_pool_threads(pool);
    compare c = {.t = t, .p = p, .least = least, .st = YH_OK};
    c.s = yh_calloc(2 * threads, sizeof *c.s);
    if (c.s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to compare documents");
    for (size_t i = 0; i < 2 * threads; i++)
        c.s[i].candidate = UINT32_MAX;
    pthread_mutex_init(&c.lock, NULL);
    yh_pool_run_dynamic(pool, (int64_t)n, 16, compare_range, &c);
    pthread_mutex_destroy(&c.lock);
    for (size_t i = 0; i < 2 * threads; i++)
        yh_free(c.s[i].x);
    yh_free(c.s);
    return c.st == YH_OK ? YH_OK : yh_fail(err, c.st, "%s", c.error.msg);
}
