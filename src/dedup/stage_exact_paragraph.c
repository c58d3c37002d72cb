/* Paragraphs that occurred before, anywhere in the corpus. */
#include "dedup/spans.h"

static const yh_param params[] = {YH_SPANS_PARAMS("100", "paragraph", "paragraphs")};

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    return yh_spans_run(p, x, true, err);
}

const yh_stage yh_stage_exact_paragraph = {
    .name = "exact_paragraph",
    .doc = "cuts paragraphs (lines up to a blank one) that occurred before (128-bit hashes)",
    .params = params,
    .run = run,
};
