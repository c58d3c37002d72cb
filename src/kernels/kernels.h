/* The compute kernels: pure functions on raw pointers. Each is reached through yh_kernels(), a
 * table filled once for the ISA in use (base/cpu.h). kernels.def lists the entries; an ISA folder
 * overrides what it does better; `multi/` holds sources compiled once per ISA (plain C with vector
 * extensions).
 *
 * All matrices are row-major. Sums run over fixed blocks in a fixed order on one ISA, whatever the
 * number of threads. bf16 is stored as uint16_t; conversions round to nearest even.
 * "Rows" kernels handle rows [begin, end), so that ops split rows over threads. Float in, float
 * accumulation; the dtype of activations (F32 or BF16) is an argument, converted row by row. */
#ifndef YH_KERNELS_H
#define YH_KERNELS_H

#include "base/cpu.h"
#include "base/thread.h"

typedef uint16_t yh_bf16;

typedef enum yh_dtype { YH_F32, YH_BF16, YH_F16, YH_I32, YH_U8, YH_DTYPE_COUNT } yh_dtype;
size_t yh_dtype_size(yh_dtype t);
const char *yh_dtype_text(yh_dtype t);

static inline float yh_bf16_to_f32(yh_bf16 v)
{
    union {
        uint32_t u;
        float f;
    } x = {(uint32_t)v << 16};
    return x.f;
}
static inline yh_bf16 yh_f32_to_bf16(float v)
{
    union {
        float f;
        uint32_t u;
    } x = {v};
    if ((x.u & 0x7fffffffu) > 0x7f800000u)
        return (yh_bf16)((x.u >> 16) | 0x40u); /* quiet NaN */
    return (yh_bf16)((x.u + 0x7fffu + ((x.u >> 16) & 1u)) >> 16);
}

/* A float in two halves that lose nothing: high is the nearest bf16 (ties away from zero), and
 * bits = (high << 16) + low, with low a signed number. */
static inline void yh_f32_split(float v, yh_bf16 *high, int16_t *low)
{
    union {
        float f;
        uint32_t u;
    } x = {v};
    *high = (yh_bf16)((x.u + 0x8000u) >> 16);
    *low = (int16_t)(uint16_t)x.u;
}
static inline float yh_f32_join(yh_bf16 high, int16_t low)
{
    union {
        uint32_t u;
        float f;
    } x = {((uint32_t)high << 16) + (uint32_t)(int32_t)low};
    return x.f;
}

/* ------------------------------------------------------------------ matrix product (gemm.c) ----
 */
/* C[M,N] = epilogue(op(A)[M,K] · op(B)[K,N] (+ C when accumulate)). A and B share dtype (F32 or
 * BF16), C is F32 or BF16 on its own.
 *   trans_a false: A is [M,K] with row stride lda; true: A is stored [K,M].
 *   trans_b false: B is [K,N] with row stride ldb; true: B is stored [N,K] (a linear's weight).
 * Epilogue in this order: + bias[n] (f32, or NULL), + residual[m,n] (dtype of C, stride ldc, or
 * NULL; may be C itself). accumulate needs C in F32; with c_empty C counts as zero at first, and is
 * not read. Scratch comes from a per-pool workspace owned
 * by the kernels' module: no allocation once a shape was seen. The only failure is YH_NOMEM.
 *   packed_b: B as yh_gemm_pack_b packed it on the same ISA, or NULL; b itself is needed, too. It
 *   may hold more than the n columns.
 *   exp: instead of the epilogue, see yh_gemm_exp. */
typedef struct yh_gemm {
    int64_t m, n, k;
    yh_dtype ab_type, c_type;
    bool trans_a, trans_b, accumulate, c_empty;
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    const float *bias;
    const void *residual;
    const void *packed_b;
    const struct yh_gemm_exp *exp;
} yh_gemm;

/* C = exp(op(A) · op(B) - shift), which is not stored when C is NULL, and what a softmax down each
 * column needs. Rows are counted from `first`: the row that equals a column's target has its
 * product put into chosen and is stored as 0. Sums run in an order that depends on m alone. */
typedef struct yh_gemm_exp {
    const float *shift;    /* [n] */
    const int32_t *target; /* [n]; negative: none */
    int64_t first;
    float *chosen; /* [n], written where a target is met */
    double *sum;   /* [n] += exponentials, but for the target's */
    float *top;    /* [n] = max of itself and the products; a NaN shows in sum alone */
} yh_gemm_exp;

/* C = A·Aᵀ, [n, n], for A [n, k] (trans_a: Aᵀ·A for A stored [k, n]): of g its n, k, types,
 * trans_a, a, lda, c and ldc count; there is no epilogue. The bits of yh_gemm_run's product of more
 * than 24 rows, in little more than half the multiplications. */
