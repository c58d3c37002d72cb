#include "text/align.h"
#include "text/utf8.h"

yh_status yh_pieces_add(yh_pieces *p, yh_piece piece, yh_err *err)
{
    if (p->n > 0) {
        yh_piece *last = &p->at[p->n - 1];
        if (piece.same ? last->same && last->src + last->src_len == piece.src
                       : !last->same && last->src == piece.src && last->src_len == piece.src_len) {
            last->out_len += piece.out_len;
            if (piece.same)
                last->src_len += piece.src_len;
            return YH_OK;
        }
    }
    yh_piece *at = yh_grow(p->at, &p->cap, p->n + 1, sizeof *at);
    if (at == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for text positions");
    p->at = at;
    p->at[p->n++] = piece;
    return YH_OK;
}

const yh_piece *yh_pieces_find(const yh_pieces *p, size_t *hint, size_t x)
{
    size_t lo = 0, hi = p->n, h = *hint;
    if (h < p->n && p->at[h].out <= x) {
        for (int k = 0; k < 4; k++, h++)
            if (h + 1 == p->n || p->at[h + 1].out > x) {
                *hint = h;
                return &p->at[h];
            }
        lo = h;
    }
    while (lo + 1 < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->at[mid].out <= x)
            lo = mid;
        else
            hi = mid;
    }
    *hint = lo;
    return &p->at[lo];
}

void yh_rewrite_init(yh_rewrite *e, const uint8_t *src, size_t n, yh_buf *out, yh_pieces *map)
{
    *e = (yh_rewrite){.src = src, .n = n, .out = out, .map = map};
}

static void consume(yh_rewrite *e)
{
    if (e->at < e->n) {
        e->last = e->at;
        e->at += (size_t)yh_utf8_len(e->src[e->at]);
    }
}

void yh_rewrite_skip(yh_rewrite *e, size_t bytes)
{
    for (size_t end = e->at + bytes; e->map != NULL && e->at < end && e->at < e->n;)
        consume(e);
}

static yh_status flush(yh_rewrite *e, yh_err *err)
{
    uint8_t text[4];
    if (!e->held)
        return YH_OK;
    e->held = false;
    size_t len = (size_t)yh_utf8_encode(e->held_cp, text), src = e->last;
    size_t src_len = e->at > 0 ? (size_t)yh_utf8_len(e->src[e->last]) : 0;
    if (e->held_change <= 0) {
        consume(e);
        src = e->last;
        src_len = e->n > 0 ? (size_t)yh_utf8_len(e->src[e->last]) : 0;
        for (int k = e->held_change; k < 0; k++)
            consume(e);
    }
    YH_TRY(yh_pieces_add(e->map, (yh_piece){e->out->len, len, src, src_len, false}, err));
    return yh_buf_add(e->out, text, len, err);
}

yh_status yh_rewrite_put(yh_rewrite *e, uint32_t cp, int change, yh_err *err)
{
    if (e->map == NULL) {
        uint8_t text[4];
        return yh_buf_add(e->out, text, (size_t)yh_utf8_encode(cp, text), err);
    }
    YH_TRY(flush(e, err));
    e->any = e->held = true;
    e->held_cp = cp;
    e->held_change = change;
    return YH_OK;
}

yh_status yh_rewrite_copy(yh_rewrite *e, const uint8_t *p, size_t n, yh_err *err)
{
    if (e->map == NULL || n == 0)
        return yh_buf_add(e->out, p, n, err);
    YH_TRY(flush(e, err));
    if (p != e->src + e->at) { /* out of step: each stands for another */
        for (size_t i = 0; i < n;) {
            int len;
            YH_TRY(yh_rewrite_put(e, yh_utf8_next(p + i, &len), 0, err));
            i += (size_t)len;
        }
        return YH_OK;
    }
    YH_TRY(yh_pieces_add(e->map, (yh_piece){e->out->len, n, e->at, n, true}, err));
    YH_TRY(yh_buf_add(e->out, p, n, err));
    e->any = true;
    e->at += n;
    e->last = e->at - 1;
    while (e->last > 0 && (e->src[e->last] & 0xC0) == 0x80)
        e->last--;
    return YH_OK;
}

void yh_rewrite_drop(yh_rewrite *e, size_t k)
{
    if (e->map == NULL)
        return;
    if (e->held) {
        e->held_change -= (int)(k < INT32_MAX / 2 ? k : INT32_MAX / 2);
        return;
    }
    for (size_t i = 0; e->any && i < k && e->at < e->n; i++)
        consume(e);
}

yh_status yh_rewrite_end(yh_rewrite *e, yh_err *err)
{
    return e->map != NULL ? flush(e, err) : YH_OK;
}
