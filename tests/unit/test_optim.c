/* isa: each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "models/weights.h"
#include "train/optim.h"
#include "train/schedule.h"

static const yh_model_config config = {.family = "qwen3",
                                       .vocab = 300,
                                       .width = 64,
                                       .layers = 2,
                                       .heads = 2,
                                       .kv_heads = 1,
                                       .head_dim = 32,
                                       .ffn = 160,
                                       .context = 32,
                                       .rope_theta = 10000.0,
                                       .norm_eps = 1e-6,
                                       .tied = true,
                                       .init_std = 0.02,
                                       .bos = -1,
                                       .eos = 0,
                                       .pad = -1};

static double weight(const yh_param *p, int64_t k)
{
    float v;
    yh_weights_get(p, true, k, &v, 1);
    return (double)v;
}

static int64_t count(const yh_param_spec *s)
{
    return s->dim[0] * (s->ndim == 2 ? s->dim[1] : 1);
}

static void fill_gradients(yh_optim *o, uint64_t step)
{
    for (int i = 0; i < o->n; i++) {
        yh_rng r;
        yh_rng_init(&r, 77 + step, (uint64_t)i);
        for (int64_t k = 0; k < o->param[i].n; k++)
            o->param[i].g[k] = (float)(0.1 * yh_rng_normal(&r));
    }
}

/* Five steps against torch.optim.AdamW's formulas in double, clipping included. */
static void adamw_follows_its_formulas(void **state)
{
    (void)state;
    yh_model *m = NULL;
    yh_optim o;
    yh_err e = YH_ERR_INIT;
    yh_optim_rule rule = {YH_OPT_ADAMW, 0.9, 0.95, 1e-8, 0.95, 0.1, 1.0};
    double lr = 3e-3, worst = 0;
    assert_int_equal(yh_model_init(&m, &config, YH_BF16, 1, &e), YH_OK);
    assert_int_equal(yh_optim_init(&o, m, &rule, &e), YH_OK);
    double **w = calloc((size_t)o.n, sizeof *w), **a = calloc((size_t)o.n, sizeof *a),
           **v = calloc((size_t)o.n, sizeof *v);
    for (int i = 0; i < o.n; i++) {
        size_t n = (size_t)o.param[i].n;
        w[i] = calloc(n, sizeof **w);
        a[i] = calloc(n, sizeof **a);
        v[i] = calloc(n, sizeof **v);
        for (size_t k = 0; k < n; k++)
            w[i][k] = weight(&m->params[i], k);
    }
    for (uint64_t t = 1; t <= 5; t++) {
        fill_gradients(&o, t);
        double sum = 0, norm = 0;
        for (int i = 0; i < o.n; i++)
            for (int64_t k = 0; k < o.param[i].n; k++)
                sum += (double)o.param[i].g[k] * (double)o.param[i].g[k];
        double clip = 1.0 / (sqrt(sum) + 1e-6), c1 = 1 - pow(0.9, (double)t),
               c2 = 1 - pow(0.95, (double)t);
        assert_true(clip < 1.0);
        for (int i = 0; i < o.n; i++)
            for (int64_t k = 0; k < o.param[i].n; k++) {
                double g = (double)o.param[i].g[k] * clip;
                w[i][k] *= m->params[i].spec.decay ? 1 - lr * 0.1 : 1.0;
                a[i][k] = 0.9 * a[i][k] + 0.1 * g;
                v[i][k] = 0.95 * v[i][k] + 0.05 * g * g;
                w[i][k] -= lr * (a[i][k] / c1) / (sqrt(v[i][k]) / sqrt(c2) + 1e-8);
            }
        assert_int_equal(yh_optim_step(&o, t, lr, 0, NULL, &norm, &e), YH_OK);
        assert_true(fabs(norm - sqrt(sum)) < 1e-6 * norm);
    }
    int decays = 0;
    for (int i = 0; i < o.n; i++) {
        decays += m->params[i].spec.decay;
        for (int64_t k = 0; k < o.param[i].n; k++) {
            worst = fmax(worst, fabs(w[i][k] - weight(&m->params[i], k)));
        }
        free(w[i]);
        free(a[i]);
        free(v[i]);
    }
    assert_true(decays > 0 && decays < o.n);
    assert_true(worst < 2e-6);
    free(w);
    free(a);
    free(v);
    yh_optim_fini(&o);
    yh_model_free(m);
}

