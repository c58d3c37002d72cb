/* OUT/checkpoint: config.json and model.safetensors (F32 masters), optimizer.safetensors,
 * trainer_state.json, which is written last and holds the checksums of the others.
 *
 * The new folder is written beside the old one as checkpoint.new and exchanged with it in one
 * system call; what is left over is removed. Where the file system cannot exchange, the old one is
 * moved to checkpoint.old first, and a start that finds no checkpoint takes it back. Only one
 * checkpoint is kept. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "formats/safetensors.h"
#include "train/trainer.h"

enum { STATE_VERSION = 1, STATE_LIMIT = 1 << 20, HASH_BUFFER = 1 << 20 };

static const char *const weight_files[] = {"model.safetensors", "optimizer.safetensors"};

/* ------------------------------------------------------------------ folders */

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems refuse it */
        close(fd);
    }
}

typedef struct paths {
    char *now, *fresh, *old;
} paths;

static yh_status paths_init(paths *p, const char *out, yh_err *err)
{
    p->now = yh_path_join(out, "checkpoint");
    p->fresh = yh_path_join(out, "checkpoint.new");
    p->old = yh_path_join(out, "checkpoint.old");
    if (p->now != NULL && p->fresh != NULL && p->old != NULL)
        return YH_OK;
    return yh_fail(err, YH_NOMEM, "%s: no memory", out);
}

static void paths_fini(paths *p)
{
    yh_free(p->now);
    yh_free(p->fresh);
    yh_free(p->old);
}

static bool complete(const char *dir)
{
    char *state = yh_path_join(dir, "trainer_state.json");
    bool yes = state != NULL && yh_is_file(state);
    yh_free(state);
    return yes;
}

bool yh_checkpoint_exists(const char *out)
{
    paths p = {NULL, NULL, NULL};
    bool yes = false;
    if (paths_init(&p, out, NULL) == YH_OK) {
        if (!yh_is_dir(p.now) && complete(p.old) && rename(p.old, p.now) == 0)
            sync_folder(out);
        yes = complete(p.now);
    }
    paths_fini(&p);
    return yes;
}

yh_status yh_checkpoint_discard(const char *out, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    yh_status s = paths_init(&p, out, err);
    if (s == YH_OK)
        s = yh_remove_tree(p.old, err);
    if (s == YH_OK)
        s = yh_remove_tree(p.fresh, err);
    if (s == YH_OK)
        s = yh_remove_tree(p.now, err);
    paths_fini(&p);
    return s;
}

static yh_status put_in_place(const paths *p, const char *out, yh_err *err)
{
    sync_folder(p->fresh);
    if (!yh_is_dir(p->now)) {
        if (rename(p->fresh, p->now) != 0)
            return yh_fail_errno(err, errno, "%s: cannot rename into place", p->fresh);
    } else if (renameat2(AT_FDCWD, p->fresh, AT_FDCWD, p->now, RENAME_EXCHANGE) != 0) {
        YH_TRY(yh_remove_tree(p->old, err));
        if (rename(p->now, p->old) != 0 || rename(p->fresh, p->now) != 0)
            return yh_fail_errno(err, errno, "%s: cannot rename into place", p->fresh);
    }
    sync_folder(out);
    YH_TRY(yh_remove_tree(p->fresh, err));
    return yh_remove_tree(p->old, err);
}

/* ------------------------------------------------------------------ writing */

static yh_status write_optim(const yh_trainer *t, const char *dir, yh_err *err)
{
    char *path = yh_path_join(dir, weight_files[1]);
    yh_st_writer *w = NULL;
    yh_status s = YH_OK;
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    YH_GOTO(s, yh_st_writer_create(&w, path, err), out);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < t->optim.n; i++) {
            const yh_optim_param *q = &t->optim.param[i];
            const float *moment[2] = {q->m, q->v};
            for (int k = 0; k < 2; k++) {
                char name[128];
                if (moment[k] == NULL)
                    continue;
                snprintf(name, sizeof name, "%s.%s", q->p->spec.name, k == 0 ? "m" : "v");
                if (pass == 0)
                    YH_GOTO(
                        s,
                        yh_st_writer_declare(w, name, YH_F32, q->p->spec.ndim, q->p->spec.dim, err),
                        out);
                else
                    YH_GOTO(s, yh_st_writer_data(w, moment[k], (size_t)q->n * sizeof(float), err),
                            out);
            }
        }
    s = yh_st_writer_commit_unsynced(w, err);
out:
    yh_st_writer_free(w);
    yh_free(path);
    return s;
}

/* XXH3 of each megabyte seeded with the hash of the one before: read through a buffer, since mapped
 * pages would count as memory of the process. */
