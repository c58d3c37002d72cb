/* yh generate: continue a text. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/model_opts.h"

static bool print_text(void *user, const char *text, size_t len)
{
    (void)user;
    return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;
}

static bool collect_text(void *user, const char *text, size_t len)
{
    return yh_buf_add(user, text, len, NULL) == YH_OK;
}

static yh_status read_prompt(const yh_args *a, yh_buf *b, yh_err *err)
{
    const char *text = yh_arg_text(a, "prompt", NULL);
    char chunk[4096];
    size_t n;
    if (text != NULL)
        return yh_buf_adds(b, text, err);
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        YH_TRY(yh_buf_add(b, chunk, n, err));
    if (ferror(stdin))
        return yh_fail(err, YH_IO, "cannot read the prompt from standard input");
    return yh_buf_add(b, "", 0, err);
}

static void print_speed(const yh_generate_result *r)
{
    fprintf(stderr, "%u + %u tokens, %.1f tokens/s to read, %.1f to write, ended by %s\n",
            r->prompt_tokens, r->tokens,
            r->prompt_seconds > 0 ? r->prompt_tokens / r->prompt_seconds : 0.0,
            r->seconds > 0 ? r->tokens / r->seconds : 0.0, r->finish);
}

static int print_json(const yh_buf *text, const yh_generate_result *r, uint64_t seed)
{
    json_t *j = json_pack(
        "{s:s%,s:s,s:I,s:I,s:f,s:f,s:I}", "text", text->data ? text->data : "", text->len, "finish",
        r->finish, "prompt_tokens", (json_int_t)r->prompt_tokens, "tokens", (json_int_t)r->tokens,
        "prompt_seconds", r->prompt_seconds, "seconds", r->seconds, "seed", (json_int_t)seed);
    int rc = j != NULL ? json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : -1;
    json_decref(j);
    printf("\n");
    return rc == 0 ? 0 : 1;
}

static int generate(const yh_args *a, const yh_opened *m, yh_generate_options *o)
{
    yh_err err = YH_ERR_INIT;
    yh_generate_result r = {0};
    yh_buf prompt, text;
    bool json = yh_arg_flag(a, "json");
    unsigned flags = yh_arg_flag(a, "special") ? YH_ENCODE_SPECIAL : 0u;
    yh_buf_init(&prompt, (size_t)256 << 20);
    yh_buf_init(&text, 0);
    o->emit = json ? collect_text : print_text;
    o->user = &text;
    yh_status s = read_prompt(a, &prompt, &err);
    if (s == YH_OK && yh_arg_flag(a, "echo") && !json)
        print_text(NULL, prompt.data, prompt.len);
    if (s == YH_OK)
        s = yh_generate(m->session, m->tok, prompt.data, prompt.len, flags, o, &r, &err);
    int rc = 1;
    if (s != YH_OK) {
        rc = yh_cli_fail(a, &err);
    } else if (json) {
        rc = print_json(&text, &r, o->sampling.seed);
    } else {
        printf("\n");
        rc = 0;
    }
    if (s == YH_OK && yh_arg_flag(a, "stats"))
        print_speed(&r);
    o->user = NULL; /* text ends here */
    yh_buf_fini(&prompt);
    yh_buf_fini(&text);
    return rc;
}

static int run(const yh_args *a)
{
    yh_generate_options o = {0};
    yh_opened m;
    const char **stop;
    if (!yh_model_opt_sampling(a, &o.sampling))
        return 2;
    o.max_tokens = (uint32_t)yh_arg_int(a, "max-tokens", 256);
    o.ignore_eos = yh_arg_flag(a, "ignore-eos");
    int rc = yh_opened_open(a, yh_arg_at(a, 0), &m);
    if (rc != 0)
        return rc;
    o.n_stop = (size_t)yh_arg_list(a, "stop", &stop);
    o.stop = stop;
    rc = generate(a, &m, &o);
    yh_opened_close(&m);
    return rc;
}

static const yh_opt opts[] = {
    {"prompt", 'p', YH_OPT_TEXT, "TEXT", "text to continue (default: standard input)"},
    {"echo", 'e', YH_OPT_FLAG, NULL, "print the prompt in front"},
    YH_MODEL_OPT_SAMPLING,
    {"ignore-eos", 0, YH_OPT_FLAG, NULL, "go on behind the end of the text"},
    {"special", 0, YH_OPT_FLAG, NULL,
     "special tokens written in the prompt count as such, and nothing is put in front of it"},
    {"tok", 0, YH_OPT_TEXT, "PATH", "tokenizer (default: the model folder's)"},
    YH_MODEL_OPT_PRECISION,
    {"stats", 0, YH_OPT_FLAG, NULL, "tokens and speed on standard error"},
    {"json", 0, YH_OPT_FLAG, NULL, "print JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_generate = {.name = "generate",
                                .summary = "continue a text with a model",
                                .usage = "MODEL -p TEXT",
                                .description = "Ctrl-C ends the text. -n 0 goes on until the "
                                               "context is full; the default is 256 tokens.",
                                .opts = opts,
                                .min_args = 1,
                                .max_args = 1,
                                .run = run};
