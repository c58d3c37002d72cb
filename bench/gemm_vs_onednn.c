/* The matrix product beside oneDNN's, the same shapes in one run, alternating ours and theirs.
 * Built where libdnnl is installed: `ninja -C build gemm_vs_onednn && build/bench/gemm_vs_onednn`.
 * Threads: ours YH_THREADS, theirs OMP_NUM_THREADS; both default to all CPUs. */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/file.h"
#include "kernels/kernels.h"

enum { ROUNDS = 31 };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t)
{
    qsort(t, ROUNDS, sizeof *t, by_value);
    return t[ROUNDS / 2];
}

static void check(dnnl_status_t s, const char *what)
{
    if (s != dnnl_success) {
        fprintf(stderr, "gemm_vs_onednn: %s: oneDNN status %d\n", what, (int)s);
        exit(1);
    }
}

typedef struct theirs {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t matmul;
    dnnl_exec_arg_t arg[3];
} theirs;

/* Row-major rows x cols, stored transposed or not. */
static dnnl_memory_t describe(theirs *d, dnnl_memory_desc_t *md, dnnl_data_type_t t, int64_t rows,
                              int64_t cols, bool transposed, void *data)
{
    const dnnl_dims_t dims = {rows, cols}, strides = {transposed ? 1 : cols, transposed ? rows : 1};
    dnnl_memory_t m;
    check(dnnl_memory_desc_init_by_strides(md, 2, dims, t, strides), "memory description");
    check(dnnl_memory_create(&m, md, d->engine, data), "memory");
    return m;
}

static void theirs_open(theirs *d, const yh_gemm *g)
{
    const dnnl_data_type_t ab = g->ab_type == YH_BF16 ? dnnl_bf16 : dnnl_f32;
    const dnnl_data_type_t c = g->c_type == YH_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t ma, mb, mc;
    dnnl_matmul_desc_t md;
    dnnl_primitive_desc_t pd;
    check(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags), "stream");
    d->arg[0] = (dnnl_exec_arg_t){
        DNNL_ARG_SRC, describe(d, &ma, ab, g->m, g->k, g->trans_a, (void *)(uintptr_t)g->a)};
    d->arg[1] = (dnnl_exec_arg_t){
        DNNL_ARG_WEIGHTS, describe(d, &mb, ab, g->k, g->n, g->trans_b, (void *)(uintptr_t)g->b)};
    d->arg[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, describe(d, &mc, c, g->m, g->n, false, g->c)};
    check(dnnl_matmul_desc_init(&md, &ma, &mb, NULL, &mc), "matmul");
    check(dnnl_primitive_desc_create(&pd, &md, NULL, d->engine, NULL), "matmul on this CPU");
    check(dnnl_primitive_create(&d->matmul, pd), "primitive");
    dnnl_primitive_desc_destroy(pd);
}

static void theirs_run(const theirs *d)
{
    check(dnnl_primitive_execute(d->matmul, d->stream, 3, d->arg), "execute");
    check(dnnl_stream_wait(d->stream), "wait");
}

static void theirs_close(theirs *d)
{
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(d->arg[i].memory);
    dnnl_primitive_destroy(d->matmul);
    dnnl_stream_destroy(d->stream);
    dnnl_engine_destroy(d->engine);
}

static void compare(yh_gemm g, const char *name, yh_pool *pool)
{
    const size_t e = yh_dtype_size(g.ab_type);
    const size_t na = (size_t)(g.m * g.k) * e, nb = (size_t)(g.n * g.k) * e,
                 nc = (size_t)(g.m * g.n) * sizeof(float);
    void *a = yh_big_alloc(na), *b = yh_big_alloc(nb), *c = yh_big_alloc(nc);
    if (a == NULL || b == NULL || c == NULL) {
        fprintf(stderr, "gemm_vs_onednn: no memory\n");
        exit(1);
    }
    memset(a, 0x3c, na); /* a small positive number in both types */
    memset(b, 0x3c, nb);
    memset(c, 0, nc);
    g.a = a;
    g.b = b;
    g.c = c;
    g.lda = g.trans_a ? g.m : g.k;
    g.ldb = g.trans_b ? g.k : g.n;
    g.ldc = g.n;
    theirs d;
    double ours[ROUNDS], other[ROUNDS];
    theirs_open(&d, &g);
    for (int i = -2; i < ROUNDS; i++) { /* two rounds to warm up */
        double t0 = yh_now();
        if (yh_gemm_run(&g, pool, NULL) != YH_OK)
            exit(1);
        double t1 = yh_now();
        theirs_run(&d);
        double t2 = yh_now();
        if (i >= 0) {
            ours[i] = t1 - t0;
            other[i] = t2 - t1;
        }
    }
    theirs_close(&d);
    const double flops = 2.0 * (double)g.m * (double)g.n * (double)g.k;
    const double x = median(ours), y = median(other);
    printf("%-8s %5dx%5dx%5d %-5s %9.1f %9.1f %7.2f\n", name, (int)g.m, (int)g.n, (int)g.k,
           yh_dtype_text(g.ab_type), flops / x * 1e-9, flops / y * 1e-9, y / x);
    fflush(stdout);
    yh_big_free(a, na);
    yh_big_free(b, nb);
    yh_big_free(c, nc);
}

int main(void)
{
    static const int64_t linear[][3] = {{2048, 384, 384},  {2048, 768, 768},  {2048, 3072, 768},
                                        {2048, 768, 3072}, {512, 32768, 768}, {1, 3072, 768},
                                        {8, 3072, 768},    {32, 3072, 768}};
    yh_pool *pool;
    yh_err err = YH_ERR_INIT;
    if (yh_pool_create(&pool, 0, &err) != YH_OK) {
        fprintf(stderr, "gemm_vs_onednn: %s\n", err.msg);
        return 1;
    }
    printf("%s, %d threads; median of %d, alternating\n", yh_isa_name(), yh_pool_threads(pool),
           (int)ROUNDS);
    printf("%-8s %-17s %-5s %9s %9s %7s\n", "product", "m x n x k", "type", "GFLOP/s", "oneDNN",
           "ratio");
    for (int type = yh_isa_current() >= YH_ISA_AVX512BF16 ? 0 : 1; type < 2; type++)
        for (size_t i = 0; i < sizeof linear / sizeof *linear; i++) {
            const yh_dtype t = type == 0 ? YH_BF16 : YH_F32;
            const int64_t m = linear[i][0], o = linear[i][1], k = linear[i][2];
            yh_gemm y = {.m = m, .n = o, .k = k, .ab_type = t, .c_type = t, .trans_b = true};
            yh_gemm dx = {.m = m, .n = k, .k = o, .ab_type = t, .c_type = t};
            yh_gemm dw = {.m = o, .n = k, .k = m, .ab_type = t, .c_type = YH_F32, .trans_a = true};
            compare(y, "y=xWt", pool);
            if (m > 100) {
                compare(dx, "dx=dyW", pool);
                compare(dw, "dW=dytx", pool);
            }
        }
    yh_pool_free(pool);
    return 0;
}
