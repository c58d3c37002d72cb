/* yh_corpus_mix: first the sizes of the sources, then how much of each, then the documents. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/thread.h"
#include "data/engine_output.h"
#include "data/lines.h"
#include "data/record.h"
#include "yh/corpus.h"

enum { FRAME = 1 << 20, FRAMES = 64, SHARD_BYTES = 128 << 20 };

typedef struct source {
    const yh_mix_source *o;
    char *name;                           /* base of the folder: before its ids */
    uint64_t docs, bytes;                 /* of the corpus */
    double target, epochs;                /* bytes wanted; how often a document comes */
    uint64_t taken, taken_docs, short_of; /* written so far */
    yh_lines *lines;
    uint64_t pass;
} source;

typedef struct frame {
    yh_buf text;
    uint64_t bytes;
    yh_status status;
    yh_err err;
} frame;

typedef struct mixer {
    const yh_mix_options *o;
    const char *out;
    yh_pool *pool;
    source *src;
    size_t n;
    int level;
    char work[PATH_MAX - 64];
    yh_output output;
    frame frame[FRAMES];
    size_t n_frames, most_frames;
    uint64_t total;
} mixer;

/* ------------------------------------------------------------------ records */

typedef struct record {
    const char *line;
    size_t n, id_at, id_len; /* id: inside its quotes, as written */
    uint64_t text_bytes;
} record;

/* The end of a JSON string that begins behind its quote; *bytes: of its text. */
static size_t string_end(const char *p, size_t n, size_t at, uint64_t *bytes)
{
    uint64_t escaped = 0;
    size_t from = at;
    while (at < n && p[at] != '"') {
        const char *q = memchr(p + at, '"', n - at);
        const char *b = memchr(p + at, '\\', q != NULL ? (size_t)(q - p) - at : n - at);
        if (b == NULL) {
            at = q != NULL ? (size_t)(q - p) : n;
        } else {
            size_t k = (size_t)(b - p);
            bool u = k + 1 < n && p[k + 1] == 'u';
            escaped += u ? 5 : 1;
            at = k + (u ? 6 : 2);
        }
    }
    *bytes = at - from - escaped;
    return at;
}

/* Our records begin {"text":"...","id":"...". */
static bool parse_record(record *r, const char *line, size_t n)
{
    static const char head[] = "{\"text\":\"", id[] = "\",\"id\":\"";
    uint64_t unused;
    if (n < sizeof head || memcmp(line, head, sizeof head - 1) != 0)
        return false;
    size_t e = string_end(line, n, sizeof head - 1, &r->text_bytes);
    if (e + sizeof id > n || memcmp(line + e, id, sizeof id - 1) != 0)
        return false;
    r->line = line;
    r->n = n;
    r->id_at = e + sizeof id - 1;
    size_t end = string_end(line, n, r->id_at, &unused);
    r->id_len = end - r->id_at;
    return end < n;
}

