/* A training step of a named model on random tokens, timed as a whole and by operation. */
#include <stdlib.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "train/trainer.h"
#include "yh/bench.h"

enum { DEFAULT_STEPS = 3, MOST_STEPS = 64, MICRO_TOKENS = 4096, PLENTY = 1 << 30 };

typedef struct bench {
    yh_trainer t;
    yh_op_profile profile[MOST_STEPS][YH_BENCH_PARTS];
    double step[MOST_STEPS], optimizer[MOST_STEPS];
    int rows, steps;
} bench;

static uint32_t default_vocab(const char *model)
{
    return !yh_plan_model_is_named(model)                   ? 1 /* its config.json says */
           : strcmp(model, "gpt2") == 0                     ? 50257
           : strcmp(model, "qwen3-0.6b") == 0               ? 151936
           : strcmp(model, "nanogpt-shakespeare-char") == 0 ? 512
                                                            : 32768;
}

static yh_status plan(bench *b, const yh_bench_step_options *o, yh_err *err)
{
    yh_trainer *t = &b->t;
    yh_train_options to = {.model = o->model,
                           .steps = 1,
                           .context = o->context,
                           .micro_batch = o->micro_batch,
                           .optimizer = o->muon ? YH_OPT_MUON : YH_OPT_ADAMW,
                           .optimizer_set = true};
    t->facts = (yh_plan_facts){.train_tokens = PLENTY,
                               .vocab = o->vocab != 0 ? o->vocab : default_vocab(o->model),
                               .flops = 1e11};
    if (o->model[0] == 'q' && to.context == 0)
        to.context = 512; /* the model's own is for long texts: nobody trains it at once */
    YH_TRY(yh_plan_make(&t->plan, &to, &t->facts, err));
    t->plan.type = o->f32 || yh_isa_current() < YH_ISA_AVX512BF16 ? YH_F32 : YH_BF16;
    if (o->micro_batch == 0) {
        t->plan.micro_batch = MICRO_TOKENS / t->plan.context;
        t->plan.micro_batch += t->plan.micro_batch == 0;
    }
    t->plan.micro_batches = 1;
    t->plan.batch_tokens = (uint64_t)t->plan.context * t->plan.micro_batch;
    return YH_OK;
}

static yh_status build(bench *b, const yh_bench_step_options *o, yh_bench_step *out, yh_err *err)
{
    yh_trainer *t = &b->t;
    const yh_train_plan *p = &t->plan;
    size_t graph = 0, grads = 0, state = 0, scratch = 0;
    YH_TRY(yh_trainer_graph(&t->graph, &t->build, p, true, o->recompute, err));
    YH_TRY(yh_graph_measure(t->graph, &graph, err));
    YH_TRY(yh_optim_bytes(&p->cfg, p->optim.kind, p->type, &grads, &state, &scratch, err));
    out->weights = yh_model_param_total(&p->cfg);
    out->memory = graph + grads + state + scratch + out->weights * 4 +
                  (o->pack_weights ? yh_optim_pack_bytes(&p->cfg, p->type) : 0);
    uint64_t have = yh_mem_available();
    if (have != 0 && out->memory > have)
        return yh_fail(err, YH_LIMIT, "a step of %s needs %.1f GB, %.1f GB are available", o->model,
                       (double)out->memory * 1e-9, (double)have * 1e-9);
    YH_TRY(yh_model_init(&t->model, &p->cfg, p->type, 1, err));
    YH_TRY(yh_optim_init(&t->optim, t->model, &p->optim, err));
    YH_TRY(yh_optim_place(&t->optim, t->pool, err));
    if (o->pack_weights)
        YH_TRY(yh_optim_pack(&t->optim, t->pool, err));
    YH_TRY(yh_trainer_bind(t, err));
    int64_t n = t->build.rows;
    for (int64_t i = 0; i < n; i++) {
        uint32_t r[4];
        yh_philox(1, 0, (uint64_t)i, r);
        t->rows[i] = (int32_t)(r[0] % (uint32_t)p->cfg.vocab);
        t->rows[n + i] = (int32_t)(r[1] % (uint32_t)p->cfg.vocab);
        t->rows[2 * n + i] = (int32_t)(i % p->context);
        t->rows[3 * n + i] = (int32_t)(i - i % p->context);
    }
    return YH_OK;
}

