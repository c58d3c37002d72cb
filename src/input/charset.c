#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <strings.h>
#include <uchardet.h>

#include "input/charset.h"
#include "input/utf8_scan.h"

/* Labels as the web uses them (WHATWG Encoding: a label names the superset that pages really hold).
 */
static const char *const aliases[][2] = {
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb_2312-80", "GB18030"},
    {"x-gbk", "GB18030"},
    {"cp936", "GB18030"},
    {"euc-cn", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"big5-eten", "BIG5-HKSCS"},
    {"cp950", "BIG5-HKSCS"},
    {"x-x-big5", "BIG5-HKSCS"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"x-sjis", "CP932"},
    {"windows-31j", "CP932"},
    {"cp932", "CP932"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"uhc", "CP949"},
    {"cp949", "CP949"},
    {"iso-8859-1", "CP1252"},
    {"latin1", "CP1252"},
    {"us-ascii", "CP1252"},
    {"ascii", "CP1252"},
    {"windows-1252", "CP1252"},
    {"cp1252", "CP1252"},
    {"iso-8859-9", "CP1254"},
    {"windows-1254", "CP1254"},
    {"tis-620", "CP874"},
    {"iso-8859-11", "CP874"},
    {"windows-874", "CP874"},
    {"utf8", "UTF-8"},
    {"utf-8", "UTF-8"},
    {"mac-cyrillic", "MAC-CYRILLIC"},
    {"x-mac-cyrillic", "MAC-CYRILLIC"},
};

static void canonical(const char *label, char name[24])
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcasecmp(label, aliases[i][0]) == 0) {
            snprintf(name, 24, "%s", aliases[i][1]);
            return;
        }
    snprintf(name, 24, "%s", label);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
}

