/* yh_corpus_mix: first the sizes of the sources, then how much of each, then the documents. The
 * folder .mix holds what is written so far, and how far that is (state.json): a killed mix goes on
 * from there. */
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

enum { FRAME = 1 << 20, FRAMES = 64, SHARD_BYTES = 128 << 20, STATE_BYTES = 64 << 20 };
static const double save_seconds = 0.5;

typedef struct source {
    const yh_mix_source *o;
    char *name;                           /* base of the folder: before its ids */
    uint64_t docs, bytes;                 /* of the corpus */
    double target, epochs;                /* bytes wanted; how often a document comes */
    uint64_t taken, taken_docs, short_of; /* written so far */
    yh_lines *lines;
    uint64_t pass;
    bool ended; /* it has given all */
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
    char made_from[17]; /* a hash of everything that the mix follows from */
    double saved_at;
    bool complete; /* all is written; some files may have their names already */
    size_t shards; /* as it was saved last */
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
    double weights = 0, rest = m->o->total != 0 ? (double)m->o->total : (double)INFINITY;
    for (size_t i = 0; i < m->n; i++) {
        weights += m->src[i].o->weight;
        if (!(m->src[i].o->weight > 0))
            rest -= limit_of(&m->src[i]);
    }
    rest = rest > 0 ? rest : 0;
    double most = rest;
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

/* ------------------------------------------------------------------ how far it is */

static void state_path(const mixer *m, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/state.json", m->work);
}

/* Syncs what is written, and notes it with the place of every source; no frame is open. */
static yh_status save(mixer *m, yh_err *err)
{
    char path[PATH_MAX];
    YH_TRY(yh_output_sync(&m->output, err));
    json_t *list = json_array();
    for (size_t i = 0; i < m->n; i++) {
        const source *s = &m->src[i];
        uint32_t file = 0;
        uint64_t line = 0;
        if (s->lines != NULL)
            (void)yh_lines_place(s->lines, &file, &line);
        (void)json_array_append_new(
            list, json_pack("{s:I,s:I,s:I,s:I,s:I,s:b,s:I,s:I}", "docs", (json_int_t)s->docs,
                            "bytes", (json_int_t)s->bytes, "taken", (json_int_t)s->taken,
                            "taken_docs", (json_int_t)s->taken_docs, "pass", (json_int_t)s->pass,
                            "ended", s->ended, "file", (json_int_t)file, "line", (json_int_t)line));
    }
    json_t *j = json_pack("{s:s,s:o,s:o,s:b}", "made_from", m->made_from, "sources", list, "output",
                          yh_output_state(&m->output), "complete", m->complete);
    state_path(m, path);
    yh_status s = j != NULL && json_array_size(list) == m->n
                      ? yh_json_save(j, path, false, err)
                      : yh_fail(err, YH_NOMEM, "no memory to mix");
    json_decref(j);
    m->shards = json_array_size(m->output.row[YH_OUT_PART].sizes);
    m->saved_at = yh_now();
    return s;
}

static uint64_t noted(const json_t *j, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(j, key));
}

/* Puts the sources where the state says. Its numbers are our own; what a damaged one could do is
 * caught where files are opened and read. */
static yh_status restore(mixer *m, const json_t *state, yh_err *err)
{
    const json_t *list = json_object_get(state, "sources");
    const json_t *output = json_object_get(state, "output");
    m->complete = json_is_true(json_object_get(state, "complete"));
    if (json_array_size(list) != m->n)
        return yh_fail(err, YH_CORRUPT, "its state is damaged");
    for (size_t i = 0; i < m->n; i++) {
        source *s = &m->src[i];
        const json_t *j = json_array_get(list, i);
        s->docs = noted(j, "docs");
        s->bytes = noted(j, "bytes");
        s->taken = noted(j, "taken");
        s->taken_docs = noted(j, "taken_docs");
        s->pass = noted(j, "pass");
        s->ended = json_is_true(json_object_get(j, "ended"));
        if (!m->complete && !s->ended)
            YH_TRY(yh_lines_seek(s->lines, (uint32_t)noted(j, "file"), noted(j, "line"), err));
    }
    m->shards = json_array_size(json_object_get(json_object_get(output, "part"), "sizes"));
    return m->complete ? YH_OK : yh_output_open(&m->output, m->work, m->output.limit, output, err);
}

