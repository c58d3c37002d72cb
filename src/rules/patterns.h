/* Many fixed strings sought in one pass over a text (Aho and Corasick, "Efficient string matching:
 * an aid to bibliographic search", CACM 18(6), 1975), over bytes. Time is linear in the text plus
 * the occurrences reported. */
#ifndef YH_RULES_PATTERNS_H
#define YH_RULES_PATTERNS_H

#include "base/alloc.h"

/* Immutable; any number of threads at once. */
typedef struct yh_patterns yh_patterns;

enum {
    YH_PATTERNS_FOLD = 1 /* ASCII letters match in either case; other scripts as they are */
};

/* pattern[i] has len[i] bytes (len NULL: NUL-terminated). Empty ones never match; of equal ones
 * the first is reported. The strings are not kept. At most 2^31 bytes together. */
yh_status yh_patterns_create(yh_patterns **out, const char *const *pattern, const size_t *len,
                             size_t n, unsigned flags, yh_err *err) YH_MUST_CHECK;
void yh_patterns_free(yh_patterns *p);

/* Bytes [at, at+len) of the text are pattern number `pattern`. */
typedef struct yh_match {
    size_t at, len;
    uint32_t pattern;
} yh_match;

/* Called for every occurrence, overlapping ones too, by where they end and then the longest first.
 * Returns false to end the search. */
typedef bool (*yh_match_fn)(void *ctx, const yh_match *m);
void yh_patterns_scan(const yh_patterns *p, const char *text, size_t n, yh_match_fn fn, void *ctx);

/* Whether there is any, the first one (by its end) into *m, which may be NULL. */
bool yh_patterns_find(const yh_patterns *p, const char *text, size_t n, yh_match *m);

#endif
