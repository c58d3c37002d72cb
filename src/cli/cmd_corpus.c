/* yh corpus: looking into corpora, comparing and mixing them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/corpus_show.h"

static int wrong_count(const yh_args *a, int least, int most, const char *usage)
{
    int n = yh_arg_count(a) - 1;
    return n < least || (most >= 0 && n > most) ? yh_cli_usage(a, "%s", usage) : 0;
}

static int run_explain(const yh_args *a, bool text)
{
    int wrong = wrong_count(a, 2, 2, "yh corpus explain|show CORPUS ID");
    return wrong != 0 ? wrong : corpus_explain(a, yh_arg_at(a, 1), yh_arg_at(a, 2), text);
}

static int run_diff(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    char *text = NULL;
    int wrong = wrong_count(a, 2, 2, "yh corpus diff A B");
    int64_t n = yh_arg_int(a, "examples", 5);
    if (wrong != 0)
        return wrong;
    if (n < 0 || n > 1000)
        return yh_cli_usage(a, "--examples must be 0 to 1000");
    yh_diff_options o = {.examples = (uint32_t)n,
                         .memory = (uint64_t)yh_arg_int(a, "memory", 0),
                         .work = getenv("TMPDIR")};
    yh_status s = yh_corpus_diff(yh_arg_at(a, 1), yh_arg_at(a, 2), &o, &text, &err);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    int rc = 0;
    if (yh_arg_flag(a, "json"))
        puts(text);
    else
        rc = corpus_print_diff(a, text);
    yh_text_free(text);
    return rc;
}

/* ------------------------------------------------------------------ mix */

/* "CORPUS", "CORPUS:0.3", "CORPUS:0.3,epochs=4,cap=2g"; false: wrong. */
static bool parse_source(char *text, yh_mix_source *s)
{
    *s = (yh_mix_source){.corpus = text};
    char *colon = strrchr(text, ':'), *end;
    if (colon == NULL)
        return true;
    *colon = '\0';
    char *save = NULL;
    for (char *t = strtok_r(colon + 1, ",", &save); t != NULL; t = strtok_r(NULL, ",", &save)) {
        bool epochs = strncmp(t, "epochs=", 7) == 0, cap = strncmp(t, "cap=", 4) == 0;
        double v = strtod(t + (epochs ? 7 : cap ? 4 : 0), &end);
        static const char units[] = "kmgt";
        const char *u = cap && *end != '\0' ? strchr(units, *end | 0x20) : NULL;
        for (long i = 0; u != NULL && i <= u - units; i++)
            v *= 1000.0;
        end += u != NULL;
        if (*end != '\0' || !(v >= 0) || v > 1e18)
            return false;
        if (epochs)
            s->epochs = v;
        else if (cap)
            s->cap = (uint64_t)v;
        else
            s->weight = v;
    }
    return text[0] != '\0';
}

static void on_mix(void *user, double fraction)
{
    (void)user;
    yh_live(false, "mix  %.0f%%", 100.0 * fraction);
}

static int mix_now(const yh_args *a, const yh_mix_source *source, size_t n,
                   const yh_mix_options *from)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "output", NULL);
    yh_mix_options o = {.total = (uint64_t)yh_arg_int(a, "total", (int64_t)from->total),
                        .seed = (uint64_t)yh_arg_int(a, "seed", (int64_t)from->seed),
                        .shard_bytes =
                            (uint64_t)yh_arg_int(a, "shard-size", (int64_t)from->shard_bytes),
                        .compress = yh_arg_text(a, "compress", from->compress),
                        .progress = on_mix};
    yh_pool *pool = yh_cli_pool(a);
    if (pool == NULL)
        return 1;
    yh_status s = yh_corpus_mix(source, n, out, &o, pool, &err);
    yh_live_end();
    return s == YH_OK ? corpus_print_mix(a, out) : yh_cli_fail(a, &err);
}

