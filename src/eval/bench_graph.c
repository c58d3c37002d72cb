/* The operations' own timing cases (ops/cases.h), forward and backward, timed inside a graph by its
 * profile. */
#include <stdio.h>
#include <string.h>

#include "eval/bench_cases.h"
#include "ops/cases.h"

enum { MAX_ENTRIES = 16 };

static void shape_of(char *out, size_t size, const yh_tensor *t)
{
    const yh_tensor *x = t->src[0] != NULL ? t->src[0] : t;
    size_t n = 0;
    for (int i = 0; i < x->ndim && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i > 0 ? "x" : "", (long long)x->dim[i]);
    for (int i = 0; i < t->ndim && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i > 0 ? "x" : " to ",
                              (long long)t->dim[i]);
}

/* One row per operation that the case's graph runs: itself, and its backward nodes. */
static yh_status time_case(const yh_bench_run *b, yh_case_run *run, const char *shape,
                           const char *type, yh_err *err)
{
    yh_op_profile p[MAX_ENTRIES];
    int n = 0;
    yh_bench_timer t[MAX_ENTRIES] = {{.n = 0}};
    YH_TRY(yh_graph_run(run->g, b->pool, err));
    do {
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
        yh_graph_profile_enable(run->g, true); /* and start from zero */
        YH_TRY(yh_graph_run(run->g, b->pool, err));
        n = yh_graph_profile(run->g, p, MAX_ENTRIES);
        for (int i = 0; i < n; i++)
            yh_bench_add(&t[i], p[i].seconds);
    } while (n > 0 && !yh_bench_enough(&t[0]));
    for (int i = 0; i < n; i++) {
        yh_bench_row r = {.flops = p[i].flops, .bytes = p[i].bytes};
        snprintf(r.op, sizeof r.op, "%s", p[i].op);
        snprintf(r.shape, sizeof r.shape, "%s", shape);
        snprintf(r.type, sizeof r.type, "%s", type);
        if (strcmp(r.op, "case_loss") != 0 && yh_bench_wanted(b, &r))
            yh_bench_report(b, &r, strcmp(type, "bf16") == 0, &t[i]);
    }
    return YH_OK;
}

static yh_status open_and_time(const yh_bench_run *b, const yh_op *op, const yh_op_case *c,
                               yh_dtype type, yh_err *err)
{
    yh_bench_row r = {.seconds = 0};
    yh_case_run run;
    YH_TRY(yh_case_open(&run, op, c, type, op->backward != NULL, 0, 1, err));
    shape_of(r.shape, sizeof r.shape, run.y);
    snprintf(r.op, sizeof r.op, "%s", op->name);
    snprintf(r.type, sizeof r.type, "%s", yh_dtype_text(type));
    bool wanted = yh_bench_wanted(b, &r);
    snprintf(r.op, sizeof r.op, "%s_back", op->name);
    wanted = wanted || yh_bench_wanted(b, &r);
    yh_status s = wanted ? time_case(b, &run, r.shape, r.type, err) : YH_OK;
    yh_case_close(&run);
    return s;
}

/* Cases are large, so one is built only when its name fits, or when the filter is not about names:
 * a shape or a type. */
static bool may_match(const char *op, const char *filter)
{
    return strstr(op, filter) != NULL || strstr(filter, op) != NULL ||
           (*filter >= '0' && *filter <= '9') || strcmp(filter, "bf16") == 0 ||
           strcmp(filter, "f32") == 0;
}

yh_status yh_bench_graph(const yh_bench_run *b, yh_err *err)
{
    for (int i = 0; i < yh_op_count(); i++) {
        const yh_op *op = yh_op_at(i);
        const bool any = b->filter == NULL || may_match(op->name, b->filter);
        for (int c = 0; any && c < op->n_cases; c++) {
            if (!op->cases[c].timing)
                continue;
            if (b->limits->flops_bf16 > 0)
                YH_TRY(open_and_time(b, op, &op->cases[c], YH_BF16, err));
            YH_TRY(open_and_time(b, op, &op->cases[c], YH_F32, err));
        }
    }
    return YH_OK;
}
