/* The two packings of small numbers in Parquet: RLE/bit-packing hybrid and delta binary packing
 * (Encodings.md of the format's description). */
#include "input/parquet.h"
#include "input/thrift.h"

bool yh_parquet_hybrid(const uint8_t *p, size_t size, int width, uint32_t *out, size_t n)
{
    yh_thrift t = {.p = p, .end = p + size};
    size_t k = 0;
    if (width == 0) {
        memset(out, 0, n * sizeof *out);
        return true;
    }
    if (width > 32)
        return false;
    uint64_t mask = width == 32 ? UINT32_MAX : ((uint64_t)1 << width) - 1;
    while (k < n) {
        uint64_t head = yh_thrift_varint(&t), count = head >> 1;
        if (t.bad || count == 0)
            return false;
        if ((head & 1) == 0) { /* one value, many times */
            size_t bytes = ((size_t)width + 7) / 8;
            uint64_t v = 0;
            if ((size_t)(t.end - t.p) < bytes)
                return false;
            for (size_t i = 0; i < bytes; i++)
                v |= (uint64_t)t.p[i] << (8 * i);
            t.p += bytes;
            for (; count > 0 && k < n; count--)
                out[k++] = (uint32_t)(v & mask);
            continue;
        }
        uint64_t have = 0; /* groups of eight */
        int bits = 0;
        for (uint64_t i = 0; i < count && k < n; i++) {
            const uint8_t *group = t.p;
            size_t room = (size_t)(t.end - t.p);
            size_t take = room < (size_t)width ? room : (size_t)width, b = 0;
            have = 0;
            bits = 0;
            for (int j = 0; j < 8 && k < n; j++) {
                while (bits < width && b < take) {
                    have |= (uint64_t)group[b++] << bits;
                    bits += 8;
                }
                if (bits < width)
                    return false;
                out[k++] = (uint32_t)(have & mask);
                have >>= width;
                bits -= width;
            }
            t.p += take;
        }
    }
    return true;
}

bool yh_parquet_delta(const uint8_t *p, size_t size, int64_t *out, size_t n, size_t *used)
{
    yh_thrift t = {.p = p, .end = p + size};
    uint64_t block = yh_thrift_varint(&t), minis = yh_thrift_varint(&t);
    uint64_t total = yh_thrift_varint(&t);
    uint64_t v = (uint64_t)yh_thrift_int(&t);
    if (t.bad || total != n || block == 0 || block > 1 << 20 || minis == 0 || minis > 512 ||
        block % minis != 0 || block / minis % 8 != 0)
        return false;
    size_t per = (size_t)(block / minis), k = 0;
    if (n > 0)
        out[k++] = (int64_t)v;
    while (k < n) {
        uint64_t least = (uint64_t)yh_thrift_int(&t);
        const uint8_t *width = t.p;
        if (t.bad || (uint64_t)(t.end - t.p) < minis)
            return false;
        t.p += minis;
        for (uint64_t m = 0; m < minis && k < n; m++) {
            size_t w = width[m], bytes = w * per / 8;
            if (w > 64 || (size_t)(t.end - t.p) < bytes)
                return false;
            for (size_t i = 0; i < per && k < n; i++) {
                uint64_t d = 0;
                for (size_t bit = i * w, got = 0; got < w;) {
                    size_t shift = (bit + got) % 8, take = 8 - shift;
                    if (take > w - got)
                        take = w - got;
                    d |= ((uint64_t)t.p[(bit + got) / 8] >> shift & ((1u << take) - 1)) << got;
                    got += take;
                }
                v += least + d;
                out[k++] = (int64_t)v;
            }
            t.p += bytes;
        }
    }
    *used = (size_t)(t.p - p);
    return true;
}
