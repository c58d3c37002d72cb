#include "base/file.h"
#include "data/clean_report.h"

bool yh_report_exists(const char *out)
{
    char *p = yh_path_join(out, "report.json");
    bool is = p != NULL && yh_is_file(p);
    yh_free(p);
    return is;
}

yh_status yh_report_write(const char *out, const json_t *stats, double seconds, uint64_t shards,
                          const yh_filter *const *filters, int n_filters, yh_err *err)
{
    json_t *r = json_pack("{s:i,s:I}", "version", 1, "shards", (json_int_t)shards);
    json_t *rules = json_object();
    for (int i = 0; i < n_filters; i++)
        (void)json_object_set_new(rules, filters[i]->name, json_string(filters[i]->doc));
    double bytes =
        (double)json_integer_value(json_object_get(json_object_get(stats, "text"), "bytes"));
    bool ok = r != NULL && json_object_update(r, (json_t *)(uintptr_t)stats) == 0 &&
              json_object_set_new(r, "rules", rules) == 0 &&
              json_object_set_new(r, "seconds", json_real(seconds)) == 0 &&
              json_object_set_new(r, "text_mb_per_second",
                                  json_real(seconds > 0.0 ? bytes / 1e6 / seconds : 0.0)) == 0;
    char *p = yh_path_join(out, "report.json");
    yh_status s = ok && p != NULL ? yh_json_save(r, p, true, err)
                                  : yh_fail(err, YH_NOMEM, "%s: no memory for the report", out);
    yh_free(p);
    json_decref(r);
    return s;
}
