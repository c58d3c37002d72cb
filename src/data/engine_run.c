/* yh_clean_run: the order of the phases, alone or as one of many processes. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cpu.h"
#include "base/hash.h"
#include "data/engine.h"

enum { ENGINE_VERSION = 4 };

void yh_engine_progress(yh_engine *e, bool final)
{
    double now = yh_now();
    if (e->o->progress == NULL || (!final && now - e->last_progress < 0.2))
        return;
    e->last_progress = now;
    uint64_t files = e->files_done;
    yh_clean_progress p = {
        .phase = e->phase,
        .fraction = strcmp(e->phase, "read") == 0 && e->in.bytes > 0
                        ? (double)e->bytes_done / (double)e->in.bytes
                        : e->fraction,
        .files_done = files,
        .files_total = e->in.n_files,
        .bytes_done = e->bytes_done,
        .bytes_total = e->in.bytes,
        .docs_in = e->docs_in,
        .docs_kept = e->docs_kept,
        .text_bytes = e->text_bytes,
        .seconds = now - e->began,
        .finished = final,
    };
    e->o->progress(e->o->user, &p);
}

yh_status yh_engine_path(const yh_engine *e, char *out, size_t size, yh_err *err, const char *fmt,
                         ...)
{
    va_list ap;
    int n = snprintf(out, size, "%s/", e->hidden), k = 0;
    if (n > 0 && (size_t)n < size) {
        va_start(ap, fmt);
        k = vsnprintf(out + n, size - (size_t)n, fmt, ap);
        va_end(ap);
    }
    if (n < 0 || k < 0 || (size_t)n + (size_t)k >= size)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", e->out);
    return YH_OK;
}

yh_status yh_engine_emptied(yh_draft *d, int step, yh_err *err)
{
    return strspn(d->text, " \t\r\n") < d->len
               ? YH_OK
               : yh_draft_remove(d, step, 0, "nothing was left of it", err);
}

yh_status yh_engine_steps(const yh_engine *e, yh_draft *d, int first, int end, yh_err *err)
{
    for (int i = first; i < end && d->removed_by < 0; i++) {
        const yh_recipe_step *s = &e->recipe->step[i];
        const size_t edits = d->n_edit;
        if (s->stage == NULL && yh_recipe_speaks(s, d->lang))
            YH_TRY(s->rule.rule->apply(s->rule.state, d, i, err));
        if (d->n_edit > edits)
            YH_TRY(yh_engine_emptied(d, i, err));
    }
    return YH_OK;
}

size_t yh_engine_batch(const yh_engine *e, size_t most)
{
    enum { EACH = 4 * YH_GROUP_BYTES }; /* its text, its records, and these as a frame */
    const size_t threads = (size_t)yh_pool_threads(e->pool), room = (size_t)(e->memory / 8 / EACH);
    size_t n = threads == 1 ? 1 : 4 * threads;
    n = n < room ? n : room;
    n = n > threads ? n : threads;
    return n < most ? n : most;
}

/* ------------------------------------------------------------------ options */

/* MemAvailable, and the limit of the control group if that is lower. */
static uint64_t available_memory(void)
{
    unsigned long long kib = 0, limit = 0, used = 0;
    char line[200];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    uint64_t all = kib > 0 ? (uint64_t)kib << 10 : (uint64_t)1 << 30;
    f = fopen("/sys/fs/cgroup/memory.max", "r");
    bool has = f != NULL && fscanf(f, "%20llu", &limit) == 1;
    if (f != NULL)
        fclose(f);
    f = has ? fopen("/sys/fs/cgroup/memory.current", "r") : NULL;
    if (f != NULL && fscanf(f, "%20llu", &used) == 1 && limit > used && limit - used < all)
        all = limit - used;
    if (f != NULL)
        fclose(f);
    return all;
}

