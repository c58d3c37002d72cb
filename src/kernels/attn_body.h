/* Blocked attention, forward and backward (online softmax: Milakov & Gimelshein 2018; blocks:
 * Dao et al. 2022, "FlashAttention"). Included by a source that sets ATTN_BF16, ATTN_TILES and
 * ATTN(name).
 *
 * Every product has an operand whose rows can be packed once for many blocks, and one that is
 * computed: probabilities or gradients of scores. The computed one is always B, in rows of [K]
 * side by side, so that it is used as it comes out of the registers. So what is summed over queries
 * or keys is held turned, [dim][row]: o, dk and dv.
 *
 * Going forward, scores are held transposed, [key][query], so that the running maximum and sum of
 * 64 queries are a few vectors and nothing is folded across lanes. Going backward they are
 * [query][key]: what belongs to a key block is then packed once for all its queries. */
#ifndef YH_KERNELS_ATTN_BODY_H
#define YH_KERNELS_ATTN_BODY_H

#include "kernels/attention.h"
#include "kernels/multi.h"
#include "kernels/vec.h"

#if ATTN_BF16
enum { KP = 2 };
typedef uint32_t opnd; /* two bf16 that follow one another along K */
#else
enum { KP = 1 };
typedef float opnd;
#endif
VEC_INLINE vf opnd_load(const opnd *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* On the diagonal, blocks are worked off in steps of STEP rows, leaving out what lies above.
 * UNIT_K: operand elements to which K is padded. */
#if ATTN_TILES
enum { BL = ATTN_BLOCK, BV = BL / VL, STEP = 32, UNIT_K = 16 };
#include "kernels/amx/attn_tiles_body.h"
#else
enum { BL = ATTN_BLOCK, BV = BL / VL, STEP = 16, UNIT_K = 1 };
#include "kernels/attn_mm_body.h"
#endif

static const float LOG2E = 1.44269504088896341f;
static const float LOWEST = -1e30f; /* of a score: finite, so that differences are no NaN */

/* 2^x for finite x <= 0 (below -150: 0); relative error below 2e-7 (Cephes' exp2f, S. Moshier), or
 * what is enough for bf16 products. */
VEC_INLINE vf exp2_neg(vf x)
{
#if ATTN_BF16 && VL == 16
    return v_exp2_16(x); /* the instructions behind it take any exponent */
#else
    x = v_max(v_set(-150.0f), x);
    vf n = v_nearest(x), r = x - n;
    vf p = v_fma(v_set(1.535336188319500e-4f), r, v_set(1.339887440266574e-3f));
    p = v_fma(p, r, v_set(9.618437357674640e-3f));
    p = v_fma(p, r, v_set(5.550332471162809e-2f));
    p = v_fma(p, r, v_set(2.402264791363012e-1f));
    p = v_fma(p, r, v_set(6.931472028550421e-1f));
    return v_ldexp(v_fma(p, r, v_set(1.0f)), n);
#endif
}

#include "kernels/attn_pack_body.h"

/* ---- ranges ---- */

/* First key of the query rows [q0, q1), last key behind their end, and whether each of them sees
 * all keys in between (then no mask is needed). */
static void block_range(const yh_attn_job *j, int64_t q0, int64_t q1, int32_t *lo, int32_t *hi,
                        int64_t *first, int64_t *behind)
{
    int64_t f = INT64_MAX, b = 0;
    for (int64_t r = 0; r < BL; r++) {
        int64_t l = INT32_MAX, h = -1;
        if (q0 + r < q1) {
            yh_attn_range(j, q0 + r, &l, &h);
            f = l < f ? l : f;
            b = h + 1 > b ? h + 1 : b;
        }
        lo[r] = (int32_t)l;
        hi[r] = (int32_t)h;
    }
    *first = f;
    *behind = b;
}
static bool needs_mask(const int32_t *lo, const int32_t *hi, int64_t n, int64_t k0, int64_t k1)
{
    bool cut = false;
    for (int64_t r = 0; r < n; r++)
        cut |= lo[r] > k0 || hi[r] < k1 - 1;
    return cut;
}

#include "kernels/attn_backward_body.h"
#include "kernels/attn_forward_body.h"

/* ---- decoding ---- */

/* Rows of a cache lie far apart, where the hardware does not look ahead. Measured: a gain for bf16
 * rows, a loss for F32. */
enum { AHEAD = 12 };
VEC_INLINE void prefetch_row(yh_dtype t, const void *row, int64_t begin, int64_t end)
{
    for (int64_t i = begin; t == YH_BF16 && i < end; i += 32)
        __builtin_prefetch(v_at(t, row, i));
}

/* Scaled scores (to base 2) of the n keys from `key` on; q is widened and padded with zeros. */
VEC_INLINE void decode_scores(yh_dtype t, const float *q, const void *key, int64_t ld, int64_t dim,
                              int64_t n, float c, float *score)
{
    for (int64_t k = 0; k < n; k += 4) {
        const void *row[4];
        vf s[4] = {{0}, {0}, {0}, {0}};
        for (int m = 0; m < 4; m++) /* past the end: the last key again */
            row[m] = v_at(t, key, (k + m < n ? k + m : n - 1) * ld);
        for (int m = 0; m < 4; m++)
            prefetch_row(t, v_at(t, key, (k + m + AHEAD < n ? k + m + AHEAD : n - 1) * ld), 0, dim);
        for (int64_t i = 0; i < dim; i += VL) {
            vf x = v_load(q + i);
            for (int m = 0; m < 4; m++)
                s[m] = v_fma(x, v_get(t, row[m], i, dim), s[m]);
        }
        for (int m = 0; m < 4 && k + m < n; m++)
            score[k + m] = v_sum(s[m]) * c;
    }
}

/* out = sum over n keys of p * value, for nv vectors of the dim from i on */
VEC_INLINE void decode_values(yh_dtype t, const int nv, const float *p, const void *val, int64_t ld,
                              int64_t i, int64_t dim, int64_t n, float *out)
{
    vf s[4] = {{0}, {0}, {0}, {0}};
    for (int64_t k = 0; k < n; k++) {
        const void *row = v_at(t, val, k * ld);
        prefetch_row(t, v_at(t, val, (k + AHEAD < n ? k + AHEAD : n - 1) * ld), i, i + nv * VL);
        for (int m = 0; m < nv; m++)
            s[m] = v_fma(v_set(p[k]), v_get(t, row, i + m * VL, dim), s[m]);
    }
    for (int m = 0; m < nv; m++)
        v_store(out + i + m * VL, s[m]);
}

/* A chunk of the cache stays in the cache of the core while the heads of the group read it. Bound
 * by memory, so F32 arithmetic. */
VEC_INLINE void decode_body(yh_dtype t, const yh_attn_job *j, int64_t row, int kv_head,
                            int64_t chunk, float *part)
{
    const int group = j->heads / j->kv_heads;
    const int64_t dim = j->dim, dp = pad_dim(dim);
    int64_t lo, hi;
    yh_attn_range(j, row, &lo, &hi);
    int64_t b = chunk * ATTN_CHUNK > lo ? chunk * ATTN_CHUNK : lo;
    int64_t e = (chunk + 1) * ATTN_CHUNK < hi + 1 ? (chunk + 1) * ATTN_CHUNK : hi + 1;
    const void *key = v_at(t, j->k, b * j->ldk + kv_head * dim);
    const void *val = v_at(t, j->v, b * j->ldv + kv_head * dim);
    float q[ATTN_MAX_DIM + 16], p[ATTN_CHUNK];
    for (int g = 0; g < group; g++) {
        float *own = part + g * (dp + 2), top = LOWEST;
        const void *src = v_at(t, j->q, row * j->ldq + ((int64_t)kv_head * group + g) * dim);
        for (int64_t i = 0; i < dim; i += VL)
            v_store(q + i, v_get(t, src, i, dim));
        decode_scores(t, q, key, j->ldk, dim, e - b, j->scale * LOG2E, p);
        for (int64_t k = 0; k < e - b; k++)
            top = p[k] > top ? p[k] : top;
        vf sum = {0};
        for (int64_t k = 0; k < e - b; k += VL) {
            for (int64_t m = e - b; m < k + VL; m++)
                p[m] = LOWEST; /* counts as 0 */
            vf x = exp2_neg(v_load(p + k) - top);
            sum += x;
            v_store(p + k, x);
        }
        int64_t i = 0;
        for (; i + 4 * VL <= dim; i += 4 * VL)
            decode_values(t, 4, p, val, j->ldv, i, dim, e - b, own + 2);
        for (; i < dim; i += VL)
            decode_values(t, 1, p, val, j->ldv, i, dim, e - b, own + 2);
        own[0] = top;
        own[1] = v_sum(sum);
    }
}

void ATTN(attn_decode)(const yh_attn_job *j, int64_t row, int kv_head, int64_t chunk, float *part)
{
    if (j->type == YH_BF16)
        decode_body(YH_BF16, j, row, kv_head, chunk, part);
    else
        decode_body(YH_F32, j, row, kv_head, chunk, part);
}

#define ATTN_TABLE_ROW(name, ret, args) .name = ATTN(name),

#endif
