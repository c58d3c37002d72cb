/* A whole tokenizer: there and back, saved and loaded, streams, special tokens, chat, threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "text/tok_impl.h"
#include "text/utf8.h"

static yh_tok *tok;

static int setup(void **s)
{
    (void)s;
    yh_tok_trainer *t;
    yh_tok_train_options o = {.vocab = 300, .threads = 1};
    assert_int_equal(yh_tok_trainer_create(&t, &o, NULL), YH_OK);
    for (int i = 0; i < 50; i++) {
        const char *text = "the cat and the hat that sat there, 你好世界 你们好\n";
        assert_int_equal(yh_tok_trainer_add(t, text, strlen(text), NULL), YH_OK);
    }
    assert_int_equal(yh_tok_trainer_finish(t, NULL, NULL, &tok, NULL), YH_OK);
    yh_tok_trainer_free(t);
    return 0;
}

static int teardown(void **s)
{
    (void)s;
    yh_tok_free(tok);
    return 0;
}

static size_t random_bytes(yh_rng *r, char *text, size_t n, bool any)
{
    size_t at = 0;
    while (at + 4 < n) {
        if (any && yh_rng_below(r, 5) == 0) {
            text[at++] = (char)yh_rng_below(r, 256);
            continue;
        }
        uint32_t c = (uint32_t)yh_rng_below(r, yh_rng_below(r, 2) ? 128 : 0x3000);
        at += (size_t)yh_utf8_encode(c, (uint8_t *)text + at);
    }
    return at;
}

/* Whole decoding gives the text (its NFC and repair), streams give the same bytes and never a cut
 * character. */
static void there_and_back(void **s)
{
    (void)s;
    char text[2000];
    yh_rng r;
    yh_rng_init(&r, 1, 0);
    for (int round = 0; round < 200; round++) {
        size_t n = random_bytes(&r, text, sizeof text, round % 2);
        yh_ids ids = YH_IDS_INIT;
        yh_buf fixed, want, streamed;
        yh_buf_init(&fixed, 0);
        yh_buf_init(&want, 0);
        yh_buf_init(&streamed, 0);
        assert_int_equal(yh_utf8_repair((uint8_t *)text, n, &fixed, NULL), YH_OK);
        assert_int_equal(yh_nfc((uint8_t *)fixed.data, fixed.len, &want, NULL, NULL), YH_OK);
        assert_int_equal(yh_tok_encode(tok, text, n, YH_ENCODE_OFFSETS, &ids, NULL), YH_OK);
        char *back;
        size_t len;
        assert_int_equal(yh_tok_decode(tok, ids.id, ids.n, false, &back, &len, NULL), YH_OK);
        assert_int_equal(len, want.len);
        assert_memory_equal(back, want.data, len);
        yh_tok_stream st = {.n = 0};
        char out[128];
        assert_true(yh_tok_longest(tok) + 8 <= sizeof out);
        for (size_t i = 0; i < ids.n; i++) {
            size_t k = yh_tok_stream_push(tok, &st, ids.id[i], out, sizeof out);
            assert_int_equal(yh_utf8_valid((uint8_t *)out, k), k);
            assert_int_equal(yh_buf_add(&streamed, out, k, NULL), YH_OK);
            assert_true(ids.begin[i] <= ids.end[i] && ids.end[i] <= n);
            assert_true(i == 0 || ids.begin[i] >= ids.begin[i - 1]);
        }
        assert_int_equal(yh_tok_stream_end(&st, out, sizeof out), 0);
        assert_int_equal(streamed.len, len);
        assert_memory_equal(streamed.data, back, len);
        yh_text_free(back);
        yh_ids_fini(&ids);
        yh_buf_fini(&fixed);
        yh_buf_fini(&want);
        yh_buf_fini(&streamed);
    }
}

/* Any ids, also those whose bytes are no UTF-8: stream and whole agree. */
static void streams_of_any_ids(void **s)
{
    (void)s;
    yh_rng r;
    yh_rng_init(&r, 2, 0);
    for (int round = 0; round < 200; round++) {
        uint32_t id[200];
        yh_buf streamed;
        yh_buf_init(&streamed, 0);
        yh_tok_stream st = {.n = 0};
        char out[128], *back;
        size_t len, k;
        for (int i = 0; i < 200; i++) {
            id[i] = (uint32_t)yh_rng_below(&r, yh_tok_size(tok));
            k = yh_tok_stream_push(tok, &st, id[i], out, sizeof out);
            assert_int_equal(yh_buf_add(&streamed, out, k, NULL), YH_OK);
        }
        k = yh_tok_stream_end(&st, out, sizeof out);
        assert_int_equal(yh_buf_add(&streamed, out, k, NULL), YH_OK);
        assert_int_equal(yh_tok_decode(tok, id, 200, false, &back, &len, NULL), YH_OK);
        assert_int_equal(streamed.len, len);
        assert_memory_equal(streamed.data, back, len);
        yh_text_free(back);
        yh_buf_fini(&streamed);
    }
}

