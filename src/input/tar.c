#include "input/tar.h"

#include <stdio.h>

enum { BLOCK = 512, HEAD_MAX = 1 << 20 };

void yh_tar_init(yh_tar *t, yh_stream *s)
{
    memset(t, 0, sizeof *t);
    t->s = s;
}

void yh_tar_fini(yh_tar *t)
{
    yh_buf_fini(&t->name);
}

/* Octal digits, or GNU's base 256 with the first bit set. False: neither. */
static bool number(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (p[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            uint8_t b = i == 0 ? p[0] & 0x7f : p[i];
            if (v >> 55)
                return false;
            v = v << 8 | b;
        }
        *out = v;
        return true;
    }
    size_t i = 0;
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(p[i] - '0');
    *out = v;
    return i == n || p[i] == ' ' || p[i] == '\0';
}

bool yh_tar_is_header(const uint8_t *b)
{
    uint64_t want, sum = 0;
    int64_t odd = 0;
    if (b[0] == '\0' || !number(b + 148, 8, &want))
        return false;
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t c = i >= 148 && i < 156 ? ' ' : b[i];
        sum += c;
        odd += (int8_t)c; /* some old programs added signed bytes */
    }
    return want == sum || (int64_t)want == odd;
}

static yh_status text_of(yh_tar *t, uint64_t n, yh_buf *out, yh_err *err)
{
    const uint8_t *p;
    size_t got;
    uint64_t take = n < HEAD_MAX ? n : HEAD_MAX;
    yh_buf_clear(out);
    YH_TRY(yh_stream_peek(t->s, (size_t)take, &p, &got, err));
    YH_TRY(yh_buf_add(out, p, got < take ? got : (size_t)take, err));
    YH_TRY(yh_stream_pass(t->s, n, err));
    return yh_stream_pass(t->s, (BLOCK - n % BLOCK) % BLOCK, err);
}

/* The records "LEN KEY=VALUE\n" of a pax header. */
static yh_status pax(yh_tar *t, const yh_buf *b, bool *named, uint64_t *size, bool *sized,
                     yh_err *err)
{
    for (size_t at = 0; at < b->len;) {
        size_t len = 0, i = at;
        for (; i < b->len && b->data[i] >= '0' && b->data[i] <= '9' && len < HEAD_MAX; i++)
            len = len * 10 + (size_t)(b->data[i] - '0');
        if (i >= b->len || b->data[i] != ' ' || len <= i - at + 1 || len > b->len - at)
            return YH_OK;
        const char *key = b->data + i + 1, *end = b->data + at + len - 1;
        const char *eq = memchr(key, '=', (size_t)(end - key));
        if (eq != NULL && eq - key == 4 && memcmp(key, "path", 4) == 0) {
            yh_buf_clear(&t->name);
            YH_TRY(yh_buf_add(&t->name, eq + 1, (size_t)(end - eq - 1), err));
            *named = true;
        } else if (eq != NULL && eq - key == 4 && memcmp(key, "size", 4) == 0) {
            uint64_t v = 0;
            for (const char *d = eq + 1; d < end && *d >= '0' && *d <= '9' && v >> 58 == 0; d++)
                v = v * 10 + (uint64_t)(*d - '0');
            *size = v;
            *sized = true;
        }
        at += len;
    }
    return YH_OK;
}

static yh_status plain_name(yh_tar *t, const uint8_t *b, yh_err *err)
{
    yh_buf_clear(&t->name);
    if (memcmp(b + 257, "ustar", 5) == 0 && b[345] != '\0' && b[262] != ' ') {
        YH_TRY(yh_buf_add(&t->name, b + 345, strnlen((const char *)b + 345, 155), err));
        YH_TRY(yh_buf_addc(&t->name, '/', err));
    }
    return yh_buf_add(&t->name, b, strnlen((const char *)b, 100), err);
}

/* Looks for the next block that is a header. */
static yh_status find_header(yh_tar *t, bool *more, yh_err *err)
{
    for (int zeros = 0;;) {
        const uint8_t *p;
        size_t n;
        YH_TRY(yh_stream_peek(t->s, BLOCK, &p, &n, err));
        *more = n >= BLOCK;
        if (n < BLOCK) {
            for (size_t i = 0; i < n; i++)
                if (p[i] != 0)
                    t->problem = "the archive ends within an entry's header";
            return YH_OK;
        }
        if (yh_tar_is_header(p))
            return YH_OK;
        bool zero = p[0] == 0 && memcmp(p, p + 1, BLOCK - 1) == 0;
        if (!zero)
            t->problem = "a header of the archive is damaged; looking for the next one";
        zeros = zero ? zeros + 1 : 0;
        if (zeros == 2 && t->problem == NULL) { /* the regular end */
            *more = false;
            return YH_OK;
        }
        yh_stream_skip(t->s, BLOCK);
    }
}

yh_status yh_tar_next(yh_tar *t, bool *more, yh_err *err)
{
    yh_buf head;
    bool named = false, sized = false;
    uint64_t size = 0;
    yh_status s = YH_OK;
    t->problem = NULL;
    yh_buf_init(&head, 0);
    for (;;) {
        const uint8_t *p;
        size_t n;
        YH_GOTO(s, find_header(t, more, err), out);
        if (!*more)
            break;
        YH_GOTO(s, yh_stream_peek(t->s, BLOCK, &p, &n, err), out);
        char type = (char)p[156];
        if (!number(p + 124, 12, &t->size)) {
            t->problem = "the size of an entry cannot be read; looking for the next header";
            t->size = 0;
            type = '?';
        }
        if (!named)
            YH_GOTO(s, plain_name(t, p, err), out);
        yh_stream_skip(t->s, BLOCK);
        if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
            YH_GOTO(s, text_of(t, t->size, &head, err), out);
            if (type == 'x')
                YH_GOTO(s, pax(t, &head, &named, &size, &sized, err), out);
            if (type == 'L') {
                yh_buf_clear(&t->name);
                YH_GOTO(s, yh_buf_add(&t->name, head.data, strnlen(head.data, head.len), err), out);
                named = true;
            }
            continue;
        }
        if (sized)
            t->size = size;
        t->regular = type == '0' || type == '\0' || type == '7';
        if (type >= '1' && type <= '6')
            t->size = 0;
        t->pad = (BLOCK - t->size % BLOCK) % BLOCK;
        break;
    }
out:
    yh_buf_fini(&head);
    return s;
}

yh_status yh_tar_leave(yh_tar *t, uint64_t left, yh_err *err)
{
    YH_TRY(yh_stream_pass(t->s, left, err));
    return yh_stream_pass(t->s, t->pad, err);
}
