/* Sorting out of core: the same records come back in the same order whatever the memory, the
 * number of threads and the order of adding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/thread.h"
#include "base/sort_records.h"
#include "base/sorter.h"
#include "scratch_dir.h"
#include "torture.h"

static size_t order_size;

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, order_size);
}

/* n records; kind 0: random, 1: few different values, 2: counting up, 3: all alike,
 * 4: long common beginnings that grow apart one byte at a time */
static uint8_t *make(size_t n, size_t size, int kind)
{
    uint8_t *p = calloc(n + 1, size);
    for (size_t i = 0; i < n; i++) {
        uint8_t *r = p + i * size;
        uint64_t h = yh_hash64(&i, sizeof i, 7);
        if (kind == 0)
            for (size_t k = 0; k + 4 <= size; k += 4, h = yh_hash64(&h, sizeof h, 1))
                memcpy(r + k, &h, 4);
        else if (kind == 1)
            r[h % size] = (uint8_t)(h >> 32 & 3);
        else if (kind == 2)
            yh_sort_put32(r, (uint32_t)i);
        else if (kind == 4)
            memset(r, 0xff, h % size);
    }
    return p;
}

static void in_memory_sorting_agrees_with_qsort(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 8, 12, 16, 20, 24, 32, 44, 100, 256};
    static const size_t counts[] = {0, 1, 2, 24, 25, 300, 5000};
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = 0; b < sizeof counts / sizeof *counts; b++)
            for (int kind = 0; kind < 5; kind++) {
                size_t n = counts[b], size = sizes[a];
                uint8_t *x = make(n, size, kind), *y = make(n, size, kind);
                order_size = size;
                if (n > 1)
                    qsort(y, n, size, by_bytes);
                yh_sort_records(x, n, size);
                assert_memory_equal(x, y, n * size);
                free(x);
                free(y);
            }
}

typedef struct feed {
    yh_sorter *s;
    const uint8_t *p;
    size_t size;
    int bad;
} feed;

static void add_range(void *arg, int64_t begin, int64_t end, int worker)
{
    feed *f = arg;
    (void)worker;
    if (yh_sorter_add(f->s, f->p + (size_t)begin * f->size, (size_t)(end - begin), NULL) != YH_OK)
        __atomic_store_n(&f->bad, 1, __ATOMIC_RELAXED);
}

static void check_sorter(size_t n, size_t size, int kind, uint64_t memory, int threads)
{
    yh_pool *pool;
    yh_sorter *s;
    yh_err err = YH_ERR_INIT;
    uint8_t *x = make(n, size, kind), *y = make(n, size, kind);
    order_size = size;
    if (n > 1)
        qsort(y, n, size, by_bytes);
    assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
    assert_int_equal(yh_sorter_create(&s, size, memory, dir, pool, &err), YH_OK);
    feed f = {s, x, size, 0};
    yh_pool_run_dynamic(pool, (int64_t)n, 7, add_range, &f);
    assert_int_equal(f.bad, 0);
    assert_int_equal(yh_sorter_count(s), n);
    assert_int_equal(yh_sorter_finish(s, &err), YH_OK);
    size_t at = 0;
    for (;;) {
        const uint8_t *r;
        size_t k;
        assert_int_equal(yh_sorter_next(s, &r, &k, &err), YH_OK);
        if (k == 0)
            break;
        assert_true(at + k <= n);
        assert_memory_equal(r, y + at * size, k * size);
        at += k;
    }
    assert_int_equal(at, n);
    yh_sorter_free(s);
    yh_pool_free(pool);
    free(x);
    free(y);
}

static void result_does_not_depend_on_memory_or_threads(void **state)
{
    (void)state;
    static const uint64_t memory[] = {0, 700, 5000, 60000, 1 << 20};
    for (size_t m = 0; m < sizeof memory / sizeof *memory; m++)
        for (int threads = 1; threads <= 3; threads++)
            for (int kind = 0; kind < 5; kind++) {
                check_sorter(3000, 16, kind, memory[m], threads);
                check_sorter(700, 44, kind, memory[m], threads);
            }
    check_sorter(20000, 20, 0, 2000, 2); /* hundreds of runs, several passes */
    check_sorter(0, 16, 0, 1000, 2);
    check_sorter(1, 256, 0, 0, 1);
    check_sorter(1000000, 16, 0, 4 << 20, 2);
}

static void failures_are_told(void **state)
{
    (void)state;
    yh_sorter *s;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_sorter_create(&s, 6, 1000, dir, NULL, &err), YH_INVALID);
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_sorter_create(&s, 16, 100, in_dir("no-such-folder"), NULL, &err), YH_OK);
    uint8_t *x = make(100, 16, 0);
    assert_int_equal(yh_sorter_add(s, x, 100, &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "no-such-folder"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_sorter_finish(s, &err), YH_NOTFOUND);
    yh_sorter_free(s);
    free(x);
}

static yh_status work(void *arg, yh_err *err)
{
    const uint64_t *memory = arg;
    yh_sorter *s;
    YH_TRY(yh_sorter_create(&s, 16, *memory, dir, NULL, err));
    uint8_t *x = make(500, 16, 0);
    yh_status st = yh_sorter_add(s, x, 500, err);
    if (st == YH_OK)
        st = yh_sorter_finish(s, err);
    for (size_t n = 1; n > 0 && st == YH_OK;) {
        const uint8_t *r;
        st = yh_sorter_next(s, &r, &n, err);
    }
    free(x);
    yh_sorter_free(s);
    return st;
}

static void short_memory_is_survived(void **state)
{
    (void)state;
    uint64_t small = 500, large = 1 << 20;
    torture(work, &small);
    torture(work, &large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_sorting_agrees_with_qsort),
        cmocka_unit_test(result_does_not_depend_on_memory_or_threads),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(short_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
