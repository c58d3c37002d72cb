/* More than a thousand broken inputs through `yh clean`: every format cut off and with flipped bits
 * at many places, bombs, hostile archives, deep nesting, endless lines. None may crash, hang or
 * cost a document that is not damaged itself, and what is lost must be named in the report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "break_seeds.h"

enum { CUTS = 20, FLIPS = 36, PER_SEED = CUTS + FLIPS };

static char dir[] = "/tmp/yh-broken-XXXXXX";
static int broken_inputs;

/* ------------------------------------------------------------------ running */

static void put(const char *folder, const char *name, const void *p, size_t n)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

typedef struct outcome {
    json_t *report;
    yh_buf kept; /* JSON Lines */
} outcome;

/* yh clean FOLDER -o FOLDER.out, within some time. */
static void run(const char *folder, const char *more, outcome *o)
{
    char command[512], path[300];
    yh_err err = YH_ERR_INIT;
    snprintf(command, sizeof command,
             "timeout 240 %s/yh clean %s %s -o %s.out -r none -s read.part_chars=0 --compress none "
             ">%s.log 2>&1 </dev/null",
             YH_BINARY_DIR, folder, more, folder, folder);
    int rc = system(command); /* NOLINT: the paths are ours */
    if (rc != 0)
        fail_msg("%s: status %d; see %s.log", command, rc, folder);
    snprintf(path, sizeof path, "%s.out/report.json", folder);
    assert_int_equal(yh_json_load(&o->report, path, 0, &err), YH_OK);
    yh_buf_init(&o->kept, 0);
    for (int part = 0;; part++) { /* lines of bombs are left out */
        snprintf(path, sizeof path, "%s.out/part-%05d.jsonl", folder, part);
        FILE *f = fopen(path, "r");
        if (f == NULL)
            break;
        char *line = NULL;
        size_t room = 0;
        for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
            if (n < 3000000)
                assert_int_equal(yh_buf_add(&o->kept, line, (size_t)n, NULL), YH_OK);
        free(line);
        fclose(f);
    }
}

static void outcome_fini(outcome *o)
{
    json_decref(o->report);
    yh_buf_fini(&o->kept);
}

static bool is_named(const outcome *o, const char *name)
{
    const char *lists[] = {"skipped", "problems", "left_out"};
    for (int i = 0; i < 3; i++) {
        const json_t *l = json_object_get(json_object_get(o->report, lists[i]), "list");
        for (size_t k = 0; k < json_array_size(l); k++) {
            const char *file = json_string_value(json_object_get(json_array_get(l, k), "file"));
            if (file != NULL && strcmp(file, name) == 0)
                return true;
        }
    }
    return false;
}

