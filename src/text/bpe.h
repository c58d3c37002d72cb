/* The byte-level BPE model: vocabulary, merges, and the encoding of one word. */
#ifndef YH_TEXT_BPE_H
#define YH_TEXT_BPE_H

#include "base/alloc.h"
#include "text/datrie.h"

#define YH_NO_ID      UINT32_MAX
#define YH_MAX_TOKENS (1u << 24) /* ids are below this */
#define YH_MAX_MERGES ((1u << 24) - 1)
#define YH_MAX_TOKEN  (1u << 20) /* bytes of one token */

/* With fewer ids the tag of a pair stands for that pair alone. */
#define YH_BPE_NARROW (1u << 20)

/* How BPE comes to a token, for encoding without merging (bpe_exact.c). */
typedef struct yh_bpe_token {
    uint32_t rank;        /* 1 + rank of the merge that makes it; 0: a byte; YH_NO_ID: none does */
    uint32_t left, right; /* what that merge joins */
    uint32_t prefix;      /* the longest token that begins it, or YH_NO_ID */
    /* yh_bpe_mark of the tokens that it has merges with, where it is the left or the right one:
     * nearly always enough to know that there is no merge of two tokens */
    uint64_t as_left, as_right;
} yh_bpe_token;

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
    uint64_t *pair; /* hash of pairs: tag << 24 | rank; all ones: empty */
    size_t pairs;
    unsigned pair_shift;
    bool narrow; /* fewer than YH_BPE_NARROW ids */
    uint32_t byte_id[256];
    uint32_t *byte_rank; /* [256*256]: rank of the merge of two bytes */
    bool ignore_merges;  /* a word that is a token is that token */
    /* The exact way; token NULL: these merges do not allow it. */
    yh_bpe_token *token; /* [size] */
    yh_datrie trie;      /* of the tokens that BPE can make */
    uint8_t *strange;    /* [merges] that need merging one by one; NULL: none does */
    uint8_t *tainted;    /* [size] tokens on whose way one is met */
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

/* 40 bits that stand for a pair of ids, well mixed. */
static inline uint64_t yh_bpe_tag(const yh_bpe *b, uint32_t left, uint32_t right)
{
    const uint64_t ones = ((uint64_t)1 << 40) - 1;
    uint64_t key = ((uint64_t)left << (b->narrow ? 20 : 32) | right) * 0x9E3779B97F4A7C15u;
    if (!b->narrow)
        return key >> 24;
    key &= ones; /* every step can be undone on 40 bits */
    key ^= key >> 21;
    return key * 0xD6E8FEB86659FD93u & ones;
}

/* Rank of the merge of two tokens, or UINT32_MAX. */
static inline uint32_t yh_bpe_rank(const yh_bpe *b, uint32_t left, uint32_t right)
{
    uint64_t tag = yh_bpe_tag(b, left, right);
    for (size_t i = (size_t)(tag >> b->pair_shift);; i = (i + 1) & (b->pairs - 1)) {
        uint64_t e = b->pair[i];
        uint32_t rank = (uint32_t)e & 0xFFFFFF;
        if (e >> 24 == tag && e != UINT64_MAX &&
            (b->narrow || (b->left[rank] == left && b->right[rank] == right)))
            return rank;
        if (e == UINT64_MAX)
            return UINT32_MAX;
    }
}

/* ---- the exact way (bpe_exact.c) ---- */

static inline unsigned yh_bpe_mark(uint32_t id)
{
    return id * 0x9E3779B1u >> 26;
}

/* Fills b->token and b->trie, or leaves them empty when these merges need merging one by one. */
yh_status yh_bpe_exact_build(yh_bpe *b, const char *name, yh_err *err) YH_MUST_CHECK;
void yh_bpe_exact_fini(yh_bpe *b);
/* The ids of one word, n > 0, in at most n * (longest chain of prefixes) steps. id: room for n.
 * dead: (n + 64) / 64 zeros, or NULL for n < 64. Only when b->token is there. 0: this word
 * needs merging. */
size_t yh_bpe_exact(const yh_bpe *b, const uint8_t *t, size_t n, uint32_t *id, uint64_t *dead);

/* ---- encoding words (bpe_word.c) ---- */

