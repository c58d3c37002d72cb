/* The sum of squares, for gradient clipping. */
#include "kernels/multi.h"
#include "kernels/vec.h"

enum { BLOCK = 4096 };

typedef float vf_half __attribute__((vector_size(VL * 2)));
typedef double vd __attribute__((vector_size(VL * 4)));

VEC_INLINE vd widen(const float *p)
{
#if VL == 16
    return (vd)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#else
    vf_half x;
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, vd);
#endif
}

double YH_KERNEL(sum_squares)(const float *x, int64_t n)
{
    double total = 0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t e = n - b < BLOCK ? n : b + BLOCK, i = b;
        vd s0 = {0}, s1 = {0};
        for (; i + VL <= e; i += VL) {
            vd a = widen(x + i), c = widen(x + i + VL / 2);
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
