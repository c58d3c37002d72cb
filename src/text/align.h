/* Where the characters of a changed text come from.
 *
 * A text is changed character by character; each new one stands for one character of the source:
 * the alignment that Hugging Face's tokenizers keep (their NormalizedString), so that offsets agree
 * with theirs. */
#ifndef YH_TEXT_ALIGN_H
#define YH_TEXT_ALIGN_H

#include "base/alloc.h"

/* Pieces are in order and cover the new text. A piece with same == true is a plain copy (equal
 * lengths); else all its bytes stand for the one character src[0..src_len); src_len 0: for the
 * empty place before the source's first character. */
typedef struct yh_piece {
    size_t out, out_len, src, src_len;
    bool same;
} yh_piece;
typedef struct yh_pieces {
    yh_piece *at;
    size_t n, cap;
} yh_pieces;
yh_status yh_pieces_add(yh_pieces *p, yh_piece piece, yh_err *err) YH_MUST_CHECK;
/* The piece that byte x of the new text is in; *hint is any number, kept from call to call, which
 * makes calls in order cheap. p is not empty. */
const yh_piece *yh_pieces_find(const yh_pieces *p, size_t *hint, size_t x);

/* A text being rewritten: valid UTF-8 src[0..n) to the end of `out`. */
typedef struct yh_rewrite {
    const uint8_t *src;
    size_t n, at, last; /* bytes of src consumed; begin of the last character of these */
    yh_buf *out;
    yh_pieces *map; /* NULL: not wanted */
    bool any;       /* something was put */
    bool held;      /* an added character that a drop may still turn into a replacing one */
    uint32_t held_cp;
    int held_change;
} yh_rewrite;
void yh_rewrite_init(yh_rewrite *e, const uint8_t *src, size_t n, yh_buf *out, yh_pieces *map);
/* Passes over this many bytes of the source: what the next characters do not stand for. */
void yh_rewrite_skip(yh_rewrite *e, size_t bytes);
/* Writes a character. change 0: it replaces the next character of the source; 1: it is added, and
 * stands for the last one consumed; -k: it replaces the next one and the k behind it vanish. */
yh_status yh_rewrite_put(yh_rewrite *e, uint32_t cp, int change, yh_err *err) YH_MUST_CHECK;
/* Writes p[0..n), each character replacing the next one of the source; they are equal to the source
 * at that place unless an earlier drop put the two out of step. */
yh_status yh_rewrite_copy(yh_rewrite *e, const uint8_t *p, size_t n, yh_err *err) YH_MUST_CHECK;
/* As if the last put had k less as its change; nothing when there was none. */
void yh_rewrite_drop(yh_rewrite *e, size_t k);
yh_status yh_rewrite_end(yh_rewrite *e, yh_err *err) YH_MUST_CHECK;

#endif
