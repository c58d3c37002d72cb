/* Documents with the same address: crawls fetch pages again and again. */
#include "dedup/same_key.h"
#include "dedup/url_key.h"

static const yh_param params[] = {
    {"tracking", YH_PARAM_LIST,
     "[\"utm_*\", \"fbclid\", \"gclid\", \"dclid\", \"gbraid\", \"wbraid\", \"msclkid\", "
     "\"yclid\", \"igshid\", \"mc_cid\", \"mc_eid\", \"_ga\", \"_gl\", \"ref_src\", \"spm\", "
     "\"share_token\", \"jsessionid\", \"phpsessid\", \"sessionid\", \"sid\"]",
     "names in the query that do not count; * at the end: all that begin so", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

typedef struct scan {
    yh_sorter *s;
    const json_t *tracking;
} scan;

/* Parts of one document ("file.html#2") have one address and stay together. */
static uint64_t family_of(const char *id)
{
    size_t n = strlen(id), digits = n;
    while (digits > 0 && id[digits - 1] >= '0' && id[digits - 1] <= '9')
        digits--;
    if (digits < n && digits > 1 && id[digits - 1] == '#')
        n = digits - 1;
    return yh_hash64(id, n, 0);
}

static yh_status add_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    const scan *c = user;
    yh_batch b = {.s = c->s, .size = YH_SAME_KEY_RECORD};
    yh_buf key;
    yh_status st = YH_OK;
    (void)worker;
    yh_buf_init(&key, 0);
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        if (docs[i].url[0] == '\0')
            continue;
        yh_buf_clear(&key);
        st = yh_url_key(docs[i].url, c->tracking, &key, err);
        if (st == YH_OK && key.len > 0)
            st = yh_same_key_add(&b, yh_hash128_of(key.data, key.len), family_of(docs[i].id),
                                 &docs[i], err);
    }
    yh_buf_fini(&key);
    return st == YH_OK ? yh_batch_flush(&b, err) : st;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    scan c = {NULL, json_object_get(p, "tracking")};
    YH_TRY(yh_sorter_create(&c.s, YH_SAME_KEY_RECORD, x->memory, x->work, x->pool, err));
    yh_status st = yh_pass_each(x, 0, 0.8, add_block, &c, err);
    if (st == YH_OK)
        st = yh_same_key_decide(c.s, x, err);
    yh_sorter_free(c.s);
    return st;
}

const yh_stage yh_stage_url = {
    .name = "url",
    .doc = "of documents with the same address keeps one; documents without one stay",
    .params = params,
    .run = run,
};
