/* The three products of a linear layer beside oneDNN's: y = x·wᵀ, dx = dy·w, dw = dyᵀ·x. The same
 * operands for all in one run, taking turns; medians. Ours reads operands as they lie ("ours"), or
 * a weight that was packed before ("packed"). Theirs: the matrix product of plain operands
 * ("matmul"), the same with a weight reordered before as the library likes it best ("reordered"),
 * and the inner product, which is theirs for linear layers ("inner", weights reordered before).
 * Our dw is added to what is there, as training needs it, theirs is written.
 * The results must be equal bit for bit: operands are small integers.
 *
 * Built where libdnnl is installed: `ninja -C build gemm_vs_onednn && build/bench/gemm_vs_onednn`.
 * usage: gemm_vs_onednn [GROUP]   with GROUP one of d6, gpt2, 0.6b, rows, f32; all but f32 without.
 * Threads: YH_THREADS, 1 when it is not set, for both. With one, processor time counts. */
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"

enum { MOST_ROUNDS = 31, LEAST_ROUNDS = 5, THEIRS = 3, RUNS = 2 + THEIRS };
static const double case_seconds = 1.0;

typedef enum product { Y, DX, DW, PRODUCTS } product;
static const char *const product_name[PRODUCTS] = {"y=xWt", "dx=dyW", "dW=dytx"};

typedef struct layer {
    const char *group;
    int64_t rows, out, in;
} layer;
static const layer layers[] = {
    {"d6", 4096, 384, 384},    {"d6", 4096, 1024, 384},   {"d6", 4096, 384, 1024},
    {"d6", 960, 32768, 384},   {"gpt2", 4096, 768, 768},  {"gpt2", 4096, 2304, 768},
    {"gpt2", 4096, 3072, 768}, {"gpt2", 4096, 768, 3072}, {"0.6b", 512, 1024, 1024},
    {"0.6b", 512, 2048, 1024}, {"0.6b", 512, 1024, 2048}, {"0.6b", 512, 3072, 1024},
    {"0.6b", 512, 1024, 3072}, {"rows", 32, 3072, 1024},  {"rows", 64, 3072, 1024},
    {"rows", 128, 3072, 1024}, {"rows", 256, 3072, 1024}, {"f32", 2048, 768, 768},
    {"f32", 2048, 3072, 768},  {"f32", 2048, 768, 3072}};

static void fail(const char *what)
{
    fprintf(stderr, "gemm_vs_onednn: %s\n", what);
    exit(1);
}

static void check(dnnl_status_t s, const char *what)
{
    if (s != dnnl_success) {
        fprintf(stderr, "gemm_vs_onednn: %s: oneDNN status %d\n", what, (int)s);
        exit(1);
    }
}

/* ------------------------------------------------------------------ theirs */

typedef struct theirs {
    dnnl_primitive_t run;
    dnnl_exec_arg_t arg[3];
} theirs;

typedef struct bench {
    yh_pool *pool;
    bool cpu_time;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    layer l;
    product product;
    yh_dtype type, out_type;
    void *x, *dy, *w, *packed, *result, *expected;
    size_t x_bytes, dy_bytes, w_bytes, packed_bytes, result_bytes;
    yh_gemm g;
    theirs theirs[THEIRS];
} bench;

