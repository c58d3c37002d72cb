/* One input (a file, an archive with its entries, standard input as "-") as a sequence of chunks:
 * pieces for a reader's `documents`, and notes on what was skipped or is damaged. Chooses the
 * reader by name and content, opens archives, and holds to the limits. The chunks follow from the
 * bytes alone. A source belongs to one thread at a time; its chunks may go to another. */
#ifndef YH_INPUT_SOURCE_H
#define YH_INPUT_SOURCE_H

#include "input/reader.h"

enum {
    YH_ARCHIVE_DEPTH = 2,         /* an archive, and archives within it; deeper ones are named */
    YH_ARCHIVE_ENTRIES = 4 << 20, /* entries of one archive that are looked at */
    YH_NOTES_MAX = 32,            /* notes of one chunk; more come with the next */
    YH_NOTES_NAMED = 16 /* of what readers complain about in one file; the rest is counted */
};

typedef enum yh_note_type {
    YH_NOTE_PROBLEM, /* a place within a file or entry that is broken or over a limit */
    YH_NOTE_SKIPPED, /* a whole file or entry */
    YH_NOTE_LEFT_OUT /* records of a file that are no documents, on purpose */
} yh_note_type;

/* What the report names. */
typedef struct yh_note {
    yh_note_type type;
    const char *kind; /* static: "format not known", "empty", "damaged compression", ... */
    char *entry;      /* entry of the archive, owned; NULL: the file itself */
    char what[200];
} yh_note;

typedef struct yh_chunk {
    const yh_reader *reader; /* NULL: no piece, notes alone */
    yh_piece piece;
    char *entry;     /* path within the archive ("a/b.txt", "in.zip/c.txt"): UTF-8, no leading '/',
                        no ".."; owned; NULL: the file itself. Part of the documents' ids */
    uint64_t member; /* grows with each entry: numbers of documents begin anew with it */
    bool first;      /* the first piece of its file or entry */
    char type[16];   /* ending as counted in reports, ".txt"; "" when it has none */
    yh_note *note;   /* n_notes; owned */
    int n_notes;
    size_t file;       /* set by the prefetcher: index into its list */
    uint64_t raw_done; /* bytes of the file (or slice) read so far */
    uint64_t lines;    /* of a slice: lines of the file so far */
    bool last;         /* set by the prefetcher: no chunk of this file follows */
} yh_chunk;
void yh_chunk_fini(yh_chunk *c);
/* Adds a note (kind is static; entry may be NULL); beyond YH_NOTES_MAX it is lost. */
yh_status yh_chunk_note(yh_chunk *c, yh_note_type type, const char *kind, const char *entry,
                        const char *what, yh_err *err) YH_MUST_CHECK;

/* A part of a plain file of lines: those that begin in bytes [begin, end). */
typedef struct yh_slice {
    uint64_t begin, end; /* end 0: the whole file, whatever it is */
    uint64_t lines;      /* before the first of them */
} yh_slice;
/* Whether a file can be read in slices: it is plain, and of a format with records in lines. */
bool yh_source_divides(const char *path, const yh_read_options *o);

typedef struct yh_source yh_source;
/* o may be NULL; borrowed until all chunks are done with. Errors: what opening the file gives
 * (YH_NOTFOUND, YH_IO, YH_INVALID for a folder), YH_NOMEM, YH_INVALID for an unknown o->format. */
yh_status yh_source_open(yh_source **out, const char *path, const yh_read_options *o,
                         yh_err *err) YH_MUST_CHECK;
/* A slice of a file that yh_source_divides. */
yh_status yh_source_open_slice(yh_source **out, const char *path, const yh_slice *part,
                               const yh_read_options *o, yh_err *err) YH_MUST_CHECK;
/* The same over bytes (borrowed) with a name: for tests and fuzzing. */
yh_status yh_source_memory(yh_source **out, const char *name, const void *p, size_t n,
                           const yh_read_options *o, yh_err *err) YH_MUST_CHECK;
/* Fills *c (zeroed or finished before). *more false: the end, and *c is empty. Damage is a note,
 * not an error; errors are YH_NOMEM and the like. */
yh_status yh_source_next(yh_source *s, yh_chunk *c, bool *more, yh_err *err) YH_MUST_CHECK;
/* Gives memory (moved; its contents are dropped) for the next piece. */
void yh_source_spare(yh_source *s, yh_buf *b);
void yh_source_close(yh_source *s);

#endif
