#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "infer/sampler.h"

enum { VOCAB = 12, DRAWS = 40000 };

static const float logits[VOCAB] = {0.5f, 2.0f, -1.0f, 1.5f, 0.0f,  1.0f,
                                    2.5f, -2.f, 0.7f,  0.2f, -0.5f, 1.2f};

static void draw(const yh_sampling *s, double freq[VOCAB])
{
    yh_sampler *m;
    assert_int_equal(yh_sampler_create(&m, VOCAB, NULL), YH_OK);
    for (int i = 0; i < VOCAB; i++)
        freq[i] = 0.0;
    for (uint64_t i = 0; i < DRAWS; i++)
        freq[yh_sampler_pick(m, logits, VOCAB, s, NULL, 0, i)] += 1.0 / DRAWS;
    yh_sampler_free(m);
}

/* Plain reference: probabilities of the tokens that `keep` leaves, at the temperature. */
static void expected(double temperature, const bool keep[VOCAB], double p[VOCAB])
{
    double sum = 0.0;
    for (int i = 0; i < VOCAB; i++)
        sum += p[i] = keep[i] ? exp((double)logits[i] / temperature) : 0.0;
    for (int i = 0; i < VOCAB; i++)
        p[i] /= sum;
}

static void compare(const double freq[VOCAB], const double p[VOCAB])
{
    for (int i = 0; i < VOCAB; i++) {
        double sigma = sqrt(p[i] * (1.0 - p[i]) / DRAWS);
        if (p[i] <= 0.0)
            assert_true(freq[i] <= 0.0);
        else
            assert_true(fabs(freq[i] - p[i]) < 5.0 * sigma + 1e-9);
    }
}

static int rank_of(int i)
{
    int r = 0;
    for (int k = 0; k < VOCAB; k++)
        r += logits[k] > logits[i];
    return r;
}

static void follows_the_distribution(void **state)
{
    static const double temperatures[] = {0.5, 1.0, 2.0};
    double freq[VOCAB], p[VOCAB];
    bool all[VOCAB];
    (void)state;
    for (int i = 0; i < VOCAB; i++)
        all[i] = true;
    for (int i = 0; i < 3; i++) {
        yh_sampling s = {(float)temperatures[i], 0, 1.0f, 0.0f, 1.0f, 42};
        draw(&s, freq);
        expected(temperatures[i], all, p);
        compare(freq, p);
    }
}

static void top_k_keeps_k(void **state)
{
    double freq[VOCAB], p[VOCAB];
    bool keep[VOCAB];
    (void)state;
    for (int k = 1; k <= VOCAB + 1; k += 3) {
        yh_sampling s = {1.0f, k, 1.0f, 0.0f, 1.0f, 7};
        for (int i = 0; i < VOCAB; i++)
            keep[i] = rank_of(i) < k;
        draw(&s, freq);
        expected(1.0, keep, p);
        compare(freq, p);
    }
}

static void top_p_and_min_p(void **state)
{
    double freq[VOCAB], p[VOCAB], all[VOCAB];
    bool keep[VOCAB], every[VOCAB];
    (void)state;
    for (int i = 0; i < VOCAB; i++)
        every[i] = true;
    expected(1.0, every, all);
    for (int i = 0; i < VOCAB; i++) { /* kept while those before it make up less than 0.6 */
        double before = 0.0;
        for (int k = 0; k < VOCAB; k++)
            before += rank_of(k) < rank_of(i) ? all[k] : 0.0;
        keep[i] = before < 0.6;
    }
    yh_sampling s = {1.0f, 0, 0.6f, 0.0f, 1.0f, 9};
    draw(&s, freq);
    expected(1.0, keep, p);
    compare(freq, p);
    for (int i = 0; i < VOCAB; i++)
        keep[i] = exp((double)logits[i] - 2.5) >= 0.25;
    s = (yh_sampling){1.0f, 0, 1.0f, 0.25f, 1.0f, 9};
    draw(&s, freq);
    expected(1.0, keep, p);
    compare(freq, p);
}

