/* isa: each */
/* Attention against its definition; what is compared is in attention_check.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define FIRST_TYPE 0
#include "attention_check.h"

static double loss_of(reference *r)
{
    double sum = 0;
    reference_forward(r);
    for (int64_t i = 0; i < r->s.rows * r->s.heads * r->s.dim; i++)
        sum += r->out[i] * r->dout[i];
    return sum;
}

/* The kernels' F32 gradients against central differences of the reference in double. */
static void gradient_is_numeric(void **state)
{
    (void)state;
    const shape s = {20, 4, 2, 6, 9, 8, 0};
    reference r = reference_new(s, YH_F32, 77);
    tensors t = tensors_new(&r, YH_F32);
    assert_int_equal(yh_attn_forward(&t.a, NULL, NULL), YH_OK);
    assert_int_equal(yh_attn_backward(&t.a, NULL, NULL), YH_OK);
    double *vars[] = {r.q, r.k, r.v};
    const void *grads[] = {t.a.dq, t.a.dk, t.a.dv};
    for (int k = 0; k < 3; k++) {
        int64_t n = s.rows * width_of(&s, k == 0 ? Q : K);
        for (int64_t i = 0; i < n; i++) {
            const double eps = 1e-5, keep = vars[k][i];
            vars[k][i] = keep + eps;
            double up = loss_of(&r);
            vars[k][i] = keep - eps;
            double down = loss_of(&r);
            vars[k][i] = keep;
            assert_true(fabs((up - down) / (2 * eps) - value(grads[k], i, YH_F32)) < 2e-5);
        }
    }
    tensors_free(&t);
    reference_free(&r);
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    yh_err err = YH_ERR_INIT;
    yh_attn a = {.rows = 1, .heads = 3, .kv_heads = 2, .dim = 4, .scale = 1, .type = YH_F32};
    assert_int_equal(yh_attn_forward(&a, NULL, &err), YH_INVALID);
    a.kv_heads = 3;
    a.dim = 100000;
    assert_int_equal(yh_attn_forward(&a, NULL, NULL), YH_UNSUPPORTED);
    a.dim = 4;
    a.type = YH_I32;
    assert_int_equal(yh_attn_backward(&a, NULL, NULL), YH_UNSUPPORTED);
    a.type = YH_F32;
    a.scale = 0;
    assert_int_equal(yh_attn_forward(&a, NULL, NULL), YH_INVALID);
    a.scale = 1;
    a.rows = 0;
    assert_int_equal(yh_attn_forward(&a, NULL, NULL), YH_OK);
    assert_int_equal(yh_attn_backward(&a, NULL, NULL), YH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_reference),      cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(gradient_is_numeric),    cmocka_unit_test(cached_matches_reference),
        cmocka_unit_test(bad_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
