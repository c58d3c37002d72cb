/* The loop: micro-batches, update, evaluation, saving, stopping. */
#include <math.h>
#include <stdio.h>

#include "base/cpu.h"
#include "train/trainer.h"

enum {
    PATIENCE = 3 /* evaluations without improvement before the decay begins, or the run ends */
};
static const double EARLY_DECAY = 0.25; /* an early decay's length, of what was done so far */

double yh_trainer_elapsed(const yh_trainer *t)
{
    return t->sitting > 0 ? t->elapsed_before + (yh_now() - t->sitting) : t->state.elapsed;
}

double yh_trainer_fraction(const yh_trainer *t, double elapsed)
{
    const yh_train_plan *p = &t->plan;
    if (p->steps > 0)
        return (double)t->state.step / (double)p->steps;
    double x = elapsed / (60.0 * p->minutes), y = (double)t->state.step / (double)p->max_steps;
    return x > y ? x : y;
}

/* ------------------------------------------------------------------ telling */

static void tell(const yh_trainer *t, const char *event, double lr, double norm, const char *text)
{
    const yh_train_plan *p = &t->plan;
    const yh_train_state *s = &t->state;
    if (t->o->progress == NULL)
        return;
    double elapsed = yh_trainer_elapsed(t), x = yh_trainer_fraction(t, elapsed);
    double end =
        p->schedule.early_from >= 0 ? p->schedule.early_from + p->schedule.early_length : 1.0;
    end = end > 1.0 ? 1.0 : end;
    yh_train_progress e = {.event = event,
                           .step = s->step,
                           .steps = p->steps,
                           .tokens = s->step * p->batch_tokens,
                           .loss = s->loss,
                           .bits_per_byte = s->last_bpb,
                           .lr = lr,
                           .grad_norm = norm,
                           .seconds = elapsed,
                           .memory_predicted = t->memory.total,
                           .memory_peak = yh_mem_peak_rss(),
                           .text = text};
    if (t->step_seconds > 0) {
        e.tokens_per_second = (double)p->batch_tokens / t->step_seconds;
        if (t->peak > 0)
            e.peak_fraction =
                e.tokens_per_second * yh_model_flops_per_token(&p->cfg, p->context) / t->peak;
    }
    if (p->steps > 0)
        e.seconds_left = (end - x) * (double)p->steps * t->step_seconds;
    else
        e.seconds_left = (end - x) * 60.0 * p->minutes;
    e.seconds_left = e.seconds_left > 0 ? e.seconds_left : 0;
    t->o->progress(t->o->user, &e);
}

static json_t *num_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static yh_status note_plan(yh_trainer *t, yh_err *err)
{
    char *text = yh_plan_text(&t->plan, &t->facts, t->memory.total, t->recompute, t->pack);
    tell(t, "plan", 0, 0, text);
    const yh_train_memory *m = &t->memory;
    json_t *parts = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "weights",
                              (json_int_t)m->weights, "shadow", (json_int_t)m->shadow, "packed",
                              (json_int_t)m->packed, "gradients", (json_int_t)m->grads, "optimizer",
                              (json_int_t)m->state, "scratch", (json_int_t)m->scratch, "graph",
                              (json_int_t)m->graph, "eval_graph", (json_int_t)m->eval_graph,
                              "loader", (json_int_t)m->loader, "data", (json_int_t)m->data,
                              "process", (json_int_t)m->process);
    json_t *j =
        json_pack("{s:s, s:I, s:o, s:s?, s:I, s:I, s:o, s:i, s:b, s:f, s:f}", "event",
                  t->resumed ? "resume" : "plan", "step", (json_int_t)t->state.step, "plan",
                  yh_plan_to_json(&t->plan), "text", text, "weights",
                  (json_int_t)yh_model_param_total(&t->plan.cfg), "memory_predicted",
                  (json_int_t)m->total, "memory_parts", parts, "recompute", t->recompute,
                  "pack_weights", (int)t->pack, "flops_per_token",
                  yh_model_flops_per_token(&t->plan.cfg, t->plan.context), "peak_flops", t->peak);
    yh_free(text);
    return yh_metrics_add(&t->metrics, j, err);
}

