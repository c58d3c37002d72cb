/* The memory plan on random graphs, builder errors, the executor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "ops/ops.h"
#include "models/model.h"
#include "tensor/graph_private.h"
#include "torture.h"

static void check(yh_status s, const yh_err *e)
{
    if (s != YH_OK)
        fail_msg("%s: %s", yh_status_text(s), e->msg);
}

/* ------------------------------------------------------------------ random graphs */

enum { ROWS = 33, MAX_NODES = 40, MAX_BOUND = 128 };

typedef struct random_graph {
    yh_graph *g;
    yh_tensor *loss;
    yh_tensor *bound[MAX_BOUND];
    int n_bound;
    float *data[MAX_BOUND], *grad[MAX_BOUND];
} random_graph;

static yh_tensor *vector_param(yh_graph *g, int k, int64_t n)
{
    char name[16];
    snprintf(name, sizeof name, "v%d", k);
    return yh_graph_param(g, name, YH_F32, 1, &n, true);
}

static yh_tensor *matrix_param(yh_graph *g, int k, int64_t rows, int64_t cols)
{
    char name[16];
    int64_t dim[2] = {rows, cols};
    snprintf(name, sizeof name, "m%d", k);
    return yh_graph_param(g, name, YH_F32, 2, dim, true);
}

/* One random operation on random nodes made so far (width 16 or 40). */
static yh_tensor *random_node(yh_graph *g, yh_rng *r, yh_tensor *const *node, int n, int k)
{
    yh_tensor *a = node[yh_rng_below(r, (uint64_t)n)], *b = NULL;
    for (int i = n - 1; i >= 0 && b == NULL; i--) {
        if (node[i]->dim[1] == a->dim[1] && (node[i] != a || yh_rng_below(r, 3) == 0))
            b = node[i];
    }
    b = b != NULL ? b : a;
    switch (yh_rng_below(r, 6)) {
    case 0:
        return yh_add(g, a, b);
    case 1:
        return yh_swiglu(g, a, b);
    case 2:
        return yh_gelu(g, a);
    case 3:
        return yh_rmsnorm(g, a, vector_param(g, k, a->dim[1]), 1e-5f);
    case 4:
        return yh_linear(g, a, matrix_param(g, k, a->dim[1] == 16 ? 40 : 16, a->dim[1]), NULL,
                         NULL);
    default:
        return yh_linear(g, a, matrix_param(g, k, a->dim[1], a->dim[1]),
                         vector_param(g, k, a->dim[1]), b);
    }
}

static void build_random(random_graph *q, uint64_t seed, int recompute)
{
    yh_rng r;
    yh_err e = YH_ERR_INIT;
    yh_tensor *node[MAX_NODES];
    int64_t rows = ROWS, one = 1, dim[2] = {ROWS, 16};
    yh_rng_init(&r, seed, 1);
    *q = (random_graph){0};
    check(yh_graph_create(&q->g, YH_F32, &e), &e);
    yh_graph_set_recompute(q->g, recompute);
    node[0] = yh_graph_input(q->g, "x", YH_F32, 2, dim);
    node[0]->needs_grad = true;
    int n = 1, want = 3 + (int)yh_rng_below(&r, MAX_NODES - 4);
    for (; n < want; n++) {
        node[n] = random_node(q->g, &r, node, n, n);
        if (node[n] == NULL)
            fail_msg("%s", yh_graph_error(q->g)->msg);
        if (yh_rng_below(&r, 5) == 0)
            yh_graph_checkpoint(node[n]);
    }
    yh_tensor *target = yh_graph_input(q->g, "targets", YH_I32, 1, &rows);
    q->loss = yh_lm_loss(q->g, node[n - 1], matrix_param(q->g, n, 50, node[n - 1]->dim[1]), target,
                         yh_graph_input(q->g, "scale", YH_F32, 1, &one));
    yh_graph_backward(q->g, q->loss);
    q->n_bound = yh_graph_sources(q->g, q->bound, MAX_BOUND);
    assert_true(q->n_bound <= MAX_BOUND);
}

static void bind_random(random_graph *q, uint64_t seed)
{
    yh_rng r;
    yh_rng_init(&r, seed, 2);
    for (int i = 0; i < q->n_bound; i++) {
        yh_tensor *t = q->bound[i];
        int64_t n = yh_tensor_count(t);
        q->data[i] = calloc((size_t)n, sizeof(float));
        q->grad[i] = calloc((size_t)n, sizeof(float));
        assert_true(q->data[i] != NULL && q->grad[i] != NULL);
        yh_tensor_bind(t, q->data[i]);
        if (t->kind == YH_T_PARAM)
            yh_tensor_bind_grad(t, q->grad[i]);
        for (int64_t k = 0; k < n; k++)
            yh_tensor_set(
                t, k, t->type == YH_I32 ? (double)yh_rng_below(&r, 50) : 0.2 * yh_rng_normal(&r));
    }
}

