/* isa: each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "input/utf8_scan.h"

/* The definition: one character after the other. */
static size_t slow_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint32_t cp;
        size_t k = yh_utf8_at(p + i, n - i, &cp);
        if (k == 0)
            return i;
        i += k;
    }
    return n;
}

static size_t slow_count(const uint8_t *p, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += (p[i] & 0xc0) != 0x80;
    return c;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Characters of one kind, then of another: blocks with and without ASCII, all lengths. */
static size_t fill(uint8_t *p, size_t room, uint64_t *state)
{
    static const uint32_t first[] = {0x20, 0x80, 0x800, 0x4e00, 0xe000, 0x10000, 0xd000, 0x100000};
    static const uint32_t count[] = {0x5f, 0x780, 0x800, 0x5000, 0x2000, 0x8000, 0x800, 0x10000};
    size_t n = 0;
    uint32_t kind = 0;
    for (uint32_t left = 0; room - n >= 4; left--) {
        if (left == 0) {
            left = 1 + next_random(state) % 90;
            kind = next_random(state) % 3 != 0 ? next_random(state) % 8 : 0;
        }
        n += yh_utf8_put(first[kind] + next_random(state) % count[kind], (char *)p + n);
    }
    return n;
}

static void test_whole(void **unused)
{
    (void)unused;
    uint8_t p[700];
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        size_t n = fill(p, 4 + next_random(&state) % (sizeof p - 4), &state);
        assert_int_equal(yh_utf8_valid_prefix(p, n), n);
        size_t cut = next_random(&state) % (n + 1);
        assert_int_equal(yh_utf8_valid_prefix(p, cut), slow_prefix(p, cut));
        assert_int_equal(yh_utf8_count((const char *)p, n), slow_count(p, n));
    }
}

/* Every pair of bytes, and single faults, at every place of a block. */
static void test_faults(void **unused)
{
    (void)unused;
    static const char *const around[] = {"a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
    uint8_t p[400];
    uint64_t state = 7;
    size_t faulty = 0;
    for (int round = 0; round < 60000; round++) {
        size_t n = 0;
        const char *c = around[next_random(&state) % 4];
        while (n + strlen(c) <= 330) {
            memcpy(p + n, c, strlen(c));
            n += strlen(c);
        }
        size_t at = next_random(&state) % (n - 4);
        for (uint32_t k = next_random(&state) % 4; k < 4; k++)
            p[at + k] = (uint8_t)(0x7e + next_random(&state) % 130);
        size_t want = slow_prefix(p, n);
        faulty += want < n;
        assert_int_equal(yh_utf8_valid_prefix(p, n), want);
    }
    assert_true(faulty > 10000);
    static const char *const bad[] = {
        "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",         "\x80",         "\xe4\xb8",
        "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t at = 0; at < 200; at++) {
            memset(p, 'x', 300);
            memcpy(p + at, bad[i], strlen(bad[i]));
            assert_int_equal(yh_utf8_valid_prefix(p, 300), at);
        }
}

static void test_long_count(void **unused)
{
    (void)unused;
    static uint8_t p[30000]; /* more than one sum of bytes holds */
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (uint8_t)("\xe4\xb8\xad"[i % 3]);
    for (size_t n = sizeof p - 3 * 40; n <= sizeof p; n += 3)
        assert_int_equal(yh_utf8_count((const char *)p, n), n / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_long_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
