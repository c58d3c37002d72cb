/* Rotary position embedding (Su et al. 2021) in the form of GPT-NeoX (a head's first half rotates
 * with its second), after an optional RMSNorm of each head (Qwen3's QK-norm). */
#include "kernels/multi.h"
#include "kernels/vec.h"

/* One head; returns 1 / its root mean square (1 without w). */
VEC_INLINE float rope_head(yh_dtype t, const void *x1, const float *w, float eps, const float *cs,
                           void *y1, int64_t half)
{
    const void *x2 = v_at(t, x1, half);
    void *y2 = v_at_mut(t, y1, half);
    float rs = 1;
    if (w != NULL) {
        vf s = {0};
        for (int64_t i = 0; i < 2 * half; i += VL) {
            vf v = v_get(t, x1, i, 2 * half);
            s = v_fma(v, v, s);
        }
        rs = 1.0f / sqrtf(v_sum(s) / (float)(2 * half) + eps);
    }
    for (int64_t i = 0; i < half; i += VL) {
        vf a = v_get(t, x1, i, half), b = v_get(t, x2, i, half);
        vf c = v_get(YH_F32, cs, i, half), s = v_get(YH_F32, cs + half, i, half);
        if (w != NULL) {
            a = a * rs * v_get(YH_F32, w, i, half);
            b = b * rs * v_get(YH_F32, w + half, i, half);
        }
        v_put(t, y1, i, half, v_fma(a, c, -(b * s)));
        v_put(t, y2, i, half, v_fma(b, c, a * s));
    }
    return rs;
}

VEC_INLINE void rope_body(yh_dtype t, const void *x, const float *w, float eps,
                          const float *cos_sin, const int32_t *pos, void *y, float *rstd, int heads,
                          int dim, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row++) {
        const float *cs = cos_sin + (int64_t)pos[row] * dim;
        for (int64_t j = row * heads; j < (row + 1) * heads; j++) {
            float rs =
                rope_head(t, v_at(t, x, j * dim), w, eps, cs, v_at_mut(t, y, j * dim), dim / 2);
            if (rstd != NULL)
                rstd[j] = rs;
        }
    }
}

void YH_KERNEL(rope_norm)(yh_dtype t, const void *x, const float *w, float eps,
                          const float *cos_sin, const int32_t *pos, void *y, float *rstd, int heads,
                          int dim, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        rope_body(YH_BF16, x, w, eps, cos_sin, pos, y, rstd, heads, dim, begin, end);
    else
        rope_body(YH_F32, x, w, eps, cos_sin, pos, y, rstd, heads, dim, begin, end);
}

typedef struct pair {
    vf a, b;
} pair;

/* The gradient before the rotation: rotated back. */
VEC_INLINE pair unrotate(yh_dtype t, const void *dy1, const void *dy2, const float *cs, int64_t i,
                         int64_t half)
{
    vf a = v_get(t, dy1, i, half), b = v_get(t, dy2, i, half);
    vf c = v_get(YH_F32, cs, i, half), s = v_get(YH_F32, cs + half, i, half);
    return (pair){v_fma(a, c, b * s), v_fma(b, c, -(a * s))};
}

/* One head without a norm. */
VEC_INLINE void unrotate_head(yh_dtype t, const float *cs, const void *dy1, void *dx1, int64_t half)
{
    for (int64_t i = 0; i < half; i += VL) {
        pair g = unrotate(t, dy1, v_at(t, dy1, half), cs, i, half);
        v_put(t, dx1, i, half, g.a);
        v_put(t, v_at_mut(t, dx1, half), i, half, g.b);
    }
}

/* One head with its norm; dw [2 half] or NULL. */
VEC_INLINE void rope_back_head(yh_dtype t, const void *x1, const float *w, float rs,
                               const float *cs, const void *dy1, void *dx1, float *dw, int64_t half)
{
    const void *x2 = v_at(t, x1, half), *dy2 = v_at(t, dy1, half);
    vf s = {0};
    for (int64_t i = 0; i < half; i += VL) {
        pair g = unrotate(t, dy1, dy2, cs, i, half);
        vf a = v_get(t, x1, i, half), b = v_get(t, x2, i, half);
        s = v_fma(g.a * v_get(YH_F32, w, i, half), a, s);
        s = v_fma(g.b * v_get(YH_F32, w + half, i, half), b, s);
        if (dw != NULL) {
            float *d1 = dw, *d2 = dw + half;
            v_put(YH_F32, d1, i, half, v_fma(g.a, a * rs, v_get(YH_F32, d1, i, half)));
            v_put(YH_F32, d2, i, half, v_fma(g.b, b * rs, v_get(YH_F32, d2, i, half)));
        }
    }
    vf c = v_set(-v_sum(s) * rs * rs / (float)(2 * half));
    for (int64_t i = 0; i < half; i += VL) {
        pair g = unrotate(t, dy1, dy2, cs, i, half);
        vf a = v_get(t, x1, i, half), b = v_get(t, x2, i, half);
        v_put(t, dx1, i, half, v_fma(a, c, g.a * v_get(YH_F32, w, i, half)) * rs);
        v_put(t, v_at_mut(t, dx1, half), i, half,
              v_fma(b, c, g.b * v_get(YH_F32, w + half, i, half)) * rs);
    }
}

VEC_INLINE void rope_back_body(yh_dtype t, const void *x, const float *w, const float *rstd,
                               const float *cos_sin, const int32_t *pos, const void *dy, void *dx,
                               float *dw_part, int heads, int dim, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row++) {
        const float *cs = cos_sin + (int64_t)pos[row] * dim;
        for (int64_t j = row * heads; j < (row + 1) * heads; j++) {
            const void *dy1 = v_at(t, dy, j * dim);
            void *dx1 = v_at_mut(t, dx, j * dim);
            if (w == NULL)
                unrotate_head(t, cs, dy1, dx1, dim / 2);
            else
                rope_back_head(t, v_at(t, x, j * dim), w, rstd[j], cs, dy1, dx1, dw_part, dim / 2);
        }
    }
}

void YH_KERNEL(rope_norm_back)(yh_dtype t, const void *x, const float *w, const float *rstd,
                               const float *cos_sin, const int32_t *pos, const void *dy, void *dx,
                               float *dw_part, int heads, int dim, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        rope_back_body(YH_BF16, x, w, rstd, cos_sin, pos, dy, dx, dw_part, heads, dim, begin, end);
    else
        rope_back_body(YH_F32, x, w, rstd, cos_sin, pos, dy, dx, dw_part, heads, dim, begin, end);
}
