#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply_rule.h"
#include "base/file.h"
#include "rules/line_model.h"
#include "scratch_dir.h"

enum { N = 600 };
static char line[N][160];
static yh_line_sample sample[N];

/* Made-up pages: what sites print, and sentences. */
static void make_samples(void)
{
    static const char *const what[][2] = {{"技术支持：某某网络第", "号"},
                                          {"本站由第", "工作室制作维护"},
                                          {"访问统计：", "次"},
                                          {"Site by Studio ", " | Login"},
                                          {"页面执行时间 0.", " 秒"}};
    static const char *const text[][2] = {
        {"他在第", "天早上走到了河边，看见水比昨天又高了一些。"},
        {"村里的人说，第", "次大水来的时候，大家都搬到了山上。"},
        {"On day ", " they walked to the river, and the water was high again."},
        {"到了第", "年，茶树已经长得比人还高，叶子也更香了。"},
        {"She counted ", " boats that morning, all of them painted blue."}};
    for (int i = 0; i < N; i++) {
        bool bad = i % 2 == 0;
        const char *const *t = bad ? what[i / 2 % 5] : text[i / 2 % 5];
        snprintf(line[i], sizeof line[i], "%s%d%s", t[0], i * 13 + 7, t[1]);
        sample[i] = (yh_line_sample){line[i], strlen(line[i]), bad ? 0.95 : (i % 80) / 100.0, bad};
    }
}

static double score(const yh_line_model *m, const yh_han *h, const char *text, double place)
{
    double p = -1;
    assert_int_equal(yh_line_model_score(m, h, text, strlen(text), place, &p, NULL), YH_OK);
    return p;
}

static void test_train(void **state)
{
    (void)state;
    yh_line_model *m, *again;
    yh_han *h;
    yh_line_options o = {.bits = 14};
    make_samples();
    assert_int_equal(yh_line_model_train(&m, sample, N, &o, NULL), YH_OK);
    h = NULL;
    if (yh_line_model_simplified(m))
        assert_int_equal(yh_han_create(&h, NULL), YH_OK);
    /* lines that it has not seen */
    assert_true(score(m, h, "技术支持：另一网络第99999号", 0.97) > 0.9);
    assert_true(score(m, h, "页面执行时间 0.123 秒", -1) > 0.8);
    assert_true(score(m, h, "他们走到河边，看见早上的水很高，大家都说茶叶更香了。", 0.4) < 0.1);
    assert_true(score(m, h, "The boats were blue, and they counted the water that morning.", -1) <
                0.2);
    double same = score(m, h, "", 0.5);
    assert_true(same >= 0 && same <= 1);
    /* saved and loaded it is the same; trained again too */
    assert_int_equal(yh_line_model_save(m, in_dir("a"), NULL), YH_OK);
    assert_int_equal(yh_line_model_train(&again, sample, N, &o, NULL), YH_OK);
    assert_int_equal(yh_line_model_save(again, in_dir("b"), NULL), YH_OK);
    yh_map a, b;
    assert_int_equal(yh_map_open(&a, in_dir("a"), NULL), YH_OK);
    assert_int_equal(yh_map_open(&b, in_dir("b"), NULL), YH_OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    yh_map_close(&a);
    yh_map_close(&b);
    yh_line_model_free(again);
    assert_int_equal(yh_line_model_load(&again, in_dir("a"), NULL), YH_OK);
    assert_true(score(again, h, line[0], 0.95) == score(m, h, line[0], 0.95));
    yh_line_model_free(again);
    yh_line_model_free(m);
    yh_han_free(h);
}

static void test_file_and_rule(void **state)
{
    (void)state;
    yh_line_model *m;
    yh_buf b;
    yh_err err = YH_ERR_INIT;
    char json[600];
    make_samples();
    yh_buf_init(&b, 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(yh_buf_addf(&b, NULL, "{\"text\": \"%s\", \"boilerplate\": %s}\n", line[i],
                                     i % 2 == 0 ? "true" : "false"),
                         YH_OK);
    assert_int_equal(yh_file_write(in_dir("lines.jsonl"), b.data, b.len, NULL), YH_OK);
    yh_buf_fini(&b);
    assert_int_equal(yh_line_model_train_file(&m, in_dir("lines.jsonl"), NULL, NULL), YH_OK);
    assert_int_equal(yh_line_model_save(m, in_dir("model"), NULL), YH_OK);
    yh_line_model_free(m);
    snprintf(json, sizeof json, "{\"model\": \"%s\", \"threshold\": 0.8}", in_dir("model"));
    expect_text("line_model", json,
                "技术支持：某某网络第77号\n他在早上走到了河边，看见水比昨天又高了一些。\n本站由第5"
                "工作室制作维护\n",
                "他在早上走到了河边，看见水比昨天又高了一些。");
    expect_text("line_model", "{}", "技术支持：某某网络第77号\n", "技术支持：某某网络第77号\n");
    static const char bad[] = "{\"text\": \"a\", \"boilerplate\": true}\n{\"text\": 5}\n";
    assert_int_equal(yh_file_write(in_dir("bad.jsonl"), bad, sizeof bad - 1, NULL), YH_OK);
    assert_int_equal(yh_line_model_train_file(&m, in_dir("bad.jsonl"), NULL, &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "line 2"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_line_model_train(&m, sample, 1, NULL, &err), YH_INVALID);
}

static void test_damaged(void **state)
{
    (void)state;
    yh_line_model *m;
    yh_buf b;
    yh_line_options o = {.bits = 10, .epochs = 1};
    make_samples();
    assert_int_equal(yh_line_model_train(&m, sample, N, &o, NULL), YH_OK);
    assert_int_equal(yh_line_model_save(m, in_dir("m"), NULL), YH_OK);
    yh_line_model_free(m);
    yh_buf_init(&b, 0);
    assert_int_equal(yh_file_read(in_dir("m"), 0, &b, NULL), YH_OK);
    for (size_t n = 0; n < b.len; n += 97) /* cut off anywhere */
        assert_int_equal(yh_line_model_parse(&m, b.data, n, "m", NULL), YH_CORRUPT);
    for (size_t i = 0; i < b.len; i += 211) { /* a bit flipped */
        b.data[i] ^= 4;
        assert_int_not_equal(yh_line_model_parse(&m, b.data, b.len, "m", NULL), YH_OK);
        b.data[i] ^= 4;
    }
    yh_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train),
        cmocka_unit_test(test_file_and_rule),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
