/* 14 x 32 sums of pairs: VDPBF16PS adds two products to each float. */
#include <immintrin.h>
#include <string.h>

#include "kernels/gemm_parts.h"

enum { MR = 14, NR = 32 };

static inline __m512bh pairs(const void *p)
{
    return (__m512bh)_mm512_load_si512(p);
}

/* In a panel the rows' pairs lie side by side; in place, ld bytes apart. */
static inline __attribute__((always_inline)) void sums(int64_t k, const void *a, int64_t ld,
                                                       const void *b, float *tile, bool add)
{
    const bool panel = ld == 0;
    const int32_t *pb = b; /* one pair each */
    const char *row[(MR + 2) / 3];
    __m512 s[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++) {
        s[i][0] = add ? _mm512_load_ps(tile + i * NR) : _mm512_setzero_ps();
        s[i][1] = add ? _mm512_load_ps(tile + i * NR + 16) : _mm512_setzero_ps();
    }
#pragma GCC unroll 5
    for (int i = 0; i < MR; i += 3)
        row[i / 3] = (const char *)a + (panel ? 4 : ld) * i;
    for (int64_t p = 0; p < k; p += 2, pb += NR) {
        const __m512bh b0 = pairs(pb), b1 = pairs(pb + 16);
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            int32_t pair;
            memcpy(&pair, row[i / 3] + (panel ? 4 : ld) * (i % 3), sizeof pair);
            const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
            s[i][0] = _mm512_dpbf16_ps(s[i][0], b0, x);
            s[i][1] = _mm512_dpbf16_ps(s[i][1], b1, x);
        }
#pragma GCC unroll 5
        for (int i = 0; i < MR; i += 3)
            row[i / 3] += panel ? 4 * MR : 4;
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
    sums(k, a, ld, b, tile, add);
}

const yh_micro yh_gemm_bf16__avx512bf16 = {.mr = MR,
                                           .nr = NR,
                                           .unit_a = 2,
                                           .unit_b = 2,
                                           .k_align = 2,
                                           .kc = 1024,
                                           .packed = YH_BF16,
                                           .run = run,
                                           .run_rows = run_rows};