/* Goes on where a killed run of the same mix was; *on false: there is none. */
static yh_status go_on(mixer *m, bool *on, yh_err *err)
{
    char path[PATH_MAX];
    json_t *state = NULL;
    yh_err why = YH_ERR_INIT;
    *on = false;
    state_path(m, path);
    if (!yh_is_file(path))
        return YH_OK;
    yh_status s = yh_json_load(&state, path, STATE_BYTES, &why);
    const char *from = json_string_value(json_object_get(state, "made_from"));
    if (s == YH_OK && (from == NULL || strcmp(from, m->made_from) != 0))
        s = yh_fail(&why, YH_INVALID,
                    "sources or options are others than those of the mix that "
                    "was begun here");
    if (s == YH_OK)
        s = restore(m, state, &why);
    json_decref(state);
    *on = s == YH_OK;
    if (s == YH_NOMEM || s == YH_STOPPED)
        return yh_fail(err, s, "%s", why.msg);
    if (s != YH_OK)
        yh_log(YH_LOG_WARN, "%s: %s; starting again from the beginning", m->out, why.msg);
    return YH_OK;
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

/* Whether the next record begins a new frame: that depends on the records before it alone. */
static bool frame_is_full(const mixer *m)
{
    const frame *open = m->n_frames > 0 ? &m->frame[m->n_frames - 1] : NULL;
    return open == NULL || open->text.len >= FRAME || open->bytes >= m->output.limit;
}

/* Writes the frames when there is no place for one more, and notes now and then how far it is. */
static yh_status make_room(mixer *m, yh_err *err)
{
    if (m->n_frames < m->most_frames || !frame_is_full(m))
        return YH_OK;
    YH_TRY(flush(m, err));
    return yh_now() - m->saved_at > save_seconds ? save(m, err) : YH_OK;
}

/* The record with its corpus before the id, and the number of the copy behind it. */
static yh_status write_record(mixer *m, source *s, const record *r, yh_err *err)
{
    m->n_frames += frame_is_full(m);
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
            if (s->epochs > 0 && !s->ended &&
                (next == NULL || (double)s->taken / s->target < (double)next->taken / next->target))
                next = s;
        }
        if (next == NULL)
            return flush(m, err);
        bool more;
        YH_TRY(make_room(m, err));
        YH_TRY(step(m, next, &more, err));
        next->ended = !more;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        if (m->o->progress != NULL && m->total > 0 && (taken & 0xfff) < 64)
            m->o->progress(m->o->user, (double)taken / (double)m->total);
    }
}

/* ------------------------------------------------------------------ the folder */

static yh_status install(mixer *m, yh_err *err)
{
    for (size_t i = 0; i < m->shards; i++) {
        char from[PATH_MAX], to[PATH_MAX];
        yh_output_name(from, m->work, YH_OUT_PART, i);
        if ((size_t)snprintf(to, sizeof to, "%s/part-%05zu.jsonl%s", m->out, i,
                             m->level > 0 ? ".zst" : "") >= sizeof to)
            return yh_fail(err, YH_INVALID, "%s: folder name is too long", m->out);
        if (rename(from, to) != 0 && (errno != ENOENT || !yh_is_file(to)))
            return yh_fail_errno(err, errno, "%s: cannot be moved to %s", from, to);
    }
    return YH_OK;
}

/* Removes what a killed run has left, which may have had other shards: its folder, and the files
 * part-NNNNN.jsonl, .jsonl.zst that have their names already. */
static yh_status sweep(const mixer *m, yh_err *err)
{
    enum { NAME = sizeof "part-00000" - 1 };
    if (!yh_is_dir(m->work))
        return YH_OK;
    DIR *d = opendir(m->out);
    if (d == NULL)
        return yh_fail_errno(err, errno, "%s: cannot be listed", m->out);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;) {
        const char *n = e->d_name;
        if (strncmp(n, "part-", 5) != 0 || strspn(n + 5, "0123456789") != NAME - 5 ||
            (strcmp(n + NAME, ".jsonl") != 0 && strcmp(n + NAME, ".jsonl.zst") != 0))
            continue;
        if (unlinkat(dirfd(d), n, 0) != 0)
            s = yh_fail_errno(err, errno, "%s/%s: cannot be removed", m->out, n);
    }
    (void)closedir(d);
    return s == YH_OK ? yh_remove_tree(m->work, err) : s; /* last: it says that there was one */
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
    json_t *r =
        json_pack("{s:i,s:s,s:I,s:I,s:{s:I,s:I},s:{s:I},s:o,s:o}", "version", 2, "made_from",
                  m->made_from, "shards", (json_int_t)m->shards, "seed", (json_int_t)m->o->seed,
                  "documents", "in", (json_int_t)all, "kept", (json_int_t)docs, "text", "bytes",
                  (json_int_t)bytes, "sources", sources, "mix", list);
    char *path = yh_path_join(m->out, "report.json");
    yh_status s = r != NULL && path != NULL ? yh_json_save(r, path, true, err)
                                            : yh_fail(err, YH_NOMEM, "no memory for the report");
    yh_free(path);
    json_decref(r);
    return s;
}

