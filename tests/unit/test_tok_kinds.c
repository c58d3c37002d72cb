/* The kinds of tokenizers: small vocabularies, with the ids, offsets and texts that Hugging Face's
 * tokenizers, sentencepiece and tiktoken give for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "text/datrie.h"
#include "text/tok_impl.h"

enum { IDS = 32 };

typedef struct expected {
    const char *text;
    size_t len, n;
    uint32_t id[IDS];
    uint64_t begin[IDS], end[IDS];
    const char *decoded;
} expected;

typedef struct kind {
    const char *name, *json;
    expected want[4];
} kind;

static const kind kinds[] = {
    {"bytes behind characters",

     "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[{\"id\":10,"
     "\"content\":\"<s>\""
     ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":"
     "true}],\"no"
     "rmalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
     "\"\\u2581\"},{\"type\":"
     "\"Replace\",\"pattern\":{\"String\":\" "
     "\"},\"content\":\"\\u2581\"}]},\"pre_tokenizer\":null,\"post_proces"
     "sor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_"
     "id\":0}},{\"Se"
     "quence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}"
     ",{\"Sequence\":{"
     "\"id\":\"B\",\"type_id\":0}}],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[10],"
     "\"tokens\":[\"<s>\"]}}}"
     ",\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{"
     "\"String\":\"\\u2581\"},"
     "\"content\":\" "
     "\"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" "
     "\",\"star"
     "t\":1,\"stop\":0}]},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"<unk>\","
     "\"continuing_subw"
     "ord_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":true,\"byte_fallback\":true,"
     "\"vocab\":{\""
     "<unk>\":0,\"<0xC3>\":1,\"<0xA9>\":2,\"\\u2581\":3,\"a\":4,\"b\":5,\"ab\":6,\"\\u2581a\":7,"
     "\"\\u2581ab\":8,\"x\":"
     "9,\"<s>\":10},\"merges\":[\"a b\",\"\\u2581 a\",\"\\u2581a b\",\"\\u2581 ab\"]}}",
     {
         {"ab ab", 5, 3, {10, 8, 8}, {0, 0, 2}, {0, 2, 5}, "<s> ab ab"},
         {"xab\303\251 a",
          7,
          7,
          {10, 3, 9, 6, 1, 2, 7},
          {0, 0, 0, 1, 3, 3, 5},
          {0, 1, 1, 3, 5, 5, 7},
          "<s> xab\303\251 a"},
         {"  ab", 4, 4, {10, 3, 3, 8}, {0, 0, 0, 1}, {0, 1, 1, 4}, "<s>   ab"},
         {"\360\237\230\200b<s>a",
          9,
          6,
          {10, 3, 0, 5, 10, 7},
          {0, 0, 0, 4, 5, 8},
          {0, 4, 4, 5, 8, 9},
          "<s> <unk>b<s> a"},
     }},
    {"unigram",

     "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":"
     "{\"type\":\""
     "NFKC\"},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_"
     "scheme\":\"always"
     "\",\"split\":true},\"post_processor\":null,\"decoder\":{\"type\":\"Metaspace\","
     "\"replacement\":\"\\u2581\""
     ",\"prepend_scheme\":\"always\",\"split\":true},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,"
     "\"byte_fallba"
     "ck\":false,\"vocab\":[[\"<unk>\",0.0],[\"\\u2581\",-2.0],[\"a\",-3.0],[\"b\",-3.5],[\"ab\",-"
     "4.0],[\"ba\",-"
     "5.0],[\"\\u2581a\",-4.5],[\"aba\",-6.0],[\"f\",-3.0],[\"i\",-3.0]]}}",
     {
         {"abab ba", 7, 5, {1, 4, 4, 1, 5}, {0, 0, 2, 4, 5}, {1, 2, 4, 5, 7}, "abab ba"},
         {"xyz a", 5, 3, {1, 0, 6}, {0, 0, 3}, {1, 3, 5}, "<unk> a"},
         {"\357\254\201 \357\275\201b",
          8,
          5,
          {1, 8, 9, 1, 4},
          {0, 0, 0, 3, 4},
          {3, 3, 3, 4, 8},
          "fi ab"},
         {"a  b", 4, 4, {6, 1, 1, 3}, {0, 1, 2, 3}, {1, 2, 3, 4}, "a  b"},
     }},
    {"wordpiece",

     "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":"
     "{\"type\":\""
     "BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,"
     "\"lowerc"
     "ase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{\"type\":"
     "\"BertProce"
     "ssing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]},\"decoder\":{\"type\":\"WordPiece\","
     "\"prefix\":\"##\",\"c"
     "leanup\":true},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_"
     "subword_prefix\":"
     "\"##\",\"max_input_chars_per_word\":6,\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"un\":"
     "3,\"##able\":4"
     ",\"##a\":5,\"caf\":6,\"##e\":7,\"\\u4f60\":8,\"!\":9,\".\":10,\"un##\":11}}}",
     {
         {"Unable unaunaunaun",
          18,
          5,
          {1, 3, 4, 0, 2},
          {0, 0, 2, 7, 0},
          {0, 2, 6, 18, 0},
          "[CLS] unable [UNK] [SEP]"},
         {"Caf\303\251\344\275\240!",
          9,
          6,
          {1, 6, 7, 8, 9, 2},
          {0, 0, 3, 5, 8, 0},
          {0, 3, 5, 8, 9, 0},
          "[CLS] cafe \344\275\240! [SEP]"},
         {"UN\000A . q",
          8,
          6,
          {1, 3, 5, 10, 0, 2},
          {0, 0, 3, 5, 7, 0},
          {0, 2, 4, 6, 8, 0},
          "[CLS] una. [UNK] [SEP]"},
     }},
    {"suffix, some characters vanish",

     "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":"
     "null,\"pre"
     "_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"post_processor\":null,\"decoder\":{\"type\":"
     "\"BPEDecoder"
     "\",\"suffix\":\"</"
     "w>\"},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_subwo"
     "rd_prefix\":null,\"end_of_word_suffix\":\"</"
     "w>\",\"fuse_unk\":false,\"byte_fallback\":false,\"vocab\""
     ":{\"a\":0,\"b\":1,\"b</w>\":2,\"ab</w>\":3,\"a</w>\":4},\"merges\":[\"a b</w>\"]}}",
     {
         {"ab aab", 6, 3, {3, 0, 3}, {0, 3, 4}, {2, 4, 6}, "ab aab"},
         {"a?b ab?", 7, 3, {3, 0, 1}, {0, 4, 5}, {2, 5, 6}, "ab ab"},
     }},
    {"bytes of which some are missing",

     "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":"
     "null,\"pre"
     "_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_"
     "regex\":tr"
     "ue},\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":"
     "true,\"use_"
     "regex\":true},\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":"
     "true,\"us"
     "e_regex\":true},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_"
     "subword_p"
     "refix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
     "\"vocab\":{\"a\":"
     "0,\"b\":1,\"\\u0120\":2,\"\\u0120a\":3,\"\\u00c3\":4},\"merges\":[\"\\u0120 a\"]}}",
     {
         {"a b", 3, 3, {3, 2, 1}, {0, 2, 2}, {1, 2, 3}, " a b"},
         {"\303\251ab a",
          6,
          5,
          {2, 4, 0, 1, 3},
          {0, 0, 0, 0, 5},
          {0, 2, 2, 2, 6},
          " \357\277\275ab a"},
         {"ab  a", 5, 4, {3, 1, 2, 3}, {0, 1, 3, 4}, {1, 2, 3, 5}, " ab  a"},
     }},
};

/* Streamed and whole decoding agree with what is expected. */
static void check_decoding(const yh_tok *t, const char *name, const uint32_t *id, size_t n,
                           const char *want)
{
    char *back, out[64];
    size_t len;
    yh_tok_stream st = {.n = 0};
    yh_buf streamed;
    assert_int_equal(yh_tok_decode(t, id, n, false, &back, &len, NULL), YH_OK);
    if (strcmp(back, want) != 0)
        fail_msg("%s: decoded \"%s\", want \"%s\"", name, back, want);
    yh_text_free(back);
    yh_buf_init(&streamed, 0);
    assert_true(yh_tok_longest(t) + 16 <= sizeof out);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            yh_buf_add(&streamed, out, yh_tok_stream_push(t, &st, id[i], out, sizeof out), NULL),
            YH_OK);
    assert_int_equal(yh_buf_add(&streamed, out, yh_tok_stream_end(&st, out, sizeof out), NULL),
                     YH_OK);
    assert_string_equal(streamed.data, want);
    yh_buf_fini(&streamed);
}