static yh_status parse_compress(const char *text, int *level, yh_err *err)
{
    *level = 3;
    if (text == NULL || strcmp(text, "zstd") == 0)
        return YH_OK;
    if (strcmp(text, "none") == 0) {
        *level = 0;
        return YH_OK;
    }
    char *end = NULL;
    long n = strncmp(text, "zstd:", 5) == 0 ? strtol(text + 5, &end, 10) : 0;
    if (n < 1 || n > 19 || *end != '\0')
        return yh_fail(err, YH_INVALID,
                       "compression \"%.40s\": must be none, zstd or zstd:LEVEL with a level of 1 "
                       "to 19",
                       text);
    *level = (int)n;
    return YH_OK;
}

static bool has_step(const yh_recipe *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->step[i].name, name) == 0)
            return true;
    return false;
}

/* The recipe with the settings; min_chars and part_chars are settings too. */
static yh_status load_recipe(yh_recipe **r, const yh_clean_options *o, yh_err *err)
{
    char least[48], part[48];
    const char **set = yh_calloc(o->n_set + 2, sizeof *set);
    size_t n = 0;
    if (set == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a recipe");
    yh_status s = YH_OK;
    if (o->min_chars != 0) {
        s = yh_recipe_load(r, o->recipe, NULL, 0, err);
        if (s == YH_OK && has_step(*r, "too_short"))
            set[n++] = least;
        yh_recipe_free(*r);
        *r = NULL;
        snprintf(least, sizeof least, "too_short.min_chars=%u", o->min_chars);
    }
    snprintf(part, sizeof part, "read.part_chars=%u", o->part_chars);
    if (o->part_chars != 0)
        set[n++] = part;
    for (size_t i = 0; i < o->n_set; i++)
        set[n++] = o->set[i];
    if (s == YH_OK)
        s = yh_recipe_load(r, o->recipe, set, n, err);
    yh_free(set);
    return s;
}

yh_status yh_clean_recipe(const yh_clean_options *o, char **json, yh_err *err)
{
    static const yh_clean_options defaults = {0};
    yh_recipe *r = NULL;
    *json = NULL;
    YH_TRY(load_recipe(&r, o != NULL ? o : &defaults, err));
    char *t = NULL;
    yh_status s = yh_json_print_exact(&t, r->full, JSON_INDENT(2), err);
    *json = t != NULL ? yh_strdup(t) : NULL;
    if (t != NULL)
        yh_json_text_free(t);
    yh_recipe_free(r);
    return s != YH_OK || *json != NULL ? s : yh_fail(err, YH_NOMEM, "no memory for a recipe");
}

/* ------------------------------------------------------------------ beginning */

/* Makes run.json fit: another fingerprint's run is removed, which takes OUT/.lock (held). */
static yh_status begin(yh_engine *e, bool held, yh_err *err)
{
    char path[PATH_MAX], done[PATH_MAX], hex[32];
    json_t *j = NULL;
    YH_TRY(yh_mkdirs(e->hidden, err));
    YH_TRY(yh_engine_path(e, path, sizeof path, err, "run.json"));
    YH_TRY(yh_engine_path(e, done, sizeof done, err, "done.json"));
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)e->fingerprint);
    bool old = yh_is_file(path) || yh_is_file(done);
    const char *why = NULL;
    yh_err x = YH_ERR_INIT;
    const char *state = yh_is_file(done) ? done : path;
    const char *have = NULL;
    if (old && yh_json_load(&j, state, 0, &x) == YH_OK)
        have = json_string_value(json_object_get(j, "fingerprint"));
    if (old && have == NULL)
        why = "the state of an earlier run is damaged";
    else if (old && strcmp(have, hex) != 0)
        why = "the input, the recipe or the options changed";
    else if (yh_is_file(done))
        why = "files of an earlier run are missing or changed";
    json_decref(j);
    if (why != NULL)
        yh_log(YH_LOG_WARN, "%s: %s; starting again from the beginning", e->out, why);
    if (why == NULL && old)
        return YH_OK;
    if (!held)
        return yh_fail(err, YH_BUSY,
                       "%s: another process completes a corpus here; wait for it or choose another "
                       "folder",
                       e->out);
    YH_TRY(yh_engine_sweep(e, err));
    j = json_pack("{s:s,s:I}", "fingerprint", hex, "units", (json_int_t)e->in.n_units);
    if (j == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
    yh_status s = yh_json_save(j, path, false, err);
    json_decref(j);
    return s;
}

