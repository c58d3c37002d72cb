#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "fake_tokens.h"
#include "yh/train.h"

/* A language of documents that count upwards from a random start: easy to learn. */
/* Sanitizers keep freed memory, so what the process holds says nothing there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
enum { LEVELS = 3, MB = 1000000 };
enum { DOCS = 400, VOCAB = 64, EOS = 63, LENGTH = 24 };
static uint64_t begin[DOCS + 1];
static int32_t ids[DOCS * LENGTH];
static yh_pool *pools[2];
static char root[64];

static int make(void **state)
{
    (void)state;
    for (uint64_t d = 0; d < DOCS; d++) {
        begin[d + 1] = begin[d] + LENGTH;
        for (uint64_t i = 0; i < LENGTH; i++)
            ids[d * LENGTH + i] = i + 1 == LENGTH ? EOS : (int32_t)((d * 17 + i) % EOS);
    }
    fake = (yh_tokens){.vocab = VOCAB, .eos = EOS};
    fake.split[YH_TRAIN] = (fake_split){DOCS - 40, begin[DOCS - 40], begin, ids};
    fake.split[YH_HELDOUT] = (fake_split){40, 40 * LENGTH, begin, ids};
    snprintf(root, sizeof root, "/tmp/yh-test-train-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (int i = 0; i < 2; i++)
        assert_int_equal(yh_pool_create(&pools[i], i + 1, NULL), YH_OK);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    char cmd[128];
    for (int i = 0; i < 2; i++)
        yh_pool_free(pools[i]);
    snprintf(cmd, sizeof cmd, "rm -rf %s", root);
    return system(cmd);
}

static yh_train_options options(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", root, name);
    return (yh_train_options){.data = "nowhere",
                              .out = out,
                              .depth = 1,
                              .steps = 30,
                              .context = 32,
                              .micro_batch = 4,
                              .batch_tokens = 256,
                              .seed = 9,
                              .eval_every = 10,
                              .save_every = 7,
                              .resume = true,
                              .keep_best = true};
}

static yh_status train(const yh_train_options *o, int threads, yh_train_result *r, yh_err *err)
{
    *err = (yh_err)YH_ERR_INIT;
    yh_status s = yh_train_run(o, pools[threads - 1], r, err);
    if (s != YH_OK && s != YH_STOPPED)
        print_message("%s\n", err->msg);
    return s;
}

static void same_file(const char *a, const char *b, const char *name)
{
    yh_buf x, y;
    yh_buf_init(&x, 0);
    yh_buf_init(&y, 0);
    char *p = yh_path_join(a, name), *q = yh_path_join(b, name);
    assert_int_equal(yh_file_read(p, 0, &x, NULL), YH_OK);
    assert_int_equal(yh_file_read(q, 0, &y, NULL), YH_OK);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    yh_free(p);
    yh_free(q);
    yh_buf_fini(&x);
    yh_buf_fini(&y);
}

static void same_run(const char *a, const char *b)
{
    same_file(a, b, "model.safetensors");
    same_file(a, b, "checkpoint/model.safetensors");
    same_file(a, b, "checkpoint/optimizer.safetensors");
}

static void learns_to_count(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    yh_train_options o = options("learn", out);
    o.steps = 120;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_true(r.finished);
    assert_int_equal(r.steps, 120);
    assert_int_equal(r.tokens, 120 * 256);
    /* 23 of 24 tokens follow from the one before, the first of a document is one of 63 */
    assert_true(r.best_bits_per_byte < 0.25);
    assert_true(r.loss < 0.6);
    assert_string_equal(r.stopped_because, "all 120 steps are done");
    /* finished: told again, nothing is trained */
    yh_train_result again;
    assert_int_equal(train(&o, 1, &again, &e), YH_OK);
    assert_int_equal(again.steps, r.steps);
    assert_true(again.best_bits_per_byte == r.best_bits_per_byte);
}

/* The first line of metrics.jsonl; the caller drops the reference. */
static json_t *plan_line(const char *run)
{
    yh_buf b;
    json_t *j = NULL;
    yh_buf_init(&b, 0);
    char *path = yh_path_join(run, "metrics.jsonl");
    assert_int_equal(yh_file_read(path, 0, &b, NULL), YH_OK);
    assert_int_equal(yh_json_parse(&j, b.data, strcspn(b.data, "\n"), path, NULL), YH_OK);
    yh_free(path);
    yh_buf_fini(&b);
    return j;
}

