#include "dedup/same_key.h"

yh_status yh_same_key_add(yh_batch *b, yh_hash128 key, uint64_t family, const yh_stored *d,
                          yh_err *err)
{
    uint8_t *r;
    yh_stage_rank k = yh_stage_rank_of(d);
    YH_TRY(yh_batch_add(b, &r, err));
    yh_sort_put64(r, key.hi);
    yh_sort_put64(r + 8, key.lo);
    yh_sort_put64(r + 16, ~k.len); /* what is preferred comes first */
    yh_sort_put64(r + 24, k.hash);
    yh_sort_put64(r + 32, k.id_hash);
    yh_sort_put64(r + 40, d->ordinal);
    yh_sort_put64(r + 48, family);
    return YH_OK;
}

yh_status yh_same_key_decide(yh_sorter *s, yh_stage_run *x, yh_err *err)
{
    uint8_t kept[YH_SAME_KEY_RECORD];
    bool any = false;
    uint64_t removed = 0;
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(s, err));
    for (;;) {
        YH_TRY(yh_sorter_next(s, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, r += YH_SAME_KEY_RECORD) {
            if (!any || memcmp(kept, r, 16) != 0) {
                memcpy(kept, r, sizeof kept);
                any = true;
            } else if (memcmp(kept + 48, r + 48, 8) != 0) {
                YH_TRY(yh_decisions_remove(x->out, yh_sort_get64(r + 40), 1,
                                           yh_sort_get64(kept + 40), err));
                removed++;
            }
        }
    }
    return yh_pass_count(x, "removed", removed, err);
}
