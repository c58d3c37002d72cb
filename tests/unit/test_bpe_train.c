/* BPE training against a naive trainer that recounts everything at each merge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "text/bpe_train.h"
#include "yh/tok.h"

enum { TOKENS = 400, WORDS = 300, LEN = 24 };

/* The rule, written down as plainly as possible. Returns the number of merges. */
static uint32_t naive(const yh_train_words *w, uint32_t (*merge)[2], uint32_t max)
{
    static uint32_t sym[WORDS][LEN], len[WORDS];
    static int64_t count[TOKENS][TOKENS];
    for (uint32_t i = 0; i < w->n; i++) {
        len[i] = (uint32_t)(w->start[i + 1] - w->start[i]);
        memcpy(sym[i], w->sym + w->start[i], len[i] * sizeof(uint32_t));
    }
    for (uint32_t m = 0; m < max; m++) {
        memset(count, 0, sizeof count);
        for (uint32_t i = 0; i < w->n; i++)
            for (uint32_t k = 0; k + 1 < len[i]; k++)
                count[sym[i][k]][sym[i][k + 1]] += w->count[i];
        uint32_t a = 0, b = 0;
        for (uint32_t x = 0; x < 256 + m; x++)
            for (uint32_t y = 0; y < 256 + m; y++)
                if (count[x][y] > count[a][b]) {
                    a = x;
                    b = y;
                }
        if (count[a][b] < 2)
            return m;
        merge[m][0] = a;
        merge[m][1] = b;
        for (uint32_t i = 0; i < w->n; i++) {
            uint32_t out = 0;
            for (uint32_t k = 0; k < len[i]; k++) {
                bool hit = k + 1 < len[i] && sym[i][k] == a && sym[i][k + 1] == b;
                sym[i][out++] = hit ? 256 + m : sym[i][k];
                k += hit;
            }
            len[i] = out;
        }
    }
    return max;
}

static void merges_equal_the_naive_ones(void **s)
{
    (void)s;
    static uint32_t sym[WORDS * LEN], want[TOKENS][2];
    static uint64_t start[WORDS + 1];
    static int64_t count[WORDS];
    yh_rng r;
    yh_rng_init(&r, 11, 0);
    for (int round = 0; round < 12; round++) {
        yh_train_words w = {sym, start, count, WORDS};
        uint64_t at = 0;
        uint64_t letters = round < 3 ? 2 : round < 8 ? 6 : 60;
        for (uint32_t i = 0; i < WORDS; i++) {
            start[i] = at;
            count[i] = 1 + (int64_t)yh_rng_below(&r, round % 2 ? 1000 : 3);
            for (uint64_t k = 2 + yh_rng_below(&r, LEN - 2); k > 0; k--)
                sym[at++] = (uint32_t)yh_rng_below(&r, letters);
        }
        start[WORDS] = at;
        uint32_t n = naive(&w, want, 60);
        yh_train_merges m;
        assert_int_equal(yh_bpe_train(&w, 256 + 60, NULL, NULL, &m, NULL), YH_OK);
        /* a text that two merges make is one token: compare up to there */
        for (uint32_t i = 0; i < n && i < m.n; i++) {
            if (i > 0 && m.result[i - 1] != 256 + i - 1)
                break;
            assert_int_equal(m.left[i], want[i][0]);
            assert_int_equal(m.right[i], want[i][1]);
            assert_true(i < 20 || m.n >= 20);
        }
        assert_true(m.n >= n);
        yh_train_merges_fini(&m);
    }
}

static yh_tok *train(int threads, const char *text, size_t n, uint32_t vocab, bool cut)
{
    yh_tok_trainer *t;
    yh_tok *tok;
    yh_tok_train_options o = {.vocab = vocab, .threads = threads};
    assert_int_equal(yh_tok_trainer_create(&t, &o, NULL), YH_OK);
    for (size_t at = 0; at < n;) {
        size_t k = cut && n - at > 1000 ? 1000 : n - at;
        assert_int_equal(yh_tok_trainer_add(t, text + at, k, NULL), YH_OK);
        at += k;
    }
    assert_int_equal(yh_tok_trainer_finish(t, NULL, NULL, &tok, NULL), YH_OK);
    yh_tok_trainer_free(t);
    return tok;
}

static void threads_change_nothing(void **s)
{
    (void)s;
    enum { N = 1 << 20 };
    char *text = malloc(N);
    assert_non_null(text);
    yh_rng r;
    yh_rng_init(&r, 3, 0);
    for (size_t i = 0; i < N; i++) {
        uint64_t k = yh_rng_below(&r, 12);
        text[i] = k < 2 ? ' ' : k == 2 ? '\n' : (char)('a' + yh_rng_below(&r, 1 + k));
    }
    yh_tok *one = train(1, text, N, 3000, false);
    for (int threads = 2; threads < 6; threads++) {
        yh_tok *more = train(threads, text, N, 3000, false);
        assert_true(yh_tok_hash(one) == yh_tok_hash(more));
        assert_int_equal(yh_tok_size(more), 3000);
        yh_tok_free(more);
    }
    yh_tok *cut1 = train(1, text, N, 3000, true), *cut3 = train(3, text, N, 3000, true);
    assert_true(yh_tok_hash(cut1) == yh_tok_hash(cut3));
    yh_tok_free(cut1);
    yh_tok_free(cut3);
    yh_tok_free(one);
    free(text);
}

static void small_and_odd_corpora(void **s)
{
    (void)s;
    yh_tok *t = train(2, "abab abab", 9, 1000, false);
    assert_true(yh_tok_size(t) < 1000 && yh_tok_size(t) >= 256 + 3 + 2);
    assert_int_equal(yh_tok_eos(t), (int64_t)yh_tok_size(t) - 3);
    assert_int_equal(yh_tok_find(t, "<|im_end|>"), (int64_t)yh_tok_size(t) - 1);
    yh_tok_free(t);
    t = train(2, "", 0, 300, false);
    assert_int_equal(yh_tok_size(t), 259);
    yh_tok_free(t);
    /* a megabyte without a space, and bytes that are no text */
    char *run = malloc(1 << 20);
    assert_non_null(run);
    memset(run, 'a', 1 << 20);
    t = train(2, run, 1 << 20, 270, false);
    assert_int_equal(yh_tok_size(t), 269); /* words end at 1024 bytes: ten doublings */
    yh_tok_free(t);
    for (size_t i = 0; i < 1 << 20; i++)
        run[i] = (char)(i * 2654435761u >> 13);
    t = train(2, run, 1 << 20, 400, false);
    assert_int_equal(yh_tok_size(t), 400);
    yh_tok_free(t);
    free(run);
    yh_tok_trainer *tr;
    yh_tok_train_options o = {.vocab = 100};
    assert_int_equal(yh_tok_trainer_create(&tr, &o, NULL), YH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_equal_the_naive_ones),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(small_and_odd_corpora),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
