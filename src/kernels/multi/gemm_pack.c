/* Packing the operands of the matrix product into panels (gemm_parts.h).
 *
 * Everything is moved in cells of 32 bits: one float, or two bf16 that are neighbours along k. A
 * vector of cells runs along k where the source does, across rows where it does not; where the
 * panel wants it the other way round, a square of cells is transposed in registers. What does not
 * fill whole vectors is done element by element. */
#include "kernels/gemm_parts.h"
#include "kernels/vec.h"

typedef enum cell { FLOATS, WIDENED, PAIRS } cell;

enum { K_BLOCK = 128, K_ACROSS = 16, GROUP = 32 };

/* ---- any shape, element by element: k in [k0, k1) of a panel with n <= r rows ---- */

static void plain_f32(const yh_pack *p, int64_t first, int n, int64_t k0, int64_t k1, float *d)
{
    const int64_t step_k = p->k_inner ? 1 : p->ld, step_r = p->k_inner ? p->ld : 1;
    for (int64_t k = k0; k < k1; k++)
        for (int i = 0; i < p->r; i++) {
            const int64_t at = (first + i) * step_r + k * step_k;
            float v = 0;
            if (i < n && k < p->k)
                v = p->src_type == YH_F32 ? ((const float *)p->src)[at]
                                          : yh_bf16_to_f32(((const yh_bf16 *)p->src)[at]);
            d[k * p->r + i] = v;
        }
}

static void plain_bf16(const yh_pack *p, int64_t first, int n, int64_t k0, int64_t k1, yh_bf16 *d)
{
    const int64_t step_k = p->k_inner ? 1 : p->ld, step_r = p->k_inner ? p->ld : 1;
    const yh_bf16 *s = p->src;
    for (int64_t k = k0; k < k1; k++)
        for (int i = 0; i < p->r; i++)
            d[(k / p->unit * p->r + i) * p->unit + k % p->unit] =
                i < n && k < p->k ? s[(first + i) * step_r + k * step_k] : (yh_bf16)0;
}

static void plain(const yh_pack *p, int64_t first, int n, int64_t k0, int64_t k1, void *d)
{
    if (p->dst_type == YH_F32)
        plain_f32(p, first, n, k0, k1, d);
    else
        plain_bf16(p, first, n, k0, k1, d);
}

/* ---- whole vectors ---- */

VEC_INLINE int per_cell(cell c)
{
    return c == PAIRS ? 2 : 1;
}

/* VL cells of row r from depth k on, k running in memory. */
VEC_INLINE vf along_k(cell c, const yh_pack *p, int64_t r, int64_t k)
{
    const int64_t at = r * p->ld + k;
    if (c == FLOATS)
        return v_load((const float *)p->src + at);
    if (c == WIDENED)
        return v_load16((const yh_bf16 *)p->src + at);
    vf v;
    memcpy(&v, (const yh_bf16 *)p->src + at, sizeof v);
    return v;
}

VEC_INLINE vh load_halves(const yh_bf16 *p, int n)
{
    vh v = {0};
#if VL == 16
    if (n < VL)
        return (vh)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
#endif
    memcpy(&v, p, (size_t)n * 2);
    return v;
}

/* n <= VL cells at depth k from row r on, rows running in memory. */
VEC_INLINE vf across(cell c, const yh_pack *p, int64_t r, int64_t k, int n)
{
    const int64_t at = k * p->ld + r;
    if (c == FLOATS)
        return n == VL ? v_load((const float *)p->src + at)
                       : v_load_n((const float *)p->src + at, n);
    const yh_bf16 *s = (const yh_bf16 *)p->src + at;
    if (c == WIDENED)
        return v_widen(load_halves(s, n));
    return (vf)(vu_widen(load_halves(s, n)) | vu_widen(load_halves(s + p->ld, n)) << 16);
}

/* The source of a later cell, k running across its rows: the hardware does not see so far. */
VEC_INLINE void call_for(cell c, const yh_pack *p, int64_t r, int64_t k)
{
    const int64_t elem = c == FLOATS ? 4 : 2;
    for (int q = 0; q < per_cell(c) && k + q < p->k; q++)
        __builtin_prefetch((const char *)p->src + ((k + q) * p->ld + r) * elem);
}

