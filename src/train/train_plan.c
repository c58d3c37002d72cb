/* The rules of docs/train.md. Change both together. */
#include "train/plan.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"

enum {
    MAX_DEPTH = 64,
    HEAD_DIM = 64,
    TOKENS_PER_WEIGHT = 20,
    MAX_EPOCHS = 16,
    MICRO_TOKENS = 4096,
    CONFIG_LIMIT = 1 << 20
};
static const double ASSUMED_FRACTION = 0.45; /* of the measured peak, for choosing a size */

/* ------------------------------------------------------------------ sizes */

static int32_t round_up(double x, int32_t unit)
{
    return (int32_t)ceil(x / unit - 1e-9) * unit;
}

void yh_plan_dial(yh_model_config *c, int depth, uint32_t vocab, int32_t eos)
{
    *c = (yh_model_config){.family = "qwen3",
                           .vocab = (int32_t)vocab,
                           .width = HEAD_DIM * depth,
                           .layers = depth,
                           .heads = depth,
                           .kv_heads = depth >= 8 && depth % 2 == 0 ? depth / 2 : depth,
                           .head_dim = HEAD_DIM,
                           .rope_theta = 10000.0,
                           .norm_eps = 1e-6,
                           .tied = depth <= 20,
                           .init_std = 0.02,
                           .bos = -1,
                           .eos = eos,
                           .pad = -1};
    c->ffn = round_up(8.0 / 3.0 * c->width, 64);
    c->context = depth <= 4 ? 256 : depth <= 8 ? 512 : depth <= 16 ? 1024 : 2048;
}

static void gpt2_config(yh_model_config *c, int layers, int heads, int width, int context,
                        const yh_plan_facts *f)
{
    *c = (yh_model_config){.family = "gpt2",
                           .vocab = (int32_t)f->vocab,
                           .width = width,
                           .layers = layers,
                           .heads = heads,
                           .kv_heads = heads,
                           .head_dim = width / heads,
                           .ffn = 4 * width,
                           .context = context,
                           .rope_theta = 10000.0,
                           .norm_eps = 1e-5,
                           .tied = true,
                           .init_std = 0.02,
                           .bos = f->eos,
                           .eos = f->eos,
                           .pad = -1};
}

/* Qwen3-0.6B's shape, with the vocabulary of the tokens. */
static void qwen3_config(yh_model_config *c, const yh_plan_facts *f)
{
    *c = (yh_model_config){.family = "qwen3",
                           .vocab = (int32_t)f->vocab,
                           .width = 1024,
                           .layers = 28,
                           .heads = 16,
                           .kv_heads = 8,
                           .head_dim = 128,
                           .ffn = 3072,
                           .context = 40960,
                           .rope_theta = 1e6,
                           .norm_eps = 1e-6,
                           .tied = true,
                           .init_std = 0.02,
                           .bos = -1,
                           .eos = f->eos,
                           .pad = -1};
}

/* nanoGPT's recipe for character-level Shakespeare on a CPU: what is not given follows it. */
static void nanogpt_recipe(yh_train_options *o)
{
    if (!o->optimizer_set)
        o->optimizer = YH_OPT_ADAMW;
    if (!o->schedule_set)
        o->schedule = YH_SCHED_COSINE;
    if (!o->lr_set)
        o->lr = 1e-3;
    if (!o->min_lr_set)
        o->min_lr_ratio = 0.1;
    if (!o->warmup_set)
        o->warmup_ratio = 0.05;
    if (!o->wd_set)
        o->weight_decay = 0.1;
    if (!o->beta2_set)
        o->beta2 = 0.99;
    if (!o->clip_set)
        o->clip = 1.0;
    if (!o->order_set)
        o->order = YH_ORDER_RANDOM;
    if (!o->across_set)
        o->across_documents = true;
    o->optimizer_set = o->schedule_set = o->lr_set = o->min_lr_set = o->warmup_set = o->wd_set =
        o->beta2_set = o->clip_set = o->order_set = o->across_set = true;
    if (o->micro_batch == 0)
        o->micro_batch = 12;
    if (o->batch_tokens == 0)
        o->batch_tokens = 768;
    if (o->steps == 0 && o->tokens == 0 && !(o->minutes > 0))
        o->steps = 2000;
}

