#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "input/stream.h"
#include "input/utf8_scan.h"

enum { RAW_CHUNK = 1 << 18, OUT_CHUNK = 1 << 18 };
enum { MEMBER_FREE = 1 << 20 }; /* what a member behind one that grew without end may become */

typedef enum { FROM_FILE, FROM_MEMORY, FROM_PART, FROM_RANGE } origin;

struct yh_stream {
    origin from;
    int fd;               /* FROM_FILE */
    bool own_fd, limited; /* limited: FROM_FILE, `left` bytes of it */
    yh_stream *parent;    /* FROM_PART */
    yh_random random;     /* FROM_RANGE */
    uint64_t at, left;    /* FROM_RANGE: next byte; RANGE, PART: bytes not taken yet */
    char *name;
    yh_unpack *u;
    yh_packing kind;
    uint8_t *raw; /* compressed input */
    size_t raw_pos, raw_len;
    uint64_t raw_done, raw_size, made;
    bool raw_end, end;
    uint32_t ratio;
    uint64_t max;
    uint8_t *win; /* decompressed and not yet skipped: [pos, len) */
    size_t pos, len, cap;
    const uint8_t *memory;
    uint64_t offset;
    int spool; /* of yh_stream_random; -1: none */
    bool checked;
    uint32_t crc, crc_want; /* of an archive's entry */
    size_t member;          /* raw buffer: where the open member or frame begins, if it is there */
    uint64_t tried;         /* raw bytes before which no further member is looked for */
    uint64_t restarts;
    bool seeking;
    uint64_t grown_made, grown_raw; /* where the last member that grew too much was left */
    char broken[200];
    bool is_broken;
    bool utf16, big; /* of yh_stream_utf16 */
    uint8_t half[4]; /* the beginning of a character whose end has not come yet */
    size_t n_half;
    uint64_t replaced;
};

void yh_stream_close(yh_stream *s)
{
    if (s == NULL)
        return;
    if (s->own_fd)
        close(s->fd);
    if (s->spool >= 0)
        close(s->spool);
    yh_unpack_close(s->u);
    yh_free(s->raw);
    yh_free(s->win);
    yh_free(s->name);
    yh_free(s);
}

/* ------------------------------------------------------------------ raw bytes */

static void mark_broken(yh_stream *s, const char *what)
{
    s->end = true;
    if (s->is_broken) /* the first damage is named */
        return;
    s->is_broken = true;
    snprintf(s->broken, sizeof s->broken, "%s near byte %llu of the compressed file", what,
             (unsigned long long)(s->raw_done - (s->raw_len - s->raw_pos)));
}

