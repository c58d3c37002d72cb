/* yh tok: train a tokenizer, and use one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/tok_verbs.h"

yh_status yh_tok_slurp(const char *path, yh_buf *b, yh_err *err)
{
    if (strcmp(path, "-") != 0)
        return yh_file_read(path, 0, b, err);
    for (;;) {
        YH_TRY(yh_buf_reserve(b, 1 << 16, err));
        size_t got = fread(b->data + b->len, 1, 1 << 16, stdin);
        b->len += got;
        b->data[b->len] = '\0';
        if (got == 0)
            return ferror(stdin) ? yh_fail(err, YH_IO, "cannot read standard input") : YH_OK;
    }
}

/* ---- encode ---- */

static void print_ids(const yh_ids *ids, bool json, bool offsets)
{
    if (json)
        printf("{\"n\": %zu, \"ids\": [", ids->n);
    for (size_t i = 0; i < ids->n; i++) {
        const char *gap = i == 0 ? "" : json ? ", " : offsets ? "\n" : " ";
        if (offsets && !json)
            printf("%s%u\t%llu\t%llu", gap, ids->id[i], (unsigned long long)ids->begin[i],
                   (unsigned long long)ids->end[i]);
        else
            printf("%s%u", gap, ids->id[i]);
    }
    if (json && offsets) {
        printf("], \"offsets\": [");
        for (size_t i = 0; i < ids->n; i++)
            printf("%s[%llu, %llu]", i == 0 ? "" : ", ", (unsigned long long)ids->begin[i],
                   (unsigned long long)ids->end[i]);
    }
    printf(json ? "]}\n" : "\n");
}

