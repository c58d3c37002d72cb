/* The hand-written scanners. */
#include <pthread.h>

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
    if (strcmp(pattern, YH_PATTERN_O200K) == 0)
        return YH_SCAN_O200K;
    if (strcmp(pattern, YH_PATTERN_TEKKEN) == 0)
        return YH_SCAN_TEKKEN;
    if (strcmp(pattern, YH_PATTERN_DEEPSEEK) == 0)
        return YH_SCAN_DEEPSEEK;
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

/* End of the run of letters from i: most are ASCII or Chinese (U+5000 to U+8FFF are all letters).
 */
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

/* ---- words that end where small letters are followed by a capital ---- */

/* Lu, Lt, Lm, Lo, M may stand before the small letters, Ll, Lm, Lo, M among them. */
enum { CAPITAL = 1, SMALL = 2 };

/* Classes of characters, by blocks of 256; equal blocks are one. */
typedef struct classes {
    uint16_t index[0x1100];
    uint8_t block[512][256];
} classes;
static classes cases, deep;

static uint8_t case_of(uint32_t c)
{
    if ((yh_uc_class(c) & (YH_UC_L | YH_UC_M)) == 0)
        return 0;
    const char *g = yh_uc_category(c);
    if (g[0] == 'L' && (g[1] == 'u' || g[1] == 't'))
        return CAPITAL;
    return g[0] == 'L' && g[1] == 'l' ? SMALL : CAPITAL | SMALL;
}

/* DeepSeek's: letters and marks, punctuation and symbols, Chinese and Japanese. */
enum { WORD = 1, SIGN = 2, NUMBER = 4, WHITE = 8, CHINESE = 16, APART = NUMBER | CHINESE };

static uint8_t deep_of(uint32_t c)
{
    uint8_t k = yh_uc_class(c);
    if (k & YH_UC_N)
        return NUMBER;
    if ((c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF))
        return CHINESE;
    if (k & (YH_UC_L | YH_UC_M))
        return WORD;
    if (k & YH_UC_S)
        return WHITE;
    char g = c < 0x20000 ? yh_uc_category(c)[0] : 'C'; /* none up there */
    return g == 'P' || g == 'S' ? SIGN : 0;
}

static void build(classes *to, uint8_t (*of)(uint32_t))
{
    size_t blocks = 0;
    yh_uc_init();
    for (uint32_t b = 0; b < 0x1100; b++) {
        uint8_t block[256];
        for (uint32_t i = 0; i < 256; i++)
            block[i] = of(b << 8 | i);
        size_t k = blocks;
        while (k > 0 && memcmp(to->block[k - 1], block, 256) != 0)
            k--;
        if (k == 0) {
            memcpy(to->block[blocks], block, 256);
            k = ++blocks;
        }
        to->index[b] = (uint16_t)(k - 1);
    }
}

static void build_cases(void)
{
    build(&cases, case_of);
}

static void build_deep(void)
{
    build(&deep, deep_of);
}

void yh_scan_init(yh_scan kind)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT, deep_once = PTHREAD_ONCE_INIT;
    yh_uc_init();
    if (kind == YH_SCAN_O200K || kind == YH_SCAN_TEKKEN)
        pthread_once(&once, build_cases);
    if (kind == YH_SCAN_DEEPSEEK)
        pthread_once(&deep_once, build_deep);
}

static inline uint8_t look_up(const classes *of, const uint8_t *t, size_t i, int *len)
{
    *len = 1;
    uint32_t c = t[i] < 0x80 ? t[i] : yh_utf8_next(t + i, len);
    return of->block[of->index[c >> 8]][c & 0xFF];
}

static inline uint8_t case_at(const uint8_t *t, size_t i, int *len)
{
    return look_up(&cases, t, i, len);
}

/* [capitals]*[small]+ at i, as a regular expression finds it; i: not there. *capitals: where
 * [capitals]+[small]* would end. */
static inline size_t small_word(const uint8_t *t, size_t n, size_t i, size_t *capitals)
{
    size_t p = i, both = i, q;
    int len;
    uint8_t k;
    while (p < n && ((k = case_at(t, p, &len)) & CAPITAL)) {
        p += (size_t)len;
        if (k & SMALL)
            both = p;
    }
    for (q = p; q < n && (case_at(t, q, &len) & SMALL); q += (size_t)len)
        ;
    *capitals = p;
    /* no small one behind the capitals: the last of those that is both is taken back for it */
    return q > p ? q : both;
}

