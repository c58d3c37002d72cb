/* The epilogue of the matrix product. */
#include "kernels/gemm_parts.h"
#include "kernels/vec.h"

/* One row of a tile, `cols` long, to c. */
VEC_INLINE void store_row(yh_dtype t, const float *tile, int cols, void *c, bool accumulate,
                          const float *bias, const void *residual)
{
    for (int64_t k = 0; k < cols; k += VL) {
        vf v = v_get(YH_F32, tile, k, cols);
        if (accumulate)
            v += v_get(t, c, k, cols);
        if (bias != NULL)
            v += v_get(YH_F32, bias, k, cols);
        if (residual != NULL)
            v += v_get(t, residual, k, cols);
        v_put(t, c, k, cols, v);
    }
}

void YH_KERNEL(gemm_store)(const yh_gemm *g, const float *tile, int nr, int64_t row, int64_t col,
                           int rows, int cols)
{
    const yh_dtype t = g->c_type;
    const float *bias = g->bias != NULL ? g->bias + col : NULL;
    for (int i = 0; i < rows; i++) {
        const int64_t at = (row + i) * g->ldc + col;
        void *c = v_at_mut(t, g->c, at);
        const void *residual = g->residual != NULL ? v_at(t, g->residual, at) : NULL;
        if (t == YH_F32)
            store_row(YH_F32, tile + i * nr, cols, c, g->accumulate, bias, residual);
        else
            store_row(YH_BF16, tile + i * nr, cols, c, false, bias, residual);
    }
}

/* To bf16; v is positive. */
VEC_INLINE vh narrow_positive(vf v)
{
#if defined(__AVX512BF16__)
    return (vh)_mm512_cvtneps_pbh((__m512)v);
#else
    const vu x = (vu)v;
    return __builtin_convertvector((x + 0x7fffu + ((x >> 16) & 1u)) >> 16, vh);
#endif
}

VEC_INLINE void put_positive(yh_dtype t, void *p, int64_t n, vf v)
{
    if (t == YH_F32) {
        v_put(YH_F32, p, 0, n, v);
        return;
    }
    const vh x = narrow_positive(v);
    if (VEC_LIKELY(n >= VL))
        memcpy(p, &x, sizeof x);
    else
        memcpy(p, &x, (size_t)n * 2);
}

/* Columns [col, col + n) of a tile, n <= VL. */
VEC_INLINE void exp_columns(yh_dtype t, const yh_gemm *g, const float *tile, int nr, int64_t row,
                            int64_t col, int rows, int64_t n, float *sum, float *top)
{
    const yh_gemm_exp *e = g->exp;
    const vf shift = v_get(YH_F32, e->shift + col, 0, n);
    const int64_t first = e->first + row;
    vf s = v_get(YH_F32, sum, 0, n), m = v_get(YH_F32, top, 0, n);
    vi target = vi_set(-1);
    memcpy(&target, e->target + col, (size_t)n * sizeof(int32_t));
    target -= vi_set((int32_t)first);
    vf chosen = {0};
    vi met = {0};
    char *c = g->c == NULL ? NULL : v_at_mut(t, g->c, row * g->ldc + col);
    const int64_t step = g->ldc * (t == YH_BF16 ? 2 : 4);
    for (int i = 0; i < rows; i++, tile += nr) {
        const vf x = v_load(tile);
        const vi here = (vi)(target == vi_set(i));
        const vf p = v_exp(x - shift);
        m = v_max(m, x);
        s += p;
        chosen = v_pick(here, x, chosen);
        met |= here;
        if (c != NULL) {
            put_positive(t, c, n, v_pick(here, (vf){0}, p));
            c += step;
        }
    }
    v_put(YH_F32, sum, 0, n, s);
    v_put(YH_F32, top, 0, n, m);
    for (int64_t q = 0; q < n; q++)
        if (met[q] != 0)
            e->chosen[col + q] = chosen[q];
}

void YH_KERNEL(gemm_store_exp)(const yh_gemm *g, const float *tile, int nr, int64_t row,
                               int64_t col, int rows, int cols, float *sum, float *top)
{
    for (int q = 0; q < cols; q += VL) {
        const int64_t n = cols - q < VL ? cols - q : VL;
        if (g->c_type == YH_F32)
            exp_columns(YH_F32, g, tile + q, nr, row, col + q, rows, n, sum + col + q,
                        top + col + q);
        else
            exp_columns(YH_BF16, g, tile + q, nr, row, col + q, rows, n, sum + col + q,
                        top + col + q);
    }
}