static bool multibyte(const char *name)
{
    static const char *const list[] = {"GB18030", "BIG5-HKSCS", "CP932", "CP949",
                                       "EUC-JP",  "EUC-TW",     "JOHAB"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

/* Decodes with iconv and counts faults; out NULL: only counts. bad_limit: stop early beyond. */
static bool convert(const char *name, const uint8_t *p, size_t n, yh_buf *out, uint64_t *faults,
                    uint64_t *chars, yh_err *err, yh_status *st)
{
    iconv_t cd = iconv_open("UTF-8", name);
    *faults = *chars = 0;
    *st = YH_OK;
    if (cd == (iconv_t)-1)
        return false;
    char block[8192];
    char *in = (char *)(uintptr_t)p;
    size_t left = n;
    bool flushing = false;
    while (*st == YH_OK) {
        char *o = block;
        size_t room = sizeof block;
        size_t rc = flushing ? iconv(cd, NULL, NULL, &o, &room) : iconv(cd, &in, &left, &o, &room);
        int e = errno;
        size_t made = sizeof block - room;
        *chars += yh_utf8_count(block, made);
        if (out != NULL)
            *st = yh_buf_add(out, block, made, err);
        if (*st != YH_OK || (flushing && rc != (size_t)-1))
            break;
        if (rc == (size_t)-1 && e == E2BIG)
            continue;
        if (rc == (size_t)-1 && left > 0) { /* EILSEQ, or EINVAL: cut at the end */
            ++*faults;
            in++;
            left--;
            if (out != NULL)
                *st = yh_buf_add(out, "\xef\xbf\xbd", 3, err);
        }
        flushing = left == 0;
    }
    iconv_close(cd);
    return true;
}

static yh_status convert_utf8(const uint8_t *p, size_t n, yh_buf *out, uint64_t *faults,
                              yh_err *err)
{
    *faults = 0;
    for (size_t i = 0; i < n;) {
        size_t k = yh_utf8_valid_prefix(p + i, n - i);
        YH_TRY(yh_buf_add(out, p + i, k, err));
        i += k;
        if (i == n)
            break;
        /* one replacement for each maximal faulty piece: the lead byte with its continuations */
        ++*faults;
        YH_TRY(yh_buf_add(out, "\xef\xbf\xbd", 3, err));
        i++;
        while (i < n && (p[i] & 0xc0) == 0x80)
            i++;
    }
    return YH_OK;
}

void yh_charset_declared(const uint8_t *bytes, size_t n, char label[24])
{
    label[0] = '\0';
    size_t end = n < 8192 ? n : 8192;
    for (size_t i = 0; i + 8 < end; i++) {
        if (strncasecmp((const char *)bytes + i, "charset", 7) != 0)
            continue;
        size_t j = i + 7;
        while (j < end && (bytes[j] == ' ' || bytes[j] == '='))
            j++;
        if (j < end && (bytes[j] == '"' || bytes[j] == '\''))
            j++;
        size_t k = 0;
        while (j < end && k < 23 && (isalnum(bytes[j]) || strchr("-_:.", bytes[j]) != NULL) &&
               bytes[j] != '\0')
            label[k++] = (char)bytes[j++];
        label[k] = '\0';
        if (k > 0)
            return;
    }
}

static uint16_t unit(const uint8_t *p, bool big)
{
    return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

/* Share (in 1/1000) of 16-bit units that ordinary text is made of, when read in this order. */
static int utf16_score(const uint8_t *p, size_t n, bool big)
{
    size_t good = 0, total = n / 2, spaces = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        uint16_t u = unit(p + i, big);
        bool space = u == 0x20 || u == 0x0a || u == 0x0d || u == 0x3002 || u == 0xff0c || u == 0x09;
        spaces += space;
        good += space || (u > 0x20 && u < 0x250) || (u >= 0x370 && u < 0x700) ||
                (u >= 0x2010 && u < 0x2040) || (u >= 0x3000 && u < 0x30ff) ||
                (u >= 0x4e00 && u < 0xa000) || (u >= 0xac00 && u < 0xd7a4) ||
                (u >= 0xff00 && u < 0xff60);
    }
    return total == 0 || spaces == 0 ? 0 : (int)(good * 1000 / total);
}

static bool guess_utf16(const uint8_t *p, size_t n, char name[24])
{
    if (n < 4 || n % 2 != 0)
        return false;
    size_t even = 0, odd = 0, m = n < 65536 ? n : 65536;
    for (size_t i = 0; i + 1 < m; i += 2) {
        even += p[i] == 0;
        odd += p[i + 1] == 0;
    }
    if (even == 0 && odd == 0) /* no space, no line end, no digit: not text in UTF-16 */
        return false;
    if (n >= 8 && n % 4 == 0 && even + odd > m / 2) { /* three of four bytes zero: UTF-32 */
        size_t le = 0, be = 0;
        for (size_t i = 0; i + 3 < m; i += 4) {
            le += p[i + 3] == 0 && p[i + 2] <= 0x10;
            be += p[i] == 0 && p[i + 1] <= 0x10;
        }
        if (le == m / 4 || be == m / 4) {
            snprintf(name, 24, "%s", le == m / 4 ? "UTF-32LE" : "UTF-32BE");
            return true;
        }
    }
    int le = utf16_score(p, m, false), be = utf16_score(p, m, true);
    if (le < 900 && be < 900)
        return false;
    snprintf(name, 24, "%s", le >= be ? "UTF-16LE" : "UTF-16BE");
    return true;
}

/* Share (1/1000) of two-byte characters that lie in the block of frequent Han characters: level 1
 * of GB 2312 (rows 16-55), level 1 of Big5 (A4-C6). Tells the two from each other and from the
 * single-byte encodings that happen to decode. */
static int frequent_share(const uint8_t *p, size_t n, bool big5)
{
    size_t good = 0, total = 0;
    for (size_t i = 0; i < n;) {
        if (p[i] < 0x81) {
            i++;
            continue;
        }
        if (i + 1 >= n)
            break;
        total++;
        if (big5)
            good += (p[i] >= 0xa4 && p[i] <= 0xc6) || (p[i] == 0xa1 && p[i + 1] < 0x80);
        else
            good += ((p[i] >= 0xb0 && p[i] <= 0xd7) || p[i] == 0xa1 || p[i] == 0xa3) &&
                    p[i + 1] >= 0xa1;
        i += 2;
    }
    return total == 0 ? 0 : (int)(good * 1000 / total);
}

static void ask_uchardet(const uint8_t *p, size_t n, char name[24])
{
    name[0] = '\0';
    uchardet_t u = uchardet_new();
    if (u == NULL)
        return;
    if (uchardet_handle_data(u, (const char *)p, n) == 0) {
        uchardet_data_end(u);
        const char *g = uchardet_get_charset(u);
        if (g != NULL && g[0] != '\0')
            canonical(g, name);
    }
    uchardet_delete(u);
}

static bool has_bom(const uint8_t *p, size_t n, const char **name, size_t *skip)
{
    static const struct {
        const char *bytes, *name;
        size_t n;
    } marks[] = {{"\xef\xbb\xbf", "UTF-8", 3},
                 {"\xff\xfe\0\0", "UTF-32LE", 4},
                 {"\0\0\xfe\xff", "UTF-32BE", 4},
                 {"\xff\xfe", "UTF-16LE", 2},
                 {"\xfe\xff", "UTF-16BE", 2}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (n >= marks[i].n && memcmp(p, marks[i].bytes, marks[i].n) == 0) {
            *name = marks[i].name;
            *skip = marks[i].n;
            return true;
        }
    return false;
}

static bool mostly_utf8(const uint8_t *p, size_t n)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t k = yh_utf8_at(p + i, n - i, &cp);
        good += k > 1;
        bad += k == 0;
        i += k == 0 ? 1 : k;
    }
    return good > 20 * bad;
}

/* Decodes without more than one fault in 500 characters. */
static bool fits(const char *name, const uint8_t *p, size_t n)
{
    uint64_t faults, chars;
    yh_status st;
    return convert(name, p, n, NULL, &faults, &chars, NULL, &st) && faults * 500 <= chars;
}

/* English with an accent or a curly quote here and there: too little for statistics, which then say
 * anything. What such text is in is Windows-1252, unless it has bytes that are nothing there. */
static bool nearly_ascii(const uint8_t *p, size_t n)
{
    size_t high = 0;
    for (size_t i = 0; i < n; i++) {
        high += p[i] >= 0x80;
        if (p[i] == 0x81 || p[i] == 0x8d || p[i] == 0x8f || p[i] == 0x90 || p[i] == 0x9d ||
            (p[i] < 0x20 && strchr("\t\n\r\f", p[i]) == NULL) || p[i] == 0)
            return false;
        if (i > 0 && p[i] >= 0x80 && p[i - 1] >= 0x80) /* in pairs: perhaps two-byte characters */
            return false;
    }
    return high > 0 && high * 50 <= n && high <= 24;
}

/* Hiragana and katakana in EUC-JP; Big5 and GB have other characters there, and fewer. */
static bool kana_of_euc(const uint8_t *p, size_t n)
{
    size_t kana = 0, total = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (p[i] < 0x80)
            continue;
        if (p[i + 1] < 0xa1 && p[i] != 0x8e)
            return false;
        kana += (p[i] == 0xa4 && p[i + 1] <= 0xf3) || (p[i] == 0xa5 && p[i + 1] <= 0xf6);
        total++;
        i++;
    }
    return total >= 8 && kana * 10 >= total * 3;
}

