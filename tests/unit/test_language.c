/* Languages of texts and lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/lang.h"
#include "rules/rule.h"

static void is(const char *text, const char *code)
{
    yh_lang l = yh_lang_detect(text, strlen(text));
    assert_string_equal(l.code, code);
    if (code[0] != '\0')
        assert_true(l.score >= 0.5 && l.score <= 1);
}

static void test_detect(void **state)
{
    (void)state;
    is("All human beings are born free and equal in dignity and rights.", "en");
    is("Alle Menschen sind frei und gleich an Würde und Rechten geboren.", "de");
    is("Все люди рождаются свободными и равными в своем достоинстве.", "ru");
    is("人人生而自由，在尊严和权利上一律平等。", "zh-Hans");
    is("人人生而自由，在尊嚴和權利上一律平等。", "zh-Hant");
    is("人人生出嚟就係自由嘅，喺尊嚴同權利上一律平等，佢哋有理性。", "yue");
    is("すべての人間は、生まれながらにして自由である。", "ja");
    is("모든 인간은 태어날 때부터 자유롭다.", "ko");
    is("", "");
    is("12345 ... !!", "");
    assert_true(yh_lang_covers("zh", "zh-Hant"));
    assert_true(yh_lang_covers("zh", "yue"));
    assert_false(yh_lang_covers("zh-Hans", "zh-Hant"));
    assert_false(yh_lang_covers("z", "zh"));
}

static yh_draft run(const char *params, const char *text)
{
    yh_rule_step s;
    yh_err err = {0};
    yh_draft d = {.removed_by = -1, .text = yh_strdup(text), .len = strlen(text)};
    json_t *given = json_loads(params, 0, NULL);
    assert_non_null(given);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("language"), given, "test", &err), YH_OK);
    assert_int_equal(s.rule->apply(s.state, &d, 0, &err), YH_OK);
    yh_rule_step_free(&s);
    json_decref(given);
    return d;
}

static const char english[] =
    "The quick brown fox jumps over the lazy dog and is not seen again.\n";
static const char german[] =
    "Der schnelle braune Fuchs springt über den faulen Hund und ist weg.\n";

static void test_keep(void **state)
{
    (void)state;
    yh_draft d = run("{\"keep\":[\"en\",\"zh\"]}", english);
    assert_int_equal(d.removed_by, -1);
    assert_string_equal(d.lang, "en");
    yh_draft_fini(&d);
    d = run("{\"keep\":[\"en\",\"zh\"]}", german);
    assert_int_equal(d.removed_by, 0);
    assert_string_equal(d.removed_evidence, "de");
    yh_draft_fini(&d);
    d = run("{\"keep\":[\"en\"]}", "123");
    assert_string_equal(d.removed_evidence, "unknown");
    yh_draft_fini(&d);
    d = run("{\"keep\":[\"en\"],\"keep_unknown\":true}", "123");
    assert_int_equal(d.removed_by, -1);
    yh_draft_fini(&d);
    d = run("{}", german);
    assert_int_equal(d.removed_by, -1);
    yh_draft_fini(&d);
}

static void test_lines(void **state)
{
    (void)state;
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_adds(&b, english, NULL), YH_OK);
    assert_int_equal(
        yh_buf_adds(&b,
                    "It was a bright cold day in April, and the clocks were striking.\n"
                    "We walked along the river until the old bridge came into sight.\n"
                    "Nobody knew why the letter had taken so many years to arrive.\n",
                    NULL),
        YH_OK);
    size_t before = b.len;
    assert_int_equal(yh_buf_adds(&b, german, NULL), YH_OK);
    assert_int_equal(yh_buf_adds(&b, "点击下载最新版本的手机应用程序，免费领取礼包\nshort\n", NULL),
                     YH_OK);
    yh_draft d = run("{\"lines\":\"cut\"}", b.data);
    assert_int_equal(d.n_edit, 2);
    assert_string_equal(d.edit[0].text, german);
    assert_string_equal(d.edit[0].evidence, "de");
    assert_string_equal(d.edit[1].evidence, "zh-Hans");
    assert_int_equal(d.len, before + strlen("short\n"));
    yh_draft_fini(&d);
    yh_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detect), cmocka_unit_test(test_keep),
                                       cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
