/* Unicode: character classes for the pre-tokenizers and the normal form C.
 * The tables come from utf8proc, once per process; characters that newer versions of Unicode added
 * are laid over them (unicode_added.h), because the tokenizers of others know them. */
#ifndef YH_TEXT_UNICODE_H
#define YH_TEXT_UNICODE_H

#include "base/alloc.h"

enum {
    YH_UC_L = 1,      /* general category L* */
    YH_UC_N = 2,      /* N* */
    YH_UC_S = 4,      /* White_Space: what \s matches in Oniguruma */
    YH_UC_SAFE = 8,   /* unchanged by NFC and never combining with what stands before it */
    YH_UC_WORD = 16,  /* \w of Rust's regex crate: alphabetic, marks, decimal digits, connectors */
    YH_UC_PUNCT = 32, /* P* or ASCII punctuation */
};

/* Fills the tables; safe from any thread, cheap after the first call. Call before yh_uc_class. */
void yh_uc_init(void);

extern uint16_t yh_uc_index[0x1100];
extern uint8_t yh_uc_block[512][256];
static inline uint8_t yh_uc_class(uint32_t cp)
{
    return yh_uc_block[yh_uc_index[cp >> 8]][cp & 0xFF];
}

/* Two letters, for example "Lu"; "Cn" when unassigned. */
const char *yh_uc_category(uint32_t cp);

/* Characters that the newer Unicode has and the installed libraries may not: range i, or false. */
bool yh_uc_added(size_t i, uint32_t *lo, uint32_t *hi, const char **category);

/* Whether NFC of the reference knows the character as a mark or a composite. */
bool yh_nfc_knows(uint32_t cp);

/* Where parts of a changed text came from. Pieces are in order and cover the new text. A piece with
 * same == true is a plain copy (equal lengths); else its bytes stand for src[0..src_len) as one. */
typedef struct yh_piece {
    size_t out, out_len, src, src_len;
    bool same;
} yh_piece;
typedef struct yh_pieces {
    yh_piece *at;
    size_t n, cap;
} yh_pieces;
yh_status yh_pieces_add(yh_pieces *p, yh_piece piece, yh_err *err) YH_MUST_CHECK;

/* Length of the longest prefix of valid UTF-8 that surely is in NFC already, ending before a
 * character that may combine; n: all of it. */
size_t yh_nfc_prefix(const uint8_t *p, size_t n);
/* Appends the NFC of p[0..n), valid UTF-8, to out; pieces (may be NULL) as of Hugging Face's
 * alignments: a composed character stands for the first of the characters it was made of.
 * Linear but for the sort of the marks behind one letter, O(m log m). */
yh_status yh_nfc(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces,
                 yh_err *err) YH_MUST_CHECK;

#endif
