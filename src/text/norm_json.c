/* Reading "normalizer" of a tokenizer.json. */
#include "base/json.h"
#include "text/base64.h"
#include "text/charsmap.h"
#include "text/norm.h"
#include "text/tok_json.h"
#include "text/unicode.h"

static yh_status add_step(yh_norm *m, yh_norm_kind kind, unsigned flags, const char *name,
                          yh_err *err)
{
    if (m->n == YH_NORM_STEPS)
        return yh_fail(err, YH_LIMIT, "%s: more than %d normalizer steps", name,
                       (int)YH_NORM_STEPS);
    m->step[m->n++] = (yh_norm_step){.kind = kind, .flags = flags};
    return YH_OK;
}

static yh_status set_text(char **to, size_t *len, const json_t *v, const char *what,
                          const char *name, yh_err *err)
{
    if (!json_is_string(v))
        return yh_fail(err, YH_CORRUPT, "%s: %s must be a text", name, what);
    *len = json_string_length(v);
    *to = yh_strndup(json_string_value(v), *len);
    return *to != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory for a normalizer", name);
}

static yh_status read_replace(yh_norm *m, const json_t *j, const char *name, yh_err *err)
{
    const json_t *pattern = json_object_get(j, "pattern");
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    YH_TRY(add_step(m, YH_NORM_REPLACE, 0, name, err));
    yh_norm_step *s = &m->step[m->n - 1];
    YH_TRY(set_text(&s->text, &s->text_len, json_object_get(j, "content"), "Replace's content",
                    name, err));
    if (regex != NULL && regex[0] != '\0')
        return yh_pattern_create(&s->pattern, regex, true, name, err);
    YH_TRY(set_text(&s->literal, &s->literal_len, json_object_get(pattern, "String"),
                    "Replace's pattern", name, err));
    return s->literal_len > 0
               ? YH_OK
               : yh_fail(err, YH_CORRUPT, "%s: a Replace with an empty pattern", name);
}

static yh_status read_charsmap(yh_norm *m, const json_t *j, const char *name, yh_err *err)
{
    const json_t *v = json_object_get(j, "precompiled_charsmap");
    yh_buf blob;
    if (v == NULL || json_is_null(v))
        return YH_OK;
    if (!json_is_string(v))
        return yh_fail(err, YH_CORRUPT, "%s: precompiled_charsmap must be a text", name);
    if (json_string_length(v) == 0)
        return YH_OK;
    YH_TRY(add_step(m, YH_NORM_CHARSMAP, 0, name, err));
    yh_buf_init(&blob, 0);
    yh_status s = yh_base64_decode(json_string_value(v), json_string_length(v), &blob, NULL);
    if (s == YH_OK)
        s = yh_charsmap_create(&m->step[m->n - 1].map, blob.data, blob.len, name, err);
    else
        s = yh_fail(err, YH_CORRUPT, "%s: precompiled_charsmap is not base64", name);
    yh_buf_fini(&blob);
    return s;
}

static yh_status read_bert(yh_norm *m, const json_t *j, const char *name, yh_err *err)
{
    bool clean, chinese, lower, accents;
    YH_TRY(yh_json_bool(j, "clean_text", true, true, name, &clean, err));
    YH_TRY(yh_json_bool(j, "handle_chinese_chars", true, true, name, &chinese, err));
    YH_TRY(yh_json_bool(j, "lowercase", true, true, name, &lower, err));
    const json_t *strip = json_object_get(j, "strip_accents");
    accents = json_is_boolean(strip) ? json_is_true(strip) : lower;
    if (clean)
        YH_TRY(add_step(m, YH_NORM_BERT_CLEAN, 0, name, err));
    if (chinese)
        YH_TRY(add_step(m, YH_NORM_BERT_CHINESE, 0, name, err));
    if (accents)
        YH_TRY(add_step(m, YH_NORM_NFD, 0, name, err));
    if (accents)
        YH_TRY(add_step(m, YH_NORM_STRIP_ACCENTS, 0, name, err));
    return lower ? add_step(m, YH_NORM_LOWERCASE, 0, name, err) : YH_OK;
}

static yh_status read_one(yh_norm *m, const json_t *j, const char *type, const char *name,
                          yh_err *err)
{
    static const struct {
        const char *type;
        yh_norm_kind kind;
    } plain[] = {{"NFC", YH_NORM_NFC},
                 {"NFD", YH_NORM_NFD},
                 {"NFKC", YH_NORM_NFKC},
                 {"NFKD", YH_NORM_NFKD},
                 {"Lowercase", YH_NORM_LOWERCASE},
                 {"StripAccents", YH_NORM_STRIP_MARKS},
                 {"Nmt", YH_NORM_NMT}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(type, plain[i].type) == 0)
            return add_step(m, plain[i].kind, 0, name, err);
    if (strcmp(type, "Strip") == 0) {
        unsigned flags = json_is_false(json_object_get(j, "strip_left")) ? 0 : YH_STRIP_LEFT;
        if (!json_is_false(json_object_get(j, "strip_right")))
            flags |= YH_STRIP_RIGHT;
        return add_step(m, YH_NORM_STRIP, flags, name, err);
    }
    if (strcmp(type, "Prepend") == 0) {
        YH_TRY(add_step(m, YH_NORM_PREPEND, 0, name, err));
        yh_norm_step *s = &m->step[m->n - 1];
        return set_text(&s->text, &s->text_len, json_object_get(j, "prepend"), "Prepend's text",
                        name, err);
    }
    if (strcmp(type, "Replace") == 0)
        return read_replace(m, j, name, err);
    if (strcmp(type, "Precompiled") == 0)
        return read_charsmap(m, j, name, err);
    if (strcmp(type, "BertNormalizer") == 0)
        return read_bert(m, j, name, err);
    return yh_tok_unsupported(name, "normalizer", type, err);
}

static yh_status read_at(yh_norm *m, const json_t *j, int depth, const char *name, yh_err *err)
{
    if (j == NULL || json_is_null(j))
        return YH_OK;
    const char *type = yh_tok_type(j);
    const json_t *list = json_object_get(j, "normalizers");
    if (strcmp(type, "Sequence") != 0 || !json_is_array(list) || depth > 4)
        return read_one(m, j, type, name, err);
    for (size_t i = 0; i < json_array_size(list); i++)
        YH_TRY(read_at(m, json_array_get(list, i), depth + 1, name, err));
    return YH_OK;
}

yh_status yh_norm_read(yh_norm *m, const json_t *j, const char *name, yh_err *err)
{
    yh_uc_init();
    YH_TRY(read_at(m, j, 0, name, err));
    for (size_t i = 0; i < m->n; i++)
        if (m->step[i].kind != YH_NORM_NFC)
            yh_uc_init_forms();
    return YH_OK;
}
