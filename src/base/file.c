#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define LOCK_PATIENCE 2.0 /* seconds */

double yh_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool yh_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool yh_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *yh_path_join(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    bool slash = na > 0 && a[na - 1] != '/';
    char *p = yh_malloc(na + nb + 2);
    if (p == NULL)
        return NULL;
    memcpy(p, a, na);
    if (slash)
        p[na++] = '/';
    memcpy(p + na, b, nb + 1);
    return p;
}

bool yh_path_is_within(const char *path, const char *folder)
{
    char p[PATH_MAX], f[PATH_MAX];
    if (realpath(path, p) == NULL || realpath(folder, f) == NULL)
        return false;
    size_t n = strlen(f);
    return strncmp(p, f, n) == 0 && (p[n] == '/' || p[n] == '\0' || p[n - 1] == '/');
}

const char *yh_path_base(const char *path)
{
    const char *s = strrchr(path, '/');
    return s != NULL ? s + 1 : path;
}

static yh_status open_regular(const char *path, int *fd, uint64_t *size, yh_err *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return yh_fail_errno(err, errno, "%s: cannot open", path);
    if (fstat(*fd, &st) != 0) {
        int e = errno;
        close(*fd);
        return yh_fail_errno(err, e, "%s: cannot stat", path);
    }
    if (!S_ISREG(st.st_mode)) {
        close(*fd);
        return yh_fail(err, YH_INVALID, "%s: %s", path,
                       S_ISDIR(st.st_mode) ? "is a folder, a file is needed"
                                           : "is not a regular file");
    }
    *size = (uint64_t)st.st_size;
    return YH_OK;
}

yh_status yh_file_read(const char *path, size_t limit, yh_buf *out, yh_err *err)
{
    int fd;
    uint64_t size = 0;
    YH_TRY(open_regular(path, &fd, &size, err));
    yh_status s = YH_OK;
    if (limit != 0 && size > limit) {
        s = yh_fail(err, YH_LIMIT, "%s: has %llu bytes, the limit is %zu", path,
                    (unsigned long long)size, limit);
        goto out;
    }
    YH_GOTO(s, yh_buf_reserve(out, (size_t)size, err), out);
    out->data[out->len] = '\0';
    for (uint64_t left = size; left > 0;) {
        ssize_t n = read(fd, out->data + out->len, left > (1u << 30) ? (1u << 30) : (size_t)left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s = yh_fail_errno(err, errno, "%s: cannot read", path);
            goto out;
        }
        if (n == 0)
            break; /* shrank meanwhile: what is there is there */
        out->len += (size_t)n;
        left -= (uint64_t)n;
        out->data[out->len] = '\0';
    }
out:
    close(fd);
    return s;
}

yh_status yh_map_open(yh_map *m, const char *path, yh_err *err)
{
    int fd;
    uint64_t size = 0;
    *m = (yh_map){NULL, 0};
    YH_TRY(open_regular(path, &fd, &size, err));
    if (size > 0) {
        void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            int e = errno;
            close(fd);
            return yh_fail_errno(err, e, "%s: cannot map", path);
        }
        m->data = p;
        m->size = (size_t)size;
    }
    close(fd);
    return YH_OK;
}

void yh_map_release(const yh_map *m)
{
    if (m->data != NULL)
        (void)madvise((void *)(uintptr_t)m->data, m->size, MADV_DONTNEED);
}

void yh_map_close(yh_map *m)
{
    if (m->data != NULL)
        (void)munmap((void *)(uintptr_t)m->data, m->size);
    *m = (yh_map){NULL, 0};
}

/* flock(), exclusive, tried for so many seconds; 0, or -1 and errno. */
static int lock_within(int fd, double seconds)
{
    for (double end = yh_now() + seconds;;) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK || yh_now() >= end)
            return -1;
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    }
}

/* ------------------------------------------------------------------ writer */

