/* Loops that do nothing but reach one limit of the machine. */
#ifndef YH_KERNELS_PEAK_H
#define YH_KERNELS_PEAK_H

#include "kernels/multi.h"

/* Like YH_ROW_KERNELS: compiled once per ISA in multi/. */
#define YH_PEAK_KERNELS(X)                                                                         \
    /* multiply-adds on registers alone; returns the FLOPs done; *sink gets a value that depends   \
     * on all of them */                                                                           \
    X(peak_f32, double, (int64_t rounds, float *sink))                                             \
    /* the same in bf16 with f32 sums; 0 when the ISA has no units for it */                       \
    X(peak_bf16, double, (int64_t rounds, float *sink))                                            \
    /* reads n bytes (a multiple of 64) */                                                         \
    X(peak_read, uint64_t, (const void *p, size_t n))

typedef struct yh_peak_table {
#define YH_PEAK_FIELD(name, ret, args) ret(*name) args;
    YH_PEAK_KERNELS(YH_PEAK_FIELD)
#undef YH_PEAK_FIELD
} yh_peak_table;
YH_DECLARE_KERNELS(YH_PEAK_KERNELS)

const yh_peak_table *yh_peak_kernels(void); /* of the ISA in use */

#endif
