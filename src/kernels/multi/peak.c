/* Independent chains of multiply-adds on registers: enough of them to cover the latency. */
#include "kernels/peak.h"
#include "kernels/vec.h"
#ifdef __AMX_BF16__
#include "kernels/amx/tile.h"
#endif

/* Keeps a value in a register and hides it from the optimiser. */
#if defined(__AVX512F__)
#define HIDE(v) __asm__ volatile("" : "+v"(v))
#elif defined(__AVX2__)
#define HIDE(v) __asm__ volatile("" : "+x"(v))
#else
#define HIDE(v) __asm__ volatile("" : "+m"(v))
#endif

enum { CHAINS = 12 };

double YH_KERNEL(peak_f32)(int64_t rounds, float *sink)
{
    static const float start[VL] = {1.0f};
#ifdef __AVX2__
    vf s[CHAINS];
    vf x = v_load(start), y = v_load(start);
    HIDE(x);
    HIDE(y);
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        s[i] = x;
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            s[i] = v_fma(x, y, s[i]);
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            HIDE(s[i]);
    }
#pragma GCC unroll 12
    for (int i = 1; i < CHAINS; i++) /* unrolled, or the sums would live in memory */
        s[0] += s[i];
    *sink = v_sum((vf)s[0]);
    return 2.0 * CHAINS * VL * (double)rounds;
#else
    /* as the compiler vectorises plain C: eight chains of four */
    float s[32], x = start[0], y = start[0];
    HIDE(x);
    HIDE(y);
    for (int i = 0; i < 32; i++)
        s[i] = x;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < 32; i++)
            s[i] = s[i] * x + y;
    float sum = 0;
    for (int i = 0; i < 32; i++)
        sum += s[i];
    *sink = sum;
    return 2.0 * 32 * (double)rounds;
#endif
}

#if defined(__AMX_BF16__)
double YH_KERNEL(peak_bf16)(int64_t rounds, float *sink)
{
    _Alignas(64) static const char zeros[16][64];
    _Alignas(64) float out[16][16];
    tile_enter();
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    tile_load(4, zeros, 64);
    tile_load(5, zeros, 64);
    tile_load(6, zeros, 64);
    tile_load(7, zeros, 64);
    for (int64_t r = 0; r < rounds; r++) {
        tile_dot_bf16(0, 4, 6);
        tile_dot_bf16(1, 4, 7);
        tile_dot_bf16(2, 5, 6);
        tile_dot_bf16(3, 5, 7);
    }
    tile_store(0, out, 64);
    tile_leave();
    *sink = out[0][0];
    return 4.0 * 2 * 16 * 16 * 32 * (double)rounds;
}
#elif defined(__AVX512BF16__)
double YH_KERNEL(peak_bf16)(int64_t rounds, float *sink)
{
    __m512 s[CHAINS];
    __m512i x = _mm512_set1_epi32(0x3f803f80);
    HIDE(x);
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        s[i] = _mm512_setzero_ps();
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            s[i] = _mm512_dpbf16_ps(s[i], (__m512bh)x, (__m512bh)x);
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            HIDE(s[i]);
    }
#pragma GCC unroll 12
    for (int i = 1; i < CHAINS; i++) /* unrolled, or the sums would live in memory */
        s[0] += s[i];
    *sink = v_sum((vf)s[0]);
    return 4.0 * CHAINS * VL * (double)rounds;
}
#else
double YH_KERNEL(peak_bf16)(int64_t rounds, float *sink)
{
    (void)rounds;
    *sink = 0;
    return 0;
}
#endif

uint64_t YH_KERNEL(peak_read)(const void *p, size_t n)
{
    const uint64_t *q = p;
    uint64_t x[8] = {0};
    for (size_t i = 0; i < n / 64; i++)
        for (int k = 0; k < 8; k++)
            x[k] ^= q[8 * i + (size_t)k];
    return x[0] ^ x[1] ^ x[2] ^ x[3] ^ x[4] ^ x[5] ^ x[6] ^ x[7];
}
