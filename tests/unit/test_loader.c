#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "fake_tokens.h"
#include "train/loader.h"

enum { DOCS = 150, EOS = 99, VOCAB = 100000, CONTEXT = 16 };
static uint64_t begin[DOCS + 1];
static int32_t *id;

/* Document d has (d * 7) % 23 tokens 100 + place in the corpus, then EOS: every id is unique. */
static int make(void **state)
{
    (void)state;
    for (uint64_t d = 0; d < DOCS; d++)
        begin[d + 1] = begin[d] + d * 7 % 23 + 1;
    id = malloc(begin[DOCS] * sizeof *id);
    for (uint64_t d = 0; d < DOCS; d++)
        for (uint64_t i = begin[d]; i < begin[d + 1]; i++)
            id[i] = i + 1 == begin[d + 1] ? EOS : (int32_t)(100 + i);
    fake = (yh_tokens){.vocab = VOCAB, .eos = EOS};
    fake.split[YH_TRAIN] = fake.split[YH_HELDOUT] = (fake_split){DOCS, begin[DOCS], begin, id};
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free(id);
    return 0;
}

static void permutation_is_one(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 300; n += 13) {
        yh_permutation p, q;
        bool seen[300] = {false};
        uint64_t fixed = 0;
        yh_permutation_init(&p, n, 5, 7);
        yh_permutation_init(&q, n, 5, 8);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t v = yh_permutation_at(&p, i);
            assert_true(v < n);
            assert_false(seen[v]);
            seen[v] = true;
            fixed += v == yh_permutation_at(&q, i);
        }
        if (n > 50)
            assert_true(fixed < n / 4); /* another stream is another order */
    }
}

static yh_loader *open_loader(yh_order order, bool across, uint64_t seed)
{
    yh_loader *l = NULL;
    yh_err e = YH_ERR_INIT;
    yh_loader_options o = {YH_TRAIN, CONTEXT, order, across, seed, VOCAB};
    assert_int_equal(yh_loader_create(&l, &fake, &o, &e), YH_OK);
    return l;
}

typedef struct row {
    int32_t tokens[CONTEXT], targets[CONTEXT], pos[CONTEXT], start[CONTEXT];
} row;

static row read_row(yh_loader *l, uint64_t sample)
{
    row r;
    yh_err e = YH_ERR_INIT;
    assert_int_equal(yh_loader_row(l, sample, 1000, r.tokens, r.targets, r.pos, r.start, &e),
                     YH_OK);
    return r;
}

static void stream_is_the_corpus(void **state)
{
    (void)state;
    yh_loader *l = open_loader(YH_ORDER_STREAM, false, 0);
    assert_int_equal(yh_loader_rows(l), begin[DOCS] / CONTEXT);
    for (uint64_t s = 0; s < yh_loader_rows(l); s++) {
        row r = read_row(l, s);
        for (uint64_t i = 0; i < CONTEXT; i++) {
            uint64_t at = s * CONTEXT + i;
            assert_int_equal(r.tokens[i], at == 0 ? EOS : id[at - 1]);
            assert_int_equal(r.targets[i], id[at]);
        }
    }
    yh_loader_free(l);
    l = open_loader(YH_ORDER_STREAM, true, 0);
    row r = read_row(l, 3);
    for (uint64_t i = 0; i < CONTEXT; i++) {
        assert_int_equal(r.tokens[i], id[3 * CONTEXT + i]);
        assert_int_equal(r.targets[i], id[3 * CONTEXT + i + 1]);
        assert_int_equal(r.pos[i], i);
        assert_int_equal(r.start[i], 1000);
    }
    yh_loader_free(l);
}

static void segments_begin_at_eos(void **state)
{
    (void)state;
    yh_loader *l = open_loader(YH_ORDER_SHUFFLE, false, 3);
    int inner = 0;
    for (uint64_t s = 0; s < yh_loader_rows(l); s++) {
        row r = read_row(l, s);
        int32_t from = 0;
        for (int32_t i = 0; i < CONTEXT; i++) {
            if (r.tokens[i] == EOS)
                from = i;
            inner += from > 0 && from == i;
            assert_int_equal(r.start[i], 1000 + from);
            assert_int_equal(r.pos[i], i - from);
            if (i + 1 < CONTEXT)
                assert_int_equal(r.tokens[i + 1], r.targets[i]);
        }
    }
    assert_true(inner > 20);
    yh_loader_free(l);
}

/* Rows of an epoch hold each token once (but the rest that fills no row), whole documents stay in
 * order, and epochs differ. */
