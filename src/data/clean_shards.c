/* The output folder of cleaning. A shard is part-N, removed-N and .clean/keys-N, each written
 * atomically; .clean/manifest.json, written last, says which shards are valid, where in the input
 * they end, and the statistics up to there. What the manifest does not name is overwritten. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "data/clean_parts.h"

enum { MANIFEST_LIMIT = 256 << 20 };

static void name_of(char out[PATH_MAX], const char *dir, const char *kind, uint64_t n,
                    const char *ext)
{
    snprintf(out, PATH_MAX, "%s/%s-%05" PRIu64 "%s", dir, kind, n, ext);
}

static bool ours(const char *name, bool all)
{
    if (strstr(name, ".tmp") != NULL &&
        (strncmp(name, "part-", 5) == 0 || strncmp(name, "removed-", 8) == 0 ||
         strncmp(name, "keys-", 5) == 0 || strncmp(name, "manifest.json", 13) == 0 ||
         strncmp(name, "report.json", 11) == 0))
        return true;
    size_t n = strlen(name);
    bool zst = n > 10 && strcmp(name + n - 10, ".jsonl.zst") == 0;
    return all && ((zst && (strncmp(name, "part-", 5) == 0 || strncmp(name, "removed-", 8) == 0)) ||
                   strncmp(name, "keys-", 5) == 0 || strcmp(name, "report.json") == 0 ||
                   strcmp(name, "manifest.json") == 0);
}

/* Removes temporary files of killed runs; all: also the output of an older run. */
static yh_status sweep(const char *dir, bool all, yh_err *err)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return yh_fail_errno(err, errno, "%s: cannot list the folder", dir);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;) {
        if (!ours(e->d_name, all))
            continue;
        char *p = yh_path_join(dir, e->d_name);
        if (p == NULL)
            s = yh_fail(err, YH_NOMEM, "%s: no memory", dir);
        else if (unlink(p) != 0 && errno != ENOENT)
            s = yh_fail_errno(err, errno, "%s: cannot remove", p);
        yh_free(p);
    }
    closedir(d);
    return s;
}

static bool has_size(const char *path, int64_t size)
{
    struct stat st;
    return stat(path, &st) == 0 && (int64_t)st.st_size == size;
}

/* Whether the files that the manifest names are there with their sizes. */
static bool intact(const yh_shards *s, bool finished)
{
    char p[PATH_MAX], hidden[PATH_MAX - 64];
    snprintf(hidden, sizeof hidden, "%s/.clean", s->dir);
    const json_t *list = json_object_get(s->manifest, "shards");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        name_of(p, s->dir, "part", i, ".jsonl.zst");
        if (!has_size(p, json_integer_value(json_object_get(e, "part"))))
            return false;
        name_of(p, s->dir, "removed", i, ".jsonl.zst");
        if (!has_size(p, json_integer_value(json_object_get(e, "removed"))))
            return false;
        name_of(p, hidden, "keys", i, ".bin");
        if (!finished && !has_size(p, json_integer_value(json_object_get(e, "keys"))))
            return false;
    }
    return true;
}

