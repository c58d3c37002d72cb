/* Binary data and texts that were decoded with the wrong table: many replacement characters, or
 * hardly any letters of any script. */
#include "data/filter.h"
#include "input/utf8_scan.h"

static yh_status apply(const yh_clean_options *o, yh_draft *d, int self, yh_err *err)
{
    (void)o;
    (void)err;
    size_t chars = 0, letters = 0, replaced = 0;
    const uint8_t *p = (const uint8_t *)d->text;
    for (size_t i = 0; i < d->len; i++) {
        uint8_t b = p[i];
        if ((b & 0xc0) == 0x80)
            continue;
        chars++;
        replaced += b == 0xef && p[i + 1] == 0xbf && p[i + 2] == 0xbd;
        letters += (uint8_t)((b | 0x20) - 'a') < 26 || b >= 0x80 || (uint8_t)(b - '0') < 10;
    }
    if (replaced * 10 > chars || (letters - replaced) * 5 < chars)
        d->removed_by = self;
    return YH_OK;
}

const yh_filter yh_filter_not_text = {
    .name = "not_text",
    .doc = "more than a tenth of the characters could not be decoded, or under a fifth are letters "
           "or digits",
    .order = 20,
    .apply = apply,
};
