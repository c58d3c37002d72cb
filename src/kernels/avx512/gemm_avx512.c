/* 14 x 32 sums of floats. */
#include "kernels/tile512.h"

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    sums(MR, k, a, 0, b, tile, add);
}

static void run_few(int64_t k, int rows, const void *a, const void *b, float *tile, bool add)
{
    sums_few(rows, k, a, b, tile, add);
}

static void run_rows(int64_t k, const void *a, int64_t ld, const void *b, float *tile, bool add)
{
    sums(MR, k, a, ld, b, tile, add);
}

static void run_to(int64_t k, const void *a, int64_t ld, const void *b, void *c, int64_t ldc,
                   yh_tile_end end)
{
    if (ld == 0)
        sums_to(k, a, 0, b, c, ldc, end);
    else
        sums_to(k, a, ld, b, c, ldc, end);
}

const yh_micro yh_gemm_f32__avx512 = {.mr = MR,
                                      .nr = NR,
                                      .unit_a = 1,
                                      .unit_b = 1,
                                      .k_align = 1,
                                      .kc = 384,
                                      .packed = YH_F32,
                                      .run = run,
                                      .run_few = run_few,
                                      .run_rows = run_rows,
                                      .run_to = run_to};
