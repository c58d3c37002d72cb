/* The engine of `yh clean`: what its files share.
 *
 * The input is a list of files, cut into UNITS: runs of whole files, or a slice of a large file of
 * lines, of at least a few shards' bytes. Units follow from the list and the files' beginnings
 * alone, so any process may work on any unit. A unit is read in
 * GROUPS of pieces (about a megabyte of raw bytes, by the bytes alone), the atoms of everything: a
 * group's documents are one compressed frame of an output file, or one block of the store. The
 * output is a function of the sequence of groups, so it does not depend on threads, memory, kills
 * or machines.
 *
 *   1. scan (engine_scan.c): groups -> drafts -> the recipe's steps before the first stage. Without
 *      stages kept documents go to part files, else to a store; removed ones to removed files.
 *   2. stages (engine_stage.c): all units' stores -> one decisions file each.
 *   3. emit (engine_emit.c): stores with decisions -> steps behind the stages -> part and removed
 *      files.
 *   4. install (engine_install.c): files get their final names, the reports are written.
 *
 * OUT/.clean holds all that is not finished; a finished corpus keeps only done.json in it:
 *   run.json             fingerprint of input, recipe and options: another one starts again
 *   unit-N/state.json    where unit N stands: cursor, sizes of its files, statistics. Written after
 *                        the files were synced; what lies behind the sizes is cut off by the next
 *                        run. A unit with "finished" is complete
 *   unit-N/part-M, gone-M  output files; unit-N/seg-M.store (.idx, .ids): documents for the stages
 *   stage-K.dec, .json   a stage is complete when its .json is there (statistics)
 *   emit/                like a unit, of one process
 *   install.json         which files go where; when it is there, everything before is complete
 *   done.json            sizes of the final files; when it is there and they fit, nothing is to do
 * A kill loses what was done since the last state.json (some seconds), a whole stage at most where
 * a stage is running.
 *
 * Processes: one alone holds OUT/.lock from the beginning. With --shard i/n each takes its share of
 * the units, each under the lock of the unit's folder; who finds all units finished (looking under
 * the lock of .clean/turn) and gets OUT/.lock does 2 to 4. */
#ifndef YH_DATA_ENGINE_H
#define YH_DATA_ENGINE_H

#include "base/file.h"
#include "base/json.h"
#include "data/engine_input.h"
#include "data/engine_output.h"
#include "data/engine_record.h"
#include "data/engine_stats.h"
#include "data/recipe.h"
#include "yh/corpus.h"

enum {
    YH_GROUP_BYTES = 1 << 20,
    YH_GROUP_PIECES = 512,
    YH_SHARD_BYTES = 128 << 20, /* of text in one output file */
    YH_UNIT_SHARDS = 2          /* a unit has at least so many shards' raw bytes */
};

typedef struct yh_engine {
    const yh_clean_options *o;
    yh_pool *pool;
    yh_recipe *recipe;
    yh_inputs in;
    const char *out;
    char *hidden; /* OUT/.clean */
    uint64_t shard_bytes, memory, fingerprint;
    int level; /* of zstd; 0: plain */
    bool stages;
    uint64_t first_unit, end_unit; /* of this process */
    json_t *live;                  /* statistics so far, for the progress alone */
    /* progress */
    const char *phase;
    uint64_t bytes_done, units_done_bytes, docs_in, docs_kept, text_bytes, files_done;
    double began, last_progress, fraction;
} yh_engine;

void yh_engine_progress(yh_engine *e, bool final);
/* "OUT/.clean/name"; YH_INVALID when it is too long. */
yh_status yh_engine_path(const yh_engine *e, char *out, size_t size, yh_err *err, const char *fmt,
                         ...) YH_MUST_CHECK YH_PRINTF(5, 6);
/* Runs the steps [first, end) of the recipe on a draft that is not removed. */
yh_status yh_engine_steps(const yh_engine *e, yh_draft *d, int first, int end,
                          yh_err *err) YH_MUST_CHECK;
/* Removes a draft that a step has left nothing but blanks of, with that step as the reason. */
yh_status yh_engine_emptied(yh_draft *d, int step, yh_err *err) YH_MUST_CHECK;

/* How many groups or blocks are worked on at once: several a thread, for none to wait long for
 * another, if memory allows it; one thread has what it works on in its cache. */
size_t yh_engine_batch(const yh_engine *e, size_t most);

/* ---- engine_scan.c ---- */
/* Brings one unit to its end, from where it stands; *stats (new reference): its statistics. */
yh_status yh_engine_scan(yh_engine *e, uint64_t unit, yh_err *err) YH_MUST_CHECK;
bool yh_engine_unit_finished(const yh_engine *e, uint64_t unit);

/* ---- engine_stage.c ---- */
yh_status yh_engine_stages(yh_engine *e, yh_err *err) YH_MUST_CHECK;
/* Opens all units' stores with the decisions of the first `stages` stages applied. */
yh_status yh_engine_store(const yh_engine *e, yh_store **out, int stages,
                          yh_err *err) YH_MUST_CHECK;

/* ---- engine_emit.c ---- */
yh_status yh_engine_emit(yh_engine *e, yh_err *err) YH_MUST_CHECK;

/* ---- engine_install.c ---- */
yh_status yh_engine_install(yh_engine *e, yh_err *err) YH_MUST_CHECK;
/* Whether the finished corpus of this fingerprint is there, whole. */
bool yh_engine_done(const yh_engine *e);
/* Of a finished corpus: removes what is left below .clean, which nobody needs any more. */
yh_status yh_engine_tidy(const yh_engine *e, yh_err *err) YH_MUST_CHECK;
/* Removes what an earlier run left in OUT, finished or not. */
yh_status yh_engine_sweep(const yh_engine *e, yh_err *err) YH_MUST_CHECK;
/* Whether the renaming of a complete run has begun. */
bool yh_engine_installing(const yh_engine *e);

#endif
