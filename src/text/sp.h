/* SentencePiece's .model files: their reader, and their normalizer, which is not quite any of
 * tokenizer.json's. */
#ifndef YH_TEXT_SP_H
#define YH_TEXT_SP_H

#include "text/align.h"
#include "text/charsmap.h"
#include "text/dtrie.h"

/* Immutable. */
typedef struct yh_sp {
    yh_charsmap *map;   /* NULL: none */
    yh_dtrie user;      /* user-defined symbols, which pass as they are; empty: none */
    bool dummy_prefix;  /* a space is put before the text */
    bool suffix;        /* behind it, rather */
    bool remove_spaces; /* of neighbouring spaces one stays, none at the ends */
    bool escape;        /* spaces become U+2581 */
} yh_sp;

void yh_sp_free(yh_sp *m);
/* Appends the normal form of any bytes t[0..n) to out. map, unless NULL, gets where it comes from:
 * a byte of the new text that piece->same does not cover comes from byte piece->src; *tail: what
 * comes behind the last byte. */
yh_status yh_sp_normalize(const yh_sp *m, const uint8_t *t, size_t n, yh_buf *out, yh_pieces *map,
                          size_t *tail, yh_err *err) YH_MUST_CHECK;

#endif
