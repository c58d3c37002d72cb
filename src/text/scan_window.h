/* Words of ASCII text, found in the classes of 64 bytes at once: one bit a byte and class, so that
 * the end of a run is the position of a bit. Everything else is left to yh_scan_word. Private to
 * bpe_text.c and the tests. */
#ifndef YH_TEXT_SCAN_WINDOW_H
#define YH_TEXT_SCAN_WINDOW_H

#include "text/pretok.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct yh_window {
    size_t base; /* bit 0 is the byte there; SIZE_MAX: nothing is loaded */
    uint64_t letter, upper, digit, space, blank, line, high, quote;
} yh_window;

/* Behind this many bytes a window is moved on; a word that does not end in it moves it, too. */
enum { YH_WINDOW = 64, YH_WINDOW_USED = 44 };

/* Reads 64 bytes. Only what the caller uses is computed. */
static inline void yh_window_load(yh_window *w, const uint8_t *t, size_t at)
{
    *w = (yh_window){.base = at};
#if defined(__SSE2__)
#define YH_BITS(v) ((uint64_t)(uint32_t)_mm_movemask_epi8(v) << (16 * k))
#define YH_IN(v, lo, hi)                                                                           \
    _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((lo)-1)),                                        \
                  _mm_cmplt_epi8(v, _mm_set1_epi8((hi) + 1)))
#define YH_IS(v, c) _mm_cmpeq_epi8(v, _mm_set1_epi8(c))
    for (int k = 0; k < 4; k++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(t + at + 16 * k));
        __m128i blank = YH_IS(v, ' ');
        w->letter |= YH_BITS(YH_IN(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z'));
        w->upper |= YH_BITS(YH_IN(v, 'A', 'Z'));
        w->digit |= YH_BITS(YH_IN(v, '0', '9'));
        w->blank |= YH_BITS(blank);
        w->space |= YH_BITS(_mm_or_si128(blank, YH_IN(v, 9, 13)));
        w->line |= YH_BITS(_mm_or_si128(YH_IS(v, '\n'), YH_IS(v, '\r')));
        w->quote |= YH_BITS(YH_IS(v, '\''));
        w->high |= YH_BITS(v);
    }
#undef YH_BITS
#undef YH_IN
#undef YH_IS
#else
    for (int k = 0; k < YH_WINDOW; k++) {
        uint8_t c = t[at + (size_t)k];
        uint64_t bit = (uint64_t)1 << k;
        uint8_t fold = c | 0x20;
        w->letter |= fold >= 'a' && fold <= 'z' ? bit : 0;
        w->upper |= c >= 'A' && c <= 'Z' ? bit : 0;
        w->digit |= c >= '0' && c <= '9' ? bit : 0;
        w->blank |= c == ' ' ? bit : 0;
        w->space |= c == ' ' || (c >= 9 && c <= 13) ? bit : 0;
        w->line |= c == '\n' || c == '\r' ? bit : 0;
        w->quote |= c == '\'' ? bit : 0;
        w->high |= c >= 0x80 ? bit : 0;
    }
#endif
}

enum { YH_WINDOW_MORE = 0, YH_WINDOW_NOT = -1 };

/* Length of the run of ones in mask from bit b on; up to 64 - b. */
static inline unsigned yh_window_run(uint64_t mask, unsigned b)
{
    uint64_t rest = ~(mask >> b); /* 0: all 64 */
    return rest != 0 ? (unsigned)__builtin_ctzll(rest) : YH_WINDOW;
}

/* Length of the word at bit b < YH_WINDOW_USED; MORE: it does not surely end in this window; NOT:
 * not for windows, as it begins or ends at a character that is not ASCII or is a quote. */
static inline int yh_window_word(yh_scan kind, const yh_window *w, const uint8_t *t, size_t n,
                                 unsigned b)
{
    uint64_t letter = w->letter, digit = w->digit;
    uint64_t other = ~(letter | digit | w->space | w->high);
    uint64_t prefix = kind == YH_SCAN_GPT2 ? w->blank : ~(letter | digit | w->line | w->high);
    uint64_t bit = (uint64_t)1 << b;
    bool slash = kind == YH_SCAN_O200K || kind == YH_SCAN_TEKKEN;
    unsigned len, skip;
    if (kind == YH_SCAN_DEEPSEEK)
        return YH_WINDOW_NOT;
    if ((letter | (letter >> 1 & prefix & ~w->quote)) & bit) {
        skip = (letter & bit) == 0;
        if (kind == YH_SCAN_O200K || kind == YH_SCAN_TEKKEN) {
            len = skip + yh_window_run(w->upper, b + skip);
            len += b + len < YH_WINDOW ? yh_window_run(letter & ~w->upper, b + len) : 0;
            if (kind == YH_SCAN_O200K && b + len < YH_WINDOW && (w->quote >> (b + len) & 1))
                return YH_WINDOW_NOT; /* perhaps 's */
        } else {
            len = skip + yh_window_run(letter, b + skip);
        }
    } else if ((w->high | w->quote) & bit) {
        return YH_WINDOW_NOT;
    } else if ((digit | (kind == YH_SCAN_GPT2 ? digit >> 1 & w->blank : 0)) & bit) {
        if (kind == YH_SCAN_QWEN2 || kind == YH_SCAN_TEKKEN)
            return 1;
        skip = (digit & bit) == 0;
        len = skip + yh_window_run(digit, b + skip);
        if (kind != YH_SCAN_GPT2 && len >= 3)
            return 3;
    } else if ((other | (other >> 1 & w->blank)) & bit) {
        skip = (other & bit) == 0;
        len = skip + yh_window_run(other, b + skip);
        if (b + len < YH_WINDOW && kind != YH_SCAN_GPT2) {
            size_t e = w->base + b + len;
            while (e < n && (t[e] == '\r' || t[e] == '\n' || (slash && t[e] == '/')))
                e++;
            if (e > w->base + b + len)
                return (int)(e - w->base) - (int)b;
        }
    } else {
        len = yh_window_run(w->space, b);
        if (b + len >= YH_WINDOW)
            return YH_WINDOW_MORE;
        if (w->high >> (b + len) & 1)
            return YH_WINDOW_NOT;
        uint64_t line = w->line >> b & (((uint64_t)1 << len) - 1);
        if (kind != YH_SCAN_GPT2 && line != 0)
            return 64 - __builtin_clzll(line);
        return len > 1 ? (int)len - 1 : 1; /* leave one space to the word behind */
    }
    if (b + len >= YH_WINDOW)
        return YH_WINDOW_MORE;
    return w->high >> (b + len) & 1 ? YH_WINDOW_NOT : (int)len;
}

#endif
