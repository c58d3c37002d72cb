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

static yh_status key_of(const void *user, const yh_stored *d, yh_buf *key, yh_same_key *out,
                        yh_err *err)
{
    if (d->url[0] != '\0')
        YH_TRY(yh_url_key(d->url, user, key, err));
    out->has = key->len > 0;
    if (out->has)
        out->key = yh_hash128_of(key->data, key->len);
    out->family = family_of(d->id);
    return YH_OK;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    return yh_same_key_run(x, key_of, json_object_get(p, "tracking"), err);
}

const yh_stage yh_stage_url = {
    .name = "url",
    .doc = "of documents with the same address keeps one; documents without one stay",
    .params = params,
    .run = run,
};
