/* Books: the zip archive, container.xml, the package file, paths between them, chapters. */
#include "through_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    through_source("a.epub", "epub", data, size);
    return 0;
}