/* Korean in Johab: nearly every character a syllable. Nothing else that decodes without faults. */
static bool is_johab(const uint8_t *p, size_t n)
{
    yh_buf out;
    uint64_t faults = 0, chars = 0;
    yh_status st = YH_OK;
    size_t hangul = 0, wide = 0;
    yh_buf_init(&out, 0);
    bool known = convert("JOHAB", p, n, &out, &faults, &chars, NULL, &st);
    for (size_t i = 0; known && st == YH_OK && i < out.len;) {
        uint32_t c = 0;
        size_t k = yh_utf8_at((const uint8_t *)out.data + i, out.len - i, &c);
        wide += c >= 0x80;
        hangul += c >= 0xac00 && c < 0xd7a4;
        i += k > 0 ? k : 1;
    }
    yh_buf_fini(&out);
    return known && st == YH_OK && faults * 100 <= chars && wide >= 8 && hangul * 10 >= wide * 7;
}

/* Of text in no kind of UTF: what uchardet has seen, what was declared ("": nothing), and what the
 * characters tell of the two Chinese sets. */
static const char *most_likely(const uint8_t *p, size_t m, const char *seen, const char *hint)
{
    const int gb = frequent_share(p, m, false), b5 = frequent_share(p, m, true);
    if ((strncmp(seen, "ISO-2022", 8) == 0 || multibyte(seen)) && fits(seen, p, m))
        return seen;
    if (gb >= 800 && gb >= b5 && fits("GB18030", p, m))
        return "GB18030";
    if (b5 >= 800 && fits("BIG5-HKSCS", p, m))
        return "BIG5-HKSCS";
    if (hint[0] != '\0' && fits(hint, p, m))
        return hint;
    if (seen[0] != '\0' && strcmp(seen, "UTF-8") != 0 && fits(seen, p, m))
        return seen;
    if (multibyte(seen))
        return seen;
    if (gb >= 600 || b5 >= 600) /* damaged, yet plainly that */
        return gb >= b5 ? "GB18030" : "BIG5-HKSCS";
    return is_johab(p, m) ? "JOHAB" : "UTF-8";
}

