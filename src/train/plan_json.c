#include "train/plan.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"

/* One table reads, writes and compares: X(kind, field, option's name). Sums of integers are exact
 * in JSON, doubles are written with 17 digits. */
#define PLAN_INTS(X)                                                                               \
    X(seed, "seed")                                                                                \
    X(context, "context")                                                                          \
    X(micro_batch, "micro-batch")                                                                  \
    X(micro_batches, "micro_batches")                                                              \
    X(batch_tokens, "batch-tokens")                                                                \
    X(steps, "steps")                                                                              \
    X(max_steps, "max_steps")                                                                      \
    X(eval_every, "eval-every")                                                                    \
    X(sample_every, "sample-every")                                                                \
    X(save_every, "save-every")                                                                    \
    X(eval_tokens, "eval-tokens")
#define PLAN_NUMS(X)                                                                               \
    X(minutes, "minutes")                                                                          \
    X(lr, "lr")                                                                                    \
    X(muon_lr, "muon-lr")                                                                          \
    X(optim.beta1, "beta1")                                                                        \
    X(optim.beta2, "beta2")                                                                        \
    X(optim.eps, "eps")                                                                            \
    X(optim.momentum, "momentum")                                                                  \
    X(optim.weight_decay, "weight-decay")                                                          \
    X(optim.clip, "clip")                                                                          \
    X(schedule.warmup, "warmup")                                                                   \
    X(schedule.decay, "decay")                                                                     \
    X(schedule.min_ratio, "min-lr")                                                                \
    X(schedule.early_from, "early_from")                                                           \
    X(schedule.early_length, "early_length")

static const char *const optimizers[] = {"muon", "adamw", NULL};
static const char *const schedules[] = {"wsd", "cosine", "constant", NULL};
static const char *const orders[] = {"shuffle", "stream", "random", NULL};
static const char *const precisions[] = {"f32", "bf16", NULL};