/* Bytes of the graph's plan (the total also counts what the process held before). */
static int64_t graph_bytes(const char *run)
{
    json_t *j = plan_line(run);
    const json_t *n = json_object_get(json_object_get(j, "memory_parts"), "graph");
    assert_true(json_is_integer(n));
    int64_t bytes = json_integer_value(n);
    json_decref(j);
    return bytes;
}

static int64_t plan_number(const char *run, const char *key)
{
    json_t *j = plan_line(run);
    const json_t *n = json_object_get(j, key);
    if (n == NULL)
        n = json_object_get(json_object_get(j, "plan"), key);
    assert_true(json_is_integer(n));
    int64_t v = json_integer_value(n);
    json_decref(j);
    return v;
}

/* Large enough that activations are most of the memory. */
static yh_train_options wide_options(const char *name, char out[128])
{
    yh_train_options o = options(name, out);
    o.depth = 2;
    o.context = 64;
    o.micro_batch = 0;
    o.batch_tokens = 4096;
    o.steps = 2;
    return o;
}

static uint64_t level_total[LEVELS]; /* what each level needs in all */

static void recomputation_saves_memory_not_bits(void **state)
{
    (void)state;
    char dir[LEVELS][128];
    int64_t bytes[LEVELS];
    for (int level = 0; level < LEVELS; level++) {
        char name[32];
        yh_train_result r;
        yh_err e;
        snprintf(name, sizeof name, "level%d", level);
        yh_train_options o = wide_options(name, dir[level]);
        o.recompute_set = true;
        o.recompute = level;
        assert_int_equal(train(&o, 1 + level % 2, &r, &e), YH_OK);
        bytes[level] = graph_bytes(dir[level]);
        level_total[level] = r.memory_predicted;
        assert_int_equal(plan_number(dir[level], "recompute"), level);
        if (level > 0) {
            same_run(dir[0], dir[level]);
            assert_true(bytes[level] < bytes[level - 1]);
        }
    }
}

static void stays_under(const yh_train_options *o, const yh_train_result *r)
{
    assert_true(r->memory_predicted <= o->memory);
    assert_true(r->memory_peak <= o->memory);
}

/* Halfway between the levels' totals the next level is taken; below all of them fewer rows. */
static void a_limit_chooses_level_and_rows(void **state)
{
    (void)state;
    char free_dir[128], dir[128], name[32];
    yh_train_result r;
    yh_err e;
    (void)wide_options("level0", free_dir); /* trained by the test before */
    if (SANITIZED)
        skip();
    for (int level = 1; level < LEVELS; level++) {
        snprintf(name, sizeof name, "limit%d", level);
        yh_train_options o = wide_options(name, dir);
        o.memory = (level_total[level - 1] + level_total[level]) / 2;
        assert_int_equal(train(&o, 2, &r, &e), YH_OK);
        assert_int_equal(plan_number(dir, "recompute"), level);
        stays_under(&o, &r);
        same_run(free_dir, dir);
    }
    yh_train_options o = wide_options("rows", dir);
    o.memory = level_total[LEVELS - 1] - (uint64_t)graph_bytes(free_dir) / 16;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_int_equal(plan_number(dir, "batch-tokens"), 4096);
    assert_true(plan_number(dir, "micro-batch") < plan_number(free_dir, "micro-batch"));
    stays_under(&o, &r);
}

/* What the error says is needed is enough. */
static void too_small_a_limit_names_the_least(void **state)
{
    (void)state;
    char dir[128];
    yh_train_result r;
    yh_err e = YH_ERR_INIT;
    yh_train_options o = wide_options("least", dir);
    o.memory = 1 << 20;
    assert_int_equal(yh_train_run(&o, pools[0], &r, &e), YH_LIMIT);
    const char *least = strstr(e.msg, "at least ");
    assert_non_null(least);
    assert_non_null(strstr(e.msg, "micro-batches of 1 row)"));
    if (!SANITIZED) { /* a little more: what the process holds before is not always the same */
        o.memory = (strtoull(least + 9, NULL, 10) + 2) * MB;
        assert_int_equal(train(&o, 1, &r, &e), YH_OK);
        stays_under(&o, &r);
    }
    o = wide_options("level", dir);
    o.recompute_set = true;
    o.recompute = 3;
    assert_int_equal(yh_train_run(&o, pools[0], &r, &e), YH_INVALID);
}

static void adamw_in_f32_learns(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    yh_train_options o = options("adamw", out);
    o.optimizer_set = o.schedule_set = o.order_set = true;
    o.optimizer = YH_OPT_ADAMW;
    o.schedule = YH_SCHED_COSINE;
    o.precision = YH_PRECISION_F32;
    o.steps = 150;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_true(r.best_bits_per_byte < 0.5);
}

