#include <utf8proc.h>

#include "input/normalize.h"
#include "input/utf8_scan.h"

/* Whether a character may be changed by NFC, alone or with its neighbours. Conservative: false only
 * for ranges whose every character is stable (UAX #15, NFC_Quick_Check = Yes and combining class 0,
 * and not the second half of a composition). */
static bool unstable(uint32_t c)
{
    if (c < 0x300 || (c >= 0x3400 && c < 0xa000) || (c >= 0xac00 && c < 0xd7a4))
        return false;
    if (c >= 0x400 && c < 0x483)
        return false;
    if (c >= 0x2002 && c < 0x20d0)
        return false;
    if (c >= 0x2190 && c < 0x2adc)
        return c == 0x2329 || c == 0x232a;
    if (c >= 0x3000 && c < 0x3400)
        return (c >= 0x302a && c <= 0x302f) || c == 0x3099 || c == 0x309a;
    if (c >= 0xff00 && c < 0xfff0)
        return false;
    if (c >= 0x1f000 && c < 0x20000)
        return false;
    return !(c >= 0x20000 && c < 0x2f800);
}

static bool dropped(uint32_t c)
{
    if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0))
        return true;
    if (c < 0xad)
        return false;
    return c == 0xad || c == 0x180e || c == 0x200b || c == 0x200e || c == 0x200f ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* Bytes from p on that need no look: printable ASCII. */
static size_t plain_run(const uint8_t *p, size_t n)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        /* any byte with the top bit, below 0x20, or 0x7f */
        uint64_t low = (w - 0x2020202020202020u) & ~w;
        uint64_t del = ((w ^ 0x7f7f7f7f7f7f7f7fu) - 0x0101010101010101u);
        if (((w | low | del) & 0x8080808080808080u) != 0)
            break;
    }
    while (i < n && p[i] >= 0x20 && p[i] < 0x7f)
        i++;
    return i;
}

static yh_status compose_line(yh_buf *out, size_t from, yh_err *err)
{
    size_t n = out->len - from;
    const uint8_t *p = (const uint8_t *)out->data + from;
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_ssize_t need = utf8proc_decompose(p, (utf8proc_ssize_t)n, NULL, 0, options);
    if (need < 0)
        return YH_OK; /* not well-formed: left as it is */
    size_t bytes;
    if (!yh_mul_size((size_t)need + 1, sizeof(utf8proc_int32_t), &bytes))
        return yh_fail(err, YH_NOMEM, "a line of %zu bytes is too long", n);
    utf8proc_int32_t *cp = yh_malloc(bytes);
    if (cp == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to normalise a line of %zu bytes", n);
    utf8proc_ssize_t got = utf8proc_decompose(p, (utf8proc_ssize_t)n, cp, need, options);
    if (got >= 0)
        got = utf8proc_reencode(cp, got, options);
    yh_status s = YH_OK;
    if (got >= 0) {
        out->len = from;
        s = yh_buf_add(out, cp, (size_t)got, err);
    }
    yh_free(cp);
    return s;
}

static void trim_line(yh_buf *out, size_t from)
{
    for (;;) {
        size_t n = out->len - from;
        const char *e = out->data + out->len;
        if (n >= 1 && (e[-1] == ' ' || e[-1] == '\t'))
            out->len--;
        else if (n >= 3 && memcmp(e - 3, "\xe3\x80\x80", 3) == 0)
            out->len -= 3;
        else
            break;
    }
}

typedef struct normalizer {
    yh_buf *out;
    size_t start, line; /* where the text and the current line begin in out */
    int blanks;         /* blank lines before it */
    bool compose;
} normalizer;

static yh_status end_line(normalizer *z, yh_err *err)
{
    if (z->compose)
        YH_TRY(compose_line(z->out, z->line, err));
    trim_line(z->out, z->line);
    z->compose = false;
    if (z->out->len == z->line) {
        if (z->line == z->start || ++z->blanks > 2)
            return YH_OK; /* at the beginning, or one too many */
    } else {
        z->blanks = 0;
    }
    YH_TRY(yh_buf_addc(z->out, '\n', err));
    z->line = z->out->len;
    return YH_OK;
}

/* One character that is not printable ASCII; *used bytes were taken. */
static yh_status special(normalizer *z, const uint8_t *p, size_t n, size_t *used, yh_err *err)
{
    uint32_t c;
    size_t k = yh_utf8_at(p, n, &c);
    if (k == 0) { /* the caller promised otherwise; stay safe */
        *used = 1;
        return yh_buf_add(z->out, "\xef\xbf\xbd", 3, err);
    }
    *used = k;
    if (c == '\n' || c == '\f' || c == 0x85 || c == 0x2028 || c == 0x2029)
        return end_line(z, err);
    if (c == '\r') {
        *used = n > 1 && p[1] == '\n' ? 2 : 1;
        return end_line(z, err);
    }
    if (c == '\t')
        return yh_buf_addc(z->out, '\t', err);
    if (dropped(c))
        return YH_OK;
    if (c == 0xa0 || c == 0x202f || c == 0x2007)
        return yh_buf_addc(z->out, ' ', err);
    if (c == 0x200c || c == 0x200d) { /* joiners: only behind a letter that they can shape */
        bool shapes = z->out->len > z->line && (uint8_t)z->out->data[z->out->len - 1] >= 0x80;
        return shapes ? yh_buf_add(z->out, p, k, err) : YH_OK;
    }
    z->compose = z->compose || unstable(c);
    return yh_buf_add(z->out, p, k, err);
}

yh_status yh_normalize(const char *text, size_t n, yh_buf *out, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    normalizer z = {out, out->len, out->len, 0, false};
    YH_TRY(yh_buf_reserve(out, n + 2, err));
    for (size_t i = 0; i < n;) {
        size_t k = plain_run(p + i, n - i);
        if (k > 0)
            YH_TRY(yh_buf_add(out, p + i, k, err));
        i += k;
        if (i < n) {
            YH_TRY(special(&z, p + i, n - i, &k, err));
            i += k;
        }
    }
    YH_TRY(end_line(&z, err));
    while (out->len > z.start && out->data[out->len - 1] == '\n')
        out->len--;
    out->data[out->len] = '\0';
    return YH_OK;
}
