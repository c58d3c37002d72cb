/* A document on its way through cleaning, and what readers hand over. */
#ifndef YH_INPUT_DRAFT_H
#define YH_INPUT_DRAFT_H

#include "base/alloc.h"

/* Limits of what is held at once; longer things are cut or left out, counted and named. */
enum {
    YH_TEXT_PIECE = 4 << 20,      /* a text file is read in pieces of about this many bytes */
    YH_JSON_BLOCK = 1 << 20,      /* JSON values are handed to workers in blocks */
    YH_JSON_VALUE_MAX = 16 << 20, /* a longer JSON line or array element is left out */
    YH_META_NESTED = 64 << 10,    /* a list or object in a field of a record, as JSON */
    YH_HTML_MAX = 8 << 20,        /* an HTML page is cut here */
    YH_PART_CHARS = 100000        /* default size of the parts of a longer document */
};

/* What a step of the recipe did to a document that it kept. */
typedef enum yh_edit_kind {
    YH_EDIT_CUT,   /* bytes [at, at+len) went; `text` is what stood there */
    YH_EDIT_CHANGE /* `count` places were rewritten; at, len, text say nothing */
} yh_edit_kind;

typedef struct yh_edit {
    int step; /* index into the recipe's steps */
    yh_edit_kind kind;
    uint64_t at, len; /* bytes of the text as the step saw it */
    char *text;       /* owned; NULL unless a cut */
    uint64_t count;
    double score;   /* what the step measured; 0 when it does not measure */
    char *evidence; /* pattern, reason; UTF-8, owned; NULL: none */
} yh_edit;

/* A stretch to be cut. */
typedef struct yh_span {
    size_t at, len;
    double score;
    const char *evidence; /* borrowed; NULL: none */
} yh_span;

/* A number that a step found out, for the record's `meta` and the report's distributions. */
typedef struct yh_value {
    const char *name; /* static */
    double value;
} yh_value;
enum { YH_DRAFT_VALUES = 12 };

typedef struct yh_draft {
    char *text; /* UTF-8, NUL-terminated; owned */
    size_t len;
    const char *raw; /* the text as it stood in a JSON string, in the form that records have too,
                        in the piece's bytes; NULL: none, or the text was changed since */
    size_t raw_len;  /* bytes there; raw_text: of the text */
    size_t raw_text;
    uint64_t number;   /* line or element number in its file; 0: counted by the writer */
    uint64_t offset;   /* byte at which its record begins in the decompressed file or entry; all
                          documents of one record, and all parts of one document, have the same;
                          0 also where the format has no such place (Parquet, EPUB) */
    bool starts;       /* begins a new document; false: a further part of the one before */
    char encoding[24]; /* of the bytes it came from */
    char *title;       /* NULL: none; owned */
    char *url;         /* NULL: not known; owned */
    char *meta;        /* members of a JSON object ("\"a\":1,\"b\":2") kept from the input or added
                          by steps, for the record's `meta`; NULL: none; owned */
    char *original;    /* the text before a lossy step that was told to keep it; NULL; owned */
    char lang[16];     /* ISO 639-1 or -3 with a script where it matters ("zh", "zh-Hant"); "" */
    double lang_score; /* confidence in [0, 1] */
    yh_value value[YH_DRAFT_VALUES];
    int n_value;
    int removed_by;         /* -1: kept; else the index of the step */
    double removed_score;   /* what that step measured */
    char *removed_evidence; /* NULL: none; owned */
    yh_edit *edit;          /* what steps did to it, in their order */
    size_t n_edit, cap_edit;
    void *view; /* of rules/view.h: words, lines; dropped whenever the text changes */
    void (*view_free)(void *view);
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

/* Removes the document. evidence (may be NULL) is copied. The first removal wins. */
yh_status yh_draft_remove(yh_draft *d, int step, double score, const char *evidence,
                          yh_err *err) YH_MUST_CHECK;
/* Takes bytes [at, at+len) out of the text and keeps them as an edit of the step. */
yh_status yh_draft_cut(yh_draft *d, int step, size_t at, size_t len, yh_err *err) YH_MUST_CHECK;
/* The same for n stretches at once, in order and disjoint, in one pass over the text. */
yh_status yh_draft_cut_spans(yh_draft *d, int step, const yh_span *span, size_t n,
                             yh_err *err) YH_MUST_CHECK;
/* Puts a rewritten text (moved out of `text`) in place of the present one; `count` places differ. A
 * count of 0 leaves no edit. */
yh_status yh_draft_change(yh_draft *d, int step, yh_buf *text, uint64_t count, const char *evidence,
                          yh_err *err) YH_MUST_CHECK;
/* Sets a number by its (static) name; beyond YH_DRAFT_VALUES different ones: YH_INVALID. */
yh_status yh_draft_value(yh_draft *d, const char *name, double value, yh_err *err) YH_MUST_CHECK;
/* The words and lines of an older text: called by everything here that changes the text; call it
 * after changing d->text yourself. */
void yh_draft_stale(yh_draft *d);

/* Divides documents longer than about part_chars characters into parts at paragraph ends, else
 * line ends, else sentence ends, else anywhere between characters. */
yh_status yh_drafts_divide(yh_drafts *l, size_t part_chars, yh_err *err) YH_MUST_CHECK;

#endif
