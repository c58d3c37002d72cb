/* Web archives: records, HTTP messages, chunks, content coding. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.warc", "warc", data, size);
    return 0;
}