enum { WRITER_BUFFER = 1 << 18 };

/* The temporary name is always PATH.tmp, so that what a killed run left is written over by the next
 * one; only while another process writes the same file it is a name of our own. */
static yh_status open_temporary(yh_writer *w, size_t room, yh_err *err)
{
    struct stat ours, there;
    snprintf(w->tmp, room, "%s.tmp", w->path);
    for (int attempt = 0; attempt < 16; attempt++) {
        w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (w->fd < 0)
            return yh_fail_errno(err, errno, "%s: cannot create", w->tmp);
        if (lock_within(w->fd, LOCK_PATIENCE) != 0 && errno == EWOULDBLOCK) {
            close(w->fd);
            break;
        }
        /* unless it got its final name before we had the lock */
        if (fstat(w->fd, &ours) == 0 && stat(w->tmp, &there) == 0 && ours.st_ino == there.st_ino)
            return ftruncate(w->fd, 0) == 0 ? YH_OK
                                            : yh_fail_errno(err, errno, "%s: cannot write", w->tmp);
        close(w->fd);
    }
    snprintf(w->tmp, room, "%s.tmp%ld", w->path, (long)getpid());
    w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return w->fd >= 0 ? YH_OK : yh_fail_errno(err, errno, "%s: cannot create", w->tmp);
}

yh_status yh_writer_open(yh_writer *w, const char *path, yh_err *err)
{
    *w = (yh_writer)YH_WRITER_INIT;
    size_t n = strlen(path);
    w->path = yh_strdup(path);
    w->tmp = yh_malloc(n + 32);
    w->buffer = yh_malloc(WRITER_BUFFER);
    if (w->path == NULL || w->tmp == NULL || w->buffer == NULL) {
        yh_free(w->tmp);
        w->tmp = NULL; /* holds no name yet: nothing to remove */
        yh_writer_abort(w);
        return yh_fail(err, YH_NOMEM, "%s: no memory to write", path);
    }
    yh_status s = open_temporary(w, n + 32, err);
    if (s != YH_OK) {
        yh_free(w->tmp);
        w->tmp = NULL; /* nothing to remove */
        yh_writer_abort(w);
    }
    return s;
}

static yh_status write_all(yh_writer *w, const uint8_t *p, size_t n, yh_err *err)
{
    while (n > 0) {
        ssize_t k = write(w->fd, p, n > (1u << 30) ? (1u << 30) : n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "%s: cannot write", w->path);
        p += k;
        n -= (size_t)k;
    }
    return YH_OK;
}

yh_status yh_writer_write(yh_writer *w, const void *p, size_t n, yh_err *err)
{
    const uint8_t *b = p;
    if (w->fd < 0)
        return yh_fail(err, YH_INTERNAL, "write to a closed file");
    w->written += n;
    if (n >= WRITER_BUFFER - w->used) {
        YH_TRY(write_all(w, w->buffer, w->used, err));
        w->used = 0;
        if (n >= WRITER_BUFFER)
            return write_all(w, b, n, err);
    }
    if (n > 0)
        memcpy(w->buffer + w->used, b, n);
    w->used += n;
    return YH_OK;
}

static void sync_folder_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    if (n >= sizeof dir)
        return;
    if (slash == NULL) {
        dir[0] = '.';
        n = 1;
    } else if (n == 0) {
        dir[0] = '/';
        n = 1;
    } else {
        memcpy(dir, path, n);
    }
    dir[n] = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems refuse it; the rename is done all the same */
        close(fd);
    }
}

