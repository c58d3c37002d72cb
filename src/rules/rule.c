#include "rules/rule.h"

#include "registry_rule.h"

#define DECLARE(name) extern const yh_rule yh_rule_##name;
YH_REGISTRY_RULE(DECLARE)
#undef DECLARE

#define ENTRY(name) &yh_rule_##name,
static const yh_rule *const all[] = {YH_REGISTRY_RULE(ENTRY) NULL};
#undef ENTRY

const yh_rule *const *yh_rules(int *n)
{
    *n = (int)(sizeof all / sizeof *all) - 1;
    return all;
}

const yh_rule *yh_rule_find(const char *name)
{
    for (int i = 0; all[i] != NULL; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

yh_status yh_rule_step_create(yh_rule_step *s, const yh_rule *rule, const json_t *given,
                              const char *name, yh_err *err)
{
    *s = (yh_rule_step){.rule = rule};
    YH_TRY(yh_params_complete(&s->params, given, rule->params, name, err));
    yh_status st = rule->create != NULL ? rule->create(&s->state, s->params, err) : YH_OK;
    if (st != YH_OK)
        yh_rule_step_free(s);
    return st;
}

void yh_rule_step_free(yh_rule_step *s)
{
    if (s->rule != NULL && s->rule->destroy != NULL && s->state != NULL)
        s->rule->destroy(s->state);
    json_decref(s->params);
    *s = (yh_rule_step){0};
}
