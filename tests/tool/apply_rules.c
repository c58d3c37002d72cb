/* apply_rules [--time] STEPS.json < IN.jsonl > OUT.jsonl: runs rules over {"text": ...} lines, for
 * the tests that compare with other programs. STEPS.json is a recipe or its list of steps; steps
 * that are no rules (stages) are left out. OUT: {"text", "removed", "edits": [{"rule", ...}]}.
 * --time: no OUT; the processor time of each rule, as MB/s of the text that it saw.
 * apply_rules --charset FILE...: the encoding guessed for each file, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "input/charset.h"
#include "rules/rule.h"

enum { STEPS = 64 };

static double seconds[STEPS], megabytes[STEPS];
static bool timing;

static int fail(const yh_err *err)
{
    fprintf(stderr, "apply_rules: %s\n", err->msg);
    return 1;
}

static int charsets(int n, char **path)
{
    for (int i = 0; i < n; i++) {
        yh_map m;
        yh_err err = YH_ERR_INIT;
        char name[24];
        if (yh_map_open(&m, path[i], &err) != YH_OK)
            return fail(&err);
        yh_charset_guess(m.data, m.size, NULL, name);
        printf("%s\t%s\n", name, path[i]);
        yh_map_close(&m);
    }
    return 0;
}

static json_t *edits(const yh_draft *d, const yh_rule_step *step)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->n_edit; i++) {
        const yh_edit *e = &d->edit[i];
        json_t *o = json_object();
        json_object_set_new(o, "rule", json_string(step[e->step].rule->name));
        json_object_set_new(o, "at", json_integer((json_int_t)e->at));
        json_object_set_new(o, "len", json_integer((json_int_t)e->len));
        json_object_set_new(o, "count", json_integer((json_int_t)e->count));
        json_object_set_new(o, "score", json_real(e->score));
        if (e->text != NULL)
            json_object_set_new(o, "text", json_string(e->text));
        if (e->evidence != NULL)
            json_object_set_new(o, "evidence", json_string(e->evidence));
        json_array_append_new(list, o);
    }
    return list;
}

static yh_status one(json_t *in, const yh_rule_step *step, int n, yh_err *err)
{
    const char *text = json_string_value(json_object_get(in, "text"));
    yh_draft d = {.removed_by = -1};
    d.text = yh_strdup(text != NULL ? text : "");
    if (d.text == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    d.len = strlen(d.text);
    yh_status s = YH_OK;
    for (int i = 0; i < n && s == YH_OK && d.removed_by < 0; i++) {
        clock_t start = timing ? clock() : 0;
        megabytes[i] += (double)d.len / 1e6;
        s = step[i].rule->apply(step[i].state, &d, i, err);
        seconds[i] += timing ? (double)(clock() - start) / CLOCKS_PER_SEC : 0;
    }
    if (s == YH_OK && !timing) {
        json_t *out = json_object();
        json_object_set_new(out, "text", json_string(d.text));
        json_object_set_new(out, "removed",
                            d.removed_by >= 0 ? json_string(step[d.removed_by].rule->name)
                                              : json_null());
        json_object_set_new(out, "edits", edits(&d, step));
        json_dumpf(out, stdout, JSON_COMPACT);
        fputc('\n', stdout);
        json_decref(out);
    }
    yh_draft_fini(&d);
    return s;
}

static yh_status load(const char *path, yh_rule_step *step, int *n, yh_err *err)
{
    json_error_t e;
    json_t *j = json_load_file(path, 0, &e);
    if (j == NULL)
        return yh_fail(err, YH_CORRUPT, "%s: %s", path, e.text);
    const json_t *list = json_is_array(j) ? j : json_object_get(j, "steps");
    yh_status s = YH_OK;
    for (size_t i = 0; i < json_array_size(list) && *n < STEPS && s == YH_OK; i++) {
        const json_t *o = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(o, "rule"));
        const yh_rule *r = name != NULL ? yh_rule_find(name) : NULL;
        if (r != NULL)
            s = yh_rule_step_create(&step[(*n)++], r, o, name, err);
        else
            fprintf(stderr, "apply_rules: %s is no rule, left out\n", name != NULL ? name : "?");
    }
    json_decref(j);
    return s;
}

int main(int argc, char **argv)
{
    static yh_rule_step step[STEPS];
    yh_err err = YH_ERR_INIT;
    int n = 0;
    if (argc > 2 && strcmp(argv[1], "--charset") == 0)
        return charsets(argc - 2, argv + 2);
    timing = argc == 3 && strcmp(argv[1], "--time") == 0;
    if (argc != 2 + timing) {
        fprintf(stderr,
                "usage: apply_rules [--time] STEPS.json < IN.jsonl, or --charset FILE...\n");
        return 2;
    }
    yh_status s = load(argv[1 + timing], step, &n, &err);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while (s == YH_OK && (len = getline(&line, &cap, stdin)) > 0) {
        json_t *in = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
        s = in != NULL ? one(in, step, n, &err) : yh_fail(&err, YH_CORRUPT, "a line is not JSON");
        json_decref(in);
    }
    free(line);
    for (int i = 0; i < n && timing; i++)
        printf("%-20s %8.1f MB %8.3f s %8.1f MB/s\n", step[i].rule->name, megabytes[i], seconds[i],
               megabytes[i] / (seconds[i] > 0 ? seconds[i] : 1e-9));
    for (int i = 0; i < n; i++)
        yh_rule_step_free(&step[i]);
    return s == YH_OK ? 0 : fail(&err);
}
