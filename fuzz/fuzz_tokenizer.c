/* A tokenizer.json from anywhere: it loads or says why not, and what loads encodes and decodes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "text/tok_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "Hello \xE4\xBD\xA0\xE5\xA5\xBD it's 123\n\n  e\xCC\x81 \xFF<|endoftext|>";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *j = NULL;
    yh_tok *t = NULL;
    yh_err err = YH_ERR_INIT;
    yh_ids ids = YH_IDS_INIT;
    if (size > 1 << 16 || yh_json_parse(&j, (const char *)data, size, "fuzz", &err) != YH_OK)
        return 0;
    if (yh_tok_from_json(&t, j, NULL, "fuzz", &err) == YH_OK &&
        yh_tok_encode(t, text, sizeof text - 1,
                      YH_ENCODE_SPECIAL | YH_ENCODE_TEMPLATE | YH_ENCODE_OFFSETS, &ids,
                      &err) == YH_OK) {
        char *back;
        for (size_t i = 0; i < ids.n; i++)
            if (ids.id[i] >= yh_tok_size(t) || ids.begin[i] > ids.end[i] ||
                ids.end[i] > sizeof text - 1)
                abort();
        if (yh_tok_decode(t, ids.id, ids.n, false, &back, NULL, &err) == YH_OK)
            yh_text_free(back);
    }
    yh_ids_fini(&ids);
    yh_tok_free(t);
    json_decref(j);
    return 0;
}
