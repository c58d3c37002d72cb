/* Text to words by the pre-tokenizer's steps, words to ids by the model. */
#include "text/bpe_text.h"
#include "text/encode.h"
#include "text/utf8.h"

static yh_status model_word(yh_run *r, const uint8_t *p, size_t n, yh_toks *k, yh_err *err)
{
    const yh_tok *t = r->t;
    yh_places *places = &r->e->places;
    yh_status s = YH_OK;
    k->begin = k->end = NULL;
    if (t->kind != YH_MODEL_BPE && n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "a word of %zu bytes: the limit is 4 GB", n);
    switch (t->kind) {
    case YH_MODEL_BPE:
        return yh_bpe_word(&t->model, &r->e->work, p, n, &k->id, &k->n, err);
    case YH_MODEL_UNITS:
        s = yh_units_word(&t->units, &r->e->units, places, p, n, err);
        break;
    case YH_MODEL_UNIGRAM:
        s = yh_unigram_word(&t->unigram, &r->e->unigram, places, p, n, err);
        break;
    case YH_MODEL_WORDPIECE:
        s = yh_wordpiece_word(&t->wordpiece, places, p, n, err);
        break;
    }
    *k = (yh_toks){places->id, places->begin, places->end, places->n};
    return s;
}

static yh_status word(yh_run *r, size_t b, size_t e, yh_err *err)
{
    yh_toks k;
    yh_ids *o = r->out;
    bool alone = o->begin == NULL && (r->flags & YH_ENCODE_OFFSETS) == 0 && e - b < UINT32_MAX;
    if (alone && r->t->kind == YH_MODEL_UNIGRAM)
        return yh_unigram_add_word(&r->t->unigram, &r->e->unigram, &r->e->places, r->text + b,
                                   e - b, r->n - b, o, err);
    if (alone && r->t->kind == YH_MODEL_UNITS && r->t->units.cuts)
        return yh_units_text(&r->t->units, &r->e->units, &r->e->work, &r->e->places, r->text + b,
                             e - b, &o->id, &o->n, &o->cap, err);
    YH_TRY(model_word(r, r->text + b, e - b, &k, err));
    if (r->out->n + k.n > r->out->cap || (r->flags & YH_ENCODE_OFFSETS))
        YH_TRY(yh_run_reserve(r, k.n, err));
    uint32_t *to = r->out->id + r->out->n;
    for (size_t i = 0; i < k.n; i++)
        to[i] = k.id[i];
    if (r->flags & YH_ENCODE_OFFSETS)
        for (size_t i = 0; i < k.n; i++) {
            if (k.begin != NULL) {
                yh_place_id(r, r->out->n + i, b + k.begin[i], b + k.end[i]);
                continue;
            }
            size_t end = b + r->t->model.len[k.id[i]];
            yh_place_id(r, r->out->n + i, b, end);
            b = end;
        }
    r->out->n += k.n;
    return YH_OK;
}

/* A part of the text on its way from one step to the next. */
typedef struct cut {
    size_t step, begin, end; /* what is held back, for a neighbour to join */
    bool held, held_match;
} cut;

static yh_status cut_flush(yh_run *r, cut *c, yh_err *err)
{
    if (!c->held)
        return YH_OK;
    c->held = false;
    return c->begin < c->end ? yh_split(r, c->step + 1, c->begin, c->end, err) : YH_OK;
}

/* The next match or gap [b, e), in order; does with it what the behavior says. */
static yh_status cut_add(yh_run *r, cut *c, size_t b, size_t e, bool match, yh_err *err)
{
    const yh_pre_step *p = &r->t->pre.step[c->step];
    bool join = false;
    match = match != p->invert;
    switch (p->behavior) {
    case YH_ISOLATED:
        return b < e ? yh_split(r, c->step + 1, b, e, err) : YH_OK;
    case YH_REMOVED:
        return b < e && !match ? yh_split(r, c->step + 1, b, e, err) : YH_OK;
    case YH_MERGED_PREVIOUS:
        join = match && c->held && !c->held_match;
        break;
    case YH_MERGED_NEXT:
        join = !match && c->held && c->held_match;
        break;
    case YH_CONTIGUOUS:
        join = c->held && match == c->held_match;
        break;
    }
    if (join) {
        c->end = e;
        /* what joined the one before takes no third */
        c->held_match = p->behavior == YH_MERGED_NEXT ? false : match;
        return YH_OK;
    }
    YH_TRY(cut_flush(r, c, err));
    c->held = true;
    c->begin = b;
    c->end = e;
    c->held_match = match;
    return YH_OK;
}

