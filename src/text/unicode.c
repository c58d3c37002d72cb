#include <pthread.h>
#include <utf8proc.h>

#include "text/unicode.h"
#include "text/unicode_added.h"
#include "text/unicode_old.h"
#include "text/utf8.h"

uint16_t yh_uc_index[0x1100];
uint8_t yh_uc_block[512][256];
uint16_t yh_uc_form_index[0x1100];
uint8_t yh_uc_form_block[512][256];

static const struct {
    uint32_t lo, hi;
    char category[3];
} added[] = {
#define X(lo, hi, category) {lo, hi, category},
    YH_UNICODE_ADDED(X)
#undef X
};

static const struct {
    uint32_t lo, hi;
    uint8_t flag;
} old[] = {
#define X(lo, hi, flag) {lo, hi, flag},
    YH_UNICODE_OLD(X)
#undef X
};

bool yh_uc_added(size_t i, uint32_t *lo, uint32_t *hi, const char **category)
{
    if (i >= sizeof added / sizeof *added)
        return false;
    *lo = added[i].lo;
    *hi = added[i].hi;
    *category = added[i].category;
    return true;
}

const char *yh_uc_category(uint32_t cp)
{
    const char *c = cp < 0x110000 ? utf8proc_category_string((utf8proc_int32_t)cp) : "Cn";
    if (c[0] != 'C' || c[1] != 'n')
        return c;
    /* asked for 830 thousand characters whenever the tables are built */
    size_t lo = 0, hi = sizeof added / sizeof *added;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (cp > added[mid].hi)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof added / sizeof *added && cp >= added[lo].lo ? added[lo].category : c;
}

