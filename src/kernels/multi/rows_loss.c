/* Cross-entropy of one row of logits, and the sum of squares for gradient clipping. */
#include "kernels/multi.h"
#include "kernels/vec.h"

enum { BLOCK = 4096 };

void YH_KERNEL(cross_entropy)(float *logits, int64_t n, int32_t target, float grad_scale,
                              float *loss)
{
    if (target < 0) {
        *loss = 0;
        memset(logits, 0, (size_t)n * sizeof *logits);
        return;
    }
    const float chosen = logits[target];
    vf top = v_set(logits[0]);
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        top = v_max(top, v_load(logits + i));
    float m = v_top(top);
    for (; i < n; i++)
        m = logits[i] > m ? logits[i] : m;
    double sum = 0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t e = n - b < BLOCK ? n : b + BLOCK;
        vf s = {0};
        float rest = 0;
        for (i = b; i < e; i += VL) {
            vf p = v_exp(v_get(YH_F32, logits, i, e) - m);
            if (grad_scale != 0)
                v_put(YH_F32, logits, i, e, p);
            if (VEC_LIKELY(e - i >= VL))
                s += p;
            else
                for (int64_t j = 0; j < e - i; j++)
                    rest += p[j];
        }
        sum += (double)v_sum(s) + (double)rest;
    }
    *loss = (float)(log(sum) + ((double)m - (double)chosen));
    if (grad_scale == 0)
        return;
    const float c = (float)((double)grad_scale / sum);
    for (i = 0; i < n; i += VL)
        v_put(YH_F32, logits, i, n, v_get(YH_F32, logits, i, n) * c);
    logits[target] -= grad_scale;
}

typedef float vf_half __attribute__((vector_size(VL * 2)));
typedef double vd __attribute__((vector_size(VL * 4)));

double YH_KERNEL(sum_squares)(const float *x, int64_t n)
{
    double total = 0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t e = n - b < BLOCK ? n : b + BLOCK, i = b;
        vd s0 = {0}, s1 = {0};
        for (; i + VL <= e; i += VL) {
            vf_half lo, hi;
            memcpy(&lo, x + i, sizeof lo);
            memcpy(&hi, x + i + VL / 2, sizeof hi);
            vd a = __builtin_convertvector(lo, vd), c = __builtin_convertvector(hi, vd);
            s0 += a * a;
            s1 += c * c;
        }
        s0 += s1;
        double sum = 0;
        for (int j = 0; j < VL / 2; j++)
            sum += s0[j];
        for (; i < e; i++)
            sum += (double)x[i] * (double)x[i];
        total += sum;
    }
    return total;
}
