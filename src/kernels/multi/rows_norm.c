/* RMSNorm (Zhang & Sennrich 2019) and LayerNorm (Ba et al. 2016) by rows, with their gradients. */
#include "kernels/multi.h"
#include "kernels/vec.h"

VEC_INLINE void rms_body(yh_dtype t, const void *x, const float *w, float eps, void *y, float *rstd,
                         int64_t width, int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *xr = v_at(t, x, r * width);
        void *yr = v_at_mut(t, y, r * width);
        vf s = {0};
        for (int64_t i = 0; i < width; i += VL) {
            vf v = v_get(t, xr, i, width);
            s = v_fma(v, v, s);
        }
        float rs = 1.0f / sqrtf(v_sum(s) / (float)width + eps);
        for (int64_t i = 0; i < width; i += VL)
            v_put(t, yr, i, width, v_get(t, xr, i, width) * rs * v_get(YH_F32, w, i, width));
        if (rstd != NULL)
            rstd[r] = rs;
    }
}

void YH_KERNEL(rmsnorm)(yh_dtype t, const void *x, const float *w, float eps, void *y, float *rstd,
                        int64_t width, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        rms_body(YH_BF16, x, w, eps, y, rstd, width, begin, end);
    else
        rms_body(YH_F32, x, w, eps, y, rstd, width, begin, end);
}

/* dx = rstd * (dy w - x rstd^2 mean(dy w x)) */
VEC_INLINE void rms_back_body(yh_dtype t, const void *x, const float *w, const float *rstd,
                              const void *dy, void *dx, bool add_dx, float *dw_part, int64_t width,
                              int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *xr = v_at(t, x, r * width), *dyr = v_at(t, dy, r * width);
        void *dxr = v_at_mut(t, dx, r * width);
        vf s = {0};
        float rs = rstd[r];
        for (int64_t i = 0; i < width; i += VL) {
            vf g = v_get(t, dyr, i, width), v = v_get(t, xr, i, width);
            s = v_fma(g * v_get(YH_F32, w, i, width), v, s);
            if (dw_part != NULL)
                v_put(YH_F32, dw_part, i, width,
                      v_fma(g, v * rs, v_get(YH_F32, dw_part, i, width)));
        }
        float c = -v_sum(s) * rs * rs / (float)width;
        for (int64_t i = 0; i < width; i += VL) {
            vf g = v_get(t, dyr, i, width) * v_get(YH_F32, w, i, width);
            vf d = v_fma(v_get(t, xr, i, width), v_set(c), g) * rs;
            if (add_dx)
                d += v_get(t, dxr, i, width);
            v_put(t, dxr, i, width, d);
        }
    }
}

void YH_KERNEL(rmsnorm_back)(yh_dtype t, const void *x, const float *w, const float *rstd,
                             const void *dy, void *dx, bool add_dx, float *dw_part, int64_t width,
                             int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        rms_back_body(YH_BF16, x, w, rstd, dy, dx, add_dx, dw_part, width, begin, end);
    else
        rms_back_body(YH_F32, x, w, rstd, dy, dx, add_dx, dw_part, width, begin, end);
}

VEC_INLINE float element(yh_dtype t, const void *x, int64_t i)
{
    return t == YH_BF16 ? yh_bf16_to_f32(((const yh_bf16 *)x)[i]) : ((const float *)x)[i];
}

enum { TOGETHER = 2 }; /* rows whose sums are taken together: one waits while the other adds */

/* Sums over n rows of x - shift; squared: of its square. Lanes past the width add nothing. */
VEC_INLINE void row_moments(yh_dtype t, const void *const *x, int n, int64_t width,
                            const float *shift, bool squared, float *out)
{
    vf s[TOGETHER] = {{0}};
    float tail[TOGETHER] = {0};
    int64_t i = 0;
    for (; i + VL <= width; i += VL)
        for (int q = 0; q < n; q++) {
            vf v = v_get(t, x[q], i, i + VL) - shift[q];
            s[q] = squared ? v_fma(v, v, s[q]) : s[q] + v;
        }
    for (; i < width; i++)
        for (int q = 0; q < n; q++) {
            float v = element(t, x[q], i) - shift[q];
            tail[q] += squared ? v * v : v;
        }
    for (int q = 0; q < n; q++)
        out[q] = v_sum(s[q]) + tail[q];
}

typedef struct layer {
    const void *x;
    const float *w, *b;
    float eps;
    void *y;
    float *mean, *rstd;
    int64_t width;
} layer;