static yh_status read_file(yh_stream *s, uint8_t *p, size_t room, size_t *got, yh_err *err)
{
    for (;;) {
        ssize_t n = read(s->fd, p, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return yh_fail_errno(err, errno, "%s: cannot read at byte %llu", s->name,
                                 (unsigned long long)s->raw_done);
        *got = (size_t)n;
        return YH_OK;
    }
}

/* Up to `room` raw bytes; 0: the end. */
static yh_status pull(yh_stream *s, uint8_t *p, size_t room, size_t *got, yh_err *err)
{
    *got = 0;
    if (s->from == FROM_FILE) {
        if (s->limited && room > s->left)
            room = (size_t)s->left;
        if (room > 0)
            YH_TRY(read_file(s, p, room, got, err));
        s->left -= s->limited ? *got : 0;
    } else if (s->from == FROM_PART && s->left > 0) {
        const uint8_t *from;
        YH_TRY(yh_stream_peek(s->parent, 1, &from, got, err));
        if (*got > room)
            *got = room;
        if (*got > s->left)
            *got = (size_t)s->left;
        memcpy(p, from, *got);
        yh_stream_skip(s->parent, *got);
        s->left -= *got;
    } else if (s->from == FROM_RANGE && s->left > 0) {
        *got = s->left < room ? (size_t)s->left : room;
        YH_TRY(yh_random_read(&s->random, s->at, p, *got, err));
        s->at += *got;
        s->left -= *got;
    }
    s->raw_done += *got;
    s->raw_end = *got == 0;
    return YH_OK;
}

static yh_status read_raw(yh_stream *s, yh_err *err)
{
    if (s->raw_end || s->raw_pos < s->raw_len)
        return YH_OK;
    s->raw_pos = s->raw_len = 0;
    s->member = 0; /* began before, so that all of this is within */
    return pull(s, s->raw, RAW_CHUNK, &s->raw_len, err);
}

/* Without its first bytes a compressed file would pass for text. What stands behind in members of
 * their own is looked for. */
static yh_status check_name(yh_stream *s, yh_err *err)
{
    size_t base;
    yh_packing k = yh_packing_named(yh_path_base(s->name), &base);
    if (k == YH_PACKING_NONE)
        return YH_OK;
    snprintf(s->broken, sizeof s->broken, "is named %s, but does not begin like %s data",
             yh_path_base(s->name) + base, yh_packing_name(k));
    s->kind = k;
    s->is_broken = s->seeking = true;
    return yh_unpack_open(&s->u, k, err);
}

/* ------------------------------------------------------------------ opening */

static yh_status make(yh_stream **out, const char *name, yh_err *err)
{
    yh_stream *s = *out = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", name);
    s->fd = s->spool = -1;
    s->ratio = YH_UNPACK_RATIO;
    s->max = YH_UNPACK_MAX;
    s->name = yh_strdup(name);
    s->raw = yh_malloc(RAW_CHUNK);
    if (s->name == NULL || s->raw == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", name);
    return YH_OK;
}

/* Looks at the first bytes. */
static yh_status begin(yh_stream *s, yh_packing kind, yh_err *err)
{
    while (!s->raw_end && s->raw_len < 8) { /* a pipe may give fewer */
        size_t n;
        YH_TRY(pull(s, s->raw + s->raw_len, RAW_CHUNK - s->raw_len, &n, err));
        s->raw_len += n;
    }
    s->kind = kind != YH_PACKING_NONE ? kind : yh_packing_of(s->raw, s->raw_len);
    if (s->kind != YH_PACKING_NONE)
        return yh_unpack_open(&s->u, s->kind, err);
    return s->raw_len > 0 ? check_name(s, err) : YH_OK;
}

yh_status yh_stream_open(yh_stream **out, const char *path, yh_err *err)
{
    yh_status st = make(out, path, err);
    yh_stream *s = *out;
    if (st != YH_OK)
        goto fail;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) {
        st = yh_fail_open(err, errno, path);
        goto fail;
    }
    s->own_fd = true;
    struct stat sb;
    if (fstat(s->fd, &sb) == 0) {
        if (S_ISDIR(sb.st_mode) && lstat(path, &sb) == 0) {
            st = S_ISLNK(sb.st_mode)
                     ? yh_fail(err, YH_UNSUPPORTED,
                               "%s: is a link to a folder, and such links are not followed; name "
                               "the folder itself",
                               path)
                     : yh_fail(err, YH_INVALID, "%s: is a folder, a file is needed", path);
            goto fail;
        }
        if (S_ISREG(sb.st_mode))
            s->raw_size = (uint64_t)sb.st_size;
    }
    YH_GOTO(st, begin(s, YH_PACKING_NONE, err), fail);
    return YH_OK;
fail:
    yh_stream_close(s);
    *out = NULL;
    return st;
}

static yh_status line_at(int fd, const char *path, uint64_t at, uint64_t from, uint64_t *place,
                         uint64_t *lines, yh_err *err)
{
    uint64_t n = 0, begin = at > 0 ? at - 1 : 0;
    uint8_t *b = yh_malloc(RAW_CHUNK);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", path);
    struct stat sb;
    bool found = at == 0;
    yh_status st = YH_OK;
    if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && begin > (uint64_t)sb.st_size)
        begin = (uint64_t)sb.st_size;
    *place = found ? 0 : begin;
    for (uint64_t pos = lines != NULL && from < begin ? from : begin; !found && st == YH_OK;) {
        ssize_t k = pread(fd, b, RAW_CHUNK, (off_t)pos);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            st = yh_fail_errno(err, errno, "%s: cannot read at byte %llu", path,
                               (unsigned long long)pos);
        if (k <= 0)
            break;
        const uint8_t *q = b, *end = b + k;
        for (; !found && (q = memchr(q, '\n', (size_t)(end - q))) != NULL; q++) {
            n++;
            found = pos + (uint64_t)(q - b) >= begin;
            *place = pos + (uint64_t)(q - b) + 1;
        }
        pos += (uint64_t)k;
        *place = found ? *place : pos;
    }
    yh_free(b);
    if (lines != NULL)
        *lines = n;
    return st;
}

