/* yh classify: text classifiers trained, judged and applied. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/classify_lines.h"

static void on_progress(void *user, double fraction, double loss)
{
    (void)user;
    yh_live(false, "train  %.0f%%  loss %.4f", 100 * fraction, loss);
}

static int run_train(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "output", NULL);
    if (out == NULL || yh_arg_count(a) != 2)
        return yh_cli_usage(a, "yh classify train DATA -o MODEL");
    static const char *const ints[] = {"dim",       "epochs",    "min-count", "ngrams",
                                       "min-chars", "max-chars", "buckets",   "seed"};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        if (yh_arg_int(a, ints[i], 0) < 0 || yh_arg_int(a, ints[i], 0) > 1000000000)
            return yh_cli_usage(a, "--%s must be 0 to 1,000,000,000", ints[i]);
    yh_classifier_options o = {.dim = (uint32_t)yh_arg_int(a, "dim", 0),
                               .epochs = (uint32_t)yh_arg_int(a, "epochs", 0),
                               .min_count = (uint32_t)yh_arg_int(a, "min-count", 0),
                               .word_ngrams = (uint32_t)yh_arg_int(a, "ngrams", 0),
                               .min_chars = (uint32_t)yh_arg_int(a, "min-chars", 0),
                               .max_chars = (uint32_t)yh_arg_int(a, "max-chars", 0),
                               .buckets = (uint32_t)yh_arg_int(a, "buckets", 0),
                               .rate = yh_arg_num(a, "rate", 0),
                               .seed = (uint64_t)yh_arg_int(a, "seed", 0),
                               .progress = on_progress};
    yh_status s = yh_classifier_train(yh_arg_at(a, 1), out, &o, &err);
    yh_live_end();
    if (s == YH_OK)
        printf("wrote %s\n", out);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static void print_labels(const yh_classifier *c, const uint64_t *given, const uint64_t *truth,
                         const uint64_t *both)
{
    printf("%-24s %10s %10s %10s\n", "label", "examples", "precision", "recall");
    for (int i = 0; i < yh_classifier_labels(c); i++)
        if (truth[i] > 0)
            printf("%-24s %10llu %10.4f %10.4f\n", yh_classifier_label(c, i),
                   (unsigned long long)truth[i],
                   given[i] > 0 ? (double)both[i] / (double)given[i] : 0.0,
                   (double)both[i] / (double)truth[i]);
}

static int run_eval(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_classifier *c = NULL;
    yh_classifier_score score;
    if (yh_arg_count(a) != 3)
        return yh_cli_usage(a, "yh classify eval MODEL DATA");
    if (yh_classifier_load(&c, yh_arg_at(a, 1), &err) != YH_OK)
        return yh_cli_fail(a, &err);
    size_t n = (size_t)yh_classifier_labels(c);
    uint64_t *count = yh_calloc(3 * n, sizeof *count);
    yh_status s = count == NULL ? yh_fail(&err, YH_NOMEM, "no memory for %zu labels", n)
                                : yh_classifier_eval(c, yh_arg_at(a, 2), &score, count, count + n,
                                                     count + 2 * n, &err);
    if (s == YH_OK && yh_arg_flag(a, "json")) {
        printf("{\"examples\": %llu, \"right\": %llu}\n", (unsigned long long)score.n,
               (unsigned long long)score.right);
    } else if (s == YH_OK) {
        print_labels(c, count, count + n, count + 2 * n);
        printf("%llu of %llu right (%.4f)\n", (unsigned long long)score.right,
               (unsigned long long)score.n,
               score.n > 0 ? (double)score.right / (double)score.n : 0.0);
    }
    yh_free(count);
    yh_classifier_free(c);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static yh_status apply(const yh_args *a, const yh_classifier *c, float *p, yh_err *err)
{
    yh_corpus *corpus = NULL;
    yh_doc doc;
    bool more = true;
    YH_TRY(yh_corpus_open(&corpus, yh_arg_at(a, 2), err));
    yh_status s;
    while ((s = yh_corpus_next(corpus, &doc, &more, err)) == YH_OK && more) {
        s = yh_classifier_predict(c, doc.text, doc.len, p, err);
        if (s != YH_OK)
            break;
        int best = 0;
        for (int i = 1; i < yh_classifier_labels(c); i++)
            best = p[i] > p[best] ? i : best;
        printf("%s\t%s\t%.6f\n", doc.id, yh_classifier_label(c, best), (double)p[best]);
    }
    yh_corpus_close(corpus);
    return s;
}

static int run_apply(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_classifier *c = NULL;
    if (yh_arg_count(a) != 3)
        return yh_cli_usage(a, "yh classify apply MODEL CORPUS");
    yh_status s = yh_classifier_load(&c, yh_arg_at(a, 1), &err);
    if (s == YH_OK) {
        float *p = yh_calloc((size_t)yh_classifier_labels(c), sizeof *p);
        s = p == NULL ? yh_fail(&err, YH_NOMEM, "no memory to classify") : apply(a, c, p, &err);
        yh_free(p);
    }
    yh_classifier_free(c);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

/* Numbers between commas, one a length; the last one holds for longer n-grams. */
static bool prune_of(yh_ngram_options *o, const char *text)
{
    unsigned long v = 0;
    for (int i = 0; i < o->order; i++) {
        if (*text != '\0') {
            char *end;
            v = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : UINT32_MAX;
            if (v >= UINT32_MAX || (*end != '\0' && (*end != ',' || end[1] == '\0')))
                return false;
            text = end + (*end == ',');
        }
        o->prune[i] = (uint32_t)v;
    }
    return *text == '\0';
}

