/* Decoupled AdamW (Loshchilov & Hutter 2019), the order of operations as in torch.optim.AdamW. */
#include "kernels/multi.h"
#include "kernels/vec.h"

typedef struct adamw_rule {
    float g_scale, b2, eps, decay, step, root, one_b1, one_b2;
} adamw_rule;

VEC_INLINE vf new_weight(const adamw_rule *r, vf w, const float *g, float *m, float *v, int64_t i,
                         int64_t end)
{
    vf gi = v_get(YH_F32, g, i, end) * r->g_scale, mi = v_get(YH_F32, m, i, end);
    vf vi2 = v_get(YH_F32, v, i, end) * r->b2;
    mi = v_fma(gi - mi, v_set(r->one_b1), mi);
    vi2 = v_fma(gi * gi, v_set(r->one_b2), vi2);
    v_put(YH_F32, m, i, end, mi);
    v_put(YH_F32, v, i, end, vi2);
    return w * r->decay - r->step * (mi / v_fma(v_sqrt(vi2), v_set(r->root), v_set(r->eps)));
}

void YH_KERNEL(adamw)(float *w, yh_bf16 *high, int16_t *low, const float *g, float *m, float *v,
                      float g_scale, float lr, float b1, float b2, float eps, float wd, float c1,
                      float c2, int64_t begin, int64_t end)
{
    const adamw_rule r = {.g_scale = g_scale,
                          .b2 = b2,
                          .eps = eps,
                          .decay = (float)(1.0 - (double)lr * (double)wd),
                          .step = (float)((double)lr / (double)c1),
                          .root = (float)(1.0 / sqrt((double)c2)),
                          .one_b1 = (float)(1.0 - (double)b1),
                          .one_b2 = (float)(1.0 - (double)b2)};
    if (w != NULL) {
        for (int64_t i = begin; i < end; i += VL)
            v_put(YH_F32, w, i, end, new_weight(&r, v_get(YH_F32, w, i, end), g, m, v, i, end));
        return;
    }
    for (int64_t i = begin; i < end; i += VL)
        v_split(high, low, i, end, new_weight(&r, v_join(high, low, i, end), g, m, v, i, end));
}
