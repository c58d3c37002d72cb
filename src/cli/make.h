/* yh make: what its parts share. cmd_make.c runs the stages; make_state.c remembers what is done;
 * make_baseline.c measures xz and zstd; make_samples.c writes continuations; make_report.c and
 * make_chart.c tell about it. One thread; the pool is the command's. */
#ifndef YH_CLI_MAKE_H
#define YH_CLI_MAKE_H

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"

enum {
    MAKE_HELDOUT_PER_MILLE = 20, /* fixed: a document never changes sides when the corpus grows */
    MAKE_HELDOUT_MOST = 160,     /* very small corpora hold more out, so that there is something */
    MAKE_PART_CHARS = 8000,      /* books are divided, so that parts of each are held out */
    MAKE_SAMPLES = 10
};
/* Held-out text that is scored, and training text that compressors are primed with, at most. */
#define MAKE_EVAL_BYTES  ((uint64_t)8 << 20)
#define MAKE_PRIME_BYTES ((uint64_t)64 << 20)

typedef struct make_job {
    const yh_args *args;
    yh_pool *pool;
    const char *out;
    double minutes;
    int depth;
    uint32_t vocab; /* 0: by rule */
    uint64_t seed;
    unsigned heldout; /* per mille of the documents, from the stage "split" */
    char *corpus, *tok_dir, *tokens, *state_path;
    json_t *state; /* owned; what is done, and the numbers of the report */
    yh_dir_lock lock;
} make_job;

/* ---- make_state.c: DIR/work/make.json ---- */
/* Loads the state, or starts one; YH_MISMATCH when DIR was made from other input or options. */
yh_status make_state_open(make_job *j, yh_err *err) YH_MUST_CHECK;
yh_status make_state_save(make_job *j, yh_err *err) YH_MUST_CHECK;
/* Removes what an earlier yh make left in DIR (--fresh). */
yh_status make_fresh(make_job *j, yh_err *err) YH_MUST_CHECK;
/* The object of a finished stage (borrowed), or NULL. */
json_t *make_state_done(const make_job *j, const char *stage);
/* Records a finished stage (takes the reference to `facts`) and saves. */
yh_status make_state_finish(make_job *j, const char *stage, json_t *facts,
                            yh_err *err) YH_MUST_CHECK;

/* ---- make_baseline.c ---- */
typedef struct make_baseline {
    uint64_t prime_bytes, text_bytes; /* training text seen first, held-out text scored */
    uint64_t xz_bytes, zstd_bytes;    /* compressed size of the held-out text alone, primed */
} make_baseline;
yh_status make_baseline_run(const make_job *j, make_baseline *out, yh_err *err) YH_MUST_CHECK;

/* ---- make_samples.c: JSON array of {source, prompt, text} ---- */
yh_status make_samples_run(const make_job *j, yh_model *m, const yh_tok *tok, json_t **out,
                           yh_err *err) YH_MUST_CHECK;

/* ---- make_chart.c: the curve of DIR/metrics.jsonl as SVG text appended to out ---- */
yh_status make_chart(const char *metrics, const json_t *train, yh_buf *out,
                     yh_err *err) YH_MUST_CHECK;

/* ---- make_report.c: DIR/report.json and DIR/report.html ---- */
yh_status make_report_write(make_job *j, yh_err *err) YH_MUST_CHECK;

/* Number at obj.key, 0 when absent; text, "" when absent. */
double make_num(const json_t *obj, const char *key);
const char *make_text(const json_t *obj, const char *key);

#endif
