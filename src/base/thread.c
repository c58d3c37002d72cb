/* A small pool: workers spin for a short while, then sleep. One job at a time. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/placement.h"

enum { MAX_THREADS = 1024, SPINS = 4000 };

typedef struct worker {
    yh_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct yh_pool {
    int threads; /* the caller included */
    bool pinned; /* each thread but the caller to a processor of its own */
    worker *workers;
    /* the job; written by the caller before `epoch` moves */
    yh_range_fn fn;
    void *arg;
    int64_t n, grain;
    bool dynamic;
    _Alignas(64) int64_t next;    /* dynamic: first item not handed out */
    _Alignas(64) uint32_t epoch;  /* moves when a job starts or the pool ends */
    _Alignas(64) int32_t pending; /* workers still busy */
    int sleepers;                 /* under lock */
    bool quit;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void run_share(yh_pool *p, int index)
{
    if (p->dynamic) {
        for (;;) {
            int64_t b = __atomic_fetch_add(&p->next, p->grain, __ATOMIC_RELAXED);
            if (b >= p->n)
                return;
            p->fn(p->arg, b, b + p->grain < p->n ? b + p->grain : p->n, index);
        }
    }
    int64_t pieces = (p->n + p->grain - 1) / p->grain;
    int64_t b = pieces * index / p->threads * p->grain;
    int64_t e = pieces * (index + 1) / p->threads * p->grain;
    if (e > p->n)
        e = p->n;
    if (b < e)
        p->fn(p->arg, b, e, index);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    yh_pool *p = w->pool;
    uint32_t seen = 0;
    for (;;) {
        int spin = 0;
        while (__atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE) == seen && spin < SPINS) {
            relax();
            spin++;
        }
        if (__atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE) == seen) {
            pthread_mutex_lock(&p->lock);
            p->sleepers++;
            while (__atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE) == seen)
                pthread_cond_wait(&p->wake, &p->lock);
            p->sleepers--;
            pthread_mutex_unlock(&p->lock);
        }
        seen = __atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE);
        if (p->quit)
            return NULL;
        run_share(p, w->index);
        if (__atomic_sub_fetch(&p->pending, 1, __ATOMIC_ACQ_REL) == 0) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void start_epoch(yh_pool *p)
{
    pthread_mutex_lock(&p->lock);
    __atomic_add_fetch(&p->epoch, 1, __ATOMIC_RELEASE);
    if (p->sleepers > 0)
        pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void run_job(yh_pool *p, int64_t n, int64_t grain, yh_range_fn fn, void *arg, bool dynamic)
{
    if (n <= 0)
        return;
    if (grain < 1)
        grain = 1;
    if (p == NULL || p->threads == 1 || n <= grain) {
        fn(arg, 0, n, 0);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    p->n = n;
    p->grain = grain;
    p->dynamic = dynamic;
    __atomic_store_n(&p->next, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&p->pending, p->threads - 1, __ATOMIC_RELAXED);
    start_epoch(p);
    run_share(p, 0);
    for (int spin = 0; spin < SPINS; spin++) {
        if (__atomic_load_n(&p->pending, __ATOMIC_ACQUIRE) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (__atomic_load_n(&p->pending, __ATOMIC_ACQUIRE) != 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void yh_pool_run(yh_pool *p, int64_t n, int64_t grain, yh_range_fn fn, void *arg)
{
    run_job(p, n, grain, fn, arg, false);
}

void yh_pool_run_dynamic(yh_pool *p, int64_t n, int64_t grain, yh_range_fn fn, void *arg)
{
    run_job(p, n, grain, fn, arg, true);
}

static void *task_main(void *arg)
{
    yh_task *t = arg;
    t->fn(t->arg);
    return NULL;
}

void yh_task_start(yh_task *t, void (*fn)(void *arg), void *arg)
{
    t->fn = fn;
    t->arg = arg;
    t->running = pthread_create(&t->thread, NULL, task_main, t) == 0;
    if (!t->running)
        fn(arg);
}

void yh_task_wait(yh_task *t)
{
    if (t->running)
        pthread_join(t->thread, NULL);
    t->running = false;
}

/* CPUs granted by cgroup v2's cpu.max, rounded up; 0 when there is no limit. */
static int cgroup_quota(void)
{
    char text[64] = "";
    long quota, period;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f == NULL)
        return 0;
    char *got = fgets(text, sizeof text, f);
    fclose(f);
    if (got == NULL || sscanf(text, "%ld %ld", &quota, &period) != 2 || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

int yh_cpu_count(void)
{
    cpu_set_t set;
    int n = 1, quota = cgroup_quota();
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (quota > 0 && quota < n)
        n = quota;
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

int yh_pool_threads(const yh_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

bool yh_pool_pinned(const yh_pool *pool)
{
    return pool != NULL && pool->pinned;
}

/* Thread i to the i-th processor; the first is left to the caller, whose affinity is its own. A
 * processor that has just been taken away is no error: the thread runs anywhere. */
static void pin_workers(yh_pool *p)
{
    cpu_set_t all, one;
    if (!yh_placement_wanted(p->threads, &all))
        return;
    p->pinned = true;
    for (int i = 1; i < p->threads; i++) {
        CPU_ZERO(&one);
        CPU_SET((size_t)yh_placement_cpu(&all, i), &one);
        if (pthread_setaffinity_np(p->workers[i].thread, sizeof one, &one) != 0)
            p->pinned = false;
    }
}

yh_status yh_pool_create(yh_pool **out, int threads, yh_err *err)
{
    *out = NULL;
    if (threads == 0) {
        const char *e = getenv("YH_THREADS");
        long v = e != NULL ? strtol(e, NULL, 10) : 0;
        threads = v > 0 && v <= MAX_THREADS ? (int)v : yh_cpu_count();
    }
    if (threads < 1 || threads > MAX_THREADS)
        return yh_fail(err, YH_INVALID, "%d threads: must be 1 to %d", threads, (int)MAX_THREADS);
    /* fields sit on cache lines of their own: yh_malloc promises less alignment */
    yh_pool *p = yh_big_alloc(sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a thread pool");
    p->threads = 1;
    p->workers = yh_calloc((size_t)threads, sizeof *p->workers);
    if (p->workers == NULL) {
        yh_big_free(p, sizeof *p);
        return yh_fail(err, YH_NOMEM, "no memory for a thread pool");
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 1; i < threads; i++) {
        p->workers[i] = (worker){.pool = p, .index = i};
        int e = pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (e != 0) {
            yh_status s = yh_fail_errno(err, e, "cannot start thread %d of %d", i, threads);
            yh_pool_free(p);
            return s;
        }
        p->threads = i + 1;
    }
    pin_workers(p);
    *out = p;
    return YH_OK;
}

void yh_pool_free(yh_pool *p)
{
    if (p == NULL)
        return;
    p->quit = true;
    start_epoch(p);
    for (int i = 1; i < p->threads; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    yh_free(p->workers);
    yh_big_free(p, sizeof *p);
}
