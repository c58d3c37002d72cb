/* JSON by jansson, with errors that name the file and the key. Depth is limited by jansson to 2048.
 * Objects returned as json_t * by _load are new references (json_decref); _get results are
 * borrowed. */
#ifndef YH_BASE_JSON_H
#define YH_BASE_JSON_H

#include <jansson.h>
#include "base/alloc.h"

/* For yh_allocator_set alone: jansson takes its memory from yh_malloc from now on. */
void yh__json_route(void);

yh_status yh_json_load(json_t **out, const char *path, size_t limit, yh_err *err) YH_MUST_CHECK;
/* `name` stands for the file in messages. */
yh_status yh_json_parse(json_t **out, const char *text, size_t n, const char *name,
                        yh_err *err) YH_MUST_CHECK;
/* The same for objects whose keys must be unique, and hold no zero byte. */
yh_status yh_json_parse_unique(json_t **out, const char *text, size_t n, const char *name,
                               yh_err *err) YH_MUST_CHECK;
yh_status yh_json_save(const json_t *j, const char *path, bool pretty,
                       yh_err *err) YH_MUST_CHECK; /* atomic */

/* json_dumps, whole or not at all; free with yh_json_text_free. */
yh_status yh_json_print(char **out, const json_t *j, size_t flags, yh_err *err) YH_MUST_CHECK;
/* The same with the fewest digits, from 15 on, that give all numbers back as they are. */
yh_status yh_json_print_exact(char **out, const json_t *j, size_t flags, yh_err *err) YH_MUST_CHECK;
/* Frees what json_dumps gave (its memory is jansson's, not always the C library's). */
void yh_json_text_free(char *text);

/* Typed getters with a range; a missing key takes dflt when has_default, else YH_CORRUPT. */
yh_status yh_json_int(const json_t *obj, const char *key, int64_t min, int64_t max,
                      bool has_default, int64_t dflt, const char *name, int64_t *out,
                      yh_err *err) YH_MUST_CHECK;
yh_status yh_json_num(const json_t *obj, const char *key, double min, double max, bool has_default,
                      double dflt, const char *name, double *out, yh_err *err) YH_MUST_CHECK;
yh_status yh_json_bool(const json_t *obj, const char *key, bool has_default, bool dflt,
                       const char *name, bool *out, yh_err *err) YH_MUST_CHECK;
/* *out borrowed from obj; NULL when missing and has_default */
yh_status yh_json_str(const json_t *obj, const char *key, bool has_default, const char *name,
                      const char **out, yh_err *err) YH_MUST_CHECK;

#endif
