/* Log callback and stop request. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "yh/runtime.h"

static yh_log_fn log_fn;
static void *log_user;
static volatile sig_atomic_t stop_flag;

void yh_log_set(yh_log_fn fn, void *user)
{
    log_fn = fn;
    log_user = user;
}

void yh_log(yh_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    if (log_fn == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_fn(log_user, level, text);
}

void yh_stop_request(void)
{
    __atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED);
}

void yh_stop_clear(void)
{
    __atomic_store_n(&stop_flag, 0, __ATOMIC_RELAXED);
}

bool yh_stop_requested(void)
{
    return __atomic_load_n(&stop_flag, __ATOMIC_RELAXED) != 0;
}
