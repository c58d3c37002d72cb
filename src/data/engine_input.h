/* The input of a run: the list of files, its units, and the reading of a unit in groups of pieces.
 */
#ifndef YH_DATA_ENGINE_INPUT_H
#define YH_DATA_ENGINE_INPUT_H

#include "base/json.h"
#include "input/prefetch.h"

typedef struct yh_input {
    char *path, *id, *source; /* id: path as written into documents */
    const char *type;         /* extension; borrowed from path */
    uint64_t size;
    uint64_t begin, end; /* of a slice of a large file of lines; end 0: the whole file */
    size_t file;         /* number of files before it, however they are divided */
} yh_input;

typedef struct yh_inputs {
    yh_input *f;
    size_t n, cap;
    size_t n_files; /* n, with slices of one file as one */
    uint64_t bytes;
    uint64_t fingerprint; /* of paths, sizes and times of change */
    size_t *unit;         /* unit u: files [unit[u], unit[u + 1]) */
    uint64_t *unit_byte;  /* raw bytes before unit u */
    size_t n_units;
} yh_inputs;

/* Lists the raw paths: files, folders, "@LIST" (a file with a path a line), "-" (standard input).
 * Files inside `out` and `leave_out` (may be NULL) are left out. */
yh_status yh_inputs_list(yh_inputs *in, const char *const *paths, size_t n, const char *out,
                         const char *leave_out, yh_err *err) YH_MUST_CHECK;
/* Cuts the list into units of at least `bytes` raw bytes; large files of lines into slices of about
 * as many before. */
yh_status yh_inputs_cut(yh_inputs *in, uint64_t bytes, const yh_read_options *read,
                        yh_err *err) YH_MUST_CHECK;
/* The units of share i of n: contiguous, of about equal bytes. */
void yh_inputs_share(const yh_inputs *in, int i, int n, uint64_t *first, uint64_t *end);
void yh_inputs_fini(yh_inputs *in);

/* Where a unit stands: the next file and piece, and the numbers of documents in that file. */
typedef struct yh_cursor {
    uint64_t file, piece; /* pieces of the file that were taken */
    uint64_t docs, part;  /* documents of the file (or entry) so far, parts of the last one */
} yh_cursor;

/* A piece on its way. */
typedef struct yh_part_in {
    yh_chunk chunk;
    size_t file; /* of the run's list */
    yh_drafts drafts;
    uint64_t first_doc, first_part; /* numbers before its first document */
} yh_part_in;

typedef struct yh_group {
    yh_part_in *part;
    size_t n, cap, bytes;
    yh_cursor after;   /* where the unit stands behind it */
    uint64_t raw_done; /* raw bytes of the unit read so far */
    json_t *notes;     /* statistics about files: read, skipped, damaged; NULL: none */
} yh_group;
void yh_group_fini(yh_group *g);

/* Reads a unit's files one after the other, from a cursor on; threads of its own read ahead. */
typedef struct yh_unit_reader {
    const yh_inputs *in;
    size_t begin, end; /* files */
    yh_cursor at;
    yh_prefetch *ahead;
    const char **path;
    yh_slice *slice;
    uint64_t lines;      /* of a divided file so far, in the slice that was read last */
    uint64_t raw_before; /* raw bytes of the unit's finished files */
    uint64_t raw_file;   /* of the open one */
} yh_unit_reader;
/* memory: bytes that may be read ahead. read: borrowed. lines: before the unit, where it begins
 * within a file. */
yh_status yh_unit_reader_open(yh_unit_reader *r, const yh_inputs *in, size_t unit, yh_cursor from,
                              uint64_t lines, size_t memory, const yh_read_options *read,
                              yh_err *err) YH_MUST_CHECK;
/* Fills *g, which is zeroed; *more false: the unit's end is reached with it. */
yh_status yh_unit_reader_next(yh_unit_reader *r, yh_group *g, bool *more,
                              yh_err *err) YH_MUST_CHECK;
void yh_unit_reader_close(yh_unit_reader *r); /* zeroed: nothing */

#endif
