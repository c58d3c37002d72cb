#include <limits.h>
#include <stdio.h>

#include "base/embed.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/recipe.h"

extern const yh_embedded yh_embedded_recipe[];

enum { FILE_LIMIT = 1 << 20, EXTENDS_DEPTH = 8, NAME_LIMIT = 200 };

static const yh_param read_params[] = {
    {"normalize", YH_PARAM_BOOL, "true",
     "one form for every text before the first step: NFC, line ends, no control characters", 0, 0},
    {"part_chars", YH_PARAM_NUMBER, "100000",
     "a longer document is divided into parts of about this many characters; 0: never", 0, 1e9},
    {"format", YH_PARAM_TEXT, "\"\"", "the format of all files; empty: told by name and content", 0,
     0},
    {"text", YH_PARAM_TEXT, "\"\"",
     "the field or column with the text; empty: text, content, body and so on", 0, 0},
    {"ratio_max", YH_PARAM_NUMBER, "128",
     "compressed data may grow to so many times their size (always to 64 MiB); reading stops there",
     1, 1e9},
    {"size_max", YH_PARAM_NUMBER, "1099511627776",
     "decompressed bytes of one file or entry; reading stops there", 1, 1e15},
    {NULL, 0, NULL, NULL, 0, 0},
};

const char *yh_recipe_builtin(const char *name, size_t *len)
{
    for (const yh_embedded *e = yh_embedded_recipe; e->name != NULL; e++)
        if (strcmp(e->name, name) == 0) {
            *len = e->size;
            return (const char *)e->data;
        }
    return NULL;
}

const char *yh_recipe_name(size_t i)
{
    const yh_embedded *e = yh_embedded_recipe;
    while (i > 0 && e->name != NULL) {
        e++;
        i--;
    }
    return e->name;
}

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for a recipe");
}

static const yh_param *params_of(const char *rule)
{
    const yh_rule *r = yh_rule_find(rule);
    const yh_stage *s = yh_stage_find(rule);
    return r != NULL ? r->params : s != NULL ? s->params : NULL;
}

static const char *rule_of(const json_t *step)
{
    return json_string_value(json_object_get(step, "rule"));
}

/* ------------------------------------------------------------------ reading a file */

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') != NULL || (n > 5 && strcmp(name + n - 5, ".json") == 0);
}

static yh_status unknown_recipe(const char *name, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (size_t i = 0; yh_recipe_name(i) != NULL && s == YH_OK; i++)
        s = yh_buf_addf(&b, err, "%s%s", i > 0 ? ", " : "", yh_recipe_name(i));
    if (s == YH_OK)
        s = yh_fail(err, YH_NOTFOUND,
                    "there is no recipe \"%.100s\"; there is: %s; a file's name ends in .json or "
                    "has a /",
                    name, b.len > 0 ? b.data : "none");
    yh_buf_fini(&b);
    return s;
}

/* *place: what stands for the recipe in messages; path, PATH_MAX bytes, holds it. */
static yh_status read_recipe(json_t **out, const char *name, const char *from, bool files,
                             char *path, yh_err *err)
{
    size_t len = 0;
    const char *text = is_path(name) ? NULL : yh_recipe_builtin(name, &len);
    *out = NULL;
    if (text != NULL) {
        snprintf(path, PATH_MAX, "recipe %s", name);
        return yh_json_parse_unique(out, text, len, path, err);
    }
    if (!is_path(name))
        return unknown_recipe(name, err);
    if (!files)
        return yh_fail(err, YH_INVALID, "%s: \"extends\" may only name a built-in recipe here",
                       from);
    const char *slash = from != NULL && name[0] != '/' ? strrchr(from, '/') : NULL;
    int k = slash != NULL ? snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - from), from, name)
                          : snprintf(path, PATH_MAX, "%s", name);
    if (k < 0 || k >= PATH_MAX)
        return yh_fail(err, YH_INVALID, "%.100s...: the name is too long", name);
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_file_read(path, FILE_LIMIT, &b, err);
    if (s == YH_OK)
        s = yh_json_parse_unique(out, b.data != NULL ? b.data : "", b.len, path, err);
    yh_buf_fini(&b);
    return s;
}

