/* A document on its way through cleaning, and what readers hand over. */
#ifndef YH_DATA_DRAFT_H
#define YH_DATA_DRAFT_H

#include "base/alloc.h"

/* Limits of what is held at once; longer things are cut or left out, counted and named. */
enum {
    YH_TEXT_PIECE = 4 << 20,      /* a text file is read in pieces of about this many bytes */
    YH_JSON_BLOCK = 1 << 20,      /* JSON values are handed to workers in blocks */
    YH_JSON_VALUE_MAX = 16 << 20, /* a longer JSON line or array element is left out */
    YH_HTML_MAX = 8 << 20,        /* an HTML page is cut here */
    YH_PART_CHARS = 100000        /* default size of the parts of a longer document */
};

/* A removed stretch of a kept document. */
typedef struct yh_cut {
    int filter; /* index into the list of filters */
    char *text;
    size_t len;
} yh_cut;

/* A line that a filter with memory may remove: bytes [at, at+len) of the text, line end included.
 */
typedef struct yh_line {
    uint32_t at, len;
} yh_line;

enum { YH_MEMORY_FILTERS = 4 }; /* filters with memory: at most */

typedef struct yh_draft {
    char *text; /* UTF-8, NUL-terminated; owned */
    size_t len;
    uint64_t number;   /* line or element number in its file; 0: counted by the writer */
    bool starts;       /* begins a new document; false: a further part of the one before */
    char encoding[24]; /* of the bytes it came from */
    char *title;       /* NULL: none; owned */
    int removed_by;    /* -1: kept; else the index of the filter */
    yh_cut *cut;       /* what filters took out of it */
    size_t n_cut, cap_cut;
    /* For the filters with memory: keys by which they decide, and the lines they are about. */
    uint64_t *key[YH_MEMORY_FILTERS];
    yh_line *line[YH_MEMORY_FILTERS];
    size_t n_key[YH_MEMORY_FILTERS], cap_key[YH_MEMORY_FILTERS], cap_line[YH_MEMORY_FILTERS];
} yh_draft;

typedef struct yh_problem {
    uint64_t place; /* line, element or piece number */
    char what[120];
} yh_problem;

/* What one piece of input became. */
typedef struct yh_drafts {
    yh_draft *d;
    size_t n, cap;
    uint64_t replaced;   /* bytes that became U+FFFD */
    uint64_t n_problems; /* all of them; the first ones are kept */
    yh_problem problem[8];
} yh_drafts;

void yh_drafts_fini(yh_drafts *l);
void yh_draft_fini(yh_draft *d);
/* Appends a document with the text taken over (moved out of `text`). */
yh_status yh_drafts_add(yh_drafts *l, yh_buf *text, uint64_t number, bool starts,
                        const char *encoding, yh_err *err) YH_MUST_CHECK;
void yh_drafts_problem(yh_drafts *l, uint64_t place, const char *what);

/* Takes bytes [at, at+len) out of the text and keeps them under the filter's index. */
yh_status yh_draft_cut(yh_draft *d, int filter, size_t at, size_t len, yh_err *err) YH_MUST_CHECK;

/* Divides documents longer than about part_chars characters into parts at paragraph ends, else
 * line ends, else sentence ends, else anywhere between characters. */
yh_status yh_drafts_divide(yh_drafts *l, size_t part_chars, yh_err *err) YH_MUST_CHECK;

#endif
