/* n-gram models. tests/parity/ngram_perplexity.py compares them with an independent estimate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/file.h"
#include "rules/ngram_lm.h"
#include "rules/rule.h"
#include "scratch_dir.h"

static void train(const char *path, int order, const char *words, const char *text)
{
    yh_ngram_builder *b = NULL;
    yh_err err = {0};
    yh_ngram_options o = {.order = order, .words = words};
    assert_int_equal(yh_ngram_builder_create(&b, &o, &err), YH_OK);
    assert_int_equal(yh_ngram_builder_add(b, text, strlen(text), &err), YH_OK);
    if (yh_ngram_builder_finish(b, path, &err) != YH_OK)
        fail_msg("%s", err.msg);
    yh_ngram_builder_free(b);
}

static double log10_of(const yh_ngram_lm *m, const char *text, uint64_t *tokens)
{
    double p = 0;
    *tokens = 0;
    assert_int_equal(yh_ngram_lm_score(m, text, strlen(text), &p, tokens, NULL), YH_OK);
    return p;
}

/* A model of single words: the probabilities of all words, the end and the unknown one included,
 * are 1 together. A sentence of one word has its probability times that of the end. */
static void test_sums_to_one(void **state)
{
    (void)state;
    yh_ngram_lm *m = NULL;
    uint64_t n;
    static const char text[] = "a b c\na b d\nb c a\na a b\nc\n\nd b c a b\n";
    static const char *const word[] = {"a", "b", "c", "d", "unknown"};
    train(in_dir("u"), 1, "space", text);
    assert_int_equal(yh_ngram_lm_load(&m, in_dir("u"), NULL), YH_OK);
    double sum = 0, end = pow(10, log10_of(m, "a a", &n) - log10_of(m, "a", &n));
    end = pow(10, log10_of(m, "a", &n)) / end; /* p(a) p(end) / p(a) */
    for (size_t k = 0; k < sizeof word / sizeof *word; k++)
        sum += pow(10, log10_of(m, word[k], &n)) / end;
    assert_true(fabs(sum + end - 1) < 1e-5);
    yh_ngram_lm_free(m);
    train(in_dir("m"), 3, "space", text);
    assert_int_equal(yh_ngram_lm_load(&m, in_dir("m"), NULL), YH_OK);
    double seen = log10_of(m, "a b c", &n);
    assert_int_equal(n, 4);
    assert_true(seen > log10_of(m, "c b a", &n));
    assert_true(log10_of(m, "x y z", &n) < log10_of(m, "d d d", &n));
    assert_true(log10_of(m, "", &n) == 0 && n == 0);
    yh_ngram_lm_free(m);
}

static void test_same_bytes(void **state)
{
    (void)state;
    yh_buf a, b;
    yh_buf_init(&a, 0);
    yh_buf_init(&b, 0);
    train(in_dir("a"), 4, "characters", "天地玄黃\n宇宙洪荒\n日月盈昃\n");
    train(in_dir("b"), 4, "characters", "日月盈昃\n宇宙洪荒\n天地玄黃\n");
    assert_int_equal(yh_file_read(in_dir("a"), 0, &a, NULL), YH_OK);
    assert_int_equal(yh_file_read(in_dir("b"), 0, &b, NULL), YH_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    for (size_t n = 0; n < a.len; n += 7) { /* a shorter file is refused */
        yh_ngram_lm *m = NULL;
        assert_int_not_equal(yh_lm_parse(&m, (uint8_t *)a.data, n, "cut", NULL), YH_OK);
        assert_null(m);
    }
    yh_buf_fini(&a);
    yh_buf_fini(&b);
}

static void test_limits(void **state)
{
    (void)state;
    yh_ngram_builder *b = NULL;
    yh_err err = {0};
    static const yh_ngram_options wrong[] = {{.order = 7},
                                             {.order = 2, .words = "auto"},
                                             {.order = 2, .memory = 1000},
                                             {.order = 2, .prune = {1, 1}},
                                             {.order = 3, .prune = {0, 2, 1}}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (yh_err){0};
        assert_int_equal(yh_ngram_builder_create(&b, &wrong[i], &err),
                         i == 2 ? YH_LIMIT : YH_INVALID);
        assert_null(b);
        assert_int_not_equal(err.msg[0], 0);
    }
    yh_ngram_options o = {.order = 2};
    assert_int_equal(yh_ngram_builder_create(&b, &o, NULL), YH_OK);
    assert_int_equal(yh_ngram_builder_finish(b, in_dir("none"), &err), YH_INVALID);
    yh_ngram_builder_free(b);
}

/* A text of many different words, from a generator that is the same everywhere. */
static void much(const char *path, uint64_t memory, const uint32_t *prune)
{
    yh_ngram_builder *b = NULL;
    yh_ngram_options o = {.order = 4, .memory = memory, .dir = in_dir("")};
    memcpy(o.prune, prune, sizeof o.prune);
    assert_int_equal(yh_ngram_builder_create(&b, &o, NULL), YH_OK);
    uint32_t x = 1;
    for (int i = 0; i < 3000; i++) {
        char text[256];
        int n = 0;
        for (int k = 0; k < 12; k++) {
            x = x * 1664525u + 1013904223u;
            n += snprintf(text + n, sizeof text - (size_t)n, "w%u ",
                          (x >> 16) % ((x >> 8) % 3 > 0 ? 20 : 2000));
        }
        assert_int_equal(yh_ngram_builder_add(b, text, (size_t)n, NULL), YH_OK);
    }
    assert_int_equal(yh_ngram_builder_finish(b, path, NULL), YH_OK);
    yh_ngram_builder_free(b);
}

/* What does not fit into memory goes to disk, and the model has the same bytes. */
static void test_disk(void **state)
{
    (void)state;
    static const uint32_t all[6] = {0}, some[6] = {0, 0, 1, 2};
    const uint32_t *const prune[] = {all, some};
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        yh_buf a, b;
        yh_buf_init(&a, 0);
        yh_buf_init(&b, 0);
        much(in_dir("large"), 0, prune[i]);
        much(in_dir("small"), 1 << 20, prune[i]);
        assert_int_equal(yh_file_read(in_dir("large"), 0, &a, NULL), YH_OK);
        assert_int_equal(yh_file_read(in_dir("small"), 0, &b, NULL), YH_OK);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        size[i] = a.len;
        yh_buf_fini(&a);
        yh_buf_fini(&b);
    }
    assert_true(size[1] < size[0] / 2);
}

