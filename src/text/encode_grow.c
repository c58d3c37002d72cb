/* A text that grows: what stands before the last certain cut is settled, its bytes are forgotten.
 */
#include "text/cut.h"

struct yh_tok_text {
    const yh_tok *t;
    unsigned flags;
    bool cuts;
    yh_buf tail;    /* the text behind the last cut */
    yh_ids ids;     /* of everything */
    size_t settled; /* how many of them stay for good */
    yh_ids fresh;   /* of the tail, while it is worked on */
};

yh_status yh_tok_text_create(yh_tok_text **out, const yh_tok *t, unsigned flags, yh_err *err)
{
    *out = NULL;
    if (flags & (YH_ENCODE_OFFSETS | YH_ENCODE_TRUNCATE | YH_ENCODE_PAD))
        return yh_fail(err, YH_INVALID, "a growing text has no offsets, no truncation, no padding");
    yh_tok_text *x = yh_calloc(1, sizeof *x);
    if (x == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a text");
    x->t = t;
    x->flags = flags;
    x->cuts = yh_can_cut(t);
    yh_buf_init(&x->tail, 0);
    yh_status s = yh_tok_encode(t, "", 0, flags, &x->ids, err);
    if (s != YH_OK) {
        yh_tok_text_free(x);
        return s;
    }
    if (flags & YH_ENCODE_TEMPLATE)
        x->settled = t->n_before;
    *out = x;
    return YH_OK;
}

void yh_tok_text_free(yh_tok_text *x)
{
    if (x == NULL)
        return;
    yh_buf_fini(&x->tail);
    yh_ids_fini(&x->ids);
    yh_ids_fini(&x->fresh);
    yh_free(x);
}

static yh_status encode_tail(yh_tok_text *x, size_t cut, size_t *fixed, yh_err *err)
{
    const yh_tok *t = x->t;
    unsigned flags = x->flags & ~(unsigned)YH_ENCODE_TEMPLATE;
    x->fresh.n = 0;
    YH_TRY(yh_tok_encode(t, x->tail.data, cut, flags, &x->fresh, err));
    *fixed = x->fresh.n;
    YH_TRY(yh_tok_encode(t, x->tail.data + cut, x->tail.len - cut, flags, &x->fresh, err));
    size_t after = x->flags & YH_ENCODE_TEMPLATE ? t->n_after : 0;
    size_t need = x->settled + x->fresh.n + after;
    uint32_t *id = yh_grow(x->ids.id, &x->ids.cap, need + 1, sizeof *id);
    if (id == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu ids", need);
    x->ids.id = id;
    return YH_OK;
}

yh_status yh_tok_text_append(yh_tok_text *x, const char *text, size_t n, size_t *same, yh_err *err)
{
    size_t len = x->tail.len, cut = 0, fixed = 0;
    *same = x->ids.n;
    if (n == 0)
        return YH_OK;
    YH_TRY(yh_buf_add(&x->tail, text, n, err));
    if (x->cuts)
        cut = yh_cut_last(x->t, (const uint8_t *)x->tail.data, x->tail.len, 0, x->tail.len - 1);
    yh_status s = encode_tail(x, cut, &fixed, err);
    if (s != YH_OK) {
        x->tail.len = len;
        return s;
    }
    size_t old = x->ids.n, k = 0;
    uint32_t *id = x->ids.id + x->settled;
    while (k < x->fresh.n && x->settled + k < old && id[k] == x->fresh.id[k])
        k++;
    *same = x->settled + k;
    if (x->fresh.n > k)
        memcpy(id + k, x->fresh.id + k, (x->fresh.n - k) * sizeof *id);
    x->ids.n = x->settled + x->fresh.n;
    for (size_t i = 0; (x->flags & YH_ENCODE_TEMPLATE) && i < x->t->n_after; i++)
        x->ids.id[x->ids.n++] = x->t->after[i];
    x->settled += fixed;
    x->tail.len -= cut;
    memmove(x->tail.data, x->tail.data + cut, x->tail.len);
    return YH_OK;
}

const uint32_t *yh_tok_text_ids(const yh_tok_text *x, size_t *n)
{
    *n = x->ids.n;
    return x->ids.id;
}