static void check_orthogonal(int64_t rows, int64_t cols, yh_dtype type, double tolerance)
{
    yh_err e = YH_ERR_INIT;
    float *x = malloc((size_t)(rows * cols) * sizeof *x), *old = malloc((size_t)(rows * cols) * 4);
    void *scratch = yh_big_alloc(yh_muon_scratch(rows, cols, type));
    yh_rng r;
    yh_rng_init(&r, 3, (uint64_t)rows);
    for (int64_t i = 0; i < rows * cols; i++)
        old[i] = x[i] = (float)(1e-3 * yh_rng_normal(&r));
    assert_int_equal(yh_muon_orthogonalise(x, rows, cols, type, scratch, NULL, &e), YH_OK);
    /* with these coefficients every singular value ends in about [0.7, 1.2]: rows of the shorter
     * side are nearly orthogonal and of length near 1; and the result points the gradient's way */
    int64_t s = rows < cols ? rows : cols, l = rows < cols ? cols : rows;
    double frobenius = 0, dot = 0, norm = 0;
    for (int64_t i = 0; i < rows * cols; i++) {
        frobenius += (double)x[i] * (double)x[i];
        dot += (double)x[i] * (double)old[i];
        norm += (double)old[i] * (double)old[i];
    }
    assert_true(fabs(frobenius / (double)s - 0.9) < 0.35);
    assert_true(dot / sqrt(frobenius * norm) > 0.6);
    for (int64_t i = 0; i < s; i += 7)
        for (int64_t j = 0; j < s; j += 5) {
            double p = 0;
            for (int64_t k = 0; k < l; k++)
                p += rows < cols ? (double)x[i * cols + k] * (double)x[j * cols + k]
                                 : (double)x[k * cols + i] * (double)x[k * cols + j];
            assert_true(fabs(p - (i == j ? 0.9 : 0.0)) < tolerance);
        }
    free(x);
    free(old);
    yh_big_free(scratch, yh_muon_scratch(rows, cols, type));
}

static void muon_makes_rows_orthogonal(void **state)
{
    (void)state;
    check_orthogonal(48, 160, YH_F32, 0.45);
    check_orthogonal(160, 48, YH_F32, 0.45);
    check_orthogonal(33, 70, YH_BF16, 0.5);
    check_orthogonal(100, 31, YH_BF16, 0.5);
}

/* One step from known weights: momentum, shape factor, decay, bf16 copy; the rest by AdamW. */
static void muon_steps_matrices_only(void **state)
{
    (void)state;
    yh_model *m = NULL, *old = NULL;
    yh_optim o;
    yh_err e = YH_ERR_INIT;
    double norm = 0;
    yh_optim_rule rule = {YH_OPT_MUON, 0.9, 0.95, 1e-8, 0.95, 0.1, 0.0};
    assert_int_equal(yh_model_init(&m, &config, YH_BF16, 1, &e), YH_OK);
    assert_int_equal(yh_model_init(&old, &config, YH_BF16, 1, &e), YH_OK);
    assert_int_equal(yh_optim_init(&o, m, &rule, &e), YH_OK);
    fill_gradients(&o, 1);
    assert_int_equal(yh_optim_step(&o, 1, 0.0, 0.02, NULL, &norm, &e), YH_OK);
    int moved = 0;
    for (int i = 0; i < o.n; i++) {
        const yh_param_spec *s = &m->params[i].spec;
        double change = 0;
        for (int64_t k = 0; k < count(s); k++) {
            double d = weight(&m->params[i], k) - weight(&old->params[i], k) * (1 - 0.002);
            if (s->kind != YH_PARAM_MATRIX)
                assert_true(weight(&m->params[i], k) == weight(&old->params[i], k));
            change += d * d;
        }
        if (s->kind != YH_PARAM_MATRIX)
            continue;
        moved++;
        double small = (double)(s->dim[0] < s->dim[1] ? s->dim[0] : s->dim[1]);
        double shape = s->dim[0] > s->dim[1] ? (double)s->dim[0] / (double)s->dim[1] : 1.0;
        double length = sqrt(change / small / shape) / 0.02;
        assert_true(length > 0.7 && length < 1.2);
    }
    assert_true(moved == 14);
    yh_optim_fini(&o);
    yh_model_free(m);
    yh_model_free(old);
}

