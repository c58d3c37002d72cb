/* A recipe from anywhere: it loads or says why not; what loads is complete and loads again as the
 * same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    yh_recipe *r = NULL, *again = NULL;
    yh_err err = YH_ERR_INIT;
    if (size > 1 << 14)
        return 0;
    if (yh_recipe_parse(&r, size > 0 ? (const char *)data : "", size, "fuzz", &err) != YH_OK) {
        if (r != NULL || err.msg[0] == '\0')
            abort();
        return 0;
    }
    char *text = json_dumps(r->full, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (r->whole > r->scan_end || r->scan_end > r->stage_end || r->stage_end > r->n)
        abort();
    if (text != NULL) {
        if (yh_recipe_parse(&again, text, strlen(text), "again", &err) != YH_OK ||
            yh_recipe_hash(again) != yh_recipe_hash(r))
            abort();
        yh_json_text_free(text);
    }
    yh_recipe_free(again);
    yh_recipe_free(r);
    return 0;
}
