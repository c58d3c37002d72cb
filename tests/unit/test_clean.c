#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "input/json_text.h"
#include "input/reader.h"
#include "input/utf8_scan.h"
#include "rules/rule.h"
#include "yh/corpus.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/yh_test_XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
    char cmd[96];
    (void)state;
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    return system(cmd);
}

static char *in_dir(const char *name)
{
    char *p = yh_path_join(dir, name);
    assert_non_null(p);
    return p;
}

static void put(const char *name, const char *text)
{
    char *p = in_dir(name);
    assert_int_equal(yh_file_write(p, text, strlen(text), NULL), YH_OK);
    yh_free(p);
}

static void json_texts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"text\":\"a\",\"body\":\"b\"}", "a"},
        {"{\"body\":\"b\"}", "b"},
        {"{\"content\":[\"a\",\"b\"]}", "a\nb"},
        {"{\"instruction\":\"i\",\"input\":\"\",\"output\":\"o\"}", "i\n\no"},
        {"{\"question\":\"q\",\"answer\":\"a\"}", "q\n\na"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"a\",\"content\":\"y\"}]"
         "}",
         "x\n\ny"},
        {"\"bare\"", "bare"},
        {"{\"other\":1}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *j = json_loads(cases[i][0], JSON_DECODE_ANY, NULL);
        yh_buf out;
        bool found;
        const char *used[8];
        assert_non_null(j);
        yh_buf_init(&out, 0);
        assert_int_equal(yh_json_text(j, NULL, &out, &found, used, NULL), YH_OK);
        assert_int_equal(found, cases[i][1] != NULL);
        if (found)
            assert_string_equal(out.data, cases[i][1]);
        yh_buf_fini(&out);
        json_decref(j);
    }
}

static void long_documents_are_divided(void **state)
{
    (void)state;
    yh_buf b;
    yh_drafts l = {0};
    size_t total = 0, chars = 0;
    yh_buf_init(&b, 0);
    for (int i = 0; i < 3500; i++)
        assert_int_equal(
            yh_buf_addf(&b, NULL,
                        "Paragraph %d 这是一段文字，它有一定的长度。 and so on and on.\n\n", i),
            YH_OK);
    chars = yh_utf8_count(b.data, b.len);
    assert_int_equal(yh_drafts_add(&l, &b, 7, true, "UTF-8", NULL), YH_OK);
    assert_int_equal(yh_drafts_divide(&l, YH_PART_CHARS, NULL), YH_OK);
    assert_int_equal(l.n, (chars + YH_PART_CHARS - 1) / YH_PART_CHARS);
    for (size_t i = 0; i < l.n; i++) {
        assert_int_equal(l.d[i].starts, i == 0);
        assert_int_equal(l.d[i].number, 7);
        assert_memory_equal(l.d[i].text, "Paragraph", 9); /* cut between paragraphs */
        assert_int_equal(yh_utf8_valid_prefix((uint8_t *)l.d[i].text, l.d[i].len), l.d[i].len);
        total += yh_utf8_count(l.d[i].text, l.d[i].len);
    }
    assert_in_range(total, chars - 3 * l.n,
                    chars); /* nothing but blank lines at the cuts is lost */
    yh_drafts_fini(&l);
    yh_buf_fini(&b);
}

/* Counts of documents and problems that a reader finds in text. */
static void read_all(const char *name, const char *text, size_t docs, uint64_t problems,
                     const char *last)
{
    const yh_reader *r = yh_reader_of(name, NULL);
    yh_stream *s;
    yh_reader_state st = {0};
    size_t n = 0;
    uint64_t bad = 0;
    char *got = NULL;
    assert_non_null(r);
    assert_int_equal(yh_stream_memory(&s, text, strlen(text), NULL), YH_OK);
    for (bool more = true; more;) {
        yh_piece p = {0};
        yh_drafts d = {0};
        assert_int_equal(r->next(s, &st, &p, &more, NULL), YH_OK);
        if (more)
            assert_int_equal(r->documents(&p, &d, NULL), YH_OK);
        n += d.n;
        bad += d.n_problems;
        if (d.n > 0) {
            free(got);
            got = strdup(d.d[d.n - 1].text);
        }
        yh_drafts_fini(&d);
        yh_buf_fini(&p.bytes);
    }
    assert_int_equal(n, docs);
    assert_int_equal(bad, problems);
    if (last != NULL)
        assert_string_equal(got, last);
    free(got);
    yh_stream_close(s);
}