static void check_text(const yh_tok *t, const char *name, const expected *w)
{
    yh_ids ids = YH_IDS_INIT;
    assert_int_equal(yh_tok_encode(t, w->text, w->len,
                                   YH_ENCODE_SPECIAL | YH_ENCODE_TEMPLATE | YH_ENCODE_OFFSETS, &ids,
                                   NULL),
                     YH_OK);
    if (ids.n != w->n)
        fail_msg("%s: \"%s\": %zu ids, want %zu", name, w->text, ids.n, w->n);
    for (size_t i = 0; i < ids.n; i++)
        if (ids.id[i] != w->id[i] || ids.begin[i] != w->begin[i] || ids.end[i] != w->end[i])
            fail_msg("%s: \"%s\": id %zu is %u [%llu, %llu), want %u [%llu, %llu)", name, w->text,
                     i, ids.id[i], (unsigned long long)ids.begin[i], (unsigned long long)ids.end[i],
                     w->id[i], (unsigned long long)w->begin[i], (unsigned long long)w->end[i]);
    check_decoding(t, name, ids.id, ids.n, w->decoded);
    yh_ids_fini(&ids);
}

static yh_tok *load(const char *json, yh_err *err)
{
    json_t *j;
    yh_tok *t = NULL;
    assert_int_equal(yh_json_parse(&j, json, strlen(json), "file.json", NULL), YH_OK);
    if (yh_tok_from_json(&t, j, NULL, "file.json", err) != YH_OK)
        assert_null(t);
    json_decref(j);
    return t;
}

