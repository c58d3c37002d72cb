/* yh train: from packed tokens to a model folder. */
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/train_progress.h"

static const yh_opt opts[] = {
    {"data", 'd', YH_OPT_TEXT, "TOKENS", "token folder made by yh pack (needed)"},
    {"out", 'o', YH_OPT_TEXT, "RUN", "run folder: becomes a model folder (needed)"},
    {"model", 'm', YH_OPT_TEXT, "NAME",
     "gpt2, d1 to d64, nanogpt-shakespeare-char, a config.json, or a model folder to start from"},
    {"depth", 0, YH_OPT_INT, "N", "the dial: size, batch, rates and tokens follow from it"},
    {"minutes", 0, YH_OPT_NUM, "M", "train for so long"},
    {"tokens", 0, YH_OPT_SIZE, "N", "train on so many tokens"},
    {"steps", 0, YH_OPT_SIZE, "N", "train for so many steps"},
    {"context", 0, YH_OPT_SIZE, "N", "tokens of a row"},
    {"batch-tokens", 0, YH_OPT_SIZE, "N", "tokens of a step"},
    {"micro-batch", 0, YH_OPT_INT, "N", "rows that are computed at once"},
    {"optimizer", 0, YH_OPT_TEXT, "NAME", "muon (matrices; AdamW for the rest) or adamw"},
    {"schedule", 0, YH_OPT_TEXT, "NAME", "wsd (warm-up, stable, decay), cosine or constant"},
    {"lr", 0, YH_OPT_NUM, "X", "AdamW's peak learning rate"},
    {"muon-lr", 0, YH_OPT_NUM, "X", "Muon's peak learning rate"},
    {"min-lr", 0, YH_OPT_NUM, "X", "last learning rate, of the peak"},
    {"warmup", 0, YH_OPT_NUM, "X", "length of the warm-up, of the budget"},
    {"decay", 0, YH_OPT_NUM, "X", "length of wsd's decay, of the budget"},
    {"weight-decay", 0, YH_OPT_NUM, "X", "of matrices and embeddings"},
    {"beta1", 0, YH_OPT_NUM, "X", "AdamW's"},
    {"beta2", 0, YH_OPT_NUM, "X", "AdamW's"},
    {"eps", 0, YH_OPT_NUM, "X", "AdamW's"},
    {"clip", 0, YH_OPT_NUM, "X", "largest norm of the gradient; 0: no limit"},
    {"precision", 0, YH_OPT_TEXT, "NAME", "auto, f32 or bf16"},
    {"order", 0, YH_OPT_TEXT, "NAME", "shuffle, stream (as packed) or random (random offsets)"},
    {"memory", 0, YH_OPT_SIZE, "BYTES", "hold no more (default: what is available)"},
    {"recompute", 0, YH_OPT_INT, "N",
     "activations computed again: 0 none, 1 cheap ones, 2 whole blocks (default: what fits)"},
    {"pack-weights", 0, YH_OPT_TEXT, "WHEN",
     "the optimiser packs hidden matrices for products: auto, on or off"},
    {"across-documents", 0, YH_OPT_FLAG, NULL, "attention crosses the borders of documents"},
    {"seed", 0, YH_OPT_INT, "N", "of weights and order (default 0)"},
    {"eval-every", 0, YH_OPT_INT, "N", "steps between looks at held-out text"},
    {"eval-tokens", 0, YH_OPT_SIZE, "N", "held-out tokens looked at"},
    {"sample-every", 0, YH_OPT_INT, "N", "steps between samples"},
    {"save-every", 0, YH_OPT_INT, "N", "steps between checkpoints (default: about a minute)"},
    {"keep-last", 0, YH_OPT_FLAG, NULL,
     "leave the last weights, not those best on held-out text, and never stop early"},
    {"tokenizer", 't', YH_OPT_TEXT, "DIR", "its files go into the run (default: those in TOKENS)"},
    {"prompt", 'p', YH_OPT_TEXT, "TEXT", "samples continue this (default: a document's start)"},
    {"no-samples", 0, YH_OPT_FLAG, NULL, "no samples while training"},
    {"fresh", 0, YH_OPT_FLAG, NULL, "discard a checkpoint in RUN and start anew"},
    {"json", 0, YH_OPT_FLAG, NULL, "print the result as a JSON object"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

/* ------------------------------------------------------------------ samples */

enum { SAMPLE_TOKENS = 48 };

typedef struct sampler {
    yh_tok *tok;
    yh_pool *pool;
    const char *prompt;
    yh_buf text;
} sampler;

static bool emit(void *user, const char *text, size_t len)
{
    sampler *s = user;
    return yh_buf_add(&s->text, text, len, NULL) == YH_OK;
}

/* A failed sample is no reason to stop training. */
static const char *sample(void *user, yh_model *model, uint64_t step)
{
    sampler *s = user;
    yh_session *session = NULL;
    yh_generate_result r;
    yh_err err = YH_ERR_INIT;
    yh_generate_options g = {.max_tokens = SAMPLE_TOKENS, .emit = emit, .user = s};
    g.sampling = (yh_sampling)YH_SAMPLING_INIT;
    g.sampling.seed = step;
    yh_buf_clear(&s->text);
    if (yh_buf_adds(&s->text, s->prompt, NULL) != YH_OK)
        return NULL;
    yh_status st = yh_session_create(&session, model, 0, s->pool, &err);
    if (st == YH_OK)
        st = yh_generate(session, s->tok, s->prompt, strlen(s->prompt), 0, &g, &r, &err);
    yh_session_free(session);
    if (st != YH_OK && st != YH_STOPPED && err.code != YH_OK)
        yh_log(YH_LOG_DEBUG, "no sample: %s", err.msg);
    return st == YH_OK ? s->text.data : NULL;
}

/* ------------------------------------------------------------------ options */

static bool one_of(const char *text, const char *const *names, int *out)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static int names(const yh_args *a, yh_train_options *o)
{
    static const char *const optimizer[] = {"muon", "adamw", NULL};
    static const char *const schedule[] = {"wsd", "cosine", "constant", NULL};
    static const char *const precision[] = {"auto", "f32", "bf16", NULL};
    static const char *const order[] = {"shuffle", "stream", "random", NULL};
    static const char *const pack[] = {"auto", "on", "off", NULL};
    int v = 0;
    o->optimizer_set = yh_arg_given(a, "optimizer");
    if (!one_of(yh_arg_text(a, "optimizer", "muon"), optimizer, &v))
        return yh_cli_usage(a, "--optimizer is muon or adamw");
    o->optimizer = (yh_optimizer)v;
    o->schedule_set = yh_arg_given(a, "schedule");
    if (!one_of(yh_arg_text(a, "schedule", "wsd"), schedule, &v))
        return yh_cli_usage(a, "--schedule is wsd, cosine or constant");
    o->schedule = (yh_schedule)v;
    o->precision_set = yh_arg_given(a, "precision");
    if (!one_of(yh_arg_text(a, "precision", "auto"), precision, &v))
        return yh_cli_usage(a, "--precision is auto, f32 or bf16");
    o->precision = (yh_precision)v;
    o->order_set = yh_arg_given(a, "order");
    if (!one_of(yh_arg_text(a, "order", "shuffle"), order, &v))
        return yh_cli_usage(a, "--order is shuffle, stream or random");
    o->order = (yh_order)v;
    if (!one_of(yh_arg_text(a, "pack-weights", "auto"), pack, &v))
        return yh_cli_usage(a, "--pack-weights is auto, on or off");
    o->pack_weights = (yh_pack_weights)v;
    return 0;
}

/* A whole number that must be in [0, max]; 0 when not given. */
static int whole(const yh_args *a, const char *opt, int64_t max, uint64_t *out)
{
    int64_t v = yh_arg_int(a, opt, 0);
    if (yh_arg_given(a, opt) && (v < 1 || v > max))
        return yh_cli_usage(a, "--%s must be 1 to %lld", opt, (long long)max);
    *out = (uint64_t)v;
    return 0;
}

static int amounts(const yh_args *a, yh_train_options *o)
{
    uint64_t context = 0, micro = 0, eval = 0, samples = 0, saves = 0, depth = 0;
    const struct {
        const char *name;
        int64_t max;
        uint64_t *out;
    } list[] = {{"tokens", INT64_MAX / 4, &o->tokens},
                {"steps", INT64_MAX / 4, &o->steps},
                {"batch-tokens", (int64_t)1 << 40, &o->batch_tokens},
                {"eval-tokens", (int64_t)1 << 40, &o->eval_tokens},
                {"memory", INT64_MAX / 4, &o->memory},
                {"context", 1 << 20, &context},
                {"micro-batch", 1 << 20, &micro},
                {"eval-every", UINT32_MAX, &eval},
                {"sample-every", UINT32_MAX, &samples},
                {"save-every", UINT32_MAX, &saves},
                {"depth", 64, &depth}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        int rc = whole(a, list[i].name, list[i].max, list[i].out);
        if (rc != 0)
            return rc;
    }
    o->context = (uint32_t)context;
    o->micro_batch = (uint32_t)micro;
    o->eval_every = (uint32_t)eval;
    o->sample_every = (uint32_t)samples;
    o->save_every = (uint32_t)saves;
    o->depth = (int)depth;
    o->minutes = yh_arg_num(a, "minutes", 0);
    if (yh_arg_given(a, "minutes") && !(o->minutes > 0))
        return yh_cli_usage(a, "--minutes must be more than 0");
    return 0;
}

static void rates(const yh_args *a, yh_train_options *o)
{
    o->lr_set = yh_arg_given(a, "lr");
    o->lr = yh_arg_num(a, "lr", 0);
    o->muon_lr_set = yh_arg_given(a, "muon-lr");
    o->muon_lr = yh_arg_num(a, "muon-lr", 0);
    o->min_lr_set = yh_arg_given(a, "min-lr");
    o->min_lr_ratio = yh_arg_num(a, "min-lr", 0);
    o->warmup_set = yh_arg_given(a, "warmup");
    o->warmup_ratio = yh_arg_num(a, "warmup", 0);
    o->decay_set = yh_arg_given(a, "decay");
    o->decay_ratio = yh_arg_num(a, "decay", 0);
    o->wd_set = yh_arg_given(a, "weight-decay");
    o->weight_decay = yh_arg_num(a, "weight-decay", 0);
    o->beta1 = yh_arg_num(a, "beta1", 0);
    o->beta2_set = yh_arg_given(a, "beta2");
    o->beta2 = yh_arg_num(a, "beta2", 0);
    o->eps = yh_arg_num(a, "eps", 0);
    o->clip_set = yh_arg_given(a, "clip");
    o->clip = yh_arg_num(a, "clip", 0);
}

static int parse(const yh_args *a, yh_train_options *o)
{
    int rc = names(a, o);
    if (rc == 0)
        rc = amounts(a, o);
    if (rc != 0)
        return rc;
    rates(a, o);
    o->data = yh_arg_text(a, "data", NULL);
    o->out = yh_arg_text(a, "out", NULL);
    if (o->data == NULL || o->out == NULL)
        return yh_cli_usage(a, "--data TOKENS and --out RUN are needed");
    o->tokenizer = yh_arg_text(a, "tokenizer", NULL);
    o->model = yh_arg_text(a, "model", NULL);
    if (o->model != NULL && o->depth > 0)
        return yh_cli_usage(a, "give --model or --depth, not both");
    o->seed = (uint64_t)yh_arg_int(a, "seed", 0);
    o->recompute_set = yh_arg_given(a, "recompute");
    o->recompute = (int)yh_arg_int(a, "recompute", 0);
    if (o->recompute < 0 || o->recompute > 2)
        return yh_cli_usage(a, "--recompute is 0, 1 or 2");
    o->across_set = o->across_documents = yh_arg_flag(a, "across-documents");
    o->resume = !yh_arg_flag(a, "fresh");
    o->keep_best = !yh_arg_flag(a, "keep-last");
    return 0;
}

/* ------------------------------------------------------------------ result */

static void json_num(const char *name, double v, const char *end)
{
    if (isfinite(v))
        printf("\"%s\": %.9g%s", name, v, end);
    else
        printf("\"%s\": null%s", name, end);
}

static void print_result(const yh_args *a, const yh_train_options *o, const yh_train_result *r)
{
    char t[32], n[32], s[32], m[32], p[32];
    if (yh_arg_flag(a, "json")) {
        printf("{\"steps\": %llu, \"tokens\": %llu, \"best_step\": %llu, \"finished\": %s, ",
               (unsigned long long)r->steps, (unsigned long long)r->tokens,
               (unsigned long long)r->best_step, r->finished ? "true" : "false");
        json_num("seconds", r->seconds, ", ");
        json_num("loss", r->loss, ", ");
        json_num("best_bits_per_byte", r->best_bits_per_byte, ", ");
        json_num("heldout_bits_per_byte", r->heldout_bits_per_byte, ", ");
        json_num("tokens_per_second", r->tokens_per_second, ", ");
        json_num("peak_fraction", r->peak_fraction, ", ");
        json_num("epochs", (double)r->epochs_milli / 1000.0, ", ");
        printf("\"memory_predicted\": %llu, \"memory_peak\": %llu, \"stopped_because\": \"%s\"}\n",
               (unsigned long long)r->memory_predicted, (unsigned long long)r->memory_peak,
               r->stopped_because);
        return;
    }
    printf("%s: %llu steps, %s tokens (%.2f passes) in %s; %s tokens/s, %.0f%% of peak\n", o->out,
           (unsigned long long)r->steps, yh_fmt_count((double)r->tokens, n),
           (double)r->epochs_milli / 1000.0, yh_fmt_seconds(r->seconds, t),
           yh_fmt_count(r->tokens_per_second, s), 100.0 * r->peak_fraction);
    if (isfinite(r->best_bits_per_byte))
        printf("held out: %.4f bits per byte, best at step %llu; %s\n", r->best_bits_per_byte,
               (unsigned long long)r->best_step, r->stopped_because);
    else
        printf("last loss %.4f; %s\n", r->loss, r->stopped_because);
    printf("memory: %s predicted, %s at most\n", yh_fmt_bytes((double)r->memory_predicted, p),
           yh_fmt_bytes((double)r->memory_peak, m));
}

static int run(const yh_args *a)
{
    yh_train_options o = {0};
    yh_train_result r;
    yh_err err = YH_ERR_INIT;
    sampler s = {.prompt = yh_arg_text(a, "prompt", "")};
    int rc = parse(a, &o);
    if (rc != 0)
        return rc;
    s.pool = yh_cli_pool(a);
    if (s.pool == NULL)
        return 1;
    yh_buf_init(&s.text, 1 << 20);
    o.progress = yh_train_progress_show;
    if (!yh_arg_flag(a, "no-samples") &&
        yh_tok_load(&s.tok, o.tokenizer != NULL ? o.tokenizer : o.data, NULL) == YH_OK) {
        o.sample = sample;
        o.user = &s;
    }
    yh_status st = yh_train_run(&o, s.pool, &r, &err);
    yh_live_end();
    if (st == YH_OK || (st == YH_STOPPED && yh_arg_flag(a, "json")))
        print_result(a, &o, &r);
    if (st != YH_OK)
        rc = yh_cli_fail(a, &err);
    yh_tok_free(s.tok);
    yh_buf_fini(&s.text);
    return rc;
}

const yh_cmd yh_cmd_train = {
    .name = "train",
    .summary = "train a model on packed tokens",
    .usage = "--data TOKENS --out RUN [options]",
    .description =
        "Trains a language model and leaves RUN as a model folder that yh generate, yh chat and\n"
        "transformers open. Without --model or --depth the size follows from the text, the time\n"
        "and this machine; without --minutes, --tokens or --steps it trains for ten minutes, or\n"
        "with a size for about twenty tokens a weight. Held-out text decides which weights are\n"
        "kept and when to stop. Interrupt it at any time: the same command goes on.",
    .opts = opts,
    .min_args = 0,
    .max_args = 0,
    .run = run};
