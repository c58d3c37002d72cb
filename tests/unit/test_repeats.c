/* repeated_text: equal to a suffix array (here: all windows sorted) on random, periodic and real
 * texts, in any order, with any memory; near-linear on hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <time.h>

#include "base/cpu.h"
#include "dedup/repeats.h"
#include "stage_case.h"

/* ------------------------------------------------------------------ by brute force */

typedef struct window {
    const char *p;
    uint32_t doc, rank, at;
} window;

static size_t window_len;

static int by_window(const void *a, const void *b)
{
    const window *x = a, *y = b;
    int c = memcmp(x->p, y->p, window_len);
    if (c != 0)
        return c;
    return x->rank != y->rank ? (x->rank > y->rank ? 1 : -1) : (x->at > y->at) - (x->at < y->at);
}

static const item *ranked;

static int by_preference(const void *a, const void *b)
{
    const item *x = &ranked[*(const uint32_t *)a], *y = &ranked[*(const uint32_t *)b];
    yh_stored p = {.text = x->text, .len = strlen(x->text), .id = x->id};
    yh_stored q = {.text = y->text, .len = strlen(y->text), .id = y->id};
    yh_stage_rank i = yh_stage_rank_of(&p), j = yh_stage_rank_of(&q);
    return yh_stage_prefers(&i, &j) ? -1 : 1;
}

/* What must be left, as stage_result gives it (documents in order of their ids). */
static char *brute_force(const item *it, size_t n, size_t len, bool keep_first)
{
    size_t total = 0, k = 0;
    uint32_t *order = malloc(n * sizeof *order);
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        total += strlen(it[i].text);
    }
    ranked = it;
    qsort(order, n, sizeof *order, by_preference);
    window *w = malloc((total + 1) * sizeof *w);
    char **cut = calloc(n, sizeof *cut);
    for (size_t r = 0; r < n; r++) {
        const item *d = &it[order[r]];
        size_t m = strlen(d->text);
        cut[order[r]] = calloc(m + 1, 1);
        for (size_t at = 0; at + len <= m; at++)
            w[k++] = (window){d->text + at, order[r], (uint32_t)r, (uint32_t)at};
    }
    window_len = len;
    qsort(w, k, sizeof *w, by_window);
    for (size_t i = 0, first = 0; i < k; i++) {
        if (memcmp(w[i].p, w[first].p, len) != 0)
            first = i;
        bool again =
            first != i || (!keep_first && i + 1 < k && memcmp(w[i].p, w[i + 1].p, len) == 0);
        if (again)
            memset(cut[w[i].doc] + w[i].at, 1, len);
    }
    char *all = malloc(total + n * 20 + 1), *p = all;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(it[i].text);
        if (m > 0 && memchr(cut[i], 0, m) == NULL)
            continue; /* nothing is left: removed */
        p += sprintf(p, "%s\t", it[i].id);
        for (size_t at = 0; at < m; at++)
            if (!cut[i][at])
                *p++ = it[i].text[at];
        *p++ = '\n';
    }
    *p = '\0';
    for (size_t i = 0; i < n; i++)
        free(cut[i]);
    free(cut);
    free(order);
    free(w);
    return all;
}

static void check(const item *it, size_t n, int len, bool all_orders)
{
    for (int keep = 0; keep < 2; keep++) {
        char params[100];
        snprintf(params, sizeof params, "{\"min_length\": %d, \"keep\": \"%s\"}", len,
                 keep ? "first" : "none");
        char *expected = brute_force(it, n, (size_t)len, keep == 1);
        stage_case c = {.stage = "repeated_text", .params = params, .it = it, .n = n};
        if (all_orders) {
            stage_expect(c, expected);
        } else {
            c.threads = 2;
            c.order = 3;
            char *got = stage_result(&c);
            assert_int_equal(strlen(got), strlen(expected));
            assert_memory_equal(got, expected, strlen(expected));
            free(got);
        }
        free(expected);
    }
}

/* ------------------------------------------------------------------ tests */

enum { MANY = 40 };

