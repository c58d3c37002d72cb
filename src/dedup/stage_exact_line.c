/* Lines that occurred before, anywhere in the corpus. */
#include "dedup/spans.h"

static const yh_param params[] = {YH_SPANS_PARAMS("30", "line", "lines")};

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    return yh_spans_run(p, x, false, err);
}

const yh_stage yh_stage_exact_line = {
    .name = "exact_line",
    .doc = "cuts lines that occurred before (128-bit hashes)",
    .params = params,
    .run = run,
};