static yh_status check_keys(const json_t *o, const char *const *known, const char *place,
                            yh_err *err)
{
    const char *key;
    json_t *v;
    if (!json_is_object(o))
        return yh_fail(err, YH_CORRUPT, "%s: must be an object in braces", place);
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        int i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (known[i] == NULL)
            return yh_fail(err, YH_CORRUPT,
                           "%s: there is no key \"%.100s\"; there is: name, description, extends, "
                           "read, steps, set, without",
                           place, key);
    }
    return YH_OK;
}

static yh_status check_steps(const json_t *steps, const char *place, yh_err *err)
{
    if (steps != NULL && !json_is_array(steps))
        return yh_fail(err, YH_CORRUPT, "%s: \"steps\" must be a list", place);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *s = json_array_get(steps, i);
        const char *rule = rule_of(s);
        if (!json_is_object(s) || rule == NULL)
            return yh_fail(err, YH_CORRUPT, "%s: step %zu must be {\"rule\": NAME, ...}", place,
                           i + 1);
        if (yh_rule_find(rule) == NULL && yh_stage_find(rule) == NULL)
            return yh_fail(err, YH_CORRUPT,
                           "%s: step %zu: there is no rule \"%.100s\"; yh clean --rules lists them",
                           place, i + 1, rule);
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ extending */

static size_t find_step(const json_t *steps, const char *rule)
{
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (strcmp(rule_of(json_array_get(steps, i)), rule) == 0)
            return i;
    return SIZE_MAX;
}

/* "places" goes along with "steps": where each of them was written. */
static yh_status insert_step(json_t *full, size_t at, json_t *step, const char *place, size_t i,
                             yh_err *err)
{
    json_t *where = json_sprintf("%s: step %zu (%s)", place, i + 1, rule_of(step));
    if (where == NULL) /* a place that is no UTF-8 */
        where = json_sprintf("step %zu (%s)", i + 1, rule_of(step));
    bool ok = json_array_insert_new(json_object_get(full, "places"), at, where) == 0;
    ok = json_array_insert_new(json_object_get(full, "steps"), at, step) == 0 && ok;
    return ok ? YH_OK : no_memory(err);
}

static yh_status add_steps(json_t *full, const json_t *more, const char *place, yh_err *err)
{
    const json_t *steps = json_object_get(full, "steps");
    for (size_t i = 0; i < json_array_size(more); i++) {
        json_t *s = json_deep_copy(json_array_get(more, i));
        const char *before = json_string_value(json_object_get(s, "before"));
        const char *after = json_string_value(json_object_get(s, "after"));
        size_t at = json_array_size(steps);
        if (before != NULL || after != NULL) {
            at = find_step(steps, before != NULL ? before : after);
            if (at == SIZE_MAX) {
                yh_status st =
                    yh_fail(err, YH_CORRUPT, "%s: step %zu (%s): no step \"%.100s\" to stand %s",
                            place, i + 1, rule_of(s), before != NULL ? before : after,
                            before != NULL ? "before" : "after");
                json_decref(s);
                return st;
            }
            at += before == NULL;
        }
        if (s != NULL) {
            (void)json_object_del(s, "before");
            (void)json_object_del(s, "after");
        }
        if (s == NULL)
            return no_memory(err);
        YH_TRY(insert_step(full, at, s, place, i, err));
    }
    return YH_OK;
}

static yh_status drop_steps(json_t *full, const json_t *names, const char *place, yh_err *err)
{
    json_t *steps = json_object_get(full, "steps");
    if (names != NULL && !json_is_array(names))
        return yh_fail(err, YH_CORRUPT, "%s: \"without\" must be a list of names", place);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        size_t at = name != NULL ? find_step(steps, name) : SIZE_MAX;
        if (at == SIZE_MAX)
            return yh_fail(err, YH_CORRUPT, "%s: \"without\": there is no step \"%.100s\"", place,
                           name != NULL ? name : "(not a name)");
        for (; at != SIZE_MAX; at = find_step(steps, name)) {
            (void)json_array_remove(steps, at);
            (void)json_array_remove(json_object_get(full, "places"), at);
        }
    }
    return YH_OK;
}

/* Whether there is such a parameter, and may be that: else the complaint would name the step of
 * some other file. */
static yh_status check_value(const yh_param *table, const char *key, const char *parameter,
                             json_t *value, const char *place, yh_err *err)
{
    char where[PATH_MAX + NAME_LIMIT + 8];
    json_t *one = json_object(), *complete = NULL;
    snprintf(where, sizeof where, "%s: \"%s\"", place, key);
    yh_status s = json_object_set(one, parameter, value) == 0
                      ? yh_params_complete(&complete, one, table, where, err)
                      : no_memory(err);
    json_decref(one);
    json_decref(complete);
    return s;
}

