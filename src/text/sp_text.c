/* A SentencePiece unigram model's text straight to ids. It is cut before spaces that follow
 * something else: no rule reaches across as none has a space, and no token when none has U+2581
 * behind another character. A cut text has the same normal form and the same ids wherever it
 * stands, so these are looked up by its bytes as they came. */
#include "text/scan_window.h"
#include "text/sp.h"

enum { AHEAD = 16 };

typedef struct text_run {
    const yh_sp *m;
    const yh_unigram *u;
    yh_unigram_work *w;
    yh_places *p;
    yh_buf *normal;
    yh_ids *out;
    double sum;     /* of the scores of all ids before `summed` */
    size_t summed;  /* in out */
    size_t trusted; /* as long as out has fewer ids, kept ones are right */
} text_run;

/* Finds the spaces that follow something else, 64 bytes at a time. */
typedef struct cuts {
    yh_window window;
    size_t base;
    uint64_t bits;
} cuts;

static void load_cuts(cuts *c, const uint8_t *t, size_t n)
{
    uint64_t blank = 0;
    if (n - c->base >= YH_WINDOW) {
        yh_window_load(&c->window, t, c->base);
        blank = c->window.blank;
    } else {
        for (size_t i = c->base; i < n; i++)
            blank |= (uint64_t)(t[i] == ' ') << (i - c->base);
    }
    c->bits = blank & ~(blank << 1 | (uint64_t)(c->base == 0 || t[c->base - 1] == ' '));
}

/* The next of them, n: there is none. Behind the last one that this told. */
static inline size_t next_cut(cuts *c, const uint8_t *t, size_t n)
{
    while (c->bits == 0) {
        c->base += YH_WINDOW;
        if (c->base >= n)
            return n;
        load_cuts(c, t, n);
    }
    size_t at = c->base + (size_t)__builtin_ctzll(c->bits);
    c->bits &= c->bits - 1;
    return at;
}

/* The sum before what comes next. */
static void add_up(text_run *r)
{
    for (; r->summed < r->out->n; r->summed++)
        r->sum = (double)(float)(r->sum + r->u->score[r->out->id[r->summed]]);
    r->trusted = r->summed + yh_unigram_trusted(r->u, r->sum);
}

/* Ids of the normal form. sure: NULL, or to be asked for: see yh_unigram_sure. */
static yh_status encode_normal(text_run *r, bool *sure, yh_err *err)
{
    const uint8_t *t = (const uint8_t *)r->normal->data;
    size_t n = r->normal->len;
    if (sure != NULL)
        *sure = false;
    if (n == 0)
        return YH_OK;
    if (r->out->n >= r->trusted)
        add_up(r);
    if (sure != NULL && n <= YH_UNIGRAM_SURE && r->out->n < r->trusted)
        YH_TRY(yh_unigram_sure(r->u, r->w, r->p, t, n, r->out, sure, err));
    if (sure == NULL || !*sure) {
        add_up(r);
        YH_TRY(yh_unigram_ids(r->u, r->w, r->p, t, n, &r->sum, r->out, err));
        r->summed = r->out->n;
        r->trusted = r->summed + yh_unigram_trusted(r->u, r->sum);
    }
    yh_buf_clear(r->normal);
    return YH_OK;
}

/* Whether the normal form so far may go on with the same word: it is nothing, or ends in a space.
 */
static bool is_open(const yh_buf *normal)
{
    size_t n = normal->len;
    return n == 0 || (n >= 3 && memcmp(normal->data + n - 3, "\xE2\x96\x81", 3) == 0);
}

/* A text between cuts. */
typedef struct part {
    size_t begin, end;
    uint64_t lo, hi; /* its bytes, when it is short */
} part;

/* The next parts from `at` on, whose places in the cache are on their way to the processor. */
static inline int look_ahead(const text_run *r, cuts *c, const uint8_t *t, size_t n, size_t at,
                             part *p)
{
    int k = 0;
    for (; k < AHEAD && at < n; k++) {
        size_t end = next_cut(c, t, n);
        p[k] = (part){at, end, 0, 0};
        if (end - at <= YH_UNIGRAM_KEY) {
            yh_bpe_load(t + at, end - at, n - at, &p[k].lo, &p[k].hi);
            const yh_unigram_slot *s = yh_unigram_bucket(r->w, p[k].lo, p[k].hi, end - at);
            __builtin_prefetch(s);
            __builtin_prefetch(s + 1);
        }
        at = end;
    }
    return k;
}

/* One part. *open: the one before may go on. */
static inline yh_status encode_part(text_run *r, const uint8_t *t, size_t n, const part *p,
                                    bool *open, bool *space, yh_err *err)
{
    size_t len = p->end - p->begin;
    bool whole = !*open && p->end < n && len <= YH_UNIGRAM_KEY, sure = false;
    if (whole) {
        const yh_unigram_slot *s = yh_unigram_seen(r->w, p->lo, p->hi, len);
        if (s != NULL && r->out->n < r->trusted) {
            YH_TRY(yh_unigram_room(r->out, YH_UNIGRAM_IDS, err));
            memcpy(r->out->id + r->out->n, s->id, sizeof s->id);
            r->out->n += s->n;
            return YH_OK;
        }
    }
    YH_TRY(yh_sp_part(r->m, t, p->end, p->begin, space, r->normal, NULL, err));
    if (p->end == n && r->m->remove_spaces)
        yh_sp_drop(r->m, r->normal, NULL, &(size_t){0});
    *open = p->end < n && is_open(r->normal);
    if (*open)
        return YH_OK;
    size_t begin = r->out->n;
    YH_TRY(encode_normal(r, whole ? &sure : NULL, err));
    if (sure)
        yh_unigram_keep(r->w, p->lo, p->hi, len, r->out->id + begin, r->out->n - begin);
    *space = false;
    return YH_OK;
}

static yh_status by_cuts(text_run *r, const uint8_t *t, size_t n, size_t at, yh_err *err)
{
    part p[AHEAD];
    cuts c = {.base = at / YH_WINDOW * YH_WINDOW};
    bool space = r->m->remove_spaces, open = true;
    if (at < n) {
        load_cuts(&c, t, n);
        c.bits &= ~((uint64_t)1 << (at - c.base)) & UINT64_MAX << (at - c.base);
    }
    while (at < n) {
        int k = look_ahead(r, &c, t, n, at, p);
        for (int i = 0; i < k; i++)
            YH_TRY(encode_part(r, t, n, &p[i], &open, &space, err));
        at = p[k - 1].end;
    }
    return YH_OK;
}

yh_status yh_sp_text(const yh_sp *m, const yh_unigram *u, yh_unigram_work *w, yh_places *p,
                     yh_buf *normal, const uint8_t *t, size_t n, yh_ids *out, yh_err *err)
{
    text_run r = {m, u, w, p, normal, out, 0, out->n, 0};
    yh_buf_clear(normal);
    if (!m->spaces || !m->escape || m->suffix || !u->spaced) {
        YH_TRY(yh_sp_normalize(m, t, n, normal, NULL, &(size_t){0}, err));
        return encode_normal(&r, NULL, err);
    }
    YH_TRY(yh_unigram_work_init(w, err));
    size_t at = yh_sp_skip(m, t, n);
    if (at < n && m->dummy_prefix)
        YH_TRY(yh_sp_space(m, normal, NULL, at, err));
    return by_cuts(&r, t, n, at, err);
}
