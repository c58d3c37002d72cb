#include <iconv.h>

#include "input/mojibake_impl.h"

enum { CHARS = 0x2700 };

static const char *const names[YH_MOJIBAKE_SETS] = {
    "CP1252", "CP1251", "CP1250", "ISO-8859-2", "CP1257", "CP1253", "CP1254", "MACINTOSH", "CP437"};

/* One byte or two to UTF-16; 0: none. */
static uint16_t decode(iconv_t cd, const uint8_t *bytes, size_t n)
{
    uint8_t unit[8];
    char *in = (char *)(uintptr_t)bytes, *out = (char *)unit;
    size_t left = n, room = sizeof unit;
    iconv(cd, NULL, NULL, NULL, NULL);
    if (iconv(cd, &in, &left, &out, &room) == (size_t)-1 || room != sizeof unit - 2)
        return 0;
    return (uint16_t)(unit[0] | unit[1] << 8);
}

static yh_status open_table(iconv_t *cd, const char *name, yh_err *err)
{
    *cd = iconv_open("UTF-16LE", name);
    if (*cd == (iconv_t)-1)
        return yh_fail(err, YH_UNSUPPORTED, "this system's iconv does not know %s", name);
    return YH_OK;
}

static yh_status byte_set(yh_mojibake *m, int k, yh_err *err)
{
    yh_byte_set *s = &m->set[k];
    iconv_t cd;
    s->name = names[k];
    YH_TRY(open_table(&cd, names[k], err));
    for (unsigned b = 0x80; b < 0x100; b++) {
        uint8_t byte = (uint8_t)b;
        uint16_t c = decode(cd, &byte, 1);
        /* programs give the code point of that number for a byte that stands for nothing */
        s->to[b - 0x80] = c == 0 ? (uint16_t)b : c;
    }
    iconv_close(cd);
    /* Windows-1252 and Latin-1 are mixed up everywhere; in the others a control character is a byte
     * that stands for nothing */
    for (unsigned b = 0x80; b < 0xa0; b++)
        if (k == 0 || s->to[b - 0x80] == b)
            s->from[b] = (uint8_t)b;
    for (unsigned b = 0xa0; b < 0x100 && k == 0; b++)
        s->from[b] = (uint8_t)b;
    for (unsigned b = 0x80; b < 0x100; b++) {
        uint16_t c = s->to[b - 0x80];
        if (c < CHARS)
            s->from[c] = (uint8_t)b;
        if (c < CHARS && b >= 0xc2 && b <= 0xf4)
            m->lead[c] = 1;
    }
    return YH_OK;
}

static yh_status gbk(yh_mojibake *m, yh_err *err)
{
    iconv_t cd;
    m->gbk_of = yh_calloc(65536, sizeof *m->gbk_of);
    m->gbk_to = yh_calloc(65536, sizeof *m->gbk_to);
    m->common = yh_calloc(65536, 1);
    if (m->gbk_of == NULL || m->gbk_to == NULL || m->common == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a table of characters");
    YH_TRY(open_table(&cd, "GB18030", err));
    for (unsigned hi = 0x81; hi < 0xff; hi++)
        for (unsigned lo = 0x40; lo < 0xff; lo++) {
            uint8_t pair[2] = {(uint8_t)hi, (uint8_t)lo};
            uint16_t c = lo == 0x7f ? 0 : decode(cd, pair, 2);
            if (c == 0)
                continue;
            m->gbk_to[hi << 8 | lo] = c;
            if (m->gbk_of[c] == 0)
                m->gbk_of[c] = (uint16_t)(hi << 8 | lo);
            /* first level; the usual punctuation */
            if ((hi >= 0xb0 && hi <= 0xd7 && lo >= 0xa1) ||
                (hi == 0xa1 && lo >= 0xa1 && lo < 0xc0) || (hi == 0xa3 && lo >= 0xa1))
                m->common[c] |= 1;
        }
    iconv_close(cd);
    YH_TRY(open_table(&cd, "BIG5", err));
    for (unsigned hi = 0xa4; hi <= 0xc6; hi++)
        for (unsigned lo = 0x40; lo < 0xff; lo++) {
            uint8_t pair[2] = {(uint8_t)hi, (uint8_t)lo};
            m->common[decode(cd, pair, 2)] |= 2;
        }
    m->common[0] = 0;
    iconv_close(cd);
    return YH_OK;
}

yh_status yh_mojibake_create(yh_mojibake **out, yh_err *err)
{
    *out = yh_calloc(1, sizeof **out);
    if (*out == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for tables of characters");
    yh_status s = YH_OK;
    for (int k = 0; k < YH_MOJIBAKE_SETS && s == YH_OK; k++)
        s = byte_set(*out, k, err);
    if (s == YH_OK)
        s = gbk(*out, err);
    if (s != YH_OK) {
        yh_mojibake_free(*out);
        *out = NULL;
    }
    return s;
}

void yh_mojibake_free(yh_mojibake *m)
{
    if (m == NULL)
        return;
    yh_free(m->gbk_of);
    yh_free(m->gbk_to);
    yh_free(m->common);
    yh_free(m);
}

uint32_t yh_gbk_of(const yh_mojibake *m, uint32_t c)
{
    return c < 0x80 ? c : c < 0x10000 ? m->gbk_of[c] : 0;
}

uint32_t yh_gbk_to(const yh_mojibake *m, uint32_t code)
{
    return code < 0x80 ? code : code < 0x10000 ? m->gbk_to[code] : 0;
}

bool yh_gbk_common(const yh_mojibake *m, uint32_t c)
{
    return c < 0x10000 && m->common[c] != 0;
}
