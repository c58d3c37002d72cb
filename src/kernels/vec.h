/* Vectors of the ISA that a kernel source is compiled for: VL floats, written with the compilers'
 * vector extensions, so that one source serves every ISA. Intrinsics appear here alone, where the
 * extensions have no word for it (fused multiply-add, maximum, masked tails).
 *
 * Loads and stores need no alignment and touch exactly the elements asked for. Sums are kept in
 * lanes and folded in a fixed tree, so that results do not depend on how rows are split. */
#ifndef YH_KERNELS_VEC_H
#define YH_KERNELS_VEC_H

#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef uint16_t vh __attribute__((vector_size(VL * 2)));
typedef int16_t vs __attribute__((vector_size(VL * 2)));

#define VEC_INLINE    static inline __attribute__((always_inline, unused))
#define VEC_LIKELY(x) __builtin_expect(!!(x), 1)

VEC_INLINE vf v_set(float x)
{
    return x - (vf){0};
}
VEC_INLINE vi vi_set(int32_t x)
{
    return x - (vi){0};
}
VEC_INLINE vf v_pick(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}
VEC_INLINE vf v_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
VEC_INLINE void v_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* a * b + c, rounded once where the ISA can */
VEC_INLINE vf v_fma(vf a, vf b, vf c)
{
#if VL == 16
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif VL == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}
/* b when either is NaN */
VEC_INLINE vf v_max(vf a, vf b)
{
#if VL == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif VL == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return v_pick((vi)(a > b), a, b);
#endif
}
VEC_INLINE vf v_min(vf a, vf b)
{
#if VL == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif VL == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return v_pick((vi)(a < b), a, b);
#endif
}
VEC_INLINE vf v_sqrt(vf a)
{
#if VL == 16
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif VL == 8
    return (vf)_mm256_sqrt_ps((__m256)a);
#else
    for (int i = 0; i < VL; i++)
        a[i] = sqrtf(a[i]);
    return a;
#endif
}
/* Lane i + lane i + VL / 2, and so on down to one: the same tree on every path. */
VEC_INLINE float v_sum(vf v)
{
#if VL >= 8
#if VL == 16
    const __m256 h =
        _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
    const __m256 h = (__m256)v;
#endif
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
#else
    return (v[0] + v[2]) + (v[1] + v[3]);
#endif
}
VEC_INLINE float v_top(vf v)
{
    float m = v[0];
    for (int i = 1; i < VL; i++)
        m = v[i] > m ? v[i] : m;
    return m;
}

/* Whether any bit is set. */
VEC_INLINE bool v_any(vi x)
{
#if VL == 16
    return _mm512_test_epi32_mask((__m512i)x, (__m512i)x) != 0;
#elif VL == 8
    return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#else
    return (x[0] | x[1] | x[2] | x[3]) != 0;
#endif
}

/* The first n < VL elements; the others read as 0. */
VEC_INLINE vf v_load_n(const float *p, int64_t n)
{
#if VL == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    vf v = {0};
    memcpy(&v, p, (size_t)n * 4);
    return v;
#endif
}
VEC_INLINE void v_store_n(float *p, vf v, int64_t n)
{
#if VL == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    memcpy(p, &v, (size_t)n * 4);
#endif
}

/* 16 bits to 32 and back, by one instruction: compilers make halves of them. */
VEC_INLINE vu vu_widen(vh x)
{
#if VL == 16
    return (vu)_mm512_cvtepu16_epi32((__m256i)x);
#elif VL == 8
    return (vu)_mm256_cvtepu16_epi32((__m128i)x);
#else
    return __builtin_convertvector(x, vu);
#endif
}
VEC_INLINE vh vu_narrow(vu x)
{
#if VL == 16
    return (vh)_mm512_cvtepi32_epi16((__m512i)x);
#else
    return __builtin_convertvector(x, vh);
#endif
}

VEC_INLINE vf v_widen(vh x)
{
    return (vf)(vu_widen(x) << 16);
}
/* To the nearest bf16, ties to even; a NaN stays one. */
VEC_INLINE vh v_narrow(vf v)
{
    vu x = (vu)v;
    vu r = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
    vu nan = (vu)(v != v);
    r = (r & ~nan) | (((x >> 16) | 0x40u) & nan);
    return vu_narrow(r);
}
/* The same for activations: where the CPU has an instruction for it, subnormal numbers become zero,
 * as they do in its products. */