static yh_status one_step(bench *b, int k, uint64_t number, yh_err *err)
{
    yh_trainer *t = &b->t;
    double norm, begin = yh_now();
    yh_graph_profile_enable(t->graph, true);
    yh_graph_clear_grads(t->graph);
    YH_TRY(yh_graph_run(t->graph, t->pool, err));
    double middle = yh_now();
    YH_TRY(yh_optim_step(&t->optim, number, 1e-4, 1e-3, t->pool, &norm, err));
    b->optimizer[k] = yh_now() - middle;
    b->step[k] = yh_now() - begin;
    b->rows = yh_graph_profile(t->graph, b->profile[k], YH_BENCH_PARTS - 1);
    return YH_OK;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 == 1 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static int by_time(const void *x, const void *y)
{
    const yh_bench_step_part *a = x, *b = y;
    return (a->seconds < b->seconds) - (a->seconds > b->seconds);
}

static double bound(const yh_bench_step_part *p, const yh_machine_limits *m, bool bf16)
{
    double peak = bf16 && m->flops_bf16 > 0 ? m->flops_bf16 : m->flops_f32;
    double a = p->flops / peak, b = p->bytes / m->read_bytes;
    return p->seconds > 0 ? (a > b ? a : b) / p->seconds : 0;
}

/* The optimiser reads and writes weight and moments; reads the gradient, and once more for its
 * norm.
 */
static yh_bench_step_part optimizer_part(bench *b, const yh_bench_step *out)
{
    double each = b->t.plan.optim.kind == YH_OPT_ADAMW ? 4 * 8 : 4 * 6;
    return (yh_bench_step_part){.op = "optimizer",
                                .seconds = median(b->optimizer, b->steps),
                                .bytes = each * (double)out->weights,
                                .calls = 1};
}

static void summarise(bench *b, const yh_machine_limits *m, yh_bench_step *out)
{
    double v[MOST_STEPS];
    const yh_train_plan *p = &b->t.plan;
    out->bf16 = p->type == YH_BF16;
    out->tokens = p->batch_tokens;
    out->seconds = median(b->step, b->steps);
    out->model_flops = yh_model_flops_per_token(&p->cfg, p->context) * (double)out->tokens;
    double peak = out->bf16 && m->flops_bf16 > 0 ? m->flops_bf16 : m->flops_f32;
    out->fraction = out->model_flops / out->seconds / peak;
    out->parts = b->rows + 1;
    for (int i = 0; i < b->rows; i++) {
        for (int k = 0; k < b->steps; k++)
            v[k] = b->profile[k][i].seconds;
        const yh_op_profile *r = &b->profile[0][i];
        out->part[i] =
            (yh_bench_step_part){r->op, median(v, b->steps), r->flops, r->bytes, r->calls, 0};
    }
    qsort(out->part, (size_t)b->rows, sizeof *out->part, by_time);
    out->part[b->rows] = optimizer_part(b, out);
    for (int i = 0; i < out->parts; i++)
        out->part[i].fraction = bound(&out->part[i], m, out->bf16);
}

yh_status yh_bench_step_run(const yh_bench_step_options *o, const yh_machine_limits *limits,
                            yh_pool *pool, yh_bench_step *out, yh_err *err)
{
    *out = (yh_bench_step){0};
    bench *b = yh_calloc(1, sizeof *b);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the benchmark");
    b->t.pool = pool;
    b->t.lock = (yh_dir_lock)YH_DIR_LOCK_INIT;
    b->t.metrics.fd = -1;
    b->steps = o->steps == 0 ? DEFAULT_STEPS : o->steps;
    yh_status s = YH_OK;
    if (b->steps < 1 || b->steps > MOST_STEPS)
        s = yh_fail(err, YH_INVALID, "steps must be 1 to %d", (int)MOST_STEPS);
    if (s == YH_OK)
        s = plan(b, o, err);
    if (s == YH_OK)
        s = build(b, o, out, err);
    if (s == YH_OK)
        s = one_step(b, 0, 1, err); /* touches all memory */
    for (int k = 0; k < b->steps && s == YH_OK; k++)
        s = yh_stop_requested() ? yh_fail(err, YH_STOPPED, "stopped")
                                : one_step(b, k, 2 + (uint64_t)k, err);
    if (s == YH_OK)
        summarise(b, limits, out);
    yh_trainer_close(&b->t);
    yh_free(b);
    return s;
}
