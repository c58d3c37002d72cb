/* Reading tokenizer.json and tokenizer_config.json. Everything that is not supported is named. */
#include "base/file.h"
#include "base/json.h"
#include "text/tok_impl.h"
#include "text/tok_json.h"
#include "text/utf8.h"

enum { JSON_LIMIT = 512 << 20, CONFIG_LIMIT = 64 << 20 };

const char *yh_tok_type(const json_t *j)
{
    const char *type = json_string_value(json_object_get(j, "type"));
    return type != NULL ? type : "";
}

yh_status yh_tok_unsupported(const char *name, const char *part, const char *what, yh_err *err)
{
    return yh_fail(err, YH_UNSUPPORTED, "%s: %s \"%.80s\" is not supported", name, part,
                   what != NULL && what[0] != '\0' ? what : "(no type)");
}

yh_status yh_tok_quote(const char *text, yh_buf *b, yh_err *err)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\^$.[]|()?*+{}-#&/ ", *text) != NULL)
            YH_TRY(yh_buf_addc(b, '\\', err));
        YH_TRY(yh_buf_addc(b, *text, err));
    }
    return YH_OK;
}

/* ---- model ---- */

static yh_status read_vocab(yh_tok *t, const json_t *vocab, const char *name, yh_err *err)
{
    const char *key;
    json_t *v;
    yh_buf b;
    yh_status s = YH_OK;
    if (!json_is_object(vocab) || json_object_size(vocab) == 0)
        return yh_fail(err, YH_CORRUPT, "%s: model.vocab must be an object with tokens", name);
    uint64_t limit = (uint64_t)json_object_size(vocab) * 4 + 4096;
    yh_buf_init(&b, 0);
    json_object_foreach((json_t *)(uintptr_t)vocab, key, v)
    {
        bool mapped;
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || (uint64_t)id >= limit) {
            s = yh_fail(
                err, YH_CORRUPT,
                "%s: token \"%.60s\" must have an id from 0 to %llu, as there are %zu tokens", name,
                key, (unsigned long long)limit - 1, json_object_size(vocab));
            break;
        }
        yh_buf_clear(&b);
        YH_GOTO(s, yh_byte_text(key, strlen(key), &b, &mapped, err), done);
        YH_GOTO(s, yh_bpe_set(&t->model, (uint32_t)id, b.data, b.len, mapped, name, err), done);
    }
done:
    yh_buf_fini(&b);
    return s == YH_OK ? yh_bpe_index(&t->model, name, err) : s;
}

static yh_status merge_side(const yh_tok *t, const char *text, size_t n, yh_buf *b, size_t at,
                            const char *name, uint32_t *id, yh_err *err)
{
    bool mapped;
    yh_buf_clear(b);
    YH_TRY(yh_byte_text(text, n, b, &mapped, err));
    *id = mapped ? yh_bpe_find(&t->model, b->data, b->len) : YH_NO_ID;
    if (*id == YH_NO_ID)
        return yh_fail(err, YH_CORRUPT, "%s: merge %zu names \"%.*s\", which is no token", name, at,
                       (int)(n < 60 ? n : 60), text);
    return YH_OK;
}

static yh_status read_merges(yh_tok *t, const json_t *merges, const char *name, yh_err *err)
{
    if (!json_is_array(merges))
        return yh_fail(err, YH_CORRUPT, "%s: model.merges must be a list", name);
    yh_buf b;
    yh_status s = YH_OK;
    yh_buf_init(&b, 0);
    for (size_t i = 0; i < json_array_size(merges) && s == YH_OK; i++) {
        const json_t *m = json_array_get(merges, i), *two = NULL;
        const char *l = json_string_value(m), *r;
        size_t ln, rn;
        if (l != NULL) {
            size_t n = json_string_length(m);
            r = memchr(l, ' ', n);
            ln = r != NULL ? (size_t)(r - l) : 0;
            r = r != NULL ? r + 1 : l;
            rn = n - ln - 1;
            if (r == l || memchr(r, ' ', rn) != NULL)
                l = NULL;
        } else if (json_array_size(m) == 2) {
            two = json_array_get(m, 1);
            l = json_string_value(json_array_get(m, 0));
            r = json_string_value(two);
            ln = l != NULL ? json_string_length(json_array_get(m, 0)) : 0;
            rn = r != NULL ? json_string_length(two) : 0;
            if (r == NULL)
                l = NULL;
        }
        if (l == NULL) {
            s = yh_fail(err, YH_CORRUPT, "%s: merge %zu must be two tokens", name, i);
            break;
        }
        uint32_t left, right;
        YH_GOTO(s, merge_side(t, l, ln, &b, i, name, &left, err), done);
        YH_GOTO(s, merge_side(t, r, rn, &b, i, name, &right, err), done);
        s = yh_bpe_merge(&t->model, left, right, name, err);
    }
done:
    yh_buf_fini(&b);
    return s == YH_OK ? yh_bpe_finish(&t->model, name, err) : s;
}

