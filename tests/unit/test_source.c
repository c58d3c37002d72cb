/* Inputs as chunks: streams of every packing, archives, the choice of readers, reading ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "input/prefetch.h"
#include "torture.h"

/* What a source gave, as text: "[entry] text|" a document, "{kind}" a note. */
static yh_status describe_chunk(yh_chunk *c, yh_buf *out, yh_err *err)
{
    yh_drafts d = {0};
    yh_status s = YH_OK;
    for (int i = 0; i < c->n_notes && s == YH_OK; i++)
        s = yh_buf_addf(out, err, "{%s%s%s}", c->note[i].kind, c->note[i].entry ? ": " : "",
                        c->note[i].entry ? c->note[i].entry : "");
    if (s == YH_OK && c->reader != NULL)
        s = c->reader->documents(&c->piece, &d, err);
    for (size_t i = 0; i < d.n && s == YH_OK; i++)
        s = yh_buf_addf(out, err, "%s%s%.200s|", c->entry ? c->entry : "", c->entry ? "=" : "",
                        d.d[i].text);
    for (uint64_t i = 0; i < d.n_problems && i < 8 && s == YH_OK; i++)
        s = yh_buf_addf(out, err, "(%s)", d.problem[i].what);
    yh_drafts_fini(&d);
    return s;
}

static yh_status describe(const char *name, const void *p, size_t n, yh_buf *out, yh_err *err)
{
    yh_source *s = NULL;
    bool more = true;
    yh_status st = yh_source_memory(&s, name, p, n, NULL, err);
    while (st == YH_OK && more) {
        yh_chunk c = {0};
        st = yh_source_next(s, &c, &more, err);
        if (st == YH_OK)
            st = describe_chunk(&c, out, err);
        yh_chunk_fini(&c);
    }
    yh_source_close(s);
    return st;
}

static void expect(const char *name, const void *p, size_t n, const char *want)
{
    yh_buf b;
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&b, 0);
    assert_int_equal(describe(name, p, n, &b, &err), YH_OK);
    if (b.len != strlen(want) || memcmp(b.data ? b.data : "", want, b.len) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", name, b.data ? b.data : "", want);
    yh_buf_fini(&b);
}

/* tests/data files, made once by Python's zipfile, tarfile, gzip, bz2, lzma, lz4, zstandard */
static void file(const char *name, yh_buf *b)
{
    char path[512];
    snprintf(path, sizeof path, "%s/fuzz/corpus/%s", YH_SOURCE_DIR, name);
    yh_buf_init(b, 0);
    yh_err err = YH_ERR_INIT;
    if (yh_file_read(path, 0, b, &err) != YH_OK)
        fail_msg("%s", err.msg);
}

static void packings(void **state)
{
    static const char *const names[] = {"gz", "zst", "xz", "bz2", "lz4"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char name[64];
        yh_buf b;
        snprintf(name, sizeof name, "stream/two.%s", names[i]); /* two members each */
        file(name, &b);
        snprintf(name, sizeof name, "a.txt.%s", names[i]);
        expect(name, b.data, b.len, "first line\nsecond line\n|");
        expect("noname", b.data, b.len, "first line\nsecond line\n|");
        yh_buf cut;
        yh_buf_init(&cut, 0);
        assert_int_equal(describe(name, b.data, b.len - 3, &cut, NULL), YH_OK);
        assert_non_null(strstr(cut.data, "{damaged compression}"));
        assert_non_null(strstr(cut.data, "first line\n"));
        yh_buf_fini(&cut);
        yh_buf_fini(&b);
    }
    expect("a.txt", "", 0, "{empty}");
}

