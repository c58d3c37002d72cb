/* The document store: what was written comes back, through the decisions of stages, in any way of
 * reading; damage is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/file.h"
#include "dedup/store.h"
#include "scratch_dir.h"
#include "torture.h"

static void ok(yh_status s, const yh_err *err)
{
    if (s != YH_OK)
        fail_msg("status %d: %s", (int)s, err->msg);
}

/* Document i: a text of i % 50 letters, and every field. */
static void fields(uint64_t i, yh_stored *d, char buf[6][80])
{
    memset(buf[0], 'a' + (int)(i % 26), i % 50);
    buf[0][i % 50] = '\0';
    snprintf(buf[1], 80, "doc%llu", (unsigned long long)i);
    snprintf(buf[2], 80, "source%llu", (unsigned long long)i % 3);
    snprintf(buf[3], 80, "%s", i % 2 == 0 ? "" : "http://example.com/");
    snprintf(buf[4], 80, "%s", i % 3 == 0 ? "zh" : "");
    memcpy(buf[5], "x\0y", 4);
    *d = (yh_stored){.text = buf[0],
                     .len = i % 50,
                     .id = buf[1],
                     .source = buf[2],
                     .url = buf[3],
                     .lang = buf[4],
                     .extra = buf[5],
                     .extra_len = 3};
}

static void same(const yh_stored *a, uint64_t i)
{
    yh_stored b;
    char buf[6][80];
    fields(i, &b, buf);
    assert_int_equal(a->ordinal, i);
    assert_int_equal(a->len, b.len);
    assert_string_equal(a->text, b.text);
    assert_string_equal(a->id, b.id);
    assert_string_equal(a->source, b.source);
    assert_string_equal(a->url, b.url);
    assert_string_equal(a->lang, b.lang);
    assert_int_equal(a->extra_len, 3);
    assert_memory_equal(a->extra, b.extra, 3);
}

/* Documents first .. first + n in blocks of `block`; an empty block at the end. */
static yh_status write_store(const char *path, uint64_t first, uint64_t n, uint64_t block,
                             yh_err *err)
{
    yh_store_writer *w;
    YH_TRY(yh_store_writer_create(&w, path, err));
    static yh_stored d[64];
    static char buf[64][6][80];
    yh_buf b;
    yh_status s = YH_OK;
    yh_buf_init(&b, 0);
    for (uint64_t i = 0; i <= n && s == YH_OK; i += block) {
        uint64_t k = n - i < block ? n - i : block, bytes = 0;
        for (uint64_t j = 0; j < k; j++) {
            fields(first + i + j, &d[j], buf[j]);
            bytes += d[j].len;
        }
        yh_buf_clear(&b);
        s = yh_store_block(d, (size_t)k, &b, err);
        if (s == YH_OK)
            s = yh_store_writer_add(w, &b, (size_t)k, bytes, err);
    }
    if (s == YH_OK)
        s = yh_store_writer_commit(w, err);
    yh_buf_fini(&b);
    yh_store_writer_free(w);
    return s;
}

static yh_store *open_two(void)
{
    yh_err err = YH_ERR_INIT;
    const char *paths[] = {in_dir("a"), in_dir("b")};
    ok(write_store(paths[0], 0, 60, 20, &err), &err);
    ok(write_store(paths[1], 60, 41, 7, &err), &err);
    yh_store *s;
    ok(yh_store_open(&s, paths, 2, &err), &err);
    return s;
}

typedef struct seen {
    int n[101];
    uint64_t bytes;
    bool plain; /* no decisions: compare with what was written */
    pthread_mutex_t lock;
} seen;

static yh_status see(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    seen *x = user;
    (void)worker;
    (void)err;
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < n; i++) {
        x->n[docs[i].ordinal]++;
        x->bytes += docs[i].len;
        if (x->plain)
            same(&docs[i], docs[i].ordinal);
    }
    pthread_mutex_unlock(&x->lock);
    return YH_OK;
}

