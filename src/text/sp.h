/* SentencePiece's .model files: their reader, and their normalizer, which is not quite any of
 * tokenizer.json's. */
#ifndef YH_TEXT_SP_H
#define YH_TEXT_SP_H

#include "text/align.h"
#include "text/charsmap.h"
#include "text/datrie.h"
#include "text/unigram.h"

/* Immutable. */
typedef struct yh_sp {
    yh_charsmap *map;   /* NULL: none */
    yh_datrie user;     /* user-defined symbols, which pass as they are; empty: none */
    bool dummy_prefix;  /* a space is put before the text */
    bool suffix;        /* behind it, rather */
    bool remove_spaces; /* of neighbouring spaces one stays, none at the ends */
    bool escape;        /* spaces become U+2581 */
    /* from here on by yh_sp_finish */
    uint64_t quiet[0x10000 / 64]; /* bits: no rule begins with this character, nor is it a space */
    bool plain[128];              /* the same of ASCII */
    bool spaces;                  /* a space is a space in all places: it is in no rule */
} yh_sp;

void yh_sp_free(yh_sp *m);
/* Behind the last change of the fields above. */
void yh_sp_finish(yh_sp *m);
/* Appends the normal form of any bytes t[0..n) to out. map, unless NULL, gets where it comes from:
 * a byte of the new text that piece->same does not cover comes from byte piece->src; *tail: what
 * comes behind the last byte. */
yh_status yh_sp_normalize(const yh_sp *m, const uint8_t *t, size_t n, yh_buf *out, yh_pieces *map,
                          size_t *tail, yh_err *err) YH_MUST_CHECK;

/* The ids of any bytes t[0..n) to the end of out, whose begin is NULL, without a normal form where
 * a word was met before (sp_text.c). normal: memory for that. */
yh_status yh_sp_text(const yh_sp *m, const yh_unigram *u, yh_unigram_work *w, yh_places *p,
                     yh_buf *normal, const uint8_t *t, size_t n, yh_ids *out,
                     yh_err *err) YH_MUST_CHECK;

/* ---- the normalizer in parts (sp_norm.c) ---- */
/* How many bytes of spaces at the begin vanish. */
size_t yh_sp_skip(const yh_sp *m, const uint8_t *t, size_t n);
/* t[at..n). *space: whether the last character was a space, and the next one would vanish. */
yh_status yh_sp_part(const yh_sp *m, const uint8_t *t, size_t n, size_t at, bool *space,
                     yh_buf *out, yh_pieces *map, yh_err *err) YH_MUST_CHECK;
yh_status yh_sp_space(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t src,
                      yh_err *err) YH_MUST_CHECK;
/* Takes the spaces at the end away again. */
void yh_sp_drop(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t *tail);

#endif
