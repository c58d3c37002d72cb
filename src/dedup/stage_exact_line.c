/* Lines that occurred before, anywhere in the corpus. */
#include "dedup/spans.h"

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "30",
     "least length of a line that is looked at, in characters; one of Chinese, Japanese or Korean "
     "counts three",
     0, 1e9},
    {"copies", YH_PARAM_NUMBER, "1", "how many of equal lines stay", 0, 1e9},
    {"within", YH_PARAM_TEXT, "\"corpus\"",
     "where they are compared: corpus, source, site (host of the address, else source), document",
     0, 0},
    {"normalise", YH_PARAM_BOOL, "true",
     "compare letters and digits alone, in lower case, words apart", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

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