/* Loads the recipe's tables and models; refuses a limit of memory that they do not fit into. */
static yh_status prepare_recipe(yh_engine *e, yh_err *err)
{
    enum { WORK = 24 << 20 }; /* the program and the least that it works with */
    const uint64_t before = yh_mem_held();
    YH_TRY(yh_recipe_prepare(e->recipe, err));
    const uint64_t held = yh_mem_held(), tables = held > before ? held - before : 0;
    if (e->o->memory == 0 || tables + WORK <= e->o->memory)
        return YH_OK;
    return yh_fail(
        err, YH_INVALID,
        "memory of %llu MiB is too little: the recipe's tables and models take %llu MiB; "
        "give it %llu MiB at least",
        (unsigned long long)(e->o->memory >> 20), (unsigned long long)(tables >> 20),
        (unsigned long long)((tables + WORK) >> 20) + 1);
}

static yh_status scan_share(yh_engine *e, yh_err *err)
{
    e->phase = "read";
    for (uint64_t u = e->first_unit; u < e->end_unit; u++) {
        yh_err x = YH_ERR_INIT;
        yh_status s = yh_engine_scan(e, u, &x);
        if (s != YH_OK)
            return yh_fail(err, s, "%s", x.msg);
    }
    return YH_OK;
}

static yh_status complete(yh_engine *e, yh_err *err)
{
    if (!yh_engine_installing(e) && e->stages) {
        YH_TRY(yh_engine_stages(e, err));
        YH_TRY(yh_engine_emit(e, err));
    }
    YH_TRY(yh_engine_install(e, err));
    e->fraction = 1.0;
    e->files_done = e->in.n_files;
    e->bytes_done = e->in.bytes;
    yh_engine_progress(e, true);
    return YH_OK;
}

static yh_status run_alone(yh_engine *e, yh_err *err)
{
    yh_dir_lock lock = YH_DIR_LOCK_INIT;
    YH_TRY(yh_dir_lock_wait(&lock, e->out, err));
    yh_status s = YH_OK;
    if (yh_engine_done(e)) {
        yh_log(YH_LOG_INFO, "%s: is finished already, nothing to do", e->out);
        s = yh_engine_tidy(e, err);
    } else {
        s = begin(e, true, err);
        if (s == YH_OK)
            s = prepare_recipe(e, err);
        if (s == YH_OK && !yh_engine_installing(e))
            s = scan_share(e, err);
        if (s == YH_OK)
            s = complete(e, err);
    }
    yh_dir_lock_release(&lock);
    return s;
}

/* ------------------------------------------------------------------ many processes */

/* Waits for the lock of .clean/turn, which nobody holds for long. */
static yh_status take_turn(const yh_engine *e, yh_dir_lock *lock, yh_err *err)
{
    char dir[PATH_MAX];
    YH_TRY(yh_engine_path(e, dir, sizeof dir, err, "turn"));
    for (;;) {
        yh_err x = YH_ERR_INIT;
        YH_TRY(yh_mkdirs(dir, err));
        yh_status s = yh_dir_lock_take(lock, dir, &x);
        if (s != YH_BUSY)
            return s == YH_OK ? s : yh_fail(err, s, "%s", x.msg);
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        struct timespec t = {0, 50 * 1000 * 1000};
        (void)nanosleep(&t, NULL);
    }
}

static uint64_t count_finished(const yh_engine *e)
{
    uint64_t n = 0;
    for (uint64_t u = 0; u < e->in.n_units; u++)
        n += yh_engine_unit_finished(e, u);
    return n;
}

