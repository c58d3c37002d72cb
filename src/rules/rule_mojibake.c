/* Repairs text that was read in the wrong encoding. Must come before the rule normalize, which
 * drops the control characters that wrong readings leave. */
#include <stdio.h>

#include "input/mojibake.h"
#include "rules/rule.h"

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    (void)p;
    yh_mojibake *m;
    YH_TRY(yh_mojibake_create(&m, err));
    *state = m;
    return YH_OK;
}

static void destroy(void *state)
{
    yh_mojibake_free(state);
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    yh_buf out;
    yh_mojibake_info info;
    char evidence[160];
    yh_buf_init(&out, 0);
    yh_status s = yh_mojibake_repair(state, d->text, d->len, &out, &info, err);
    if (s == YH_OK && info.repaired > 0) {
        snprintf(evidence, sizeof evidence, "%s: %s", info.from, info.example);
        s = yh_draft_change(d, step, &out, info.repaired, evidence, err);
    }
    yh_buf_fini(&out);
    return s;
}

const yh_rule yh_rule_mojibake = {
    .name = "mojibake",
    .doc = "repairs text that was read in the wrong encoding, where there is no doubt",
    .whole = true,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
