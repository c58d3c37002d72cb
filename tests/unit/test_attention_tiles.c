/* The AMX attention's own source on emulated tiles: checked on every machine, also by the address
 * sanitizer, which does not see what a real tile load reads. Vectors are the compiler's own here;
 * test_attention_tiles512 has those of the AMX level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define YH_TILE_EMULATE 1
#define YH_ISA_NAME     tiles
#include "kernels/attention.h"

#define X(name, ret, args) ret yh_##name##_bf16__tiles args;
YH_ATTN_KERNELS(X)
#undef X
extern const yh_attn_table yh_attn_table_bf16__tiles;
#include "kernels/amx/attention_amx.c"

#define FIRST_TYPE 1
#include "attention_check.h"

static int use_tiles(void **state)
{
    (void)state;
    yh_attn_force(&yh_attn_table_bf16__tiles);
    return 0;
}

int main(void)
{
#ifdef __AVX512BF16__
    if (yh_isa_max() < YH_ISA_AVX512BF16)
        return 0; /* compiled for another machine */
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches_reference),
                                       cmocka_unit_test(same_bits_for_any_threads),
                                       cmocka_unit_test(cached_matches_reference)};
    return cmocka_run_group_tests(tests, use_tiles, NULL);
}
