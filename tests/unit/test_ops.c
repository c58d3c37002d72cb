/* isa: each */
/* Every operation's own cases: forward against the definition in double precision; gradients
 * against central differences of that definition; bf16 against f32; any number of threads and
 * recomputation give the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "ops/cases.h"

static yh_pool *pool;

static void check(yh_status s, const yh_err *e)
{
    if (s != YH_OK)
        fail_msg("%s: %s", yh_status_text(s), e->msg);
}

typedef void (*case_fn)(const yh_op *op, const yh_op_case *c);

static void for_each_case(case_fn fn)
{
    for (int i = 0; i < yh_op_count(); i++) {
        const yh_op *op = yh_op_at(i);
        int n = 0;
        for (int k = 0; k < op->n_cases; k++) {
            if (!op->cases[k].timing) {
                fn(op, &op->cases[k]);
                n++;
            }
        }
        if (n == 0)
            fail_msg("operation %s has no test case", op->name);
    }
}

/* Same threshold for every operation: relative to the element and to the root mean square. */
static void compare(const yh_op *op, const yh_op_case *c, const char *what, const double *want,
                    const double *got, int64_t n, double tol)
{
    double rms = 0.0;
    for (int64_t i = 0; i < n; i++)
        rms += want[i] * want[i] / (double)n;
    rms = sqrt(rms);
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(want[i] - got[i]) <= tol * (fabs(want[i]) + rms) + 1e-6))
            fail_msg("%s (%lld, %lld, %lld, %lld, %lld, %lld): %s[%lld] is %.9g, must be %.9g",
                     op->name, (long long)c->p[0], (long long)c->p[1], (long long)c->p[2],
                     (long long)c->p[3], (long long)c->p[4], (long long)c->p[5], what, (long long)i,
                     got[i], want[i]);
    }
}

static double *values(const yh_tensor *t)
{
    int64_t n = yh_tensor_count(t);
    double *v = calloc((size_t)n, sizeof *v);
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++)
        v[i] = yh_tensor_get(t, i);
    return v;
}

static double *reference_of(const yh_op *op, const yh_tensor *y)
{
    double *v = calloc((size_t)yh_tensor_count(y), sizeof *v);
    assert_non_null(v);
    op->reference(y, v);
    return v;
}

/* ------------------------------------------------------------------ forward */

static void forward_case(const yh_op *op, const yh_op_case *c)
{
    static const yh_dtype types[] = {YH_F32, YH_BF16};
    for (int k = 0; k < 2; k++) {
        yh_case_run r;
        yh_err e = YH_ERR_INIT;
        check(yh_case_open(&r, op, c, types[k], false, 0, 7, &e), &e);
        check(yh_graph_run(r.g, pool, &e), &e);
        double *got = values(r.y), *want = reference_of(op, r.y);
        compare(op, c, k == 0 ? "f32" : "bf16", want, got, yh_tensor_count(r.y),
                k == 0 ? 3e-5 : 1.2e-2);
        free(got);
        free(want);
        yh_case_close(&r);
    }
}

static void forward_matches_the_definition(void **state)
{
    (void)state;
    for_each_case(forward_case);
}

/* ------------------------------------------------------------------ gradients */

static double loss_by_definition(const yh_op *op, const yh_case_run *r)
{
    double *y = reference_of(op, r->y), sum = 0.0;
    const yh_tensor *weight = yh_graph_find(r->g, "case_r");
    for (int64_t i = 0; i < yh_tensor_count(r->y); i++)
        sum += weight != NULL ? y[i] * yh_tensor_get(weight, i) : y[i];
    free(y);
    return sum;
}

static double gradient_at(const yh_tensor *t, int64_t i)
{
    if (t->kind == YH_T_PARAM)
        return (double)t->grad_data[i];
    return t->grad != NULL ? yh_tensor_get(t->grad, i) : 0.0;
}

/* Central difference of order four with exactly represented steps. */
static double slope(const yh_op *op, const yh_case_run *r, yh_tensor *t, int64_t i)
{
    static const double step[4] = {1.0, -1.0, 2.0, -2.0};
    double x = yh_tensor_get(t, i), loss[4], at[4];
    for (int k = 0; k < 4; k++) {
        yh_tensor_set(t, i, x + step[k] * 0x1p-8);
        at[k] = yh_tensor_get(t, i);
        loss[k] = loss_by_definition(op, r);
    }
    yh_tensor_set(t, i, x);
    double near = (loss[0] - loss[1]) / (at[0] - at[1]),
           far = (loss[2] - loss[3]) / (at[2] - at[3]);
    return (4.0 * near - far) / 3.0;
}

static void check_gradient(const yh_op *op, const yh_op_case *c, const yh_case_run *r, yh_tensor *t)
{
    enum { SAMPLES = 24 };
    int64_t n = yh_tensor_count(t), samples = n < SAMPLES ? n : SAMPLES;
    double want[SAMPLES], got[SAMPLES];
    for (int64_t k = 0; k < samples; k++) {
        int64_t i = n <= SAMPLES ? k : k == 0 ? n - 1 : (k * 7919 + 13) % n;
        want[k] = slope(op, r, t, i);
        got[k] = gradient_at(t, i);
    }
    compare(op, c, t->name, want, got, samples, 1e-3);
}

