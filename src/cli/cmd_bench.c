/* yh bench: this machine's limits, and every kernel against them. */
#include <stdio.h>

#include "cli/cli.h"

typedef struct printer {
    bool json, any;
} printer;

static void print_row(void *user, const yh_bench_row *r)
{
    printer *p = user;
    const double gflops = r->flops / r->seconds * 1e-9, gbytes = r->bytes / r->seconds * 1e-9;
    yh_live_end();
    if (p->json) {
        printf("{\"op\": \"%s\", \"shape\": \"%s\", \"type\": \"%s\", \"seconds\": %.9g, "
               "\"gflops\": %.6g, \"gbytes\": %.6g, \"fraction\": %.4f}\n",
               r->op, r->shape, r->type, r->seconds, gflops, gbytes, r->fraction);
    } else {
        if (!p->any)
            printf("%-18s %-30s %-5s %10s %9s %8s %7s\n", "operation", "shape", "type", "time us",
                   "GFLOP/s", "GB/s", "limit");
        printf("%-18s %-30s %-5s %10.1f %9.1f %8.2f %6.0f%%\n", r->op, r->shape, r->type,
               r->seconds * 1e6, gflops, gbytes, r->fraction * 100);
    }
    fflush(stdout);
    p->any = true;
}

static void print_step(const char *model, const yh_bench_step *r, bool json)
{
    yh_live_end();
    if (json) {
        printf("{\"model\": \"%s\", \"type\": \"%s\", \"weights\": %llu, \"tokens\": %llu, "
               "\"seconds\": %.9g, \"tokens_per_second\": %.6g, \"model_flops\": %.9g, "
               "\"fraction_of_peak\": %.4f, \"memory\": %llu, \"parts\": [",
               model, r->bf16 ? "bf16" : "f32", (unsigned long long)r->weights,
               (unsigned long long)r->tokens, r->seconds, (double)r->tokens / r->seconds,
               r->model_flops, r->fraction, (unsigned long long)r->memory);
        for (int i = 0; i < r->parts; i++)
            printf("%s{\"op\": \"%s\", \"calls\": %lld, \"seconds\": %.9g, \"flops\": %.9g, "
                   "\"bytes\": %.9g, \"fraction\": %.4f}",
                   i > 0 ? ", " : "", r->part[i].op, (long long)r->part[i].calls,
                   r->part[i].seconds, r->part[i].flops, r->part[i].bytes, r->part[i].fraction);
        printf("]}\n");
        return;
    }
    printf("\n%s, %s: %.1fM weights, %llu tokens a step, %.2f GB\n", model,
           r->bf16 ? "bf16" : "f32", (double)r->weights * 1e-6, (unsigned long long)r->tokens,
           (double)r->memory * 1e-9);
    printf("%-18s %6s %10s %7s %9s %8s %7s\n", "operation", "calls", "time ms", "share", "GFLOP/s",
           "GB/s", "limit");
    for (int i = 0; i < r->parts; i++) {
        const yh_bench_step_part *p = &r->part[i];
        double s = p->seconds > 0 ? p->seconds : 1e-12;
        printf("%-18s %6lld %10.2f %6.1f%% %9.1f %8.2f %6.0f%%\n", p->op, (long long)p->calls,
               p->seconds * 1e3, 100 * p->seconds / r->seconds, p->flops / s * 1e-9,
               p->bytes / s * 1e-9, 100 * p->fraction);
    }
    printf("%-18s %6s %10.2f %6.0f%%   %.0f tokens/s, %.0f%% of peak\n", "step", "",
           r->seconds * 1e3, 100.0, (double)r->tokens / r->seconds, 100 * r->fraction);
}

