/* Very short documents teach little and are mostly leftovers of pages. */
#include "data/filter.h"
#include "input/utf8_scan.h"

enum { DEFAULT_MIN = 60 };

static yh_status apply(const yh_clean_options *o, yh_draft *d, int self, yh_err *err)
{
    (void)err;
    size_t least = o->min_chars != 0 ? o->min_chars : DEFAULT_MIN;
    if (d->len < 3 * least && yh_utf8_weight(d->text, d->len) < least)
        d->removed_by = self;
    return YH_OK;
}

const yh_filter yh_filter_too_short = {
    .name = "too_short",
    .doc = "fewer characters than --min-chars (a Chinese, Japanese or Korean one counts three)",
    .order = 40,
    .again = true,
    .apply = apply,
};