static void documents_come_back(void **state)
{
    (void)state;
    yh_err err = YH_ERR_INIT;
    yh_store *s = open_two();
    assert_int_equal(yh_store_documents(s), 101);
    assert_int_equal(yh_store_blocks(s), 4 + 6);
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < 101; i++)
        bytes += i % 50;
    assert_int_equal(yh_store_bytes(s), bytes);
    yh_pool *pool;
    ok(yh_pool_create(&pool, 3, &err), &err);
    seen x = {.plain = true, .lock = PTHREAD_MUTEX_INITIALIZER};
    ok(yh_store_each(s, pool, see, &x, &err), &err);
    for (int i = 0; i < 101; i++)
        assert_int_equal(x.n[i], 1);
    yh_store_cursor *c;
    ok(yh_store_cursor_create(&c, s, &err), &err);
    for (uint64_t i = 0; i < 303; i++) {
        yh_stored d;
        ok(yh_store_get(c, i * 37 % 101, &d, &err), &err);
        same(&d, i * 37 % 101);
    }
    yh_stored d;
    assert_int_equal(yh_store_get(c, 101, &d, NULL), YH_INVALID);
    yh_store_cursor_free(c);
    yh_pool_free(pool);
    yh_store_close(s);
}

static yh_status stop_here(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    (void)user;
    (void)worker;
    (void)docs;
    (void)n;
    return yh_fail(err, YH_LIMIT, "enough");
}

static void an_error_ends_the_pass(void **state)
{
    (void)state;
    yh_err err = YH_ERR_INIT;
    yh_store *s = open_two();
    assert_int_equal(yh_store_each(s, NULL, stop_here, NULL, &err), YH_LIMIT);
    assert_string_equal(err.msg, "enough");
    yh_store_close(s);
}

static void decisions_of_two_stages_are_applied(void **state)
{
    (void)state;
    yh_err err = YH_ERR_INIT;
    yh_store *s = open_two();
    yh_decisions *d;
    const char *first = in_dir("first"), *second = in_dir("second");
    ok(yh_decisions_create(&d, 100, dir, NULL, &err), &err);
    /* document 33: 33 letters */
    ok(yh_decisions_cut(d, 33, 20, 5, 0.5, 7, &err), &err);
    ok(yh_decisions_cut(d, 33, 2, 4, 0.25, 8, &err), &err);
    ok(yh_decisions_cut(d, 33, 4, 6, 0.75, 9, &err), &err);  /* overlaps: [2, 10) */
    ok(yh_decisions_cut(d, 33, 10, 1, 0.1, 10, &err), &err); /* touches: stays by itself */
    ok(yh_decisions_cut(d, 33, 12, 0, 0.1, 10, &err), &err); /* nothing */
    ok(yh_decisions_cut(d, 5, 0, 5, 1, UINT64_MAX, &err), &err);
    ok(yh_decisions_cut(d, 100, 0, 1, 0, 1, &err), &err);
    ok(yh_decisions_remove(d, 100, 0.9, 3, &err), &err);
    ok(yh_decisions_remove(d, 0, 0.9, UINT64_MAX, &err), &err);
    ok(yh_decisions_commit(d, first, &err), &err);
    yh_decisions_free(d);
    ok(yh_store_apply(s, first, &err), &err);

    ok(yh_decisions_create(&d, 100, dir, NULL, &err), &err);
    ok(yh_decisions_cut(d, 33, 0, 18, 0, 0, &err), &err); /* of the 19 that are left */
    ok(yh_decisions_remove(d, 50, 0, 1, &err), &err);
    ok(yh_decisions_commit(d, second, &err), &err);
    yh_decisions_free(d);
    ok(yh_store_apply(s, second, &err), &err);

    seen x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ok(yh_store_each(s, NULL, see, &x, &err), &err);
    assert_int_equal(x.n[100] + x.n[0] + x.n[50], 0);
    assert_int_equal(x.bytes, yh_store_bytes(s) - 5 - 32);

    yh_store_cursor *c;
    yh_stored doc;
    ok(yh_store_cursor_create(&c, s, &err), &err);
    ok(yh_store_get(c, 33, &doc, &err), &err);
    assert_string_equal(doc.text, "h");
    ok(yh_store_get(c, 100, &doc, &err), &err);
    assert_null(doc.text);
    ok(yh_store_get(c, 5, &doc, &err), &err);
    assert_string_equal(doc.text, "");

    yh_store_raw raw;
    ok(yh_store_block_raw(c, 1, &raw, &err), &err); /* documents 20 to 39 */
    assert_int_equal(raw.n, 20);
    same(&raw.doc[13], 33);
    assert_int_equal(raw.n_decision[0], 3);
    assert_int_equal(raw.decision[0][0].at, 2);
    assert_int_equal(raw.decision[0][0].len, 8);
    assert_true(raw.decision[0][0].score == 0.75);
    assert_int_equal(raw.decision[0][0].other, 9);
    assert_int_equal(raw.decision[0][1].at, 10);
    assert_int_equal(raw.decision[0][2].at, 20);
    assert_int_equal(raw.n_decision[1], 1);
    ok(yh_store_block_raw(c, 9, &raw, &err), &err);
    assert_int_equal(raw.n, 6);
    assert_int_equal(raw.n_decision[0], 1);
    assert_true(raw.decision[0][0].len == UINT64_MAX);
    assert_int_equal(yh_store_block_raw(c, 10, &raw, NULL), YH_INVALID);
    yh_store_cursor_free(c);
    yh_store_close(s);
}

