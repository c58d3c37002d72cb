/* English words that are divided in a fixed way, or kept whole against the rules (contractions,
 * abbreviations, emoticons): the exceptions of spaCy's English tokenizer. */
#ifndef YH_RULES_WORDS_SPECIAL_H
#define YH_RULES_WORDS_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { YH_SPECIAL_MAX = 24, YH_SPECIAL_PARTS = 3 }; /* bytes of the longest; parts at most */

typedef struct yh_special {
    const char *text;
    uint8_t len, n;                 /* bytes, parts */
    uint8_t part[YH_SPECIAL_PARTS]; /* bytes of each part */
} yh_special;

/* Fills the table; safe from any thread, cheap after the first call. Call before the others. */
void yh_special_init(void);
const yh_special *yh_special_find(const char *p, size_t n); /* NULL: none */
size_t yh_special_count(void);
const yh_special *yh_special_at(size_t i);

#endif
