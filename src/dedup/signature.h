/* MinHash signatures (Broder 1997). Permutation i of the 64-bit shingle hashes x is
 *     x -> a_i x + b_i  mod 2^64,  a_i odd, a_i and b_i random and fixed.
 * Every one is a bijection and the x are well mixed hashes, so the minimum of each permutation is
 * that of a random one: two sets agree in it with a probability that is their Jaccard similarity.
 * No matrix of shingles x permutations: minima are kept in registers while the shingles pass. */
#ifndef YH_DEDUP_SIGNATURE_H
#define YH_DEDUP_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

enum { YH_SIGNATURE_MAX = 4096, YH_SIGNATURE_LANES = 16 };

/* Permutations in use, a multiple of YH_SIGNATURE_LANES; fill once, then read from any thread. */
typedef struct yh_signature {
    size_t n;
    uint64_t a[YH_SIGNATURE_MAX], b[YH_SIGNATURE_MAX];
} yh_signature;
/* n: wanted, at most YH_SIGNATURE_MAX; other seeds, other permutations. */
void yh_signature_init(yh_signature *s, size_t n, uint64_t seed);

/* min[0..s->n): lowered by x[0..n); start with all bits set. Uses the widest vectors that
 * yh_isa_current allows; the result is the same with any. */
void yh_signature_add(const yh_signature *s, const uint64_t *x, size_t n, uint64_t *min);

#endif
