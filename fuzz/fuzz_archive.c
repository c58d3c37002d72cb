/* Zip and tar archives and books, whatever is in them. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.zip", NULL, data, size);
    through_source("a.tar", NULL, data, size);
    through_source("a.epub", "epub", data, size);
    return 0;
}
