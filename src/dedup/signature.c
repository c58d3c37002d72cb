#include "dedup/signature.h"

#include "base/cpu.h"
#include "rules/fold.h"

void yh_signature_init(yh_signature *s, size_t n, uint64_t seed)
{
    n = n > YH_SIGNATURE_MAX ? YH_SIGNATURE_MAX : n;
    s->n = (n + YH_SIGNATURE_LANES - 1) / YH_SIGNATURE_LANES * YH_SIGNATURE_LANES;
    uint64_t state = seed != 0 ? yh_fold_mix(seed) : 0;
    for (size_t i = 0; i < s->n; i++) { /* splitmix64 */
        s->a[i] = yh_fold_mix(state += 0x9e3779b97f4a7c15u) | 1;
        s->b[i] = yh_fold_mix(state += 0x9e3779b97f4a7c15u);
    }
}

/* Written so that compilers make vectors of it: the lanes of one group stay in registers. */
#define BODY                                                                                       \
    for (size_t g = 0; g < s->n; g += YH_SIGNATURE_LANES) {                                        \
        uint64_t m[YH_SIGNATURE_LANES], a[YH_SIGNATURE_LANES], b[YH_SIGNATURE_LANES];              \
        for (int k = 0; k < YH_SIGNATURE_LANES; k++) {                                             \
            m[k] = min[g + k];                                                                     \
            a[k] = s->a[g + k];                                                                    \
            b[k] = s->b[g + k];                                                                    \
        }                                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            for (int k = 0; k < YH_SIGNATURE_LANES; k++) {                                         \
                uint64_t v = x[i] * a[k] + b[k];                                                   \
                m[k] = v < m[k] ? v : m[k];                                                        \
            }                                                                                      \
        for (int k = 0; k < YH_SIGNATURE_LANES; k++)                                               \
            min[g + k] = m[k];                                                                     \
    }

static void add_any(const yh_signature *s, const uint64_t *x, size_t n, uint64_t *min)
{
    BODY
}

#ifdef YH_X86
#include <immintrin.h>

__attribute__((target("avx2"))) static void add_avx2(const yh_signature *s, const uint64_t *x,
                                                     size_t n, uint64_t *min)
{
    BODY
}

#define AVX512 __attribute__((target("avx512f,avx512dq")))

/* `vectors` is a constant where it is called */
AVX512 static inline __attribute__((always_inline)) void lower_avx512(const yh_signature *s,
                                                                      size_t g, int vectors,
                                                                      const uint64_t *x, size_t n,
                                                                      uint64_t *min)
{
    __m512i m[7], a[7], b[7];
    for (int k = 0; k < vectors; k++) {
        m[k] = _mm512_loadu_si512(min + g + 8 * k);
        a[k] = _mm512_loadu_si512(s->a + g + 8 * k);
        b[k] = _mm512_loadu_si512(s->b + g + 8 * k);
    }
    for (size_t i = 0; i < n; i++) {
        const __m512i v = _mm512_set1_epi64((long long)x[i]);
        for (int k = 0; k < vectors; k++)
            m[k] = _mm512_min_epu64(m[k], _mm512_add_epi64(_mm512_mullo_epi64(v, a[k]), b[k]));
    }
    for (int k = 0; k < vectors; k++)
        _mm512_storeu_si512(min + g + 8 * k, m[k]);
}

AVX512 static void add_avx512(const yh_signature *s, const uint64_t *x, size_t n, uint64_t *min)
{
    size_t g = 0;
    for (; s->n - g >= 56; g += 56) /* 112 permutations: two passes, every register in use */
        lower_avx512(s, g, 7, x, n, min);
    for (; s->n - g >= 32; g += 32)
        lower_avx512(s, g, 4, x, n, min);
    for (; g < s->n; g += 8)
        lower_avx512(s, g, 1, x, n, min);
}
#endif

void yh_signature_add(const yh_signature *s, const uint64_t *x, size_t n, uint64_t *min)
{
#ifdef YH_X86
    yh_isa isa = yh_isa_current();
    if (isa >= YH_ISA_AVX512) {
        add_avx512(s, x, n, min);
        return;
    }
    if (isa >= YH_ISA_AVX2) {
        add_avx2(s, x, n, min);
        return;
    }
#endif
    add_any(s, x, n, min);
}
