/* Pinning: which processors, when, and that the caller keeps its own affinity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/placement.h"
#include "scratch_dir.h"

enum { MOST = 1024 };

static cpu_set_t seen[MOST];

static void look(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)arg;
    assert_int_equal(end - begin, 1);
    assert_int_equal(sched_getaffinity(0, sizeof seen[worker], &seen[worker]), 0);
}

/* The affinity of each thread of a pool; whether it is pinned. */
static bool affinities(int threads, const char *pin)
{
    yh_pool *pool;
    if (pin != NULL)
        assert_int_equal(setenv("YH_PIN", pin, 1), 0);
    else
        unsetenv("YH_PIN");
    assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
    yh_pool_run(pool, threads, 1, look, NULL);
    const bool pinned = yh_pool_pinned(pool);
    yh_pool_free(pool);
    unsetenv("YH_PIN");
    return pinned;
}

static void pinned_threads_have_processors_of_their_own(void **state)
{
    cpu_set_t own, after, all;
    (void)state;
    const int n = yh_cpu_count();
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    if (n < 2 || n != CPU_COUNT(&own)) {
        assert_false(affinities(n, "1")); /* no processor for each */
        skip();
    }
    assert_true(affinities(n, "1"));
    assert_true(CPU_EQUAL(&seen[0], &own)); /* the caller */
    CPU_ZERO(&all);
    CPU_SET((size_t)yh_placement_cpu(&own, 0), &all);
    for (int i = 1; i < n; i++) {
        assert_int_equal(CPU_COUNT(&seen[i]), 1);
        CPU_OR(&all, &all, &seen[i]);
    }
    assert_true(CPU_EQUAL(&all, &own));
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&after, &own));
}

static void nothing_is_pinned_where_it_should_not(void **state)
{
    cpu_set_t own, one;
    (void)state;
    const int n = yh_cpu_count();
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    assert_false(affinities(n, "0"));
    for (int i = 0; i < n; i++)
        assert_true(CPU_EQUAL(&seen[i], &own));
    assert_false(affinities(n + 1, "1")); /* more threads than processors */
    assert_false(affinities(1, "1"));
    if (n > 2)
        assert_false(affinities(n - 1, "1"));
    const int nodes = yh_placement_nodes("/sys/devices/system/node", &own);
    assert_int_equal(affinities(n, NULL), nodes > 1 && n > 1 && n == CPU_COUNT(&own));
    /* fewer processors than threads, as under taskset */
    CPU_ZERO(&one);
    CPU_SET((size_t)yh_placement_cpu(&own, 0), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_false(affinities(2, "1"));
    assert_int_equal(sched_setaffinity(0, sizeof own, &own), 0);
}

static void put_list(const char *node, const char *list)
{
    char path[500];
    assert_int_equal(mkdir(in_dir(node), 0755), 0);
    snprintf(path, sizeof path, "%s/cpulist", in_dir(node));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(list, f);
    fclose(f);
}

static void nodes_are_counted_by_their_processors(void **state)
{
    cpu_set_t set;
    (void)state;
    put_list("node0", "0-3,8-11\n");
    put_list("node1", "4-7,12\n");
    put_list("node5", "\n"); /* memory alone */
    put_list("node7", "40\n");
    CPU_ZERO(&set);
    assert_int_equal(yh_placement_nodes(dir, &set), 0);
    CPU_SET(2, &set);
    CPU_SET(11, &set);
    assert_int_equal(yh_placement_nodes(dir, &set), 1);
    CPU_SET(12, &set);
    assert_int_equal(yh_placement_nodes(dir, &set), 2);
    CPU_SET(40, &set);
    assert_int_equal(yh_placement_nodes(dir, &set), 3);
    assert_int_equal(yh_placement_nodes(in_dir("none"), &set), 0);
    assert_int_equal(yh_placement_cpu(&set, 0), 2);
    assert_int_equal(yh_placement_cpu(&set, 3), 40);
    assert_int_equal(yh_placement_cpu(&set, 4), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned_threads_have_processors_of_their_own),
        cmocka_unit_test(nothing_is_pinned_where_it_should_not),
        cmocka_unit_test(nodes_are_counted_by_their_processors),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
