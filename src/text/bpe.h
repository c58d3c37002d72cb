/* The byte-level BPE model: vocabulary, merges, and the encoding of one word. */
#ifndef YH_TEXT_BPE_H
#define YH_TEXT_BPE_H

#include "base/alloc.h"

#define YH_NO_ID      UINT32_MAX
#define YH_MAX_TOKENS (1u << 24) /* ids are below this */
#define YH_MAX_MERGES (1u << 24)
#define YH_MAX_TOKEN  (1u << 20) /* bytes of one token */

typedef struct yh_bpe_pair {
    uint64_t key; /* left << 32 | right; all ones: empty */
    uint32_t rank, id;
} yh_bpe_pair;

/* Immutable once yh_bpe_finish returned. */
typedef struct yh_bpe {
    uint32_t size;  /* ids are below this */
    uint32_t count; /* ids in use */
    char *blob;     /* bytes of all tokens */
    size_t blob_len, blob_cap;
    size_t *begin;   /* [size]: start in blob; SIZE_MAX: no such id */
    uint32_t *len;   /* [size] */
    bool *reachable; /* [size]: may come out of encoding (not an added token's text) */
    size_t begin_cap, len_cap, reachable_cap;
    size_t longest; /* most bytes that decoding one token may write, U+FFFD for invalid ones */
    uint32_t *slot; /* hash of bytes to id */
    size_t slots;
    uint32_t *left, *right, *merged; /* [merges] in order of rank */
    uint32_t merges;
    size_t left_cap, right_cap, merged_cap;
    yh_bpe_pair *pair; /* hash of pairs */
    size_t pairs;
    uint32_t byte_id[256];
    uint32_t *byte_rank; /* [256*256]: rank of the merge of two bytes */
    bool ignore_merges;  /* a word that is a token is that token */
} yh_bpe;

void yh_bpe_init(yh_bpe *b);
void yh_bpe_fini(yh_bpe *b);
/* Gives id these bytes. YH_CORRUPT when id is taken. */
yh_status yh_bpe_set(yh_bpe *b, uint32_t id, const char *bytes, size_t n, bool reachable,
                     const char *name, yh_err *err) YH_MUST_CHECK;
/* Builds the hash from bytes to id: after all yh_bpe_set, before yh_bpe_merge. */
yh_status yh_bpe_index(yh_bpe *b, const char *name, yh_err *err) YH_MUST_CHECK;
uint32_t yh_bpe_find(const yh_bpe *b, const char *bytes, size_t n);
/* Adds the merge of next rank; the id of the joined bytes is looked up. */
yh_status yh_bpe_merge(yh_bpe *b, uint32_t left, uint32_t right, const char *name,
                       yh_err *err) YH_MUST_CHECK;
yh_status yh_bpe_finish(yh_bpe *b, const char *name, yh_err *err) YH_MUST_CHECK;

/* GPT-2's printable alphabet: every byte has a character. Bytes in id order of the vocabularies
 * that are trained on it. */
extern const uint8_t yh_byte_order[256];
uint32_t yh_byte_char(uint8_t b);
/* Bytes of a token written in the alphabet; a token with any other character is its own UTF-8 (as
 * Hugging Face's ByteLevel decoder has it): *mapped tells which. */
yh_status yh_byte_text(const char *token, size_t n, yh_buf *out, bool *mapped,
                       yh_err *err) YH_MUST_CHECK;
/* The other way. */
yh_status yh_byte_token(const char *bytes, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

/* Memory of one encoding thread. */
typedef struct yh_bpe_work {
    struct yh_bpe_word *cache;
    uint32_t *id; /* ids of the last word */
    size_t n, id_cap;
    uint32_t *sym, *next, *prev, *rank;
    uint64_t *heap;
    size_t cap;
} yh_bpe_work;
void yh_bpe_work_fini(yh_bpe_work *w);
/* Encodes one word of any length in O(n log n); *id, *n_ids stay valid until the next call. */
yh_status yh_bpe_word(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                      const uint32_t **id, size_t *n_ids, yh_err *err) YH_MUST_CHECK;

#endif