/* A second run doubles the gradients of parameters, one that begins anew gives the first's bits. */
static void check_added(const yh_op *op, const yh_op_case *c, const yh_case_run *r,
                        yh_tensor *const *t, int sources)
{
    yh_err e = YH_ERR_INIT;
    for (int i = 0; i < sources; i++) {
        if (t[i]->grad_data == NULL)
            continue;
        const int64_t n = yh_tensor_count(t[i]);
        double *want = calloc((size_t)n, sizeof *want), *got = calloc((size_t)n, sizeof *got);
        float *first = malloc((size_t)n * sizeof *first);
        assert_true(want != NULL && got != NULL && first != NULL);
        memcpy(first, t[i]->grad_data, (size_t)n * sizeof *first);
        check(yh_graph_run(r->g, pool, &e), &e);
        for (int64_t k = 0; k < n; k++) {
            want[k] = 2.0 * (double)first[k];
            got[k] = (double)t[i]->grad_data[k];
        }
        compare(op, c, t[i]->name, want, got, n, 1e-5);
        yh_graph_clear_grads(r->g);
        check(yh_graph_run(r->g, pool, &e), &e);
        assert_memory_equal(first, t[i]->grad_data, (size_t)n * sizeof *first);
        free(want);
        free(got);
        free(first);
    }
}

static void gradient_case(const yh_op *op, const yh_op_case *c)
{
    yh_case_run r;
    yh_err e = YH_ERR_INIT;
    yh_tensor *t[32];
    if (op->backward == NULL)
        return;
    check(yh_case_open(&r, op, c, YH_F32, true, 0, 11, &e), &e);
    int n = yh_graph_sources(r.g, t, 32);
    for (int i = 0; i < n; i++) {
        for (int64_t k = 0; t[i]->grad_data != NULL && k < yh_tensor_count(t[i]); k++)
            t[i]->grad_data[k] = NAN;
    }
    yh_graph_clear_grads(r.g);
    check(yh_graph_run(r.g, pool, &e), &e);
    for (int i = 0; i < n; i++) {
        if (t[i]->needs_grad)
            check_gradient(op, c, &r, t[i]);
    }
    check_added(op, c, &r, t, n);
    yh_case_close(&r);
}

static void gradients_match_differences(void **state)
{
    (void)state;
    for_each_case(gradient_case);
}

/* Runs once and returns every gradient one after another. */
static double *all_gradients(const yh_op *op, const yh_op_case *c, yh_dtype type, yh_pool *p,
                             int recompute, int64_t *n_out)
{
    yh_case_run r;
    yh_err e = YH_ERR_INIT;
    yh_tensor *t[32];
    int64_t n = 0, at = 0;
    check(yh_case_open(&r, op, c, type, true, recompute, 5, &e), &e);
    check(yh_graph_run(r.g, p, &e), &e);
    int sources = yh_graph_sources(r.g, t, 32);
    for (int i = 0; i < sources; i++)
        n += t[i]->needs_grad ? yh_tensor_count(t[i]) : 0;
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < sources; i++) {
        for (int64_t k = 0; t[i]->needs_grad && k < yh_tensor_count(t[i]); k++)
            v[at++] = gradient_at(t[i], k);
    }
    yh_case_close(&r);
    *n_out = n;
    return v;
}

static void bf16_case(const yh_op *op, const yh_op_case *c)
{
    int64_t n;
    if (op->backward == NULL)
        return;
    double *f = all_gradients(op, c, YH_F32, pool, 0, &n);
    double *h = all_gradients(op, c, YH_BF16, pool, 0, &n);
    compare(op, c, "bf16 gradient", f, h, n, 4e-2);
    free(f);
    free(h);
}

static void bf16_gradients_match_f32(void **state)
{
    (void)state;
    for_each_case(bf16_case);
}

static void same_bits_case(const yh_op *op, const yh_op_case *c)
{
    static const yh_dtype types[] = {YH_F32, YH_BF16};
    if (op->backward == NULL)
        return;
    for (int k = 0; k < 2; k++) {
        int64_t n;
        double *one = all_gradients(op, c, types[k], NULL, 0, &n);
        for (int threads = 2; threads <= 3; threads++) {
            yh_pool *p;
            yh_err e = YH_ERR_INIT;
            check(yh_pool_create(&p, threads, &e), &e);
            double *many = all_gradients(op, c, types[k], p, threads - 2, &n);
            if (memcmp(one, many, (size_t)n * sizeof *one) != 0)
                fail_msg("%s: gradients differ with %d threads", op->name, threads);
            free(many);
            yh_pool_free(p);
        }
        free(one);
    }
}

static void threads_do_not_change_bits(void **state)
{
    (void)state;
    for_each_case(same_bits_case);
}

static int set_up(void **state)
{
    yh_err e = YH_ERR_INIT;
    (void)state;
    return yh_pool_create(&pool, 2, &e) != YH_OK;
}

static int tear_down(void **state)
{
    (void)state;
    yh_pool_free(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_matches_the_definition),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(bf16_gradients_match_f32),
        cmocka_unit_test(threads_do_not_change_bits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
