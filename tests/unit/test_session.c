/* isa: each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "models/model.h"
#include "yh/eval.h"
#include "yh/session.h"

enum { CONTEXT = 200, LONGEST = 190 };

static const yh_model_config configs[] = {
    {.family = "qwen3",
     .vocab = 97,
     .width = 48,
     .layers = 3,
     .heads = 6,
     .kv_heads = 2,
     .head_dim = 16,
     .ffn = 88,
     .context = CONTEXT,
     .rope_theta = 10000.0,
     .norm_eps = 1e-6,
     .tied = true,
     .init_std = 0.1,
     .bos = -1,
     .eos = 0,
     .pad = -1},
    {.family = "qwen3",
     .vocab = 301,
     .width = 40,
     .layers = 2,
     .heads = 3,
     .kv_heads = 3,
     .head_dim = 24,
     .ffn = 52,
     .context = CONTEXT,
     .rope_theta = 1e6,
     .norm_eps = 1e-6,
     .tied = false,
     .init_std = 0.1,
     .bos = -1,
     .eos = 0,
     .pad = -1},
    {.family = "gpt2",
     .vocab = 131,
     .width = 36,
     .layers = 2,
     .heads = 3,
     .kv_heads = 3,
     .head_dim = 12,
     .ffn = 144,
     .context = CONTEXT,
     .norm_eps = 1e-5,
     .tied = true,
     .init_std = 0.1,
     .bos = -1,
     .eos = 0,
     .pad = -1},
};
enum { N_CONFIGS = (int)(sizeof configs / sizeof *configs) };

static yh_pool *pool;

static int make_pool(void **state)
{
    (void)state;
    return yh_pool_create(&pool, 2, NULL) != YH_OK;
}

static int free_pool(void **state)
{
    (void)state;
    yh_pool_free(pool);
    return 0;
}

static yh_model *make_model(int config, yh_dtype type)
{
    yh_model *m;
    yh_err err = YH_ERR_INIT;
    yh_status s = yh_model_init(&m, &configs[config], type, 11, &err);
    if (s != YH_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(s, YH_OK);
    return m;
}

static void make_ids(uint32_t id[LONGEST], int vocab)
{
    yh_rng r;
    yh_rng_init(&r, 3, 4);
    for (int i = 0; i < LONGEST; i++)
        id[i] = (uint32_t)yh_rng_below(&r, (uint64_t)vocab);
}

/* Largest difference relative to the largest magnitude. In bf16 both sides are rounded: each is
 * within 2e-2 of the exact value. */
static double distance(const float *a, const float *b, size_t n)
{
    double top = 0.0, far = 0.0;
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(a[i]) && isfinite(b[i]));
        top = fmax(top, fabs((double)a[i]));
        far = fmax(far, fabs((double)a[i] - (double)b[i]));
    }
    assert_true(top > 0.0);
    return far / top;
}

static void expect_near(const float *a, const float *b, size_t n, yh_dtype type)
{
    double d = distance(a, b, n), most = type == YH_F32 ? 2e-5 : 4e-2;
    if (d > most)
        print_error("differs by %g, at most %g\n", d, most);
    assert_true(d <= most);
}

static void check_config(int config, yh_dtype type)
{
    static const size_t pieces[] = {1, 7, 16, 17, 130, LONGEST};
    static float full[LONGEST * 301];
    yh_model *m = make_model(config, type);
    size_t vocab = (size_t)m->cfg.vocab;
    uint32_t id[LONGEST];
    yh_session *s;
    make_ids(id, m->cfg.vocab);
    assert_int_equal(yh_eval_logits(m, id, LONGEST, full, pool, NULL), YH_OK);
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        assert_int_equal(yh_session_create(&s, m, 0, pool, NULL), YH_OK);
        for (size_t at = 0; at < LONGEST; at += pieces[k]) {
            size_t n = LONGEST - at < pieces[k] ? LONGEST - at : pieces[k];
            assert_int_equal(yh_session_feed(s, id + at, n, NULL), YH_OK);
            assert_int_equal(yh_session_used(s), at + n);
            expect_near(full + (at + n - 1) * vocab, yh_session_logits(s), vocab, type);
        }
        yh_session_free(s);
    }
    yh_model_free(m);
}

