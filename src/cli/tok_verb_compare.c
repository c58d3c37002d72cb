/* yh tok compare: how well tokenizers compress text, beside each other. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/tok_report.h"
#include "cli/tok_verbs.h"

enum { TOKS = 16, NAME = 128 };
#define SAMPLE ((int64_t)16 << 20)

yh_status yh_tok_each_doc(const char *path, yh_tok_doc_fn fn, void *user, yh_err *err)
{
    yh_corpus *c;
    yh_doc d;
    bool more = true;
    YH_TRY(yh_corpus_open(&c, path, err));
    yh_status s = YH_OK;
    while (more && (s = yh_corpus_next(c, &d, &more, err)) == YH_OK && more) {
        if (d.source == NULL || d.source[0] == '\0')
            d.source = yh_path_base(path);
        YH_GOTO(s, fn(user, &d, &more, err), done);
        if (yh_stop_requested()) {
            s = yh_fail(err, YH_STOPPED, "stopped");
            break;
        }
    }
done:
    yh_corpus_close(c);
    return s;
}

typedef struct adding {
    tok_report *report;
    yh_pool *pool;
    const char *source; /* NULL: the document's */
} adding;

static yh_status add_doc(void *user, const yh_doc *d, bool *more, yh_err *err)
{
    adding *g = user;
    bool full;
    YH_TRY(tok_report_add(g->report, g->pool, g->source != NULL ? g->source : d->source, d->lang,
                          d->text, d->len, &full, err));
    /* a file has one source, a corpus may have others behind */
    *more = !full || g->source == NULL;
    return YH_OK;
}

/* A corpus folder, a file, or a folder of files, where each file or folder in it is a source. */
static yh_status add_path(adding *g, const char *path, yh_err *err)
{
    char *report = yh_path_join(path, "report.json");
    bool corpus = report != NULL && yh_is_file(report);
    yh_free(report);
    if (!yh_is_dir(path) || corpus)
        return yh_tok_each_doc(path, add_doc, g, err);
    yh_file_list l = {0};
    yh_status s = yh_file_list_add(&l, path, err);
    size_t skip = strlen(path);
    while (skip > 0 && path[skip - 1] == '/')
        skip--;
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        const char *rest = l.path[i] + skip;
        rest += strspn(rest, "/");
        char *name = yh_strndup(rest, strcspn(rest, "/"));
        if (name == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for a name");
        adding one = {g->report, g->pool, name};
        if (s == YH_OK)
            s = yh_tok_each_doc(l.path[i], add_doc, &one, err);
        if (s == YH_UNSUPPORTED) { /* licences, pictures: told, not fatal */
            fprintf(stderr, "yh tok: left out: %s\n", err->msg);
            *err = (yh_err)YH_ERR_INIT;
            s = YH_OK;
        }
        yh_free(name);
    }
    yh_file_list_fini(&l);
    return s;
}

/* The last `parts` parts of a path, without tokenizer.json. */
static void short_name(char out[NAME], const char *path, int parts)
{
    static const char file[] = "/tokenizer.json";
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n > sizeof file - 1 && memcmp(path + n - (sizeof file - 1), file, sizeof file - 1) == 0)
        n -= sizeof file - 1;
    size_t begin = n;
    for (int k = 0; k < parts && begin > 0; k++) {
        const char *slash = memrchr(path, '/', begin - (k > 0));
        begin = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    }
    if (begin == n)
        begin = 0;
    snprintf(out, NAME, "%.*s", (int)(n - begin), path + begin);
}

/* As short as tells the tokenizers apart. */
static void short_names(char out[TOKS][NAME], const yh_args *a, int n)
{
    int parts[TOKS];
    bool again = true;
    for (int i = 0; i < n; i++)
        parts[i] = 1;
    for (int round = 0; round < 8 && again; round++) {
        bool twin[TOKS] = {false};
        again = false;
        for (int i = 0; i < n; i++)
            short_name(out[i], yh_arg_at(a, i + 1), parts[i]);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                twin[i] = twin[i] || (k != i && strcmp(out[i], out[k]) == 0);
        for (int i = 0; i < n; i++) {
            parts[i] += twin[i];
            again = again || twin[i];
        }
    }
}

static int tell(const yh_args *a, const tok_report *r)
{
    if (!yh_arg_flag(a, "json")) {
        tok_report_print(r);
        return 0;
    }
    json_t *j = tok_report_json(r);
    char *text = j != NULL ? json_dumps(j, JSON_REAL_PRECISION(6)) : NULL;
    json_decref(j);
    if (text == NULL) {
        yh_err err = YH_ERR_INIT;
        yh_fail(&err, YH_NOMEM, "no memory for the report");
        return yh_cli_fail(a, &err);
    }
    puts(text);
    yh_json_text_free(text);
    return 0;
}

int yh_tok_verb_compare(const yh_args *a)
{
    yh_err err = YH_ERR_INIT;
    const char **data;
    int n_data = yh_arg_list(a, "data", &data), n = yh_arg_count(a) - 1, rc = 0;
    int64_t sample = yh_arg_int(a, "sample", SAMPLE);
    if (n < 1 || n > TOKS)
        return yh_cli_usage(a, "compare needs tokenizers: 1 to %d", TOKS);
    if (n_data < 1)
        return yh_cli_usage(a, "compare needs --data PATH: text to compare on");
    if (sample < 1)
        return yh_cli_usage(a, "--sample must be positive");
    yh_tok *tok[TOKS] = {NULL};
    const char *name[TOKS];
    char names[TOKS][NAME];
    adding g = {NULL, yh_cli_pool(a), NULL};
    yh_status s = YH_OK;
    if (g.pool == NULL)
        return 1;
    short_names(names, a, n);
    for (int i = 0; i < n && s == YH_OK; i++) {
        name[i] = names[i];
        s = yh_tok_load(&tok[i], yh_arg_at(a, i + 1), &err);
    }
    if (s == YH_OK)
        s = tok_report_create(&g.report, (const yh_tok *const *)tok, name, (size_t)n,
                              (uint64_t)sample, &err);
    for (int i = 0; i < n_data && s == YH_OK; i++)
        s = add_path(&g, data[i], &err);
    if (s == YH_OK)
        s = tok_report_finish(g.report, g.pool, &err);
    if (s == YH_OK && tok_report_bytes(g.report) == 0)
        s = yh_fail(&err, YH_INVALID, "there is no text to compare on");
    yh_live_end();
    rc = s == YH_OK ? tell(a, g.report) : yh_cli_fail(a, &err);
    tok_report_free(g.report);
    for (int i = 0; i < n; i++)
        yh_tok_free(tok[i]);
    return rc;
}
