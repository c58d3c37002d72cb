/* Running work on a yh_pool. Work is split over outputs, never over a sum, so that results do not
 * depend on the number of threads. */
#ifndef YH_BASE_THREAD_H
#define YH_BASE_THREAD_H

#include <pthread.h>

#include "yh/runtime.h"

/* Handles items [begin, end); worker is in [0, yh_pool_threads) and indexes scratch memory. */
typedef void (*yh_range_fn)(void *arg, int64_t begin, int64_t end, int worker);

/* Splits [0, n) into contiguous ranges of multiples of grain, one per worker at most, and returns
 * when all are done. pool NULL: runs inline. Not reentrant: fn must not call yh_pool_run on the
 * same pool. One caller at a time per pool. */
void yh_pool_run(yh_pool *pool, int64_t n, int64_t grain, yh_range_fn fn, void *arg);

/* The same with pieces of `grain` items handed out as workers become free: for uneven work. */
void yh_pool_run_dynamic(yh_pool *pool, int64_t n, int64_t grain, yh_range_fn fn, void *arg);

/* Whether the pool's threads, but for the caller, stay each on a processor of its own
 * (base/placement.h): then memory that a range of work touches first lies near its thread for good.
 */
bool yh_pool_pinned(const yh_pool *pool);

/* One function that runs beside the caller, for what mostly waits (disks); where no thread can be
 * had it runs at once. Zeroed: none. */
typedef struct yh_task {
    pthread_t thread;
    void (*fn)(void *arg);
    void *arg;
    bool running;
} yh_task;
/* t must stay where it is, and no other function be under way in it, until yh_task_wait. */
void yh_task_start(yh_task *t, void (*fn)(void *arg), void *arg);
void yh_task_wait(yh_task *t); /* returns when fn has; nothing when there is none */

/* CPUs this process may use: affinity mask and cgroup quota. */
int yh_cpu_count(void);

#endif
