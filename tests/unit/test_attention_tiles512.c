/* flags: avx512bf16 */
#include "test_attention_tiles.c"
