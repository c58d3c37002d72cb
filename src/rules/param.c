#include "rules/param.h"

static const yh_param *find(const yh_param *table, const char *name)
{
    for (const yh_param *p = table; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static yh_status unknown(const yh_param *table, const char *key, const char *name, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (const yh_param *p = table; p != NULL && p->name != NULL && s == YH_OK; p++)
        s = yh_buf_addf(&b, err, "%s%s", b.len > 0 ? ", " : "", p->name);
    if (s == YH_OK)
        s = yh_fail(err, YH_CORRUPT, "%s: there is no parameter \"%s\"; there is: %s", name, key,
                    b.len > 0 ? b.data : "none at all");
    yh_buf_fini(&b);
    return s;
}

static bool fits(const json_t *v, const yh_param *p)
{
    switch (p->type) {
    case YH_PARAM_BOOL:
        return json_is_boolean(v);
    case YH_PARAM_NUMBER:
        return json_is_number(v) &&
               ((p->min == 0 && p->max == 0) ||
                (json_number_value(v) >= p->min && json_number_value(v) <= p->max));
    case YH_PARAM_TEXT:
        return json_is_string(v);
    case YH_PARAM_LIST:
        for (size_t i = 0; i < json_array_size(v); i++)
            if (!json_is_string(json_array_get(v, i)))
                return false;
        return json_is_array(v);
    }
    return false;
}

static yh_status wrong(const yh_param *p, const char *name, yh_err *err)
{
    static const char *const kinds[] = {"true or false", "a number", "a string",
                                        "a list of strings"};
    if (p->type == YH_PARAM_NUMBER && (p->min != 0 || p->max != 0))
        return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be a number from %g to %g", name, p->name,
                       p->min, p->max);
    return yh_fail(err, YH_CORRUPT, "%s: \"%s\" must be %s", name, p->name, kinds[p->type]);
}

static yh_status fill(json_t *out, const json_t *given, const yh_param *table, const char *name,
                      yh_err *err)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)given, key, v)
    {
        const yh_param *p = find(table, key);
        if (strcmp(key, "rule") == 0 || strcmp(key, "why") == 0 || strcmp(key, "languages") == 0)
            continue;
        if (p == NULL)
            return unknown(table, key, name, err);
        if (!fits(v, p))
            return wrong(p, name, err);
    }
    for (const yh_param *p = table; p != NULL && p->name != NULL; p++) {
        json_t *value = json_object_get(given, p->name);
        value = value != NULL ? json_deep_copy(value) : json_loads(p->value, JSON_DECODE_ANY, NULL);
        if (json_object_set_new(out, p->name, value) != 0)
            return yh_fail(err, YH_NOMEM, "%s: no memory", name);
    }
    return YH_OK;
}

yh_status yh_params_complete(json_t **out, const json_t *given, const yh_param *table,
                             const char *name, yh_err *err)
{
    *out = json_object();
    if (*out == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", name);
    yh_status s = fill(*out, given, table, name, err);
    if (s != YH_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

bool yh_param_bool(const json_t *j, const char *name)
{
    return json_is_true(json_object_get(j, name));
}

double yh_param_number(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

const char *yh_param_text(const json_t *j, const char *name)
{
    return json_string_value(json_object_get(j, name));
}
