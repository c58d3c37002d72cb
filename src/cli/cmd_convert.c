/* yh convert: write a model folder anew, as one file of f32 or bf16 weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"

/* The tokenizer's files go along when there are any. */
static yh_status copy_tokenizer(const char *from, const char *to, yh_err *err)
{
    yh_tok *t;
    char *path = yh_path_join(from, "tokenizer.json");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    bool there = yh_is_file(path);
    yh_free(path);
    if (!there)
        return YH_OK;
    YH_TRY(yh_tok_load(&t, from, err));
    yh_status s = yh_tok_save(t, to, err);
    yh_tok_free(t);
    return s;
}

static int run(const yh_args *a)
{
    const char *dir = yh_arg_at(a, 0), *out = yh_arg_text(a, "output", NULL);
    const char *store = yh_arg_text(a, "store", "bf16");
    yh_err err = YH_ERR_INIT;
    yh_model *m = NULL;
    bool f32 = strcmp(store, "f32") == 0;
    if (out == NULL)
        return yh_cli_usage(a, "where to? give -o DIR");
    if (!f32 && strcmp(store, "bf16") != 0)
        return yh_cli_usage(a, "--store is f32 or bf16, not \"%s\"", store);
    char *from = realpath(dir, NULL), *to = realpath(out, NULL);
    bool same = from != NULL && to != NULL && strcmp(from, to) == 0;
    free(from);
    free(to);
    if (same)
        return yh_cli_usage(a, "-o must be another folder than the model's");
    yh_status s = yh_model_load(&m, dir, YH_PRECISION_F32, false, &err);
    if (s == YH_OK)
        s = yh_model_write(m, out, f32 ? YH_PRECISION_F32 : YH_PRECISION_BF16, &err);
    if (s == YH_OK)
        s = copy_tokenizer(dir, out, &err);
    yh_model_free(m);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    printf("%s\n", out);
    return 0;
}

static const yh_opt opts[] = {{"output", 'o', YH_OPT_TEXT, "DIR", "folder to write"},
                              {"store", 0, YH_OPT_TEXT, "TYPE", "f32 or bf16 (default: bf16)"},
                              {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_convert = {
    .name = "convert",
    .summary = "write a model folder anew, as f32 or bf16",
    .usage = "MODEL -o DIR [--store f32|bf16]",
    .description = "Shards become one file, f16 becomes bf16 or f32; names and shapes stay those "
                   "that\ntransformers knows. The tokenizer's files go along.",
    .opts = opts,
    .min_args = 1,
    .max_args = 1,
    .run = run};
