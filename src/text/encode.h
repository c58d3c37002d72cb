/* Encoding on its way: what encode.c, split.c and place.c share. */
#ifndef YH_TEXT_ENCODE_H
#define YH_TEXT_ENCODE_H

#include "text/tok_impl.h"

enum { YH_LAYERS = YH_NORM_STEPS + YH_PRE_STEPS };

/* A text that a step made of the one below. */
typedef struct yh_layer {
    yh_buf text;
    yh_pieces map;
    size_t hint, base; /* base: where the step's source begins in the text below */
} yh_layer;

/* Memory of one encoding; kept by the tokenizer for the next one. */
typedef struct yh_enc {
    struct yh_enc *next;
    yh_bpe_work work;
    yh_units_work units;
    yh_unigram_work unigram;
    yh_places places;
    yh_scan_state *norm_scan[YH_NORM_STEPS], *scan[YH_PRE_STEPS];
    yh_buf repaired;
    yh_pieces repair_map;
    size_t repair_hint;
    yh_layer layer[YH_LAYERS];
} yh_enc;

/* One run of text without added tokens on its way to ids. */
typedef struct yh_run {
    const yh_tok *t;
    yh_enc *e;
    unsigned flags;
    bool maps; /* layers need their pieces */
    yh_ids *out;
    size_t first;          /* of out's ids: where this encoding begins, template apart */
    const uint8_t *source; /* the whole text, repaired */
    size_t source_n;
    size_t at; /* in source: where the text below the layers begins */
    size_t layers;
    const uint8_t *text; /* the top layer's text, or the run itself */
    size_t n;
    size_t tail;             /* SentencePiece: the source's place behind r->text */
    const yh_pieces *repair; /* of source to the caller's text; NULL: the same bytes */
} yh_run;

/* encode.c */
/* Room for `extra` more ids. */
yh_status yh_run_reserve(yh_run *r, size_t extra, yh_err *err) YH_MUST_CHECK;

/* place.c: offsets */
/* The character of the source that byte x of r->text stands for: [*b, *e), both r->at when it
 * stands for none. */
void yh_place_byte(const yh_run *r, size_t x, size_t *b, size_t *e);
/* Bytes [b, e) of r->text in the repaired text. */
void yh_place(const yh_run *r, size_t b, size_t e, size_t *begin, size_t *end);
/* Takes the white space at both ends of a token's own text p[0..n) out of its place [*b, *e) in the
 * repaired text (ByteLevel's trim_offsets). byte_level: p is bytes; index: of the token. */
void yh_place_trim(const yh_run *r, const uint8_t *p, size_t n, bool byte_level, size_t index,
                   size_t *b, size_t *e);
/* Stores the place in the repaired text as the offsets of out's id number i. */
void yh_place_set(const yh_run *r, size_t i, size_t begin, size_t end);
/* All of these for the model's id number i, which is bytes [b, e) of r->text. */
void yh_place_id(const yh_run *r, size_t i, size_t b, size_t e);

/* split.c */
/* Cuts [b, e) of r->text by the pre-tokenizer's steps from `step` on, and encodes the words. As
 * deep as there are steps. */
yh_status yh_split(yh_run *r, size_t step, size_t b, size_t e, yh_err *err) YH_MUST_CHECK;

#endif