/* Two paths are equally good but for how tokenizers' JSON parser rounds the scores. */
static void scores_as_tokenizers_parses_them(void **s)
{
    (void)s;
    static const uint32_t want[] = {1, 2, 2, 2, 3, 3, 2};
    yh_tok *t =
        load("{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],"
             "\"normalizer\":null,\"pre_tokenizer\":null,\"post_processor\":null,"
             "\"decoder\":null,\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":"
             "[[\"<unk>\",0.0],[\"\\u2581\",-2.0122928619384766],"
             "[\"_\",-9.358983039855957],[\"_______\",-12.715048789978027]],"
             "\"byte_fallback\":false}}",
             NULL);
    yh_ids ids = YH_IDS_INIT;
    assert_non_null(t);
    assert_int_equal(yh_tok_encode(t, "\u2581__________________", 21, 0, &ids, NULL), YH_OK);
    assert_int_equal(ids.n, sizeof want / sizeof *want);
    assert_memory_equal(ids.id, want, sizeof want);
    yh_ids_fini(&ids);
    yh_tok_free(t);
}

static void kinds_as_others_have_them(void **s)
{
    (void)s;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        yh_err err = YH_ERR_INIT;
        yh_tok *t = load(kinds[i].json, &err);
        if (t == NULL)
            fail_msg("%s: %s", kinds[i].name, err.msg);
        for (size_t k = 0; k < 4 && kinds[i].want[k].text != NULL; k++)
            check_text(t, kinds[i].name, &kinds[i].want[k]);
        yh_tok_free(t);
    }
}

#define WORDS(more)                                                                                \
    "{\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},"   \
    "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"u\","                      \
    "\"vocab\":{\"u\":0,\"a\":1,\"b\":2}}" more "}"