static void free_random(random_graph *q)
{
    for (int i = 0; i < q->n_bound; i++) {
        free(q->data[i]);
        free(q->grad[i]);
    }
    yh_graph_free(q->g);
}

/* Lives by definition: from the node that writes a tensor to the last that reads it. */
static int32_t last_read(const yh_graph *g, const yh_tensor *t)
{
    int32_t last = t->keep ? INT32_MAX : t->owner->id;
    for (size_t i = 0; i < g->n && !t->keep; i++) {
        for (int k = 0; k < YH_MAX_SRC; k++) {
            if (g->tensor[i]->src[k] == t && g->tensor[i]->id > last)
                last = g->tensor[i]->id;
        }
    }
    return last;
}

static bool may_share(const yh_tensor *a, const yh_tensor *b)
{
    /* b's node writes over its own source a */
    for (int k = 0; k < 3; k++) {
        const yh_tensor *out = k == 0 ? b->owner : b->owner->extra[k - 1];
        for (unsigned i = 0; i < YH_MAX_SRC && out == b; i++) {
            if (b->owner->src[i] == a && (b->owner->op->inplace[k] >> i & 1u) != 0)
                return true;
        }
    }
    return false;
}

static void check_no_overlap(const yh_graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const yh_tensor *a = g->tensor[i];
        if (!yh_is_written(a) || yh_tensor_bytes(a) == 0)
            continue;
        int32_t a_last = last_read(g, a);
        const char *pa = a->data;
        assert_true(pa >= (const char *)g->memory &&
                    pa + yh_tensor_bytes(a) <= (const char *)g->memory + g->bytes);
        assert_int_equal((uintptr_t)pa % 64, 0);
        for (size_t k = 0; k < g->n; k++) {
            const yh_tensor *b = g->tensor[k];
            const char *pb = b->data;
            if (k == i || !yh_is_written(b) || yh_tensor_bytes(b) == 0 ||
                b->owner->id < a->owner->id || b->owner->id > a_last)
                continue;
            bool apart = pa + yh_tensor_bytes(a) <= pb || pb + yh_tensor_bytes(b) <= pa;
            bool in_place = b->owner->id == a_last && pa == pb && may_share(a, b);
            if (!apart && !in_place)
                fail_msg("%s (%d) and %s (%d) share memory", a->name, (int)a->id, b->name,
                         (int)b->id);
        }
    }
}

static void live_tensors_never_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        random_graph q;
        yh_err e = YH_ERR_INIT;
        size_t measured;
        build_random(&q, seed, (int)(seed % 3));
        check(yh_graph_measure(q.g, &measured, &e), &e);
        check(yh_graph_plan(q.g, &e), &e);
        assert_true(measured == yh_graph_memory(q.g));
        check_no_overlap(q.g);
        yh_graph_free(q.g);
    }
}

/* The same graph with every tensor kept apart, and with recomputation, gives the same bits. */
static void plan_does_not_change_results(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        random_graph q[4];
        yh_err e = YH_ERR_INIT;
        for (int k = 0; k < 4; k++) {
            build_random(&q[k], seed, k < 2 ? 0 : k - 1);
            for (size_t i = 0; k == 1 && i < q[k].g->n; i++)
                yh_graph_keep(q[k].g, q[k].g->tensor[i]);
            bind_random(&q[k], seed);
            yh_graph_keep(q[k].g, q[k].bound[0]->grad);
            check(yh_graph_plan(q[k].g, &e), &e);
            check(yh_graph_run(q[k].g, NULL, &e), &e);
            check(yh_graph_run(q[k].g, NULL, &e), &e); /* nothing is left behind by the first */
        }
        for (int k = 1; k < 4; k++) {
            assert_memory_equal(q[0].loss->data, q[k].loss->data, sizeof(float));
            for (int i = 0; i < q[0].n_bound; i++)
                assert_memory_equal(q[0].grad[i], q[k].grad[i],
                                    (size_t)yh_tensor_count(q[0].bound[i]) * sizeof(float));
            if (q[0].bound[0]->grad != NULL)
                assert_memory_equal(q[0].bound[0]->grad->data, q[k].bound[0]->grad->data,
                                    yh_tensor_bytes(q[0].bound[0]));
        }
        assert_true(yh_graph_memory(q[0].g) <= yh_graph_memory(q[1].g));
        for (int k = 0; k < 4; k++)
            free_random(&q[k]);
    }
}