static void epoch_is_a_permutation(void **state)
{
    (void)state;
    yh_loader *l = open_loader(YH_ORDER_SHUFFLE, false, 11);
    uint64_t rows = yh_loader_rows(l), same = 0;
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        int *seen = calloc(begin[DOCS], sizeof *seen);
        for (uint64_t s = 0; s < rows; s++) {
            row r = read_row(l, epoch * rows + s);
            for (int i = 0; i < CONTEXT; i++)
                if (r.targets[i] != EOS) {
                    assert_int_equal(seen[r.targets[i] - 100]++, 0);
                    if (r.tokens[i] != EOS)
                        assert_int_equal(r.targets[i], r.tokens[i] + 1);
                }
            row first = read_row(l, s);
            same += epoch > 0 && memcmp(&first, &r, sizeof r) == 0;
        }
        free(seen);
    }
    assert_true(same < 3);
    yh_loader_free(l);
}

static void any_row_in_any_order(void **state)
{
    (void)state;
    for (int order = 0; order < 3; order++) {
        yh_loader *a = open_loader((yh_order)order, order == 2, 4);
        yh_loader *b = open_loader((yh_order)order, order == 2, 4);
        yh_loader *c = open_loader((yh_order)order, order == 2, 5);
        uint64_t n = 3 * yh_loader_rows(a), equal = 0;
        row *want = calloc(n, sizeof *want);
        for (uint64_t i = 0; i < n; i++)
            want[i] = read_row(a, i);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t s = (i * 37 + 11) % n;
            row r = read_row(b, s), other = read_row(c, s);
            assert_memory_equal(&r, &want[s], sizeof r);
            equal += memcmp(&other, &r, sizeof r) == 0;
        }
        if (order == YH_ORDER_STREAM)
            assert_int_equal(equal, n);
        else
            assert_true(equal < n / 10);
        free(want);
        yh_loader_free(a);
        yh_loader_free(b);
        yh_loader_free(c);
    }
}

static void bad_data_is_named(void **state)
{
    (void)state;
    yh_loader *l = NULL;
    yh_err e = YH_ERR_INIT;
    row r;
    yh_loader_options o = {YH_TRAIN, CONTEXT, YH_ORDER_STREAM, false, 0, 50};
    assert_int_equal(yh_loader_create(&l, &fake, &o, &e), YH_MISMATCH);
    fake.vocab = 120; /* claims less than it holds */
    o.vocab = 120;
    assert_int_equal(yh_loader_create(&l, &fake, &o, NULL), YH_OK);
    e = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_loader_row(l, 5, 0, r.tokens, r.targets, r.pos, r.start, &e), YH_MISMATCH);
    assert_non_null(strstr(e.msg, "vocabulary of 120"));
    yh_loader_free(l);
    fake.vocab = o.vocab = VOCAB;
    o.context = 1 << 20;
    e = (yh_err)YH_ERR_INIT;
    assert_int_equal(yh_loader_create(&l, &fake, &o, &e), YH_INVALID);
    assert_null(l);
}

static void heldout_pieces(void **state)
{
    (void)state;
    yh_eval_set s;
    yh_err e = YH_ERR_INIT;
    int64_t rows = 3 * CONTEXT + 5;
    assert_int_equal(yh_eval_set_make(&s, &fake, CONTEXT, rows, 0, false, VOCAB, &e), YH_OK);
    assert_int_equal(s.tokens_used, begin[DOCS]);
    assert_true(s.bytes == 3.0 * (double)begin[DOCS]);
    int *seen = calloc(begin[DOCS], sizeof *seen);
    uint64_t counted = 0, eos = 0;
    for (uint64_t i = 0; i < s.runs * (uint64_t)rows; i++) {
        int32_t at = (int32_t)(i % (uint64_t)rows);
        if (s.targets[i] < 0)
            continue;
        counted++;
        assert_int_equal(s.start[i], at - s.pos[i]);
        assert_true(s.pos[i] < CONTEXT);
        if (s.tokens[i] == EOS)
            assert_int_equal(s.pos[i], 0);
        if (s.targets[i] == EOS)
            eos++;
        else
            assert_int_equal(seen[s.targets[i] - 100]++, 0);
    }
    assert_int_equal(counted, begin[DOCS]);
    assert_int_equal(eos, DOCS);
    free(seen);
    yh_eval_set_fini(&s);
    assert_int_equal(yh_eval_set_make(&s, &fake, CONTEXT, rows, 100, false, VOCAB, &e), YH_OK);
    assert_int_equal(s.tokens_used, 100);
    assert_true(s.bytes > 299.0 && s.bytes < 301.0);
    yh_eval_set_fini(&s);
    assert_int_equal(yh_eval_set_make(&s, &fake, CONTEXT, rows, 101, true, VOCAB, &e), YH_OK);
    assert_int_equal(s.tokens_used, 100);
    assert_int_equal(s.tokens[0], id[0]);
    yh_eval_set_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permutation_is_one),    cmocka_unit_test(stream_is_the_corpus),
        cmocka_unit_test(segments_begin_at_eos), cmocka_unit_test(epoch_is_a_permutation),
        cmocka_unit_test(any_row_in_any_order),  cmocka_unit_test(bad_data_is_named),
        cmocka_unit_test(heldout_pieces),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
