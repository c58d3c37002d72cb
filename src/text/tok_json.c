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

/* ---- added tokens ---- */

static yh_status set_added_text(yh_tok *t, const yh_added *a, const char *content, const char *name,
                                yh_err *err)
{
    yh_buf b;
    bool mapped;
    if (!t->byte_level)
        return yh_bpe_set(&t->model, a->id, content, a->len, false, name, err);
    yh_buf_init(&b, 0);
    yh_status s = yh_byte_text(content, a->len, &b, &mapped, err);
    if (s == YH_OK)
        s = yh_bpe_set(&t->model, a->id, b.data, b.len, false, name, err);
    yh_buf_fini(&b);
    return s;
}

/* Id that the model's vocabulary has for an added token, or -1. */
static int64_t in_vocab(const yh_tok *t, const json_t *vocab, const char *content, size_t n)
{
    const json_t *id = json_object_getn(vocab, content, n);
    if (json_is_object(vocab))
        return json_is_integer(id) ? (int64_t)json_integer_value(id) : -1;
    uint32_t k = yh_tok_token(t, content, n);
    return k != YH_NO_ID ? (int64_t)k : -1;
}

/* seen: contents so far. */
static yh_status read_one_added(yh_tok *t, const json_t *j, const json_t *vocab, size_t n,
                                json_t *seen, const char *name, yh_err *err)
{
    const char *content;
    int64_t id, limit = (int64_t)(t->model.size + n) * 4 + 4096;
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
    int64_t other = in_vocab(t, vocab, content, a.len);
    if (other >= 0 && other != id)
        return yh_fail(err, YH_CORRUPT,
                       "%s: added token \"%.60s\" has id %lld here and %lld in the vocabulary",
                       name, content, (long long)id, (long long)other);
    if (json_object_getn(seen, content, a.len) != NULL)
        return yh_fail(err, YH_CORRUPT, "%s: added token \"%.60s\" is there twice", name, content);
    if (json_object_setn_new(seen, content, a.len, json_true()) != 0)
        return yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
    if (other < 0)
        YH_TRY(set_added_text(t, &a, content, name, err));
    yh_added *all = yh_grow(t->added, &t->added_cap, t->n_added + 1, sizeof *all);
    if (all != NULL)
        t->added = all;
    a.content = yh_strndup(content, a.len);
    if (all == NULL || a.content == NULL) {
        yh_free(a.content);
        return yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
    }
    t->added[t->n_added++] = a;
    return YH_OK;
}

