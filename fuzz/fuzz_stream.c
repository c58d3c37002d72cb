/* Compressed streams of every kind, told by their content. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.txt", "text", data, size);
    return 0;
}
