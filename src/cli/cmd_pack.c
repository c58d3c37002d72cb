/* yh pack: documents to token shards. */
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/cli.h"

typedef struct clock_state {
    double began, last;
} clock_state;

static void progress(void *user, uint64_t docs, uint64_t tokens, uint64_t bytes)
{
    clock_state *c = user;
    char d[32], t[32], b[32];
    double now = yh_now(), s = now - c->began;
    if (now - c->last < 0.2)
        return;
    c->last = now;
    yh_live(false, "pack  %s documents  %s tokens  %s of text  %.1f MB/s",
            yh_fmt_count((double)docs, d), yh_fmt_count((double)tokens, t),
            yh_fmt_bytes((double)bytes, b), s > 0.0 ? (double)bytes / 1e6 / s : 0.0);
}

static int show(const yh_args *a, const char *out)
{
    yh_err err = YH_ERR_INIT;
    yh_tokens *t = NULL;
    if (yh_tokens_open(&t, out, yh_arg_flag(a, "verify"), &err) != YH_OK)
        return yh_cli_fail(a, &err);
    static const char *const names[] = {"train", "heldout"};
    bool json = yh_arg_flag(a, "json");
    if (json)
        printf("{\"vocabulary\":%u", yh_tokens_vocab(t));
    else
        printf("%s: vocabulary %u, EOS %u\n", out, yh_tokens_vocab(t), yh_tokens_eos(t));
    for (int k = 0; k < 2; k++) {
        yh_split s = k == 0 ? YH_TRAIN : YH_HELDOUT;
        uint64_t docs = yh_tokens_docs(t, s), n = yh_tokens_total(t, s),
                 bytes = yh_tokens_bytes(t, s);
        if (json)
            printf(",\"%s\":{\"documents\":%" PRIu64 ",\"tokens\":%" PRIu64 ",\"bytes\":%" PRIu64
                   "}",
                   names[k], docs, n, bytes);
        else
            printf("  %-8s %10" PRIu64 " documents %12" PRIu64 " tokens %13" PRIu64
                   " bytes of text  %.2f bytes a token\n",
                   names[k], docs, n, bytes, n > 0 ? (double)bytes / (double)n : 0.0);
    }
    if (json)
        printf("}\n");
    yh_tokens_close(t);
    return 0;
}

static int run(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "output", NULL), *tok_path = yh_arg_text(a, "tok", NULL);
    if (out == NULL)
        return yh_cli_usage(a, "name the folder for the tokens with -o TOKENS");
    if (tok_path == NULL)
        return yh_cli_usage(a, "name the tokenizer with --tok TOK");
    int64_t held = yh_arg_int(a, "heldout", 10), shard = yh_arg_int(a, "shard-tokens", 0);
    if (held < 0 || held > 1000)
        return yh_cli_usage(a, "--heldout must be 0 to 1000");
    if (shard < 0)
        return yh_cli_usage(a, "--shard-tokens must not be negative");
    yh_tok *tok = NULL;
    if (yh_tok_load(&tok, tok_path, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    yh_pool *pool = yh_cli_pool(a);
    clock_state c = {yh_now(), 0.0};
    yh_pack_options o = {.heldout_per_mille = (unsigned)held,
                         .shard_tokens = (uint64_t)shard,
                         .progress = progress,
                         .user = &c};
    int rc = 1;
    if (pool != NULL) {
        yh_status s = yh_pack_run(yh_arg_at(a, 0), tok, out, &o, pool, &err);
        yh_live_end();
        rc = s == YH_OK ? show(a, out) : yh_cli_fail(a, &err);
    }
    yh_tok_free(tok);
    return rc;
}

static const yh_opt opts[] = {
    {"tok", 't', YH_OPT_TEXT, "TOK", "tokenizer.json, or a folder that holds one"},
    {"output", 'o', YH_OPT_TEXT, "TOKENS", "folder for the tokens (made if missing)"},
    {"heldout", 0, YH_OPT_INT, "N", "documents of a thousand held out for evaluation (default 10)"},
    {"shard-tokens", 0, YH_OPT_SIZE, "N", "tokens in one shard (default 64Mi)"},
    {"verify", 0, YH_OPT_FLAG, NULL, "read everything once more and compare checksums"},
    {"json", 0, YH_OPT_FLAG, NULL, "print the counts as JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_pack = {
    .name = "pack",
    .summary = "documents to token shards, with a held-out part",
    .usage = "CORPUS --tok TOK -o TOKENS",
    .description = "CORPUS is a folder made by yh clean, or one .jsonl/.json/.txt/.md file.\n"
                   "Documents are held out by a hash of their text, so that the same ones stay\n"
                   "held out when the corpus grows. Interrupt it at any time: the same command\n"
                   "goes on.",
    .opts = opts,
    .min_args = 1,
    .max_args = 1,
    .run = run};
