/* Chinese words: the most probable division by a dictionary with frequencies, and a hidden Markov
 * model of characters (begin, middle, end, single) for what the dictionary does not know. The
 * method and the files are those of jieba 0.42 (package python3-jieba); words are the same ones. */
#ifndef YH_RULES_SEGMENTER_H
#define YH_RULES_SEGMENTER_H

#include "rules/words.h"

/* Immutable; any number of threads at once. */
typedef struct yh_segmenter yh_segmenter;

/* dict: a file of lines "word frequency [class]"; "" takes the installed package's. The model of
 * characters is read from finalseg/ beside the dictionary when it is there; without it unknown
 * words fall into characters. YH_NOTFOUND says what to install. About 40 MB. The same dictionary is
 * loaded once a process and shared; free what was got. */
yh_status yh_segmenter_get(yh_segmenter **out, const char *dict, yh_err *err) YH_MUST_CHECK;
void yh_segmenter_free(yh_segmenter *s);

/* Appends the words of text[from, to), valid UTF-8; white space is left out unless `spaces` (then
 * chars 0). Linear time. */
yh_status yh_words_chinese(const yh_segmenter *s, yh_tokens *out, const char *text, size_t from,
                           size_t to, bool spaces, yh_err *err) YH_MUST_CHECK;

/* For tests: from memory, without a model of characters. */
yh_status yh_segmenter_parse(yh_segmenter **out, const char *dict, size_t n, const char *name,
                             yh_err *err) YH_MUST_CHECK;

#endif
