/* Files to tokenizers: which of them, and of what format. */
#include "base/file.h"
#include "base/json.h"
#include "text/tok_impl.h"

enum { JSON_LIMIT = 512 << 20, CONFIG_LIMIT = 64 << 20 };

/* Sets *path to the tokenizer.json, or the SentencePiece model in its place, and *config to the
 * tokenizer_config.json beside it. */
static yh_status find_files(const char *given, char **path, char **config, yh_err *err)
{
    static const char *const models[] = {"tokenizer.model", "spiece.model",
                                         "sentencepiece.bpe.model"};
    *config = NULL;
    if (yh_is_dir(given)) {
        *path = yh_path_join(given, "tokenizer.json");
        for (size_t i = 0; *path != NULL && !yh_is_file(*path) && i < 3; i++) {
            char *other = yh_path_join(given, models[i]);
            if (other != NULL && !yh_is_file(other)) {
                yh_free(other);
                continue;
            }
            yh_free(*path);
            *path = other;
        }
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

/* A tokenizer.json's text. */
static yh_status parse_json(json_t **out, const yh_buf *b, const char *path, yh_err *err)
{
    yh_buf masked;
    *out = NULL;
    yh_buf_init(&masked, 0);
    yh_status s = YH_OK;
    bool zero = b->len > 0 && memmem(b->data, b->len, "\\u0000", 6) != NULL;
    if (zero)
        s = mask_zero_keys(b->data, b->len, &masked, err);
    if (s == YH_OK)
        s = yh_json_parse(out, zero ? masked.data : b->data, zero ? masked.len : b->len, path, err);
    if (s == YH_OK && zero)
        s = unmask_zero_keys(*out, path, err);
    yh_buf_fini(&masked);
    return s;
}

typedef enum format { JSON, SENTENCEPIECE, TIKTOKEN } format;

static format format_of(const yh_buf *b)
{
    size_t i = 0;
    while (i < b->len && strchr(" \t\r\n", b->data[i]) != NULL && b->data[i] != '\0')
        i++;
    /* a SentencePiece model begins with a piece: a line feed, its length, and then a field again */
    if (b->len > 2 && b->data[0] == '\n' && b->data[2] == '\n')
        return SENTENCEPIECE;
    return yh_tok_is_tiktoken(b->data, b->len) ? TIKTOKEN : JSON;
}

static yh_status load(yh_tok **out, const char *path, const char *pattern, bool tiktoken,
                      yh_err *err)
{
    char *file = NULL, *config_file = NULL;
    json_t *json = NULL, *config = NULL;
    yh_buf b;
    *out = NULL;
    yh_buf_init(&b, 0);
    yh_status s = find_files(path, &file, &config_file, err);
    if (s == YH_OK)
        s = yh_file_read(file, JSON_LIMIT, &b, err);
    format f = s == YH_OK ? format_of(&b) : JSON;
    if (s == YH_OK && tiktoken && f != TIKTOKEN)
        s = yh_fail(err, YH_CORRUPT, "%s: not a .tiktoken file, which alone needs a pattern", file);
    if (s == YH_OK && f == TIKTOKEN)
        s = yh_tok_from_tiktoken(out, b.data, b.len, pattern, file, err);
    if (s == YH_OK && f == SENTENCEPIECE)
        s = yh_tok_from_sp(out, b.data, b.len, file, err);
    if (s == YH_OK && f == JSON)
        s = parse_json(&json, &b, file, err);
    yh_buf_fini(&b);
    if (s == YH_OK && f == JSON && yh_is_file(config_file))
        s = load_config(&config, config_file, err);
    if (s == YH_OK && f == JSON)
        s = yh_tok_from_json(out, json, config, file, err);
    json_decref(json);
    json_decref(config);
    yh_free(file);
    yh_free(config_file);
    return s;
}

yh_status yh_tok_load(yh_tok **out, const char *path, yh_err *err)
{
    return load(out, path, NULL, false, err);
}

yh_status yh_tok_load_tiktoken(yh_tok **out, const char *path, const char *pattern, yh_err *err)
{
    return load(out, path, pattern, true, err);
}
