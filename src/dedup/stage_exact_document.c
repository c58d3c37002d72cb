/* Documents that are equal, or equal but for case, punctuation and spaces. */
#include "rules/fold.h"
#include "dedup/same_key.h"

static const yh_param params[] = {
    {"normalise", YH_PARAM_BOOL, "false",
     "compare letters and digits alone, in lower case, words apart", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

typedef struct scan {
    yh_sorter *s;
    bool fold;
} scan;

static yh_status add_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const scan *c = user;
    yh_batch b = {.s = c->s, .size = YH_SAME_KEY_RECORD};
    yh_buf text;
    yh_status st = YH_OK;
    (void)worker;
    yh_buf_init(&text, 0);
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        yh_hash128 key = yh_hash128_of(docs[i].text, docs[i].len);
        if (c->fold) {
            yh_buf_clear(&text);
            st = yh_fold_text(docs[i].text, docs[i].len, &text, err);
            if (text.len > 0) /* else nothing but punctuation: as it stands */
                key = yh_hash128_of(text.data, text.len);
        }
        if (st == YH_OK)
            st = yh_same_key_add(&b, key, docs[i].ordinal, &docs[i], err);
    }
    yh_buf_fini(&text);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    scan c = {NULL, yh_param_bool(p, "normalise")};
    YH_TRY(yh_sorter_create(&c.s, YH_SAME_KEY_RECORD, x->memory, x->work, x->pool, err));
    yh_status st = yh_pass_each(x, 0, 0.8, add_block, &c, err);
    if (st == YH_OK)
        st = yh_same_key_decide(c.s, x, err);
    yh_sorter_free(c.s);
    return st;
}

const yh_stage yh_stage_exact_document = {
    .name = "exact_document",
    .doc = "of equal documents keeps one (128-bit hashes)",
    .params = params,
    .run = run,
};
