/* Checking a matrix product against a plain triple loop in double precision, every operand between
 * guard pages. Operands are small integers, so that every sum is exact in float whatever its order:
 * results must be equal, not near. Shared by the tests of the product and of the AMX emulation. */
#ifndef YH_TESTS_GEMM_CHECK_H
#define YH_TESTS_GEMM_CHECK_H

#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/gemm_parts.h"

/* Memory that ends (or begins) at a page that may not be touched. */
typedef struct guarded {
    char *map, *p;
    size_t map_size;
} guarded;

static inline void guarded_make(guarded *g, size_t size, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + page - 1) / page * page;
    g->map_size = body + 2 * page;
    g->map = mmap(NULL, g->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->map != MAP_FAILED);
    assert_int_equal(mprotect(g->map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(g->map + page + body, page, PROT_NONE), 0);
    g->p = at_end ? g->map + page + body - size : g->map + page;
}

static inline void guarded_free(guarded *g)
{
    munmap(g->map, g->map_size);
}

typedef struct gemm_case {
    int64_t m, n, k;
    yh_dtype ab_type, c_type;
    bool trans_a, trans_b, accumulate, c_empty, bias;
    int residual; /* 0 none, 1 its own, 2 c itself */
    int pad;      /* added to each leading dimension */
    bool reals;   /* random reals within a tolerance instead of exact integers */
} gemm_case;

static inline float value(yh_rng *r, bool reals)
{
    return reals ? (float)(yh_rng_uniform(r) * 2 - 1) : (float)((int)yh_rng_below(r, 7) - 3);
}

static inline void put(void *p, yh_dtype t, int64_t i, float v)
{
    if (t == YH_F32)
        ((float *)p)[i] = v;
    else
        ((yh_bf16 *)p)[i] = yh_f32_to_bf16(v);
}

static inline double get(const void *p, yh_dtype t, int64_t i)
{
    return t == YH_F32 ? (double)((const float *)p)[i]
                       : (double)yh_bf16_to_f32(((const yh_bf16 *)p)[i]);
}

static inline size_t matrix_bytes(int64_t rows, int64_t cols, int64_t ld, yh_dtype t)
{
    return rows == 0 ? 0 : (size_t)((rows - 1) * ld + cols) * yh_dtype_size(t);
}

typedef struct gemm_operands {
    yh_gemm g;
    guarded a, b, c, bias, residual;
    void *c_before;
    size_t c_bytes;
} gemm_operands;

static inline void operands_make(gemm_operands *o, const gemm_case *t, uint64_t seed, bool at_end)
{
    yh_rng r;
    yh_rng_init(&r, seed, 1);
    yh_gemm *g = &o->g;
    const int64_t ar = t->trans_a ? t->k : t->m, ac = t->trans_a ? t->m : t->k;
    const int64_t br = t->trans_b ? t->n : t->k, bc = t->trans_b ? t->k : t->n;
    *g = (yh_gemm){.m = t->m,
                   .n = t->n,
                   .k = t->k,
                   .ab_type = t->ab_type,
                   .c_type = t->c_type,
                   .trans_a = t->trans_a,
                   .trans_b = t->trans_b,
                   .accumulate = t->accumulate,
                   .c_empty = t->c_empty,
                   .lda = ac + t->pad,
                   .ldb = bc + t->pad,
                   .ldc = t->n + t->pad};
    const size_t na = matrix_bytes(ar, ac, g->lda, t->ab_type),
                 nb = matrix_bytes(br, bc, g->ldb, t->ab_type);
    o->c_bytes = matrix_bytes(t->m, t->n, g->ldc, t->c_type);
    guarded_make(&o->a, na, at_end);
    guarded_make(&o->b, nb, at_end);
    guarded_make(&o->c, o->c_bytes, at_end);
    guarded_make(&o->residual, o->c_bytes, at_end);
    guarded_make(&o->bias, (size_t)t->n * 4, at_end);
    for (size_t i = 0; i < na / yh_dtype_size(t->ab_type); i++)
        put(o->a.p, t->ab_type, (int64_t)i, value(&r, t->reals));
    for (size_t i = 0; i < nb / yh_dtype_size(t->ab_type); i++)
        put(o->b.p, t->ab_type, (int64_t)i, value(&r, t->reals));
    for (size_t i = 0; i < o->c_bytes / yh_dtype_size(t->c_type); i++) {
        put(o->c.p, t->c_type, (int64_t)i, value(&r, t->reals));
        put(o->residual.p, t->c_type, (int64_t)i, value(&r, t->reals));
    }
    for (int64_t i = 0; i < t->n; i++)
        put(o->bias.p, YH_F32, i, value(&r, t->reals));
    o->c_before = malloc(o->c_bytes + 1);
    assert_non_null(o->c_before);
    memcpy(o->c_before, o->c.p, o->c_bytes);
    g->a = o->a.p;
    g->b = o->b.p;
    g->c = o->c.p;
    g->bias = t->bias ? (const float *)(void *)o->bias.p : NULL;
    g->residual = t->residual == 0 ? NULL : t->residual == 1 ? o->residual.p : o->c.p;
}

