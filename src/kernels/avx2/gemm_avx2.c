/* 6 x 16 sums: 12 of the 16 registers accumulate. */
#include <immintrin.h>

#include "kernels/gemm_parts.h"

enum { MR = 6, NR = 16 };

/* In a panel the rows lie side by side; in place, ld floats apart. */
static inline __attribute__((always_inline)) void sums(int64_t k, const float *a, int64_t ld,
                                                       const float *b, float *tile, bool add)
{
    const bool panel = ld == 0;
    const float *row[(MR + 2) / 3];
    __m256 s[MR][2];
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
        s[i][0] = add ? _mm256_load_ps(tile + i * NR) : _mm256_setzero_ps();
        s[i][1] = add ? _mm256_load_ps(tile + i * NR + 8) : _mm256_setzero_ps();
    }
#pragma GCC unroll 2
    for (int i = 0; i < MR; i += 3)
        row[i / 3] = a + (panel ? 1 : ld) * i;
    for (int64_t p = 0; p < k; p++, b += NR) {
        const __m256 b0 = _mm256_load_ps(b), b1 = _mm256_load_ps(b + 8);
#pragma GCC unroll 6
        for (int i = 0; i < MR; i++) {
            const float *at = row[i / 3] + (panel ? 1 : ld) * (i % 3);
            const __m256 x = _mm256_broadcast_ss(at);
            s[i][0] = _mm256_fmadd_ps(x, b0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, b1, s[i][1]);
        }
#pragma GCC unroll 2
        for (int i = 0; i < MR; i += 3)
            row[i / 3] += panel ? MR : 1;
    }
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
        _mm256_store_ps(tile + i * NR, s[i][0]);
        _mm256_store_ps(tile + i * NR + 8, s[i][1]);
    }
}

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    sums(k, a, 0, b, tile, add);
}

static void run_rows(int64_t k, const void *a, int64_t ld, const void *b, float *tile, bool add)
{
    sums(k, a, ld / (int64_t)sizeof(float), b, tile, add);
}

const yh_micro yh_gemm_f32__avx2 = {.mr = MR,
                                    .nr = NR,
                                    .unit_a = 1,
                                    .unit_b = 1,
                                    .k_align = 1,
                                    .kc = 256,
                                    .packed = YH_F32,
                                    .run = run,
                                    .run_rows = run_rows};
