/* Decoupled AdamW (Loshchilov & Hutter 2019), the order of operations as in torch.optim.AdamW. */
#include "kernels/multi.h"
#include "kernels/vec.h"

void YH_KERNEL(adamw)(float *w, yh_bf16 *w16, const float *g, float *m, float *v, float g_scale,
                      float lr, float b1, float b2, float eps, float wd, float c1, float c2,
                      int64_t begin, int64_t end)
{
    const float decay = (float)(1.0 - (double)lr * (double)wd);
    const float step = (float)((double)lr / (double)c1), root = (float)(1.0 / sqrt((double)c2));
    const float one_b1 = (float)(1.0 - (double)b1), one_b2 = (float)(1.0 - (double)b2);
    for (int64_t i = begin; i < end; i += VL) {
        vf gi = v_get(YH_F32, g, i, end) * g_scale, mi = v_get(YH_F32, m, i, end);
        vf vi2 = v_get(YH_F32, v, i, end) * b2;
        mi = v_fma(gi - mi, v_set(one_b1), mi);
        vi2 = v_fma(gi * gi, v_set(one_b2), vi2);
        vf denom = v_fma(v_sqrt(vi2), v_set(root), v_set(eps));
        vf wi = v_get(YH_F32, w, i, end) * decay - step * (mi / denom);
        v_put(YH_F32, w, i, end, wi);
        v_put(YH_F32, m, i, end, mi);
        v_put(YH_F32, v, i, end, vi2);
        if (w16 != NULL)
            v_put_exact(w16, i, end, wi);
    }
}