#if VL == 16
typedef uint16_t vw __attribute__((vector_size(64)));
#define FIRST_PAIRS                                                                                \
    0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44,  \
        13, 45, 14, 46, 15, 47
#define LAST_PAIRS                                                                                 \
    16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27,    \
        59, 28, 60, 29, 61, 30, 62, 31, 63

/* Pairs of neighbours in k from two rows of the source, n of them and zeros up to r <= 32: the hot
 * path of weights' gradients. What is stored past a panel's cells is overwritten by the next. */
VEC_INLINE void pairs_across(int r, const yh_pack *p, int64_t first, int n, int64_t k0, int64_t k1,
                             float *d)
{
    const int64_t ld = p->ld;
    const yh_bf16 *s = (const yh_bf16 *)p->src + k0 * ld + first;
    const __mmask32 some = n < 32 ? (1u << n) - 1 : ~0u;
    const int64_t end = (first + n) * 2 - 1;
    const bool far = k1 + K_ACROSS <= p->k && (first * 2 - 1) / 64 != end / 64;
    d += k0 / 2 * r;
    for (int64_t k = k0; k < k1; k += 2, d += r, s += 2 * ld) {
        if (far) {
            __builtin_prefetch(s + K_ACROSS * ld + n - 1);
            __builtin_prefetch(s + (K_ACROSS + 1) * ld + n - 1);
        }
        const vw x = (vw)_mm512_maskz_loadu_epi16(some, s),
                 y = (vw)_mm512_maskz_loadu_epi16(some, s + ld);
        const vf low = (vf)__builtin_shufflevector(x, y, FIRST_PAIRS);
        if (r == 32) {
            v_store(d, low);
            v_store(d + VL, (vf)__builtin_shufflevector(x, y, LAST_PAIRS));
        } else if (k + 2 < k1) {
            v_store(d, low);
        } else {
            v_store_n(d, low, r);
        }
    }
}
#endif

/* Panels with cells of all r rows side by side (unit = one cell), k from k0 to k1, a multiple of
 * VL cells. */
VEC_INLINE void side_by_side(cell c, int r, const yh_pack *p, int64_t first, int64_t k0, int64_t k1,
                             float *d)
{
    const int u = per_cell(c);
#if VL == 16
    if (c == PAIRS && !p->k_inner) {
        const int64_t left = p->outer - first;
        pairs_across(r, p, first, left < r ? (int)left : r, k0, k1, d);
        return;
    }
#endif
    d += k0 / u * r;
    if (!p->k_inner) {
        for (int64_t k = k0; k < k1; k += u, d += r) {
            call_for(c, p, first, k + K_ACROSS);
            for (int i = 0; i < r; i += VL) {
                const int n = r - i < VL ? r - i : VL;
                const vf v = across(c, p, first + i, k, n);
                if (n == VL)
                    v_store(d + i, v);
                else
                    v_store_n(d + i, v, n);
            }
        }
        return;
    }
    for (int64_t k = k0; k < k1; k += VL * u, d += VL * r)
        for (int i = 0; i < r; i += VL) {
            const int n = r - i < VL ? r - i : VL;
            vf x[VL];
#pragma GCC unroll 16
            for (int q = 0; q < VL; q++)
                x[q] = q < n ? along_k(c, p, first + i + q, k) : v_set(0);
            v_transpose(x);
#pragma GCC unroll 16
            for (int q = 0; q < VL; q++)
                if (n == VL)
                    v_store(d + q * r + i, x[q]);
                else
                    v_store_n(d + q * r + i, x[q], n);
        }
}

