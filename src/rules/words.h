/* Words of a text, by several definitions, and what counts as space, line end and punctuation.
 *
 * English words follow the rules of spaCy's blank English tokenizer (version 3.8), which datatrove
 * counts words by; written anew from what it does. Chinese words: rules/segmenter.h. */
#ifndef YH_RULES_WORDS_H
#define YH_RULES_WORDS_H

#include "base/alloc.h"

/* Bytes [at, at+len) of the text, `chars` characters; chars 0: white space, kept by those who count
 * sentences. */
typedef struct yh_token {
    uint32_t at, len, chars;
} yh_token;

typedef struct yh_tokens {
    yh_token *t;
    size_t n, cap;
} yh_tokens;

void yh_tokens_fini(yh_tokens *l);
yh_status yh_tokens_add(yh_tokens *l, size_t at, size_t len, size_t chars,
                        yh_err *err) YH_MUST_CHECK;

/* The stretch without white space at its ends (Python's str.strip). */
yh_token yh_token_strip(const char *text, yh_token t);
/* Whether the stretch begins or ends with a string. */
bool yh_token_begins(const char *text, yh_token t, const char *what);
bool yh_token_ends(const char *text, yh_token t, const char *what);

/* Each appends the tokens of text[from, to), valid UTF-8 of less than 4 GB; `at` counts from
 * text. White space tokens are left out unless `spaces`. Linear time; any thread. */
yh_status yh_words_english(yh_tokens *out, const char *text, size_t from, size_t to, bool spaces,
                           yh_err *err) YH_MUST_CHECK;
/* What stands between white space. */
yh_status yh_words_space(yh_tokens *out, const char *text, size_t from, size_t to,
                         yh_err *err) YH_MUST_CHECK;
/* A Han, kana or hangul character each; of other scripts what stands between white space and these.
 */
yh_status yh_words_chars(yh_tokens *out, const char *text, size_t from, size_t to,
                         yh_err *err) YH_MUST_CHECK;

/* Whether the character is white space, as Python's str.isspace says. */
static inline bool yh_char_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 0x1c && cp <= 0x1f);
    return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}
/* Whether a line ends with it, as Python's str.splitlines says. */
static inline bool yh_char_line_end(uint32_t cp)
{
    return (cp >= 10 && cp <= 13) || (cp >= 0x1c && cp <= 0x1e) || cp == 0x85 || cp == 0x2028 ||
           cp == 0x2029;
}
/* Ends a sentence, in any script (the set that datatrove calls terminal punctuation). */
bool yh_char_terminal(uint32_t cp);
/* Punctuation or a control character in the sense of datatrove: words of these alone do not count.
 */
bool yh_char_symbol(uint32_t cp);
bool yh_char_han(uint32_t cp);         /* ideographs, the supplementary planes' included */
bool yh_char_cjk(uint32_t cp);         /* Han, kana, hangul */
bool yh_char_punctuation(uint32_t cp); /* general category P* */
bool yh_char_letter(uint32_t cp);      /* L* */
bool yh_char_upper(uint32_t cp);       /* Lu */
bool yh_char_digit(uint32_t cp);       /* Nd */
bool yh_char_word(uint32_t cp);        /* L*, N*, _: what \w of Python matches */
/* Ends a sentence when it is a token of its own (the set of spaCy's sentencizer). */
bool yh_char_sentence_end(uint32_t cp);

#endif