/* Sets "rule.parameter" (takes the reference to value). */
static yh_status set_one(json_t *full, const char *key, json_t *value, const char *place,
                         yh_err *err)
{
    char rule[NAME_LIMIT];
    const char *dot = strrchr(key, '.');
    unsigned nth = 0, seen = 0;
    bool any = false;
    yh_status s = YH_OK;
    if (dot == NULL || dot == key || (size_t)(dot - key) >= sizeof rule || dot[1] == '\0') {
        s = yh_fail(err, YH_CORRUPT, "%s: \"%.100s\" must be rule.parameter", place, key);
        goto out;
    }
    memcpy(rule, key, (size_t)(dot - key));
    rule[dot - key] = '\0';
    char *mark = strchr(rule, '#');
    if (mark != NULL) {
        (void)sscanf(mark + 1, "%3u", &nth);
        *mark = '\0';
    }
    if (strcmp(rule, "read") == 0) {
        s = check_value(read_params, key, dot + 1, value, place, err);
        if (s == YH_OK && json_object_set(json_object_get(full, "read"), dot + 1, value) != 0)
            s = no_memory(err);
        goto out;
    }
    const json_t *steps = json_object_get(full, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        if (strcmp(rule_of(step), rule) != 0 || (++seen != nth && nth != 0))
            continue;
        any = true;
        if (json_object_set(step, dot + 1, value) != 0)
            s = no_memory(err);
    }
    if (!any)
        s = yh_fail(err, YH_CORRUPT, "%s: \"%.100s\": the recipe has no %sstep \"%s\"", place, key,
                    nth > 0 ? "such " : "", rule);
    else
        s = s == YH_OK ? check_value(params_of(rule), key, dot + 1, value, place, err) : s;
out:
    json_decref(value);
    return s;
}

static yh_status set_all(json_t *full, const json_t *set, const char *place, yh_err *err)
{
    const char *key;
    json_t *v;
    if (set != NULL && !json_is_object(set))
        return yh_fail(err, YH_CORRUPT, "%s: \"set\" must be an object", place);
    json_object_foreach((json_t *)(uintptr_t)set, key, v)
    {
        YH_TRY(set_one(full, key, json_incref(v), place, err));
    }
    return YH_OK;
}

static yh_status resolve(json_t **full, json_t *file, const char *place, bool files, int depth,
                         yh_err *err);

static yh_status start_from(json_t **full, const json_t *file, const char *place, bool files,
                            int depth, yh_err *err)
{
    const json_t *base = json_object_get(file, "extends");
    if (base == NULL) {
        *full = json_pack("{s:s,s:s,s:{},s:[],s:[]}", "name", "", "description", "", "read",
                          "steps", "places");
        return *full != NULL ? YH_OK : no_memory(err);
    }
    if (!json_is_string(base))
        return yh_fail(err, YH_CORRUPT, "%s: \"extends\" must be the name of a recipe", place);
    if (depth >= EXTENDS_DEPTH)
        return yh_fail(err, YH_LIMIT, "%s: \"extends\" goes deeper than %d recipes", place,
                       (int)EXTENDS_DEPTH);
    json_t *below = NULL;
    char path[PATH_MAX];
    yh_status s = read_recipe(&below, json_string_value(base), place, files, path, err);
    if (s == YH_OK)
        s = resolve(full, below, path, files, depth + 1, err);
    json_decref(below);
    return s;
}

/* Puts a recipe's file over what it extends. The depth is limited by EXTENDS_DEPTH. */
static yh_status resolve(json_t **full, json_t *file, const char *place, bool files, int depth,
                         yh_err *err)
{
    static const char *const known[] = {"name",  "description", "extends", "read",
                                        "steps", "set",         "without", NULL};
    *full = NULL;
    YH_TRY(check_keys(file, known, place, err));
    const json_t *steps = json_object_get(file, "steps"), *rd = json_object_get(file, "read");
    YH_TRY(check_steps(steps, place, err));
    if (rd != NULL && !json_is_object(rd))
        return yh_fail(err, YH_CORRUPT, "%s: \"read\" must be an object", place);
    YH_TRY(start_from(full, file, place, files, depth, err));
    for (int i = 0; i < 2; i++) {
        json_t *v = json_object_get(file, known[i]);
        if (v != NULL && !json_is_string(v))
            return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a string", place, known[i]);
        if (v != NULL && json_object_set(*full, known[i], v) != 0)
            return no_memory(err);
    }
    if (rd != NULL &&
        json_object_update(json_object_get(*full, "read"), (json_t *)(uintptr_t)rd) != 0)
        return no_memory(err);
    YH_TRY(drop_steps(*full, json_object_get(file, "without"), place, err));
    YH_TRY(add_steps(*full, steps, place, err));
    return set_all(*full, json_object_get(file, "set"), place, err);
}

