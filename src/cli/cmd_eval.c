/* yh eval: bits per byte and perplexity of a model on documents; logits for comparisons. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/model_opts.h"

static double bits_per_byte(const yh_eval_row *r)
{
    return r->bytes > 0 ? r->nats / log(2.0) / (double)r->bytes : 0.0;
}

static double perplexity(const yh_eval_row *r)
{
    return r->tokens > 0 ? exp(r->nats / (double)r->tokens) : 0.0;
}

static void print_row(const char *name, const yh_eval_row *r)
{
    char d[32], t[32], b[32];
    printf("%-28.60s %8s %8s %9s %12.4f %11.2f\n", name, yh_fmt_count((double)r->docs, d),
           yh_fmt_count((double)r->tokens, t), yh_fmt_bytes((double)r->bytes, b), bits_per_byte(r),
           perplexity(r));
}

static json_t *row_json(const yh_eval_row *r)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:f}", "source", r->source, "documents",
                     (json_int_t)r->docs, "tokens", (json_int_t)r->tokens, "bytes",
                     (json_int_t)r->bytes, "nats", r->nats, "bits_per_byte", bits_per_byte(r),
                     "perplexity", perplexity(r));
}

static int print_json(const yh_eval_report *r)
{
    json_t *j = row_json(&r->total), *rows = json_array();
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(rows, row_json(&r->rows[i]));
    json_object_del(j, "source");
    json_object_set_new(j, "sources", rows);
    json_object_set_new(j, "seconds", json_real(r->seconds));
    int rc = j != NULL ? json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : -1;
    json_decref(j);
    printf("\n");
    return rc == 0 ? 0 : 1;
}

static int print_report(const yh_args *a, const yh_eval_report *r)
{
    if (yh_arg_flag(a, "json"))
        return print_json(r);
    printf("%-28s %8s %8s %9s %12s %11s\n", "source", "docs", "tokens", "text", "bits/byte",
           "perplexity");
    for (size_t i = 0; i < r->n; i++)
        print_row(r->rows[i].source[0] ? r->rows[i].source : "(no name)", &r->rows[i]);
    if (r->n != 1)
        print_row("all", &r->total);
    fprintf(stderr, "%.0f tokens per second\n", (double)r->total.tokens / r->seconds);
    return 0;
}

/* ------------------------------------------------------------------ logits */

static yh_status read_ids(const char *text, uint32_t **out, size_t *n, yh_err *err)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    for (const char *p = text; *p != '\0';) {
        char *end;
        unsigned long v = strtoul(p, &end, 10);
        if (end == p || *p < '0' || *p > '9' || v > INT32_MAX || (*end != ',' && *end != '\0') ||
            (*end == ',' && end[1] == '\0'))
            return yh_fail(err, YH_INVALID, "--ids needs numbers with commas between, not \"%s\"",
                           text);
        uint32_t *q = yh_grow(*out, &cap, *n + 1, sizeof *q);
        if (q == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for the ids");
        *out = q;
        q[(*n)++] = (uint32_t)v;
        p = *end == ',' ? end + 1 : end;
    }
    return *n > 0 ? YH_OK : yh_fail(err, YH_INVALID, "--ids needs at least one number");
}

/* The same rows through a session: one by one, or in one piece of each size that fits. */
static yh_status session_logits(yh_model *m, const uint32_t *id, size_t n, float *out,
                                yh_pool *pool, yh_err *err)
{
    yh_session *s = NULL;
    YH_TRY(yh_session_create(&s, m, 0, pool, err));
    yh_status rc = YH_OK;
    for (size_t i = 0; i < n && rc == YH_OK; i++) {
        rc = yh_session_feed(s, id + i, 1, err);
        if (rc == YH_OK)
            memcpy(out + i * yh_session_vocab(s), yh_session_logits(s),
                   yh_session_vocab(s) * sizeof *out);
    }
    yh_session_free(s);
    return rc;
}

