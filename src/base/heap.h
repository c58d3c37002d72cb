/* A binary heap of keys, the least one first, in an array of the caller's. */
#ifndef YH_BASE_HEAP_H
#define YH_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

static inline void yh_heap_sift(uint64_t *h, size_t n, size_t i)
{
    const uint64_t v = h[i];
    for (size_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && h[c + 1] < h[c])
            c++;
        if (h[c] >= v)
            break;
        h[i] = h[c];
    }
    h[i] = v;
}

/* Puts n keys in order. */
static inline void yh_heap_make(uint64_t *h, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        yh_heap_sift(h, n, i);
}

/* Takes the least of *n > 0 keys out. */
static inline uint64_t yh_heap_pop(uint64_t *h, size_t *n)
{
    const uint64_t least = h[0];
    h[0] = h[--*n];
    if (*n > 0)
        yh_heap_sift(h, *n, 0);
    return least;
}

/* Adds a key; h has room for it. */
static inline void yh_heap_push(uint64_t *h, size_t *n, uint64_t v)
{
    size_t i = (*n)++;
    for (; i > 0 && h[(i - 1) / 2] > v; i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = v;
}

#endif