/* ------------------------------------------------------------------ completing */

static yh_status check_languages(const json_t *list, const char *rule, const char *where,
                                 yh_err *err)
{
    bool ok = list == NULL || (json_is_array(list) && json_array_size(list) > 0);
    for (size_t i = 0; ok && i < json_array_size(list); i++)
        ok = json_is_string(json_array_get(list, i));
    if (!ok)
        return yh_fail(err, YH_CORRUPT,
                       "%s: \"languages\" must be a list of languages, like [\"en\", \"zh\"]",
                       where);
    if (list != NULL && yh_rule_find(rule) == NULL)
        return yh_fail(err, YH_CORRUPT,
                       "%s: a stage looks at all documents together; \"languages\" is for rules",
                       where);
    return YH_OK;
}

bool yh_recipe_speaks(const yh_recipe_step *s, const char *lang)
{
    if (s->languages == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(s->languages); i++) {
        const char *l = json_string_value(json_array_get(s->languages, i));
        size_t n = strlen(l);
        if (n > 0 && strncmp(lang, l, n) == 0 && (lang[n] == '\0' || lang[n] == '-'))
            return true;
    }
    return false;
}

static yh_status complete_step(yh_recipe *r, size_t i, json_t *all, yh_err *err)
{
    json_t *given = json_array_get(json_object_get(r->full, "steps"), i), *params = NULL;
    const char *name = rule_of(given), *where = json_string_value(json_array_get(r->places, i));
    yh_recipe_step *step = &r->step[r->n];
    const json_t *why = json_object_get(given, "why");
    if (why != NULL && !json_is_string(why))
        return yh_fail(err, YH_CORRUPT, "%s: \"why\" must be a string", where);
    json_t *languages = json_object_get(given, "languages");
    YH_TRY(check_languages(languages, name, where, err));
    YH_TRY(yh_params_complete(&params, given, params_of(name), where, err));
    json_t *full = json_pack("{s:s}", "rule", name);
    bool ok = full != NULL && json_object_update(full, params) == 0 &&
              (why == NULL || json_object_set(full, "why", (json_t *)(uintptr_t)why) == 0) &&
              (languages == NULL || json_object_set(full, "languages", languages) == 0);
    json_decref(params);
    if (!ok) {
        json_decref(full);
        return no_memory(err);
    }
    if (json_array_append_new(all, full) != 0)
        return no_memory(err);
    step->params = full;
    step->languages = json_object_get(full, "languages");
    step->name = rule_of(full);
    step->place = where;
    step->stage = yh_rule_find(name) == NULL ? yh_stage_find(name) : NULL;
    step->rule.rule = yh_rule_find(name);
    r->n++;
    return YH_OK;
}

/* Finds where reading ends and the stages stand. */
static yh_status lay_out(yh_recipe *r, yh_err *err)
{
    int first = -1, last = -1;
    r->whole = 0;
    for (int i = 0; i < r->n; i++)
        if (r->step[i].stage != NULL) {
            first = first < 0 ? i : first;
            last = i;
        }
    r->scan_end = first < 0 ? r->n : first;
    r->stage_end = first < 0 ? r->n : last + 1;
    bool known = false;
    for (int i = 0; i < r->n; i++) {
        known = known || strcmp(r->step[i].name, "language") == 0;
        if (r->step[i].languages != NULL && !known)
            return yh_fail(err, YH_CORRUPT,
                           "%s has \"languages\" but no step before it finds them out; put "
                           "{\"rule\": \"language\"} before it",
                           r->step[i].place);
        bool whole = r->step[i].stage == NULL && r->step[i].rule.rule->whole;
        if (whole && i >= r->scan_end)
            return yh_fail(err, YH_CORRUPT,
                           "%s looks at whole documents and must stand before the first stage "
                           "(%s); in a recipe that extends another, \"before\": \"%s\" puts it "
                           "there",
                           r->step[i].place, r->step[first].name, r->step[first].name);
        if (whole)
            r->whole = i + 1;
        if (i > first && i < last && first >= 0 && r->step[i].stage == NULL)
            return yh_fail(err, YH_CORRUPT,
                           "%s stands between stages; rules about one document come before the "
                           "first (%s) or behind the last (%s) of them",
                           r->step[i].place, r->step[first].name, r->step[last].name);
    }
    return YH_OK;
}

