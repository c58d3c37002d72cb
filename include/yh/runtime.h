/* What every part of the library shares: version, logging, stopping, threads. */
#ifndef YH_RUNTIME_H
#define YH_RUNTIME_H

#include "yh/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YH_VERSION "0.1.0"

/* ---- log: the library never prints; it calls this. Default: nothing. ---- */
typedef enum yh_log_level { YH_LOG_DEBUG, YH_LOG_INFO, YH_LOG_WARN } yh_log_level;
typedef void (*yh_log_fn)(void *user, yh_log_level level, const char *message);
/* Set once, before other calls. The callback may be called from any thread. */
void yh_log_set(yh_log_fn fn, void *user);
void yh_log(yh_log_level level, const char *fmt, ...) YH_PRINTF(2, 3);

/* ---- allocator: replaceable as a whole, before any other call ---- */
typedef struct yh_allocator {
    void *(*realloc)(void *user, void *p, size_t size); /* p NULL: allocate; size 0: free, NULL */
    void *user;
} yh_allocator;
void yh_allocator_set(const yh_allocator *a); /* NULL: back to the C library's */

/* ---- stop request: async-signal-safe; long operations return YH_STOPPED at a safe point ---- */
void yh_stop_request(void);
void yh_stop_clear(void);
bool yh_stop_requested(void);

/* ---- thread pool: an own small pool, so that the library stays embeddable ---- */
typedef struct yh_pool yh_pool;
/* threads 0: the CPUs this process may use (affinity and cgroup quota respected; YH_THREADS
 * overrides). The calling thread of yh_pool_run counts as one of them.
 *
 * Where the CPUs belong to several memory nodes, and the pool has exactly as many threads as there
 * are CPUs, the threads that it starts are pinned, each to a CPU of its own; YH_PIN=0 forbids it,
 * YH_PIN=1 asks for it on one node, too. The affinity of the calling thread is never changed: the
 * first CPU of the set is left free for it. */
yh_status yh_pool_create(yh_pool **out, int threads, yh_err *err) YH_MUST_CHECK;
void yh_pool_free(yh_pool *pool);
int yh_pool_threads(const yh_pool *pool); /* 1 for NULL */

/* ---- machine ---- */
/* The instruction set in use: "ref", "avx2", "avx512", "avx512bf16" or "amx"; the environment's
 * YH_ISA caps it. */
const char *yh_isa_name(void);

#ifdef __cplusplus
}
#endif
#endif
