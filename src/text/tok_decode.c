/* Ids to text, at once and as a stream. */
#include "text/tok_impl.h"
#include "text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

const char *yh_tok_bytes(const yh_tok *t, uint32_t id, size_t *len, bool *special)
{
    size_t n;
    yh_decode_role role;
    const char *p = yh_decoder_text(&t->decoder, id, false, &n, &role);
    if (special != NULL)
        *special = id < t->model.size && (t->special[id] & 2) != 0;
    if (len != NULL)
        *len = n;
    return p;
}

/* Where a stream's text goes. */
typedef struct sink {
    const yh_decoder *d;
    yh_tok_stream *s;
    char *out;
    size_t n, cap;
} sink;

/* Finished text; the decoder's Strip sees it first. */
static void put(sink *k, const char *p, size_t n)
{
    size_t len = strlen(k->d->strip);
    while (!k->s->unstripped && n > 0) {
        if (k->s->stripped < k->d->strip_max && n >= len && memcmp(p, k->d->strip, len) == 0) {
            k->s->stripped++;
            p += len;
            n -= len;
        } else {
            k->s->unstripped = true;
        }
    }
    if (n == 0 || n > k->cap - k->n)
        return;
    memcpy(k->out + k->n, p, n);
    k->n += n;
    k->s->text = true;
}

/* Writes what is complete of the held bytes. one: of what is no UTF-8 every byte is a U+FFFD, else
 * every maximal part that begins like a character. end: nothing will follow. */
static void release(sink *k, bool one, bool end)
{
    yh_tok_stream *s = k->s;
    while (s->n > 0 && (end || yh_utf8_partial(s->held, s->n) != s->n)) {
        uint32_t cp;
        int len = yh_utf8_decode(s->held, s->n, &cp);
        size_t used = len > 0 ? (size_t)len : one ? 1 : (size_t)-len;
        if (len > 0)
            put(k, (const char *)s->held, used);
        else
            put(k, REPLACEMENT, 3);
        s->n -= used;
        memmove(s->held, s->held + used, s->n);
    }
}

static void push_bytes(sink *k, const char *p, size_t n, bool one)
{
    for (size_t i = 0; i < n; i++) {
        k->s->held[k->s->n++] = (unsigned char)p[i];
        k->s->one = one;
        release(k, one, false);
    }
}

static bool is_byte_level(const yh_decoder *d)
{
    return d->n > 0 && d->step[d->n - 1].kind == YH_DECODE_BYTES;
}

static void push(sink *k, uint32_t id)
{
    const yh_decoder *d = k->d;
    yh_tok_stream *s = k->s;
    size_t n, full;
    yh_decode_role role;
    (void)yh_decoder_text(d, id, false, &full, &role);
    if (role != YH_ROLE_BYTE && !is_byte_level(d))
        release(k, true, true);
    const char *p = yh_decoder_text(d, id, d->spaces ? !s->text : !s->begun, &n, &role);
    if (s->owed)
        put(k, " ", 1);
    s->begun = true;
    s->owed = role == YH_ROLE_OWES;
    if (role == YH_ROLE_BYTE || is_byte_level(d))
        push_bytes(k, p, n, role == YH_ROLE_BYTE);
    else
        put(k, p, n);
    if (d->spaces && !d->spaces_all && n < full) /* its one space is gone */
        s->text = true;
}

size_t yh_tok_stream_push(const yh_tok *t, yh_tok_stream *s, uint32_t id, char *out, size_t cap)
{
    sink k = {.d = &t->decoder, .s = s, .out = out, .cap = cap};
    push(&k, id);
    return k.n;
}

size_t yh_tok_stream_end(yh_tok_stream *s, char *out, size_t cap)
{
    size_t n = 0;
    /* what is held is the begin of one character */
    for (size_t k = s->n == 0 ? 0 : s->one ? s->n : 1; k > 0 && cap - n >= 3; k--, n += 3)
        memcpy(out + n, REPLACEMENT, 3);
    s->n = 0;
    return n;
}

/* How many ids from i on are bytes of a fallback, skipped ones apart; *valid: whether they are
 * UTF-8 together. */
static yh_status byte_run(const yh_tok *t, const uint32_t *id, size_t n, bool skip, size_t i,
                          yh_buf *bytes, size_t *end, bool *valid, yh_err *err)
{
    yh_buf_clear(bytes);
    for (*end = i; *end < n; ++*end) {
        size_t len;
        yh_decode_role role;
        bool special;
        (void)yh_tok_bytes(t, id[*end], NULL, &special);
        const char *p = yh_decoder_text(&t->decoder, id[*end], false, &len, &role);
        if (skip && special)
            continue;
        if (role != YH_ROLE_BYTE)
            break;
        YH_TRY(yh_buf_add(bytes, p, len, err));
    }
    *valid = yh_utf8_valid((const uint8_t *)bytes->data, bytes->len) == bytes->len;
    return YH_OK;
}

static yh_status decode_all(const yh_tok *t, const uint32_t *id, size_t n, bool skip, yh_buf *out,
                            yh_buf *bytes, yh_err *err)
{
    const yh_decoder *d = &t->decoder;
    yh_tok_stream s = {.n = 0};
    sink k = {.d = d, .s = &s};
    size_t run_end = 0, len;
    bool special, valid = true;
    yh_decode_role role;
    for (size_t i = 0; i < n; i++) {
        if (id[i] >= t->model.size)
            return yh_fail(err, YH_INVALID, "id %u at position %zu: the vocabulary ends at %u",
                           id[i], i, t->model.size);
        (void)yh_tok_bytes(t, id[i], NULL, &special);
        if ((skip && special) || t->model.begin[id[i]] == SIZE_MAX)
            continue;
        YH_TRY(yh_buf_reserve(out, d->longest + 32, err));
        k.out = out->data + out->len;
        k.cap = d->longest + 32;
        k.n = 0;
        (void)yh_decoder_text(d, id[i], false, &len, &role);
        if (role == YH_ROLE_BYTE && !d->by_char && i >= run_end)
            YH_TRY(byte_run(t, id, n, skip, i, bytes, &run_end, &valid, err));
        if (role == YH_ROLE_BYTE && !d->by_char && !valid) {
            put(&k, REPLACEMENT, 3);
            s.begun = true;
        } else {
            push(&k, id[i]);
        }
        out->len += k.n;
    }
    YH_TRY(yh_buf_reserve(out, 32, err));
    k.out = out->data + out->len;
    k.cap = 32;
    k.n = 0;
    release(&k, !is_byte_level(d), true);
    out->len += k.n;
    return yh_buf_add(out, "", 0, err);
}

yh_status yh_tok_decode(const yh_tok *t, const uint32_t *id, size_t n, bool skip_special,
                        char **text, size_t *len, yh_err *err)
{
    yh_buf out, bytes;
    *text = NULL;
    yh_buf_init(&out, 0);
    yh_buf_init(&bytes, 0);
    yh_status s = decode_all(t, id, n, skip_special, &out, &bytes, err);
    yh_buf_fini(&bytes);
    if (s != YH_OK) {
        yh_buf_fini(&out);
        return s;
    }
    *text = out.data;
    if (len != NULL)
        *len = out.len;
    return YH_OK;
}

void yh_text_free(char *text)
{
    yh_free(text);
}