/* What a short word became: two to a line of the processor's cache. */
enum { YH_WORD_BITS = 15, YH_WORD_MAX = 16, YH_WORD_IDS = 3, YH_WORD_BUCKETS = 1 << YH_WORD_BITS };
typedef struct yh_bpe_slot {
    uint64_t lo, hi; /* the word's bytes, zeros behind */
    uint32_t id[YH_WORD_IDS];
    uint8_t len, n; /* len 0: empty */
    uint16_t unused;
} yh_bpe_slot;

/* Memory of one encoding thread. */
typedef struct yh_bpe_work {
    yh_bpe_slot *cache; /* [YH_WORD_BUCKETS][2] in cache_memory */
    void *cache_memory;
    uint32_t *id; /* ids of the last word */
    size_t id_cap;
    uint64_t *dead;
    size_t dead_cap;
    uint32_t *sym, *next, *prev, *rank;
    uint64_t *heap;
    size_t cap;
} yh_bpe_work;
void yh_bpe_work_fini(yh_bpe_work *w);
/* Makes the cache; called by the two below when it is missing. */
yh_status yh_bpe_work_init(yh_bpe_work *w, yh_err *err) YH_MUST_CHECK;
/* Encodes one word of any length in O(n), or O(n log n) by merging; *id, *n_ids stay valid until
 * the next call. */
yh_status yh_bpe_word(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                      const uint32_t **id, size_t *n_ids, yh_err *err) YH_MUST_CHECK;
/* The same without cache and exact way, merge by merge: what the others are tested against. */
yh_status yh_bpe_word_merging(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n,
                              const uint32_t **id, size_t *n_ids, yh_err *err) YH_MUST_CHECK;
/* Encodes a word that is not in the cache to id, which has room for n + YH_WORD_IDS ids; *n_ids is
 * their number. lo, hi: the bytes of a short word, which then goes into its bucket. */
yh_status yh_bpe_miss(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n, uint64_t lo,
                      uint64_t hi, uint32_t *id, size_t *n_ids, yh_err *err) YH_MUST_CHECK;

/* Remembers what a word of n bytes, at most YH_WORD_MAX, became, if that is short. */
void yh_bpe_keep(yh_bpe_work *w, uint64_t lo, uint64_t hi, size_t n, const uint32_t *id,
                 size_t n_ids);

static inline yh_bpe_slot *yh_bpe_bucket(const yh_bpe_work *w, uint64_t lo, uint64_t hi, size_t n)
{
    uint64_t h = (lo * 0x9E3779B97F4A7C15u) ^ ((hi + n) * 0xD6E8FEB86659FD93u);
    h *= 0xFF51AFD7ED558CCDu;
    return w->cache + (h >> (64 - YH_WORD_BITS)) * 2;
}

/* The bytes of a word p[0..len), len from 1 to YH_WORD_MAX, as two numbers; left: how many bytes
 * can be read at p. */
static inline void yh_bpe_load(const uint8_t *p, size_t len, size_t left, uint64_t *lo,
                               uint64_t *hi)
{
    uint64_t v[2] = {0, 0};
    if (left < YH_WORD_MAX) { /* the text ends here */
        memcpy(v, p, len);
        *lo = v[0];
        *hi = v[1];
        return;
    }
    memcpy(v, p, YH_WORD_MAX);
    /* two shifts, as one by 64 is none */
    unsigned l = len < 8 ? (unsigned)len : 8, h = (unsigned)len - l;
    *lo = v[0] & (UINT64_MAX >> (64 - 8 * l));
    *hi = v[1] & ~(UINT64_MAX << (4 * h) << (4 * h));
}

static inline bool yh_bpe_is(const yh_bpe_slot *s, uint64_t lo, uint64_t hi, size_t len)
{
    return s->lo == lo && s->hi == hi && s->len == len;
}

/* What is known of a word, or NULL. */
static inline yh_bpe_slot *yh_bpe_seen(const yh_bpe_work *w, uint64_t lo, uint64_t hi, size_t len)
{
    yh_bpe_slot *s = yh_bpe_bucket(w, lo, hi, len);
    if (!yh_bpe_is(s, lo, hi, len))
        s++;
    return yh_bpe_is(s, lo, hi, len) ? s : NULL;
}

#endif