static bool is_text(const json_t *j)
{
    return json_is_string(j) && json_string_length(j) > 0;
}

static yh_status read_model(yh_tok *t, const json_t *m, const char *name, yh_err *err)
{
    if (!json_is_object(m))
        return yh_fail(err, YH_CORRUPT, "%s: there is no \"model\"; is this a tokenizer.json?",
                       name);
    const char *type = yh_tok_type(m);
    if (strcmp(type, "BPE") != 0 && !(type[0] == '\0' && json_object_get(m, "merges") != NULL))
        return yh_tok_unsupported(name, "model", type, err);
    if (json_number_value(json_object_get(m, "dropout")) > 0)
        return yh_tok_unsupported(name, "model option", "dropout", err);
    if (is_text(json_object_get(m, "continuing_subword_prefix")))
        return yh_tok_unsupported(name, "model option", "continuing_subword_prefix", err);
    if (is_text(json_object_get(m, "end_of_word_suffix")))
        return yh_tok_unsupported(name, "model option", "end_of_word_suffix", err);
    if (json_is_true(json_object_get(m, "byte_fallback")))
        return yh_tok_unsupported(name, "model option", "byte_fallback", err);
    t->model.ignore_merges = json_is_true(json_object_get(m, "ignore_merges"));
    YH_TRY(read_vocab(t, json_object_get(m, "vocab"), name, err));
    return read_merges(t, json_object_get(m, "merges"), name, err);
}

/* ---- post-processor, decoder ---- */

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
            json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
            size_t *n = behind ? &t->n_after : &t->n_before;
            if (id < 0 || id >= (json_int_t)t->model.size || t->model.begin[id] == SIZE_MAX)
                return yh_fail(err, YH_CORRUPT, "%s: the template adds id %lld, which is no token",
                               name, (long long)id);
            if (*n == YH_TOK_TEMPLATE)
                return yh_fail(err, YH_LIMIT, "%s: the template adds more than %d tokens", name,
                               (int)YH_TOK_TEMPLATE);
            (behind ? t->after : t->before)[(*n)++] = (uint32_t)id;
        }
    }
    return YH_OK;
}

static yh_status read_post(yh_tok *t, const json_t *j, int depth, const char *name, yh_err *err)
{
    if (j == NULL || json_is_null(j))
        return YH_OK;
    const char *type = yh_tok_type(j);
    if (strcmp(type, "ByteLevel") == 0) {
        t->trim_offsets = json_is_true(json_object_get(j, "trim_offsets"));
        t->trim_prefix = json_is_true(json_object_get(j, "add_prefix_space"));
        return YH_OK;
    }
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(t, j, name, err);
    const json_t *list = json_object_get(j, "processors");
    if (strcmp(type, "Sequence") != 0 || !json_is_array(list) || depth > 4)
        return yh_tok_unsupported(name, "post-processor", type, err);
    for (size_t i = 0; i < json_array_size(list); i++)
        YH_TRY(read_post(t, json_array_get(list, i), depth + 1, name, err));
    return YH_OK;
}

static yh_status check_decoder(const json_t *j, const char *name, yh_err *err)
{
    const char *type = yh_tok_type(j);
    const json_t *list = json_object_get(j, "decoders");
    if (strcmp(type, "Sequence") == 0 && json_array_size(list) == 1)
        return check_decoder(json_array_get(list, 0), name, err);
    return strcmp(type, "ByteLevel") == 0 ? YH_OK : yh_tok_unsupported(name, "decoder", type, err);
}

