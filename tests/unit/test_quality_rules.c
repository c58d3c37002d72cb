/* The published quality rules: what each removes and cuts. tests/parity/quality_rules.py compares
 * them with datatrove on thousands of documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/ngrams.h"
#include "rules/rule.h"

static yh_draft run(const char *rule, const char *params, const char *text)
{
    yh_rule_step s;
    yh_err err = {0};
    yh_draft d = {.removed_by = -1, .text = yh_strdup(text), .len = strlen(text)};
    json_t *given = json_loads(params, 0, NULL);
    assert_non_null(given);
    assert_non_null(yh_rule_find(rule));
    yh_status st = yh_rule_step_create(&s, yh_rule_find(rule), given, "test", &err);
    if (st != YH_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(s.rule->apply(s.state, &d, 3, &err), YH_OK);
    yh_rule_step_free(&s);
    json_decref(given);
    return d;
}

static void removed(const char *rule, const char *params, const char *text, const char *why)
{
    yh_draft d = run(rule, params, text);
    if (why == NULL) {
        assert_int_equal(d.removed_by, -1);
    } else {
        assert_int_equal(d.removed_by, 3);
        assert_string_equal(d.removed_evidence, why);
    }
    yh_draft_fini(&d);
}

static void becomes(const char *rule, const char *params, const char *text, const char *expected)
{
    yh_draft d = run(rule, params, text);
    assert_int_equal(d.removed_by, -1);
    assert_string_equal(d.text, expected);
    assert_int_equal(d.len, strlen(expected));
    yh_draft_fini(&d);
}

static char *times(const char *text, int n)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    while (n-- > 0)
        assert_int_equal(yh_buf_adds(&b, text, NULL), YH_OK);
    return b.data;
}

static void test_gopher_quality(void **state)
{
    (void)state;
    static const char en[] = "{\"words\":\"english\"}";
    char *good = times("The river and the road that lead to the old town of Bath. ", 10);
    char *bare = times("word ", 60), *marks = times("#tag and the ", 40);
    char *dots = times("the ending of every line with dots ...\n", 20);
    char *bullets = times("- the list of things that we have\n", 20);
    char *long_words = times("unconstitutionally internationalisation ", 30);
    removed("gopher_quality", en, good, NULL);
    removed("gopher_quality", en, "Too short.", "gopher_short_doc");
    removed("gopher_quality", "{\"words\":\"english\",\"max_words\":60}", good, "gopher_long_doc");
    removed("gopher_quality", en, bare, "gopher_enough_stop_words");
    removed("gopher_quality", en, marks, "gopher_too_many_hashes");
    removed("gopher_quality", en, dots, "gopher_too_many_ellipsis");
    removed("gopher_quality", "{\"words\":\"english\",\"max_symbols\":0}", dots,
            "gopher_too_many_end_ellipsis");
    removed("gopher_quality", en, bullets, "gopher_too_many_bullets");
    removed("gopher_quality", en, long_words, "gopher_above_avg_threshold");
    /* the median of these is 3, the mean above 10: the two ways of counting disagree */
    char *odd = times("the of and "
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
                      30);
    removed("gopher_quality", en, odd, "gopher_above_avg_threshold");
    removed("gopher_quality", "{\"words\":\"english\",\"parity\":\"dolma\"}", odd, NULL);
    yh_free(good);
    yh_free(bare);
    yh_free(marks);
    yh_free(dots);
    yh_free(bullets);
    yh_free(long_words);
    yh_free(odd);
}

static void test_gopher_repetition(void **state)
{
    (void)state;
    static const char en[] = "{\"words\":\"english\"}";
    removed("gopher_repetition", en, "", "empty");
    removed("gopher_repetition", en, "a b\n\na b\n\na b\n\nc d", "dup_para_frac");
    removed("gopher_repetition", en, "one\ntwo\none\none\none and a half\nthree", "dup_line_frac");
    removed("gopher_repetition", en, "yes no yes no yes no yes no", "top_2_gram");
    removed("gopher_repetition", "{\"words\":\"english\",\"top_2\":0,\"top_3\":0,\"top_4\":0}",
            "a big red fox ran on a big red fox ran on a big red fox ran on",
            "duplicated_5_n_grams");
    removed(
        "gopher_repetition", en,
        "every word of this text stands here only once, so that no pair of them is so long that "
        "it makes up a fifth of all that was written down",
        NULL);
}

