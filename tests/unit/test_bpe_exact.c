/* Encoding words without merging against merging them, on random vocabularies; the trie under it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "text/bpe_text.h"
#include "text/unicode.h"

/* A vocabulary of the 256 bytes and random merges of them over the first `letters` letters.
 * shuffle: how many merges change places afterwards, so that some join what later ones make. */
static bool random_bpe(yh_bpe *b, yh_rng *r, unsigned letters, unsigned merges, unsigned shuffle)
{
    uint32_t left[512], right[512], tokens[600], n = 0, m = 0;
    yh_bpe_init(b);
    for (uint32_t i = 0; i < 256; i++) {
        char c = (char)i;
        assert_int_equal(yh_bpe_set(b, i, &c, 1, true, "test", NULL), YH_OK);
    }
    for (uint32_t i = 0; i < letters; i++)
        tokens[n++] = 'a' + i;
    for (unsigned k = 0; k < merges && m < 512; k++) {
        uint32_t x = tokens[yh_rng_below(r, n)], y = tokens[yh_rng_below(r, n)];
        char text[64];
        size_t len = (size_t)b->len[x] + b->len[y];
        if (len > sizeof text)
            continue;
        memcpy(text, b->blob + b->begin[x], b->len[x]);
        memcpy(text + b->len[x], b->blob + b->begin[y], b->len[y]);
        assert_int_equal(yh_bpe_index(b, "test", NULL), YH_OK);
        if (yh_bpe_find(b, text, len) == YH_NO_ID) {
            assert_int_equal(yh_bpe_set(b, b->size, text, len, true, "test", NULL), YH_OK);
            tokens[n++] = b->size - 1;
        } /* else another way to the same token */
        left[m] = x;
        right[m++] = y;
    }
    for (unsigned k = 0; k < shuffle && m > 1; k++) {
        size_t i = yh_rng_below(r, m), j = yh_rng_below(r, m);
        uint32_t x = left[i], y = right[i];
        left[i] = left[j], right[i] = right[j];
        left[j] = x, right[j] = y;
    }
    assert_int_equal(yh_bpe_index(b, "test", NULL), YH_OK);
    for (uint32_t i = 0; i < m; i++)
        assert_int_equal(yh_bpe_merge(b, left[i], right[i], "test", NULL), YH_OK);
    b->ignore_merges = yh_rng_below(r, 4) == 0;
    assert_int_equal(yh_bpe_finish(b, "test", NULL), YH_OK);
    return b->token != NULL;
}

static void same(const yh_bpe *b, yh_bpe_work *w, const uint8_t *t, size_t n)
{
    const uint32_t *id;
    size_t k, m;
    assert_int_equal(yh_bpe_word_merging(b, w, t, n, &id, &k, NULL), YH_OK);
    uint32_t *want = malloc((k + 1) * sizeof *want);
    assert_non_null(want);
    memcpy(want, id, k * sizeof *want);
    for (int i = 0; i < 2; i++) { /* not cached, then perhaps cached */
        assert_int_equal(yh_bpe_word(b, w, t, n, &id, &m, NULL), YH_OK);
        if (m != k || memcmp(id, want, k * sizeof *want) != 0)
            fail_msg("%.*s: %zu ids instead of %zu, or others", (int)(n < 200 ? n : 200), t, m, k);
    }
    free(want);
}

