/* Documents: from raw files to clean JSON Lines, and reading them back.
 * A corpus is a folder: part-*.jsonl.zst (text, id, source, meta), removed-*.jsonl.zst (what was
 * removed and why), report.json. */
#ifndef YH_CORPUS_H
#define YH_CORPUS_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_clean_progress {
    uint64_t files_done, files_total, bytes_done, bytes_total; /* of raw input */
    uint64_t docs_in, docs_kept, text_bytes;
    double seconds;
} yh_clean_progress;

typedef struct yh_clean_options {
    /* Documents with fewer characters are removed, where one of a spaceless script (Chinese,
     * Japanese, Korean) counts three; 0: 60, so that a four-line classical poem stays. */
    uint32_t min_chars;
    /* A longer document is divided into parts of about this many characters; 0: 100,000. */
    uint32_t part_chars;
    uint64_t shard_bytes;  /* text in one shard, and so what a killed run does again; 0: 128 MiB */
    const char *leave_out; /* a folder whose files are not read, as those of `out`; NULL: none */
    void (*progress)(void *user, const yh_clean_progress *p); /* at most some times a second */
    void *user;
} yh_clean_options;

/* Cleans files and folders into the folder `out`. Restartable: a finished output is recognised and
 * left, an unfinished one goes on. YH_STOPPED after yh_stop_request, with a resumable state kept.
 */
yh_status yh_clean_run(const char *const *paths, size_t n, const char *out,
                       const yh_clean_options *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

typedef struct yh_doc {
    const char *text; /* UTF-8, NUL-terminated; borrowed until the next call */
    size_t len;
    const char *id, *source;
} yh_doc;

/* Reads documents of a corpus folder, or of one .jsonl/.json/.txt/.md file (also .gz, .zst). */
typedef struct yh_corpus yh_corpus;
yh_status yh_corpus_open(yh_corpus **out, const char *path, yh_err *err) YH_MUST_CHECK;
/* *more false at the end. */
yh_status yh_corpus_next(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err) YH_MUST_CHECK;
void yh_corpus_close(yh_corpus *c);

/* Whether a document is held out for evaluation: by a hash of its text, so that it never changes
 * when the corpus grows. per_mille in [0, 1000]. */
bool yh_doc_is_heldout(const char *text, size_t len, unsigned per_mille);

#ifdef __cplusplus
}
#endif
#endif
