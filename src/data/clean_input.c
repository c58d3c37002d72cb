#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "data/clean_parts.h"

void yh_inputs_fini(yh_inputs *in)
{
    for (size_t i = 0; i < in->n; i++) {
        yh_free(in->f[i].path);
        yh_free(in->f[i].id);
        yh_free(in->f[i].source);
    }
    yh_free(in->f);
    memset(in, 0, sizeof *in);
}

/* The first component of rel without folders behind it; a file loses its extensions. */
static char *source_of(const char *rel)
{
    const char *slash = strchr(rel, '/');
    if (slash != NULL)
        return yh_strndup(rel, (size_t)(slash - rel));
    const char *type;
    (void)yh_reader_of(rel, &type);
    size_t n = *type != '\0' ? (size_t)(type - rel) : strlen(rel);
    return yh_strndup(rel, n > 0 ? n : strlen(rel));
}

static void mix(uint64_t *h, const void *p, size_t n)
{
    *h = yh_hash64(p, n, *h);
}

static yh_status add_file(yh_inputs *in, const char *raw, const char *path, bool folder, bool many,
                          yh_err *err)
{
    yh_input *f = yh_grow(in->f, &in->cap, in->n + 1, sizeof *f);
    if (f == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", in->n);
    in->f = f;
    f += in->n;
    memset(f, 0, sizeof *f);
    in->n++;
    const char *rel = yh_path_base(path);
    if (folder) {
        rel = path + strlen(raw);
        while (*rel == '/')
            rel++;
    }
    char base[NAME_MAX + 1] = "";
    if (many && folder) { /* several folders: tell their files apart by the folder's name */
        size_t n = strlen(raw);
        while (n > 1 && raw[n - 1] == '/')
            n--;
        size_t b = n;
        while (b > 0 && raw[b - 1] != '/')
            b--;
        if (n - b <= NAME_MAX && raw[b] != '.') {
            memcpy(base, raw + b, n - b);
            base[n - b] = '\0';
        }
    }
    f->path = yh_strdup(path);
    f->id = base[0] != '\0' ? yh_path_join(base, rel) : yh_strdup(rel);
    f->source = base[0] != '\0' ? yh_strdup(base) : source_of(rel);
    if (f->path == NULL || f->id == NULL || f->source == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", in->n);
    f->reader = yh_reader_of(f->path, &f->type);
    struct stat st;
    if (stat(path, &st) == 0) {
        f->size = (uint64_t)st.st_size;
        mix(&in->fingerprint, &st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec);
        mix(&in->fingerprint, &st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec);
    }
    mix(&in->fingerprint, path, strlen(path));
    mix(&in->fingerprint, &f->size, sizeof f->size);
    in->bytes += f->size;
    return YH_OK;
}

yh_status yh_inputs_list(yh_inputs *in, const char *const *paths, size_t n, const char *out,
                         const char *leave_out, yh_err *err)
{
    memset(in, 0, sizeof *in);
    for (size_t i = 0; i < n; i++) {
        yh_file_list l = {0};
        yh_status s = yh_file_list_add(&l, paths[i], err);
        bool folder = yh_is_dir(paths[i]);
        for (size_t j = 0; j < l.n && s == YH_OK; j++) {
            if (yh_path_is_within(l.path[j], out) ||
                (leave_out != NULL && yh_path_is_within(l.path[j], leave_out)))
                continue; /* our own output below the input */
            s = add_file(in, paths[i], l.path[j], folder, n > 1, err);
        }
        yh_file_list_fini(&l);
        YH_TRY(s);
    }
    return YH_OK;
}
