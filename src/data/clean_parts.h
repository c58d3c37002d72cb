/* What the files of cleaning share: the input, the statistics, the output shards, the state. */
#ifndef YH_DATA_CLEAN_PARTS_H
#define YH_DATA_CLEAN_PARTS_H

#include "base/file.h"
#include "base/json.h"
#include "data/filter.h"
#include "input/reader.h"

/* ---- input ---- */
typedef struct yh_input {
    char *path, *id, *source; /* id: path as written into documents */
    const char *type;         /* extension; borrowed from path */
    const yh_reader *reader;  /* NULL: not a format of ours */
    uint64_t size;
} yh_input;
typedef struct yh_inputs {
    yh_input *f;
    size_t n, cap;
    uint64_t bytes;
    uint64_t fingerprint; /* of paths, sizes and times of change */
} yh_inputs;
/* Lists the raw paths; files inside `out` and `leave_out` (may be NULL) are left out. */
yh_status yh_inputs_list(yh_inputs *in, const char *const *paths, size_t n, const char *out,
                         const char *leave_out, yh_err *err) YH_MUST_CHECK;
void yh_inputs_fini(yh_inputs *in);

/* ---- statistics: a JSON object that becomes report.json ---- */
yh_status yh_stats_create(json_t **stats, yh_err *err) YH_MUST_CHECK;
/* Adds n to the number at stats[a][b][c] (b, c may be NULL), which is made if missing. */
yh_status yh_stats_add(json_t *stats, uint64_t n, const char *a, const char *b, const char *c,
                       yh_err *err) YH_MUST_CHECK;
uint64_t yh_stats_get(const json_t *stats, const char *a, const char *b);
/* Counts stats[list].count and .by_kind[kind], and names the first thousand in .list. */
yh_status yh_stats_name(json_t *stats, const char *list, const char *kind, const char *file,
                        const char *place, const char *what, yh_err *err) YH_MUST_CHECK;

/* ---- where a run is ---- */
typedef struct yh_cursor {
    uint64_t file, piece; /* next file; pieces of it that were taken */
    uint64_t docs, part;  /* documents of that file so far, parts of the last one */
} yh_cursor;

/* ---- output folder: shards and the manifest that makes them valid ---- */
typedef struct yh_shards {
    const char *dir;
    yh_writer part, removed;
    yh_buf keys;     /* of the filters with memory, for the open shard */
    uint64_t number; /* of the open shard */
    bool open;
    uint64_t text; /* bytes of text in the open shard */
    json_t *manifest;
} yh_shards;
/* Loads the manifest, or makes a fresh one (removing what an older run left) when there is none or
 * it belongs to another input. *finished: the output is complete. cursor, *stats (owned by the
 * caller) and *seconds are where the run stands. */
yh_status yh_shards_open(yh_shards *s, const char *dir, uint64_t fingerprint, bool *finished,
                         yh_cursor *cursor, json_t **stats, double *seconds,
                         yh_err *err) YH_MUST_CHECK;
/* Appends whole zstd frames to the open shard (opening one when there is none). */
yh_status yh_shards_write(yh_shards *s, const yh_buf *kept, const yh_buf *removed,
                          yh_err *err) YH_MUST_CHECK;
/* Makes the open shard valid together with everything up to it. */
yh_status yh_shards_commit(yh_shards *s, const yh_cursor *cursor, const json_t *stats,
                           double seconds, bool finished, yh_err *err) YH_MUST_CHECK;
/* Calls fn with the keys of every committed shard, in order. */
yh_status yh_shards_replay(const yh_shards *s,
                           yh_status (*fn)(void *, const uint64_t *, size_t, yh_err *), void *arg,
                           yh_err *err) YH_MUST_CHECK;
void yh_shards_close(yh_shards *s); /* an uncommitted shard is dropped */

#endif
