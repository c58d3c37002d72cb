/* Packing the operands of the matrix product, and storing its tiles. */
#include "kernels/gemm_parts.h"
#include "kernels/vec.h"

static inline float widen(yh_dtype t, const void *p, int64_t i)
{
    return t == YH_F32 ? ((const float *)p)[i] : yh_bf16_to_f32(((const yh_bf16 *)p)[i]);
}

/* A panel of floats (unit 1) of `n` <= r rows. */
static inline void panel_f32(const yh_pack *p, yh_dtype t, int64_t first, int n, float *d)
{
    const int r = p->r;
    if (p->k_inner) {
        for (int i = 0; i < n; i++) {
            const void *s = (const char *)p->src + (first + i) * p->ld * (int64_t)yh_dtype_size(t);
            for (int64_t k = 0; k < p->k; k++)
                d[k * r + i] = widen(t, s, k);
        }
        for (int i = n; i < r; i++)
            for (int64_t k = 0; k < p->k; k++)
                d[k * r + i] = 0.0f;
    } else {
        for (int64_t k = 0; k < p->k; k++) {
            const void *s = (const char *)p->src + (k * p->ld + first) * (int64_t)yh_dtype_size(t);
            for (int i = 0; i < n; i++)
                d[k * r + i] = widen(t, s, i);
            for (int i = n; i < r; i++)
                d[k * r + i] = 0.0f;
        }
    }
    memset(d + p->k * r, 0, (size_t)((p->k_padded - p->k) * r) * sizeof(float));
}

/* A panel of bf16 with any unit. */
static void panel_bf16(const yh_pack *p, int64_t first, int n, yh_bf16 *d)
{
    const int r = p->r, unit = p->unit;
    const yh_bf16 *s = (const yh_bf16 *)p->src + first * (p->k_inner ? p->ld : 1);
    const int64_t step_k = p->k_inner ? 1 : p->ld, step_r = p->k_inner ? p->ld : 1;
    for (int64_t k = 0; k < p->k_padded; k += unit, d += r * unit) {
        const int kn = p->k - k < unit ? (int)(p->k - k) : unit;
        if (n < r || kn < unit)
            memset(d, 0, (size_t)(r * unit) * sizeof *d);
        for (int i = 0; i < n; i++)
            for (int q = 0; q < kn; q++)
                d[i * unit + q] = s[(k + q) * step_k + i * step_r];
    }
}

void YH_KERNEL(gemm_pack)(const yh_pack *p, int64_t begin, int64_t end)
{
    for (int64_t panel = begin; panel < end; panel++) {
        const int64_t first = panel * p->r, left = p->outer - first;
        const int n = left < p->r ? (int)left : p->r;
        if (p->dst_type == YH_BF16)
            panel_bf16(p, first, n, (yh_bf16 *)p->dst + first * p->k_padded);
        else if (p->src_type == YH_F32)
            panel_f32(p, YH_F32, first, n, (float *)p->dst + first * p->k_padded);
        else
            panel_f32(p, YH_BF16, first, n, (float *)p->dst + first * p->k_padded);
    }
}

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
