/* Choosing kernels: one constant table per ISA and list, an array index to choose. */
#include "kernels/gemm_parts.h"
#include "kernels/peak.h"

#define ROWS(isa, level)    [level] = {YH_ROW_KERNELS(YH_FIELD_##isa)},
#define HELPERS(isa, level) [level] = {YH_GEMM_HELPERS(YH_FIELD_##isa)},
#define PEAKS(isa, level)   [level] = {YH_PEAK_KERNELS(YH_FIELD_##isa)},
static const yh_kernel_table rows[YH_ISA_COUNT] = {YH_BUILT_ISAS(ROWS)};
static const yh_gemm_helpers helpers[YH_ISA_COUNT] = {YH_BUILT_ISAS(HELPERS)};
static const yh_peak_table peaks[YH_ISA_COUNT] = {YH_BUILT_ISAS(PEAKS)};

static const struct {
    const yh_micro *micro;
    yh_isa level;
} micros[] = {
#define YH_MICRO(type, isa, level) {&yh_gemm_##type##__##isa, level},
#include "kernels/kernels.def"
#undef YH_MICRO
};

const yh_kernel_table *yh_kernels(void)
{
    return &rows[yh_isa_current()];
}

const yh_gemm_helpers *yh_gemm_helpers_current(void)
{
    return &helpers[yh_isa_current()];
}

const yh_peak_table *yh_peak_kernels(void)
{
    return &peaks[yh_isa_current()];
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