/* Of the documents of one input: how many, and which of the seed's are whole among them. */
static size_t documents_of(const outcome *o, const char *name, bool *whole)
{
    size_t n = 0, k = strlen(name);
    memset(whole, 0, DOCS * sizeof *whole);
    for (char *line = o->kept.data; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        char want[64];
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
        int w = snprintf(want, sizeof want, "\"id\":\"%s", name);
        const char *id = memmem(line, len, want, (size_t)w);
        (void)k;
        if (id != NULL && strchr(":#/\"", id[w]) != NULL) {
            n++;
            for (int d = 0; d < DOCS; d++) {
                char text[200];
                int t = seed_text(d, text, sizeof text);
                whole[d] = whole[d] || memmem(line, len, text, (size_t)t) != NULL;
            }
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return n;
}

/* ------------------------------------------------------------------ cut and flipped */

static void check(const outcome *o, const seed *s, const char *name, size_t cut, size_t flip,
                  int bit)
{
    bool whole[DOCS];
    size_t n = documents_of(o, name, whole), begun = 0;
    char what[100];
    bool named = is_named(o, name), lost = false;
    if (flip == SIZE_MAX)
        snprintf(what, sizeof what, "%s cut at %zu of %zu", s->name, cut, s->bytes.len);
    else
        snprintf(what, sizeof what, "%s, bit %d of byte %zu of %zu flipped", s->name, bit, flip,
                 s->bytes.len);
    for (int d = 0; d < DOCS; d++) {
        begun += s->from[d] < cut && (d == 0 || !s->single);
        lost = lost || !whole[d];
        if (whole[d] || s->kind == WHOLE)
            continue;
        if (flip == SIZE_MAX && s->to[d] <= cut)
            fail_msg("%s: document %d stands before the cut and was lost", what, d);
        bool near = flip != SIZE_MAX && flip + s->reach >= s->from[d] && flip < s->to[d] + s->reach;
        near = near || (flip != SIZE_MAX && flip >= s->to[DOCS - 1] && named); /* a directory */
        if (flip != SIZE_MAX && !near && !(d > 0 && flip >= s->from[d - 1] && flip < s->to[d]))
            fail_msg("%s: document %d (%zu to %zu) was lost", what, d, s->from[d], s->to[d]);
    }
    if (lost && n < begun && !named)
        fail_msg("%s: %zu documents of %zu, and nothing in the report", what, n, begun);
    broken_inputs++;
}

static void break_seed(const seed *s, uint64_t random)
{
    char folder[200], name[64];
    size_t cut[PER_SEED], flip[PER_SEED];
    int bit[PER_SEED];
    outcome o;
    snprintf(folder, sizeof folder, "%s/%s", dir, s->name);
    mkdir(folder, 0700);
    for (int i = 0; i < PER_SEED; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        assert_int_equal(yh_buf_add(&b, s->bytes.data, s->bytes.len, NULL), YH_OK);
        random = random * 6364136223846793005u + 1442695040888963407u;
        cut[i] = s->bytes.len;
        flip[i] = SIZE_MAX;
        bit[i] = (int)(random >> 33) % 8;
        if (i < CUTS) {
            cut[i] = (size_t)(i + 1) * s->bytes.len / (CUTS + 1) + (random >> 40) % 3;
            b.len = cut[i];
        } else {
            flip[i] = (size_t)(i - CUTS) * s->bytes.len / FLIPS +
                      (size_t)(random >> 40) % (s->bytes.len / FLIPS + 1);
            if (flip[i] >= s->bytes.len)
                flip[i] = s->bytes.len - 1;
            b.data[flip[i]] ^= (char)(1 << bit[i]);
        }
        snprintf(name, sizeof name, "f%02d.%s", i, s->ending);
        put(folder, name, b.data, b.len);
        yh_buf_fini(&b);
    }
    snprintf(name, sizeof name, "good.%s", s->ending);
    put(folder, name, s->bytes.data, s->bytes.len);
    run(folder, "", &o);
    bool whole[DOCS];
    documents_of(&o, name, whole);
    for (int d = 0; d < DOCS; d++)
        if (!whole[d])
            fail_msg("%s: document %d is not read even of the good file", s->name, d);
    for (int i = 0; i < PER_SEED; i++) {
        snprintf(name, sizeof name, "f%02d.%s", i, s->ending);
        check(&o, s, name, cut[i], flip[i], bit[i]);
    }
    outcome_fini(&o);
}

static void cut_and_flipped(void **state)
{
    (void)state;
    for (int i = 0; i < N_SEEDS; i++) {
        seed s;
        seed_make(&s, i);
        break_seed(&s, (uint64_t)i + 1);
        seed_free(&s);
    }
    print_message("%d broken inputs\n", broken_inputs);
    assert_true(broken_inputs >= 1000);
}

/* ------------------------------------------------------------------ hostile */

static void repeat(yh_buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(yh_buf_adds(b, text, NULL), YH_OK);
}

static void put_repeated(const char *folder, const char *name, const char *before, const char *text,
                         size_t times, const char *after)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    repeat(&b, before, 1);
    repeat(&b, text, times);
    repeat(&b, after, 1);
    put(folder, name, b.data, b.len);
    yh_buf_fini(&b);
}

/* Two gigabytes of one line, as a hole, between two good lines. */
static void put_long_line(const char *folder, const char *name, const char *before,
                          const char *after)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(before, f);
    assert_int_equal(fseeko(f, (off_t)2 << 30, SEEK_CUR), 0);
    fputs(after, f);
    assert_int_equal(fclose(f), 0);
}

/* A crawl of ten records, each in a gzip member of its own; between the fifth and the sixth a
 * record that is a hundred megabytes of one letter. */
static void put_member_bomb(const char *folder, const char *name)
{
    enum { LETTERS = 100 << 20, ROOM = 1 << 20 };
    char record[1024], *large = malloc(LETTERS), *packed = malloc(ROOM);
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_true(large != NULL && packed != NULL);
    for (int d = 0; d < DOCS; d++) {
        int n = seed_warc_record(d, record, sizeof record);
        if (d == DOCS / 2) {
            memset(large, 'a', LETTERS);
            int head = snprintf(large, 300,
                                "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\n"
                                "Content-Length: %d\r\n\r\n",
                                LETTERS - 300);
            large[head] = 'a';
            size_t k = pack_zlib(large, LETTERS, packed, ROOM, 31, 6);
            assert_int_equal(yh_buf_add(&b, packed, k, NULL), YH_OK);
        }
        size_t k = seed_pack("gz", record, (size_t)n, packed, ROOM);
        assert_int_equal(yh_buf_add(&b, packed, k, NULL), YH_OK);
    }
    put(folder, name, b.data, b.len);
    yh_buf_fini(&b);
    free(large);
    free(packed);
}

