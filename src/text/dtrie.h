/* A double-array trie over bytes: from keys to numbers, one memory access a byte. Immutable once it
 * is built. */
#ifndef YH_TEXT_DTRIE_H
#define YH_TEXT_DTRIE_H

#include "base/alloc.h"

#define YH_DTRIE_NONE UINT32_MAX

typedef struct yh_dtrie_node {
    uint32_t base, check; /* child by byte b: base ^ b, whose check is this node */
    uint32_t value;       /* YH_DTRIE_NONE: no key ends here */
} yh_dtrie_node;
typedef struct yh_dtrie {
    yh_dtrie_node *node; /* a multiple of 256; node 0 is the root */
    size_t n;
} yh_dtrie;
typedef struct yh_dtrie_key {
    const char *p;
    uint32_t len, value;
} yh_dtrie_key;

/* Sorts the keys, which need to live only for the call. Of equal keys the one with the highest
 * value counts. An empty key is the root's value. */
yh_status yh_dtrie_build(yh_dtrie *t, yh_dtrie_key *key, size_t n, yh_err *err) YH_MUST_CHECK;
void yh_dtrie_fini(yh_dtrie *t);

/* The node behind `at` by a byte; false: there is none. */
static inline bool yh_dtrie_step(const yh_dtrie *t, uint32_t *at, uint8_t byte)
{
    uint32_t to = t->node[*at].base ^ byte;
    if (t->node[to].check != *at)
        return false;
    *at = to;
    return true;
}
/* Value of a key, or YH_DTRIE_NONE. */
uint32_t yh_dtrie_get(const yh_dtrie *t, const char *p, size_t n);

#endif