/* mojibake needs the control characters that the normal form drops. */
static yh_status check_order(const yh_recipe *r, yh_err *err)
{
    const char *before = r->normalize ? "\"read\": {\"normalize\": true}" : NULL;
    for (int i = 0; i < r->n; i++) {
        if (strcmp(r->step[i].name, "normalize") == 0 && before == NULL)
            before = "the rule normalize";
        if (strcmp(r->step[i].name, "mojibake") == 0 && before != NULL)
            return yh_fail(err, YH_CORRUPT,
                           "%s: %s comes before it and drops characters that the repair needs; "
                           "set \"read\": {\"normalize\": false} and put the rule normalize "
                           "behind mojibake",
                           r->step[i].place, before);
    }
    return YH_OK;
}

static yh_status complete(yh_recipe *r, const char *place, yh_err *err)
{
    char where[PATH_MAX + 100];
    size_t n = json_array_size(json_object_get(r->full, "steps"));
    if (n > YH_RECIPE_STEPS)
        return yh_fail(err, YH_LIMIT, "%s: has %zu steps, at most %d are possible", place, n,
                       (int)YH_RECIPE_STEPS);
    json_t *rd = NULL, *all = json_array();
    r->places = json_incref(json_object_get(r->full, "places"));
    (void)json_object_del(r->full, "places");
    if (all == NULL)
        return no_memory(err);
    yh_status s = YH_OK;
    for (size_t i = 0; i < n && s == YH_OK; i++)
        s = complete_step(r, i, all, err);
    if (json_object_set_new(r->full, "steps", all) != 0)
        s = no_memory(err);
    if (s != YH_OK)
        return s;
    snprintf(where, sizeof where, "%s: \"read\"", place);
    YH_TRY(yh_params_complete(&rd, json_object_get(r->full, "read"), read_params, where, err));
    r->normalize = yh_param_bool(rd, "normalize");
    r->part_chars = (size_t)yh_param_number(rd, "part_chars");
    r->read.ratio_max = (uint32_t)yh_param_number(rd, "ratio_max");
    r->read.size_max = (uint64_t)yh_param_number(rd, "size_max");
    if (r->part_chars > 0 && r->part_chars < 1000)
        s = yh_fail(err, YH_CORRUPT, "%s: \"part_chars\" must be 0 or at least 1000", where);
    if (json_object_set_new(r->full, "read", rd) != 0)
        return no_memory(err);
    const char *format = yh_param_text(rd, "format"), *text = yh_param_text(rd, "text");
    r->read.format = format[0] != '\0' ? format : NULL;
    r->read.text = text[0] != '\0' ? text : NULL;
    if (r->read.format != NULL && yh_reader_named(r->read.format) == NULL)
        s = yh_fail(err, YH_CORRUPT, "%s: there is no format \"%.100s\"", where, format);
    YH_TRY(s);
    YH_TRY(check_order(r, err));
    return lay_out(r, err);
}

static yh_status apply_settings(json_t *full, const char *const *set, size_t n, yh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        char key[NAME_LIMIT];
        const char *eq = strchr(set[i], '=');
        if (eq == NULL || (size_t)(eq - set[i]) >= sizeof key)
            return yh_fail(err, YH_INVALID, "--set %.100s: must be rule.parameter=value", set[i]);
        memcpy(key, set[i], (size_t)(eq - set[i]));
        key[eq - set[i]] = '\0';
        json_t *v = json_loads(eq + 1, JSON_DECODE_ANY, NULL);
        if (v == NULL)
            v = json_string(eq + 1);
        if (v == NULL)
            return yh_fail(err, YH_INVALID, "--set %s: the value is not UTF-8", key);
        YH_TRY(set_one(full, key, v, "--set", err));
    }
    return YH_OK;
}

