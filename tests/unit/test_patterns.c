#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/list.h"
#include "rules/patterns.h"

typedef struct seen {
    yh_match m[4096];
    size_t n;
} seen;

static bool note(void *ctx, const yh_match *m)
{
    seen *s = ctx;
    assert_true(s->n < 4096);
    s->m[s->n++] = *m;
    return true;
}

/* Every occurrence, found by comparing everywhere. */
static size_t naive(const char *const *pat, size_t n, const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(pat[k], pat[i]) == 0;
        size_t l = strlen(pat[i]);
        for (size_t at = 0; !again && l > 0 && at + l <= len; at++)
            count += memcmp(text + at, pat[i], l) == 0;
    }
    return count;
}

static void test_random(void **state)
{
    (void)state;
    static seen s;
    char text[300], store[40][8];
    const char *pat[40];
    for (unsigned round = 0; round < 300; round++) {
        srand(round);
        int letters = 2 + rand() % 3;
        for (int i = 0; i < 40; i++) {
            int l = rand() % 7;
            for (int j = 0; j < l; j++)
                store[i][j] = (char)('a' + rand() % letters);
            store[i][l] = '\0';
            pat[i] = store[i];
        }
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)('a' + rand() % (letters + 1));
        yh_patterns *p;
        assert_int_equal(yh_patterns_create(&p, pat, NULL, 40, 0, NULL), YH_OK);
        s.n = 0;
        yh_patterns_scan(p, text, sizeof text, note, &s);
        for (size_t i = 0; i < s.n; i++) {
            assert_int_equal(s.m[i].len, strlen(pat[s.m[i].pattern]));
            assert_memory_equal(text + s.m[i].at, pat[s.m[i].pattern], s.m[i].len);
        }
        assert_int_equal(s.n, naive(pat, 40, text, sizeof text));
        yh_patterns_free(p);
    }
}

/* So many that the transitions are kept in a hash table. */
static void test_long_list(void **state)
{
    (void)state;
    enum { N = 60000 };
    char(*store)[12] = malloc(N * sizeof *store);
    const char **pat = malloc(N * sizeof *pat);
    char text[] = "zz 000000001 40000x 000059999 000060000";
    static seen s;
    assert_non_null(store);
    assert_non_null(pat);
    for (int i = 0; i < N; i++) {
        snprintf(store[i], sizeof store[i], "%09d%c", i, "qwertzuiop"[i % 10]);
        store[i][9] = '\0';
        pat[i] = store[i];
    }
    pat[7] = "\xff\xfe";
    yh_patterns *p;
    assert_int_equal(yh_patterns_create(&p, pat, NULL, N, 0, NULL), YH_OK);
    s.n = 0;
    yh_patterns_scan(p, text, sizeof text - 1, note, &s);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.m[0].pattern, 1);
    assert_int_equal(s.m[0].at, 3);
    assert_int_equal(s.m[1].pattern, 59999);
    yh_match m;
    assert_true(yh_patterns_find(p, "ab\xff\xfe", 4, &m));
    assert_int_equal(m.pattern, 7);
    assert_int_equal(m.at, 2);
    yh_patterns_free(p);
    free(store);
    free(pat);
}

static void test_fold(void **state)
{
    (void)state;
    const char *pat[] = {"Cookie", "版权", ""};
    yh_patterns *p;
    yh_match m;
    assert_int_equal(yh_patterns_create(&p, pat, NULL, 3, YH_PATTERNS_FOLD, NULL), YH_OK);
    assert_true(yh_patterns_find(p, "our COOKIE", 10, &m));
    assert_int_equal(m.at, 4);
    assert_true(yh_patterns_find(p, "无版权", 9, &m));
    assert_int_equal(m.pattern, 1);
    assert_false(yh_patterns_find(p, "cook版", 7, &m));
    yh_patterns_free(p);
    assert_int_equal(yh_patterns_create(&p, pat, NULL, 0, 0, NULL), YH_OK);
    assert_false(yh_patterns_find(p, "anything", 8, NULL));
    yh_patterns_free(p);
}

static void test_list(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf# comment\r\n  词 \t class a \n\n\\#hash\n\\\\back\n"
                               "[tail]\nlast one";
    yh_list l;
    yh_err err = YH_ERR_INIT;
    yh_list_init(&l);
    assert_int_equal(yh_list_parse(&l, text, sizeof text - 1, "here", &err), YH_OK);
    assert_int_equal(l.n, 4);
    assert_string_equal(l.entry[0].text, "词");
    assert_int_equal(l.entry[0].len, 3);
    assert_string_equal(l.entry[0].value, "class a");
    assert_string_equal(l.entry[0].section, "");
    assert_string_equal(l.entry[1].text, "#hash");
    assert_string_equal(l.entry[1].value, "");
    assert_string_equal(l.entry[2].text, "\\back");
    assert_string_equal(l.entry[3].text, "last one");
    assert_string_equal(l.entry[3].section, "tail");
    assert_int_equal(yh_list_parse(&l, "a\xff", 2, "bad", &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "byte 1"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_list_load(&l, "no_such_list", &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "no_such_list"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_list_load(&l, "./no/such/file", &err), YH_NOTFOUND);
    yh_list_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
