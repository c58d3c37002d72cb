/* Unicode: character classes for the pre-tokenizers and the normal form C.
 * The tables come from utf8proc, once per process; characters that newer versions of Unicode added
 * are laid over them (unicode_added.h), because the tokenizers of others know them. */
#ifndef YH_TEXT_UNICODE_H
#define YH_TEXT_UNICODE_H

#include "text/align.h"

enum {
    YH_UC_L = 1,       /* general category L* */
    YH_UC_N = 2,       /* N* */
    YH_UC_S = 4,       /* White_Space: what \s matches in Oniguruma */
    YH_UC_SAFE = 8,    /* unchanged by NFC and never combining with what stands before it */
    YH_UC_WORD = 16,   /* \w of Rust's regex crate: alphabetic, marks, decimal digits, connectors */
    YH_UC_PUNCT = 32,  /* P* or ASCII punctuation */
    YH_UC_M = 64,      /* M* */
    YH_UC_DIGIT = 128, /* N* of the newest Unicode, as Rust's standard library has it */
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
/* The same of the compatibility forms. */
bool yh_nfkc_knows(uint32_t cp);

typedef enum yh_form { YH_FORM_C, YH_FORM_D, YH_FORM_KC, YH_FORM_KD } yh_form;
/* Beside 1 << form (unchanged by it, never combining backwards): categories as Hugging Face's old
 * tables have them. */
enum {
    YH_UC_NONSPACING = 16, /* Mn */
    YH_UC_OLD_M = 32,      /* M* */
    YH_UC_OLD_PUNCT = 64,  /* P* or ASCII punctuation */
    YH_UC_OLD_OTHER = 128  /* Cc, Cf, Co */
};
/* Fills the table of these flags; call before the three below with a form other than C. */
void yh_uc_init_forms(void);
extern uint16_t yh_uc_form_index[0x1100];
extern uint8_t yh_uc_form_block[512][256];
static inline bool yh_uc_is_safe(yh_form form, uint32_t cp)
{
    if (form == YH_FORM_C)
        return (yh_uc_class(cp) & YH_UC_SAFE) != 0;
    return (yh_uc_form_block[yh_uc_form_index[cp >> 8]][cp & 0xFF] >> form & 1) != 0;
}
static inline uint8_t yh_uc_old(uint32_t cp)
{
    return yh_uc_form_block[yh_uc_form_index[cp >> 8]][cp & 0xFF];
}
/* Lower case of one character (U+0130's first). */
uint32_t yh_uc_lower(uint32_t cp);

/* Length of the longest prefix of valid UTF-8 that surely is in NFC already, ending before a
 * character that may combine; n: all of it. */
size_t yh_nfc_prefix(const uint8_t *p, size_t n);
size_t yh_nf_prefix(yh_form form, const uint8_t *p, size_t n); /* the same of the other forms */
/* Appends the NFC of p[0..n), valid UTF-8, to out; pieces (may be NULL) as of Hugging Face's
 * alignments: a composed character stands for the first of the characters it was made of.
 * Linear but for the sort of the marks behind one letter, O(m log m). */
yh_status yh_nfc(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces,
                 yh_err *err) YH_MUST_CHECK;
yh_status yh_nf(yh_form form, const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces,
                yh_err *err) YH_MUST_CHECK;

#endif
