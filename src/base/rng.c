#include <math.h>

#include "base/rng.h"

static inline void philox_round(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t n0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)b;
    c[3] = (uint32_t)a;
    c[0] = n0;
    c[2] = n2;
}

void yh_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    out[0] = (uint32_t)index;
    out[1] = (uint32_t)(index >> 32);
    out[2] = (uint32_t)stream;
    out[3] = (uint32_t)(stream >> 32);
    for (int i = 0; i < 10; i++) {
        philox_round(out, k0, k1);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

void yh_rng_init(yh_rng *r, uint64_t seed, uint64_t stream)
{
    *r = (yh_rng){seed, stream, 0, {0, 0, 0, 0}, 4};
}

uint32_t yh_rng_u32(yh_rng *r)
{
    if (r->used == 4) {
        yh_philox(r->seed, r->stream, r->index++, r->out);
        r->used = 0;
    }
    return r->out[r->used++];
}

uint64_t yh_rng_u64(yh_rng *r)
{
    uint64_t hi = yh_rng_u32(r);
    return hi << 32 | yh_rng_u32(r);
}

double yh_rng_uniform(yh_rng *r)
{
    return (double)(yh_rng_u64(r) >> 11) * 0x1p-53;
}

uint64_t yh_rng_below(yh_rng *r, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do {
        x = yh_rng_u64(r);
    } while (x >= limit);
    return x % n;
}

double yh_rng_normal(yh_rng *r)
{
    double u = 1.0 - yh_rng_uniform(r), v = yh_rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint64_t yh_mix64(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}