static yh_status hash_open(int fd, const char *path, char *buffer, uint64_t *hash, yh_err *err)
{
    for (size_t used = 0;;) {
        ssize_t n = read(fd, buffer + used, HASH_BUFFER - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return yh_fail_errno(err, errno, "%s: cannot read", path);
        used += (size_t)n;
        if (n == 0 || used == HASH_BUFFER) {
            *hash = yh_hash64(buffer, used, *hash);
            used = 0;
        }
        if (n == 0)
            return YH_OK;
    }
}

/* sync: what was hashed is on disk afterwards. */
static yh_status hash_file(const char *dir, const char *name, bool sync, char out[17], yh_err *err)
{
    char *path = yh_path_join(dir, name), *buffer = yh_malloc(HASH_BUFFER);
    uint64_t hash = 0;
    yh_status s = YH_OK;
    if (path == NULL || buffer == NULL) {
        s = yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    } else {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        s = fd < 0 ? yh_fail_errno(err, errno, "%s: cannot open", path)
                   : hash_open(fd, path, buffer, &hash, err);
        if (s == YH_OK && sync && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
            s = yh_fail_errno(err, errno, "%s: cannot sync", path);
        if (fd >= 0)
            close(fd);
    }
    snprintf(out, 17, "%016llx", (unsigned long long)hash);
    yh_free(path);
    yh_free(buffer);
    return s;
}

static json_t *num_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *data_json(const yh_trainer *t)
{
    char hash[17], index[17];
    /* tokens.json holds the checksums of all shards */
    if (hash_file(t->o->data, "tokens.json", false, index, NULL) != YH_OK)
        index[0] = '\0';
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)yh_tokens_vocab_hash(t->tokens));
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "index_hash", index, "vocab_hash", hash,
                     "vocab", (json_int_t)yh_tokens_vocab(t->tokens), "train_docs",
                     (json_int_t)yh_tokens_docs(t->tokens, YH_TRAIN), "train_tokens",
                     (json_int_t)yh_tokens_total(t->tokens, YH_TRAIN), "train_bytes",
                     (json_int_t)yh_tokens_bytes(t->tokens, YH_TRAIN), "heldout_tokens",
                     (json_int_t)yh_tokens_total(t->tokens, YH_HELDOUT));
}

/* All but the checksums. */
static json_t *state_json(const yh_trainer *t)
{
    const yh_train_state *s = &t->state;
    json_t *j = json_pack(
        "{s:i, s:s, s:I, s:I, s:f, s:o, s:I, s:o, s:i, s:o, s:b, s:s, s:I, s:o, s:o, "
        "s:{s:f, s:f, s:I, s:I}}",
        "version", (int)STATE_VERSION, "yh", YH_VERSION, "step", (json_int_t)s->step, "tokens",
        (json_int_t)(s->step * t->plan.batch_tokens), "elapsed", s->elapsed, "best_bits_per_byte",
        num_or_null(s->best_bpb), "best_step", (json_int_t)s->best_step, "heldout_bits_per_byte",
        num_or_null(s->last_bpb), "bad_evals", (int)s->bad_evals, "loss", num_or_null(s->loss),
        "finished", (int)s->finished, "why", s->why, "metrics_bytes", (json_int_t)s->metrics_bytes,
        "data", data_json(t), "plan", yh_plan_to_json(&t->plan), "measured", "tokens_per_second",
        s->rate, "peak_fraction", s->peak_fraction, "memory_predicted",
        (json_int_t)s->memory_predicted, "memory_peak", (json_int_t)s->memory_peak);
    return j;
}

/* What the next step will change, into memory of the system; yh_checkpoint_save's first half. */
static yh_status write_weights(yh_trainer *t, const char *dir, yh_err *err)
{
    YH_TRY(yh_mkdirs(dir, err));
    YH_TRY(yh_model_save(t->model, dir, YH_F32, false, err));
    return write_optim(t, dir, err);
}

static yh_status write_state(json_t *state, const char *dir, yh_err *err)
{
    char sums[2][17];
    for (int i = 0; i < 2; i++)
        YH_TRY(hash_file(dir, weight_files[i], true, sums[i], err));
    json_t *j = json_pack("{s:s, s:s}", weight_files[0], sums[0], weight_files[1], sums[1]);
    char *path = yh_path_join(dir, "trainer_state.json");
    yh_status s = path == NULL || json_object_set_new(state, "checksums", j) != 0
                      ? yh_fail(err, YH_NOMEM, "%s: no memory", dir)
                      : yh_json_save(state, path, true, err);
    yh_free(path);
    return s;
}

static void drop_unfinished(const char *fresh)
{
    if (yh_remove_tree(fresh, NULL) != YH_OK)
        yh_log(YH_LOG_WARN, "%s: an unfinished checkpoint could not be removed", fresh);
}