static int mix_by_file(const yh_args *a, const char *path)
{
    yh_err err = YH_ERR_INIT;
    yh_mix_file *f = NULL;
    size_t n;
    if (yh_mix_file_load(&f, path, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    const yh_mix_source *source = yh_mix_file_sources(f, &n);
    int rc = mix_now(a, source, n, yh_mix_file_options(f));
    yh_mix_file_free(f);
    return rc;
}

static int run_mix(const yh_args *a)
{
    enum { MOST = 256 };
    static yh_mix_source source[MOST];
    char *text[MOST];
    int n = yh_arg_count(a) - 1, rc = 0;
    if (yh_arg_text(a, "output", NULL) == NULL || n < 1 || n > MOST)
        return yh_cli_usage(a, "yh corpus mix CORPUS[:WEIGHT[,epochs=E][,cap=BYTES]]... -o OUT, or "
                               "yh corpus mix FILE.json -o OUT");
    const char *first = yh_arg_at(a, 1), *dot = strrchr(first, '.');
    if (n == 1 && dot != NULL && strcmp(dot, ".json") == 0)
        return mix_by_file(a, first);
    for (int i = 0; i < n; i++)
        text[i] = yh_strdup(yh_arg_at(a, i + 1));
    for (int i = 0; i < n && rc == 0; i++)
        if (text[i] == NULL || !parse_source(text[i], &source[i]))
            rc = yh_cli_usage(a, "%s: must be CORPUS[:WEIGHT[,epochs=E][,cap=BYTES]]",
                              yh_arg_at(a, i + 1));
    if (rc == 0)
        rc = mix_now(a, source, (size_t)n, &(yh_mix_options){0});
    for (int i = 0; i < n; i++)
        yh_free(text[i]);
    return rc;
}

static const char *const subs[] = {"explain", "show", "diff", "mix", "stats", NULL};

static int run(const yh_args *a)
{
    const char *sub = yh_arg_at(a, 0);
    if (strcmp(sub, "explain") == 0 || strcmp(sub, "show") == 0)
        return run_explain(a, strcmp(sub, "show") == 0);
    if (strcmp(sub, "diff") == 0)
        return run_diff(a);
    if (strcmp(sub, "mix") == 0)
        return run_mix(a);
    int wrong = wrong_count(a, 1, 1, "yh corpus stats CORPUS");
    return wrong != 0 ? wrong : corpus_print_stats(a, yh_arg_at(a, 1));
}

static const yh_opt opts[] = {
    {"output", 'o', YH_OPT_TEXT, "OUT", "mix: folder of the new corpus"},
    {"total", 0, YH_OPT_SIZE, "BYTES",
     "mix: text in it (default: the most that the weights allow)"},
    {"seed", 0, YH_OPT_INT, "N", "mix: another choice of documents (default 0)"},
    {"shard-size", 0, YH_OPT_SIZE, "BYTES", "mix: text in one output file (default 128Mi)"},
    {"compress", 0, YH_OPT_TEXT, "HOW", "mix: none, zstd or zstd:LEVEL (default zstd:3)"},
    {"examples", 0, YH_OPT_INT, "N", "diff: documents shown of each kind (default 5)"},
    {"memory", 0, YH_OPT_SIZE, "BYTES", "diff: memory to sort in (default 256Mi)"},
    {"json", 0, YH_OPT_FLAG, NULL, "print JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_corpus = {
    .name = "corpus",
    .summary = "look into corpora, compare and mix them",
    .usage = "explain|show|diff|mix|stats CORPUS...",
    .description =
        "yh corpus explain CORPUS ID   the way of one document through the steps of the recipe\n"
        "yh corpus show CORPUS ID      its text as it was kept, or as it was removed\n"
        "yh corpus diff A B            what differs between two runs, and why\n"
        "yh corpus mix A[:WEIGHT[,epochs=E][,cap=BYTES]] B... -o OUT\n"
        "yh corpus mix MIX.json -o OUT\n"
        "yh corpus stats CORPUS        what was kept and removed, from the report",
    .opts = opts,
    .subs = subs,
    .min_args = 1,
    .max_args = -1,
    .run = run};
