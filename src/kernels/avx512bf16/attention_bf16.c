/* Attention's blocked kernels with bf16 products (VDPBF16PS) and F32 sums. */
#define ATTN_BF16  1
#define ATTN(name) yh_##name##__bf16
#include "kernels/attn_body.h"

const yh_attn_table yh_attn_table__bf16 = {YH_ATTN_KERNELS(ATTN_TABLE_ROW)};
