/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A value depends only on (seed, stream, index), so that nothing has to be
 * saved to resume and nothing depends on the number of threads. */
#ifndef YH_BASE_RNG_H
#define YH_BASE_RNG_H

#include <stdint.h>

typedef struct yh_rng {
    uint64_t seed, stream, index;
    uint32_t out[4];
    int used;
} yh_rng;

/* 128 bits at counter (stream, index) under key seed. */
void yh_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

void yh_rng_init(yh_rng *r, uint64_t seed, uint64_t stream);
uint32_t yh_rng_u32(yh_rng *r);
uint64_t yh_rng_u64(yh_rng *r);
double yh_rng_uniform(yh_rng *r);             /* [0, 1), 53 bits */
uint64_t yh_rng_below(yh_rng *r, uint64_t n); /* [0, n), unbiased; n > 0 */
double yh_rng_normal(yh_rng *r);              /* Box-Muller */
uint64_t yh_mix64(uint64_t x);                /* splitmix64 finaliser */

#endif