static void threads_do_not_change_bits(void **state)
{
    (void)state;
    char a[128], b[128];
    yh_train_result r, q;
    yh_err e;
    yh_train_options o = options("one", a);
    assert_int_equal(train(&o, 1, &r, &e), YH_OK);
    o = options("two", b);
    assert_int_equal(train(&o, 2, &q, &e), YH_OK);
    assert_true(r.loss == q.loss);
    assert_true(r.best_bits_per_byte == q.best_bits_per_byte);
    same_run(a, b);
}

typedef struct stopper {
    uint64_t at;
} stopper;

static void stop_at(void *user, const yh_train_progress *p)
{
    const stopper *s = user;
    if (strcmp(p->event, "step") == 0 && p->step == s->at)
        yh_stop_request();
}

/* Stopped four times, two of them between checkpoints: the same bits as never stopped. */
static void stopped_equals_never_stopped(void **state)
{
    (void)state;
    char a[128], b[128];
    yh_train_result r;
    yh_err e;
    yh_train_options o = options("whole", a);
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    o = options("pieces", b);
    static const uint64_t at[] = {3, 10, 15, 29};
    for (int i = 0; i < 4; i++) {
        stopper s = {at[i]};
        o.progress = stop_at;
        o.user = &s;
        assert_int_equal(train(&o, 1 + i % 2, &r, &e), YH_STOPPED);
        yh_stop_clear();
        assert_false(r.finished);
        assert_int_equal(r.steps, at[i]);
    }
    o.progress = NULL;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_int_equal(r.steps, 30);
    same_run(a, b);
}

/* The optimiser packs: memory is counted, and the bits are those of the run before, looks at
 * held-out text and two resumptions between; the second goes on without. */
static void packed_weights_do_not_change_bits(void **state)
{
    (void)state;
    char a[128], b[128];
    yh_train_result r;
    yh_err e;
    (void)options("whole", a); /* trained by the test before */
    yh_train_options o = options("packed", b);
    static const uint64_t at[] = {12, 20};
    for (int i = 0; i < 2; i++) {
        stopper s = {at[i]};
        o.pack_weights = YH_PACK_ON;
        o.progress = stop_at;
        o.user = &s;
        assert_int_equal(train(&o, 2 - i, &r, &e), YH_STOPPED);
        yh_stop_clear();
    }
    json_t *j = plan_line(b);
    assert_true(json_is_true(json_object_get(j, "pack_weights")));
    assert_true(json_integer_value(json_object_get(json_object_get(j, "memory_parts"), "packed")) >
                4 * 64 * 64);
    json_decref(j);
    o.progress = NULL;
    o.pack_weights = YH_PACK_OFF;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    same_run(a, b);
}

static void resume_checks_options_and_data(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    stopper s = {5};
    yh_train_options o = options("check", out);
    o.progress = stop_at;
    o.user = &s;
    assert_int_equal(train(&o, 2, &r, &e), YH_STOPPED);
    yh_stop_clear();
    o.progress = NULL;
    yh_train_options other = o;
    other.lr_set = true;
    other.lr = 0.5;
    other.steps = 40;
    assert_int_equal(train(&other, 2, &r, &e), YH_MISMATCH);
    assert_non_null(strstr(e.msg, "lr ("));
    assert_non_null(strstr(e.msg, "steps (30, now 40)"));
    other = o;
    other.depth = 2;
    assert_int_equal(train(&other, 2, &r, &e), YH_MISMATCH);
    assert_non_null(strstr(e.msg, "depth (1, now 2)"));
    fake.split[YH_TRAIN].docs--;
    assert_int_equal(train(&o, 2, &r, &e), YH_MISMATCH);
    assert_non_null(strstr(e.msg, "train_docs"));
    fake.split[YH_TRAIN].docs++;
    /* damage: one byte of the optimiser's state */
    char path[192];
    snprintf(path, sizeof path, "%s/checkpoint/optimizer.safetensors", out);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, -5, SEEK_END);
    fputc(0x55, f);
    fclose(f);
    assert_int_equal(train(&o, 2, &r, &e), YH_CORRUPT);
    assert_non_null(strstr(e.msg, "optimizer.safetensors"));
    o.resume = false; /* start anew */
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_int_equal(r.steps, 30);
}