static dnnl_data_type_t type_of(yh_dtype t)
{
    return t == YH_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* Row-major rows x cols, or its transpose. */
static dnnl_memory_desc_t plain(yh_dtype t, int64_t rows, int64_t cols, bool transposed)
{
    dnnl_memory_desc_t md;
    const dnnl_dims_t dims = {transposed ? cols : rows, transposed ? rows : cols},
                      strides = {transposed ? 1 : cols, transposed ? cols : 1};
    check(dnnl_memory_desc_init_by_strides(&md, 2, dims, type_of(t), strides), "memory shape");
    return md;
}

static dnnl_memory_desc_t any(dnnl_memory_desc_t md)
{
    dnnl_memory_desc_t r;
    check(dnnl_memory_desc_init_by_tag(&r, 2, md.dims, md.data_type, dnnl_format_tag_any),
          "memory shape");
    return r;
}

static dnnl_exec_arg_t argument(const bench *b, int name, dnnl_memory_desc_t md, void *data)
{
    dnnl_exec_arg_t a = {.arg = name};
    check(dnnl_memory_create(&a.memory, &md, b->engine, data), "memory");
    return a;
}

/* The weight in the layout that the primitive asks for. */
static dnnl_exec_arg_t weight(const bench *b, const_dnnl_primitive_desc_t pd, dnnl_memory_desc_t md)
{
    const dnnl_exec_arg_t from = argument(b, DNNL_ARG_FROM, md, b->w);
    const dnnl_memory_desc_t *want = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    if (dnnl_memory_desc_equal(want, &md) != 0)
        return (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, from.memory};
    const dnnl_exec_arg_t to = argument(b, DNNL_ARG_TO, *want, DNNL_MEMORY_ALLOCATE);
    dnnl_primitive_desc_t rd;
    dnnl_primitive_t r;
    check(dnnl_reorder_primitive_desc_create(&rd, &md, b->engine, want, b->engine, NULL),
          "reorder");
    check(dnnl_primitive_create(&r, rd), "reorder");
    const dnnl_exec_arg_t both[2] = {from, to};
    check(dnnl_primitive_execute(r, b->stream, 2, both), "reorder");
    check(dnnl_stream_wait(b->stream), "wait");
    dnnl_primitive_destroy(r);
    dnnl_primitive_desc_destroy(rd);
    dnnl_memory_destroy(from.memory);
    return (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, to.memory};
}

static theirs open_matmul(const bench *b, bool reordered)
{
    const layer *l = &b->l;
    const dnnl_memory_desc_t x = plain(b->type, l->rows, l->in, false),
                             dy = plain(b->type, l->rows, l->out, false),
                             w = plain(b->type, l->out, l->in, b->product == Y),
                             dyt = plain(b->type, l->rows, l->out, true),
                             c = plain(b->out_type, b->g.m, b->g.n, false), aw = any(w);
    const dnnl_memory_desc_t *src = b->product == Y ? &x : b->product == DX ? &dy : &dyt;
    const dnnl_memory_desc_t *right = b->product == DW ? &x : reordered ? &aw : &w;
    dnnl_matmul_desc_t md;
    dnnl_primitive_desc_t pd;
    theirs t;
    check(dnnl_matmul_desc_init(&md, src, right, NULL, &c), "matmul");
    check(dnnl_primitive_desc_create(&pd, &md, NULL, b->engine, NULL), "matmul");
    check(dnnl_primitive_create(&t.run, pd), "matmul");
    t.arg[0] = argument(b, DNNL_ARG_SRC, *src, b->product == Y ? b->x : b->dy);
    t.arg[1] = b->product == DW ? argument(b, DNNL_ARG_WEIGHTS, x, b->x) : weight(b, pd, w);
    t.arg[2] = argument(b, DNNL_ARG_DST, c, b->result);
    dnnl_primitive_desc_destroy(pd);
    return t;
}

static theirs open_inner(const bench *b)
{
    const layer *l = &b->l;
    const dnnl_memory_desc_t x = plain(b->type, l->rows, l->in, false),
                             dy = plain(b->type, l->rows, l->out, false),
                             w = plain(b->type, l->out, l->in, false), aw = any(w),
                             dw = plain(YH_F32, l->out, l->in, false);
    dnnl_inner_product_desc_t d;
    dnnl_primitive_desc_t forward, pd;
    theirs t;
    check(dnnl_inner_product_forward_desc_init(&d, dnnl_forward_training, &x, &aw, NULL, &dy),
          "inner product");
    check(dnnl_primitive_desc_create(&forward, &d, NULL, b->engine, NULL), "inner product");
    if (b->product == DX)
        check(dnnl_inner_product_backward_data_desc_init(&d, &x, &aw, &dy), "inner product");
    if (b->product == DW)
        check(dnnl_inner_product_backward_weights_desc_init(&d, &x, &dw, NULL, &dy),
              "inner product");
    check(dnnl_primitive_desc_create(&pd, &d, NULL, b->engine, forward), "inner product");
    check(dnnl_primitive_create(&t.run, pd), "inner product");
    t.arg[0] = b->product == DX ? argument(b, DNNL_ARG_DIFF_SRC, x, b->result)
                                : argument(b, DNNL_ARG_SRC, x, b->x);
    t.arg[1] =
        b->product == DW ? argument(b, DNNL_ARG_DIFF_WEIGHTS, dw, b->result) : weight(b, pd, w);
    t.arg[2] = b->product == Y ? argument(b, DNNL_ARG_DST, dy, b->result)
                               : argument(b, DNNL_ARG_DIFF_DST, dy, b->dy);
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_desc_destroy(forward);
    return t;
}

static void close_theirs(theirs *t)
{
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(t->arg[i].memory);
    dnnl_primitive_destroy(t->run);
}

/* ------------------------------------------------------------------ one case */

/* Small integers, different ones side by side. */
static void *operand(yh_dtype t, int64_t count, size_t *bytes)
{
    *bytes = (size_t)count * yh_dtype_size(t);
    void *p = yh_big_alloc(*bytes);
    if (p == NULL)
        fail("no memory");
    uint32_t state = 12345;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        const float v = (float)((int)(state >> 16) % 5 - 2);
        if (t == YH_BF16)
            ((yh_bf16 *)p)[i] = yh_f32_to_bf16(v);
        else
            ((float *)p)[i] = v;
    }
    return p;
}