/* ------------------------------------------------------------------ errors */

/* Gradients that count as zero are whole after a run, also those that no node writes. */
static void cleared_gradients_are_overwritten(void **state)
{
    (void)state;
    random_graph q;
    yh_err e = YH_ERR_INIT;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        build_random(&q, seed, 0);
        yh_tensor *unused = vector_param(q.g, 99, 7);
        q.n_bound = yh_graph_sources(q.g, q.bound, MAX_BOUND);
        bind_random(&q, seed);
        check(yh_graph_plan(q.g, &e), &e);
        check(yh_graph_run(q.g, NULL, &e), &e); /* adds to zeros */
        float *want[MAX_BOUND];
        for (int i = 0; i < q.n_bound; i++) {
            const size_t n = (size_t)yh_tensor_count(q.bound[i]);
            want[i] = q.grad[i];
            q.grad[i] = malloc(n * sizeof(float));
            assert_non_null(q.grad[i]);
            for (size_t k = 0; k < n; k++)
                q.grad[i][k] = NAN;
            if (q.bound[i]->kind == YH_T_PARAM)
                yh_tensor_bind_grad(q.bound[i], q.grad[i]);
        }
        yh_graph_clear_grads(q.g);
        check(yh_graph_run(q.g, NULL, &e), &e);
        for (int i = 0; i < q.n_bound; i++) {
            for (int64_t k = 0; k < yh_tensor_count(q.bound[i]); k++)
                assert_true(q.bound[i]->kind != YH_T_PARAM || q.grad[i][k] == want[i][k]);
            free(want[i]);
        }
        assert_true(unused->grad_data[3] == 0.0f);
        free_random(&q);
    }
}

static void expect_failure(yh_graph *g, yh_status code, const char *text)
{
    yh_err e = YH_ERR_INIT;
    size_t bytes;
    assert_int_equal(yh_graph_measure(g, &bytes, NULL), code);
    assert_int_equal(yh_graph_plan(g, &e), code);
    if (strstr(e.msg, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.msg, text);
    yh_graph_free(g);
}

static yh_graph *fresh(yh_dtype type)
{
    yh_graph *g;
    yh_err e = YH_ERR_INIT;
    check(yh_graph_create(&g, type, &e), &e);
    return g;
}

static void builders_report_the_first_error(void **state)
{
    (void)state;
    int64_t a[2] = {4, 6}, b[2] = {5, 7}, zero[2] = {0, 3}, huge[2] = {INT64_MAX, 4};
    yh_graph *g = fresh(YH_F32);
    yh_tensor *x = yh_graph_input(g, "x", YH_F32, 2, a);
    yh_tensor *w = yh_graph_param(g, "w", YH_F32, 2, b, true);
    assert_null(yh_linear(g, x, w, NULL, NULL));
    assert_null(yh_add(g, yh_rmsnorm(g, NULL, NULL, 1e-5f), x)); /* goes on quietly */
    expect_failure(g, YH_INVALID, "linear: x has 6 columns, w 7");

    g = fresh(YH_F32);
    assert_non_null(yh_graph_input(g, "x", YH_F32, 2, a));
    assert_null(yh_graph_input(g, "x", YH_F32, 2, a));
    expect_failure(g, YH_INVALID, "this name");

    g = fresh(YH_F32);
    assert_null(yh_graph_input(g, "x", YH_F32, 2, zero));
    expect_failure(g, YH_INVALID, "dimension 0 is 0");

    g = fresh(YH_F32);
    assert_null(yh_graph_input(g, "x", YH_F32, 2, huge));
    expect_failure(g, YH_INVALID, "overflow");

    g = fresh(YH_BF16);
    x = yh_graph_input(g, "x", YH_F32, 2, a);
    assert_null(yh_gelu(g, x));
    expect_failure(g, YH_INVALID, "matrix of bf16");

    g = fresh(YH_F32);
    x = yh_graph_input(g, "x", YH_F32, 2, a);
    yh_graph_backward(g, yh_gelu(g, x));
    expect_failure(g, YH_INVALID, "scalar");

    yh_err e = YH_ERR_INIT;
    assert_int_equal(yh_graph_create(&g, YH_I32, &e), YH_INVALID);
    yh_graph_free(NULL);
}

static void running_needs_a_plan_and_memory(void **state)
{
    (void)state;
    int64_t dim[2] = {4, 6}, rows = 2;
    int32_t row[2] = {3, 4};
    float x[24] = {0};
    yh_err e = YH_ERR_INIT;
    yh_graph *g = fresh(YH_F32);
    yh_tensor *in = yh_graph_input(g, "x", YH_F32, 2, dim);
    yh_tensor *pick = yh_graph_input(g, "rows", YH_I32, 1, &rows);
    yh_tensor *y = yh_take_rows(g, yh_gelu(g, in), pick);
    yh_graph_keep(g, y);
    assert_int_equal(yh_graph_run(g, NULL, NULL), YH_INVALID);
    check(yh_graph_plan(g, &e), &e);
    assert_int_equal(yh_graph_plan(g, NULL), YH_INVALID);
    assert_int_equal(yh_graph_run(g, NULL, &e), YH_INVALID);
    assert_non_null(strstr(e.msg, "\"x\" is not bound"));
    yh_tensor_bind(in, x);
    yh_tensor_bind(pick, row);
    e = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_graph_run(g, NULL, &e), YH_INVALID); /* row 4 of 4 */
    assert_non_null(strstr(e.msg, "\"rows\"[1] is 4 of 4 rows"));
    row[1] = 0;
    check(yh_graph_run(g, NULL, &e), &e);
    assert_null(yh_gelu(g, y)); /* frozen */
    yh_graph_free(g);
}