static yh_status make(yh_recipe **out, json_t *file, const char *place, bool files,
                      const char *const *set, size_t n, yh_err *err)
{
    *out = NULL;
    yh_recipe *r = yh_calloc(1, sizeof *r);
    if (r == NULL)
        return no_memory(err);
    yh_status s = resolve(&r->full, file, place, files, 0, err);
    if (s == YH_OK)
        s = apply_settings(r->full, set, n, err);
    if (s == YH_OK)
        s = complete(r, place, err);
    if (s != YH_OK) {
        yh_recipe_free(r);
        return s;
    }
    *out = r;
    return YH_OK;
}

yh_status yh_recipe_load(yh_recipe **out, const char *name, const char *const *set, size_t n,
                         yh_err *err)
{
    json_t *file = NULL;
    char path[PATH_MAX];
    *out = NULL;
    YH_TRY(read_recipe(&file, name != NULL ? name : "default", NULL, true, path, err));
    yh_status s = make(out, file, path, true, set, n, err);
    json_decref(file);
    return s;
}

yh_status yh_recipe_parse(yh_recipe **out, const char *text, size_t len, const char *place,
                          yh_err *err)
{
    json_t *file = NULL;
    *out = NULL;
    YH_TRY(yh_json_parse_unique(&file, text, len, place, err));
    yh_status s = make(out, file, place, false, NULL, 0, err);
    json_decref(file);
    return s;
}

yh_status yh_recipe_prepare(yh_recipe *r, yh_err *err)
{
    for (int i = 0; i < r->n && !r->prepared; i++) {
        yh_recipe_step *s = &r->step[i];
        yh_err e = YH_ERR_INIT;
        if (s->stage != NULL || s->rule.params != NULL)
            continue;
        yh_status st = yh_rule_step_create(&s->rule, s->rule.rule, s->params, s->place, &e);
        if (st != YH_OK && strncmp(e.msg, s->place, strlen(s->place)) != 0) /* a list, a model */
            return yh_fail(err, st, "%s: %s", s->place, e.msg);
        if (st != YH_OK)
            return yh_fail(err, st, "%s", e.msg);
    }
    r->prepared = true;
    return YH_OK;
}

void yh_recipe_free(yh_recipe *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < r->n; i++)
        yh_rule_step_free(&r->step[i].rule);
    json_decref(r->places);
    json_decref(r->full);
    yh_free(r);
}

uint64_t yh_recipe_hash(const yh_recipe *r)
{
    uint64_t h = 0;
    static const char *const parts[] = {"read", "steps"};
    for (int i = 0; i < 2; i++) {
        char *t = json_dumps(json_object_get(r->full, parts[i]), JSON_COMPACT);
        if (t != NULL)
            h = yh_hash64(t, strlen(t), h);
        yh_json_text_free(t);
    }
    return h;
}

/* ------------------------------------------------------------------ files that it names */

bool yh_recipe_names_files(const char *parameter)
{
    static const char *const names[] = {"lists", "file", "model", "sets", "dictionary", "readings"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(parameter, names[i]) == 0)
            return true;
    return false;
}

static yh_status hash_named(const json_t *name, uint64_t *h, yh_err *err)
{
    const char *n = json_string_value(name);
    yh_file_list l = {0};
    if (n == NULL || n[0] == '\0' || (!yh_is_file(n) && !yh_is_dir(n)))
        return YH_OK;
    yh_status s = yh_file_list_add(&l, n, err);
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        yh_map m;
        s = yh_map_open(&m, l.path[i], err);
        if (s == YH_OK) {
            *h = yh_hash64(m.data, m.size, *h ^ m.size);
            yh_map_close(&m);
        }
    }
    yh_file_list_fini(&l);
    return s;
}

yh_status yh_recipe_files_hash(const yh_recipe *r, uint64_t *hash, yh_err *err)
{
    const char *key;
    json_t *v;
    *hash = 0;
    for (int i = 0; i < r->n; i++)
        json_object_foreach((json_t *)(uintptr_t)r->step[i].params, key, v)
        {
            if (!yh_recipe_names_files(key))
                continue;
            YH_TRY(hash_named(v, hash, err));
            for (size_t k = 0; k < json_array_size(v); k++)
                YH_TRY(hash_named(json_array_get(v, k), hash, err));
        }
    return YH_OK;
}
