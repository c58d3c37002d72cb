/* yh_clean_rules: what recipes can be made of. */
#include "data/recipe.h"
#include "yh/corpus.h"

static json_t *params_json(const yh_param *p)
{
    static const char *const types[] = {"bool", "number", "text", "list"};
    json_t *list = json_array();
    for (; p != NULL && p->name != NULL; p++) {
        json_t *v = json_loads(p->value, JSON_DECODE_ANY, NULL);
        json_t *j = json_pack("{s:s,s:s,s:o?,s:s}", "name", p->name, "type", types[p->type],
                              "default", v, "doc", p->doc);
        if (j != NULL && (p->min < 0 || p->min > 0 || p->max < 0 || p->max > 0)) {
            (void)json_object_set_new(j, "min", json_real(p->min));
            (void)json_object_set_new(j, "max", json_real(p->max));
        }
        if (json_array_append_new(list, j) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool add(json_t *list, const char *kind, const char *name, const char *doc,
                const char *source, const yh_param *params)
{
    json_t *j = json_pack("{s:s,s:s,s:s,s:s*,s:o}", "name", name, "kind", kind, "doc", doc,
                          "source", source, "parameters", params_json(params));
    return json_array_append_new(list, j) == 0;
}

yh_status yh_clean_rules(char **json, yh_err *err)
{
    int n;
    bool ok = true;
    json_t *list = json_array();
    *json = NULL;
    const yh_rule *const *r = yh_rules(&n);
    for (int i = 0; i < n; i++)
        ok = ok && add(list, "rule", r[i]->name, r[i]->doc, r[i]->source, r[i]->params);
    const yh_stage *const *s = yh_stages(&n);
    for (int i = 0; i < n; i++)
        ok = ok && add(list, "stage", s[i]->name, s[i]->doc, s[i]->source, s[i]->params);
    char *t = NULL;
    yh_status st = ok ? yh_json_print_exact(&t, list, JSON_INDENT(2), err)
                      : yh_fail(err, YH_NOMEM, "no memory for the list of rules");
    json_decref(list);
    YH_TRY(st);
    *json = yh_strdup(t);
    yh_json_text_free(t);
    return *json != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for the list of rules");
}
