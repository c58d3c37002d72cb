#include "dedup/near.h"

#include "base/hash.h"
#include "dedup/near_parts.h"
#include "dedup/signature.h"

/* BAND: hash of the band, order in the bucket, stretch. PAIR: two stretches. */
enum {
    BAND = 24,
    PAIR = 16,
    ALL_PAIRS = 16, /* of a bucket's first members all pairs are compared */
    BATCH = 4096
};

yh_status yh_near_options_get(yh_near_options *o, const json_t *p, yh_err *err)
{
    o->bands = (int)yh_param_number(p, "bands");
    o->rows = (int)yh_param_number(p, "rows");
    o->words = (int)yh_param_number(p, "n");
    o->chars = (int)yh_param_number(p, "chars");
    o->unit = yh_param_text(p, "unit");
    o->verify = yh_param_bool(p, "verify");
    o->threshold = yh_param_number(p, "threshold");
    o->seed = (uint64_t)yh_param_number(p, "seed");
    if (o->bands * o->rows > YH_SIGNATURE_MAX)
        return yh_fail(err, YH_CORRUPT, "%s: bands x rows is %d, at most %d", o->stage,
                       o->bands * o->rows, YH_SIGNATURE_MAX);
    if (strcmp(o->unit, "auto") != 0 && strcmp(o->unit, "words") != 0 &&
        strcmp(o->unit, "characters") != 0)
        return yh_fail(err, YH_CORRUPT,
                       "%s: \"unit\" must be \"auto\", \"words\" or \"characters\", not \"%s\"",
                       o->stage, o->unit);
    return YH_OK;
}

/* ------------------------------------------------------------------ signatures */

typedef struct sign {
    const yh_near_options *o;
    const yh_signature *s;
    yh_sorter *bands;
} sign;

/* Band k of the signature: rows minima in a row. Candidates that are verified cost little and harm
 * nothing, so the minima are divided a second time then, each band's into as many others: of pairs
 * with similarity 0.7, FineWeb's bands find 81 instead of 56 in 100, with 0.8 99 instead of 92. */
static int n_bands(const yh_near_options *o)
{
    return o->verify && o->rows > 1 ? 2 * o->bands : o->bands;
}

static uint64_t band_hash(const yh_near_options *o, const uint64_t *min, int k)
{
    uint64_t other[YH_SIGNATURE_MAX];
    const uint64_t *from = min + k * o->rows;
    if (k >= o->bands) {
        for (int i = 0; i < o->rows; i++)
            other[i] = min[i * o->bands + k - o->bands];
        from = other;
    }
    return yh_hash64(from, (size_t)o->rows * sizeof *from, (uint64_t)k);
}

static yh_status put_bands(const sign *c, const yh_stored *d, const yh_near_unit *u,
                           const uint64_t *min, yh_batch *b, yh_err *err)
{
    /* whatever order the documents have, the order in a bucket is that of this number */
    uint64_t order =
        yh_hash64(d->text + u->at, u->len, u->number) ^ yh_hash64(d->id, strlen(d->id), 1);
    for (int k = 0; k < n_bands(c->o); k++) {
        uint8_t *r;
        YH_TRY(yh_batch_add(b, &r, err));
        yh_sort_put64(r, band_hash(c->o, min, k));
        yh_sort_put64(r + 8, order);
        yh_sort_put64(r + 16, yh_near_id(d->ordinal, u->number));
    }
    return YH_OK;
}

static yh_status sign_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const sign *c = user;
    yh_batch b = {.s = c->bands, .size = BAND};
    yh_fold_tokens t = {0};
    yh_status st = YH_OK;
    uint64_t *min = yh_malloc(c->s->n * sizeof *min);
    (void)worker;
    if (min == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a signature");
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        yh_near_unit u = {.number = UINT32_MAX};
        while (st == YH_OK && c->o->next(&docs[i], &u)) {
            st = yh_near_shingles(c->o, docs[i].text + u.at, u.len, &t, err);
            if (st != YH_OK || t.n == 0)
                continue;
            memset(min, 0xff, c->s->n * sizeof *min);
            yh_signature_add(c->s, t.t, t.n, min);
            st = put_bands(c, &docs[i], &u, min, &b, err);
        }
    }
    yh_free(min);
    yh_fold_tokens_fini(&t);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

/* ------------------------------------------------------------------ candidates */

typedef struct pairing {
    yh_batch pairs, singles; /* candidates: pairs, and each by itself */
} pairing;

static yh_status put_pair(pairing *p, uint64_t a, uint64_t b, yh_err *err)
{
    uint8_t *r;
    if (a == b)
        return YH_OK;
    YH_TRY(yh_batch_add(&p->pairs, &r, err));
    yh_sort_put64(r, a < b ? a : b);
    yh_sort_put64(r + 8, a < b ? b : a);
    return YH_OK;
}

