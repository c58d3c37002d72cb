/* exact_document, exact_line, exact_paragraph, url, site_lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rules/fold.h"
#include "dedup/url_key.h"
#include "stage_case.h"
#include "torture.h"

static void equal_documents_leave_one(void **state)
{
    (void)state;
    /* of equal texts the one with the lower hash of its id stays: find out which */
    const char *stays = yh_hash64("a", 1, 0) < yh_hash64("c", 1, 0) ? "a" : "c";
    char expected[200];
    snprintf(expected, sizeof expected, "b\tother\nd\tSame, text\n%s\tsame text\n", stays);
    if (stays[0] == 'a')
        snprintf(expected, sizeof expected, "a\tsame text\nb\tother\nd\tSame, text\n");
    else
        snprintf(expected, sizeof expected, "b\tother\nc\tsame text\nd\tSame, text\n");
    stage_case c = {
        .stage = "exact_document",
        ITEMS(D("a", "same text"), D("b", "other"), D("c", "same text"), D("d", "Same, text"))};
    stage_expect(c, expected);
    c.params = "{\"normalise\": true}"; /* the longest stays */
    stage_expect(c, "b\tother\nd\tSame, text\n");
}

static void nothing_and_one_document_pass_every_stage(void **state)
{
    (void)state;
    int n;
    const yh_stage *const *all = yh_stages(&n);
    assert_true(n >= 5);
    for (int i = 0; i < n; i++) {
        stage_case c = {.stage = all[i]->name, .it = NULL, .n = 0};
        stage_expect(c, "");
        c = (stage_case){.stage = all[i]->name,
                         ITEMS(DU("a", "one document alone, and no line end", "http://x.org/"))};
        stage_expect(c, "a\tone document alone, and no line end\n");
        c = (stage_case){.stage = all[i]->name, ITEMS(D("a", ""), D("b", "\xe6\x98\xaf"))};
        stage_expect(c, "a\t\nb\t\xe6\x98\xaf\n");
        c = (stage_case){.stage = all[i]->name, ITEMS(D("a", "\xff\xfe broken \xe6 bytes"))};
        stage_expect(c, "a\t\xff\xfe broken \xe6 bytes\n");
    }
}

static void lines_that_occurred_go(void **state)
{
    (void)state;
    stage_case c = {.stage = "exact_line",
                    .params = "{\"min_chars\": 5}",
                    ITEMS(D("long", "first line\n  second line \nthird line of the longest\n"),
                          D("b", "new here\nSECOND line!\nab\nnew here\nend"),
                          D("c", "ab\n\xe8\x90\xa4\xe7\x81\xab\nsecond line"),
                          D("d", "\xe8\x90\xa4\xe7\x81\xab\n"))};
    stage_expect(c, "b\tnew here\nab\nend\nc\tab\n\xe8\x90\xa4\xe7\x81\xab\n\nd\t\n"
                    "long\tfirst line\n  second line \nthird line of the longest\n\n");
    c.params = "{\"min_chars\": 5, \"copies\": 2, \"normalise\": false}";
    stage_expect(c, "b\tnew here\nSECOND line!\nab\nnew here\nend\n"
                    "c\tab\n\xe8\x90\xa4\xe7\x81\xab\nsecond line\n"
                    "d\t\xe8\x90\xa4\xe7\x81\xab\n\n"
                    "long\tfirst line\n  second line \nthird line of the longest\n\n");
}

static void scopes_keep_lines_apart(void **state)
{
    (void)state;
    stage_case c = {.stage = "exact_line",
                    .params = "{\"min_chars\": 3, \"within\": \"site\"}",
                    ITEMS(DU("aa", "shared line, first", "http://www.X.org/1"),
                          DU("b", "shared line\nand, more, of, it", "https://x.org:443/2"),
                          DU("c", "Shared Line First", "http://y.org/"))};
    stage_expect(c, "aa\tshared line, first\nb\tshared line\nand, more, of, it\n"
                    "c\tShared Line First\n");
    c.params = "{\"min_chars\": 3, \"within\": \"source\"}";
    stage_expect(c, "aa\tshared line, first\nb\tshared line\nand, more, of, it\nc\t\n");
    c.params = "{\"min_chars\": 3, \"within\": \"document\"}";
    stage_expect(c, "aa\tshared line, first\nb\tshared line\nand, more, of, it\n"
                    "c\tShared Line First\n");
}

static void paragraphs_that_occurred_go(void **state)
{
    (void)state;
    stage_case c = {
        .stage = "exact_paragraph",
        .params = "{\"min_chars\": 8}",
        ITEMS(D("a", "one paragraph\nof two lines\n\n\nunique in the longest document\n"),
              D("b", "before it\n\nOne paragraph\nof two lines\n\nof two lines\n"),
              D("c", "one paragraph"))};
    stage_expect(c, "a\tone paragraph\nof two lines\n\n\nunique in the longest document\n\n"
                    "b\tbefore it\n\nof two lines\n\nc\tone paragraph\n");
}

