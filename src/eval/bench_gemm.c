/* The matrix products of real models: y = x Wᵀ, dx = dy W, dW += dyᵀ x for each of their linear
 * layers at one micro-batch of rows, and decoding with one and a few rows. */
#include <stdio.h>

#include "base/alloc.h"
#include "eval/bench_cases.h"
#include "kernels/kernels.h"

static const struct {
    const char *model;
    int64_t rows, out, in;
} linears[] = {
    {"d6 square", 2048, 384, 384},         {"d6 mlp up", 2048, 1536, 384},
    {"d6 mlp down", 2048, 384, 1536},      {"d6 vocabulary", 1024, 32768, 384},
    {"gpt2 square", 2048, 768, 768},       {"gpt2 qkv", 2048, 2304, 768},
    {"gpt2 mlp up", 2048, 3072, 768},      {"gpt2 mlp down", 2048, 768, 3072},
    {"gpt2 vocabulary", 1024, 50257, 768}, {"0.6B q", 2048, 2048, 1024},
    {"0.6B mlp up", 2048, 3072, 1024},     {"0.6B mlp down", 2048, 1024, 3072},
};

static yh_status run_gemm(void *arg, yh_pool *pool, yh_err *err)
{
    return yh_gemm_run(arg, pool, err);
}

/* Not all equal, and exact in bf16: (i mod 13 - 6) / 8. */
static void fill(void *p, yh_dtype t, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float v = (float)(i % 13 - 6) / 8.0f;
        if (t == YH_F32)
            ((float *)p)[i] = v;
        else
            ((yh_bf16 *)p)[i] = yh_f32_to_bf16(v);
    }
}

static yh_status time_gemm(const yh_bench_run *b, const char *op, yh_gemm g, yh_err *err)
{
    yh_bench_row r = {.flops = 2.0 * (double)g.m * (double)g.n * (double)g.k};
    const size_t ab = yh_dtype_size(g.ab_type), c = yh_dtype_size(g.c_type);
    const size_t na = (size_t)(g.m * g.k) * ab, nb = (size_t)(g.n * g.k) * ab,
                 nc = (size_t)(g.m * g.n) * c;
    snprintf(r.op, sizeof r.op, "%s", op);
    snprintf(r.shape, sizeof r.shape, "%dx%dx%d", (int)g.m, (int)g.n, (int)g.k);
    snprintf(r.type, sizeof r.type, "%s", yh_dtype_text(g.ab_type));
    if (!yh_bench_wanted(b, &r))
        return YH_OK;
    r.bytes = (double)(na + nb + nc * (g.accumulate ? 2 : 1));
    void *pa = yh_big_alloc(na), *pb = yh_big_alloc(nb), *pc = yh_big_alloc(nc);
    yh_status s = YH_NOMEM;
    if (pa == NULL || pb == NULL || pc == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for the case %s %s", r.op, r.shape);
    } else {
        fill(pa, g.ab_type, g.m * g.k);
        fill(pb, g.ab_type, g.n * g.k);
        g.a = pa;
        g.b = pb;
        g.c = pc;
        g.lda = g.trans_a ? g.m : g.k;
        g.ldb = g.trans_b ? g.k : g.n;
        g.ldc = g.n;
        s = yh_bench_time(b, &r, g.ab_type == YH_BF16, run_gemm, &g, err);
    }
    yh_big_free(pa, na);
    yh_big_free(pb, nb);
    yh_big_free(pc, nc);
    return s;
}

static yh_status time_linear(const yh_bench_run *b, yh_dtype t, int i, yh_err *err)
{
    const int64_t m = linears[i].rows, o = linears[i].out, k = linears[i].in;
    YH_TRY(time_gemm(b, "gemm y=xWt",
                     (yh_gemm){.m = m, .n = o, .k = k, .ab_type = t, .c_type = t, .trans_b = true},
                     err));
    YH_TRY(time_gemm(b, "gemm dx=dyW", (yh_gemm){.m = m, .n = k, .k = o, .ab_type = t, .c_type = t},
                     err));
    return time_gemm(b, "gemm dW=dytx",
                     (yh_gemm){.m = o,
                               .n = k,
                               .k = m,
                               .ab_type = t,
                               .c_type = YH_F32,
                               .trans_a = true,
                               .accumulate = true},
                     err);
}

static yh_status time_decoding(const yh_bench_run *b, yh_dtype t, yh_err *err)
{
    static const int64_t rows[] = {1, 2, 4, 8, 16};
    static const int64_t weight[][2] = {{3072, 1024}, {50257, 768}};
    for (int w = 0; w < 2; w++)
        for (int i = 0; i < 5; i++)
            YH_TRY(time_gemm(b, "gemm decode",
                             (yh_gemm){.m = rows[i],
                                       .n = weight[w][0],
                                       .k = weight[w][1],
                                       .ab_type = t,
                                       .c_type = t,
                                       .trans_b = true},
                             err));
    return YH_OK;
}

yh_status yh_bench_gemm(const yh_bench_run *b, yh_err *err)
{
    const int n = sizeof linears / sizeof *linears;
    for (int type = b->limits->flops_bf16 > 0 ? 0 : 1; type < 2; type++) {
        const yh_dtype t = type == 0 ? YH_BF16 : YH_F32;
        for (int i = 0; i < n; i++)
            YH_TRY(time_linear(b, t, i, err));
        YH_TRY(time_decoding(b, t, err));
    }
    return YH_OK;
}