/* Buckets to pairs: the next member with the one before it; and when candidates are verified, with
 * all of the bucket's first ALL_PAIRS, or the very first behind these. Linear in the bucket. */
static yh_status pair_up(const yh_near_options *o, yh_sorter *bands, pairing *p, yh_err *err)
{
    uint64_t member[ALL_PAIRS], last = 0;
    uint8_t key[8] = {0};
    size_t m = 0, n;
    const uint8_t *r;
    YH_TRY(yh_sorter_finish(bands, err));
    for (;;) {
        YH_TRY(yh_sorter_next(bands, &r, &n, err));
        if (n == 0)
            return yh_batch_flush(&p->pairs, err);
        for (size_t i = 0; i < n; i++, r += BAND) {
            uint64_t id = yh_sort_get64(r + 16);
            if (m == 0 || memcmp(key, r, 8) != 0) {
                memcpy(key, r, 8);
                m = 0;
            } else {
                size_t with = !o->verify ? 0 : m < ALL_PAIRS ? m : 1;
                for (size_t k = 0; k < with; k++)
                    YH_TRY(put_pair(p, member[k], id, err));
                YH_TRY(put_pair(p, last, id, err));
            }
            if (m < ALL_PAIRS)
                member[m++] = id;
            last = id;
        }
    }
}

/* The next block of pairs; each pair once: *last is the one before. */
typedef struct pair_reader {
    yh_sorter *s;
    uint8_t last[PAIR];
    bool any;
} pair_reader;

static yh_status next_pairs(pair_reader *q, const uint8_t **r, size_t *n, yh_err *err)
{
    return yh_sorter_next(q->s, r, n, err);
}

static bool is_new(pair_reader *q, const uint8_t *r)
{
    if (q->any && memcmp(q->last, r, PAIR) == 0)
        return false;
    memcpy(q->last, r, PAIR);
    q->any = true;
    return true;
}

static yh_status list_singles(yh_sorter *pairs, yh_batch *singles, uint64_t *n_pairs, yh_err *err)
{
    pair_reader q = {.s = pairs};
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(pairs, err));
    for (;;) {
        YH_TRY(next_pairs(&q, &r, &n, err));
        if (n == 0)
            return yh_batch_flush(singles, err);
        for (size_t i = 0; i < n; i++, r += PAIR) {
            uint8_t *to;
            if (!is_new(&q, r))
                continue;
            ++*n_pairs;
            for (int k = 0; k < 2; k++) {
                YH_TRY(yh_batch_add(singles, &to, err));
                memcpy(to, r + 8 * k, 8);
            }
        }
    }
}

/* ------------------------------------------------------------------ components */

typedef struct merge {
    const yh_near_options *o;
    yh_stage_run *x;
    yh_near_table t;
    uint32_t *parent; /* the root of a component is the member that stays */
    yh_near_pair *batch;
    size_t n;
    uint64_t confirmed;
} merge;

static uint32_t root_of(merge *m, uint32_t i)
{
    while (m->parent[i] != i) {
        m->parent[i] = m->parent[m->parent[i]];
        i = m->parent[i];
    }
    return i;
}

static bool prefers(const yh_near_entry *a, const yh_near_entry *b)
{
    if (a->rank.id_hash == b->rank.id_hash && a->rank.len == b->rank.len &&
        a->rank.hash == b->rank.hash)
        return a->number < b->number; /* of one document: the first */
    return yh_stage_prefers(&a->rank, &b->rank);
}

static yh_status join(merge *m, uint32_t a, uint32_t b, yh_err *err)
{
    yh_near_entry x, y;
    a = root_of(m, a);
    b = root_of(m, b);
    if (a == b)
        return YH_OK;
    YH_TRY(yh_near_entry_read(&m->t, a, &x, err));
    YH_TRY(yh_near_entry_read(&m->t, b, &y, err));
    if (prefers(&x, &y))
        m->parent[b] = a;
    else
        m->parent[a] = b;
    return YH_OK;
}

static yh_status settle(merge *m, yh_err *err)
{
    if (m->o->verify)
        YH_TRY(yh_near_compare(&m->t, m->batch, m->n, m->o->threshold, m->x->pool, err));
    for (size_t i = 0; i < m->n; i++) {
        const yh_near_pair *p = &m->batch[i];
        if (m->o->verify && p->similarity < m->o->threshold)
            continue;
        m->confirmed++;
        YH_TRY(join(m, p->a, p->b, err));
    }
    m->n = 0;
    return YH_OK;
}

static yh_status connect(merge *m, yh_sorter *pairs, yh_err *err)
{
    pair_reader q = {.s = pairs};
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_rewind(pairs, err));
    for (;;) {
        YH_TRY(next_pairs(&q, &r, &n, err));
        if (n == 0)
            return settle(m, err);
        for (size_t i = 0; i < n; i++, r += PAIR) {
            if (!is_new(&q, r))
                continue;
            uint32_t a = yh_near_find(&m->t, yh_sort_get64(r));
            uint32_t b = yh_near_find(&m->t, yh_sort_get64(r + 8));
            if (root_of(m, a) == root_of(m, b)) /* cannot change anything */
                continue;
            m->batch[m->n++] = (yh_near_pair){a, b, 0};
            if (m->n == BATCH)
                YH_TRY(settle(m, err));
        }
    }
}

