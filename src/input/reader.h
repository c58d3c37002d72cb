/* Input formats. One format is one file reader_<name>.c that exports
 *     const yh_reader yh_reader_<name>
 * CMake makes the list from the file names. `next` splits the stream into pieces, one after the
 * other and as fast as the disk; `documents` turns a piece into documents, many at a time in
 * parallel. Where a piece ends must follow from the bytes of the file alone. */
#ifndef YH_INPUT_READER_H
#define YH_INPUT_READER_H

#include "input/draft.h"
#include "input/stream.h"

/* What the user may say about the input; zeroed: nothing. */
typedef struct yh_read_options {
    const char *format; /* name of a reader; NULL: told by name and content */
    const char *text;   /* field or column with the text; NULL: "text", "content", "body", ... */
    uint32_t ratio_max; /* times that data may grow by decompression; 0: YH_UNPACK_RATIO */
    uint64_t size_max;  /* decompressed bytes of one file or entry; 0: YH_UNPACK_MAX */
} yh_read_options;

/* What `next` remembers between pieces of one file; zeroed at its beginning, ended by
 * yh_reader_state_fini. */
typedef struct yh_reader_state {
    int mode;          /* free use */
    uint64_t counter;  /* free use: line or element number of the next piece */
    char charset[24];  /* found in the first piece */
    bool middle;       /* the next piece goes on with a document */
    bool sliced;       /* set by the source: a slice that begins at a line within the file; counter
                          holds the lines before it */
    char problem[160]; /* set by next: something was left out; the caller counts and clears it */
    char info[200];    /* the same for what is left out on purpose: "12 request, 3 metadata" */
    const yh_read_options *options; /* NULL is allowed */
    yh_buf keep;                    /* free use, freed by fini */
    void *own;                      /* free use; own_free is called with it by fini */
    void (*own_free)(void *own);
} yh_reader_state;
void yh_reader_state_init(yh_reader_state *s, const yh_read_options *o); /* o may be NULL */
void yh_reader_state_fini(yh_reader_state *s);

typedef struct yh_piece {
    yh_buf bytes;
    uint64_t number;  /* of its first line or element; 0 when that means nothing */
    uint64_t offset;  /* of its first byte in the decompressed file or entry; set by the source to
                         where the stream stood before `next`, and by `next` when it passed over
                         something first */
    char charset[24]; /* "" : to be guessed */
    char undone[24];  /* the encoding that the stream turned into UTF-8 already; "": none */
    bool middle;      /* its first document goes on from the piece before */
    bool placed;      /* free use: its elements carry their own offsets */
    bool cut;         /* it ends at a limit, not at the end of the document */
    const yh_read_options *options; /* as the state's; NULL is allowed */
} yh_piece;

typedef struct yh_reader {
    const char *name;
    const char *const
        *extensions; /* with the dot, lower case, without .gz and the like; NULL ends */
    /* Fills *piece (bytes is empty before); *more false: the end was reached and there is none. */
    yh_status (*next)(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err);
    /* Appends documents in UTF-8, not yet normalised. */
    yh_status (*documents)(const yh_piece *piece, yh_drafts *out, yh_err *err);
    /* Whether a file that begins so is one of lines, each of which is records of its own: then it
     * can be divided at line ends, and counter is the number of lines so far. NULL: never. */
    bool (*lines)(const uint8_t *p, size_t n);
    bool random; /* needs yh_stream_random: archives' entries and pipes are spooled to a file */
} yh_reader;

const yh_reader *yh_reader_named(const char *name); /* NULL: there is none */

/* By the file's name; NULL: no format of ours. *type (may be NULL): the extension as counted in
 * reports, for example ".txt.gz"; borrowed from the path, "" when it has none. */
const yh_reader *yh_reader_of(const char *path, const char **type);

#endif