static void test_ngrams(void **state)
{
    (void)state;
    static const char text[] = "ab c ab c abc a bc";
    yh_tokens w = {0};
    yh_ngrams *g = NULL;
    assert_int_equal(yh_words_space(&w, text, 0, strlen(text), NULL), YH_OK);
    assert_int_equal(yh_ngrams_create(&g, text, &w, NULL), YH_OK);
    assert_int_equal(yh_ngrams_top(g, 2), 8); /* "ab c" twice */
    assert_int_equal(yh_ngrams_top(g, 8), 0);
    assert_int_equal(yh_ngrams_dup(g, 2), 6); /* ab c; and a bc, which joins to the same */
    assert_int_equal(yh_ngrams_dup(g, 1), 3);
    yh_ngrams_free(g);
    yh_tokens_fini(&w);
}

static void test_c4(void **state)
{
    (void)state;
    static const char few[] = "{\"words\":\"english\",\"min_sentences\":2}";
    becomes("c4", few,
            "Menu\n  The first line stays[1] here.  \nNo end here\nEnable JavaScript to see it.\n"
            "We and others use cookies on this.\nToo few.\nAnd so the last[edit] one does!\n",
            "The first line stays here.\nAnd so the last one does!");
    becomes("c4", few, "It is one line.\r\nIt is another line.\x0b",
            "It is one line.\nIt is another line.");
    removed("c4", few, "Only one sentence here.", "too_few_sentences");
    removed("c4", few, "This is lorem Ipsum text.\nAnd one more line.", "lorem_ipsum");
    removed("c4", few, "This is { a bracket.\nAnd one more line.", "curly_bracket");
    static const char paper[] = "{\"words\":\"english\",\"min_sentences\":1,\"parity\":\"paper\"}";
    removed("c4", paper, "It is one line.\nx { y", "curly_bracket");
    becomes("c4", paper, "It is one line.\nIt ends with this'", "It is one line.");
    yh_draft d = run("c4", few, "One line is here.\nMenu\nOne more line is here.");
    assert_int_equal(d.n_edit, 1); /* what was cut, and why */
    assert_string_equal(d.edit[0].text, "Menu\n");
    assert_string_equal(d.edit[0].evidence, "no_terminal_punc");
    yh_draft_fini(&d);
}

static void test_fineweb(void **state)
{
    (void)state;
    static const char en[] = "{\"words\":\"english\"}";
    removed("fineweb", en, " \n ", "empty");
    removed("fineweb", en, "a line without an end that is quite long, to be sure",
            "line_punct_ratio");
    removed("fineweb", en, "Short one.\nShort two.\nShort three.", "short_line_ratio");
    removed(
        "fineweb", en,
        "This line is long enough and occurs twice.\nThis line is long enough and occurs twice.",
        "char_dup_ratio");
    removed("fineweb", "{\"words\":\"english\",\"short_lines\":1}", "One.\nTwo.\nThree.\nFour.\n",
            "list_ratio");
    removed("fineweb", en, "This is a line of some length, and it ends as it should.", NULL);
}

static void test_badwords(void **state)
{
    (void)state;
    static const char p[] = "{\"list\":[\"damn\",\"bad thing\",\"坏词\"]}";
    removed("c4_badwords", p, "A DAMN, yes", "damn");
    removed("c4_badwords", p, "a bad thing", "bad thing");
    removed("c4_badwords", p, "damning and _damn_ and adamn", NULL);
    removed("c4_badwords", p, "这是坏词吗", "坏词");
    yh_rule_step s;
    yh_err err = {0};
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("c4_badwords"), NULL, "test", &err),
                     YH_CORRUPT);
    assert_non_null(strstr(err.msg, "give a file or a list"));
}

