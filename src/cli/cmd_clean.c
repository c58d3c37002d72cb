/* yh clean: raw files to documents. */
#include <stdio.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "base/file.h"
#include "base/json.h"
#include "cli/corpus_show.h"

/* Bytes at the last call, for the speed of now. */
static void progress(void *user, const yh_clean_progress *p)
{
    char done[32], total[32], text[32], left[32], docs[32];
    static double phase_began;
    static char phase[64];
    (void)user;
    if (strcmp(phase, p->phase) != 0) {
        snprintf(phase, sizeof phase, "%s", p->phase);
        phase_began = p->seconds;
    }
    double spent = p->seconds - phase_began;
    double rest = p->fraction > 0.0 ? spent * (1.0 - p->fraction) / p->fraction : 0.0;
    if (!p->finished && strcmp(phase, "read") != 0) {
        yh_live(false, "clean  %s %.0f%%  %s of text  %s left", phase, 100.0 * p->fraction,
                yh_fmt_bytes((double)p->text_bytes, text), yh_fmt_seconds(rest, left));
        return;
    }
    double seconds = p->seconds > 0.0 ? p->seconds : 1.0;
    yh_live(p->finished,
            "clean  %llu/%llu files  %s of %s  %s documents kept (%.0f%%)  %s of text  %.1f MB/s  "
            "%.0f documents/s  %s left",
            (unsigned long long)p->files_done, (unsigned long long)p->files_total,
            yh_fmt_bytes((double)p->bytes_done, done), yh_fmt_bytes((double)p->bytes_total, total),
            yh_fmt_count((double)p->docs_kept, docs),
            p->docs_in > 0 ? 100.0 * (double)p->docs_kept / (double)p->docs_in : 100.0,
            yh_fmt_bytes((double)p->text_bytes, text), (double)p->bytes_done / 1e6 / seconds,
            (double)p->docs_in / seconds, yh_fmt_seconds(p->finished ? 0.0 : rest, left));
}

/* ------------------------------------------------------------------ rules and recipes */

static void print_default(const json_t *v)
{
    char *t = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    printf("%s", t != NULL ? t : "?");
    yh_json_text_free(t);
}

