#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/thread.h"

static void first_failure_wins(void **state)
{
    (void)state;
    yh_err e = YH_ERR_INIT;
    assert_int_equal(yh_fail(&e, YH_CORRUPT, "first %d", 1), YH_CORRUPT);
    assert_int_equal(yh_fail(&e, YH_IO, "second"), YH_IO);
    assert_int_equal(e.code, YH_CORRUPT);
    assert_string_equal(e.msg, "first 1");
    assert_int_equal(yh_fail(NULL, YH_LIMIT, "no owner"), YH_LIMIT);
}

/* Known answers of Philox4x32-10 from the Random123 distribution. */
static void philox_known_answers(void **state)
{
    (void)state;
    uint32_t o[4];
    yh_philox(0, 0, 0, o);
    assert_int_equal(o[0], 0x6627e8d5u);
    assert_int_equal(o[1], 0xe169c58du);
    assert_int_equal(o[2], 0xbc57ac4cu);
    assert_int_equal(o[3], 0x9b00dbd8u);
    yh_philox(UINT64_MAX, UINT64_MAX, UINT64_MAX, o);
    assert_int_equal(o[0], 0x408f276du);
    assert_int_equal(o[1], 0x41c83b0eu);
    assert_int_equal(o[2], 0xa20bc7c6u);
    assert_int_equal(o[3], 0x6d5451fdu);
}

static void mark(void *arg, int64_t b, int64_t e, int worker)
{
    (void)worker;
    unsigned char *seen = arg;
    for (int64_t i = b; i < e; i++)
        seen[i]++;
}

static void pool_covers_each_item_once(void **state)
{
    (void)state;
    static unsigned char seen[5000];
    for (int threads = 1; threads <= 5; threads++) {
        yh_pool *p;
        assert_int_equal(yh_pool_create(&p, threads, NULL), YH_OK);
        assert_int_equal(yh_pool_threads(p), threads);
        for (int64_t n = 0; n < 5000; n = n * 3 + 1)
            for (int64_t grain = 1; grain < 100; grain *= 7) {
                memset(seen, 0, sizeof seen);
                yh_pool_run(p, n, grain, mark, seen);
                yh_pool_run_dynamic(p, n, grain, mark, seen);
                for (int64_t i = 0; i < (int64_t)sizeof seen; i++)
                    assert_int_equal(seen[i], i < n ? 2 : 0);
            }
        yh_pool_free(p);
    }
}

/* Memory from here holds a file's name already, as an old allocation's may. */
static const char *stale_name;
static int allocations, failing;

static void *stale_realloc(void *user, void *p, size_t size)
{
    (void)user;
    if (size == 0) {
        free(p);
        return NULL;
    }
    if (++allocations == failing)
        return NULL;
    void *q = realloc(p, size);
    if (p == NULL && q != NULL && size > strlen(stale_name))
        memcpy(q, stale_name, strlen(stale_name) + 1);
    return q;
}