VEC_INLINE vh v_narrow_fast(vf v)
{
#if defined(__AVX512BF16__)
    return (vh)_mm512_cvtneps_pbh((__m512)v);
#else
    return v_narrow(v);
#endif
}
VEC_INLINE vf v_load16(const yh_bf16 *p)
{
    vh x;
    memcpy(&x, p, sizeof x);
    return v_widen(x);
}
VEC_INLINE vf v_load16_n(const yh_bf16 *p, int64_t n)
{
    vh x = {0};
#if VL == 16
    x = (vh)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
#else
    memcpy(&x, p, (size_t)n * 2);
#endif
    return v_widen(x);
}
VEC_INLINE void v_store16(yh_bf16 *p, vf v)
{
    vh x = v_narrow_fast(v);
    memcpy(p, &x, sizeof x);
}
VEC_INLINE void v_store16_n(yh_bf16 *p, vf v, int64_t n)
{
    vh x = v_narrow_fast(v);
#if VL == 16
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)x);
#else
    memcpy(p, &x, (size_t)n * 2);
#endif
}

/* Element i onwards of an F32 or BF16 array that ends at n. */
VEC_INLINE vf v_get(yh_dtype t, const void *p, int64_t i, int64_t n)
{
    if (t == YH_BF16) {
        const yh_bf16 *q = (const yh_bf16 *)p + i;
        return VEC_LIKELY(n - i >= VL) ? v_load16(q) : v_load16_n(q, n - i);
    }
    const float *q = (const float *)p + i;
    return VEC_LIKELY(n - i >= VL) ? v_load(q) : v_load_n(q, n - i);
}
VEC_INLINE void v_put(yh_dtype t, void *p, int64_t i, int64_t n, vf v)
{
    if (t == YH_BF16) {
        yh_bf16 *q = (yh_bf16 *)p + i;
        if (VEC_LIKELY(n - i >= VL))
            v_store16(q, v);
        else
            v_store16_n(q, v, n - i);
        return;
    }
    float *q = (float *)p + i;
    if (VEC_LIKELY(n - i >= VL))
        v_store(q, v);
    else
        v_store_n(q, v, n - i);
}
/* To bf16 with subnormal numbers as they are: what is kept (weights) has the same bits whichever
 * way it was converted. */
VEC_INLINE void v_put_exact(yh_bf16 *p, int64_t i, int64_t n, vf v)
{
    const vh x = v_narrow(v);
    if (VEC_LIKELY(n - i >= VL))
        memcpy(p + i, &x, sizeof x);
    else
        memcpy(p + i, &x, (size_t)(n - i) * 2);
}
/* yh_f32_join and yh_f32_split of elements i onwards of arrays that end at n. */
VEC_INLINE vf v_join(const yh_bf16 *high, const int16_t *low, int64_t i, int64_t n)
{
    vh h = {0};
    vs l = {0};
    if (VEC_LIKELY(n - i >= VL)) {
        memcpy(&h, high + i, sizeof h);
        memcpy(&l, low + i, sizeof l);
    } else {
        memcpy(&h, high + i, (size_t)(n - i) * 2);
        memcpy(&l, low + i, (size_t)(n - i) * 2);
    }
    return (vf)((vu)v_widen(h) + (vu) __builtin_convertvector(l, vi));
}
VEC_INLINE void v_split(yh_bf16 *high, int16_t *low, int64_t i, int64_t n, vf v)
{
    const vh h = __builtin_convertvector(((vu)v + 0x8000u) >> 16, vh);
    const vh l = __builtin_convertvector((vu)v & 0xffffu, vh);
    if (VEC_LIKELY(n - i >= VL)) {
        memcpy(high + i, &h, sizeof h);
        memcpy(low + i, &l, sizeof l);
    } else {
        memcpy(high + i, &h, (size_t)(n - i) * 2);
        memcpy(low + i, &l, (size_t)(n - i) * 2);
    }
}
/* Element i of an array whose dtype is known at run time only. */
VEC_INLINE const void *v_at(yh_dtype t, const void *p, int64_t i)
{
    return (const char *)p + i * (t == YH_BF16 ? 2 : 4);
}
VEC_INLINE void *v_at_mut(yh_dtype t, void *p, int64_t i)
{
    return (char *)p + i * (t == YH_BF16 ? 2 : 4);
}

/* 2^n of an integral float in [-252, 254], times v: in two factors, so that results near the ends
 * of the range (subnormals, just below infinity) come out right. */
