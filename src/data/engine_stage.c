/* Stages, one after the other: store and earlier decisions in, a decisions file out. */
#include <stdio.h>

#include "base/cpu.h"
#include "data/engine.h"

static yh_status stage_path(const yh_engine *e, char path[PATH_MAX], int step, const char *ext,
                            yh_err *err)
{
    return yh_engine_path(e, path, PATH_MAX, err, "stage-%02d.%s", step + 1, ext);
}

static bool complete(const yh_engine *e, int step)
{
    char path[PATH_MAX];
    return stage_path(e, path, step, "json", NULL) == YH_OK && yh_is_file(path);
}

/* The segments of all units: paths of their stores. */
static yh_status list_stores(const yh_engine *e, yh_file_list *l, yh_err *err)
{
    char path[PATH_MAX];
    for (uint64_t u = 0; u < e->in.n_units; u++) {
        json_t *state = NULL;
        YH_TRY(yh_engine_path(e, path, sizeof path, err, "unit-%06llu/state.json",
                              (unsigned long long)u));
        YH_TRY(yh_json_load(&state, path, 0, err));
        json_int_t n = json_integer_value(json_object_get(state, "segments"));
        json_decref(state);
        for (json_int_t i = 0; i < n; i++) {
            YH_TRY(yh_engine_path(e, path, sizeof path, err, "unit-%06llu/seg-%05llu.store",
                                  (unsigned long long)u, (unsigned long long)i));
            YH_TRY(yh_file_list_add(l, path, err));
        }
    }
    return YH_OK;
}

yh_status yh_engine_store(const yh_engine *e, yh_store **out, int stages, yh_err *err)
{
    char path[PATH_MAX];
    yh_file_list l = {0};
    *out = NULL;
    yh_status s = list_stores(e, &l, err);
    if (s == YH_OK)
        s = yh_store_open(out, (const char *const *)l.path, l.n, err);
    yh_file_list_fini(&l);
    for (int k = 0; k < stages && s == YH_OK; k++) {
        s = stage_path(e, path, e->recipe->scan_end + k, "dec", err);
        if (s == YH_OK)
            s = yh_store_apply(*out, path, err);
    }
    if (s != YH_OK) {
        yh_store_close(*out);
        *out = NULL;
    }
    return s;
}

static void on_progress(void *user, double fraction)
{
    yh_engine *e = user;
    e->fraction = fraction;
    yh_engine_progress(e, false);
}

/* What a stage may hold: the limit without what the process holds already (the program, the rules'
 * tables) and a quarter for what grows beside it (indices, blocks in hand), but at least a quarter
 * of it. The result does not depend on it. */
static uint64_t stage_memory(const yh_engine *e)
{
    uint64_t held = yh_mem_held() + e->memory / 4, least = e->memory / 4;
    return e->memory > held && e->memory - held > least ? e->memory - held : least;
}

static yh_status run_stage(yh_engine *e, int step, const char *work, json_t *stats, yh_err *err)
{
    char path[PATH_MAX];
    const yh_recipe_step *s = &e->recipe->step[step];
    yh_stage_run x = {.pool = e->pool,
                      .memory = stage_memory(e),
                      .work = work,
                      .stats = stats,
                      .progress = on_progress,
                      .user = e};
    YH_TRY(stage_path(e, path, step, "dec", err));
    YH_TRY(yh_engine_store(e, &x.store, step - e->recipe->scan_end, err));
    /* decisions are few beside documents: an eighth of the memory sorts them */
    yh_status st = yh_decisions_create(&x.out, x.memory / 8, work, e->pool, err);
    x.memory -= x.memory / 8;
    if (st == YH_OK)
        st = s->stage->run(s->params, &x, err);
    if (st == YH_OK)
        st = yh_decisions_commit(x.out, path, err);
    yh_decisions_free(x.out);
    yh_store_close(x.store);
    return st;
}

static yh_status one_stage(yh_engine *e, int step, yh_err *err)
{
    char work[PATH_MAX], path[PATH_MAX];
    double t0 = yh_now();
    json_t *stats = json_object(), *j;
    if (stats == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a stage");
    e->phase = e->recipe->step[step].name;
    e->fraction = 0.0;
    yh_status s = yh_engine_path(e, work, sizeof work, err, "work");
    if (s == YH_OK)
        s = yh_remove_tree(work, err);
    if (s == YH_OK)
        s = yh_mkdirs(work, err);
    if (s == YH_OK)
        s = run_stage(e, step, work, stats, err);
    if (s == YH_OK)
        s = yh_remove_tree(work, err);
    if (s == YH_OK)
        s = stage_path(e, path, step, "json", err);
    if (s != YH_OK) {
        json_decref(stats);
        return s;
    }
    j = json_pack("{s:s,s:i,s:f,s:O}", "rule", e->recipe->step[step].name, "step", step + 1,
                  "seconds", yh_now() - t0, "stats", stats);
    json_decref(stats);
    if (j == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a stage");
    s = yh_json_save(j, path, false, err);
    json_decref(j);
    return s;
}

yh_status yh_engine_stages(yh_engine *e, yh_err *err)
{
    for (int k = e->recipe->scan_end; k < e->recipe->stage_end; k++) {
        if (complete(e, k))
            continue;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        YH_TRY(one_stage(e, k, err));
    }
    return YH_OK;
}
