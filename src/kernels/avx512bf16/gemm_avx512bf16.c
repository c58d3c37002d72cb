/* 14 x 32 sums of pairs: VDPBF16PS adds two products to each float. */
#define TILE_DOT(sum, b, a) _mm512_dpbf16_ps(sum, (__m512bh)(b), (__m512bh)(a))
#include "kernels/tile512.h"

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    sums(MR, k / 2, a, 0, b, tile, add);
}

static void run_few(int64_t k, int rows, const void *a, const void *b, float *tile, bool add)
{
    sums_few(rows, k / 2, a, b, tile, add);
}

static void run_rows(int64_t k, const void *a, int64_t ld, const void *b, float *tile, bool add)
{
    sums(MR, k / 2, a, ld, b, tile, add);
}

static void run_to(int64_t k, const void *a, int64_t ld, const void *b, void *c, int64_t ldc,
                   yh_tile_end end)
{
    if (ld == 0)
        sums_to(k / 2, a, 0, b, c, ldc, end);
    else
        sums_to(k / 2, a, ld, b, c, ldc, end);
}

const yh_micro yh_gemm_bf16__avx512bf16 = {.mr = MR,
                                           .nr = NR,
                                           .unit_a = 2,
                                           .unit_b = 2,
                                           .k_align = 2,
                                           .kc = 1024,
                                           .packed = YH_BF16,
                                           .narrows = true,
                                           .run = run,
                                           .run_few = run_few,
                                           .run_rows = run_rows,
                                           .run_to = run_to};