static yh_status open_plain(const char *path, int *fd, yh_err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? YH_OK : yh_fail_errno(err, errno, "%s: cannot open", path);
}

yh_status yh_stream_line_at(const char *path, uint64_t at, uint64_t from, uint64_t *place,
                            uint64_t *lines, yh_err *err)
{
    int fd;
    YH_TRY(open_plain(path, &fd, err));
    yh_status st = line_at(fd, path, at, from, place, lines, err);
    close(fd);
    return st;
}

yh_status yh_stream_lines(yh_stream **out, const char *path, uint64_t begin, uint64_t end,
                          yh_err *err)
{
    uint64_t from = 0, to = 0;
    yh_status st = make(out, path, err);
    yh_stream *s = *out;
    if (st == YH_OK)
        st = open_plain(path, &s->fd, err);
    if (st == YH_OK) {
        s->own_fd = s->limited = true;
        st = line_at(s->fd, path, begin, 0, &from, NULL, err);
    }
    if (st == YH_OK)
        st = line_at(s->fd, path, end, 0, &to, NULL, err);
    if (st == YH_OK && lseek(s->fd, (off_t)from, SEEK_SET) < 0)
        st = yh_fail_errno(err, errno, "%s: cannot read at byte %llu", path,
                           (unsigned long long)from);
    if (st == YH_OK) {
        s->offset = from;
        s->left = to > from ? to - from : 0;
        return YH_OK;
    }
    yh_stream_close(s);
    *out = NULL;
    return st;
}

yh_status yh_stream_stdin(yh_stream **out, yh_err *err)
{
    yh_status st = make(out, "standard input", err);
    if (st == YH_OK) {
        (*out)->fd = STDIN_FILENO;
        st = begin(*out, YH_PACKING_NONE, err);
    }
    if (st != YH_OK) {
        yh_stream_close(*out);
        *out = NULL;
    }
    return st;
}

yh_status yh_stream_part(yh_stream **out, yh_stream *parent, uint64_t length, const char *name,
                         yh_err *err)
{
    yh_status st = make(out, name, err);
    if (st == YH_OK) {
        (*out)->from = FROM_PART;
        (*out)->parent = parent;
        (*out)->left = length;
        st = begin(*out, YH_PACKING_NONE, err);
    }
    if (st != YH_OK) {
        yh_stream_close(*out);
        *out = NULL;
    }
    return st;
}

yh_status yh_stream_range(yh_stream **out, const yh_random *r, uint64_t at, uint64_t length,
                          yh_packing kind, const char *name, yh_err *err)
{
    yh_status st = make(out, name, err);
    if (st == YH_OK) {
        (*out)->from = FROM_RANGE;
        (*out)->random = *r;
        (*out)->at = at;
        (*out)->left = length;
        st = begin(*out, kind, err);
    }
    if (st != YH_OK) {
        yh_stream_close(*out);
        *out = NULL;
    }
    return st;
}

yh_status yh_stream_memory(yh_stream **out, const void *p, size_t n, yh_err *err)
{
    yh_stream *s = yh_calloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a stream");
    s->from = FROM_MEMORY;
    s->fd = s->spool = -1;
    s->memory = p;
    s->len = n;
    s->made = s->raw_done = s->raw_size = n;
    s->end = true;
    return YH_OK;
}

yh_status yh_stream_memory_packed(yh_stream **out, const void *p, size_t n, yh_err *err)
{
    const yh_random r = {.fd = -1, .memory = p, .size = n};
    if (yh_packing_of(p, n) == YH_PACKING_NONE)
        return yh_stream_memory(out, p, n, err);
    return yh_stream_range(out, &r, 0, n, YH_PACKING_NONE, "memory", err);
}

