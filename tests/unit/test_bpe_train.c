/* BPE training against a naive trainer that recounts everything at each merge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "scratch_dir.h"
#include "text/bpe_train.h"
#include "yh/tok.h"

enum { TOKENS = 400, WORDS = 300, LEN = 24, MERGES = 90 };

typedef struct naive_words {
    uint32_t sym[WORDS][LEN], len[WORDS];
    int64_t count[WORDS];
} naive_words;

/* The rule, written down as plainly as possible: counts everything again at each merge. Returns the
 * number of merges; merge[i] is left, right. */
static uint32_t naive(naive_words *w, uint32_t (*merge)[2], uint32_t max, int64_t min_count)
{
    static int64_t count[TOKENS][TOKENS];
    uint32_t tokens = 256;
    for (uint32_t m = 0; m < max; m++) {
        memset(count, 0, sizeof count);
        for (uint32_t i = 0; i < WORDS; i++)
            for (uint32_t k = 0; k + 1 < w->len[i]; k++)
                count[w->sym[i][k]][w->sym[i][k + 1]] += w->count[i];
        uint32_t a = 0, b = 0;
        for (uint32_t x = 0; x < tokens; x++)
            for (uint32_t y = 0; y < tokens; y++)
                if (count[x][y] > count[a][b]) {
                    a = x;
                    b = y;
                }
        if (count[a][b] < min_count)
            return m;
        uint32_t made = tokens++;
        merge[m][0] = a;
        merge[m][1] = b;
        for (uint32_t i = 0; i < WORDS; i++) {
            uint32_t out = 0;
            for (uint32_t k = 0; k < w->len[i]; k++) {
                bool hit = k + 1 < w->len[i] && w->sym[i][k] == a && w->sym[i][k + 1] == b;
                w->sym[i][out++] = hit ? made : w->sym[i][k];
                k += hit;
            }
            w->len[i] = out;
        }
    }
    return max;
}

static void merges_equal_the_naive_ones(void **s)
{
    (void)s;
    static naive_words nw;
    static uint32_t data[WORDS * (LEN + YH_TRAIN_HEAD)], want[MERGES][2];
    uint32_t symbol[256];
    for (uint32_t i = 0; i < 256; i++)
        symbol[i] = i;
    yh_rng r;
    yh_rng_init(&r, 11, 0);
    for (int round = 0; round < 24; round++) {
        uint64_t letters = round < 12 ? 1 + (uint64_t)round % 3 : round < 18 ? 5 : 60;
        int64_t min_count = round % 3 == 0 ? 1 : 2;
        uint32_t *p = data;
        for (uint32_t i = 0; i < WORDS; i++) {
            uint8_t t[LEN];
            nw.count[i] = 1 + (int64_t)yh_rng_below(&r, round % 2 ? 1000 : 3);
            nw.len[i] = 2 + (uint32_t)yh_rng_below(&r, LEN - 2);
            for (uint32_t k = 0; k < nw.len[i]; k++)
                nw.sym[i][k] = t[k] = (uint8_t)yh_rng_below(&r, letters);
            p = yh_train_word_put(p, t, nw.len[i], nw.count[i], symbol);
        }
        yh_train_words w = {.data = data, .len = (size_t)(p - data)};
        uint32_t n = naive(&nw, want, MERGES, min_count);
        yh_pool *pool;
        yh_train_merges m;
        assert_int_equal(yh_pool_create(&pool, 1 + round % 3, NULL), YH_OK);
        assert_int_equal(yh_bpe_train(&w, 256 + MERGES, min_count, pool, NULL, NULL, &m, NULL),
                         YH_OK);
        assert_int_equal(m.n, n);
        for (uint32_t i = 0; i < m.n; i++) {
            assert_int_equal(m.left[i], want[i][0]);
            assert_int_equal(m.right[i], want[i][1]);
        }
        yh_train_merges_fini(&m);
        yh_pool_free(pool);
    }
}

static yh_tok *train_with(yh_tok_train_options o, const char *text, size_t n, bool cut,
                          yh_tok_train_report *report)
{
    yh_tok_trainer *t;
    yh_tok *tok;
    assert_int_equal(yh_tok_trainer_create(&t, &o, NULL), YH_OK);
    for (size_t at = 0; at < n;) {
        size_t k = cut && n - at > 1000 ? 1000 : n - at;
        assert_int_equal(yh_tok_trainer_add(t, text + at, k, NULL), YH_OK);
        at += k;
    }
    assert_int_equal(yh_tok_trainer_finish(t, NULL, NULL, &tok, NULL), YH_OK);
    if (report != NULL)
        yh_tok_trainer_report(t, report);
    yh_tok_trainer_free(t);
    return tok;
}