static yh_status next_record(source *s, record *r, bool *more, yh_err *err)
{
    const char *p;
    size_t n;
    uint64_t line;
    YH_TRY(yh_lines_next(s->lines, &p, &n, more, err));
    if (*more && !parse_record(r, p, n)) {
        const char *path = yh_lines_place(s->lines, NULL, &line);
        return yh_fail(err, YH_CORRUPT, "%s line %llu: is no record of yh clean", path,
                       (unsigned long long)line);
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ how much of each */

static yh_status measure(source *s, yh_err *err)
{
    bool more = true;
    record r;
    YH_TRY(yh_lines_open(&s->lines, s->o->corpus, "part", err));
    for (;;) {
        YH_TRY(next_record(s, &r, &more, err));
        if (!more)
            break;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
        s->docs++;
        s->bytes += r.text_bytes;
    }
    yh_lines_close(s->lines);
    s->lines = NULL;
    return YH_OK;
}

static double limit_of(const source *s)
{
    double most = (double)s->bytes * (s->o->epochs > 0 ? s->o->epochs : 1.0);
    return s->o->cap != 0 && (double)s->o->cap < most ? (double)s->o->cap : most;
}

static void plan(mixer *m)
{
    double weights = 0, rest = m->o->total != 0 ? (double)m->o->total : (double)INFINITY,
           most = rest;
    for (size_t i = 0; i < m->n; i++) {
        weights += m->src[i].o->weight;
        if (!(m->src[i].o->weight > 0))
            rest -= limit_of(&m->src[i]);
    }
    rest = rest > 0 ? rest : 0;
    most = rest;
    for (size_t i = 0; i < m->n && m->o->total == 0; i++)
        if (m->src[i].o->weight > 0)
            most = fmin(most, limit_of(&m->src[i]) * weights / m->src[i].o->weight);
    for (size_t i = 0; i < m->n; i++) {
        source *s = &m->src[i];
        double want = s->o->weight > 0 ? most * s->o->weight / weights : limit_of(s);
        s->target = fmin(want, limit_of(s));
        s->short_of = want > s->target ? (uint64_t)(want - s->target) : 0;
        s->epochs = s->bytes > 0 ? s->target / (double)s->bytes : 0;
        m->total += (uint64_t)s->target;
    }
}

/* ------------------------------------------------------------------ writing */

static void compress_range(void *arg, int64_t begin, int64_t end, int worker)
{
    mixer *m = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        frame *f = &m->frame[i];
        yh_buf out;
        yh_buf_init(&out, 0);
        f->status = yh_record_compress(&out, f->text.data, f->text.len, m->level, &f->err);
        yh_buf_fini(&f->text);
        f->text = out;
    }
}

static yh_status flush(mixer *m, yh_err *err)
{
    yh_status s = YH_OK;
    if (m->level > 0)
        yh_pool_run_dynamic(m->pool, (int64_t)m->n_frames, 1, compress_range, m);
    for (size_t i = 0; i < m->n_frames; i++) {
        frame *f = &m->frame[i];
        if (s == YH_OK && f->status != YH_OK)
            s = yh_fail(err, f->status, "%s", f->err.msg);
        if (s == YH_OK)
            s = yh_output_write(&m->output, YH_OUT_PART, &f->text, f->bytes, err);
        yh_buf_fini(&f->text);
        memset(f, 0, sizeof *f);
    }
    m->n_frames = 0;
    return s;
}

/* The record with its corpus before the id, and the number of the copy behind it. */
static yh_status write_record(mixer *m, source *s, const record *r, yh_err *err)
{
    const frame *open = m->n_frames > 0 ? &m->frame[m->n_frames - 1] : NULL;
    if (open == NULL || open->text.len >= FRAME || open->bytes >= m->output.limit) {
        if (m->n_frames == m->most_frames)
            YH_TRY(flush(m, err));
        m->n_frames++;
    }
    frame *f = &m->frame[m->n_frames - 1];
    YH_TRY(yh_buf_add(&f->text, r->line, r->id_at, err));
    yh_buf name;
    yh_buf_init(&name, 0);
    yh_status st = yh_record_string(&name, s->name, strlen(s->name), err);
    if (st == YH_OK)
        st = yh_buf_add(&f->text, name.data + 1, name.len - 2, err);
    yh_buf_fini(&name);
    YH_TRY(st);
    YH_TRY(yh_buf_addc(&f->text, '/', err));
    YH_TRY(yh_buf_add(&f->text, r->line + r->id_at, r->id_len, err));
    if (s->pass > 0)
        YH_TRY(yh_buf_addf(&f->text, err, "~%llu", (unsigned long long)s->pass + 1));
    size_t end = r->id_at + r->id_len;
    YH_TRY(yh_buf_add(&f->text, r->line + end, r->n - end, err));
    YH_TRY(yh_buf_addc(&f->text, '\n', err));
    f->bytes += r->text_bytes;
    s->taken += r->text_bytes;
    s->taken_docs++;
    return YH_OK;
}

/* Takes the source's next document into the mix; *more false: it has given all. */
static yh_status step(mixer *m, source *s, bool *more, yh_err *err)
{
    uint64_t seed = yh_hash64(s->name, strlen(s->name), m->o->seed);
    for (;;) {
        double left = s->epochs - (double)s->pass;
        record r;
        bool line = true;
        *more = left > 0;
        if (!*more)
            return YH_OK;
        if (s->lines == NULL)
            YH_TRY(yh_lines_open(&s->lines, s->o->corpus, "part", err));
        YH_TRY(next_record(s, &r, &line, err));
        if (!line) {
            yh_lines_close(s->lines);
            s->lines = NULL;
            s->pass++;
            continue;
        }
        uint64_t h = yh_hash64(r.line + r.id_at, r.id_len, seed);
        if (left >= 1 || (double)(h >> 11) * 0x1p-53 < left)
            return write_record(m, s, &r, err);
    }
}

static yh_status run(mixer *m, yh_err *err)
{
    for (;;) {
        source *next = NULL;
        uint64_t taken = 0;
        for (size_t i = 0; i < m->n; i++) { /* the one that is furthest behind its share */
            source *s = &m->src[i];
            taken += s->taken;
            if (s->epochs > 0 &&
                (next == NULL || (double)s->taken / s->target < (double)next->taken / next->target))
                next = s;
        }
        if (next == NULL)
            return flush(m, err);
        bool more;
        YH_TRY(step(m, next, &more, err));
        if (!more)
            next->epochs = 0;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped; the same command begins again");
        if (m->o->progress != NULL && m->total > 0 && (taken & 0xfff) < 64)
            m->o->progress(m->o->user, (double)taken / (double)m->total);
    }
}

/* ------------------------------------------------------------------ the folder */

static yh_status install(mixer *m, yh_err *err)
{
    const json_t *sizes = m->output.row[YH_OUT_PART].sizes;
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        char from[PATH_MAX], to[PATH_MAX];
        yh_output_name(from, m->work, YH_OUT_PART, i);
        if ((size_t)snprintf(to, sizeof to, "%s/part-%05zu.jsonl%s", m->out, i,
                             m->level > 0 ? ".zst" : "") >= sizeof to)
            return yh_fail(err, YH_INVALID, "%s: folder name is too long", m->out);
        if (rename(from, to) != 0)
            return yh_fail_errno(err, errno, "%s: cannot be moved to %s", from, to);
    }
    return YH_OK;
}