static void bad_gradients_change_nothing(void **state)
{
    (void)state;
    yh_model *m = NULL;
    yh_optim o;
    yh_err e = YH_ERR_INIT;
    double norm = 0;
    yh_optim_rule rule = {YH_OPT_ADAMW, 0.9, 0.95, 1e-8, 0.95, 0.1, 1.0};
    assert_int_equal(yh_model_init(&m, &config, YH_F32, 1, &e), YH_OK);
    assert_int_equal(yh_optim_init(&o, m, &rule, &e), YH_OK);
    float before = m->params[0].w[5];
    fill_gradients(&o, 1);
    o.param[2].g[3] = NAN;
    assert_int_equal(yh_optim_step(&o, 1, 1e-3, 0.02, NULL, &norm, &e), YH_LIMIT);
    assert_true(m->params[0].w[5] == before);
    yh_optim_fini(&o);
    yh_model_free(m);
}

/* Three steps of Muon and AdamW on so many threads, pinned or not. */
static yh_model *three_steps(int threads, const char *pin)
{
    yh_err e = YH_ERR_INIT;
    yh_optim o;
    yh_pool *pool = NULL;
    yh_model *m = NULL;
    double norm = 0;
    yh_optim_rule rule = {YH_OPT_MUON, 0.9, 0.95, 1e-8, 0.95, 0.1, 1.0};
    assert_int_equal(setenv("YH_PIN", pin, 1), 0);
    assert_int_equal(yh_pool_create(&pool, threads, &e), YH_OK);
    if (threads == yh_cpu_count() && threads > 1)
        assert_int_equal(yh_pool_pinned(pool), pin[0] == '1');
    assert_int_equal(yh_model_init(&m, &config, YH_BF16, 1, &e), YH_OK);
    assert_int_equal(yh_optim_init(&o, m, &rule, &e), YH_OK);
    assert_int_equal(yh_optim_place(&o, pool, &e), YH_OK);
    for (uint64_t t = 1; t <= 3; t++) {
        fill_gradients(&o, t);
        assert_int_equal(yh_optim_step(&o, t, 1e-3, 0.02, pool, &norm, &e), YH_OK);
    }
    yh_optim_fini(&o);
    yh_pool_free(pool);
    unsetenv("YH_PIN");
    return m;
}

static void threads_and_places_do_not_change_bits(void **state)
{
    (void)state;
    yh_model *m = three_steps(1, "0");
    const int threads[] = {3, yh_cpu_count(), yh_cpu_count()};
    for (int k = 0; k < 3; k++) {
        yh_model *other = three_steps(threads[k], k == 2 ? "1" : "0");
        for (int i = 0; i < m->n_params; i++) {
            const yh_param *a = &m->params[i], *b = &other->params[i];
            const size_t n = (size_t)count(&a->spec);
            assert_true((a->w == NULL) == (b->w == NULL) && (a->low == NULL) == (b->low == NULL));
            assert_true((a->w == NULL) == (a->low != NULL));
            if (a->w != NULL) {
                assert_memory_equal(a->w, b->w, n * sizeof *a->w);
            } else {
                assert_memory_equal(a->w16, b->w16, n * sizeof *a->w16);
                assert_memory_equal(a->low, b->low, n * sizeof *a->low);
            }
        }
        yh_model_free(other);
    }
    yh_model_free(m);
}

