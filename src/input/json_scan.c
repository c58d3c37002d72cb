#include "input/json_scan.h"

#include "base/cpu.h"
#include "input/utf8_scan.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { DEPTH = 256 };

typedef struct scan {
    const char *p;
    size_t n, at;
} scan;

typedef struct string_kind {
    bool escaped, odd; /* as in yh_json_member */
} string_kind;

#if defined(__SSE2__)
/* A bit for each of 64 bytes that is '"', '\\' or a control character. */
static inline uint64_t specials(const char *p)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i last = _mm_set1_epi8(0x1f);
    uint64_t mask = 0;
    for (int k = 0; k < 4; k++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
        __m128i any = _mm_or_si128(
            _mm_cmpeq_epi8(v, quote),
            _mm_or_si128(_mm_cmpeq_epi8(v, slash), _mm_cmpeq_epi8(_mm_min_epu8(v, last), v)));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(any) << (16 * k);
    }
    return mask;
}
#endif

size_t yh_json_plain(const char *p, size_t n)
{
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i last = _mm_set1_epi8(0x1f);
    for (; i + 64 <= n; i += 64) {
        __m128i any = _mm_setzero_si128();
        for (int k = 0; k < 4; k++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i + 16 * k));
            any = _mm_or_si128(
                any, _mm_or_si128(_mm_cmpeq_epi8(v, quote),
                                  _mm_or_si128(_mm_cmpeq_epi8(v, slash),
                                               _mm_cmpeq_epi8(_mm_min_epu8(v, last), v))));
        }
        if (_mm_movemask_epi8(any) != 0)
            break;
    }
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i any = _mm_or_si128(
            _mm_cmpeq_epi8(v, quote),
            _mm_or_si128(_mm_cmpeq_epi8(v, slash), _mm_cmpeq_epi8(_mm_min_epu8(v, last), v)));
        int mask = _mm_movemask_epi8(any);
        if (mask != 0)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < n && (uint8_t)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void blanks(scan *s)
{
    while (s->at < s->n && (s->p[s->at] == ' ' || s->p[s->at] == '\t' || s->p[s->at] == '\r' ||
                            s->p[s->at] == '\n'))
        s->at++;
}

