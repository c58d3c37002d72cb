/* Classifiers: training, files, prediction, broken files. tests/parity/fasttext_model.py compares
 * them with fastText. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "rules/fasttext.h"
#include "rules/rule.h"
#include "scratch_dir.h"

static void write_data(const char *path, bool json)
{
    static const char *const good[] = {"the meeting", "our report", "a long walk", "dear friend"};
    static const char *const bad[] = {"free money", "win a prize", "click now", "cheap pills"};
    yh_buf b;
    yh_buf_init(&b, 0);
    for (int i = 0; i < 64; i++) {
        bool spam = i % 2 != 0;
        const char *x = (spam ? bad : good)[i / 2 % 4], *y = (spam ? bad : good)[i / 8 % 4];
        const char *form =
            json ? "{\"label\":\"%s\",\"text\":\"%s and %s\"}\n" : "__label__%s %s and %s\n";
        char line[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(line, sizeof line, form, spam ? "spam" : "ham", x, y);
#pragma GCC diagnostic pop
        assert_int_equal(yh_buf_adds(&b, line, NULL), YH_OK);
    }
    assert_int_equal(yh_file_write(path, b.data, b.len, NULL), YH_OK);
    yh_buf_fini(&b);
}

static void train(const char *data, const char *out, uint32_t max_chars)
{
    yh_err err = {0};
    yh_classifier_options o = {.dim = 8,
                               .epochs = 10,
                               .buckets = 500,
                               .min_chars = max_chars > 0 ? 2 : 0,
                               .max_chars = max_chars};
    if (yh_classifier_train(data, out, &o, &err) != YH_OK)
        fail_msg("%s", err.msg);
}

static void test_train(void **state)
{
    (void)state;
    yh_classifier *c = NULL;
    yh_classifier_score score;
    uint64_t given[2], truth[2] = {0}, both[2] = {0};
    write_data(in_dir("d.txt"), false);
    write_data(in_dir("d.jsonl"), true);
    train(in_dir("d.txt"), in_dir("a.bin"), 3);
    train(in_dir("d.jsonl"), in_dir("b.bin"), 3);
    yh_buf a, b;
    yh_buf_init(&a, 0);
    yh_buf_init(&b, 0);
    assert_int_equal(yh_file_read(in_dir("a.bin"), 0, &a, NULL), YH_OK);
    assert_int_equal(yh_file_read(in_dir("b.bin"), 0, &b, NULL), YH_OK);
    assert_int_equal(a.len, b.len); /* the same examples in two formats, the same model */
    assert_memory_equal(a.data, b.data, a.len);
    yh_buf_fini(&a);
    yh_buf_fini(&b);
    assert_int_equal(yh_classifier_load(&c, in_dir("a.bin"), NULL), YH_OK);
    assert_int_equal(yh_classifier_labels(c), 2);
    memset(given, 0, sizeof given);
    assert_int_equal(yh_classifier_eval(c, in_dir("d.txt"), &score, given, truth, both, NULL),
                     YH_OK);
    assert_int_equal(score.n, 64);
    assert_int_equal(score.right, 64);
    assert_int_equal(truth[0] + truth[1], 64);
    float p[2];
    int spam = strcmp(yh_classifier_label(c, 0), "spam") == 0 ? 0 : 1;
    assert_int_equal(yh_classifier_predict(c, "win\nmoney", 9, p, NULL), YH_OK);
    assert_true(p[spam] > 0.8f && p[0] + p[1] > 0.999f && p[0] + p[1] < 1.001f);
    yh_classifier_free(c);
}

static void test_wrong_data(void **state)
{
    (void)state;
    yh_err err = {0};
    static const char one[] = "__label__a text\n__label__a more\n";
    assert_int_equal(yh_file_write(in_dir("one.txt"), one, sizeof one - 1, NULL), YH_OK);
    assert_int_equal(yh_classifier_train(in_dir("one.txt"), in_dir("x.bin"), NULL, &err),
                     YH_INVALID);
    assert_non_null(strstr(err.msg, "two are needed"));
    err = (yh_err){0};
    static const char bad[] = "{\"text\":\"x\"}\n";
    assert_int_equal(yh_file_write(in_dir("bad.jsonl"), bad, sizeof bad - 1, NULL), YH_OK);
    assert_int_equal(yh_classifier_train(in_dir("bad.jsonl"), in_dir("x.bin"), NULL, &err),
                     YH_CORRUPT);
    assert_non_null(strstr(err.msg, "line 1"));
    assert_false(yh_is_file(in_dir("x.bin")));
}

/* A file cut anywhere, or with a byte changed in its first part, is refused or works: nothing else.
 */