/* Removes the files part-NNNNN + one of the endings. */
static yh_status sweep_dir(const char *dir, const char *ending, const char *other, yh_err *err)
{
    enum { NAME = sizeof "part-00000" - 1 };
    DIR *d = opendir(dir);
    if (d == NULL)
        return yh_fail_errno(err, errno, "%s: cannot be listed", dir);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;) {
        const char *n = e->d_name;
        if (strncmp(n, "part-", 5) != 0 || strspn(n + 5, "0123456789") != NAME - 5 ||
            (strcmp(n + NAME, ending) != 0 && strcmp(n + NAME, other) != 0))
            continue;
        if (unlinkat(dirfd(d), n, 0) != 0)
            s = yh_fail_errno(err, errno, "%s/%s: cannot be removed", dir, n);
    }
    (void)closedir(d);
    return s;
}

/* What a killed run has left, which may have had other shards. */
static yh_status sweep(const mixer *m, yh_err *err)
{
    if (!yh_is_dir(m->work))
        return YH_OK;
    YH_TRY(sweep_dir(m->work, "", "", err));
    return sweep_dir(m->out, ".jsonl", ".jsonl.zst", err);
}

static yh_status write_report(const mixer *m, yh_err *err)
{
    json_t *list = json_array(), *sources = json_object();
    uint64_t docs = 0, bytes = 0, all = 0;
    for (size_t i = 0; i < m->n; i++) {
        const source *s = &m->src[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:s,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:I}", "corpus", s->name, "weight",
                      s->o->weight, "epochs_most", s->o->epochs > 0 ? s->o->epochs : 1.0, "cap",
                      (json_int_t)s->o->cap, "documents_in", (json_int_t)s->docs, "bytes_in",
                      (json_int_t)s->bytes, "target_bytes", (json_int_t)s->target, "documents",
                      (json_int_t)s->taken_docs, "bytes", (json_int_t)s->taken, "epochs",
                      s->bytes > 0 ? (double)s->taken / (double)s->bytes : 0.0, "short_of_bytes",
                      (json_int_t)s->short_of));
        (void)json_object_set_new(sources, s->name,
                                  json_pack("{s:I,s:I,s:I}", "documents_in", (json_int_t)s->docs,
                                            "documents", (json_int_t)s->taken_docs, "bytes",
                                            (json_int_t)s->taken));
        docs += s->taken_docs;
        bytes += s->taken;
        all += s->docs;
    }
    size_t shards = json_array_size(m->output.row[YH_OUT_PART].sizes);
    json_t *r = json_pack("{s:i,s:I,s:I,s:{s:I,s:I},s:{s:I},s:o,s:o}", "version", 2, "shards",
                          (json_int_t)shards, "seed", (json_int_t)m->o->seed, "documents", "in",
                          (json_int_t)all, "kept", (json_int_t)docs, "text", "bytes",
                          (json_int_t)bytes, "sources", sources, "mix", list);
    char *path = yh_path_join(m->out, "report.json");
    yh_status s = r != NULL && path != NULL ? yh_json_save(r, path, true, err)
                                            : yh_fail(err, YH_NOMEM, "no memory for the report");
    yh_free(path);
    json_decref(r);
    return s;
}