/* Packed matrices are the weights' after every step, and the weights are those without packing. */
static void packed_weights_follow(void **state)
{
    (void)state;
    yh_pool *pool = NULL;
    yh_err e = YH_ERR_INIT;
    yh_model_config odd = config;
    odd.ffn = 100; /* no whole number of panels */
    odd.width = 48;
    assert_int_equal(yh_pool_create(&pool, 3, &e), YH_OK);
    for (int kind = 0; kind < 4; kind++) {
        const yh_dtype type = kind & 1 ? YH_BF16 : YH_F32;
        yh_optim_rule rule = {kind & 2 ? YH_OPT_MUON : YH_OPT_ADAMW, 0.9, 0.95, 1e-8, 0.95, 0.1, 1};
        yh_model *m = NULL, *plain = NULL;
        yh_optim o, p;
        double norm = 0;
        assert_int_equal(yh_model_init(&m, &odd, type, 1, &e), YH_OK);
        assert_int_equal(yh_model_init(&plain, &odd, type, 1, &e), YH_OK);
        assert_int_equal(yh_optim_init(&o, m, &rule, &e), YH_OK);
        assert_int_equal(yh_optim_init(&p, plain, &rule, &e), YH_OK);
        assert_int_equal(yh_optim_pack(&o, pool, &e), YH_OK);
        assert_int_equal(o.packed_bytes, yh_optim_pack_bytes(&odd, type));
        for (uint64_t t = 1; t <= 3; t++) {
            int packed = 0;
            for (int i = 0; i < o.n; i++) {
                const yh_param *w = o.param[i].p;
                const size_t size =
                    (size_t)count(&w->spec) * yh_dtype_size(w->w ? YH_F32 : YH_BF16);
                const void *data = w->w != NULL ? (void *)w->w : (void *)w->w16;
                const yh_param *other = &plain->params[i];
                assert_memory_equal(data, other->w != NULL ? (void *)other->w : (void *)other->w16,
                                    size);
                for (int way = 0; way < 2 && o.param[i].packed[way] != NULL; way++) {
                    const yh_gemm g = {.n = w->spec.dim[way],
                                       .k = w->spec.dim[1 - way],
                                       .ab_type = type,
                                       .trans_b = way == 0,
                                       .b = data,
                                       .ldb = w->spec.dim[1]};
                    const size_t bytes = yh_gemm_weight_bytes(&g);
                    void *want = yh_big_alloc(bytes);
                    assert_non_null(want);
                    yh_gemm_pack_b(&g, want, NULL);
                    assert_memory_equal(want, o.param[i].packed[way], bytes);
                    yh_big_free(want, bytes);
                    packed++;
                }
            }
            assert_int_equal(packed, 2 * 14);
            fill_gradients(&o, t);
            fill_gradients(&p, t);
            assert_int_equal(yh_optim_step(&o, t, 1e-2, 0.02, pool, &norm, &e), YH_OK);
            assert_int_equal(yh_optim_step(&p, t, 1e-2, 0.02, NULL, &norm, &e), YH_OK);
        }
        yh_optim_fini(&o);
        yh_optim_fini(&p);
        yh_model_free(m);
        yh_model_free(plain);
    }
    yh_pool_free(pool);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void schedules_have_their_shapes(void **state)
{
    (void)state;
    yh_schedule_rule r = {YH_SCHED_COSINE, 0.1, 0, 0.1, -1, 0};
    assert_true(near(yh_schedule_factor(&r, 0.0, 0.01), 0.1));
    assert_true(near(yh_schedule_factor(&r, 0.09, 0.01), 1.0));
    assert_true(near(yh_schedule_factor(&r, 0.1, 0.01), 1.0));
    assert_true(near(yh_schedule_factor(&r, 0.55, 0.01), 0.55));
    assert_true(near(yh_schedule_factor(&r, 1.0, 0.01), 0.1));
    r = (yh_schedule_rule){YH_SCHED_WSD, 0.1, 0.4, 0.0, -1, 0};
    assert_true(near(yh_schedule_factor(&r, 0.5, 0.01), 1.0));
    assert_true(near(yh_schedule_factor(&r, 0.8, 0.01), 0.5));
    assert_true(near(yh_schedule_factor(&r, 1.0, 0.01), 0.0));
    r.early_from = 0.3;
    r.early_length = 0.1;
    assert_true(near(yh_schedule_factor(&r, 0.29, 0.01), 1.0));
    assert_true(near(yh_schedule_factor(&r, 0.35, 0.01), 0.5));
    assert_true(near(yh_schedule_factor(&r, 0.5, 0.01), 0.0));
    r = (yh_schedule_rule){YH_SCHED_CONSTANT, 0.0, 0, 0.0, -1, 0};
    assert_true(near(yh_schedule_factor(&r, 0.0, 0.01), 1.0));
    assert_true(near(yh_schedule_factor(&r, 1.0, 0.01), 1.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_follows_its_formulas),
        cmocka_unit_test(muon_makes_rows_orthogonal),
        cmocka_unit_test(muon_steps_matrices_only),
        cmocka_unit_test(bad_gradients_change_nothing),
        cmocka_unit_test(threads_and_places_do_not_change_bits),
        cmocka_unit_test(packed_weights_follow),
        cmocka_unit_test(schedules_have_their_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
