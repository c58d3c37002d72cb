/* Unigram training: seeds against counting every substring; the same pieces for any number of
 * threads; odd words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "text/script.h"
#include "text/unicode.h"
#include "text/unigram_train.h"
#include "text/utf8.h"

enum { WORDS = 400, LEN = 40 };

typedef struct text {
    uint8_t blob[WORDS * (LEN + 8)];
    uint32_t at[WORDS + 1];
    int64_t count[WORDS];
} text;

static yh_uni_words random_words(text *t, uint64_t seed, uint32_t letters)
{
    static const char *const wide[] = {"\xE4\xBD\xA0", "\xE4\xBD\xA1", "\xE5\xA5\xBD", "\xC3\xA9"};
    yh_rng r;
    uint32_t at = 0;
    yh_rng_init(&r, seed, 0);
    for (uint32_t i = 0; i < WORDS; i++) {
        t->at[i] = at;
        t->count[i] = 1 + (int64_t)yh_rng_below(&r, 50);
        uint64_t n = 1 + yh_rng_below(&r, 12);
        for (uint64_t k = 0; k < n; k++) {
            uint64_t c = yh_rng_below(&r, letters);
            if (c < 4 && seed % 2) {
                memcpy(t->blob + at, wide[c], strlen(wide[c]));
                at += (uint32_t)strlen(wide[c]);
            } else {
                t->blob[at++] = (uint8_t)('a' + c);
            }
        }
        t->blob[at++] = 0;
    }
    t->at[WORDS] = at;
    return (yh_uni_words){t->blob, t->at, t->count, WORDS, NULL, 0};
}

/* Occurrences of p[0..n) in all words. */
static int64_t occurrences(const yh_uni_words *w, const uint8_t *p, size_t n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = w->at[i]; k + n < w->at[i + 1]; k++)
            if (memcmp(w->blob + k, p, n) == 0)
                sum += w->count[i];
    return sum;
}

static size_t chars_of(const uint8_t *p, size_t n)
{
    size_t chars = 0;
    for (size_t i = 0; i < n; i++)
        chars += (p[i] & 0xC0) != 0x80;
    return chars;
}

static int64_t find(const yh_piece_list *l, const uint8_t *p, size_t n)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->at[i + 1] - l->at[i] == n && memcmp(l->blob + l->at[i], p, n) == 0)
            return i;
    return -1;
}

/* Every seed has its exact count; every substring that occurs twice is a seed, or goes on, always
 * with the same character, to be one. */
static void seeds_are_the_frequent_substrings(void **s)
{
    (void)s;
    static text t;
    for (uint64_t seed = 1; seed < 5; seed++) {
        yh_uni_words w = random_words(&t, seed, seed < 3 ? 6 : 20);
        yh_piece_list l;
        yh_pool *pool;
        uint32_t chars;
        assert_int_equal(yh_pool_create(&pool, (int)seed, NULL), YH_OK);
        assert_int_equal(yh_unigram_seed(&w, 1000000, pool, &l, &chars, NULL), YH_OK);
        assert_true(chars >= 6 && chars <= 20 && l.n > 100);
        double unit =
            exp(l.score[0]) / (double)occurrences(&w, (uint8_t *)l.blob, l.at[1] - l.at[0]);
        for (uint32_t i = 0; i < l.n; i++) {
            const uint8_t *p = (uint8_t *)l.blob + l.at[i];
            size_t n = l.at[i + 1] - l.at[i];
            double score = (double)occurrences(&w, p, n) * (double)chars_of(p, n);
            assert_true(fabs(exp(l.score[i]) / unit / score - 1) < 1e-9);
            assert_true(i < chars || l.score[i] <= l.score[i > chars ? i - 1 : i]);
            assert_int_equal(find(&l, p, n), i); /* only once */
        }
        for (uint32_t i = 0; i < w.n; i += 7)
            for (uint32_t k = w.at[i]; k + 1 < w.at[i + 1]; k++)
                for (uint32_t e = k + 1; e < w.at[i + 1]; e++) {
                    if ((t.blob[k] & 0xC0) == 0x80 || (t.blob[e] & 0xC0) == 0x80)
                        continue;
                    int64_t count = occurrences(&w, t.blob + k, e - k);
                    bool found = false;
                    for (uint32_t end = e; end < w.at[i + 1] && !found; end++)
                        found = (t.blob[end] & 0xC0) != 0x80 &&
                                occurrences(&w, t.blob + k, end - k) == count &&
                                find(&l, t.blob + k, end - k) >= 0;
                    assert_true(found || count < 2);
                }
        yh_piece_list_fini(&l);
        yh_pool_free(pool);
    }
}