/* A million nested tags in one page of a crawl, and a record of two gigabytes, among good ones. */
static void put_hostile_crawls(const char *folder)
{
    char before[1024], after[1200], head[300];
    yh_buf b;
    yh_buf_init(&b, 0);
    seed_warc_record(0, before, sizeof before);
    snprintf(after, sizeof after, "\r\n\r\n");
    seed_warc_record(1, after + 4, sizeof after - 4);
    snprintf(head, sizeof head,
             "WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a.example/deep\r\n"
             "Content-Type: text/html\r\nContent-Length: %d\r\n\r\n",
             5 * 1000000);
    repeat(&b, before, 1);
    repeat(&b, head, 1);
    repeat(&b, "<div>", 1000000);
    repeat(&b, after, 1);
    put(folder, "deep.warc", b.data, b.len);
    yh_buf_clear(&b);
    snprintf(head, sizeof head,
             "WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a.example/big\r\n"
             "Content-Type: text/html\r\nContent-Length: %llu\r\n\r\n",
             2ull << 30);
    repeat(&b, before, 1);
    repeat(&b, head, 1);
    put_long_line(folder, "two_gb.warc", b.data, after);
    yh_buf_fini(&b);
}

static void hostile(void **state)
{
    (void)state;
    char folder[200], good[300], text[200];
    outcome o;
    seed s;
    bool whole[DOCS];
    snprintf(folder, sizeof folder, "%s/hostile", dir);
    mkdir(folder, 0700);
    seed_text(0, text, sizeof text);
    snprintf(good, sizeof good, "{\"text\":\"%s\"}\n", text);
    yh_buf bomb;
    yh_buf_init(&bomb, 0);
    bomb_gzip(&bomb, 40); /* expands to 40 times 64 MiB */
    put(folder, "endless.txt.gz", bomb.data, bomb.len);
    yh_buf_clear(&bomb);
    bomb_zip(&bomb, 2000); /* 2000 names for the same data */
    put(folder, "bomb.zip", bomb.data, bomb.len);
    yh_buf_clear(&bomb);
    bomb_nested(&bomb); /* an archive in an archive in an archive ... */
    put(folder, "deep.zip", bomb.data, bomb.len);
    yh_buf_fini(&bomb);
    put_repeated(folder, "deep.json", "", "[", 1000000, "");
    put_repeated(folder, "deeper.json", "", "{\"a\":", 1000000, "");
    put_repeated(folder, "lines.jsonl", good, "{\"a\":[", 1000000, "\n");
    put_repeated(folder, "tags.html", "<html><body>", "<div>", 1000000, "some text");
    put_repeated(folder, "angle.html", "", "<", 1000000, "");
    put_repeated(folder, "quotes.csv", "id,text\n", "\"", 1000001, "\n");
    put_repeated(folder, "fields.csv", "id,text\n", ",", 1000000, "\n");
    put_repeated(folder, "heads.warc", "", "WARC/1.0\r\nContent-Length: 1\r\n\r\n", 20000, "");
    put_repeated(folder, "magics.txt.zst", "", "\x28\xb5\x2f\xfd", 500000, "");
    put_long_line(folder, "two_gb.jsonl", good, "\n{\"text\":\"The good line behind it.\"}\n");
    char rows[2][300];
    snprintf(rows[0], sizeof rows[0], "id,text\n0,\"%s\"\n1,\"", text);
    seed_text(1, text, sizeof text);
    snprintf(rows[1], sizeof rows[1], "\"\n2,\"%s\"\n", text);
    put_long_line(folder, "two_gb.csv", rows[0], rows[1]);
    put_member_bomb(folder, "member.warc.gz");
    put_hostile_crawls(folder);
    run(folder, "", &o);
    static const char *const named[] = {
        "endless.txt.gz", "bomb.zip",   "deep.zip",    "deep.json",      "deeper.json",
        "lines.jsonl",    "fields.csv", "heads.warc",  "magics.txt.zst", "two_gb.jsonl",
        "quotes.csv",     "two_gb.csv", "two_gb.warc", "member.warc.gz"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (!is_named(&o, named[i]))
            fail_msg("%s is not named in the report", named[i]);
    assert_int_equal(documents_of(&o, "two_gb.jsonl", whole), 2);
    assert_true(whole[0]);
    documents_of(&o, "lines.jsonl", whole);
    assert_true(whole[0]);
    static const char *const around[] = {"two_gb.csv", "two_gb.warc", "deep.warc"};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        documents_of(&o, around[i], whole); /* the good ones on both sides */
        if (!whole[0] || !whole[1])
            fail_msg("%s: a good document was lost", around[i]);
    }
    documents_of(&o, "member.warc.gz", whole);
    for (int d = 0; d < DOCS; d++)
        if (!whole[d])
            fail_msg("member.warc.gz: document %d was lost", d);
    documents_of(&o, "bomb.zip", whole); /* its good entries stand before and behind */
    assert_true(whole[0] && whole[1]);
    assert_non_null(memmem(o.kept.data, o.kept.len, "some text", 9));
    outcome_fini(&o);
    (void)s;
}

static int clean_up(void **state)
{
    (void)state;
    char command[100];
    if (getenv("YH_KEEP") != NULL)
        return 0;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command); /* NOLINT: the path is ours */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cut_and_flipped),
                                       cmocka_unit_test(hostile)};
    if (mkdtemp(dir) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
