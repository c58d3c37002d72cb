/* Choosing kernels: one constant table per ISA, an array index to choose. */
#include "kernels/gemm_parts.h"

#define ROWS(isa, level) [level] = {YH_ROW_KERNELS(YH_FIELD_##isa)},
static const yh_kernel_table tables[YH_ISA_COUNT] = {YH_BUILT_ISAS(ROWS)};

const yh_kernel_table *yh_kernels(void)
{
    return &tables[yh_isa_current()];
}
