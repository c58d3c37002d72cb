/* Which language a text is in: Chinese (Simplified, Traditional, Cantonese), Japanese and Korean by
 * their characters, all others by CLD2 (83 languages and more by script alone). */
#ifndef YH_RULES_LANG_H
#define YH_RULES_LANG_H

#include <stdbool.h>
#include <stddef.h>

typedef struct yh_lang {
    char code[16]; /* ISO 639-1 or -3: "en", "zh-Hans", "zh-Hant", "yue", "ja"; "" not known */
    double score;  /* [0, 1]: the share of the text in it, halved when CLD2 is not sure */
    size_t weight; /* letters that were looked at; a Chinese, Japanese or Korean one counts three */
} yh_lang;

/* text: valid UTF-8. Of a long text (more than 32 KB) four stretches are looked at. Any thread. */
yh_lang yh_lang_detect(const char *text, size_t n);

/* Whether `code` is `wanted` or a variety of it: "zh" covers "zh-Hans", "zh-Hant" and "yue". */
bool yh_lang_covers(const char *wanted, const char *code);

#endif
