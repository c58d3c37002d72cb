#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/engine_output.h"

static const char *const row_name[] = {"part", "gone"};

void yh_output_name(char out[PATH_MAX], const char *dir, int row, uint64_t i)
{
    snprintf(out, PATH_MAX, "%s/%s-%05" PRIu64, dir, row_name[row], i);
}

/* Opens the last file of a row at its noted size. */
static yh_status open_last(yh_output *o, int row, bool fresh, yh_err *err)
{
    char path[PATH_MAX];
    yh_out_row *r = &o->row[row];
    size_t n = json_array_size(r->sizes);
    struct stat st;
    off_t size = fresh ? 0 : (off_t)json_integer_value(json_array_get(r->sizes, n - 1));
    yh_output_name(path, o->dir, row, n - 1);
    r->fd = open(path, O_WRONLY | O_CLOEXEC | (fresh ? O_CREAT | O_TRUNC : 0), 0666);
    if (r->fd < 0)
        return yh_fail_errno(err, errno, "%s: cannot %s", path, fresh ? "create" : "open");
    if (fstat(r->fd, &st) != 0 || st.st_size < size)
        return yh_fail(err, YH_CORRUPT, "%s: is shorter than it was", path);
    if (!fresh && (ftruncate(r->fd, size) != 0 || lseek(r->fd, size, SEEK_SET) != size))
        return yh_fail_errno(err, errno, "%s: cannot go on", path);
    r->fresh = fresh;
    return YH_OK;
}

static yh_status check_sizes(const yh_output *o, int row, yh_err *err)
{
    char path[PATH_MAX];
    struct stat st;
    const yh_out_row *r = &o->row[row];
    for (size_t i = 0; i < json_array_size(r->sizes); i++) {
        yh_output_name(path, o->dir, row, i);
        if (stat(path, &st) != 0 || st.st_size < json_integer_value(json_array_get(r->sizes, i)))
            return yh_fail(err, YH_CORRUPT, "%s: is missing or shorter than it was", path);
    }
    return YH_OK;
}

yh_status yh_output_open(yh_output *o, const char *dir, uint64_t limit, const json_t *state,
                         yh_err *err)
{
    memset(o, 0, sizeof *o);
    o->limit = limit;
    o->row[0].fd = o->row[1].fd = -1;
    if ((size_t)snprintf(o->dir, sizeof o->dir, "%s", dir) >= sizeof o->dir)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", dir);
    for (int i = 0; i < YH_OUT_KINDS; i++) {
        const json_t *s = json_object_get(state, row_name[i]);
        yh_out_row *r = &o->row[i];
        const json_t *sizes = json_object_get(s, "sizes");
        r->sizes = json_is_array(sizes) ? json_deep_copy(sizes) : json_array();
        if (r->sizes == NULL)
            return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
        r->text = (uint64_t)json_integer_value(json_object_get(s, "text"));
        YH_TRY(check_sizes(o, i, err));
        if (json_array_size(r->sizes) > 0 && r->text < limit)
            YH_TRY(open_last(o, i, false, err));
    }
    return YH_OK;
}

yh_status yh_output_write(yh_output *o, int row, const yh_buf *frame, uint64_t text, yh_err *err)
{
    yh_out_row *r = &o->row[row];
    if (frame->len == 0)
        return YH_OK;
    if (r->text >= o->limit || r->fd < 0) {
        if (r->fd >= 0) {
            YH_TRY(yh_output_sync(o, err));
            close(r->fd);
            r->fd = -1;
        }
        if (json_array_append_new(r->sizes, json_integer(0)) != 0)
            return yh_fail(err, YH_NOMEM, "%s: no memory", o->dir);
        r->text = 0;
        YH_TRY(open_last(o, row, true, err));
    }
    for (size_t at = 0; at < frame->len;) {
        ssize_t k = write(r->fd, frame->data + at, frame->len - at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "%s: cannot write %s-%05zu", o->dir, row_name[row],
                                 json_array_size(r->sizes) - 1);
        at += (size_t)k;
    }
    json_t *size = json_array_get(r->sizes, json_array_size(r->sizes) - 1);
    (void)json_integer_set(size, json_integer_value(size) + (json_int_t)frame->len);
    r->text += text;
    return YH_OK;
}

yh_status yh_output_sync(yh_output *o, yh_err *err)
{
    bool fresh = false;
    for (int i = 0; i < YH_OUT_KINDS; i++) {
        yh_out_row *r = &o->row[i];
        if (r->fd >= 0 && fsync(r->fd) != 0 && errno != EINVAL && errno != EROFS)
            return yh_fail_errno(err, errno, "%s: cannot sync %s-%05zu", o->dir, row_name[i],
                                 json_array_size(r->sizes) - 1);
        fresh = fresh || r->fresh;
        r->fresh = false;
    }
    int fd = fresh ? open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems refuse it */
        close(fd);
    }
    return YH_OK;
}

json_t *yh_output_state(const yh_output *o)
{
    return json_pack("{s:{s:O,s:I},s:{s:O,s:I}}", row_name[0], "sizes", o->row[0].sizes, "text",
                     (json_int_t)o->row[0].text, row_name[1], "sizes", o->row[1].sizes, "text",
                     (json_int_t)o->row[1].text);
}

void yh_output_close(yh_output *o)
{
    for (int i = 0; i < YH_OUT_KINDS; i++) {
        if (o->row[i].sizes != NULL && o->row[i].fd >= 0)
            close(o->row[i].fd);
        json_decref(o->row[i].sizes);
        o->row[i].sizes = NULL;
    }
}
