/* The micro-kernel with 512-bit registers: 14 x 32 sums in 28 of them. An operand's cell has 32
 * bits: a float, or two bf16 that are neighbours along k. TILE_DOT(sum, b, a) is one step for 16
 * cells of B and one of A, which is in all lanes; of floats, if the file that includes this does
 * not define it. */
#ifndef YH_KERNELS_TILE512_H
#define YH_KERNELS_TILE512_H

#include <immintrin.h>
#include <string.h>

#include "kernels/gemm_parts.h"

#ifndef TILE_DOT
#define TILE_DOT(sum, b, a) _mm512_fmadd_ps((__m512)(a), (__m512)(b), sum)
#endif

enum { MR = 14, NR = 32 };
#define TILE_INLINE static inline __attribute__((always_inline))

/* s += A · B over so many cells of k. A's rows: side by side in a panel (ld 0), or ld bytes apart.
 */
TILE_INLINE void add_products(int rows, int64_t cells, const void *a, int64_t ld, const void *b,
                              __m512 s[MR][2])
{
    const bool panel = ld == 0;
    const int32_t *pb = b;
    const char *row[(MR + 2) / 3];
#pragma GCC unroll 5
    for (int i = 0; i < rows; i += 3)
        row[i / 3] = (const char *)a + (panel ? 4 : ld) * i;
    for (int64_t p = 0; p < cells; p++, pb += NR) {
        const __m512i b0 = _mm512_load_si512(pb), b1 = _mm512_load_si512(pb + 16);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            int32_t cell;
            memcpy(&cell, row[i / 3] + (panel ? 4 : ld) * (i % 3), sizeof cell);
            const __m512i x = _mm512_set1_epi32(cell);
            s[i][0] = TILE_DOT(s[i][0], b0, x);
            s[i][1] = TILE_DOT(s[i][1], b1, x);
        }
#pragma GCC unroll 5
        for (int i = 0; i < rows; i += 3)
            row[i / 3] += panel ? 4 * MR : 4;
    }
}

/* The first rows of a tile. */
TILE_INLINE void sums(int rows, int64_t cells, const void *a, int64_t ld, const void *b,
                      float *tile, bool add)
{
    __m512 s[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        s[i][0] = add ? _mm512_load_ps(tile + i * NR) : _mm512_setzero_ps();
        s[i][1] = add ? _mm512_load_ps(tile + i * NR + 16) : _mm512_setzero_ps();
    }
    add_products(rows, cells, a, ld, b, s);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        _mm512_store_ps(tile + i * NR, s[i][0]);
        _mm512_store_ps(tile + i * NR + 16, s[i][1]);
    }
}

/* A panel whose last rows are none of A's: they are left out in pairs. */
TILE_INLINE void sums_few(int rows, int64_t cells, const void *a, const void *b, float *tile,
                          bool add)
{
    switch ((rows + 1) / 2) {
    case 1:
        sums(2, cells, a, 0, b, tile, add);
        break;
    case 2:
        sums(4, cells, a, 0, b, tile, add);
        break;
    case 3:
        sums(6, cells, a, 0, b, tile, add);
        break;
    case 4:
        sums(8, cells, a, 0, b, tile, add);
        break;
    case 5:
        sums(10, cells, a, 0, b, tile, add);
        break;
    case 6:
        sums(12, cells, a, 0, b, tile, add);
        break;
    default:
        sums(14, cells, a, 0, b, tile, add);
    }
}

/* A whole tile, to C itself. */
TILE_INLINE void sums_to(int64_t cells, const void *a, int64_t ld, const void *b, void *c,
                         int64_t ldc, yh_tile_end end)
{
    __m512 s[MR][2];
    float *f = c;
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++)
        s[i][0] = s[i][1] = _mm512_setzero_ps();
    if (end == YH_TILE_GO_ON) {
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            s[i][0] = _mm512_loadu_ps(f + i * ldc);
            s[i][1] = _mm512_loadu_ps(f + i * ldc + 16);
        }
    }
    add_products(MR, cells, a, ld, b, s);
    if (end == YH_TILE_ADD) {
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            s[i][0] = _mm512_add_ps(s[i][0], _mm512_loadu_ps(f + i * ldc));
            s[i][1] = _mm512_add_ps(s[i][1], _mm512_loadu_ps(f + i * ldc + 16));
        }
    }
#ifdef __AVX512BF16__
    if (end == YH_TILE_BF16) {
        yh_bf16 *h = c;
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++)
            _mm512_storeu_si512(h + i * ldc, (__m512i)_mm512_cvtne2ps_pbh(s[i][1], s[i][0]));
        return;
    }
#endif
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++) {
        _mm512_storeu_ps(f + i * ldc, s[i][0]);
        _mm512_storeu_ps(f + i * ldc + 16, s[i][1]);
    }
}

#endif
