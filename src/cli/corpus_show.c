#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/corpus_show.h"

/* ------------------------------------------------------------------ the report */

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

int corpus_print_report(const yh_args *a, const char *out, long long *kept)
{
    yh_err err = YH_ERR_INIT;
    json_t *r = NULL;
    char *path = yh_path_join(out, "report.json");
    if (path == NULL || yh_json_load(&r, path, 0, &err) != YH_OK) {
        yh_free(path);
        return yh_cli_fail(a, &err);
    }
    yh_free(path);
    if (kept != NULL)
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
    if (number(r, "left_out", "count") > 0)
        printf("files with records that are no documents: %lld (report.json, left_out)\n",
               number(r, "left_out", "count"));
    if (kept != NULL)
        printf("wrote %s (report.html says more)\n", out);
    json_decref(r);
    return 0;
}

int corpus_print_stats(const yh_args *a, const char *corpus)
{
    return corpus_print_report(a, corpus, NULL);
}

/* ------------------------------------------------------------------ one document */

static const char *text_of(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t != NULL ? t : "";
}

static long long int_of(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* At most `most` bytes of a text on one line, in quotes. */
static void print_short(const char *t, size_t most)
{
    size_t n = strlen(t), shown = n;
    if (n > most)
        for (shown = most; shown > 0 && ((unsigned char)t[shown] & 0xc0) == 0x80;)
            shown--;
    putchar('"');
    for (size_t i = 0; i < shown; i++) {
        if (t[i] == '\n')
            fputs("\\n", stdout);
        else
            putchar(t[i]);
    }
    fputs(shown < n ? "...\"" : "\"", stdout);
}

static void print_measure(const json_t *o)
{
    const json_t *score = json_object_get(o, "score");
    if (json_is_number(score))
        printf(", score %.4g", json_number_value(score));
    if (text_of(o, "evidence")[0] != '\0')
        printf(", %s", text_of(o, "evidence"));
}

static void print_step(const json_t *s)
{
    enum { SHOWN = 20 };
    const char *did = text_of(s, "did");
    const json_t *cuts = json_object_get(s, "cuts");
    size_t n = json_array_size(cuts);
    printf("  %2lld  %-24s ", int_of(s, "step"), text_of(s, "rule"));
    if (strcmp(did, "nothing") == 0) {
        puts("-");
    } else if (strcmp(did, "changed") == 0) {
        printf("%lld changes", int_of(s, "changes"));
        print_measure(s);
        putchar('\n');
    } else if (strcmp(did, "removed") == 0) {
        fputs("removed the document", stdout);
        print_measure(s);
        putchar('\n');
    } else if (strcmp(did, "cut") == 0) {
        printf("cut %zu stretch%s\n", n, n == 1 ? "" : "es");
    } else {
        printf("(%s)\n", did);
    }
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const json_t *c = json_array_get(cuts, i);
        printf("          at byte %lld, %lld bytes", int_of(c, "at"), int_of(c, "len"));
        print_measure(c);
        fputs(": ", stdout);
        print_short(text_of(c, "text"), 160);
        putchar('\n');
    }
    if (n > SHOWN)
        printf("          ... and %zu more (--json has all)\n", n - SHOWN);
}

static void print_way(const json_t *j)
{
    size_t i;
    json_t *s;
    const json_t *kept = json_object_get(j, "kept"), *gone = json_object_get(j, "removed");
    const json_t *end = kept != NULL ? kept : gone;
    printf("%s  (source %s, recipe %s)\n", text_of(j, "id"), text_of(j, "source"),
           text_of(j, "recipe"));
    json_array_foreach(json_object_get(j, "steps"), i, s) print_step(s);
    if (end != NULL)
        printf("%s: %s line %lld, %zu bytes of text: ", kept != NULL ? "kept" : "removed",
               text_of(end, "file"), int_of(end, "line"),
               json_string_length(json_object_get(end, "text")));
    else
        printf("its text went in parts; nothing of it was kept");
    if (end != NULL)
        print_short(text_of(end, "text"), 240);
    putchar('\n');
}

