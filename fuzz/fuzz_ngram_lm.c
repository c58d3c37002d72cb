/* n-gram models: what parses gives a number for any text. */
#include "rules/ngram_lm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_ngram_lm *m = NULL;
    uint64_t *copy = yh_malloc(size + 8); /* aligned, as a mapping is */
    uint64_t tokens = 0;
    double log10 = 0;
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    if (yh_lm_parse(&m, (const uint8_t *)copy, size, "model", NULL) == YH_OK &&
        yh_ngram_lm_score(m, "a b c\nd a\n", 10, &log10, &tokens, NULL) == YH_OK && tokens == 0)
        __builtin_trap();
    yh_ngram_lm_free(m);
    yh_free(copy);
    return 0;
}
