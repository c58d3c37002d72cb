#include <math.h>
#include <stdio.h>

#include "data/engine_stats.h"
#include "data/recipe.h"

enum { NAMED = 1000, LINEAR = 50 };

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for statistics");
}

yh_status yh_stats_create(json_t **stats, yh_err *err)
{
    /* the order in which a person wants to read them */
    *stats =
        json_pack("{s:{s:i,s:i,s:{}},s:{s:i,s:{},s:[]},s:{s:i,s:{},s:[]},s:{s:i,s:{},s:[]},"
                  "s:{s:i,s:i,s:i,s:{}},s:{s:i,s:i,s:{}},s:{s:i,s:i,s:i},s:{},s:{},s:{}}",
                  "input", "files", 0, "bytes", 0, "by_type", "skipped", "count", 0, "by_kind",
                  "list", "problems", "count", 0, "by_kind", "list", "left_out", "count", 0,
                  "by_kind", "list", "documents", "in", 0, "kept", 0, "removed", 0,
                  "removed_by_reason", "lines_removed", "lines", 0, "bytes", 0, "by_reason", "text",
                  "bytes", 0, "characters", 0, "replaced", 0, "encodings", "sources", "steps");
    return *stats != NULL ? YH_OK : no_memory(err);
}

static json_t *child(json_t *o, const char *key)
{
    json_t *c = json_object_get(o, key);
    if (c == NULL && json_object_set_new(o, key, json_object()) == 0)
        c = json_object_get(o, key);
    return c;
}