static int dump_logits(const yh_args *a, yh_model *m)
{
    const char *path = yh_arg_text(a, "logits", NULL);
    yh_err err = YH_ERR_INIT;
    yh_model_facts facts;
    uint32_t *id = NULL;
    float *out = NULL;
    size_t n, count = 0;
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_model_describe(m, &facts);
    yh_status s = read_ids(yh_arg_text(a, "ids", ""), &id, &n, &err);
    if (s == YH_INVALID) {
        yh_free(id);
        return yh_cli_usage(a, "%s", err.msg);
    }
    if (s == YH_OK && (!yh_mul_size(n, (size_t)facts.vocab, &count) ||
                       (out = yh_calloc(count, sizeof *out)) == NULL))
        s = yh_fail(&err, YH_NOMEM, "no memory for the logits of %zu tokens", n);
    if (s == YH_OK)
        s = yh_arg_flag(a, "session") ? session_logits(m, id, n, out, pool, &err)
                                      : yh_eval_logits(m, id, n, out, pool, &err);
    if (s == YH_OK)
        s = yh_file_write(path, out, count * sizeof *out, &err);
    if (s == YH_OK)
        printf("%s: [%zu, %d] F32\n", path, n, facts.vocab);
    yh_free(out);
    yh_free(id);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

/* ------------------------------------------------------------------ the command */

static int evaluate(const yh_args *a, yh_model *m)
{
    const char *data = yh_arg_text(a, "data", NULL), *tokens = yh_arg_text(a, "tokens", NULL);
    unsigned heldout = (unsigned)yh_arg_int(a, "heldout", 0);
    uint64_t most = (uint64_t)yh_arg_int(a, "max-tokens", 0);
    yh_eval_report r = {0};
    yh_err err = YH_ERR_INIT;
    yh_tok *tok = NULL;
    yh_tokens *t = NULL;
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_status s;
    if (data != NULL) {
        s = yh_tok_load(&tok, yh_arg_text(a, "tok", yh_arg_at(a, 0)), &err);
        if (s == YH_OK)
            s = yh_eval_corpus(m, tok, data, heldout, most, pool, &r, &err);
    } else {
        s = yh_tokens_open(&t, tokens, false, &err);
        if (s == YH_OK)
            s = yh_eval_tokens(m, t, yh_arg_flag(a, "train-split") ? YH_TRAIN : YH_HELDOUT, most,
                               pool, &r, &err);
    }
    int rc = s == YH_OK ? print_report(a, &r) : yh_cli_fail(a, &err);
    yh_eval_report_fini(&r);
    yh_tokens_close(t);
    yh_tok_free(tok);
    return rc;
}

static int run(const yh_args *a)
{
    bool data = yh_arg_given(a, "data"), tokens = yh_arg_given(a, "tokens");
    bool ids = yh_arg_given(a, "ids");
    int64_t heldout = yh_arg_int(a, "heldout", 0);
    yh_precision precision;
    yh_model *m = NULL;
    yh_err err = YH_ERR_INIT;
    if (data + tokens + ids != 1)
        return yh_cli_usage(a, "give one of --data, --tokens and --ids");
    if (ids != yh_arg_given(a, "logits"))
        return yh_cli_usage(a, "--ids and --logits belong together");
    if (heldout < 0 || heldout > 1000)
        return yh_cli_usage(a, "--heldout must be 0 to 1000");
    if (yh_arg_int(a, "max-tokens", 0) < 0)
        return yh_cli_usage(a, "--max-tokens must be 0 or more");
    if (!yh_model_opt_precision(a, &precision))
        return 2;
    if (yh_model_load(&m, yh_arg_at(a, 0), precision, false, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    int rc = ids ? dump_logits(a, m) : evaluate(a, m);
    yh_model_free(m);
    return rc;
}

static const yh_opt opts[] = {
    {"data", 'd', YH_OPT_TEXT, "CORPUS", "evaluate on a corpus folder or a file of documents"},
    {"tokens", 't', YH_OPT_TEXT, "DIR", "evaluate on the held-out split of a token folder"},
    {"train-split", 0, YH_OPT_FLAG, NULL, "with --tokens: the training split instead"},
    {"heldout", 0, YH_OPT_INT, "N",
     "with --data: only the N per mille of documents that training holds out (0: every one)"},
    {"max-tokens", 0, YH_OPT_SIZE, "N", "stop behind the document that reaches N tokens"},
    {"tok", 0, YH_OPT_TEXT, "PATH", "tokenizer (default: the model folder's)"},
    YH_MODEL_OPT_PRECISION,
    {"json", 0, YH_OPT_FLAG, NULL, "print JSON"},
    {"ids", 0, YH_OPT_TEXT, "1,2,3", "compute the logits of these token ids"},
    {"logits", 0, YH_OPT_TEXT, "FILE", "where --ids writes them: [ids, vocabulary], F32"},
    {"session", 0, YH_OPT_FLAG, NULL, "with --ids: token by token through the cache"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_eval = {
    .name = "eval",
    .summary = "measure a model on documents: bits per byte, perplexity",
    .usage = "MODEL --data CORPUS | --tokens DIR",
    .description = "Bits per byte is the model's loss on the text, end-of-text tokens included, "
                   "in bits,\ndivided by the bytes of the text: comparable between tokenizers, "
                   "smaller is better.",
    .opts = opts,
    .min_args = 1,
    .max_args = 1,
    .run = run};
