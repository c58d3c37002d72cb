/* A few words or strings, looked up exactly. */
#ifndef YH_RULES_WORD_SET_H
#define YH_RULES_WORD_SET_H

#include "base/json.h"

typedef struct yh_word_set {
    const char **text; /* borrowed from `list` */
    size_t *len;
    size_t n;
    uint32_t *slot; /* index + 1 */
    size_t mask;
    json_t *list; /* a reference of its own */
} yh_word_set;

/* list: an array of strings. Of equal ones the first counts. */
yh_status yh_word_set_create(yh_word_set *s, json_t *list, yh_err *err) YH_MUST_CHECK;
void yh_word_set_fini(yh_word_set *s);
int yh_word_set_find(const yh_word_set *s, const char *p, size_t n); /* -1: none */

#endif
