/* The reports of a corpus: report.json for programs, report.html for people. */
#ifndef YH_DATA_REPORT_H
#define YH_DATA_REPORT_H

#include "data/recipe.h"

/* plan: {"stats", "stages", "time", "parts"} of a complete run. Writes both files. */
yh_status yh_report_write(const char *out, const json_t *plan, const yh_recipe *r,
                          yh_err *err) YH_MUST_CHECK;
/* The page made of a report.json. */
yh_status yh_report_page(const json_t *report, const char *name, yh_buf *out,
                         yh_err *err) YH_MUST_CHECK;

#endif
