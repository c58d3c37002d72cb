#include "data/report.h"
yh_status yh_report_page(const json_t *report, const char *name, yh_buf *out, yh_err *err)
{
    (void)report;
    return yh_buf_adds(out, name, err);
}
