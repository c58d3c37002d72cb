/* Attention's inner products with AMX tiles: C[M,N] (+)= A[M,K] B[K,N]. Included by attn_body.h.
 *
 * A is rows of bf16 pairs that follow one another along K, so sk is 1; B is [K][ldb] pairs, C is
 * [M][ldc] in F32. M and K are rounded up to 16: A and B hold zeros there along K, and C has room
 * along M. N is a multiple of 16. */
#ifndef YH_KERNELS_ATTN_TILES_BODY_H
#define YH_KERNELS_ATTN_TILES_BODY_H

#include "kernels/amx/tile.h"

enum { TILE = 16 };

static inline void mm_enter(void)
{
    tile_enter();
}
static inline void mm_leave(void)
{
    tile_leave();
}

#define MM_EACH_COLUMN(X) X(0, 5) X(1, 6) X(2, 5) X(3, 6)
#define MM_LOAD(i, b)                                                                              \
    if (nt > i)                                                                                    \
        tile_load(i, c + i * TILE, ldc * 4);
#define MM_ZERO(i, b)                                                                              \
    if (nt > i)                                                                                    \
        tile_zero(i);
#define MM_STORE(i, b)                                                                             \
    if (nt > i)                                                                                    \
        tile_store(i, c + i * TILE, ldc * 4);
#define MM_STEP(i, t)                                                                              \
    if (nt > i) {                                                                                  \
        tile_load(t, b + i * TILE, ldb * 4);                                                       \
        tile_dot_bf16(i, 4, t);                                                                    \
    }

/* One row of nt tiles: 5 loads for 4 products at best, and half of the time that the products take
 * is left for them. B stays in the first-level cache while the rows of A pass. */
VEC_INLINE void mm_tiles(const int nt, const opnd *a, int64_t lda, const opnd *b, int64_t ldb,
                         float *c, int64_t ldc, int64_t kn, bool add)
{
    if (add) {
        MM_EACH_COLUMN(MM_LOAD)
    } else {
        MM_EACH_COLUMN(MM_ZERO)
    }
    for (int64_t k = 0; k < kn; k += TILE, a += TILE, b += TILE * ldb) {
        tile_load(4, a, lda * 4);
        MM_EACH_COLUMN(MM_STEP)
    }
    MM_EACH_COLUMN(MM_STORE)
}

#define MM_CASE(nt)                                                                                \
    case nt:                                                                                       \
        mm_tiles(nt, a, sm, b + j, ldb, c + j, ldc, kn, add);                                      \
        break;

static __attribute__((noinline)) void mm(const opnd *a, int64_t sm, int64_t sk, const opnd *b,
                                         int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n,
                                         int64_t kn, bool add)
{
    (void)sk;
    for (int64_t i = 0; i < m; i += TILE, a += TILE * sm, c += TILE * ldc)
        for (int64_t j = 0; j < n; j += 4 * TILE)
            switch (n - j < 4 * TILE ? (n - j) / TILE : 4) {
                MM_CASE(1)
                MM_CASE(2)
                MM_CASE(3)
                MM_CASE(4)
            default:
                break;
            }
}

#endif
