/* isa: each */
/* The output layer with its loss against the definition in double: ordinary logits, logits so large
 * that their exponentials need a shift, ignored rows, several chunks and blocks of the vocabulary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "ops/ops.h"
#include "tensor/op.h"

typedef struct task {
    int64_t rows, width, vocab;
    double shift, spread; /* logits: mean and deviation, about */
    yh_dtype type;
} task;

typedef struct bound {
    yh_graph *g;
    yh_tensor *x, *w, *targets, *scale, *loss;
    void *memory[4];
    float *dw;
} bound;

static void *zeros(int64_t n)
{
    void *p = calloc((size_t)n + 1, sizeof(float));
    assert_non_null(p);
    return p;
}

/* Column 0 of x is 1: what column 0 of w holds is added to all logits of that word. */
static void bind_numbers(bound *b, const task *t)
{
    yh_rng r;
    yh_rng_init(&r, 3, (uint64_t)t->vocab);
    yh_tensor *all[4] = {b->x, b->w, b->targets, b->scale};
    for (int i = 0; i < 4; i++) {
        b->memory[i] = zeros(yh_tensor_count(all[i]));
        yh_tensor_bind(all[i], b->memory[i]);
    }
    b->dw = zeros(yh_tensor_count(b->w));
    yh_tensor_bind_grad(b->w, b->dw);
    for (int64_t i = 0; i < t->rows * t->width; i++)
        yh_tensor_set(b->x, i, i % t->width == 0 ? 1.0 : yh_rng_normal(&r));
    for (int64_t i = 0; i < t->vocab * t->width; i++)
        yh_tensor_set(b->w, i,
                      i % t->width == 0 ? t->shift
                                        : t->spread * yh_rng_normal(&r) / sqrt((double)t->width));
    for (int64_t i = 0; i < t->rows; i++)
        ((int32_t *)b->memory[2])[i] =
            i % 5 == 3 ? -1 : (int32_t)yh_rng_below(&r, (uint64_t)t->vocab);
    *(float *)b->memory[3] = 0.5f;
}

static void open_task(bound *b, const task *t, bool gradient)
{
    yh_err e = YH_ERR_INIT;
    const int64_t one = 1, xd[2] = {t->rows, t->width}, wd[2] = {t->vocab, t->width};
    *b = (bound){0};
    assert_int_equal(yh_graph_create(&b->g, t->type, &e), YH_OK);
    b->x = yh_graph_input(b->g, "x", t->type, 2, xd);
    b->x->needs_grad = gradient;
    b->w = yh_graph_param(b->g, "w", t->type, 2, wd, gradient);
    b->targets = yh_graph_input(b->g, "targets", YH_I32, 1, &t->rows);
    b->scale = yh_graph_input(b->g, "scale", YH_F32, 1, &one);
    b->loss = yh_lm_loss(b->g, b->x, b->w, b->targets, b->scale);
    if (gradient) {
        yh_graph_backward(b->g, b->loss);
        yh_graph_keep(b->g, b->x->grad);
    }
    if (yh_graph_plan(b->g, &e) != YH_OK)
        fail_msg("%s", e.msg);
    bind_numbers(b, t);
}

static void close_task(bound *b)
{
    yh_graph_free(b->g);
    for (int i = 0; i < 4; i++)
        free(b->memory[i]);
    free(b->dw);
}

static void near(const char *what, int64_t i, double got, double want, double slack)
{
    if (!(fabs(got - want) <= slack))
        fail_msg("%s[%d] is %.9g, not %.9g", what, (int)i, got, want);
}

/* Softmax of row r; returns its loss. */
static double softmax_row(const bound *b, const task *t, int64_t r, double *p)
{
    const int32_t target = ((const int32_t *)b->memory[2])[r];
    double top = -1e300, sum = 0, at = 0;
    for (int64_t v = 0; v < t->vocab; v++) {
        p[v] = 0;
        for (int64_t i = 0; i < t->width; i++)
            p[v] += yh_tensor_get(b->x, r * t->width + i) * yh_tensor_get(b->w, v * t->width + i);
        top = p[v] > top ? p[v] : top;
        at = v == target ? p[v] : at;
    }
    for (int64_t v = 0; v < t->vocab; v++)
        sum += p[v] = exp(p[v] - top);
    for (int64_t v = 0; v < t->vocab; v++)
        p[v] /= sum;
    return log(sum) + top - at;
}

