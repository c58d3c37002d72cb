/* Reading tokenizer.json and tokenizer_config.json. Everything that is not supported is named. */
#include "base/json.h"
#include "text/tok_impl.h"
#include "text/tok_json.h"
#include "text/utf8.h"

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
