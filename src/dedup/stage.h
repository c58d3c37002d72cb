/* Stages: rules about all documents at once. One stage is one file stage_<name>.c that exports
 *     const yh_stage yh_stage_<name>
 * CMake makes the list from the file names. A stage reads the store, holds no more memory than it
 * is given, and leaves decisions. Its result depends on the documents and parameters alone: not on
 * the order of the input, the number of threads or the memory limit. Of equal or similar documents
 * the one that stays is the one that yh_stage_prefers. */
#ifndef YH_DEDUP_STAGE_H
#define YH_DEDUP_STAGE_H

#include "dedup/store.h"
#include "rules/param.h"

typedef struct yh_stage_run {
    yh_store *store; /* with the decisions of earlier stages applied */
    yh_decisions *out;
    yh_pool *pool;
    uint64_t memory;  /* bytes that the stage may hold, sorters included */
    const char *work; /* a folder for temporary files; emptied by the caller */
    json_t *stats;    /* an object for the report: the stage adds its own numbers */
    void (*progress)(void *user, double fraction);
    void *user;
} yh_stage_run;

typedef struct yh_stage {
    const char *name;
    const char *doc;
    const char *source; /* publication; NULL: our own */
    const yh_param *params;
    yh_status (*run)(const json_t *params, yh_stage_run *x, yh_err *err); /* params complete */
} yh_stage;

const yh_stage *const *yh_stages(int *n);
const yh_stage *yh_stage_find(const char *name); /* NULL: none */

/* Whether document a stays rather than b: the longer text, then the lower hash of the text, then
 * the id that is first bytewise. */
typedef struct yh_stage_rank {
    uint64_t len, hash, id_hash;
} yh_stage_rank;
yh_stage_rank yh_stage_rank_of(const yh_stored *d);
bool yh_stage_prefers(const yh_stage_rank *a, const yh_stage_rank *b);

#endif