static void without_merging_as_with_it(void **s)
{
    (void)s;
    yh_rng r;
    unsigned strange = 0, plain = 0, tried = 0;
    yh_rng_init(&r, 11, 0);
    for (int round = 0; round < 400; round++) {
        yh_bpe b;
        yh_bpe_work w = {0};
        unsigned letters = 1 + (unsigned)yh_rng_below(&r, 4);
        tried++;
        if (random_bpe(&b, &r, letters, 4 + (unsigned)yh_rng_below(&r, 60),
                       (unsigned)yh_rng_below(&r, 3) * (unsigned)yh_rng_below(&r, 9))) {
            plain += b.strange == NULL;
            strange += b.strange != NULL;
        }
        for (int k = 0; k < 300; k++) {
            uint8_t t[400];
            size_t n = 1 + yh_rng_below(&r, k % 10 == 0 ? 399 : 40);
            for (size_t i = 0; i < n; i++)
                t[i] = (uint8_t)('a' + yh_rng_below(&r, letters));
            same(&b, &w, t, n);
        }
        yh_bpe_work_fini(&w);
        yh_bpe_fini(&b);
    }
    /* both kinds occur, or this shows nothing */
    assert_true(plain > 100);
    assert_true(strange > 20);
    assert_true(plain + strange == tried);
}

static void long_words(void **s)
{
    (void)s;
    enum { N = 1 << 20 };
    yh_rng r;
    yh_bpe b;
    yh_bpe_work w = {0};
    yh_rng_init(&r, 3, 0);
    uint8_t *t = malloc(N);
    assert_non_null(t);
    assert_true(random_bpe(&b, &r, 2, 200, 0));
    memset(t, 'a', N);
    same(&b, &w, t, N);
    for (size_t i = 0; i < N; i++)
        t[i] = (uint8_t)('a' + (i & 1));
    same(&b, &w, t, N - 1);
    for (size_t i = 0; i < N; i++)
        t[i] = (uint8_t)('a' + yh_rng_below(&r, 2));
    same(&b, &w, t, N);
    for (size_t n = 60; n < 70; n++)
        same(&b, &w, t, n);
    free(t);
    yh_bpe_work_fini(&w);
    yh_bpe_fini(&b);
}

/* The one loop against scanner and merging, word by word. */
static void texts_as_word_by_word(void **s)
{
    (void)s;
    static const yh_scan kinds[] = {YH_SCAN_GPT2, YH_SCAN_LLAMA3, YH_SCAN_QWEN2, YH_SCAN_O200K,
                                    YH_SCAN_TEKKEN};
    static const char *const bits[] = {"a",
                                       "b",
                                       "ab",
                                       "abab",
                                       " ",
                                       "  ",
                                       "\n",
                                       "'s",
                                       "12",
                                       "1.",
                                       "A",
                                       "\t ",
                                       "\r\n",
                                       "'",
                                       "abbaabbaabbaabbaab",
                                       "\xE4\xBD\xA0\xE5\xA5\xBD",
                                       "\xC3\xA9",
                                       "\xE3\x80\x82"};
    yh_rng r;
    yh_bpe_work w = {0}, plain = {0};
    yh_buf t;
    uint32_t *id = NULL;
    size_t cap = 0;
    yh_scan_init(YH_SCAN_O200K);
    yh_rng_init(&r, 17, 0);
    yh_buf_init(&t, 0);
    for (int round = 0; round < 60; round++) {
        yh_bpe b;
        (void)random_bpe(&b, &r, 2, 60, round % 3 == 0 ? 6 : 0);
        for (int k = 0; k < 20; k++) {
            size_t n = 0, seen = 0, parts = yh_rng_below(&r, 400);
            yh_buf_clear(&t);
            for (size_t i = 0; i < parts; i++)
                assert_int_equal(yh_buf_adds(&t, bits[yh_rng_below(&r, k % 2 ? 18 : 14)], NULL),
                                 YH_OK);
            const uint8_t *p = (const uint8_t *)(t.data != NULL ? t.data : "");
            yh_scan kind = kinds[k % 5];
            assert_int_equal(yh_bpe_text(&b, &w, kind, p, t.len, &id, &n, &cap, NULL), YH_OK);
            for (size_t at = 0, end; at < t.len; at = end) {
                const uint32_t *want;
                size_t m;
                end = yh_scan_word(kind, p, t.len, at);
                assert_int_equal(yh_bpe_word_merging(&b, &plain, p + at, end - at, &want, &m, NULL),
                                 YH_OK);
                assert_true(seen + m <= n);
                assert_memory_equal(id + seen, want, m * sizeof *want);
                seen += m;
            }
            assert_int_equal(seen, n);
        }
        yh_bpe_fini(&b);
        yh_bpe_work_fini(&w); /* words of another vocabulary */
    }
    yh_free(id);
    yh_buf_fini(&t);
    yh_bpe_work_fini(&plain);
}

