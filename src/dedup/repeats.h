/* Repeated stretches, exactly and out of core. Of every window of N symbols (bytes or characters)
 * that occurs more than once, the first occurrence in the order of yh_stage_prefers stays and the
 * others are cut: what a suffix array over all documents would give.
 *
 * Every window has an anchor: the leftmost of its k-grams with the least hash (winnowing:
 * Schleimer, Wilkerson, Aiken 2003). Equal windows have equal anchors at the same place, so only
 * anchors are sorted, about 2 of N - k + 2 positions. Anchors whose whole context (all windows
 * that they can be the anchor of) is equal are copies of each other; only where the same anchor
 * stands in different contexts are windows compared one by one. A window has one anchor, so there
 * is at most one record a symbol, whatever the text.
 *
 * Equality is that of 125 bits of hashes. */
#ifndef YH_DEDUP_REPEATS_H
#define YH_DEDUP_REPEATS_H

#include "dedup/spans.h"

enum { YH_REPEAT_MIN = 8, YH_REPEAT_MAX = 10000 };

typedef struct yh_repeats {
    size_t window, gram; /* N and k */
    bool characters;     /* symbols: else bytes */
    bool keep_first;     /* else no copy stays */
    yh_scope scope;      /* windows of different scopes are different */
} yh_repeats;

/* A document as symbols; reused from document to document. */
typedef struct yh_symbols {
    uint32_t *s;
    size_t n, cap;
} yh_symbols;
yh_status yh_symbols_make(yh_symbols *y, const yh_repeats *o, const yh_stored *d,
                          yh_err *err) YH_MUST_CHECK;

/* The windows of one document in order, each with its anchor. */
typedef struct yh_windows {
    const uint32_t *s;
    size_t n, window, gram;
    uint64_t *hash; /* ring: k-grams that may still become an anchor, hashes ascending */
    size_t *place;
    size_t mask, head, tail;
    uint64_t roll, power, full, full_power; /* of the k-gram, of the window */
    size_t next;                            /* k-gram to be added */
    /* out */
    size_t at;     /* of the window */
    size_t anchor; /* of the k-gram */
    uint64_t anchor_hash, window_hash;
} yh_windows;
yh_status yh_windows_init(yh_windows *w, const yh_repeats *o, yh_err *err) YH_MUST_CHECK;
void yh_windows_fini(yh_windows *w);
void yh_windows_start(yh_windows *w, const yh_symbols *y);
bool yh_windows_next(yh_windows *w); /* false: no more */

/* Finds the stretches: records of REPEAT_RECORD bytes by document: document, first symbol, symbols,
 * a document that has the same; 32 bits each, big-endian, in order and disjoint. */
enum { YH_REPEAT_RECORD = 16 };
yh_status yh_repeats_find(yh_by_doc **out, const yh_repeats *o, yh_stage_run *x,
                          yh_err *err) YH_MUST_CHECK;

#endif
