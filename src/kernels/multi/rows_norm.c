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

/* Sum over a row of x - shift; squared: of its square. Lanes past the width add nothing. */
VEC_INLINE float row_moment(yh_dtype t, const void *xr, int64_t width, float shift, bool squared)
{
    vf s = {0};
    int64_t i = 0;
    for (; i + VL <= width; i += VL) {
        vf v = v_get(t, xr, i, width) - shift;
        s = squared ? v_fma(v, v, s) : s + v;
    }
    float tail = 0;
    for (; i < width; i++) {
        float v =
            (t == YH_BF16 ? yh_bf16_to_f32(((const yh_bf16 *)xr)[i]) : ((const float *)xr)[i]) -
            shift;
        tail += squared ? v * v : v;
    }
    return v_sum(s) + tail;
}

VEC_INLINE void layer_body(yh_dtype t, const void *x, const float *w, const float *b, float eps,
                           void *y, float *mean, float *rstd, int64_t width, int64_t begin,
                           int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *xr = v_at(t, x, r * width);
        void *yr = v_at_mut(t, y, r * width);
        float m = row_moment(t, xr, width, 0, false) / (float)width;
        float rs = 1.0f / sqrtf(row_moment(t, xr, width, m, true) / (float)width + eps);
        for (int64_t i = 0; i < width; i += VL) {
            vf v = (v_get(t, xr, i, width) - m) * rs;
            vf bias = b != NULL ? v_get(YH_F32, b, i, width) : v_set(0);
            v_put(t, yr, i, width, v_fma(v, v_get(YH_F32, w, i, width), bias));
        }
        if (mean != NULL)
            mean[r] = m;
        if (rstd != NULL)
            rstd[r] = rs;
    }
}

void YH_KERNEL(layernorm)(yh_dtype t, const void *x, const float *w, const float *b, float eps,
                          void *y, float *mean, float *rstd, int64_t width, int64_t begin,
                          int64_t end)
{
    if (t == YH_BF16)
        layer_body(YH_BF16, x, w, b, eps, y, mean, rstd, width, begin, end);
    else
        layer_body(YH_F32, x, w, b, eps, y, mean, rstd, width, begin, end);
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
