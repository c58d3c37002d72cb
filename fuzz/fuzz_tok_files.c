/* A SentencePiece .model or a .tiktoken file from anywhere: it loads or says why not, and what
 * loads encodes and decodes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/tok_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    " Hello  \xE4\xBD\xA0\xE5\xA5\xBD it's 123\n\n  e\xCC\x81 \xFF<s>\xE2\x96\x81 ab ";

static void use(const yh_tok *t)
{
    yh_ids ids = YH_IDS_INIT;
    char *back;
    if (yh_tok_encode(t, text, sizeof text - 1, YH_ENCODE_OFFSETS, &ids, NULL) == YH_OK) {
        for (size_t i = 0; i < ids.n; i++)
            if (ids.id[i] >= yh_tok_size(t) || ids.begin[i] > ids.end[i] ||
                ids.end[i] > sizeof text - 1)
                abort();
        if (yh_tok_decode(t, ids.id, ids.n, false, &back, NULL, NULL) == YH_OK)
            yh_text_free(back);
    }
    yh_ids_fini(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_tok *t = NULL;
    const char *p = (const char *)data;
    if (size > 1 << 16)
        return 0;
    if (yh_tok_from_sp(&t, p, size, "fuzz", NULL) == YH_OK)
        use(t);
    yh_tok_free(t);
    t = NULL;
    if (yh_tok_is_tiktoken(p, size) &&
        yh_tok_from_tiktoken(&t, p, size, "\\p{L}+|\\s+|.", "fuzz", NULL) == YH_OK)
        use(t);
    yh_tok_free(t);
    return 0;
}