static void compare(const task *t)
{
    bound b;
    open_task(&b, t, true);
    assert_int_equal(yh_graph_run(b.g, NULL, NULL), YH_OK);
    double *p = malloc((size_t)t->vocab * sizeof *p),
           *dw = calloc((size_t)(2 * t->vocab * t->width), 8);
    assert_true(p != NULL && dw != NULL);
    double *dw_mass = dw + t->vocab * t->width;
    /* rounding: logits in F32; p, x and dx in bf16 */
    const double size = fabs(t->shift) + 4 * t->spread + 1, unit = t->type == YH_BF16 ? 8e-3 : 1e-5;
    for (int64_t r = 0; r < t->rows; r++) {
        const int32_t target = ((const int32_t *)b.memory[2])[r];
        const double loss = softmax_row(&b, t, r, p);
        near("loss", r, (double)((const float *)b.loss->extra[0]->data)[r], target < 0 ? 0 : loss,
             size * 2e-6);
        for (int64_t i = 0; i < t->width; i++) {
            double dx = 0, mass = 1e-3;
            for (int64_t v = 0; target >= 0 && v < t->vocab; v++) {
                const double g = 0.5 * (p[v] - (v == target)),
                             w = yh_tensor_get(b.w, v * t->width + i);
                dx += g * w;
                mass += fabs(g * w);
                const double own = g * yh_tensor_get(b.x, r * t->width + i);
                dw[v * t->width + i] += own;
                dw_mass[v * t->width + i] += fabs(own);
            }
            near("dx", r * t->width + i, yh_tensor_get(b.x->grad, r * t->width + i), dx,
                 unit * mass + size * 1e-5);
        }
    }
    for (int64_t i = 0; i < t->vocab * t->width; i++)
        near("dw", i, (double)b.dw[i], dw[i], (unit + size * 1e-5) * (dw_mass[i] + 1e-3));
    free(p);
    free(dw);
    close_task(&b);
}

static void against_the_definition(void **state)
{
    (void)state;
    static const task all[] = {{1, 8, 5, 0, 1, YH_F32},       {70, 12, 4200, 0, 2, YH_F32},
                               {33, 24, 131, 300, 4, YH_F32}, {34, 24, 131, -300, 4, YH_F32},
                               {1030, 9, 61, 0, 3, YH_F32},   {20, 16, 90, 0, 60, YH_F32}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int half = 0; half < 2; half++) {
            task t = all[i];
            t.type = half == 0 ? YH_F32 : YH_BF16;
            compare(&t);
        }
}

/* A model that is sure and right gets no gradient: p - 1 is not rounded before it is scaled. */
static void sure_and_right(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        const task t = {8, 8, 40, 0, 1, half == 0 ? YH_F32 : YH_BF16};
        bound b;
        open_task(&b, &t, true);
        for (int64_t r = 0; r < t.rows; r++) {
            ((int32_t *)b.memory[2])[r] = (int32_t)r;
            for (int64_t i = 0; i < t.width; i++) {
                yh_tensor_set(b.x, r * t.width + i, r == i);
                yh_tensor_set(b.w, r * t.width + i, r == i ? 30.0 : 0.0);
            }
        }
        for (int64_t i = t.rows * t.width; i < t.vocab * t.width; i++)
            yh_tensor_set(b.w, i, 0.0);
        assert_int_equal(yh_graph_run(b.g, NULL, NULL), YH_OK);
        for (int64_t i = 0; i < t.rows * t.width; i++)
            assert_true(fabs(yh_tensor_get(b.x->grad, i)) < 1e-5);
        for (int64_t i = 0; i < t.vocab * t.width; i++)
            assert_true(fabs((double)b.dw[i]) < 1e-5);
        close_task(&b);
    }
}

/* A number that is not one comes out as such, in the loss and in the gradients. */
static void not_a_number(void **state)
{
    (void)state;
    const task t = {6, 8, 40, 0, 1, YH_F32};
    bound b;
    open_task(&b, &t, true);
    yh_tensor_set(b.w, 17 * t.width, (double)NAN);
    assert_int_equal(yh_graph_run(b.g, NULL, NULL), YH_OK);
    assert_true(isnan(*(const float *)b.loss->data));
    assert_true(isnan(b.dw[17 * t.width]));
    close_task(&b);
}

/* The loss alone is the loss of training, to the bit. */
static void without_gradients(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        const task t = {70, 24, 4200, 50, 4, half == 0 ? YH_F32 : YH_BF16};
        bound a, b;
        open_task(&a, &t, true);
        open_task(&b, &t, false);
        assert_int_equal(yh_graph_run(a.g, NULL, NULL), YH_OK);
        assert_int_equal(yh_graph_run(b.g, NULL, NULL), YH_OK);
        assert_memory_equal(a.loss->data, b.loss->data, sizeof(float));
        assert_memory_equal(a.loss->extra[0]->data, b.loss->extra[0]->data,
                            (size_t)t.rows * sizeof(float));
        close_task(&a);
        close_task(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_definition), cmocka_unit_test(sure_and_right),
        cmocka_unit_test(not_a_number), cmocka_unit_test(without_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
