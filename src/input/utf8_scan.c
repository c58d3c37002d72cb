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

size_t yh_utf8_valid_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
#if defined(__SSE2__)
        while (n - i >= 64) {
            const __m128i *v = (const __m128i *)(const void *)(p + i);
            __m128i any =
                _mm_or_si128(_mm_or_si128(_mm_loadu_si128(v), _mm_loadu_si128(v + 1)),
                             _mm_or_si128(_mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3)));
            if (_mm_movemask_epi8(any) != 0)
                break;
            i += 64;
        }
#endif
        if (n - i >= 32) {
            uint64_t w[4];
            memcpy(w, p + i, 32);
            if (((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080u) == 0) {
                i += 32;
                continue;
            }
            if (((w[0] | w[1]) & 0x8080808080808080u) == 0)
                i += 16;
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
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += ((uint8_t)p[i] & 0xc0) != 0x80;
    return c;
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
