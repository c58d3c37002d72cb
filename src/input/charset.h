/* Bytes of unknown encoding to UTF-8. */
#ifndef YH_INPUT_CHARSET_H
#define YH_INPUT_CHARSET_H

#include "base/alloc.h"

typedef struct yh_charset {
    char name[24];     /* of the encoding taken: "UTF-8", "GB18030", "UTF-16LE", ... */
    uint64_t replaced; /* byte sequences that became U+FFFD */
} yh_charset;

/* Judges bytes[0..n) as a whole: byte order mark, well-formed UTF-8, UTF-16 without a mark, then
 * the multi-byte encodings that decode without faults, the declared one (`declared` may be NULL; a
 * hint only: web pages lie) and uchardet's guess. Never fails; name is "UTF-8" when all else does.
 */
void yh_charset_guess(const uint8_t *bytes, size_t n, const char *declared, char name[24]);

/* Appends bytes[0..n) as UTF-8 to out (a byte order mark dropped). name NULL: guessed. Faulty
 * sequences become U+FFFD and are counted. info may be NULL. */
yh_status yh_charset_decode(const uint8_t *bytes, size_t n, const char *name, const char *declared,
                            yh_buf *out, yh_charset *info, yh_err *err) YH_MUST_CHECK;

/* The charset that an HTML page declares in its first kilobytes; "" when none. */
void yh_charset_declared(const uint8_t *bytes, size_t n, char label[24]);

#endif
