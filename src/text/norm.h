/* Normalizers: text to text, with alignments. A tokenizer has a list of steps. */
#ifndef YH_TEXT_NORM_H
#define YH_TEXT_NORM_H

#include <jansson.h>

#include "text/align.h"
#include "text/pretok.h"

enum { YH_NORM_STEPS = 24 };

typedef enum yh_norm_kind {
    YH_NORM_NFC,
    YH_NORM_NFD,
    YH_NORM_NFKC,
    YH_NORM_NFKD,
    YH_NORM_LOWERCASE,
    YH_NORM_STRIP,         /* flags: left, right */
    YH_NORM_STRIP_MARKS,   /* all marks */
    YH_NORM_STRIP_ACCENTS, /* non-spacing marks */
    YH_NORM_PREPEND,       /* text */
    YH_NORM_REPLACE,       /* text for each match of pattern or literal */
    YH_NORM_BERT_CLEAN,    /* no control characters, white space becomes a space */
    YH_NORM_BERT_CHINESE,  /* spaces around Chinese characters */
    YH_NORM_NMT,           /* SentencePiece's "nmt" rules of control and white space characters */
    YH_NORM_CHARSMAP,      /* SentencePiece's precompiled map */
} yh_norm_kind;

enum { YH_STRIP_LEFT = 1, YH_STRIP_RIGHT = 2 };

typedef struct yh_norm_step {
    yh_norm_kind kind;
    unsigned flags;
    char *text, *literal;
    size_t text_len, literal_len;
    yh_pattern *pattern;
    struct yh_charsmap *map;
} yh_norm_step;

typedef struct yh_norm {
    yh_norm_step step[YH_NORM_STEPS];
    size_t n;
} yh_norm;

void yh_norm_fini(yh_norm *m);
/* Adds the steps of a tokenizer.json's "normalizer"; name is for messages. */
yh_status yh_norm_read(yh_norm *m, const json_t *j, const char *name, yh_err *err) YH_MUST_CHECK;
/* Runs one step over valid UTF-8 p[0..n), n > 0. *changed false: the text stays as it is and
 * nothing was written; else the new text and its pieces (map may be NULL) were appended. scan: of
 * step->pattern, NULL without one. */
yh_status yh_norm_run(const yh_norm_step *step, yh_scan_state *scan, const uint8_t *p, size_t n,
                      yh_buf *out, yh_pieces *map, bool *changed, yh_err *err) YH_MUST_CHECK;
/* All steps, without alignments; out must be empty. */
yh_status yh_norm_text(const yh_norm *m, const char *p, size_t n, yh_buf *out,
                       yh_err *err) YH_MUST_CHECK;

#endif
