/* The inner products of attention: C[M,N] (+)= A[M,K] B[K,N] on small blocks in scratch memory.
 * Included by attn_body.h.
 *
 * An operand element is one float, or (ATTN_BF16) two bf16 that follow one another along K. A has
 * free strides, so that a block can be read transposed; B is [K][ldb], C is [M][ldc] in F32, both
 * padded to whole vectors along N. */
#ifndef YH_KERNELS_ATTN_MM_BODY_H
#define YH_KERNELS_ATTN_MM_BODY_H

enum { TILE_M = 6, TILE_V = VL == 16 ? 4 : 2 };

VEC_INLINE vf tile_dot(vf acc, const opnd *a, vf b)
{
#if ATTN_BF16
    int32_t pair;
    memcpy(&pair, a, 4);
    return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)b);
#else
    return v_fma(v_set(*a), b, acc);
#endif
}

#define TILE_EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define TILE_DECLARE(i)  vf c##i##0 = zero, c##i##1 = zero, c##i##2 = zero, c##i##3 = zero;
#define TILE_LOAD(i)                                                                               \
    if (mr > i) {                                                                                  \
        float *p = c + i * ldc;                                                                    \
        c##i##0 = v_load(p);                                                                       \
        if (nv > 1)                                                                                \
            c##i##1 = v_load(p + VL);                                                              \
        if (nv > 2)                                                                                \
            c##i##2 = v_load(p + 2 * VL);                                                          \
        if (nv > 3)                                                                                \
            c##i##3 = v_load(p + 3 * VL);                                                          \
    }
#define TILE_STORE(i)                                                                              \
    if (mr > i) {                                                                                  \
        float *p = c + i * ldc;                                                                    \
        v_store(p, c##i##0);                                                                       \
        if (nv > 1)                                                                                \
            v_store(p + VL, c##i##1);                                                              \
        if (nv > 2)                                                                                \
            v_store(p + 2 * VL, c##i##2);                                                          \
        if (nv > 3)                                                                                \
            v_store(p + 3 * VL, c##i##3);                                                          \
    }
#define TILE_STEP(i)                                                                               \
    if (mr > i) {                                                                                  \
        const opnd *e = i < 3 ? a + i * sm : a3 + (i - 3) * sm;                                    \
        c##i##0 = tile_dot(c##i##0, e, b0);                                                        \
        if (nv > 1)                                                                                \
            c##i##1 = tile_dot(c##i##1, e, b1);                                                    \
        if (nv > 2)                                                                                \
            c##i##2 = tile_dot(c##i##2, e, b2);                                                    \
        if (nv > 3)                                                                                \
            c##i##3 = tile_dot(c##i##3, e, b3);                                                    \
    }

VEC_INLINE void tile(const int mr, const int nv, const opnd *a, int64_t sm, int64_t sk,
                     const opnd *b, int64_t ldb, float *c, int64_t ldc, int64_t kn, bool add)
{
    const vf zero = {0};
    const opnd *a3 = a + 3 * sm;
    TILE_EACH_ROW(TILE_DECLARE)
    if (add) {
        TILE_EACH_ROW(TILE_LOAD)
    }
    for (int64_t k = 0; k < kn; k++) {
        vf b0 = opnd_load(b), b1 = nv > 1 ? opnd_load(b + VL) : zero;
        vf b2 = nv > 2 ? opnd_load(b + 2 * VL) : zero, b3 = nv > 3 ? opnd_load(b + 3 * VL) : zero;
        TILE_EACH_ROW(TILE_STEP)
        a += sk;
        a3 += sk;
        b += ldb;
    }
    TILE_EACH_ROW(TILE_STORE)
}

#define TILE_CASE(r)                                                                               \
    case r:                                                                                        \
        tile(r, nv, a, sm, sk, b, ldb, c, ldc, kn, add);                                           \
        break;

/* m rows by nv vectors */
VEC_INLINE void tile_column(const int nv, const opnd *a, int64_t sm, int64_t sk, const opnd *b,
                            int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t kn, bool add)
{
    for (; m >= TILE_M; m -= TILE_M) {
        tile(TILE_M, nv, a, sm, sk, b, ldb, c, ldc, kn, add);
        a += TILE_M * sm;
        c += TILE_M * ldc;
    }
    switch (m) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
    default:
        break;
    }
}

static inline void mm_enter(void) {}
static inline void mm_leave(void) {}

/* kn counts operand elements; n is a multiple of VL. */
static __attribute__((noinline)) void mm(const opnd *a, int64_t sm, int64_t sk, const opnd *b,
                                         int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n,
                                         int64_t kn, bool add)
{
    int64_t j = 0;
    for (; j + TILE_V * VL <= n; j += TILE_V * VL)
        tile_column(TILE_V, a, sm, sk, b + j, ldb, c + j, ldc, m, kn, add);
    for (; j < n; j += VL)
        tile_column(1, a, sm, sk, b + j, ldb, c + j, ldc, m, kn, add);
}

#endif
