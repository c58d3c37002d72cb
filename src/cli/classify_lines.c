/* yh classify lines: train, judge and apply a classifier of lines. */
#include "cli/classify_lines.h"

#include <stdio.h>
#include <string.h>

enum { FEW = 500 }; /* lines of a kind, below which a warning is due */

static double share(uint64_t part, uint64_t all)
{
    return all > 0 ? (double)part / (double)all : 0.0;
}

static void print_counts(const char *what, uint64_t lines, uint64_t boilerplate, uint64_t cut,
                         uint64_t both)
{
    if (lines == 0)
        return;
    uint64_t right = lines - boilerplate - cut + 2 * both;
    printf("%s: %llu lines, %llu of them boilerplate\n", what, (unsigned long long)lines,
           (unsigned long long)boilerplate);
    printf("  cut %llu: precision %.4f, recall %.4f; right %.4f, and %.4f by cutting none\n",
           (unsigned long long)cut, share(both, cut), share(both, boilerplate), share(right, lines),
           share(lines - boilerplate, lines));
}

static void print_json(const yh_line_score *s)
{
    printf("{\"learned\": %llu, \"learned_boilerplate\": %llu, \"lines\": %llu, \"boilerplate\": "
           "%llu, \"cut\": %llu, "
           "\"cut_boilerplate\": %llu, \"new_lines\": %llu, \"new_boilerplate\": %llu, "
           "\"new_cut\": %llu, \"new_cut_boilerplate\": %llu}\n",
           (unsigned long long)s->learned, (unsigned long long)s->learned_boilerplate,
           (unsigned long long)s->lines, (unsigned long long)s->boilerplate,
           (unsigned long long)s->cut, (unsigned long long)s->cut_boilerplate,
           (unsigned long long)s->new_lines, (unsigned long long)s->new_boilerplate,
           (unsigned long long)s->new_cut, (unsigned long long)s->new_cut_boilerplate);
}

static int lines_train(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_line_score score;
    const char *out = yh_arg_text(a, "output", NULL);
    int64_t epochs = yh_arg_int(a, "epochs", 0), seed = yh_arg_int(a, "seed", 0);
    double hold_out = yh_arg_num(a, "hold-out", 0.1);
    if (out == NULL || yh_arg_count(a) != 3)
        return yh_cli_usage(a, "yh classify lines train CORPUS|LINES.jsonl -o MODEL");
    if (epochs < 0 || epochs > 1000000 || seed < 0)
        return yh_cli_usage(a, "--epochs must be 0 to 1,000,000, --seed not negative");
    if (!(hold_out >= 0 && hold_out < 1))
        return yh_cli_usage(a, "--hold-out must be from 0 to below 1");
    yh_line_classifier_options o = {.epochs = (uint32_t)epochs,
                                    .rate = yh_arg_num(a, "rate", 0),
                                    .seed = (uint64_t)seed,
                                    .hold_out = hold_out,
                                    .threshold = yh_arg_num(a, "threshold", 0)};
    if (yh_line_classifier_train(yh_arg_at(a, 2), out, &o, &score, &err) != YH_OK)
        return yh_cli_fail(a, &err);
    if (yh_arg_flag(a, "json")) {
        print_json(&score);
        return 0;
    }
    printf("learned from %llu lines, %llu of them boilerplate; wrote %s\n",
           (unsigned long long)score.learned, (unsigned long long)score.learned_boilerplate, out);
    if (score.learned_boilerplate < FEW || score.learned - score.learned_boilerplate < FEW)
        fprintf(stderr, "yh classify: fewer than %d lines of one kind: a model of little use\n",
                (int)FEW);
    print_counts("held out", score.lines, score.boilerplate, score.cut, score.cut_boilerplate);
    print_counts("held out, and no line like it was learned", score.new_lines,
                 score.new_boilerplate, score.new_cut, score.new_cut_boilerplate);
    return 0;
}

static yh_status apply_doc(const yh_line_classifier *c, const yh_doc *d, double threshold,
                           yh_err *err)
{
    size_t lines = 1, number = 0;
    for (size_t i = 0; i + 1 < d->len; i++)
        lines += d->text[i] == '\n';
    for (size_t at = 0; at < d->len; number++) {
        const char *nl = memchr(d->text + at, '\n', d->len - at);
        size_t end = nl != NULL ? (size_t)(nl - d->text) : d->len;
        double p = 0, place = lines > 1 ? (double)number / (double)(lines - 1) : 0;
        if (strspn(d->text + at, " \t\r\f\v") < end - at) {
            YH_TRY(yh_line_classifier_predict(c, d->text + at, end - at, place, &p, err));
            if (p >= threshold)
                printf("%s\t%zu\t%.4f\t%.*s\n", d->id, number + 1, p,
                       (int)(end - at < 1000000 ? end - at : 1000000), d->text + at);
        }
        at = end + 1;
    }
    return YH_OK;
}

static yh_status apply(const yh_args *a, const yh_line_classifier *c, yh_err *err)
{
    yh_corpus *corpus = NULL;
    yh_doc doc;
    bool more = true;
    double threshold = yh_arg_num(a, "threshold", YH_LINE_THRESHOLD);
    YH_TRY(yh_corpus_open(&corpus, yh_arg_at(a, 3), err));
    yh_status s;
    while ((s = yh_corpus_next(corpus, &doc, &more, err)) == YH_OK && more)
        if ((s = apply_doc(c, &doc, threshold, err)) != YH_OK)
            break;
    yh_corpus_close(corpus);
    return s;
}

static yh_status judge(const yh_args *a, const yh_line_classifier *c, yh_err *err)
{
    yh_line_score score;
    YH_TRY(yh_line_classifier_eval(c, yh_arg_at(a, 3),
                                   yh_arg_num(a, "threshold", YH_LINE_THRESHOLD), &score, err));
    if (yh_arg_flag(a, "json"))
        print_json(&score);
    else
        print_counts(yh_arg_at(a, 3), score.lines, score.boilerplate, score.cut,
                     score.cut_boilerplate);
    return YH_OK;
}

int classify_lines(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    yh_line_classifier *c = NULL;
    const char *verb = yh_arg_count(a) > 1 ? yh_arg_at(a, 1) : "";
    double threshold = yh_arg_num(a, "threshold", YH_LINE_THRESHOLD);
    if (!(threshold >= 0 && threshold <= 1))
        return yh_cli_usage(a, "--threshold must be from 0 to 1");
    if (strcmp(verb, "train") == 0)
        return lines_train(a);
    bool eval = strcmp(verb, "eval") == 0;
    if ((!eval && strcmp(verb, "apply") != 0) || yh_arg_count(a) != 4)
        return yh_cli_usage(a, "yh classify lines train DATA -o MODEL, lines eval MODEL DATA, or "
                               "lines apply MODEL CORPUS");
    yh_status s = yh_line_classifier_load(&c, yh_arg_at(a, 2), &err);
    if (s == YH_OK)
        s = eval ? judge(a, c, &err) : apply(a, c, &err);
    yh_line_classifier_free(c);
    return s == YH_OK ? 0 : yh_cli_fail(a, &err);
}
