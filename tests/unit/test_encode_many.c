/* Cut, counted, grown and by many threads: always the ids of the whole text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "text/cut.h"
#include "text/utf8.h"

static yh_tok *tok[5];
static yh_pool *pool;

static yh_tok *trained(const char *pattern)
{
    yh_tok_trainer *t;
    yh_tok *out;
    yh_tok_train_options o = {.vocab = 400, .pattern = pattern, .threads = 1};
    assert_int_equal(yh_tok_trainer_create(&t, &o, NULL), YH_OK);
    for (int i = 0; i < 20; i++) {
        const char *text =
            "the cat and the hat that sat there, isn't it? 你好世界。你们好 1234 if(x)\n\n";
        assert_int_equal(yh_tok_trainer_add(t, text, strlen(text), NULL), YH_OK);
    }
    assert_int_equal(yh_tok_trainer_finish(t, NULL, NULL, &out, NULL), YH_OK);
    yh_tok_trainer_free(t);
    return out;
}

/* The same with added tokens of every kind around letters and spaces. */
static yh_tok *with_added(const yh_tok *t, bool normalizer)
{
    json_t *j = json_deep_copy(t->json), *list = json_object_get(j, "added_tokens");
    yh_tok *out;
    static const char *const text[] = {"the cat", "cat", "[X]", "a.b", "end", "hat, it"};
    const json_t *vocab = json_object_get(json_object_get(j, "model"), "vocab");
    for (int i = 0; i < 6; i++) {
        const json_t *have = json_object_get(vocab, text[i]);
        json_array_append_new(
            list, json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:b}", "id",
                            have != NULL ? (int)json_integer_value(have) : 1000 + i, "content",
                            text[i], "special", i % 2, "lstrip", i == 2, "rstrip", i == 4,
                            "single_word", i == 1, "normalized", !normalizer && i == 3));
    }
    if (!normalizer)
        json_object_set_new(j, "normalizer", json_null());
    assert_int_equal(yh_tok_from_json(&out, j, NULL, "test", NULL), YH_OK);
    json_decref(j);
    return out;
}

static int setup(void **s)
{
    (void)s;
    tok[0] = trained(YH_PATTERN_QWEN2);
    tok[1] = trained(YH_PATTERN_LLAMA3);
    tok[2] = trained(YH_PATTERN_GPT2);
    tok[3] = with_added(tok[0], true);
    tok[4] = with_added(tok[2], false);
    for (int i = 0; i < 5; i++)
        assert_true(yh_can_cut(tok[i]));
    return yh_pool_create(&pool, 3, NULL) == YH_OK ? 0 : 1;
}

static int teardown(void **s)
{
    (void)s;
    for (int i = 0; i < 5; i++)
        yh_tok_free(tok[i]);
    yh_pool_free(pool);
    return 0;
}

static size_t random_text(yh_rng *r, char *text, size_t n)
{
    static const char *const bits[] = {"the cat",
                                       "cat",
                                       " [X]",
                                       "[X] ",
                                       "a.b",
                                       "end",
                                       "  ",
                                       " ",
                                       "\n",
                                       "hat, it",
                                       "'s",
                                       "'S",
                                       "' ",
                                       "\xE4\xBD\xA0",
                                       "\xE3\x80\x82",
                                       "\xCC\x81",
                                       "e\xCC\x81",
                                       "\xE4\xBD",
                                       "\xFF",
                                       "x",
                                       "12",
                                       "<|endoftext|>",
                                       "<|im",
                                       "\xC2\xA0",
                                       "\xE3\x80\x80",
                                       "\xEF\xBC\x8C",
                                       ".",
                                       "\xCD\x85",
                                       "K\xCC\xA7",
                                       "\xE1\x84\x92\xE1\x85\xA1",
                                       "A",
                                       "the"};
    size_t at = 0;
    while (at + 20 < n) {
        const char *b = bits[yh_rng_below(r, sizeof bits / sizeof *bits)];
        if (yh_rng_below(r, 12) == 0) {
            uint32_t c = (uint32_t)yh_rng_below(r, 0x3400);
            at += (size_t)yh_utf8_encode(c, (uint8_t *)text + at);
        }
        memcpy(text + at, b, strlen(b));
        at += strlen(b);
    }
    return at;
}

static void same_ids(const yh_ids *a, const uint32_t *id, size_t n)
{
    assert_int_equal(a->n, n);
    if (n > 0)
        assert_memory_equal(a->id, id, n * sizeof *id);
}

