/* Chinese characters: Traditional to Simplified, which of the two a text is in, readings, and texts
 * folded for comparison. The tables come from packages when the program is built
 * (cmake/tables.cmake). */
#ifndef YH_RULES_HAN_H
#define YH_RULES_HAN_H

#include "base/alloc.h"

static inline bool yh_is_han(uint32_t c)
{
    return (c >= 0x4e00 && c < 0xa000) || (c >= 0x3400 && c < 0x4dc0) || c == 0x3007 ||
           (c >= 0xf900 && c < 0xfb00) || (c >= 0x20000 && c < 0x32000);
}

static inline bool yh_is_kana(uint32_t c)
{
    return (c >= 0x3041 && c < 0x30fb) || (c >= 0x30fc && c < 0x3100) ||
           (c >= 0xff66 && c < 0xff9e);
}

/* ---- conversion: gives what OpenCC gives with the same dictionaries (segmentation by the longest
 * phrase, then the chain of its configuration), many times as fast ---- */
typedef enum yh_han_from {
    YH_HAN_T2S,  /* OpenCC's standard form */
    YH_HAN_TW2S, /* Taiwan's */
    YH_HAN_HK2S  /* Hong Kong's */
} yh_han_from;

/* Immutable; any number of threads at once. */
typedef struct yh_han yh_han;
/* YH_UNSUPPORTED when the program was built without the dictionaries. */
yh_status yh_han_create(yh_han **out, yh_err *err) YH_MUST_CHECK;
void yh_han_free(yh_han *h);
/* Appends the Simplified form of valid UTF-8 to out. */
yh_status yh_han_simplify(const yh_han *h, yh_han_from from, const char *text, size_t n,
                          yh_buf *out, yh_err *err) YH_MUST_CHECK;
/* One character alone; itself when nothing is known. h NULL: itself. */
uint32_t yh_han_simple(const yh_han *h, uint32_t c);

/* What speaks for which script: characters that are written in one of them only. */
typedef struct yh_han_count {
    size_t han, kana, hangul, trad, simp, taiwan, hong_kong;
} yh_han_count;
void yh_han_look(const yh_han *h, const char *text, size_t n, yh_han_count *add);

/* Appends text folded for comparison: ASCII letters small, full-width forms as ASCII, Traditional
 * characters as Simplified (h may be NULL: as they are), blanks, invisible characters and the space
 * around Chinese gone (a blank between two ASCII letters or digits stays, as one). */
yh_status yh_han_fold(const yh_han *h, const char *text, size_t n, yh_buf *out,
                      yh_err *err) YH_MUST_CHECK;

#endif
