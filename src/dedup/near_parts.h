/* The parts of near-duplicate search: shingles, the table of candidates, comparing them. */
#ifndef YH_DEDUP_NEAR_PARTS_H
#define YH_DEDUP_NEAR_PARTS_H

#include "rules/fold.h"
#include "dedup/near.h"

/* Replaces the tokens of the stretch by its shingles' hashes (fewer tokens than one shingle needs:
 * one shingle of all of them); t->n of them, in the text's order, 0 if it is too short to be
 * compared. */
yh_status yh_near_shingles(const yh_near_options *o, const char *text, size_t n, yh_fold_tokens *t,
                           yh_err *err) YH_MUST_CHECK;

/* A candidate: what is needed to compare it and to decide about it. */
typedef struct yh_near_entry {
    uint64_t ordinal, at, len; /* the stretch */
    uint64_t offset;           /* of its sorted shingles in the file of sets */
    uint64_t n;                /* shingles */
    yh_stage_rank rank;
    uint32_t number; /* of the stretch in its document */
    uint32_t whole;
} yh_near_entry;

typedef struct yh_near_table {
    uint64_t *id; /* document and stretch of each candidate, ascending */
    uint64_t n;
    int entries, sets; /* temporary files */
    const char *dir;   /* borrowed */
} yh_near_table;

static inline uint64_t yh_near_id(uint64_t ordinal, uint32_t number)
{
    return ordinal << 32 | number;
}

/* candidates: ids as records of 8 bytes. Reads their documents once more. */
yh_status yh_near_table_create(yh_near_table *t, const yh_near_options *o,
                               const yh_by_doc *candidates, yh_stage_run *x,
                               yh_err *err) YH_MUST_CHECK;
void yh_near_table_fini(yh_near_table *t);
yh_status yh_near_entry_read(const yh_near_table *t, uint32_t i, yh_near_entry *e,
                             yh_err *err) YH_MUST_CHECK;
uint32_t yh_near_find(const yh_near_table *t, uint64_t id); /* it must be there */

/* Pairs of candidates and their similarity. */
typedef struct yh_near_pair {
    uint32_t a, b;
    double similarity; /* out; may be less than the true one if that is below `least` */
} yh_near_pair;
yh_status yh_near_compare(const yh_near_table *t, yh_near_pair *p, size_t n, double least,
                          yh_pool *pool, yh_err *err) YH_MUST_CHECK;

#endif