void yh_charset_guess(const uint8_t *bytes, size_t n, const char *declared, char name[24])
{
    enum { SAMPLE = 1 << 18 };
    const char *bom;
    size_t skip;
    char hint[24] = "", seen[24];
    snprintf(name, 24, "UTF-8");
    if (has_bom(bytes, n, &bom, &skip)) {
        snprintf(name, 24, "%s", bom);
        return;
    }
    bool escapes = memchr(bytes, 0x1b, n) != NULL;
    if (!escapes && yh_utf8_valid_prefix(bytes, n) == n &&
        (memchr(bytes, 0, n < 65536 ? n : 65536) == NULL || !guess_utf16(bytes, n, name)))
        return;
    if (guess_utf16(bytes, n, name))
        return;
    /* judge the part that holds the text: from the first byte that is not ASCII */
    size_t at = 0;
    while (at < n && bytes[at] < 0x80 && bytes[at] != 0x1b)
        at++;
    const uint8_t *p = bytes + at;
    size_t m = n - at < SAMPLE ? n - at : SAMPLE;
    if (!escapes && mostly_utf8(p, m))
        return;
    if (declared != NULL && declared[0] != '\0')
        canonical(declared, hint);
    if (strcmp(hint, "UTF-8") == 0) /* it is not, as seen above */
        hint[0] = '\0';
    if (multibyte(hint) && fits(hint, p, m)) {
        snprintf(name, 24, "%s", hint);
        return;
    }
    if (!escapes && hint[0] == '\0' && n - at > 0 && nearly_ascii(bytes, n < SAMPLE ? n : SAMPLE)) {
        snprintf(name, 24, "CP1252");
        return;
    }
    if (kana_of_euc(p, m) && fits("EUC-JP", p, m)) {
        snprintf(name, 24, "EUC-JP");
        return;
    }
    ask_uchardet(bytes, n < SAMPLE + at ? n : SAMPLE + at, seen);
    snprintf(name, 24, "%s", most_likely(p, m, seen, hint));
}

yh_status yh_charset_decode(const uint8_t *bytes, size_t n, const char *name, const char *declared,
                            yh_buf *out, yh_charset *info, yh_err *err)
{
    yh_charset local;
    const char *bom;
    size_t skip;
    if (info == NULL)
        info = &local;
    info->replaced = 0;
    if (name != NULL)
        canonical(name, info->name);
    else
        yh_charset_guess(bytes, n, declared, info->name);
    if (has_bom(bytes, n, &bom, &skip) && strcmp(bom, info->name) == 0) {
        bytes += skip;
        n -= skip;
    }
    if (strcmp(info->name, "UTF-8") != 0) {
        size_t before = out->len;
        uint64_t chars;
        yh_status st;
        if (convert(info->name, bytes, n, out, &info->replaced, &chars, err, &st))
            return st;
        out->len = before; /* a name that iconv does not know */
        snprintf(info->name, sizeof info->name, "UTF-8");
    }
    return convert_utf8(bytes, n, out, &info->replaced, err);
}