static void same_seed_same_token(void **state)
{
    yh_sampling a = {1.0f, 0, 1.0f, 0.0f, 1.0f, 1}, b = a;
    int differ = 0;
    (void)state;
    b.seed = 2;
    for (uint64_t i = 0; i < 200; i++) {
        uint32_t x = yh_sample(logits, VOCAB, &a, NULL, 0, i);
        assert_int_equal(x, yh_sample(logits, VOCAB, &a, NULL, 0, i));
        differ += x != yh_sample(logits, VOCAB, &b, NULL, 0, i);
    }
    assert_true(differ > 50);
}

static void greedy_and_penalty(void **state)
{
    yh_sampling s = {0.0f, 0, 1.0f, 0.0f, 1.0f, 0};
    uint32_t recent[300];
    (void)state;
    assert_int_equal(yh_sample(logits, VOCAB, &s, NULL, 0, 0), 6);
    s.repetition_penalty = 2.0f; /* 6 becomes 1.25; the next is 1 with 2.0 */
    recent[0] = recent[1] = 6;   /* twice counts once: 0.625 would be as good a reason */
    assert_int_equal(yh_sample(logits, VOCAB, &s, recent, 2, 0), 1);
    recent[2] = 1;
    assert_int_equal(yh_sample(logits, VOCAB, &s, recent, 3, 0), 3);
    recent[3] = 3;
    recent[4] = 11;
    recent[5] = 1000;                                                /* past the vocabulary */
    assert_int_equal(yh_sample(logits, VOCAB, &s, recent, 6, 0), 6); /* 1.25: penalised once */
    for (int i = 0; i < 300; i++)
        recent[i] = i < 44 ? 6 : 0; /* the 6s lie behind the last 256 */
    assert_int_equal(yh_sample(logits, VOCAB, &s, recent, 300, 0), 6);
}

static void odd_logits(void **state)
{
    yh_sampling s = {1.0f, 0, 1.0f, 0.0f, 1.0f, 3};
    float l[4] = {NAN, -INFINITY, 1.0f, NAN};
    float equal[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(yh_sample(l, 4, &s, NULL, 0, i), 2);
        assert_true(yh_sample(equal, 4, &s, NULL, 0, i) < 4);
    }
    s.temperature = 0.0f;
    assert_int_equal(yh_sample(l, 4, &s, NULL, 0, 0), 2);
    assert_int_equal(yh_sample(equal, 4, &s, NULL, 0, 0), 0);
    l[1] = INFINITY;
    s.temperature = 1.0f;
    assert_int_equal(yh_sample(l, 4, &s, NULL, 0, 0), 1);
}

static void settings_are_checked(void **state)
{
    const yh_sampling good = YH_SAMPLING_INIT;
    yh_sampling bad[] = {good, good, good, good, good, good, good, good};
    static const char *const names[] = {"temperature", "temperature", "top-k", "top-p",
                                        "top-p",       "min-p",       "repet", "repet"};
    (void)state;
    assert_int_equal(yh_sampling_check(&good, NULL), YH_OK);
    bad[0].temperature = -1.0f;
    bad[1].temperature = NAN;
    bad[2].top_k = -1;
    bad[3].top_p = 0.0f;
    bad[4].top_p = 1.5f;
    bad[5].min_p = -0.1f;
    bad[6].repetition_penalty = 0.0f;
    bad[7].repetition_penalty = INFINITY;
    for (int i = 0; i < 8; i++) {
        yh_err err = YH_ERR_INIT;
        assert_int_equal(yh_sampling_check(&bad[i], &err), YH_INVALID);
        assert_non_null(strstr(err.msg, names[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_distribution), cmocka_unit_test(top_k_keeps_k),
        cmocka_unit_test(top_p_and_min_p),          cmocka_unit_test(same_seed_same_token),
        cmocka_unit_test(greedy_and_penalty),       cmocka_unit_test(odd_logits),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
