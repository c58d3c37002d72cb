/* Counting the different words of a corpus that may be larger than memory.
 *
 * Every thread counts into a small table of its own (yh_words_local), which is emptied into shards
 * by hash that all share. A shard that grows past its part of the memory is sorted and written to
 * the end of one file as a segment; at the end the segments and what is in memory are merged, so
 * the counts are exact whatever the memory. Counts are sums, so they do not depend on who counted.
 *
 * With a folder the file stays there and yh_words_save makes what was counted so far permanent; a
 * counter that is opened on the folder again goes on from there. */
#ifndef YH_TEXT_WORD_COUNT_H
#define YH_TEXT_WORD_COUNT_H

#include <jansson.h>

#include "base/alloc.h"

enum { YH_WORD_SHARDS = 64, YH_WORD_LONGEST = 65535 };

typedef struct yh_words yh_words;
typedef struct yh_words_local yh_words_local;

/* memory: bytes that the shards may take in all. folder: for the file of segments, or NULL for an
 * unnamed temporary file, made when it is needed. saved: what yh_words_save gave for this folder,
 * or NULL to start anew. threads: how many locals. */
yh_status yh_words_create(yh_words **out, size_t memory, const char *folder, const json_t *saved,
                          int threads, yh_err *err) YH_MUST_CHECK;
void yh_words_free(yh_words *w);
yh_words_local *yh_words_local_of(yh_words *w, int thread);

/* Counts t[0..n), 1 <= n <= YH_WORD_LONGEST, once. Many threads, each with its own local. */
yh_status yh_words_add(yh_words_local *l, const uint8_t *t, size_t n, yh_err *err) YH_MUST_CHECK;
/* Empties all locals into the shards. One thread, as all functions below. */
yh_status yh_words_settle(yh_words *w, yh_err *err) YH_MUST_CHECK;
/* Settles, writes all counts to the file, syncs it; *state describes it (new reference) and is
 * valid once the caller has stored it: a later save never changes what an earlier one described. */
yh_status yh_words_save(yh_words *w, json_t **state, yh_err *err) YH_MUST_CHECK;

/* Calls fn for every different word with its whole count, by the threads of pool; one shard is with
 * one thread at a time. Within a shard words come in the order of their hashes when sorted is true
 * or when segments were written, else in no order. last: memory of a shard is given back once it
 * was gone through (nothing can be counted afterwards). fn returns false to end (no memory). */
typedef bool (*yh_word_fn)(void *user, int shard, const uint8_t *t, size_t n, int64_t count);
yh_status yh_words_each(yh_words *w, yh_pool *pool, bool sorted, bool last, yh_word_fn fn,
                        void *user, yh_err *err) YH_MUST_CHECK;
/* Segments written so far, and their bytes. */
uint64_t yh_words_spilled(const yh_words *w, uint64_t *bytes);

#endif