static void special_tokens(void **s)
{
    (void)s;
    uint32_t eos = (uint32_t)yh_tok_eos(tok);
    yh_ids ids = YH_IDS_INIT;
    const char *text = "a<|endoftext|>b";
    assert_int_equal(
        yh_tok_encode(tok, text, strlen(text), YH_ENCODE_SPECIAL | YH_ENCODE_OFFSETS, &ids, NULL),
        YH_OK);
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.id[1], eos);
    assert_int_equal(ids.begin[1], 1);
    assert_int_equal(ids.end[1], 14);
    char *back;
    assert_int_equal(yh_tok_decode(tok, ids.id, ids.n, true, &back, NULL, NULL), YH_OK);
    assert_string_equal(back, "ab");
    yh_text_free(back);
    yh_ids_fini(&ids);
    assert_int_equal(yh_tok_encode(tok, text, strlen(text), 0, &ids, NULL), YH_OK);
    for (size_t i = 0; i < ids.n; i++)
        assert_int_not_equal(ids.id[i], eos);
    bool special;
    size_t len;
    assert_string_equal(yh_tok_bytes(tok, eos, &len, &special), "<|endoftext|>");
    assert_true(special);
    assert_string_equal(yh_tok_bytes(tok, yh_tok_size(tok), &len, &special), "");
    yh_err err = YH_ERR_INIT;
    uint32_t past = yh_tok_size(tok);
    assert_int_equal(yh_tok_decode(tok, &past, 1, false, &back, NULL, &err), YH_INVALID);
    yh_ids_fini(&ids);
}

static void saved_and_loaded(void **s)
{
    (void)s;
    char dir[] = "/tmp/yh_tok_XXXXXX", cmd[64];
    assert_non_null(mkdtemp(dir));
    yh_tok *t;
    assert_int_equal(yh_tok_save(tok, dir, NULL), YH_OK);
    assert_int_equal(yh_tok_load(&t, dir, NULL), YH_OK);
    assert_true(yh_tok_hash(t) == yh_tok_hash(tok));
    assert_int_equal(yh_tok_size(t), yh_tok_size(tok));
    assert_int_equal(yh_tok_eos(t), yh_tok_eos(tok));
    assert_null(yh_tok_chat_template(t));
    yh_tok_free(t);
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    assert_int_equal(system(cmd), 0);
}

/* A copy of the tokenizer with one value of its JSON changed. */
static yh_status changed(const char *part, const char *key, const char *value, yh_err *err)
{
    json_t *j = json_deep_copy(tok->json), *v = json_loads(value, JSON_DECODE_ANY, NULL);
    json_t *at = part[0] == '\0' ? j : json_object_get(j, part);
    yh_tok *t;
    assert_non_null(v);
    if (json_is_array(at))
        at = json_array_get(at, 0);
    assert_int_equal(json_object_set_new(at, key, v), 0);
    yh_status s = yh_tok_from_json(&t, j, NULL, "file.json", err);
    yh_tok_free(t);
    json_decref(j);
    return s;
}

