/* One table of kernels per ISA, all constant: choosing is an array index. */
#include "kernels/multi.h"

#define FIELD_ref(name, ret, args)        .name = yh_##name##__ref,
#define FIELD_avx2(name, ret, args)       .name = yh_##name##__avx2,
#define FIELD_avx512(name, ret, args)     .name = yh_##name##__avx512,
#define FIELD_avx512bf16(name, ret, args) .name = yh_##name##__avx512bf16,
#define FIELD_amx(name, ret, args)        .name = yh_##name##__amx,
#define TABLE(isa, level)                 [level] = {YH_ROW_KERNELS(FIELD_##isa)},

static const yh_kernel_table tables[YH_ISA_COUNT] = {YH_BUILT_ISAS(TABLE)};

const yh_kernel_table *yh_kernels(void)
{
    return &tables[yh_isa_current()];
}