static yh_status by_pattern(yh_run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    const yh_pre_step *p = &r->t->pre.step[step];
    const uint8_t *text = r->text + b;
    size_t n = e - b, at = 0;
    cut c = {.step = step};
    yh_scan kind = yh_pattern_kind(p->pattern);
    if (kind != YH_SCAN_REGEX && step + 1 == r->t->pre.n &&
        (p->behavior == YH_ISOLATED || (p->behavior == YH_REMOVED && p->invert))) {
        yh_ids *o = r->out;
        if (r->t->kind == YH_MODEL_BPE && o->begin == NULL && (r->flags & YH_ENCODE_OFFSETS) == 0)
            return yh_bpe_text(&r->t->model, &r->e->work, kind, text, n, &o->id, &o->n, &o->cap,
                               err);
        while (at < n) {
            size_t end = yh_scan_word(kind, text, n, at);
            YH_TRY(word(r, b + at, b + end, err));
            at = end;
        }
        return YH_OK;
    }
    while (at < n) {
        size_t mb, me;
        YH_TRY(yh_scan_next(p->pattern, r->e->scan[step], text, n, at, &mb, &me, err));
        if (mb > at)
            YH_TRY(cut_add(r, &c, b + at, b + mb, false, err));
        if (me > mb)
            YH_TRY(cut_add(r, &c, b + mb, b + me, true, err));
        at = me;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return cut_flush(r, &c, err);
}

static bool is_match(const yh_pre_step *p, const uint8_t *t, size_t n, size_t *len)
{
    int k;
    uint32_t cp = yh_utf8_next(t, &k);
    *len = (size_t)k;
    if (p->kind == YH_PRE_CLASS && p->mask == YH_UC_PUNCT)
        return (yh_uc_old(cp) & YH_UC_OLD_PUNCT) != 0;
    if (p->kind == YH_PRE_CLASS)
        return (yh_uc_class(cp) & p->mask) != 0;
    return p->length == *len && *len <= n && memcmp(p->text, t, *len) == 0;
}

/* YH_PRE_CLASS, YH_PRE_CHAR: every character by itself is a match or not. */
static yh_status by_character(yh_run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    const yh_pre_step *p = &r->t->pre.step[step];
    cut c = {.step = step};
    size_t gap = b, len;
    for (size_t i = b; i < e; i += len) {
        if (!is_match(p, r->text + i, e - i, &len))
            continue;
        if (gap < i)
            YH_TRY(cut_add(r, &c, gap, i, false, err));
        YH_TRY(cut_add(r, &c, i, i + len, true, err));
        gap = i + len;
    }
    if (gap < e)
        YH_TRY(cut_add(r, &c, gap, e, false, err));
    return cut_flush(r, &c, err);
}

static yh_status by_length(yh_run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    size_t length = r->t->pre.step[step].length, i = b;
    while (i < e) {
        size_t begin = i;
        for (size_t k = 0; k < length && i < e; k++)
            i += (size_t)yh_utf8_len(r->text[i]);
        YH_TRY(yh_split(r, step + 1, begin, i, err));
    }
    return YH_OK;
}

/* Steps that change the text: the rest of them sees a new layer. */
static yh_status edited(yh_run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    const yh_pre_step *p = &r->t->pre.step[step];
    const uint8_t *t = r->text + b, *below = r->text;
    size_t n = e - b, below_n = r->n, space = strlen(p->text), i = 0, x, y;
    bool meta = p->kind == YH_PRE_METASPACE;
    yh_layer *l = &r->e->layer[r->layers];
    bool spaced = meta && (t[0] == ' ' || (n >= space && memcmp(t, p->text, space) == 0));
    bool prepend = meta ? !spaced && p->prepend != YH_PREPEND_NEVER : t[0] != ' ';
    if (prepend && meta && p->prepend == YH_PREPEND_FIRST) {
        yh_place_byte(r, b, &x, &y);
        prepend = x == 0;
    }
    if (!prepend && (!meta || memchr(t, ' ', n) == NULL))
        return yh_split(r, step + 1, b, e, err);
    yh_buf_clear(&l->text);
    l->map.n = 0;
    l->base = b;
    yh_pieces *map = r->maps ? &l->map : NULL;
    if (prepend) {
        if (map != NULL)
            YH_TRY(
                yh_pieces_add(map, (yh_piece){0, space, 0, (size_t)yh_utf8_len(t[0]), false}, err));
        YH_TRY(yh_buf_add(&l->text, p->text, space, err));
    }
    while (i < n) {
        const uint8_t *s = meta ? memchr(t + i, ' ', n - i) : NULL;
        size_t end = s != NULL ? (size_t)(s - t) : n;
        if (map != NULL && end > i)
            YH_TRY(yh_pieces_add(map, (yh_piece){l->text.len, end - i, i, end - i, true}, err));
        YH_TRY(yh_buf_add(&l->text, t + i, end - i, err));
        if (s != NULL && map != NULL)
            YH_TRY(yh_pieces_add(map, (yh_piece){l->text.len, space, end, 1, false}, err));
        if (s != NULL)
            YH_TRY(yh_buf_add(&l->text, p->text, space, err));
        i = end + 1;
    }
    r->text = (const uint8_t *)l->text.data;
    r->n = l->text.len;
    r->layers++;
    yh_status s = yh_split(r, step + 1, 0, r->n, err);
    r->layers--;
    r->text = below;
    r->n = below_n;
    return s;
}

yh_status yh_split(yh_run *r, size_t step, size_t b, size_t e, yh_err *err)
{
    if (step == r->t->pre.n)
        return word(r, b, e, err);
    switch (r->t->pre.step[step].kind) {
    case YH_PRE_PATTERN:
        return by_pattern(r, step, b, e, err);
    case YH_PRE_CLASS:
    case YH_PRE_CHAR:
        return by_character(r, step, b, e, err);
    case YH_PRE_FIXED:
        return by_length(r, step, b, e, err);
    case YH_PRE_METASPACE:
    case YH_PRE_SPACE:
        break;
    }
    return edited(r, step, b, e, err);
}
