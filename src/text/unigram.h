/* Unigram language model: the best path through the tokens that a word can be made of. */
#ifndef YH_TEXT_UNIGRAM_H
#define YH_TEXT_UNIGRAM_H

#include "text/bpe.h"
#include "text/dtrie.h"
#include "text/wordpiece.h"

/* Immutable once yh_unigram_finish returned. Fields up to the gap are the caller's to set. */
typedef struct yh_unigram {
    const yh_bpe *v;
    double *score;     /* [v->size] of each token */
    uint8_t *left_out; /* [v->size]: tokens that are on no path; NULL: none */
    uint32_t unk;      /* YH_NO_ID: a word with an unknown character is an error */
    double unk_score;
    bool fallback;         /* unknown characters become bytes */
    uint32_t byte_id[256]; /* YH_NO_ID: no such token */
    bool sentencepiece;           /* of a SentencePiece file; without it as Hugging Face: unknown texts
                              are looked up, and fused */

    yh_dtrie trie;
    bool spaced;   /* U+2581 is a token, and none has it behind another character */
    double widest; /* the largest size of a score */
} yh_unigram;

void yh_unigram_init(yh_unigram *m, const yh_bpe *v);
void yh_unigram_fini(yh_unigram *m);
/* Of tokens with equal text the last counts. */
yh_status yh_unigram_finish(yh_unigram *m, yh_err *err) YH_MUST_CHECK;

/* Memory of one encoding thread. */
typedef struct yh_unigram_work {
    struct yh_unigram_seen *cache;
    struct yh_unigram_node *node;
    size_t cap;
} yh_unigram_work;
void yh_unigram_work_fini(yh_unigram_work *w);
/* Tokens of one word, valid UTF-8 of less than 4 GB, into p, which is cleared first. Time: n times
 * the longest token, at most. */
yh_status yh_unigram_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_err *err) YH_MUST_CHECK;
/* The same without places, word by word: the ids go to the end of *id, which grows. Only when
 * m->sentencepiece and m->spaced. */
yh_status yh_unigram_text(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, uint32_t **id, size_t *n_ids, size_t *cap,
                          yh_err *err) YH_MUST_CHECK;

#endif