/* What the letter behind a backslash means; 0: nothing, or 'u'. */
static const char meaning[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                  ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* Four hex digits at p; -1: not. */
static int32_t hex4(const char *p)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* Behind the escape at the backslash; 0: it is none. */
static size_t escape_end(const char *p, size_t at, size_t n)
{
    if (n - at < 2)
        return 0;
    if (p[at + 1] != 'u')
        return meaning[(uint8_t)p[at + 1]] != 0 ? at + 2 : 0;
    if (n - at < 6)
        return 0;
    int32_t v = hex4(p + at + 2);
    if (v < 0 || (v >= 0xdc00 && v < 0xe000))
        return 0;
    if (v < 0xd800 || v >= 0xe000)
        return at + 6;
    if (n - at < 12 || p[at + 6] != '\\' || p[at + 7] != 'u') /* a pair of surrogates */
        return 0;
    v = hex4(p + at + 8);
    return v >= 0xdc00 && v < 0xe000 ? at + 12 : 0;
}

/* Notes the kind of an escape at the backslash and returns what is behind it; 0: it is none. */
static inline size_t take_escape(const scan *s, size_t at, string_kind *k)
{
    k->escaped = true;
    if (s->n - at >= 2 && meaning[(uint8_t)s->p[at + 1]] != 0) {
        k->odd = k->odd || s->p[at + 1] == '/';
        return at + 2;
    }
    k->odd = true;
    return escape_end(s->p, at, s->n);
}

typedef enum outcome { GOES_ON, ENDED, BAD } outcome;

#if defined(__SSE2__)
/* One block of 64 bytes at `at`, whose quotes, backslashes and control characters are the bits of
 * `mask`. Goes on at *next: behind the block, or behind an escape that reaches out of it. */
static inline __attribute__((always_inline)) outcome string_block(scan *s, size_t at, uint64_t mask,
                                                                  string_kind *k, size_t *next)
{
    *next = at + 64;
    while (mask != 0) {
        size_t i = at + (size_t)__builtin_ctzll(mask);
        if (s->p[i] == '"') {
            s->at = i + 1;
            return ENDED;
        }
        size_t end = s->p[i] == '\\' ? take_escape(s, i, k) : 0;
        if (end == 0)
            return BAD;
        if (end >= *next) {
            *next = end;
            break;
        }
        mask &= ~(uint64_t)0 << (end - at);
    }
    return GOES_ON;
}

/* A string's blocks of 64 bytes from *from on, as long as there are any: all of a block's quotes
 * and escapes from one look at it. */
static outcome string_blocks(scan *s, size_t *from, string_kind *k)
{
    outcome o = GOES_ON;
    while (o == GOES_ON && s->n - *from >= 64)
        o = string_block(s, *from, specials(s->p + *from), k, from);
    return o;
}
#endif

#ifdef YH_X86
#define AVX2 __attribute__((target("avx2")))

/* Which of the backslashes begin an escape, and what stands behind these. Of a run of backslashes
 * every other one does: the subtraction carries through the run and tells its odd places from its
 * even ones. The block begins outside an escape; bit 63: one reaches out of it. */
static inline uint64_t escapes64(uint64_t slash, uint64_t *escaped)
{
    const uint64_t odd = 0xaaaaaaaaaaaaaaaau;
    const uint64_t series = ((slash << 1 | odd) - slash) ^ odd;
    *escaped = series ^ slash;
    return series & slash;
}

/* What a block of 64 bytes is made of, a bit for each byte. */
typedef struct block_bits {
    uint64_t quote, slash, control;
    uint64_t common; /* what is often behind a backslash: n, r, t, '"' and a backslash */
} block_bits;

AVX2 static inline uint64_t bits64(__m256i low, __m256i high)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(low) |
           (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline uint64_t equal64(const __m256i v[2], char c)
{
    const __m256i what = _mm256_set1_epi8(c);
    return bits64(_mm256_cmpeq_epi8(v[0], what), _mm256_cmpeq_epi8(v[1], what));
}

/* False: there is nothing of that in the block, and *b was not written. */
AVX2 static inline bool look(const char *p, block_bits *b)
{
    const __m256i v[2] = {_mm256_loadu_si256((const __m256i *)(const void *)p),
                          _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
    const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
    const __m256i last = _mm256_set1_epi8(0x1f);
    __m256i q[2], s[2], c[2], any = _mm256_setzero_si256();
    for (int k = 0; k < 2; k++) {
        q[k] = _mm256_cmpeq_epi8(v[k], quote);
        s[k] = _mm256_cmpeq_epi8(v[k], slash);
        c[k] = _mm256_cmpeq_epi8(_mm256_min_epu8(v[k], last), v[k]);
        any = _mm256_or_si256(any, _mm256_or_si256(q[k], _mm256_or_si256(s[k], c[k])));
    }
    if (_mm256_testz_si256(any, any))
        return false;
    *b = (block_bits){bits64(q[0], q[1]), bits64(s[0], s[1]), bits64(c[0], c[1]), 0};
    b->common = equal64(v, 'n') | equal64(v, 'r') | equal64(v, 't') | b->quote | b->slash;
    return true;
}

/* As string_blocks; a block with common escapes alone costs the same wherever they stand, so that
 * the processor has little to guess. */
AVX2 static outcome string_blocks_avx2(scan *s, size_t *from, string_kind *k)
{
    while (s->n - *from >= 64) {
        uint64_t escaped;
        block_bits b;
        if (!look(s->p + *from, &b)) {
            *from += 64;
            continue;
        }
        const uint64_t beyond = escapes64(b.slash, &escaped) & (uint64_t)1 << 63;
        if (((b.quote & ~escaped) | b.control | (escaped & ~b.common) | beyond) == 0) {
            k->escaped = k->escaped || b.slash != 0;
            *from += 64;
            continue;
        }
        outcome o = string_block(s, *from, b.quote | b.slash | b.control, k, from);
        if (o != GOES_ON)
            return o;
    }
    return GOES_ON;
}
#endif

/* A string from its quote on; s->at goes behind it. */
static bool string(scan *s, string_kind *k)
{
    *k = (string_kind){false, false};
    if (s->at >= s->n || s->p[s->at] != '"')
        return false;
    size_t at = s->at + 1;
    outcome o = GOES_ON;
#ifdef YH_X86
    if (s->n - at >= 64 && yh_isa_current() >= YH_ISA_AVX2)
        o = string_blocks_avx2(s, &at, k);
    else
#endif
#if defined(__SSE2__)
        o = string_blocks(s, &at, k);
#endif
    if (o != GOES_ON)
        return o == ENDED;
    for (;;) {
        at += yh_json_plain(s->p + at, s->n - at);
        if (at >= s->n || (uint8_t)s->p[at] < 0x20)
            return false;
        if (s->p[at] == '"') {
            s->at = at + 1;
            return true;
        }
        at = take_escape(s, at, k);
        if (at == 0)
            return false;
    }
}

static size_t digits(const scan *s, size_t at)
{
    while (at < s->n && s->p[at] >= '0' && s->p[at] <= '9')
        at++;
    return at;
}

static bool number(scan *s)
{
    size_t at = s->at + (s->p[s->at] == '-'), from = at;
    at = digits(s, at);
    if (at == from || (at - from > 1 && s->p[from] == '0'))
        return false;
    if (at < s->n && s->p[at] == '.') {
        from = at + 1;
        at = digits(s, from);
        if (at == from)
            return false;
    }
    if (at < s->n && (s->p[at] == 'e' || s->p[at] == 'E')) {
        at++;
        at += at < s->n && (s->p[at] == '+' || s->p[at] == '-');
        from = at;
        at = digits(s, from);
        if (at == from)
            return false;
    }
    s->at = at;
    return true;
}

static bool word(scan *s, const char *w, size_t n)
{
    if (s->n - s->at < n || memcmp(s->p + s->at, w, n) != 0)
        return false;
    s->at += n;
    return true;
}

/* A value that has no parts; *nested: it has, and nothing was taken. */
static bool simple(scan *s, string_kind *k, bool *nested)
{
    *nested = false;
    if (s->at >= s->n)
        return false;
    switch (s->p[s->at]) {
    case '"':
        return string(s, k);
    case '{':
    case '[':
        *nested = true;
        return true;
    case 't':
        return word(s, "true", 4);
    case 'f':
        return word(s, "false", 5);
    case 'n':
        return word(s, "null", 4);
    default:
        return number(s);
    }
}

static bool key(scan *s)
{
    string_kind k;
    blanks(s);
    if (!string(s, &k))
        return false;
    blanks(s);
    if (s->at >= s->n || s->p[s->at] != ':')
        return false;
    s->at++;
    return true;
}

/* Any value from s->at on. Depth is limited. */
static bool value(scan *s, string_kind *k)
{
    uint8_t is_object[DEPTH];
    int depth = 0;
    for (;;) {
        bool nested;
        blanks(s);
        if (!simple(s, k, &nested))
            return false;
        if (nested) {
            char open = s->p[s->at++], close = open == '{' ? '}' : ']';
            blanks(s);
            if (s->at < s->n && s->p[s->at] == close) {
                s->at++;
            } else {
                if (depth == DEPTH || (open == '{' && !key(s)))
                    return false;
                is_object[depth++] = open == '{';
                continue;
            }
        }
        for (;;) { /* what follows a value */
            if (depth == 0)
                return true;
            blanks(s);
            if (s->at >= s->n)
                return false;
            char c = s->p[s->at++];
            if (c == ',') {
                if (is_object[depth - 1] && !key(s))
                    return false;
                break;
            }
            if (c != (is_object[depth - 1] ? '}' : ']'))
                return false;
            depth--;
        }
    }
}

size_t yh_json_object(const char *p, size_t n, size_t *seen)
{
    scan s = {p, n, 0};
    string_kind k;
    bool good = n > 0 && p[0] == '{' && value(&s, &k);
    *seen = s.at;
    return good ? s.at : 0;
}

bool yh_json_members(const char *p, size_t n, yh_json_member *m, size_t *count)
{
    scan s = {p, n, 0};
    *count = 0;
    blanks(&s);
    if (s.at >= n || p[s.at++] != '{')
        return false;
    blanks(&s);
    if (s.at < n && p[s.at] == '}') {
        s.at++;
    } else {
        for (;;) {
            string_kind k = {false, false};
            if (*count == YH_JSON_MEMBERS)
                return false;
            yh_json_member *e = &m[*count];
            blanks(&s);
            size_t at = s.at;
            if (!string(&s, &k) || k.escaped)
                return false;
            e->key = p + at + 1;
            e->n_key = s.at - at - 2;
            for (size_t i = 0; i < *count; i++)
                if (m[i].n_key == e->n_key && memcmp(m[i].key, e->key, e->n_key) == 0)
                    return false;
            blanks(&s);
            if (s.at >= n || p[s.at++] != ':')
                return false;
            blanks(&s);
            at = s.at;
            if (!value(&s, &k))
                return false;
            e->value = p + at;
            e->n_value = s.at - at;
            e->escaped = k.escaped && p[at] == '"';
            e->odd = k.odd && p[at] == '"';
            ++*count;
            blanks(&s);
            if (s.at >= n)
                return false;
            char c = p[s.at++];
            if (c == '}')
                break;
            if (c != ',')
                return false;
        }
    }
    blanks(&s);
    return s.at == n && yh_utf8_valid_prefix((const uint8_t *)p, n) == n;
}

/* Copies p[0, n) up to a backslash; returns how much. `to` has room for 16 bytes more. */
static size_t copy_plain(char *to, const char *p, size_t n)
{
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i slash = _mm_set1_epi8('\\');
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), v);
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, slash));
        if (mask != 0)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    for (; i < n && p[i] != '\\'; i++)
        to[i] = p[i];
    return i;
}

