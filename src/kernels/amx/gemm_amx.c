/* 32 x 32 sums in four tiles; two tiles of A (16 rows x 32 k) and two of B (16 pairs x 16 columns)
 * a step: four products of 16 cycles, and four loads of 8. Four sums hide a product's latency of
 * 52 cycles. */
#include "kernels/amx/tile.h"
#include "kernels/gemm_parts.h"

/* A pass is KC deep so that a panel of A (16 KB) is found in a first-level cache of 48 KB again
 * after the next panel of B has passed: then a step brings 2 KB of B from the second level (43
 * cycles at 48 bytes a cycle) under its 64 cycles of products. At twice the depth neither panel
 * survives the other, and the 4 KB of a step take 85. */
enum { MR = 32, NR = 32, TILE_K = 32, HALF = 16, KC = 256 };

static void enter(void)
{
    tile_enter();
}

static void leave(void)
{
    tile_leave();
}

static void run(int64_t k, const void *a, const void *b, float *tile, bool add)
{
    enum { ROW_A = TILE_K * 2, ROW_B = NR * 4, ROW_C = NR * 4 };
    const char *pa = a, *pb = b;
    if (add) {
        tile_load(0, tile, ROW_C);
        tile_load(1, tile + HALF, ROW_C);
        tile_load(2, tile + HALF * NR, ROW_C);
        tile_load(3, tile + HALF * NR + HALF, ROW_C);
    } else {
        tile_zero(0);
        tile_zero(1);
        tile_zero(2);
        tile_zero(3);
    }
    for (int64_t p = 0; p < k; p += TILE_K, pa += MR * ROW_A, pb += TILE_K / 2 * ROW_B) {
        tile_load(6, pb, ROW_B);
        tile_load(4, pa, ROW_A);
        tile_dot_bf16(0, 4, 6);
        tile_load(7, pb + HALF * 4, ROW_B);
        tile_dot_bf16(1, 4, 7);
        tile_load(5, pa + HALF * ROW_A, ROW_A);
        tile_dot_bf16(2, 5, 6);
        tile_dot_bf16(3, 5, 7);
    }
    tile_store(0, tile, ROW_C);
    tile_store(1, tile + HALF, ROW_C);
    tile_store(2, tile + HALF * NR, ROW_C);
    tile_store(3, tile + HALF * NR + HALF, ROW_C);
}

extern const yh_micro YH_KERNEL(gemm_bf16);
const yh_micro YH_KERNEL(gemm_bf16) = {.mr = MR,
                                       .nr = NR,
                                       .unit_a = TILE_K,
                                       .unit_b = 2,
                                       .k_align = TILE_K,
                                       .kc = KC,
                                       .packed = YH_BF16,
                                       .run = run,
                                       .enter = enter,
                                       .leave = leave};
