/* Input formats. One format is one file reader_<name>.c that exports
 *     const yh_reader yh_reader_<name>
 * CMake makes the list from the file names. `next` splits the stream into pieces, one after the
 * other and as fast as the disk; `documents` turns a piece into documents, many at a time in
 * parallel. Where a piece ends must follow from the bytes of the file alone. */
#ifndef YH_INPUT_READER_H
#define YH_INPUT_READER_H

#include "input/draft.h"
#include "input/stream.h"

/* What `next` remembers between pieces of one file; zeroed at its beginning. */
typedef struct yh_reader_state {
    int mode;          /* free use */
    uint64_t counter;  /* free use: line or element number of the next piece */
    char charset[24];  /* found in the first piece */
    bool middle;       /* the next piece goes on with a document */
    char problem[120]; /* set by next: something was left out; the caller counts and clears it */
} yh_reader_state;

typedef struct yh_piece {
    yh_buf bytes;
    uint64_t number;  /* of its first line or element; 0 when that means nothing */
    char charset[24]; /* "" : to be guessed */
    bool middle;      /* its first document goes on from the piece before */
    bool cut;         /* it ends at a limit, not at the end of the document */
} yh_piece;

typedef struct yh_reader {
    const char *name;
    const char *const *extensions; /* with the dot, lower case, without .gz/.zst; NULL ends */
    /* Fills *piece (bytes is empty before); *more false: the end was reached and there is none. */
    yh_status (*next)(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err);
    /* Appends documents in UTF-8, not yet normalised. */
    yh_status (*documents)(const yh_piece *piece, yh_drafts *out, yh_err *err);
} yh_reader;

/* By the file's name; NULL: no format of ours. *type (may be NULL): the extension as counted in
 * reports, for example ".txt.gz"; borrowed from the path, "" when it has none. */
const yh_reader *yh_reader_of(const char *path, const char **type);

#endif
