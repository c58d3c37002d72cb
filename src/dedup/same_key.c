#include "dedup/same_key.h"

/* Key, rank (three numbers), document, family. */
enum { RECORD = 56 };

static yh_status add(yh_batch *b, const yh_same_key *k, const yh_stored *d, yh_err *err)
{
    uint8_t *r;
    yh_stage_rank rank = yh_stage_rank_of(d);
    YH_TRY(yh_batch_add(b, &r, err));
    yh_sort_put64(r, k->key.hi);
    yh_sort_put64(r + 8, k->key.lo);
    yh_sort_put64(r + 16, ~rank.len); /* what is preferred comes first */
    yh_sort_put64(r + 24, rank.hash);
    yh_sort_put64(r + 32, rank.id_hash);
    yh_sort_put64(r + 40, d->ordinal);
    yh_sort_put64(r + 48, k->family);
    return YH_OK;
}

static yh_status decide(yh_sorter *s, yh_stage_run *x, yh_err *err)
{
    uint8_t kept[RECORD];
    bool any = false;
    uint64_t removed = 0;
    const uint8_t *r;
    size_t n;
    YH_TRY(yh_sorter_finish(s, err));
    for (;;) {
        YH_TRY(yh_sorter_next(s, &r, &n, err));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, r += RECORD) {
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

typedef struct scan {
    yh_sorter *s;
    yh_same_key_fn fn;
    const void *user;
} scan;

static yh_status add_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const scan *c = user;
    yh_batch b = {.s = c->s, .size = RECORD};
    yh_buf scratch;
    yh_status st = YH_OK;
    (void)worker;
    yh_buf_init(&scratch, 0);
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        yh_same_key k = {.has = true, .family = docs[i].ordinal};
        yh_buf_clear(&scratch);
        st = c->fn(c->user, &docs[i], &scratch, &k, err);
        if (st == YH_OK && k.has)
            st = add(&b, &k, &docs[i], err);
    }
    yh_buf_fini(&scratch);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

yh_status yh_same_key_run(yh_stage_run *x, yh_same_key_fn fn, const void *user, yh_err *err)
{
    scan c = {NULL, fn, user};
    YH_TRY(yh_sorter_create(&c.s, RECORD, x->memory, x->work, x->pool, err));
    yh_status st = yh_pass_each(x, 0, 0.8, add_block, &c, err);
    if (st == YH_OK)
        st = decide(c.s, x, err);
    yh_sorter_free(c.s);
    return st;
}
