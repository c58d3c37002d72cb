/* One form for every text. The core (NFC, controls, line ends) is input/normalize.h; this adds what
 * is a matter of taste: compatibility forms, full-width letters, quotes, rows of blanks. Chinese
 * punctuation is never touched: "，" and "," are different characters in Chinese text. */
#include <utf8proc.h>

#include "input/normalize.h"
#include "input/utf8_scan.h"
#include "rules/rule.h"

typedef struct form {
    bool compat, width, quotes, spaces;
} form;

static const yh_param params[] = {
    {"form", YH_PARAM_TEXT, "\"nfc\"",
     "nfc, or nfkc: also ligatures, circled and raised characters (not Chinese punctuation)", 0, 0},
    {"width", YH_PARAM_BOOL, "true", "full-width letters, digits and blanks become ordinary ones",
     0, 0},
    {"quotes", YH_PARAM_BOOL, "false", "typographic quotes between letters become ' and \"", 0, 0},
    {"spaces", YH_PARAM_BOOL, "false", "rows of blanks inside lines become one", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    const char *name = yh_param_text(p, "form");
    if (strcmp(name, "nfc") != 0 && strcmp(name, "nfkc") != 0)
        return yh_fail(err, YH_CORRUPT, "normalize: \"form\" is nfc or nfkc, not \"%s\"", name);
    form *f = yh_calloc(1, sizeof *f);
    if (f == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    f->compat = strcmp(name, "nfkc") == 0;
    f->width = yh_param_bool(p, "width");
    f->quotes = yh_param_bool(p, "quotes");
    f->spaces = yh_param_bool(p, "spaces");
    *state = f;
    return YH_OK;
}

/* What compatibility would change although it is what Chinese is written with. */
static bool chinese_mark(uint32_t c)
{
    return (c >= 0x3000 && c < 0x3040) || (c >= 0xff00 && c < 0xfff0) || c == 0x2026 ||
           c == 0x2025 || c == 0x2014 || c == 0x2013 || (c >= 0xfe10 && c < 0xfe70);
}

static bool wide_letter(uint32_t c)
{
    return (c >= 0xff10 && c <= 0xff19) || (c >= 0xff21 && c <= 0xff3a) ||
           (c >= 0xff41 && c <= 0xff5a);
}

/* Writes what a character becomes; 0: itself. */
static size_t map(const form *f, uint32_t c, bool line_start, char out[128])
{
    if (f->width && wide_letter(c))
        return yh_utf8_put(c - 0xfee0, out);
    if (f->width && c == 0x3000 && !line_start) /* at the beginning of lines it is the indent */
        return yh_utf8_put(' ', out);
    if (f->quotes && (c == 0x2018 || c == 0x2019 || c == 0x201b))
        return yh_utf8_put('\'', out);
    if (f->quotes && (c == 0x201c || c == 0x201d || c == 0x201e || c == 0x201f))
        return yh_utf8_put('"', out);
    if (!f->compat || chinese_mark(c))
        return 0;
    utf8proc_int32_t part[24];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, part, 24,
                                                 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    if (n <= 0 || n > 24 || (n == 1 && part[0] == (utf8proc_int32_t)c))
        return 0;
    size_t len = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        len += yh_utf8_put((uint32_t)part[i], out + len);
    return len;
}

static bool han_at(const char *p, size_t n)
{
    uint32_t c = 0;
    return n > 0 && yh_utf8_at((const uint8_t *)p, n, &c) > 0 && c >= 0x2e80;
}

/* Quotes of Chinese text are Chinese punctuation: those beside a Chinese character stay. */
static bool chinese_quote(const char *t, size_t n, size_t i, size_t k)
{
    size_t b = i;
    while (b > 0 && ((uint8_t)t[--b] & 0xc0) == 0x80)
        ;
    return (i > 0 && han_at(t + b, n - b)) || han_at(t + i + k, n - i - k);
}

static yh_status rewrite(const form *f, const char *t, size_t n, yh_buf *out, uint64_t *count,
                         yh_err *err)
{
    size_t from = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        char to[128];
        uint8_t b = (uint8_t)t[i];
        if (b < 0x80 && !(f->spaces && b == ' ')) {
            i++;
            continue;
        }
        size_t k = yh_utf8_at((const uint8_t *)t + i, n - i, &c), len = 0, used = k;
        bool start =
            i == 0 || t[i - 1] == '\n' || (i >= 3 && memcmp(t + i - 3, "\xe3\x80\x80", 3) == 0);
        if (c == ' ') {
            while (i + used < n && t[i + used] == ' ')
                used++;
            len = used > 1 && !start;
            to[0] = ' ';
        } else if (!(c >= 0x2018 && c <= 0x201f && chinese_quote(t, n, i, k))) {
            len = map(f, c, start, to);
        }
        if (len > 0) {
            YH_TRY(yh_buf_add(out, t + from, i - from, err));
            YH_TRY(yh_buf_add(out, to, len, err));
            from = i + used;
            ++*count;
        }
        i += used > 0 ? used : 1;
    }
    return yh_buf_add(out, t + from, n - from, err);
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    yh_buf mapped, out;
    uint64_t count = 0;
    yh_buf_init(&mapped, 0);
    yh_buf_init(&out, 0);
    yh_status s = rewrite(state, d->text, d->len, &mapped, &count, err);
    if (s == YH_OK)
        s = yh_normalize(mapped.data != NULL ? mapped.data : "", mapped.len, &out, err);
    size_t len = d->len;
    while (len > 0 && (d->text[len - 1] == '\n' || d->text[len - 1] == ' '))
        len--;
    bool same = s == YH_OK && out.len == len && memcmp(out.data, d->text, len) == 0;
    if (s == YH_OK && !same && count == 0)
        count = 1; /* the core says only that something changed */
    if (s == YH_OK)
        s = yh_draft_change(d, step, &out, same ? 0 : count, NULL, err);
    yh_buf_fini(&mapped);
    yh_buf_fini(&out);
    return s;
}

const yh_rule yh_rule_normalize = {
    .name = "normalize",
    .doc = "one form for every text: NFC or NFKC, no control or zero-width characters, ordinary "
           "letters for full-width ones, line ends",
    .source = "Unicode Standard Annex 15",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
