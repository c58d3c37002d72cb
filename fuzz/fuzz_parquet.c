/* Parquet: the footer, pages, encodings, levels. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.parquet", "parquet", data, size);
    return 0;
}