static void archives(void **state)
{
    (void)state;
    yh_buf b;
    file("archive/plain.zip", &b);
    expect("x.zip", b.data, b.len,
           "a.txt=text of a|dir/b.txt=text of b, text of b, text of b, text of b, text of b|"
           "etc/c.txt=up and away|{format not known: pic.gif}");
    expect("x", b.data, b.len - 8, /* without its end: entries are looked for */
           "{damaged archive}a.txt=text of a|dir/b.txt=text of b, text of b, text of b, text of b, "
           "text of b|etc/c.txt=up and away|{format not known: pic.gif}");
    yh_buf_fini(&b);
    file("archive/nested.tar", &b);
    expect("x.tar", b.data, b.len,
           "a.txt=text of a|in.zip/z.txt=deep|in.tar.gz/t.txt=deeper|"
           "{archive within an archive: in.tar.gz/u.zip}a.txt.gz=text of a|last.txt=the last|");
    expect("x.tar", b.data, 512 + 7, "a.txt=text of|{damaged archive: a.txt}");
    b.data[512 * 2 + 3] ^= 1; /* the second header */
    yh_buf out;
    yh_buf_init(&out, 0);
    assert_int_equal(describe("x.tar", b.data, b.len, &out, NULL), YH_OK);
    assert_non_null(strstr(out.data, "{damaged archive}"));
    assert_non_null(strstr(out.data, "last.txt=the last|"));
    assert_non_null(strstr(out.data, "t.txt=deeper|"));
    yh_buf_fini(&out);
    yh_buf_fini(&b);
}

/* One entry of a tar archive of n bytes that begin with `head`. */
static void tar_entry(yh_buf *b, const char *name, const char *head, size_t n)
{
    char block[512] = {0};
    unsigned sum = 0;
    snprintf(block, 100, "%s", name);
    memcpy(block + 100, "0000644", 7);
    snprintf(block + 124, 12, "%011zo", n);
    memset(block + 148, ' ', 8);
    block[156] = '0';
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (uint8_t)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    assert_int_equal(yh_buf_add(b, block, sizeof block, NULL), YH_OK);
    size_t at = b->len, padded = (n + 511) / 512 * 512;
    assert_int_equal(yh_buf_reserve(b, padded, NULL), YH_OK);
    memset(b->data + at, 0, padded);
    for (size_t i = 0; i < n; i++)
        b->data[at + i] = i < strlen(head) ? head[i] : (char)(i * 37 % 256);
    b->len += padded;
}

/* What is not read in an archive, whatever its size, does not cost what stands behind it. */
static void archives_go_on_behind_what_is_not_read(void **state)
{
    (void)state;
    static const size_t size[] = {0, 1, 511, 513, 5001, 70001, 300001};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        tar_entry(&b, "a.txt", "text of a", 9);
        tar_entry(&b, "p.bin", "\177ELF\002\001", size[i]);
        tar_entry(&b, "q.txt.gz", "\037\213\010", size[i]);
        tar_entry(&b, "last.txt", "the last", 8);
        yh_buf out;
        yh_buf_init(&out, 0);
        assert_int_equal(describe("x.tar", b.data, b.len, &out, NULL), YH_OK);
        assert_non_null(strstr(out.data, "a.txt=text of a|"));
        assert_non_null(strstr(out.data, "p.bin"));
        assert_non_null(strstr(out.data, "q.txt.gz"));
        assert_non_null(strstr(out.data, "last.txt=the last|"));
        assert_null(strstr(out.data, "{damaged archive"));
        yh_buf_fini(&out);
        yh_buf_fini(&b);
    }
}

static void sniffing(void **state)
{
    (void)state;
    static const char html[] = "<!DOCTYPE html><title>t</title><p>A paragraph.</p>";
    static const char json[] = "{\"text\":\"one\"}\n{\"text\":\"two\"}\n";
    expect("noname", json, sizeof json - 1, "one|two|");
    expect("page.txt", html, sizeof html - 1, "A paragraph.|");
    expect("noname", "just words", 10, "just words|");
    expect("a.bin", "\0\1\2\3\4\5", 6, "{format not known}");
    expect("a.txt", "%PDF-1.4", 8, "{format not known}");
}

