/* Writing tokenizer.json and tokenizer_config.json. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "text/tok_impl.h"

yh_status yh_tok_save(const yh_tok *t, const char *dir, yh_err *err)
{
    json_t *made = NULL;
    const json_t *config = t->config;
    yh_status s = yh_mkdirs(dir, err);
    if (s == YH_OK && t->file != NULL) {
        char *path = yh_path_join(dir, "tokenizer.model");
        s = path != NULL ? yh_file_write(path, t->file, t->file_len, err)
                         : yh_fail(err, YH_NOMEM, "%s: no memory for a path", dir);
        yh_free(path);
        return s;
    }
    char *a = yh_path_join(dir, "tokenizer.json"), *b = yh_path_join(dir, "tokenizer_config.json");
    if (s == YH_OK && (a == NULL || b == NULL))
        s = yh_fail(err, YH_NOMEM, "%s: no memory for a path", dir);
    if (s == YH_OK && config == NULL) {
        int64_t eos = yh_tok_eos(t);
        s = yh_tok_make_config(&made, eos >= 0 ? yh_tok_bytes(t, (uint32_t)eos, NULL, NULL) : NULL,
                               err);
        config = made;
    }
    if (s == YH_OK)
        s = yh_json_save(t->json, a, true, err);
    if (s == YH_OK)
        s = yh_json_save(config, b, true, err);
    json_decref(made);
    yh_free(a);
    yh_free(b);
    return s;
}

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory for a tokenizer");
}

static json_t *byte_level(void)
{
    return json_pack("{s:s,s:b,s:b,s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                     "trim_offsets", 0, "use_regex", 0);
}

static json_t *parts(const char *pattern)
{
    return json_pack("{s:s,s:n,s:n,s:[],s:{s:s},s:{s:s,s:[{s:s,s:{s:s},s:s,s:b},o]},s:o,s:o}",
                     "version", "1.0", "truncation", "padding", "added_tokens", "normalizer",
                     "type", "NFC", "pre_tokenizer", "type", "Sequence", "pretokenizers", "type",
                     "Split", "pattern", "Regex", pattern, "behavior", "Isolated", "invert", 0,
                     byte_level(), "post_processor", byte_level(), "decoder", byte_level());
}

static yh_status add_specials(json_t *j, uint32_t first, const char *const *special, uint32_t n,
                              yh_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        json_t *a = json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:b}", "id", (int)(first + i), "content",
                              special[i], "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized",
                              0, "special", 1);
        if (a == NULL || json_array_append_new(json_object_get(j, "added_tokens"), a) != 0)
            return no_memory(err);
    }
    return YH_OK;
}

yh_status yh_tok_make_json(json_t **json, const char *const *token, const size_t *token_len,
                           uint32_t tokens, const uint32_t *left, const uint32_t *right,
                           uint32_t merges, const char *pattern, const char *const *special,
                           uint32_t specials, yh_err *err)
{
    json_t *j = parts(pattern);
    json_t *vocab = json_object(), *list = json_array();
    yh_buf b;
    yh_status s = j != NULL && vocab != NULL && list != NULL ? YH_OK : no_memory(err);
    yh_buf_init(&b, 0);
    for (uint32_t i = 0; i < tokens && s == YH_OK; i++) {
        if (token[i] == NULL) /* no such id */
            continue;
        yh_buf_clear(&b);
        YH_GOTO(s, yh_byte_token(token[i], token_len[i], &b, err), done);
        if (json_object_setn_new(vocab, b.data, b.len, json_integer(i)) != 0)
            s = no_memory(err);
    }
    for (uint32_t i = 0; i < merges && s == YH_OK; i++) {
        yh_buf_clear(&b);
        /* one string: every reader knows it, and no token has a space in it */
        YH_GOTO(s, yh_byte_token(token[left[i]], token_len[left[i]], &b, err), done);
        YH_GOTO(s, yh_buf_add(&b, " ", 1, err), done);
        YH_GOTO(s, yh_byte_token(token[right[i]], token_len[right[i]], &b, err), done);
        if (json_array_append_new(list, json_stringn(b.data, b.len)) != 0)
            s = no_memory(err);
    }
    if (s == YH_OK)
        s = add_specials(j, tokens, special, specials, err);
    if (s == YH_OK) {
        json_t *model =
            json_pack("{s:s,s:n,s:n,s:n,s:n,s:b,s:b,s:b,s:O,s:O}", "type", "BPE", "dropout",
                      "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                      "byte_fallback", 0, "ignore_merges", 0, "vocab", vocab, "merges", list);
        if (model == NULL || json_object_set_new(j, "model", model) != 0)
            s = no_memory(err);
    }
done:
    yh_buf_fini(&b);
    json_decref(vocab);
    json_decref(list);
    if (s != YH_OK) {
        json_decref(j);
        j = NULL;
    }
    *json = j;
    return s;
}

