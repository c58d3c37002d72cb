/* C[m, n] = A[m, k] · B[n, k]ᵀ for m <= YH_FEW_ROWS: each row of B is read once from memory and
 * multiplied with all rows of A, which stay in the first-level cache. Bound by memory bandwidth
 * for one or two rows. Every output has one vector accumulator over k and one fixed reduction. */
#include <string.h>

#include "kernels/gemm_parts.h"
#include "kernels/gemm_vec.h"

/* One output's sum. */
static inline float dot(yh_dtype t, const void *a, const void *b, int64_t k)
{
    vec acc = {0};
    const int64_t step = vec_step(t), elem = (int64_t)yh_dtype_size(t);
    int64_t i = 0;
    for (; i + step <= k; i += step)
        acc = vec_dot(t, acc, (const char *)a + i * elem, (const char *)b + i * elem);
    if (i < k) {
        _Alignas(64) char ta[64] = {0}, tb[64] = {0};
        memcpy(ta, (const char *)a + i * elem, (size_t)((k - i) * elem));
        memcpy(tb, (const char *)b + i * elem, (size_t)((k - i) * elem));
        acc = vec_dot(t, acc, ta, tb);
    }
    return vec_sum(acc);
}

void YH_KERNEL(gemm_few_rows)(const yh_gemm *g, int64_t begin, int64_t end)
{
    const int64_t elem = (int64_t)yh_dtype_size(g->ab_type);
    for (int64_t n = begin; n < end; n++)
        for (int64_t m = 0; m < g->m; m++) {
            const void *a = (const char *)g->a + m * g->lda * elem,
                       *b = (const char *)g->b + n * g->ldb * elem;
            float v = g->ab_type == YH_F32 ? dot(YH_F32, a, b, g->k) : dot(YH_BF16, a, b, g->k);
            YH_KERNEL(gemm_store)(g, &v, 1, m, n, 1, 1);
        }
}
