/* UTF-8: decoding one character, validation, counting. */
#ifndef YH_INPUT_UTF8_SCAN_H
#define YH_INPUT_UTF8_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed character at p (n > 0 bytes there), or 0; *cp is set when not 0. */
static inline size_t yh_utf8_at(const uint8_t *p, size_t n, uint32_t *cp)
{
    uint8_t b = p[0];
    if (b < 0x80) {
        *cp = b;
        return 1;
    }
    if (b < 0xc2 || b > 0xf4)
        return 0;
    if (n < 2 || (p[1] & 0xc0) != 0x80)
        return 0;
    if (b < 0xe0) {
        *cp = (uint32_t)(b & 0x1f) << 6 | (p[1] & 0x3fu);
        return 2;
    }
    if (n < 3 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (b < 0xf0) {
        *cp = (uint32_t)(b & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
        return *cp < 0x800 || (*cp >= 0xd800 && *cp < 0xe000) ? 0 : 3;
    }
    if (n < 4 || (p[3] & 0xc0) != 0x80)
        return 0;
    *cp = (uint32_t)(b & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
          (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3fu);
    return *cp < 0x10000 || *cp > 0x10ffff ? 0 : 4;
}

/* Writes cp (a valid scalar value) to out[0..4) and returns the length. */
static inline size_t yh_utf8_put(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/* Bytes from p that are well-formed UTF-8 (all of n, or the offset of the first fault). */
size_t yh_utf8_valid_prefix(const uint8_t *p, size_t n);
/* Characters of well-formed UTF-8. */
size_t yh_utf8_count(const char *p, size_t n);
/* "Width": a character of a spaceless script (Han, kana, hangul, full-width forms) counts three,
 * any other one; so one threshold means about the same amount of text in both. */
size_t yh_utf8_weight(const char *p, size_t n);

#endif