static yh_status finish_checkpoint(yh_trainer *t, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    yh_status s = yh_metrics_sync(&t->metrics, err);
    if (s == YH_OK)
        s = paths_init(&p, t->o->out, err);
    if (s == YH_OK) {
        s = write_state(t->saving.state, p.fresh, err);
        if (s == YH_OK)
            s = put_in_place(&p, t->o->out, err);
        else
            drop_unfinished(p.fresh);
    }
    paths_fini(&p);
    return s;
}

/* The second half, beside the next steps: checksums, the disk, the exchange. */
static void finish_save(void *arg)
{
    yh_trainer *t = arg;
    yh_saving *v = &t->saving;
    v->err = (yh_err)YH_ERR_INIT;
    v->status = YH_OK;
    if (v->best != NULL)
        v->status = yh_model_save_end(t->model, t->o->out, t->plan.type, v->best, true, &v->err);
    v->best = NULL;
    /* a checkpoint may not tell of a best model that is not there */
    if (v->status == YH_OK && v->state != NULL)
        v->status = finish_checkpoint(t, &v->err);
    json_decref(v->state);
    v->state = NULL;
}

void yh_saving_start(yh_trainer *t)
{
    if (t->saving.pending)
        yh_task_start(&t->saving.task, finish_save, t);
    t->saving.pending = false;
}

/* For what was started. */
static yh_status wait_started(yh_trainer *t, yh_err *err)
{
    yh_saving *v = &t->saving;
    yh_task_wait(&v->task);
    if (v->status == YH_OK)
        return YH_OK;
    yh_status s = v->status;
    v->status = YH_OK;
    return yh_fail(err, s, "%s", v->err.msg);
}

yh_status yh_saving_wait(yh_trainer *t, yh_err *err)
{
    YH_TRY(wait_started(t, err));
    yh_saving_start(t);
    return wait_started(t, err);
}

void yh_saving_close(yh_trainer *t)
{
    yh_task_wait(&t->saving.task);
    yh_st_writer_free(t->saving.best);
    json_decref(t->saving.state);
    t->saving.best = NULL;
    t->saving.state = NULL;
}

yh_status yh_best_save(yh_trainer *t, yh_err *err)
{
    YH_TRY(yh_saving_wait(t, err));
    YH_TRY(yh_model_save_begin(t->model, t->o->out, t->plan.type, &t->saving.best, err));
    t->saving.pending = true;
    return YH_OK;
}

yh_status yh_checkpoint_save(yh_trainer *t, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    double begin = yh_now();
    YH_TRY(wait_started(t, err));
    yh_status s;
    t->state.metrics_bytes = t->metrics.bytes;
    yh_trainer_measure(t);
    YH_GOTO(s, paths_init(&p, t->o->out, err), out);
    YH_GOTO(s, yh_remove_tree(p.fresh, err), out);
    s = write_weights(t, p.fresh, err);
    if (s == YH_OK && (t->saving.state = state_json(t)) == NULL)
        s = yh_fail(err, YH_NOMEM, "%s: no memory", p.fresh);
    if (s == YH_OK)
        t->saving.pending = true;
    else
        drop_unfinished(p.fresh);
out:
    paths_fini(&p);
    t->last_save = yh_now();
    t->save_seconds = t->last_save - begin;
    return s;
}

/* ------------------------------------------------------------------ reading */