static const yh_lm_entry *entry(const yh_buf *model, int order, uint64_t key)
{
    yh_lm_head head;
    memcpy(&head, model->data, sizeof head);
    const yh_lm_entry *e = (const void *)(model->data + sizeof head);
    for (int i = 1; i < order; i++)
        e += head.count[i - 1];
    for (uint64_t i = 0; i < head.count[order - 1]; i++)
        if (e[i].key == key)
            return &e[i];
    return NULL;
}

/* The probabilities of all words behind a word are 1 together, also when most pairs were pruned. */
static void test_pruned_sum(void **state)
{
    (void)state;
    static const uint32_t some[6] = {0, 3, 3, 3};
    yh_buf m;
    yh_lm_head head;
    yh_buf_init(&m, 0);
    much(in_dir("pruned"), 0, some);
    assert_int_equal(yh_file_read(in_dir("pruned"), 0, &m, NULL), YH_OK);
    memcpy(&head, m.data, sizeof head);
    uint64_t before = yh_lm_key(0, yh_hash64("w1", 2, 11));
    const yh_lm_entry *w1 = entry(&m, 1, before);
    assert_non_null(w1);
    double sum = pow(10, (double)w1->backoff + (double)head.unknown);
    int pairs = 0, words = 0;
    for (int k = -1; k < 2000; k++) {
        char text[16];
        int n = snprintf(text, sizeof text, "w%d", k);
        uint64_t word = k < 0 ? yh_lm_end : yh_hash64(text, (size_t)n, 11);
        const yh_lm_entry *one = entry(&m, 1, yh_lm_key(0, word));
        const yh_lm_entry *two = entry(&m, 2, yh_lm_key(before, word));
        words += one != NULL;
        pairs += two != NULL;
        if (one != NULL)
            sum +=
                pow(10, two != NULL ? (double)two->prob : (double)one->prob + (double)w1->backoff);
    }
    assert_in_range(pairs, 10, 100);
    assert_in_range(words, 1000, 2001);
    assert_true(fabs(sum - 1) < 1e-4);
    yh_buf_fini(&m);
}

static void test_rule(void **state)
{
    (void)state;
    yh_rule_step s;
    yh_err err = {0};
    train(in_dir("r"), 2, "space", "the cat sat\nthe dog sat\nthe cat ran\na dog ran\n");
    json_t *given = json_pack("{s:s,s:f}", "model", in_dir("r"), "max", 12.0);
    assert_int_equal(yh_rule_step_create(&s, yh_rule_find("perplexity"), given, "test", &err),
                     YH_OK);
    static const char *const text[] = {"the cat sat", "zebra xylophone qwerty"};
    for (int i = 0; i < 2; i++) {
        yh_draft d = {.removed_by = -1, .text = yh_strdup(text[i]), .len = strlen(text[i])};
        assert_int_equal(s.rule->apply(s.state, &d, 0, &err), YH_OK);
        assert_int_equal(d.removed_by, i - 1);
        assert_int_equal(d.n_value, 1);
        yh_draft_fini(&d);
    }
    yh_rule_step_free(&s);
    json_decref(given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_to_one), cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_disk),
        cmocka_unit_test(test_pruned_sum),  cmocka_unit_test(test_rule)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
