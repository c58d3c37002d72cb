/* Which characters end sentences and which are symbols; words by white space and by character. */
#include <utf8proc.h>

#include "input/utf8_scan.h"
#include "rules/words.h"
#include "text/unicode.h"
#include "text/utf8.h"

typedef struct range {
    uint32_t lo, hi;
} range;

/* sorted, disjoint */
static const range terminal[] = {
    {0x21, 0x21},       {0x2e, 0x2e},       {0x3f, 0x3f},       {0x589, 0x589},
    {0x61d, 0x61f},     {0x6d4, 0x6d4},     {0x700, 0x702},     {0x7f9, 0x7f9},
    {0x837, 0x837},     {0x839, 0x839},     {0x83d, 0x83e},     {0x964, 0x965},
    {0x104a, 0x104b},   {0x1362, 0x1362},   {0x1367, 0x1368},   {0x166e, 0x166e},
    {0x1735, 0x1736},   {0x17d4, 0x17d6},   {0x17d9, 0x17da},   {0x1803, 0x1803},
    {0x1809, 0x1809},   {0x1944, 0x1945},   {0x1aa8, 0x1aab},   {0x1b5a, 0x1b5b},
    {0x1b5e, 0x1b5f},   {0x1b7d, 0x1b7e},   {0x1c3b, 0x1c3c},   {0x1c7e, 0x1c7f},
    {0x203c, 0x203d},   {0x2047, 0x2049},   {0x2e2e, 0x2e2e},   {0x2e3c, 0x2e3c},
    {0x2e53, 0x2e54},   {0x3002, 0x3002},   {0xa4ff, 0xa4ff},   {0xa60e, 0xa60f},
    {0xa6f3, 0xa6f3},   {0xa6f7, 0xa6f7},   {0xa876, 0xa877},   {0xa8ce, 0xa8cf},
    {0xa92f, 0xa92f},   {0xa9c8, 0xa9c9},   {0xaa5d, 0xaa5f},   {0xaaf0, 0xaaf1},
    {0xabeb, 0xabeb},   {0xfe52, 0xfe52},   {0xfe56, 0xfe57},   {0xff01, 0xff01},
    {0xff0e, 0xff0e},   {0xff1f, 0xff1f},   {0xff61, 0xff61},   {0x10a56, 0x10a57},
    {0x10f55, 0x10f59}, {0x10f86, 0x10f89}, {0x11047, 0x11048}, {0x110be, 0x110c1},
    {0x11141, 0x11143}, {0x111c5, 0x111c6}, {0x111cd, 0x111cd}, {0x111de, 0x111df},
    {0x11238, 0x11239}, {0x1123b, 0x1123c}, {0x112a9, 0x112a9}, {0x1144b, 0x1144c},
    {0x115c2, 0x115c3}, {0x115c9, 0x115d7}, {0x11641, 0x11642}, {0x1173c, 0x1173e},
    {0x11944, 0x11944}, {0x11946, 0x11946}, {0x11a42, 0x11a43}, {0x11a9b, 0x11a9c},
    {0x11c41, 0x11c42}, {0x11ef7, 0x11ef8}, {0x11f43, 0x11f44}, {0x16a6e, 0x16a6f},
    {0x16af5, 0x16af5}, {0x16b37, 0x16b38}, {0x16b44, 0x16b44}, {0x16e98, 0x16e98},
    {0x1bc9f, 0x1bc9f}, {0x1da88, 0x1da88}};

/* of the above, those that do not end a sentence for the sentencizer */
static const range not_sentence[] = {{0x61d, 0x61e},     {0x837, 0x83e},     {0x17d4, 0x17da},
                                     {0x1b7d, 0x1b7e},   {0x2e53, 0x2e54},   {0x10f55, 0x10f89},
                                     {0x11944, 0x11946}, {0x11ef7, 0x11f44}, {0x16e98, 0x16e98}};

static const range symbol[] = {
    {0x0, 0x8},       {0xb, 0x1f},      {0x21, 0x2f},     {0x3a, 0x40},     {0x5b, 0x60},
    {0x7b, 0x9f},     {0xab, 0xab},     {0xb4, 0xb4},     {0xbb, 0xbb},     {0x2013, 0x2014},
    {0x2019, 0x2019}, {0x201c, 0x201e}, {0x2026, 0x2026}, {0x2236, 0x2236}, {0x2501, 0x2501},
    {0x25ba, 0x25ba}, {0x3001, 0x3002}, {0x3008, 0x300d}, {0x3010, 0x3011}, {0xff01, 0xff01},
    {0xff05, 0xff05}, {0xff08, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e}, {0xff11, 0xff11},
    {0xff1a, 0xff1b}, {0xff1f, 0xff1f}, {0xff5e, 0xff5e}};

