#include "input/snappy.h"

#include <string.h>

/* Copies from `back` bytes before; the two may overlap, which repeats a pattern. */
static void copy(uint8_t *to, size_t back, size_t len)
{
    const uint8_t *from = to - back;
    if (back >= len) {
        memcpy(to, from, len);
        return;
    }
    for (size_t i = 0; i < len; i++)
        to[i] = from[i];
}

bool yh_snappy(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    size_t at = 0, made = 0;
    uint64_t whole = 0;
    for (int shift = 0;; shift += 7) { /* the length, once more */
        if (at == n || shift > 28)
            return false;
        whole |= (uint64_t)(in[at] & 0x7f) << shift;
        if (in[at++] < 0x80)
            break;
    }
    if (whole != size)
        return false;
    while (at < n) {
        uint8_t tag = in[at++];
        size_t len, back;
        if ((tag & 3) == 0) { /* literal */
            len = (size_t)(tag >> 2);
            if (len >= 60) {
                size_t k = len - 59;
                if (n - at < k)
                    return false;
                len = 0;
                for (size_t i = 0; i < k; i++)
                    len |= (size_t)in[at + i] << (8 * i);
                at += k;
            }
            len++;
            if (len > n - at || len > size - made)
                return false;
            memcpy(out + made, in + at, len);
            at += len;
            made += len;
            continue;
        }
        size_t k = (tag & 3) == 1 ? 1 : (tag & 3) == 2 ? 2 : 4;
        if (n - at < k)
            return false;
        back = in[at];
        for (size_t i = 1; i < k; i++)
            back |= (size_t)in[at + i] << (8 * i);
        at += k;
        len = (size_t)(tag >> 2) + 1;
        if (k == 1) {
            len = (size_t)(tag >> 2 & 7) + 4;
            back |= (size_t)(tag >> 5) << 8;
        }
        if (back == 0 || back > made || len > size - made)
            return false;
        copy(out + made, back, len);
        made += len;
    }
    return made == size;
}