static yh_status commit(yh_writer *w, bool sync, yh_err *err)
{
    yh_status s;
    if (w->fd < 0)
        return yh_fail(err, YH_INTERNAL, "commit of a closed file");
    YH_GOTO(s, write_all(w, w->buffer, w->used, err), fail);
    w->used = 0;
    if (sync && fsync(w->fd) != 0 && errno != EINVAL && errno != EROFS) {
        s = yh_fail_errno(err, errno, "%s: cannot sync", w->path);
        goto fail;
    }
    if (rename(w->tmp, w->path) != 0) {
        s = yh_fail_errno(err, errno, "%s: cannot rename into place", w->path);
        goto fail;
    }
    yh_free(w->tmp);
    w->tmp = NULL;
    if (sync)
        sync_folder_of(w->path);
    yh_writer_abort(w); /* frees the rest */
    return YH_OK;
fail:
    yh_writer_abort(w);
    return s;
}

yh_status yh_writer_commit(yh_writer *w, yh_err *err)
{
    return commit(w, true, err);
}

yh_status yh_writer_commit_unsynced(yh_writer *w, yh_err *err)
{
    return commit(w, false, err);
}

void yh_writer_abort(yh_writer *w)
{
    if (w->tmp != NULL)
        (void)unlink(w->tmp); /* while it is still locked: the name could be another's afterwards */
    if (w->fd >= 0 && w->path != NULL)
        close(w->fd);
    yh_free(w->tmp);
    yh_free(w->path);
    yh_free(w->buffer);
    *w = (yh_writer)YH_WRITER_INIT;
}

yh_status yh_file_write(const char *path, const void *p, size_t n, yh_err *err)
{
    yh_writer w = YH_WRITER_INIT;
    YH_TRY(yh_writer_open(&w, path, err));
    yh_status s = yh_writer_write(&w, p, n, err);
    if (s == YH_OK)
        return yh_writer_commit(&w, err);
    yh_writer_abort(&w);
    return s;
}

yh_status yh_mkdirs(const char *path, yh_err *err)
{
    char p[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof p)
        return yh_fail(err, YH_INVALID, "%s: folder name is %s", path,
                       n == 0 ? "empty" : "too long");
    memcpy(p, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (p[i] != '/' && p[i] != '\0')
            continue;
        char c = p[i];
        p[i] = '\0';
        if (mkdir(p, 0777) != 0 && errno != EEXIST) {
            int e = errno;
            if (!yh_is_dir(p))
                return yh_fail_errno(err, e, "%s: cannot make the folder", p);
        }
        p[i] = c;
    }
    if (!yh_is_dir(path))
        return yh_fail(err, YH_INVALID, "%s: exists and is not a folder", path);
    return YH_OK;
}

yh_status yh_remove_tree(const char *path, yh_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? YH_OK : yh_fail_errno(err, errno, "%s: cannot remove", path);
    yh_status s = YH_OK;
    DIR *d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (S_ISDIR(st.st_mode) && d == NULL)
        return yh_fail_errno(err, errno, "%s: cannot list the folder", path);
    for (struct dirent *e; s == YH_OK && d != NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *child = yh_path_join(path, e->d_name);
        s = child != NULL ? yh_remove_tree(child, err)
                          : yh_fail(err, YH_NOMEM, "%s: no memory to remove it", path);
        yh_free(child);
    }
    if (d != NULL)
        closedir(d);
    if (s == YH_OK && remove(path) != 0 && errno != ENOENT)
        s = yh_fail_errno(err, errno, "%s: cannot remove", path);
    return s;
}

/* ------------------------------------------------------------------ listing */