static bool inside(const range *r, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (cp > r[mid].hi)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && cp >= r[lo].lo;
}
#define INSIDE(table, cp) inside(table, sizeof(table) / sizeof *(table), cp)

bool yh_char_terminal(uint32_t cp)
{
    if (cp < 0x80)
        return cp == '.' || cp == '!' || cp == '?';
    return INSIDE(terminal, cp);
}

bool yh_char_sentence_end(uint32_t cp)
{
    return yh_char_terminal(cp) && (cp < 0x80 || !INSIDE(not_sentence, cp));
}

bool yh_char_symbol(uint32_t cp)
{
    return INSIDE(symbol, cp) || yh_char_terminal(cp);
}

bool yh_char_han(uint32_t cp)
{
    return (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0x3400 && cp <= 0x4dbf) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x20000 && cp <= 0x3ffff) || cp == 0x3007;
}

bool yh_char_cjk(uint32_t cp)
{
    return yh_char_han(cp) || (cp >= 0x3040 && cp <= 0x30ff) || (cp >= 0xac00 && cp <= 0xd7af) ||
           (cp >= 0x31f0 && cp <= 0x31ff) || (cp >= 0x1100 && cp <= 0x11ff);
}

bool yh_char_punctuation(uint32_t cp)
{
    return yh_uc_category(cp)[0] == 'P';
}

bool yh_char_letter(uint32_t cp)
{
    return yh_uc_category(cp)[0] == 'L';
}

bool yh_char_upper(uint32_t cp)
{
    if (cp < 0x80)
        return cp - 'A' < 26u;
    return strcmp(yh_uc_category(cp), "Lu") == 0;
}

bool yh_char_digit(uint32_t cp)
{
    if (cp < 0x80)
        return cp - '0' < 10u;
    return strcmp(yh_uc_category(cp), "Nd") == 0;
}

void yh_tokens_fini(yh_tokens *l)
{
    yh_free(l->t);
    *l = (yh_tokens){0};
}

yh_status yh_tokens_add(yh_tokens *l, size_t at, size_t len, size_t chars, yh_err *err)
{
    if (l->n == l->cap) {
        yh_token *t = yh_grow(l->t, &l->cap, l->n + 1, sizeof *t);
        if (t == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu words", l->n + 1);
        l->t = t;
    }
    l->t[l->n++] = (yh_token){(uint32_t)at, (uint32_t)len, (uint32_t)chars};
    return YH_OK;
}

yh_token yh_token_strip(const char *text, yh_token t)
{
    int len;
    while (t.len > 0 && yh_char_space(yh_utf8_next((const uint8_t *)text + t.at, &len))) {
        t.at += (uint32_t)len;
        t.len -= (uint32_t)len;
        t.chars -= t.chars > 0;
    }
    while (t.len > 0) {
        uint32_t at = t.at + t.len - 1;
        while (((uint8_t)text[at] & 0xc0) == 0x80)
            at--;
        if (!yh_char_space(yh_utf8_next((const uint8_t *)text + at, &len)))
            break;
        t.len = at - t.at;
        t.chars -= t.chars > 0;
    }
    return t;
}

bool yh_token_begins(const char *text, yh_token t, const char *what)
{
    size_t n = strlen(what);
    return t.len >= n && memcmp(text + t.at, what, n) == 0;
}

bool yh_token_ends(const char *text, yh_token t, const char *what)
{
    size_t n = strlen(what);
    return t.len >= n && memcmp(text + t.at + t.len - n, what, n) == 0;
}

static yh_status split(yh_tokens *out, const char *text, size_t from, size_t to, bool chars,
                       yh_err *err)
{
    size_t begin = from, n = 0;
    int len = 0;
    for (size_t i = from; i <= to; i += (size_t)len) {
        uint32_t cp = ' ';
        len = 1;
        if (i < to)
            cp = yh_utf8_next((const uint8_t *)text + i, &len);
        bool alone = chars && yh_char_cjk(cp);
        if (!alone && !yh_char_space(cp)) {
            n++;
            continue;
        }
        if (n > 0)
            YH_TRY(yh_tokens_add(out, begin, i - begin, n, err));
        if (alone)
            YH_TRY(yh_tokens_add(out, i, (size_t)len, 1, err));
        begin = i + (size_t)len;
        n = 0;
    }
    return YH_OK;
}

yh_status yh_words_space(yh_tokens *out, const char *text, size_t from, size_t to, yh_err *err)
{
    return split(out, text, from, to, false, err);
}

yh_status yh_words_chars(yh_tokens *out, const char *text, size_t from, size_t to, yh_err *err)
{
    return split(out, text, from, to, true, err);
}

bool yh_char_word(uint32_t cp)
{
    if (cp < 0x80)
        return cp == '_' || cp - '0' < 10u || (cp | 32) - 'a' < 26u;
    utf8proc_category_t c = utf8proc_category((int32_t)cp);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}
