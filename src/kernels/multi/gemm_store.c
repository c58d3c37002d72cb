/* The epilogue of the matrix product. */
#include "kernels/gemm_parts.h"
#include "kernels/vec.h"

/* What an epilogue adds to the sums. */
typedef enum adds { NOTHING, ONE, ALL } adds;

VEC_INLINE bool adds_to_c(const yh_gemm *g)
{
    return g->accumulate && !g->c_empty;
}

/* `rows` rows of a tile, `cols` long, to C. `one`: C itself or the residual. */
VEC_INLINE void store_rows(yh_dtype t, adds what, const yh_gemm *g, const float *tile, int nr,
                           int64_t at, const float *bias, const void *one, int rows, int cols)
{
    for (int i = 0; i < rows; i++, at += g->ldc, tile += nr)
#pragma GCC unroll 2
        for (int64_t k = 0; k < cols; k += VL) {
            vf v = v_get(YH_F32, tile, k, cols);
            if (what == ONE)
                v += v_get(t, v_at(t, one, at), k, cols);
            if (what == ALL) {
                if (adds_to_c(g))
                    v += v_get(t, v_at(t, g->c, at), k, cols);
                if (bias != NULL)
                    v += v_get(YH_F32, bias, k, cols);
                if (g->residual != NULL)
                    v += v_get(t, v_at(t, g->residual, at), k, cols);
            }
            v_put(t, v_at_mut(t, g->c, at), k, cols, v);
        }
}

/* Whole tiles have two vectors a row on every ISA. */
VEC_INLINE void store_type(yh_dtype t, const yh_gemm *g, const float *tile, int nr, int64_t row,
                           int64_t col, int rows, int cols)
{
    const int64_t at = row * g->ldc + col;
    const float *bias = g->bias != NULL ? g->bias + col : NULL;
    const void *one = adds_to_c(g) ? g->c : g->residual;
    const bool all = bias != NULL || (adds_to_c(g) && g->residual != NULL);
    if (cols != 2 * VL || all)
        store_rows(t, ALL, g, tile, nr, at, bias, one, rows, cols);
    else if (one != NULL)
        store_rows(t, ONE, g, tile, nr, at, bias, one, rows, 2 * VL);
    else
        store_rows(t, NOTHING, g, tile, nr, at, bias, one, rows, 2 * VL);
}

void YH_KERNEL(gemm_store)(const yh_gemm *g, const float *tile, int nr, int64_t row, int64_t col,
                           int rows, int cols)
{
    if (g->c_type == YH_F32)
        store_type(YH_F32, g, tile, nr, row, col, rows, cols);
    else
        store_type(YH_BF16, g, tile, nr, row, col, rows, cols);
}

/* A tile has at most VL rows here (gemm_parts.h: those that read rows in place). */
void YH_KERNEL(gemm_store_turned)(const yh_gemm *g, const float *tile, int nr, int64_t row,
                                  int64_t col, int rows, int cols)
{
    float turned[2 * VL][VL];
    for (int q = 0; q < rows; q += VL) {
        vf x[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; i++)
            x[i] = i < cols ? v_load(tile + i * nr + q) : v_set(0);
        v_transpose(x);
#pragma GCC unroll 16
        for (int i = 0; i < VL; i++)
            v_store(turned[q + i], x[i]);
    }
    const int64_t at = row * g->ldc + col;
    const float *bias = g->bias != NULL ? g->bias + col : NULL;
    if (g->c_type == YH_F32)
        store_rows(YH_F32, ALL, g, turned[0], VL, at, bias, NULL, rows, cols);
    else
        store_rows(YH_BF16, ALL, g, turned[0], VL, at, bias, NULL, rows, cols);
}

/* To bf16; v is positive. */
VEC_INLINE vh narrow_positive(vf v)
{
#if defined(__AVX512BF16__)
    return (vh)_mm512_cvtneps_pbh((__m512)v);
#else
    const vu x = (vu)v;
    return vu_narrow((x + 0x7fffu + ((x >> 16) & 1u)) >> 16);
#endif
}

VEC_INLINE void put_positive(yh_dtype t, void *p, int64_t n, vf v)
{
    if (t == YH_F32) {
        v_put(YH_F32, p, 0, n, v);
        return;
    }
    const vh x = narrow_positive(v);
    if (VEC_LIKELY(n >= VL))
        memcpy(p, &x, sizeof x);
    else
        memcpy(p, &x, (size_t)n * 2);
}

/* Columns [col, col + n) of a tile, n <= VL; `met`: one of its elements is its column's target. */
VEC_INLINE void exp_columns(yh_dtype t, const yh_gemm *g, const float *tile, int nr, int64_t row,
                            int64_t col, int rows, int64_t n, float *sum, float *top, bool met,
                            vi target)
{
    const yh_gemm_exp *e = g->exp;
    const vf shift = v_get(YH_F32, e->shift + col, 0, n);
    vf s = v_get(YH_F32, sum, 0, n), m = v_get(YH_F32, top, 0, n), chosen = {0};
    char *c = g->c == NULL ? NULL : v_at_mut(t, g->c, row * g->ldc + col);
    const int64_t step = g->ldc * (t == YH_BF16 ? 2 : 4);
    for (int i = 0; i < rows; i++, tile += nr) {
        const vf x = v_load(tile);
        vf p = t == YH_BF16 ? v_exp_16(x - shift) : v_exp(x - shift);
        m = v_max(m, x);
        if (met) {
            const vi here = (vi)(target == vi_set(i));
            chosen = v_pick(here, x, chosen);
            p = v_pick(here, (vf){0}, p);
        }
        s += p;
        if (c != NULL) {
            put_positive(t, c, n, p);
            c += step;
        }
    }
    v_put(YH_F32, sum, 0, n, s);
    v_put(YH_F32, top, 0, n, m);
    for (int64_t q = 0; met && q < n; q++)
        if (target[q] >= 0 && target[q] < rows)
            e->chosen[col + q] = chosen[q];
}

/* Few tiles hold a target: the others are spared the search. */
VEC_INLINE void exp_type(yh_dtype t, const yh_gemm *g, const float *tile, int nr, int64_t row,
                         int64_t col, int rows, int64_t n, float *sum, float *top)
{
    vi target = vi_set(-1);
    memcpy(&target, g->exp->target + col, (size_t)n * sizeof(int32_t));
    target -= vi_set((int32_t)(g->exp->first + row));
    if (v_any((vi)((vu)target < (vu)vi_set(rows))))
        exp_columns(t, g, tile, nr, row, col, rows, n, sum, top, true, target);
    else if (n < VL)
        exp_columns(t, g, tile, nr, row, col, rows, n, sum, top, false, target);
    else
        exp_columns(t, g, tile, nr, row, col, rows, VL, sum, top, false, target);
}

void YH_KERNEL(gemm_store_exp)(const yh_gemm *g, const float *tile, int nr, int64_t row,
                               int64_t col, int rows, int cols, float *sum, float *top)
{
    for (int q = 0; q < cols; q += VL) {
        const int64_t n = cols - q < VL ? cols - q : VL;
        if (g->c_type == YH_F32)
            exp_type(YH_F32, g, tile + q, nr, row, col + q, rows, n, sum + col + q, top + col + q);
        else
            exp_type(YH_BF16, g, tile + q, nr, row, col + q, rows, n, sum + col + q, top + col + q);
    }
}