static yh_status decide_batch(merge *m, yh_err *err)
{
    if (m->o->verify)
        YH_TRY(yh_near_compare(&m->t, m->batch, m->n, 0, m->x->pool, err));
    for (size_t i = 0; i < m->n; i++) {
        const yh_near_pair *p = &m->batch[i];
        yh_near_entry gone, stays;
        YH_TRY(yh_near_entry_read(&m->t, p->b, &gone, err));
        YH_TRY(yh_near_entry_read(&m->t, p->a, &stays, err));
        if (m->o->cut && !gone.whole)
            YH_TRY(yh_decisions_cut(m->x->out, gone.ordinal, gone.at, gone.len, p->similarity,
                                    stays.ordinal, err));
        else
            YH_TRY(yh_decisions_remove(m->x->out, gone.ordinal, p->similarity, stays.ordinal, err));
    }
    m->n = 0;
    return YH_OK;
}

static yh_status decide(merge *m, uint64_t *gone, yh_err *err)
{
    for (uint32_t i = 0; i < m->t.n; i++) {
        uint32_t root = root_of(m, i);
        if (root == i)
            continue;
        ++*gone;
        m->batch[m->n++] = (yh_near_pair){root, i, 0};
        if (m->n == BATCH)
            YH_TRY(decide_batch(m, err));
    }
    return decide_batch(m, err);
}

static yh_status confirm(const yh_near_options *o, yh_stage_run *x, yh_sorter *pairs,
                         const yh_by_doc *candidates, uint64_t n_pairs, yh_err *err)
{
    merge m = {.o = o, .x = x};
    uint64_t gone = 0;
    yh_status st = yh_near_table_create(&m.t, o, candidates, x, err);
    if (st == YH_OK) {
        m.parent = yh_calloc((size_t)m.t.n + 1, sizeof *m.parent);
        m.batch = yh_calloc(BATCH, sizeof *m.batch);
        if (m.parent == NULL || m.batch == NULL)
            st = yh_fail(err, YH_NOMEM, "no memory for candidates");
    }
    if (st == YH_OK) {
        for (uint32_t i = 0; i < m.t.n; i++)
            m.parent[i] = i;
        st = connect(&m, pairs, err);
    }
    if (st == YH_OK)
        st = decide(&m, &gone, err);
    if (st == YH_OK)
        st = yh_pass_count(x, "candidate_pairs", n_pairs, err);
    if (st == YH_OK)
        st = yh_pass_count(x, o->cut ? "cut" : "removed", gone, err);
    yh_free(m.parent);
    yh_free(m.batch);
    yh_near_table_fini(&m.t);
    return st;
}

static yh_status find_pairs(const yh_near_options *o, yh_stage_run *x, yh_sorter *pairs,
                            yh_err *err)
{
    pairing p = {.pairs = {.s = pairs, .size = PAIR}};
    sign c = {.o = o};
    yh_signature *s = yh_malloc(sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for signatures");
    yh_signature_init(s, (size_t)(o->bands * o->rows), o->seed);
    c.s = s;
    yh_status st = yh_sorter_create(&c.bands, BAND, x->memory / 8 * 5, x->work, x->pool, err);
    if (st == YH_OK)
        st = yh_pass_each(x, 0, 0.5, sign_block, &c, err);
    if (st == YH_OK)
        st = pair_up(o, c.bands, &p, err);
    yh_sorter_free(c.bands);
    yh_free(s);
    return st;
}

yh_status yh_near_run(const yh_near_options *o, yh_stage_run *x, yh_err *err)
{
    yh_sorter *pairs = NULL, *singles = NULL;
    yh_by_doc *candidates = NULL;
    yh_batch b = {.size = 8};
    uint64_t n_pairs = 0;
    YH_TRY(yh_pass_check(x, o->stage, err));
    yh_status st = yh_sorter_create(&pairs, PAIR, x->memory / 8 * 2, x->work, x->pool, err);
    if (st == YH_OK)
        st = find_pairs(o, x, pairs, err);
    if (st == YH_OK)
        st = yh_sorter_create(&singles, 8, x->memory / 8, x->work, x->pool, err);
    b.s = singles;
    if (st == YH_OK)
        st = list_singles(pairs, &b, &n_pairs, err);
    if (st == YH_OK)
        st = yh_by_doc_create(&candidates, singles, 8, x, err);
    else
        yh_sorter_free(singles);
    if (st == YH_OK)
        st = confirm(o, x, pairs, candidates, n_pairs, err);
    yh_by_doc_free(candidates);
    yh_sorter_free(pairs);
    return st;
}
