/* Attention's blocked kernels with bf16 products in AMX tiles and F32 sums. */
#define ATTN_BF16  1
#define ATTN_TILES 1
#define ATTN(name) YH_KERNEL_JOIN(name##_bf16, YH_ISA_NAME)
#include "kernels/attn_body.h"

const yh_attn_table ATTN(attn_table) = {YH_ATTN_KERNELS(ATTN_TABLE_ROW)};