static int encode(const yh_args *a, const yh_tok *tok)
{
    yh_err err = YH_ERR_INIT;
    unsigned flags = 0;
    yh_buf text;
    yh_ids ids = YH_IDS_INIT;
    const char *given = yh_arg_text(a, "text", NULL);
    bool count = yh_arg_flag(a, "count"), offsets = yh_arg_flag(a, "offsets") && !count;
    int files = yh_arg_count(a) - 1;
    yh_status s = YH_OK;
    uint64_t n = 0;
    if (given != NULL && files > 0)
        return yh_cli_usage(a, "encode takes files or --text, not both");
    if (yh_arg_flag(a, "special"))
        flags |= YH_ENCODE_SPECIAL;
    if (yh_arg_flag(a, "template"))
        flags |= YH_ENCODE_TEMPLATE;
    if (yh_arg_flag(a, "truncate"))
        flags |= YH_ENCODE_TRUNCATE;
    if (yh_arg_flag(a, "pad"))
        flags |= YH_ENCODE_PAD;
    if (offsets)
        flags |= YH_ENCODE_OFFSETS;
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_buf_init(&text, 0);
    for (int i = 0; i < (files > 0 ? files : 1) && s == YH_OK; i++) {
        yh_buf_clear(&text);
        ids.n = 0;
        if (given != NULL)
            s = yh_buf_adds(&text, given, &err);
        else
            s = yh_tok_slurp(files > 0 ? yh_arg_at(a, i + 1) : "-", &text, &err);
        if (s == YH_OK)
            s = count ? yh_tok_count(tok, text.data, text.len, flags, pool, &n, &err)
                      : yh_tok_encode_pool(tok, text.data, text.len, flags, pool, &ids, &err);
        if (s != YH_OK)
            break;
        if (!count)
            print_ids(&ids, yh_arg_flag(a, "json"), offsets);
        else if (yh_arg_flag(a, "json"))
            printf("{\"n\": %llu, \"bytes\": %zu}\n", (unsigned long long)n, text.len);
        else
            printf("%llu\n", (unsigned long long)n);
    }
    yh_ids_fini(&ids);
    yh_buf_fini(&text);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

/* ---- decode ---- */

/* Ids as text: numbers with anything that is not a digit between them. */
static yh_status read_ids(const char *p, const yh_tok *tok, yh_ids *ids, yh_err *err)
{
    while (*p != '\0') {
        if (*p < '0' || *p > '9') {
            if (strchr(" \t\r\n,[]", *p) == NULL)
                return yh_fail(err, YH_INVALID, "ids are numbers; there is \"%.20s\"", p);
            p++;
            continue;
        }
        char *end;
        unsigned long long v = strtoull(p, &end, 10);
        if (v >= yh_tok_size(tok))
            return yh_fail(err, YH_INVALID, "id %.*s is past the vocabulary of %u", (int)(end - p),
                           p, yh_tok_size(tok));
        uint32_t *id = yh_grow(ids->id, &ids->cap, ids->n + 1, sizeof *id);
        if (id == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for ids");
        ids->id = id;
        id[ids->n++] = (uint32_t)v;
        p = end;
    }
    return YH_OK;
}

static int decode(const yh_args *a, const yh_tok *tok)
{
    yh_err err = YH_ERR_INIT;
    yh_buf text;
    yh_ids ids = YH_IDS_INIT;
    char *out = NULL;
    size_t len = 0;
    yh_status s = YH_OK;
    yh_buf_init(&text, 0);
    for (int i = 1; i < yh_arg_count(a) && s == YH_OK; i++)
        s = yh_buf_addf(&text, &err, "%s ", yh_arg_at(a, i));
    if (yh_arg_count(a) < 2)
        s = yh_tok_slurp("-", &text, &err);
    if (s == YH_OK)
        s = read_ids(text.data != NULL ? text.data : "", tok, &ids, &err);
    if (s == YH_OK)
        s = yh_tok_decode(tok, ids.id, ids.n, yh_arg_flag(a, "skip-special"), &out, &len, &err);
    if (s == YH_OK)
        fwrite(out, 1, len, stdout);
    if (s == YH_OK && len > 0 && out[len - 1] != '\n' && isatty(STDOUT_FILENO))
        putchar('\n');
    yh_text_free(out);
    yh_ids_fini(&ids);
    yh_buf_fini(&text);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

/* ---- info ---- */

static int info(const yh_args *a, const yh_tok *tok, const char *path)
{
    uint32_t size = yh_tok_size(tok), special = 0;
    size_t len;
    for (uint32_t i = 0; i < size; i++) {
        bool is;
        yh_tok_bytes(tok, i, &len, &is);
        special += is;
    }
    long long eos = (long long)yh_tok_eos(tok), bos = (long long)yh_tok_bos(tok);
    bool chat = yh_tok_chat_template(tok) != NULL;
    if (yh_arg_flag(a, "json")) {
        printf("{\"vocab\": %u, \"special\": %u, \"longest\": %zu, \"eos\": %lld, \"bos\": %lld, "
               "\"chat_template\": %s, \"hash\": \"%016llx\"}\n",
               size, special, yh_tok_longest(tok), eos, bos, chat ? "true" : "false",
               (unsigned long long)yh_tok_hash(tok));
        return 0;
    }
    printf("%s\n  vocabulary     %u, of them %u special\n  longest token  %zu bytes\n", path, size,
           special, yh_tok_longest(tok));
    if (eos >= 0)
        printf("  end of text    %lld %s\n", eos, yh_tok_bytes(tok, (uint32_t)eos, &len, NULL));
    if (bos >= 0)
        printf("  begin of text  %lld %s\n", bos, yh_tok_bytes(tok, (uint32_t)bos, &len, NULL));
    printf("  chat template  %s\n  hash           %016llx\n", chat ? "yes" : "none",
           (unsigned long long)yh_tok_hash(tok));
    return 0;
}

static int run(const yh_args *a)
{
    const char *sub = yh_arg_at(a, 0), *path = yh_arg_text(a, "tok", NULL);
    yh_err err = YH_ERR_INIT;
    yh_tok *tok = NULL;
    if (strcmp(sub, "train") == 0)
        return yh_tok_verb_train(a);
    if (strcmp(sub, "compare") == 0)
        return yh_tok_verb_compare(a);
    if (strcmp(sub, "info") == 0 && path == NULL) {
        path = yh_arg_at(a, 1);
        if (path == NULL || yh_arg_count(a) > 2)
            return yh_cli_usage(a, "info takes one tokenizer");
    }
    if (path == NULL)
        return yh_cli_usage(a, "%s needs --tok TOKENIZER", sub);
    const char *pattern = yh_arg_text(a, "pattern", NULL);
    yh_status s = pattern != NULL ? yh_tok_load_tiktoken(&tok, path, pattern, &err)
                                  : yh_tok_load(&tok, path, &err);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    int rc = sub[0] == 'c'   ? yh_tok_verb_count(a, tok)
             : sub[0] == 'e' ? encode(a, tok)
             : sub[0] == 'd' ? decode(a, tok)
                             : info(a, tok, path);
    yh_tok_free(tok);
    return rc;
}

static const yh_opt opts[] = {
    {"out", 'o', YH_OPT_TEXT, "DIR", "train: folder for tokenizer.json, tokenizer_config.json"},
    {"vocab", 'v', YH_OPT_SIZE, "N", "train: tokens, special ones included (default 32768)"},
    {"pattern", 0, YH_OPT_TEXT, "P",
     "train: qwen2 (default), llama3, gpt2, or a pattern; else: a .tiktoken file's pattern"},
    {"model", 0, YH_OPT_TEXT, "KIND", "train: bpe (byte-level, default) or unigram"},
    {"coverage", 0, YH_OPT_NUM, "X",
     "train, unigram: share of the text whose characters are tokens (default 0.9995)"},
    {"no-byte-fallback", 0, YH_OPT_FLAG, NULL,
     "train, unigram: other characters are unknown, instead of their bytes"},
    {"min-count", 0, YH_OPT_SIZE, "N", "train: merge no pair that occurs less often (default 2)"},
    {"special-token", 0, YH_OPT_LIST, "T",
     "train: a special token, the end of text first (default <|endoftext|> <|im_start|> "
     "<|im_end|>)"},
    {"memory", 0, YH_OPT_SIZE, "BYTES", "train: memory that counting and merging may take (2Gi)"},
    {"save-every", 0, YH_OPT_SIZE, "BYTES",
     "train: text between two saves of the work (default four times the memory)"},
    {"heldout", 0, YH_OPT_INT, "N", "train: documents of a thousand left out, to report on (10)"},
    {"data", 0, YH_OPT_LIST, "PATH", "compare: text, a corpus folder, a file or a folder of files"},
    {"sample", 0, YH_OPT_SIZE, "BYTES", "compare: text of each source at most (default 16Mi)"},
    {"tok", 't', YH_OPT_TEXT, "PATH", "tokenizer.json, .model, .tiktoken, or a folder"},
    {"text", 'p', YH_OPT_TEXT, "TEXT", "encode: this text instead of files"},
    {"special", 's', YH_OPT_FLAG, NULL, "encode: special tokens in the text become their ids"},
    {"template", 0, YH_OPT_FLAG, NULL, "encode: add what the tokenizer adds (begin of text)"},
    {"truncate", 0, YH_OPT_FLAG, NULL, "encode: cut to the length that the tokenizer states"},
    {"pad", 0, YH_OPT_FLAG, NULL, "encode: fill up to the length that the tokenizer states"},
    {"offsets", 0, YH_OPT_FLAG, NULL, "encode: one id a line with its byte offsets"},
    {"count", 'c', YH_OPT_FLAG, NULL, "encode: the number of ids alone"},
    {"skip-special", 0, YH_OPT_FLAG, NULL, "decode: leave special tokens out"},
    {"json", 0, YH_OPT_FLAG, NULL, "print JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

static const char *const subs[] = {"train", "encode", "decode", "count", "info", "compare", NULL};

const yh_cmd yh_cmd_tok = {
    .name = "tok",
    .summary = "train, use and look into tokenizers",
    .usage = "train CORPUS... -o DIR | encode --tok T [FILE...] | decode --tok T [ID...] | count "
             "--tok T PATH... | info T | compare T... --data PATH",
    .description =
        "Tokenizers are Hugging Face's tokenizer.json, SentencePiece's .model and tiktoken's "
        ".tiktoken files.\nencode, decode and count read standard input when nothing is "
        "given.",
    .opts = opts,
    .min_args = 1,
    .max_args = -1,
    .subs = subs,
    .run = run};
