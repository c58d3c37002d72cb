/* n-gram models. tests/parity/ngram_perplexity.py compares them with an independent estimate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/file.h"
#include "rules/ngram_lm.h"
#include "rules/rule.h"
#include "scratch_dir.h"

static void train(const char *path, int order, const char *words, const char *text)
{
    yh_ngram_builder *b = NULL;
    yh_err err = {0};
    assert_int_equal(yh_ngram_builder_create(&b, order, words, 0, &err), YH_OK);
    assert_int_equal(yh_ngram_builder_add(b, text, strlen(text), &err), YH_OK);
    if (yh_ngram_builder_finish(b, path, &err) != YH_OK)
        fail_msg("%s", err.msg);
    yh_ngram_builder_free(b);
}

static double log10_of(const yh_ngram_lm *m, const char *text, uint64_t *tokens)
{
    double p = 0;
    *tokens = 0;
    assert_int_equal(yh_ngram_lm_score(m, text, strlen(text), &p, tokens, NULL), YH_OK);
    return p;
}

/* A model of single words: the probabilities of all words, the end and the unknown one included,
 * are 1 together. A sentence of one word has its probability times that of the end. */
static void test_sums_to_one(void **state)
{
    (void)state;
    yh_ngram_lm *m = NULL;
    uint64_t n;
    static const char text[] = "a b c\na b d\nb c a\na a b\nc\n\nd b c a b\n";
    static const char *const word[] = {"a", "b", "c", "d", "unknown"};
    train(in_dir("u"), 1, "space", text);
    assert_int_equal(yh_ngram_lm_load(&m, in_dir("u"), NULL), YH_OK);
    double sum = 0, end = pow(10, log10_of(m, "a a", &n) - log10_of(m, "a", &n));
    end = pow(10, log10_of(m, "a", &n)) / end; /* p(a) p(end) / p(a) */
    for (size_t k = 0; k < sizeof word / sizeof *word; k++)
        sum += pow(10, log10_of(m, word[k], &n)) / end;
    assert_true(fabs(sum + end - 1) < 1e-5);
    yh_ngram_lm_free(m);
    train(in_dir("m"), 3, "space", text);
    assert_int_equal(yh_ngram_lm_load(&m, in_dir("m"), NULL), YH_OK);
    double seen = log10_of(m, "a b c", &n);
    assert_int_equal(n, 4);
    assert_true(seen > log10_of(m, "c b a", &n));
    assert_true(log10_of(m, "x y z", &n) < log10_of(m, "d d d", &n));
    assert_true(log10_of(m, "", &n) == 0 && n == 0);
    yh_ngram_lm_free(m);
}

static void test_same_bytes(void **state)
{
    (void)state;
    yh_buf a, b;
    yh_buf_init(&a, 0);
    yh_buf_init(&b, 0);
    train(in_dir("a"), 4, "characters", "天地玄黃\n宇宙洪荒\n日月盈昃\n");
    train(in_dir("b"), 4, "characters", "日月盈昃\n宇宙洪荒\n天地玄黃\n");
    assert_int_equal(yh_file_read(in_dir("a"), 0, &a, NULL), YH_OK);
    assert_int_equal(yh_file_read(in_dir("b"), 0, &b, NULL), YH_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    for (size_t n = 0; n < a.len; n += 7) { /* a shorter file is refused */
        yh_ngram_lm *m = NULL;
        assert_int_not_equal(yh_lm_parse(&m, (uint8_t *)a.data, n, "cut", NULL), YH_OK);
        assert_null(m);
    }
    yh_buf_fini(&a);
    yh_buf_fini(&b);
}

static void test_limits(void **state)
{
    (void)state;
    yh_ngram_builder *b = NULL;
    yh_err err = {0};
    assert_int_equal(yh_ngram_builder_create(&b, 7, "space", 0, &err), YH_INVALID);
    err = (yh_err){0};
    assert_int_equal(yh_ngram_builder_create(&b, 2, "auto", 0, &err), YH_INVALID);
    err = (yh_err){0};
    assert_int_equal(yh_ngram_builder_create(&b, 2, "space", 1000, &err), YH_OK);
    assert_int_equal(yh_ngram_builder_add(b, "a b c", 5, &err), YH_LIMIT);
    err = (yh_err){0};
    assert_int_equal(yh_ngram_builder_finish(b, in_dir("none"), &err), YH_INVALID);
    yh_ngram_builder_free(b);
}

static void test_rule(void **state)
{
    (void)state;
    yh_rule_step s;
    yh_err err = {0};
    train(in_dir("r"), 2, "space", "the cat sat\nthe dog sat\nthe cat ran\na dog ran\n");
    json_t *given = json_pack("{s:s,s:f}", "model", in_dir("r"), "max", 12.0);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("perplexity"), given, "test", &err),
                     YH_OK);
    static const char *const text[] = {"the cat sat", "zebra xylophone qwerty"};
    for (int i = 0; i < 2; i++) {
        yh_draft d = {.removed_by = -1, .text = yh_strdup(text[i]), .len = strlen(text[i])};
        assert_int_equal(s.rule->apply(s.state, &d, 0, &err), YH_OK);
        assert_int_equal(d.removed_by, i - 1);
        assert_int_equal(d.n_value, 1);
        yh_draft_fini(&d);
    }
    yh_rule_step_free(&s);
    json_decref(given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums_to_one),
                                       cmocka_unit_test(test_same_bytes),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_rule)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
