/* Documents: from raw files to clean JSON Lines, and reading them back.
 * A corpus is a folder: part-*.jsonl.zst (text, id, source, meta), removed-*.jsonl.zst (what was
 * removed, by which rule and why), recipe.json, report.json, report.html. */
#ifndef YH_CORPUS_H
#define YH_CORPUS_H

#include "yh/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yh_clean_progress {
    const char *phase; /* "read", the name of a stage, "write"; borrowed */
    double fraction;   /* of the phase, 0 to 1 */
    uint64_t files_done, files_total, bytes_done, bytes_total; /* of raw input */
    uint64_t docs_in, docs_kept, text_bytes; /* while a later stage may remove: kept so far */
    double seconds;
    bool finished; /* the last call of the run: the corpus is complete */
} yh_clean_progress;

typedef struct yh_clean_options {
    const char *recipe;     /* name or file (docs/recipes.md); NULL: "default" */
    const char *const *set; /* n_set texts "rule.parameter=value" over the recipe */
    size_t n_set;
    uint32_t min_chars;    /* of every too_short step; 0: the recipe's */
    uint32_t part_chars;   /* of the recipe's "read"; 0: the recipe's */
    uint64_t shard_bytes;  /* text in one output file; 0: 128 MiB */
    uint64_t memory;       /* bytes that the run may hold; 0: half of what is available */
    const char *compress;  /* "none", "zstd" or "zstd:LEVEL" (1 to 19); NULL: "zstd:3" */
    int shard, shards;     /* share `shard` (from 0) of `shards` processes over one folder; 0, 0:
                              all alone */
    const char *leave_out; /* a folder whose files are not read, as those of `out`; NULL: none */
    void (*progress)(void *user, const yh_clean_progress *p); /* at most some times a second */
    void *user;
} yh_clean_options;

/* Cleans files and folders into the folder `out`. Restartable: a finished output is recognised and
 * left, an unfinished one goes on; the output does not depend on threads, memory, interruptions or
 * the number of processes. YH_STOPPED after yh_stop_request, with a resumable state kept. With
 * shares, the process that is the last to finish its own completes the corpus: the others return
 * YH_OK while `out` has no report.json yet. */
yh_status yh_clean_run(const char *const *paths, size_t n, const char *out,
                       const yh_clean_options *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* The recipe as it would run, complete, as JSON text; and all rules and stages with parameters and
 * defaults, as JSON text: [{"name", "kind", "doc", "source"?, "parameters": [...]}]. Free both with
 * yh_text_free (yh/tok.h). */
yh_status yh_clean_recipe(const yh_clean_options *o, char **json, yh_err *err) YH_MUST_CHECK;
yh_status yh_clean_rules(char **json, yh_err *err) YH_MUST_CHECK;

typedef struct yh_doc {
    const char *text; /* UTF-8, NUL-terminated; borrowed until the next call */
    size_t len;
    const char *id, *source;
    const char *lang; /* as yh clean found it, such as "en"; "" when it is not known */
} yh_doc;

/* Reads documents of a corpus folder, or of one .jsonl/.json/.txt/.md file (also .gz, .zst). */
typedef struct yh_corpus yh_corpus;
yh_status yh_corpus_open(yh_corpus **out, const char *path, yh_err *err) YH_MUST_CHECK;
/* *more false at the end. */
yh_status yh_corpus_next(yh_corpus *c, yh_doc *doc, bool *more, yh_err *err) YH_MUST_CHECK;
void yh_corpus_close(yh_corpus *c);

/* ---- looking into a corpus; the JSON texts are freed with yh_text_free (yh/tok.h) ---- */

/* The way of one document through the recipe's steps: {"id", "source", "recipe", "steps": [{"step",
 * "rule", "did": "nothing", "changed", "cut", "removed" or "not reached", ...}], "kept" or
 * "removed": its record}. YH_NOTFOUND: no document of this id, kept or removed. */
yh_status yh_corpus_explain(const char *corpus, const char *id, char **json,
                            yh_err *err) YH_MUST_CHECK;

typedef struct yh_diff_options {
    uint32_t examples; /* of each kind */
    uint64_t memory;   /* 0: 256 MiB */
    const char *work;  /* a folder for temporary files; NULL: /tmp */
} yh_diff_options;
/* What differs between two corpora, by the ids of documents: {"a", "b": {documents, bytes}, "same",
 * "only_a", "only_b": {"documents", "by_rule": what the other run removed them by, "examples"},
 * "changed": {"documents", "examples" with the lines that differ}}. */
yh_status yh_corpus_diff(const char *a, const char *b, const yh_diff_options *o, char **json,
                         yh_err *err) YH_MUST_CHECK;

typedef struct yh_mix_source {
    const char *corpus;
    double weight; /* share of the mix; 0: as much as it has */
    double epochs; /* how often a document may come, at most; 0: 1 */
    uint64_t cap;  /* bytes of text, at most; 0: none */
} yh_mix_source;

typedef struct yh_mix_options {
    uint64_t total; /* bytes of text of the mix; 0: the most that the weights allow */
    uint64_t seed;
    uint64_t shard_bytes; /* 0: 128 MiB */
    const char *compress; /* as yh_clean_options */
    void (*progress)(void *user, double fraction);
    void *user;
} yh_mix_options;
/* Mixes corpora into a new one. Which documents are taken follows from a hash of id and seed: a
 * larger share holds all that a smaller one had. Sources come interleaved in proportion. Killed, it
 * goes on with the next call where it was, and the result is the same to the byte; a finished mix
 * of the same sources and options stays. */
yh_status yh_corpus_mix(const yh_mix_source *source, size_t n, const char *out,
                        const yh_mix_options *o, yh_pool *pool, yh_err *err) YH_MUST_CHECK;

/* A mix file, JSON: {"sources": [{"corpus", "weight", "epochs", "cap"}], "total", "seed",
 * "shard_size", "compress"}, sizes in bytes; a relative folder is one below the file's own. Errors:
 * YH_CORRUPT with file, source and key; YH_LIMIT: larger than 16 MiB. */
typedef struct yh_mix_file yh_mix_file;
yh_status yh_mix_file_load(yh_mix_file **out, const char *path, yh_err *err) YH_MUST_CHECK;
yh_status yh_mix_file_parse(yh_mix_file **out, const char *text, size_t len, const char *place,
                            yh_err *err) YH_MUST_CHECK;
/* Borrowed from the file. */
const yh_mix_source *yh_mix_file_sources(const yh_mix_file *f, size_t *n);
const yh_mix_options *yh_mix_file_options(const yh_mix_file *f);
void yh_mix_file_free(yh_mix_file *f); /* NULL is allowed */

/* Whether a document is held out for evaluation: by a hash of its text, so that it never changes
 * when the corpus grows. per_mille in [0, 1000]. */
bool yh_doc_is_heldout(const char *text, size_t len, unsigned per_mille);

#ifdef __cplusplus
}
#endif
#endif