static yh_status set_up(mixer *m, const yh_mix_source *source_list, yh_err *err)
{
    char report[PATH_MAX];
    const char *c = m->o->compress;
    m->level = c == NULL || strcmp(c, "zstd") == 0 ? 3 : 0;
    if (c != NULL && strncmp(c, "zstd:", 5) == 0)
        m->level = atoi(c + 5);
    if (m->level < 0 || m->level > 19 || (m->level == 0 && strcmp(c, "none") != 0))
        return yh_fail(err, YH_INVALID, "compression \"%.40s\": must be none, zstd or zstd:LEVEL",
                       c);
    snprintf(report, sizeof report, "%s/report.json", m->out);
    if (yh_is_file(report))
        return yh_fail(err, YH_INVALID, "%s: there is a corpus already; choose another folder",
                       m->out);
    m->src = yh_calloc(m->n, sizeof *m->src);
    if (m->src == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to mix");
    for (size_t i = 0; i < m->n; i++) {
        source *s = &m->src[i];
        s->o = &source_list[i];
        size_t len = strlen(s->o->corpus);
        while (len > 1 && s->o->corpus[len - 1] == '/')
            len--;
        char *whole = yh_strndup(s->o->corpus, len);
        s->name = whole != NULL ? yh_strdup(yh_path_base(whole)) : NULL;
        yh_free(whole);
        if (s->name == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to mix");
        for (size_t k = 0; k < i; k++)
            if (strcmp(m->src[k].name, s->name) == 0)
                return yh_fail(err, YH_INVALID,
                               "two sources are called \"%s\": documents could not be told apart",
                               s->name);
        YH_TRY(measure(s, err));
    }
    plan(m);
    if (m->total == 0)
        return yh_fail(err, YH_INVALID, "nothing is left to mix with these weights and caps");
    m->most_frames = 4 * (size_t)yh_pool_threads(m->pool);
    m->most_frames = m->most_frames < FRAMES ? m->most_frames : FRAMES;
    if ((size_t)snprintf(m->work, sizeof m->work, "%s/.mix", m->out) >= sizeof m->work)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", m->out);
    YH_TRY(sweep(m, err));
    YH_TRY(yh_mkdirs(m->work, err));
    return yh_output_open(&m->output, m->work,
                          m->o->shard_bytes != 0 ? m->o->shard_bytes : SHARD_BYTES, NULL, err);
}

yh_status yh_corpus_mix(const yh_mix_source *source_list, size_t n, const char *out,
                        const yh_mix_options *o, yh_pool *pool, yh_err *err)
{
    static const yh_mix_options defaults = {0};
    yh_dir_lock lock = YH_DIR_LOCK_INIT;
    mixer *m = yh_calloc(1, sizeof *m);
    if (m == NULL || n == 0) {
        yh_free(m);
        return n == 0 ? yh_fail(err, YH_INVALID, "no corpus was named")
                      : yh_fail(err, YH_NOMEM, "no memory to mix");
    }
    m->o = o != NULL ? o : &defaults;
    m->out = out;
    m->pool = pool;
    m->n = n;
    m->output.row[0].fd = m->output.row[1].fd = -1;
    yh_status s = yh_mkdirs(out, err);
    if (s == YH_OK)
        s = yh_dir_lock_wait(&lock, out, err);
    if (s == YH_OK)
        s = set_up(m, source_list, err);
    if (s == YH_OK)
        s = run(m, err);
    if (s == YH_OK)
        s = yh_output_sync(&m->output, err);
    if (s == YH_OK)
        s = install(m, err);
    if (s == YH_OK)
        s = write_report(m, err);
    if (s == YH_OK) /* last: as long as it is there, the files may be half of a mix */
        (void)rmdir(m->work);
    yh_output_close(&m->output);
    yh_dir_lock_release(&lock);
    for (size_t i = 0; i < FRAMES; i++)
        yh_buf_fini(&m->frame[i].text);
    for (size_t i = 0; m->src != NULL && i < n; i++) {
        yh_lines_close(m->src[i].lines);
        yh_free(m->src[i].name);
    }
    yh_free(m->src);
    yh_free(m);
    return s;
}
