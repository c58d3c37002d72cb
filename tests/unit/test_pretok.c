/* The hand-written scanners against PCRE2 on the same patterns, and Unicode's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "text/pretok.h"
#include "text/scan_window.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { KINDS = 6 };
static const char *const patterns[] = {YH_PATTERN_QWEN2, YH_PATTERN_LLAMA3, YH_PATTERN_GPT2,
                                       YH_PATTERN_O200K, YH_PATTERN_TEKKEN, YH_PATTERN_DEEPSEEK};
static yh_pattern *fast[KINDS], *general[KINDS];
static yh_scan_state *state[KINDS];
static size_t words_in_windows;

static int setup(void **s)
{
    (void)s;
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(yh_pattern_create(&fast[i], patterns[i], false, "test", NULL), YH_OK);
        assert_int_equal(yh_pattern_create(&general[i], patterns[i], true, "test", NULL), YH_OK);
        assert_int_equal(yh_scan_state_create(&state[i], general[i], NULL), YH_OK);
        assert_int_not_equal(yh_pattern_kind(fast[i]), YH_SCAN_REGEX);
        assert_int_equal(yh_pattern_kind(general[i]), YH_SCAN_REGEX);
    }
    return 0;
}

static int teardown(void **s)
{
    (void)s;
    for (int i = 0; i < KINDS; i++) {
        yh_pattern_free(fast[i]);
        yh_pattern_free(general[i]);
        yh_scan_state_free(state[i]);
    }
    return 0;
}

/* Whatever window is read for it, a word that is found in it is the right one. */
static void windows_agree(yh_scan kind, const uint8_t *t, size_t n, size_t at, size_t end)
{
    for (size_t b = 0; b < YH_WINDOW_USED && b <= at; b += 1 + at % 13) {
        if (at - b + YH_WINDOW > n)
            continue;
        yh_window w;
        yh_window_load(&w, t, at - b);
        int len = yh_window_word(kind, &w, t, n, (unsigned)b);
        if (len > 0 && at + (size_t)len != end)
            fail_msg("kind %d at byte %zu of %zu, bit %zu: window %zu, ours %zu", (int)kind, at, n,
                     b, at + (size_t)len, end);
        words_in_windows += len > 0;
    }
}

static void agree(const uint8_t *t, size_t n)
{
    for (int i = 0; i < KINDS; i++)
        for (size_t at = 0; at < n;) {
            size_t b, e, fb, fe;
            assert_int_equal(yh_scan_next(general[i], state[i], t, n, at, &b, &e, NULL), YH_OK);
            assert_int_equal(yh_scan_next(fast[i], NULL, t, n, at, &fb, &fe, NULL), YH_OK);
            if (b != at || fb != b || fe != e) {
                char hex[64] = "";
                for (size_t k = at; k < n && k < at + 20; k++)
                    snprintf(hex + 3 * (k - at), 4, " %02x", t[k]);
                fail_msg("pattern %d at byte %zu of %zu (%s): PCRE2 %zu-%zu, ours %zu-%zu", i, at,
                         n, hex, b, e, fb, fe);
            }
            windows_agree(yh_pattern_kind(fast[i]), t, n, at, e);
            at = e;
        }
}

static void scanners_agree_on_random_text(void **s)
{
    (void)s;
    static const char *const bits[] = {"'s",
                                       "'S",
                                       "'\xC5\xBF",
                                       "'re",
                                       "'lL",
                                       "'v",
                                       "'",
                                       " ",
                                       "  ",
                                       "\t",
                                       "\n",
                                       "\r\n",
                                       "\r",
                                       "\xC2\xA0",
                                       "\xE3\x80\x80",
                                       "\xC2\x85",
                                       "a",
                                       "Z",
                                       "\xC3\xA9",
                                       "1",
                                       "123",
                                       "\xC2\xBD",
                                       ".",
                                       "!?",
                                       "_",
                                       "\xE4\xBD\xA0",
                                       "\xF0\x9F\x98\x80",
                                       "\xCC\x81",
                                       "\xE2\x80\xA8"};
    static const uint32_t ranges[][2] = {{0, 0x250},         {0x300, 0x370},     {0x370, 0x3000},
                                         {0x3000, 0xA000},   {0xA000, 0xD7FF},   {0xE000, 0xFFFF},
                                         {0x10000, 0x1FFFF}, {0x20000, 0x32FFF}, {0, 0x10FFFF}};
    yh_rng r;
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_rng_init(&r, 5, 0);
    for (int round = 0; round < 200; round++) {
        yh_buf_clear(&b);
        for (int k = 0; k < 600; k++) {
            if (yh_rng_below(&r, 4) > 0) {
                assert_int_equal(yh_buf_adds(&b, bits[yh_rng_below(&r, 29)], NULL), YH_OK);
                continue;
            }
            const uint32_t *range = ranges[yh_rng_below(&r, 9)];
            uint32_t c = range[0] + (uint32_t)yh_rng_below(&r, range[1] - range[0]);
            uint8_t text[4];
            if (c < 0xD800 || c > 0xDFFF)
                assert_int_equal(yh_buf_add(&b, text, (size_t)yh_utf8_encode(c, text), NULL),
                                 YH_OK);
        }
        agree((const uint8_t *)b.data, b.len);
    }
    /* ASCII alone, where windows do the work */
    for (int round = 0; round < 300; round++) {
        static const char often[] = "  aabcXYZ'sTrReE01\n\r\t.,!/";
        yh_buf_clear(&b);
        for (int k = 0; k < 400; k++)
            assert_int_equal(yh_buf_addc(&b,
                                         yh_rng_below(&r, 3) > 0
                                             ? often[yh_rng_below(&r, sizeof often - 1)]
                                             : (char)yh_rng_below(&r, 128),
                                         NULL),
                             YH_OK);
        agree((const uint8_t *)b.data, b.len);
    }
    assert_true(words_in_windows > 100000);
    yh_buf_fini(&b);
}

