/* A vector of floats as wide as the ISA that a source in multi/ is compiled for. */
#ifndef YH_KERNELS_GEMM_VEC_H
#define YH_KERNELS_GEMM_VEC_H

#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

#if defined(__AVX512F__)
typedef __m512 vec;
enum { VEC = 16 };
static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline vec vec_load_bf16(const yh_bf16 *p)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16));
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
#elif defined(__AVX2__)
typedef __m256 vec;
enum { VEC = 8 };
static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline vec vec_load_bf16(const yh_bf16 *p)
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p)), 16));
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
#else
typedef struct vec {
    float v[4];
} vec;
enum { VEC = 4 };
static inline vec vec_load(const float *p)
{
    vec r;
    memcpy(&r, p, sizeof r);
    return r;
}
static inline vec vec_load_bf16(const yh_bf16 *p)
{
    vec r;
    for (int i = 0; i < VEC; i++)
        r.v[i] = yh_bf16_to_f32(p[i]);
    return r;
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    for (int i = 0; i < VEC; i++)
        c.v[i] += a.v[i] * b.v[i];
    return c;
}
#endif

/* Pairs, pairs of pairs, ...: the same tree everywhere. */
static inline float vec_sum(vec a)
{
    float v[VEC];
    memcpy(v, &a, sizeof v);
    for (int n = VEC / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            v[i] += v[i + n];
    return v[0];
}

/* Elements that vec_dot takes at once: bf16 in pairs where there is an instruction for it. */
static inline int vec_step(yh_dtype t)
{
#ifdef __AVX512BF16__
    return t == YH_BF16 ? 2 * VEC : VEC;
#else
    (void)t;
    return VEC;
#endif
}

static inline vec vec_dot(yh_dtype t, vec acc, const void *a, const void *b)
{
    if (t == YH_F32)
        return vec_fma(vec_load(a), vec_load(b), acc);
#ifdef __AVX512BF16__
    return _mm512_dpbf16_ps(acc, (__m512bh)_mm512_loadu_si512(a), (__m512bh)_mm512_loadu_si512(b));
#else
    return vec_fma(vec_load_bf16(a), vec_load_bf16(b), acc);
#endif
}

#endif
