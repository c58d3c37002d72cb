/* isa: each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "gemm_check.h"

/* Every way to call, at sizes around every block's edge. */
static void every_way(void **state)
{
    (void)state;
    static const int64_t size[] = {1, 2, 3, 7, 9, 14, 17, 25, 31, 33, 57, 65};
    const int n = sizeof size / sizeof *size;
    for (int way = 0; way < GEMM_WAYS; way++)
        for (int i = 0; i < n; i++) {
            gemm_case t =
                case_way(way, size[i], size[(i * 5 + way) % n], size[(i * 7 + 2 * way + 1) % n]);
            check_case(&t, NULL, NULL, true);
            check_case(&t, NULL, NULL, false);
        }
}

/* No edges at all: the last row and column of a whole panel lie directly before a guard page. */
static void whole_panels(void **state)
{
    (void)state;
    static const int64_t rows[] = {12, 14, 28, 30, 32, 42}, depth[] = {32, 64, 160};
    for (int way = 0; way < GEMM_WAYS; way++)
        for (int i = 0; i < 6; i++) {
            gemm_case t = case_way(way, rows[i], 32 << i % 2, depth[(i + way) % 3]);
            check_case(&t, NULL, NULL, true);
            check_case(&t, NULL, NULL, false);
        }
}

/* One dimension through 1..70 while the others stay odd. */
static void each_size(void **state)
{
    (void)state;
    for (int64_t s = 1; s <= 70; s++) {
        const int way = (int)(s * 7 % GEMM_WAYS);
        for (int w = 0; w < 4; w++) {
            gemm_case a = case_way(way / 4 * 4 + w, s, 35, 19),
                      b = case_way(way / 4 * 4 + w, 15, s, 37),
                      c = case_way(way / 4 * 4 + w, 13, 33, s);
            check_case(&a, NULL, NULL, true);
            check_case(&b, NULL, NULL, true);
            check_case(&c, NULL, NULL, true);
        }
    }
}

/* Decoding: few rows. */
static void few_rows(void **state)
{
    (void)state;
    for (int64_t m = 1; m <= 3 * YH_FEW_ROWS + 1; m += m < 10 ? 1 : 3)
        for (int way = 0; way < GEMM_WAYS; way += 2) {
            gemm_case t = case_way(way, m, 67 + way % 5, 131 + way);
            check_case(&t, NULL, NULL, way % 4 == 0);
        }
}

/* Several tasks and several passes over k, on threads. */
static void large(void **state)
{
    (void)state;
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 2, NULL), YH_OK);
    for (int way = 0; way < GEMM_WAYS; way += 7) {
        gemm_case t = case_way(way, 127, 293, 1031);
        check_case(&t, NULL, pool, true);
    }
    gemm_case wide = case_way(2, 27, 1201, 97), tall = case_way(3, 1201, 11, 97);
    check_case(&wide, NULL, pool, true);
    check_case(&tall, NULL, pool, true);
    yh_pool_free(pool);
}

static void reals(void **state)
{
    (void)state;
    for (int way = 0; way < GEMM_WAYS; way++) {
        gemm_case t = case_way(way, way % 3 == 0 ? 5 : way % 3 == 1 ? 22 : 45, 61, 803);
        t.reals = true;
        check_case(&t, NULL, NULL, true);
    }
}