static void errors_name_what_is_wrong(void **s)
{
    (void)s;
    static const struct {
        const char *part, *key, *value;
        yh_status status;
        const char *word;
    } cases[] = {
        {"model", "type", "\"WordSalad\"", YH_UNSUPPORTED, "WordSalad"},
        {"model", "type", "\"Unigram\"", YH_UNSUPPORTED, "Unigram model behind a ByteLevel"},
        {"model", "dropout", "0.1", YH_UNSUPPORTED, "dropout"},
        {"model", "end_of_word_suffix", "\"</w>\"", YH_UNSUPPORTED, "suffix with ByteLevel"},
        {"model", "vocab", "{\"a\": 0}", YH_CORRUPT, "merge 0"},
        {"model", "vocab", "{\"a\": 0, \"b\": 0}", YH_CORRUPT, "two tokens have id 0"},
        {"model", "vocab", "{\"a\": 99999999999}", YH_CORRUPT, "\"a\""},
        {"model", "vocab", "[]", YH_CORRUPT, "vocab"},
        {"model", "merges", "[\"t\"]", YH_CORRUPT, "merge 0"},
        {"model", "merges", "[[\"t\", \"qqq\"]]", YH_CORRUPT, "qqq"},
        {"model", "merges", "[[\"q\", \"z\"]]", YH_CORRUPT, "no token"},
        {"added_tokens", "id", "5", YH_CORRUPT, "id 5"},
        {"added_tokens", "id", "-5", YH_CORRUPT, "id"},
        {"added_tokens", "content", "\"\"", YH_CORRUPT, "empty"},
        {"added_tokens", "content", "\"<|im_end|>\"", YH_CORRUPT, "twice"},
        {"", "normalizer", "{\"type\": \"NFX\"}", YH_UNSUPPORTED, "NFX"},
        {"", "normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"A*\"}",
         YH_CORRUPT, "base64"},
        {"", "normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}",
         YH_CORRUPT, "damaged"},
        {"", "pre_tokenizer", "{\"type\": \"Metaspace\"}", YH_CORRUPT, "Metaspace"},
        {"", "pre_tokenizer", "{\"type\": \"UnicodeScripts\"}", YH_UNSUPPORTED, "UnicodeScripts"},
        {"", "decoder", "null", YH_UNSUPPORTED, "decoder"},
        {"", "decoder", "{\"type\": \"CTC\"}", YH_UNSUPPORTED, "CTC"},
        {"", "post_processor", "{\"type\": \"RobertaProcessing\"}", YH_CORRUPT, "cls"},
        {"", "post_processor", "{\"type\": \"Mystery\"}", YH_UNSUPPORTED, "Mystery"},
        {"", "truncation", "{\"max_length\": 4, \"strategy\": \"OnlySecond\"}", YH_UNSUPPORTED,
         "OnlySecond"},
        {"", "padding", "{\"strategy\": {\"Fixed\": -1}}", YH_CORRUPT, "Fixed"},
        {"", "model", "null", YH_CORRUPT, "model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yh_err err = YH_ERR_INIT;
        yh_status got = changed(cases[i].part, cases[i].key, cases[i].value, &err);
        if (got != cases[i].status || strstr(err.msg, cases[i].word) == NULL ||
            strstr(err.msg, "file.json") == NULL)
            fail_msg("case %zu: status %d, \"%s\"", i, (int)got, err.msg);
    }
}

static void chat_with(const char *template, bool prompt, const char *want)
{
    yh_tok *t;
    json_t *config = json_object();
    assert_non_null(config);
    json_object_set_new(config, "chat_template", json_string(template));
    assert_int_equal(yh_tok_from_json(&t, tok->json, config, "t", NULL), YH_OK);
    yh_chat_message m[] = {{"user", " hi "}, {"assistant", "yo"}};
    char *text = NULL;
    yh_err err = YH_ERR_INIT;
    yh_status s = yh_tok_chat(t, m, 2, prompt, &text, &err);
    if (want == NULL)
        assert_int_equal(s, YH_UNSUPPORTED);
    else
        assert_string_equal(text, want);
    yh_text_free(text);
    json_decref(config);
    yh_tok_free(t);
}

static void chat_templates(void **s)
{
    (void)s;
    chat_with("{{'<|im_start|>' + role}}", true,
              "<|im_start|>user\n hi <|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n"
              "<|im_start|>assistant\n");
    chat_with("'<|start_header_id|>' bos_token if add_generation_prompt", false,
              "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\nyo<|eot_id|>");
    chat_with("[INST]", true, NULL);
    char *text;
    assert_int_equal(yh_tok_chat(tok, NULL, 0, true, &text, NULL), YH_UNSUPPORTED);
}

static void *encode_many(void *arg)
{
    const char *text = arg;
    yh_ids first = YH_IDS_INIT, ids = YH_IDS_INIT;
    bool same = yh_tok_encode(tok, text, strlen(text), 0, &first, NULL) == YH_OK;
    for (int i = 0; i < 300; i++) {
        ids.n = 0;
        same = same && yh_tok_encode(tok, text, strlen(text), 0, &ids, NULL) == YH_OK &&
               ids.n == first.n && memcmp(ids.id, first.id, ids.n * sizeof *ids.id) == 0;
    }
    yh_ids_fini(&first);
    yh_ids_fini(&ids);
    return same ? arg : NULL;
}

static void many_threads_share_one(void **s)
{
    (void)s;
    static char text[4][40] = {"the cat sat there", "你好世界, 你们好", "e\xCC\x81 \xFF 12",
                               "that hat"};
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, encode_many, text[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *ok;
        pthread_join(t[i], &ok);
        assert_non_null(ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(streams_of_any_ids),
        cmocka_unit_test(special_tokens),
        cmocka_unit_test(saved_and_loaded),
        cmocka_unit_test(errors_name_what_is_wrong),
        cmocka_unit_test(chat_templates),
        cmocka_unit_test(many_threads_share_one),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
