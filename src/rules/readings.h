/* Readings of Chinese characters, and syllables as people write them. */
#ifndef YH_RULES_READINGS_H
#define YH_RULES_READINGS_H

#include "base/alloc.h"

/* Immutable; any number of threads at once. */
typedef struct yh_readings yh_readings;

/* From a list (rules/list.h) of lines "code point in hexadecimal TAB reading,reading" with tone
 * marks. The name "readings" is the table built in; YH_UNSUPPORTED when it was not. */
yh_status yh_readings_load(yh_readings **out, const char *list, yh_err *err) YH_MUST_CHECK;
void yh_readings_free(yh_readings *r);

enum { YH_SYLLABLE_MAX = 8 };
typedef struct yh_syllable {
    char base[YH_SYLLABLE_MAX]; /* letters without tone, small, ü as v; "" for bopomofo */
    uint8_t tone;               /* 1-5; 0: none written */
    bool marked;                /* written with a tone mark (not a number) */
} yh_syllable;

/* Reads one syllable in pinyin (tone marks, a number behind it, or none) or in bopomofo at p[0..n);
 * returns the bytes it takes, 0 when there is none. */
size_t yh_syllable_read(const char *p, size_t n, yh_syllable *s);

typedef enum yh_reading_fit {
    YH_READING_NO,        /* no syllable of Mandarin */
    YH_READING_PLAUSIBLE, /* a syllable, but not listed for this character; any bopomofo */
    YH_READING_SOUND,     /* right but for the tone */
    YH_READING_EXACT
} yh_reading_fit;
yh_reading_fit yh_readings_fit(const yh_readings *r, uint32_t c, const yh_syllable *s);

#endif
