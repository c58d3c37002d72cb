/* minhash and repeated_chapters: against brute force, in any order, with any memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "rules/fold.h"
#include "dedup/near_parts.h"
#include "dedup/signature.h"
#include "stage_case.h"

static void signatures_agree_with_their_definition(void **state)
{
    (void)state;
    static yh_signature s;
    static uint64_t x[301], min[YH_SIGNATURE_MAX];
    static const size_t wanted[] = {112, 1, 100, 250}, given[] = {112, 16, 112, 256};
    for (size_t i = 0; i < 301; i++)
        x[i] = yh_fold_mix(i + 1);
    for (int c = 0; c < 4 * ((int)yh_isa_max() - YH_ISA_REF + 1); c++) {
        yh_signature_init(&s, wanted[c % 4], (uint64_t)c);
        assert_int_equal(s.n, given[c % 4]);
        yh_isa_force((yh_isa)(YH_ISA_REF + c / 4));
        memset(min, 0xff, sizeof min);
        yh_signature_add(&s, x, 100, min);
        yh_signature_add(&s, x + 100, 201, min);
        for (size_t k = 0; k < s.n; k++) {
            uint64_t least = UINT64_MAX;
            for (size_t i = 0; i < 301; i++)
                least = x[i] * s.a[k] + s.b[k] < least ? x[i] * s.a[k] + s.b[k] : least;
            assert_int_equal(min[k], least);
        }
    }
    yh_isa_force(YH_ISA_COUNT);
}

/* The share of equal minima estimates the similarity without bias: sets of 600 with s in common. */
static void minima_agree_as_often_as_sets_are_similar(void **state)
{
    (void)state;
    static yh_signature s;
    static uint64_t a[600], b[600], p[YH_SIGNATURE_MAX], q[YH_SIGNATURE_MAX];
    yh_signature_init(&s, YH_SIGNATURE_MAX, 0);
    for (size_t common = 0; common <= 600; common += 150) {
        for (size_t i = 0; i < 600; i++) {
            a[i] = yh_fold_mix(1000 + i);
            b[i] = i < common ? a[i] : yh_fold_mix(2000 + i);
        }
        memset(p, 0xff, sizeof p);
        memset(q, 0xff, sizeof q);
        yh_signature_add(&s, a, 600, p);
        yh_signature_add(&s, b, 600, q);
        size_t same = 0;
        for (size_t k = 0; k < s.n; k++)
            same += p[k] == q[k];
        double expected = (double)common / (double)(1200 - common);
        double got = (double)same / (double)s.n;
        /* 4 standard deviations of 4096 draws */
        assert_true(got > expected - 0.032 && got < expected + 0.032);
    }
}

enum { DOCS = 160, WORDS = 120 };

/* Families of eight: a base and seven copies with more and more words changed. */
static void make_families(item *it, char (*text)[1600], char (*id)[16], bool han)
{
    for (int i = 0; i < DOCS; i++) {
        char *p = text[i];
        int family = i / 8, copy = i % 8;
        for (int w = 0; w < WORDS; w++) {
            uint64_t key[3] = {(uint64_t)family, (uint64_t)w, 0};
            uint64_t change[3] = {(uint64_t)i, (uint64_t)w, 5};
            if (copy > 0 && yh_hash64(change, sizeof change, 0) % 400 < (uint64_t)(copy * copy))
                key[2] = (uint64_t)i + 1;
            uint64_t h = yh_hash64(key, sizeof key, 9);
            if (han)
                p += sprintf(p, "%c%c%c%s", 0xe4 + (int)(h % 5), 0xb8 + (int)(h >> 8 & 7),
                             0x80 + (int)(h >> 16 & 63), w % 9 == 8 ? "\xef\xbc\x8c" : "");
            else
                p += sprintf(p, "%s%c%c%c%c", w > 0 ? " " : "", 'a' + (int)(h % 26),
                             'a' + (int)((h >> 8) % 26), 'a' + (int)(h >> 16 & 15),
                             'a' + (int)(h >> 24 & 15));
        }
        snprintf(id[i], 16, "%03d", i);
        it[i] = (item){.id = id[i], .text = text[i]};
    }
}