/* Random texts over few letters with stretches copied from others and from themselves. */
static void random_texts(item *it, char (*text)[1200], char (*id)[16], uint64_t seed, int letters)
{
    uint64_t x = seed;
    for (int i = 0; i < MANY; i++) {
        size_t n = 0, want;
        x = yh_hash64(&x, sizeof x, seed);
        want = i % 7 == 0 ? x % 30 : x % 1000;
        while (n < want) {
            x = yh_hash64(&x, sizeof x, 1);
            int from = (int)(x >> 8) % MANY;
            size_t len = x >> 16 & 127, at = x >> 32 & 255;
            from = from < 0 ? 0 : from > i ? i : from;
            if (x % 40 == 0 && at + len < strlen(text[from]) && n + len < want)
                for (size_t k = 0; k < len; k++)
                    text[i][n + k] = text[from][at + k], text[i][n + k + 1] = '\0';
            else
                len = 1, text[i][n] = (char)('a' + (int)(x >> 40) % letters);
            n += len;
            text[i][n] = '\0';
        }
        text[i][n] = '\0';
        snprintf(id[i], 16, "%03d", i);
        it[i] = (item){.id = id[i], .text = text[i]};
    }
}

static void random_texts_agree(void **state)
{
    (void)state;
    static item it[MANY];
    static char text[MANY][1200], id[MANY][16];
    for (int round = 0; round < 12; round++) {
        static const int lens[] = {8, 9, 12, 20, 33, 50};
        memset(text, 0, sizeof text);
        random_texts(it, text, id, (uint64_t)round + 1,
                     round % 3 == 0   ? 2
                     : round % 3 == 1 ? 4
                                      : 26);
        check(it, MANY, lens[round % 6], round == 0);
    }
}

static void periodic_texts_agree(void **state)
{
    (void)state;
    static item it[MANY];
    static char text[MANY][1200], id[MANY][16];
    for (int i = 0; i < MANY; i++) {
        int period = 1 + i % 13, n = 20 + i * 29 % 1100;
        for (int k = 0; k < n; k++)
            text[i][k] = (char)('a' + (k + i) % period);
        if (i % 5 == 0)
            text[i][n / 2] = '!';
        text[i][n] = '\0';
        snprintf(id[i], 16, "%03d", i);
        it[i] = (item){.id = id[i], .text = text[i]};
    }
    check(it, MANY, 8, false);
    check(it, MANY, 30, true);
    check(it, 1, 100, false);
}

static void real_texts_agree(void **state)
{
    (void)state;
    /* the tree's own sources and pages: licences, includes and tables repeat */
    enum { FILES = 400 };
    static item it[FILES];
    yh_file_list l = {0};
    yh_err err = YH_ERR_INIT;
    size_t n = 0;
    stage_ok(yh_file_list_add(&l, YH_SOURCE_DIR "/src/dedup", &err), &err);
    stage_ok(yh_file_list_add(&l, YH_SOURCE_DIR "/docs", &err), &err);
    stage_ok(yh_file_list_add(&l, YH_SOURCE_DIR "/tests/unit/test_repeats.c", &err), &err);
    for (size_t i = 0; i < l.n && n < FILES; i++) {
        yh_buf b;
        yh_buf_init(&b, 0);
        if (strstr(l.path[i], ".png") != NULL || strstr(l.path[i], ".svg") != NULL)
            continue;
        stage_ok(yh_file_read(l.path[i], 0, &b, &err), &err);
        if (b.len > 0 && memchr(b.data, 0, b.len) == NULL) {
            char *id = malloc(16);
            snprintf(id, 16, "%03zu", n);
            it[n++] = (item){.id = id, .text = strdup(b.data)};
        }
        yh_buf_fini(&b);
    }
    assert_true(n > 20);
    check(it, n, 50, false);
    check(it, n, 100, false);
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)it[i].id);
        free((void *)(uintptr_t)it[i].text);
    }
    yh_file_list_fini(&l);
}

