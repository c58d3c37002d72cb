#include "input/json_record.h"

#include "input/json_scan.h"
#include "input/meta.h"

static bool named(const yh_json_member *m, const char *name)
{
    return m->n_key == strlen(name) && memcmp(m->key, name, m->n_key) == 0;
}

/* A string value, unescaped, as a C string without zero bytes. */
static yh_status copy_string(const yh_json_member *m, char **out, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_json_unescape(m->value + 1, m->n_value - 2, &b, err);
    if (s == YH_OK)
        s = yh_meta_copy(out, b.data, strlen(b.data), err);
    yh_buf_fini(&b);
    return s;
}

/* The member with the text: a string that is not empty. -1: none of that kind. */
static int find_text(const yh_json_member *m, size_t n, const char *wanted)
{
    for (const char *const *k = yh_json_bodies; *k != NULL; k++) {
        for (size_t i = 0; i < n; i++)
            if (named(&m[i], wanted != NULL ? wanted : *k)) {
                if (m[i].value[0] == '"' && m[i].n_value > 2)
                    return (int)i;
                if (m[i].value[0] != '"' && m[i].value[0] != 'n')
                    return -1; /* a list, or something that is no text */
            }
        if (wanted != NULL)
            break;
    }
    return -1;
}

/* Members of a record's own "meta" stand beside the others, unless two have one name. */
static bool can_flatten(const yh_json_member *m, size_t n, const yh_json_member *inner, size_t k)
{
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++)
            if (inner[i].n_key == m[j].n_key && memcmp(inner[i].key, m[j].key, m[j].n_key) == 0)
                return false;
    return true;
}

static bool too_long(const char *value, size_t n, yh_drafts *out, uint64_t number)
{
    if ((value[0] != '[' && value[0] != '{') || n <= YH_META_NESTED)
        return false;
    yh_drafts_problem(out, number,
                      "a field with a list or object of more than 64 KiB was left out");
    return true;
}

static yh_status keep_member(const yh_json_member *m, yh_drafts *out, yh_buf *meta, yh_err *err)
{
    yh_draft *d = &out->d[out->n - 1];
    if (too_long(m->value, m->n_value, out, d->number))
        return YH_OK;
    if (m->value[0] == '"' && named(m, "title") && d->title == NULL)
        return copy_string(m, &d->title, err);
    if (m->value[0] == '"' && named(m, "url") && d->url == NULL)
        return copy_string(m, &d->url, err);
    return yh_meta_raw(meta, m->key, m->n_key, m->value, m->n_value, err);
}

static yh_status keep_all(const yh_json_member *m, size_t n, size_t text, yh_drafts *out,
                          yh_buf *meta, yh_err *err)
{
    yh_json_member inner[YH_JSON_MEMBERS];
    size_t k;
    for (size_t i = 0; i < n; i++) {
        if (i == text)
            continue;
        if (named(&m[i], "meta") && m[i].value[0] == '{' &&
            yh_json_members(m[i].value, m[i].n_value, inner, &k) && can_flatten(m, n, inner, k)) {
            for (size_t j = 0; j < k; j++)
                YH_TRY(keep_member(&inner[j], out, meta, err));
            continue;
        }
        YH_TRY(keep_member(&m[i], out, meta, err));
    }
    return YH_OK;
}

yh_status yh_json_record(const char *p, size_t n, uint64_t number, const char *wanted,
                         yh_drafts *out, bool *done, yh_err *err)
{
    yh_json_member m[YH_JSON_MEMBERS];
    size_t k;
    *done = false;
    if (!yh_json_members(p, n, m, &k))
        return YH_OK;
    int at = find_text(m, k, wanted);
    if (at < 0)
        return YH_OK;
    yh_buf text, meta;
    yh_buf_init(&text, 0);
    yh_buf_init(&meta, 0);
    yh_status s = m[at].escaped ? yh_json_unescape(m[at].value + 1, m[at].n_value - 2, &text, err)
                                : yh_buf_add(&text, m[at].value + 1, m[at].n_value - 2, err);
    if (s == YH_OK)
        s = yh_drafts_add(out, &text, number, true, "UTF-8", err);
    if (s == YH_OK && !m[at].odd) {
        yh_draft *d = &out->d[out->n - 1];
        d->raw = m[at].value + 1;
        d->raw_len = m[at].n_value - 2;
        d->raw_text = d->len;
    }
    if (s == YH_OK && k > 1) {
        yh_draft *d = &out->d[out->n - 1];
        s = keep_all(m, k, (size_t)at, out, &meta, err);
        if (s == YH_OK)
            s = yh_meta_give(&meta, d, err);
    }
    yh_buf_fini(&text);
    yh_buf_fini(&meta);
    *done = s == YH_OK;
    return s;
}

/* ------------------------------------------------------------------ by way of jansson */

static bool is_used(const char *const *used, const char *key)
{
    for (; used != NULL && *used != NULL; used++)
        if (strcmp(*used, key) == 0)
            return true;
    return false;
}

yh_status yh_json_members_keep(const json_t *j, const char *const *used, yh_drafts *out,
                               yh_err *err)
{
    yh_draft *d = &out->d[out->n - 1];
    const uint64_t nth = d->number;
    const char *key;
    json_t *v;
    yh_buf meta;
    yh_buf_init(&meta, 0);
    yh_status s = YH_OK;
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        if (s != YH_OK || is_used(used, key))
            continue;
        char **place = strcmp(key, "title") == 0 ? &d->title
                       : strcmp(key, "url") == 0 ? &d->url
                                                 : NULL;
        if (json_is_string(v) && place != NULL && *place == NULL) {
            s = yh_meta_copy(place, json_string_value(v), strlen(json_string_value(v)), err);
            continue;
        }
        const size_t how = JSON_COMPACT | JSON_ENCODE_ANY;
        char *text = NULL;
        s = json_is_string(v) ? yh_json_print(&text, v, how, err)
                              : yh_json_print_exact(&text, v, how, err);
        if (s == YH_OK && !too_long(text, strlen(text), out, nth))
            s = yh_meta_raw(&meta, key, strlen(key), text, strlen(text), err);
        if (text != NULL)
            yh_json_text_free(text);
    }
    if (s == YH_OK)
        s = yh_meta_give(&meta, d, err);
    yh_buf_fini(&meta);
    return s;
}
