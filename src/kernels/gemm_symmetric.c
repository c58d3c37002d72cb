/* S·Sᵀ in about half the multiplications: strips of rows are multiplied with the columns up to
 * their own end, and what lies above the diagonal is copied from below it. Element (i, j) and
 * element (j, i) add the same products in the same order, so the copy has the bits of the full
 * product. */
#include "kernels/gemm_parts.h"
#include "kernels/workspace.h"

enum { STRIPS = 8, STRIP_MOST = 112, TILE = 32 };

/* Copies what lies below the diagonal in rows [i0, i1), columns [j0, j1). */
#define MIRROR(type)                                                                               \
    do {                                                                                           \
        type *c = g->c;                                                                            \
        for (int64_t j = j0; j < j1; j++)                                                          \
            for (int64_t i = i0 > j ? i0 : j + 1; i < i1; i++)                                     \
                c[j * g->ldc + i] = c[i * g->ldc + j];                                             \
    } while (0)

/* Rows [begin, end) in units of TILE: elements below the diagonal are only read, those above only
 * written, each by one task. */
static void mirror_part(void *arg, int64_t begin, int64_t end, int worker)
{
    const yh_gemm *g = arg;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        const int64_t i0 = t * TILE, i1 = i0 + TILE < g->n ? i0 + TILE : g->n;
        for (int64_t j0 = 0; j0 < i1; j0 += TILE) {
            const int64_t j1 = j0 + TILE < i1 ? j0 + TILE : i1;
            if (g->c_type == YH_F32)
                MIRROR(float);
            else
                MIRROR(yh_bf16);
        }
    }
}

/* Rows of a strip: whole tiles of the micro-kernel. */
static int64_t strip_rows(int64_t n, int mr)
{
    int64_t rows = (n + STRIPS - 1) / STRIPS;
    rows = rows < STRIP_MOST ? rows : STRIP_MOST;
    return (rows + mr - 1) / mr * mr;
}

yh_status yh_gemm_symmetric(const yh_gemm *full, yh_pool *pool, yh_err *err)
{
    const yh_micro *u = yh_micro_pick(full->ab_type);
    yh_gemm g = *full;
    yh_workspace *packed;
    if (g.n <= 0)
        return YH_OK;
    g.b = g.a;
    g.ldb = g.lda;
    g.trans_b = !g.trans_a;
    YH_TRY(yh_workspace_take(&packed, yh_gemm_packed_bytes(g.n, g.k), err));
    yh_gemm_pack_b(&g, packed->data, pool);
    g.packed_b = packed->data;
    const int64_t strip = strip_rows(full->n, u->mr);
    const int64_t elem = (int64_t)yh_dtype_size(g.ab_type),
                  c_elem = (int64_t)yh_dtype_size(g.c_type);
    yh_status s = YH_OK;
    for (int64_t row = 0; row < full->n && s == YH_OK; row += strip) {
        const int64_t end = row + strip < full->n ? row + strip : full->n;
        g.m = end - row;
        g.n = end;
        g.a = (const char *)full->a + row * (g.trans_a ? 1 : g.lda) * elem;
        g.c = (char *)full->c + row * g.ldc * c_elem;
        s = yh_gemm_run_micro(&g, u, pool, err);
    }
    yh_workspace_give(packed);
    g = *full;
    if (s == YH_OK)
        yh_pool_run_dynamic(pool, (g.n + TILE - 1) / TILE, 1, mirror_part, &g);
    return s;
}
