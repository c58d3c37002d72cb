#include <zstd.h>

#include "data/record.h"

/* Copies a step and returns a bit for each byte that needs an escape: below 0x20, '"', '\\'. */
#if defined(__SSE2__)
#include <emmintrin.h>
enum { STEP = 16 };
static inline unsigned copy_step(char *to, const char *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8(0x20)), v); /* not below 0x20 */
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    _mm_storeu_si128((__m128i *)(void *)to, v);
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(quote, slash), _mm_xor_si128(low, _mm_set1_epi8(-1))));
}
#else
enum { STEP = 4 };
static inline unsigned copy_step(char *to, const char *from)
{
    unsigned bits = 0;
    memcpy(to, from, STEP);
    for (int i = 0; i < STEP; i++) {
        uint8_t c = (uint8_t)from[i];
        bits |= (unsigned)(c < 0x20 || c == '"' || c == '\\') << i;
    }
    return bits;
}
#endif

/* Writes the escape of one character, the short one where there is one; returns the bytes. */
static size_t escape(char *e, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letter[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    e[0] = '\\';
    e[1] = c >= 0x20 ? (char)c : letter[c];
    if (e[1] != 0)
        return 2;
    memcpy(e + 1, "u00", 3);
    e[4] = hex[c >> 4];
    e[5] = hex[c & 15];
    return 6;
}

yh_status yh_record_string(yh_buf *out, const char *text, size_t n, yh_err *err)
{
    enum { BLOCK = 4096 }; /* room is made for a block of nothing but escapes */
    YH_TRY(yh_buf_reserve(out, n + n / 32 + 6 * STEP + 16, err));
    out->data[out->len++] = '"';
    for (size_t i = 0; i < n;) {
        size_t end = n - i > BLOCK ? i + BLOCK : n;
        YH_TRY(yh_buf_reserve(out, 6 * (end - i) + STEP + 2, err));
        char *to = out->data + out->len;
        while (end - i >= STEP) {
            unsigned bits = copy_step(to, text + i);
            size_t k = bits != 0 ? (size_t)__builtin_ctz(bits) : (size_t)STEP;
            to += k;
            i += k;
            if (bits != 0)
                to += escape(to, (uint8_t)text[i++]);
        }
        for (; i < end; i++) {
            uint8_t c = (uint8_t)text[i];
            if (c >= 0x20 && c != '"' && c != '\\')
                *to++ = (char)c;
            else
                to += escape(to, c);
        }
        out->len = (size_t)(to - out->data);
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
