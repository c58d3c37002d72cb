/* report.json of a corpus. */
#ifndef YH_DATA_CLEAN_REPORT_H
#define YH_DATA_CLEAN_REPORT_H

#include "base/json.h"
#include "data/filter.h"

bool yh_report_exists(const char *out);
yh_status yh_report_write(const char *out, const json_t *stats, double seconds, uint64_t shards,
                          const yh_filter *const *filters, int n_filters,
                          yh_err *err) YH_MUST_CHECK;

#endif