typedef struct step_cost {
    double seconds, cpu, data; /* of the step by the clock; processor time; waiting for tokens */
} step_cost;

static yh_status note_step(yh_trainer *t, double lr, double muon_lr, double norm, double x,
                           const step_cost *c, yh_err *err)
{
    const yh_train_state *s = &t->state;
    json_t *j = json_pack(
        "{s:I, s:I, s:o, s:f, s:f, s:o, s:f, s:f, s:f, s:f, s:f}", "step", (json_int_t)s->step,
        "tokens", (json_int_t)(s->step * t->plan.batch_tokens), "loss", num_or_null(s->loss), "lr",
        lr, "muon_lr", muon_lr, "grad_norm", num_or_null(norm), "tokens_per_second",
        (double)t->plan.batch_tokens / c->seconds, "cpu_seconds", c->cpu, "data_seconds", c->data,
        "seconds", yh_trainer_elapsed(t), "fraction", x);
    YH_TRY(yh_metrics_add(&t->metrics, j, err));
    tell(t, "step", lr, norm, NULL);
    return YH_OK;
}

/* ------------------------------------------------------------------ one step */

static void fill_rows(void *arg)
{
    yh_ahead *a = arg;
    const yh_train_plan *p = &a->t->plan;
    int64_t n = a->t->build.rows;
    a->err = (yh_err)YH_ERR_INIT;
    a->status = YH_OK;
    for (uint32_t r = 0; r < p->micro_batch && a->status == YH_OK; r++) {
        int32_t *at = a->rows + (size_t)r * p->context;
        a->status = yh_loader_row(a->t->loader, a->sample + r, (int32_t)(r * p->context), at,
                                  at + n, at + 2 * n, at + 3 * n, &a->err);
    }
}

/* Binds the rows of a micro-batch, which were read while the one before was computed, and has the
 * next one read. */
static yh_status take_rows(yh_trainer *t, uint64_t batch, yh_err *err)
{
    yh_ahead *a = &t->ahead;
    int64_t n = t->build.rows;
    uint64_t sample = batch * t->plan.micro_batch;
    yh_task_wait(&a->task);
    if (!a->asked || a->sample != sample) {
        *a = (yh_ahead){.t = t, .rows = t->rows + 4 * n * (int64_t)(batch % 2), .sample = sample};
        fill_rows(a);
    }
    if (a->status != YH_OK)
        return yh_fail(err, a->status, "%s", a->err.msg);
    yh_trainer_bind_rows(t, (int)(batch % 2));
    if (t->release_data)
        yh_tokens_release(t->tokens);
    a->rows = t->rows + 4 * n * (int64_t)((batch + 1) % 2);
    a->sample = sample + t->plan.micro_batch;
    a->asked = true;
    yh_task_start(&a->task, fill_rows, a);
    return YH_OK;
}

/* *stopped: asked to stop before the step was complete; weights are as they were. */
static yh_status run_step(yh_trainer *t, bool *stopped, yh_err *err)
{
    yh_train_plan *p = &t->plan;
    double begin = yh_now(), x = yh_trainer_fraction(t, yh_trainer_elapsed(t)), norm = 0, loss = 0;
    step_cost cost = {.cpu = -yh_cpu_seconds()};
    *stopped = false;
    yh_graph_clear_grads(t->graph);
    for (uint32_t i = 0; i < p->micro_batches; i++) {
        if (yh_stop_requested()) {
            *stopped = true;
            return YH_OK;
        }
        uint64_t batch = t->state.step * p->micro_batches + i;
        double asked = yh_now();
        YH_TRY(take_rows(t, batch, err));
        cost.data += yh_now() - asked;
        YH_TRY(yh_graph_run(t->graph, t->pool, err));
        loss += (double)*(const float *)t->build.loss->data;
    }
    double took = t->step_seconds > 0 ? t->step_seconds : yh_now() - begin;
    double dx = p->steps > 0 ? 1.0 / (double)p->steps : took / (60.0 * p->minutes);
    double factor = yh_schedule_factor(&p->schedule, x, dx);
    YH_TRY(yh_optim_step(&t->optim, t->state.step + 1, p->lr * factor, p->muon_lr * factor, t->pool,
                         &norm, err));
    t->state.step++;
    t->state.loss = loss;
    cost.seconds = yh_now() - begin;
    cost.cpu += yh_cpu_seconds();
    t->all_step_seconds += cost.seconds;
    t->sitting_steps++;
    t->step_seconds =
        t->step_seconds > 0 ? 0.9 * t->step_seconds + 0.1 * cost.seconds : cost.seconds;
    return note_step(t, p->lr * factor, p->muon_lr * factor, norm, x, &cost, err);
}