static inline void operands_free(gemm_operands *o)
{
    guarded_free(&o->a);
    guarded_free(&o->b);
    guarded_free(&o->c);
    guarded_free(&o->residual);
    guarded_free(&o->bias);
    free(o->c_before);
}

/* An operand as double [outer, k], so that the check's sums run over neighbours. */
static inline double *widened(const void *p, yh_dtype t, int64_t outer, int64_t k, int64_t ld,
                              bool k_outer)
{
    double *out = malloc((size_t)(outer * k + 1) * sizeof *out);
    assert_non_null(out);
    for (int64_t i = 0; i < outer; i++)
        for (int64_t q = 0; q < k; q++)
            out[i * k + q] = get(p, t, k_outer ? q * ld + i : i * ld + q);
    return out;
}

/* Compares every element of C, and that nothing beside it was written. */
static inline void operands_check(const gemm_operands *o, const gemm_case *t)
{
    const yh_gemm *g = &o->g;
    double *a = widened(g->a, g->ab_type, g->m, g->k, g->lda, g->trans_a);
    double *b = widened(g->b, g->ab_type, g->n, g->k, g->ldb, !g->trans_b);
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            const double *x = a + i * g->k, *y = b + j * g->k;
            double sum = 0, size = 1;
            for (int64_t p = 0; p < g->k; p++)
                sum += x[p] * y[p];
            for (int64_t p = 0; t->reals && p < g->k; p++)
                size += x[p] * y[p] < 0 ? -x[p] * y[p] : x[p] * y[p];
            const int64_t at = i * g->ldc + j;
            if (g->accumulate && !g->c_empty)
                sum += get(o->c_before, g->c_type, at);
            if (g->bias != NULL)
                sum += (double)g->bias[j];
            if (t->residual != 0)
                sum += get(t->residual == 1 ? o->residual.p : o->c_before, g->c_type, at);
            const double got = get(g->c, g->c_type, at);
            const double want = t->c_type == YH_F32 || t->reals
                                    ? sum
                                    : (double)yh_bf16_to_f32(yh_f32_to_bf16((float)sum));
            double slack = !t->reals ? 0 : size * 1e-6;
            if (t->reals && t->c_type == YH_BF16)
                slack += (sum < 0 ? -sum : sum) / 256;
            const double diff = got < want ? want - got : got - want;
            if (!(diff <= slack))
                fail_msg("m %d n %d k %d %s->%s ta %d tb %d acc %d bias %d res %d pad %d: C[%d,%d] "
                         "is %.9g, not %.9g",
                         (int)g->m, (int)g->n, (int)g->k, yh_dtype_text(g->ab_type),
                         yh_dtype_text(g->c_type), g->trans_a, g->trans_b, g->accumulate, t->bias,
                         t->residual, t->pad, (int)i, (int)j, got, want);
        }
    free(a);
    free(b);
    const size_t e = yh_dtype_size(g->c_type);
    for (int64_t i = 0; i + 1 < g->m; i++)
        assert_memory_equal((const char *)g->c + (size_t)(i * g->ldc + g->n) * e,
                            (const char *)o->c_before + (size_t)(i * g->ldc + g->n) * e,
                            (size_t)(g->ldc - g->n) * e);
}

/* micro NULL: as yh_gemm_run chooses. */
static inline void check_case(const gemm_case *t, const yh_micro *micro, yh_pool *pool, bool at_end)
{
    gemm_operands o;
    operands_make(&o, t, (uint64_t)(t->m * 131 + t->n * 17 + t->k), at_end);
    yh_status s =
        micro != NULL ? yh_gemm_run_micro(&o.g, micro, pool, NULL) : yh_gemm_run(&o.g, pool, NULL);
    assert_int_equal(s, YH_OK);
    operands_check(&o, t);
    operands_free(&o);
}

/* The `i`-th of 72 ways to call: transposes, types, epilogues. */
enum { GEMM_WAYS = 72 };
static inline gemm_case case_way(int i, int64_t m, int64_t n, int64_t k)
{
    static const struct {
        bool accumulate, c_empty, bias;
        int residual;
    } end[6] = {{0, 0, 0, 0}, {0, 0, 1, 1}, {0, 0, 0, 2}, {0, 0, 1, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}};
    gemm_case t = {.m = m, .n = n, .k = k};
    t.trans_a = i & 1;
    t.trans_b = (i >> 1) & 1;
    const int types = (i >> 2) % 3, e = (i >> 2) / 3 % 6;
    t.ab_type = types == 0 ? YH_F32 : YH_BF16;
    t.accumulate = end[e].accumulate;
    t.c_empty = end[e].c_empty;
    t.c_type = types == 2 && !t.accumulate ? YH_BF16 : YH_F32;
    t.bias = end[e].bias;
    t.residual = end[e].residual;
    t.pad = (int)((m + n + k + i) % 3) * 5;
    return t;
}

#endif