/* Flips one byte of the file (at < 0: cuts its last byte off). */
static void damage(const char *path, long at)
{
    yh_buf b;
    yh_err err = YH_ERR_INIT;
    yh_buf_init(&b, 0);
    ok(yh_file_read(path, 0, &b, &err), &err);
    if (at >= 0)
        b.data[at] ^= 0x10;
    else
        b.len--;
    ok(yh_file_write(path, b.data, b.len, &err), &err);
    yh_buf_fini(&b);
}

static yh_status read_all(const char *path, yh_err *err)
{
    yh_store *s;
    seen x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    YH_TRY(yh_store_open(&s, &path, 1, err));
    yh_status st = yh_store_each(s, NULL, see, &x, err);
    yh_store_close(s);
    return st;
}

static void damage_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        long at;
    } cases[] = {{"", 0},     {"", 8},      {"", 100},    {"", -1},
                 {".idx", 0}, {".idx", 20}, {".idx", 60}, {".idx", -1}};
    char path[500];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yh_err err = YH_ERR_INIT;
        ok(write_store(in_dir("damaged"), 0, 60, 20, &err), &err);
        ok(read_all(in_dir("damaged"), &err), &err);
        snprintf(path, sizeof path, "%s%s", in_dir("damaged"), cases[i].suffix);
        damage(path, cases[i].at);
        assert_int_equal(read_all(in_dir("damaged"), &err), YH_CORRUPT);
        assert_non_null(strstr(err.msg, "/damaged"));
    }
    yh_err err = YH_ERR_INIT;
    assert_int_equal(read_all(in_dir("missing"), &err), YH_NOTFOUND);
}