static void test_broken(void **state)
{
    (void)state;
    yh_buf b;
    float p[64];
    yh_buf_init(&b, 0);
    write_data(in_dir("d.txt"), false);
    train(in_dir("d.txt"), in_dir("c.bin"), 0);
    assert_int_equal(yh_file_read(in_dir("c.bin"), 0, &b, NULL), YH_OK);
    for (size_t n = 0; n < b.len; n += n < 700 ? 1 : 997) {
        yh_classifier *c = NULL;
        yh_err err = {0};
        assert_int_not_equal(yh_ft_parse(&c, (uint8_t *)b.data, n, "cut", &err), YH_OK);
        assert_null(c);
        assert_true(err.msg[0] != '\0');
    }
    for (size_t i = 0; i < 700 && i < b.len; i++) {
        yh_classifier *c = NULL;
        char was = b.data[i];
        b.data[i] = (char)(was ^ 0x55);
        if (yh_ft_parse(&c, (uint8_t *)b.data, b.len, "changed", NULL) == YH_OK &&
            yh_classifier_labels(c) <= 64)
            assert_int_equal(yh_classifier_predict(c, "free money", 10, p, NULL), YH_OK);
        yh_classifier_free(c);
        b.data[i] = was;
    }
    yh_buf_fini(&b);
}

static void test_rule(void **state)
{
    (void)state;
    yh_rule_step s;
    yh_err err = {0};
    write_data(in_dir("d.txt"), false);
    train(in_dir("d.txt"), in_dir("r.bin"), 0);
    json_t *given =
        json_pack("{s:s,s:s,s:f}", "model", in_dir("r.bin"), "label", "spam", "max", 0.5);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("classifier"), given, "test", &err),
                     YH_OK);
    yh_draft d = {.removed_by = -1, .text = yh_strdup("cheap pills, win a prize")};
    d.len = strlen(d.text);
    assert_int_equal(s.rule->apply(s.state, &d, 0, &err), YH_OK);
    assert_int_equal(d.removed_by, 0);
    assert_string_equal(d.removed_evidence, "spam");
    yh_draft_fini(&d);
    yh_rule_step_free(&s);
    json_object_set_new(given, "lines", json_true());
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("classifier"), given, "test", &err),
                     YH_OK);
    d = (yh_draft){.removed_by = -1,
                   .text = yh_strdup("our report\nfree money and click now\ndear friend")};
    d.len = strlen(d.text);
    assert_int_equal(s.rule->apply(s.state, &d, 0, &err), YH_OK);
    assert_string_equal(d.text, "our report\ndear friend");
    yh_draft_fini(&d);
    yh_rule_step_free(&s);
    json_object_set_new(given, "label", json_string("eggs"));
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("classifier"), given, "test", &err),
                     YH_CORRUPT);
    json_decref(given);
}

/* How many of 1000 different texts of one probability stay; the same ones each time. */
static int drawn(const char *key, double share, int seed)
{
    yh_rule_step s;
    int kept = 0;
    json_t *given =
        json_pack("{s:s,s:s,s:f,s:f,s:i}", "model", in_dir("r.bin"), "label", "spam", "max",
                  strcmp(key, "sample") == 0 ? 0.0 : 1.0, key, share, "seed", seed);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("classifier"), given, "test", NULL),
                     YH_OK);
    for (int i = 0; i < 1000; i++) {
        char text[64];
        snprintf(text, sizeof text, "win money %d", i);
        yh_draft d = {.removed_by = -1, .text = yh_strdup(text), .len = strlen(text)};
        assert_int_equal(s.rule->apply(s.state, &d, 0, NULL), YH_OK);
        kept += d.removed_by < 0;
        yh_draft_fini(&d);
    }
    yh_rule_step_free(&s);
    json_decref(given);
    return kept;
}

static void test_draw(void **state)
{
    (void)state;
    write_data(in_dir("d.txt"), false);
    train(in_dir("d.txt"), in_dir("r.bin"), 0);
    assert_int_equal(drawn("sample", 0, 0), 0);
    assert_int_equal(drawn("sample", 1, 0), 1000);
    int some = drawn("sample", 0.3, 0);
    assert_in_range(some, 250, 350); /* 3 standard deviations are 43 */
    assert_int_equal(drawn("sample", 0.3, 0), some);
    assert_in_range(drawn("sample", 0.3, 8), 250, 350);
    assert_int_equal(drawn("pareto", 0, 0), 1000);
    assert_in_range(drawn("pareto", 9, 0), 100, 1000); /* all are spam with nearly certainty */
    assert_true(drawn("pareto", 1e6, 0) < drawn("pareto", 2, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train), cmocka_unit_test(test_wrong_data),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_rule), cmocka_unit_test(test_draw)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
