/* What word_count.c and word_spill.c share. Private to them. */
#ifndef YH_TEXT_WORD_PARTS_H
#define YH_TEXT_WORD_PARTS_H

#include <pthread.h>

#include "base/hash.h"
#include "text/word_count.h"

typedef struct yh_word_slot {
    uint64_t hash;
    int64_t count; /* 0: empty */
    uint32_t at;   /* bytes in the shard's blob */
    uint32_t len;
} yh_word_slot;

typedef struct yh_word_shard {
    pthread_mutex_t lock;
    yh_word_slot *slot;
    size_t slots, n;
    uint8_t *blob;
    size_t len, cap;
} yh_word_shard;

/* A sorted part of one shard in the file. */
typedef struct yh_word_segment {
    uint64_t begin, bytes, words;
    uint32_t shard;
} yh_word_segment;

struct yh_words {
    yh_word_shard shard[YH_WORD_SHARDS];
    size_t shard_memory;
    yh_words_local *local;
    int locals;
    /* the file */
    pthread_mutex_t file_lock;
    char *path; /* NULL: unnamed */
    int fd;
    uint64_t end;
    yh_word_segment *segment;
    size_t segments, segment_cap;
};

static inline uint64_t yh_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint32_t yh_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Decides the order of words in files: part of their format. Most words are short. */
static inline uint64_t yh_word_hash(const uint8_t *p, size_t n)
{
    uint64_t a, b = 0;
    if (n > 16)
        return yh_hash64(p, n, 0);
    if (n >= 8) {
        a = yh_load64(p);
        b = yh_load64(p + n - 8);
    } else if (n >= 4) {
        a = yh_load32(p);
        b = yh_load32(p + n - 4);
    } else {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[n >> 1] << 8 | p[n - 1];
    }
    __uint128_t m =
        (__uint128_t)(a ^ 0xA0761D6478BD642Fu ^ n) * (__uint128_t)(b ^ 0xE7037ED1A0B428DBu);
    uint64_t h = ((uint64_t)m ^ (uint64_t)(m >> 64)) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

static inline int yh_word_shard_of(uint64_t hash)
{
    return (int)(hash >> 58);
}

/* word_count.c: nothing is counted any more. */
void yh_words_drop_locals(yh_words *w);

/* word_spill.c: brings the shard's words to the front of slot, sorted by hash, then bytes. */
void yh_word_shard_sort(yh_word_shard *s);
void yh_word_shard_clear(yh_word_shard *s);
/* Sorts, writes a segment, empties the shard, whose lock the caller holds. */
yh_status yh_word_shard_spill(yh_words *w, int shard, yh_err *err) YH_MUST_CHECK;

#endif