static void reading_ahead(void **state)
{
    (void)state;
    char dir[] = "/tmp/yh-source-XXXXXX", path[40][64];
    const char *list[40];
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 40; i++) {
        char text[64];
        snprintf(path[i], sizeof path[i], "%s/%02d.txt", dir, i);
        snprintf(text, sizeof text, "text %d", i);
        if (i != 7)
            assert_int_equal(yh_file_write(path[i], text, strlen(text), NULL), YH_OK);
        list[i] = i == 9 ? NULL : path[i];
    }
    for (int threads = 1; threads <= 4; threads++) {
        const yh_prefetch_options o = {.threads = threads, .bytes = 4096, .first = 2};
        yh_prefetch *p = NULL;
        yh_err err = YH_ERR_INIT;
        size_t files = 2;
        bool more = true;
        assert_int_equal(yh_prefetch_create(&p, list, 40, &o, &err), YH_OK);
        while (more) {
            yh_chunk c;
            char want[64];
            assert_int_equal(yh_prefetch_next(p, &c, &more, &err), YH_OK);
            if (!more)
                break;
            files += files == 9;
            assert_int_equal(c.file, files);
            assert_true(c.last);
            snprintf(want, sizeof want, "text %zu", files);
            if (files == 7)
                assert_string_equal(c.note[0].kind, "cannot be read");
            else
                assert_memory_equal(c.piece.bytes.data, want, strlen(want));
            files++;
            yh_chunk_fini(&c);
        }
        assert_int_equal(files, 40);
        yh_prefetch_free(p);
        assert_int_equal(yh_prefetch_create(&p, list, 40, &o, &err), YH_OK);
        yh_prefetch_free(p); /* at once, with readers that wait for room */
    }
    for (int i = 0; i < 40; i++)
        unlink(path[i]);
    rmdir(dir);
}

static yh_status tortured(void *arg, yh_err *err)
{
    const yh_buf *b = arg;
    yh_buf out;
    yh_buf_init(&out, 0);
    yh_status s = describe("x.tar", b->data, b->len, &out, err);
    yh_buf_fini(&out);
    return s;
}

static void no_memory(void **state)
{
    (void)state;
    yh_buf b;
    file("archive/nested.tar", &b);
    torture(tortured, &b);
    yh_buf_fini(&b);
}

/* Slices of a file, wherever they are cut: its lines, each once, with their numbers. */
static void slices(void **state)
{
    (void)state;
    static const char lines[] = "{\"text\":\"one\"}\n\n{\"text\":\"three\"}\n{\"text\":\"four\"}";
    char path[] = "/tmp/yh-slices-XXXXXX";
    const uint64_t size = sizeof lines - 1;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, lines, size) == (ssize_t)size);
    close(fd);
    const yh_read_options o = {.format = "json"};
    assert_true(yh_source_divides(path, &o));
    for (uint64_t cut = 1; cut < size; cut++) {
        yh_slice part[2] = {{0, cut, 0}, {cut, size, 0}};
        const char *const paths[2] = {path, path};
        uint64_t place, wanted = strchr(lines + cut - 1, '\n') != NULL
                                     ? (uint64_t)(strchr(lines + cut - 1, '\n') + 1 - lines)
                                     : size;
        assert_int_equal(yh_stream_line_at(path, cut, 0, &place, &part[1].lines, NULL), YH_OK);
        assert_int_equal(place, wanted);
        const yh_prefetch_options how = {.read = &o, .slice = part};
        yh_prefetch *p;
        yh_chunk c;
        yh_drafts d = {0};
        bool more = true;
        assert_int_equal(yh_prefetch_create(&p, paths, 2, &how, NULL), YH_OK);
        while (more) {
            assert_int_equal(yh_prefetch_next(p, &c, &more, NULL), YH_OK);
            assert_int_equal(c.n_notes, 0);
            if (c.reader != NULL)
                assert_int_equal(c.reader->documents(&c.piece, &d, NULL), YH_OK);
            yh_chunk_fini(&c);
        }
        yh_prefetch_free(p);
        assert_int_equal(d.n, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(d.d[i].number, i == 0 ? 1 : i + 2);
            assert_memory_equal(lines + d.d[i].offset + 9, d.d[i].text, d.d[i].len);
        }
        yh_drafts_fini(&d);
    }
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packings),
        cmocka_unit_test(archives),
        cmocka_unit_test(archives_go_on_behind_what_is_not_read),
        cmocka_unit_test(sniffing),
        cmocka_unit_test(reading_ahead),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