/* n rows from r on */
VEC_INLINE void layer_rows(yh_dtype t, const layer *l, int64_t r, int n)
{
    const int64_t width = l->width;
    const void *x[TOGETHER];
    void *y[TOGETHER];
    float m[TOGETHER] = {0}, rs[TOGETHER];
    for (int q = 0; q < n; q++) {
        x[q] = v_at(t, l->x, (r + q) * width);
        y[q] = v_at_mut(t, l->y, (r + q) * width);
    }
    row_moments(t, x, n, width, m, false, m);
    for (int q = 0; q < n; q++)
        m[q] /= (float)width;
    row_moments(t, x, n, width, m, true, rs);
    for (int q = 0; q < n; q++)
        rs[q] = 1.0f / sqrtf(rs[q] / (float)width + l->eps);
    for (int64_t i = 0; i < width; i += VL) {
        const vf w = v_get(YH_F32, l->w, i, width),
                 b = l->b != NULL ? v_get(YH_F32, l->b, i, width) : v_set(0);
        for (int q = 0; q < n; q++)
            v_put(t, y[q], i, width, v_fma((v_get(t, x[q], i, width) - m[q]) * rs[q], w, b));
    }
    for (int q = 0; q < n; q++) {
        if (l->mean != NULL)
            l->mean[r + q] = m[q];
        if (l->rstd != NULL)
            l->rstd[r + q] = rs[q];
    }
}

VEC_INLINE void layer_body(yh_dtype t, const layer *l, int64_t begin, int64_t end)
{
    int64_t r = begin;
    for (; r + TOGETHER <= end; r += TOGETHER)
        layer_rows(t, l, r, TOGETHER);
    for (; r < end; r++)
        layer_rows(t, l, r, 1);
}

void YH_KERNEL(layernorm)(yh_dtype t, const void *x, const float *w, const float *b, float eps,
                          void *y, float *mean, float *rstd, int64_t width, int64_t begin,
                          int64_t end)
{
    const layer l = {x, w, b, eps, y, mean, rstd, width};
    if (t == YH_BF16)
        layer_body(YH_BF16, &l, begin, end);
    else
        layer_body(YH_F32, &l, begin, end);
}

/* With h = (x - mean) rstd and g = dy w: dx = rstd (g - mean(g) - h mean(g h)) */
VEC_INLINE void layer_back_body(yh_dtype t, const void *x, const float *w, const float *mean,
                                const float *rstd, const void *dy, void *dx, bool add_dx,
                                float *dw_part, float *db_part, int64_t width, int64_t begin,
                                int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *xr = v_at(t, x, r * width), *dyr = v_at(t, dy, r * width);
        void *dxr = v_at_mut(t, dx, r * width);
        vf sg = {0}, sh = {0};
        float rs = rstd[r], m = mean[r];
        for (int64_t i = 0; i < width; i += VL) {
            vf d = v_get(t, dyr, i, width), h = (v_get(t, xr, i, width) - m) * rs;
            vf g = d * v_get(YH_F32, w, i, width); /* 0 in lanes past the width */
            sg += g;
            sh = v_fma(g, h, sh);
            if (dw_part != NULL)
                v_put(YH_F32, dw_part, i, width, v_fma(d, h, v_get(YH_F32, dw_part, i, width)));
            if (db_part != NULL)
                v_put(YH_F32, db_part, i, width, d + v_get(YH_F32, db_part, i, width));
        }
        float cg = v_sum(sg) / (float)width, ch = v_sum(sh) / (float)width;
        for (int64_t i = 0; i < width; i += VL) {
            vf h = (v_get(t, xr, i, width) - m) * rs;
            vf g = v_get(t, dyr, i, width) * v_get(YH_F32, w, i, width);
            vf d = (g - cg - h * ch) * rs;
            if (add_dx)
                d += v_get(t, dxr, i, width);
            v_put(t, dxr, i, width, d);
        }
    }
}

void YH_KERNEL(layernorm_back)(yh_dtype t, const void *x, const float *w, const float *mean,
                               const float *rstd, const void *dy, void *dx, bool add_dx,
                               float *dw_part, float *db_part, int64_t width, int64_t begin,
                               int64_t end)
{
    if (t == YH_BF16)
        layer_back_body(YH_BF16, x, w, mean, rstd, dy, dx, add_dx, dw_part, db_part, width, begin,
                        end);
    else
        layer_back_body(YH_F32, x, w, mean, rstd, dy, dx, add_dx, dw_part, db_part, width, begin,
                        end);
}