void yh_stream_expect(yh_stream *s, uint32_t crc)
{
    s->checked = s->u == NULL || s->kind == YH_PACKING_DEFLATE;
    s->crc_want = crc;
}

void yh_stream_limit(yh_stream *s, uint32_t ratio, uint64_t max)
{
    if (ratio != 0)
        s->ratio = ratio;
    if (max != 0)
        s->max = max;
}

/* ------------------------------------------------------------------ reading */

/* *leave: the open member (or frame) grows without end and is left. What stands behind it in
 * members of their own is good, but is trusted less. */
static void check_growth(yh_stream *s, bool *leave)
{
    char what[100];
    const uint64_t raw = s->raw_done - (s->raw_len - s->raw_pos), made = s->made - s->grown_made;
    const uint64_t free_bytes = s->grown_raw > 0 ? MEMBER_FREE : YH_UNPACK_FREE;
    *leave = false;
    if (s->made > s->max) {
        snprintf(what, sizeof what, "%s data grow beyond %llu bytes; reading stopped",
                 yh_packing_name(s->kind), (unsigned long long)s->max);
        mark_broken(s, what);
    } else if (made > free_bytes && made / s->ratio > raw - s->grown_raw) {
        snprintf(what, sizeof what,
                 "%s data grow to more than %u times their size; reading stopped",
                 yh_packing_name(s->kind), (unsigned)s->ratio);
        mark_broken(s, what);
        *leave = true;
    }
}

static void check_sum(yh_stream *s, size_t from)
{
    if (!s->checked)
        return;
    s->crc = (uint32_t)crc32(s->crc, s->win + from, (uInt)(s->len - from));
    if (s->end && !s->is_broken && s->crc != s->crc_want)
        mark_broken(s, "the checksum does not fit the data: they are damaged");
}

/* Damaged data: what stands behind in members or frames of their own, as crawls are written, is
 * still good. Looks from the damaged one's beginning on, because a decoder may notice late. */
static yh_status go_on(yh_stream *s, yh_err *err)
{
    uint64_t base = s->raw_done - s->raw_len;
    size_t from = s->seeking ? s->raw_pos : s->member;
    if (!s->seeking && base + from < s->tried)
        from = s->tried > base ? (size_t)(s->tried - base) : 0;
    s->seeking = true;
    if (s->restarts > 64 + base / 4096) { /* nothing but beginnings: this is no damage */
        s->seeking = false;
        s->end = true;
        return YH_OK;
    }
    for (size_t i = from; i + 10 <= s->raw_len; i++)
        if (yh_packing_restarts(s->kind, s->raw + i)) {
            yh_unpack_close(s->u);
            s->u = NULL;
            s->seeking = s->end = false;
            s->raw_pos = s->member = i;
            s->tried = base + i + 1;
            s->restarts++;
            return yh_unpack_open(&s->u, s->kind, err);
        }
    size_t keep = s->raw_len < 9 ? s->raw_len : 9; /* a mark may lie across the border */
    if (keep > 0 && s->raw_len - keep >= from)
        memmove(s->raw, s->raw + s->raw_len - keep, keep);
    else
        keep = 0;
    size_t n;
    YH_TRY(pull(s, s->raw + keep, RAW_CHUNK - keep, &n, err));
    s->raw_len = keep + n;
    s->raw_pos = 0;
    s->end = n == 0;
    s->seeking = n != 0;
    return YH_OK;
}

/* Goes on behind the open member, which is not tried again. */
static yh_status leave_member(yh_stream *s, yh_err *err)
{
    const uint64_t base = s->raw_done - s->raw_len;
    s->grown_made = s->made;
    s->grown_raw = base + s->raw_pos;
    if (s->tried < base + s->member + 1)
        s->tried = base + s->member + 1;
    return go_on(s, err);
}

