/* The AMX micro-kernel's own source on emulated tiles: checked on every machine, also by the
 * address sanitizer, which does not see what a real tile load reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#define YH_TILE_EMULATE 1
#define YH_ISA_NAME     tiles
#include "kernels/amx/gemm_amx.c"

#include "gemm_check.h"

static void every_way(void **state)
{
    (void)state;
    static const int64_t size[] = {1, 2, 15, 16, 17, 31, 32, 33, 64, 65};
    const int n = sizeof size / sizeof *size;
    for (int way = 0; way < GEMM_WAYS; way++)
        for (int i = 0; i < n; i++) {
            gemm_case t =
                case_way(way, size[i], size[(i * 3 + way) % n], size[(i * 7 + 2 * way + 1) % n]);
            t.ab_type = YH_BF16;
            check_case(&t, &yh_gemm_bf16__tiles, NULL, way & 1);
        }
}

static void each_size(void **state)
{
    (void)state;
    for (int64_t s = 1; s <= 70; s++)
        for (int w = 0; w < 4; w++) {
            gemm_case a = case_way(8 + w, s, 35, 19), b = case_way(8 + w, 15, s, 37),
                      c = case_way(8 + w, 13, 33, s);
            check_case(&a, &yh_gemm_bf16__tiles, NULL, true);
            check_case(&b, &yh_gemm_bf16__tiles, NULL, true);
            check_case(&c, &yh_gemm_bf16__tiles, NULL, true);
        }
}

/* Several passes over k, several tasks, threads. */
static void large(void **state)
{
    (void)state;
    yh_pool *pool;
    assert_int_equal(yh_pool_create(&pool, 3, NULL), YH_OK);
    for (int w = 0; w < 4; w++) {
        gemm_case t = case_way(w, 101, 293, 1031);
        t.ab_type = YH_BF16;
        check_case(&t, &yh_gemm_bf16__tiles, pool, true);
    }
    yh_pool_free(pool);
}

/* Parts of k that are packed one by one make the panels that are packed at once: what the optimiser
 * does with its rows. */
static void packs_parts_of_k(void **state)
{
    (void)state;
    const yh_micro *u = &yh_gemm_bf16__tiles;
    for (int64_t k = 70; k <= 130; k += 20) {
        const int64_t n = 77, padded = (k + u->k_align - 1) / u->k_align * u->k_align;
        guarded src, whole, parts;
        guarded_make(&src, (size_t)(k * n) * 2, true);
        guarded_make(&whole, (size_t)(96 * padded) * 2, true);
        guarded_make(&parts, (size_t)(96 * padded) * 2, true);
        for (int64_t i = 0; i < k * n; i++)
            ((yh_bf16 *)(void *)src.p)[i] = (yh_bf16)(i * 7 + 1);
        yh_pack p = {.src = src.p,
                     .ld = n,
                     .src_type = YH_BF16,
                     .dst_type = YH_BF16,
                     .outer = n,
                     .k = k,
                     .k_padded = padded,
                     .to = padded,
                     .r = u->nr,
                     .unit = u->unit_b,
                     .dst = whole.p};
        yh_gemm_helpers_current()->gemm_pack(&p, 0, 3);
        p.dst = parts.p;
        for (p.from = 0; p.from < padded; p.from += 32) {
            p.to = p.from + 32 < k ? p.from + 32 : padded;
            yh_gemm_helpers_current()->gemm_pack(&p, 0, 3);
        }
        assert_memory_equal(whole.p, parts.p, (size_t)(96 * padded) * 2);
        guarded_free(&src);
        guarded_free(&whole);
        guarded_free(&parts);
    }
}

/* Panels of the exact size between guard pages: the kernel touches nothing beside them. */
static void stays_inside_its_panels(void **state)
{
    (void)state;
    const yh_micro *u = &yh_gemm_bf16__tiles;
    for (int64_t k = 0; k <= 96; k += u->k_align)
        for (int at_end = 0; at_end < 2; at_end++) {
            guarded a, b, c;
            guarded_make(&a, (size_t)(k * u->mr) * 2, at_end);
            guarded_make(&b, (size_t)(k * u->nr) * 2, at_end);
            guarded_make(&c, (size_t)(u->mr * u->nr) * 4, at_end);
            u->enter();
            u->run(k, a.p, b.p, (float *)(void *)c.p, false);
            u->run(k, a.p, b.p, (float *)(void *)c.p, true);
            u->leave();
            for (int i = 0; i < u->mr * u->nr; i++)
                assert_true(get(c.p, YH_F32, i) == 0);
            guarded_free(&a);
            guarded_free(&b);
            guarded_free(&c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_way), cmocka_unit_test(each_size),
                                       cmocka_unit_test(large), cmocka_unit_test(packs_parts_of_k),
                                       cmocka_unit_test(stays_inside_its_panels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
