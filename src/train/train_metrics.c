/* metrics.jsonl: one object a line, appended; cut back to the checkpoint when a run is resumed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/trainer.h"

yh_status yh_metrics_open(yh_metrics *m, const char *out, uint64_t keep, yh_err *err)
{
    struct stat st;
    *m = (yh_metrics){.fd = -1};
    m->path = yh_path_join(out, "metrics.jsonl");
    if (m->path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", out);
    m->fd = open(m->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (m->fd < 0 || fstat(m->fd, &st) != 0)
        return yh_fail_errno(err, errno, "%s: cannot open", m->path);
    m->bytes = (uint64_t)st.st_size < keep ? (uint64_t)st.st_size : keep;
    if (ftruncate(m->fd, (off_t)m->bytes) != 0 || lseek(m->fd, 0, SEEK_END) < 0)
        return yh_fail_errno(err, errno, "%s: cannot cut to the checkpoint's length", m->path);
    return YH_OK;
}

yh_status yh_metrics_add(yh_metrics *m, json_t *j, yh_err *err)
{
    char *text = j != NULL ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(j);
    if (text == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", m->path);
    size_t n = strlen(text);
    text[n] = '\n'; /* one write a line */
    for (size_t at = 0; at <= n;) {
        ssize_t k = write(m->fd, text + at, n + 1 - at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            int e = errno;
            yh_json_text_free(text);
            return yh_fail_errno(err, e, "%s: cannot write", m->path);
        }
        at += (size_t)k;
    }
    m->bytes += n + 1;
    yh_json_text_free(text);
    return YH_OK;
}

yh_status yh_metrics_sync(yh_metrics *m, yh_err *err)
{
    if (fsync(m->fd) != 0 && errno != EINVAL && errno != EROFS)
        return yh_fail_errno(err, errno, "%s: cannot sync", m->path);
    return YH_OK;
}

void yh_metrics_close(yh_metrics *m)
{
    if (m->fd >= 0)
        close(m->fd);
    yh_free(m->path);
    *m = (yh_metrics){.fd = -1};
}
