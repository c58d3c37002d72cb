/* Text that was decoded with the wrong encoding, put right where there is no doubt.
 *
 * What is recognised: UTF-8 read as Latin-1, Windows-1250/1251/1252/1253/1254/1257, ISO 8859-2, Mac
 * Roman or code page 437, also several times over and in single words of a line that is otherwise
 * right; Windows-1252 read as Latin-1; UTF-8 read as GBK; GBK read as Latin-1; GBK in which a byte
 * got lost or was put in between, so that what follows is shifted by one.
 *
 * Each faulty sequence is judged where it stands: what it would become must be likely there (a
 * letter in a word, typographic punctuation, an emoji, several letters of one script in a row), and
 * what stands there must not be. The idea of judging both is that of ftfy (R. Speer, "ftfy", 2019);
 * the rules are our own and leave more alone. */
#ifndef YH_INPUT_MOJIBAKE_H
#define YH_INPUT_MOJIBAKE_H

#include "base/alloc.h"

/* Tables; immutable; any number of threads at once. */
typedef struct yh_mojibake yh_mojibake;
/* YH_UNSUPPORTED when the system's iconv lacks one of the encodings. */
yh_status yh_mojibake_create(yh_mojibake **out, yh_err *err) YH_MUST_CHECK;
void yh_mojibake_free(yh_mojibake *m);

typedef struct yh_mojibake_info {
    uint64_t repaired; /* sequences (single-byte encodings), stretches (GBK) */
    uint64_t lost;     /* of those, the ones that became U+FFFD: bytes were gone */
    char from[64];     /* what was read, for example "UTF-8 as CP1252, twice" */
    char example[64];  /* the first one: "before > after", cut */
} yh_mojibake_info;

/* Appends the repaired text (valid UTF-8) to out. info->repaired 0: nothing was changed. Linear. */
yh_status yh_mojibake_repair(const yh_mojibake *m, const char *text, size_t n, yh_buf *out,
                             yh_mojibake_info *info, yh_err *err) YH_MUST_CHECK;

/* GBK text that lost its place: `text` begins behind the loss. Tries `lost` as the byte that comes
 * first; when everything up to where both readings meet again is ordinary Chinese, appends it to
 * out and returns the bytes of text that it stands for; 0: no. half (may be NULL): when a question
 * mark comes in the middle of a character, ends before it and gives that character's first byte. */
size_t yh_gbk_realign(const yh_mojibake *m, uint8_t lost, const char *text, size_t n, yh_buf *out,
                      uint8_t *half);
/* The GBK code of a character (two bytes, or one below 0x80); 0: it has none. And back. */
uint32_t yh_gbk_of(const yh_mojibake *m, uint32_t c);
uint32_t yh_gbk_to(const yh_mojibake *m, uint32_t code);
/* A character of the first level of GB 2312 (3755) or of Big5 (5401), or common punctuation. */
bool yh_gbk_common(const yh_mojibake *m, uint32_t c);

#endif
