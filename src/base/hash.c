#include <xxhash.h>

#include "base/alloc.h"
#include "base/hash.h"

uint64_t yh_hash64(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

yh_hash128 yh_hash128_of(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (yh_hash128){h.high64, h.low64};
}

void yh_hashset_init(yh_hashset *s)
{
    *s = (yh_hashset){NULL, 0, 0};
}

void yh_hashset_fini(yh_hashset *s)
{
    yh_free(s->slot);
    yh_hashset_init(s);
}

/* An all-zero slot is empty; the key 0 is stored as (0, 1). */
static bool insert(yh_hash128 *slot, size_t cap, yh_hash128 key)
{
    for (size_t i = (size_t)key.lo & (cap - 1);; i = (i + 1) & (cap - 1)) {
        if (slot[i].hi == key.hi && slot[i].lo == key.lo)
            return false;
        if (slot[i].hi == 0 && slot[i].lo == 0) {
            slot[i] = key;
            return true;
        }
    }
}

bool yh_hashset_add(yh_hashset *s, yh_hash128 key, bool *added)
{
    if (key.hi == 0 && key.lo == 0)
        key.lo = 1;
    if (s->cap == 0 || s->n * 10 >= s->cap * 7) {
        size_t cap = s->cap == 0 ? 1024 : s->cap * 2;
        yh_hash128 *slot = yh_calloc(cap, sizeof *slot);
        if (slot == NULL)
            return false;
        for (size_t i = 0; i < s->cap; i++)
            if (s->slot[i].hi != 0 || s->slot[i].lo != 0)
                (void)insert(slot, cap, s->slot[i]);
        yh_free(s->slot);
        s->slot = slot;
        s->cap = cap;
    }
    *added = insert(s->slot, s->cap, key);
    s->n += *added;
    return true;
}
