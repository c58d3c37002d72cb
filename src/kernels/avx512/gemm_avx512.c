/* 14 x 32 sums: 28 of the 32 registers accumulate. */
#include <immintrin.h>

#include "kernels/gemm_parts.h"

enum { MR = 14, NR = 32 };

/* In a panel the rows lie side by side; in place, ld floats apart. */
static inline __attribute__((always_inline)) void sums(int64_t k, const float *a, int64_t ld,
                                                       const float *b, float *tile, bool add)
{
    const bool panel = ld == 0;
    const float *row[(MR + 2) / 3];
    __m512 s[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++) {
        s[i][0] = add ? _mm512_load_ps(tile + i * NR) : _mm512_setzero_ps();
        s[i][1] = add ? _mm512_load_ps(tile + i * NR + 16) : _mm512_setzero_ps();
    }
#pragma GCC unroll 5
    for (int i = 0; i < MR; i += 3)
        row[i / 3] = a + (panel ? 1 : ld) * i;
    for (int64_t p = 0; p < k; p++, b += NR) {
        const __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + 16);
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            const float *at = row[i / 3] + (panel ? 1 : ld) * (i % 3);
            const __m512 x = _mm512_set1_ps(*at);
            s[i][0] = _mm512_fmadd_ps(x, b0, s[i][0]);
            s[i][1] = _mm512_fmadd_ps(x, b1, s[i][1]);
        }
#pragma GCC unroll 5
        for (int i = 0; i < MR; i += 3)
            row[i / 3] += panel ? MR : 1;
    }
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++) {
        _mm512_store_ps(tile + i * NR, s[i][0]);
        _mm512_store_ps(tile + i * NR + 16, s[i][1]);
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

const yh_micro yh_gemm_f32__avx512 = {.mr = MR,
                                      .nr = NR,
                                      .unit_a = 1,
                                      .unit_b = 1,
                                      .k_align = 1,
                                      .kc = 384,
                                      .packed = YH_F32,
                                      .run = run,
                                      .run_rows = run_rows};
