#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "apply_rule.h"

static void test_defaults(void **state)
{
    (void)state;
    expect_text(
        "normalize", "{}",
        "Ａｂｃ１２３，（全角）：“引号”。！？\r\nre\xcc\x81sume\xcc\x81\xe2\x80\x8b x\xc2\xa0y",
        "Abc123，（全角）：“引号”。！？\nrésumé x y");
    /* the indent of Chinese paragraphs and blanks of code stay */
    expect_text("normalize", "{}", "　　段落　中间\n    code  here",
                "　　段落 中间\n    code  here");
    yh_draft d = apply_rule("normalize", "{}", "nothing to do\n");
    assert_int_equal(d.n_edit, 0);
    yh_draft_fini(&d);
    expect_text("normalize", "{}", "", "");
}

static void test_options(void **state)
{
    (void)state;
    expect_text("normalize", "{\"form\": \"nfkc\"}", "ﬁne ① x² ㎏，。（）……——",
                "fine 1 x2 kg，。（）……——");
    expect_text("normalize", "{\"width\": false}", "Ａ１", "Ａ１");
    expect_text("normalize", "{\"quotes\": true}", "“a” it’s “中文” 说“b”",
                "\"a\" it's “中文” 说“b\"");
    expect_text("normalize", "{\"spaces\": true}", "  a   b    c\n   d", "  a b c\n   d");
    yh_rule_step s;
    yh_err err = YH_ERR_INIT;
    json_t *j = json_loads("{\"form\": \"nfd\"}", 0, NULL);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("normalize"), j, "here", &err),
                     YH_CORRUPT);
    assert_non_null(strstr(err.msg, "nfkc"));
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults),
                                       cmocka_unit_test(test_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
