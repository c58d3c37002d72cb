/* The hand-written scanners. */
#include "text/pretok.h"
#include "text/unicode.h"
#include "text/utf8.h"

yh_scan yh_pattern_known(const char *pattern)
{
    if (strcmp(pattern, YH_PATTERN_QWEN2) == 0)
        return YH_SCAN_QWEN2;
    if (strcmp(pattern, YH_PATTERN_LLAMA3) == 0)
        return YH_SCAN_LLAMA3;
    if (strcmp(pattern, YH_PATTERN_GPT2) == 0)
        return YH_SCAN_GPT2;
    return YH_SCAN_REGEX;
}

static inline uint8_t class_at(const uint8_t *t, size_t i, int *len)
{
    if (t[i] < 0x80) {
        *len = 1;
        return yh_uc_block[yh_uc_index[0]][t[i]];
    }
    return yh_uc_class(yh_utf8_next(t + i, len));
}

/* End of the run of characters from i that have (want) or lack (!want) any class of mask. */
static inline size_t run(const uint8_t *t, size_t n, size_t i, uint8_t mask, bool want)
{
    while (i < n) {
        int len;
        if (((class_at(t, i, &len) & mask) != 0) != want)
            break;
        i += (size_t)len;
    }
    return i;
}

/* End of the run of letters from i: most are ASCII or Chinese (U+5000 to U+8FFF are all letters). */
static inline size_t letters(const uint8_t *t, size_t n, size_t i)
{
    while (i < n) {
        int len = 3;
        if ((uint8_t)(t[i] - 0xE5) > 3 && (class_at(t, i, &len) & YH_UC_L) == 0)
            break;
        i += (size_t)len;
    }
    return i;
}

static inline size_t newlines(const uint8_t *t, size_t n, size_t i)
{
    while (i < n && (t[i] == '\r' || t[i] == '\n'))
        i++;
    return i;
}

/* 's 't 're 've 'm 'll 'd behind the apostrophe at i; 0: none. Without case also U+017F, which
 * folds to s. */
static inline size_t contraction(const uint8_t *t, size_t n, size_t i, bool fold)
{
    if (i + 1 >= n)
        return 0;
    uint8_t fold_bit = fold ? 0x20 : 0, a = t[i + 1] | fold_bit;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return i + 2;
    if (fold && t[i + 1] == 0xC5 && i + 2 < n && t[i + 2] == 0xBF)
        return i + 3;
    if (i + 2 >= n)
        return 0;
    uint8_t b = t[i + 2] | fold_bit;
    if (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l'))
        return i + 3;
    return 0;
}

/* \s*[\r\n]+ (when lines), \s+(?!\S) or \s+ at the white space at i. */
static inline size_t spaces(const uint8_t *t, size_t n, size_t i, bool lines)
{
    size_t e = i, line = 0, last = i;
    while (e < n) {
        int len;
        if ((class_at(t, e, &len) & YH_UC_S) == 0)
            break;
        last = e;
        e += (size_t)len;
        if (t[last] == '\n' || t[last] == '\r')
            line = e;
    }
    if (lines && line != 0)
        return line;
    return e == n || last == i ? e : last; /* leave one space to the word behind */
}

static inline size_t word_gpt2(const uint8_t *t, size_t n, size_t i)
{
    if (t[i] == '\'') {
        size_t e = contraction(t, n, i, false);
        if (e != 0)
            return e;
    }
    int len;
    size_t first = i;
    uint8_t k = class_at(t, i, &len);
    if (t[i] == ' ' && i + 1 < n) {
        first = i + 1;
        k = class_at(t, first, &len);
    }
    if (k & YH_UC_S)
        return spaces(t, n, i, false);
    first += (size_t)len;
    if (k & YH_UC_L)
        return letters(t, n, first);
    if (k & YH_UC_N)
        return run(t, n, first, YH_UC_N, true);
    return run(t, n, first, YH_UC_S | YH_UC_L | YH_UC_N, false);
}

static inline size_t word_cl100k(const uint8_t *t, size_t n, size_t i, int digits)
{
    if (t[i] == '\'') {
        size_t e = contraction(t, n, i, true);
        if (e != 0)
            return e;
    }
    int len, len2 = 0;
    uint8_t k = class_at(t, i, &len);
    size_t second = i + (size_t)len;
    if (k & YH_UC_L)
        return letters(t, n, second);
    if (k & YH_UC_N) {
        for (int d = 1; d < digits && second < n; d++) {
            if ((class_at(t, second, &len2) & YH_UC_N) == 0)
                break;
            second += (size_t)len2;
        }
        return second;
    }
    uint8_t k2 = second < n ? class_at(t, second, &len2) : YH_UC_S;
    if ((k2 & YH_UC_L) && t[i] != '\r' && t[i] != '\n')
        return letters(t, n, second + (size_t)len2);
    if ((k & YH_UC_S) == 0)
        return newlines(t, n, run(t, n, second, YH_UC_S | YH_UC_L | YH_UC_N, false));
    if (t[i] == ' ' && (k2 & (YH_UC_S | YH_UC_L | YH_UC_N)) == 0)
        return newlines(t, n, run(t, n, second + (size_t)len2, YH_UC_S | YH_UC_L | YH_UC_N, false));
    return spaces(t, n, i, true);
}

size_t yh_scan_word(yh_scan kind, const uint8_t *t, size_t n, size_t at)
{
    if (kind == YH_SCAN_GPT2)
        return word_gpt2(t, n, at);
    return word_cl100k(t, n, at, kind == YH_SCAN_LLAMA3 ? 3 : 1);
}