static yh_status compare_data(const yh_trainer *t, const json_t *saved, const char *path,
                              yh_err *err)
{
    json_t *now = data_json(t);
    if (now == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    yh_status s = YH_OK;
    const char *key;
    json_t *v;
    json_object_foreach(now, key, v)
    {
        if (json_equal(v, json_object_get(saved, key)))
            continue;
        s = yh_fail(err, YH_MISMATCH,
                    "%s: the unfinished run was trained on other data (%s differs from %s); give "
                    "the same tokens, or another folder, or start anew with --fresh",
                    t->o->out, key, t->o->data);
        break;
    }
    json_decref(now);
    return s;
}

static yh_status read_numbers(yh_train_state *s, const json_t *j, const char *path, yh_err *err)
{
    int64_t v = 0;
    const char *why;
    YH_TRY(yh_json_int(j, "version", STATE_VERSION, STATE_VERSION, false, 0, path, &v, err));
    YH_TRY(yh_json_int(j, "step", 0, INT64_MAX, false, 0, path, &v, err));
    s->step = (uint64_t)v;
    YH_TRY(yh_json_int(j, "best_step", 0, INT64_MAX, false, 0, path, &v, err));
    s->best_step = (uint64_t)v;
    YH_TRY(yh_json_int(j, "bad_evals", 0, INT32_MAX, false, 0, path, &v, err));
    s->bad_evals = (uint32_t)v;
    YH_TRY(yh_json_int(j, "metrics_bytes", 0, INT64_MAX, false, 0, path, &v, err));
    s->metrics_bytes = (uint64_t)v;
    YH_TRY(yh_json_num(j, "elapsed", 0, 1e12, false, 0, path, &s->elapsed, err));
    YH_TRY(yh_json_bool(j, "finished", false, false, path, &s->finished, err));
    YH_TRY(yh_json_str(j, "why", false, path, &why, err));
    snprintf(s->why, sizeof s->why, "%s", why);
    const json_t *seen = json_object_get(j, "measured");
    s->rate = json_number_value(json_object_get(seen, "tokens_per_second"));
    s->peak_fraction = json_number_value(json_object_get(seen, "peak_fraction"));
    s->memory_predicted = (uint64_t)json_integer_value(json_object_get(seen, "memory_predicted"));
    s->memory_peak = (uint64_t)json_integer_value(json_object_get(seen, "memory_peak"));
    const json_t *best = json_object_get(j, "best_bits_per_byte");
    const json_t *last = json_object_get(j, "heldout_bits_per_byte");
    const json_t *loss = json_object_get(j, "loss");
    s->best_bpb = json_is_number(best) ? json_number_value(best) : (double)NAN;
    s->last_bpb = json_is_number(last) ? json_number_value(last) : (double)NAN;
    s->loss = json_is_number(loss) ? json_number_value(loss) : (double)NAN;
    return YH_OK;
}

static yh_status check_sums(const char *dir, const json_t *j, yh_err *err)
{
    for (int i = 0; i < 2; i++) {
        char sum[17];
        const char *want =
            json_string_value(json_object_get(json_object_get(j, "checksums"), weight_files[i]));
        YH_TRY(hash_file(dir, weight_files[i], false, sum, err));
        if (want == NULL || strcmp(want, sum) != 0)
            return yh_fail(err, YH_CORRUPT,
                           "%s/%s: the checksum is not the one in trainer_state.json: the file "
                           "was damaged or changed; start anew with --fresh",
                           dir, weight_files[i]);
    }
    return YH_OK;
}

yh_status yh_checkpoint_read_state(yh_trainer *t, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    json_t *j = NULL;
    char *path = NULL;
    yh_status s;
    YH_GOTO(s, paths_init(&p, t->o->out, err), out);
    path = yh_path_join(p.now, "trainer_state.json");
    if (path == NULL) {
        s = yh_fail(err, YH_NOMEM, "%s: no memory", p.now);
        goto out;
    }
    YH_GOTO(s, yh_json_load(&j, path, STATE_LIMIT, err), out);
    YH_GOTO(s, read_numbers(&t->state, j, path, err), out);
    YH_GOTO(s, yh_plan_from_json(&t->plan, json_object_get(j, "plan"), path, err), out);
    YH_GOTO(s, compare_data(t, json_object_get(j, "data"), path, err), out);
    if (!t->state.finished)
        s = check_sums(p.now, j, err);
out:
    json_decref(j);
    yh_free(path);
    paths_fini(&p);
    return s;
}

yh_status yh_checkpoint_load_model(yh_trainer *t, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    yh_status s = paths_init(&p, t->o->out, err);
    if (s == YH_OK)
        s = yh_model_load(&t->model, p.now,
                          t->plan.type == YH_BF16 ? YH_PRECISION_BF16 : YH_PRECISION_F32, true,
                          err);
    if (s == YH_OK)
        t->plan.cfg = t->model->cfg;
    paths_fini(&p);
    return s;
}

yh_status yh_checkpoint_load_optim(yh_trainer *t, yh_err *err)
{
    paths p = {NULL, NULL, NULL};
    yh_safetensors *st = NULL;
    char *path = NULL;
    yh_status s;
    YH_GOTO(s, paths_init(&p, t->o->out, err), out);
    path = yh_path_join(p.now, weight_files[1]);
    if (path == NULL) {
        s = yh_fail(err, YH_NOMEM, "%s: no memory", p.now);
        goto out;
    }
    YH_GOTO(s, yh_safetensors_open(&st, path, err), out);
    for (int i = 0; i < t->optim.n; i++) {
        const yh_optim_param *q = &t->optim.param[i];
        float *moment[2] = {q->m, q->v};
        for (int k = 0; k < 2; k++) {
            char name[128];
            const void *data;
            if (moment[k] == NULL)
                continue;
            snprintf(name, sizeof name, "%s.%s", q->p->spec.name, k == 0 ? "m" : "v");
            YH_GOTO(
                s,
                yh_safetensors_need(st, name, YH_F32, q->p->spec.ndim, q->p->spec.dim, &data, err),
                out);
            memcpy(moment[k], data, (size_t)q->n * sizeof(float));
        }
    }
out:
    yh_safetensors_close(st);
    yh_free(path);
    paths_fini(&p);
    return s;
}