static yh_tok *train(int threads, const char *text, size_t n, uint32_t vocab, bool cut)
{
    return train_with((yh_tok_train_options){.vocab = vocab, .threads = threads}, text, n, cut,
                      NULL);
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

/* Words that go through the disk are counted and merged as those that do not. */
static void memory_changes_nothing(void **s)
{
    (void)s;
    enum { N = 3 << 20 };
    char *text = malloc(N);
    assert_non_null(text);
    yh_rng r;
    yh_rng_init(&r, 5, 0);
    for (size_t i = 0; i < N; i++)
        text[i] = yh_rng_below(&r, 9) == 0 ? ' ' : (char)('a' + yh_rng_below(&r, 14));
    yh_tok_train_report report;
    yh_tok *much =
        train_with((yh_tok_train_options){.vocab = 900, .threads = 2}, text, N, true, &report);
    assert_int_equal(report.spilled, 0);
    assert_int_equal(report.bytes, N);
    assert_true(report.words > 100000 && report.dropped == 0);
    uint64_t words = report.words;
    for (int threads = 1; threads < 4; threads++) {
        yh_tok *little =
            train_with((yh_tok_train_options){.vocab = 900, .threads = threads, .memory = 40 << 20},
                       text, N, true, &report);
        assert_true(report.spilled > 0);
        assert_int_equal(report.words, words);
        assert_int_equal(report.dropped, 0);
        assert_true(yh_tok_hash(much) == yh_tok_hash(little));
        yh_tok_free(little);
    }
    /* too little to merge in: through the disk as well */
    for (int threads = 1; threads < 3; threads++) {
        yh_tok *least =
            train_with((yh_tok_train_options){.vocab = 900, .threads = threads, .memory = 16 << 20},
                       text, N, true, &report);
        assert_true(report.spilled > 0 && report.dropped == 0 && report.words == words);
        assert_true(yh_tok_hash(much) == yh_tok_hash(least));
        yh_tok_free(least);
    }
    yh_tok_free(much);
    free(text);
}

/* Rare words that do not fit and are next to nothing of the text are left out, which is told. */
static void rare_words_are_left_out(void **s)
{
    (void)s;
    enum { MANY = 400000, UNIQUE = 200 };
    char *text = malloc(8 * MANY + 16);
    assert_non_null(text);
    size_t n = 0;
    yh_rng r;
    yh_rng_init(&r, 8, 0);
    for (uint32_t i = 0; i < MANY; i++)
        n += (size_t)sprintf(text + n, " %s%03u", i % UNIQUE == 0 ? "u" : "",
                             i % UNIQUE == 0 ? i : (uint32_t)yh_rng_below(&r, 300));
    for (size_t i = 0; i < n; i++) /* letters: digits are words of their own */
        text[i] = text[i] >= '0' && text[i] <= '9' ? (char)(text[i] - '0' + 'a') : text[i];
    yh_tok_train_report report;
    yh_tok *t = train_with((yh_tok_train_options){.vocab = 600, .threads = 2, .memory = 100 << 10},
                           text, n, true, &report);
    assert_true(report.dropped >= 1000 && report.dropped + 300 <= report.words);
    assert_int_equal(report.dropped_below, 2);
    assert_true(yh_tok_size(t) > 500);
    yh_tok_free(t);
    free(text);
}

static void stop_at(const char *work, const char *text, size_t n, size_t stop, yh_tok **tok,
                    yh_tok_train_report *report)
{
    yh_tok_trainer *t;
    yh_tok_train_options o = {
        .vocab = 700, .threads = 2, .work = work, .key = "k", .save_bytes = 50000};
    assert_int_equal(yh_tok_trainer_create(&t, &o, NULL), YH_OK);
    for (size_t at = 0; at < n && at < stop; at += 1000)
        assert_int_equal(yh_tok_trainer_add(t, text + at, n - at < 1000 ? n - at : 1000, NULL),
                         YH_OK);
    if (stop >= n) {
        assert_int_equal(yh_tok_trainer_finish(t, NULL, NULL, tok, NULL), YH_OK);
        yh_tok_trainer_report(t, report);
        assert_int_equal(yh_tok_trainer_clear(t, NULL), YH_OK);
    }
    yh_tok_trainer_free(t);
}

static void a_stopped_run_goes_on(void **s)
{
    (void)s;
    enum { N = 600000 };
    const char *work = in_dir("work");
    char *text = malloc(N);
    assert_non_null(text);
    yh_rng r;
    yh_rng_init(&r, 9, 0);
    for (size_t i = 0; i < N; i++)
        text[i] = yh_rng_below(&r, 6) == 0 ? ' ' : (char)('a' + yh_rng_below(&r, 10));
    yh_tok *whole = train_with((yh_tok_train_options){.vocab = 700}, text, N, true, NULL), *tok;
    yh_tok_train_report report;
    for (size_t stop = 120000; stop < N; stop += 170000)
        stop_at(work, text, N, stop, NULL, NULL);
    stop_at(work, text, N, N, &tok, &report);
    assert_true(report.resumed >= 400 && report.resumed < 600);
    assert_int_equal(report.docs, 600);
    assert_int_equal(report.bytes, N);
    assert_true(yh_tok_hash(tok) == yh_tok_hash(whole));
    yh_tok_free(tok);
    yh_tok_free(whole);
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

/* Chinese without a space or a mark, one endless line: time and memory stay in proportion. */
static void spaceless_text(void **s)
{
    (void)s;
    enum { CHARS = 200000 };
    char *text = malloc(3 * CHARS + 1);
    assert_non_null(text);
    yh_rng r;
    yh_rng_init(&r, 21, 0);
    for (size_t i = 0; i < CHARS; i++) {
        uint64_t c = 0x4E00 + yh_rng_below(&r, 1 + yh_rng_below(&r, 400));
        text[3 * i] = (char)(0xE0 | c >> 12);
        text[3 * i + 1] = (char)(0x80 | (c >> 6 & 0x3F));
        text[3 * i + 2] = (char)(0x80 | (c & 0x3F));
    }
    for (int kind = YH_TOK_BPE; kind <= YH_TOK_UNIGRAM; kind++) {
        yh_tok *one = train_with(
            (yh_tok_train_options){
                .vocab = 1500, .kind = (yh_tok_kind)kind, .threads = 1, .memory = 48 << 20},
            text, 3 * CHARS, false, NULL);
        yh_tok *two = train_with(
            (yh_tok_train_options){.vocab = 1500, .kind = (yh_tok_kind)kind, .threads = 2}, text,
            3 * CHARS, false, NULL);
        assert_int_equal(yh_tok_size(one), 1500);
        assert_true(yh_tok_hash(one) == yh_tok_hash(two));
        yh_tok_free(one);
        yh_tok_free(two);
    }
    free(text);
}

/* A special token that reads like what would be learned: the text is kept free for it. */
static void special_tokens_are_reserved(void **s)
{
    (void)s;
    enum { N = 40000 };
    static const char *const special[] = {"<|endoftext|>", "ab",
                                          "\xC4\xA0"
                                          "cab",
                                          "\xE2\x96\x81"
                                          "ca",
                                          NULL};
    static const char *const always[2][2] = {{"\xC4\xA0", NULL}, {"<0x0A>", NULL}};
    char text[N];
    yh_rng r;
    yh_rng_init(&r, 5, 0);
    for (size_t i = 0; i < N; i += 4)
        memcpy(text + i,
               yh_rng_below(&r, 3) == 0 ? " cab"
               : yh_rng_below(&r, 2)    ? "abab"
                                        : "cabc",
               4);
    for (int kind = YH_TOK_BPE; kind <= YH_TOK_UNIGRAM; kind++) {
        yh_tok_train_options o = {.vocab = 320, .kind = (yh_tok_kind)kind, .special = special};
        yh_tok *t = train_with(o, text, N, false, NULL);
        yh_ids ids = YH_IDS_INIT;
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(yh_tok_find(t, special[i]), (int64_t)(yh_tok_size(t) - 4 + i));
        assert_int_equal(yh_tok_encode(t, text, N, 0, &ids, NULL), YH_OK);
        for (size_t i = 0; i < ids.n; i++) /* plain text never becomes one */
            assert_true(ids.id[i] < yh_tok_size(t) - 4);
        yh_ids_fini(&ids);
        yh_tok_free(t);
        yh_tok_trainer *tr;
        yh_err err = YH_ERR_INIT;
        o.special = always[kind == YH_TOK_UNIGRAM];
        assert_int_equal(yh_tok_trainer_create(&tr, &o, &err), YH_INVALID);
        assert_non_null(strstr(err.msg, "has a token of this text anyway"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_equal_the_naive_ones),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(memory_changes_nothing),
        cmocka_unit_test(rare_words_are_left_out),
        cmocka_unit_test(a_stopped_run_goes_on),
        cmocka_unit_test(small_and_odd_corpora),
        cmocka_unit_test(spaceless_text),
        cmocka_unit_test(special_tokens_are_reserved),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
