/* BPE over units that are characters (SentencePiece's kind, with a fallback to bytes), or bytes of
 * which the vocabulary lacks some. bpe.c is for the usual byte-level case and faster there. */
#ifndef YH_TEXT_UNITS_H
#define YH_TEXT_UNITS_H

#include "text/bpe.h"
#include "text/datrie.h"
#include "text/wordpiece.h"

/* ASCII characters, and U+2581, are near: whether words are cut between two is in a table. */
enum { YH_UNITS_NEAR = 129 };

typedef struct yh_units_pair {
    uint64_t key; /* left << 32 | right */
    uint32_t rank, id;
} yh_units_pair;

/* Immutable once yh_units_finish returned. Fields up to the gap are the caller's to set between
 * _init and _finish. */
typedef struct yh_units {
    const yh_bpe *v;
    bool bytes;            /* units are bytes */
    bool fuse_unk;         /* neighbouring unknown units are one token */
    bool ignore_merges;    /* a word that is a token is that token */
    uint32_t unk;          /* YH_NO_ID: unknown units vanish */
    bool fallback;         /* an unknown character is its bytes, where byte_id has all of them */
    uint32_t byte_id[256]; /* YH_NO_ID: no such token */
    char *prefix, *suffix; /* of units that are not a word's first; of its last. NULL: none */
    bool late_unk;         /* SentencePiece: unknown characters become unk, fused, or bytes only
                              behind the merges; the places of all bytes but the last are empty */
    yh_datrie frozen;      /* texts that are one unit and never merge; empty: none */

    uint32_t *char_id;   /* [0x10000] */
    uint32_t parts;      /* above all ids and numbers of characters */
    yh_units_pair *pair; /* hash, merged ones in order until finished */
    size_t pairs, n_pairs, pair_cap;
    uint64_t *joins;     /* bits of pairs of characters that stand together in a token */
    bool cuts;           /* words may be cut where no token reaches across */
    uint64_t (*mark)[2]; /* [parts] as yh_bpe_token's as_left and as_right */
    uint64_t apart[YH_UNITS_NEAR][3]; /* bits: a word may be cut between the two */
} yh_units;

void yh_units_init(yh_units *m, const yh_bpe *v);
void yh_units_fini(yh_units *m);
/* Two neighbours left, right become id; lower ranks first, of equal ones the leftmost place. The
 * last of equal pairs counts. */
yh_status yh_units_add(yh_units *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t id,
                       yh_err *err) YH_MUST_CHECK;
yh_status yh_units_finish(yh_units *m, yh_err *err) YH_MUST_CHECK;
/* Before the first yh_units_char and yh_units_finish. Then yh_units_char: id of a character that is
 * a token; with late_unk a number from v->size on for one that is only a part of tokens; else
 * YH_NO_ID. */
yh_status yh_units_index(yh_units *m, yh_err *err) YH_MUST_CHECK;
uint32_t yh_units_char(const yh_units *m, uint32_t cp);

/* Memory of one encoding thread. */
typedef struct yh_units_work {
    struct yh_units_seen *cache;
    uint32_t *sym, *len, *next, *prev, *rank;
    uint64_t *heap;
    size_t cap;
} yh_units_work;
void yh_units_work_fini(yh_units_work *w);
/* Tokens of one word into p, which is cleared first. t: valid UTF-8, or any bytes when m->bytes; n
 * below 4 GB. O(n log n). */
yh_status yh_units_word(const yh_units *m, yh_units_work *w, yh_places *p, const uint8_t *t,
                        size_t n, yh_err *err) YH_MUST_CHECK;
/* The same without places: the ids go to the end of *id, which grows. Only when m->cuts; words: its
 * cache is used. */
yh_status yh_units_text(const yh_units *m, yh_units_work *w, yh_bpe_work *words, yh_places *p,
                        const uint8_t *t, size_t n, uint32_t **id, size_t *n_ids, size_t *cap,
                        yh_err *err) YH_MUST_CHECK;

#endif
