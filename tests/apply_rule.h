/* For tests of rules: one rule with parameters on one text. */
#ifndef YH_TESTS_APPLY_RULE_H
#define YH_TESTS_APPLY_RULE_H

#include "rules/rule.h"

/* The draft after the rule `name` with the parameters `json` ("{}": defaults); free with
 * yh_draft_fini. */
static yh_draft apply_rule(const char *name, const char *json, const char *text)
{
    yh_err err = YH_ERR_INIT;
    yh_rule_step step;
    yh_draft d = {.removed_by = -1};
    json_t *given = json_loads(json, 0, NULL);
    const yh_rule *rule = yh_rule_find(name);
    assert_non_null(given);
    assert_non_null(rule);
    if (yh_rule_step_create(&step, rule, given, name, &err) != YH_OK)
        fail_msg("%s", err.msg);
    json_decref(given);
    d.text = yh_strdup(text);
    d.len = strlen(text);
    assert_non_null(d.text);
    assert_int_equal(rule->apply(step.state, &d, 0, &err), YH_OK);
    assert_int_equal(strlen(d.text), d.len);
    yh_rule_step_free(&step);
    return d;
}

/* Asserts what becomes of a text. */
static void expect_text(const char *name, const char *json, const char *text, const char *after)
{
    yh_draft d = apply_rule(name, json, text);
    assert_string_equal(d.text, after);
    assert_int_equal(d.n_edit > 0, strcmp(text, after) != 0);
    yh_draft_fini(&d);
}

#endif