/* A·Aᵀ by half of its products has the bits of the whole product, on any number of threads. */
static void symmetric(void **state)
{
    (void)state;
    static const int64_t shape[][2] = {{1, 1},   {5, 9},     {25, 40},    {33, 7},
                                       {112, 0}, {131, 300}, {257, 1100}, {384, 65}};
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 3, NULL), YH_OK);
    for (int i = 0; i < 8; i++)
        for (int way = 0; way < 8; way++) {
            const yh_dtype ab = way & 1 ? YH_BF16 : YH_F32, ct = way & 2 ? YH_BF16 : YH_F32;
            gemm_case t = {.m = shape[i][0],
                           .n = shape[i][0],
                           .k = shape[i][1],
                           .ab_type = ab,
                           .c_type = ct,
                           .trans_a = (way & 4) != 0,
                           .trans_b = (way & 4) == 0,
                           .pad = way,
                           .reals = true};
            gemm_operands o;
            operands_make(&o, &t, 4, i % 2 == 0);
            yh_gemm g = o.g;
            memcpy(o.b.p, o.a.p,
                   matrix_bytes(t.trans_a ? t.k : t.m, t.trans_a ? t.m : t.k, g.lda, ab));
            assert_int_equal(yh_gemm_run_micro(&g, yh_micro_pick(ab), NULL, NULL), YH_OK);
            g.c = o.residual.p;
            memcpy(g.c, o.c_before, o.c_bytes);
            assert_int_equal(yh_gemm_symmetric(&g, way < 4 ? pool : NULL, NULL), YH_OK);
            assert_memory_equal(o.c.p, g.c, o.c_bytes);
            operands_free(&o);
        }
    yh_pool_free(pool);
}

static void nothing_to_do(void **state)
{
    (void)state;
    gemm_case t = case_way(2, 5, 7, 0), u = case_way(14, 20, 7, 0), v = case_way(48, 20, 7, 0);
    check_case(&t, NULL, NULL, true); /* k = 0: C is the epilogue alone */
    check_case(&u, NULL, NULL, true);
    check_case(&v, NULL, NULL, true);
    yh_gemm empty = {.m = 0, .n = 3, .k = 3};
    assert_int_equal(yh_gemm_run(&empty, NULL, NULL), YH_OK);
}

/* The same bits on 1, 2, 3 and 5 threads. */
static void same_bits_on_any_threads(void **state)
{
    (void)state;
    static const int64_t shape[][3] = {
        {1, 1000, 300}, {4, 700, 129}, {129, 300, 1100}, {40, 65, 2050}};
    for (int i = 0; i < 4; i++)
        for (int way = 0; way < GEMM_WAYS; way += 5) {
            gemm_case t = case_way(way, shape[i][0], shape[i][1], shape[i][2]);
            t.reals = true;
            void *first = NULL;
            for (int threads = 1; threads <= 5; threads += threads == 3 ? 2 : 1) {
                yh_pool *pool;
                gemm_operands o;
                assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
                operands_make(&o, &t, 9, true);
                assert_int_equal(yh_gemm_run(&o.g, pool, NULL), YH_OK);
                if (first == NULL) {
                    first = malloc(o.c_bytes);
                    assert_non_null(first);
                    memcpy(first, o.c.p, o.c_bytes);
                } else {
                    assert_memory_equal(first, o.c.p, o.c_bytes);
                }
                operands_free(&o);
                yh_pool_free(pool);
            }
            free(first);
        }
}

static void *one_of_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        gemm_case t = case_way(i, 20 + i, 50, 33 + i);
        check_case(&t, NULL, NULL, true);
    }
    return NULL;
}

