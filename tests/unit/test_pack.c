#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#include "yh/tokens.h"

static char dir[64];
static yh_tok *tok;

static char *in_dir(const char *name)
{
    char *p = yh_path_join(dir, name);
    assert_non_null(p);
    return p;
}

static int set_up(void **state)
{
    (void)state;
    yh_tok_train_options o = {.vocab = 300, .threads = 1};
    yh_tok_trainer *t = NULL;
    strcpy(dir, "/tmp/yh_test_XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    static const char text[] = "some words to learn from, some words to learn again and again";
    if (yh_tok_trainer_create(&t, &o, NULL) != YH_OK ||
        yh_tok_trainer_add(t, text, sizeof text - 1, NULL) != YH_OK ||
        yh_tok_trainer_finish(t, NULL, NULL, &tok, NULL) != YH_OK)
        return 1;
    yh_tok_trainer_free(t);
    char *path = in_dir("corpus.jsonl");
    FILE *f = fopen(path, "w");
    for (int i = 0; f != NULL && i < 400; i++)
        fprintf(f, "{\"text\":\"document %d with some words to learn\"}\n", i);
    yh_free(path);
    return f == NULL || fclose(f) != 0;
}

static int tear_down(void **state)
{
    char cmd[96];
    (void)state;
    yh_tok_free(tok);
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    return system(cmd);
}

static void pack(const char *name, uint64_t shard_tokens, int threads)
{
    char *corpus = in_dir("corpus.jsonl"), *out = in_dir(name);
    yh_pool *pool;
    yh_err err = YH_ERR_INIT;
    yh_pack_options o = {.heldout_per_mille = 100, .shard_tokens = shard_tokens};
    assert_int_equal(yh_pool_create(&pool, threads, NULL), YH_OK);
    yh_status s = yh_pack_run(corpus, tok, out, &o, pool, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(s, YH_OK);
    yh_pool_free(pool);
    yh_free(corpus);
    yh_free(out);
}

static yh_status open_dir(const char *name, bool verify, yh_tokens **t, yh_err *err)
{
    char *p = in_dir(name);
    *err = (yh_err)YH_ERR_INIT;
    yh_status s = yh_tokens_open(t, p, verify, err);
    yh_free(p);
    return s;
}

static void tokens_come_back_as_text(void **state)
{
    (void)state;
    yh_tokens *t;
    yh_err err;
    pack("one", 0, 2);
    assert_int_equal(open_dir("one", true, &t, &err), YH_OK);
    assert_int_equal(yh_tokens_docs(t, YH_TRAIN) + yh_tokens_docs(t, YH_HELDOUT), 400);
    assert_in_range(yh_tokens_docs(t, YH_HELDOUT), 15, 80);
    assert_int_equal(yh_tokens_vocab(t), yh_tok_size(tok));
    assert_int_equal(yh_tokens_vocab_hash(t), yh_tok_hash(tok));
    yh_split order[] = {YH_TRAIN, YH_HELDOUT};
    for (int k = 0; k < 2; k++) {
        uint64_t bytes = 0;
        for (uint64_t d = 0; d < yh_tokens_docs(t, order[k]); d++) {
            yh_token_doc doc;
            int32_t ids[128];
            char *text;
            size_t len;
            yh_tokens_doc(t, order[k], d, &doc);
            assert_in_range(doc.n, 2, 128);
            assert_string_equal(doc.source, "corpus");
            yh_tokens_copy(t, order[k], d, 0, doc.n, ids);
            assert_int_equal(ids[doc.n - 1], yh_tokens_eos(t));
            assert_int_equal(
                yh_tok_decode(tok, (uint32_t *)ids, doc.n - 1, false, &text, &len, NULL), YH_OK);
            assert_int_equal(len, doc.text_bytes);
            assert_memory_equal(text, "document ", 9);
            assert_int_equal(yh_doc_is_heldout(text, len, 100), k == 1);
            yh_text_free(text);
            bytes += doc.text_bytes;
        }
        assert_int_equal(bytes, yh_tokens_bytes(t, order[k]));
    }
    yh_tokens_close(t);
}

static void shards_and_threads_change_nothing(void **state)
{
    (void)state;
    yh_tokens *a, *b;
    yh_err err;
    pack("many", 200, 3);
    assert_int_equal(open_dir("one", false, &a, &err), YH_OK);
    assert_int_equal(open_dir("many", true, &b, &err), YH_OK);
    assert_int_equal(yh_tokens_total(a, YH_TRAIN), yh_tokens_total(b, YH_TRAIN));
    char *last = in_dir("many/train-00005.bin");
    assert_true(yh_is_file(last));
    yh_free(last);
    for (uint64_t d = 0; d < yh_tokens_docs(a, YH_TRAIN); d++) {
        yh_token_doc x, y;
        int32_t p[128], q[128];
        yh_tokens_doc(a, YH_TRAIN, d, &x);
        yh_tokens_doc(b, YH_TRAIN, d, &y);
        assert_int_equal(x.n, y.n);
        yh_tokens_copy(a, YH_TRAIN, d, 0, x.n, p);
        yh_tokens_copy(b, YH_TRAIN, d, 0, y.n, q);
        assert_memory_equal(p, q, x.n * sizeof *p);
    }
    yh_tokens_close(a);
    yh_tokens_close(b);
}

static void damage_is_told(void **state)
{
    (void)state;
    yh_tokens *t;
    yh_err err;
    char *bin = in_dir("one/train-00000.bin"), *index = in_dir("one/tokens.json");
    yh_buf whole;
    yh_buf_init(&whole, 0);
    assert_int_equal(yh_file_read(bin, 0, &whole, NULL), YH_OK);
    /* one bit: only the checksum can tell */
    whole.data[10] ^= 1;
    assert_int_equal(yh_file_write(bin, whole.data, whole.len, NULL), YH_OK);
    assert_int_equal(open_dir("one", false, &t, &err), YH_OK);
    yh_tokens_close(t);
    assert_int_equal(open_dir("one", true, &t, &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "train-00000.bin"));
    assert_non_null(strstr(err.msg, "checksum"));
    /* cut */
    assert_int_equal(yh_file_write(bin, whole.data, whole.len - 2, NULL), YH_OK);
    assert_int_equal(open_dir("one", false, &t, &err), YH_CORRUPT);
    assert_non_null(strstr(err.msg, "train-00000.bin"));
    /* gone, then packing again makes it whole */
    assert_int_equal(unlink(bin), 0);
    assert_int_equal(open_dir("one", false, &t, &err), YH_NOTFOUND);
    pack("one", 0, 1);
    assert_int_equal(open_dir("one", true, &t, &err), YH_OK);
    yh_tokens_close(t);
    assert_int_equal(unlink(index), 0);
    assert_int_equal(open_dir("one", false, &t, &err), YH_NOTFOUND);
    assert_non_null(strstr(err.msg, "yh pack"));
    yh_buf_fini(&whole);
    yh_free(bin);
    yh_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_back_as_text),
        cmocka_unit_test(shards_and_threads_change_nothing),
        cmocka_unit_test(damage_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
