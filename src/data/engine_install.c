/* The end of a run: files get their final names, the reports are written, the rest is removed. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/engine.h"
#include "data/report.h"

enum { STATE_LIMIT = 256 << 20 };

/* ------------------------------------------------------------------ removing */

static bool is_output(const char *name)
{
    size_t n = strlen(name);
    bool lines = strstr(name, ".jsonl") != NULL;
    return (lines && (strncmp(name, "part-", 5) == 0 || strncmp(name, "removed-", 8) == 0)) ||
           strncmp(name, "report.json", 11) == 0 || strncmp(name, "report.html", 11) == 0 ||
           (strncmp(name, "recipe.json", 11) == 0 && n < 32);
}

/* Removes all that is in a folder of ours but `spare`, or the output files alone. */
static yh_status clear(const char *dir, bool outputs, const char *spare, yh_err *err)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return errno == ENOENT ? YH_OK : yh_fail_errno(err, errno, "%s: cannot list", dir);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            (outputs && !is_output(e->d_name)) || (spare != NULL && strcmp(e->d_name, spare) == 0))
            continue;
        char *p = yh_path_join(dir, e->d_name);
        if (p == NULL)
            s = yh_fail(err, YH_NOMEM, "%s: no memory", dir);
        else if (!outputs)
            s = yh_remove_tree(p, err);
        else if (remove(p) != 0 && errno != ENOENT) /* a folder of that name is not ours */
            s = yh_fail_errno(err, errno, "%s: cannot remove", p);
        yh_free(p);
    }
    closedir(d);
    return s;
}

/* Another process that still works on a unit would go on writing into it. */
static yh_status check_idle(const yh_engine *e, yh_err *err)
{
    DIR *d = opendir(e->hidden);
    yh_status s = YH_OK;
    for (struct dirent *x; d != NULL && s == YH_OK && (x = readdir(d)) != NULL;) {
        if (strncmp(x->d_name, "unit-", 5) != 0)
            continue;
        yh_dir_lock lock = YH_DIR_LOCK_INIT;
        char *p = yh_path_join(e->hidden, x->d_name);
        if (p == NULL)
            s = yh_fail(err, YH_NOMEM, "%s: no memory", e->hidden);
        else
            s = yh_dir_lock_wait(&lock, p, err);
        yh_dir_lock_release(&lock);
        yh_free(p);
    }
    if (d != NULL)
        closedir(d);
    return s;
}

yh_status yh_engine_sweep(const yh_engine *e, yh_err *err)
{
    YH_TRY(check_idle(e, err));
    YH_TRY(clear(e->out, true, NULL, err));
    return clear(e->hidden, false, "turn", err);
}

/* ------------------------------------------------------------------ the plan */

static const char *ending(const yh_engine *e, int row)
{
    return row == YH_OUT_PART && e->level == 0 ? "jsonl" : "jsonl.zst";
}

/* Adds the files of one output folder to the plan; *n counts those of the row. */
static yh_status plan_row(const yh_engine *e, json_t *files, const char *folder,
                          const json_t *output, int row, uint64_t *n, yh_err *err)
{
    static const char *const from[] = {"part", "gone"}, *const to[] = {"part", "removed"};
    const json_t *sizes = json_object_get(json_object_get(output, from[row]), "sizes");
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "%s/%s-%05zu", folder, from[row], i);
        snprintf(b, sizeof b, "%s-%05llu.%s", to[row], (unsigned long long)(*n)++, ending(e, row));
        json_t *f =
            json_pack("{s:s,s:s,s:O}", "from", a, "to", b, "size", json_array_get(sizes, i));
        if (json_array_append_new(files, f) != 0)
            return yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
    }
    return YH_OK;
}

static yh_status load(const yh_engine *e, json_t **out, yh_err *err, const char *name)
{
    char path[PATH_MAX];
    YH_TRY(yh_engine_path(e, path, sizeof path, err, "%s", name));
    return yh_json_load(out, path, STATE_LIMIT, err);
}