bool yh_nfc_knows(uint32_t cp)
{
    static const uint32_t unknown[][2] = {
#define X(lo, hi) {lo, hi},
        YH_NFC_UNKNOWN(X)
#undef X
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (cp >= unknown[i][0] && cp <= unknown[i][1])
            return false;
    return true;
}

bool yh_nfkc_knows(uint32_t cp)
{
    static const uint32_t unknown[][2] = {
#define X(lo, hi) {lo, hi},
        YH_NFKC_UNKNOWN(X)
#undef X
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (cp >= unknown[i][0] && cp <= unknown[i][1])
            return false;
    return yh_nfc_knows(cp);
}

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

static bool is_jamo_tail(uint32_t c)
{
    return (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2);
}

static bool is_safe(uint32_t c, const utf8proc_property_t *p)
{
    bool second = p->comb_index != UINT16_MAX && (p->comb_index & 0x8000) != 0;
    if (p->combining_class != 0 || second || is_jamo_tail(c))
        return !yh_nfc_knows(c);
    if (c >= 0xAC00 && c <= 0xD7A3)
        return true;
    if (p->decomp_seqindex == UINT16_MAX || p->decomp_type != 0)
        return true; /* no canonical decomposition */
    if (!yh_nfc_knows(c))
        return true;
    /* decomposes: safe when it comes back whole and its first part combines with nothing before */
    utf8proc_int32_t d[32];
    int boundary = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, d, 32, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 1 || n > 32)
        return false;
    const utf8proc_property_t *first = utf8proc_get_property(d[0]);
    if (first->combining_class != 0 ||
        (first->comb_index != UINT16_MAX && (first->comb_index & 0x8000) != 0))
        return false;
    n = utf8proc_normalize_utf32(d, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return n == 1 && d[0] == (utf8proc_int32_t)c;
}

/* Alphabetic beyond letters and numbers: letters in circles and squares. */
static bool is_other_alphabetic(uint32_t c)
{
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

static uint8_t class_of(uint32_t c, const char *g, const utf8proc_property_t *p)
{
    uint8_t k = 0;
    if (g[0] == 'L')
        k |= YH_UC_L;
    if (g[0] == 'N')
        k |= YH_UC_N | YH_UC_DIGIT;
    if ((c >= 0x11DE0 && c <= 0x11DE9) || (c >= 0x16FF4 && c <= 0x16FF6))
        k |= YH_UC_DIGIT;
    if (is_space(c))
        k |= YH_UC_S;
    if (g[0] == 'L' || g[0] == 'M' || (g[0] == 'N' && g[1] != 'o') ||
        (g[0] == 'P' && g[1] == 'c') || c == 0x200C || c == 0x200D || is_other_alphabetic(c))
        k |= YH_UC_WORD;
    if (g[0] == 'P' || (c > 0x20 && c < 0x7F && g[0] == 'S'))
        k |= YH_UC_PUNCT;
    if (g[0] == 'M')
        k |= YH_UC_M;
    if (is_safe(c, p))
        k |= YH_UC_SAFE;
    return k;
}

/* Whether the compatibility decomposition is another than the canonical one. */
static bool is_compatible(uint32_t c)
{
    utf8proc_int32_t a[32], b[32];
    int boundary = 0;
    if (!yh_nfkc_knows(c))
        return false;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, a, 32, UTF8PROC_DECOMPOSE, &boundary);
    utf8proc_ssize_t m = utf8proc_decompose_char((utf8proc_int32_t)c, b, 32,
                                                 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    return n != m || (n > 0 && n <= 32 && memcmp(a, b, (size_t)n * sizeof *a) != 0);
}

static uint8_t form_flags(uint32_t c, const char *g, const utf8proc_property_t *p)
{
    bool knows = yh_nfc_knows(c), decomposes = p->decomp_seqindex != UINT16_MAX && knows;
    bool hangul = c >= 0xAC00 && c <= 0xD7A3, mark = p->combining_class != 0 && knows;
    uint8_t k = g[0] == 'M' && g[1] == 'n' ? YH_UC_NONSPACING : 0;
    if (g[0] == 'M')
        k |= YH_UC_OLD_M;
    if (g[0] == 'P' || (c > 0x20 && c < 0x7F && g[0] == 'S'))
        k |= YH_UC_OLD_PUNCT;
    if (g[0] == 'C' && g[1] != 'n' && g[1] != 's')
        k |= YH_UC_OLD_OTHER;
    for (size_t i = 0; c >= 0x80 && i < sizeof old / sizeof *old; i++)
        if (c >= old[i].lo && c <= old[i].hi)
            k ^= old[i].flag;
    if (!mark && !hangul && (!decomposes || p->decomp_type != 0))
        k |= 1 << YH_FORM_D;
    bool compatible = decomposes && is_compatible(c);
    if ((k & 1 << YH_FORM_D) && !compatible)
        k |= 1 << YH_FORM_KD;
    if (is_safe(c, p) && !compatible)
        k |= 1 << YH_FORM_KC;
    return k;
}

/* Whether c has the value of the character before it, which has the same properties: most of the
 * million characters are ideographs or not assigned, and a program starts sooner without looking
 * them up. Above all characters that class_of and is_safe name, but for the Hangul syllables. */
static bool as_before(uint32_t c, const utf8proc_property_t *p, const utf8proc_property_t *before)
{
    if (p != before || c < 0x3400 || c == 0xAC00 || c == 0xD7A4)
        return false;
    /* of neighbours that are marks, punctuation or symbols only one may be in the table of the old
     */
    if (p->category > UTF8PROC_CATEGORY_LO && p->category < UTF8PROC_CATEGORY_CS)
        return false;
    if (p->category == UTF8PROC_CATEGORY_CN)
        return c > added[sizeof added / sizeof *added - 1].hi + 1;
    return p->combining_class == 0 && p->comb_index == UINT16_MAX &&
           p->decomp_seqindex == UINT16_MAX && (c < 0x1F100 || c > 0x1F200);
}

/* A value for every character, block by block; equal blocks are stored once. */
static void build_table(uint8_t (*value)(uint32_t, const char *, const utf8proc_property_t *),
                        uint16_t index[0x1100], uint8_t block[512][256])
{
    size_t blocks = 0;
    uint8_t one[256], last = 0;
    const utf8proc_property_t *before = NULL;
    for (uint32_t b = 0; b < 0x1100; b++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = b << 8 | i;
            const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
            if (!as_before(c, p, before))
                last = value(c,
                             p->category == UTF8PROC_CATEGORY_CN
                                 ? yh_uc_category(c)
                                 : utf8proc_category_string((utf8proc_int32_t)c),
                             p);
            one[i] = last;
            before = p;
        }
        size_t k = blocks;
        while (k > 0 && memcmp(block[k - 1], one, 256) != 0)
            k--;
        if (k == 0) {
            memcpy(block[blocks], one, 256);
            k = ++blocks;
        }
        index[b] = (uint16_t)(k - 1);
    }
}

static void build(void)
{
    build_table(class_of, yh_uc_index, yh_uc_block);
}

static void build_forms(void)
{
    build_table(form_flags, yh_uc_form_index, yh_uc_form_block);
}

void yh_uc_init_forms(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build_forms);
}

uint32_t yh_uc_lower(uint32_t cp)
{
    /* newer than the library may be */
    if (cp >= 0x10D50 && cp <= 0x10D65)
        return cp + 0x20;
    if (cp >= 0x16EA0 && cp <= 0x16EB8)
        return cp + 0x1B;
    switch (cp) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA:
        return cp + 1;
    case 0xA7CB:
        return 0x264;
    case 0xA7DC:
        return 0x19B;
    default:
        return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
    }
}

void yh_uc_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build);
}