static yh_status fresh(yh_shards *s, const char *hidden, uint64_t fingerprint, yh_cursor *cursor,
                       json_t **stats, yh_err *err)
{
    char hex[32];
    YH_TRY(sweep(s->dir, true, err));
    YH_TRY(sweep(hidden, true, err));
    snprintf(hex, sizeof hex, "%016" PRIx64, fingerprint);
    json_decref(s->manifest);
    s->manifest =
        json_pack("{s:i,s:s,s:b,s:[]}", "version", 1, "fingerprint", hex, "finished", 0, "shards");
    if (s->manifest == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", s->dir);
    memset(cursor, 0, sizeof *cursor);
    return yh_stats_create(stats, err);
}

static yh_status load_cursor(const yh_shards *s, yh_cursor *c, const char *path, yh_err *err)
{
    const json_t *j = json_object_get(s->manifest, "cursor");
    int64_t v[4] = {0};
    static const char *const keys[] = {"file", "piece", "documents", "part"};
    for (int i = 0; j != NULL && i < 4; i++)
        YH_TRY(yh_json_int(j, keys[i], 0, INT64_MAX, false, 0, path, &v[i], err));
    *c = (yh_cursor){(uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2], (uint64_t)v[3]};
    return YH_OK;
}

yh_status yh_shards_open(yh_shards *s, const char *dir, uint64_t fingerprint, bool *finished,
                         yh_cursor *cursor, json_t **stats, double *seconds, yh_err *err)
{
    char hidden[PATH_MAX - 64], path[PATH_MAX], hex[32];
    *s = (yh_shards){.dir = dir, .part = YH_WRITER_INIT, .removed = YH_WRITER_INIT};
    yh_buf_init(&s->keys, 0);
    *finished = false;
    *seconds = 0.0;
    *stats = NULL;
    memset(cursor, 0, sizeof *cursor);
    if ((size_t)snprintf(hidden, sizeof hidden, "%s/.clean", dir) >= sizeof hidden)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", dir);
    YH_TRY(yh_mkdirs(hidden, err));
    snprintf(path, sizeof path, "%s/manifest.json", hidden);
    if (!yh_is_file(path))
        return fresh(s, hidden, fingerprint, cursor, stats, err);
    yh_err e = YH_ERR_INIT;
    yh_status st = yh_json_load(&s->manifest, path, MANIFEST_LIMIT, &e);
    const char *have =
        st == YH_OK ? json_string_value(json_object_get(s->manifest, "fingerprint")) : NULL;
    snprintf(hex, sizeof hex, "%016" PRIx64, fingerprint);
    const json_t *old = json_object_get(s->manifest, "stats");
    bool done = json_is_true(json_object_get(s->manifest, "finished"));
    const char *why = have == NULL || old == NULL ? "the manifest of an earlier run is damaged"
                      : strcmp(have, hex) != 0    ? "the input or the options changed"
                      : !intact(s, done)          ? "files of an earlier run are missing or changed"
                      : load_cursor(s, cursor, path, &e) != YH_OK ? e.msg
                                                                  : NULL;
    if (why != NULL) {
        yh_log(YH_LOG_WARN, "%s: %s; starting again from the beginning", dir, why);
        return fresh(s, hidden, fingerprint, cursor, stats, err);
    }
    YH_TRY(sweep(dir, false, err));
    YH_TRY(sweep(hidden, false, err));
    *finished = done;
    *seconds = json_number_value(json_object_get(s->manifest, "seconds"));
    s->number = json_array_size(json_object_get(s->manifest, "shards"));
    *stats = json_deep_copy(old);
    return *stats != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", dir);
}

yh_status yh_shards_write(yh_shards *s, const yh_buf *kept, const yh_buf *removed, yh_err *err)
{
    char path[PATH_MAX];
    if (!s->open) {
        name_of(path, s->dir, "part", s->number, ".jsonl.zst");
        YH_TRY(yh_writer_open(&s->part, path, err));
        name_of(path, s->dir, "removed", s->number, ".jsonl.zst");
        yh_status st = yh_writer_open(&s->removed, path, err);
        if (st != YH_OK) {
            yh_writer_abort(&s->part);
            return st;
        }
        s->open = true;
    }
    if (kept->len > 0)
        YH_TRY(yh_writer_write(&s->part, kept->data, kept->len, err));
    return removed->len > 0 ? yh_writer_write(&s->removed, removed->data, removed->len, err)
                            : YH_OK;
}

static yh_status commit_files(yh_shards *s, yh_err *err)
{
    char path[PATH_MAX], hidden[PATH_MAX - 64];
    snprintf(hidden, sizeof hidden, "%s/.clean", s->dir);
    uint64_t check = yh_hash64(s->keys.data, s->keys.len, 0);
    YH_TRY(yh_buf_add(&s->keys, &check, sizeof check, err));
    name_of(path, hidden, "keys", s->number, ".bin");
    YH_TRY(yh_file_write(path, s->keys.data, s->keys.len, err));
    uint64_t part = s->part.written, removed = s->removed.written;
    YH_TRY(yh_writer_commit(&s->part, err));
    YH_TRY(yh_writer_commit(&s->removed, err));
    json_t *e = json_pack("{s:I,s:I,s:I}", "part", (json_int_t)part, "removed", (json_int_t)removed,
                          "keys", (json_int_t)s->keys.len);
    if (json_array_append_new(json_object_get(s->manifest, "shards"), e) != 0)
        return yh_fail(err, YH_NOMEM, "%s: no memory", s->dir);
    yh_buf_clear(&s->keys);
    s->number++;
    s->open = false;
    s->text = 0;
    return YH_OK;
}

yh_status yh_shards_commit(yh_shards *s, const yh_cursor *c, const json_t *stats, double seconds,
                           bool finished, yh_err *err)
{
    char path[PATH_MAX], hidden[PATH_MAX - 64];
    snprintf(hidden, sizeof hidden, "%s/.clean", s->dir);
    if (s->open)
        YH_TRY(commit_files(s, err));
    json_t *cursor =
        json_pack("{s:I,s:I,s:I,s:I}", "file", (json_int_t)c->file, "piece", (json_int_t)c->piece,
                  "documents", (json_int_t)c->docs, "part", (json_int_t)c->part);
    if (json_object_set_new(s->manifest, "cursor", cursor) != 0 ||
        json_object_set_new(s->manifest, "stats", json_deep_copy(stats)) != 0 ||
        json_object_set_new(s->manifest, "seconds", json_real(seconds)) != 0 ||
        json_object_set_new(s->manifest, "finished", json_boolean(finished)) != 0)
        return yh_fail(err, YH_NOMEM, "%s: no memory", s->dir);
    snprintf(path, sizeof path, "%s/manifest.json", hidden);
    YH_TRY(yh_json_save(s->manifest, path, false, err));
    for (uint64_t i = 0; finished && i < s->number; i++) { /* nothing will be replayed any more */
        name_of(path, hidden, "keys", i, ".bin");
        (void)unlink(path);
    }
    return YH_OK;
}

yh_status yh_shards_replay(const yh_shards *s,
                           yh_status (*fn)(void *, const uint64_t *, size_t, yh_err *), void *arg,
                           yh_err *err)
{
    char path[PATH_MAX], hidden[PATH_MAX - 64];
    snprintf(hidden, sizeof hidden, "%s/.clean", s->dir);
    for (uint64_t i = 0; i < s->number; i++) {
        yh_map m;
        uint64_t check;
        name_of(path, hidden, "keys", i, ".bin");
        YH_TRY(yh_map_open(&m, path, err));
        yh_status st = YH_OK;
        if (m.size < 8 || m.size % 8 != 0)
            st = yh_fail(err, YH_CORRUPT, "%s: has %zu bytes, no state of a shard has", path,
                         m.size);
        if (st == YH_OK) {
            memcpy(&check, m.data + m.size - 8, 8);
            if (check != yh_hash64(m.data, m.size - 8, 0))
                st = yh_fail(err, YH_CORRUPT,
                             "%s: is damaged; remove the folder %s and clean again", path, s->dir);
        }
        if (st == YH_OK)
            st = fn(arg, (const uint64_t *)(const void *)m.data, m.size / 8 - 1, err);
        yh_map_close(&m);
        YH_TRY(st);
    }
    return YH_OK;
}

void yh_shards_close(yh_shards *s)
{
    yh_writer_abort(&s->part);
    yh_writer_abort(&s->removed);
    yh_buf_fini(&s->keys);
    json_decref(s->manifest);
    s->manifest = NULL;
}
