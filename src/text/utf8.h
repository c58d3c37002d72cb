/* UTF-8: strict decoding (no surrogates, no overlong forms, at most U+10FFFF) and repair. */
#ifndef YH_TEXT_UTF8_H
#define YH_TEXT_UTF8_H

#include "base/alloc.h"

/* Decodes one character of p[0..n), n > 0. Returns its length 1..4 and sets *cp, or minus the
 * length of the maximal ill-formed part (Unicode 15, section 3.9, table 3-8), which a decoder
 * replaces by one U+FFFD. */
int yh_utf8_decode(const uint8_t *p, size_t n, uint32_t *cp);
/* Writes cp (a scalar value) and returns its length. */
int yh_utf8_encode(uint32_t cp, uint8_t out[4]);
/* Length of the longest valid prefix; n when all is valid. */
size_t yh_utf8_valid(const uint8_t *p, size_t n);
/* Appends p[0..n) with every ill-formed part replaced by U+FFFD. */
yh_status yh_utf8_repair(const uint8_t *p, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;
/* How many of the last bytes of p[0..n) begin a character that further bytes may complete: 0..3. */
size_t yh_utf8_partial(const uint8_t *p, size_t n);

/* Length that a first byte of valid text announces. */
static inline int yh_utf8_len(uint8_t b)
{
    return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

/* Decodes one character of text that is known to be valid. */
static inline uint32_t yh_utf8_next(const uint8_t *p, int *len)
{
    uint32_t b = p[0];
    if (b < 0x80) {
        *len = 1;
        return b;
    }
    if (b < 0xE0) {
        *len = 2;
        return (b & 0x1F) << 6 | (p[1] & 0x3Fu);
    }
    if (b < 0xF0) {
        *len = 3;
        return (b & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *len = 4;
    return (b & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
}

#endif
