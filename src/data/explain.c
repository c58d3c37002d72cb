/* yh_corpus_explain: the way of one document, from recipe.json, the removed files and its record.
 */
#include <limits.h>
#include <stdio.h>

#include "base/json.h"
#include "data/lines.h"
#include "data/record.h"
#include "yh/corpus.h"

enum { RECIPE_LIMIT = 4 << 20 };

/* Collects the records of this id from one row of files. */
static yh_status collect(const char *corpus, const char *what, const yh_buf *needle, json_t *found,
                         yh_err *err)
{
    yh_lines *l;
    const char *p, *path;
    size_t n;
    bool more = true;
    uint64_t line;
    YH_TRY(yh_lines_open(&l, corpus, what, err));
    yh_status s;
    while ((s = yh_lines_next(l, &p, &n, &more, err)) == YH_OK && more) {
        if (memmem(p, n, needle->data, needle->len) == NULL)
            continue;
        char name[PATH_MAX + 32];
        json_t *j = NULL;
        path = yh_lines_place(l, NULL, &line);
        snprintf(name, sizeof name, "%s line %llu", path, (unsigned long long)line);
        s = yh_json_parse(&j, p, n, name, err);
        if (s != YH_OK)
            break;
        bool ok = json_object_set_new(j, "file", json_string(yh_path_base(path))) == 0 &&
                  json_object_set_new(j, "line", json_integer((json_int_t)line)) == 0 &&
                  json_array_append(found, j) == 0;
        json_decref(j);
        if (!ok) {
            s = yh_fail(err, YH_NOMEM, "%s: no memory", corpus);
            break;
        }
    }
    yh_lines_close(l);
    return s;
}

static int step_of(const json_t *j)
{
    return (int)json_integer_value(json_object_get(j, "step"));
}

/* What the removed files and the record say about one step. */
static yh_status explain_step(json_t *out, int step, const json_t *gone, const json_t *edits,
                              bool *removed, yh_err *err)
{
    size_t i;
    json_t *g, *cuts = json_array(), *list = json_array();
    const char *did = *removed ? "not reached" : "nothing";
    json_t *changes = NULL, *whole = NULL;
    bool ok = cuts != NULL && list != NULL;
    json_array_foreach(gone, i, g)
    {
        const char *what = json_string_value(json_object_get(g, "what"));
        if (step_of(g) != step || what == NULL)
            continue;
        if (strcmp(what, "document") == 0)
            whole = g;
        else
            ok = ok && json_array_append(cuts, g) == 0;
    }
    json_array_foreach(edits, i, g)
    {
        if (step_of(g) == step && json_object_get(g, "changes") != NULL)
            changes = g;
    }
    if (json_array_size(cuts) > 0)
        did = "cut";
    if (changes != NULL) {
        did = "changed";
        ok = ok && json_object_update(out, changes) == 0;
    }
    if (whole != NULL) {
        static const char *const keys[] = {"score", "evidence"};
        did = "removed";
        *removed = true;
        for (int k = 0; k < 2; k++)
            if (json_object_get(whole, keys[k]) != NULL)
                ok = ok && json_object_set(out, keys[k], json_object_get(whole, keys[k])) == 0;
    }
    if (json_array_size(cuts) > 0)
        ok = ok && json_object_set(out, "cuts", cuts) == 0;
    ok = ok && json_object_set_new(out, "did", json_string(did)) == 0;
    json_decref(cuts);
    json_decref(list);
    return ok ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
}

static yh_status explain(const char *corpus, const char *id, const json_t *kept, const json_t *gone,
                         json_t *out, yh_err *err)
{
    size_t i;
    json_t *step, *recipe = NULL, *steps = json_array();
    const json_t *first = json_array_get(json_array_size(kept) > 0 ? kept : gone, 0);
    const json_t *edits =
        json_object_get(json_object_get(json_array_get(kept, 0), "meta"), "edits");
    bool removed = false;
    char *path = yh_path_join(corpus, "recipe.json");
    yh_status s = path != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
    if (s == YH_OK && yh_is_file(path)) /* a mix has none */
        s = yh_json_load(&recipe, path, RECIPE_LIMIT, err);
    yh_free(path);
    if (first == NULL && s == YH_OK)
        s = yh_fail(err, YH_NOTFOUND,
                    "%s: there is no document \"%.200s\", kept or removed; ids are written in "
                    "part-* and removed-*",
                    corpus, id);
    json_array_foreach(json_object_get(recipe, "steps"), i, step)
    {
        if (s != YH_OK)
            break;
        json_t *o =
            json_pack("{s:i,s:O}", "step", (int)i + 1, "rule", json_object_get(step, "rule"));
        s = explain_step(o, (int)i + 1, gone, edits, &removed, err);
        if (json_array_append_new(steps, o) != 0 && s == YH_OK)
            s = yh_fail(err, YH_NOMEM, "no memory");
    }
    bool ok =
        s != YH_OK ||
        (json_object_set_new(out, "id", json_string(id)) == 0 &&
         json_object_set(out, "source", json_object_get(first, "source")) == 0 &&
         (recipe == NULL || json_object_set(out, "recipe", json_object_get(recipe, "name")) == 0) &&
         json_object_set(out, "steps", steps) == 0 &&
         (json_array_size(kept) == 0 ||
          json_object_set(out, "kept", json_array_get(kept, 0)) == 0));
    size_t n = json_array_size(gone);
    for (i = 0; i < n && s == YH_OK; i++) {
        const char *what = json_string_value(json_object_get(json_array_get(gone, i), "what"));
        if (what != NULL && strcmp(what, "document") == 0)
            ok = ok && json_object_set(out, "removed", json_array_get(gone, i)) == 0;
    }
    json_decref(recipe);
    json_decref(steps);
    return s != YH_OK ? s : ok ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
}

yh_status yh_corpus_explain(const char *corpus, const char *id, char **json, yh_err *err)
{
    yh_buf needle;
    json_t *kept = json_array(), *gone = json_array(), *out = json_object();
    *json = NULL;
    yh_buf_init(&needle, 0);
    yh_status s = kept != NULL && gone != NULL && out != NULL ? yh_buf_adds(&needle, "\"id\":", err)
                                                              : yh_fail(err, YH_NOMEM, "no memory");
    if (s == YH_OK)
        s = yh_record_string(&needle, id, strlen(id), err);
    if (s == YH_OK)
        s = yh_buf_adds(&needle, ",\"source\":", err); /* as records go on: not within a text */
    if (s == YH_OK)
        s = collect(corpus, "part", &needle, kept, err);
    if (s == YH_OK)
        s = collect(corpus, "removed", &needle, gone, err);
    if (s == YH_OK)
        s = explain(corpus, id, kept, gone, out, err);
    if (s == YH_OK) {
        char *t = NULL;
        s = yh_json_print(&t, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6), err);
        *json = s == YH_OK ? yh_strdup(t) : NULL;
        if (s == YH_OK && *json == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory");
        if (t != NULL)
            yh_json_text_free(t);
    }
    yh_buf_fini(&needle);
    json_decref(kept);
    json_decref(gone);
    json_decref(out);
    return s;
}