/* Fed one by one, in pieces or whole, a session gives what the training form gives. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < N_CONFIGS; i++)
        check_config(i, YH_F32);
}

static void every_way_in_bf16(void **state)
{
    (void)state;
    for (int i = 0; i < N_CONFIGS; i++)
        check_config(i, YH_BF16);
}

static void beginnings_are_kept(void **state)
{
    yh_model *m = make_model(0, YH_F32);
    yh_session *a, *b;
    uint32_t id[LONGEST], other[60];
    (void)state;
    make_ids(id, m->cfg.vocab);
    memcpy(other, id, sizeof other);
    other[40] = (other[40] + 1) % 97;
    assert_int_equal(yh_session_create(&a, m, 0, pool, NULL), YH_OK);
    assert_int_equal(yh_session_create(&b, m, 0, pool, NULL), YH_OK);
    assert_int_equal(yh_session_set(a, id, 100, NULL), YH_OK);
    assert_int_equal(yh_session_set(a, other, 60, NULL), YH_OK); /* 40 are kept */
    assert_int_equal(yh_session_used(a), 60);
    assert_int_equal(yh_session_feed(b, other, 60, NULL), YH_OK);
    expect_near(yh_session_logits(b), yh_session_logits(a), 97, YH_F32);
    assert_memory_equal(yh_session_ids(a), other, sizeof other);
    assert_int_equal(yh_session_set(a, other, 60, NULL), YH_OK); /* all kept: logits all the same */
    expect_near(yh_session_logits(b), yh_session_logits(a), 97, YH_F32);
    yh_session_reset(a);
    assert_int_equal(yh_session_used(a), 0);
    assert_null(yh_session_logits(a));
    assert_int_equal(yh_session_feed(a, other, 60, NULL), YH_OK);
    expect_near(yh_session_logits(b), yh_session_logits(a), 97, YH_F32);
    yh_session_free(a);
    yh_session_free(b);
    yh_model_free(m);
}

static void same_bits_on_any_number_of_threads(void **state)
{
    yh_model *m = make_model(1, YH_F32);
    uint32_t id[LONGEST];
    float one[301];
    yh_session *s;
    (void)state;
    make_ids(id, m->cfg.vocab);
    for (int threads = 1; threads <= 3; threads++) {
        yh_pool *p;
        assert_int_equal(yh_pool_create(&p, threads, NULL), YH_OK);
        assert_int_equal(yh_session_create(&s, m, 0, p, NULL), YH_OK);
        assert_int_equal(yh_session_feed(s, id, 150, NULL), YH_OK);
        assert_int_equal(yh_session_feed(s, id + 150, 1, NULL), YH_OK);
        if (threads == 1)
            memcpy(one, yh_session_logits(s), sizeof one);
        assert_memory_equal(one, yh_session_logits(s), sizeof one);
        yh_session_free(s);
        yh_pool_free(p);
    }
    yh_model_free(m);
}

static void limits_are_told(void **state)
{
    yh_model *m = make_model(0, YH_F32);
    yh_session *s;
    uint32_t id[LONGEST], bad = 97;
    yh_err err = YH_ERR_INIT;
    (void)state;
    make_ids(id, m->cfg.vocab);
    assert_int_equal(yh_session_create(&s, m, CONTEXT + 1, pool, &err), YH_LIMIT);
    assert_null(s);
    assert_int_equal(yh_session_create(&s, m, 20, pool, NULL), YH_OK);
    assert_int_equal(yh_session_context(s), 20);
    assert_int_equal(yh_session_vocab(s), 97);
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_session_feed(s, &bad, 1, &err), YH_MISMATCH);
    assert_non_null(strstr(err.msg, "97"));
    assert_int_equal(yh_session_feed(s, id, 0, NULL), YH_INVALID);
    assert_int_equal(yh_session_feed(s, id, 21, NULL), YH_LIMIT);
    assert_int_equal(yh_session_set(s, id, 21, NULL), YH_LIMIT);
    assert_int_equal(yh_session_used(s), 0);
    assert_int_equal(yh_session_feed(s, id, 20, NULL), YH_OK);
    assert_int_equal(yh_session_feed(s, id, 1, NULL), YH_LIMIT);
    yh_session_free(s);
    yh_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(every_way_in_bf16),
        cmocka_unit_test(beginnings_are_kept),
        cmocka_unit_test(same_bits_on_any_number_of_threads),
        cmocka_unit_test(limits_are_told),
    };
    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
