#include "base/sort_records.h"

#include <string.h>

#include "base/sorter.h"

enum { FEW = 24, DEPTH_MAX = 16, SIZE_MAX_ = 256 };

typedef void (*sort_fn)(uint8_t *p, size_t n, size_t size, size_t byte, int depth);

/* All bodies are inlined into one function per record size, so that copies are a few moves. */
#define INLINE static inline __attribute__((always_inline))

/* Whether record a comes before b; both are equal before `byte`. */
INLINE int less(const uint8_t *a, const uint8_t *b, size_t size, size_t byte)
{
    if (size >= 8) {
        size_t at = byte < size - 8 ? byte : size - 8;
        uint64_t x = yh_sort_get64(a + at), y = yh_sort_get64(b + at);
        if (x != y)
            return x < y;
    }
    return memcmp(a, b, size) < 0;
}

INLINE void swap(uint8_t *a, uint8_t *b, size_t size)
{
    uint8_t t[SIZE_MAX_];
    memcpy(t, a, size);
    memcpy(a, b, size);
    memcpy(b, t, size);
}

INLINE void insertion(uint8_t *p, size_t n, size_t size, size_t byte)
{
    uint8_t t[SIZE_MAX_];
    for (size_t i = 1; i < n; i++) {
        if (!less(p + i * size, p + (i - 1) * size, size, byte))
            continue;
        size_t j = i;
        memcpy(t, p + i * size, size);
        do {
            memcpy(p + j * size, p + (j - 1) * size, size);
            j--;
        } while (j > 0 && less(t, p + (j - 1) * size, size, byte));
        memcpy(p + j * size, t, size);
    }
}

static void sift(uint8_t *p, size_t i, size_t n, size_t size, size_t byte)
{
    for (size_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && less(p + c * size, p + (c + 1) * size, size, byte))
            c++;
        if (!less(p + i * size, p + c * size, size, byte))
            return;
        swap(p + i * size, p + c * size, size);
    }
}

static void heap(uint8_t *p, size_t n, size_t size, size_t byte)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(p, i, n, size, byte);
    for (size_t k = n; k-- > 1;) {
        swap(p, p + k * size, size);
        sift(p, 0, k, size, byte);
    }
}

/* Puts every record into the bucket of its digit. next: first place of each bucket. */
INLINE void distribute(uint8_t *p, size_t size, size_t byte, size_t next[256],
                       const size_t end[256])
{
    uint8_t t[SIZE_MAX_];
    for (int d = 0; d < 256; d++)
        while (next[d] < end[d]) {
            uint8_t *at = p + next[d] * size;
            int k = at[byte];
            if (k == d) {
                next[d]++;
                continue;
            }
            memcpy(t, at, size);
            do { /* follow the cycle until a record of this bucket turns up */
                uint8_t *to = p + next[k]++ * size;
                int k2 = to[byte];
                swap(t, to, size);
                k = k2;
            } while (k != d);
            memcpy(at, t, size);
            next[d]++;
        }
}

INLINE void sort_body(uint8_t *p, size_t n, size_t size, size_t byte, int depth, sort_fn self)
{
    for (; byte < size; byte++) {
        size_t next[256] = {0}, end[256], at = 0;
        if (n <= FEW) {
            insertion(p, n, size, byte);
            return;
        }
        if (depth == DEPTH_MAX) {
            heap(p, n, size, byte);
            return;
        }
        for (size_t i = 0; i < n; i++)
            next[p[i * size + byte]]++;
        if (next[p[byte]] == n)
            continue; /* all alike here */
        for (int d = 0; d < 256; d++) {
            size_t k = next[d];
            next[d] = at;
            at += k;
            end[d] = at;
        }
        distribute(p, size, byte, next, end);
        for (int d = 0; d < 256; d++) {
            size_t begin = d == 0 ? 0 : end[d - 1];
            if (end[d] - begin > 1)
                self(p + begin * size, end[d] - begin, size, byte + 1, depth + 1);
        }
        return;
    }
}

/* NOLINTBEGIN(misc-no-recursion): the depth is at most DEPTH_MAX */
#define FOR_SIZE(N)                                                                                \
    static void sort_##N(uint8_t *p, size_t n, size_t size, size_t byte, int depth)                \
    {                                                                                              \
        (void)size;                                                                                \
        sort_body(p, n, N, byte, depth, sort_##N);                                                 \
    }
FOR_SIZE(8)
FOR_SIZE(16)
FOR_SIZE(24)
FOR_SIZE(28)
FOR_SIZE(32)
FOR_SIZE(48)

static void sort_any(uint8_t *p, size_t n, size_t size, size_t byte, int depth)
{
    sort_body(p, n, size, byte, depth, sort_any);
}
/* NOLINTEND(misc-no-recursion) */

void yh_sort_records(uint8_t *p, size_t n, size_t size)
{
    sort_fn fn = size == 8    ? sort_8
                 : size == 16 ? sort_16
                 : size == 24 ? sort_24
                 : size == 28 ? sort_28
                 : size == 32 ? sort_32
                 : size == 48 ? sort_48
                              : sort_any;
    if (n > 1)
        fn(p, n, size, 0, 0);
}