/* What an escape that is more than one letter means, at its backslash; *i goes behind it. */
static size_t long_escape(char *to, const char *p, size_t *i)
{
    uint32_t v = (uint32_t)hex4(p + *i + 2);
    *i += 6;
    if (v >= 0xd800 && v < 0xdc00) {
        v = 0x10000 + ((v - 0xd800) << 10) + ((uint32_t)hex4(p + *i + 2) - 0xdc00);
        *i += 6;
    }
    return yh_utf8_put(v, to);
}

static inline __attribute__((always_inline)) size_t
unescape(char *out, const char *p, size_t n, size_t (*copy)(char *, const char *, size_t))
{
    char *to = out;
    for (size_t i = 0; i < n;) {
        size_t run = copy(to, p + i, n - i);
        to += run;
        i += run;
        if (i >= n)
            break;
        char c = meaning[(uint8_t)p[i + 1]];
        if (c != 0) {
            *to++ = c;
            i += 2;
        } else {
            to += long_escape(to, p, &i);
        }
    }
    return (size_t)(to - out);
}

#ifdef YH_X86
AVX2 static inline size_t copy_plain_avx2(char *to, const char *p, size_t n)
{
    const __m256i slash = _mm256_set1_epi8('\\');
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        _mm256_storeu_si256((__m256i *)(void *)(to + i), v);
        unsigned mask = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, slash));
        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
    }
    for (; i < n && p[i] != '\\'; i++)
        to[i] = p[i];
    return i;
}

