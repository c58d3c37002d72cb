/* 6 x 16 sums: 12 of the 16 registers accumulate. */
#include <immintrin.h>

#include "kernels/gemm_parts.h"

enum { MR = 6, NR = 16 };

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    const float *pa = a, *pb = b;
    __m256 s[MR][2];
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
        s[i][0] = add ? _mm256_load_ps(tile + i * NR) : _mm256_setzero_ps();
        s[i][1] = add ? _mm256_load_ps(tile + i * NR + 8) : _mm256_setzero_ps();
    }
    for (int64_t p = 0; p < k; p++, pa += MR, pb += NR) {
        const __m256 b0 = _mm256_load_ps(pb), b1 = _mm256_load_ps(pb + 8);
#pragma GCC unroll 6
        for (int i = 0; i < MR; i++) {
            const __m256 x = _mm256_broadcast_ss(pa + i);
            s[i][0] = _mm256_fmadd_ps(x, b0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, b1, s[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
        _mm256_store_ps(tile + i * NR, s[i][0]);
        _mm256_store_ps(tile + i * NR + 8, s[i][1]);
    }
}

const yh_micro yh_gemm_f32__avx2 = {.mr = MR,
                                    .nr = NR,
                                    .unit_a = 1,
                                    .unit_b = 1,
                                    .k_align = 1,
                                    .kc = 256,
                                    .packed = YH_F32,
                                    .run = run};