static void threads_change_nothing(void **s)
{
    (void)s;
    static text t;
    for (uint64_t seed = 1; seed < 4; seed++) {
        yh_uni_words w = random_words(&t, seed, 18);
        yh_piece_list one = {0};
        for (int threads = 1; threads < 5; threads++) {
            yh_piece_list l;
            yh_pool *pool;
            assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
            assert_int_equal(yh_unigram_train(&w, 200, pool, NULL, NULL, &l, NULL), YH_OK);
            yh_pool_free(pool);
            assert_int_equal(l.n, 200);
            double sum = 0;
            for (uint32_t i = 0; i < l.n; i++) {
                sum += exp(l.score[i]);
                assert_true(i == 0 || l.score[i] <= l.score[i - 1]);
            }
            assert_true(sum > 0.5 && sum < 1.001);
            for (uint32_t k = 0; k < w.at[WORDS]; k++) /* every character is a piece */
                if (t.blob[k] != 0 && (t.blob[k] & 0xC0) != 0x80)
                    assert_true(find(&l, t.blob + k, (size_t)yh_utf8_len(t.blob[k])) >= 0);
            if (threads == 1) {
                one = l;
                continue;
            }
            assert_int_equal(l.len, one.len);
            assert_memory_equal(l.blob, one.blob, l.len);
            assert_memory_equal(l.score, one.score, l.n * sizeof *l.score);
            yh_piece_list_fini(&l);
        }
        yh_piece_list_fini(&one);
    }
}

static yh_status train_one(const char *word, size_t n, int64_t count, uint32_t size,
                           yh_piece_list *l, yh_err *err)
{
    uint32_t at[2] = {0, (uint32_t)n + 1};
    uint8_t *blob = malloc(n + 1);
    assert_non_null(blob);
    memcpy(blob, word, n);
    blob[n] = 0;
    yh_uni_words w = {blob, at, &count, n > 0, NULL, 0};
    yh_status s = yh_unigram_train(&w, size, NULL, NULL, NULL, l, err);
    free(blob);
    return s;
}

static void odd_words(void **s)
{
    (void)s;
    yh_piece_list l;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(train_one("", 0, 1, 100, &l, NULL), YH_OK);
    assert_int_equal(l.n, 0);
    yh_piece_list_fini(&l);
    assert_int_equal(train_one("abcabcabc", 9, 1, 100, &l, NULL), YH_OK);
    assert_true(l.n >= 3 && l.n < 20);
    yh_piece_list_fini(&l);
    /* a long word, with a huge count, that plain products could not hold */
    static char rare[3000];
    for (size_t i = 0; i < sizeof rare; i++)
        rare[i] = (char)(1 + i * 2654435761u % 127);
    assert_int_equal(train_one(rare, sizeof rare, (int64_t)1 << 45, 300, &l, NULL), YH_OK);
    assert_true(l.n >= 127);
    for (uint32_t i = 0; i < l.n; i++)
        assert_true(isfinite(l.score[i]) && l.score[i] < 0);
    yh_piece_list_fini(&l);
    assert_int_equal(train_one(rare, sizeof rare, 1, 50, &l, &err), YH_INVALID);
    assert_non_null(strstr(err.msg, "127 characters"));
    yh_piece_list_fini(&l);
}

static void scripts(void **s)
{
    (void)s;
    yh_uc_init();
    assert_int_equal(yh_script_of('a'), yh_script_of(0xE9));
    assert_int_equal(yh_script_of(0x4F60), yh_script_of(0x3042)); /* Chinese and kana */
    assert_int_equal(yh_script_of(0x4F60), yh_script_of(0x20000));
    assert_int_equal(yh_script_of(0xAC00), yh_script_of(0x1100));
    assert_int_not_equal(yh_script_of('a'), yh_script_of(0x430));
    assert_int_not_equal(yh_script_of(0x4F60), yh_script_of(0xAC00));
    assert_int_equal(yh_script_of('.'), YH_SCRIPT_COMMON);
    assert_int_equal(yh_script_of('7'), YH_SCRIPT_COMMON);
    assert_int_equal(yh_script_of(0x3002), YH_SCRIPT_COMMON);
    assert_int_equal(yh_script_of('\n'), YH_SCRIPT_LINE);
    assert_int_equal(yh_script_of(0x301), YH_SCRIPT_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_the_frequent_substrings),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(odd_words),
        cmocka_unit_test(scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