static double brute_similarity(const char *a, const char *b, bool han)
{
    const yh_near_options o = {.words = 5, .chars = 8, .unit = "auto"};
    yh_fold_tokens x = {0}, y = {0};
    assert_int_equal(yh_near_shingles(&o, a, strlen(a), &x, NULL), YH_OK);
    assert_int_equal(yh_near_shingles(&o, b, strlen(b), &y, NULL), YH_OK);
    assert_int_equal(x.n, WORDS - (han ? 8 : 5) + 1);
    size_t both = 0;
    for (size_t i = 0; i < x.n; i++)
        for (size_t j = 0; j < y.n; j++)
            both += x.t[i] == y.t[j];
    double all = (double)(x.n + y.n - both);
    yh_fold_tokens_fini(&x);
    yh_fold_tokens_fini(&y);
    return (double)both / all;
}

static void check_families(bool han)
{
    static item it[DOCS];
    static char text[DOCS][1600], id[DOCS][16];
    static double sim[DOCS][DOCS];
    make_families(it, text, id, han);
    for (int i = 0; i < DOCS; i++)
        for (int j = 0; j < i; j++)
            sim[i][j] = sim[j][i] = brute_similarity(text[i], text[j], han);
    /* 128 bands of 2: whatever is at least 0.7 similar is a candidate, surely enough */
    stage_case c = {.stage = "minhash",
                    .params = "{\"bands\": 128, \"rows\": 2, \"threshold\": 0.7}",
                    .it = it,
                    .n = DOCS};
    char *first = stage_result(&c);
    stage_expect(c, first);
    /* exactly one of each component of the graph of similar documents is left */
    int component[DOCS], left[DOCS] = {0}, components = 0;
    for (int i = 0; i < DOCS; i++)
        component[i] = i;
    for (int i = 0; i < DOCS; i++)
        for (int j = 0; j < DOCS; j++)
            if (i != j && sim[i][j] >= 0.7 && component[i] != component[j]) {
                int from = component[i], to = component[j];
                for (int k = 0; k < DOCS; k++)
                    if (component[k] == from)
                        component[k] = to;
            }
    for (const char *p = first; *p != '\0'; p = strchr(p, '\n') + 1)
        left[component[atoi(p)]]++;
    for (int i = 0; i < DOCS; i++) {
        assert_int_equal(left[i], component[i] == i ? 1 : left[i]);
        components += component[i] == i;
        assert_true(component[i] != i || left[i] == 1);
    }
    assert_in_range(components, DOCS / 8 + 1, DOCS - 20); /* the case is not a trivial one */
    free(first);
}

static void components_are_those_of_brute_force(void **state)
{
    (void)state;
    check_families(false);
    check_families(true);
}

static void parity_mode_takes_every_candidate(void **state)
{
    (void)state;
    static item it[DOCS];
    static char text[DOCS][1600], id[DOCS][16];
    make_families(it, text, id, false);
    /* one row: nearly everything that shares a shingle is a candidate */
    stage_case c = {.stage = "minhash",
                    .params = "{\"bands\": 200, \"rows\": 1, \"verify\": false}",
                    .it = it,
                    .n = DOCS,
                    .threads = 2};
    char *loose = stage_result(&c);
    c.params = "{\"bands\": 200, \"rows\": 1, \"threshold\": 0.7}";
    char *strict = stage_result(&c);
    assert_true(strlen(loose) < strlen(strict));
    stage_expect((stage_case){.stage = "minhash",
                              .params = "{\"bands\": 200, \"rows\": 1, \"verify\": false}",
                              .it = it,
                              .n = DOCS},
                 loose);
    free(loose);
    free(strict);
}

