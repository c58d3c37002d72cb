#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "input/utf8_scan.h"

/* Whether the four bytes hold a character of three that is none of the odd ones (E0, ED lead to
 * overlong forms and surrogates). */
static inline bool common_three(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (w & 0xc0c0f0) == 0x8080e0 && p[0] != 0xe0 && p[0] != 0xed;
#else
    return false;
#endif
}

#if defined(__SSE2__)
typedef struct blocks {
    __m128i before; /* the 16 bytes in front of the next ones */
    __m128i bad;    /* not zero: a fault was seen */
} blocks;

/* Looks at 16 bytes: each must continue a character exactly where the three bytes before it say so,
 * and the second byte of a few lead bytes has a smaller range (Unicode, table 3-7). */
static inline void check16(blocks *b, __m128i v)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i p1 = _mm_or_si128(_mm_slli_si128(v, 1), _mm_srli_si128(b->before, 15));
    const __m128i p2 = _mm_or_si128(_mm_slli_si128(v, 2), _mm_srli_si128(b->before, 14));
    const __m128i p3 = _mm_or_si128(_mm_slli_si128(v, 3), _mm_srli_si128(b->before, 13));
    const __m128i continues = _mm_cmpgt_epi8(_mm_set1_epi8((char)0xc0), v); /* 80..BF */
    const __m128i led = _mm_or_si128(_mm_or_si128(_mm_subs_epu8(p1, _mm_set1_epi8((char)0xbf)),
                                                  _mm_subs_epu8(p2, _mm_set1_epi8((char)0xdf))),
                                     _mm_subs_epu8(p3, _mm_set1_epi8((char)0xef)));
    __m128i bad = _mm_cmpeq_epi8(continues, _mm_cmpeq_epi8(led, zero));
    const __m128i below_a0 = _mm_cmpgt_epi8(_mm_set1_epi8((char)0xa0), v);
    const __m128i below_90 = _mm_cmpgt_epi8(_mm_set1_epi8((char)0x90), v);
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0xfe)),
                                           _mm_set1_epi8((char)0xc0)));
    bad = _mm_or_si128(bad, _mm_subs_epu8(v, _mm_set1_epi8((char)0xf4)));
    bad = _mm_or_si128(bad, _mm_and_si128(_mm_cmpeq_epi8(p1, _mm_set1_epi8((char)0xe0)), below_a0));
    bad = _mm_or_si128(bad,
                       _mm_andnot_si128(below_a0, _mm_cmpeq_epi8(p1, _mm_set1_epi8((char)0xed))));
    bad = _mm_or_si128(bad, _mm_and_si128(_mm_cmpeq_epi8(p1, _mm_set1_epi8((char)0xf0)), below_90));
    bad = _mm_or_si128(bad,
                       _mm_andnot_si128(below_90, _mm_cmpeq_epi8(p1, _mm_set1_epi8((char)0xf4))));
    b->bad = _mm_or_si128(b->bad, bad);
    b->before = v;
}

/* Bytes of whole characters at p that are in blocks without a fault. */
static size_t valid_blocks(const uint8_t *p, size_t n)
{
    blocks b = {_mm_setzero_si128(), _mm_setzero_si128()};
    size_t i = 0;
    bool ascii = true; /* the block before */
    for (; n - i >= 64; i += 64) {
        const __m128i *v = (const __m128i *)(const void *)(p + i);
        const __m128i v0 = _mm_loadu_si128(v), v1 = _mm_loadu_si128(v + 1);
        const __m128i v2 = _mm_loadu_si128(v + 2), v3 = _mm_loadu_si128(v + 3);
        bool was = ascii;
        ascii = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(v0, v1), _mm_or_si128(v2, v3))) == 0;
        if (ascii && was) {
            b.before = v3;
            continue;
        }
        check16(&b, v0);
        check16(&b, v1);
        check16(&b, v2);
        check16(&b, v3);
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(b.bad, _mm_setzero_si128())) != 0xffff)
            break;
    }
    size_t begin = i; /* of the last character: it may be incomplete */
    while (begin > 0 && i - begin < 3 && (p[begin - 1] & 0xc0) == 0x80)
        begin--;
    return begin > 0 && p[begin - 1] >= 0xc0 ? begin - 1 : i;
}
#endif

size_t yh_utf8_valid_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0;
#if defined(__SSE2__)
    if (n >= 64)
        i = valid_blocks(p, n);
#endif
    while (i < n) {
        if (n - i >= 16) {
            uint64_t w[2];
            memcpy(w, p + i, 16);
            if (((w[0] | w[1]) & 0x8080808080808080u) == 0) {
                i += 16;
                continue;
            }
        }
        while (n - i >= 4 && common_three(p + i))
            i += 3;
        for (; i < n && p[i] < 0x80 && i % 16 != 0; i++)
            ;
        if (i >= n)
            break;
        uint32_t cp;
        size_t k = yh_utf8_at(p + i, n - i, &cp);
        if (k == 0)
            return i;
        i += k;
    }
    return n;
}

size_t yh_utf8_count(const char *p, size_t n)
{
    size_t i = 0, c = 0; /* c: bytes that continue a character */
#if defined(__SSE2__)
    const __m128i lead = _mm_set1_epi8((char)0xc0), zero = _mm_setzero_si128();
    while (n - i >= 16) {
        size_t end = (n - i) / 16 < 255 ? i + (n - i) / 16 * 16 : i + (size_t)255 * 16;
        __m128i sum = zero;
        for (; i < end; i += 16)
            sum = _mm_sub_epi8(
                sum, _mm_cmpgt_epi8(lead, _mm_loadu_si128((const __m128i *)(const void *)(p + i))));
        const __m128i two = _mm_sad_epu8(sum, zero);
        c += (size_t)_mm_cvtsi128_si32(two) + (size_t)_mm_extract_epi16(two, 4);
    }
#endif
    for (; i < n; i++)
        c += ((uint8_t)p[i] & 0xc0) == 0x80;
    return n - c;
}

size_t yh_utf8_weight(const char *p, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = (uint8_t)p[i];
        if ((b & 0xc0) != 0x80)
            c += b >= 0xe3 && b != 0xef                                ? 3
                 : b == 0xef && i + 1 < n && (uint8_t)p[i + 1] >= 0xbc ? 3
                                                                       : 1;
    }
    return c;
}
