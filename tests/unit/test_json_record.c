/* isa: each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "data/record.h"
#include "input/json_scan.h"
#include "input/reader.h"

static void read_lines(const char *lines, size_t n, yh_piece *piece, yh_drafts *out)
{
    yh_err err = YH_ERR_INIT;
    memset(piece, 0, sizeof *piece);
    memset(out, 0, sizeof *out);
    piece->number = 1;
    assert_int_equal(yh_buf_add(&piece->bytes, lines, n, &err), YH_OK);
    assert_int_equal(yh_reader_named("json")->documents(piece, out, &err), YH_OK);
}

static void done(yh_piece *piece, yh_drafts *out)
{
    yh_drafts_fini(out);
    yh_buf_fini(&piece->bytes);
}

/* Where a text is copied as it stood, it is what would be written for it. */
static void test_raw(void **unused)
{
    (void)unused;
    static const char *const strings[][2] = {
        {"plain", "y"},
        {"a\\nb\\tc \\\"quoted\\\" back\\\\slash", "y"},
        {"\xe4\xb8\xad\\n\xe6\x96\x87 of more than sixty-four bytes, so that blocks are "
         "looked at\\n\\n",
         "y"},
        {"solidus \\/", "n"},
        {"\\u0041", "n"},
        {"return\\r", "y"},
        {"\\u000a", "n"},
        {"\\b\\f", "y"},
        {"\\u0001", "n"},
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        for (size_t pad = 0; pad < 70; pad++) {
            char line[300];
            int n = snprintf(
                line, sizeof line, "{\"id\":7,\"text\":\"%.*s%s\",\"more\":\"\\/\"}", (int)pad,
                "...........................................................", strings[i][0]);
            yh_piece piece;
            yh_drafts l;
            yh_buf b;
            yh_err err = YH_ERR_INIT;
            yh_buf_init(&b, 0);
            read_lines(line, (size_t)n, &piece, &l);
            assert_int_equal(l.n, 1);
            assert_int_equal(l.d[0].raw != NULL, strings[i][1][0] == 'y');
            assert_int_equal(yh_record_string(&b, l.d[0].text, l.d[0].len, &err), YH_OK);
            if (l.d[0].raw != NULL) {
                assert_int_equal(b.len, l.d[0].raw_len + 2);
                assert_memory_equal(b.data + 1, l.d[0].raw, l.d[0].raw_len);
                assert_int_equal(l.d[0].raw_text, l.d[0].len);
                assert_int_equal(yh_draft_cut(&l.d[0], 0, 0, 1, &err), YH_OK);
                assert_null(l.d[0].raw);
            }
            yh_buf_fini(&b);
            done(&piece, &l);
        }
}

static void test_surrogates(void **unused)
{
    (void)unused;
    static const char *const cases[][2] = {
        {"a \\ud83d b", "a \xef\xbf\xbd b"},
        {"\\ude00", "\xef\xbf\xbd"},
        {"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\\ud83d\\u0041", "\xef\xbf\xbd\x41"},
        {"\\\\ud83d \\uD800", "\\ud83d \xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        yh_piece piece;
        yh_drafts l;
        int n = snprintf(line, sizeof line,
                         "{\"text\":\"%s\",\"k\":\"\\udc00\"}\n{\"text\":[\"%s\"]}\n", cases[i][0],
                         cases[i][0]);
        read_lines(line, (size_t)n, &piece, &l);
        assert_int_equal(l.n, 2);
        assert_int_equal(l.n_problems, 0);
        assert_int_equal(l.replaced, 3);
        assert_string_equal(l.d[0].text, cases[i][1]);
        assert_string_equal(l.d[1].text, cases[i][1]);
        assert_null(strstr(l.d[0].meta, "dc00"));
        done(&piece, &l);
    }
}

static void test_nested(void **unused)
{
    (void)unused;
    static const char *const lines =
        "{\"text\":\"one\",\"n\":{\"a\":[1,null]},\"x\":0.1}\n"
        "{\"text\":[\"two\"],\"n\":[0.1,[2]],\"x\":0.30000000000000004}\n"
        "{\"data\":[{\"context\":\"three\",\"qas\":[{\"q\":\"why\"}]}]}\n";
    yh_piece piece;
    yh_drafts l;
    read_lines(lines, strlen(lines), &piece, &l);
    assert_int_equal(l.n, 3);
    assert_string_equal(l.d[0].meta, "\"n\":{\"a\":[1,null]},\"x\":0.1");
    assert_string_equal(l.d[1].meta, "\"n\":[0.1,[2]],\"x\":0.30000000000000004");
    assert_string_equal(l.d[2].meta, "\"qas\":[{\"q\":\"why\"}]");
    done(&piece, &l);

    yh_buf b; /* one that is too long, by both ways */
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&b, 0);
    for (int way = 0; way < 2; way++) {
        yh_buf_clear(&b);
        assert_int_equal(yh_buf_adds(&b, way == 0 ? "{\"text\":\"t\"" : "{\"text\":[\"t\"]", &err),
                         YH_OK);
        assert_int_equal(yh_buf_adds(&b, ",\"k\":1,\"n\":[0", &err), YH_OK);
        for (int i = 0; i < YH_META_NESTED / 2; i++)
            assert_int_equal(yh_buf_adds(&b, ",1", &err), YH_OK);
        assert_int_equal(yh_buf_adds(&b, "]}", &err), YH_OK);
        read_lines(b.data, b.len, &piece, &l);
        assert_int_equal(l.n, 1);
        assert_string_equal(l.d[0].meta, "\"k\":1");
        assert_int_equal(l.n_problems, 1);
        assert_non_null(strstr(l.problem[0].what, "64 KiB"));
        done(&piece, &l);
    }
    yh_buf_fini(&b);
}

static void test_exact_numbers(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"[0.256,0.1,5]", "[0.30000000000000004]",
                                        "[1.7976931348623157e308]", "{\"a\":0.8}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        yh_err err = YH_ERR_INIT;
        json_t *j = json_loads(texts[i], 0, NULL), *back;
        char *t = NULL;
        assert_int_equal(yh_json_print_exact(&t, j, JSON_COMPACT, &err), YH_OK);
        assert_true(strlen(t) <= strlen(texts[i]) + 1);
        back = json_loads(t, 0, NULL);
        assert_true(json_equal(j, back));
        yh_json_text_free(t);
        json_decref(j);
        json_decref(back);
    }
}