static yh_status add(json_t *o, const char *key, uint64_t n, yh_err *err)
{
    json_t *v = json_object_get(o, key);
    if (o == NULL)
        return no_memory(err);
    if (v != NULL && json_is_integer(v))
        return json_integer_set(v, json_integer_value(v) + (json_int_t)n) == 0 ? YH_OK
                                                                               : no_memory(err);
    return json_object_set_new(o, key, json_integer((json_int_t)n)) == 0 ? YH_OK : no_memory(err);
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
    return add(o, key, n, err);
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

/* ------------------------------------------------------------------ counters */

void yh_tally_add_name(yh_tally_name *list, int *n, int cap, const char *name)
{
    int i = 0;
    while (i < *n && strcmp(list[i].name, name) != 0)
        i++;
    if (i == *n && *n == cap) { /* the last one stands for all others */
        i = cap - 1;
        snprintf(list[i].name, sizeof list[i].name, "others");
    } else if (i == *n) {
        snprintf(list[i].name, sizeof list[i].name, "%s", name);
        list[(*n)++].n = 0;
    }
    list[i].n++;
}

int yh_value_bin(double v)
{
    if (!(v >= 0))
        return 0;
    if (v <= 1)
        return 1 + (v < 1 ? (int)(v * LINEAR) : LINEAR - 1);
    double b = 1 + LINEAR + floor(log2(v) * 4);
    return b < YH_VALUE_BINS ? (int)b : YH_VALUE_BINS - 1;
}

double yh_value_bin_begin(int bin)
{
    if (bin <= 0)
        return -HUGE_VAL;
    return bin <= LINEAR ? (bin - 1) / (double)LINEAR : exp2((bin - 1 - LINEAR) / 4.0);
}

yh_status yh_tally_values(yh_tally *t, const yh_draft *d, yh_err *err)
{
    for (int i = 0; i < d->n_value; i++) {
        if (t->value == NULL)
            t->value = yh_calloc(YH_DRAFT_VALUES, sizeof *t->value);
        if (t->value == NULL)
            return no_memory(err);
        int k = 0;
        while (k < t->n_values && strcmp(t->value[k].name, d->value[i].name) != 0)
            k++;
        if (k == YH_DRAFT_VALUES)
            continue;
        if (k == t->n_values)
            t->value[t->n_values++].name = d->value[i].name;
        t->value[k].bin[yh_value_bin(d->value[i].value)]++;
    }
    return YH_OK;
}

static yh_status bins(json_t *o, const uint64_t *bin, int n, yh_err *err)
{
    for (int i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        if (bin[i] > 0)
            YH_TRY(add(o, key, bin[i], err));
    }
    return YH_OK;
}

static yh_status add_step(json_t *stats, const yh_tally *t, int k, const yh_recipe *r, yh_err *err)
{
    const yh_tally_step *s = &t->step[k];
    const char *name = r->step[k].name;
    char key[16];
    const struct {
        const char *name;
        uint64_t n;
    } part[] = {{"removed", s->removed},
                {"removed_bytes", s->removed_bytes},
                {"cut_documents", s->cut_docs},
                {"cuts", s->cuts},
                {"cut_lines", s->cut_lines},
                {"cut_bytes", s->cut_bytes},
                {"changed_documents", s->changed_docs},
                {"changes", s->changes}};
    if (s->removed + s->cuts + s->changed_docs == 0)
        return YH_OK;
    snprintf(key, sizeof key, "%d", k + 1);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (part[i].n > 0)
            YH_TRY(yh_stats_add(stats, part[i].n, "steps", key, part[i].name, err));
    if (s->removed > 0) {
        YH_TRY(yh_stats_add(stats, s->removed, "documents", "removed_by_reason", name, err));
        YH_TRY(yh_stats_add(json_object_get(stats, "sources"), s->removed, t->source, "removed",
                            name, err));
    }
    if (s->cuts > 0) {
        YH_TRY(yh_stats_add(stats, s->cut_lines, "lines_removed", "lines", NULL, err));
        YH_TRY(yh_stats_add(stats, s->cut_bytes, "lines_removed", "bytes", NULL, err));
        YH_TRY(yh_stats_add(stats, s->cut_lines, "lines_removed", "by_reason", name, err));
    }
    return YH_OK;
}

yh_status yh_stats_tally(json_t *stats, const yh_tally *t, const yh_recipe *r, yh_err *err)
{
    json_t *src = child(stats, "sources"), *dist;
    YH_TRY(yh_stats_add(stats, t->in, "documents", "in", NULL, err));
    YH_TRY(yh_stats_add(stats, t->kept, "documents", "kept", NULL, err));
    YH_TRY(yh_stats_add(stats, t->removed, "documents", "removed", NULL, err));
    YH_TRY(yh_stats_add(stats, t->kept_bytes, "text", "bytes", NULL, err));
    YH_TRY(yh_stats_add(stats, t->kept_chars, "text", "characters", NULL, err));
    YH_TRY(yh_stats_add(stats, t->replaced, "text", "replaced", NULL, err));
    for (int i = 0; i < t->n_encodings; i++)
        YH_TRY(yh_stats_add(stats, t->encoding[i].n, "encodings", t->encoding[i].name, NULL, err));
    YH_TRY(yh_stats_add(src, t->in, t->source, "documents_in", NULL, err));
    YH_TRY(yh_stats_add(src, t->kept, t->source, "documents", NULL, err));
    YH_TRY(yh_stats_add(src, t->kept_bytes, t->source, "bytes", NULL, err));
    YH_TRY(yh_stats_add(src, t->kept_chars, t->source, "characters", NULL, err));
    for (int i = 0; i < r->n; i++)
        YH_TRY(add_step(stats, t, i, r, err));
    if (t->kept == 0)
        return YH_OK;
    dist = child(stats, "distributions");
    YH_TRY(bins(dist != NULL ? child(dist, "length") : NULL, t->length, YH_LENGTH_BINS, err));
    for (int i = 0; i < t->n_langs; i++)
        YH_TRY(yh_stats_add(dist, t->lang[i].n, "language", t->lang[i].name, NULL, err));
    for (int i = 0; i < t->n_values; i++) {
        json_t *values = child(dist, "values");
        YH_TRY(bins(values != NULL ? child(values, t->value[i].name) : NULL, t->value[i].bin,
                    YH_VALUE_BINS, err));
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ examples */

static uint64_t hash_at(const json_t *list, size_t i)
{
    return (uint64_t)json_integer_value(json_object_get(json_array_get(list, i), "hash"));
}

bool yh_stats_wants(const json_t *stats, const char *step, uint64_t hash)
{
    const json_t *l = json_object_get(json_object_get(stats, "examples"), step);
    size_t n = json_array_size(l);
    return n < YH_EXAMPLES || (hash >> 1) < hash_at(l, n - 1);
}

yh_status yh_stats_example(json_t *stats, const char *step, uint64_t hash, json_t *record,
                           yh_err *err)
{
    json_t *all = child(stats, "examples");
    json_t *l = json_object_get(all, step);
    if (l == NULL && json_object_set_new(all, step, json_array()) == 0)
        l = json_object_get(all, step);
    if (l == NULL ||
        json_object_set_new(record, "hash", json_integer((json_int_t)(hash >> 1))) != 0) {
        json_decref(record);
        return no_memory(err);
    }
    size_t i = 0, n = json_array_size(l);
    while (i < n && hash_at(l, i) <= hash >> 1)
        i++;
    if (json_array_insert_new(l, i, record) != 0)
        return no_memory(err);
    if (n == YH_EXAMPLES)
        (void)json_array_remove(l, YH_EXAMPLES);
    return YH_OK;
}

/* ------------------------------------------------------------------ merging */

static yh_status merge_examples(json_t *stats, const json_t *more, yh_err *err)
{
    const char *step;
    json_t *list, *e;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)more, step, list)
    {
        json_array_foreach(list, i, e)
        {
            uint64_t h = hash_at(list, i) << 1;
            if (yh_stats_wants(stats, step, h))
                YH_TRY(yh_stats_example(stats, step, h, json_deep_copy(e), err));
        }
    }
    return YH_OK;
}

/* The depth is that of our own statistics. */
static yh_status merge(json_t *a, const json_t *b, yh_err *err)
{
    const char *key;
    json_t *v, *e;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)b, key, v)
    {
        json_t *o = json_object_get(a, key);
        if (o == NULL) {
            if (json_object_set_new(a, key, json_deep_copy(v)) != 0)
                return no_memory(err);
        } else if (json_is_integer(v)) {
            YH_TRY(add(a, key, (uint64_t)json_integer_value(v), err));
        } else if (json_is_object(v)) {
            YH_TRY(merge(o, v, err));
        } else if (json_is_array(v)) {
            json_array_foreach(v, i, e)
            {
                if (json_array_size(o) < NAMED && json_array_append(o, e) != 0)
                    return no_memory(err);
            }
        }
    }
    return YH_OK;
}

yh_status yh_stats_merge(json_t *stats, const json_t *more, yh_err *err)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)more);
    if (rest == NULL)
        return no_memory(err);
    yh_status s = merge_examples(stats, json_object_get(more, "examples"), err);
    (void)json_object_del(rest, "examples");
    if (s == YH_OK)
        s = merge(stats, rest, err);
    json_decref(rest);
    return s;
}
