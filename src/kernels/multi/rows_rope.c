/* Rotary position embedding (Su et al. 2021) in the form of GPT-NeoX (a head's first half rotates
 * with its second), after an optional RMSNorm of each head (Qwen3's QK-norm). */
#include "kernels/multi.h"
#include "kernels/vec.h"

VEC_INLINE void rope_body(yh_dtype t, const void *x, const float *w, float eps,
                          const float *cos_sin, const int32_t *pos, void *y, float *rstd, int heads,
                          int dim, int64_t begin, int64_t end)
{
    const int64_t half = dim / 2;
    for (int64_t j = begin * heads; j < end * heads; j++) {
        const void *x1 = v_at(t, x, j * dim), *x2 = v_at(t, x, j * dim + half);
        void *y1 = v_at_mut(t, y, j * dim), *y2 = v_at_mut(t, y, j * dim + half);
        const float *cs = cos_sin + (int64_t)pos[j / heads] * dim;
        float rs = 1;
        if (w != NULL) {
            vf s = {0};
            for (int64_t i = 0; i < dim; i += VL) {
                vf v = v_get(t, x1, i, dim);
                s = v_fma(v, v, s);
            }
            rs = 1.0f / sqrtf(v_sum(s) / (float)dim + eps);
        }
        if (rstd != NULL)
            rstd[j] = rs;
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

VEC_INLINE void rope_back_body(yh_dtype t, const void *x, const float *w, const float *rstd,
                               const float *cos_sin, const int32_t *pos, const void *dy, void *dx,
                               float *dw_part, int heads, int dim, int64_t begin, int64_t end)
{
    const int64_t half = dim / 2;
    for (int64_t j = begin * heads; j < end * heads; j++) {
        const void *dy1 = v_at(t, dy, j * dim), *dy2 = v_at(t, dy, j * dim + half);
        void *dx1 = v_at_mut(t, dx, j * dim), *dx2 = v_at_mut(t, dx, j * dim + half);
        const float *cs = cos_sin + (int64_t)pos[j / heads] * dim;
        if (w == NULL) {
            for (int64_t i = 0; i < half; i += VL) {
                pair g = unrotate(t, dy1, dy2, cs, i, half);
                v_put(t, dx1, i, half, g.a);
                v_put(t, dx2, i, half, g.b);
            }
            continue;
        }
        const void *x1 = v_at(t, x, j * dim), *x2 = v_at(t, x, j * dim + half);
        float rs = rstd[j];
        vf s = {0};
        for (int64_t i = 0; i < half; i += VL) {
            pair g = unrotate(t, dy1, dy2, cs, i, half);
            vf a = v_get(t, x1, i, half), b = v_get(t, x2, i, half);
            s = v_fma(g.a * v_get(YH_F32, w, i, half), a, s);
            s = v_fma(g.b * v_get(YH_F32, w + half, i, half), b, s);
            if (dw_part != NULL) {
                float *d1 = dw_part, *d2 = dw_part + half;
                v_put(YH_F32, d1, i, half, v_fma(g.a, a * rs, v_get(YH_F32, d1, i, half)));
                v_put(YH_F32, d2, i, half, v_fma(g.b, b * rs, v_get(YH_F32, d2, i, half)));
            }
        }
        vf c = v_set(-v_sum(s) * rs * rs / (float)dim);
        for (int64_t i = 0; i < half; i += VL) {
            pair g = unrotate(t, dy1, dy2, cs, i, half);
            vf a = v_get(t, x1, i, half), b = v_get(t, x2, i, half);
            v_put(t, dx1, i, half, v_fma(a, c, g.a * v_get(YH_F32, w, i, half)) * rs);
            v_put(t, dx2, i, half, v_fma(b, c, g.b * v_get(YH_F32, w + half, i, half)) * rs);
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