static yh_status take_state(const yh_engine *e, json_t *plan, json_t *stats, const char *folder,
                            uint64_t n[2], double *seconds, yh_err *err)
{
    char name[80];
    json_t *state = NULL;
    snprintf(name, sizeof name, "%s/state.json", folder);
    YH_TRY(load(e, &state, err, name));
    yh_status s = YH_OK;
    for (int row = 0; row < YH_OUT_KINDS && s == YH_OK; row++)
        s = plan_row(e, json_object_get(plan, "files"), folder, json_object_get(state, "output"),
                     row, &n[row], err);
    if (s == YH_OK)
        s = yh_stats_merge(stats, json_object_get(state, "stats"), err);
    *seconds += json_number_value(json_object_get(state, "seconds"));
    json_decref(state);
    return s;
}

static yh_status take_stages(const yh_engine *e, json_t *time, json_t *list, yh_err *err)
{
    for (int k = e->recipe->scan_end; k < e->recipe->stage_end; k++) {
        char name[32], key[64];
        json_t *j = NULL;
        snprintf(name, sizeof name, "stage-%02d.json", k + 1);
        YH_TRY(load(e, &j, err, name));
        snprintf(key, sizeof key, "%.40s_%d_seconds", e->recipe->step[k].name, k + 1);
        bool ok = json_object_set(time, key, json_object_get(j, "seconds")) == 0;
        (void)json_object_del(j, "seconds");
        if (json_array_append_new(list, j) != 0 || !ok)
            return yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
    }
    return YH_OK;
}

static yh_status make_plan(const yh_engine *e, json_t *plan, yh_err *err)
{
    json_t *stats = json_object_get(plan, "stats"), *time = json_object_get(plan, "time");
    uint64_t n[2] = {0};
    double scan = 0, emit = 0;
    for (uint64_t u = 0; u < e->in.n_units; u++) {
        char folder[64];
        snprintf(folder, sizeof folder, "unit-%06llu", (unsigned long long)u);
        YH_TRY(take_state(e, plan, stats, folder, n, &scan, err));
    }
    bool ok = json_object_set_new(time, "read_seconds", json_real(scan)) == 0;
    if (e->stages) {
        YH_TRY(take_stages(e, time, json_object_get(plan, "stages"), err));
        YH_TRY(take_state(e, plan, stats, "emit", n, &emit, err));
        ok = ok && json_object_set_new(time, "write_seconds", json_real(emit)) == 0;
    }
    ok = ok && json_object_set_new(plan, "parts", json_integer((json_int_t)n[0])) == 0;
    return ok ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
}

/* install.json: made when all else is complete, then read. */
static yh_status get_plan(const yh_engine *e, json_t **plan, yh_err *err)
{
    char path[PATH_MAX];
    YH_TRY(yh_engine_path(e, path, sizeof path, err, "install.json"));
    if (yh_is_file(path))
        return yh_json_load(plan, path, STATE_LIMIT, err);
    json_t *stats = NULL;
    YH_TRY(yh_stats_create(&stats, err));
    *plan = json_pack("{s:[],s:[],s:{},s:O}", "files", "stages", "time", "stats", stats);
    json_decref(stats);
    if (*plan == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
    YH_TRY(make_plan(e, *plan, err));
    return yh_json_save(*plan, path, false, err);
}

/* ------------------------------------------------------------------ doing it */

static yh_status move(const yh_engine *e, const json_t *f, yh_err *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    struct stat st;
    int64_t size = json_integer_value(json_object_get(f, "size"));
    const char *name = json_string_value(json_object_get(f, "to"));
    const char *old = json_string_value(json_object_get(f, "from"));
    YH_TRY(yh_engine_path(e, from, sizeof from, err, "%s", old != NULL ? old : "?"));
    YH_TRY(yh_engine_path(e, to, sizeof to, err, "../%s", name != NULL ? name : "?"));
    if (stat(from, &st) == 0) {
        if (truncate(from, size) != 0 || rename(from, to) != 0)
            return yh_fail_errno(err, errno, "%s: cannot be moved to %s", from, to);
    } else if (stat(to, &st) != 0 || st.st_size != size) {
        return yh_fail(err, YH_CORRUPT, "%s: is missing; remove the folder %s and clean again",
                       from, e->out);
    }
    return YH_OK;
}

static yh_status write_done(const yh_engine *e, const json_t *plan, yh_err *err)
{
    char path[PATH_MAX], hex[32];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)e->fingerprint);
    YH_TRY(yh_engine_path(e, path, sizeof path, err, "done.json"));
    json_t *j = json_pack("{s:s,s:O}", "fingerprint", hex, "files", json_object_get(plan, "files"));
    if (j == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    yh_status s = yh_json_save(j, path, false, err);
    json_decref(j);
    return s;
}

