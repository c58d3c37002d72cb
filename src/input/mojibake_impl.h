/* What the files mojibake*.c share. */
#ifndef YH_INPUT_MOJIBAKE_IMPL_H
#define YH_INPUT_MOJIBAKE_IMPL_H

#include "input/mojibake.h"

enum { YH_MOJIBAKE_SETS = 9 };

typedef struct yh_byte_set {
    const char *name;
    uint16_t to[128];     /* of the bytes 0x80..0xFF */
    uint8_t from[0x2700]; /* of the characters below; 0: none */
} yh_byte_set;

struct yh_mojibake {
    yh_byte_set set[YH_MOJIBAKE_SETS]; /* the first is Latin-1 with Windows-1252 */
    uint8_t lead[0x2700];              /* characters that are a first byte in any set */
    uint16_t *gbk_of, *gbk_to;         /* 65536 each: code of a character, character of a code */
    uint8_t
        *common; /* a byte for each character below U+10000: 1 GB 2312's first level, 2 Big5's */
};

/* Repairs GBK faults in out->data[start..], a line, in place. */
yh_status yh_mojibake_gbk(const yh_mojibake *m, yh_buf *out, size_t start, yh_mojibake_info *info,
                          yh_err *err) YH_MUST_CHECK;
/* Appends a line in which GBK was read as Latin-1 or Windows-1252, put right; appends nothing when
 * it is none. */
yh_status yh_mojibake_latin(const yh_mojibake *m, const char *text, size_t n, yh_buf *out,
                            yh_mojibake_info *info, yh_err *err) YH_MUST_CHECK;

#endif