static void truncation_and_padding_only_when_asked(void **s)
{
    (void)s;
    yh_ids ids = YH_IDS_INIT;
    yh_tok *t = load(WORDS(",\"truncation\":{\"direction\":\"Left\",\"max_length\":2,\"strategy\":"
                           "\"LongestFirst\",\"stride\":0},\"padding\":{\"strategy\":{\"Fixed\":3},"
                           "\"direction\":\"Right\",\"pad_to_multiple_of\":null,\"pad_id\":2,"
                           "\"pad_type_id\":0,\"pad_token\":\"b\"}"),
                     NULL);
    assert_non_null(t);
    assert_int_equal(yh_tok_encode(t, "a b c a", 7, YH_ENCODE_OFFSETS, &ids, NULL), YH_OK);
    assert_int_equal(ids.n, 4);
    ids.n = 0;
    assert_int_equal(yh_tok_encode(t, "a b c a", 7,
                                   YH_ENCODE_OFFSETS | YH_ENCODE_TRUNCATE | YH_ENCODE_PAD, &ids,
                                   NULL),
                     YH_OK);
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.id[0], 0);
    assert_int_equal(ids.begin[0], 4);
    assert_int_equal(ids.id[1], 1);
    assert_int_equal(ids.id[2], 2);
    assert_int_equal(ids.end[2], 0);
    yh_ids_fini(&ids);
    yh_tok_free(t);
}

/* ---- SentencePiece and tiktoken ---- */

static void put(yh_buf *b, const char *p, size_t n)
{
    assert_int_equal(yh_buf_add(b, p, n, NULL), YH_OK);
}

static void piece(yh_buf *b, const char *text, float score, char type)
{
    char head[] = {'\n', (char)(strlen(text) + 9), '\n', (char)strlen(text)}, tail[] = {0x18, type};
    put(b, head, 4);
    put(b, text, strlen(text));
    put(b, "\x15", 1);
    put(b, (const char *)&score, 4);
    put(b, tail, 2);
}

/* A model of the kind (1 unigram, 2 BPE). */
static void sp_model(yh_buf *b, char model)
{
    char trainer[] = {0x12, 2, 0x18, model};
    yh_buf_init(b, 0);
    piece(b, "<unk>", 0, 2);
    piece(b, "<s>", 0, 3);
    piece(b, "</s>", 0, 3);
    piece(b, "\xE2\x96\x81", -3, 1);
    piece(b, "a", -2, 1);
    piece(b, "b", -4, 1);
    piece(b, "ab", -1, 1);
    piece(b, "<x>", 0, 4);
    put(b, trainer, 4);
}

static void sentencepiece_models(void **s)
{
    (void)s;
    static const expected want = {
        "  ab <x>a?? ",         12, 7, {3, 6, 3, 7, 4, 0}, {2, 2, 4, 5, 8, 9}, {2, 4, 5, 8, 9, 11},
        "ab <x>a \xE2\x81\x87 "};
    for (char model = 1; model <= 2; model++) {
        yh_buf b;
        yh_tok *t;
        yh_err err = YH_ERR_INIT;
        expected w = want;
        w.n = 6;
        sp_model(&b, model);
        if (yh_tok_from_sp(&t, b.data, b.len, "x.model", &err) != YH_OK)
            fail_msg("%s", err.msg);
        check_text(t, model == 1 ? "unigram model" : "BPE model", &w);
        assert_int_equal(yh_tok_bos(t), 1);
        assert_int_equal(yh_tok_eos(t), 2);
        yh_tok_free(t);
        for (size_t cut = 1; cut < b.len; cut++) { /* a part of a model is an error, or a model */
            if (yh_tok_from_sp(&t, b.data, cut, "x.model", NULL) == YH_OK)
                yh_tok_free(t);
        }
        b.data[b.len - 1] = 4;
        err = (yh_err)YH_ERR_INIT;
        assert_int_equal(yh_tok_from_sp(&t, b.data, b.len, "x.model", &err), YH_UNSUPPORTED);
        assert_non_null(strstr(err.msg, "model type 4"));
        yh_buf_fini(&b);
    }
}

