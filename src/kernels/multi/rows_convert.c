/* Conversions between F32, BF16 and F16. [begin, end) counts elements. */
#include "kernels/multi.h"
#include "kernels/vec.h"

void YH_KERNEL(f32_to_bf16)(const float *x, yh_bf16 *y, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put_exact(y, i, end, v_get(YH_F32, x, i, end));
}

void YH_KERNEL(bf16_to_f32)(const yh_bf16 *x, float *y, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put(YH_F32, y, i, end, v_get(YH_BF16, x, i, end));
}

void YH_KERNEL(f32_split)(const float *x, yh_bf16 *high, int16_t *low, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_split(high, low, i, end, v_get(YH_F32, x, i, end));
}

void YH_KERNEL(f32_join)(const yh_bf16 *high, const int16_t *low, float *x, int64_t begin,
                         int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_put(YH_F32, x, i, end, v_join(high, low, i, end));
}

/* Exponent and fraction move by 13 bits; the product with 2^112 corrects the bias and normalises
 * subnormals exactly; infinities and NaNs get the largest exponent. */
void YH_KERNEL(f16_to_f32)(const uint16_t *x, float *y, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL) {
        int64_t n = end - i < VL ? end - i : VL;
        vh raw = {0};
        memcpy(&raw, x + i, (size_t)n * 2);
        vu h = vu_widen(raw);
        vf v = (vf)((h & 0x7fffu) << 13) * 0x1p112f;
        vu huge = (vu)((h & 0x7c00u) == 0x7c00u);
        vu bits = (vu)v | (huge & 0x7f800000u) | ((h & 0x8000u) << 16);
        v_put(YH_F32, y, i, end, (vf)bits);
    }
}
