/* Torture: runs a piece of work again and again, its first, second, third... allocation failing in
 * turn, until it comes through without a failure. Each run must return YH_NOMEM with a message, or
 * cope and return YH_OK; and give back all memory that it took. One torture at a time in a process;
 * the work may use threads.
 *
 *     static yh_status work(void *arg, yh_err *err) { ... }
 *     torture(work, arg);
 */
#ifndef YH_TESTS_TORTURE_H
#define YH_TESTS_TORTURE_H

#include <stdlib.h>

#include "base/alloc.h"

static struct {
    long fail_at; /* 0: never */
    long calls, live;
    bool failed;
} torture_state;

static void *torture_realloc(void *user, void *p, size_t size)
{
    (void)user;
    if (size == 0) {
        if (p != NULL)
            __atomic_sub_fetch(&torture_state.live, 1, __ATOMIC_RELAXED);
        free(p);
        return NULL;
    }
    if (__atomic_add_fetch(&torture_state.calls, 1, __ATOMIC_RELAXED) == torture_state.fail_at) {
        torture_state.failed = true;
        return NULL;
    }
    void *q = realloc(p, size);
    if (p == NULL && q != NULL)
        __atomic_add_fetch(&torture_state.live, 1, __ATOMIC_RELAXED);
    return q;
}

/* Returns the number of allocations of an undisturbed run. `step` > 1 skips failures (for work with
 * many thousands of allocations): the n-th is tried for n = 1, 1 + step, ... */
static inline long torture_step(yh_status (*work)(void *arg, yh_err *err), void *arg, long step)
{
    const yh_allocator a = {.realloc = torture_realloc};
    yh_allocator_set(&a);
    bool done = false;
    for (long n = 1; !done; n += step) {
        yh_err err = YH_ERR_INIT;
        torture_state.fail_at = n;
        torture_state.calls = torture_state.live = 0;
        torture_state.failed = false;
        yh_status s = work(arg, &err);
        done = !torture_state.failed;
        if (torture_state.live != 0)
            fail_msg("allocation %ld failed: %ld blocks leaked", n, torture_state.live);
        if (s != YH_OK && (done || s != YH_NOMEM))
            fail_msg("allocation %ld failed: status %d, \"%s\"", n, (int)s, err.msg);
        if (s != YH_OK && err.msg[0] == '\0')
            fail_msg("allocation %ld failed: no message", n);
    }
    yh_allocator_set(NULL);
    return torture_state.calls;
}

static inline long torture(yh_status (*work)(void *arg, yh_err *err), void *arg)
{
    return torture_step(work, arg, 1);
}

#endif