/* In units of 1/4096 a score has few digits, which every parser reads as the same number, and sums
 * are exact: no two programs choose differently between paths that are equally good. */
static bool add_row(json_t *vocab, const char *t, size_t n, double score)
{
    json_t *row = json_pack("[s%,f]", t, n, nearbyint(score * 4096) / 4096);
    return row != NULL && json_array_append_new(vocab, row) == 0;
}

yh_status yh_tok_make_unigram_json(json_t **json, const char *blob, const uint32_t *at,
                                   const double *score, uint32_t pieces, bool byte_fallback,
                                   const char *const *special, uint32_t specials, yh_err *err)
{
    static const char space[] = "\xE2\x96\x81";
    json_t *vocab = json_array(), *model = NULL;
    double low = 0;
    for (uint32_t i = 0; i < pieces; i++)
        low = score[i] < low ? score[i] : low;
    /* text that reads like the name of a byte must not be taken for one */
    low -= 100;
    bool good = vocab != NULL && add_row(vocab, "<unk>", 5, low);
    for (int b = 0; b < 256 && byte_fallback && good; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
        good = add_row(vocab, name, 6, low);
    }
    for (uint32_t i = 0; i < pieces && good; i++)
        good = add_row(vocab, blob + at[i], at[i + 1] - at[i], score[i]);
    if (good)
        model = json_pack("{s:s,s:i,s:O,s:b}", "type", "Unigram", "unk_id", 0, "vocab", vocab,
                          "byte_fallback", byte_fallback);
    json_t *j = json_pack(
        "{s:s,s:n,s:n,s:[],s:{s:s},s:{s:s,s:s,s:s,s:b},s:n,s:{s:s,s:[{s:s,s:{s:s},s:s},"
        "{s:s},{s:s}]}}",
        "version", "1.0", "truncation", "padding", "added_tokens", "normalizer", "type", "NFC",
        "pre_tokenizer", "type", "Metaspace", "replacement", space, "prepend_scheme", "never",
        "split", 1, "post_processor", "decoder", "type", "Sequence", "decoders", "type", "Replace",
        "pattern", "String", space, "content", " ", "type", "ByteFallback", "type", "Fuse");
    yh_status s = model != NULL && j != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK)
        s = add_specials(j, (uint32_t)json_array_size(vocab), special, specials, err);
    if (s == YH_OK && json_object_set(j, "model", model) != 0)
        s = no_memory(err);
    json_decref(vocab);
    json_decref(model);
    if (s != YH_OK) {
        json_decref(j);
        j = NULL;
    }
    *json = j;
    return s;
}

yh_status yh_tok_make_config(json_t **config, const char *eos, yh_err *err)
{
    /* PreTrainedTokenizerFast opens tokenizer.json as it is, whatever its pattern */
    *config =
        json_pack("{s:b,s:n,s:s?,s:s?,s:b,s:i,s:s}", "add_prefix_space", 0, "bos_token",
                  "eos_token", eos, "pad_token", eos, "clean_up_tokenization_spaces", 0,
                  "model_max_length", 1000000000, "tokenizer_class", "PreTrainedTokenizerFast");
    return *config != NULL ? YH_OK : no_memory(err);
}