/* Free it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return yh_strdup(".");
    return yh_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int run_lm(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char *out = yh_arg_text(a, "output", NULL);
    int64_t order = yh_arg_int(a, "order", 5), memory = yh_arg_int(a, "memory", 0);
    if (out == NULL || yh_arg_count(a) != 2 || order < 1 || order > 6 || memory < 0)
        return yh_cli_usage(a, "yh classify lm CORPUS -o MODEL [--order 1..6] [--words KIND]");
    yh_ngram_builder *b = NULL;
    yh_corpus *corpus = NULL;
    yh_doc doc;
    bool more = true;
    uint64_t docs = 0;
    yh_ngram_options o = {
        .order = (int)order, .words = yh_arg_text(a, "words", "space"), .memory = (uint64_t)memory};
    if (!prune_of(&o, yh_arg_text(a, "prune", "0")))
        return yh_cli_usage(a, "yh classify lm: --prune takes numbers such as 0,0,1");
    char *dir = folder_of(out);
    o.dir = dir;
    yh_status s = dir == NULL ? yh_fail(&err, YH_NOMEM, "no memory for a model")
                              : yh_ngram_builder_create(&b, &o, &err);
    yh_free(dir);
    if (s == YH_OK)
        s = yh_corpus_open(&corpus, yh_arg_at(a, 1), &err);
    while (s == YH_OK && (s = yh_corpus_next(corpus, &doc, &more, &err)) == YH_OK && more) {
        s = yh_ngram_builder_add(b, doc.text, doc.len, &err);
        if (++docs % 256 == 0)
            yh_live(false, "count  %llu documents", (unsigned long long)docs);
        if (s == YH_OK && yh_stop_requested())
            s = yh_fail(&err, YH_STOPPED, "stopped; nothing was written");
    }
    if (s == YH_OK)
        s = yh_ngram_builder_finish(b, out, &err);
    yh_live_end();
    if (s == YH_OK)
        printf("learned from %llu documents; wrote %s\n", (unsigned long long)docs, out);
    yh_corpus_close(corpus);
    yh_ngram_builder_free(b);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static int run_perplexity(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_ngram_lm *m = NULL;
    yh_corpus *corpus = NULL;
    yh_doc doc;
    bool more = true;
    double sum = 0;
    uint64_t all = 0;
    if (yh_arg_count(a) != 3)
        return yh_cli_usage(a, "yh classify perplexity MODEL CORPUS");
    yh_status s = yh_ngram_lm_load(&m, yh_arg_at(a, 1), &err);
    if (s == YH_OK)
        s = yh_corpus_open(&corpus, yh_arg_at(a, 2), &err);
    while (s == YH_OK && (s = yh_corpus_next(corpus, &doc, &more, &err)) == YH_OK && more) {
        double log10 = 0;
        uint64_t tokens = 0;
        s = yh_ngram_lm_score(m, doc.text, doc.len, &log10, &tokens, &err);
        if (s == YH_OK && tokens > 0)
            printf("%s\t%.4f\t%llu\n", doc.id, pow(10, -log10 / (double)tokens),
                   (unsigned long long)tokens);
        sum += log10;
        all += tokens;
    }
    if (s == YH_OK && all > 0)
        fprintf(stderr, "perplexity of all: %.4f (%llu tokens)\n", pow(10, -sum / (double)all),
                (unsigned long long)all);
    yh_corpus_close(corpus);
    yh_ngram_lm_free(m);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}

static const char *const subs[] = {"train", "eval", "apply", "lm", "perplexity", "lines", NULL};

static int run(const yh_args *a)
{
    const char *sub = yh_arg_at(a, 0);
    if (strcmp(sub, "train") == 0)
        return run_train(a);
    if (strcmp(sub, "lines") == 0)
        return classify_lines(a);
    if (strcmp(sub, "lm") == 0)
        return run_lm(a);
    if (strcmp(sub, "perplexity") == 0)
        return run_perplexity(a);
    return strcmp(sub, "eval") == 0 ? run_eval(a) : run_apply(a);
}

static const yh_opt opts[] = {
    {"output", 'o', YH_OPT_TEXT, "MODEL", "train, lm, lines train: the file to write"},
    {"dim", 0, YH_OPT_INT, "N", "train: numbers in a vector (default 32)"},
    {"epochs", 0, YH_OPT_INT, "N", "train: times through the data (default 5)"},
    {"rate", 0, YH_OPT_NUM, "X", "train: rate of learning at the beginning (default 0.5)"},
    {"min-count", 0, YH_OPT_INT, "N", "train: rarer words have no vector (default 1)"},
    {"ngrams", 0, YH_OPT_INT, "N", "train: longest n-grams of words (default 2)"},
    {"min-chars", 0, YH_OPT_INT, "N", "train: shortest n-grams of characters (default 0)"},
    {"max-chars", 0, YH_OPT_INT, "N", "train: longest n-grams of characters (default 0: none)"},
    {"buckets", 0, YH_OPT_INT, "N", "train: vectors shared by n-grams (default 200000)"},
    {"seed", 0, YH_OPT_INT, "N", "train: another beginning and order (default 0)"},
    {"order", 0, YH_OPT_INT, "N", "lm: longest n-grams, 1 to 6 (default 5)"},
    {"words", 0, YH_OPT_TEXT, "KIND",
     "lm: what a token is: space, english, chinese, characters (default space)"},
    {"memory", 0, YH_OPT_SIZE, "BYTES", "lm: memory; what is more goes to disk (default 1Gi)"},
    {"prune", 0, YH_OPT_TEXT, "N,N,...",
     "lm: leave out n-grams of each length that occur at most so often (default 0)"},
    {"hold-out", 0, YH_OPT_NUM, "X",
     "lines train: share of the documents kept for judging (default 0.1)"},
    {"threshold", 0, YH_OPT_NUM, "X", "lines: probability at which a line is cut (default 0.95)"},
    {"json", 0, YH_OPT_FLAG, NULL, "eval, lines train: print JSON"},
    {NULL, 0, YH_OPT_FLAG, NULL, NULL}};

const yh_cmd yh_cmd_classify = {
    .name = "classify",
    .summary = "train classifiers of texts and lines and n-gram models, judge and apply them",
    .usage = "train|eval|apply|lines|lm|perplexity ...",
    .description =
        "yh classify train DATA -o MODEL   from lines \"__label__NAME text\" or JSON Lines\n"
        "yh classify eval MODEL DATA       how many labels are right\n"
        "yh classify apply MODEL CORPUS    id, best label and its probability, one a line\n"
        "yh classify lines train CORPUS|LINES.jsonl -o MODEL   boilerplate or text, line by line\n"
        "yh classify lines eval MODEL CORPUS|LINES.jsonl       how many lines are right\n"
        "yh classify lines apply MODEL CORPUS                  the lines that it would cut\n"
        "yh classify lm CORPUS -o MODEL    an n-gram model of how usual text is\n"
        "yh classify perplexity MODEL CORPUS   id, perplexity and tokens, one a line",
    .opts = opts,
    .subs = subs,
    .min_args = 1,
    .max_args = -1,
    .run = run};