/* Strings of letters and escapes in every place of a block, good and bad: accepted when jansson
 * accepts them, with its text, and odd when an escape could be written otherwise. */
static void test_random_strings(void **unused)
{
    (void)unused;
    static const char *const pieces[] = {
        "\\n", "\\\\",         "\\\"",           "\\t", "\\r", "\\/", "\\b", "\\u0041", "x",
        "n",   "\xe4\xb8\xad", "\\ud83d\\ude00", "\\x", "\n",  "\\",  "\""};
    enum { MANY = 12, ALL = 16 }; /* the last ones end a string, or make it a bad one */
    yh_rng r;
    int good = 0;
    yh_rng_init(&r, 5, 0);
    for (int round = 0; round < 20000; round++) {
        char line[700];
        bool odd = false, escaped = false;
        size_t n = (size_t)snprintf(line, sizeof line, "{\"k\":\"");
        const uint32_t of = yh_rng_u32(&r) % 2 == 0 ? 2 : MANY, dense = 1 + yh_rng_u32(&r) % 80;
        while (n < 100 + yh_rng_u32(&r) % 500) {
            memset(line + n, 'n', dense);
            n += yh_rng_u32(&r) % dense;
            uint32_t k = yh_rng_u32(&r) % of;
            if (yh_rng_u32(&r) % 300 == 0)
                k = MANY + yh_rng_u32(&r) % (ALL - MANY);
            odd = odd || strcmp(pieces[k], "\\/") == 0 || strncmp(pieces[k], "\\u", 2) == 0;
            escaped = escaped || pieces[k][0] == '\\';
            memcpy(line + n, pieces[k], strlen(pieces[k]));
            n += strlen(pieces[k]);
        }
        n += (size_t)snprintf(line + n, sizeof line - n, "\",\"z\":1}");
        json_t *j = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
        yh_json_member m[YH_JSON_MEMBERS];
        size_t count;
        bool is = yh_json_members(line, n, m, &count);
        assert_int_equal(is, j != NULL);
        if (is) {
            yh_buf b;
            yh_buf_init(&b, 0);
            assert_int_equal(count, 2);
            assert_int_equal(m[0].odd, odd);
            assert_int_equal(m[0].escaped, escaped);
            assert_int_equal(yh_json_unescape(m[0].value + 1, m[0].n_value - 2, &b, NULL), YH_OK);
            json_t *v = json_object_get(j, "k");
            assert_int_equal(b.len, json_string_length(v));
            assert_memory_equal(b.data, json_string_value(v), b.len);
            yh_buf_fini(&b);
            good++;
        }
        json_decref(j);
    }
    assert_in_range(good, 2000, 19999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw), cmocka_unit_test(test_surrogates),
        cmocka_unit_test(test_nested), cmocka_unit_test(test_exact_numbers),
        cmocka_unit_test(test_random_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