/* One step: appends at most OUT_CHUNK bytes to the window. */
static yh_status step(yh_stream *s, yh_err *err)
{
    uint8_t *w = yh_grow(s->win, &s->cap, s->len + OUT_CHUNK, 1);
    if (w == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a window of %zu bytes", s->name, s->len);
    s->win = w;
    if (s->u == NULL) {
        size_t n = s->raw_len - s->raw_pos;
        if (n > 0) { /* what was looked at */
            memcpy(s->win + s->len, s->raw + s->raw_pos, n);
            s->raw_pos = s->raw_len;
        } else {
            YH_TRY(pull(s, s->win + s->len, OUT_CHUNK, &n, err));
        }
        s->len += n;
        s->made += n;
        s->end = s->raw_end;
        check_sum(s, s->len - n);
        return YH_OK;
    }
    if (s->seeking)
        return go_on(s, err);
    YH_TRY(read_raw(s, err));
    if (!yh_unpack_inside(s->u))
        s->member = s->raw_pos;
    yh_unpack_is is;
    size_t at = s->len;
    YH_TRY(yh_unpack_step(s->u, s->raw, s->raw_len, &s->raw_pos, s->raw_end, s->win,
                          s->len + OUT_CHUNK, &at, &is, err));
    size_t from = s->len;
    s->made += at - from;
    s->len = at;
    if (is == YH_UNPACK_BROKEN) {
        mark_broken(s, yh_unpack_what(s->u));
        if (s->tried == 0)
            s->tried = 1;
        check_sum(s, from);
        return go_on(s, err);
    }
    bool leave = false;
    if (is == YH_UNPACK_ENDED)
        s->end = true;
    else
        check_growth(s, &leave);
    check_sum(s, from);
    return leave ? leave_member(s, err) : YH_OK;
}

/* The bytes from win[from] on are UTF-16 and become UTF-8. What is cut waits in `half`. */
static yh_status recode(yh_stream *s, size_t from, yh_err *err)
{
    const size_t n = s->n_half + (s->len - from);
    uint8_t *raw = yh_malloc(n + 1);
    uint8_t *w = raw != NULL ? yh_grow(s->win, &s->cap, from + n / 2 * 3 + 8, 1) : NULL;
    if (w == NULL) {
        yh_free(raw);
        return yh_fail(err, YH_NOMEM, "no memory for a window of %zu bytes", s->len);
    }
    s->win = w;
    memcpy(raw, s->half, s->n_half);
    memcpy(raw + s->n_half, w + from, s->len - from);
    size_t i = 0, to = from;
    while (i < n) {
        uint32_t c = n - i < 2 ? 0xd800
                     : s->big  ? raw[i] * 256u + raw[i + 1]
                               : raw[i + 1] * 256u + raw[i];
        size_t take = n - i < 2 ? 1 : 2;
        bool high = c >= 0xd800 && c < 0xdc00;
        if (high && n - i < 4 && !s->end)
            break;
        if (high && n - i >= 4) {
            uint32_t low = s->big ? raw[i + 2] * 256u + raw[i + 3] : raw[i + 3] * 256u + raw[i + 2];
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                take = 4;
            }
        }
        if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
            s->replaced++;
        }
        to += yh_utf8_put(c, (char *)w + to);
        i += take;
    }
    s->n_half = n - i;
    memcpy(s->half, raw + i, s->n_half);
    s->len = to;
    yh_free(raw);
    return YH_OK;
}