static void large_buckets_stay_linear(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    item *it = calloc(MANY, sizeof *it);
    char(*text)[160] = calloc(MANY, sizeof *text), (*id)[16] = calloc(MANY, sizeof *id);
    for (int i = 0; i < MANY; i++) { /* one template, the number apart */
        snprintf(text[i], sizeof text[i],
                 "this page has been moved to another place and number %d is all that is left of "
                 "it, so please follow the link that stands below to get there",
                 i);
        snprintf(id[i], sizeof id[i], "%05d", i);
        it[i] = (item){.id = id[i], .text = text[i]};
    }
    json_t *stats = json_object();
    stage_case c = {.stage = "minhash",
                    .params = "{\"bands\": 64, \"rows\": 2, \"threshold\": 0.5}",
                    .it = it,
                    .n = MANY,
                    .threads = 2,
                    .block = 500,
                    .stats = stats};
    char *r = stage_result(&c);
    assert_int_equal(json_integer_value(json_object_get(stats, "removed")), MANY - 1);
    assert_true(json_integer_value(json_object_get(stats, "candidate_pairs")) < 64 * 18 * MANY);
    json_decref(stats);
    free(r);
    free(it);
    free(text);
    free(id);
}

static void wrong_parameters_are_told(void **state)
{
    (void)state;
    static const char *const params[] = {"{\"bands\": 1000, \"rows\": 100}",
                                         "{\"unit\": \"bytes\"}", "{\"bands\": 0}"};
    for (int i = 0; i < 3; i++) {
        const char *path = in_dir("wrong");
        yh_err err = YH_ERR_INIT;
        yh_store *store;
        stage_case c = {.stage = "minhash", .params = params[i], ITEMS(D("a", "b"))};
        stage_ok(stage_store(&c, path, &err), &err);
        stage_ok(yh_store_open(&store, &path, 1, &err), &err);
        assert_int_equal(stage_apply(&c, store, NULL, &err), YH_CORRUPT);
        assert_true(err.msg[0] != '\0');
        yh_store_close(store);
    }
}

static void chapters(void **state)
{
    (void)state;
    char ch[4][900], changed[900], text[4][4000];
    for (int k = 0; k < 4; k++) {
        char *p = ch[k];
        for (int w = 0; w < 110; w++) {
            uint64_t h = yh_fold_mix((uint64_t)(k * 1000 + w + 1));
            p += sprintf(p, "%c%c%c%c%s", 'a' + (int)(h % 26), 'a' + (int)((h >> 8) % 26),
                         'a' + (int)(h >> 16 & 15), 'a' + (int)(h >> 24 & 15),
                         w % 11 == 10 ? ".\n" : " ");
        }
    }
    strcpy(changed, ch[1]);
    memcpy(changed + 200, "XXXX", 4);
    snprintf(text[0], 4000, "A novel\n\nChapter 1\n%s\nChapter 2: Rain\n%sThe End\n", ch[0], ch[1]);
    /* the same again inside one document; a chapter from elsewhere under another number */
    snprintf(text[1], 4000,
             "Other novel\n\xe7\xac\xac\xe5\x8d\x81\xe7\xab\xa0 x\n%s"
             "## Chapter 7\n%s\xe7\xac\xac"
             "12\xe7\xab\xa0\n%s",
             ch[2], changed, ch[2]);
    /* a document that is one chapter goes as a whole */
    snprintf(text[2], 4000, "\n  CHAPTER I\n%s", ch[0]);
    snprintf(text[3], 4000, "Chapter headings without a number\n%s%s", ch[3], ch[3]);
    char expected[12000];
    snprintf(expected, sizeof expected,
             "a\t%s\nb\tOther novel\n\xe7\xac\xac\xe5\x8d\x81\xe7\xab\xa0 x\n%s\nd\t%s\n", text[0],
             ch[2], text[3]);
    stage_case c = {.stage = "repeated_chapters",
                    ITEMS(D("a", text[0]), D("b", text[1]), D("c", text[2]), D("d", text[3]))};
    stage_expect(c, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_agree_with_their_definition),
        cmocka_unit_test(minima_agree_as_often_as_sets_are_similar),
        cmocka_unit_test(components_are_those_of_brute_force),
        cmocka_unit_test(parity_mode_takes_every_candidate),
        cmocka_unit_test(large_buckets_stay_linear),
        cmocka_unit_test(wrong_parameters_are_told),
        cmocka_unit_test(chapters),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