static int print_rules(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    char *text = NULL;
    json_t *list = NULL, *r, *p;
    size_t i, k;
    if (yh_clean_rules(&text, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    if (yh_arg_flag(a, "json")) {
        puts(text);
        yh_text_free(text);
        return 0;
    }
    yh_status s = yh_json_parse(&list, text, strlen(text), "rules", &err);
    yh_text_free(text);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    json_array_foreach(list, i, r)
    {
        const char *source = json_string_value(json_object_get(r, "source"));
        printf("%s%s\n    %s%s%s%s\n", json_string_value(json_object_get(r, "name")),
               strcmp(json_string_value(json_object_get(r, "kind")), "stage") == 0
                   ? "  (stage: looks at all documents)"
                   : "",
               json_string_value(json_object_get(r, "doc")), source != NULL ? " [" : "",
               source != NULL ? source : "", source != NULL ? "]" : "");
        json_array_foreach(json_object_get(r, "parameters"), k, p)
        {
            printf("      %s = ", json_string_value(json_object_get(p, "name")));
            print_default(json_object_get(p, "default"));
            printf("  %s\n", json_string_value(json_object_get(p, "doc")));
        }
    }
    json_decref(list);
    return 0;
}

static int print_recipe(const yh_args *a, const yh_clean_options *o)
{
    yh_err err = YH_ERR_INIT;
    char *text = NULL;
    if (yh_clean_recipe(o, &text, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    puts(text);
    yh_text_free(text);
    return 0;
}

/* ------------------------------------------------------------------ the run */

static bool env_number(const char *name, int *out)
{
    const char *t = getenv(name);
    char *end = NULL;
    long v = t != NULL ? strtol(t, &end, 10) : -1;
    if (t == NULL || end == t || *end != '\0' || v < 0 || v > 1000000)
        return false;
    *out = (int)v;
    return true;
}

/* --shard i/n (from 1), or what srun and mpirun tell. */
static bool find_share(const yh_args *a, yh_clean_options *o)
{
    static const char *const env[][2] = {{"SLURM_PROCID", "SLURM_NTASKS"},
                                         {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                         {"PMI_RANK", "PMI_SIZE"}};
    const char *given = yh_arg_text(a, "shard", NULL);
    int i = 0, n = 0, used = 0;
    if (given != NULL) {
        if (sscanf(given, "%7d/%7d%n", &i, &n, &used) != 2 || given[used] != '\0' || i < 1 ||
            n < 1 || i > n)
            return false;
        o->shard = i - 1;
        o->shards = n;
        return true;
    }
    for (size_t k = 0; k < sizeof env / sizeof *env; k++)
        if (env_number(env[k][0], &i) && env_number(env[k][1], &n) && n > 1 && i < n) {
            o->shard = i;
            o->shards = n;
            return true;
        }
    return true;
}

/* Reads the options; 0, or the status of wrong usage. */
static int read_options(const yh_args *a, yh_clean_options *o)
{
    int64_t least = yh_arg_int(a, "min-chars", 0), part = yh_arg_int(a, "part-chars", 0);
    int64_t shard = yh_arg_int(a, "shard-size", 0), memory = yh_arg_int(a, "memory", 0);
    const char **set = NULL;
    int n_set = yh_arg_list(a, "set", &set);
    if (least < 0 || least > 1000000)
        return yh_cli_usage(a, "--min-chars must be 0 to 1000000");
    if (part < 0 || (part > 0 && part < 1000) || part > 100000000)
        return yh_cli_usage(a, "--part-chars must be 1000 to 100000000");
    if (shard < 0)
        return yh_cli_usage(a, "--shard-size must not be negative");
    if (memory != 0 && memory < 64 << 20)
        return yh_cli_usage(a, "--memory must be at least 64Mi");
    *o = (yh_clean_options){.recipe = yh_arg_text(a, "recipe", NULL),
                            .set = set,
                            .n_set = (size_t)n_set,
                            .min_chars = (uint32_t)least,
                            .part_chars = (uint32_t)part,
                            .shard_bytes = (uint64_t)shard,
                            .memory = (uint64_t)memory,
                            .compress = yh_arg_text(a, "compress", NULL),
                            .progress = progress};
    if (!find_share(a, o))
        return yh_cli_usage(a, "--shard must be I/N with 1 <= I <= N");
    return 0;
}

static int clean(const yh_args *a, const char *out, const yh_clean_options *o)
{
    yh_err err = YH_ERR_INIT;
#if defined(__GLIBC__)
    if (o->memory != 0 && o->memory < (uint64_t)1 << 30)
        (void)mallopt(M_TRIM_THRESHOLD, 1 << 20); /* else it grows, and freed memory stays */
#endif
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    long long kept = 0;
    yh_status s = yh_clean_run(yh_arg_all(a), (size_t)yh_arg_count(a), out, o, pool, &err);
    yh_live_end();
    if (s == YH_OK && o->shards > 1) {
        char *report = yh_path_join(out, "report.json");
        bool there = report != NULL && yh_is_file(report);
        yh_free(report);
        if (!there) {
            printf("share %d of %d is finished; the last process completes %s\n", o->shard + 1,
                   o->shards, out);
            return 0;
        }
    }
    if (s == YH_OK && corpus_print_report(a, out, &kept) != 0)
        return 1;
    if (s == YH_OK && kept == 0)
        s = yh_fail(&err, YH_INVALID, "%s: no document is left; %s/report.json says why",
                    yh_arg_at(a, 0), out);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static int run(const yh_args *a)
{
    const char *out = yh_arg_text(a, "output", NULL);
    yh_clean_options o = {0};
    int wrong = read_options(a, &o);
    if (wrong != 0)
        return wrong;
    if (yh_arg_flag(a, "rules"))
        return print_rules(a);
    if (yh_arg_flag(a, "show-recipe"))
        return print_recipe(a, &o);
    const char *id = yh_arg_text(a, "explain", NULL);
    if (out != NULL && id != NULL)
        return corpus_explain(a, out, id, false);
    if (out == NULL)
        return yh_cli_usage(a, "name the folder for the corpus with -o CORPUS");
    if (yh_arg_count(a) == 0)
        return yh_cli_usage(a, "name the files and folders to clean");
    return clean(a, out, &o);
}

static const yh_opt opts[] = {
    {"output", 'o', YH_OPT_TEXT, "CORPUS", "folder for the documents (made if missing)"},
    {"recipe", 'r', YH_OPT_TEXT, "NAME",
     "which steps (default: default): " YH_RECIPES ", or a file"},
    {"set", 's', YH_OPT_LIST, "RULE.PARAM=VALUE", "change a parameter of the recipe (many times)"},
    {"show-recipe", 0, YH_OPT_FLAG, NULL, "print the recipe in full, with every parameter"},
    {"rules", 0, YH_OPT_FLAG, NULL, "print all rules and stages with their parameters"},
    {"min-chars", 0, YH_OPT_INT, "N",
     "remove shorter documents (default 60; a Chinese, Japanese or Korean character counts three)"},
    {"part-chars", 0, YH_OPT_INT, "N",
     "divide longer documents into parts of about this many characters (default 100000)"},
    {"shard-size", 0, YH_OPT_SIZE, "BYTES", "text in one output file (default 128Mi)"},
    {"compress", 0, YH_OPT_TEXT, "HOW", "none, zstd or zstd:LEVEL (default zstd:3)"},
    {"memory", 0, YH_OPT_SIZE, "BYTES", "memory to work in (default: half of what is available)"},
    {"shard", 0, YH_OPT_TEXT, "I/N",
     "do share I of N (processes over one shared folder); srun and mpirun are recognised"},
    {"explain", 0, YH_OPT_TEXT, "ID", "show the way of one document of the finished CORPUS"},
    {"json", 0, YH_OPT_FLAG, NULL, "print the report (or the rules) as JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_clean = {
    .name = "clean",
    .summary = "raw files to clean documents, with the reasons of every removal",
    .usage = "RAW... -o CORPUS [-r RECIPE]",
    .description =
        "Reads files and folders (text, Markdown, HTML, JSON, CSV, Parquet, WARC, EPUB; "
        "compressed\n"
        "and in archives; @LIST for a list of paths, - for standard input), decodes them to "
        "UTF-8,\n"
        "takes the main text of pages, does what the recipe says, and writes documents as JSON\n"
        "Lines. What was removed is kept beside them with the reason. Interrupt it at any time: "
        "the\n"
        "same command goes on.",
    .opts = opts,
    .min_args = 0,
    .max_args = -1,
    .run = run};
