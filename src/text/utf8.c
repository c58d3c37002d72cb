#include "text/utf8.h"

int yh_utf8_decode(const uint8_t *p, size_t n, uint32_t *cp)
{
    uint32_t b = p[0], lo = 0x80, hi = 0xBF;
    int len;
    if (b < 0x80) {
        *cp = b;
        return 1;
    }
    if (b < 0xC2 || b > 0xF4)
        return -1;
    if (b < 0xE0) {
        len = 2;
        *cp = b & 0x1F;
    } else if (b < 0xF0) {
        len = 3;
        *cp = b & 0x0F;
        if (b == 0xE0)
            lo = 0xA0;
        else if (b == 0xED)
            hi = 0x9F;
    } else {
        len = 4;
        *cp = b & 0x07;
        if (b == 0xF0)
            lo = 0x90;
        else if (b == 0xF4)
            hi = 0x8F;
    }
    for (int i = 1; i < len; i++) {
        if ((size_t)i >= n || p[i] < lo || p[i] > hi)
            return -i;
        *cp = *cp << 6 | (p[i] & 0x3Fu);
        lo = 0x80;
        hi = 0xBF;
    }
    return len;
}

int yh_utf8_encode(uint32_t cp, uint8_t out[4])
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xC0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xE0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (cp & 0x3F));
    return 4;
}

size_t yh_utf8_valid(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t w;
        if (i + 8 <= n && (memcpy(&w, p + i, 8), (w & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        /* three bytes, U+1000 to U+CFFF: most of what is not ASCII */
        if (i + 3 <= n && (uint8_t)(p[i] - 0xE1) <= 0xEC - 0xE1 && (p[i + 1] & 0xC0) == 0x80 &&
            (p[i + 2] & 0xC0) == 0x80) {
            i += 3;
            continue;
        }
        uint32_t cp;
        int len = yh_utf8_decode(p + i, n - i, &cp);
        if (len < 0)
            return i;
        i += (size_t)len;
    }
    return n;
}

yh_status yh_utf8_repair(const uint8_t *p, size_t n, yh_buf *out, yh_err *err)
{
    while (n > 0) {
        size_t good = yh_utf8_valid(p, n);
        YH_TRY(yh_buf_add(out, p, good, err));
        p += good;
        n -= good;
        if (n == 0)
            break;
        uint32_t cp;
        int bad = -yh_utf8_decode(p, n, &cp);
        YH_TRY(yh_buf_add(out, "\xEF\xBF\xBD", 3, err));
        p += bad;
        n -= (size_t)bad;
    }
    return YH_OK;
}

size_t yh_utf8_partial(const uint8_t *p, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const uint8_t *q = p + n - back;
        if ((*q & 0xC0) == 0x80)
            continue;
        uint32_t cp;
        /* ill-formed up to the very end, and a first byte of something longer: may be completed */
        if (*q >= 0xC2 && *q <= 0xF4 && yh_utf8_decode(q, back, &cp) == -(int)back)
            return back;
        return 0;
    }
    return 0;
}