static int run_step(const yh_args *a, const yh_machine_limits *m, yh_pool *pool)
{
    yh_err err = YH_ERR_INIT;
    yh_bench_step r;
    yh_bench_step_options o = {.model = yh_arg_text(a, "model", NULL),
                               .context = (uint32_t)yh_arg_int(a, "context", 0),
                               .micro_batch = (uint32_t)yh_arg_int(a, "micro-batch", 0),
                               .steps = (int)yh_arg_int(a, "steps", 0),
                               .muon = yh_arg_flag(a, "muon"),
                               .f32 = yh_arg_flag(a, "f32"),
                               .recompute = (int)yh_arg_int(a, "recompute", 0),
                               .pack_weights = yh_arg_flag(a, "pack-weights")};
    yh_live(false, "training steps of %s", o.model);
    if (yh_bench_step_run(&o, m, pool, &r, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    print_step(o.model, &r, yh_arg_flag(a, "json"));
    return 0;
}

static int run(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_machine_limits m;
    printer p = {.json = yh_arg_flag(a, "json")};
    const double seconds = yh_arg_num(a, "seconds", 1.5);
    if (!(seconds > 0 && seconds <= 600))
        return yh_cli_usage(a, "--seconds must be above 0 and at most 600");
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_live(false, "measuring the machine's limits");
    if (yh_machine_measure(pool, seconds, &m, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    yh_live_end();
    if (p.json) {
        printf("{\"cpu\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"gflops_f32\": %.6g, "
               "\"gflops_bf16\": %.6g, \"gbytes_read\": %.6g}\n",
               m.cpu, m.isa, m.threads, m.flops_f32 * 1e-9, m.flops_bf16 * 1e-9,
               m.read_bytes * 1e-9);
    } else {
        printf("%s, %s, %d thread%s\n", m.cpu, m.isa, m.threads, m.threads == 1 ? "" : "s");
        printf("peak f32 %.1f GFLOP/s, ", m.flops_f32 * 1e-9);
        if (m.flops_bf16 > 0)
            printf("bf16 %.1f GFLOP/s, ", m.flops_bf16 * 1e-9);
        else
            printf("no bf16 units, ");
        printf("memory %.1f GB/s\n", m.read_bytes * 1e-9);
    }
    fflush(stdout);
    if (yh_arg_flag(a, "limits"))
        return 0;
    if (yh_arg_text(a, "model", NULL) != NULL)
        return run_step(a, &m, pool);
    const char *filter = yh_arg_text(a, "filter", NULL);
    if (!p.json)
        printf("\n");
    if (yh_bench_ops(pool, &m, filter, print_row, &p, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    if (!p.any)
        return yh_cli_usage(a, "no case has \"%s\" in its name, shape or type", filter);
    return 0;
}

static const yh_opt opts[] = {
    {"filter", 'f', YH_OPT_TEXT, "TEXT",
     "only cases with TEXT in \"operation shape type\" (for example gemm, bf16, dW, rmsnorm)"},
    {"model", 'm', YH_OPT_TEXT, "NAME",
     "a training step of gpt2, qwen3-0.6b, nanogpt-shakespeare-char, d1 to d64 or a config.json"},
    {"context", 0, YH_OPT_INT, "N", "with --model: tokens of a sequence"},
    {"micro-batch", 0, YH_OPT_INT, "N", "with --model: sequences of a step"},
    {"steps", 0, YH_OPT_INT, "N", "with --model: steps to time (3)"},
    {"muon", 0, YH_OPT_FLAG, NULL, "with --model: Muon rather than AdamW"},
    {"f32", 0, YH_OPT_FLAG, NULL, "with --model: F32 where bf16 would be taken"},
    {"recompute", 0, YH_OPT_INT, "N", "with --model: level of recomputation, 0 to 2"},
    {"pack-weights", 0, YH_OPT_FLAG, NULL, "with --model: the optimiser packs hidden matrices"},
    {"limits", 0, YH_OPT_FLAG, NULL, "measure the machine's limits alone"},
    {"seconds", 0, YH_OPT_NUM, "S", "time for measuring the limits (1.5)"},
    {"json", 0, YH_OPT_FLAG, NULL, "one JSON object a line"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_bench = {
    .name = "bench",
    .summary = "measure this machine's limits and every kernel against them",
    .usage = "[--filter TEXT | --limits | --model NAME] [--json]",
    .description =
        "The limits are what loops without any other work reach on all threads together: floating\n"
        "point operations on registers, and reading memory that no cache holds. Each case shows\n"
        "its median time and the fraction of the limit that binds it, arithmetic or memory. Cases\n"
        "whose data stays in a cache may pass the memory limit.",
    .opts = opts,
    .min_args = 0,
    .max_args = 0,
    .run = run};