static void addresses(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"HTTP://www.Example.COM:80/a/b/?utm_source=x&b=2&a=1#top", "example.com/a/b?a=1&b=2"},
        {"https://example.com:443/", "example.com"},
        {"https://example.com:8080/%7euser/%e4%b8%ad", "example.com:8080/~user/%E4%B8%AD"},
        {"http://u:p@example.com./x#!/y", "example.com/x#!/y"},
        {" http://example.com/x?fbclid=1 ", "example.com/x"},
        {"http://example.com/x?", "example.com/x"},
        {"http://example.com/100%", "example.com/100%"},
        {"", ""},
        {"#", ""},
    };
    json_t *tracking = json_pack("[ss]", "utm_*", "fbclid");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        assert_int_equal(yh_buf_adds(&b, "", NULL), YH_OK);
        assert_int_equal(yh_url_key(cases[i][0], tracking, &b, NULL), YH_OK);
        assert_string_equal(b.data != NULL ? b.data : "", cases[i][1]);
        yh_buf_fini(&b);
    }
    json_decref(tracking);
}

static void pages_fetched_twice_leave_one(void **state)
{
    (void)state;
    stage_case c = {.stage = "url",
                    ITEMS(DU("a:1", "short", "http://x.org/p?utm_id=3"),
                          DU("a:2", "the longer one", "x.org/p/"),
                          DU("a:2#2", "its second part", "x.org/p/"), D("b", "no address"),
                          D("c", "nor here"), DU("d", "another", "http://x.org/q"))};
    stage_expect(c, "a:2\tthe longer one\na:2#2\tits second part\nb\tno address\nc\tnor here\n"
                    "d\tanother\n");
}

static void furniture_of_a_site_goes(void **state)
{
    (void)state;
    static char text[40][200], id[40][16], url[40][40], expected[8000];
    item it[40];
    char *e = expected;
    for (int i = 0; i < 40; i++) { /* 0 to 29: one site; 30 to 39: another */
        const bool big = i < 30;
        snprintf(id[i], sizeof id[i], "%02d", i);
        snprintf(url[i], sizeof url[i], "http://%s.org/%d", big ? "big" : "small", i);
        /* the refrain is inside, on a third of the pages: it stays */
        char body[120];
        snprintf(body, sizeof body, "body of %d\nmore %d\n%sstill %d\nand %d\n", i, i,
                 i % 3 == 0 ? "the refrain\n" : "", i, i);
        snprintf(text[i], sizeof text[i], "%s%s%s", big ? "Home | About\n" : "", body,
                 i % 2 == 0 ? "(c) all rights reserved" : "");
        it[i] = (item){.id = id[i], .text = text[i], .url = url[i]};
        e += sprintf(e, "%s\t%s%s\n", id[i], body,
                     !big && i % 2 == 0 ? "(c) all rights reserved" : "");
    }
    stage_case c = {
        .stage = "site_lines", .params = "{\"edge\": 2, \"min_pages\": 6}", .it = it, .n = 40};
    stage_expect(c, expected);
}

static void folding(void **state)
{
    (void)state;
    yh_buf b;
    yh_fold_tokens t = {0}, u = {0};
    yh_buf_init(&b, 0);
    const char *text = "  Hello,\tWORLD 42! \xc3\x84rger\xe3\x80\x82\xe4\xb8\xad \xe6\x96\x87"
                       "abc \xe6\x98\xaf.";
    assert_int_equal(yh_fold_text(text, strlen(text), &b, NULL), YH_OK);
    assert_string_equal(b.data, "hello world 42 \xc3\xa4rger\xe4\xb8\xad\xe6\x96\x87"
                                "abc\xe6\x98\xaf");
    assert_int_equal(yh_fold_hash(text, strlen(text), &t, NULL), YH_OK);
    assert_int_equal(t.n, 4 + 2 + 1 + 1);
    assert_int_equal(t.spaceless, 3);
    assert_int_equal(yh_fold_hash(b.data, b.len, &u, NULL), YH_OK);
    assert_int_equal(u.n, t.n);
    assert_memory_equal(t.t, u.t, t.n * sizeof *t.t);
    yh_fold_tokens_fini(&t);
    yh_fold_tokens_fini(&u);
    yh_buf_fini(&b);
}

static yh_status every_stage(void *arg, yh_err *err)
{
    const char *path = in_dir("tortured");
    const stage_case *c = arg;
    yh_store *store;
    YH_TRY(yh_store_open(&store, &path, 1, err));
    yh_status s = stage_apply(c, store, NULL, err);
    yh_store_close(store);
    return s;
}

static void short_memory_is_survived(void **state)
{
    (void)state;
    int n;
    const yh_stage *const *all = yh_stages(&n);
    static const char text[] = "the same text stands here, long enough for whatever looks at "
                               "lines or at paragraphs or at stretches of a hundred bytes, say\n";
    stage_case c = {ITEMS(DU("a", text, "http://x.org/1"), DU("b", text, "http://x.org/1"),
                          DU("c", text + 10, "http://x.org/2"),
                          DU("d", text + 5, "http://x.org/3")),
                    .memory = 3000};
    yh_err err = YH_ERR_INIT;
    stage_ok(stage_store(&c, in_dir("tortured"), &err), &err);
    for (int i = 0; i < n; i++) {
        c.stage = all[i]->name;
        torture(every_stage, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_documents_leave_one),
        cmocka_unit_test(nothing_and_one_document_pass_every_stage),
        cmocka_unit_test(lines_that_occurred_go),
        cmocka_unit_test(scopes_keep_lines_apart),
        cmocka_unit_test(paragraphs_that_occurred_go),
        cmocka_unit_test(addresses),
        cmocka_unit_test(pages_fetched_twice_leave_one),
        cmocka_unit_test(furniture_of_a_site_goes),
        cmocka_unit_test(folding),
        cmocka_unit_test(short_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