yh_status yh_gemm_symmetric(const yh_gemm *g, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

#define YH_GEMM_PACKED_MAX ((int64_t)32 << 20) /* bytes of an operand packed at once, at most */
yh_status yh_gemm_run(const yh_gemm *g, yh_pool *pool, yh_err *err) YH_MUST_CHECK;
/* Packs B of g (its type, n, k, trans_b, b and ldb) into dst, aligned to 64, for any number of
 * products. The size that is enough on every ISA: */
void yh_gemm_pack_b(const yh_gemm *g, void *dst, yh_pool *pool);
size_t yh_gemm_packed_bytes(int64_t n, int64_t k);
/* The same for a weight that stays packed: the size on this ISA, and the part of the whole that the
 * stored rows [begin, end) of B make, on the calling thread. begin is a multiple of 32, and end,
 * but for the last row's. */
size_t yh_gemm_weight_bytes(const yh_gemm *g);
void yh_gemm_pack_rows(const yh_gemm *g, void *dst, int64_t begin, int64_t end);
/* Bytes of scratch that yh_gemm_run takes for a product of this kind on a pool of so many threads;
 * what a, b and the rest point to is not read. */
size_t yh_gemm_workspace(const yh_gemm *g, int threads);

/* -------------------------------------------------------------- attention (attention.c) --------
 */
/* Causal attention over T rows in which row t sees rows [start[t], t] (start[t] <= t restricts it
 * to its own sequence and document; start is non-decreasing), at most `window` of them when window
 * > 0. q [T, heads*dim], k and v [T, kv_heads*dim] with row strides ldq, ldk, ldv (elements); heads
 * is a multiple of kv_heads (grouped-query: head h reads kv head h / (heads/kv_heads)). out [T,
 * heads*dim] (stride ldo); lse [heads, T] log-sum-exp of the scaled scores (F32). Blocked with
 * online softmax: never a T x T matrix. dtype of q, k, v, out, and of the gradients: F32 or BF16.
 */
typedef struct yh_attn {
    int64_t rows;
    int heads, kv_heads, dim;
    float scale;
    int64_t window;
    yh_dtype type;
    const int32_t *start;
    const void *q, *k, *v;
    void *out;
    int64_t ldq, ldk, ldv, ldo;
    float *lse;
    /* backward only: dout like out; dq, dk, dv like q, k, v (written, not accumulated) */
    const void *dout;
    void *dq, *dk, *dv;
} yh_attn;
yh_status yh_attn_forward(const yh_attn *a, yh_pool *pool, yh_err *err) YH_MUST_CHECK;
yh_status yh_attn_backward(const yh_attn *a, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* Decoding: n query rows (absolute positions pos[i]) against a cache; k_cache, v_cache
 * [capacity, kv_heads*dim]; query row i sees cache rows [max(0, pos[i]-window+1), pos[i]]. */
typedef struct yh_attn_cached {
    int64_t n;
    int heads, kv_heads, dim;
    float scale;
    int64_t window;
    yh_dtype type;
    const int32_t *pos;
    const void *q, *k_cache, *v_cache;
    void *out;
    int64_t ldq, ldkv, ldo;
} yh_attn_cached;
yh_status yh_attn_cached_run(const yh_attn_cached *a, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* ------------------------------------------------------------------ Muon (muon.c) --------------
 */
/* Replaces x [rows, cols] (F32) by an approximation of its nearest semi-orthogonal matrix: five
 * Newton-Schulz iterations with coefficients (3.4445, -4.7750, 2.0315), the products in `type`.
 * scratch: yh_muon_scratch bytes, aligned to 64. */
size_t yh_muon_scratch(int64_t rows, int64_t cols, yh_dtype type);
yh_status yh_muon_orthogonalise(float *x, int64_t rows, int64_t cols, yh_dtype type, void *scratch,
                                yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* ------------------------------------------------------------------ row kernels (rows) ---------
 */
/* X(name, return type, arguments). One table entry each: yh_kernels()->name. `t` is the dtype of
 * the activations named x, y, dx, dy ... (F32 or BF16); weights of norms and statistics are F32. */
#define YH_ROW_KERNELS(X)                                                                          \
    /* y = x * rsqrt(mean(x^2) + eps) * w; rstd [rows] out (may be NULL) */                        \
    X(rmsnorm, void,                                                                               \
      (yh_dtype t, const void *x, const float *w, float eps, void *y, float *rstd, int64_t width,  \
       int64_t begin, int64_t end))                                                                \
    /* dx (+= when add_dx), and dw_part [width] += over the rows given */                          \
    X(rmsnorm_back, void,                                                                          \
      (yh_dtype t, const void *x, const float *w, const float *rstd, const void *dy, void *dx,     \
       bool add_dx, float *dw_part, int64_t width, int64_t begin, int64_t end))                    \
    X(layernorm, void,                                                                             \
      (yh_dtype t, const void *x, const float *w, const float *b, float eps, void *y, float *mean, \
       float *rstd, int64_t width, int64_t begin, int64_t end))                                    \
    X(layernorm_back, void,                                                                        \
      (yh_dtype t, const void *x, const float *w, const float *mean, const float *rstd,            \
       const void *dy, void *dx, bool add_dx, float *dw_part, float *db_part, int64_t width,       \
       int64_t begin, int64_t end))                                                                \
    /* per-head RMSNorm (w [dim] or NULL) then rotary embedding, neox halves; cos_sin [max_pos,    \
     * dim]: dim/2 cosines then dim/2 sines; x and y [rows, heads*dim]; rstd [rows*heads] or NULL  \
     */                                                                                            \
    X(rope_norm, void,                                                                             \
      (yh_dtype t, const void *x, const float *w, float eps, const float *cos_sin,                 \
       const int32_t *pos, void *y, float *rstd, int heads, int dim, int64_t begin, int64_t end))  \
    X(rope_norm_back, void,                                                                        \
      (yh_dtype t, const void *x, const float *w, const float *rstd, const float *cos_sin,         \
       const int32_t *pos, const void *dy, void *dx, float *dw_part, int heads, int dim,           \
       int64_t begin, int64_t end))                                                                \
    /* y = silu(gate) * up */                                                                      \
    X(swiglu, void,                                                                                \
      (yh_dtype t, const void *gate, const void *up, void *y, int64_t begin, int64_t end))         \
    X(swiglu_back, void,                                                                           \
      (yh_dtype t, const void *gate, const void *up, const void *dy, void *dgate, void *dup,       \
       int64_t begin, int64_t end))                                                                \
    /* GELU, tanh form (GPT-2's gelu_new), and its derivative at x unless slope is NULL; both may  \
     * be x */                                                                                     \
    X(gelu, void, (yh_dtype t, const void *x, void *y, void *slope, int64_t begin, int64_t end))   \
    X(add, void, (yh_dtype t, const void *a, const void *b, void *y, int64_t begin, int64_t end))  \
    X(mul, void, (yh_dtype t, const void *a, const void *b, void *y, int64_t begin, int64_t end))  \
    X(scale_f32, void, (float *x, float s, int64_t begin, int64_t end))                            \
    X(f32_to_bf16, void, (const float *x, yh_bf16 *y, int64_t begin, int64_t end))                 \
    X(bf16_to_f32, void, (const yh_bf16 *x, float *y, int64_t begin, int64_t end))                 \
    /* yh_f32_split and yh_f32_join of many */                                                     \
    X(f32_split, void, (const float *x, yh_bf16 *high, int16_t *low, int64_t begin, int64_t end))  \
    X(f32_join, void,                                                                              \
      (const yh_bf16 *high, const int16_t *low, float *x, int64_t begin, int64_t end))             \
    X(f16_to_f32, void, (const uint16_t *x, float *y, int64_t begin, int64_t end))                 \
    /* sum of squares in double over fixed blocks: same result however it is split at multiples of \
     * 4096 elements is the caller's care */                                                       \
    X(sum_squares, double, (const float *x, int64_t n))                                            \
    /* column sums of rows [begin, end): out[width] += (bias gradient) */                          \
    X(col_sum, void,                                                                               \
      (yh_dtype t, const void *x, float *out, int64_t width, int64_t begin, int64_t end))          \
    /* Decoupled AdamW (Loshchilov & Hutter 2019) on [begin, end): g is multiplied by g_scale      \
     * (clipping); bias corrections c1 = 1-b1^t, c2 = 1-b2^t; w *= 1-lr*wd first as torch does;    \
     * the weights are w, or w NULL and split into high and low. */                                \
    X(adamw, void,                                                                                 \
      (float *w, yh_bf16 *high, int16_t *low, const float *g, float *m, float *v, float g_scale,   \
       float lr, float b1, float b2, float eps, float wd, float c1, float c2, int64_t begin,       \
       int64_t end))

typedef struct yh_kernel_table {
#define YH_ROW_FIELD(name, ret, args) ret(*name) args;
    YH_ROW_KERNELS(YH_ROW_FIELD)
#undef YH_ROW_FIELD
} yh_kernel_table;

/* The table of the ISA in use (follows yh_isa_force). Never NULL. */
const yh_kernel_table *yh_kernels(void);

#endif