static void profile_counts_calls_and_flops(void **state)
{
    (void)state;
    random_graph q;
    yh_op_profile rows[64];
    yh_err e = YH_ERR_INIT;
    build_random(&q, 3, 0);
    bind_random(&q, 3);
    check(yh_graph_plan(q.g, &e), &e);
    yh_graph_profile_enable(q.g, true);
    for (int i = 0; i < 2; i++)
        check(yh_graph_run(q.g, NULL, &e), &e);
    int n = yh_graph_profile(q.g, rows, 64);
    double flops = 0.0;
    int64_t losses = 0;
    for (int i = 0; i < n; i++) {
        flops += rows[i].flops;
        losses += strcmp(rows[i].op, "lm_loss") == 0 ? rows[i].calls : 0;
        assert_true(rows[i].calls > 0 && rows[i].bytes > 0.0 && rows[i].seconds >= 0.0);
    }
    assert_int_equal(losses, 2);
    assert_true(flops > 0.0 && flops == 2.0 * yh_graph_flops(q.g));
    free_random(&q);
}

/* ------------------------------------------------------------------ memory running out */

static yh_status build_model(void *arg, yh_err *err)
{
    const yh_model_config c = {.family = arg,
                               .vocab = 50,
                               .width = 16,
                               .layers = 3,
                               .heads = 2,
                               .kv_heads = 2,
                               .head_dim = 8,
                               .ffn = 32,
                               .context = 16,
                               .rope_theta = 1e4,
                               .norm_eps = 1e-5,
                               .tied = true,
                               .bos = -1,
                               .eos = -1,
                               .pad = -1};
    for (int cached = 0; cached < 2; cached++) {
        yh_graph *g;
        YH_TRY(yh_graph_create(&g, YH_F32, err));
        yh_build b = {.g = g,
                      .cfg = &c,
                      .rows = 12,
                      .cached = cached != 0,
                      .capacity = 16,
                      .trainable = cached == 0};
        yh_model_build(&b, cached);
        if (cached == 0)
            yh_graph_backward(g, b.loss);
        size_t bytes;
        yh_status s = yh_graph_measure(g, &bytes, err);
        if (s == YH_OK)
            s = yh_graph_plan(g, err);
        yh_graph_free(g);
        YH_TRY(s);
    }
    return YH_OK;
}

static void building_survives_every_failed_allocation(void **state)
{
    (void)state;
    static char qwen3[] = "qwen3", gpt2[] = "gpt2";
    assert_true(torture(build_model, qwen3) > 10);
    assert_true(torture(build_model, gpt2) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_tensors_never_overlap),
        cmocka_unit_test(plan_does_not_change_results),
        cmocka_unit_test(cleared_gradients_are_overwritten),
        cmocka_unit_test(builders_report_the_first_error),
        cmocka_unit_test(running_needs_a_plan_and_memory),
        cmocka_unit_test(profile_counts_calls_and_flops),
        cmocka_unit_test(building_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