AVX2 static size_t unescape_avx2(char *out, const char *p, size_t n)
{
    return unescape(out, p, n, copy_plain_avx2);
}

/* 64 bytes at once: letters behind a backslash become what they mean, the backslashes that begin an
 * escape are squeezed out. Writes up to 64 bytes behind the text's end. */
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"))) static size_t
unescape_vbmi2(char *out, const char *p, size_t n)
{
    char *to = out;
    size_t i = 0;
    while (n - i >= 64) {
        uint64_t escaped;
        __m512i v = _mm512_loadu_si512(p + i);
        const uint64_t slash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
        if (slash == 0) {
            _mm512_storeu_si512(to, v);
            to += 64;
            i += 64;
            continue;
        }
        const uint64_t begin = escapes64(slash, &escaped);
        const uint64_t beyond = begin & (uint64_t)1 << 63; /* stays for the next block */
        const uint64_t nl = _mm512_mask_cmpeq_epi8_mask(escaped, v, _mm512_set1_epi8('n'));
        const uint64_t cr = _mm512_mask_cmpeq_epi8_mask(escaped, v, _mm512_set1_epi8('r'));
        const uint64_t tab = _mm512_mask_cmpeq_epi8_mask(escaped, v, _mm512_set1_epi8('t'));
        const uint64_t quote = _mm512_mask_cmpeq_epi8_mask(escaped, v, _mm512_set1_epi8('"'));
        if ((escaped & ~(nl | cr | tab | quote | slash)) != 0) { /* another escape: up to it */
            size_t at = (size_t)__builtin_ctzll(escaped & ~(nl | cr | tab | quote | slash)) - 1;
            char c = meaning[(uint8_t)p[i + at + 1]];
            to += unescape(to, p + i, at, copy_plain);
            i += at;
            if (c != 0) {
                *to++ = c;
                i += 2;
            } else {
                to += long_escape(to, p, &i);
            }
            continue;
        }
        v = _mm512_mask_mov_epi8(v, nl, _mm512_set1_epi8('\n'));
        v = _mm512_mask_mov_epi8(v, cr, _mm512_set1_epi8('\r'));
        v = _mm512_mask_mov_epi8(v, tab, _mm512_set1_epi8('\t'));
        _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(~begin, v));
        to += 64 - __builtin_popcountll(begin);
        i += 64 - (beyond >> 63);
    }
    return (size_t)(to - out) + unescape(to, p + i, n - i, copy_plain);
}
#endif

