/* Processor time of attention and of the row kernels on one core, in bf16, at the shapes of a d6,
 * of GPT-2 124M and of a 0.6B model: for comparing two builds on a machine that has other work,
 * where the clock on the wall says little.
 *
 *     kernel_times [ROUNDS]
 *
 * Prints the least and the median time of a call, and FLOPs or bytes a second at the least. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/kernels.h"

enum { MOST = 200, ROWS = 4096 };

static int rounds = 15;

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_case(const char *name, const char *unit, double work, void (*fn)(void *),
                      void *arg)
{
    double t[MOST];
    fn(arg);
    for (int i = 0; i < rounds; i++) {
        const double begin = processor();
        fn(arg);
        t[i] = processor() - begin;
    }
    qsort(t, (size_t)rounds, sizeof *t, by_value);
    printf("%-44s %9.1f us least %9.1f us median %7.1f %s\n", name, t[0] * 1e6, t[rounds / 2] * 1e6,
           work / t[0] * 1e-9, unit);
}

static void need(bool ok)
{
    if (!ok) {
        fprintf(stderr, "kernel_times: no memory\n");
        exit(1);
    }
}

/* n elements, random for bf16; never freed. */
static void *random_bf16(int64_t n)
{
    yh_bf16 *p = yh_big_alloc((size_t)n * sizeof *p);
    yh_rng r;
    need(p != NULL);
    yh_rng_init(&r, 1, (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        p[i] = yh_f32_to_bf16((float)(2 * yh_rng_uniform(&r) - 1));
    return p;
}

static float *random_f32(int64_t n)
{
    float *p = yh_big_alloc((size_t)n * sizeof *p);
    yh_rng r;
    need(p != NULL);
    yh_rng_init(&r, 2, (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        p[i] = (float)yh_rng_uniform(&r);
    return p;
}

static void forward(void *arg)
{
    need(yh_attn_forward(arg, NULL, NULL) == YH_OK);
}

static void backward(void *arg)
{
    need(yh_attn_backward(arg, NULL, NULL) == YH_OK);
}

static void attention(int64_t rows, int heads, int kv_heads, int dim, int64_t sequence)
{
    const int64_t q = rows * heads * dim, k = rows * kv_heads * dim;
    int32_t *start = yh_big_alloc((size_t)rows * sizeof *start);
    double pairs = 0;
    char name[64];
    need(start != NULL);
    for (int64_t i = 0; i < rows; i++) {
        start[i] = (int32_t)(i / sequence * sequence);
        pairs += (double)(i - start[i] + 1);
    }
    yh_attn a = {.rows = rows,
                 .heads = heads,
                 .kv_heads = kv_heads,
                 .dim = dim,
                 .scale = 0.125f,
                 .type = YH_BF16,
                 .start = start,
                 .q = random_bf16(q),
                 .k = random_bf16(k),
                 .v = random_bf16(k),
                 .out = random_bf16(q),
                 .ldq = (int64_t)heads * dim,
                 .ldk = (int64_t)kv_heads * dim,
                 .ldv = (int64_t)kv_heads * dim,
                 .ldo = (int64_t)heads * dim,
                 .lse = random_f32(rows * heads),
                 .dout = random_bf16(q),
                 .dq = random_bf16(q),
                 .dk = random_bf16(k),
                 .dv = random_bf16(k)};
    const double each = pairs * heads * dim;
    snprintf(name, sizeof name, "attention %lldx%dx%d, sequences of %lld", (long long)rows, heads,
             dim, (long long)sequence);
    time_case(name, "GFLOP/s", 4 * each, forward, &a);
    snprintf(name, sizeof name, "attention_back %lldx%dx%d", (long long)rows, heads, dim);
    time_case(name, "GFLOP/s", 10 * each, backward, &a);
}

typedef struct row_job {
    yh_bf16 *x, *up, *y, *dx;
    float *w, *table, *rstd, *dw;
    int32_t *pos;
    int heads, dim;
    int64_t width;
} row_job;

static void swiglu(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->swiglu(YH_BF16, j->x, j->up, j->y, 0, ROWS * j->width);
}
static void swiglu_back(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->swiglu_back(YH_BF16, j->x, j->up, j->y, j->x, j->dx, 0, ROWS * j->width);
}
static void rope_norm(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->rope_norm(YH_BF16, j->x, j->w, 1e-6f, j->table, j->pos, j->y, j->rstd, j->heads,
                            j->dim, 0, ROWS);
}
static void rope_norm_back(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->rope_norm_back(YH_BF16, j->x, j->w, j->rstd, j->table, j->pos, j->y, j->dx, j->dw,
                                 j->heads, j->dim, 0, ROWS);
}
static void rmsnorm(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->rmsnorm(YH_BF16, j->x, j->w, 1e-6f, j->y, j->rstd, j->width, 0, ROWS);
}
static void rmsnorm_back(void *arg)
{
    const row_job *j = arg;
    yh_kernels()->rmsnorm_back(YH_BF16, j->x, j->w, j->rstd, j->y, j->dx, true, j->dw, j->width, 0,
                               ROWS);
}

static void rows(void)
{
    row_job j = {.heads = 6, .dim = 64, .width = 1024};
    const int64_t most = ROWS * j.width;
    j.x = random_bf16(most);
    j.up = random_bf16(most);
    j.y = random_bf16(most);
    j.dx = random_bf16(most);
    j.w = random_f32(j.width);
    j.dw = random_f32(j.width);
    j.table = random_f32((int64_t)512 * j.dim);
    j.rstd = random_f32((int64_t)ROWS * j.heads);
    j.pos = yh_big_alloc(ROWS * sizeof *j.pos);
    need(j.pos != NULL);
    for (int i = 0; i < ROWS; i++)
        j.pos[i] = i % 512;
    time_case("swiglu 4096x1024", "GB/s", 6.0 * (double)most, swiglu, &j);
    time_case("swiglu_back 4096x1024", "GB/s", 10.0 * (double)most, swiglu_back, &j);
    j.width = (int64_t)j.heads * j.dim;
    const double n = (double)(ROWS * j.width);
    time_case("rope_norm 4096x6x64", "GB/s", 4 * n, rope_norm, &j);
    time_case("rope_norm_back 4096x6x64", "GB/s", 6 * n, rope_norm_back, &j);
    time_case("rmsnorm 4096x384", "GB/s", 4 * n, rmsnorm, &j);
    time_case("rmsnorm_back 4096x384", "GB/s", 8 * n, rmsnorm_back, &j);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);
    if (rounds < 1 || rounds > MOST) {
        fprintf(stderr, "usage: kernel_times [ROUNDS], 1 to %d\n", (int)MOST);
        return 2;
    }
    attention(4096, 6, 6, 64, 512);
    attention(2048, 12, 12, 64, 1024);
    attention(1024, 16, 8, 128, 512);
    rows();
    return 0;
}