yh_status yh_stream_utf16(yh_stream *s, bool big_endian, yh_err *err)
{
    s->utf16 = true;
    s->big = big_endian;
    if (s->memory != NULL) {
        uint8_t *w = yh_grow(s->win, &s->cap, s->len + 1, 1);
        if (w == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a window of %zu bytes", s->len);
        s->win = w;
        memcpy(w, s->memory, s->len);
        s->memory = NULL;
    }
    YH_TRY(recode(s, s->pos, err));
    if (s->len - s->pos >= 3 && memcmp(s->win + s->pos, "\xef\xbb\xbf", 3) == 0)
        s->pos += 3;
    return YH_OK;
}

yh_status yh_stream_peek(yh_stream *s, size_t want, const uint8_t **p, size_t *n, yh_err *err)
{
    if (s->len - s->pos < want && !s->end && s->pos > 0) {
        memmove(s->win, s->win + s->pos, s->len - s->pos);
        s->len -= s->pos;
        s->pos = 0;
    }
    while (s->len - s->pos < want && !s->end) {
        size_t from = s->len;
        YH_TRY(step(s, err));
        if (s->utf16)
            YH_TRY(recode(s, from, err));
    }
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

yh_status yh_stream_pass(yh_stream *s, uint64_t n, yh_err *err)
{
    while (n > 0) {
        const uint8_t *p;
        size_t k;
        YH_TRY(yh_stream_peek(s, 1, &p, &k, err));
        if (k == 0)
            return YH_OK;
        if (k > n)
            k = (size_t)n;
        yh_stream_skip(s, k);
        n -= k;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ reading anywhere */

yh_status yh_random_read(const yh_random *r, uint64_t at, void *p, size_t n, yh_err *err)
{
    if (at > r->size || n > r->size - at)
        return yh_fail(err, YH_CORRUPT, "%zu bytes at byte %llu are behind the end (%llu)", n,
                       (unsigned long long)at, (unsigned long long)r->size);
    if (n == 0)
        return YH_OK;
    if (r->fd < 0) {
        memcpy(p, r->memory + at, n);
        return YH_OK;
    }
    uint8_t *to = p;
    while (n > 0) {
        ssize_t k = pread(r->fd, to, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "cannot read at byte %llu", (unsigned long long)at);
        if (k == 0)
            return yh_fail(err, YH_CORRUPT, "the file became shorter than %llu bytes",
                           (unsigned long long)r->size);
        to += k;
        at += (uint64_t)k;
        n -= (size_t)k;
    }
    return YH_OK;
}

static yh_status spool(yh_stream *s, yh_random *r, yh_err *err)
{
    const char *dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] == '\0')
        dir = "/tmp";
    char *path = yh_path_join(dir, "yh-spool-XXXXXX");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a path");
    s->spool = mkostemp(path, O_CLOEXEC);
    if (s->spool >= 0)
        (void)unlink(path);
    yh_free(path);
    if (s->spool < 0)
        return yh_fail_errno(err, errno, "%s: cannot make a temporary file (set TMPDIR)", dir);
    r->size = 0;
    for (;;) {
        const uint8_t *p;
        size_t n;
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        if (n == 0)
            break;
        for (size_t done = 0; done < n;) {
            ssize_t k = write(s->spool, p + done, n - done);
            if (k < 0 && errno == EINTR)
                continue;
            if (k < 0)
                return yh_fail_errno(err, errno, "%s: cannot write a temporary file", dir);
            done += (size_t)k;
        }
        r->size += n;
        yh_stream_skip(s, n);
    }
    r->fd = s->spool;
    r->memory = NULL;
    return YH_OK;
}

yh_status yh_stream_random(yh_stream *s, yh_random *r, yh_err *err)
{
    if (s->memory != NULL || s->from == FROM_MEMORY) {
        *r = (yh_random){.fd = -1, .memory = s->memory, .size = s->len};
        return YH_OK;
    }
    if (s->from == FROM_FILE && s->u == NULL && s->raw_size > 0) {
        *r = (yh_random){.fd = s->fd, .size = s->raw_size};
        return YH_OK;
    }
    return spool(s, r, err);
}

uint64_t yh_stream_raw_used(const yh_stream *s)
{
    return s->raw_done - (s->raw_len - s->raw_pos);
}

uint64_t yh_stream_left(const yh_stream *s)
{
    return s->left;
}

uint64_t yh_stream_offset(const yh_stream *s)
{
    return s->offset;
}

uint64_t yh_stream_made(const yh_stream *s)
{
    return s->made;
}

uint64_t yh_stream_raw_done(const yh_stream *s)
{
    return s->raw_done;
}

uint64_t yh_stream_raw_size(const yh_stream *s)
{
    return s->raw_size;
}

const char *yh_stream_encoding(const yh_stream *s)
{
    return !s->utf16 ? "" : s->big ? "UTF-16BE" : "UTF-16LE";
}

uint64_t yh_stream_replaced(const yh_stream *s)
{
    return s->replaced;
}

const char *yh_stream_broken(const yh_stream *s)
{
    return s->is_broken ? s->broken : NULL;
}
