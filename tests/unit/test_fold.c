/* Words of a text as hashes: the same by every way through the code, at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rules/fold.h"

static uint64_t only_token(const char *text, size_t n)
{
    yh_fold_tokens t = {0};
    assert_int_equal(yh_fold_hash(text, n, &t, NULL), YH_OK);
    assert_int_equal(t.n, 1);
    uint64_t h = t.t[0];
    yh_fold_tokens_fini(&t);
    return h;
}

/* Of every length, at every place, at the very end of a text, in capitals, and next to a quotation
 * mark beyond ASCII, which takes another way. */
static void a_word_has_one_hash(void **state)
{
    (void)state;
    uint64_t before = 0;
    for (size_t len = 1; len < 150; len++) {
        char word[200], upper[200], text[400];
        for (size_t i = 0; i < len; i++) {
            word[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[i * 7 % 36];
            upper[i] = word[i];
            if (word[i] >= 'a')
                upper[i] = (char)(word[i] - 32);
        }
        uint64_t h = only_token(word, len);
        assert_int_not_equal(h, before); /* the word without its last letter */
        before = h;
        assert_int_equal(only_token(upper, len), h);
        for (size_t at = 0; at < 70; at++) {
            memset(text, ' ', sizeof text);
            memcpy(text + at, word, len);
            assert_int_equal(only_token(text, at + len), h);
            assert_int_equal(only_token(text, sizeof text), h);
            memcpy(text + at + len, "\xe2\x80\x9d", 3);
            assert_int_equal(only_token(text, at + len + 3), h);
        }
    }
}

static void letters_beyond_ascii_belong_to_the_word(void **state)
{
    (void)state;
    static const char small[] = "na\xc3\xafvet\xc3\xa9s", large[] = "NA\xc3\x8fVET\xc3\x89S";
    assert_int_equal(only_token(small, sizeof small - 1), only_token(large, sizeof large - 1));
    assert_int_not_equal(only_token(small, sizeof small - 1), only_token("naivetes", 8));
    /* the sign of Kelvin is a k in small letters */
    assert_int_equal(only_token("ba\xe2\x84\xaa"
                                "er",
                                7),
                     only_token("baker", 5));
}

static void tokens_are_counted_and_found_again(void **state)
{
    (void)state;
    static const char unit[] = "One two\xe2\x80\x94three, \xe4\xb8\xad\xe6\x96\x87x \xff 9 ";
    static const char *const part[] = {"One",          "two", "three", "\xe4\xb8\xad",
                                       "\xe6\x96\x87", "x",   "\xff",  "9"};
    enum { PARTS = 8, TIMES = 40 };
    yh_buf b;
    yh_fold_tokens t = {0};
    yh_buf_init(&b, 0);
    for (int i = 0; i < TIMES; i++)
        assert_int_equal(yh_buf_add(&b, unit, sizeof unit - 1, NULL), YH_OK);
    assert_int_equal(yh_fold_hash(b.data, b.len, &t, NULL), YH_OK);
    assert_int_equal(t.n, PARTS * TIMES);
    assert_int_equal(t.spaceless, 2 * TIMES);
    for (size_t i = 0; i < t.n; i++) {
        size_t at, end;
        assert_int_equal(t.t[i], t.t[i % PARTS]);
        yh_fold_place(b.data, b.len, i, 1, &at, &end);
        assert_int_equal(end - at, strlen(part[i % PARTS]));
        assert_memory_equal(b.data + at, part[i % PARTS], end - at);
    }
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(t.t[i], t.t[k]);
    yh_fold_tokens_fini(&t);
    yh_buf_fini(&b);
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    static const char *const empty[] = {"", " ", "...", "\xe2\x80\x94", "\xe3\x80\x82\xef\xbc\x81"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        yh_fold_tokens t = {0};
        assert_int_equal(yh_fold_hash(empty[i], strlen(empty[i]), &t, NULL), YH_OK);
        assert_int_equal(t.n, 0);
        yh_fold_tokens_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_has_one_hash),
        cmocka_unit_test(letters_beyond_ascii_belong_to_the_word),
        cmocka_unit_test(tokens_are_counted_and_found_again),
        cmocka_unit_test(nothing_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