yh_status yh_engine_tidy(const yh_engine *e, yh_err *err)
{
    yh_status s = YH_OK;
    DIR *d = opendir(e->hidden);
    for (struct dirent *x; d != NULL && s == YH_OK && (x = readdir(d)) != NULL;) {
        if (x->d_name[0] == '.' || strcmp(x->d_name, "done.json") == 0 ||
            (e->o->shards > 1 && strcmp(x->d_name, "turn") == 0))
            continue;
        char *p = yh_path_join(e->hidden, x->d_name);
        if (p != NULL && yh_is_dir(p))
            s = yh_remove_tree(p, err);
        else if (p != NULL)
            (void)remove(p);
        yh_free(p);
    }
    if (d != NULL)
        closedir(d);
    return s;
}

static yh_status save_recipe(const yh_engine *e, yh_err *err)
{
    char *path = yh_path_join(e->out, "recipe.json");
    char *t = NULL;
    yh_status s = path != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
    if (s == YH_OK)
        s = yh_json_print_exact(&t, e->recipe->full, JSON_INDENT(2), err);
    if (s == YH_OK)
        s = yh_file_write(path, t, strlen(t), err);
    if (t != NULL)
        yh_json_text_free(t);
    yh_free(path);
    return s;
}

static yh_status install(yh_engine *e, json_t *plan, yh_err *err)
{
    size_t i;
    json_t *f;
    YH_TRY(save_recipe(e, err));
    json_array_foreach(json_object_get(plan, "files"), i, f)
    {
        YH_TRY(move(e, f, err));
    }
    YH_TRY(yh_report_write(e->out, plan, e->recipe, err));
    YH_TRY(write_done(e, plan, err));
    return yh_engine_tidy(e, err);
}

yh_status yh_engine_install(yh_engine *e, yh_err *err)
{
    json_t *plan = NULL;
    yh_status s = get_plan(e, &plan, err);
    if (s == YH_OK)
        s = install(e, plan, err);
    json_decref(plan);
    return s;
}

bool yh_engine_installing(const yh_engine *e)
{
    char path[PATH_MAX];
    return yh_engine_path(e, path, sizeof path, NULL, "install.json") == YH_OK && yh_is_file(path);
}

bool yh_engine_done(const yh_engine *e)
{
    char hex[32], path[PATH_MAX];
    json_t *j = NULL, *f;
    size_t i;
    struct stat st;
    if (load(e, &j, NULL, "done.json") != YH_OK)
        return false;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)e->fingerprint);
    const char *have = json_string_value(json_object_get(j, "fingerprint"));
    bool fits = have != NULL && strcmp(have, hex) == 0;
    json_array_foreach(json_object_get(j, "files"), i, f)
    {
        const char *to = json_string_value(json_object_get(f, "to"));
        fits = fits && to != NULL &&
               yh_engine_path(e, path, sizeof path, NULL, "../%s", to) == YH_OK &&
               stat(path, &st) == 0 && st.st_size == json_integer_value(json_object_get(f, "size"));
    }
    json_decref(j);
    return fits && yh_engine_path(e, path, sizeof path, NULL, "../report.json") == YH_OK &&
           yh_is_file(path);
}
