/* HTML to text: no crash, no text beyond what the page can hold, and well-formed UTF-8 out. */
#include <stdlib.h>

#include "input/html_text.h"
#include "input/normalize.h"
#include "input/utf8_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_buf out, title, tidy;
    bool plain;
    if (yh_utf8_valid_prefix(data, size) < size)
        return 0; /* the reader hands over UTF-8 only */
    for (int mode = YH_HTML_MAIN; mode <= YH_HTML_ALL; mode++) {
        yh_buf_init(&out, 0);
        yh_buf_init(&title, 0);
        yh_buf_init(&tidy, 0);
        yh_status s =
            yh_html_text((const char *)data, size, (yh_html_mode)mode, &out, &title, &plain, NULL);
        if (s == YH_OK && out.len > 0) {
            if (out.len > 4 * size + 64)
                abort();
            if (yh_normalize(out.data, out.len, &tidy, NULL) == YH_OK &&
                yh_utf8_valid_prefix((const uint8_t *)tidy.data, tidy.len) < tidy.len)
                abort();
        }
        yh_buf_fini(&out);
        yh_buf_fini(&title);
        yh_buf_fini(&tidy);
    }
    return 0;
}