/* Products at the same time on several threads, none with a pool. */
static void at_the_same_time(void **state)
{
    (void)state;
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, one_of_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static int allocations;
static bool refuse;

static void *counting_realloc(void *user, void *p, size_t size)
{
    (void)user;
    if (size == 0) {
        free(p);
        return NULL;
    }
    allocations++;
    return refuse ? NULL : realloc(p, size);
}

static void no_allocation_for_a_shape_once_seen(void **state)
{
    (void)state;
    yh_allocator counting = {counting_realloc, NULL};
    gemm_case t = case_way(2, 300, 400, 500);
    gemm_operands o;
    yh_err e = YH_ERR_INIT;
    operands_make(&o, &t, 3, true);
    yh_allocator_set(&counting);
    refuse = true;
    /* larger than anything before: the refusal is reported */
    yh_gemm huge = o.g;
    huge.k = (int64_t)1 << 24;
    assert_int_equal(yh_gemm_run(&huge, NULL, &e), YH_NOMEM);
    refuse = false;
    assert_int_equal(yh_gemm_run(&o.g, NULL, NULL), YH_OK);
    allocations = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(yh_gemm_run(&o.g, NULL, NULL), YH_OK);
    assert_int_equal(allocations, 0);
    operands_check(&o, &t);
    operands_free(&o);
    yh_allocator_set(NULL);
}

/* ---- exponentials instead of the product ---- */

typedef struct exp_case {
    gemm_operands o;
    guarded shift, target, chosen, top, sum, packed;
    yh_gemm_exp e;
} exp_case;

static void exp_make(exp_case *c, const gemm_case *t, bool pack, bool at_end)
{
    operands_make(&c->o, t, 5, at_end);
    const size_t n = (size_t)t->n;
    guarded_make(&c->shift, n * 4, at_end);
    guarded_make(&c->target, n * 4, at_end);
    guarded_make(&c->chosen, n * 4, at_end);
    guarded_make(&c->top, n * 4, at_end);
    guarded_make(&c->sum, n * 8, at_end);
    guarded_make(&c->packed, yh_gemm_packed_bytes(t->n, t->k), at_end);
    c->e = (yh_gemm_exp){.shift = (void *)c->shift.p,
                         .target = (void *)c->target.p,
                         .first = 100,
                         .chosen = (void *)c->chosen.p,
                         .sum = (void *)c->sum.p,
                         .top = (void *)c->top.p};
    for (int64_t j = 0; j < t->n; j++) {
        ((float *)(void *)c->shift.p)[j] = (float)(j % 7);
        ((int32_t *)(void *)c->target.p)[j] = j % 4 == 0 ? -1 : 100 + (int32_t)(j * 5 % t->m);
        c->e.top[j] = -1e30f;
        c->e.chosen[j] = 1e30f;
        c->e.sum[j] = 2;
    }
    c->o.g.exp = &c->e;
    if (pack) {
        yh_gemm_pack_b(&c->o.g, c->packed.p, NULL);
        c->o.g.packed_b = c->packed.p;
    }
}

static void exp_free(exp_case *c)
{
    operands_free(&c->o);
    guarded_free(&c->shift);
    guarded_free(&c->target);
    guarded_free(&c->chosen);
    guarded_free(&c->top);
    guarded_free(&c->sum);
    guarded_free(&c->packed);
}

static void exp_check(const exp_case *c, const gemm_case *t)
{
    const yh_gemm *g = &c->o.g;
    double *a = widened(g->a, g->ab_type, g->m, g->k, g->lda, g->trans_a);
    double *b = widened(g->b, g->ab_type, g->n, g->k, g->ldb, !g->trans_b);
    for (int64_t j = 0; j < g->n; j++) {
        double sum = 2, top = -1e30, chosen = 1e30;
        for (int64_t i = 0; i < g->m; i++) {
            double x = 0;
            for (int64_t p = 0; p < g->k; p++)
                x += a[i * g->k + p] * b[j * g->k + p];
            const bool here = c->e.target[j] == 100 + i;
            const double want = exp(x - (double)c->e.shift[j]),
                         got = get(g->c, t->c_type, i * g->ldc + j);
            sum += here ? 0 : want;
            top = x > top ? x : top;
            chosen = here ? x : chosen;
            assert_true(here ? got == 0
                             : fabs(got - want) <= want * (t->c_type == YH_BF16 ? 4e-3 : 1e-6));
        }
        assert_true(fabs(c->e.sum[j] - sum) <= (t->c_type == YH_BF16 ? 5e-6 : 2e-6) * sum);
        assert_true((double)c->e.top[j] == top && (double)c->e.chosen[j] == (double)(float)chosen);
    }
    free(a);
    free(b);
}

static void exponentials(void **state)
{
    (void)state;
    static const int64_t shape[][3] = {
        {1, 1, 1}, {14, 32, 2}, {33, 31, 8}, {250, 70, 6}, {5, 300, 9}};
    for (int i = 0; i < 5 * 8; i++) {
        gemm_case t = {.m = shape[i % 5][0],
                       .n = shape[i % 5][1],
                       .k = shape[i % 5][2],
                       .trans_a = i / 5 & 1,
                       .trans_b = i / 10 & 1,
                       .ab_type = i / 20 & 1 ? YH_BF16 : YH_F32};
        t.c_type = t.ab_type;
        exp_case c;
        exp_make(&c, &t, i & 1, i & 2);
        assert_int_equal(yh_gemm_run(&c.o.g, NULL, NULL), YH_OK);
        exp_check(&c, &t);
        exp_free(&c);
    }
}

static void same_exponentials_on_any_threads(void **state)
{
    (void)state;
    gemm_case t = {.m = 900, .n = 40, .k = 30, .trans_b = true, .reals = true};
    double first[40];
    for (int threads = 1; threads <= 5; threads += 2) {
        yh_pool *pool;
        exp_case c;
        assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
        exp_make(&c, &t, false, true);
        c.o.g.c = NULL; /* the sums alone */
        assert_int_equal(yh_gemm_run(&c.o.g, pool, NULL), YH_OK);
        if (threads == 1)
            memcpy(first, c.e.sum, sizeof first);
        assert_memory_equal(first, c.e.sum, sizeof first);
        exp_free(&c);
        yh_pool_free(pool);
    }
}

/* A weight packed for good, rows at a time: the whole's bytes, and products with the bits of those
 * that pack for themselves, for both ways to read it, in place or turned as these may be. */
static void weights_stay_packed(void **state)
{
    (void)state;
    static const int64_t shape[][3] = {
        {1, 33, 40}, {25, 64, 96}, {130, 100, 70}, {300, 161, 257}, {600, 96, 1100}};
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 2, NULL), YH_OK);
    for (int i = 0; i < 5; i++)
        for (int way = 0; way < 8; way++) {
            gemm_case t = {.m = shape[i][0],
                           .n = shape[i][1],
                           .k = shape[i][2],
                           .ab_type = way & 1 ? YH_BF16 : YH_F32,
                           .c_type = way & 1 ? YH_BF16 : YH_F32,
                           .trans_b = (way & 2) != 0,
                           .residual = way & 4 ? 1 : 0,
                           .reals = true};
            gemm_operands o;
            operands_make(&o, &t, 7, true);
            const int64_t rows = t.trans_b ? t.n : t.k;
            guarded whole, part;
            guarded_make(&whole, yh_gemm_weight_bytes(&o.g), false);
            guarded_make(&part, yh_gemm_weight_bytes(&o.g), false);
            yh_gemm_pack_b(&o.g, whole.p, pool);
            for (int64_t at = 0; at < rows; at += 64)
                yh_gemm_pack_rows(&o.g, part.p, at, rows - at < 64 ? rows : at + 64);
            assert_memory_equal(whole.p, part.p, yh_gemm_weight_bytes(&o.g));
            assert_int_equal(yh_gemm_run(&o.g, pool, NULL), YH_OK);
            void *want = malloc(o.c_bytes);
            assert_non_null(want);
            memcpy(want, o.g.c, o.c_bytes);
            memcpy(o.g.c, o.c_before, o.c_bytes);
            o.g.packed_b = part.p;
            assert_int_equal(yh_gemm_run(&o.g, pool, NULL), YH_OK);
            assert_memory_equal(want, o.g.c, o.c_bytes);
            free(want);
            guarded_free(&whole);
            guarded_free(&part);
            operands_free(&o);
        }
    yh_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_way),
                                       cmocka_unit_test(whole_panels),
                                       cmocka_unit_test(each_size),
                                       cmocka_unit_test(few_rows),
                                       cmocka_unit_test(large),
                                       cmocka_unit_test(reals),
                                       cmocka_unit_test(symmetric),
                                       cmocka_unit_test(nothing_to_do),
                                       cmocka_unit_test(same_bits_on_any_threads),
                                       cmocka_unit_test(exponentials),
                                       cmocka_unit_test(same_exponentials_on_any_threads),
                                       cmocka_unit_test(at_the_same_time),
                                       cmocka_unit_test(weights_stay_packed),
                                       cmocka_unit_test(no_allocation_for_a_shape_once_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
