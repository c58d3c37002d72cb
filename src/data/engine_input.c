#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "data/engine.h"

static void input_fini(yh_input *f)
{
    yh_free(f->path);
    yh_free(f->id);
    yh_free(f->source);
}

void yh_inputs_fini(yh_inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        input_fini(&in->f[i]);
    yh_free(in->f);
    yh_free(in->unit);
    yh_free(in->unit_byte);
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
    (void)yh_reader_of(f->path, &f->type);
    struct stat st;
    if (stat(path, &st) == 0) {
        f->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0; /* or a link to a folder */
        mix(&in->fingerprint, &st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec);
        mix(&in->fingerprint, &st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec);
    }
    mix(&in->fingerprint, path, strlen(path));
    mix(&in->fingerprint, &f->size, sizeof f->size);
    in->bytes += f->size;
    return YH_OK;
}

/* Standard input: nobody can say whether it is the same as in an earlier run, so it never is. */
static yh_status add_stdin(yh_inputs *in, yh_err *err)
{
    yh_input *f = yh_grow(in->f, &in->cap, in->n + 1, sizeof *f);
    if (f == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", in->n);
    in->f = f;
    f += in->n++;
    *f = (yh_input){.path = yh_strdup("-"), .id = yh_strdup("stdin"), .source = yh_strdup("stdin")};
    if (f->path == NULL || f->id == NULL || f->source == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", in->n);
    f->type = f->path + 1;
    const double now = yh_now();
    const pid_t pid = getpid();
    mix(&in->fingerprint, &now, sizeof now);
    mix(&in->fingerprint, &pid, sizeof pid);
    return YH_OK;
}

static yh_status add_path(yh_inputs *in, const char *path, const char *out, const char *leave_out,
                          bool many, yh_err *err)
{
    if (strcmp(path, "-") == 0)
        return add_stdin(in, err);
    yh_file_list l = {.links = true};
    yh_status s = yh_file_list_add(&l, path, err);
    bool folder = yh_is_dir(path);
    for (size_t j = 0; j < l.n && s == YH_OK; j++) {
        if (yh_path_is_within(l.path[j], out) ||
            (leave_out != NULL && yh_path_is_within(l.path[j], leave_out)))
            continue; /* our own output below the input */
        s = add_file(in, path, l.path[j], folder, many, err);
    }
    yh_file_list_fini(&l);
    return s;
}

/* A file with a path a line; those that are not absolute are below the list's folder. */
static yh_status add_list(yh_inputs *in, const char *list, const char *out, const char *leave_out,
                          yh_err *err)
{
    enum { LIST_MAX = 1 << 30 };
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_file_read(list, LIST_MAX, &b, err);
    size_t dir = (size_t)(yh_path_base(list) - list);
    for (char *line = b.data, *next; s == YH_OK && line != NULL && *line != '\0'; line = next) {
        char *end = strchr(line, '\n');
        next = end != NULL ? end + 1 : line + strlen(line);
        size_t n = end != NULL ? (size_t)(end - line) : strlen(line);
        while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
            n--;
        line[n] = '\0';
        if (n == 0 || line[0] == '#')
            continue;
        char *above = yh_strndup(list, dir);
        char *path = above == NULL                ? NULL
                     : line[0] == '/' || dir == 0 ? yh_strdup(line)
                                                  : yh_path_join(above, line);
        s = path != NULL ? add_path(in, path, out, leave_out, true, err)
                         : yh_fail(err, YH_NOMEM, "no memory for a list of files");
        yh_free(above);
        yh_free(path);
    }
    yh_buf_fini(&b);
    return s;
}

yh_status yh_inputs_list(yh_inputs *in, const char *const *paths, size_t n, const char *out,
                         const char *leave_out, yh_err *err)
{
    memset(in, 0, sizeof *in);
    for (size_t i = 0; i < n; i++)
        YH_TRY(paths[i][0] == '@' ? add_list(in, paths[i] + 1, out, leave_out, err)
                                  : add_path(in, paths[i], out, leave_out, n > 1, err));
    return YH_OK;
}

/* Puts the slices of f behind the list that they are in now. */
static yh_status add_slices(yh_inputs *to, const yh_input *f, uint64_t bytes, yh_err *err)
{
    const uint64_t n = f->size / bytes;
    for (uint64_t k = 0; k < n; k++) {
        yh_input *x = yh_grow(to->f, &to->cap, to->n + 1, sizeof *x);
        if (x == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", to->n);
        to->f = x;
        x += to->n++;
        *x = (yh_input){.begin = k * bytes,
                        .end = k + 1 < n ? (k + 1) * bytes : f->size,
                        .path = yh_strdup(f->path),
                        .id = yh_strdup(f->id),
                        .source = yh_strdup(f->source)};
        if (x->path == NULL || x->id == NULL || x->source == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", to->n);
        x->type = x->path + (f->type - f->path);
        x->size = x->end - x->begin;
        x->file = to->n_files;
    }
    to->n_files++;
    return YH_OK;
}

static yh_status divide(yh_inputs *in, uint64_t bytes, const yh_read_options *read, yh_err *err)
{
    yh_inputs out = *in;
    out.f = NULL;
    out.n = out.cap = out.n_files = 0;
    yh_status s = YH_OK;
    bytes = bytes > YH_GROUP_BYTES ? bytes : YH_GROUP_BYTES;
    for (size_t i = 0; i < in->n && s == YH_OK; i++) {
        yh_input *f = &in->f[i];
        if (f->size / bytes >= 2 && yh_source_divides(f->path, read)) {
            s = add_slices(&out, f, bytes, err);
            continue;
        }
        yh_input *x = yh_grow(out.f, &out.cap, out.n + 1, sizeof *x);
        if (x == NULL) {
            s = yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", out.n);
            continue;
        }
        out.f = x;
        x[out.n] = *f;
        x[out.n++].file = out.n_files++;
        *f = (yh_input){0}; /* moved */
    }
    for (size_t i = 0; i < in->n; i++)
        input_fini(&in->f[i]);
    yh_free(in->f);
    *in = out;
    return s;
}

yh_status yh_inputs_cut(yh_inputs *in, uint64_t bytes, const yh_read_options *read, yh_err *err)
{
    YH_TRY(divide(in, bytes, read, err));
    in->unit = yh_calloc(in->n + 2, sizeof *in->unit);
    in->unit_byte = yh_calloc(in->n + 2, sizeof *in->unit_byte);
    if (in->unit == NULL || in->unit_byte == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu files", in->n);
    uint64_t all = 0, begin = 0;
    for (size_t i = 0; i < in->n; i++) {
        all += in->f[i].size;
        if (all - begin >= bytes || i + 1 == in->n) {
            in->n_units++;
            in->unit[in->n_units] = i + 1;
            in->unit_byte[in->n_units] = all;
            begin = all;
        }
    }
    return YH_OK;
}

void yh_inputs_share(const yh_inputs *in, int i, int n, uint64_t *first, uint64_t *end)
{
    uint64_t u = 0;
    *first = *end = in->n_units;
    for (; u < in->n_units; u++) { /* a unit belongs to the share that its middle lies in */
        double middle = 0.5 * ((double)in->unit_byte[u] + (double)in->unit_byte[u + 1]);
        double all = in->bytes > 0 ? (double)in->bytes : 1.0;
        int owner = (int)(middle / all * n);
        owner = owner < n ? owner : n - 1;
        if (owner >= i && *first == in->n_units)
            *first = u;
        if (owner > i) {
            *end = u;
            break;
        }
    }
    if (*first > *end)
        *first = *end;
}

/* ------------------------------------------------------------------ reading a unit */

void yh_group_fini(yh_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        yh_chunk_fini(&g->part[i].chunk);
        yh_drafts_fini(&g->part[i].drafts);
    }
    yh_free(g->part);
    json_decref(g->notes);
    memset(g, 0, sizeof *g);
}

yh_status yh_unit_reader_open(yh_unit_reader *r, const yh_inputs *in, size_t unit, yh_cursor from,
                              uint64_t lines, size_t memory, const yh_read_options *read,
                              yh_err *err)
{
    memset(r, 0, sizeof *r);
    r->in = in;
    r->begin = in->unit[unit];
    r->end = in->unit[unit + 1];
    r->at = from;
    if (r->at.file < r->begin)
        r->at = (yh_cursor){.file = r->begin};
    for (size_t i = r->begin; i < r->at.file; i++)
        r->raw_before += in->f[i].size;
    r->path = yh_calloc(r->end - r->begin + 1, sizeof *r->path);
    r->slice = yh_calloc(r->end - r->begin + 1, sizeof *r->slice);
    if (r->path == NULL || r->slice == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of files");
    for (size_t i = r->begin; i < r->end; i++) {
        r->path[i - r->begin] = in->f[i].path;
        r->slice[i - r->begin] = (yh_slice){.begin = in->f[i].begin, .end = in->f[i].end};
    }
    r->slice[0].lines = r->lines = lines; /* only the first can begin within a file */
    yh_prefetch_options o = {.threads = 1,
                             .bytes = memory,
                             .first = (size_t)r->at.file - r->begin,
                             .skip = r->at.piece,
                             .read = read,
                             .slice = r->slice};
    return yh_prefetch_create(&r->ahead, r->path, r->end - r->begin, &o, err);
}

void yh_unit_reader_close(yh_unit_reader *r)
{
    yh_prefetch_free(r->ahead);
    yh_free(r->path);
    yh_free(r->slice);
    r->slice = NULL;
    r->ahead = NULL;
    r->path = NULL;
}

static yh_status count_file(yh_group *g, const yh_input *f, yh_err *err)
{
    YH_TRY(yh_stats_add(g->notes, f->size, "input", "bytes", NULL, err));
    if (f->begin > 0)
        return YH_OK;
    YH_TRY(yh_stats_add(g->notes, 1, "input", "files", NULL, err));
    return yh_stats_add(g->notes, 1, "input", "by_type", f->type[0] ? f->type : "(none)", err);
}

static yh_status take_notes(yh_group *g, const yh_chunk *c, const yh_input *f, yh_err *err)
{
    static const char *const list[] = {[YH_NOTE_PROBLEM] = "problems",
                                       [YH_NOTE_SKIPPED] = "skipped",
                                       [YH_NOTE_LEFT_OUT] = "left_out"};
    for (int i = 0; i < c->n_notes; i++) {
        const yh_note *n = &c->note[i];
        YH_TRY(yh_stats_name(g->notes, list[n->type], n->kind, f->id, n->entry, n->what, err));
    }
    return YH_OK;
}

static yh_status take_chunk(yh_unit_reader *r, yh_group *g, bool *more, yh_err *err)
{
    yh_part_in *p = yh_grow(g->part, &g->cap, g->n + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a group of pieces");
    g->part = p;
    p += g->n;
    memset(p, 0, sizeof *p);
    YH_TRY(yh_prefetch_next(r->ahead, &p->chunk, more, err));
    if (!*more)
        return YH_OK;
    p->file = r->begin + p->chunk.file;
    const yh_input *f = &r->in->f[p->file];
    bool last = p->chunk.last;
    yh_status s = r->at.piece == 0 ? count_file(g, f, err) : YH_OK;
    if (s == YH_OK)
        s = take_notes(g, &p->chunk, f, err);
    r->raw_file = p->chunk.raw_done;
    r->lines = p->chunk.lines > 0 ? p->chunk.lines : r->lines;
    if (p->chunk.reader == NULL) {
        yh_chunk_fini(&p->chunk);
    } else {
        g->n++;
        g->bytes += p->chunk.piece.bytes.len;
    }
    r->at.piece++;
    if (last) {
        r->raw_before += f->size;
        r->raw_file = 0;
        r->at = (yh_cursor){.file = r->at.file + 1};
    }
    return s;
}

yh_status yh_unit_reader_next(yh_unit_reader *r, yh_group *g, bool *more, yh_err *err)
{
    *more = true;
    YH_TRY(yh_stats_create(&g->notes, err));
    while (g->bytes < YH_GROUP_BYTES && g->n < YH_GROUP_PIECES && *more)
        YH_TRY(take_chunk(r, g, more, err));
    g->after = r->at;
    g->raw_done = r->raw_before + r->raw_file;
    return YH_OK;
}