static yh_status list_push(yh_file_list *l, const char *path, uint64_t size, yh_err *err)
{
    size_t cap = l->cap;
    char **p = yh_grow(l->path, &cap, l->n + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", l->n);
    l->path = p;
    if (cap != l->cap || l->size == NULL) {
        uint64_t *z = yh_realloc_array(l->size, cap, sizeof *z);
        if (z == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", l->n);
        l->size = z;
        l->cap = cap;
    }
    l->path[l->n] = yh_strdup(path);
    if (l->path[l->n] == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", l->n);
    l->size[l->n++] = size;
    return YH_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static yh_status list_walk(yh_file_list *l, const char *path, int depth, yh_err *err)
{
    struct dirent **names = NULL;
    if (depth > 64)
        return yh_fail(err, YH_LIMIT, "%s: folders nested deeper than 64", path);
    int n = scandir(path, &names, NULL, by_name);
    if (n < 0)
        return yh_fail_errno(err, errno, "%s: cannot list the folder", path);
    yh_status s = YH_OK;
    for (int i = 0; i < n && s == YH_OK; i++) {
        struct stat st, lst;
        if (names[i]->d_name[0] == '.')
            continue;
        char *child = yh_path_join(path, names[i]->d_name);
        if (child == NULL) {
            s = yh_fail(err, YH_NOMEM, "no memory for a file list");
            break;
        }
        if (lstat(child, &lst) != 0) {
            yh_log(YH_LOG_WARN, "%s: cannot stat, skipped", child);
        } else if (stat(child, &st) != 0) {
            if (l->links)
                s = list_push(l, child, 0, err);
            else
                yh_log(YH_LOG_WARN, "%s: is a link that leads nowhere, skipped", child);
        } else if (S_ISREG(st.st_mode)) {
            s = list_push(l, child, (uint64_t)st.st_size, err);
        } else if (S_ISDIR(lst.st_mode)) {
            s = list_walk(l, child, depth + 1, err);
        } else if (S_ISDIR(st.st_mode)) {
            s = l->links ? list_push(l, child, 0, err) : YH_OK;
        } else {
            yh_log(YH_LOG_WARN, "%s: is neither a file nor a folder, skipped", child);
        }
        yh_free(child);
    }
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return s;
}

yh_status yh_fail_open(yh_err *err, int errno_value, const char *path)
{
    char to[PATH_MAX];
    ssize_t n =
        errno_value == ENOENT || errno_value == ELOOP ? readlink(path, to, sizeof to - 1) : -1;
    if (n < 0)
        return yh_fail_errno(err, errno_value, "%s: cannot open", path);
    to[n] = '\0';
    return yh_fail_errno(err, errno_value, "%s: is a link to %s, which cannot be opened", path, to);
}

yh_status yh_file_list_add(yh_file_list *l, const char *path, yh_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return yh_fail_open(err, errno, path);
    if (S_ISDIR(st.st_mode))
        return list_walk(l, path, 0, err);
    if (S_ISREG(st.st_mode))
        return list_push(l, path, (uint64_t)st.st_size, err);
    return yh_fail(err, YH_INVALID, "%s: is neither a file nor a folder", path);
}

void yh_file_list_fini(yh_file_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        yh_free(l->path[i]);
    yh_free(l->path);
    yh_free(l->size);
    *l = (yh_file_list){.n = 0};
}

/* ------------------------------------------------------------------ lock */

static yh_status lock_dir(yh_dir_lock *l, const char *dir, double patience, yh_err *err)
{
    l->fd = -1;
    char *path = yh_path_join(dir, ".lock");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int e = errno;
    yh_free(path);
    if (fd < 0)
        return yh_fail_errno(err, e, "%s: cannot write to the folder", dir);
    if (lock_within(fd, patience) != 0) {
        e = errno;
        close(fd);
        if (e == EWOULDBLOCK)
            return yh_fail(err, YH_BUSY,
                           "%s: another process is writing to this folder; wait for it or choose "
                           "another folder",
                           dir);
        return yh_fail_errno(err, e, "%s: cannot lock the folder", dir);
    }
    l->fd = fd;
    return YH_OK;
}

yh_status yh_dir_lock_take(yh_dir_lock *l, const char *dir, yh_err *err)
{
    return lock_dir(l, dir, 0, err);
}

yh_status yh_dir_lock_wait(yh_dir_lock *l, const char *dir, yh_err *err)
{
    return lock_dir(l, dir, LOCK_PATIENCE, err);
}

void yh_dir_lock_release(yh_dir_lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
