/* Status codes and error messages.
 *
 * Every fallible function returns yh_status and takes a caller-owned yh_err * last. Passing NULL is
 * allowed. The first failure wins: a later yh_fail on the same yh_err keeps the first message, so
 * clean-up code cannot hide the cause. A message names the file, tensor or byte offset, and what to
 * do next. Thread safety: a yh_err belongs to one thread at a time. */
#ifndef YH_STATUS_H
#define YH_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text). Values are part of the interface and are never reused. */
#define YH_STATUS_LIST(X)                                                                          \
    X(YH_OK, 0, "ok")                                                                              \
    X(YH_INVALID, 1, "invalid argument")                                                           \
    X(YH_NOMEM, 2, "out of memory")                                                                \
    X(YH_IO, 3, "input/output error")                                                              \
    X(YH_NOTFOUND, 4, "not found")                                                                 \
    X(YH_CORRUPT, 5, "corrupt or malformed data")                                                  \
    X(YH_UNSUPPORTED, 6, "not supported")                                                          \
    X(YH_MISMATCH, 7, "parts do not fit together")                                                 \
    X(YH_NOSPACE, 8, "no space left on device")                                                    \
    X(YH_BUSY, 9, "in use by another process")                                                     \
    X(YH_STOPPED, 10, "stopped on request")                                                        \
    X(YH_LIMIT, 11, "a limit was exceeded")                                                        \
    X(YH_INTERNAL, 12, "internal error")

typedef enum yh_status {
#define YH_STATUS_ENUM(name, value, text) name = value,
    YH_STATUS_LIST(YH_STATUS_ENUM)
#undef YH_STATUS_ENUM
} yh_status;

typedef struct yh_err {
    yh_status code; /* YH_OK while nothing failed */
    char msg[512];  /* NUL-terminated; cut when longer */
} yh_err;

#define YH_ERR_INIT                                                                                \
    {                                                                                              \
        YH_OK,                                                                                     \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

#if defined(__GNUC__)
#define YH_MUST_CHECK        __attribute__((warn_unused_result))
#define YH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define YH_MUST_CHECK
#define YH_PRINTF(fmt, args)
#endif

/* Returns the constant text of a code; "unknown status" for a value that is none. */
const char *yh_status_text(yh_status s);

/* Records a failure (unless err is NULL or holds one already) and returns code. */
yh_status yh_fail(yh_err *err, yh_status code, const char *fmt, ...) YH_PRINTF(3, 4);

/* Like yh_fail with the text of errno_value appended; the code follows from it
 * (ENOENT: YH_NOTFOUND, ENOSPC/EDQUOT: YH_NOSPACE, ENOMEM: YH_NOMEM, else YH_IO). */
yh_status yh_fail_errno(yh_err *err, int errno_value, const char *fmt, ...) YH_PRINTF(3, 4);

#if defined(__clang_analyzer__) && !defined(YH_STATUS_C)
/* For static analysis alone: what these return is never YH_OK. */
#define yh_fail(err, code, ...)        ((void)(yh_fail)((err), (code), __VA_ARGS__), (code))
#define yh_fail_errno(err, value, ...) ((void)(yh_fail_errno)((err), (value), __VA_ARGS__), YH_IO)
#endif

/* Returns from the calling function when expr is not YH_OK. */
#define YH_TRY(expr)                                                                               \
    do {                                                                                           \
        yh_status yh_try_ = (expr);                                                                \
        if (yh_try_ != YH_OK)                                                                      \
            return yh_try_;                                                                        \
    } while (0)

/* Jumps to `label` with the code in `var` when expr is not YH_OK. */
#define YH_GOTO(var, expr, label)                                                                  \
    do {                                                                                           \
        (var) = (expr);                                                                            \
        if ((var) != YH_OK)                                                                        \
            goto label;                                                                            \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
