/* Sorting more records than memory holds: runs on disk, then one merge. Records have a fixed size;
 * their order is that of memcmp, so the result does not depend on the order of adding, on threads
 * or on the memory limit. Store integers big-endian (yh_sort_put64). Files are temporary and live
 * in `dir`; nothing of them is kept for a later run.
 */
#ifndef YH_BASE_SORTER_H
#define YH_BASE_SORTER_H

#include "base/alloc.h"

typedef struct yh_sorter yh_sorter;

/* size: bytes of a record, a multiple of 4, at most 256. memory: bytes that it may hold; a few
 * records a thread are the least. Callers of _add sort and write runs themselves, several at a
 * time; the pool (may be NULL) says how many there can be and sorts what was never written, in
 * _finish, where it must be free. */
yh_status yh_sorter_create(yh_sorter **out, size_t size, uint64_t memory, const char *dir,
                           yh_pool *pool, yh_err *err) YH_MUST_CHECK;
/* Adds n records; any thread, also those of the pool. Many at once are cheaper. */
yh_status yh_sorter_add(yh_sorter *s, const void *records, size_t n, yh_err *err) YH_MUST_CHECK;
/* Ends adding. Afterwards _next gives blocks of records in order: *n of them at *records, valid
 * until the next call; 0 at the end. One thread. */
yh_status yh_sorter_finish(yh_sorter *s, yh_err *err) YH_MUST_CHECK;
yh_status yh_sorter_next(yh_sorter *s, const uint8_t **records, size_t *n,
                         yh_err *err) YH_MUST_CHECK;
/* After _finish: _next begins anew. */
yh_status yh_sorter_rewind(yh_sorter *s, yh_err *err) YH_MUST_CHECK;
uint64_t yh_sorter_count(const yh_sorter *s);
void yh_sorter_free(yh_sorter *s); /* removes its files */

/* Collects records of one thread, so that the sorter is asked for many at once. */
typedef struct yh_batch {
    yh_sorter *s; /* set it and size; n = 0 */
    size_t size, n;
    uint8_t bytes[1 << 14];
} yh_batch;
static inline yh_status yh_batch_flush(yh_batch *b, yh_err *err)
{
    size_t n = b->n;
    b->n = 0;
    return n > 0 ? yh_sorter_add(b->s, b->bytes, n, err) : YH_OK;
}
/* *r: place for the next record, to be filled before the next call. */
static inline yh_status yh_batch_add(yh_batch *b, uint8_t **r, yh_err *err)
{
    if ((b->n + 1) * b->size > sizeof b->bytes)
        YH_TRY(yh_batch_flush(b, err));
    *r = b->bytes + b->n++ * b->size;
    return YH_OK;
}

static inline void yh_sort_put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}
static inline uint64_t yh_sort_get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}
static inline void yh_sort_put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}
static inline uint32_t yh_sort_get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

#endif
