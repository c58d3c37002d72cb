/* WordPiece (the longest token first, again and again) and WordLevel (a word is a token or
 * unknown).
 */
#ifndef YH_TEXT_WORDPIECE_H
#define YH_TEXT_WORDPIECE_H

#include "text/bpe.h"
#include "text/datrie.h"

/* Immutable. */
typedef struct yh_wordpiece {
    yh_datrie trie;
    uint32_t inner;   /* node behind the continuing prefix; YH_DATRIE_NONE: no token begins so */
    uint32_t unk;     /* YH_NO_ID: WordLevel without one, which drops unknown words */
    size_t max_chars; /* longer words are unknown */
    bool whole;       /* WordLevel */
} yh_wordpiece;

/* The vocabulary is that of v. */
yh_status yh_wordpiece_init(yh_wordpiece *m, const yh_bpe *v, const char *prefix, uint32_t unk,
                            size_t max_chars, bool whole, yh_err *err) YH_MUST_CHECK;
void yh_wordpiece_fini(yh_wordpiece *m);

/* Memory of one encoding thread: the tokens of the last word. */
typedef struct yh_places {
    uint32_t *id, *begin, *end;
    size_t n, cap;
} yh_places;
yh_status yh_places_add(yh_places *p, uint32_t id, size_t begin, size_t end,
                        yh_err *err) YH_MUST_CHECK;
void yh_places_fini(yh_places *p);

/* Tokens of one word, valid UTF-8 of less than 4 GB, into p, which is cleared first. */
yh_status yh_wordpiece_word(const yh_wordpiece *m, yh_places *p, const uint8_t *t, size_t n,
                            yh_err *err) YH_MUST_CHECK;

#endif
