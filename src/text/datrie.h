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
    const char *text; /* may be empty */
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

/* Builds the trie of n keys, which need to live only for the call; of those with equal texts the
 * one with the highest value counts. prefix: NULL, or indexed by value, gets the
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
/* Value of a text, or YH_DATRIE_NONE. */
uint32_t yh_datrie_get(const yh_datrie *t, const char *text, size_t n);
/* The longest key that p[0..n) begins with, from node `at` on: its length, 0: none; *value: its
 * value. */
static inline size_t yh_datrie_longest(const yh_datrie *t, uint32_t at, const uint8_t *p, size_t n,
                                       uint32_t *value)
{
    size_t found = 0;
    for (size_t i = 0; i < n && (at = yh_datrie_child(t, at, p[i])) != 0; i++)
        if (t->node[at].value != YH_DATRIE_NONE) {
            found = i + 1;
            *value = t->node[at].value;
        }
    return found;
}

#endif
