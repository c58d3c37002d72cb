/* A trie of byte strings in one array: each step is one load and one comparison.
 * Double array with exclusive or instead of a sum (Kanda and others, "Fast compact double-array
 * tries", 2017): the child of a node by byte c is at link[node].base ^ c, and it is a child when
 * its label is c, as no two nodes have the same base. */
#ifndef YH_TEXT_DATRIE_H
#define YH_TEXT_DATRIE_H

#include "base/alloc.h"

#define YH_DATRIE_NONE UINT32_MAX
#define YH_DATRIE_BY   0x80000000u /* a value with this bit is nobody's prefix */

typedef struct yh_datrie_key {
    const char *text; /* may be empty; no two keys are the same text */
    uint32_t len, value;
} yh_datrie_key;

typedef struct yh_datrie_node {
    uint32_t link; /* base << 9 | 256 when the slot is used | label */
    uint32_t value;
} yh_datrie_node;

/* Immutable once built; any number of threads may read. Node 0 is the root. */
typedef struct yh_datrie {
    yh_datrie_node *node;
    uint32_t slots; /* a multiple of 256 */
} yh_datrie;

/* Builds the trie of n keys, whose order is changed. prefix: NULL, or indexed by value, gets the
 * value of the longest key that is a proper prefix of each key, or YH_DATRIE_NONE; keys whose value
 * has YH_DATRIE_BY are left out of that.
 * YH_LIMIT: too many nodes. t needs no yh_datrie_fini when this failed. */
yh_status yh_datrie_build(yh_datrie *t, yh_datrie_key *key, size_t n, uint32_t *prefix,
                          yh_err *err) YH_MUST_CHECK;
void yh_datrie_fini(yh_datrie *t);

/* The child of `at` by byte c, or 0. */
static inline uint32_t yh_datrie_child(const yh_datrie *t, uint32_t at, uint8_t c)
{
    uint32_t to = t->node[at].link >> 9 ^ c;
    return (t->node[to].link & 0x1FF) == (c | 0x100u) ? to : 0;
}

#endif
