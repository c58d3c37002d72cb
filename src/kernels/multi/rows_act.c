/* Element-wise kernels: SwiGLU (Shazeer 2020), GELU in its tanh form (Hendrycks & Gimpel 2016),
 * sums and scaling. [begin, end) counts elements. */
#include "kernels/multi.h"
#include "kernels/vec.h"

VEC_INLINE vf sigmoid_for(yh_dtype t, vf x)
{
    return t == YH_BF16 ? v_sigmoid16(x) : v_sigmoid(x);
}

VEC_INLINE void swiglu_body(yh_dtype t, const void *gate, const void *up, void *y, int64_t begin,
                            int64_t end)
{
    for (int64_t i = begin; i < end; i += VL) {
        vf g = v_get(t, gate, i, end);
        v_put(t, y, i, end, g * sigmoid_for(t, g) * v_get(t, up, i, end));
    }
}

void YH_KERNEL(swiglu)(yh_dtype t, const void *gate, const void *up, void *y, int64_t begin,
                       int64_t end)
{
    if (t == YH_BF16)
        swiglu_body(YH_BF16, gate, up, y, begin, end);
    else
        swiglu_body(YH_F32, gate, up, y, begin, end);
}

VEC_INLINE void swiglu_back_body(yh_dtype t, const void *gate, const void *up, const void *dy,
                                 void *dgate, void *dup, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL) {
        vf g = v_get(t, gate, i, end), u = v_get(t, up, i, end), d = v_get(t, dy, i, end);
        vf s = sigmoid_for(t, g);
        v_put(t, dgate, i, end, d * u * s * v_fma(g, 1.0f - s, v_set(1.0f)));
        v_put(t, dup, i, end, d * g * s);
    }
}

void YH_KERNEL(swiglu_back)(yh_dtype t, const void *gate, const void *up, const void *dy,
                            void *dgate, void *dup, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        swiglu_back_body(YH_BF16, gate, up, dy, dgate, dup, begin, end);
    else
        swiglu_back_body(YH_F32, gate, up, dy, dgate, dup, begin, end);
}

/* 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). Past +-30 (in bf16's
 * precision 9.8, where the exponent is 120) the sigmoid is 0 or 1, so x is held there. */
#define GELU_A 1.5957691216057308f /* 2 sqrt(2/pi) */
#define GELU_B 0.044715f
#define LOG2_E 1.44269504088896341f

VEC_INLINE vf gelu_gate(yh_dtype t, vf c)
{
    const vf cube = v_fma(c * c, v_set(GELU_B), v_set(1.0f));
    return t == YH_BF16 ? v_sigmoid16_of(c * (-GELU_A * LOG2_E) * cube)
                        : v_sigmoid(c * GELU_A * cube);
}

VEC_INLINE void gelu_body(yh_dtype t, const void *x, void *y, void *slope, int64_t begin,
                          int64_t end)
{
    const float most = t == YH_BF16 ? 9.8f : 30.0f;
    for (int64_t i = begin; i < end; i += VL) {
        const vf v = v_get(t, x, i, end);
        const vf c = v_min(v_set(most), v_max(v_set(-most), v)), s = gelu_gate(t, c);
        v_put(t, y, i, end, v * s);
        if (slope != NULL) {
            const vf du = v_fma(c * c, v_set(3.0f * GELU_A * GELU_B), v_set(GELU_A));
            v_put(t, slope, i, end, v_fma(c * s, (1.0f - s) * du, s));
        }
    }
}

void YH_KERNEL(gelu)(yh_dtype t, const void *x, void *y, void *slope, int64_t begin, int64_t end)
{
    if (t == YH_BF16 && slope != NULL)
        gelu_body(YH_BF16, x, y, slope, begin, end);
    else if (t == YH_BF16)
        gelu_body(YH_BF16, x, y, NULL, begin, end);
    else
        gelu_body(YH_F32, x, y, slope, begin, end);
}

VEC_INLINE void mul_body(yh_dtype t, const void *a, const void *b, void *y, int64_t begin,
                         int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put(t, y, i, end, v_get(t, a, i, end) * v_get(t, b, i, end));
}

void YH_KERNEL(mul)(yh_dtype t, const void *a, const void *b, void *y, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        mul_body(YH_BF16, a, b, y, begin, end);
    else
        mul_body(YH_F32, a, b, y, begin, end);
}

VEC_INLINE void add_body(yh_dtype t, const void *a, const void *b, void *y, int64_t begin,
                         int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put(t, y, i, end, v_get(t, a, i, end) + v_get(t, b, i, end));
}

void YH_KERNEL(add)(yh_dtype t, const void *a, const void *b, void *y, int64_t begin, int64_t end)
{
    if (t == YH_BF16)
        add_body(YH_BF16, a, b, y, begin, end);
    else
        add_body(YH_F32, a, b, y, begin, end);
}

void YH_KERNEL(scale_f32)(float *x, float s, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put(YH_F32, x, i, end, v_get(YH_F32, x, i, end) * s);
}

/* Four rows at a time: the sums are read and written a quarter as often. */
VEC_INLINE void col_sum_body(yh_dtype t, const void *x, float *out, int64_t width, int64_t begin,
                             int64_t end)
{
    int64_t r = begin;
    for (; r + 4 <= end; r += 4) {
        const void *row[4];
        for (int k = 0; k < 4; k++)
            row[k] = v_at(t, x, (r + k) * width);
        for (int64_t i = 0; i < width; i += VL) {
            const vf a = v_get(t, row[0], i, width) + v_get(t, row[1], i, width),
                     b = v_get(t, row[2], i, width) + v_get(t, row[3], i, width);
            v_put(YH_F32, out, i, width, v_get(YH_F32, out, i, width) + (a + b));
        }
    }
    for (; r < end; r++) {
        const void *xr = v_at(t, x, r * width);
        for (int64_t i = 0; i < width; i += VL)
            v_put(YH_F32, out, i, width, v_get(YH_F32, out, i, width) + v_get(t, xr, i, width));
    }
}

void YH_KERNEL(col_sum)(yh_dtype t, const void *x, float *out, int64_t width, int64_t begin,
                        int64_t end)
{
    if (t == YH_BF16)
        col_sum_body(YH_BF16, x, out, width, begin, end);
    else
        col_sum_body(YH_F32, x, out, width, begin, end);
}
