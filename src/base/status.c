#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define YH_STATUS_C
#include "yh/status.h"

const char *yh_status_text(yh_status s)
{
    switch (s) {
#define YH_STATUS_CASE(name, value, text)                                                          \
    case name:                                                                                     \
        return text;
        YH_STATUS_LIST(YH_STATUS_CASE)
#undef YH_STATUS_CASE
    }
    return "unknown status";
}

yh_status yh_fail(yh_err *err, yh_status code, const char *fmt, ...)
{
    if (err != NULL && err->code == YH_OK) {
        va_list ap;
        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
    return code;
}

static yh_status status_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
        return YH_NOTFOUND;
    case ENOSPC:
    case EDQUOT:
        return YH_NOSPACE;
    case ENOMEM:
        return YH_NOMEM;
    default:
        return YH_IO;
    }
}

yh_status yh_fail_errno(yh_err *err, int errno_value, const char *fmt, ...)
{
    yh_status code = status_of_errno(errno_value);
    if (err != NULL && err->code == YH_OK) {
        va_list ap;
        size_t used;
        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        used = strlen(err->msg);
        char text[128];
        /* the XSI form is what _POSIX_C_SOURCE gives; _GNU_SOURCE returns the text instead */
        const char *s = strerror_r(errno_value, text, sizeof text);
        snprintf(err->msg + used, sizeof err->msg - used, ": %s", s);
    }
    return code;
}
