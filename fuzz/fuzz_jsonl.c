/* JSON and JSON Lines through their reader: splitting, parsing, dividing. */
#include <stdlib.h>

#include "input/reader.h"
#include "input/utf8_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a.jsonl", "a.txt"};
    for (int k = 0; k < 2; k++) {
        const yh_reader *r = yh_reader_of(names[k], NULL);
        yh_reader_state state = {0};
        yh_stream *s = NULL;
        if (r == NULL)
            abort();
        if (yh_stream_memory(&s, data, size, NULL) != YH_OK)
            return 0;
        bool more = true;
        size_t pieces = 0;
        while (more) {
            yh_piece piece = {0};
            yh_drafts d = {0};
            if (r->next(s, &state, &piece, &more, NULL) != YH_OK)
                more = false;
            if (more && r->documents(&piece, &d, NULL) == YH_OK &&
                yh_drafts_divide(&d, YH_PART_CHARS, NULL) == YH_OK)
                for (size_t i = 0; i < d.n; i++)
                    if (yh_utf8_valid_prefix((const uint8_t *)d.d[i].text, d.d[i].len) < d.d[i].len)
                        abort();
            yh_drafts_fini(&d);
            yh_buf_fini(&piece.bytes);
            if (++pieces > size + 2)
                abort(); /* no progress */
        }
        yh_stream_close(s);
    }
    return 0;
}