/* Depth of "d<N>"; 0: another name. */
static int named_depth(const char *name)
{
    int depth = 0, used = 0;
    bool yes = sscanf(name, "d%3d%n", &depth, &used) == 1 && name[used] == '\0';
    return yes && depth >= 1 && depth <= MAX_DEPTH ? depth : 0;
}

bool yh_plan_model_is_named(const char *name)
{
    return strcmp(name, "gpt2") == 0 || strcmp(name, "qwen3-0.6b") == 0 ||
           strcmp(name, "nanogpt-shakespeare-char") == 0 || named_depth(name) > 0;
}

bool yh_plan_model_is_folder(const char *model)
{
    return model != NULL && !yh_plan_model_is_named(model) && yh_is_dir(model);
}

static yh_status config_file(yh_model_config *c, const char *path, yh_err *err)
{
    json_t *j = NULL;
    YH_TRY(yh_json_load(&j, path, CONFIG_LIMIT, err));
    const char *type = json_string_value(json_object_get(j, "model_type"));
    const yh_model_family *f = type != NULL ? yh_model_family_find(type) : NULL;
    yh_status s;
    if (f == NULL)
        s = yh_fail(err, YH_UNSUPPORTED,
                    "%s: the model type \"%.60s\" is not supported (qwen3 and gpt2 are)", path,
                    type != NULL ? type : "(missing)");
    else
        s = f->read_config(c, j, path, err);
    if (s == YH_OK)
        s = yh_model_config_check(c, path, err);
    json_decref(j);
    return s;
}