/* Ids alone come word by word, some from a cache; with offsets they come of the whole text. */
static void check_ids_alone(const yh_tok *t, const char *text, size_t n)
{
    yh_ids whole = YH_IDS_INIT, alone = YH_IDS_INIT;
    assert_int_equal(yh_tok_encode(t, text, n, YH_ENCODE_OFFSETS, &whole, NULL), YH_OK);
    assert_int_equal(yh_tok_encode(t, text, n, 0, &alone, NULL), YH_OK);
    assert_int_equal(alone.n, whole.n);
    if (whole.n > 0)
        assert_memory_equal(alone.id, whole.id, whole.n * sizeof *whole.id);
    yh_ids_fini(&whole);
    yh_ids_fini(&alone);
}

static void sentencepiece_ids_alone(void **s)
{
    (void)s;
    static const char *const part[] = {" ",
                                       " ",
                                       "a",
                                       "b",
                                       "ab",
                                       "abba",
                                       "\xE2\x96\x81",
                                       "\n",
                                       "c",
                                       "  ",
                                       "\xE4\xBD\xA0",
                                       "\xE4\xBD",
                                       "<x>",
                                       "\xFF",
                                       "cd"};
    static const char more[][8] = {{0x1A, 0}, /* the normalizer's: prefix, extra spaces, U+2581 */
                                   {0x1A, 2, 0x18, 0},
                                   {0x1A, 2, 0x20, 0},
                                   {0x1A, 4, 0x18, 0, 0x20, 0},
                                   {0x1A, 2, 0x28, 0}};
    uint64_t seed = 1;
    char text[4000];
    for (size_t i = 0; i < 4 * sizeof more / sizeof *more; i++) {
        yh_buf b;
        yh_tok *t;
        sp_model(&b, i % 2 == 0 ? 1 : 2);
        piece(&b, "\xE2\x96\x81\xE2\x96\x81", -3.5F, 1);
        if (i / 2 % 2 == 0) /* a token that goes on behind a space */
            piece(&b,
                  "b\xE2\x96\x81"
                  "a",
                  -2.5F, 1);
        put(&b, more[i / 4], (size_t)more[i / 4][1] + 2);
        assert_int_equal(yh_tok_from_sp(&t, b.data, b.len, "x.model", NULL), YH_OK);
        for (int k = 0; k < 300; k++) {
            size_t n = 0, most = k % 10 == 0 ? sizeof text - 8 : (size_t)(k % 50);
            while (n < most) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                const char *p = part[(seed >> 33) % (sizeof part / sizeof *part)];
                memcpy(text + n, p, strlen(p));
                n += strlen(p);
            }
            check_ids_alone(t, text, n);
        }
        yh_tok_free(t);
        yh_buf_fini(&b);
    }
}

static void tiktoken_files(void **s)
{
    (void)s;
    yh_tok *t;
    yh_err err = YH_ERR_INIT;
    yh_ids ids = YH_IDS_INIT;
    const char file[] = "YQ== 0\nYg== 1\nYWI= 2\nIA== 3\n";
    assert_true(yh_tok_is_tiktoken(file, sizeof file - 1));
    assert_false(yh_tok_is_tiktoken("{\"a\": 1}", 8));
    assert_int_equal(yh_tok_from_tiktoken(&t, file, sizeof file - 1, NULL, "x.tiktoken", &err),
                     YH_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "4 ranks"));
    assert_int_equal(yh_tok_from_tiktoken(&t, file, sizeof file - 1, "[ab]+| ", "x.tiktoken", NULL),
                     YH_OK);
    assert_int_equal(yh_tok_encode(t, "abb a", 5, 0, &ids, NULL), YH_OK);
    static const uint32_t want[] = {2, 1, 3, 0};
    assert_int_equal(ids.n, 4);
    assert_memory_equal(ids.id, want, sizeof want);
    yh_tok_free(t);
    /* {1,2}+ takes one or two, as in tiktoken, not any number, as in Oniguruma */
    assert_int_equal(
        yh_tok_from_tiktoken(&t, file, sizeof file - 1, " |[}+ab]{1,2}+", "x.tiktoken", NULL),
        YH_OK);
    ids.n = 0;
    assert_int_equal(yh_tok_encode(t, "bab", 3, 0, &ids, NULL), YH_OK);
    static const uint32_t each[] = {1, 0, 1};
    assert_int_equal(ids.n, 3);
    assert_memory_equal(ids.id, each, sizeof each);
    yh_ids_fini(&ids);
    yh_tok_free(t);
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(
        yh_tok_from_tiktoken(&t, file, sizeof file - 1, "(a{1,2}+)*b", "x.tiktoken", &err),
        YH_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "place 7"));
    err = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_tok_from_tiktoken(&t, "YQ== 0\nY 1\n", 11, "a", "x.tiktoken", &err),
                     YH_CORRUPT);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_int_equal(yh_tok_from_tiktoken(&t, "YQ== 012811278\n", 15, "a", "x.tiktoken", NULL),
                     YH_CORRUPT);
}

