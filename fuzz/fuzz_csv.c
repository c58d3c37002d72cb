/* Tables as text: the delimiter, quotes, headers. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.csv", "csv", data, size);
    return 0;
}