static void damaged_decisions_are_named(void **state)
{
    (void)state;
    static const long at[] = {0, 8, 30, 49, 100, -1};
    yh_store *s = open_two();
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        yh_err err = YH_ERR_INIT;
        yh_decisions *d;
        ok(yh_decisions_create(&d, 1000, dir, NULL, &err), &err);
        ok(yh_decisions_cut(d, 33, 2, 4, 0.25, 8, &err), &err);
        ok(yh_decisions_remove(d, 3, 0.25, 8, &err), &err);
        ok(yh_decisions_commit(d, in_dir("decisions"), &err), &err);
        yh_decisions_free(d);
        damage(in_dir("decisions"), at[i]);
        assert_int_equal(yh_store_apply(s, in_dir("decisions"), &err), YH_CORRUPT);
        assert_non_null(strstr(err.msg, "/decisions"));
    }
    /* sound, but about other documents */
    yh_err err = YH_ERR_INIT;
    yh_decisions *d;
    ok(yh_decisions_create(&d, 1000, dir, NULL, &err), &err);
    ok(yh_decisions_remove(d, 101, 0.25, 8, &err), &err);
    ok(yh_decisions_commit(d, in_dir("decisions"), &err), &err);
    yh_decisions_free(d);
    assert_int_equal(yh_store_apply(s, in_dir("decisions"), &err), YH_CORRUPT);
    err = (yh_err)YH_ERR_INIT;
    ok(yh_decisions_create(&d, 1000, dir, NULL, &err), &err);
    ok(yh_decisions_cut(d, 33, 30, 4, 0.25, 8, &err), &err);
    ok(yh_decisions_commit(d, in_dir("decisions"), &err), &err);
    yh_decisions_free(d);
    ok(yh_store_apply(s, in_dir("decisions"), &err), &err);
    seen x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    assert_int_equal(yh_store_each(s, NULL, see, &x, &err), YH_CORRUPT);
    yh_store_close(s);
}

static void an_empty_store_is_one(void **state)
{
    (void)state;
    yh_err err = YH_ERR_INIT;
    yh_store_writer *w;
    yh_store *s;
    const char *path = in_dir("empty");
    ok(yh_store_writer_create(&w, path, &err), &err);
    ok(yh_store_writer_commit(w, &err), &err);
    yh_store_writer_free(w);
    ok(read_all(path, &err), &err);
    ok(yh_store_open(&s, NULL, 0, &err), &err);
    yh_decisions *d;
    ok(yh_decisions_create(&d, 1000, dir, NULL, &err), &err);
    ok(yh_decisions_commit(d, in_dir("none"), &err), &err);
    yh_decisions_free(d);
    ok(yh_store_apply(s, in_dir("none"), &err), &err);
    assert_int_equal(yh_store_documents(s), 0);
    yh_store_close(s);
    /* without a commit nothing appears */
    ok(yh_store_writer_create(&w, in_dir("aborted"), &err), &err);
    yh_store_writer_free(w);
    assert_false(yh_is_file(in_dir("aborted")));
}

static yh_status whole_way(void *arg, yh_err *err)
{
    (void)arg;
    yh_store *s = NULL;
    yh_decisions *d = NULL;
    yh_store_cursor *c = NULL;
    char store[300], decided[300];
    const char *paths[] = {store};
    yh_stored doc;
    yh_store_raw raw;
    seen x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(store, sizeof store, "%s/torture", dir);
    snprintf(decided, sizeof decided, "%s/torture-decided", dir);
    yh_status st;
    YH_GOTO(st, write_store(store, 0, 40, 20, err), out);
    YH_GOTO(st, yh_decisions_create(&d, 200, dir, NULL, err), out);
    for (uint64_t i = 0; i < 20; i++)
        YH_GOTO(st, yh_decisions_cut(d, 39, i, 1, 0, 1, err), out);
    YH_GOTO(st, yh_decisions_commit(d, decided, err), out);
    YH_GOTO(st, yh_store_open(&s, paths, 1, err), out);
    YH_GOTO(st, yh_store_apply(s, decided, err), out);
    YH_GOTO(st, yh_store_each(s, NULL, see, &x, err), out);
    YH_GOTO(st, yh_store_cursor_create(&c, s, err), out);
    YH_GOTO(st, yh_store_get(c, 39, &doc, err), out);
    st = yh_store_block_raw(c, 1, &raw, err);
out:
    yh_store_cursor_free(c);
    yh_store_close(s);
    yh_decisions_free(d);
    return st;
}

static void short_memory_is_survived(void **state)
{
    (void)state;
    torture(whole_way, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_come_back),
        cmocka_unit_test(an_error_ends_the_pass),
        cmocka_unit_test(decisions_of_two_stages_are_applied),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(damaged_decisions_are_named),
        cmocka_unit_test(an_empty_store_is_one),
        cmocka_unit_test(short_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