int corpus_explain(const yh_args *a, const char *corpus, const char *id, bool text)
{
    yh_err err = YH_ERR_INIT;
    char *t = NULL;
    json_t *j = NULL;
    yh_status s = yh_corpus_explain(corpus, id, &t, &err);
    if (s == YH_OK && yh_arg_flag(a, "json") && !text) {
        puts(t);
        yh_text_free(t);
        return 0;
    }
    if (s == YH_OK)
        s = yh_json_parse(&j, t, strlen(t), id, &err);
    yh_text_free(t);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    if (text) {
        const json_t *kept = json_object_get(j, "kept");
        const json_t *from = kept != NULL ? kept : json_object_get(j, "removed");
        puts(text_of(from, "text"));
    } else {
        print_way(j);
    }
    json_decref(j);
    return 0;
}

/* ------------------------------------------------------------------ two corpora */

static void print_example(const json_t *e)
{
    size_t i;
    json_t *l;
    const json_t *lines = json_object_get(e, "lines");
    printf("  %s", text_of(e, "id"));
    if (text_of(e, "rule")[0] != '\0')
        printf(": %s", text_of(e, "rule"));
    print_measure(e);
    putchar('\n');
    json_array_foreach(lines, i, l)
    {
        printf("    %s%-5lld ", text_of(l, "op"), int_of(l, "line"));
        puts(text_of(l, "text"));
    }
    if (lines != NULL && !json_is_array(lines))
        puts("    (more than 200 lines differ)");
    if (lines == NULL) {
        fputs("    ", stdout);
        print_short(text_of(e, "text"), 160);
        putchar('\n');
    }
}

int corpus_print_diff(const yh_args *a, const char *json)
{
    static const char *const kinds[][2] = {{"only_a", "only in A, and what removed them in B"},
                                           {"only_b", "only in B, and what removed them in A"},
                                           {"changed", "in both, with another text"}};
    yh_err err = YH_ERR_INIT;
    json_t *j = NULL, *v;
    if (yh_json_parse(&j, json, strlen(json), "diff", &err) != YH_OK)
        return yh_cli_fail(a, &err);
    for (int i = 0; i < 2; i++) {
        const json_t *c = json_object_get(j, i == 0 ? "a" : "b");
        printf("%s  %s: %lld documents, %lld bytes of text\n", i == 0 ? "A" : "B",
               text_of(c, "corpus"), int_of(c, "documents"), int_of(c, "bytes"));
    }
    printf("the same in both: %lld\n", int_of(j, "same"));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const json_t *o = json_object_get(j, kinds[k][0]);
        const char *rule;
        size_t i;
        printf("%s: %lld\n", kinds[k][1], int_of(o, "documents"));
        json_object_foreach(json_object_get(o, "by_rule"), rule, v)
            printf("  %-28s %12lld\n", rule, (long long)json_integer_value(v));
        json_array_foreach(json_object_get(o, "examples"), i, v) print_example(v);
    }
    json_decref(j);
    return 0;
}

/* ------------------------------------------------------------------ a mix */

int corpus_print_mix(const yh_args *a, const char *out)
{
    yh_err err = YH_ERR_INIT;
    json_t *r = NULL, *m;
    size_t i;
    char *path = yh_path_join(out, "report.json");
    yh_status s = path != NULL ? yh_json_load(&r, path, 0, &err) : YH_NOMEM;
    yh_free(path);
    if (s != YH_OK)
        return yh_cli_fail(a, &err);
    if (yh_arg_flag(a, "json")) {
        (void)json_dumpf(r, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(r);
        return 0;
    }
    double all = json_number_value(json_object_get(json_object_get(r, "text"), "bytes"));
    printf("%-24s %12s %14s %7s %7s\n", "corpus", "documents", "bytes", "share", "epochs");
    json_array_foreach(json_object_get(r, "mix"), i, m)
    {
        printf("%-24s %12lld %14lld %6.1f%% %7.2f", text_of(m, "corpus"), int_of(m, "documents"),
               int_of(m, "bytes"), all > 0 ? 100.0 * (double)int_of(m, "bytes") / all : 0.0,
               json_number_value(json_object_get(m, "epochs")));
        if (int_of(m, "short_of_bytes") > 0)
            printf("  (%lld bytes fewer than its weight asks: its epochs or cap end before)",
                   int_of(m, "short_of_bytes"));
        putchar('\n');
    }
    printf("wrote %s: %lld documents, %.0f bytes of text\n", out,
           int_of(json_object_get(r, "documents"), "kept"), all);
    json_decref(r);
    return 0;
}
