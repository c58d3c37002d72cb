#include "kernels/kernels.h"

size_t yh_dtype_size(yh_dtype t)
{
    static const size_t size[YH_DTYPE_COUNT] = {4, 2, 2, 4, 1};
    return (unsigned)t < YH_DTYPE_COUNT ? size[t] : 0;
}

const char *yh_dtype_text(yh_dtype t)
{
    static const char *const text[YH_DTYPE_COUNT] = {"f32", "bf16", "f16", "i32", "u8"};
    return (unsigned)t < YH_DTYPE_COUNT ? text[t] : "?";
}