/* ---- added tokens ---- */

static yh_status read_added(yh_tok *t, const json_t *list, const json_t *vocab, const char *name,
                            yh_err *err)
{
    size_t n = json_array_size(list);
    int64_t limit = (int64_t)(t->model.size + n) * 4 + 4096;
    for (size_t i = 0; i < n; i++) {
        const json_t *j = json_array_get(list, i);
        const char *content;
        int64_t id;
        bool mapped;
        YH_TRY(yh_json_str(j, "content", false, name, &content, err));
        YH_TRY(yh_json_int(j, "id", 0, limit, false, 0, name, &id, err));
        yh_added a = {.len = json_string_length(json_object_get(j, "content")), .id = (uint32_t)id};
        if (a.len == 0)
            return yh_fail(err, YH_CORRUPT, "%s: added token %lld is empty", name, (long long)id);
        YH_TRY(yh_json_bool(j, "special", true, false, name, &a.special, err));
        YH_TRY(yh_json_bool(j, "lstrip", true, false, name, &a.lstrip, err));
        YH_TRY(yh_json_bool(j, "rstrip", true, false, name, &a.rstrip, err));
        YH_TRY(yh_json_bool(j, "single_word", true, false, name, &a.single_word, err));
        YH_TRY(yh_json_bool(j, "normalized", true, !a.special, name, &a.normalized, err));
        const json_t *in_vocab = json_object_get(vocab, content);
        if (in_vocab != NULL && json_integer_value(in_vocab) != id)
            return yh_fail(err, YH_CORRUPT,
                           "%s: added token \"%.60s\" has id %lld here and %lld in the vocabulary",
                           name, content, (long long)id, (long long)json_integer_value(in_vocab));
        if (yh_tok_find(t, content) >= 0)
            return yh_fail(err, YH_CORRUPT, "%s: added token \"%.60s\" is there twice", name,
                           content);
        if (in_vocab == NULL) {
            yh_buf b;
            yh_buf_init(&b, 0);
            yh_status s = yh_byte_text(content, a.len, &b, &mapped, err);
            if (s == YH_OK)
                s = yh_bpe_set(&t->model, a.id, b.data, b.len, false, name, err);
            yh_buf_fini(&b);
            if (s != YH_OK)
                return s;
        }
        yh_added *all = yh_grow(t->added, &t->added_cap, t->n_added + 1, sizeof *all);
        if (all != NULL)
            t->added = all;
        a.content = yh_strndup(content, a.len);
        if (all == NULL || a.content == NULL) {
            yh_free(a.content);
            return yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
        }
        t->added[t->n_added++] = a;
    }
    return YH_OK;
}

/* Id of config's key, which is a text or an object with "content"; -1. */
static int64_t named_token(const yh_tok *t, const char *key)
{
    const json_t *v = json_object_get(t->config, key);
    const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);
    if (text == NULL)
        return -1;
    int64_t id = yh_tok_find(t, text);
    const json_t *in_vocab =
        json_object_get(json_object_get(json_object_get(t->json, "model"), "vocab"), text);
    return id >= 0 || in_vocab == NULL ? id : (int64_t)json_integer_value(in_vocab);
}

