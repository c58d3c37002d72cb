/* A mix file from anywhere: it loads, with every size in its range, or says why not. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "yh/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_mix_file *f = NULL;
    yh_err err = YH_ERR_INIT;
    size_t n;
    if (size > 1 << 14)
        return 0;
    if (yh_mix_file_parse(&f, size > 0 ? (const char *)data : "", size, "dir/fuzz", &err) !=
        YH_OK) {
        if (f != NULL || err.msg[0] == '\0')
            abort();
        return 0;
    }
    const yh_mix_source *s = yh_mix_file_sources(f, &n);
    if (n == 0 || yh_mix_file_options(f)->compress == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        if (s[i].corpus == NULL || s[i].corpus[0] == '\0' || !(s[i].weight >= 0) ||
            !(s[i].epochs >= 0))
            abort();
    yh_mix_file_free(f);
    return 0;
}
