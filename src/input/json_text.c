#include "input/json_text.h"

/* Appends a string, or strings of an array (nested at most `depth`) as lines. */
static yh_status add_lines(const json_t *v, yh_buf *out, bool *found, int depth, yh_err *err)
{
    if (json_is_string(v)) {
        if (json_string_length(v) == 0)
            return YH_OK;
        if (*found)
            YH_TRY(yh_buf_addc(out, '\n', err));
        *found = true;
        return yh_buf_add(out, json_string_value(v), json_string_length(v), err);
    }
    if (json_is_array(v) && depth > 0)
        for (size_t i = 0; i < json_array_size(v); i++)
            YH_TRY(add_lines(json_array_get(v, i), out, found, depth - 1, err));
    return YH_OK;
}

/* Appends the fields that exist, one under the other with a blank line between. */
static yh_status add_fields(const json_t *j, const char *const *keys, yh_buf *out, bool *found,
                            yh_err *err)
{
    for (; *keys != NULL; keys++) {
        const json_t *v = json_object_get(j, *keys);
        bool any = false;
        size_t before = out->len;
        if (v == NULL)
            continue;
        if (*found)
            YH_TRY(yh_buf_adds(out, "\n\n", err));
        YH_TRY(add_lines(v, out, &any, 2, err));
        if (!any)
            out->len = before;
        *found = *found || any;
    }
    return YH_OK;
}

static yh_status add_messages(const json_t *m, yh_buf *out, bool *found, yh_err *err)
{
    for (size_t i = 0; i < json_array_size(m); i++) {
        const json_t *e = json_array_get(m, i);
        const json_t *v = json_object_get(e, "content");
        bool any = false;
        size_t before = out->len;
        if (v == NULL)
            v = json_object_get(e, "value");
        if (v == NULL)
            continue;
        if (*found)
            YH_TRY(yh_buf_adds(out, "\n\n", err));
        YH_TRY(add_lines(v, out, &any, 1, err));
        if (!any)
            out->len = before;
        *found = *found || any;
    }
    return YH_OK;
}

yh_status yh_json_text(const json_t *j, yh_buf *out, bool *found, const char **title, yh_err *err)
{
    static const char *const bodies[] = {"text", "content", "body", "paragraphs",
                                         "para", "context", NULL};
    static const char *const tasks[] = {"instruction", "input", "output", NULL};
    static const char *const questions[] = {"question", "answer", NULL};
    *found = false;
    if (title != NULL)
        *title = NULL;
    if (json_is_string(j))
        return add_lines(j, out, found, 0, err);
    if (!json_is_object(j))
        return YH_OK;
    if (title != NULL)
        *title = json_string_value(json_object_get(j, "title"));
    for (const char *const *k = bodies; *k != NULL; k++) {
        const json_t *v = json_object_get(j, *k);
        if (v != NULL && !json_is_null(v)) {
            YH_TRY(add_lines(v, out, found, 2, err));
            if (*found)
                return YH_OK;
        }
    }
    YH_TRY(add_fields(j, tasks, out, found, err));
    if (!*found)
        YH_TRY(add_fields(j, questions, out, found, err));
    if (!*found)
        YH_TRY(add_messages(json_object_get(j, "messages"), out, found, err));
    if (!*found)
        YH_TRY(add_messages(json_object_get(j, "conversations"), out, found, err));
    return YH_OK;
}
