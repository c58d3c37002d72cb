/* Plain C micro-kernel: what the others are compared with. */
#include "kernels/gemm_parts.h"

enum { MR = 4, NR = 8 };

static void sums(int64_t k, const float *a, int64_t row, int64_t step, const float *b, float *tile,
                 bool add)
{
    float sum[MR][NR] = {{0}};
    if (add)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] = tile[i * NR + j];
    for (int64_t p = 0; p < k; p++, a += step, b += NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] += a[i * row] * b[j];
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            tile[i * NR + j] = sum[i][j];
}

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    sums(k, a, 1, MR, b, tile, add);
}

static void run_rows(int64_t k, const void *a, int64_t ld, const void *b, float *tile, bool add)
{
    sums(k, a, ld / (int64_t)sizeof(float), 1, b, tile, add);
}

const yh_micro yh_gemm_f32__ref = {.mr = MR,
                                   .nr = NR,
                                   .unit_a = 1,
                                   .unit_b = 1,
                                   .k_align = 1,
                                   .kc = 256,
                                   .packed = YH_F32,
                                   .run = run,
                                   .run_rows = run_rows};
