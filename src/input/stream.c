#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/file.h"
#include "input/stream.h"

enum { RAW_CHUNK = 1 << 18, OUT_CHUNK = 1 << 18 };

typedef enum { PLAIN, GZIP, ZSTD } packing;

struct yh_stream {
    int fd; /* -1: memory */
    packing kind;
    char *path;
    uint8_t *raw; /* compressed input */
    size_t raw_pos, raw_len;
    uint64_t raw_done;
    bool raw_end, end;
    z_stream z;
    bool z_open, frame_open; /* frame_open: inside a gzip member or a zstd frame */
    ZSTD_DStream *zd;
    uint8_t *win; /* decompressed and not yet skipped: [pos, len) */
    size_t pos, len, cap;
    const uint8_t *memory;
    uint64_t offset;
    char broken[160];
    bool is_broken;
};

void yh_stream_close(yh_stream *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->z_open)
        inflateEnd(&s->z);
    ZSTD_freeDStream(s->zd);
    yh_free(s->raw);
    yh_free(s->win);
    yh_free(s->path);
    yh_free(s);
}

static yh_status read_raw(yh_stream *s, yh_err *err)
{
    if (s->raw_end || s->raw_pos < s->raw_len)
        return YH_OK;
    s->raw_pos = s->raw_len = 0;
    for (;;) {
        ssize_t n = read(s->fd, s->raw, RAW_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return yh_fail_errno(err, errno, "%s: cannot read at byte %llu", s->path,
                                 (unsigned long long)s->raw_done);
        s->raw_len = (size_t)n;
        s->raw_done += (uint64_t)n;
        s->raw_end = n == 0;
        return YH_OK;
    }
}

static yh_status start_gzip(yh_stream *s, yh_err *err)
{
    if (inflateInit2(&s->z, 15 + 16) != Z_OK)
        return yh_fail(err, YH_NOMEM, "%s: no memory to decompress", s->path);
    s->z_open = true;
    return YH_OK;
}

/* Without its first bytes a compressed file would pass for text. */
static void check_name(yh_stream *s)
{
    const char *dot = strrchr(yh_path_base(s->path), '.');
    bool gz = dot != NULL && strcasecmp(dot, ".gz") == 0;
    if (!gz && (dot == NULL || strcasecmp(dot, ".zst") != 0))
        return;
    snprintf(s->broken, sizeof s->broken, "is named %s, but does not begin like %s data", dot,
             gz ? "gzip" : "zstd");
    s->is_broken = s->end = true;
}

yh_status yh_stream_open(yh_stream **out, const char *path, yh_err *err)
{
    *out = NULL;
    yh_stream *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", path);
    yh_status st = YH_OK;
    s->fd = -1;
    s->path = yh_strdup(path);
    s->raw = yh_malloc(RAW_CHUNK);
    if (s->path == NULL || s->raw == NULL) {
        st = yh_fail(err, YH_NOMEM, "%s: no memory to read", path);
        goto fail;
    }
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) {
        st = yh_fail_errno(err, errno, "%s: cannot open", path);
        goto fail;
    }
    struct stat sb;
    if (fstat(s->fd, &sb) == 0 && S_ISDIR(sb.st_mode)) {
        st = yh_fail(err, YH_INVALID, "%s: is a folder, a file is needed", path);
        goto fail;
    }
    YH_GOTO(st, read_raw(s, err), fail);
    if (s->raw_len >= 2 && s->raw[0] == 0x1f && s->raw[1] == 0x8b) {
        s->kind = GZIP;
        YH_GOTO(st, start_gzip(s, err), fail);
    } else if (s->raw_len >= 4 && memcmp(s->raw, "\x28\xb5\x2f\xfd", 4) == 0) {
        s->kind = ZSTD;
        s->zd = ZSTD_createDStream();
        if (s->zd == NULL) {
            st = yh_fail(err, YH_NOMEM, "%s: no memory to decompress", path);
            goto fail;
        }
    } else if (s->raw_len > 0) {
        check_name(s);
    }
    *out = s;
    return YH_OK;
fail:
    yh_stream_close(s);
    return st;
}

yh_status yh_stream_memory(yh_stream **out, const void *p, size_t n, yh_err *err)
{
    yh_stream *s = yh_calloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a stream");
    s->fd = -1;
    s->memory = p;
    s->len = n;
    s->end = true;
    return YH_OK;
}

static void mark_broken(yh_stream *s, const char *what)
{
    s->is_broken = s->end = true;
    snprintf(s->broken, sizeof s->broken, "%s near byte %llu of the compressed file", what,
             (unsigned long long)(s->raw_done - (s->raw_len - s->raw_pos)));
}

