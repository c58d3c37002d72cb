#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "data/lines.h"
#include "input/stream.h"

enum { BLOCK = 1 << 20, LONGEST = 64 * BLOCK };

struct yh_lines {
    yh_file_list files;
    size_t file; /* index of the open one */
    yh_stream *stream;
    const uint8_t *p; /* whole lines of the stream's window */
    size_t n, at;
    uint64_t line;
};

void yh_lines_close(yh_lines *l)
{
    if (l == NULL)
        return;
    yh_file_list_fini(&l->files);
    yh_stream_close(l->stream);
    yh_free(l);
}

static yh_status list(yh_lines *l, const char *dir, const char *what, yh_err *err)
{
    char path[PATH_MAX];
    for (unsigned i = 0;; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s-%05u.jsonl.zst", dir, what, i) >=
            sizeof path)
            return yh_fail(err, YH_INVALID, "%s: folder name is too long", dir);
        if (!yh_is_file(path))
            path[strlen(path) - 4] = '\0'; /* written with --compress none */
        if (!yh_is_file(path))
            break;
        YH_TRY(yh_file_list_add(&l->files, path, err));
    }
    snprintf(path, sizeof path, "%s/report.json", dir);
    if (yh_is_file(path))
        return YH_OK;
    snprintf(path, sizeof path, "%s/.clean", dir);
    if (l->files.n == 0 && !yh_is_dir(path))
        return yh_fail(err, YH_NOTFOUND,
                       "%s: is no corpus folder (no part-00000.jsonl.zst); make one with yh clean",
                       dir);
    return yh_fail(err, YH_INVALID, "%s: the corpus is not finished; run the same yh clean again",
                   dir);
}

yh_status yh_lines_open(yh_lines **out, const char *corpus, const char *what, yh_err *err)
{
    *out = NULL;
    yh_lines *l = yh_calloc(1, sizeof *l);
    if (l == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to read", corpus);
    yh_status s = list(l, corpus, what, err);
    if (s != YH_OK) {
        yh_lines_close(l);
        return s;
    }
    *out = l;
    return YH_OK;
}

/* Makes whole lines visible; *more false: no file is left. */
static yh_status next_block(yh_lines *l, bool *more, yh_err *err)
{
    for (;;) {
        if (l->stream == NULL) {
            *more = l->file < l->files.n;
            if (!*more)
                return YH_OK;
            YH_TRY(yh_stream_open(&l->stream, l->files.path[l->file], err));
            l->line = 0;
            l->n = 0;
        }
        yh_stream_skip(l->stream, l->n);
        l->n = l->at = 0;
        size_t n, want = BLOCK, take = 0;
        for (;;) {
            YH_TRY(yh_stream_peek(l->stream, want, &l->p, &n, err));
            const uint8_t *nl = n > 0 ? memrchr(l->p, '\n', n) : NULL;
            take = nl != NULL ? (size_t)(nl - l->p) + 1 : n < want ? n : 0;
            if (take > 0 || n == 0)
                break;
            if (want >= LONGEST)
                return yh_fail(err, YH_CORRUPT, "%s: line %llu is longer than 64 MiB",
                               l->files.path[l->file], (unsigned long long)l->line + 1);
            want *= 2;
        }
        l->n = take;
        *more = true;
        if (take > 0)
            return YH_OK;
        if (yh_stream_broken(l->stream) != NULL)
            return yh_fail(err, YH_CORRUPT, "%s: %s; make the corpus again", l->files.path[l->file],
                           yh_stream_broken(l->stream));
        yh_stream_close(l->stream);
        l->stream = NULL;
        l->file++;
    }
}

yh_status yh_lines_next(yh_lines *l, const char **line, size_t *n, bool *more, yh_err *err)
{
    *more = true;
    if (l->at >= l->n)
        YH_TRY(next_block(l, more, err));
    if (!*more)
        return YH_OK;
    const char *p = (const char *)l->p + l->at;
    const char *nl = memchr(p, '\n', l->n - l->at);
    *line = p;
    *n = nl != NULL ? (size_t)(nl - p) : l->n - l->at;
    l->at += *n + (nl != NULL);
    l->line++;
    return YH_OK;
}

yh_status yh_lines_seek(yh_lines *l, uint32_t file, uint64_t line, yh_err *err)
{
    bool more = file < l->files.n;
    l->file = file;
    for (uint64_t i = 0; i < line && more; i++) {
        const char *p;
        size_t n;
        YH_TRY(yh_lines_next(l, &p, &n, &more, err));
    }
    return more && l->file == file ? YH_OK
                                   : yh_fail(err, YH_CORRUPT, "%s: is shorter than it was",
                                             file < l->files.n ? l->files.path[file] : "a corpus");
}

uint64_t yh_lines_fingerprint(const yh_lines *l, uint64_t seed)
{
    uint64_t h = seed;
    for (size_t i = 0; i < l->files.n; i++) {
        struct stat st;
        const char *name = yh_path_base(l->files.path[i]);
        h = yh_hash64(name, strlen(name) + 1, h);
        if (stat(l->files.path[i], &st) == 0) {
            h = yh_hash64(&st.st_size, sizeof st.st_size, h);
            h = yh_hash64(&st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec, h);
            h = yh_hash64(&st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec, h);
        }
    }
    return h;
}

const char *yh_lines_place(const yh_lines *l, uint32_t *file, uint64_t *line)
{
    if (file != NULL)
        *file = (uint32_t)l->file;
    if (line != NULL)
        *line = l->line;
    return l->file < l->files.n ? l->files.path[l->file] : "";
}
