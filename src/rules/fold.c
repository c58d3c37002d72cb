#include "rules/fold.h"

#include <utf8proc.h>

#include "input/utf8_scan.h"
#include "text/unicode.h"

enum { NOTHING = 0, WORD = 1, SPACELESS = 2 };

static bool is_spaceless(uint32_t c)
{
    return (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xf900 && c < 0xfb00) || c >= 0x20000 ||
           (c >= 0x0e00 && c < 0x1000) || (c >= 0x1000 && c < 0x10a0) ||
           (c >= 0x1780 && c < 0x1800) || (c >= 0xff66 && c < 0xffa0);
}

/* What the character at p (beyond ASCII) is; *cp in lower case. Bytes that are no UTF-8 are words,
 * so that no text vanishes. */
static int classify(const uint8_t *p, size_t n, uint32_t *cp, size_t *len)
{
    *len = yh_utf8_at(p, n, cp);
    if (*len == 0) {
        *len = 1;
        *cp = 0xfffd;
        return WORD;
    }
    if ((yh_uc_class(*cp) & YH_UC_WORD) == 0)
        return NOTHING;
    if (is_spaceless(*cp))
        return SPACELESS;
    if (*cp < 0xac00 || *cp >= 0xd7b0) /* no case in Hangul */
        *cp = (uint32_t)utf8proc_tolower((utf8proc_int32_t)*cp);
    return WORD;
}

/* ASCII: 0, or the character in lower case. */
static inline uint8_t ascii(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c + 32);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
}

yh_status yh_fold_text(const char *text, size_t n, yh_buf *out, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    int last = NOTHING;
    bool gap = false;
    yh_uc_init();
    YH_TRY(yh_buf_reserve(out, n + 1, err));
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp = ascii(p[i]);
        char utf8[4];
        int kind = cp != 0 ? WORD : NOTHING;
        len = 1;
        if (p[i] >= 0x80)
            kind = classify(p + i, n - i, &cp, &len);
        if (kind == NOTHING) {
            gap = true;
            continue;
        }
        if (gap && last == WORD && kind == WORD)
            YH_TRY(yh_buf_addc(out, ' ', err));
        YH_TRY(yh_buf_add(out, utf8, yh_utf8_put(cp, utf8), err));
        last = kind;
        gap = false;
    }
    return YH_OK;
}

static const uint64_t start = 0xcbf29ce484222325u, prime = 0x100000001b3u; /* FNV-1a's */

static yh_status room(yh_fold_tokens *o, yh_err *err)
{
    uint64_t *t = yh_grow(o->t, &o->cap, o->n + 2, sizeof *t);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the words of a document");
    o->t = t;
    return YH_OK;
}

yh_status yh_fold_hash(const char *text, size_t n, yh_fold_tokens *o, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    uint64_t word = start;
    o->n = o->spaceless = 0;
    yh_uc_init();
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp = ascii(p[i]);
        int kind = cp != 0 ? WORD : NOTHING;
        len = 1;
        if (p[i] >= 0x80)
            kind = classify(p + i, n - i, &cp, &len);
        if (kind == WORD) {
            word = (word ^ cp) * prime;
            continue;
        }
        if (o->n + 2 > o->cap)
            YH_TRY(room(o, err));
        if (word != start) {
            o->t[o->n++] = yh_fold_mix(word);
            word = start;
        }
        if (kind == SPACELESS) {
            o->t[o->n++] = yh_fold_mix((start ^ cp) * prime);
            o->spaceless++;
        }
    }
    YH_TRY(room(o, err));
    if (word != start)
        o->t[o->n++] = yh_fold_mix(word);
    return YH_OK;
}

void yh_fold_place(const char *text, size_t n, size_t first, size_t count, size_t *at, size_t *end)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t token = SIZE_MAX; /* number of the present one */
    bool in_word = false;
    *at = *end = n;
    yh_uc_init();
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp = ascii(p[i]);
        int kind = cp != 0 ? WORD : NOTHING;
        len = 1;
        if (p[i] >= 0x80)
            kind = classify(p + i, n - i, &cp, &len);
        if (kind == SPACELESS || (kind == WORD && !in_word))
            token++;
        in_word = kind == WORD;
        if (kind == NOTHING)
            continue;
        if (token >= first + count)
            return;
        if (token == first && *at == n)
            *at = i;
        *end = i + len;
    }
}

void yh_fold_tokens_fini(yh_fold_tokens *t)
{
    yh_free(t->t);
    *t = (yh_fold_tokens){0};
}
