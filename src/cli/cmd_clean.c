/* yh clean: raw files to documents. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"

static void progress(void *user, const yh_clean_progress *p)
{
    char done[32], total[32], text[32], left[32], docs[32];
    (void)user;
    double rate = p->seconds > 0.0 ? (double)p->bytes_done / p->seconds : 0.0;
    double rest = (double)(p->bytes_total -
                           (p->bytes_done < p->bytes_total ? p->bytes_done : p->bytes_total));
    yh_live(p->files_done == p->files_total,
            "clean  %llu/%llu files  %s of %s  %s documents kept (%.0f%%)  %s of text  %.1f MB/s  "
            "%s left",
            (unsigned long long)p->files_done, (unsigned long long)p->files_total,
            yh_fmt_bytes((double)p->bytes_done, done), yh_fmt_bytes((double)p->bytes_total, total),
            yh_fmt_count((double)p->docs_kept, docs),
            p->docs_in > 0 ? 100.0 * (double)p->docs_kept / (double)p->docs_in : 100.0,
            yh_fmt_bytes((double)p->text_bytes, text),
            p->seconds > 0.0 ? (double)p->text_bytes / 1e6 / p->seconds : 0.0,
            yh_fmt_seconds(rate > 0.0 ? rest / rate : 0.0, left));
}

static long long number(const json_t *r, const char *a, const char *b)
{
    return (long long)json_integer_value(json_object_get(json_object_get(r, a), b));
}

static void table(const json_t *o, const char *title)
{
    const char *key;
    json_t *v;
    if (json_object_size(o) == 0)
        return;
    printf("%s\n", title);
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        if (json_is_integer(v))
            printf("  %-28s %12lld\n", key, (long long)json_integer_value(v));
        else
            printf("  %-28s %12lld documents of %lld, %lld bytes\n", key,
                   (long long)json_integer_value(json_object_get(v, "documents")),
                   (long long)json_integer_value(json_object_get(v, "documents_in")),
                   (long long)json_integer_value(json_object_get(v, "bytes")));
    }
}

static void list(const json_t *r, const char *what)
{
    const json_t *l = json_object_get(json_object_get(r, what), "list");
    size_t n = json_array_size(l);
    for (size_t i = 0; i < n && i < 10; i++) {
        const json_t *e = json_array_get(l, i);
        const char *place = json_string_value(json_object_get(e, "place"));
        printf("  %s%s%s: %s\n", json_string_value(json_object_get(e, "file")),
               place != NULL ? ", " : "", place != NULL ? place : "",
               json_string_value(json_object_get(e, "what")));
    }
    long long count = number(r, what, "count");
    if (count > 10)
        printf("  ... and %lld more; report.json names up to a thousand\n", count - 10);
}

static int show(const yh_args *a, const char *out, long long *kept)
{
    yh_err err = YH_ERR_INIT;
    json_t *r = NULL;
    char *path = yh_path_join(out, "report.json");
    if (path == NULL || yh_json_load(&r, path, 0, &err) != YH_OK) {
        yh_free(path);
        return yh_cli_fail(a, &err);
    }
    yh_free(path);
    *kept = number(r, "documents", "kept");
    if (yh_arg_flag(a, "json")) {
        (void)json_dumpf(r, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(r);
        return 0;
    }
    printf("%lld files, %lld bytes -> %lld documents of %lld, %lld characters, %lld bytes of "
           "text\n",
           number(r, "input", "files"), number(r, "input", "bytes"), number(r, "documents", "kept"),
           number(r, "documents", "in"), number(r, "text", "characters"),
           number(r, "text", "bytes"));
    table(json_object_get(r, "sources"), "by source");
    table(json_object_get(json_object_get(r, "documents"), "removed_by_reason"),
          "documents removed");
    table(json_object_get(json_object_get(r, "lines_removed"), "by_reason"), "lines removed");
    if (number(r, "skipped", "count") > 0) {
        printf("files skipped: %lld\n", number(r, "skipped", "count"));
        list(r, "skipped");
    }
    if (number(r, "problems", "count") > 0) {
        printf("problems inside files: %lld\n", number(r, "problems", "count"));
        list(r, "problems");
    }
    printf("wrote %s (report.json says more)\n", out);
    json_decref(r);
    return 0;
}

static int run(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "output", NULL);
    if (out == NULL)
        return yh_cli_usage(a, "name the folder for the corpus with -o CORPUS");
    int64_t least = yh_arg_int(a, "min-chars", 0);
    int64_t shard = yh_arg_int(a, "shard-size", 0);
    if (least < 0 || least > 1000000)
        return yh_cli_usage(a, "--min-chars must be 0 to 1000000");
    int64_t part = yh_arg_int(a, "part-chars", 0);
    if (part < 0 || (part > 0 && part < 1000) || part > 100000000)
        return yh_cli_usage(a, "--part-chars must be 1000 to 100000000");
    if (shard < 0)
        return yh_cli_usage(a, "--shard-size must not be negative");
    yh_clean_options o = {.min_chars = (uint32_t)least,
                          .part_chars = (uint32_t)part,
                          .shard_bytes = (uint64_t)shard,
                          .progress = progress};
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    long long kept = 0;
    yh_status s = yh_clean_run(yh_arg_all(a), (size_t)yh_arg_count(a), out, &o, pool, &err);
    yh_live_end();
    if (s == YH_OK && show(a, out, &kept) != 0)
        return 1;
    if (s == YH_OK && kept == 0)
        s = yh_fail(&err, YH_INVALID, "%s: no document is left; %s/report.json says why",
                    yh_arg_at(a, 0), out);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static const yh_opt opts[] = {
    {"output", 'o', YH_OPT_TEXT, "CORPUS", "folder for the documents (made if missing)"},
    {"min-chars", 0, YH_OPT_INT, "N",
     "remove shorter documents (default 60; a Chinese, Japanese or Korean character counts three)"},
    {"part-chars", 0, YH_OPT_INT, "N",
     "divide longer documents into parts of about this many characters (default 100000)"},
    {"shard-size", 0, YH_OPT_SIZE, "BYTES", "text in one output shard (default 128Mi)"},
    {"json", 0, YH_OPT_FLAG, NULL, "print the report as JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_clean = {
    .name = "clean",
    .summary = "raw files to clean documents, with the reasons of every removal",
    .usage = "RAW... -o CORPUS",
    .description =
        "Reads files and folders (.txt .md .html .htm .jsonl .json, each also .gz or .zst),\n"
        "decodes them to UTF-8, takes the main text of HTML pages, normalises, removes\n"
        "duplicates and leftovers, and writes documents as JSON Lines. What was removed is\n"
        "kept beside them with the reason. Interrupt it at any time: the same command goes on.",
    .opts = opts,
    .min_args = 1,
    .max_args = -1,
    .run = run};
