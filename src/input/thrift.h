/* Thrift's compact protocol, reading: what Parquet's footers and page headers are written in. A
 * fault sets `bad` and stops everything; nothing reads beyond `end`. */
#ifndef YH_INPUT_THRIFT_H
#define YH_INPUT_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct yh_thrift {
    const uint8_t *p, *end;
    bool bad;
} yh_thrift;

enum {
    YH_THRIFT_TRUE = 1,
    YH_THRIFT_FALSE,
    YH_THRIFT_BYTE,
    YH_THRIFT_I16,
    YH_THRIFT_I32,
    YH_THRIFT_I64,
    YH_THRIFT_DOUBLE,
    YH_THRIFT_BINARY,
    YH_THRIFT_LIST,
    YH_THRIFT_SET,
    YH_THRIFT_MAP,
    YH_THRIFT_STRUCT
};

uint64_t yh_thrift_varint(yh_thrift *t);
int64_t yh_thrift_int(yh_thrift *t); /* zigzag */
/* The next field of a struct; false at its end. *id is 0 before the first. */
bool yh_thrift_field(yh_thrift *t, int *id, int *type);
/* Elements of a list; each takes at least a byte, so a count that cannot be is `bad`. */
size_t yh_thrift_list(yh_thrift *t, int *type);
const char *yh_thrift_binary(yh_thrift *t, size_t *n);
/* Passes over a value. Nesting is limited. */
void yh_thrift_skip(yh_thrift *t, int type);

#endif
