/* Naming and declaring kernels that exist once per ISA.
 *
 * A source in multi/ is compiled once per ISA and defines `ret YH_KERNEL(name) args { ... }`, which
 * becomes yh_<name>__<isa>. The names and arguments come from the lists in kernels.h; dispatch.c
 * fills one table per ISA from the same lists, so a kernel that is listed but not written does not
 * link. */
#ifndef YH_KERNELS_MULTI_H
#define YH_KERNELS_MULTI_H

#include "kernels/kernels.h"

/* X(isa, level) for each ISA that this build contains, from worst to best. */
#ifdef YH_X86
#define YH_BUILT_ISAS(X)                                                                           \
    X(ref, YH_ISA_REF)                                                                             \
    X(avx2, YH_ISA_AVX2)                                                                           \
    X(avx512, YH_ISA_AVX512)                                                                       \
    X(avx512bf16, YH_ISA_AVX512BF16)                                                               \
    X(amx, YH_ISA_AMX)
#else
#define YH_BUILT_ISAS(X) X(ref, YH_ISA_REF)
#endif

#define YH_KERNEL_JOIN_(name, isa) yh_##name##__##isa
#define YH_KERNEL_JOIN(name, isa)  YH_KERNEL_JOIN_(name, isa)
/* The name of a kernel for the ISA that the source is compiled for (YH_ISA_NAME, by CMake). */
#define YH_KERNEL(name) YH_KERNEL_JOIN(name, YH_ISA_NAME)

/* Declarations of every kernel of a list for every ISA. */
#define YH_DECLARE_REF(name, ret, args) ret yh_##name##__ref args;
#ifdef YH_X86
#define YH_DECLARE_X86(name, ret, args)                                                            \
    ret yh_##name##__avx2 args;                                                                    \
    ret yh_##name##__avx512 args;                                                                  \
    ret yh_##name##__avx512bf16 args;                                                              \
    ret yh_##name##__amx args;
#else
#define YH_DECLARE_X86(name, ret, args)
#endif
#define YH_DECLARE_KERNELS(LIST) LIST(YH_DECLARE_REF) LIST(YH_DECLARE_X86)
YH_DECLARE_KERNELS(YH_ROW_KERNELS)

/* The entries of a list for one ISA, for a table with a field per name. */
#define YH_FIELD_ref(name, ret, args)        .name = yh_##name##__ref,
#define YH_FIELD_avx2(name, ret, args)       .name = yh_##name##__avx2,
#define YH_FIELD_avx512(name, ret, args)     .name = yh_##name##__avx512,
#define YH_FIELD_avx512bf16(name, ret, args) .name = yh_##name##__avx512bf16,
#define YH_FIELD_amx(name, ret, args)        .name = yh_##name##__amx,

#endif
