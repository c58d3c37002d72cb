/* yh info: what a file or folder is. The kind is told from the names in it; more than one may fit
 * (a run is also a model with its tokenizer), and each adds its part. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/info_parts.h"

static bool has(const char *dir, const char *name)
{
    char *path = yh_path_join(dir, name);
    bool yes = path != NULL && yh_is_file(path);
    yh_free(path);
    return yes;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static yh_status folder_info(const char *path, bool verify, json_t *j, yh_err *err)
{
    bool known = false;
    const struct {
        const char *name;
        yh_status (*add)(const char *path, bool verify, json_t *j, yh_err *err);
    } parts[] = {{"trainer_state.json", yh_info_checkpoint},
                 {"metrics.jsonl", yh_info_run},
                 {"config.json", yh_info_model},
                 {"tokenizer.json", yh_info_tokenizer},
                 {"tokens.json", yh_info_tokens},
                 {"part-00000.jsonl.zst", yh_info_corpus}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!has(path, parts[i].name))
            continue;
        known = true;
        YH_TRY(parts[i].add(path, verify, j, err));
    }
    if (!known && (has(path, "model.safetensors") || has(path, "model.safetensors.index.json"))) {
        known = true;
        YH_TRY(yh_info_tensors(path, verify, j, err));
    }
    return known ? YH_OK : yh_info_other(path, j, err);
}

static yh_status file_info(const char *path, bool verify, json_t *j, yh_err *err)
{
    if (ends_with(path, ".safetensors") || ends_with(path, ".safetensors.index.json"))
        return yh_info_tensors(path, verify, j, err);
    if (strcmp(yh_path_base(path), "tokenizer.json") == 0)
        return yh_info_tokenizer(path, verify, j, err);
    if (!yh_is_file(path))
        return yh_fail(err, YH_NOTFOUND, "%s: there is no such file or folder", path);
    return yh_info_other(path, j, err);
}

/* ------------------------------------------------------------------ printing */

static void print_value(const json_t *v)
{
    char buf[32];
    if (json_is_string(v)) {
        printf("%s\n", json_string_value(v));
    } else if (json_is_integer(v)) {
        long long n = json_integer_value(v);
        if (n >= 100000)
            printf("%lld (%s)\n", n, yh_fmt_count((double)n, buf));
        else
            printf("%lld\n", n);
    } else if (json_is_real(v)) {
        printf("%.6g\n", json_real_value(v));
    } else if (json_is_boolean(v)) {
        printf("%s\n", json_is_true(v) ? "yes" : "no");
    } else {
        printf("-\n");
    }
}

static void print_tree(const json_t *j, int depth)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        int left = 2 * depth;
        if (json_is_object(v)) {
            printf("%*s%s\n", left, "", key);
            print_tree(v, depth + 1);
        } else if (json_is_array(v)) { /* rows of a table: one line each */
            printf("%*s%s\n", left, "", key);
            for (size_t i = 0; i < json_array_size(v); i++) {
                char *line = json_dumps(json_array_get(v, i), JSON_COMPACT | JSON_ENCODE_ANY);
                printf("%*s%s\n", left + 2, "", line != NULL ? line : "");
                yh_json_text_free(line);
            }
        } else {
            printf("%*s%-*s ", left, "", 24 - left, key);
            print_value(v);
        }
    }
}

static int run(const yh_args *a)
{
    const char *path = yh_arg_at(a, 0);
    yh_err err = YH_ERR_INIT;
    json_t *j = json_object();
    int rc = 0;
    if (j == NULL)
        return 1;
    yh_status s = yh_is_dir(path) ? folder_info(path, yh_arg_flag(a, "verify"), j, &err)
                                  : file_info(path, yh_arg_flag(a, "verify"), j, &err);
    if (s != YH_OK) {
        rc = yh_cli_fail(a, &err);
    } else if (yh_arg_flag(a, "json")) {
        rc = json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 ? 0 : 1;
        printf("\n");
    } else {
        print_tree(j, 0);
    }
    json_decref(j);
    return rc;
}

static const yh_opt opts[] = {
    {"verify", 0, YH_OPT_FLAG, NULL, "tokens: read everything and compare the checksums"},
    {"json", 0, YH_OPT_FLAG, NULL, "print JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_info = {
    .name = "info",
    .summary = "say what a file or folder is",
    .usage = "PATH",
    .description = "Knows models, safetensors files, tokenizers, token folders, corpora, "
                   "training runs and\ncheckpoints, and checks what it reads.",
    .opts = opts,
    .min_args = 1,
    .max_args = 1,
    .run = run};