static yh_status read_config(yh_tok *t, const char *name, yh_err *err)
{
    static const char *const ends[] = {"<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "</s>"};
    t->eos = named_token(t, "eos_token");
    t->bos = named_token(t, "bos_token");
    for (size_t i = 0; t->config == NULL && t->eos < 0 && i < sizeof ends / sizeof *ends; i++)
        t->eos = yh_tok_find(t, ends[i]);
    const json_t *c = json_object_get(t->config, "chat_template");
    /* a list of named templates: the default one */
    for (size_t i = 0; i < json_array_size(c); i++) {
        const json_t *one = json_array_get(c, i);
        const char *n = json_string_value(json_object_get(one, "name"));
        if (n != NULL && strcmp(n, "default") == 0) {
            c = json_object_get(one, "template");
            break;
        }
    }
    if (!json_is_string(c))
        return YH_OK;
    t->template_text = yh_strdup(json_string_value(c));
    return t->template_text != NULL
               ? YH_OK
               : yh_fail(err, YH_NOMEM, "%s: no memory for the template", name);
}

static yh_status build(yh_tok *t, const char *name, yh_err *err)
{
    const json_t *j = t->json, *model = json_object_get(j, "model");
    if (!json_is_object(j))
        return yh_fail(err, YH_CORRUPT, "%s: not a JSON object; is this a tokenizer.json?", name);
    const json_t *pad = json_object_get(j, "padding");
    if (json_is_object(json_object_get(j, "truncation")))
        return yh_tok_unsupported(name, "option", "truncation", err);
    if (json_is_object(json_object_get(pad, "strategy")))
        return yh_tok_unsupported(name, "option", "padding to a fixed length", err);
    YH_TRY(read_model(t, model, name, err));
    YH_TRY(yh_norm_read(&t->norm, json_object_get(j, "normalizer"), name, err));
    YH_TRY(yh_pre_read(&t->pre, json_object_get(j, "pre_tokenizer"), &t->byte_level, name, err));
    if (!t->byte_level)
        return yh_tok_unsupported(name, "pre-tokenizer without", "ByteLevel", err);
    YH_TRY(check_decoder(json_object_get(j, "decoder"), name, err));
    YH_TRY(read_added(t, json_object_get(j, "added_tokens"), json_object_get(model, "vocab"), name,
                      err));
    YH_TRY(read_post(t, json_object_get(j, "post_processor"), 0, name, err));
    YH_TRY(read_config(t, name, err));
    return yh_tok_finish(t, name, err);
}

yh_status yh_tok_from_json(yh_tok **out, json_t *json, json_t *config, const char *name,
                           yh_err *err)
{
    yh_tok *t;
    *out = NULL;
    yh_uc_init();
    YH_TRY(yh_tok_new(&t, err));
    t->json = json_incref(json);
    t->config = json_incref(config);
    yh_status s = build(t, name, err);
    if (s != YH_OK)
        yh_tok_free(t);
    else
        *out = t;
    return s;
}

/* Sets *path to the tokenizer.json and *config to the tokenizer_config.json beside it. */
static yh_status find_files(const char *given, char **path, char **config, yh_err *err)
{
    *config = NULL;
    if (yh_is_dir(given)) {
        *path = yh_path_join(given, "tokenizer.json");
        *config = yh_path_join(given, "tokenizer_config.json");
    } else {
        *path = yh_strdup(given);
        size_t folder = (size_t)(yh_path_base(given) - given);
        char *dir = yh_strndup(folder > 0 ? given : ".", folder > 0 ? folder : 1);
        *config = dir != NULL ? yh_path_join(dir, "tokenizer_config.json") : NULL;
        yh_free(dir);
    }
    if (*path == NULL || *config == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a path", given);
    return YH_OK;
}

/* transformers writes "no limit" as the whole number 1e30, which no 64 bits hold: numbers as reals
 * then. */
static yh_status load_config(json_t **out, const char *path, yh_err *err)
{
    yh_buf b;
    json_error_t e;
    yh_buf_init(&b, 0);
    *out = NULL;
    yh_status s = yh_file_read(path, CONFIG_LIMIT, &b, err);
    if (s == YH_OK)
        *out = json_loadb(b.data, b.len, JSON_ALLOW_NUL, &e);
    if (s == YH_OK && *out == NULL)
        *out = json_loadb(b.data, b.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);
    if (s == YH_OK && *out == NULL)
        s = yh_json_parse(out, b.data, b.len, path, err);
    yh_buf_fini(&b);
    return s;
}

yh_status yh_tok_load(yh_tok **out, const char *path, yh_err *err)
{
    char *file = NULL, *config_file = NULL;
    json_t *json = NULL, *config = NULL;
    *out = NULL;
    yh_status s = find_files(path, &file, &config_file, err);
    if (s == YH_OK)
        s = yh_json_load(&json, file, JSON_LIMIT, err);
    if (s == YH_OK && yh_is_file(config_file))
        s = load_config(&config, config_file, err);
    if (s == YH_OK)
        s = yh_tok_from_json(out, json, config, file, err);
    json_decref(json);
    json_decref(config);
    yh_free(file);
    yh_free(config_file);
    return s;
}
