/* Hashes (xxHash). */
#ifndef YH_BASE_HASH_H
#define YH_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct yh_hash128 {
    uint64_t hi, lo;
} yh_hash128;
uint64_t yh_hash64(const void *p, size_t n, uint64_t seed); /* XXH3 64 */
yh_hash128 yh_hash128_of(const void *p, size_t n);          /* XXH3 128 */
/* Set of 128-bit keys; grows. Returns false when memory is short (*added unset). */
typedef struct yh_hashset {
    yh_hash128 *slot;
    size_t cap, n;
} yh_hashset;
void yh_hashset_init(yh_hashset *s);
void yh_hashset_fini(yh_hashset *s);
_Bool yh_hashset_add(yh_hashset *s, yh_hash128 key, _Bool *added);

#endif
