/* report.json: the statistics of a run, complete. */
#include <stdio.h>

#include "base/file.h"
#include "data/report.h"

static yh_status no_memory(const char *out, yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "%s: no memory for the report", out);
}

/* The steps in their order, each with what it did. */
static json_t *steps_of(const json_t *stats, const yh_recipe *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i + 1);
        const json_t *did = json_object_get(json_object_get(stats, "steps"), key);
        json_t *s =
            json_pack("{s:s,s:s}", "rule", r->step[i].name, "doc",
                      r->step[i].stage != NULL ? r->step[i].stage->doc : r->step[i].rule.rule->doc);
        if (did != NULL)
            (void)json_object_update(s, (json_t *)(uintptr_t)did);
        if (json_array_append_new(list, s) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static yh_status fill(json_t *r, const char *out, const json_t *plan, const yh_recipe *recipe,
                      yh_err *err)
{
    const json_t *stats = json_object_get(plan, "stats"), *time = json_object_get(plan, "time");
    const char *key;
    json_t *v, *rules = json_object();
    double seconds = 0;
    json_object_foreach((json_t *)(uintptr_t)time, key, v) seconds += json_number_value(v);
    double text = json_number_value(json_object_get(json_object_get(stats, "text"), "bytes"));
    double raw = json_number_value(json_object_get(json_object_get(stats, "input"), "bytes"));
    for (int i = 0; i < recipe->n; i++)
        (void)json_object_set_new(rules, recipe->step[i].name,
                                  json_string(recipe->step[i].stage != NULL
                                                  ? recipe->step[i].stage->doc
                                                  : recipe->step[i].rule.rule->doc));
    bool ok = json_object_update(r, (json_t *)(uintptr_t)stats) == 0 &&
              json_object_set_new(r, "steps", steps_of(stats, recipe)) == 0 &&
              json_object_set(r, "stages", json_object_get(plan, "stages")) == 0 &&
              json_object_set(r, "recipe", json_object_get(recipe->full, "name")) == 0 &&
              json_object_set(r, "rules", rules) == 0 &&
              json_object_set(r, "time", (json_t *)(uintptr_t)time) == 0 &&
              json_object_set_new(r, "seconds", json_real(seconds)) == 0 &&
              json_object_set_new(r, "text_mb_per_second",
                                  json_real(seconds > 0 ? text / 1e6 / seconds : 0)) == 0 &&
              json_object_set_new(r, "input_mb_per_second",
                                  json_real(seconds > 0 ? raw / 1e6 / seconds : 0)) == 0;
    json_decref(rules);
    return ok ? YH_OK : no_memory(out, err);
}

yh_status yh_report_write(const char *out, const json_t *plan, const yh_recipe *recipe, yh_err *err)
{
    yh_buf page;
    char *json = yh_path_join(out, "report.json"), *html = yh_path_join(out, "report.html");
    json_t *r = json_pack("{s:i,s:O}", "version", 2, "shards", json_object_get(plan, "parts"));
    yh_buf_init(&page, 0);
    yh_status s = json != NULL && html != NULL && r != NULL ? YH_OK : no_memory(out, err);
    if (s == YH_OK)
        s = fill(r, out, plan, recipe, err);
    if (s == YH_OK)
        s = yh_report_page(r, out, &page, err);
    if (s == YH_OK)
        s = yh_file_write(html, page.data, page.len, err);
    if (s == YH_OK) /* last: a corpus with it is finished */
        s = yh_json_save(r, json, true, err);
    yh_buf_fini(&page);
    json_decref(r);
    yh_free(json);
    yh_free(html);
    return s;
}
