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
