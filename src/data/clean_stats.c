#include "data/clean_parts.h"

enum { NAMED = 1000 };

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for statistics");
}

yh_status yh_stats_create(json_t **stats, yh_err *err)
{
    /* the order in which a person wants to read them */
    *stats = json_pack("{s:{s:i,s:i,s:{}},s:{s:i,s:{},s:[]},s:{s:i,s:{},s:[]},"
                       "s:{s:i,s:i,s:i,s:{}},s:{s:i,s:i,s:{}},s:{s:i,s:i,s:i},s:{},s:{}}",
                       "input", "files", 0, "bytes", 0, "by_type", "skipped", "count", 0, "by_kind",
                       "list", "problems", "count", 0, "by_kind", "list", "documents", "in", 0,
                       "kept", 0, "removed", 0, "removed_by_reason", "lines_removed", "lines", 0,
                       "bytes", 0, "by_reason", "text", "bytes", 0, "characters", 0, "replaced", 0,
                       "encodings", "sources");
    return *stats != NULL ? YH_OK : no_memory(err);
}

static json_t *child(json_t *o, const char *key)
{
    json_t *c = json_object_get(o, key);
    if (c == NULL && json_object_set_new(o, key, json_object()) == 0)
        c = json_object_get(o, key);
    return c;
}

yh_status yh_stats_add(json_t *stats, uint64_t n, const char *a, const char *b, const char *c,
                       yh_err *err)
{
    json_t *o = stats;
    const char *key = a;
    if (b != NULL) {
        o = child(o, a);
        key = b;
    }
    if (c != NULL && o != NULL) {
        o = child(o, b);
        key = c;
    }
    if (o == NULL)
        return no_memory(err);
    json_t *v = json_object_get(o, key);
    if (v != NULL && json_is_integer(v))
        return json_integer_set(v, json_integer_value(v) + (json_int_t)n) == 0 ? YH_OK
                                                                               : no_memory(err);
    return json_object_set_new(o, key, json_integer((json_int_t)n)) == 0 ? YH_OK : no_memory(err);
}

uint64_t yh_stats_get(const json_t *stats, const char *a, const char *b)
{
    return (uint64_t)json_integer_value(json_object_get(json_object_get(stats, a), b));
}

yh_status yh_stats_name(json_t *stats, const char *list, const char *kind, const char *file,
                        const char *place, const char *what, yh_err *err)
{
    YH_TRY(yh_stats_add(stats, 1, list, "count", NULL, err));
    YH_TRY(yh_stats_add(stats, 1, list, "by_kind", kind, err));
    json_t *l = json_object_get(json_object_get(stats, list), "list");
    if (json_array_size(l) >= NAMED)
        return YH_OK;
    json_t *e = place != NULL ? json_pack("{s:s%,s:s,s:s%}", "file", file, strlen(file), "place",
                                          place, "what", what, strlen(what))
                              : json_pack("{s:s%,s:s%}", "file", file, strlen(file), "what", what,
                                          strlen(what));
    if (e == NULL) /* a file name that is not UTF-8 */
        e = json_pack("{s:s,s:s}", "file", "(a name that is not UTF-8)", "what", kind);
    return json_array_append_new(l, e) == 0 ? YH_OK : no_memory(err);
}