yh_status yh_json_unescape(const char *p, size_t n, yh_buf *out, yh_err *err)
{
    YH_TRY(yh_buf_reserve(out, n + 64, err)); /* an escape is never shorter than what it means */
    char *to = out->data + out->len;
#ifdef YH_X86
    if (yh_isa_current() >= YH_ISA_AVX512 && __builtin_cpu_supports("avx512vbmi2"))
        out->len += unescape_vbmi2(to, p, n);
    else if (yh_isa_current() >= YH_ISA_AVX2)
        out->len += unescape_avx2(to, p, n);
    else
#endif
        out->len += unescape(to, p, n, copy_plain);
    out->data[out->len] = '\0';
    return YH_OK;
}

yh_status yh_json_mend_surrogates(const char *p, size_t n, yh_buf *out, uint64_t *count,
                                  yh_err *err)
{
    size_t from = out->len;
    const char *slash;
    *count = 0;
    for (size_t i = 0; i < n && (slash = memchr(p + i, '\\', n - i)) != NULL;) {
        i = (size_t)(slash - p);
        int32_t v = n - i >= 6 && p[i + 1] == 'u' ? hex4(p + i + 2) : -1;
        if (v < 0xd800 || v >= 0xe000) {
            i += 2;
        } else if (escape_end(p, i, n) != 0) {
            i += 12; /* a pair */
        } else {
            if (*count == 0)
                YH_TRY(yh_buf_add(out, p, n, err));
            memcpy(out->data + from + i + 2, "fffd", 4);
            ++*count;
            i += 6;
        }
    }
    return YH_OK;
}
