/* What rules that cut lines share: a weighted list, its hits in a line, cutting marked lines. */
#ifndef YH_RULES_LINE_RULES_H
#define YH_RULES_LINE_RULES_H

#include "input/draft.h"
#include "rules/line_scan.h"
#include "rules/list.h"
#include "rules/param.h"
#include "rules/patterns.h"

/* A list whose entries are patterns for folded lines (they are folded themselves when loaded), each
 * of a section and with a weight (the list's value; 1 when there is none). */
typedef struct yh_line_patterns {
    yh_han *han; /* NULL: built without; Traditional text is then compared as it is */
    yh_list list;
    yh_patterns *find;
    double *weight;
    char **folded;   /* of each entry */
    int8_t *section; /* of each entry: index of its section; -1: none of those asked for */
} yh_line_patterns;

enum { YH_LINE_SECTIONS = 4 };

/* `name`: a list; more: the recipe's list of further ones (names, or paths), may be NULL; sections:
 * the ones to look for, at most YH_LINE_SECTIONS, the rest NULL. */
yh_status yh_line_patterns_load(yh_line_patterns *p, const char *name, const json_t *more,
                                const char *const sections[YH_LINE_SECTIONS],
                                yh_err *err) YH_MUST_CHECK;
void yh_line_patterns_fini(yh_line_patterns *p);

/* The hits of one section in a line. */
typedef struct yh_line_hits {
    double score;     /* weights of the different patterns, longest where they overlap */
    size_t covered;   /* characters under patterns */
    size_t n;         /* patterns */
    double strongest; /* greatest weight */
    uint32_t pattern; /* the entry with it */
    bool at_start;    /* the one with the greatest weight begins the line */
} yh_line_hits;
/* The hits of each section, in one pass. */
void yh_line_patterns_match(const yh_line_patterns *p, const char *folded, size_t n,
                            yh_line_hits hits[YH_LINE_SECTIONS]);

/* Cuts the lines whose evidence is not NULL (n of them; adjacent ones with the same evidence
 * pointer in one stretch); score may be NULL. */
yh_status yh_lines_cut(yh_draft *d, int step, const yh_lines *l, const char *const *evidence,
                       const double *score, yh_err *err) YH_MUST_CHECK;

#endif
