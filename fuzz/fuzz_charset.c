/* Bytes of any encoding to UTF-8: the result is well-formed whatever comes in. */
#include <stdlib.h>

#include "input/charset.h"
#include "input/normalize.h"
#include "input/utf8_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char label[24];
    yh_charset info;
    yh_buf out, tidy, again;
    yh_buf_init(&out, 0);
    yh_buf_init(&tidy, 0);
    yh_buf_init(&again, 0);
    yh_charset_declared(data, size, label);
    if (yh_charset_decode(data, size, NULL, label, &out, &info, NULL) == YH_OK && out.len > 0) {
        if (yh_utf8_valid_prefix((const uint8_t *)out.data, out.len) < out.len)
            abort();
        if (yh_normalize(out.data, out.len, &tidy, NULL) == YH_OK && tidy.len > 0) {
            if (yh_utf8_valid_prefix((const uint8_t *)tidy.data, tidy.len) < tidy.len)
                abort();
            /* normalising twice changes nothing */
            if (yh_normalize(tidy.data, tidy.len, &again, NULL) == YH_OK &&
                (again.len != tidy.len || memcmp(again.data, tidy.data, tidy.len) != 0))
                abort();
        }
    }
    yh_buf_fini(&out);
    yh_buf_fini(&tidy);
    yh_buf_fini(&again);
    return 0;
}
