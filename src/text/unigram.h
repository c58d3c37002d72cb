/* Unigram language model: the best path through the tokens that a word can be made of. */
#ifndef YH_TEXT_UNIGRAM_H
#define YH_TEXT_UNIGRAM_H

#include "text/bpe.h"
#include "text/datrie.h"
#include "text/wordpiece.h"
#include "yh/tok.h"

/* Immutable once yh_unigram_finish returned. Fields up to the gap are the caller's to set. */
typedef struct yh_unigram {
    const yh_bpe *v;
    double *score; /* [v->size] of each token */
    uint32_t unk;  /* YH_NO_ID: a word with an unknown character is an error */
    double unk_score;
    bool fallback;         /* unknown characters become bytes */
    uint32_t byte_id[256]; /* YH_NO_ID: no such token */
    bool sentencepiece;    /* of a SentencePiece file; without it as Hugging Face: unknown texts
                       are looked up, and fused */

    yh_datrie trie;
    yh_datrie_node *first; /* [0x10000]: behind a character */
    size_t longest;        /* token, in bytes; at least 4 */
    bool by_bytes;         /* unknown characters become bytes and nothing else does: scores of bytes
                              are those of the characters that they begin */
    bool spaced;           /* U+2581 is a token, and none has it behind another character */
    double widest;         /* the largest size of a score */
} yh_unigram;

void yh_unigram_init(yh_unigram *m, const yh_bpe *v);
void yh_unigram_fini(yh_unigram *m);
/* Of tokens with equal text the last counts. */
yh_status yh_unigram_finish(yh_unigram *m, yh_err *err) YH_MUST_CHECK;

/* What a short text became: a line of the processor's cache. */
enum { YH_UNIGRAM_BITS = 14, YH_UNIGRAM_KEY = 16, YH_UNIGRAM_IDS = 11 };
typedef struct yh_unigram_slot {
    uint64_t lo, hi; /* the text's bytes, zeros behind */
    uint8_t len, n;  /* len 0: empty */
    uint32_t id[YH_UNIGRAM_IDS];
} yh_unigram_slot;

/* Memory of one encoding thread. */
typedef struct yh_unigram_work {
    yh_unigram_slot *cache; /* two by two, in cache_memory */
    void *cache_memory;
    struct yh_unigram_node *node;
    size_t cap, fresh, dirty; /* nodes; in use at all; touched by the last path */
} yh_unigram_work;
void yh_unigram_work_fini(yh_unigram_work *w);
/* Makes the cache. */
yh_status yh_unigram_work_init(yh_unigram_work *w, yh_err *err) YH_MUST_CHECK;

/* Tokens of one word, valid UTF-8 of less than 4 GB, into p, which is cleared first. Time: n times
 * the longest token, at most. */
yh_status yh_unigram_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_err *err) YH_MUST_CHECK;
/* The same without places: the ids go to the end of out, whose begin is NULL. *before: the
 * sum of the scores before this text; moves on. n: less than 4 GB. */
yh_status yh_unigram_ids(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                         size_t n, double *before, yh_ids *out, yh_err *err) YH_MUST_CHECK;
/* The same for a word of n > 0 bytes of a text of which `left` can be read; each begins at the sum
 * 0. */
yh_status yh_unigram_add_word(const yh_unigram *m, yh_unigram_work *w, yh_places *p,
                              const uint8_t *t, size_t n, size_t left, yh_ids *out,
                              yh_err *err) YH_MUST_CHECK;
yh_status yh_unigram_room(yh_ids *out, size_t n, yh_err *err) YH_MUST_CHECK;

/* For a word of at most YH_UNIGRAM_SURE bytes of a SentencePiece text: *sure: its ids were added,
 * they tell the scores, and they are the same behind every sum for which yh_unigram_trusted is
 * above 0: that tells how many more scores may be added to it. Otherwise nothing was added. Needs
 * m->spaced, which says that scores are finite. */
enum { YH_UNIGRAM_SURE = 64 };
#define YH_UNIGRAM_RESET 100000.0
yh_status yh_unigram_sure(const yh_unigram *m, yh_unigram_work *w, yh_places *p, const uint8_t *t,
                          size_t n, yh_ids *out, bool *sure, yh_err *err) YH_MUST_CHECK;
size_t yh_unigram_trusted(const yh_unigram *m, double before);

/* ---- the cache: texts of 1 to YH_UNIGRAM_KEY bytes, read by yh_bpe_load ---- */

static inline yh_unigram_slot *yh_unigram_bucket(const yh_unigram_work *w, uint64_t lo, uint64_t hi,
                                                 size_t n)
{
    uint64_t h = (lo * 0x9E3779B97F4A7C15u) ^ ((hi + n) * 0xD6E8FEB86659FD93u);
    h *= 0xFF51AFD7ED558CCDu;
    return w->cache + (h >> (64 - YH_UNIGRAM_BITS)) * 2;
}

static inline const yh_unigram_slot *yh_unigram_seen(const yh_unigram_work *w, uint64_t lo,
                                                     uint64_t hi, size_t len)
{
    const yh_unigram_slot *s = yh_unigram_bucket(w, lo, hi, len);
    if (s->lo == lo && s->hi == hi && s->len == len)
        return s;
    s++;
    return s->lo == lo && s->hi == hi && s->len == len ? s : NULL;
}

/* Remembers what a text became, if that is short. */
void yh_unigram_keep(yh_unigram_work *w, uint64_t lo, uint64_t hi, size_t len, const uint32_t *id,
                     size_t n);

#endif