static void scanners_agree_on_every_character(void **s)
{
    (void)s;
    for (uint32_t c = 0; c < 0x110000; c += c == 0xD7FF ? 0x801 : 1) {
        uint8_t text[16] = " a'b1 \n";
        size_t n = (size_t)yh_utf8_encode(c, text);
        memcpy(text + n, "a' .", 4);
        if (c % 16 == 0 || c < 0x3100 || yh_uc_class(c) != yh_uc_class(c - 1))
            agree(text, n + 4);
    }
}

static void scanners_agree_on_long_runs(void **s)
{
    (void)s;
    static const char *const unit[] = {"a", " ", "\n", "7", ".", "\xCC\x81", "\xE4\xBD\xA0"};
    enum { N = 1 << 20 };
    for (size_t u = 0; u < sizeof unit / sizeof *unit; u++) {
        size_t len = strlen(unit[u]);
        uint8_t *t = malloc(N + 1);
        assert_non_null(t);
        for (size_t i = 0; i + len <= N; i += len)
            memcpy(t + i, unit[u], len);
        t[N / len * len] = 'x';
        agree(t, N / len * len);
        agree(t, N / len * len + 1);
        free(t);
    }
}

static void other_patterns_go_through_pcre2(void **s)
{
    (void)s;
    yh_pattern *p;
    yh_scan_state *st;
    yh_err err = YH_ERR_INIT;
    assert_int_equal(yh_pattern_create(&p, "\\p{L}+|\\P{L}", false, "test", NULL), YH_OK);
    assert_int_equal(yh_scan_state_create(&st, p, NULL), YH_OK);
    /* U+10D4A is a letter since Unicode 16 */
    const uint8_t text[] = "ab\xF0\x90\xB5\x8A 1";
    size_t b, e;
    assert_int_equal(yh_scan_next(p, st, text, 8, 0, &b, &e, NULL), YH_OK);
    assert_int_equal(e, 6);
    assert_int_equal(yh_scan_next(p, st, text, 8, 6, &b, &e, NULL), YH_OK);
    assert_int_equal(e, 7);
    yh_scan_state_free(st);
    yh_pattern_free(p);
    assert_int_equal(yh_pattern_create(&p, "(", false, "file.json", &err), YH_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "file.json"));
    /* what other libraries understand otherwise, or what moves no text on, is refused by name */
    static const char *const refused[] = {"[a[^b]]", "[a&&b]",  "[a-[b]]", "x*",    "a|",
                                          "(?=b)",   "x{2,3}+", "x{2}?",   "x{3}+", "x{,3}",
                                          "[\\H]",   "[\\S]",   "(?s:.+)", "^|$"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        err = (yh_err)YH_ERR_INIT;
        if (yh_pattern_create(&p, refused[i], false, "test", &err) != YH_UNSUPPORTED ||
            strstr(err.msg, refused[i]) == NULL)
            fail_msg("%s: %s", refused[i], err.msg);
    }
}

