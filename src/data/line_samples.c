/* Lines to learn from. */
#include "data/line_samples.h"

#include <limits.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "data/lines.h"

enum { TEXT_MAX = 1 << 30 };

void yh_labelled_lines_fini(yh_labelled_lines *l)
{
    yh_free(l->line);
    yh_buf_fini(&l->text);
    *l = (yh_labelled_lines){0};
}

static bool is_blank(const char *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)t[i] > ' ')
            return false;
    return true;
}

static yh_status add(yh_labelled_lines *l, const char *path, const char *t, size_t n,
                     yh_labelled_line as, yh_err *err)
{
    if (is_blank(t, n))
        return YH_OK;
    if (n > TEXT_MAX - l->text.len)
        return yh_fail(err, YH_LIMIT,
                       "%s: more than 1 GB of lines to learn from; clean a part of the files",
                       path);
    yh_labelled_line *grown = yh_grow(l->line, &l->cap, l->n + 1, sizeof *grown);
    if (grown == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for its lines", path);
    l->line = grown;
    as.at = l->text.len;
    as.len = n;
    YH_TRY(yh_buf_add(&l->text, t, n, err));
    l->line[l->n++] = as;
    return YH_OK;
}

static yh_status add_all(yh_labelled_lines *l, const char *path, const char *t, size_t n,
                         yh_labelled_line as, yh_err *err)
{
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(t + at, '\n', n - at);
        size_t end = nl != NULL ? (size_t)(nl - t) : n;
        YH_TRY(add(l, path, t + at, end - at, as, err));
        at = end + 1;
    }
    return YH_OK;
}

/* A record of a corpus's parts, or of what was removed. */
static yh_status corpus_record(yh_labelled_lines *l, const char *path, const char *name,
                               const json_t *r, bool removed, yh_err *err)
{
    static const char *const by[] = {"boilerplate_lines", "spam_lines", "site_lines", "line_model"};
    const json_t *t = json_object_get(r, "text");
    const char *id, *rule, *what;
    yh_labelled_line as = {.place = -1, .boilerplate = removed};
    if (!json_is_string(t))
        return yh_fail(err, YH_CORRUPT, "%s: has no \"text\"", name);
    YH_TRY(yh_json_str(r, "id", false, name, &id, err));
    as.group = yh_hash64(id, strlen(id), 0);
    if (!removed)
        return add_all(l, path, json_string_value(t), json_string_length(t), as, err);
    YH_TRY(yh_json_str(r, "rule", false, name, &rule, err));
    YH_TRY(yh_json_str(r, "what", false, name, &what, err));
    for (size_t i = 0; i < sizeof by / sizeof *by; i++)
        if (strcmp(what, "part") == 0 && strcmp(rule, by[i]) == 0)
            return add_all(l, path, json_string_value(t), json_string_length(t), as, err);
    return YH_OK;
}

static yh_status from_corpus(yh_labelled_lines *l, const char *path, bool removed, yh_err *err)
{
    yh_lines *in = NULL;
    const char *p;
    size_t n;
    bool more = true;
    yh_status s = yh_lines_open(&in, path, removed ? "removed" : "part", err);
    while (s == YH_OK && (s = yh_lines_next(in, &p, &n, &more, err)) == YH_OK && more) {
        char name[PATH_MAX + 32];
        uint64_t number;
        json_t *r = NULL;
        const char *file = yh_lines_place(in, NULL, &number);
        snprintf(name, sizeof name, "%s line %llu", file, (unsigned long long)number);
        s = yh_json_parse(&r, p, n, name, err);
        if (s == YH_OK)
            s = corpus_record(l, path, name, r, removed, err);
        json_decref(r);
    }
    yh_lines_close(in);
    return s;
}

static yh_status labelled(yh_labelled_lines *l, const char *path, const char *p, size_t n,
                          size_t number, yh_err *err)
{
    char name[PATH_MAX + 32];
    json_t *j = NULL;
    const char *text = NULL, *id = NULL;
    yh_labelled_line as = {.place = -1};
    snprintf(name, sizeof name, "%s line %zu", path, number);
    yh_status s = yh_json_parse(&j, p, n, name, err);
    if (s == YH_OK)
        s = yh_json_str(j, "text", false, name, &text, err);
    if (s == YH_OK)
        s = yh_json_bool(j, "boilerplate", false, false, name, &as.boilerplate, err);
    if (s == YH_OK)
        s = yh_json_num(j, "place", -1, 1, true, -1, name, &as.place, err);
    if (s == YH_OK)
        s = yh_json_str(j, "id", true, name, &id, err);
    if (s == YH_OK) {
        const char *group = id != NULL ? id : text;
        as.group = yh_hash64(group, strlen(group), 0);
        s = add(l, path, text, strlen(text), as, err);
    }
    json_decref(j);
    return s;
}

static yh_status from_file(yh_labelled_lines *l, const char *path, yh_err *err)
{
    yh_map map;
    YH_TRY(yh_map_open(&map, path, err));
    yh_status s = YH_OK;
    size_t number = 0;
    for (size_t at = 0; at < map.size && s == YH_OK;) {
        const uint8_t *nl = memchr(map.data + at, '\n', map.size - at);
        size_t end = nl != NULL ? (size_t)(nl - map.data) : map.size;
        number++;
        if (!is_blank((const char *)map.data + at, end - at))
            s = labelled(l, path, (const char *)map.data + at, end - at, number, err);
        at = end + 1;
    }
    yh_map_close(&map);
    return s;
}

yh_status yh_labelled_lines_read(yh_labelled_lines *l, const char *path, yh_err *err)
{
    if (!yh_is_dir(path))
        return from_file(l, path, err);
    YH_TRY(from_corpus(l, path, false, err));
    return from_corpus(l, path, true, err);
}