static yh_status run_shared(yh_engine *e, yh_err *err)
{
    yh_dir_lock turn = YH_DIR_LOCK_INIT, lock = YH_DIR_LOCK_INIT;
    YH_TRY(yh_mkdirs(e->hidden, err));
    YH_TRY(take_turn(e, &turn, err));
    bool done = yh_engine_done(e);
    bool held = yh_dir_lock_take(&lock, e->out, NULL) == YH_OK;
    yh_status s = !done ? begin(e, held, err) : held ? yh_engine_tidy(e, err) : YH_OK;
    yh_dir_lock_release(&lock);
    yh_dir_lock_release(&turn);
    if (s != YH_OK || done)
        return s;
    YH_TRY(prepare_recipe(e, err));
    if (!yh_engine_installing(e))
        YH_TRY(scan_share(e, err));
    /* the last one to come here sees that all units are finished, and completes the corpus */
    YH_TRY(take_turn(e, &turn, err));
    uint64_t ready = e->in.n_units;
    done = yh_engine_done(e);
    if (!done && !yh_engine_installing(e))
        ready = count_finished(e);
    s = !done && ready == e->in.n_units ? yh_dir_lock_take(&lock, e->out, NULL) : YH_BUSY;
    yh_dir_lock_release(&turn);
    if (s != YH_OK) {
        if (!done)
            yh_log(YH_LOG_INFO, "%s: this share is finished; %llu of %llu parts of the input are",
                   e->out, (unsigned long long)ready, (unsigned long long)e->in.n_units);
        return s == YH_BUSY ? YH_OK : s;
    }
    s = complete(e, err);
    yh_dir_lock_release(&lock);
    return s;
}

/* ------------------------------------------------------------------ */

static yh_status prepare(yh_engine *e, const char *const *paths, size_t n, yh_err *err)
{
    const yh_clean_options *o = e->o;
    YH_TRY(parse_compress(o->compress, &e->level, err));
    YH_TRY(load_recipe(&e->recipe, o, err));
    e->stages = e->recipe->stage_end > e->recipe->scan_end;
    e->shard_bytes = o->shard_bytes != 0 ? o->shard_bytes : YH_SHARD_BYTES;
    e->memory = o->memory != 0 ? o->memory : available_memory() / 2;
    if (o->shards > 0 && (o->shard < 0 || o->shard >= o->shards))
        return yh_fail(err, YH_INVALID, "share %d of %d: must be 0 to %d", o->shard, o->shards,
                       o->shards - 1);
    YH_TRY(yh_inputs_list(&e->in, paths, n, e->out, o->leave_out, err));
    if (e->in.n == 0)
        return yh_fail(err, YH_INVALID, "%s%s: no file is there to clean", paths[0],
                       n > 1 ? " and the others" : "");
    YH_TRY(yh_inputs_cut(&e->in, YH_UNIT_SHARDS * e->shard_bytes, &e->recipe->read, err));
    uint64_t files;
    YH_TRY(yh_recipe_files_hash(e->recipe, &files, err));
    const uint64_t facts[] = {ENGINE_VERSION, yh_recipe_hash(e->recipe), e->shard_bytes,
                              (uint64_t)e->level, files};
    e->fingerprint = yh_hash64(facts, sizeof facts, e->in.fingerprint);
    e->end_unit = e->in.n_units;
    if (o->shards > 1)
        yh_inputs_share(&e->in, o->shard, o->shards, &e->first_unit, &e->end_unit);
    YH_TRY(yh_mkdirs(e->out, err));
    e->hidden = yh_path_join(e->out, ".clean");
    return e->hidden != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory", e->out);
}

yh_status yh_clean_run(const char *const *paths, size_t n, const char *out,
                       const yh_clean_options *o, yh_pool *pool, yh_err *err)
{
    static const yh_clean_options defaults = {0};
    yh_engine e = {.o = o != NULL ? o : &defaults,
                   .pool = pool,
                   .out = out,
                   .phase = "read",
                   .began = yh_now()};
    if (n == 0)
        return yh_fail(err, YH_INVALID, "no input was named");
    yh_status s = prepare(&e, paths, n, err);
    if (s == YH_OK)
        s = e.o->shards > 1 ? run_shared(&e, err) : run_alone(&e, err);
    yh_inputs_fini(&e.in);
    yh_recipe_free(e.recipe);
    yh_free(e.hidden);
    return s;
}
