/* Inside attention: what the driver (attention.c) hands to the blocked kernels (attn_body.h). */
#ifndef YH_KERNELS_ATTENTION_H
#define YH_KERNELS_ATTENTION_H

#include "kernels/kernels.h"

/* Rows are cut on a fixed grid of blocks, so that every way of splitting the work over threads adds
 * the same numbers in the same order. */
enum { ATTN_BLOCK = 64, ATTN_CHUNK = 128, ATTN_MAX_DIM = 512 };
/* Query blocks that go forward together; floats before a query block's packed rows. */
enum { ATTN_GROUP = 8, ATTN_HEADER = 32 };

/* One attention call. Query row r sees key rows [lo, hi]: hi = pos[r], or r when pos is NULL;
 * lo = max(start[r] or 0, hi - window + 1). */
typedef struct yh_attn_job {
    int64_t rows; /* of q, out, dout, dq */
    int64_t keys; /* rows of k and v that exist */
    int heads, kv_heads, dim;
    float scale;
    int64_t window;
    yh_dtype type;
    const int32_t *start, *pos;
    const void *q, *k, *v, *dout, *fwd_out;
    void *out, *dq, *dk, *dv;
    int64_t ldq, ldk, ldv, ldo;
    float *lse;   /* [heads, rows]; may be NULL going forward */
    float *delta; /* [heads, rows]: sum of dout * out */
    float *part;  /* decoding: see attn_decode */
} yh_attn_job;

static inline void yh_attn_range(const yh_attn_job *j, int64_t r, int64_t *lo, int64_t *hi)
{
    int64_t h = j->pos != NULL ? j->pos[r] : r, l = j->start != NULL ? j->start[r] : 0;
    if (j->window > 0 && h - j->window + 1 > l)
        l = h - j->window + 1;
    *lo = l;
    *hi = h;
}

/* Floats of scratch that attn_fwd needs for a number of query blocks, that attn_bwd_* need, and
 * that one query block and head takes when attn_bwd_all keeps it packed. Rows and K may be padded
 * to multiples of 32. */
static inline size_t yh_attn_padded(int dim)
{
    return (size_t)(dim + 31) / 32 * 32;
}
static inline size_t yh_attn_fwd_floats(int dim, int64_t blocks)
{
    return ATTN_BLOCK * (yh_attn_padded(dim) * (2 + 2 * (size_t)blocks) + 2 * ATTN_BLOCK + 1);
}
static inline size_t yh_attn_queries_floats(int dim)
{
    return ATTN_HEADER + ATTN_BLOCK * yh_attn_padded(dim) * 4;
}
static inline size_t yh_attn_bwd_floats(int dim)
{
    return ATTN_BLOCK * (yh_attn_padded(dim) * 7 + 5 * ATTN_BLOCK) + yh_attn_queries_floats(dim);
}

/* X(name, return type, arguments): kernels per ISA. */
#define YH_ATTN_KERNELS(X)                                                                         \
    /* query blocks [begin, end) of one head, at most ATTN_GROUP */                                \
    X(attn_fwd, void,                                                                              \
      (const yh_attn_job *j, int head, int64_t begin, int64_t end, float *scratch))                \
    /* delta of rows [begin, end) of one head */                                                   \
    X(attn_delta, void, (const yh_attn_job *j, int head, int64_t begin, int64_t end))              \
    /* dk and dv of one key block */                                                               \
    X(attn_bwd_kv, void, (const yh_attn_job *j, int kv_head, int64_t k_block, float *scratch))     \
    /* dq of one query block */                                                                    \
    X(attn_bwd_q, void, (const yh_attn_job *j, int head, int64_t q_block, float *scratch))         \
    /* all three of the key and query blocks [begin, end), of which no row sees or is seen by      \
     * another. kept: for each query block and head of the group, its sums of dq (ATTN_BLOCK *     \
     * padded dim) and yh_attn_queries_floats */                                                   \
    X(attn_bwd_all, void,                                                                          \
      (const yh_attn_job *j, int kv_head, int64_t begin, int64_t end, float *scratch,              \
       float *kept))                                                                               \
    /* One query row against one chunk of ATTN_CHUNK cache rows, for the heads of one kv head:     \
     * part[head][0] = maximum, [1] = sum of exponentials, [2..] = weighted sum of values */       \
    X(attn_decode, void,                                                                           \
      (const yh_attn_job *j, int64_t row, int kv_head, int64_t chunk, float *part))

typedef struct yh_attn_table {
#define YH_ATTN_FIELD(name, ret, args) ret(*name) args;
    YH_ATTN_KERNELS(YH_ATTN_FIELD)
#undef YH_ATTN_FIELD
} yh_attn_table;

/* Declares the kernels and the tables: of each ISA, and with bf16 products (name_bf16). */
#define YH_ATTN_DECLARE_REF(name, ret, args) ret yh_##name##__ref args;
YH_ATTN_KERNELS(YH_ATTN_DECLARE_REF)
extern const yh_attn_table yh_attn_table__ref;
#ifdef YH_X86
#define YH_ATTN_DECLARE_X86(name, ret, args)                                                       \
    ret yh_##name##__avx2 args;                                                                    \
    ret yh_##name##__avx512 args;                                                                  \
    ret yh_##name##__avx512bf16 args;                                                              \
    ret yh_##name##__amx args;                                                                     \
    ret yh_##name##_bf16__avx512bf16 args;                                                         \
    ret yh_##name##_bf16__amx args;
YH_ATTN_KERNELS(YH_ATTN_DECLARE_X86)
extern const yh_attn_table yh_attn_table__avx2, yh_attn_table__avx512, yh_attn_table__avx512bf16,
    yh_attn_table__amx, yh_attn_table_bf16__avx512bf16, yh_attn_table_bf16__amx;
#endif

/* Uses a table instead of the one for this machine and BF16 rows; NULL: no longer. For tests of
 * kernels that this machine cannot pick. */
void yh_attn_force(const yh_attn_table *bf16);

#endif