/* Matches of Hugging Face's tokenizers. */
static void patterns_mean_what_oniguruma_means(void **s)
{
    (void)s;
    static const struct {
        const char *pattern, *text;
        size_t end[6]; /* begin and end of each match */
    } want[] = {{"^a", "a\na\nba", {0, 1, 2, 3}},
                {"a$", "a\na\nab", {0, 1, 2, 3}},
                {"a$", "a\r\na", {3, 4}},
                {"\\A.", "ab\ncd", {0, 1}},
                {".+", "ab\ncd", {0, 2, 3, 5}},
                {"\\n^", "a\nb\n", {1, 2}},
                {"\\d{1,3}+", "a1234567", {1, 8}},
                {"(?m:.+)", "ab\ncd", {0, 5}},
                {"(?i)A+", "ba", {1, 2}},
                {"[\\h]+", "zaFg", {1, 3}},
                {"\\H+", "zaFg", {0, 1, 3, 4}},
                {"a++", "aab", {0, 2}},
                {"(?im-x:A.+)", "a\nb", {0, 3}},
                {"\\w+\\b", "ab \xC3\xA9_1-", {0, 2, 3, 7}},
                {"\\w", "\xC2\xB2", {0, 2}},
                {"[\\w]", "\xC2\xB2", {0}},
                {"\\W", "a-b", {1, 2}},
                {"\\B.", "ab c", {1, 2}},
                {"[a-c[xy]]+", "zaxyb", {1, 5}}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        yh_pattern *p;
        yh_scan_state *st;
        size_t n = strlen(want[i].text), at = 0, b, e, k = 0;
        assert_int_equal(yh_pattern_create(&p, want[i].pattern, false, "test", NULL), YH_OK);
        assert_int_equal(yh_scan_state_create(&st, p, NULL), YH_OK);
        for (;;) {
            assert_int_equal(
                yh_scan_next(p, st, (const uint8_t *)want[i].text, n, at, &b, &e, NULL), YH_OK);
            if (b == e)
                break;
            if (k > 4 || want[i].end[k] != b || want[i].end[k + 1] != e)
                fail_msg("%s: match [%zu, %zu)", want[i].pattern, b, e);
            k += 2;
            at = e;
        }
        assert_int_equal(want[i].end[k], 0);
        yh_scan_state_free(st);
        yh_pattern_free(p);
    }
    /* digits of Unicode 17: for Digits, not yet for \\p{N} */
    assert_int_equal(yh_uc_class(0x11DE0) & (YH_UC_DIGIT | YH_UC_N), YH_UC_DIGIT);
    assert_int_equal(yh_uc_class(0x16FF6) & (YH_UC_DIGIT | YH_UC_N), YH_UC_DIGIT);
    assert_int_equal(yh_uc_class('7') & (YH_UC_DIGIT | YH_UC_N), YH_UC_DIGIT | YH_UC_N);
}

static void nfc_of(const char *in, const char *out)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    assert_int_equal(yh_nfc((const uint8_t *)in, strlen(in), &b, NULL, NULL), YH_OK);
    assert_int_equal(b.len, strlen(out));
    assert_memory_equal(b.data, out, b.len);
    yh_buf_fini(&b);
}

static void nfc_composes(void **s)
{
    (void)s;
    nfc_of("plain", "plain");
    nfc_of("e\xCC\x81x", "\xC3\xA9x");
    nfc_of("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"); /* Hangul */
    nfc_of("\xE2\x84\xAB", "\xC3\x85");                             /* Angstrom sign */
    nfc_of("\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC");             /* composition exclusion */
    nfc_of("a\xCC\x81\xCC\xA7", "\xC3\xA1\xCC\xA7");                /* sorted by class */
    const uint8_t t[] = "abe\xCC\x81z";
    assert_int_equal(yh_nfc_prefix(t, 6), 2);
}

static void utf8_repairs_as_unicode_advises(void **s)
{
    (void)s;
    static const char *const cases[][2] = {
        {"a\xED\xA0\x80z", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"},
        {"\xF0\x9F\x98", "\xEF\xBF\xBD"},
        {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE4\xBD\xE4\xBD\xA0", "\xEF\xBF\xBD\xE4\xBD\xA0"},
        {"\xF5", "\xEF\xBF\xBD"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        const char *in = cases[i][0];
        assert_int_equal(yh_utf8_repair((const uint8_t *)in, strlen(in), &b, NULL), YH_OK);
        assert_string_equal(b.data, cases[i][1]);
        yh_buf_fini(&b);
    }
    for (uint32_t c = 0; c < 0x110000; c += c == 0xD7FF ? 0x801 : 1) {
        uint8_t t[4];
        uint32_t back;
        int n = yh_utf8_encode(c, t);
        assert_int_equal(yh_utf8_decode(t, (size_t)n, &back), n);
        assert_int_equal(back, c);
        for (int k = 1; k < n; k++)
            assert_int_equal(yh_utf8_partial(t, (size_t)k), k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanners_agree_on_random_text),
        cmocka_unit_test(scanners_agree_on_every_character),
        cmocka_unit_test(scanners_agree_on_long_runs),
        cmocka_unit_test(other_patterns_go_through_pcre2),
        cmocka_unit_test(patterns_mean_what_oniguruma_means),
        cmocka_unit_test(nfc_composes),
        cmocka_unit_test(utf8_repairs_as_unicode_advises),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