/* ------------------------------------------------------------------ held-out text */

static bool keeps_best(const yh_trainer *t)
{
    return t->plan.keep_best && t->heldout.runs > 0;
}

static yh_status save_model(const yh_trainer *t, yh_err *err)
{
    return yh_model_save(t->model, t->o->out, t->plan.type, true, err);
}

/* When held-out text stops getting better: the learning rate decays; when it is (or was) decaying
 * already, or the schedule knows no decay of its own, the run ends. */
static void judge(yh_trainer *t, double x)
{
    yh_train_state *s = &t->state;
    yh_schedule_rule *r = &t->plan.schedule;
    if (!keeps_best(t) || s->bad_evals < PATIENCE || x <= r->warmup)
        return;
    bool decaying = r->kind != YH_SCHED_WSD || r->early_from >= 0 || x > 1.0 - r->decay;
    if (!decaying) {
        r->early_from = x;
        r->early_length = EARLY_DECAY * x;
        s->bad_evals = 0;
        return;
    }
    if (s->bad_evals > PATIENCE)
        snprintf(s->why, sizeof s->why, "held-out text stopped getting better after step %llu",
                 (unsigned long long)s->best_step);
}

static yh_status look(yh_trainer *t, yh_err *err)
{
    yh_train_state *s = &t->state;
    double bpb = 0, loss = 0, x = yh_trainer_fraction(t, yh_trainer_elapsed(t));
    if (t->heldout.runs == 0)
        return YH_OK;
    double begin = yh_now();
    YH_TRY(yh_trainer_evaluate(t, &bpb, &loss, err));
    double took = yh_now() - begin;
    s->last_bpb = bpb;
    bool better = isfinite(bpb) && !(bpb >= s->best_bpb);
    if (better) {
        s->best_bpb = bpb;
        s->best_step = s->step;
        s->bad_evals = 0;
        if (keeps_best(t))
            YH_TRY(yh_best_save(t, err));
    } else {
        s->bad_evals++;
    }
    json_t *j =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:b, s:f, s:f}", "event", "eval", "step",
                  (json_int_t)s->step, "tokens", (json_int_t)(s->step * t->plan.batch_tokens),
                  "heldout_loss", num_or_null(loss), "bits_per_byte", num_or_null(bpb), "best",
                  (int)better, "eval_seconds", took, "seconds", yh_trainer_elapsed(t));
    YH_TRY(yh_metrics_add(&t->metrics, j, err));
    tell(t, "eval", 0, 0, NULL);
    judge(t, x);
    return YH_OK;
}

static yh_status take_sample(yh_trainer *t, yh_err *err)
{
    const char *text =
        t->o->sample != NULL ? t->o->sample(t->o->user, t->model, t->state.step) : NULL;
    if (text == NULL)
        return YH_OK;
    json_t *j = json_pack("{s:s, s:I, s:s%}", "event", "sample", "step", (json_int_t)t->state.step,
                          "text", text, strlen(text));
    if (j != NULL) /* a sample that is no valid UTF-8 is told, not kept */
        YH_TRY(yh_metrics_add(&t->metrics, j, err));
    tell(t, "sample", 0, 0, text);
    return YH_OK;
}

/* ------------------------------------------------------------------ saving and ending */

