#include <string.h>

#include "base/cpu.h"
#include "input/utf8_scan.h"
#if defined(__SSE2__)
#include <immintrin.h>
#endif

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
/* Where the last character of p[0, i) begins if it may be incomplete, else i. */
static size_t whole(const uint8_t *p, size_t i)
{
    size_t begin = i;
    while (begin > 0 && i - begin < 3 && (p[begin - 1] & 0xc0) == 0x80)
        begin--;
    return begin > 0 && p[begin - 1] >= 0xc0 ? begin - 1 : i;
}

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
    return whole(p, i);
}
#endif

#ifdef YH_X86
#define AVX2 __attribute__((target("avx2")))

/* What is wrong with two neighbours follows from three of their four halves: each half has the
 * faults that it may be part of, and a fault is there when all three have it (Keiser and Lemire,
 * "Validating UTF-8 in less than one instruction per byte", 2020). */
enum {
    SHORT = 1,   /* a lead byte, then none that continues */
    LONG = 2,    /* ASCII, then one that continues */
    OVER2 = 4,   /* C0, C1 */
    OVER3 = 8,   /* E0 80..9F */
    OVER4 = 16,  /* F0 80..8F; and F5..FF with the same */
    HALF = 32,   /* ED A0..BF: surrogates */
    LARGE = 64,  /* F4 90..BF; F5..FF with the same */
    AGAIN = 128, /* two that continue: right in the third and fourth place, and only there */
    LEAD_E = SHORT | OVER3 | HALF,
    LEAD_F = SHORT | OVER4 | LARGE,
    ANY = SHORT | LONG | AGAIN,
    BEYOND = ANY | LARGE | OVER4,
    NEXT = LONG | OVER2 | AGAIN
};
static const uint8_t first_high[16] = {LONG,          LONG,  LONG,   LONG,  LONG,  LONG,
                                       LONG,          LONG,  AGAIN,  AGAIN, AGAIN, AGAIN,
                                       SHORT | OVER2, SHORT, LEAD_E, LEAD_F};
static const uint8_t first_low[16] = {ANY | OVER2 | OVER3 | OVER4,
                                      ANY | OVER2,
                                      ANY,
                                      ANY,
                                      ANY | LARGE,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND,
                                      BEYOND | HALF,
                                      BEYOND,
                                      BEYOND};
static const uint8_t second_high[16] = {SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        NEXT | OVER3 | OVER4,
                                        NEXT | OVER3 | LARGE,
                                        NEXT | HALF | LARGE,
                                        NEXT | HALF | LARGE,
                                        SHORT,
                                        SHORT,
                                        SHORT,
                                        SHORT};

AVX2 static inline __m256i table_of(const uint8_t t[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)t));
}

/* Not zero where the 32 bytes v, or their first with the ones before, are no UTF-8. */
AVX2 static inline __m256i faults(__m256i before, __m256i v)
{
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i across = _mm256_permute2x128_si256(before, v, 0x21);
    const __m256i p1 = _mm256_alignr_epi8(v, across, 15), p2 = _mm256_alignr_epi8(v, across, 14);
    const __m256i p3 = _mm256_alignr_epi8(v, across, 13);
    const __m256i h1 = _mm256_and_si256(_mm256_srli_epi16(p1, 4), low);
    const __m256i h2 = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    const __m256i pair = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(table_of(first_high), h1),
                         _mm256_shuffle_epi8(table_of(first_low), _mm256_and_si256(p1, low))),
        _mm256_shuffle_epi8(table_of(second_high), h2));
    const __m256i later = _mm256_or_si256(_mm256_subs_epu8(p2, _mm256_set1_epi8(0x60)),
                                          _mm256_subs_epu8(p3, _mm256_set1_epi8(0x70)));
    return _mm256_xor_si256(pair, _mm256_and_si256(later, _mm256_set1_epi8((char)0x80)));
}

AVX2 static size_t valid_blocks_avx2(const uint8_t *p, size_t n)
{
    size_t i = 0;
    bool ascii = true; /* the block before */
    __m256i before = _mm256_setzero_si256();
    for (; n - i >= 64; i += 64) {
        const __m256i v0 = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        const __m256i v1 = _mm256_loadu_si256((const __m256i *)(const void *)(p + i + 32));
        bool was = ascii;
        ascii = _mm256_movemask_epi8(_mm256_or_si256(v0, v1)) == 0;
        if (!ascii || !was) {
            const __m256i bad = _mm256_or_si256(faults(before, v0), faults(v0, v1));
            if (!_mm256_testz_si256(bad, bad))
                break;
        }
        before = v1;
    }
    return whole(p, i);
}

/* Bytes among the first n / 32 * 32 that continue a character. */
AVX2 static size_t continuing_avx2(const char *p, size_t n)
{
    const __m256i lead = _mm256_set1_epi8((char)0xc0), zero = _mm256_setzero_si256();
    size_t c = 0;
    for (size_t i = 0; n - i >= 32;) {
        size_t end = (n - i) / 32 < 255 ? i + (n - i) / 32 * 32 : i + (size_t)255 * 32;
        __m256i sum = zero;
        for (; i < end; i += 32)
            sum = _mm256_sub_epi8(
                sum, _mm256_cmpgt_epi8(lead,
                                       _mm256_loadu_si256((const __m256i *)(const void *)(p + i))));
        const __m256i four = _mm256_sad_epu8(sum, zero);
        const __m128i two =
            _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
        c += (size_t)_mm_cvtsi128_si64(two) + (size_t)_mm_extract_epi16(two, 4);
    }
    return c;
}
#endif

size_t yh_utf8_valid_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0;
#ifdef YH_X86
    if (n >= 64 && yh_isa_current() >= YH_ISA_AVX2)
        i = valid_blocks_avx2(p, n);
    else
#endif
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
#ifdef YH_X86
    if (n >= 32 && yh_isa_current() >= YH_ISA_AVX2) {
        c = continuing_avx2(p, n);
        i = n / 32 * 32;
    }
#endif
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
