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

const char *const yh_json_bodies[] = {"text", "content", "body", "paragraphs",
                                      "para", "context", NULL};

/* The first of some members that holds text. */
static yh_status add_body(const json_t *j, const char *const *keys, yh_buf *out, bool *found,
                          const char *used[8], yh_err *err)
{
    for (; *keys != NULL && !*found; keys++) {
        const json_t *v = json_object_get(j, *keys);
        if (v == NULL || json_is_null(v))
            continue;
        YH_TRY(add_lines(v, out, found, 2, err));
        if (*found) {
            used[0] = *keys;
            used[1] = NULL;
        }
    }
    return YH_OK;
}

yh_status yh_json_text(const json_t *j, const char *wanted, yh_buf *out, bool *found,
                       const char *used[8], yh_err *err)
{
    static const char *const fields[][4] = {{"instruction", "input", "output", NULL},
                                            {"question", "answer", NULL, NULL}};
    static const char *const chats[] = {"messages", "conversations"};
    *found = false;
    used[0] = NULL;
    if (json_is_string(j))
        return add_lines(j, out, found, 0, err);
    if (!json_is_object(j))
        return YH_OK;
    if (wanted != NULL) {
        const char *const own[] = {wanted, NULL};
        YH_TRY(add_body(j, own, out, found, used, err));
        if (!*found) {
            YH_TRY(add_messages(json_object_get(j, wanted), out, found, err));
            used[0] = wanted;
            used[1] = NULL;
        }
        return YH_OK;
    }
    YH_TRY(add_body(j, yh_json_bodies, out, found, used, err));
    for (int i = 0; i < 2 && !*found; i++) {
        YH_TRY(add_fields(j, fields[i], out, found, err));
        if (*found)
            memcpy(used, fields[i], sizeof fields[i]);
    }
    for (int i = 0; i < 2 && !*found; i++) {
        YH_TRY(add_messages(json_object_get(j, chats[i]), out, found, err));
        used[0] = chats[i];
        used[1] = NULL;
    }
    return YH_OK;
}
