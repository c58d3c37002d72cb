/* Words by every definition, lines and sentences. What English and Chinese words must be was asked
 * of spaCy 3.8 and jieba 0.42. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/view.h"
#include "rules/words.h"

static void check(const yh_tokens *l, const char *text, const char *expected)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            assert_int_equal(yh_buf_addc(&b, '|', NULL), YH_OK);
        assert_int_equal(yh_buf_add(&b, text + l->t[i].at, l->t[i].len, NULL), YH_OK);
    }
    assert_string_equal(b.data != NULL ? b.data : "", expected);
    yh_buf_fini(&b);
}

static void english(const char *text, const char *expected)
{
    yh_tokens l = {0};
    assert_int_equal(yh_words_english(&l, text, 0, strlen(text), false, NULL), YH_OK);
    check(&l, text, expected);
    yh_tokens_fini(&l);
}

static void test_english(void **state)
{
    (void)state;
    english("Hello, world!", "Hello|,|world|!");
    english("I can't, you'll've; don’t", "I|ca|n't|,|you|'ll|'ve|;|do|n’t");
    english("e.g. Mr. Smith's 5km (U.S.) end.", "e.g.|Mr.|Smith|'s|5|km|(|U.S.|)|end|.");
    english("well-known a--b 10-12 x=y 1,000 a,b", "well|-|known|a|--|b|10|-|12|x|=|y|1,000|a|,|b");
    english("see http://a.example.com/x?y=1, or me@x.org.", "see|http://a.example.com/x?y=1|,|or|"
                                                            "me@x.org|.");
    english("good :-) ... wait.... 3pm $5 100%", "good|:-)|...|wait|....|3|pm|$|5|100|%");
    english("  \n\t two   words \n", "two|words");
    english("", "");
}

static void test_space_and_chars(void **state)
{
    (void)state;
    static const char text[] = "ab 中文c\u3000d";
    yh_tokens l = {0};
    assert_int_equal(yh_words_space(&l, text, 0, sizeof text - 1, NULL), YH_OK);
    check(&l, text, "ab|中文c|d");
    assert_int_equal(l.t[1].chars, 3);
    l.n = 0;
    assert_int_equal(yh_words_chars(&l, text, 0, sizeof text - 1, NULL), YH_OK);
    check(&l, text, "ab|中|文|c|d");
    yh_tokens_fini(&l);
}

static void test_segmenter(void **state)
{
    (void)state;
    static const char dict[] = "研究 50 v\n研究生 20 n\n生命 40 n\n起源 30 n\n命 5 n\n的 100 u\n";
    static const char text[] = "研究生命的起源abc, 1.5%";
    yh_segmenter *s = NULL;
    yh_err err = {0};
    assert_int_equal(yh_segmenter_parse(&s, dict, sizeof dict - 1, "dict", &err), YH_OK);
    yh_tokens l = {0};
    assert_int_equal(yh_words_chinese(s, &l, text, 0, sizeof text - 1, false, &err), YH_OK);
    check(&l, text, "研究|生命|的|起源|a|b|c|,|1|.|5|%"); /* no model of characters */
    yh_tokens_fini(&l);
    yh_segmenter_free(s);
    static const char *const bad[] = {"", "词\n", "词 x\n", " 5\n", "\xff 5\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (yh_err){0};
        assert_int_equal(yh_segmenter_parse(&s, bad[i], strlen(bad[i]), "dict", &err), YH_CORRUPT);
        assert_null(s);
    }
    err = (yh_err){0};
    assert_int_equal(yh_segmenter_get(&s, "/nonexistent/dict.txt", &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "python3-jieba"));
}

static void test_installed_dictionary(void **state)
{
    (void)state;
    yh_segmenter *s = NULL;
    if (yh_segmenter_get(&s, "", NULL) != YH_OK)
        skip();
    static const char text[] = "我来到北京清华大学。他来到了网易杭研大厦";
    yh_tokens l = {0};
    assert_int_equal(yh_words_chinese(s, &l, text, 0, sizeof text - 1, false, NULL), YH_OK);
    check(&l, text, "我|来到|北京|清华大学|。|他|来到|了|网易|杭研|大厦");
    yh_tokens_fini(&l);
    yh_segmenter_free(s);
}

static void test_lines(void **state)
{
    (void)state;
    yh_draft d = {.removed_by = -1};
    d.text = yh_strdup("a\r\nb\n\nc\xc2\x85z\n");
    d.len = strlen(d.text);
    const yh_tokens *l;
    assert_int_equal(yh_view_lines(&d, &l, NULL), YH_OK);
    check(l, d.text, "a\r|b||c\xc2\x85z|");
    assert_int_equal(yh_view_splitlines(&d, &l, NULL), YH_OK);
    check(l, d.text, "a|b||c|z");
    size_t chars;
    assert_int_equal(yh_view_chars(&d, &chars, NULL), YH_OK);
    assert_int_equal(chars, 10);
    assert_int_equal(yh_draft_cut(&d, 0, 0, 3, NULL), YH_OK); /* a new text, a new view */
    assert_null(d.view);
    assert_int_equal(yh_view_lines(&d, &l, NULL), YH_OK);
    check(l, d.text, "b||c\xc2\x85z|");
    yh_draft_fini(&d);
}

static void sentences(const yh_word_rule *w, yh_word_kind kind, const char *text, size_t expected)
{
    size_t n = 0;
    assert_int_equal(yh_view_sentences(w, kind, text, 0, strlen(text), &n, NULL), YH_OK);
    assert_int_equal(n, expected);
}

static void test_sentences(void **state)
{
    (void)state;
    yh_word_rule w = {.kind = YH_WORDS_ENGLISH};
    sentences(&w, YH_WORDS_ENGLISH, "", 0);
    sentences(&w, YH_WORDS_ENGLISH, "One. Two! Three? (Four.)", 4);
    sentences(&w, YH_WORDS_ENGLISH, "Mr. Smith paid 3.50 dollars.", 1);
    sentences(&w, YH_WORDS_SPACE, "One. Two!! \"Three\"", 3);
    sentences(&w, YH_WORDS_CHARS, "第一句。第二句！", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),   cmocka_unit_test(test_space_and_chars),
        cmocka_unit_test(test_segmenter), cmocka_unit_test(test_installed_dictionary),
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
