/* Blocked attention, forward and backward (online softmax: Milakov & Gimelshein 2018; blocks:
 * Dao et al. 2022, "FlashAttention"). Included by a source that sets ATTN_BF16 and ATTN(name).
 *
 * Going forward, scores are held transposed, [key][query], so that the running maximum and sum of
 * 64 queries are a few vectors and nothing is folded across lanes. Going backward they are
 * [query][key]: what belongs to a key block is then packed once for all its queries. */
#ifndef YH_KERNELS_ATTN_BODY_H
#define YH_KERNELS_ATTN_BODY_H

#include "kernels/attention.h"
#include "kernels/attn_tile.h"
#include "kernels/multi.h"

#if ATTN_BF16
enum { KP = 2 };
#else
enum { KP = 1 };
#endif
/* On the diagonal, blocks are worked off in steps of STEP rows, leaving out what lies above. */
enum { BL = ATTN_BLOCK, BV = BL / VL, STEP = 16 };

static const float LOG2E = 1.44269504088896341f;
static const float LOWEST = -1e30f; /* of a score: finite, so that differences are no NaN */

/* 2^x for finite x <= 0 (below -150: 0); relative error below 2e-7 (Cephes' exp2f, S. Moshier), or
 * what is enough for bf16 products. */
VEC_INLINE vf exp2_neg(vf x)
{
#if ATTN_BF16
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

/* ---- operands from rows of a tensor ---- */

static inline int64_t pad_dim(int64_t dim)
{
    return (dim + 15) / 16 * 16;
}
/* operand elements along a head's dim */
static inline int64_t deep(int64_t dim)
{
    return (dim + KP - 1) / KP;
}

typedef struct rows_view {
    const void *p; /* first element of the first row */
    int64_t ld, n; /* row stride in elements; rows */
    int64_t dim;
    yh_dtype type;
} rows_view;

static rows_view view(const yh_attn_job *j, const void *base, int64_t ld, int64_t head,
                      int64_t first, int64_t n)
{
    return (rows_view){v_at(j->type, base, first * ld + head * j->dim), ld, n, j->dim, j->type};
}

#if ATTN_BF16
VEC_INLINE vf pair_rows(__m256i even, __m256i odd)
{
    return (vf)_mm512_or_si512(_mm512_cvtepu16_epi32(even),
                               _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}
VEC_INLINE __m256i half_load(const yh_bf16 *p, int64_t n)
{
    __mmask16 m = (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
    return _mm256_maskz_loadu_epi16(m, p);
}
#endif

/* A operand: [n][deep] */
static void copy_rows(opnd *dst, rows_view s)
{
    int64_t kd = deep(s.dim);
    for (int64_t r = 0; r < s.n; r++) {
#if ATTN_BF16
        dst[(r + 1) * kd - 1] = 0;
        memcpy(dst + r * kd, v_at(YH_BF16, s.p, r * s.ld), (size_t)s.dim * 2);
#else
        const void *row = v_at(s.type, s.p, r * s.ld);
        for (int64_t i = 0; i < s.dim; i += VL)
            v_put(YH_F32, dst + r * kd, i, s.dim,
                  s.type == YH_BF16 ? v_get(YH_BF16, row, i, s.dim) : v_get(YH_F32, row, i, s.dim));
#endif
    }
}

/* An A operand: rows `step` operand elements apart. */
typedef struct a_rows {
    const opnd *p;
    int64_t step;
} a_rows;

/* The rows where they lie, when they hold whole operand elements; else copied to tmp. */
static a_rows rows_operand(opnd *tmp, rows_view s)
{
    const yh_dtype own = ATTN_BF16 ? YH_BF16 : YH_F32;
    if (s.type == own && s.dim % KP == 0 && s.ld % KP == 0 && (uintptr_t)s.p % sizeof(opnd) == 0)
        return (a_rows){s.p, s.ld / KP};
    copy_rows(tmp, s);
    return (a_rows){tmp, deep(s.dim)};
}

#if ATTN_BF16
/* 32 elements of two rows as pairs. */
VEC_INLINE void put_pairs(opnd *dst, const yh_bf16 *even, const yh_bf16 *odd)
{
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40,
                                         8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    const __m512i e = _mm512_loadu_si512(even), o = _mm512_loadu_si512(odd);
    _mm512_storeu_si512(dst, _mm512_permutex2var_epi16(e, low, o));
    _mm512_storeu_si512(dst + 16, _mm512_permutex2var_epi16(e, high, o));
}
#endif

/* B operand with K along rows: [n/KP][pad_dim], zeros behind the dim and, in pairs, behind n */
static void pack_rows(opnd *dst, rows_view s)
{
    int64_t dp = pad_dim(s.dim);
#if ATTN_BF16
    for (int64_t r = 0; r < s.n; r += 2) {
        const yh_bf16 *e = (const yh_bf16 *)s.p + r * s.ld;
        int64_t i = 0;
        for (; r + 1 < s.n && i + 32 <= s.dim; i += 32)
            put_pairs(dst + (r / 2) * dp + i, e + i, e + s.ld + i);
        for (; i < dp; i += 16) {
            int64_t left = s.dim - i;
            __m256i odd = r + 1 < s.n ? half_load(e + s.ld + i, left) : _mm256_setzero_si256();
            v_store((float *)dst + (r / 2) * dp + i, pair_rows(half_load(e + i, left), odd));
        }
    }
#else
    for (int64_t r = 0; r < s.n; r++) {
        const void *row = v_at(s.type, s.p, r * s.ld);
        for (int64_t i = 0; i < dp; i += VL) {
            vf v = {0};
            if (i < s.dim)
                v = s.type == YH_BF16 ? v_get(YH_BF16, row, i, s.dim)
                                      : v_get(YH_F32, row, i, s.dim);
            v_store(dst + r * dp + i, v);
        }
    }
#endif
}

/* B operand with K along the dim: [deep][BL], zeros behind n. tmp holds BL * deep. */
static void pack_cols(opnd *dst, rows_view s, opnd *tmp)
{
    const int64_t kd = deep(s.dim);
    const a_rows a = rows_operand(tmp, s);
    for (int64_t r0 = 0; r0 < BL; r0 += VL) {
        const int64_t n = s.n - r0 < VL ? s.n - r0 : VL;
        int64_t i = 0;
        for (; i + VL <= kd && n > 0; i += VL) {
            vf x[VL];
            for (int64_t r = 0; r < VL; r++)
                x[r] = r < n ? tile_b(a.p + (r0 + r) * a.step + i) : (vf){0};
            v_transpose(x);
            for (int64_t k = 0; k < VL; k++)
                v_store((float *)dst + (i + k) * BL + r0, x[k]);
        }
        for (; i < kd; i++)
            for (int64_t r = 0; r < VL; r++)
                dst[i * BL + r0 + r] = r < n ? a.p[(r0 + r) * a.step + i] : 0;
    }
}

/* Two F32 rows as one row of pairs along K (bf16), or the first alone (F32: KP is 1). */
VEC_INLINE void put_pair(opnd *dst, vf even, vf odd)
{
#if ATTN_BF16
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
    v_store((float *)dst, (vf)_mm512_permutexvar_epi16(order, both));
#else
    (void)odd;
    v_store(dst, even);
#endif
}

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

/* ---- forward ---- */

typedef struct fwd_state {
    float *s;      /* [BL][BL] scores */
    opnd *p;       /* [BL/KP][BL] probabilities */
    float *top;    /* [BL] running maximum of the unscaled scores */
    float *sum;    /* [BL] */
    float *factor; /* [BL] what earlier sums are multiplied by */
    int32_t lo[ATTN_BLOCK], hi[ATTN_BLOCK];
} fwd_state;

/* Scores of nk keys from k0 to probabilities; false when no factor differs from 1. */
VEC_INLINE bool softmax_block(fwd_state *f, float c, int64_t k0, int64_t nk, bool mask)
{
    vi changed = {0};
    for (int v = 0; v < BV; v++) {
        float *s = f->s + v * VL;
        vi lo, hi;
        memcpy(&lo, f->lo + v * VL, sizeof lo);
        memcpy(&hi, f->hi + v * VL, sizeof hi);
        vf old = v_load(f->top + v * VL), top = old;
        for (int64_t r = 0; r < nk; r++) {
            vf x = v_load(s + r * BL);
            if (mask) {
                vi key = vi_set((int32_t)(k0 + r));
                x = v_pick((vi)(key >= lo) & (vi)(key <= hi), x, v_set(LOWEST));
                v_store(s + r * BL, x);
            }
            top = v_max(x, top);
        }
        vf factor = exp2_neg((old - top) * c), sum = v_load(f->sum + v * VL) * factor;
        vf shift = top * -c;
        for (int64_t r = 0; r < nk; r += KP) {
            vf p[2] = {{0}, {0}};
            for (int i = 0; i < KP; i++) {
                if (r + i >= nk)
                    break;
                p[i] = exp2_neg(v_fma(v_load(s + (r + i) * BL), v_set(c), shift));
                if (mask) {
                    vi key = vi_set((int32_t)(k0 + r + i));
                    p[i] = v_pick((vi)(key >= lo) & (vi)(key <= hi), p[i], (vf){0});
                }
                sum += p[i];
            }
            put_pair(f->p + r / KP * BL + v * VL, p[0], p[1]);
        }
        v_store(f->top + v * VL, top);
        v_store(f->sum + v * VL, sum);
        v_store(f->factor + v * VL, factor);
        changed |= (vi)(factor != v_set(1.0f));
    }
    int32_t any = 0;
    for (int i = 0; i < VL; i++)
        any |= changed[i];
    return any != 0;
}

static void fwd_finish(const yh_attn_job *j, const fwd_state *f, const float *o, int head,
                       int64_t q0, int64_t nq)
{
    int64_t dp = pad_dim(j->dim);
    for (int64_t r = 0; r < nq; r++) {
        void *out = v_at_mut(j->type, j->out, (q0 + r) * j->ldo + (int64_t)head * j->dim);
        float inv = 1.0f / f->sum[r];
        for (int64_t i = 0; i < j->dim; i += VL) {
            vf v = v_load(o + r * dp + i) * inv;
            if (j->type == YH_BF16)
                v_put(YH_BF16, out, i, j->dim, v);
            else
                v_put(YH_F32, out, i, j->dim, v);
        }
        if (j->lse != NULL)
            j->lse[head * j->rows + q0 + r] = f->top[r] * j->scale + logf(f->sum[r]);
    }
}

/* Transposed scores of nk keys; diagonal: of the queries from each step of keys on. */
static void fwd_scores(float *s, a_rows ka, const opnd *qt, int64_t nk, int64_t kd, bool diagonal)
{
    const int64_t step = diagonal ? STEP : nk;
    for (int64_t k = 0; k < nk; k += step) {
        int64_t n = nk - k < step ? nk - k : step;
        mm(ka.p + k * ka.step, ka.step, 1, qt + k, BL, s + k * BL + k, BL, n, BL - k, kd, false);
    }
}

/* o += p v; diagonal: each step of queries with the keys up to its end. */
static void fwd_values(float *o, const opnd *p, const opnd *vp, int64_t nq, int64_t nk, int64_t dp,
                       bool diagonal)
{
    const int64_t step = diagonal ? STEP : nq;
    for (int64_t q = 0; q < nq; q += step) {
        int64_t m = nq - q < step ? nq - q : step, keys = diagonal && q + step < nk ? q + step : nk;
        mm(p + q, 1, BL, vp, dp, o + q * dp, dp, m, dp, (keys + KP - 1) / KP, true);
    }
}

/* Rows of a tensor lie far apart, where the hardware does not look ahead: the next block's are
 * called for before they are needed. */
static void prefetch_rows(rows_view s)
{
    const int64_t bytes = s.dim * (s.type == YH_BF16 ? 2 : 4);
    for (int64_t r = 0; r < s.n; r++) {
        const char *row = v_at(s.type, s.p, r * s.ld);
        for (int64_t at = 0; at < bytes; at += 64)
            __builtin_prefetch(row + at);
    }
}

void ATTN(attn_fwd)(const yh_attn_job *j, int head, int64_t q_block, float *scratch)
{
    const int64_t q0 = q_block * BL, q1 = q0 + BL < j->rows ? q0 + BL : j->rows, nq = q1 - q0;
    const int64_t dp = pad_dim(j->dim), kd = deep(j->dim);
    const int64_t kv = head / (j->heads / j->kv_heads);
    const float c = j->scale * LOG2E;
    fwd_state f;
    opnd *qt = (opnd *)scratch, *ka = qt + kd * BL, *vp = ka + BL * kd;
    float *o = (float *)(vp + BL / KP * dp);
    f.s = o + BL * dp;
    f.p = (opnd *)(f.s + BL * BL);
    f.top = (float *)(f.p + BL / KP * BL);
    f.sum = f.top + BL;
    f.factor = f.sum + BL;
    for (int64_t r = 0; r < BL; r++) {
        f.top[r] = LOWEST;
        f.sum[r] = 0;
    }
    memset(o, 0, (size_t)(BL * dp) * sizeof *o);
    int64_t first, behind;
    block_range(j, q0, q1, f.lo, f.hi, &first, &behind);
    pack_cols(qt, view(j, j->q, j->ldq, head, q0, nq), ka);
    for (int64_t k0 = first / BL * BL; k0 < behind; k0 += BL) {
        int64_t nk = behind - k0 < BL ? behind - k0 : BL;
        const a_rows keys = rows_operand(ka, view(j, j->k, j->ldk, kv, k0, nk));
        pack_rows(vp, view(j, j->v, j->ldv, kv, k0, nk));
        const bool diagonal = k0 == q0 && j->pos == NULL;
        fwd_scores(f.s, keys, qt, nk, kd, diagonal);
        if (k0 + BL < behind) {
            const int64_t next = behind - k0 - BL < BL ? behind - k0 - BL : BL;
            prefetch_rows(view(j, j->k, j->ldk, kv, k0 + BL, next));
            prefetch_rows(view(j, j->v, j->ldv, kv, k0 + BL, next));
        }
        bool mask = nq < BL || needs_mask(f.lo, f.hi, nq, k0, k0 + nk), changed;
        if (mask)
            changed = softmax_block(&f, c, k0, nk, true);
        else
            changed = softmax_block(&f, c, k0, nk, false);
        if (changed)
            for (int64_t r = 0; r < nq; r++)
                for (int64_t i = 0; i < dp; i += VL)
                    v_store(o + r * dp + i, v_load(o + r * dp + i) * f.factor[r]);
        fwd_values(o, f.p, vp, nq, nk, dp, diagonal);
    }
    fwd_finish(j, &f, o, head, q0, nq);
}

/* ---- backward ---- */

VEC_INLINE vf get_typed(yh_dtype t, const void *p, int64_t i, int64_t n)
{
    return t == YH_BF16 ? v_get(YH_BF16, p, i, n) : v_get(YH_F32, p, i, n);
}

void ATTN(attn_delta)(const yh_attn_job *j, int head, int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        const void *d = v_at(j->type, j->dout, r * j->ldo + (int64_t)head * j->dim);
        const void *o = v_at(j->type, j->fwd_out, r * j->ldo + (int64_t)head * j->dim);
        vf s = {0};
        for (int64_t i = 0; i < j->dim; i += VL)
            s = v_fma(get_typed(j->type, d, i, j->dim), get_typed(j->type, o, i, j->dim), s);
        j->delta[head * j->rows + r] = v_sum(s);
    }
}

typedef struct bwd_state {
    opnd *kt, *vt; /* key block: [deep][BL] */
    opnd *kr;      /* key block: [BL/KP][dp] */
    opnd *qa, *da; /* query block, where it must be copied: [BL][deep] */
    opnd *qr, *dr; /* query block: [BL/KP][dp] */
    float *s, *t;  /* [BL][BL] */
    opnd *p, *ds;  /* [BL/KP][BL], pairs along queries */
    opnd *dsk;     /* [BL][BL/KP], pairs along keys; ds itself in F32 */
    float *dk, *dv, *dq;
    int64_t k0, nk;
} bwd_state;

static void bwd_layout(bwd_state *b, const yh_attn_job *j, float *scratch)
{
    int64_t kd = deep(j->dim), dp = pad_dim(j->dim);
    b->kt = (opnd *)scratch;
    b->vt = b->kt + kd * BL;
    b->qa = b->vt + kd * BL;
    b->da = b->qa + kd * BL;
    b->kr = b->da + kd * BL;
    b->qr = b->kr + BL / KP * dp;
    b->dr = b->qr + BL / KP * dp;
    b->p = b->dr + BL / KP * dp;
    b->ds = b->p + BL / KP * BL;
    b->dsk = KP == 1 ? b->ds : b->ds + BL / KP * BL;
    b->s = (float *)(b->dsk + BL * BL / KP);
    b->t = b->s + BL * BL;
    b->dk = b->t + BL * BL;
    b->dv = b->dk + BL * dp;
    b->dq = b->dv + BL * dp;
}

static void bwd_key_block(bwd_state *b, const yh_attn_job *j, int64_t kv, int64_t k_block)
{
    b->k0 = k_block * BL;
    b->nk = j->keys - b->k0 < BL ? j->keys - b->k0 : BL;
    rows_view k = view(j, j->k, j->ldk, kv, b->k0, b->nk);
    pack_cols(b->kt, k, b->qa);
    pack_cols(b->vt, view(j, j->v, j->ldv, kv, b->k0, b->nk), b->qa);
    pack_rows(b->kr, k);
}

/* Row r of the block: probabilities and gradients of the scores, from scores and dP. */
VEC_INLINE void bwd_row(const bwd_state *b, const yh_attn_job *j, int64_t at, int64_t r, int v,
                        bool mask, vf *p, vf *ds)
{
    const float c = j->scale * LOG2E;
    vf s = v_load(b->s + r * BL + v * VL), t = v_load(b->t + r * BL + v * VL);
    *p = exp2_neg(v_min(v_fma(s, v_set(c), v_set(-j->lse[at] * LOG2E)), v_set(0)));
    *ds = *p * (t - j->delta[at]) * j->scale;
    if (mask) { /* what was left out may hold anything, NaN too */
        int64_t lo, hi;
        yh_attn_range(j, at % j->rows, &lo, &hi);
        vi lane;
        for (int i = 0; i < VL; i++)
            lane[i] = i;
        vi key = lane + (int32_t)(b->k0 + v * VL);
        vi seen = (vi)(key >= vi_set((int32_t)lo)) & (vi)(key <= vi_set((int32_t)hi));
        *p = v_pick(seen, *p, (vf){0});
        *ds = v_pick(seen, *ds, (vf){0});
    }
}

VEC_INLINE void bwd_softmax(bwd_state *b, const yh_attn_job *j, int head, int64_t q0, int64_t nq,
                            bool mask)
{
    for (int64_t r = 0; r < nq; r += KP)
        for (int v = 0; v < BV; v++) {
            vf p[2] = {{0}, {0}}, ds[2] = {{0}, {0}};
            int64_t at = head * j->rows + q0 + r;
            bwd_row(b, j, at, r, v, mask, &p[0], &ds[0]);
            if (KP == 2 && r + 1 < nq)
                bwd_row(b, j, at + 1, r + 1, v, mask, &p[1], &ds[1]);
            put_pair(b->p + r / KP * BL + v * VL, p[0], p[1]);
            put_pair(b->ds + r / KP * BL + v * VL, ds[0], ds[1]);
#if ATTN_BF16
            for (int i = 0; i < 2; i++) {
                __m256i h = (__m256i)_mm512_cvtneps_pbh((__m512)ds[i]);
                memcpy((yh_bf16 *)b->dsk + (r + i) * BL + v * VL, &h, sizeof h);
            }
#endif
        }
}

/* Scores and dP of nq queries; diagonal: each step of queries with the keys up to its end. */
static void bwd_scores(bwd_state *b, a_rows qa, a_rows da, int64_t nq, int64_t kd, bool diagonal)
{
    const int64_t step = diagonal ? STEP : nq;
    for (int64_t q = 0; q < nq; q += step) {
        int64_t m = nq - q < step ? nq - q : step, n = diagonal ? q + step : BL;
        mm(qa.p + q * qa.step, qa.step, 1, b->kt, BL, b->s + q * BL, BL, m, n, kd, false);
        mm(da.p + q * da.step, da.step, 1, b->vt, BL, b->t + q * BL, BL, m, n, kd, false);
    }
}

/* dv and dk; diagonal: each step of keys with the queries from its begin on. */
static void bwd_keys(bwd_state *b, int64_t nq, int64_t dp, bool diagonal)
{
    const int64_t step = diagonal ? STEP : b->nk, pairs = (nq + KP - 1) / KP;
    for (int64_t k = 0; k < b->nk; k += step) {
        int64_t m = b->nk - k < step ? b->nk - k : step, from = k / KP;
        if (from >= pairs)
            break;
        mm(b->p + from * BL + k, 1, BL, b->dr + from * dp, dp, b->dv + k * dp, dp, m, dp,
           pairs - from, true);
        mm(b->ds + from * BL + k, 1, BL, b->qr + from * dp, dp, b->dk + k * dp, dp, m, dp,
           pairs - from, true);
    }
}

/* dq; diagonal: each step of queries with the keys up to its end. */
static void bwd_queries(bwd_state *b, int64_t nq, int64_t dp, float *dq, int64_t ld, bool diagonal)
{
    const int64_t step = diagonal ? STEP : nq;
    for (int64_t q = 0; q < nq; q += step) {
        int64_t m = nq - q < step ? nq - q : step;
        int64_t keys = diagonal && q + step < b->nk ? q + step : b->nk;
        mm(b->dsk + q * (BL / KP), BL / KP, 1, b->kr, dp, dq + q * ld, ld, m, dp,
           (keys + KP - 1) / KP, true);
    }
}

/* One pair of blocks: adds to dk and dv (when asked for), and to dq (when not NULL). */
static void bwd_pair(bwd_state *b, const yh_attn_job *j, int head, int64_t q0, bool want_kv,
                     float *dq, int64_t dq_ld)
{
    int64_t nq = j->rows - q0 < BL ? j->rows - q0 : BL;
    int64_t kd = deep(j->dim), dp = pad_dim(j->dim);
    const bool diagonal = q0 == b->k0;
    int32_t lo[ATTN_BLOCK], hi[ATTN_BLOCK];
    int64_t first, behind;
    block_range(j, q0, q0 + nq, lo, hi, &first, &behind);
    bool mask = b->nk < BL || needs_mask(lo, hi, nq, b->k0, b->k0 + BL);
    rows_view q = view(j, j->q, j->ldq, head, q0, nq), d = view(j, j->dout, j->ldo, head, q0, nq);
    bwd_scores(b, rows_operand(b->qa, q), rows_operand(b->da, d), nq, kd, diagonal);
    if (mask)
        bwd_softmax(b, j, head, q0, nq, true);
    else
        bwd_softmax(b, j, head, q0, nq, false);
    if (want_kv) {
        pack_rows(b->qr, q);
        pack_rows(b->dr, d);
        bwd_keys(b, nq, dp, diagonal);
    }
    if (dq != NULL)
        bwd_queries(b, nq, dp, dq, dq_ld, diagonal);
}

static void put_rows(const yh_attn_job *j, void *dst, int64_t ld, int64_t head, int64_t first,
                     int64_t n, const float *src, int64_t src_ld)
{
    for (int64_t r = 0; r < n; r++) {
        void *row = v_at_mut(j->type, dst, (first + r) * ld + head * j->dim);
        for (int64_t i = 0; i < j->dim; i += VL) {
            if (j->type == YH_BF16)
                v_put(YH_BF16, row, i, j->dim, v_load(src + r * src_ld + i));
            else
                v_put(YH_F32, row, i, j->dim, v_load(src + r * src_ld + i));
        }
    }
}

static int64_t first_key(const yh_attn_job *j, int64_t row)
{
    int64_t lo, hi;
    yh_attn_range(j, row, &lo, &hi);
    return lo;
}

static void bwd_clear(float *p, int64_t n)
{
    memset(p, 0, (size_t)n * sizeof *p);
}

/* One key block against its query blocks, in ascending order; dq_acc NULL: dk and dv alone. Rows
 * of dq_acc begin at row_base. */
static void bwd_column(bwd_state *b, const yh_attn_job *j, int kv_head, int64_t k_block,
                       float *dq_acc, int64_t row_base)
{
    const int64_t dp = pad_dim(j->dim), blocks = (j->rows + BL - 1) / BL;
    const int group = j->heads / j->kv_heads;
    bwd_key_block(b, j, kv_head, k_block);
    bwd_clear(b->dk, BL * dp);
    bwd_clear(b->dv, BL * dp);
    for (int64_t q = k_block; q < blocks; q++) {
        if (first_key(j, q * BL) >= b->k0 + b->nk)
            break; /* starts never decrease: no later row sees these keys */
        for (int g = 0; g < group; g++) {
            float *dq = NULL;
            if (dq_acc != NULL)
                dq = dq_acc + ((q * BL - row_base) * group + g) * dp;
            bwd_pair(b, j, kv_head * group + g, q * BL, true, dq, group * dp);
        }
    }
    put_rows(j, j->dk, j->ldk, kv_head, b->k0, b->nk, b->dk, dp);
    put_rows(j, j->dv, j->ldv, kv_head, b->k0, b->nk, b->dv, dp);
}

void ATTN(attn_bwd_kv)(const yh_attn_job *j, int kv_head, int64_t k_block, float *scratch)
{
    bwd_state b;
    bwd_layout(&b, j, scratch);
    bwd_column(&b, j, kv_head, k_block, NULL, 0);
}

void ATTN(attn_bwd_q)(const yh_attn_job *j, int head, int64_t q_block, float *scratch)
{
    const int64_t dp = pad_dim(j->dim), q0 = q_block * BL;
    const int64_t nq = j->rows - q0 < BL ? j->rows - q0 : BL;
    bwd_state b;
    bwd_layout(&b, j, scratch);
    bwd_clear(b.dq, BL * dp);
    for (int64_t k = first_key(j, q0) / BL; k <= q_block; k++) {
        bwd_key_block(&b, j, head / (j->heads / j->kv_heads), k);
        bwd_pair(&b, j, head, q0, false, b.dq, dp);
    }
    put_rows(j, j->dq, j->ldq, head, q0, nq, b.dq, dp);
}

void ATTN(attn_bwd_all)(const yh_attn_job *j, int kv_head, int64_t begin, int64_t end,
                        float *scratch, float *dq_acc)
{
    const int64_t dp = pad_dim(j->dim), row0 = begin * BL;
    const int64_t rows = (end * BL < j->rows ? end * BL : j->rows) - row0;
    const int group = j->heads / j->kv_heads;
    bwd_state b;
    bwd_layout(&b, j, scratch);
    bwd_clear(dq_acc, rows * group * dp);
    for (int64_t k = begin; k < end; k++)
        bwd_column(&b, j, kv_head, k, dq_acc, row0);
    for (int g = 0; g < group; g++)
        put_rows(j, j->dq, j->ldq, kv_head * group + g, row0, rows, dq_acc + g * dp, group * dp);
}

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
