/* yh tok count: how many tokens files and corpora have. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/tok_verbs.h"

static void on_batch(void *user, const yh_token_count *n)
{
    char text[32];
    yh_live(false, "%s: %llu documents, %s", (const char *)user, (unsigned long long)n->documents,
            yh_fmt_bytes((double)n->bytes, text));
}

/* A corpus is read document by document, any other file is one text, byte by byte. */
static bool is_corpus(const char *path)
{
    if (yh_is_dir(path))
        return true;
    const char *name = yh_path_base(path);
    return strstr(name, ".jsonl") != NULL || strstr(name, ".zst") != NULL ||
           strstr(name, ".gz") != NULL;
}

static yh_status count_file(const yh_tok *tok, const char *path, yh_pool *pool, yh_token_count *n,
                            yh_err *err)
{
    yh_buf text;
    yh_buf_init(&text, 0);
    yh_status s = yh_tok_slurp(path, &text, err);
    if (s == YH_OK)
        s = yh_tok_count(tok, text.data, text.len, 0, pool, &n->tokens, err);
    n->documents = 1;
    n->bytes = text.len;
    yh_buf_fini(&text);
    return s;
}

static void print(const yh_args *a, const char *path, const yh_token_count *n)
{
    if (yh_arg_flag(a, "json")) {
        printf("{\"documents\": %llu, \"tokens\": %llu, \"bytes\": %llu}\n",
               (unsigned long long)n->documents, (unsigned long long)n->tokens,
               (unsigned long long)n->bytes);
        return;
    }
    printf("%12llu tokens %12llu bytes %7.3f bytes/token %9llu documents  %s\n",
           (unsigned long long)n->tokens, (unsigned long long)n->bytes,
           n->tokens > 0 ? (double)n->bytes / (double)n->tokens : 0.0,
           (unsigned long long)n->documents, path);
}

int yh_tok_verb_count(const yh_args *a, const yh_tok *tok)
{
    yh_err err = YH_ERR_INIT;
    yh_token_count all = {0};
    yh_pool *pool = yh_cli_pool(a);
    int paths = yh_arg_count(a) - 1;
    if (pool == NULL)
        return 1;
    for (int i = 0; i < (paths > 0 ? paths : 1); i++) {
        yh_token_count n = {0};
        const char *path = paths > 0 ? yh_arg_at(a, i + 1) : "-";
        yh_status s = is_corpus(path) ? yh_count_run(path, tok, pool, on_batch,
                                                     (void *)(uintptr_t)path, &n, &err)
                                      : count_file(tok, path, pool, &n, &err);
        yh_live_end();
        if (s != YH_OK)
            return yh_cli_fail(a, &err);
        print(a, strcmp(path, "-") == 0 ? "standard input" : path, &n);
        all.documents += n.documents;
        all.tokens += n.tokens;
        all.bytes += n.bytes;
    }
    if (paths > 1 && !yh_arg_flag(a, "json"))
        print(a, "total", &all);
    return 0;
}
