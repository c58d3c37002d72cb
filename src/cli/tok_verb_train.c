/* yh tok train. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/tok_verbs.h"

static const struct {
    const char *name, *pattern;
} patterns[] = {
    {"qwen2", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
              "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"llama3", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
               "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
};

static void on_merge(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    yh_live(false, "merging: %llu of %llu", (unsigned long long)done, (unsigned long long)total);
}

static yh_status feed(yh_tok_trainer *t, const char *path, uint64_t *docs, uint64_t *bytes,
                      yh_err *err)
{
    yh_corpus *c;
    yh_doc d;
    bool more = true;
    YH_TRY(yh_corpus_open(&c, path, err));
    yh_status s = YH_OK;
    while (s == YH_OK && (s = yh_corpus_next(c, &d, &more, err)) == YH_OK && more) {
        char text[32];
        s = yh_tok_trainer_add(t, d.text, d.len, err);
        *docs += 1;
        *bytes += d.len;
        yh_live(false, "counting words: %llu documents, %s", (unsigned long long)*docs,
                yh_fmt_bytes((double)*bytes, text));
    }
    yh_corpus_close(c);
    return s;
}

/* Told before the work, not behind it. A folder that is still missing is made when it is filled. */
static yh_status check_out(const char *out, yh_err *err)
{
    if (access(out, F_OK) == 0 && !yh_is_dir(out))
        return yh_fail(err, YH_INVALID, "%s: exists and is not a folder", out);
    if (access(out, W_OK) != 0 && errno != ENOENT)
        return yh_fail_errno(err, errno, "%s: cannot write to the folder", out);
    return YH_OK;
}

int yh_tok_verb_train(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "out", NULL);
    const char *pattern = yh_arg_text(a, "pattern", NULL);
    int64_t vocab = yh_arg_int(a, "vocab", 32768);
    if (out == NULL)
        return yh_cli_usage(a, "train needs -o DIR");
    if (yh_arg_count(a) < 2)
        return yh_cli_usage(a, "train needs text: a corpus folder or files");
    if (vocab < 259 || vocab >= 1 << 24)
        return yh_cli_usage(a, "--vocab must be 259 to %d", (1 << 24) - 1);
    for (size_t i = 0; pattern != NULL && i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(pattern, patterns[i].name) == 0)
            pattern = patterns[i].pattern;
    yh_tok_train_options o = {
        .vocab = (uint32_t)vocab, .pattern = pattern, .threads = (int)yh_arg_int(a, "threads", 0)};
    yh_tok_trainer *t = NULL;
    yh_tok *tok = NULL;
    uint64_t docs = 0, bytes = 0;
    double start = yh_now();
    yh_status s = check_out(out, &err);
    if (s == YH_OK)
        s = yh_tok_trainer_create(&t, &o, &err);
    for (int i = 1; i < yh_arg_count(a) && s == YH_OK; i++)
        s = feed(t, yh_arg_at(a, i), &docs, &bytes, &err);
    if (s == YH_OK && bytes == 0)
        s = yh_fail(&err, YH_INVALID, "there is no text to train on");
    if (s == YH_OK)
        s = yh_tok_trainer_finish(t, on_merge, NULL, &tok, &err);
    if (s == YH_OK)
        s = yh_tok_save(tok, out, &err);
    yh_live_end();
    if (s == YH_OK) {
        uint32_t size = yh_tok_size(tok);
        if (yh_arg_flag(a, "json"))
            printf("{\"vocab\": %u, \"documents\": %llu, \"bytes\": %llu, \"seconds\": %.2f, "
                   "\"hash\": \"%016llx\"}\n",
                   size, (unsigned long long)docs, (unsigned long long)bytes, yh_now() - start,
                   (unsigned long long)yh_tok_hash(tok));
        else
            printf("%s: %u tokens from %llu documents, %llu bytes, in %.1f s\n", out, size,
                   (unsigned long long)docs, (unsigned long long)bytes, yh_now() - start);
        if (size < (uint32_t)vocab)
            fprintf(stderr,
                    "yh tok: the text has no more pairs that occur twice: %u tokens instead of "
                    "%lld\n",
                    size, (long long)vocab);
    }
    yh_tok_free(tok);
    yh_tok_trainer_free(t);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}
