/* Reading "decoder" of a tokenizer.json. */
#include "base/json.h"
#include "text/decode.h"
#include "text/tok_json.h"
#include "text/utf8.h"

/* Where in the list of decoders a reader is: they work on tokens, then on what ByteFallback left of
 * these, then on one text. */
typedef enum stage { TOKENS, BYTES, FUSED } stage;

static yh_status add_step(yh_decoder *d, yh_decode_kind kind, yh_decode_step **out,
                          const char *name, yh_err *err)
{
    if (d->n == YH_DECODE_STEPS)
        return yh_fail(err, YH_LIMIT, "%s: more than %d decoder steps", name, (int)YH_DECODE_STEPS);
    *out = &d->step[d->n++];
    **out = (yh_decode_step){.kind = kind};
    return YH_OK;
}

static yh_status set_text(char **to, size_t *len, const json_t *v, const char *what,
                          const char *name, yh_err *err)
{
    if (!json_is_string(v))
        return yh_fail(err, YH_CORRUPT, "%s: the decoder's %s must be a text", name, what);
    *len = json_string_length(v);
    *to = yh_strndup(json_string_value(v), *len);
    return *to != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "%s: no memory for a decoder", name);
}

static yh_status read_replace(yh_decoder *d, const json_t *j, const char *name, yh_err *err)
{
    yh_decode_step *s = NULL;
    const json_t *pattern = json_object_get(j, "pattern");
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    YH_TRY(add_step(d, YH_DECODE_REPLACE, &s, name, err));
    YH_TRY(set_text(&s->content, &s->content_len, json_object_get(j, "content"), "content", name,
                    err));
    if (regex != NULL && regex[0] != '\0')
        return yh_pattern_create(&s->pattern, regex, true, name, err);
    YH_TRY(
        set_text(&s->text, &s->text_len, json_object_get(pattern, "String"), "pattern", name, err));
    return s->text_len > 0
               ? YH_OK
               : yh_fail(err, YH_CORRUPT, "%s: a decoder Replace with an empty pattern", name);
}

static yh_status one_character(const json_t *j, const char *key, const char **c, size_t *n,
                               const char *name, yh_err *err)
{
    uint32_t cp;
    const json_t *v = json_object_get(j, key);
    *n = json_string_length(v);
    *c = json_string_value(v);
    if (*n == 0 || yh_utf8_decode((const uint8_t *)*c, *n, &cp) != (int)*n)
        return yh_fail(err, YH_CORRUPT, "%s: the decoder's %s must be one character", name, key);
    return YH_OK;
}

static yh_status read_strip(yh_decoder *d, const json_t *j, stage at, const char *name, yh_err *err)
{
    const char *c;
    size_t n;
    int64_t start, stop;
    yh_decode_step *s = NULL;
    YH_TRY(one_character(j, "content", &c, &n, name, err));
    YH_TRY(yh_json_int(j, "start", 0, INT32_MAX, true, 0, name, &start, err));
    YH_TRY(yh_json_int(j, "stop", 0, INT32_MAX, true, 0, name, &stop, err));
    if (at == TOKENS) {
        YH_TRY(add_step(d, YH_DECODE_STRIP, &s, name, err));
        s->n_start = (size_t)start;
        s->n_stop = (size_t)stop;
        return set_text(&s->text, &s->text_len, json_object_get(j, "content"), "content", name,
                        err);
    }
    if (stop > 0)
        return yh_tok_unsupported(name, "decoder behind Fuse", "Strip with stop", err);
    if (d->strip_max > 0)
        return yh_tok_unsupported(name, "decoder behind Fuse", "Strip a second time", err);
    memcpy(d->strip, c, n);
    d->strip[n] = '\0';
    d->strip_max = (size_t)start;
    return YH_OK;
}

/* Decoders that change tokens one by one. */
static yh_status read_step(yh_decoder *d, const json_t *j, const char *type, const char *name,
                           yh_err *err)
{
    yh_decode_step *s = NULL;
    if (strcmp(type, "Replace") == 0)
        return read_replace(d, j, name, err);
    if (strcmp(type, "Metaspace") == 0) {
        const char *c, *scheme = json_string_value(json_object_get(j, "prepend_scheme"));
        size_t n;
        YH_TRY(one_character(j, "replacement", &c, &n, name, err));
        YH_TRY(add_step(d, YH_DECODE_METASPACE, &s, name, err));
        s->flag = scheme != NULL ? strcmp(scheme, "never") != 0
                                 : !json_is_false(json_object_get(j, "add_prefix_space"));
        return set_text(&s->text, &s->text_len, json_object_get(j, "replacement"), "replacement",
                        name, err);
    }
    if (strcmp(type, "WordPiece") == 0) {
        YH_TRY(add_step(d, YH_DECODE_WORDPIECE, &s, name, err));
        s->flag = !json_is_false(json_object_get(j, "cleanup"));
        return set_text(&s->text, &s->text_len, json_object_get(j, "prefix"), "prefix", name, err);
    }
    if (strcmp(type, "BPEDecoder") == 0) {
        YH_TRY(add_step(d, YH_DECODE_SUFFIX, &s, name, err));
        YH_TRY(set_text(&s->text, &s->text_len, json_object_get(j, "suffix"), "suffix", name, err));
        return s->text_len > 0
                   ? YH_OK
                   : yh_tok_unsupported(name, "decoder", "BPEDecoder without suffix", err);
    }
    return yh_tok_unsupported(name, "decoder", type, err);
}

static yh_status read_at(yh_decoder *d, const json_t *j, int depth, stage *at, const char *name,
                         yh_err *err)
{
    static const char *const behind[] = {"decoder", "decoder behind ByteFallback",
                                         "decoder behind Fuse"};
    const char *type = yh_tok_type(j);
    const json_t *list = json_object_get(j, "decoders");
    yh_decode_step *s = NULL;
    if (strcmp(type, "Sequence") == 0 && json_is_array(list) && depth < 4) {
        for (size_t i = 0; i < json_array_size(list); i++)
            YH_TRY(read_at(d, json_array_get(list, i), depth + 1, at, name, err));
        return YH_OK;
    }
    if (strcmp(type, "Fuse") == 0) {
        *at = FUSED;
        return YH_OK;
    }
    if (strcmp(type, "Strip") == 0 && *at != BYTES)
        return read_strip(d, j, *at, name, err);
    if (*at != TOKENS)
        return yh_tok_unsupported(name, behind[*at], type, err);
    if (strcmp(type, "ByteFallback") == 0) {
        d->fallback = true;
        *at = BYTES;
        return YH_OK;
    }
    if (strcmp(type, "ByteLevel") == 0) {
        *at = FUSED;
        return add_step(d, YH_DECODE_BYTES, &s, name, err);
    }
    return read_step(d, j, type, name, err);
}

yh_status yh_decoder_read(yh_decoder *d, const json_t *j, const char *name, yh_err *err)
{
    stage at = TOKENS;
    yh_decode_step *s = NULL;
    if (j == NULL || json_is_null(j))
        return add_step(d, YH_DECODE_JOIN, &s, name, err);
    return read_at(d, j, 0, &at, name, err);
}