static void nothing_is_cut_apart(void **state)
{
    (void)state;
    /* e4 b8 xx: the characters share two bytes of three with their neighbours */
    static const char a[] = "\xe4\xb8\x80\xe4\xb8\x81\xe4\xb8\x82\xe4\xb8\x83\xe4\xb8\x84 and more";
    static const char b[] = "x\xe4\xb9\x80\xe4\xb8\x81\xe4\xb8\x82\xe4\xb8\x83\xe4\xba\x84";
    stage_case c = {
        .stage = "repeated_text", .params = "{\"min_length\": 9}", ITEMS(D("a", a), D("b", b))};
    stage_expect(c, "a\t\xe4\xb8\x80\xe4\xb8\x81\xe4\xb8\x82\xe4\xb8\x83\xe4\xb8\x84 and more\n"
                    "b\tx\xe4\xb9\x80\xe4\xba\x84\n");
    static const char p[] = "One sentence stands here. Another one follows it! And then the last.\n"
                            "A line of its own\nand the end of the longest text";
    static const char q[] = "No sentence stands here. Another one follows it! And then no last.\n"
                            "A line of its own\nand no end";
    c = (stage_case){
        .stage = "repeated_text", .params = "{\"min_length\": 20}", ITEMS(D("p", p), D("q", q))};
    char expected[500];
    snprintf(expected, sizeof expected, "p\t%s\nq\tNonono end\n", p);
    stage_expect(c, expected);
    c.params = "{\"min_length\": 20, \"whole\": \"sentences\"}";
    snprintf(expected, sizeof expected,
             "p\t%s\nq\tNo sentence stands here. And then no last.\nand no end\n", p);
    stage_expect(c, expected);
    c.params = "{\"min_length\": 20, \"whole\": \"lines\"}";
    snprintf(expected, sizeof expected,
             "p\t%s\nq\tNo sentence stands here. Another one follows it! And then no last.\n"
             "and no end\n",
             p);
    stage_expect(c, expected);
}

static void characters_are_counted(void **state)
{
    (void)state;
    /* nine characters of three bytes in common */
    static const char a[] = "\xe4\xb8\x80\xe4\xb8\x81\xe4\xb8\x82\xe4\xb8\x83\xe4\xb8\x84"
                            "\xe4\xb8\x85\xe4\xb8\x86\xe4\xb8\x87\xe4\xb8\x88 the longer one";
    static const char b[] = "\xe4\xb8\x80\xe4\xb8\x81\xe4\xb8\x82\xe4\xb8\x83\xe4\xb8\x84"
                            "\xe4\xb8\x85\xe4\xb8\x86\xe4\xb8\x87\xe4\xb8\x88!";
    char expected[300];
    stage_case c = {.stage = "repeated_text",
                    .params = "{\"min_length\": 9, \"unit\": \"characters\"}",
                    ITEMS(D("a", a), D("b", b))};
    snprintf(expected, sizeof expected, "a\t%s\nb\t!\n", a);
    stage_expect(c, expected);
    c.params = "{\"min_length\": 10, \"unit\": \"characters\"}";
    snprintf(expected, sizeof expected, "a\t%s\nb\t%s\n", a, b);
    stage_expect(c, expected);
}

static void within_a_document_only(void **state)
{
    (void)state;
    static const char half[] = "this is the first half of it, and there is no other";
    char twice[200], expected[400];
    snprintf(twice, sizeof twice, "%s|%s", half, half);
    stage_case c = {.stage = "repeated_text",
                    .params = "{\"min_length\": 20, \"within\": \"document\"}",
                    ITEMS(D("a", twice), D("b", half))};
    snprintf(expected, sizeof expected, "a\t%s|\nb\t%s\n", half, half);
    stage_expect(c, expected);
    c.params = "{\"min_length\": 20}"; /* b is nothing else: it goes */
    snprintf(expected, sizeof expected, "a\t%s|\n", half);
    stage_expect(c, expected);
}

static void hostile_texts_take_linear_time(void **state)
{
    (void)state;
    enum { LONG = 2 << 20 };
    char *one = malloc(LONG + 1), *period = malloc(LONG + 1);
    memset(one, 'a', LONG);
    one[LONG] = '\0';
    for (int i = 0; i < LONG; i++)
        period[i] = (char)('a' + i % 61 % 26);
    period[LONG - 1] = '!';
    period[LONG] = '\0';
    stage_case c = {.stage = "repeated_text",
                    .threads = 2,
                    .block = 1,
                    ITEMS(D("a", one), D("b", period), D("c", "a short one"))};
    clock_t begin = clock(); /* of the processor: the machine may be busy */
    char *got = stage_result(&c);
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 120);
    assert_int_equal(strncmp(got, "a\ta\nb\t", 6), 0); /* one letter, one period and its end */
    assert_true(strlen(got) < 100 + 61 + 30);
    free(got);
    free(one);
    free(period);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts_agree),
        cmocka_unit_test(periodic_texts_agree),
        cmocka_unit_test(real_texts_agree),
        cmocka_unit_test(nothing_is_cut_apart),
        cmocka_unit_test(characters_are_counted),
        cmocka_unit_test(within_a_document_only),
        cmocka_unit_test(hostile_texts_take_linear_time),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
