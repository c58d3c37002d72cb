/* The machine's limits as loops that do nothing else reach them. The best of many short runs
 * counts: a limit is what is possible, and noise only ever slows. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/thread.h"
#include "kernels/peak.h"
#include "yh/bench.h"

typedef struct peak_job {
    double (*loop)(int64_t rounds, float *sink);
    int64_t rounds;
    double *rate;   /* per thread: best so far, 8 apart */
    double seconds; /* of the first thread's last run */
    const char *data;
    uint64_t seen;
} peak_job;

enum { RATE_STEP = 8 }; /* a cache line each */

/* Each thread times itself, so that one that is held up does not hide what the others reach. */
static void run_flops(void *arg, int64_t begin, int64_t end, int worker)
{
    peak_job *j = arg;
    float sink = 0;
    for (int64_t i = begin; i < end; i++) {
        const double t = yh_now(), flops = j->loop(j->rounds, &sink), spent = yh_now() - t;
        double *best = &j->rate[i * RATE_STEP];
        if (worker == 0)
            j->seconds = spent;
        if (spent > 0 && flops / spent > *best)
            *best = flops / spent;
    }
}

static yh_status peak_flops(double (*loop)(int64_t, float *), yh_pool *pool, double seconds,
                            double *out, yh_err *err)
{
    const int threads = yh_pool_threads(pool);
    peak_job j = {.loop = loop, .rounds = 1000};
    j.rate = yh_calloc((size_t)threads * RATE_STEP, sizeof *j.rate);
    if (j.rate == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to measure the machine's speed");
    const double stop = yh_now() + seconds;
    do {
        yh_pool_run(pool, threads, 1, run_flops, &j);
        if (j.seconds < 1e-3 && j.rounds < INT64_MAX / 4) { /* too short for the clock */
            memset(j.rate, 0, (size_t)threads * RATE_STEP * sizeof *j.rate);
            j.rounds *= 2;
        }
    } while (yh_now() < stop || j.seconds < 1e-3);
    *out = 0;
    for (int i = 0; i < threads; i++)
        *out += j.rate[i * RATE_STEP];
    yh_free(j.rate);
    return YH_OK;
}

enum { READ_GRAIN = 1 << 20 };

static void fill(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    memset((char *)arg + begin, 1, (size_t)(end - begin));
}

static void run_read(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    peak_job *j = arg;
    uint64_t x = yh_peak_kernels()->peak_read(j->data + begin, (size_t)(end - begin));
    __atomic_fetch_xor(&j->seen, x, __ATOMIC_RELAXED);
}

/* A buffer that the caches cannot hold, within what memory allows. */
static size_t read_buffer_size(void)
{
    size_t size = (size_t)64 << 20, limit = (size_t)1 << 30;
#ifdef _SC_LEVEL3_CACHE_SIZE
    long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (l3 > 0 && (size_t)l3 * 3 > size)
        size = (size_t)l3 * 3;
#endif
    uint64_t free_bytes = yh_mem_available();
    if (free_bytes != 0 && free_bytes / 8 < limit)
        limit = (size_t)(free_bytes / 8);
    if (size > limit)
        size = limit;
    return size / READ_GRAIN * READ_GRAIN;
}

static yh_status peak_read(yh_pool *pool, double seconds, double *out, yh_err *err)
{
    const size_t size = read_buffer_size();
    if (size == 0)
        return yh_fail(err, YH_NOMEM, "no memory left to measure the read bandwidth");
    void *data = yh_big_alloc(size);
    if (data == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu bytes to measure the read bandwidth",
                       size);
    peak_job j = {.data = data};
    yh_pool_run(pool, (int64_t)size, READ_GRAIN, fill, data);
    double best = 0, stop = yh_now() + seconds;
    do {
        double t = yh_now();
        yh_pool_run(pool, (int64_t)size, READ_GRAIN, run_read, &j);
        t = yh_now() - t;
        if ((double)size / t > best)
            best = (double)size / t;
    } while (yh_now() < stop);
    yh_big_free(data, size);
    *out = best;
    return YH_OK;
}

yh_status yh_machine_flops(yh_pool *pool, double seconds, bool bf16, double *flops, yh_err *err)
{
    const yh_peak_table *peak = yh_peak_kernels();
    float sink;
    *flops = 0;
    if (bf16 && !(peak->peak_bf16(1, &sink) > 0))
        return YH_OK;
    return peak_flops(bf16 ? peak->peak_bf16 : peak->peak_f32, pool, seconds, flops, err);
}

yh_status yh_machine_measure(yh_pool *pool, double seconds, yh_machine_limits *out, yh_err *err)
{
    const yh_peak_table *peak = yh_peak_kernels();
    *out = (yh_machine_limits){.threads = yh_pool_threads(pool)};
    snprintf(out->isa, sizeof out->isa, "%s", yh_isa_name());
    yh_cpu_brand(out->cpu, sizeof out->cpu);
    float sink;
    const bool bf16 = peak->peak_bf16(1, &sink) > 0;
    const double share = seconds / (bf16 ? 3 : 2);
    YH_TRY(peak_flops(peak->peak_f32, pool, share, &out->flops_f32, err));
    if (bf16)
        YH_TRY(peak_flops(peak->peak_bf16, pool, share, &out->flops_bf16, err));
    return peak_read(pool, share, &out->read_bytes, err);
}
