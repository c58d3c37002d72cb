/* Lines, paragraphs, words and sentences of a document, found once and shared by the rules that
 * follow each other; dropped when the text changes. */
#ifndef YH_RULES_VIEW_H
#define YH_RULES_VIEW_H

#include "input/draft.h"
#include "rules/param.h"
#include "rules/segmenter.h"

/* What is a word. A rule's parameter "words" says it: */
typedef enum yh_word_kind {
    YH_WORDS_AUTO,    /* "auto": Chinese for Chinese documents, else English */
    YH_WORDS_ENGLISH, /* "english": yh_words_english */
    YH_WORDS_CHINESE, /* "chinese": yh_words_chinese */
    YH_WORDS_SPACE,   /* "space" */
    YH_WORDS_CHARS,   /* "characters" */
    YH_WORD_KINDS
} yh_word_kind;

typedef struct yh_word_rule {
    yh_word_kind kind;
    yh_segmenter *seg; /* of kinds that may need it; owned */
} yh_word_rule;

/* The parameters that a rule with words has; for its table. */
#define YH_WORD_PARAMS                                                                             \
    {"words",                                                                                      \
     YH_PARAM_TEXT,                                                                                \
     "\"auto\"",                                                                                   \
     "what a word is: auto (chinese or english by the document), english, chinese, space, "        \
     "characters",                                                                                 \
     0,                                                                                            \
     0},                                                                                           \
    {                                                                                              \
        "dictionary", YH_PARAM_TEXT, "\"\"",                                                       \
            "file of Chinese words with frequencies; empty: that of the package python3-jieba", 0, \
            0                                                                                      \
    }
yh_status yh_word_rule_create(yh_word_rule *w, const json_t *params, yh_err *err) YH_MUST_CHECK;
void yh_word_rule_fini(yh_word_rule *w);

/* All belong to the draft and live until its text changes. One thread a draft. */

/* Characters of the text. */
yh_status yh_view_chars(yh_draft *d, size_t *chars, yh_err *err) YH_MUST_CHECK;
/* Lines: what stands between \n, empty ones too: as many as there are \n, and one. */
yh_status yh_view_lines(yh_draft *d, const yh_tokens **lines, yh_err *err) YH_MUST_CHECK;
/* Lines as Python's str.splitlines divides them, without their ends. */
yh_status yh_view_splitlines(yh_draft *d, const yh_tokens **lines, yh_err *err) YH_MUST_CHECK;
/* Words in order, white space left out. */
yh_status yh_view_words(yh_draft *d, const yh_word_rule *w, const yh_tokens **words,
                        yh_err *err) YH_MUST_CHECK;
/* The kind that "auto" means for this document: by d->lang, else by the share of Han. */
yh_word_kind yh_view_kind(const yh_draft *d, const yh_word_rule *w);

/* Appends the words of text[from, to) by a kind that is not "auto". */
yh_status yh_words_of(const yh_word_rule *w, yh_word_kind kind, yh_tokens *out, const char *text,
                      size_t from, size_t to, yh_err *err) YH_MUST_CHECK;

/* Sentences of text[from, to): words up to one that is nothing but the end of a sentence, and the
 * punctuation behind it (spaCy's sentencizer). kind: of yh_view_kind. */
yh_status yh_view_sentences(const yh_word_rule *w, yh_word_kind kind, const char *text, size_t from,
                            size_t to, size_t *n, yh_err *err) YH_MUST_CHECK;

#endif