#if VL == 16
/* Panels of tiles: 16 pairs of one row lie together (unit 32). */
static void tiles(const yh_pack *p, int64_t first, int64_t k0, int64_t k1, float *d)
{
    const int r = p->r;
    d += k0 / 2 * r;
    for (int64_t k = k0; k < k1; k += 32, d += 16 * r)
        for (int i = 0; i < r; i += 16) {
            vf x[16];
#pragma GCC unroll 16
            for (int q = 0; q < 16; q++)
                x[q] = p->k_inner ? along_k(PAIRS, p, first + i + q, k)
                                  : across(PAIRS, p, first + i, k + 2 * q, 16);
            if (!p->k_inner)
                v_transpose(x);
#pragma GCC unroll 16
            for (int q = 0; q < 16; q++)
                v_store(d + (i + q) * 16, x[q]);
        }
}
#endif

/* The widths of panels that this ISA's micro-kernels have. */
#if VL == 16
enum { WIDTH_A = 14, WIDTH_B = 32 };
#elif VL == 8
enum { WIDTH_A = 6, WIDTH_B = 16 };
#else
enum { WIDTH_A = 4, WIDTH_B = 8 };
#endif

typedef void (*whole_fn)(const yh_pack *p, int64_t first, int64_t k0, int64_t k1, float *d);

#define WHOLE(cells, name, width)                                                                  \
    static void name(const yh_pack *p, int64_t first, int64_t k0, int64_t k1, float *d)            \
    {                                                                                              \
        side_by_side(cells, width, p, first, k0, k1, d);                                           \
    }
WHOLE(FLOATS, floats_a, WIDTH_A)
WHOLE(FLOATS, floats_b, WIDTH_B)
WHOLE(WIDENED, widened_a, WIDTH_A)
WHOLE(WIDENED, widened_b, WIDTH_B)
WHOLE(PAIRS, pairs_a, WIDTH_A)
WHOLE(PAIRS, pairs_b, WIDTH_B)

/* The function for whole panels, and the depth that it takes at once; NULL: none. */
static whole_fn choose(const yh_pack *p, int *depth)
{
    static const whole_fn by_cell[3][2] = {
        {floats_a, floats_b}, {widened_a, widened_b}, {pairs_a, pairs_b}};
    const cell c = p->dst_type == YH_BF16 ? PAIRS : p->src_type == YH_BF16 ? WIDENED : FLOATS;
    *depth = VL * per_cell(c);
    if (p->unit == per_cell(c) && (p->r == WIDTH_A || p->r == WIDTH_B))
        return by_cell[c][p->r == WIDTH_B];
#if VL == 16
    if (c == PAIRS && p->unit == 32 && p->r % 16 == 0)
        return tiles;
#endif
    return NULL;
}

/* Panels are packed in groups and pieces of k, so that what a line of the source brings into the
 * cache is used by all panels of a group. Where rows of the source run across panels, pieces are
 * short: the source is then read nearly from front to back. */
void YH_KERNEL(gemm_pack)(const yh_pack *p, int64_t begin, int64_t end)
{
    int depth;
    const whole_fn whole = choose(p, &depth);
    const bool some =
        VL == 16 && p->dst_type == YH_BF16 && !p->k_inner && whole != NULL && p->unit == 2;
    const int64_t k_whole = whole != NULL ? p->k / depth * depth : 0;
    const int64_t elem = p->dst_type == YH_F32 ? 4 : 2,
                  step = p->k_inner || p->unit > K_ACROSS ? K_BLOCK : K_ACROSS;
    for (int64_t group = begin; group < end; group += GROUP) {
        const int64_t stop = group + GROUP < end ? group + GROUP : end;
        for (int64_t k = p->from; k < p->to; k += step) {
            const int64_t k1 = k + step < p->to ? k + step : p->to;
            for (int64_t panel = group; panel < stop; panel++) {
                const int64_t first = panel * p->r, left = p->outer - first;
                void *d = (char *)p->dst + first * p->k_padded * elem;
                int64_t done = k;
                if ((left >= p->r || some) && k < k_whole) {
                    done = k1 < k_whole ? k1 : k_whole;
                    whole(p, first, k, done, d);
                }
                if (done < k1)
                    plain(p, first, left < p->r ? (int)left : p->r, done, k1, d);
            }
        }
    }
}
