#include "base/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

yh_status yh_temp_open(int *fd, const char *dir, yh_err *err)
{
    *fd = -1;
    if (dir == NULL)
        dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] == '\0')
        dir = "/tmp";
    char *path = yh_path_join(dir, "temporary-XXXXXX");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a temporary file");
    *fd = mkostemp(path, O_CLOEXEC);
    int e = errno;
    if (*fd >= 0)
        (void)unlink(path);
    yh_free(path);
    return *fd >= 0 ? YH_OK : yh_fail_errno(err, e, "%s: cannot make a temporary file", dir);
}

yh_status yh_temp_write(int fd, const void *from, size_t n, uint64_t at, const char *dir,
                        yh_err *err)
{
    const char *p = from;
    while (n > 0) {
        ssize_t k = pwrite(fd, p, n > (1u << 30) ? (1u << 30) : n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "%s: cannot write temporary data; make room there",
                                 dir);
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return YH_OK;
}

yh_status yh_temp_read(int fd, void *to, size_t n, uint64_t at, const char *dir, yh_err *err)
{
    char *p = to;
    while (n > 0) {
        ssize_t k = pread(fd, p, n > (1u << 30) ? (1u << 30) : n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "%s: cannot read temporary data", dir);
        if (k == 0)
            return yh_fail(err, YH_IO, "%s: temporary data end early", dir);
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return YH_OK;
}
