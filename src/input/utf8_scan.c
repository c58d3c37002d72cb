#include <string.h>

#include "input/utf8_scan.h"

size_t yh_utf8_valid_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t w;
        if (n - i >= 8) {
            memcpy(&w, p + i, 8);
            if ((w & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        uint32_t cp;
        size_t k = yh_utf8_at(p + i, n - i, &cp);
        if (k == 0)
            return i;
        i += k;
    }
    return n;
}

size_t yh_utf8_count(const char *p, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += ((uint8_t)p[i] & 0xc0) != 0x80;
    return c;
}

size_t yh_utf8_weight(const char *p, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = (uint8_t)p[i];
        if ((b & 0xc0) != 0x80)
            c += b >= 0xe3 && b != 0xef                                ? 3
                 : b == 0xef && i + 1 < n && (uint8_t)p[i + 1] >= 0xbc ? 3
                                                                       : 1;
    }
    return c;
}
