/* Runs one rule over JSON Lines, for the comparisons with other programs:
 *     rule_run '{"rule": NAME, parameters...}' <in.jsonl >out.jsonl
 * In: {"text", "lang"?}. Out, one a line: {"removed": evidence or null, "score", "text", "lang",
 * "lang_score"}. With --words KIND instead of a rule: {"words": [...]} of each text. */
#include <stdio.h>
#include <stdlib.h>

#include "rules/rule.h"
#include "rules/view.h"

static int fail(const yh_err *err)
{
    fprintf(stderr, "rule_run: %s\n", err->msg);
    return 1;
}

static json_t *words(yh_draft *d, const yh_word_rule *w, yh_err *err)
{
    const yh_tokens *l;
    if (yh_view_words(d, w, &l, err) != YH_OK)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(list, json_stringn(d->text + l->t[i].at, l->t[i].len));
    return json_pack("{so}", "words", list);
}

static json_t *decide(yh_draft *d, const yh_rule_step *step, yh_err *err)
{
    if (step->rule->apply(step->state, d, 0, err) != YH_OK)
        return NULL;
    json_t *o = json_object();
    json_object_set_new(o, "removed",
                        d->removed_by < 0
                            ? json_null()
                            : json_string(d->removed_evidence ? d->removed_evidence : "?"));
    json_object_set_new(o, "score", json_real(d->removed_score));
    json_object_set_new(o, "text", json_stringn(d->text, d->len));
    json_object_set_new(o, "lang", json_string(d->lang));
    json_object_set_new(o, "lang_score", json_real(d->lang_score));
    json_t *values = json_object();
    for (int i = 0; i < d->n_value; i++)
        json_object_set_new(values, d->value[i].name, json_real(d->value[i].value));
    json_object_set_new(o, "values", values);
    return o;
}

int main(int argc, char **argv)
{
    yh_err err = {0};
    yh_rule_step step = {0};
    yh_word_rule w = {0};
    bool want_words = argc == 3 && strcmp(argv[1], "--words") == 0;
    json_t *given = want_words ? json_pack("{s:s, s:s}", "words", argv[2], "dictionary", "")
                               : json_loads(argc > 1 ? argv[1] : "", 0, NULL);
    const char *name = json_string_value(json_object_get(given, "rule"));
    const yh_rule *rule = name != NULL ? yh_rule_find(name) : NULL;
    if (given == NULL || (rule == NULL && !want_words)) {
        fprintf(stderr, "rule_run: give a rule as JSON, or --words KIND\n");
        return 2;
    }
    if (want_words ? yh_word_rule_create(&w, given, &err) != YH_OK
                   : yh_rule_step_create(&step, rule, given, "rule_run", &err) != YH_OK)
        return fail(&err);
    char *line = NULL;
    size_t cap = 0;
    int status = 0;
    for (ssize_t n; status == 0 && (n = getline(&line, &cap, stdin)) > 0;) {
        json_t *in = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
        yh_draft d = {.removed_by = -1};
        json_t *text = json_object_get(in, "text");
        d.len = json_string_length(text);
        d.text = yh_strndup(json_string_value(text) ? json_string_value(text) : "", d.len);
        const char *lang = json_string_value(json_object_get(in, "lang"));
        snprintf(d.lang, sizeof d.lang, "%s", lang != NULL ? lang : "");
        json_t *out = want_words ? words(&d, &w, &err) : decide(&d, &step, &err);
        if (out == NULL) {
            status = fail(&err);
        } else {
            json_dumpf(out, stdout, JSON_COMPACT);
            putchar('\n');
        }
        json_decref(out);
        json_decref(in);
        yh_draft_fini(&d);
    }
    free(line);
    json_decref(given);
    yh_rule_step_free(&step);
    yh_word_rule_fini(&w);
    return status;
}