static void writer_without_memory_removes_nothing(void **state)
{
    (void)state;
    char dir[] = "/tmp/yh_test_XXXXXX", path[64], other[64];
    const yh_allocator stale = {.realloc = stale_realloc};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(other, sizeof other, "%s/o", dir);
    assert_int_equal(yh_file_write(other, "hello", 5, NULL), YH_OK);
    stale_name = other;
    bool opened = false;
    for (failing = 1; !opened; failing++) {
        yh_writer w = YH_WRITER_INIT;
        yh_err e = YH_ERR_INIT;
        allocations = 0;
        yh_allocator_set(&stale);
        yh_status s = yh_writer_open(&w, path, &e);
        opened = s == YH_OK;
        if (opened)
            yh_writer_abort(&w);
        yh_allocator_set(NULL);
        assert_true(opened || (s == YH_NOMEM && strstr(e.msg, path) != NULL));
        assert_true(yh_is_file(other));
    }
    assert_int_equal(failing, 5); /* three allocations, each of which failed once */
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void writer_leaves_nothing_half_written(void **state)
{
    (void)state;
    char dir[] = "/tmp/yh_test_XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof path, "%s/file", dir);
    yh_writer w = YH_WRITER_INIT;
    assert_int_equal(yh_writer_open(&w, path, NULL), YH_OK);
    assert_int_equal(yh_writer_write(&w, "abc", 3, NULL), YH_OK);
    yh_writer_abort(&w);
    yh_file_list l = {0};
    assert_int_equal(yh_file_list_add(&l, dir, NULL), YH_OK);
    assert_int_equal(l.n, 0);
    assert_int_equal(yh_file_write(path, "hello", 5, NULL), YH_OK);
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_file_read(path, 0, &b, NULL), YH_OK);
    assert_string_equal(b.data, "hello");
    yh_err e = YH_ERR_INIT;
    yh_buf_clear(&b);
    assert_int_equal(yh_file_read(path, 4, &b, &e), YH_LIMIT);
    assert_non_null(strstr(e.msg, path));
    yh_buf_fini(&b);
    yh_file_list_fini(&l);
    yh_dir_lock one = YH_DIR_LOCK_INIT, two = YH_DIR_LOCK_INIT;
    assert_int_equal(yh_dir_lock_take(&one, dir, NULL), YH_OK);
    assert_int_equal(yh_dir_lock_take(&two, dir, NULL), YH_BUSY);
    yh_dir_lock_release(&one);
    assert_int_equal(yh_dir_lock_take(&two, dir, NULL), YH_OK);
    yh_dir_lock_release(&two);
    char cmd[96];
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    assert_int_equal(system(cmd), 0);
}

static void buf_keeps_its_ceiling(void **state)
{
    (void)state;
    yh_buf b;
    yh_buf_init(&b, 8);
    assert_int_equal(yh_buf_adds(&b, "12345678", NULL), YH_OK);
    assert_int_equal(yh_buf_addc(&b, '9', NULL), YH_LIMIT);
    assert_string_equal(b.data, "12345678");
    yh_buf_fini(&b);
}

static void hashset_tells_new_from_old(void **state)
{
    (void)state;
    yh_hashset s;
    yh_hashset_init(&s);
    bool added;
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 5000; i++) {
            assert_true(yh_hashset_add(&s, yh_hash128_of(&i, sizeof i), &added));
            assert_int_equal(added, round == 0);
        }
    assert_int_equal(s.n, 5000);
    yh_hashset_fini(&s);
}

static void json_getters_name_the_key(void **state)
{
    (void)state;
    json_t *j;
    yh_err e = YH_ERR_INIT;
    const char *text = "{\"a\": 3, \"b\": 2.5, \"c\": \"x\"}";
    assert_int_equal(yh_json_parse(&j, text, strlen(text), "f.json", NULL), YH_OK);
    int64_t i;
    assert_int_equal(yh_json_int(j, "a", 0, 5, false, 0, "f.json", &i, NULL), YH_OK);
    assert_int_equal(i, 3);
    assert_int_equal(yh_json_int(j, "a", 0, 2, false, 0, "f.json", &i, &e), YH_CORRUPT);
    assert_non_null(strstr(e.msg, "\"a\""));
    assert_int_equal(yh_json_int(j, "b", 0, 5, false, 0, "f.json", &i, NULL), YH_CORRUPT);
    assert_int_equal(yh_json_int(j, "z", 0, 5, true, 4, "f.json", &i, NULL), YH_OK);
    assert_int_equal(i, 4);
    json_decref(j);
    assert_int_equal(yh_json_parse(&j, "[1,", 3, "f.json", NULL), YH_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(pool_covers_each_item_once),
        cmocka_unit_test(writer_leaves_nothing_half_written),
        cmocka_unit_test(writer_without_memory_removes_nothing),
        cmocka_unit_test(buf_keeps_its_ceiling),
        cmocka_unit_test(hashset_tells_new_from_old),
        cmocka_unit_test(json_getters_name_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