static yh_status read_added(yh_tok *t, const json_t *list, const json_t *vocab, const char *name,
                            yh_err *err)
{
    size_t n = json_array_size(list);
    json_t *seen = json_object();
    if (seen == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
    yh_status s = YH_OK;
    for (size_t i = 0; i < n && s == YH_OK; i++)
        s = read_one_added(t, json_array_get(list, i), vocab, n, seen, name, err);
    json_decref(seen);
    return s;
}

/* Id of config's key, which is a text or an object with "content"; -1. */
static int64_t named_token(const yh_tok *t, const char *key)
{
    const json_t *v = json_object_get(t->config, key);
    const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);
    if (text == NULL)
        return -1;
    int64_t id = yh_tok_find(t, text);
    if (id < 0)
        id = in_vocab(t, json_object_get(json_object_get(t->json, "model"), "vocab"), text,
                      strlen(text));
    return id < (int64_t)t->model.size ? id : -1;
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
    YH_TRY(yh_norm_read(&t->norm, json_object_get(j, "normalizer"), name, err));
    YH_TRY(yh_pre_read(&t->pre, json_object_get(j, "pre_tokenizer"), &t->byte_level, name, err));
    YH_TRY(yh_tok_read_model(t, model, name, err));
    YH_TRY(yh_decoder_read(&t->decoder, json_object_get(j, "decoder"), name, err));
    YH_TRY(read_added(t, json_object_get(j, "added_tokens"), json_object_get(model, "vocab"), name,
                      err));
    YH_TRY(yh_tok_read_post(t, json_object_get(j, "post_processor"), name, err));
    YH_TRY(yh_tok_read_limits(t, json_object_get(j, "truncation"), json_object_get(j, "padding"),
                              name, err));
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

/* jansson reads no zero byte in a key, and there are vocabularies that have it as a token: in keys
 * it is read as the noncharacter U+10FFFF, which no vocabulary has, and put back where it matters.
 */
#define ZERO_KEY  "\xF4\x8F\xBF\xBF"
#define ZERO_JSON "\\udbff\\udfff"

/* End of the JSON string whose first quote is at p[i]; *zero: it has \u0000. */
static size_t string_end(const char *p, size_t n, size_t i, bool *zero)
{
    *zero = false;
    for (i++; i < n && p[i] != '"'; i++) {
        if (p[i] != '\\')
            continue;
        if (n - i >= 6 && memcmp(p + i, "\\u0000", 6) == 0)
            *zero = true;
        i++;
    }
    return i < n ? i + 1 : n;
}

static yh_status mask_zero_keys(const char *p, size_t n, yh_buf *out, yh_err *err)
{
    size_t done = 0, end;
    bool zero;
    for (size_t i = 0; i < n; i = end) {
        const char *quote = memchr(p + i, '"', n - i);
        if (quote == NULL)
            break;
        size_t begin = (size_t)(quote - p), k;
        end = string_end(p, n, begin, &zero);
        for (k = end; k < n && strchr(" \t\r\n", p[k]) != NULL && p[k] != '\0'; k++)
            ;
        if (!zero || k == n || p[k] != ':')
            continue;
        for (k = begin + 1; k < end; k++) {
            bool is = end - k >= 6 && memcmp(p + k, "\\u0000", 6) == 0;
            if (is) {
                YH_TRY(yh_buf_add(out, p + done, k - done, err));
                YH_TRY(yh_buf_adds(out, ZERO_JSON, err));
                done = k + 6;
            }
            k += p[k] == '\\' ? (is ? 5 : 1) : 0;
        }
    }
    return yh_buf_add(out, p + done, n - done, err);
}

/* Gives the vocabulary's tokens their zero bytes back. */
static yh_status unmask_zero_keys(json_t *json, const char *name, yh_err *err)
{
    json_t *vocab = json_object_get(json_object_get(json, "model"), "vocab"), *v;
    json_t *out = json_object();
    const char *key;
    yh_buf b;
    bool ok = out != NULL;
    yh_status s = YH_OK;
    if (!json_is_object(vocab)) {
        json_decref(out);
        return YH_OK;
    }
    yh_buf_init(&b, 0);
    json_object_foreach(vocab, key, v)
    {
        yh_buf_clear(&b);
        for (const char *p = key; *p != '\0' && s == YH_OK;) {
            bool zero = strncmp(p, ZERO_KEY, 4) == 0;
            s = zero ? yh_buf_addc(&b, '\0', err) : yh_buf_addc(&b, *p, err);
            p += zero ? 4 : 1;
        }
        ok = ok && s == YH_OK && json_object_setn(out, b.len > 0 ? b.data : "", b.len, v) == 0;
        if (!ok)
            break;
    }
    yh_buf_fini(&b);
    ok = ok && json_object_set(json_object_get(json, "model"), "vocab", out) == 0;
    json_decref(out);
    if (s == YH_OK && !ok)
        s = yh_fail(err, YH_NOMEM, "%s: no memory for the vocabulary", name);
    return s;
}

static yh_status load_json(json_t **out, const char *path, yh_err *err)
{
    yh_buf b, masked;
    *out = NULL;
    yh_buf_init(&b, 0);
    yh_buf_init(&masked, 0);
    yh_status s = yh_file_read(path, JSON_LIMIT, &b, err);
    bool zero = s == YH_OK && b.len > 0 && memmem(b.data, b.len, "\\u0000", 6) != NULL;
    if (zero)
        s = mask_zero_keys(b.data, b.len, &masked, err);
    if (s == YH_OK)
        s = yh_json_parse(out, zero ? masked.data : b.data, zero ? masked.len : b.len, path, err);
    if (s == YH_OK && zero)
        s = unmask_zero_keys(*out, path, err);
    yh_buf_fini(&b);
    yh_buf_fini(&masked);
    return s;
}

yh_status yh_tok_load(yh_tok **out, const char *path, yh_err *err)
{
    char *file = NULL, *config_file = NULL;
    json_t *json = NULL, *config = NULL;
    *out = NULL;
    yh_status s = find_files(path, &file, &config_file, err);
    if (s == YH_OK)
        s = load_json(&json, file, err);
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