/* About once a minute, more often in short runs, never for more than a twentieth of the time. */
static bool save_due(const yh_trainer *t)
{
    const yh_train_plan *p = &t->plan;
    if (p->save_every > 0)
        return t->state.step % p->save_every == 0;
    double wait = p->minutes > 0 ? 6.0 * p->minutes : 60.0;
    wait = wait > 60.0 ? 60.0 : wait < 5.0 ? 5.0 : wait;
    wait = wait < 20.0 * t->save_seconds ? 20.0 * t->save_seconds : wait;
    return yh_now() - t->last_save >= wait;
}

static yh_status save(yh_trainer *t, yh_err *err)
{
    YH_TRY(yh_checkpoint_save(t, err));
    json_t *j = json_pack("{s:s, s:I, s:f}", "event", "save", "step", (json_int_t)t->state.step,
                          "save_seconds", t->save_seconds);
    YH_TRY(yh_metrics_add(&t->metrics, j, err));
    tell(t, "save", 0, 0, NULL);
    return YH_OK;
}

static bool done(yh_trainer *t)
{
    yh_train_state *s = &t->state;
    const yh_schedule_rule *r = &t->plan.schedule;
    double x = yh_trainer_fraction(t, yh_trainer_elapsed(t));
    if (s->why[0] != '\0')
        return true;
    if (r->early_from >= 0 && x >= r->early_from + r->early_length)
        snprintf(s->why, sizeof s->why,
                 "held-out text stopped getting better, the learning rate was brought down");
    else if (x >= 1.0 && t->plan.steps > 0)
        snprintf(s->why, sizeof s->why, "all %llu steps are done",
                 (unsigned long long)t->plan.steps);
    else if (x >= 1.0 && s->step >= t->plan.max_steps)
        snprintf(s->why, sizeof s->why, "the text was passed over often enough");
    else if (x >= 1.0)
        snprintf(s->why, sizeof s->why, "the time is up");
    return s->why[0] != '\0';
}

static yh_status stop_now(yh_trainer *t, yh_err *err)
{
    if (t->state.step > 0) {
        YH_TRY(save(t, err));
        YH_TRY(yh_saving_wait(t, err));
    }
    if (!keeps_best(t) || isnan(t->state.best_bpb))
        YH_TRY(save_model(t, err));
    return yh_fail(err, YH_STOPPED, "%s: stopped after step %llu; the same command goes on from it",
                   t->o->out, (unsigned long long)t->state.step);
}

static yh_status finish(yh_trainer *t, yh_err *err)
{
    t->state.finished = true;
    if (!keeps_best(t) || isnan(t->state.best_bpb))
        YH_TRY(save_model(t, err));
    YH_TRY(save(t, err));
    YH_TRY(yh_saving_wait(t, err));
    tell(t, "done", 0, 0, t->state.why);
    return YH_OK;
}

static yh_status loop(yh_trainer *t, yh_err *err)
{
    const yh_train_plan *p = &t->plan;
    t->elapsed_before = t->state.elapsed;
    t->sitting = t->last_save = yh_now();
    YH_TRY(note_plan(t, err));
    while (!done(t)) {
        bool stopped = false;
        YH_TRY(run_step(t, &stopped, err));
        if (stopped)
            return stop_now(t, err);
        bool last = done(t);
        if (last || t->state.step % p->eval_every == 0)
            YH_TRY(look(t, err));
        if (last || t->state.step % p->sample_every == 0)
            YH_TRY(take_sample(t, err));
        if (!last && save_due(t))
            YH_TRY(save(t, err));
        yh_saving_start(t);
    }
    return finish(t, err);
}

yh_status yh_train_run(const yh_train_options *o, yh_pool *pool, yh_train_result *r, yh_err *err)
{
    yh_trainer t;
    *r = (yh_train_result){.loss = (double)NAN,
                           .best_bits_per_byte = (double)NAN,
                           .heldout_bits_per_byte = (double)NAN};
    YH_TRY(yh_trainer_open(&t, o, pool, err));
    yh_status s = t.state.finished ? YH_OK : loop(&t, err);
    if (!t.state.finished || t.sitting > 0)
        yh_trainer_measure(&t);
    yh_trainer_result(&t, r);
    yh_trainer_close(&t);
    return s;
}
