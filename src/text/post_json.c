/* Reading "post_processor", "truncation" and "padding" of a tokenizer.json. */
#include "base/json.h"
#include "text/tok_impl.h"
#include "text/tok_json.h"

static yh_status add_id(yh_tok *t, bool behind, json_int_t id, const char *name, yh_err *err)
{
    size_t *n = behind ? &t->n_after : &t->n_before;
    if (id < 0 || id >= (json_int_t)t->model.size || t->model.begin[id] == SIZE_MAX)
        return yh_fail(err, YH_CORRUPT, "%s: the post-processor adds id %lld, which is no token",
                       name, (long long)id);
    if (*n == YH_TOK_TEMPLATE)
        return yh_fail(err, YH_LIMIT, "%s: the post-processor adds more than %d tokens", name,
                       (int)YH_TOK_TEMPLATE);
    (behind ? t->after : t->before)[(*n)++] = (uint32_t)id;
    return YH_OK;
}

static yh_status read_template(yh_tok *t, const json_t *j, const char *name, yh_err *err)
{
    const json_t *single = json_object_get(j, "single");
    bool behind = false;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        if (json_object_get(item, "Sequence") != NULL) {
            if (behind)
                return yh_tok_unsupported(name, "TemplateProcessing with", "the text twice", err);
            behind = true;
            continue;
        }
        const char *key = json_string_value(json_object_get(special, "id"));
        const json_t *ids =
            key != NULL
                ? json_object_get(json_object_get(json_object_get(j, "special_tokens"), key), "ids")
                : NULL;
        if (!json_is_array(ids))
            return yh_fail(err, YH_CORRUPT, "%s: the template's special token \"%.60s\" has no ids",
                           name, key != NULL ? key : "");
        for (size_t k = 0; k < json_array_size(ids); k++) {
            const json_t *v = json_array_get(ids, k);
            YH_TRY(add_id(t, behind, json_is_integer(v) ? json_integer_value(v) : -1, name, err));
        }
    }
    return YH_OK;
}

static void read_trim(yh_tok *t, const json_t *j)
{
    t->trim_offsets = !json_is_false(json_object_get(j, "trim_offsets"));
    t->trim_prefix = !json_is_false(json_object_get(j, "add_prefix_space"));
}

/* "sep": ["[SEP]", 102], "cls": ["[CLS]", 101] */
static yh_status read_cls_sep(yh_tok *t, const json_t *j, const char *name, yh_err *err)
{
    static const char *const keys[] = {"cls", "sep"};
    for (int i = 0; i < 2; i++) {
        const json_t *id = json_array_get(json_object_get(j, keys[i]), 1);
        if (!json_is_integer(id))
            return yh_fail(err, YH_CORRUPT,
                           "%s: the post-processor's \"%s\" must be a token and its id", name,
                           keys[i]);
        YH_TRY(add_id(t, i == 1, json_integer_value(id), name, err));
    }
    return YH_OK;
}

static yh_status read_at(yh_tok *t, const json_t *j, int depth, const char *name, yh_err *err)
{
    if (j == NULL || json_is_null(j))
        return YH_OK;
    const char *type = yh_tok_type(j);
    if (strcmp(type, "ByteLevel") == 0) {
        read_trim(t, j);
        return YH_OK;
    }
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(t, j, name, err);
    if (strcmp(type, "BertProcessing") == 0)
        return read_cls_sep(t, j, name, err);
    if (strcmp(type, "RobertaProcessing") == 0) {
        read_trim(t, j);
        return read_cls_sep(t, j, name, err);
    }
    const json_t *list = json_object_get(j, "processors");
    if (strcmp(type, "Sequence") != 0 || !json_is_array(list) || depth > 4)
        return yh_tok_unsupported(name, "post-processor", type, err);
    for (size_t i = 0; i < json_array_size(list); i++)
        YH_TRY(read_at(t, json_array_get(list, i), depth + 1, name, err));
    return YH_OK;
}

yh_status yh_tok_read_post(yh_tok *t, const json_t *j, const char *name, yh_err *err)
{
    return read_at(t, j, 0, name, err);
}

static yh_status read_direction(const json_t *j, bool *left, const char *name, yh_err *err)
{
    const char *d;
    YH_TRY(yh_json_str(j, "direction", true, name, &d, err));
    *left = d != NULL && strcmp(d, "Left") == 0;
    return d == NULL || *left || strcmp(d, "Right") == 0
               ? YH_OK
               : yh_tok_unsupported(name, "direction", d, err);
}

static yh_status read_padding(yh_tok *t, const json_t *j, const char *name, yh_err *err)
{
    const json_t *strategy = json_object_get(j, "strategy"), *multiple;
    const char *batch = json_string_value(strategy);
    int64_t fixed = 0, id, step = 0;
    if (batch != NULL && strcmp(batch, "BatchLongest") != 0)
        return yh_tok_unsupported(name, "padding strategy", batch, err);
    if (batch == NULL)
        YH_TRY(yh_json_int(strategy, "Fixed", 0, INT32_MAX, false, 0, name, &fixed, err));
    multiple = json_object_get(j, "pad_to_multiple_of");
    if (multiple != NULL && !json_is_null(multiple))
        YH_TRY(yh_json_int(j, "pad_to_multiple_of", 0, INT32_MAX, false, 0, name, &step, err));
    YH_TRY(yh_json_int(j, "pad_id", 0, UINT32_MAX, true, 0, name, &id, err));
    YH_TRY(read_direction(j, &t->pad_left, name, err));
    t->pad_to = (size_t)fixed;
    t->pad_step = (size_t)step;
    t->pad_id = (uint32_t)id;
    return YH_OK;
}

yh_status yh_tok_read_limits(yh_tok *t, const json_t *truncation, const json_t *padding,
                             const char *name, yh_err *err)
{
    int64_t most;
    const char *strategy;
    if (json_is_object(truncation)) {
        YH_TRY(yh_json_int(truncation, "max_length", 0, INT64_MAX, false, 0, name, &most, err));
        YH_TRY(yh_json_str(truncation, "strategy", true, name, &strategy, err));
        if (strategy != NULL && strcmp(strategy, "LongestFirst") != 0 &&
            strcmp(strategy, "OnlyFirst") != 0)
            return yh_tok_unsupported(name, "truncation strategy", strategy, err);
        YH_TRY(read_direction(truncation, &t->cut_left, name, err));
        t->cuts = true;
        t->cut_to = (size_t)most;
    }
    return json_is_object(padding) ? read_padding(t, padding, name, err) : YH_OK;
}
