/* Decoders: ids to text. What the steps of a tokenizer.json's "decoder" make of each token is put
 * into tables once, so that decoding, whole or as a stream, copies. */
#ifndef YH_TEXT_DECODE_H
#define YH_TEXT_DECODE_H

#include <jansson.h>

#include "text/bpe.h"
#include "text/pretok.h"

enum { YH_DECODE_STEPS = 8 };

typedef enum yh_decode_kind {
    YH_DECODE_BYTES,     /* GPT-2's alphabet to bytes */
    YH_DECODE_REPLACE,   /* each match of pattern, or of text, becomes content */
    YH_DECODE_METASPACE, /* text becomes a space; in the first token nothing, if flag */
    YH_DECODE_SPACES, /* the same, but of the first token only what it begins with (SentencePiece);
                         flag: goes on until there is text */
    YH_DECODE_WORDPIECE, /* a space before each token but the first that does not begin with text;
                            flag: tidies English punctuation */
    YH_DECODE_SUFFIX,    /* text becomes a space, but nothing in the last token */
    YH_DECODE_STRIP,     /* at most n_start and n_stop times text at a token's ends */
    YH_DECODE_JOIN,      /* no decoder: a space before each token but the first */
} yh_decode_kind;

typedef struct yh_decode_step {
    yh_decode_kind kind;
    bool flag;
    char *text, *content;
    size_t text_len, content_len, n_start, n_stop;
    yh_pattern *pattern;
} yh_decode_step;

/* Text of every id. */
typedef struct yh_decode_table {
    char *blob;
    size_t len, cap, *at; /* [size + 1] */
} yh_decode_table;

typedef struct yh_decoder {
    yh_decode_step step[YH_DECODE_STEPS];
    size_t n;
    bool fallback; /* tokens <0x00>..<0xFF> are bytes */
    bool by_char;  /* of bytes that are no UTF-8 each bad one is a U+FFFD by itself, as of
                      SentencePiece; else the whole run's */
    char strip[5]; /* this character, up to strip_max times, is not at the text's begin */
    size_t strip_max;
    bool spaces, spaces_all; /* a YH_DECODE_SPACES is there, and its flag */
    /* made by yh_decoder_build */
    uint32_t size;
    yh_decode_table middle, first; /* first: where it differs; at NULL: it never does */
    uint8_t *kind;                 /* [size] yh_decode_role */
    size_t longest;                /* most bytes that one token becomes, U+FFFD for invalid ones */
} yh_decoder;

typedef enum yh_decode_role {
    YH_ROLE_TEXT,
    YH_ROLE_BYTE, /* one byte of a fallback */
    YH_ROLE_OWES  /* a space comes before the next token, if there is one */
} yh_decode_role;

void yh_decoder_fini(yh_decoder *d);
/* Adds the steps of a tokenizer.json's "decoder". */
yh_status yh_decoder_read(yh_decoder *d, const json_t *j, const char *name,
                          yh_err *err) YH_MUST_CHECK;
/* Makes the tables of v's tokens. mapped: the vocabulary holds bytes already, YH_DECODE_BYTES has
 * nothing left to do. shown[id], where not NULL, stands for the token's text. */
yh_status yh_decoder_build(yh_decoder *d, const yh_bpe *v, bool mapped, const char *const *shown,
                           const char *name, yh_err *err) YH_MUST_CHECK;
/* Text of an id, in the middle of a text or as its first token; borrowed. */
const char *yh_decoder_text(const yh_decoder *d, uint32_t id, bool first, size_t *len,
                            yh_decode_role *role);

#endif
