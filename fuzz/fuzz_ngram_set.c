/* Evaluation sets as files. First byte: which kind of file (its ending) and whether fields are
 * chosen; the rest is the file. What it took in must be found again in the very texts. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/ngram_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ending[] = {"jsonl", "json", "csv", "tsv", "txt", "csv.gz", "jsonl.zst"};
enum { ENDINGS = sizeof ending / sizeof *ending };
static char dir[] = "/tmp/yh_fuzz_ngram_XXXXXX";
static char path[ENDINGS][sizeof dir + 32];

static void clean_up(void)
{
    for (int i = 0; i < ENDINGS; i++)
        (void)unlink(path[i]);
    (void)rmdir(dir);
}

static bool start(void)
{
    if (mkdtemp(dir) == NULL)
        return false;
    for (int i = 0; i < ENDINGS; i++)
        snprintf(path[i], sizeof path[i], "%s/set.%s", dir, ending[i]);
    return atexit(clean_up) == 0;
}

static bool first_hit(void *user, const yh_ngram_hit *hit)
{
    *(yh_ngram_hit *)user = *hit;
    return false;
}

/* A text that was added is found, unless it was too short to count. */
static void find_again(yh_ngram_set *s, const char *text, size_t n)
{
    yh_err err = YH_ERR_INIT;
    yh_fold_tokens t = {0};
    yh_ngram_hit hit = {0};
    if (yh_ngram_set_add(s, "again", 7, text, n, &err) != YH_OK ||
        yh_fold_hash(text, n, &t, &err) != YH_OK)
        __builtin_trap();
    yh_ngram_set_find(s, &t, first_hit, &hit);
    if (t.n >= 3 && hit.set == NULL)
        __builtin_trap();
    if (hit.set != NULL) {
        size_t at, end;
        if (hit.length == 0 || hit.first + hit.length > t.n)
            __builtin_trap();
        yh_fold_place(text, n, hit.first, hit.length, &at, &end);
        if (at >= end || end > n)
            __builtin_trap();
    }
    yh_fold_tokens_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready = -1;
    if (ready < 0)
        ready = start();
    if (ready == 0 || size < 1)
        return 0;
    const int kind = data[0] % ENDINGS;
    FILE *f = fopen(path[kind], "wb");
    if (f == NULL)
        return 0;
    bool ok = size == 1 || fwrite(data + 1, 1, size - 1, f) == size - 1;
    if (fclose(f) != 0 || !ok)
        return 0;
    yh_err err = YH_ERR_INIT;
    yh_ngram_set *s;
    json_t *fields = (data[0] & 0x80) != 0 ? json_pack("[s]", "q") : NULL;
    const yh_ngram_options o = {.words = 3, .chars = 4, .least = 2, .fields = fields};
    if (yh_ngram_set_create(&s, &o, &err) != YH_OK)
        __builtin_trap();
    yh_status st = yh_ngram_set_load(s, path[kind], &err);
    if (st != YH_OK && err.msg[0] == '\0')
        __builtin_trap();
    find_again(s, (const char *)data + 1, size - 1);
    yh_ngram_set_free(s);
    json_decref(fields);
    return 0;
}