static void test_refinedweb_lines(void **state)
{
    (void)state;
    static const char any[] = "{\"max_removed\":1}";
    becomes("refinedweb_lines", any, "A line of text.\nBUY THIS NOW\n12345\nMore text here.",
            "A line of text.\nMore text here.");
    becomes("refinedweb_lines", any,
            "some text\n3 likes\n\n(1,2.5k Views)\n3 likes here\n3likes it",
            "some text\n\n3 likes here\n3likes it");
    becomes("refinedweb_lines", any, "Home\nThe text begins\nhere.\n", "The text begins\n");
    becomes("refinedweb_lines", any, "Sign-in or go on\nThe news of today Read More...\nsign-in",
            "or go on\nThe news of today\n");
    becomes("refinedweb_lines", any, "3 Items in cart, 2 ITEMS IN CART left\nitems in cart",
            "3, 2 left\n");
    becomes("refinedweb_lines", any,
            "one two three four five six seven eight nine ten read more...",
            "one two three four five six seven eight nine ten read more...");
    yh_draft d = run("refinedweb_lines", any, "some text\n3 likes\nread sign-in items in cart");
    assert_int_equal(d.n_edit, 2);
    assert_string_equal(d.edit[0].text, "3 likes\n");
    assert_string_equal(d.edit[0].evidence, "counter");
    assert_string_equal(d.edit[1].text, " items in cart");
    assert_string_equal(d.edit[1].evidence, "phrase");
    yh_draft_fini(&d);
    char *text = times("a line of five words\n", 4);
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_adds(&b, text, NULL), YH_OK);
    assert_int_equal(yh_buf_adds(&b, "Menu\n", NULL), YH_OK);
    becomes("refinedweb_lines", "{}", b.data, text); /* one of 21 */
    assert_int_equal(yh_buf_adds(&b, "Menu\n", NULL), YH_OK);
    removed("refinedweb_lines", "{}", b.data, "refinedweb_lines_removed");
    d = run("refinedweb_lines", "{}", b.data); /* a removed document is kept whole */
    assert_string_equal(d.text, b.data);
    yh_draft_fini(&d);
    yh_buf_fini(&b);
    yh_free(text);
}

static void test_chinese_sets(void **state)
{
    (void)state;
    static const char words[] = "{\"words\":\"characters\",\"min_mean_length\":1,\"top_2\":0,"
                                "\"top_3\":0,\"top_4\":0}";
    static const char good[] =
        "春天来了，河边的柳树发出新芽。孩子们放学以后在田野里放风筝，远处传来火车的声音！\n"
        "老人坐在门前晒太阳，看着天上慢慢飘过去的白云，想起许多年以前自己第一次离开家乡。\n";
    removed("mapcc", words, good, NULL);
    removed("mapcc", words, "太短了。是吗？", "mapcc_short");
    removed("mapcc", "{\"words\":\"characters\",\"max_chars\":60}", good, "mapcc_long");
    removed("mapcc", "{\"words\":\"characters\"}", good, "mapcc_word_length");
    char *same = times("同一句话说很多遍。", 20), *digits = times("电话12345678，", 10);
    char *marks = times("【广告位】好的。", 12), *bare = times("没有标点的一行字\n", 10);
    removed("mapcc", words, same, "mapcc_unique");
    removed("mapcc", "{\"words\":\"characters\",\"min_unique\":0,\"min_entropy\":0}", same,
            "mapcc_dup_sentences");
    removed("mapcc", words, digits, "mapcc_digits");
    removed("mapcc", words, marks, "mapcc_brackets");
    removed("mapcc", words, bare, "mapcc_no_punctuation");
    removed("chinesewebtext", "{}", good, "webtext_short");
    removed("chinesewebtext", "{\"min_chars\":50}", good, NULL);
    removed("chinesewebtext", "{\"min_chars\":50,\"min_line\":60}", good, "webtext_lines");
    removed("chinesewebtext", "{\"min_chars\":9,\"list\":[\"春天\",\"柳树\",\"春天\"]}", good,
            "webtext_sensitive");
    removed("chinesewebtext", "{\"min_chars\":50}", same, "webtext_repeated");
    removed("chinesewebtext", "{\"min_chars\":9}", "mostly English text 中文", "webtext_han");
    removed("ccnet", "{}", good, "ccnet_short");
    removed("ccnet", "{\"min_chars\":50}", good, NULL);
    yh_free(same);
    yh_free(digits);
    yh_free(marks);
    yh_free(bare);
}

static void test_wrong_words(void **state)
{
    (void)state;
    static const char *const rule[] = {"gopher_quality", "gopher_repetition", "c4", "fineweb"};
    for (size_t i = 0; i < sizeof rule / sizeof *rule; i++) {
        yh_rule_step s;
        yh_err err = {0};
        json_t *given = json_loads("{\"words\":\"klingon\"}", 0, NULL);
        assert_int_equal(yh_rule_step_create(&s, yh_rule_find(rule[i]), given, "test", &err),
                         YH_CORRUPT);
        assert_non_null(strstr(err.msg, "klingon"));
        json_decref(given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gopher_quality), cmocka_unit_test(test_gopher_repetition),
        cmocka_unit_test(test_ngrams),         cmocka_unit_test(test_c4),
        cmocka_unit_test(test_fineweb),        cmocka_unit_test(test_badwords),
        cmocka_unit_test(test_wrong_words),    cmocka_unit_test(test_refinedweb_lines),
        cmocka_unit_test(test_chinese_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
