#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/rng.h"
#include "data/diff.h"

/* Applies the list to a and compares with b; returns how many lines it has. */
static size_t check(const char *a, const char *b, size_t most)
{
    json_t *list = NULL, *e;
    size_t i, at = 0, line = 1;
    yh_buf out;
    yh_buf_init(&out, 0);
    assert_int_equal(yh_diff_lines(&list, a, strlen(a), b, strlen(b), most, NULL), YH_OK);
    if (list == NULL)
        return SIZE_MAX;
    size_t n = strlen(a), n_out = 0;
    json_array_foreach(list, i, e)
    {
        size_t number = (size_t)json_integer_value(json_object_get(e, "line"));
        bool minus = strcmp(json_string_value(json_object_get(e, "op")), "-") == 0;
        while (minus ? line < number : n_out + 1 < number) { /* copy what is equal */
            size_t len = strcspn(a + at, "\n");
            assert_int_equal(yh_buf_add(&out, a + at, len, NULL), YH_OK);
            assert_int_equal(yh_buf_addc(&out, '\n', NULL), YH_OK);
            at += len + 1;
            line++;
            n_out++;
        }
        const char *text = json_string_value(json_object_get(e, "text"));
        if (minus) {
            assert_int_equal(strcspn(a + at, "\n"), strlen(text));
            at += strlen(text) + 1;
            line++;
        } else {
            assert_int_equal(yh_buf_adds(&out, text, NULL), YH_OK);
            assert_int_equal(yh_buf_addc(&out, '\n', NULL), YH_OK);
            n_out++;
        }
    }
    if (at <= n) {
        assert_int_equal(yh_buf_adds(&out, a + at, NULL), YH_OK);
        assert_int_equal(yh_buf_addc(&out, '\n', NULL), YH_OK);
    }
    assert_int_equal(out.len, strlen(b) + 1);
    assert_memory_equal(out.data, b, strlen(b));
    size_t k = json_array_size(list);
    yh_buf_fini(&out);
    json_decref(list);
    return k;
}

static void known(void **state)
{
    (void)state;
    assert_int_equal(check("a\nb\nc", "a\nb\nc", 10), 0);
    assert_int_equal(check("a\nb\nc", "a\nc", 10), 1);
    assert_int_equal(check("a\nc", "a\nb\nc", 10), 1);
    assert_int_equal(check("a\nb\nc", "a\nx\nc", 10), 2);
    assert_int_equal(check("", "x", 10), 2);
    assert_int_equal(check("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc", 10), 5); /* Myers' own */
    assert_int_equal(check("a\nb\nc", "x\ny\nz", 5), SIZE_MAX);
}

static void many(void **state)
{
    (void)state;
    yh_rng r;
    yh_rng_init(&r, 3, 0);
    for (int k = 0; k < 300; k++) {
        char t[2][400];
        for (int s = 0; s < 2; s++) {
            size_t n = 0, lines = yh_rng_below(&r, 40) + 1;
            for (size_t i = 0; i < lines; i++)
                n += (size_t)snprintf(t[s] + n, sizeof t[s] - n, "%s%u", i > 0 ? "\n" : "",
                                      (unsigned)yh_rng_below(&r, 4));
        }
        assert_true(check(t[0], t[1], 100) <= 80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