static inline size_t word_o200k(const uint8_t *t, size_t n, size_t i, bool suffix, int digits)
{
    int len, len2 = 0;
    uint8_t k = class_at(t, i, &len);
    size_t second = i + (size_t)len, end = i, capitals = i;
    if (k & YH_UC_L) {
        end = small_word(t, n, i, &capitals);
        end = end > i ? end : capitals;
    } else if (t[i] != '\r' && t[i] != '\n' && (k & YH_UC_N) == 0) {
        end = small_word(t, n, second, &capitals);
        if (end == second) {
            size_t none;
            end = (k & YH_UC_M) ? small_word(t, n, i, &none) : capitals > second ? capitals : i;
        }
    }
    if (end > i) {
        size_t more = suffix && end < n && t[end] == '\'' ? contraction(t, n, end, true) : 0;
        return more != 0 ? more : end;
    }
    if (k & YH_UC_N) {
        for (int d = 1; d < digits && second < n; d++) {
            if ((class_at(t, second, &len2) & YH_UC_N) == 0)
                break;
            second += (size_t)len2;
        }
        return second;
    }
    if (k & YH_UC_S) {
        uint8_t k2 = second < n ? class_at(t, second, &len2) : YH_UC_S;
        if (t[i] != ' ' || (k2 & (YH_UC_S | YH_UC_L | YH_UC_N)))
            return spaces(t, n, i, true);
        second += (size_t)len2;
    }
    end = run(t, n, second, YH_UC_S | YH_UC_L | YH_UC_N, false);
    while (end < n && (t[end] == '\r' || t[end] == '\n' || t[end] == '/'))
        end++;
    return end;
}

/* ---- DeepSeek V3 ---- */

/* End of the run of these classes from i, at most `most` characters. */
static inline size_t deep_run(const uint8_t *t, size_t n, size_t i, uint8_t mask, size_t most)
{
    for (int len; i < n && most > 0 && (look_up(&deep, t, i, &len) & mask); most--)
        i += (size_t)len;
    return i;
}

static inline bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* As spaces(), where what follows may be a word apart: then no space is left to it. */
static inline size_t deep_spaces(const uint8_t *t, size_t n, size_t i)
{
    size_t e = i, line = 0, last = i;
    int len;
    uint8_t k = WHITE;
    while (e < n && ((k = look_up(&deep, t, e, &len)) & WHITE)) {
        last = e;
        e += (size_t)len;
        if (t[last] == '\n' || t[last] == '\r')
            line = e;
    }
    if (line != 0)
        return line;
    return e == n || (k & APART) || last == i ? e : last;
}

static inline size_t word_deepseek(const uint8_t *t, size_t n, size_t i)
{
    int len, len2 = 0;
    uint8_t k = look_up(&deep, t, i, &len);
    size_t second = i + (size_t)len;
    if (k & NUMBER)
        return deep_run(t, n, second, NUMBER, 2);
    if (k & (CHINESE | WORD))
        return deep_run(t, n, second, k, SIZE_MAX);
    uint8_t k2 = second < n ? look_up(&deep, t, second, &len2) : APART;
    if (k & SIGN) {
        if (t[i] < 0x80 && second < n && is_letter(t[second])) {
            while (second < n && is_letter(t[second]))
                second++;
            return second;
        }
        return newlines(t, n, deep_run(t, n, second, SIGN, SIZE_MAX));
    }
    if ((k2 & WORD) && t[i] != '\r' && t[i] != '\n')
        return deep_run(t, n, second, WORD, SIZE_MAX);
    if (t[i] == ' ' && (k2 & SIGN))
        return newlines(t, n, deep_run(t, n, second, SIGN, SIZE_MAX));
    if (k & WHITE)
        return deep_spaces(t, n, i);
    /* no pattern matches: all such characters up to one that a word takes with it */
    for (size_t e = second; e < n && k2 == 0; e = second) {
        second = e + (size_t)len2;
        k2 = second < n ? look_up(&deep, t, second, &len2) : APART;
        if (k2 & WORD)
            return e;
    }
    return second;
}

size_t yh_scan_word(yh_scan kind, const uint8_t *t, size_t n, size_t at)
{
    if (kind == YH_SCAN_GPT2)
        return word_gpt2(t, n, at);
    if (kind == YH_SCAN_O200K)
        return word_o200k(t, n, at, true, 3);
    if (kind == YH_SCAN_TEKKEN)
        return word_o200k(t, n, at, false, 1);
    if (kind == YH_SCAN_DEEPSEEK)
        return word_deepseek(t, n, at);
    return word_cl100k(t, n, at, kind == YH_SCAN_LLAMA3 ? 3 : 1);
}
