#include "rules/fold.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
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

/* ------------------------------------------------------------------ hashes */

/* A word's hash is that of its folded UTF-8, 16 bytes at a time, the last ones filled with zeros.
 * Constants: fractions of the golden ratio and of roots, as in xxHash. */
static const uint64_t key_a = 0x9e3779b97f4a7c15u, key_b = 0xc2b2ae3d27d4eb4fu,
                      key_n = 0x165667b19e3779f9u;

static inline uint64_t absorb(uint64_t h, uint64_t a, uint64_t b)
{
    b *= key_b;
    return h + a * key_a + (b << 32 | b >> 32);
}

static inline uint64_t word_end(uint64_t h, size_t n)
{
    return yh_fold_mix(h + n * key_n);
}

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first n bytes of v, n <= 8. */
static inline uint64_t low_bytes(uint64_t v, size_t n)
{
    return n == 0 ? 0 : v & UINT64_MAX >> (64 - 8 * n);
}

static const uint64_t lower = 0x2020202020202020u; /* makes letters small and spares digits */

/* p[0..n) are ASCII letters and digits, n > 0; `left` bytes can be read from p. */
static inline uint64_t hash_ascii(const uint8_t *p, size_t n, size_t left)
{
    const size_t whole = n;
    uint64_t h = 0;
    for (; n > 16; n -= 16, left -= 16, p += 16)
        h = yh_fold_mix(absorb(h, load8(p) | lower, load8(p + 8) | lower));
    uint8_t t[16];
    if (left < 16) {
        memset(t, 0, sizeof t);
        memcpy(t, p, n);
        p = t;
    }
    h = absorb(h, low_bytes(load8(p) | lower, n < 8 ? n : 8),
               low_bytes(load8(p + 8) | lower, n < 8 ? 0 : n - 8));
    return word_end(h, whole);
}

/* The same of characters that come one by one. */
typedef struct slow_word {
    uint8_t t[20]; /* bytes that were not taken in */
    size_t held, n;
    uint64_t h;
} slow_word;

static void slow_add(slow_word *w, uint32_t cp)
{
    char utf8[4];
    size_t len = yh_utf8_put(cp, utf8);
    for (size_t i = 0; i < len; i++) {
        if (w->held == sizeof w->t) { /* the last block of a word is never empty */
            w->h = yh_fold_mix(absorb(w->h, load8(w->t), load8(w->t + 8)));
            w->held -= 16;
            memmove(w->t, w->t + 16, w->held);
        }
        w->t[w->held++] = (uint8_t)utf8[i];
    }
    w->n += len;
}

static uint64_t slow_end(slow_word *w)
{
    size_t at = 0;
    if (w->held > 16) {
        w->h = yh_fold_mix(absorb(w->h, load8(w->t), load8(w->t + 8)));
        at = 16;
    }
    uint8_t t[16] = {0};
    memcpy(t, w->t + at, w->held - at);
    return word_end(absorb(w->h, load8(t), load8(t + 8)), w->n);
}

static yh_status room(yh_fold_tokens *o, size_t more, yh_err *err)
{
    uint64_t *t = yh_grow(o->t, &o->cap, o->n + more, sizeof *t);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the words of a document");
    o->t = t;
    return YH_OK;
}

/* From *at, where a word or a character beyond ASCII begins: the word (also a spaceless character,
 * or nothing); *at is behind it. */
static void hash_slowly(const uint8_t *p, size_t n, size_t *at, yh_fold_tokens *o)
{
    slow_word w = {.held = 0};
    size_t i = *at, len;
    for (; i < n; i += len) {
        uint32_t cp = ascii(p[i]);
        int kind = cp != 0 ? WORD : NOTHING;
        len = 1;
        if (p[i] >= 0x80)
            kind = classify(p + i, n - i, &cp, &len);
        if (kind == WORD) {
            slow_add(&w, cp);
            continue;
        }
        if (kind == SPACELESS && w.n == 0) {
            o->t[o->n++] = yh_fold_mix((cp + 1) * key_a);
            o->spaceless++;
        } else if (kind == SPACELESS) {
            len = 0; /* a token of its own, next time */
        }
        i += len;
        break;
    }
    if (w.n > 0)
        o->t[o->n++] = slow_end(&w);
    *at = i;
}

enum { GROUP = 64 };

/* Which of the 64 bytes at p are letters and digits of ASCII, and which are beyond ASCII. */
static inline uint64_t look_at(const uint8_t *p, uint64_t *beyond)
{
    uint64_t words = 0, high = 0;
#ifdef __SSE2__
    for (int k = 0; k < 4; k++) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
        /* x in [lo, lo + n): x - lo - 128 < n - 128, signed */
        const __m128i letter = _mm_cmplt_epi8(
            _mm_add_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8((char)(128 - 'a'))),
            _mm_set1_epi8(26 - 128));
        const __m128i digit = _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8((char)(128 - '0'))),
                                             _mm_set1_epi8(10 - 128));
        words |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(letter, digit)) << 16 * k;
        high |= (uint64_t)(uint32_t)_mm_movemask_epi8(v) << 16 * k;
    }
#else
    for (int k = 0; k < GROUP; k++) {
        words |= (uint64_t)(ascii(p[k]) != 0) << k;
        high |= (uint64_t)(p[k] >= 0x80) << k;
    }
#endif
    *beyond = high;
    return words;
}

static inline uint64_t ones_from(unsigned k)
{
    return k < 64 ? UINT64_MAX << k : 0;
}

/* Behind the ASCII letters and digits at p[i..n). */
static size_t run_end(const uint8_t *p, size_t i, size_t n)
{
    while (i < n && ascii(p[i]) != 0)
        i++;
    return i;
}

/* One group at `base`, from byte `at` on; returns where to go on. */
static size_t hash_group(const uint8_t *p, size_t n, size_t base, size_t at, yh_fold_tokens *o)
{
    uint8_t last[GROUP];
    const uint8_t *g = p + base;
    uint64_t beyond, words;
    if (n - base < GROUP) {
        memset(last, 0, sizeof last);
        memcpy(last, g, n - base);
        g = last;
    }
    words = look_at(g, &beyond);
    for (;;) {
        uint64_t next = (words | beyond) & ones_from((unsigned)(at - base));
        if (next == 0)
            return base + GROUP < n ? base + GROUP : n;
        const unsigned k = (unsigned)__builtin_ctzll(next);
        const uint64_t other = ~words & ones_from(k);
        size_t end = base + GROUP;
        at = base + k;
        if (other != 0)
            end = base + (unsigned)__builtin_ctzll(other);
        else
            end = run_end(p, end < n ? end : n, n);
        if (end > n)
            end = n;
        if (end < n && p[end] >= 0x80) {
            hash_slowly(p, n, &at, o);
        } else {
            o->t[o->n++] = hash_ascii(p + at, end - at, n - at);
            at = end;
        }
        if (at >= base + GROUP || at >= n)
            return at;
    }
}

yh_status yh_fold_hash(const char *text, size_t n, yh_fold_tokens *o, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    o->n = o->spaceless = 0;
    yh_uc_init();
    YH_TRY(room(o, GROUP + 2, err));
    for (size_t at = 0; at < n;) {
        if (o->n + GROUP + 2 > o->cap)
            YH_TRY(room(o, GROUP + 2, err));
        at = hash_group(p, n, at, at, o);
    }
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