static void set_product(bench *b, product p)
{
    const layer *l = &b->l;
    b->product = p;
    b->out_type = p == DW ? YH_F32 : b->type;
    b->g = (yh_gemm){.m = p == DW ? l->out : l->rows,
                     .n = p == Y ? l->out : l->in,
                     .k = p == Y    ? l->in
                          : p == DX ? l->out
                                    : l->rows,
                     .ab_type = b->type,
                     .c_type = b->out_type,
                     .trans_a = p == DW,
                     .trans_b = p == Y,
                     .accumulate = p == DW,
                     .a = p == Y ? b->x : b->dy,
                     .b = p == DW ? b->x : b->w,
                     .c = b->result,
                     .lda = p == Y ? l->in : l->out,
                     .ldb = l->in,
                     .ldc = p == Y ? l->out : l->in};
    if (p != DW)
        yh_gemm_pack_b(&b->g, b->packed, b->pool);
    b->theirs[0] = open_matmul(b, false);
    b->theirs[1] = open_matmul(b, true);
    b->theirs[2] = open_inner(b);
}

static void run_once(const bench *b, int which)
{
    if (which < 2) {
        yh_gemm g = b->g;
        g.packed_b = which == 1 ? b->packed : NULL;
        if (yh_gemm_run(&g, b->pool, NULL) != YH_OK)
            fail("no memory");
        return;
    }
    const theirs *t = &b->theirs[which - 2];
    check(dnnl_primitive_execute(t->run, b->stream, 3, t->arg), "execute");
    check(dnnl_stream_wait(b->stream), "wait");
}

