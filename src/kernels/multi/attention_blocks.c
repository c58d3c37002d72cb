/* Attention's blocked kernels with F32 products, once per ISA; BF16 rows are widened on packing. */
#include "kernels/multi.h"

#define ATTN_BF16  0
#define ATTN_TILES 0
#define ATTN(name) YH_KERNEL(name)
#include "kernels/attn_body.h"

const yh_attn_table YH_KERNEL(attn_table) = {YH_ATTN_KERNELS(ATTN_TABLE_ROW)};
