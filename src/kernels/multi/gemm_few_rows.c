/* C[m, n] = A[m, k] · B[n, k]ᵀ for m <= YH_FEW_ROWS: each row of B is read once from memory and
 * multiplied with all rows of A, which stay in the first-level cache. Bound by memory bandwidth
 * for few rows. Every output has one vector accumulator over k and one fixed reduction, whichever
 * group of rows it is computed in. */
#include "kernels/gemm_parts.h"
#include "kernels/vec.h"

/* Operands as registers: floats; pairs of bf16 where there is an instruction for them. */
#ifdef __AVX512BF16__
enum { STEP_BF16 = 2 * VL };
VEC_INLINE vf load(yh_dtype t, const char *p)
{
    (void)t;
    return v_load((const float *)(const void *)p);
}
VEC_INLINE vf dot(yh_dtype t, vf a, vf b, vf acc)
{
    if (t == YH_F32)
        return v_fma(a, b, acc);
    return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b);
}
#else
enum { STEP_BF16 = VL };
VEC_INLINE vf load(yh_dtype t, const char *p)
{
    return t == YH_F32 ? v_load((const float *)(const void *)p)
                       : v_load16((const yh_bf16 *)(const void *)p);
}
VEC_INLINE vf dot(yh_dtype t, vf a, vf b, vf acc)
{
    (void)t;
    return v_fma(a, b, acc);
}
#endif

/* The last n bytes of a row, then zeros. */
VEC_INLINE vf load_tail(yh_dtype t, const char *p, size_t n)
{
    _Alignas(64) char whole[64] = {0};
    memcpy(whole, p, n);
    return load(t, whole);
}

/* Columns [n, n + group) of all m rows. */
VEC_INLINE void columns(yh_dtype t, int m, int group, const yh_gemm *g, int64_t n)
{
    const int64_t elem = t == YH_F32 ? 4 : 2, step = t == YH_F32 ? VL : STEP_BF16;
    const int64_t whole = g->k / step * step * elem, end = g->k * elem;
    const int64_t lda = g->lda * elem, ldb = g->ldb * elem;
    const char *a = g->a, *b = (const char *)g->b + n * ldb;
    vf s[YH_FEW_ROWS][4];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < group; j++)
            s[i][j] = v_set(0);
    for (int64_t k = 0; k < whole; k += step * elem) {
        vf y[4];
        for (int j = 0; j < group; j++)
            y[j] = load(t, b + j * ldb + k);
        for (int i = 0; i < m; i++) {
            const vf x = load(t, a + i * lda + k);
            for (int j = 0; j < group; j++)
                s[i][j] = dot(t, x, y[j], s[i][j]);
        }
    }
    if (whole < end)
        for (int i = 0; i < m; i++) {
            const vf x = load_tail(t, a + i * lda + whole, (size_t)(end - whole));
            for (int j = 0; j < group; j++)
                s[i][j] =
                    dot(t, x, load_tail(t, b + j * ldb + whole, (size_t)(end - whole)), s[i][j]);
        }
    float tile[YH_FEW_ROWS * 4];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < group; j++)
            tile[i * group + j] = v_sum(s[i][j]);
    YH_KERNEL(gemm_store)(g, tile, group, 0, n, m, group);
}

/* Columns at once: as many sums as the registers hold, so that a load feeds several of them. */
VEC_INLINE int group_size(int m)
{
    if (VL == 16)
        return m <= 4 ? 4 : 3;
    return m <= 2 ? 4 : m <= 4 ? 2 : 1;
}

VEC_INLINE void rows(yh_dtype t, int m, const yh_gemm *g, int64_t begin, int64_t end)
{
    const int group = group_size(m);
    int64_t n = begin;
    for (; n + group <= end; n += group)
        columns(t, m, group, g, n);
    for (; n < end; n++)
        columns(t, m, 1, g, n);
}

VEC_INLINE void any_rows(yh_dtype t, const yh_gemm *g, int64_t begin, int64_t end)
{
    switch (g->m) {
    case 1:
        rows(t, 1, g, begin, end);
        break;
    case 2:
        rows(t, 2, g, begin, end);
        break;
    case 3:
        rows(t, 3, g, begin, end);
        break;
    case 4:
        rows(t, 4, g, begin, end);
        break;
    case 5:
        rows(t, 5, g, begin, end);
        break;
    case 6:
        rows(t, 6, g, begin, end);
        break;
    case 7:
        rows(t, 7, g, begin, end);
        break;
    default:
        rows(t, 8, g, begin, end);
    }
}

void YH_KERNEL(gemm_few_rows)(const yh_gemm *g, int64_t begin, int64_t end)
{
    if (g->ab_type == YH_F32)
        any_rows(YH_F32, g, begin, end);
    else
        any_rows(YH_BF16, g, begin, end);
}