static double seconds(const bench *b)
{
    struct timespec t;
    clock_gettime(b->cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A weight is what can be packed or reordered before: dw has none. */
static bool takes_part(const bench *b, int which)
{
    return b->product != DW || (which != 1 && which != 3);
}

/* FLOP/s of the type's best instruction on registers. */
static double peak_speed(const bench *b)
{
    float sink;
    const double begin = seconds(b);
    const double flops = b->type == YH_BF16 ? yh_peak_kernels()->peak_bf16(20000, &sink)
                                            : yh_peak_kernels()->peak_f32(20000, &sink);
    return flops / (seconds(b) - begin);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t, int n)
{
    qsort(t, (size_t)n, sizeof *t, by_value);
    return t[n / 2];
}

static void same_results(bench *b)
{
    const size_t bytes = (size_t)(b->g.m * b->g.n) * yh_dtype_size(b->out_type);
    for (int r = 0; r < RUNS; r++) {
        if (!takes_part(b, r))
            continue;
        memset(b->result, 0, bytes);
        run_once(b, r);
        if (r == 0)
            memcpy(b->expected, b->result, bytes);
        else if (memcmp(b->expected, b->result, bytes) != 0)
            fail("the results differ");
    }
}

static void print_row(const bench *b, double time[RUNS], double peak)
{
    const double flops = 2.0 * (double)b->g.m * (double)b->g.n * (double)b->g.k;
    double ours = time[0], best = (double)INFINITY;
    char text[RUNS][16];
    for (int r = 0; r < RUNS; r++) {
        snprintf(text[r], sizeof text[r], "%s", "");
        if (!takes_part(b, r))
            continue;
        snprintf(text[r], sizeof text[r], "%.0f", flops / time[r] * 1e-9);
        if (r >= 2 && time[r] < best)
            best = time[r];
    }
    printf("| %s | %s | %lld x %lld x %lld | %s | %s | %s | %s | %s | %.2f | %.0f%% |\n",
           b->l.group, product_name[b->product], (long long)b->g.m, (long long)b->g.n,
           (long long)b->g.k, text[0], text[1], text[2], text[3], text[4], best / ours,
           100 * flops / ours / peak);
    fflush(stdout);
}

static void compare(bench *b)
{
    double t[RUNS + 1][MOST_ROUNDS] = {{0}}, middle[RUNS];
    same_results(b);
    const double begin = seconds(b);
    int n = 0;
    while (n < LEAST_ROUNDS || (n < MOST_ROUNDS && seconds(b) - begin < case_seconds)) {
        for (int r = 0; r < RUNS; r++) {
            const double before = seconds(b);
            if (takes_part(b, r))
                run_once(b, r);
            t[r][n] = seconds(b) - before;
        }
        t[RUNS][n++] = peak_speed(b);
    }
    for (int r = 0; r < RUNS; r++)
        middle[r] = median(t[r], n);
    print_row(b, middle, yh_pool_threads(b->pool) * median(t[RUNS], n));
}

static void layer_products(bench *b)
{
    const layer *l = &b->l;
    b->x = operand(b->type, l->rows * l->in, &b->x_bytes);
    b->dy = operand(b->type, l->rows * l->out, &b->dy_bytes);
    b->w = operand(b->type, l->out * l->in, &b->w_bytes);
    const int64_t a = l->rows * l->out, c = l->rows * l->in, d = l->out * l->in;
    const int64_t most = a > c ? (a > d ? a : d) : (c > d ? c : d);
    b->result = operand(YH_F32, most, &b->result_bytes);
    b->expected = operand(YH_F32, most, &b->result_bytes);
    b->packed_bytes = yh_gemm_packed_bytes(l->out, l->in);
    b->packed = yh_big_alloc(b->packed_bytes);
    if (b->packed == NULL)
        fail("no memory");
    for (product p = Y; p < PRODUCTS; p++) {
        set_product(b, p);
        compare(b);
        for (int i = 0; i < THEIRS; i++)
            close_theirs(&b->theirs[i]);
    }
    yh_big_free(b->x, b->x_bytes);
    yh_big_free(b->dy, b->dy_bytes);
    yh_big_free(b->w, b->w_bytes);
    yh_big_free(b->packed, b->packed_bytes);
    yh_big_free(b->result, b->result_bytes);
    yh_big_free(b->expected, b->result_bytes);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL, *threads = getenv("YH_THREADS");
    bench b = {0};
    yh_err err = YH_ERR_INIT;
    if (threads == NULL || getenv("OMP_NUM_THREADS") == NULL) { /* is read when a program starts */
        setenv("YH_THREADS", threads != NULL ? threads : "1", 1);
        setenv("OMP_NUM_THREADS", getenv("YH_THREADS"), 1);
        execv("/proc/self/exe", argv);
        fail("cannot start itself again; set YH_THREADS and OMP_NUM_THREADS");
    }
    if (yh_pool_create(&b.pool, 0, &err) != YH_OK)
        fail(err.msg);
    b.cpu_time = yh_pool_threads(b.pool) == 1;
    check(dnnl_engine_create(&b.engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&b.stream, b.engine, dnnl_stream_default_flags), "stream");
    const dnnl_version_t *v = dnnl_version();
    printf("%s, oneDNN %d.%d.%d, %d thread(s), medians of %s; GFLOP/s\n\n", yh_isa_name(), v->major,
           v->minor, v->patch, yh_pool_threads(b.pool),
           b.cpu_time ? "processor time" : "time by the clock");
    printf(
        "| layer | product | m x n x k | ours | packed | matmul | reordered | inner | ours / best "
        "| of peak |\n%s|\n",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- ");
    bool found = false;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const bool f32 = strcmp(layers[i].group, "f32") == 0;
        if (only != NULL ? strcmp(only, layers[i].group) != 0 : f32)
            continue;
        found = true;
        b.l = layers[i];
        b.type = f32 || yh_isa_current() < YH_ISA_AVX512BF16 ? YH_F32 : YH_BF16;
        layer_products(&b);
    }
    dnnl_stream_destroy(b.stream);
    dnnl_engine_destroy(b.engine);
    yh_pool_free(b.pool);
    if (!found)
        fail("no such group of layers: d6, gpt2, 0.6b, rows, f32");
    return 0;
}