static yh_status read_options(mixer *m, yh_err *err)
{
    const char *c = m->o->compress;
    m->level = c == NULL || strcmp(c, "zstd") == 0 ? 3 : 0;
    if (c != NULL && strncmp(c, "zstd:", 5) == 0)
        m->level = atoi(c + 5);
    if (m->level < 0 || m->level > 19 || (m->level == 0 && strcmp(c, "none") != 0))
        return yh_fail(err, YH_INVALID, "compression \"%.40s\": must be none, zstd or zstd:LEVEL",
                       c);
    m->output.limit = m->o->shard_bytes != 0 ? m->o->shard_bytes : SHARD_BYTES;
    m->most_frames = 4 * (size_t)yh_pool_threads(m->pool);
    m->most_frames = m->most_frames < FRAMES ? m->most_frames : FRAMES;
    if ((size_t)snprintf(m->work, sizeof m->work, "%s/.mix", m->out) >= sizeof m->work)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", m->out);
    return YH_OK;
}

/* Names and opens the sources, and hashes what the mix follows from. */
static yh_status open_sources(mixer *m, const yh_mix_source *source_list, yh_err *err)
{
    const uint64_t options[] = {2, m->o->total, m->o->seed, m->output.limit, (uint64_t)m->level};
    uint64_t h = yh_hash64(options, sizeof options, 0);
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
        YH_TRY(yh_lines_open(&s->lines, s->o->corpus, "part", err));
        const double numbers[] = {s->o->weight, s->o->epochs, (double)s->o->cap};
        h = yh_hash64(numbers, sizeof numbers, yh_hash64(s->name, strlen(s->name), h));
        h = yh_lines_fingerprint(s->lines, h);
    }
    snprintf(m->made_from, sizeof m->made_from, "%016llx", (unsigned long long)h);
    return YH_OK;
}

/* *done: this very mix is there. */
static yh_status look_at_report(const mixer *m, bool *done, yh_err *err)
{
    char path[PATH_MAX];
    json_t *report = NULL;
    *done = false;
    snprintf(path, sizeof path, "%s/report.json", m->out);
    if (!yh_is_file(path))
        return YH_OK;
    yh_status s = yh_json_load(&report, path, STATE_BYTES, NULL);
    const char *from = json_string_value(json_object_get(report, "made_from"));
    *done = s == YH_OK && from != NULL && strcmp(from, m->made_from) == 0;
    json_decref(report);
    if (!*done)
        return yh_fail(err, YH_INVALID, "%s: there is a corpus already; choose another folder",
                       m->out);
    yh_log(YH_LOG_INFO, "%s: is finished already, nothing to do", m->out);
    return yh_remove_tree(m->work, err);
}

static yh_status begin_again(mixer *m, yh_err *err)
{
    const uint64_t limit = m->output.limit;
    yh_output_close(&m->output);
    YH_TRY(sweep(m, err));
    YH_TRY(yh_mkdirs(m->work, err));
    m->complete = false;
    for (size_t i = 0; i < m->n; i++) {
        source *s = &m->src[i];
        yh_lines_close(s->lines);
        *s = (source){.o = s->o, .name = s->name};
        YH_TRY(yh_lines_open(&s->lines, s->o->corpus, "part", err));
        YH_TRY(measure(s, err));
    }
    return yh_output_open(&m->output, m->work, limit, NULL, err);
}

static yh_status set_up(mixer *m, const yh_mix_source *source_list, bool *done, yh_err *err)
{
    bool on;
    YH_TRY(read_options(m, err));
    YH_TRY(open_sources(m, source_list, err));
    YH_TRY(look_at_report(m, done, err));
    if (*done)
        return YH_OK;
    YH_TRY(go_on(m, &on, err));
    if (!on)
        YH_TRY(begin_again(m, err));
    plan(m);
    if (m->total == 0) {
        YH_TRY(yh_remove_tree(m->work, err));
        return yh_fail(err, YH_INVALID, "nothing is left to mix with these weights and caps");
    }
    return on ? YH_OK : save(m, err);
}

static yh_status mix(mixer *m, yh_err *err)
{
    if (!m->complete) {
        YH_TRY(run(m, err));
        m->complete = true;
        YH_TRY(save(m, err));
    }
    YH_TRY(install(m, err));
    YH_TRY(write_report(m, err));
    return yh_remove_tree(m->work, err); /* as long as it is there, the files may be half a mix */
}

yh_status yh_corpus_mix(const yh_mix_source *source_list, size_t n, const char *out,
                        const yh_mix_options *o, yh_pool *pool, yh_err *err)
{
    static const yh_mix_options defaults = {0};
    yh_dir_lock lock = YH_DIR_LOCK_INIT;
    bool done = false;
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
        s = set_up(m, source_list, &done, err);
    if (s == YH_OK && !done)
        s = mix(m, err);
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
