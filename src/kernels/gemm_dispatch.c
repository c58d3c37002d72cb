/* Choosing the matrix product's parts. */
#include "kernels/gemm_parts.h"

#define HELPERS(isa, level) [level] = {YH_GEMM_HELPERS(YH_FIELD_##isa)},
static const yh_gemm_helpers helpers[YH_ISA_COUNT] = {YH_BUILT_ISAS(HELPERS)};

static const struct {
    const yh_micro *micro;
    yh_isa level;
} micros[] = {
#define YH_MICRO(type, isa, level) {&yh_gemm_##type##__##isa, level},
#include "kernels/kernels.def"
#undef YH_MICRO
};

const yh_gemm_helpers *yh_gemm_helpers_current(void)
{
    return &helpers[yh_isa_current()];
}

const yh_micro *yh_micro_pick(yh_dtype ab_type)
{
    yh_isa isa = yh_isa_current();
    const yh_micro *best = micros[0].micro;
    for (size_t i = 1; i < sizeof micros / sizeof *micros; i++)
        if (micros[i].level <= isa && (micros[i].micro->packed == YH_F32 || ab_type == YH_BF16))
            best = micros[i].micro;
    return best;
}