VEC_INLINE vf v_ldexp(vf v, vf n)
{
#if VL == 16
    return (vf)_mm512_scalef_ps((__m512)v, (__m512)n);
#else
    vi e = __builtin_convertvector(n, vi), half = e >> 1;
    return v * (vf)((half + 127) << 23) * (vf)((e - half + 127) << 23);
#endif
}
VEC_INLINE vf v_round(vf x) /* |x| < 2^22 */
{
    const float magic = 12582912.0f; /* 1.5 * 2^23 */
    return (x + magic) - magic;
}

/* e^x: relative error below 2 ulp for normal results; 0 far below, infinity above, NaN for NaN.
 * Cody-Waite reduction and the polynomial of Cephes' expf (S. Moshier). */
VEC_INLINE vf v_exp(vf x)
{
    x = v_min(v_set(89.0f), v_max(v_set(-104.0f), x));
    vf n = v_round(x * 1.44269504088896341f);
    vf r = v_fma(n, v_set(-0.693359375f), x);
    r = v_fma(n, v_set(2.12194440e-4f), r);
    vf p = v_fma(v_set(1.9875691500e-4f), r, v_set(1.3981999507e-3f));
    p = v_fma(p, r, v_set(8.3334519073e-3f));
    p = v_fma(p, r, v_set(4.1665795894e-2f));
    p = v_fma(p, r, v_set(1.6666665459e-1f));
    p = v_fma(p, r, v_set(5.0000001201e-1f));
    p = v_fma(p, r * r, r) + 1.0f;
    return v_ldexp(p, n);
}
/* 1 / (1 + e^-x) */
VEC_INLINE vf v_sigmoid(vf x)
{
    return 1.0f / (1.0f + v_exp(-x));
}
/* The nearest whole number, by its instruction where there is one: also where v_round overflows */
VEC_INLINE vf v_nearest(vf x)
{
#if VL == 16
    return (vf)_mm512_roundscale_ps((__m512)x, 0);
#else
    return v_round(x);
#endif
}
/* 2^x for |x| <= 250, where bf16 is the precision that matters: relative error below 2^-18. NaN for
 * NaN. A minimax polynomial (Lawson's algorithm) that is 1 at 0. */
VEC_INLINE vf v_exp2_16(vf x)
{
    vf n = v_nearest(x), r = x - n;
    vf p = v_fma(v_set(9.58285367e-3f), r, v_set(5.5906433e-2f));
    p = v_fma(p, r, v_set(2.40240987e-1f));
    p = v_fma(p, r, v_set(6.93124192e-1f));
    return v_ldexp(v_fma(p, r, v_set(1.0f)), n);
}
/* e^x in that precision: 0 far below, infinity or NaN far above, NaN for NaN */
VEC_INLINE vf v_exp_16(vf x)
{
    x = v_max(v_set(-250.0f), x * 1.44269504088896341f);
#if VL != 16
    x = v_min(v_set(250.0f), x); /* v_ldexp's limits */
#endif
    return v_exp2_16(x);
}
/* 1 / (1 + 2^x) in that precision, |x| <= 120 */
VEC_INLINE vf v_sigmoid16_of(vf x)
{
    const vf d = v_exp2_16(x) + 1.0f;
#if VL == 16
    vf q = (vf)_mm512_rcp14_ps((__m512)d); /* one step of Newton's method: about 2^-27 */
    return v_fma(q, v_fma(-d, q, v_set(1.0f)), q);
#else
    return 1.0f / d;
#endif
}
/* 1 / (1 + e^-x) in that precision */
VEC_INLINE vf v_sigmoid16(vf x)
{
    return v_sigmoid16_of(v_min(v_set(120.0f), v_max(v_set(-120.0f), x * -1.44269504088896341f)));
}

#if VL == 16
#define V_LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define V_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VL == 8
#define V_LOW  0, 8, 1, 9, 2, 10, 3, 11
#define V_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define V_LOW  0, 4, 1, 5
#define V_HIGH 2, 6, 3, 7
#endif

/* A square of VL x VL cells: log2(VL) perfect shuffles of the rows make a transpose. */
VEC_INLINE void v_transpose(vf x[VL])
{
#pragma GCC unroll 4
    for (int s = 1; s < VL; s *= 2) {
        vf y[VL];
#pragma GCC unroll 8
        for (int i = 0; i < VL / 2; i++) {
            y[2 * i] = __builtin_shufflevector(x[i], x[i + VL / 2], V_LOW);
            y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + VL / 2], V_HIGH);
        }
#pragma GCC unroll 16
        for (int i = 0; i < VL; i++)
            x[i] = y[i];
    }
}

#endif
