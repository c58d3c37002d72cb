/* label: slow
 * Every stage on an input twenty times larger than the memory that the process may take: 671 MB,
 * 32 MiB. Documents are made as they are written, so that nothing but the stage holds memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "rules/fold.h"
#include "stage_case.h"

enum { MIB = 1 << 20, LIMIT = 32, STAGE = 16, THREADS = 2, DOC = 3000, PER_BLOCK = 340 };
static const uint64_t total = 20ull * LIMIT * MIB;

/* Document i: words by chance; every tenth is an earlier one with some words changed. */
static size_t make(uint64_t i, char *text)
{
    static const char letters[] = "etaoinshrdlucmfw";
    uint64_t like = i % 10 == 9 ? i - 1 - yh_fold_mix(i) % 9 : i;
    size_t n = 0;
    for (uint64_t w = 0; n < DOC - 16; w++) {
        uint64_t h = yh_fold_mix(yh_fold_mix(like + 1) + w);
        if (like != i && w % 97 == 5)
            h = yh_fold_mix(yh_fold_mix(i + 1) + w);
        h = yh_fold_mix(h % 30000 + 1); /* a vocabulary */
        for (int k = 0; k < 3 + (int)(h >> 60) % 8; k++)
            text[n++] = letters[h >> (4 * k) & 15];
        text[n++] = w % 13 == 12 ? '\n' : ' ';
    }
    text[n] = '\0';
    return n;
}

static uint64_t documents;

static int write_store(void **state)
{
    static char text[PER_BLOCK][DOC + 64], id[PER_BLOCK][24], url[PER_BLOCK][48];
    static yh_stored d[PER_BLOCK];
    if (make_dir(state) != 0)
        return -1;
    yh_store_writer *w;
    yh_err err = YH_ERR_INIT;
    yh_buf b;
    yh_buf_init(&b, 0);
    stage_ok(yh_store_writer_create(&w, in_dir("store"), &err), &err);
    for (uint64_t bytes = 0; bytes < total;) {
        uint64_t block = 0;
        for (size_t k = 0; k < PER_BLOCK; k++, documents++) {
            snprintf(id[k], sizeof id[k], "d%llu", (unsigned long long)documents);
            snprintf(url[k], sizeof url[k], "http://s%llu.org/%llu",
                     (unsigned long long)(documents % 1000), (unsigned long long)documents);
            d[k] = (yh_stored){.text = text[k], .id = id[k], .url = url[k], .source = "made"};
            d[k].len = make(documents, text[k]);
            block += d[k].len;
        }
        yh_buf_clear(&b);
        stage_ok(yh_store_block(d, PER_BLOCK, &b, &err), &err);
        stage_ok(yh_store_writer_add(w, &b, PER_BLOCK, block, &err), &err);
        bytes += block;
    }
    stage_ok(yh_store_writer_commit(w, &err), &err);
    yh_store_writer_free(w);
    yh_buf_fini(&b);
    return 0;
}

static void memory_stays_under_the_limit(void **state)
{
    (void)state;
    static const char *const stages[] = {"minhash", "repeated_text", "exact_document",
                                         "url",     "exact_line",    "site_lines"};
    char path[300];
    const char *paths[] = {path};
    snprintf(path, sizeof path, "%s/store", dir);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        yh_err err = YH_ERR_INIT;
        yh_store *store;
        yh_pool *pool;
        json_t *stats = json_object();
        (void)yh_mem_peak_begin();
        stage_ok(yh_store_open(&store, paths, 1, &err), &err);
        assert_true(yh_store_bytes(store) >= total);
        stage_ok(yh_pool_create(&pool, THREADS, &err), &err);
        stage_case c = {.stage = stages[i], .memory = STAGE * MIB, .stats = stats};
        stage_ok(stage_apply(&c, store, pool, &err), &err);
        double peak = (double)yh_mem_peak_rss() / MIB;
        print_message("%s: %.0f MiB of %d\n", stages[i], peak, LIMIT);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they hold more */
        assert_true(peak <= LIMIT);
#endif
        if (strcmp(stages[i], "minhash") == 0) /* one in ten is a copy */
            assert_true(json_integer_value(json_object_get(stats, "removed")) >
                        (json_int_t)(documents / 11));
        if (strcmp(stages[i], "repeated_text") == 0)
            assert_true(json_integer_value(json_object_get(stats, "cut_bytes")) >
                        (json_int_t)(total / 15));
        json_decref(stats);
        yh_pool_free(pool);
        yh_store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_stays_under_the_limit)};
    return cmocka_run_group_tests(tests, write_store, remove_dir);
}
