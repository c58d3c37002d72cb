/* Exact duplicates of whole documents by a 128-bit hash; the first one stays. Memory: 16 bytes a
 * document, over the load of the table (about 24 to 46). */
#include "base/hash.h"
#include "data/filter.h"

static yh_status keys(yh_draft *d, int slot, yh_err *err)
{
    yh_hash128 h = yh_hash128_of(d->text, d->len);
    YH_TRY(yh_draft_key(d, slot, h.hi, NULL, err));
    return yh_draft_key(d, slot, h.lo, NULL, err);
}

static void *create(void)
{
    yh_hashset *s = yh_malloc(sizeof *s);
    if (s != NULL)
        yh_hashset_init(s);
    return s;
}

static void destroy(void *state)
{
    if (state != NULL)
        yh_hashset_fini(state);
    yh_free(state);
}

static yh_status decide(void *state, const uint64_t *key, size_t n, bool *remove_document,
                        uint8_t *line, yh_err *err)
{
    (void)line;
    bool added = true;
    if (n != 2)
        return yh_fail(err, YH_CORRUPT, "a document needs 2 keys, not %zu", n);
    if (!yh_hashset_add(state, (yh_hash128){key[0], key[1]}, &added))
        return yh_fail(err, YH_NOMEM, "no memory to remember the documents that were seen");
    *remove_document = !added;
    return YH_OK;
}

const yh_filter yh_filter_dup_document = {
    .name = "dup_document",
    .doc = "the same text was there before (128-bit hash)",
    .order = 60,
    .keys = keys,
    .create = create,
    .destroy = destroy,
    .decide = decide,
};
