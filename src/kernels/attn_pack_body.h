/* Attention's operands, from rows of a tensor. Included by attn_body.h.
 *
 * An A operand has free strides along its rows and along K; a B operand is [K][columns]. ATTN_TILES
 * pads both with zeros to whole tiles: 16 rows, 16 pairs along K. */
#ifndef YH_KERNELS_ATTN_PACK_BODY_H
#define YH_KERNELS_ATTN_PACK_BODY_H

static inline int64_t pad_dim(int64_t dim)
{
    return (dim + 15) / 16 * 16;
}
/* operand elements along a head's dim */
static inline int64_t deep(int64_t dim)
{
    const int64_t n = (dim + KP - 1) / KP;
    return (n + UNIT_K - 1) / UNIT_K * UNIT_K;
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

/* An A operand: element (m, k) at p[m * sm + k * sk]. */
typedef struct a_opnd {
    const opnd *p;
    int64_t sm, sk;
} a_opnd;

/* The rows as they lie are an operand, but for the padding. */
static bool in_place(rows_view s)
{
    const yh_dtype own = ATTN_BF16 ? YH_BF16 : YH_F32;
    return s.type == own && s.dim % KP == 0 && s.ld % KP == 0 && (uintptr_t)s.p % sizeof(opnd) == 0;
}

/* A operand: [n][deep], of tiles [BL][deep] */
static a_opnd copy_rows(opnd *dst, rows_view s)
{
    const int64_t kd = deep(s.dim);
    for (int64_t r = 0; r < s.n; r++) {
#if ATTN_TILES
        const yh_bf16 *row = (const yh_bf16 *)s.p + r * s.ld;
        for (int64_t i = 0; i < kd; i += VL) {
            const int64_t left = s.dim - i * KP;
            vf x = {0};
            if (left >= KP * VL)
                memcpy(&x, row + i * KP, sizeof x);
            else if (left > 0)
                memcpy(&x, row + i * KP, (size_t)left * sizeof *row);
            v_store((float *)(dst + r * kd + i), x);
        }
#elif ATTN_BF16
        dst[(r + 1) * kd - 1] = 0;
        memcpy(dst + r * kd, v_at(YH_BF16, s.p, r * s.ld), (size_t)s.dim * 2);
#else
        const void *row = v_at(s.type, s.p, r * s.ld);
        for (int64_t i = 0; i < s.dim; i += VL)
            v_put(YH_F32, dst + r * kd, i, s.dim,
                  s.type == YH_BF16 ? v_get(YH_BF16, row, i, s.dim) : v_get(YH_F32, row, i, s.dim));
#endif
    }
    if (ATTN_TILES)
        memset(dst + s.n * kd, 0, (size_t)((BL - s.n) * kd) * sizeof *dst);
    return (a_opnd){dst, kd, 1};
}

/* A operand with K along the dim: the rows where they lie, when that will do; else copied to dst.
 * Tiles are copied always: rows far apart would share few sets of the first-level cache. */
static a_opnd rows_operand(opnd *dst, rows_view s)
{
    if (!ATTN_TILES && in_place(s))
        return (a_opnd){s.p, s.ld / KP, 1};
    return copy_rows(dst, s);
}

#if ATTN_BF16
/* Columns i to i + VL of rows r and r + 1 as pairs; zeros past the end. */
VEC_INLINE vf row_pair(rows_view s, int64_t r, int64_t i)
{
    const yh_bf16 *e = (const yh_bf16 *)s.p + r * s.ld;
    const vf zero = {0};
    const vf even = r < s.n && i < s.dim ? v_get(YH_BF16, e, i, s.dim) : zero;
    const vf odd = r + 1 < s.n && i < s.dim ? v_get(YH_BF16, e + s.ld, i, s.dim) : zero;
    return (vf)((vu)odd | (vu)even >> 16);
}
#endif
#if ATTN_BF16 && VL == 16
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

/* B operand with K along rows: [n/KP][pad_dim], zeros behind the dim and, in pairs, behind n; of
 * tiles [BL/KP][pad_dim] */
static void pack_rows(opnd *dst, rows_view s)
{
    const int64_t dp = pad_dim(s.dim), end = ATTN_TILES ? BL : s.n;
    for (int64_t r = 0; r < end; r += KP) {
        opnd *to = dst + r / KP * dp;
        int64_t i = 0;
#if ATTN_BF16
#if VL == 16
        const yh_bf16 *e = (const yh_bf16 *)s.p + r * s.ld;
        for (; r + 1 < s.n && i + 32 <= s.dim; i += 32)
            put_pairs(to + i, e + i, e + s.ld + i);
#endif
        for (; i < dp; i += VL)
            v_store((float *)to + i, row_pair(s, r, i));
#else
        const void *row = v_at(s.type, s.p, r * s.ld);
        for (; i < dp; i += VL) {
            vf v = {0};
            if (i < s.dim)
                v = s.type == YH_BF16 ? v_get(YH_BF16, row, i, s.dim)
                                      : v_get(YH_F32, row, i, s.dim);
            v_store(to + i, v);
        }
#endif
    }
}

/* A operand with K along rows: row m is element m of the dim. dst holds BL/KP * pad_dim. F32 rows
 * are read where they lie, unless they all share the same lines of the first-level cache. */
static a_opnd turned_operand(opnd *dst, rows_view s)
{
    const int64_t dp = pad_dim(s.dim);
#if ATTN_TILES
    enum { PAIRS = BL / KP };
    for (int64_t r = 0; r < PAIRS; r += VL)
        for (int64_t i = 0; i < dp; i += VL) {
            vf x[VL];
            for (int64_t k = 0; k < VL; k++)
                x[k] = row_pair(s, (r + k) * KP, i);
            v_transpose(x);
            for (int64_t k = 0; k < VL; k++)
                v_store((float *)dst + (i + k) * PAIRS + r, x[k]);
        }
    return (a_opnd){dst, PAIRS, 1};
#else
    if (KP == 1 && s.type == YH_F32 && s.ld % 1024 != 0)
        return (a_opnd){s.p, 1, s.ld};
    pack_rows(dst, s);
    return (a_opnd){dst, 1, dp};
#endif
}

/* B operand with K along the dim: [deep][BL], zeros behind n. tmp holds BL * deep. */
static void pack_cols(opnd *dst, rows_view s, opnd *tmp)
{
    const a_opnd a = in_place(s) ? (a_opnd){s.p, s.ld / KP, 1} : copy_rows(tmp, s);
    const int64_t kd = in_place(s) ? s.dim / KP : deep(s.dim);
    for (int64_t r0 = 0; r0 < BL; r0 += VL) {
        const int64_t n = s.n - r0 < VL ? s.n - r0 : VL;
        int64_t i = 0;
        for (; i + VL <= kd && n > 0; i += VL) {
            vf x[VL];
            for (int64_t r = 0; r < VL; r++)
                x[r] = r < n ? opnd_load(a.p + (r0 + r) * a.sm + i) : (vf){0};
            v_transpose(x);
            for (int64_t k = 0; k < VL; k++)
                v_store((float *)dst + (i + k) * BL + r0, x[k]);
        }
        for (; i < kd; i++)
            for (int64_t r = 0; r < VL; r++)
                dst[i * BL + r0 + r] = r < n ? a.p[(r0 + r) * a.sm + i] : 0;
    }
    memset(dst + kd * BL, 0, (size_t)((deep(s.dim) - kd) * BL) * sizeof *dst);
}

/* Two F32 rows as one row of pairs along K (bf16), or the first alone (F32: KP is 1). */
VEC_INLINE void put_pair(opnd *dst, vf even, vf odd)
{
#if ATTN_BF16 && VL == 16
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
    v_store((float *)dst, (vf)_mm512_permutexvar_epi16(order, both));
#elif ATTN_BF16
    v_store((float *)dst, (vf)((vu)v_widen(v_narrow(odd)) | (vu)v_widen(v_narrow(even)) >> 16));
#else
    (void)odd;
    v_store(dst, even);
#endif
}

/* The first n rows of the transpose of src [pad_dim][BL], each times its factor, to rows of a
 * tensor; factor [BL] or NULL. */
static void put_turned(const yh_attn_job *j, void *dst, int64_t ld, int64_t head, int64_t first,
                       int64_t n, const float *src, const float *factor)
{
    for (int64_t r = 0; r < n; r += VL)
        for (int64_t i = 0; i < j->dim; i += VL) {
            vf x[VL];
            for (int64_t k = 0; k < VL; k++) {
                x[k] = v_load(src + (i + k) * BL + r);
                if (factor != NULL)
                    x[k] *= v_load(factor + r);
            }
            v_transpose(x);
            for (int64_t k = 0; k < VL && r + k < n; k++) {
                void *row = v_at_mut(j->type, dst, (first + r + k) * ld + head * j->dim);
                if (j->type == YH_BF16)
                    v_put(YH_BF16, row, i, j->dim, x[k]);
                else
                    v_put(YH_F32, row, i, j->dim, x[k]);
            }
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

#endif
