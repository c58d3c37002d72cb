#include "input/thrift.h"

enum { DEPTH = 32 };

static uint8_t byte(yh_thrift *t)
{
    if (t->p >= t->end) {
        t->bad = true;
        return 0;
    }
    return *t->p++;
}

uint64_t yh_thrift_varint(yh_thrift *t)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = byte(t);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
    t->bad = true;
    return 0;
}

int64_t yh_thrift_int(yh_thrift *t)
{
    uint64_t v = yh_thrift_varint(t);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

bool yh_thrift_field(yh_thrift *t, int *id, int *type)
{
    uint8_t b = byte(t);
    if (t->bad || b == 0)
        return false;
    *type = b & 15;
    if (b >> 4 != 0)
        *id += b >> 4;
    else
        *id = (int)(int16_t)yh_thrift_int(t);
    return !t->bad;
}

size_t yh_thrift_list(yh_thrift *t, int *type)
{
    uint8_t b = byte(t);
    uint64_t n = b >> 4;
    *type = b & 15;
    if (n == 15)
        n = yh_thrift_varint(t);
    if (t->bad || n > (uint64_t)(t->end - t->p)) {
        t->bad = true;
        return 0;
    }
    return (size_t)n;
}

const char *yh_thrift_binary(yh_thrift *t, size_t *n)
{
    uint64_t len = yh_thrift_varint(t);
    *n = 0;
    if (t->bad || len > (uint64_t)(t->end - t->p)) {
        t->bad = true;
        return "";
    }
    const char *p = (const char *)t->p;
    *n = (size_t)len;
    t->p += len;
    return p;
}

/* One value without parts; false: it has parts. */
static bool skip_simple(yh_thrift *t, int type, bool in_list)
{
    size_t n;
    switch (type) {
    case YH_THRIFT_TRUE:
    case YH_THRIFT_FALSE:
        if (in_list)
            (void)byte(t);
        return true;
    case YH_THRIFT_BYTE:
        (void)byte(t);
        return true;
    case YH_THRIFT_I16:
    case YH_THRIFT_I32:
    case YH_THRIFT_I64:
        (void)yh_thrift_varint(t);
        return true;
    case YH_THRIFT_DOUBLE:
        if (t->end - t->p < 8)
            t->bad = true;
        else
            t->p += 8;
        return true;
    case YH_THRIFT_BINARY:
        (void)yh_thrift_binary(t, &n);
        return true;
    default:
        return false;
    }
}

void yh_thrift_skip(yh_thrift *t, int type)
{
    struct {
        uint64_t left; /* values to come; UINT64_MAX: a struct */
        int type[2];   /* of them, in turn: a map's keys and values */
        int id;
    } level[DEPTH];
    int depth = 0;
    bool in_list = false;
    for (;;) {
        if (t->bad)
            return;
        if (!skip_simple(t, type, in_list)) {
            if (depth == DEPTH) {
                t->bad = true;
                return;
            }
            level[depth].id = 0;
            if (type == YH_THRIFT_STRUCT) {
                level[depth].left = UINT64_MAX;
            } else if (type == YH_THRIFT_LIST || type == YH_THRIFT_SET) {
                level[depth].left = yh_thrift_list(t, &level[depth].type[0]);
                level[depth].type[1] = level[depth].type[0];
            } else if (type == YH_THRIFT_MAP) {
                uint64_t n = yh_thrift_varint(t);
                uint8_t kinds = n > 0 ? byte(t) : 0;
                if (n > (uint64_t)(t->end - t->p))
                    t->bad = true;
                level[depth].left = 2 * n;
                level[depth].type[0] = kinds >> 4; /* `left` is even before a key */
                level[depth].type[1] = kinds & 15;
            } else {
                t->bad = true;
            }
            depth++;
        }
        for (;;) { /* what comes next */
            if (depth == 0 || t->bad)
                return;
            if (level[depth - 1].left == UINT64_MAX) {
                if (yh_thrift_field(t, &level[depth - 1].id, &type)) {
                    in_list = false;
                    break;
                }
            } else if (level[depth - 1].left > 0) {
                type = level[depth - 1].type[level[depth - 1].left-- & 1];
                in_list = true;
                break;
            }
            depth--;
        }
    }
}