/* "ab" + "c" comes before what makes "ab": merging meets it, so encoding has to. */
static void a_strange_merge_is_met(void **s)
{
    (void)s;
    yh_bpe b;
    yh_bpe_work w = {0};
    yh_bpe_init(&b);
    for (uint32_t i = 0; i < 256; i++) {
        char c = (char)i;
        assert_int_equal(yh_bpe_set(&b, i, &c, 1, true, "test", NULL), YH_OK);
    }
    assert_int_equal(yh_bpe_set(&b, 256, "ab", 2, true, "test", NULL), YH_OK);
    assert_int_equal(yh_bpe_set(&b, 257, "abc", 3, true, "test", NULL), YH_OK);
    assert_int_equal(yh_bpe_index(&b, "test", NULL), YH_OK);
    assert_int_equal(yh_bpe_merge(&b, 256, 'c', "test", NULL), YH_OK);
    assert_int_equal(yh_bpe_merge(&b, 'a', 'b', "test", NULL), YH_OK);
    assert_int_equal(yh_bpe_finish(&b, "test", NULL), YH_OK);
    assert_non_null(b.token);
    assert_non_null(b.strange);
    const uint32_t *id;
    size_t n;
    assert_int_equal(yh_bpe_word(&b, &w, (const uint8_t *)"xabcab", 6, &id, &n, NULL), YH_OK);
    assert_int_equal(n, 3);
    assert_int_equal(id[1], 257);
    assert_int_equal(id[2], 256);
    same(&b, &w, (const uint8_t *)"abcabcababc", 11);
    yh_bpe_work_fini(&w);
    yh_bpe_fini(&b);
}

static void the_trie_finds_what_is_in_it(void **s)
{
    (void)s;
    enum { N = 20000, LEN = 16 };
    char(*text)[LEN] = calloc(N, LEN);
    yh_datrie_key *key = calloc(N, sizeof *key);
    uint32_t *prefix = calloc(N, sizeof *prefix), *len = calloc(N, sizeof *len);
    assert_true(text != NULL && key != NULL && prefix != NULL && len != NULL);
    for (uint32_t i = 0; i < N;
         i++) { /* all different: the number in three bases, each with its own digits */
        uint32_t base = 2 + i % 3 * 30, v = i;
        do {
            text[i][len[i]++] = (char)(v % base + (i % 3) * 64);
            v /= base;
        } while (v > 0);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < N; i++)
        key[n++] = (yh_datrie_key){text[i], len[i], i};
    yh_datrie t;
    assert_int_equal(yh_datrie_build(&t, key, 0, NULL, NULL), YH_OK);
    assert_int_equal(yh_datrie_child(&t, 0, 'a'), 0);
    yh_datrie_fini(&t);
    assert_int_equal(yh_datrie_build(&t, key, n, prefix, NULL), YH_OK);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = 0, last = YH_DATRIE_NONE, v = key[i].value;
        for (uint32_t k = 0; k < len[v]; k++) {
            if (k > 0 && t.node[at].value != YH_DATRIE_NONE)
                last = t.node[at].value;
            at = yh_datrie_child(&t, at, (uint8_t)text[v][k]);
            assert_int_not_equal(at, 0);
        }
        assert_int_equal(t.node[at].value, v);
        assert_int_equal(prefix[v], last);
    }
    yh_datrie_fini(&t);
    free(text);
    free(key);
    free(prefix);
    free(len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_merging_as_with_it),   cmocka_unit_test(long_words),
        cmocka_unit_test(texts_as_word_by_word),        cmocka_unit_test(a_strange_merge_is_met),
        cmocka_unit_test(the_trie_finds_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