/* CPU seconds for the first n bytes. */
static double seconds(const yh_tok *t, const char *text, size_t n, yh_ids *ids)
{
    clock_t begin = clock();
    assert_int_equal(yh_tok_encode(t, text, n, YH_ENCODE_OFFSETS, ids, NULL), YH_OK);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Four times the text may take eight times as long and half a second: quadratic is 16 times. */
static void linear(const yh_tok *t, const char *name)
{
    static const char *const unit[] = {"a",    " ",  "\xCC\x81", "\xE7\x9A\x84",
                                       "\xFF", "ab", "<x> \n"};
    enum { N = 1 << 20 };
    char *text = malloc(N);
    assert_non_null(text);
    yh_ids ids = YH_IDS_INIT;
    for (size_t k = 0; k < sizeof unit / sizeof *unit; k++) {
        for (size_t i = 0, len = strlen(unit[k]); i < N; i++)
            text[i] = unit[k][i % len];
        double quarter = seconds(t, text, N / 4, &ids), whole = seconds(t, text, N, &ids);
        if (whole > 8 * quarter + 0.5)
            fail_msg("%s, text %zu: %.3f s for a quarter, %.3f s for all", name, k, quarter, whole);
    }
    free(text);
    yh_ids_fini(&ids);
}

static void time_is_linear_for_every_kind(void **s)
{
    (void)s;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        yh_tok *t = load(kinds[i].json, NULL);
        assert_non_null(t);
        linear(t, kinds[i].name);
        yh_tok_free(t);
    }
    for (char model = 1; model <= 2; model++) {
        yh_buf b;
        yh_tok *t;
        sp_model(&b, model);
        assert_int_equal(yh_tok_from_sp(&t, b.data, b.len, "x.model", NULL), YH_OK);
        linear(t, model == 1 ? "unigram model" : "BPE model");
        yh_tok_free(t);
        yh_buf_fini(&b);
    }
}

/* ---- the trie ---- */

static void double_array_finds_what_was_put_in(void **s)
{
    (void)s;
    static char text[4000][12];
    static yh_datrie_key key[4000];
    yh_datrie t;
    for (uint32_t i = 0; i < 4000; i++) {
        int n = snprintf(text[i], sizeof text[i], "%x", i * 2654435761u >> (i % 20));
        key[i] = (yh_datrie_key){text[i], (uint32_t)n, i};
    }
    assert_int_equal(yh_datrie_build(&t, key, 4000, NULL, NULL), YH_OK);
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t got = yh_datrie_get(&t, text[i], strlen(text[i]));
        assert_true(got < 4000 && got >= i && strcmp(text[got], text[i]) == 0);
    }
    assert_true(yh_datrie_get(&t, "no", 2) == YH_DATRIE_NONE);
    yh_datrie_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_as_others_have_them),
        cmocka_unit_test(scores_as_tokenizers_parses_them),
        cmocka_unit_test(truncation_and_padding_only_when_asked),
        cmocka_unit_test(sentencepiece_models),
        cmocka_unit_test(sentencepiece_ids_alone),
        cmocka_unit_test(tiktoken_files),
        cmocka_unit_test(time_is_linear_for_every_kind),
        cmocka_unit_test(double_array_finds_what_was_put_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