static void interrupted_exchange_is_put_right(void **state)
{
    (void)state;
    char a[128], from[192], to[192];
    yh_train_result r;
    yh_err e;
    stopper s = {12};
    yh_train_options o = options("exchange", a);
    o.progress = stop_at;
    o.user = &s;
    assert_int_equal(train(&o, 2, &r, &e), YH_STOPPED);
    yh_stop_clear();
    o.progress = NULL;
    snprintf(from, sizeof from, "%s/checkpoint", a);
    snprintf(to, sizeof to, "%s/checkpoint.old", a);
    assert_int_equal(rename(from, to), 0);
    snprintf(to, sizeof to, "%s/checkpoint.new", a);
    assert_int_equal(yh_mkdirs(to, NULL), YH_OK);
    snprintf(to, sizeof to, "%s/checkpoint.new/model.safetensors", a);
    assert_int_equal(yh_file_write(to, "half", 4, NULL), YH_OK);
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    assert_false(yh_is_dir(from) == false);
    snprintf(to, sizeof to, "%s/whole", root);
    same_run(a, to);
}

static void by_time_and_without_heldout_text(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    yh_train_options o = options("time", out);
    fake_split held = fake.split[YH_HELDOUT];
    fake.split[YH_HELDOUT] = (fake_split){0, 0, begin, ids};
    o.steps = 0;
    o.minutes = 0.02;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    fake.split[YH_HELDOUT] = held;
    assert_true(r.finished && r.steps > 0);
    assert_true(isnan(r.best_bits_per_byte));
    char path[192];
    snprintf(path, sizeof path, "%s/model.safetensors", out);
    assert_true(yh_is_file(path));
}

/* Few texts seen often: it stops by itself and keeps what was best. */
static void small_text_is_not_overtrained(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    static int32_t noise[64 * LENGTH];
    static uint64_t noise_begin[65];
    for (uint64_t i = 0; i < 64 * LENGTH; i++)
        noise[i] = i % LENGTH == LENGTH - 1 ? EOS : (int32_t)((i * i * 31 + i * 7) % 59);
    for (uint64_t d = 0; d <= 64; d++)
        noise_begin[d] = d * LENGTH;
    yh_tokens saved = fake;
    fake.split[YH_TRAIN] = (fake_split){32, 32 * LENGTH, noise_begin, noise};
    fake.split[YH_HELDOUT] = (fake_split){64, 64 * LENGTH, begin, ids};
    yh_train_options o = options("small", out);
    o.steps = 2000;
    assert_int_equal(train(&o, 2, &r, &e), YH_OK);
    fake = saved;
    assert_true(r.steps < 1000);
    assert_true(r.best_step < r.steps);
    assert_true(r.best_bits_per_byte < r.heldout_bits_per_byte);
    assert_non_null(strstr(r.stopped_because, "held-out text stopped getting better"));
}

static void wrong_use_is_named(void **state)
{
    (void)state;
    char out[128];
    yh_train_result r;
    yh_err e;
    yh_train_options o = options("wrong", out);
    o.minutes = 1;
    assert_int_equal(train(&o, 1, &r, &e), YH_INVALID);
    o.minutes = 0;
    o.model = "nosuchmodel";
    assert_int_equal(train(&o, 1, &r, &e), YH_NOTFOUND);
    o.model = NULL;
    o.batch_tokens = 100;
    assert_int_equal(train(&o, 1, &r, &e), YH_INVALID);
    o.batch_tokens = 0;
    o.depth = 64;
    o.context = 16384;
    o.micro_batch = 1;
    assert_int_equal(train(&o, 1, &r, &e), YH_INVALID); /* more than the text has */
    o.context = 32;
    o.micro_batch = 65536;
    assert_int_equal(train(&o, 1, &r, &e), YH_LIMIT);
    assert_non_null(strstr(e.msg, "are available"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_to_count),
        cmocka_unit_test(recomputation_saves_memory_not_bits),
        cmocka_unit_test(a_limit_chooses_level_and_rows),
        cmocka_unit_test(too_small_a_limit_names_the_least),
        cmocka_unit_test(adamw_in_f32_learns),
        cmocka_unit_test(threads_do_not_change_bits),
        cmocka_unit_test(stopped_equals_never_stopped),
        cmocka_unit_test(packed_weights_do_not_change_bits),
        cmocka_unit_test(resume_checks_options_and_data),
        cmocka_unit_test(interrupted_exchange_is_put_right),
        cmocka_unit_test(by_time_and_without_heldout_text),
        cmocka_unit_test(small_text_is_not_overtrained),
        cmocka_unit_test(wrong_use_is_named),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