/* The configuration that `model` names; options that a named recipe brings are set in o. */
static yh_status named_config(yh_model_config *c, yh_train_options *o, const yh_plan_facts *f,
                              yh_err *err)
{
    const char *name = o->model;
    if (strcmp(name, "gpt2") == 0) {
        gpt2_config(c, 12, 12, 768, 1024, f);
    } else if (strcmp(name, "qwen3-0.6b") == 0) {
        qwen3_config(c, f);
    } else if (strcmp(name, "nanogpt-shakespeare-char") == 0) {
        gpt2_config(c, 4, 4, 128, 64, f);
        nanogpt_recipe(o);
    } else if (named_depth(name) > 0) {
        yh_plan_dial(c, named_depth(name), f->vocab, f->eos);
    } else if (yh_plan_model_is_folder(name) || yh_is_file(name)) {
        char *path = yh_is_file(name) ? yh_strdup(name) : yh_path_join(name, "config.json");
        if (path == NULL)
            return yh_fail(err, YH_NOMEM, "no memory");
        yh_status s = config_file(c, path, err);
        yh_free(path);
        YH_TRY(s);
        if ((uint32_t)c->vocab < f->vocab)
            return yh_fail(err, YH_MISMATCH,
                           "the model %s has a vocabulary of %d, the tokens one of %u; pack with "
                           "the model's tokenizer",
                           name, c->vocab, f->vocab);
    } else {
        return yh_fail(err, YH_NOTFOUND,
                       "there is no model \"%s\": neither a named size (gpt2, qwen3-0.6b, d1 to "
                       "d%d, nanogpt-shakespeare-char) nor a config.json nor a model folder",
                       name, (int)MAX_DEPTH);
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ the depth that fits */

/* Loss predicted for n weights on `seen` tokens of which `unique` differ: the data-constrained
 * scaling law of Muennighoff et al. 2023 with its constants (alpha = beta). */
static double predicted_loss(double n, double seen, double unique)
{
    const double a = 521.0, b = 1488.0, alpha = 0.353, beta = 0.353, e = 1.87;
    const double rd = 15.4, rn = 5.31;
    double u = seen < unique ? seen : unique;
    double d = u + u * rd * (1.0 - exp(-(seen / u - 1.0) / rd));
    double g = pow(alpha * a / (beta * b), 1.0 / (alpha + beta));
    double best = g * g * u; /* weights that suit u tokens once; alpha = beta */
    double un = n < best ? n : best;
    double ne = un + un * rn * (1.0 - exp(-(n / un - 1.0) / rn));
    return e + a / pow(ne, alpha) + b / pow(d, beta);
}

int yh_plan_depth(const yh_plan_facts *f, double flops_total, double *predicted_tokens)
{
    int best = 2;
    double best_loss = (double)INFINITY;
    for (int depth = 2; depth <= 24; depth++) {
        yh_model_config c;
        yh_plan_dial(&c, depth, f->vocab, f->eos);
        double tokens = flops_total / yh_model_flops_per_token(&c, c.context);
        double cap = (double)MAX_EPOCHS * (double)f->train_tokens;
        tokens = tokens < cap ? tokens : cap;
        if (tokens < 1.0)
            continue;
        double n = (double)yh_model_param_matmul(&c) - (double)c.vocab * (double)c.width;
        double loss = predicted_loss(n, tokens, (double)f->train_tokens);
        if (loss < best_loss) {
            best = depth;
            best_loss = loss;
            *predicted_tokens = tokens;
        }
    }
    return best;
}

static yh_status choose_model(yh_train_plan *p, yh_train_options *o, const yh_plan_facts *f,
                              yh_err *err)
{
    if (o->model != NULL)
        return named_config(&p->cfg, o, f, err);
    int depth = o->depth;
    if (depth < 0 || depth > MAX_DEPTH)
        return yh_fail(err, YH_INVALID, "depth %d: must be 1 to %d", depth, (int)MAX_DEPTH);
    if (depth == 0) {
        double seconds = o->minutes > 0 ? 60.0 * o->minutes : 600.0, tokens = 0;
        if (o->steps == 0 && o->tokens == 0)
            depth = yh_plan_depth(f, seconds * ASSUMED_FRACTION * f->flops, &tokens);
        else
            depth = 4;
        if (o->minutes <= 0 && o->steps == 0 && o->tokens == 0)
            o->minutes = seconds / 60.0;
    }
    yh_plan_dial(&p->cfg, depth, f->vocab, f->eos);
    return YH_OK;
}

/* ------------------------------------------------------------------ amounts */

static uint64_t power_of_two_near(double x)
{
    double e = floor(log2(x) + 0.5);
    return (uint64_t)1 << (int)(e < 0 ? 0 : e > 40 ? 40 : e);
}

/* Tokens that the run will see, as far as the rules can tell. */
static double expected_tokens(const yh_train_plan *p, const yh_train_options *o,
                              const yh_plan_facts *f)
{
    double cap = (double)MAX_EPOCHS * (double)f->train_tokens;
    if (o->tokens > 0)
        return (double)o->tokens;
    if (o->minutes > 0) {
        double flops = f->flops > 0 ? f->flops : 1e11;
        double t = 60.0 * o->minutes * ASSUMED_FRACTION * flops /
                   yh_model_flops_per_token(&p->cfg, p->context);
        return t < cap ? t : cap;
    }
    double t = (double)TOKENS_PER_WEIGHT * (double)yh_model_param_total(&p->cfg);
    return t < cap ? t : cap;
}

static yh_status choose_context(yh_train_plan *p, const yh_train_options *o, const yh_plan_facts *f,
                                yh_err *err)
{
    p->context = (uint32_t)p->cfg.context;
    bool fixed = o->model != NULL;
    if (o->context != 0) {
        if (o->context < 2 || o->context > 1u << 20)
            return yh_fail(err, YH_INVALID, "a context of %u tokens: must be 2 to %u", o->context,
                           1u << 20);
        if (fixed && o->context > (uint32_t)p->cfg.context)
            return yh_fail(err, YH_INVALID, "a context of %u tokens: the model was made for %d",
                           o->context, p->cfg.context);
        p->context = o->context;
    }
    while (o->context == 0 && p->context > 32 && f->train_tokens < 8 * (uint64_t)p->context)
        p->context /= 2;
    if (!fixed)
        p->cfg.context = (int32_t)p->context;
    return YH_OK;
}

static yh_status choose_batch(yh_train_plan *p, const yh_train_options *o, double tokens,
                              yh_err *err)
{
    uint64_t batch = o->batch_tokens, c = p->context;
    if (batch == 0 && o->steps > 0)
        batch = MICRO_TOKENS; /* nothing to follow from */
    if (batch == 0)
        batch = power_of_two_near(4.0 * sqrt(tokens));
    if (o->batch_tokens == 0)
        batch = batch < 2048 ? 2048 : batch > 524288 ? 524288 : batch;
    uint64_t micro = o->micro_batch;
    if (micro == 0) {
        micro = MICRO_TOKENS / c;
        micro = micro < 1 ? 1 : micro;
        while (micro > 1 && (micro * c > batch || batch % (micro * c) != 0))
            micro--;
    }
    uint64_t part = micro * c;
    if (part > (uint64_t)1 << 26)
        return yh_fail(err, YH_LIMIT, "a micro-batch of %llu tokens is too large",
                       (unsigned long long)part);
    if (o->batch_tokens != 0 && o->micro_batch != 0 && batch % part != 0)
        return yh_fail(err, YH_INVALID,
                       "a batch of %llu tokens is no multiple of a micro-batch of %llu x %llu",
                       (unsigned long long)batch, (unsigned long long)micro, (unsigned long long)c);
    uint64_t n = (batch + part / 2) / part;
    n = n < 1 ? 1 : n;
    if (n > 1u << 20)
        return yh_fail(err, YH_LIMIT, "a batch of %llu tokens is too large",
                       (unsigned long long)batch);
    p->micro_batch = (uint32_t)micro;
    p->micro_batches = (uint32_t)n;
    p->batch_tokens = part * n;
    return YH_OK;
}

static yh_status choose_rates(yh_train_plan *p, const yh_train_options *o, yh_err *err)
{
    double by_width = sqrt(768.0 / p->cfg.width);
    p->optim.kind = o->optimizer_set ? o->optimizer : YH_OPT_MUON;
    bool muon = p->optim.kind == YH_OPT_MUON;
    p->schedule.kind = o->schedule_set ? o->schedule : YH_SCHED_WSD;
    bool wsd = p->schedule.kind == YH_SCHED_WSD;
    p->lr = o->lr_set ? o->lr : (muon ? 4e-3 : 1e-3) * by_width;
    p->muon_lr = o->muon_lr_set ? o->muon_lr : 0.02;
    p->optim.weight_decay = o->wd_set ? o->weight_decay : 0.1;
    p->optim.clip = o->clip_set ? o->clip : 1.0;
    p->optim.beta1 = o->beta1 > 0 ? o->beta1 : 0.9;
    p->optim.beta2 = o->beta2_set ? o->beta2 : 0.95;
    p->optim.eps = o->eps > 0 ? o->eps : 1e-8;
    p->optim.momentum = 0.95;
    p->schedule.warmup = o->warmup_set ? o->warmup_ratio : muon ? 0.02 : 0.05;
    p->schedule.decay = wsd ? (o->decay_set ? o->decay_ratio : 0.4) : 0.0;
    p->schedule.min_ratio = o->min_lr_set ? o->min_lr_ratio : wsd ? 0.0 : 0.1;
    p->schedule.early_from = -1.0;
    const struct {
        const char *name;
        double v, min, max;
    } check[] = {{"lr", p->lr, 0, 100},
                 {"muon-lr", p->muon_lr, 0, 100},
                 {"weight-decay", p->optim.weight_decay, 0, 100},
                 {"clip", p->optim.clip, 0, 1e9},
                 {"beta1", p->optim.beta1, 0, 0.999999},
                 {"beta2", p->optim.beta2, 0, 0.999999},
                 {"eps", p->optim.eps, 0, 1},
                 {"warmup", p->schedule.warmup, 0, 1},
                 {"decay", p->schedule.decay, 0, 1},
                 {"min-lr", p->schedule.min_ratio, 0, 1}};
    for (size_t i = 0; i < sizeof check / sizeof *check; i++)
        if (!(check[i].v >= check[i].min && check[i].v <= check[i].max))
            return yh_fail(err, YH_INVALID, "%s %g: must be %g to %g", check[i].name, check[i].v,
                           check[i].min, check[i].max);
    return YH_OK;
}

uint64_t yh_plan_expected_steps(const yh_train_plan *p, const yh_plan_facts *f)
{
    if (p->steps > 0)
        return p->steps;
    yh_train_options o = {.minutes = p->minutes};
    double n = expected_tokens(p, &o, f) / (double)p->batch_tokens;
    return n < 1.0 ? 1 : (uint64_t)n;
}

/* About 15 looks at held-out text, for at most a twentieth of the time together: looking at a token
 * costs a third of training on it. */
static void choose_points(yh_train_plan *p, const yh_train_options *o, const yh_plan_facts *f)
{
    double steps = (double)yh_plan_expected_steps(p, f), batch = (double)p->batch_tokens;
    double look = 0.01 * steps * batch;
    look = look < 8192 ? 8192 : look > 262144 ? 262144 : look;
    p->eval_tokens = o->eval_tokens != 0 ? o->eval_tokens : (uint64_t)look;
    if (p->eval_tokens > f->heldout_tokens)
        p->eval_tokens = f->heldout_tokens;
    double every = steps / 15.0, at_least = (double)p->eval_tokens / (0.15 * batch);
    every = every < at_least ? at_least : every;
    p->eval_every = o->eval_every != 0 ? o->eval_every : (uint32_t)(every < 1 ? 1 : ceil(every));
    uint32_t sample = (uint32_t)(steps / 4.0 < 1 ? 1 : ceil(steps / 4.0));
    p->sample_every = o->sample_every != 0 ? o->sample_every : sample;
    p->save_every = o->save_every;
}

yh_status yh_plan_make(yh_train_plan *p, const yh_train_options *given, const yh_plan_facts *f,
                       yh_err *err)
{
    yh_train_options o = *given;
    *p = (yh_train_plan){.seed = o.seed};
    int budgets = (o.minutes > 0) + (o.tokens > 0) + (o.steps > 0);
    if (budgets > 1 || o.minutes < 0 || !(o.minutes < 1e8))
        return yh_fail(err, YH_INVALID,
                       "give at most one of minutes, tokens and steps, and more than 0");
    p->type = o.precision == YH_PRECISION_BF16 ||
                      (o.precision == YH_PRECISION_AUTO && yh_isa_current() >= YH_ISA_AVX512BF16)
                  ? YH_BF16
                  : YH_F32;
    YH_TRY(choose_model(p, &o, f, err));
    YH_TRY(choose_context(p, &o, f, err));
    YH_TRY(yh_model_config_check(&p->cfg, "the plan", err));
    double tokens = expected_tokens(p, &o, f);
    YH_TRY(choose_batch(p, &o, tokens, err));
    YH_TRY(choose_rates(p, &o, err));
    p->order = o.order;
    p->across_documents = o.across_documents;
    p->keep_best = o.keep_best;
    double cap = ceil((double)MAX_EPOCHS * (double)f->train_tokens / (double)p->batch_tokens);
    if (o.minutes > 0) {
        p->minutes = o.minutes;
        p->max_steps = cap < 1 ? 1 : (uint64_t)cap;
    } else if (o.steps > 0) {
        p->steps = o.steps;
    } else {
        double n = ceil(tokens / (double)p->batch_tokens);
        p->steps = n < 1 ? 1 : (uint64_t)n;
    }
    choose_points(p, &o, f);
    return YH_OK;
}

char *yh_plan_text(const yh_train_plan *p, const yh_plan_facts *f, uint64_t memory, int recompute,
                   bool packed)
{
    char budget[64];
    yh_buf b;
    yh_buf_init(&b, 0);
    if (p->minutes > 0)
        snprintf(budget, sizeof budget, "%.3g minutes", p->minutes);
    else
        snprintf(budget, sizeof budget, "%llu steps", (unsigned long long)p->steps);
    double seen = (double)yh_plan_expected_steps(p, f) * (double)p->batch_tokens;
    yh_status s = yh_buf_addf(
        &b, NULL,
        "%s, %d layers, width %d, %.3gM weights, %s; context %u, batch %llu tokens (%u x %u rows); "
        "%s%s, about %.3gM tokens (%.2g passes over %.3gM); %.0f MB of memory%s%s",
        p->cfg.family, p->cfg.layers, p->cfg.width, (double)yh_model_param_total(&p->cfg) / 1e6,
        p->type == YH_BF16 ? "bf16" : "f32", p->context, (unsigned long long)p->batch_tokens,
        p->micro_batches, p->micro_batch, p->optim.kind == YH_OPT_MUON ? "Muon, " : "AdamW, ",
        budget, seen / 1e6, seen / (double)f->train_tokens, (double)f->train_tokens / 1e6,
        (double)memory / 1e6,
        recompute == 0   ? ""
        : recompute == 1 ? ", cheap activations computed again"
                         : ", blocks computed again",
        packed ? ", weights packed" : "");
    if (s != YH_OK)
        yh_buf_fini(&b);
    return b.data;
}
