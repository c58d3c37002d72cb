/* Text to ids: repair, added tokens, normalizer, pre-tokenizer, model, post-processor. */
#include "text/tok_impl.h"
#include "text/utf8.h"

/* Memory of one encoding; kept by the tokenizer for the next one. */
typedef struct yh_enc {
    struct yh_enc *next;
    yh_bpe_work work;
    yh_scan_state *scan[YH_TOK_STEPS];
    yh_buf repaired, normal;
    yh_pieces repair_map, normal_map;
} yh_enc;

/* One run of text without added tokens on its way to ids. */
typedef struct run {
    const yh_tok *t;
    yh_enc *e;
    unsigned flags;
    yh_ids *out;
    const uint8_t *text; /* normalised */
    size_t n;
    size_t base;             /* of text[0] in the whole normalised run */
    const yh_pieces *normal; /* from that to the repaired run; NULL: the same bytes */
    size_t repaired_at;      /* of that run in the repaired text */
    const yh_pieces *repair; /* to the caller's text; NULL: the same bytes */
    bool spaced;             /* text[0] is a space that the pre-tokenizer put there */
} run;

static void enc_free(yh_enc *e)
{
    if (e == NULL)
        return;
    yh_bpe_work_fini(&e->work);
    for (int i = 0; i < YH_TOK_STEPS; i++)
        yh_scan_state_free(e->scan[i]);
    yh_buf_fini(&e->repaired);
    yh_buf_fini(&e->normal);
    yh_free(e->repair_map.at);
    yh_free(e->normal_map.at);
    yh_free(e);
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
        e = yh_calloc(1, sizeof *e);
        if (e == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for an encoder");
        for (size_t i = 0; i < t->n_pre; i++) {
            yh_status s = yh_scan_state_create(&e->scan[i], t->pre[i].pattern, err);
            if (s != YH_OK) {
                enc_free(e);
                return s;
            }
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
    if (e->normal.cap > (1 << 20))
        yh_buf_fini(&e->normal);
    if (e->work.cap > (1 << 16)) {
        yh_bpe_work_fini(&e->work);
    }
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

static yh_status reserve(run *r, size_t extra, yh_err *err)
{
    yh_ids *o = r->out;
    size_t need = o->n + extra, cap = o->cap;
    if (need > cap || o->id == NULL) {
        uint32_t *id = yh_grow(o->id, &cap, need, sizeof *id);
        if (id == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu ids", need);
        o->id = id;
    }
    if ((r->flags & YH_ENCODE_OFFSETS) && (cap != o->cap || o->begin == NULL)) {
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

/* [*b, *e) of a changed text to its source. */
static void map_back(const yh_pieces *p, size_t *b, size_t *e)
{
    size_t want[2] = {*b, *e > *b ? *e - 1 : *e}, got[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        size_t lo = 0, hi = p->n;
        while (lo + 1 < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (p->at[mid].out <= want[k])
                lo = mid;
            else
                hi = mid;
        }
        const yh_piece *q = &p->at[lo];
        if (q->same)
            got[k] = q->src + (want[k] - q->out) + (size_t)k;
        else
            got[k] = k == 0 ? q->src : q->src + q->src_len;
    }
    *b = got[0];
    *e = got[1];
}

/* Byte offsets [b, e) in r->text to the caller's text, grown to whole characters. */
static void place(const run *r, size_t b, size_t e, uint64_t *begin, uint64_t *end)
{
    while (b > 0 && (r->text[b] & 0xC0) == 0x80)
        b--;
    while (e < r->n && (r->text[e] & 0xC0) == 0x80)
        e++;
    if (r->spaced) {
        /* the added space stands for the first character, as Hugging Face has it */
        size_t first = r->n > 1 ? (size_t)yh_utf8_len(r->text[1]) : 0;
        e = e <= 1 ? first : e - 1;
        b = b == 0 ? 0 : b - 1;
    }
    b += r->base;
    e += r->base;
    if (r->normal != NULL)
        map_back(r->normal, &b, &e);
    b += r->repaired_at;
    e += r->repaired_at;
    if (r->repair != NULL)
        map_back(r->repair, &b, &e);
    *begin = b;
    *end = e;
}

static size_t is_trimmed(const uint8_t *p)
{
    int len;
    return (yh_uc_class(yh_utf8_next(p, &len)) & YH_UC_S) ? (size_t)len : 0;
}

/* ByteLevel's trim_offsets: white space at both ends of a token is not in its offsets. */
static void trim(const run *r, size_t *b, size_t *e)
{
    while (*b < *e && (r->text[*b] & 0xC0) != 0x80) {
        size_t len = is_trimmed(r->text + *b);
        if (len == 0 || *b + len > *e)
            break;
        *b += len;
    }
    while (*e > *b) {
        size_t c = *e - 1;
        while (c > *b && (r->text[c] & 0xC0) == 0x80)
            c--;
        size_t len = (r->text[c] & 0xC0) == 0x80 ? 0 : is_trimmed(r->text + c);
        if (len == 0 || c + len != *e)
            break;
        *e = c;
    }
}

static yh_status word(run *r, size_t b, size_t e, yh_err *err)
{
    const uint32_t *id;
    size_t n;
    YH_TRY(yh_bpe_word(&r->t->model, &r->e->work, r->text + b, e - b, &id, &n, err));
    if (r->out->n + n > r->out->cap || (r->flags & YH_ENCODE_OFFSETS))
        YH_TRY(reserve(r, n, err));
    uint32_t *to = r->out->id + r->out->n;
    for (size_t i = 0; i < n; i++)
        to[i] = id[i];
    if (r->flags & YH_ENCODE_OFFSETS)
        for (size_t i = 0; i < n; i++) {
            size_t at = b, end = b + r->t->model.len[id[i]];
            b = end;
            if (r->t->trim_offsets)
                trim(r, &at, &end);
            place(r, at, end, &r->out->begin[r->out->n + i], &r->out->end[r->out->n + i]);
        }
    r->out->n += n;
    return YH_OK;
}

static yh_status steps(run *r, size_t step, size_t b, size_t e, yh_err *err);

static yh_status match_or_gap(run *r, size_t step, size_t b, size_t e, bool match, yh_err *err)
{
    yh_behavior k = r->t->pre[step].behavior;
    if (b == e || (match && k == YH_DROP_MATCHES) || (!match && k == YH_DROP_GAPS))
        return YH_OK;
    return steps(r, step + 1, b, e, err);
}

/* Cuts [b, e) by the pre-tokenizer's steps from `step` on; as deep as there are steps. */
static yh_status steps(run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    if (step == r->t->n_pre)
        return word(r, b, e, err);
    const yh_pattern *p = r->t->pre[step].pattern;
    const uint8_t *text = r->text + b;
    size_t n = e - b, at = 0;
    yh_scan kind = yh_pattern_kind(p);
    if (kind != YH_SCAN_REGEX && step + 1 == r->t->n_pre &&
        r->t->pre[step].behavior != YH_DROP_MATCHES) {
        while (at < n) {
            size_t end = yh_scan_word(kind, text, n, at);
            YH_TRY(word(r, b + at, b + end, err));
            at = end;
        }
        return YH_OK;
    }
    while (at < n) {
        size_t mb, me;
        YH_TRY(yh_scan_next(p, r->e->scan[step], text, n, at, &mb, &me, err));
        YH_TRY(match_or_gap(r, step, b + at, b + mb, false, err));
        YH_TRY(match_or_gap(r, step, b + mb, b + me, true, err));
        at = me;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return YH_OK;
}

static yh_status pretokenize(run *r, const uint8_t *text, size_t n, yh_err *err)
{
    yh_buf spaced;
    if (n == 0)
        return YH_OK;
    r->text = text;
    r->n = n;
    r->spaced = false;
    if (!r->t->prefix_space || text[0] == ' ')
        return steps(r, 0, 0, n, err);
    yh_buf_init(&spaced, 0);
    yh_status s = yh_buf_addc(&spaced, ' ', err);
    if (s == YH_OK)
        s = yh_buf_add(&spaced, text, n, err);
    if (s == YH_OK) {
        r->text = (const uint8_t *)spaced.data;
        r->n = spaced.len;
        r->spaced = true;
        s = steps(r, 0, 0, spaced.len, err);
    }
    yh_buf_fini(&spaced);
    return s;
}

static yh_status add_id(run *r, uint32_t id, uint64_t b, uint64_t e, yh_err *err)
{
    YH_TRY(reserve(r, 1, err));
    r->out->id[r->out->n] = id;
    if (r->flags & YH_ENCODE_OFFSETS) {
        r->out->begin[r->out->n] = b;
        r->out->end[r->out->n] = e;
    }
    r->out->n++;
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
static int32_t next_added(const run *r, const yh_trie *trie, const uint8_t *t, size_t n,
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

/* A run between raw added tokens: normalise, then the added tokens of normalised text. */
static yh_status normalised(run *r, const uint8_t *raw, size_t n, size_t at, yh_err *err)
{
    const uint8_t *text = raw;
    size_t from = 0, done = 0, b, e;
    r->normal = NULL;
    r->repaired_at = at;
    if (r->t->nfc && yh_nfc_prefix(raw, n) != n) {
        bool offsets = (r->flags & YH_ENCODE_OFFSETS) != 0;
        yh_buf_clear(&r->e->normal);
        r->e->normal_map.n = 0;
        YH_TRY(yh_nfc(raw, n, &r->e->normal, offsets ? &r->e->normal_map : NULL, err));
        text = (const uint8_t *)r->e->normal.data;
        n = r->e->normal.len;
        r->normal = offsets ? &r->e->normal_map : NULL;
    }
    for (;;) {
        int32_t k = next_added(r, &r->t->normal, text, n, &from, done, &b, &e);
        r->base = done;
        YH_TRY(pretokenize(r, text + done, (k < 0 ? n : b) - done, err));
        if (k < 0)
            return YH_OK;
        uint64_t ob = 0, oe = 0;
        r->text = text;
        r->n = n;
        r->base = 0;
        r->spaced = false;
        place(r, b, e, &ob, &oe);
        YH_TRY(add_id(r, r->t->added[k].id, ob, oe, err));
        done = e;
    }
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

static yh_status encode_text(run *r, const uint8_t *text, size_t n, yh_err *err)
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
    for (;;) {
        int32_t k = next_added(r, &r->t->raw, text, n, &from, done, &b, &e);
        size_t stop = k < 0 ? n : b;
        if (stop > done)
            YH_TRY(normalised(r, text + done, stop - done, done, err));
        if (k < 0)
            return YH_OK;
        size_t ob = b, oe = e;
        if (r->repair != NULL)
            map_back(r->repair, &ob, &oe);
        YH_TRY(add_id(r, r->t->added[k].id, ob, oe, err));
        done = e;
    }
}

yh_status yh_tok_encode(const yh_tok *t, const char *text, size_t n, unsigned flags, yh_ids *out,
                        yh_err *err)
{
    yh_enc *e = NULL;
    if ((flags & YH_ENCODE_OFFSETS) && out->n > 0 && out->begin == NULL)
        return yh_fail(err, YH_INVALID, "ids without offsets cannot be continued with offsets");
    YH_TRY(enc_take(t, &e, err));
    run r = {.t = t, .e = e, .flags = flags, .out = out};
    yh_status s = reserve(&r, n / 4 + t->n_before + t->n_after + 8, err);
    for (size_t i = 0; s == YH_OK && (flags & YH_ENCODE_TEMPLATE) && i < t->n_before; i++)
        s = add_id(&r, t->before[i], 0, 0, err);
    if (s == YH_OK && n > 0)
        s = encode_text(&r, (const uint8_t *)text, n, err);
    for (size_t i = 0; s == YH_OK && (flags & YH_ENCODE_TEMPLATE) && i < t->n_after; i++)
        s = add_id(&r, t->after[i], 0, 0, err);
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