static void a_cut_changes_nothing(void **s)
{
    (void)s;
    yh_rng r;
    yh_ids whole = YH_IDS_INIT, parts = YH_IDS_INIT;
    size_t cuts = 0;
    yh_rng_init(&r, 21, 0);
    for (int round = 0; round < 1500; round++) {
        char text[160];
        size_t n = random_text(&r, text, 40 + yh_rng_below(&r, 120));
        const yh_tok *t = tok[round % 5];
        unsigned flags = round % 2 ? YH_ENCODE_SPECIAL : 0;
        whole.n = 0;
        assert_int_equal(yh_tok_encode(t, text, n, flags, &whole, NULL), YH_OK);
        for (size_t p = 1; p < n; p++) {
            if (yh_cut_last(t, (const uint8_t *)text, n, p - 1, p) != p)
                continue;
            cuts++;
            parts.n = 0;
            assert_int_equal(yh_tok_encode(t, text, p, flags, &parts, NULL), YH_OK);
            assert_int_equal(yh_tok_encode(t, text + p, n - p, flags, &parts, NULL), YH_OK);
            if (parts.n != whole.n || memcmp(parts.id, whole.id, whole.n * sizeof *whole.id) != 0)
                fail_msg("tokenizer %d cut at %zu: \"%.*s\" \"%.*s\"", round % 5, p, (int)p, text,
                         (int)(n - p), text + p);
        }
    }
    assert_true(cuts > 5000);
    yh_ids_fini(&whole);
    yh_ids_fini(&parts);
}

static void a_growing_text_has_the_ids_of_the_whole(void **s)
{
    (void)s;
    yh_rng r;
    yh_ids whole = YH_IDS_INIT;
    yh_rng_init(&r, 22, 0);
    for (int round = 0; round < 100; round++) {
        char text[600];
        size_t n = random_text(&r, text, 600), at = 0, before = 0;
        uint32_t old[700];
        const yh_tok *t = tok[round % 5];
        unsigned flags = round % 2 ? YH_ENCODE_SPECIAL | YH_ENCODE_TEMPLATE : 0;
        yh_tok_text *x;
        assert_int_equal(yh_tok_text_create(&x, t, flags, NULL), YH_OK);
        while (at < n) {
            size_t step = 1 + yh_rng_below(&r, round % 3 ? 5 : 60), same, m;
            step = step < n - at ? step : n - at;
            assert_int_equal(yh_tok_text_append(x, text + at, step, &same, NULL), YH_OK);
            at += step;
            whole.n = 0;
            assert_int_equal(yh_tok_encode(t, text, at, flags, &whole, NULL), YH_OK);
            const uint32_t *id = yh_tok_text_ids(x, &m);
            same_ids(&whole, id, m);
            assert_true(same <= before && same <= m);
            if (same > 0)
                assert_memory_equal(id, old, same * sizeof *id);
            memcpy(old, id, m * sizeof *id);
            before = m;
        }
        yh_tok_text_free(x);
    }
    yh_ids_fini(&whole);
}

/* The work of an append must not be that of the whole text. */
static void settled_text_is_forgotten(void **s)
{
    (void)s;
    yh_tok_text *x;
    size_t same, n;
    assert_int_equal(yh_tok_text_create(&x, tok[0], 0, NULL), YH_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(yh_tok_text_append(x, "the cat sat there. ", 19, &same, NULL), YH_OK);
    (void)yh_tok_text_ids(x, &n);
    assert_true(n - same < 20);
    yh_tok_text_free(x);
}

static void many_threads_and_counting(void **s)
{
    (void)s;
    enum { N = 1500000 };
    yh_rng r;
    char *text = malloc(N);
    assert_non_null(text);
    yh_rng_init(&r, 23, 0);
    for (int k = 0; k < 7; k++) {
        size_t n = random_text(&r, text, N);
        if (k == 5)
            memset(text, 'a', n); /* nowhere to cut */
        if (k == 6)
            n = 0;
        const yh_tok *t = tok[k % 5];
        yh_ids one = YH_IDS_INIT, many = YH_IDS_INIT;
        unsigned flags = k % 2 ? YH_ENCODE_SPECIAL | YH_ENCODE_OFFSETS : 0;
        uint64_t count;
        assert_int_equal(yh_tok_encode(t, text, n, flags, &one, NULL), YH_OK);
        assert_int_equal(yh_tok_encode_pool(t, text, n, flags, pool, &many, NULL), YH_OK);
        same_ids(&one, many.id, many.n);
        for (size_t i = 0; (flags & YH_ENCODE_OFFSETS) && i < one.n; i++)
            assert_true(one.begin[i] == many.begin[i] && one.end[i] == many.end[i]);
        assert_int_equal(yh_tok_count(t, text, n, flags, pool, &count, NULL), YH_OK);
        assert_int_equal(count, one.n);
        assert_int_equal(yh_tok_count(t, text, n, flags, NULL, &count, NULL), YH_OK);
        assert_int_equal(count, one.n);
        yh_ids_fini(&one);
        yh_ids_fini(&many);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_changes_nothing),
        cmocka_unit_test(a_growing_text_has_the_ids_of_the_whole),
        cmocka_unit_test(settled_text_is_forgotten),
        cmocka_unit_test(many_threads_and_counting),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
