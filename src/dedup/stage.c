#include "dedup/stage.h"

#include "base/hash.h"
#include "registry_stage.h"

#define DECLARE(name) extern const yh_stage yh_stage_##name;
YH_REGISTRY_STAGE(DECLARE)
#undef DECLARE

#define ENTRY(name) &yh_stage_##name,
static const yh_stage *const all[] = {YH_REGISTRY_STAGE(ENTRY) NULL};
#undef ENTRY

const yh_stage *const *yh_stages(int *n)
{
    *n = (int)(sizeof all / sizeof *all) - 1;
    return all;
}

const yh_stage *yh_stage_find(const char *name)
{
    for (int i = 0; all[i] != NULL; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

yh_stage_rank yh_stage_rank_of(const yh_stored *d)
{
    return (yh_stage_rank){d->len, yh_hash64(d->text, d->len, 0),
                           yh_hash64(d->id, strlen(d->id), 0)};
}

bool yh_stage_prefers(const yh_stage_rank *a, const yh_stage_rank *b)
{
    if (a->len != b->len)
        return a->len > b->len;
    if (a->hash != b->hash)
        return a->hash < b->hash;
    return a->id_hash < b->id_hash;
}