/* One step: appends at most OUT_CHUNK bytes to the window. */
static yh_status step_gzip(yh_stream *s, yh_err *err)
{
    if (s->raw_pos == s->raw_len) { /* end of the file */
        if (s->frame_open)
            mark_broken(s, "gzip data end too early");
        s->end = true;
        return YH_OK;
    }
    s->frame_open = true;
    s->z.next_in = s->raw + s->raw_pos;
    s->z.avail_in = (uInt)(s->raw_len - s->raw_pos);
    s->z.next_out = s->win + s->len;
    s->z.avail_out = OUT_CHUNK;
    int rc = inflate(&s->z, Z_NO_FLUSH);
    s->len += OUT_CHUNK - s->z.avail_out;
    s->raw_pos = s->raw_len - s->z.avail_in;
    if (rc == Z_STREAM_END) {
        s->frame_open = false; /* another member may follow */
        YH_TRY(read_raw(s, err));
        if (s->raw_pos < s->raw_len && s->raw[s->raw_pos] != 0x1f) {
            mark_broken(s, "bytes that are not gzip follow the gzip data");
            return YH_OK;
        }
        if (inflateReset(&s->z) != Z_OK)
            mark_broken(s, "gzip data cannot be continued");
    } else if (rc == Z_MEM_ERROR) {
        return yh_fail(err, YH_NOMEM, "%s: no memory to decompress", s->path);
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
        mark_broken(s, "gzip data are damaged");
    }
    return YH_OK;
}

static yh_status step_zstd(yh_stream *s, yh_err *err)
{
    if (s->raw_pos == s->raw_len && !s->raw_end)
        return YH_OK;
    ZSTD_inBuffer in = {s->raw, s->raw_len, s->raw_pos};
    ZSTD_outBuffer o = {s->win + s->len, OUT_CHUNK, 0};
    size_t rc = ZSTD_decompressStream(s->zd, &o, &in);
    s->raw_pos = in.pos;
    s->len += o.pos;
    if (ZSTD_isError(rc)) {
        if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
            return yh_fail(err, YH_NOMEM, "%s: no memory to decompress", s->path);
        char what[100];
        snprintf(what, sizeof what, "zstd data are damaged (%s)", ZSTD_getErrorName(rc));
        mark_broken(s, what);
        return YH_OK;
    }
    if (s->raw_end && in.pos == in.size && o.pos == 0) {
        if (s->frame_open)
            mark_broken(s, "zstd data end too early");
        s->end = true;
        return YH_OK;
    }
    s->frame_open = rc != 0;
    return YH_OK;
}

static yh_status step(yh_stream *s, yh_err *err)
{
    YH_TRY(read_raw(s, err));
    uint8_t *w = yh_grow(s->win, &s->cap, s->len + OUT_CHUNK, 1);
    if (w == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a window of %zu bytes", s->path, s->len);
    s->win = w;
    if (s->kind == GZIP)
        return step_gzip(s, err);
    if (s->kind == ZSTD)
        return step_zstd(s, err);
    size_t n = s->raw_len - s->raw_pos;
    memcpy(s->win + s->len, s->raw + s->raw_pos, n); /* n <= RAW_CHUNK == OUT_CHUNK */
    s->len += n;
    s->raw_pos = s->raw_len;
    s->end = s->raw_end;
    return YH_OK;
}

yh_status yh_stream_peek(yh_stream *s, size_t want, const uint8_t **p, size_t *n, yh_err *err)
{
    if (s->len - s->pos < want && !s->end && s->pos > 0) {
        memmove(s->win, s->win + s->pos, s->len - s->pos);
        s->len -= s->pos;
        s->pos = 0;
    }
    while (s->len - s->pos < want && !s->end)
        YH_TRY(step(s, err));
    const uint8_t *base = s->memory != NULL ? s->memory : s->win;
    *n = s->len - s->pos;
    *p = base == NULL ? (const uint8_t *)"" : base + s->pos;
    return YH_OK;
}

void yh_stream_skip(yh_stream *s, size_t n)
{
    s->pos += n;
    s->offset += n;
}

uint64_t yh_stream_offset(const yh_stream *s)
{
    return s->offset;
}

uint64_t yh_stream_raw_done(const yh_stream *s)
{
    return s->raw_done;
}

const char *yh_stream_broken(const yh_stream *s)
{
    return s->is_broken ? s->broken : NULL;
}