static void readers(void **state)
{
    (void)state;
    read_all("a.jsonl", "{\"text\":\"a\"}\n\n{\"text\":\"b\"}", 2, 0, "b");
    read_all("a.jsonl", "{\"text\":\"a\"}\n{bad}\n{\"text\":\"b\"}\n", 2, 1, "b");
    read_all("a.json", "[{\"text\":\"a\"},\n {\"text\":\"b, ]} \\\" x\"}]", 2, 0, "b, ]} \" x");
    read_all("a.json", "{\n \"text\": \"a\"\n}", 1, 0, "a");
    read_all("a.json", "{\"text\":\"a\"}\n{\"text\":\"b\"}", 2, 0, "b"); /* lines after all */
    read_all("a.jsonl", "[\n{\"text\":\"a\"}\n]", 1, 0, "a");            /* an array after all */
    read_all("a.json", "[[[[", 0, 1, NULL);
    read_all("a.txt", "one\n<|endoftext|>\n two<|endoftext|>", 2, 0, "\n two");
    read_all("a.md", "# title\n\ntext", 1, 0, "# title\n\ntext");
    read_all("a.txt", "", 0, 0, NULL);
    assert_null(yh_reader_of("a.bin", NULL));
    assert_non_null(yh_reader_of("A.TXT.GZ", NULL));
}

static void gutenberg(void **state)
{
    (void)state;
    const yh_rule *g = yh_rule_find("gutenberg");
    assert_non_null(g);
    yh_drafts l = {0};
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_buf_adds(&b,
                                 "The Project Gutenberg EBook of X\n\n"
                                 "*** START OF THIS PROJECT GUTENBERG EBOOK X ***\n\n\nThe book "
                                 "itself.\n\nEnd of Project Gutenberg's X\n\n*** END OF THIS "
                                 "PROJECT GUTENBERG EBOOK X ***\nlicence",
                                 NULL),
                     YH_OK);
    assert_int_equal(yh_drafts_add(&l, &b, 0, true, "UTF-8", NULL), YH_OK);
    assert_int_equal(g->apply(NULL, &l.d[0], 3, NULL), YH_OK);
    assert_string_equal(l.d[0].text, "The book itself.");
    assert_int_equal(l.d[0].n_edit, 2);
    yh_drafts_fini(&l);
}

static void runs_and_reads_back(void **state)
{
    (void)state;
    char *raw = in_dir("raw"), *out = in_dir("out");
    const char *paths[] = {raw};
    yh_clean_options o = {.min_chars = 10};
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_mkdirs(raw, NULL), YH_OK);
    put("raw/a.txt", "The first document of this test.");
    put("raw/b.txt", "The second document, \"quoted\"\\\twith a tab.");
    put("raw/c.txt", "The first document of this test.");
    assert_int_equal(yh_clean_run(paths, 1, out, &o, NULL, &err), YH_OK);
    assert_int_equal(yh_clean_run(paths, 1, out, &o, NULL, &err), YH_OK); /* nothing to do */
    yh_corpus *c;
    yh_doc d;
    bool more;
    assert_int_equal(yh_corpus_open(&c, out, &err), YH_OK);
    assert_int_equal(yh_corpus_next(c, &d, &more, &err), YH_OK);
    assert_true(more);
    assert_true(strcmp(d.id, "a.txt") == 0 || strcmp(d.id, "b.txt") == 0);
    assert_int_equal(yh_corpus_next(c, &d, &more, &err), YH_OK);
    assert_true(more);
    if (strcmp(d.id, "b.txt") == 0)
        assert_string_equal(d.text, "The second document, \"quoted\"\\\twith a tab.");
    assert_int_equal(yh_corpus_next(c, &d, &more, &err), YH_OK);
    assert_false(more);
    yh_corpus_close(c);
    assert_int_equal(yh_corpus_open(&c, raw, &err), YH_NOTFOUND); /* no corpus */
    yh_free(raw);
    yh_free(out);
}

static void heldout_by_text_alone(void **state)
{
    (void)state;
    unsigned held = 0;
    for (int i = 0; i < 20000; i++) {
        char t[32];
        snprintf(t, sizeof t, "document %d", i);
        held += yh_doc_is_heldout(t, strlen(t), 50);
        assert_false(yh_doc_is_heldout(t, strlen(t), 0));
        assert_true(yh_doc_is_heldout(t, strlen(t), 1000));
        if (yh_doc_is_heldout(t, strlen(t), 10)) /* a larger share keeps the smaller one */
            assert_true(yh_doc_is_heldout(t, strlen(t), 50));
    }
    assert_in_range(held, 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_texts),
        cmocka_unit_test(long_documents_are_divided),
        cmocka_unit_test(readers),
        cmocka_unit_test(gutenberg),
        cmocka_unit_test_setup_teardown(runs_and_reads_back, make_dir, drop_dir),
        cmocka_unit_test(heldout_by_text_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
