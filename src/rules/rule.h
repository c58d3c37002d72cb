/* Rules that look at one document at a time. One rule is one file rule_<name>.c that exports
 *     const yh_rule yh_rule_<name>
 * CMake makes the list from the file names; a recipe says which run, in which order and with what
 * parameters. Rules about many documents (duplicates) are stages: dedup/stage.h. */
#ifndef YH_RULES_RULE_H
#define YH_RULES_RULE_H

#include "input/draft.h"
#include "rules/param.h"

typedef struct yh_rule {
    const char *name;       /* also the reason in reports and in removed-*.jsonl.zst */
    const char *doc;        /* one line for people: what it removes or changes */
    const char *source;     /* publication of the definition; NULL: our own */
    const yh_param *params; /* NULL: none */
    bool whole; /* must see a document before it is divided into parts (headers, tails) */
    /* Compiles the parameters (a complete object; borrowed) and loads lists and models; *state is
     * immutable afterwards. NULL: no state. */
    yh_status (*create)(void **state, const json_t *params, yh_err *err);
    void (*destroy)(void *state);
    /* Looks at d->text (UTF-8, normalised); keeps it, changes it with yh_draft_cut_spans or
     * yh_draft_change, or removes it with yh_draft_remove, giving `step`. Never called on a
     * removed document. Any number of threads at once, on different documents. Linear time. */
    yh_status (*apply)(const void *state, yh_draft *d, int step, yh_err *err);
} yh_rule;

/* All rules by name, *n of them. */
const yh_rule *const *yh_rules(int *n);
const yh_rule *yh_rule_find(const char *name); /* NULL: none */

/* A rule with its parameters, ready to run. */
typedef struct yh_rule_step {
    const yh_rule *rule;
    json_t *params; /* complete */
    void *state;
} yh_rule_step;
/* `given`: the recipe's object for this step, {"rule": NAME, parameter: value ...}; may be NULL. */
yh_status yh_rule_step_create(yh_rule_step *s, const yh_rule *rule, const json_t *given,
                              const char *name, yh_err *err) YH_MUST_CHECK;
void yh_rule_step_free(yh_rule_step *s);

#endif
