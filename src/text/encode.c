/* Text to ids: repair, added tokens, normalizer, then split.c; post-processor. */
#include "text/encode.h"
#include "text/utf8.h"

static void enc_free(yh_enc *e)
{
    if (e == NULL)
        return;
    yh_bpe_work_fini(&e->work);
    yh_units_work_fini(&e->units);
    yh_unigram_work_fini(&e->unigram);
    yh_places_fini(&e->places);
    for (int i = 0; i < YH_PRE_STEPS; i++)
        yh_scan_state_free(e->scan[i]);
    for (int i = 0; i < YH_NORM_STEPS; i++)
        yh_scan_state_free(e->norm_scan[i]);
    for (int i = 0; i < YH_LAYERS; i++) {
        yh_buf_fini(&e->layer[i].text);
        yh_free(e->layer[i].map.at);
    }
    yh_buf_fini(&e->repaired);
    yh_free(e->repair_map.at);
    yh_free(e);
}

static yh_status enc_create(const yh_tok *t, yh_enc **out, yh_err *err)
{
    yh_enc *e = *out = yh_calloc(1, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for an encoder");
    for (size_t i = 0; i < t->pre.n; i++)
        if (t->pre.step[i].pattern != NULL)
            YH_TRY(yh_scan_state_create(&e->scan[i], t->pre.step[i].pattern, err));
    for (size_t i = 0; i < t->norm.n; i++)
        if (t->norm.step[i].pattern != NULL)
            YH_TRY(yh_scan_state_create(&e->norm_scan[i], t->norm.step[i].pattern, err));
    return YH_OK;
}

static yh_status enc_take(const yh_tok *t, yh_enc **out, yh_err *err)
{
    yh_tok *m = (yh_tok *)(uintptr_t)t; /* a cache under a lock */
    pthread_mutex_lock(&m->lock);
    yh_enc *e = m->idle;
    if (e != NULL)
        m->idle = e->next;
    pthread_mutex_unlock(&m->lock);
    if (e == NULL) {
        yh_status s = enc_create(t, &e, err);
        if (s != YH_OK) {
            enc_free(e);
            return s;
        }
    }
    *out = e;
    return YH_OK;
}

static void enc_give(const yh_tok *t, yh_enc *e)
{
    yh_tok *m = (yh_tok *)(uintptr_t)t;
    /* a huge document's memory is not kept */
    if (e->repaired.cap > (1 << 20))
        yh_buf_fini(&e->repaired);
    for (int i = 0; i < YH_LAYERS; i++) {
        yh_layer *l = &e->layer[i];
        if (l->text.cap > (1 << 20))
            yh_buf_fini(&l->text);
        if (l->map.cap > (1 << 16)) {
            yh_free(l->map.at);
            l->map = (yh_pieces){0};
        }
    }
    if (e->work.cap > (1 << 16))
        yh_bpe_work_fini(&e->work);
    if (e->units.cap > (1 << 16))
        yh_units_work_fini(&e->units);
    if (e->unigram.cap > (1 << 16))
        yh_unigram_work_fini(&e->unigram);
    if (e->places.cap > (1 << 16))
        yh_places_fini(&e->places);
    pthread_mutex_lock(&m->lock);
    e->next = m->idle;
    m->idle = e;
    pthread_mutex_unlock(&m->lock);
}

void yh_tok_idle_free(yh_tok *t);
void yh_tok_idle_free(yh_tok *t)
{
    while (t->idle != NULL) {
        yh_enc *e = t->idle;
        t->idle = e->next;
        enc_free(e);
    }
}

yh_status yh_run_reserve(yh_run *r, size_t extra, yh_err *err)
{
    yh_ids *o = r->out;
    size_t need = o->n + extra, cap = o->cap;
    if (need > cap || o->id == NULL) {
        uint32_t *id = yh_grow(o->id, &cap, need, sizeof *id);
        if (id == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu ids", need);
        o->id = id;
    }
    bool offsets = (r->flags & YH_ENCODE_OFFSETS) || o->begin != NULL; /* all as long as id */
    if (offsets && (cap != o->cap || o->begin == NULL)) {
        uint64_t *begin = yh_realloc_array(o->begin, cap, sizeof *begin);
        if (begin != NULL)
            o->begin = begin;
        uint64_t *end = yh_realloc_array(o->end, cap, sizeof *end);
        if (end != NULL)
            o->end = end;
        if (begin == NULL || end == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for the offsets of %zu ids", need);
    }
    o->cap = cap;
    return YH_OK;
}

/* An id that is not the model's. */
static yh_status add_id(yh_run *r, uint32_t id, yh_err *err)
{
    YH_TRY(yh_run_reserve(r, 1, err));
    r->out->id[r->out->n] = id;
    if (r->flags & YH_ENCODE_OFFSETS)
        r->out->begin[r->out->n] = r->out->end[r->out->n] = 0;
    r->out->n++;
    return YH_OK;
}

/* An added token, which is p[0..n) and stands at [begin, end) of the repaired text. */
static yh_status add_added(yh_run *r, int32_t k, const uint8_t *p, size_t n, size_t begin,
                           size_t end, yh_err *err)
{
    YH_TRY(add_id(r, r->t->added[k].id, err));
    if ((r->flags & YH_ENCODE_OFFSETS) == 0)
        return YH_OK;
    size_t i = r->out->n - 1;
    if (r->t->trim_offsets)
        yh_place_trim(r, p, n, false, i - r->first, &begin, &end);
    yh_place_set(r, i, begin, end);
    return YH_OK;
}

static bool word_before(const uint8_t *t, size_t at)
{
    if (at == 0)
        return false;
    do
        at--;
    while (at > 0 && (t[at] & 0xC0) == 0x80);
    int len;
    return (yh_uc_class(yh_utf8_next(t + at, &len)) & YH_UC_WORD) != 0;
}

static bool word_behind(const uint8_t *t, size_t n, size_t at)
{
    int len;
    return at < n && (yh_uc_class(yh_utf8_next(t + at, &len)) & YH_UC_WORD) != 0;
}

/* Next added token in t[*from..n): [*b, *e) with the white space that it swallows; -1: none.
 * done: end of what is dealt with already; *from moves behind the match proper. */
static int32_t next_added(const yh_run *r, const yh_trie *trie, const uint8_t *t, size_t n,
                          size_t *from, size_t done, size_t *b, size_t *e)
{
    for (;;) {
        size_t at = *from, end = 0;
        int32_t k = yh_trie_find(trie, t, n, &at, &end);
        if (k < 0)
            return -1;
        const yh_added *a = &r->t->added[k];
        *from = end;
        if (a->special && (r->flags & YH_ENCODE_SPECIAL) == 0)
            continue;
        if (a->single_word && (word_before(t, at) || word_behind(t, n, end)))
            continue;
        int len;
        if (a->lstrip)
            while (at > done) {
                size_t c = at - 1;
                while (c > done && (t[c] & 0xC0) == 0x80)
                    c--;
                if ((yh_uc_class(yh_utf8_next(t + c, &len)) & YH_UC_S) == 0)
                    break;
                at = c;
            }
        if (a->rstrip)
            while (end < n && (yh_uc_class(yh_utf8_next(t + end, &len)) & YH_UC_S))
                end += (size_t)len;
        if (at < done) /* its begin was swallowed by the match before */
            at = done;
        *b = at;
        *e = end;
        return k;
    }
}

/* The normalizer's steps over r->text; each that changes it adds a layer. */
static yh_status normalise(yh_run *r, yh_err *err)
{
    const yh_norm *m = &r->t->norm;
    for (size_t i = 0; i < m->n && r->n > 0; i++) {
        yh_layer *l = &r->e->layer[r->layers];
        bool changed;
        yh_buf_clear(&l->text);
        l->map.n = 0;
        l->base = 0;
        YH_TRY(yh_norm_run(&m->step[i], r->e->norm_scan[i], r->text, r->n, &l->text,
                           r->maps ? &l->map : NULL, &changed, err));
        if (!changed)
            continue;
        r->text = (const uint8_t *)l->text.data;
        r->n = l->text.len;
        r->layers++;
    }
    return YH_OK;
}

/* A run between raw added tokens, [at, at + n) of the source: normalise, then the added tokens of
 * normalised text. */
static yh_status normalised(yh_run *r, size_t at, size_t n, yh_err *err)
{
    size_t from = 0, done = 0, b = 0, e = 0, begin = 0, end = 0;
    r->layers = 0;
    r->at = at;
    r->text = r->source + at;
    r->n = n;
    YH_TRY(normalise(r, err));
    while (r->n > 0) {
        int32_t k = next_added(r, &r->t->normal, r->text, r->n, &from, done, &b, &e);
        size_t stop = k < 0 ? r->n : b;
        if (stop > done)
            YH_TRY(yh_split(r, 0, done, stop, err));
        if (k < 0)
            break;
        if (r->flags & YH_ENCODE_OFFSETS)
            yh_place(r, b, e, &begin, &end);
        YH_TRY(add_added(r, k, r->text + b, e - b, begin, end, err));
        done = e;
    }
    return YH_OK;
}

static yh_status repair(yh_enc *e, const uint8_t *t, size_t n, bool offsets, yh_err *err)
{
    yh_buf_clear(&e->repaired);
    e->repair_map.n = 0;
    for (size_t i = 0; i < n;) {
        size_t good = yh_utf8_valid(t + i, n - i);
        if (good > 0) {
            if (offsets)
                YH_TRY(yh_pieces_add(&e->repair_map,
                                     (yh_piece){e->repaired.len, good, i, good, true}, err));
            YH_TRY(yh_buf_add(&e->repaired, t + i, good, err));
            i += good;
        }
        if (i == n)
            break;
        uint32_t cp;
        size_t bad = (size_t)-yh_utf8_decode(t + i, n - i, &cp);
        if (offsets)
            YH_TRY(
                yh_pieces_add(&e->repair_map, (yh_piece){e->repaired.len, 3, i, bad, false}, err));
        YH_TRY(yh_buf_add(&e->repaired, "\xEF\xBF\xBD", 3, err));
        i += bad;
    }
    return YH_OK;
}

static yh_status encode_text(yh_run *r, const uint8_t *text, size_t n, yh_err *err)
{
    size_t from = 0, done = 0, b = 0, e = 0;
    if (yh_utf8_valid(text, n) != n) {
        bool offsets = (r->flags & YH_ENCODE_OFFSETS) != 0;
        YH_TRY(repair(r->e, text, n, offsets, err));
        text = (const uint8_t *)r->e->repaired.data;
        n = r->e->repaired.len;
        if (offsets)
            r->repair = &r->e->repair_map;
    }
    r->source = text;
    r->source_n = n;
    for (;;) {
        int32_t k = next_added(r, &r->t->raw, text, n, &from, done, &b, &e);
        size_t stop = k < 0 ? n : b;
        if (stop > done)
            YH_TRY(normalised(r, done, stop - done, err));
        if (k < 0)
            return YH_OK;
        YH_TRY(add_added(r, k, text + b, e - b, b, e, err));
        done = e;
    }
}

/* A SentencePiece model's whole way. */
static yh_status encode_sp(yh_run *r, const uint8_t *text, size_t n, yh_err *err)
{
    yh_layer *l = &r->e->layer[0];
    yh_buf_clear(&l->text);
    l->map.n = 0;
    if (r->t->kind == YH_MODEL_UNIGRAM && !r->maps && r->out->begin == NULL)
        return yh_sp_text(r->t->sp, &r->t->unigram, &r->e->unigram, &r->e->places, &l->text, text,
                          n, r->out, err);
    YH_TRY(yh_sp_normalize(r->t->sp, text, n, &l->text, r->maps ? &l->map : NULL, &r->tail, err));
    r->text = (const uint8_t *)l->text.data;
    r->n = l->text.len;
    return r->n > 0 ? yh_split(r, 0, 0, r->n, err) : YH_OK;
}

/* Whether a step must know where in the source it is. */
static bool needs_maps(const yh_tok *t)
{
    for (size_t i = 0; i < t->pre.n; i++)
        if (t->pre.step[i].kind == YH_PRE_METASPACE && t->pre.step[i].prepend == YH_PREPEND_FIRST)
            return true;
    return false;
}

static void drop_ids(yh_ids *o, size_t at, size_t n)
{
    size_t rest = o->n - at - n;
    memmove(o->id + at, o->id + at + n, rest * sizeof *o->id);
    if (o->begin != NULL) {
        memmove(o->begin + at, o->begin + at + n, rest * sizeof *o->begin);
        memmove(o->end + at, o->end + at + n, rest * sizeof *o->end);
    }
    o->n -= n;
}

/* What the file's "truncation" says, before the template's last tokens. */
static yh_status truncate_ids(yh_run *r, size_t added, yh_err *err)
{
    const yh_tok *t = r->t;
    size_t n = r->out->n - r->first;
    if (t->cut_to < added)
        return yh_fail(err, YH_INVALID,
                       "the tokenizer's max_length of %zu has no room for its %zu added tokens",
                       t->cut_to, added);
    if (n > t->cut_to - added)
        drop_ids(r->out, t->cut_left ? r->first : r->first + t->cut_to - added,
                 n - (t->cut_to - added));
    return YH_OK;
}

/* Fills up the ids from `start` on with padding. */
static yh_status pad_ids(yh_run *r, size_t start, yh_err *err)
{
    const yh_tok *t = r->t;
    yh_ids *o = r->out;
    size_t have = o->n - start, want = t->pad_to > have ? t->pad_to : have;
    if (t->pad_step > 0 && want % t->pad_step > 0)
        want += t->pad_step - want % t->pad_step;
    size_t n = want - have, at = t->pad_left ? start : o->n, rest = o->n - at;
    YH_TRY(yh_run_reserve(r, n, err));
    memmove(o->id + at + n, o->id + at, rest * sizeof *o->id);
    if (r->flags & YH_ENCODE_OFFSETS) {
        memmove(o->begin + at + n, o->begin + at, rest * sizeof *o->begin);
        memmove(o->end + at + n, o->end + at, rest * sizeof *o->end);
    }
    for (size_t i = at; i < at + n; i++) {
        o->id[i] = t->pad_id;
        if (r->flags & YH_ENCODE_OFFSETS)
            o->begin[i] = o->end[i] = 0;
    }
    o->n += n;
    return YH_OK;
}

yh_status yh_tok_encode(const yh_tok *t, const char *text, size_t n, unsigned flags, yh_ids *out,
                        yh_err *err)
{
    yh_enc *e = NULL;
    if ((flags & YH_ENCODE_OFFSETS) && out->n > 0 && out->begin == NULL)
        return yh_fail(err, YH_INVALID, "ids without offsets cannot be continued with offsets");
    YH_TRY(enc_take(t, &e, err));
    yh_run r = {.t = t, .e = e, .flags = flags, .out = out};
    r.maps = (flags & YH_ENCODE_OFFSETS) || needs_maps(t);
    size_t start = out->n;
    yh_status s = yh_run_reserve(&r, n / 4 + t->n_before + t->n_after + 8, err);
    for (size_t i = 0; s == YH_OK && (flags & YH_ENCODE_TEMPLATE) && i < t->n_before; i++)
        s = add_id(&r, t->before[i], err);
    r.first = out->n;
    if (s == YH_OK && n > 0)
        s = t->sp != NULL ? encode_sp(&r, (const uint8_t *)text, n, err)
                          : encode_text(&r, (const uint8_t *)text, n, err);
    bool template = (flags & YH_ENCODE_TEMPLATE) != 0;
    if (s == YH_OK && (flags & YH_ENCODE_TRUNCATE) && t->cuts)
        s = truncate_ids(&r, template ? t->n_before + t->n_after : 0, err);
    for (size_t i = 0; s == YH_OK && template && i < t->n_after; i++)
        s = add_id(&r, t->after[i], err);
    if (s == YH_OK && (flags & YH_ENCODE_PAD))
        s = pad_ids(&r, start, err);
    enc_give(t, e);
    return s;
}

void yh_ids_fini(yh_ids *ids)
{
    yh_free(ids->id);
    yh_free(ids->begin);
    yh_free(ids->end);
    *ids = (yh_ids)YH_IDS_INIT;
}