json_t *yh_plan_to_json(const yh_train_plan *p)
{
    json_t *j = json_object();
    int bad = 0;
#define PUT(field, name) bad |= json_object_set_new(j, name, json_integer((json_int_t)p->field));
    PLAN_INTS(PUT)
#undef PUT
#define PUT(field, name) bad |= json_object_set_new(j, name, json_real(p->field));
    PLAN_NUMS(PUT)
#undef PUT
    bad |= json_object_set_new(j, "optimizer", json_string(optimizers[p->optim.kind]));
    bad |= json_object_set_new(j, "schedule", json_string(schedules[p->schedule.kind]));
    bad |= json_object_set_new(j, "order", json_string(orders[p->order]));
    bad |= json_object_set_new(j, "precision", json_string(precisions[p->type == YH_BF16]));
    bad |= json_object_set_new(j, "across-documents", json_boolean(p->across_documents));
    bad |= json_object_set_new(j, "keep-best", json_boolean(p->keep_best));
    if (bad != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static yh_status read_int(const json_t *j, const char *name, const char *path, uint64_t max,
                          uint64_t *out, yh_err *err)
{
    const json_t *v = json_object_get(j, name);
    /* a seed uses all 64 bits, written as a signed number */
    if (!json_is_integer(v) || (uint64_t)json_integer_value(v) > max)
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" is missing or out of range", path, name);
    *out = (uint64_t)json_integer_value(v);
    return YH_OK;
}

static yh_status read_name(const json_t *j, const char *name, const char *path,
                           const char *const *names, int *out, yh_err *err)
{
    const char *v = json_string_value(json_object_get(j, name));
    for (int i = 0; v != NULL && names[i] != NULL; i++)
        if (strcmp(v, names[i]) == 0) {
            *out = i;
            return YH_OK;
        }
    return yh_fail(err, YH_CORRUPT, "%s: \"%s\" is missing or unknown", path, name);
}

yh_status yh_plan_from_json(yh_train_plan *p, const json_t *j, const char *path, yh_err *err)
{
    int v = 0;
    if (!json_is_object(j))
        return yh_fail(err, YH_CORRUPT, "%s: \"plan\" is missing", path);
#define GET(field, name)                                                                           \
    do {                                                                                           \
        uint64_t u = 0;                                                                            \
        uint64_t max = sizeof p->field == 8 ? UINT64_MAX : UINT32_MAX;                             \
        YH_TRY(read_int(j, name, path, max, &u, err));                                             \
        memcpy(&p->field, &u, sizeof p->field); /* little-endian */                                \
    } while (0);
    PLAN_INTS(GET)
#undef GET
#define GET(field, name)                                                                           \
    YH_TRY(yh_json_num(j, name, -1e300, 1e300, false, 0, path, &p->field, err));
    PLAN_NUMS(GET)
#undef GET
    YH_TRY(read_name(j, "optimizer", path, optimizers, &v, err));
    p->optim.kind = (yh_optimizer)v;
    YH_TRY(read_name(j, "schedule", path, schedules, &v, err));
    p->schedule.kind = (yh_schedule)v;
    YH_TRY(read_name(j, "order", path, orders, &v, err));
    p->order = (yh_order)v;
    YH_TRY(read_name(j, "precision", path, precisions, &v, err));
    p->type = v == 1 ? YH_BF16 : YH_F32;
    YH_TRY(yh_json_bool(j, "across-documents", false, false, path, &p->across_documents, err));
    YH_TRY(yh_json_bool(j, "keep-best", false, false, path, &p->keep_best, err));
    if (p->context < 2 || p->context > 1u << 20 || p->micro_batch == 0 || p->micro_batches == 0 ||
        (uint64_t)p->micro_batch * p->context > (uint64_t)1 << 26 ||
        p->batch_tokens != (uint64_t)p->context * p->micro_batch * p->micro_batches ||
        p->eval_every == 0 || p->sample_every == 0 || (p->steps == 0 && !(p->minutes > 0)))
        return yh_fail(err, YH_CORRUPT, "%s: the plan's numbers do not fit together", path);
    return YH_OK;
}

/* ------------------------------------------------------------------ comparing */

typedef struct differ {
    yh_buf text;
    int n;
} differ;

static void differs(differ *d, const char *name, double old, double now)
{
    d->n++;
    if (yh_buf_addf(&d->text, NULL, "%s%s (%.10g, now %.10g)", d->n > 1 ? ", " : "", name, old,
                    now) != YH_OK)
        return; /* the message gets shorter */
}

static void differs_text(differ *d, const char *name, const char *old, const char *now)
{
    d->n++;
    if (yh_buf_addf(&d->text, NULL, "%s%s (%s, now %s)", d->n > 1 ? ", " : "", name, old, now) !=
        YH_OK)
        return;
}

static void compare_num(differ *d, const char *name, bool given, double old, double now)
{
    if (given && fabs(old - now) > 1e-12 * fabs(old))
        differs(d, name, old, now);
}

static void compare_budget(differ *d, const yh_train_plan *p, const yh_train_options *o)
{
    compare_num(d, "minutes", o->minutes > 0, p->minutes, o->minutes);
    compare_num(d, "steps", o->steps > 0, (double)p->steps, (double)o->steps);
    if (o->tokens > 0) {
        uint64_t steps = (o->tokens + p->batch_tokens - 1) / p->batch_tokens;
        compare_num(d, "tokens", steps != p->steps, (double)(p->steps * p->batch_tokens),
                    (double)o->tokens);
    }
}

static void compare_rates(differ *d, const yh_train_plan *p, const yh_train_options *o)
{
    compare_num(d, "lr", o->lr_set, p->lr, o->lr);
    compare_num(d, "muon-lr", o->muon_lr_set, p->muon_lr, o->muon_lr);
    compare_num(d, "weight-decay", o->wd_set, p->optim.weight_decay, o->weight_decay);
    compare_num(d, "clip", o->clip_set, p->optim.clip, o->clip);
    compare_num(d, "beta1", o->beta1 > 0, p->optim.beta1, o->beta1);
    compare_num(d, "beta2", o->beta2_set, p->optim.beta2, o->beta2);
    compare_num(d, "eps", o->eps > 0, p->optim.eps, o->eps);
    compare_num(d, "warmup", o->warmup_set, p->schedule.warmup, o->warmup_ratio);
    compare_num(d, "decay", o->decay_set, p->schedule.decay, o->decay_ratio);
    compare_num(d, "min-lr", o->min_lr_set, p->schedule.min_ratio, o->min_lr_ratio);
    if (o->optimizer_set && o->optimizer != p->optim.kind)
        differs_text(d, "optimizer", optimizers[p->optim.kind], optimizers[o->optimizer]);
    if (o->schedule_set && o->schedule != p->schedule.kind)
        differs_text(d, "schedule", schedules[p->schedule.kind], schedules[o->schedule]);
}

static void compare_model(differ *d, const yh_train_plan *p, const yh_train_options *o)
{
    int depth = o->model == NULL ? o->depth : 0, used = 0;
    if (p->cfg.layers == 0) /* a finished run: its configuration was not read */
        return;
    if (o->model != NULL && (sscanf(o->model, "d%3d%n", &depth, &used) != 1 ||
                             o->model[used] != '\0' || strchr(o->model, '/') != NULL))
        depth = 0;
    if (depth > 0)
        compare_num(d, "depth", true, p->cfg.layers, depth);
    if (o->model != NULL && strcmp(o->model, "gpt2") == 0 &&
        (strcmp(p->cfg.family, "gpt2") != 0 || p->cfg.width != 768))
        differs_text(d, "model", p->cfg.family, "gpt2");
}

yh_status yh_plan_compare(const yh_train_plan *p, const yh_train_options *o, const char *out,
                          yh_err *err)
{
    differ d = {.n = 0};
    yh_buf_init(&d.text, 0);
    compare_num(&d, "seed", true, (double)p->seed, (double)o->seed);
    compare_num(&d, "context", o->context > 0, p->context, o->context);
    compare_num(&d, "micro-batch", o->micro_batch > 0, p->micro_batch, o->micro_batch);
    if (o->batch_tokens > 0) {
        uint64_t part = (uint64_t)p->context * p->micro_batch, b = o->batch_tokens;
        compare_num(&d, "batch-tokens", (b + part / 2) / part != p->micro_batches,
                    (double)p->batch_tokens, (double)b);
    }
    compare_num(&d, "eval-every", o->eval_every > 0, p->eval_every, o->eval_every);
    compare_model(&d, p, o);
    compare_budget(&d, p, o);
    compare_rates(&d, p, o);
    if (o->precision != YH_PRECISION_AUTO &&
        (o->precision == YH_PRECISION_BF16) != (p->type == YH_BF16))
        differs_text(&d, "precision", precisions[p->type == YH_BF16],
                     precisions[o->precision == YH_PRECISION_BF16]);
    if (o->order_set && o->order != p->order)
        differs_text(&d, "order", orders[p->order], orders[o->order]);
    if (o->across_set && o->across_documents != p->across_documents)
        differs_text(&d, "across-documents", p->across_documents ? "yes" : "no",
                     o->across_documents ? "yes" : "no");
    yh_status s = YH_OK;
    if (d.n > 0)
        s = yh_fail(err, YH_MISMATCH,
                    "%s: the unfinished run was started with other options: %s; give the same "
                    "options, or another folder, or start anew with --fresh",
                    out, d.text.data != NULL ? d.text.data : "(no memory to name them)");
    yh_buf_fini(&d.text);
    return s;
}
