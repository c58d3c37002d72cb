#include <stdio.h>
#include <zstd.h>

#include "data/record.h"

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* Whether one of eight bytes needs an escape: below 0x20, '"' or '\\'. */
static inline bool special(uint64_t v)
{
    uint64_t quote = v ^ (ONES * '"'), slash = v ^ (ONES * '\\');
    uint64_t low = (v - ONES * 0x20) & ~v;
    return ((low | ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash)) & HIGHS) != 0;
}

/* How many bytes from the front need no escape. */
static size_t plain(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        uint64_t v[4];
        memcpy(v, p + i, sizeof v);
        if (special(v[0]) || special(v[1]) || special(v[2]) || special(v[3]))
            break;
    }
    while (i < n && (uint8_t)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

yh_status yh_record_string(yh_buf *out, const char *text, size_t n, yh_err *err)
{
    YH_TRY(yh_buf_reserve(out, n + n / 32 + 16, err));
    out->data[out->len++] = '"';
    for (size_t i = 0; i < n;) {
        size_t k = plain(text + i, n - i);
        YH_TRY(yh_buf_reserve(out, k + 8, err));
        memcpy(out->data + out->len, text + i, k);
        out->len += k;
        i += k;
        if (i == n)
            break;
        uint8_t c = (uint8_t)text[i++];
        char *e = out->data + out->len;
        e[0] = '\\';
        e[1] = c == '\n' ? 'n' : c == '\t' ? 't' : (char)c;
        out->len += 2;
        if (c < 0x20 && c != '\n' && c != '\t') {
            static const char hex[] = "0123456789abcdef";
            memcpy(e + 1, "u00", 3);
            e[4] = hex[c >> 4];
            e[5] = hex[c & 15];
            out->len += 4;
        }
    }
    return yh_buf_addc(out, '"', err);
}

yh_status yh_record_compress(yh_buf *out, const void *p, size_t n, int level, yh_err *err)
{
    size_t bound = ZSTD_compressBound(n);
    YH_TRY(yh_buf_reserve(out, bound, err));
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to compress");
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t k = ZSTD_compress2(c, out->data + out->len, bound, p, n);
    ZSTD_freeCCtx(c);
    if (ZSTD_isError(k))
        return yh_fail(err, YH_NOMEM, "cannot compress %zu bytes: %s", n, ZSTD_getErrorName(k));
    out->len += k;
    return YH_OK;
}
