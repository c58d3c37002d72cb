/* Plain C micro-kernel: what the others are compared with. */
#include "kernels/gemm_parts.h"

enum { MR = 4, NR = 8 };

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    const float *pa = a, *pb = b;
    float sum[MR][NR] = {{0}};
    if (add)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] = tile[i * NR + j];
    for (int64_t p = 0; p < k; p++, pa += MR, pb += NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] += pa[i] * pb[j];
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            tile[i * NR + j] = sum[i][j];
}

const yh_micro yh_gemm_f32__ref = {.mr = MR,
                                   .nr = NR,
                                   .unit_a = 1,
                                   .unit_b = 1,
                                   .k_align = 1,
                                   .kc = 256,
                                   .packed = YH_F32,
                                   .run = run};
