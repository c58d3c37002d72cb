/* Binary data and texts that were decoded with the wrong table: many replacement characters, or
 * hardly any letters of any script. */
#include "rules/rule.h"

typedef struct limits {
    double undecoded, letters;
} limits;

static const yh_param params[] = {
    {"max_undecoded", YH_PARAM_NUMBER, "0.1", "most characters that could not be decoded, of all",
     0, 1},
    {"min_letters", YH_PARAM_NUMBER, "0.2", "least letters and digits of any script, of all", 0, 1},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    limits *l = yh_malloc(sizeof *l);
    if (l == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *l = (limits){yh_param_number(p, "max_undecoded"), yh_param_number(p, "min_letters")};
    *state = l;
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const limits *l = state;
    size_t chars = 0, letters = 0, replaced = 0;
    const uint8_t *p = (const uint8_t *)d->text;
    for (size_t i = 0; i < d->len; i++) {
        uint8_t b = p[i];
        chars += (b & 0xc0) != 0x80;
        letters += (uint8_t)((b | 0x20) - 'a') < 26 || b >= 0xc0 || (uint8_t)(b - '0') < 10;
    }
    for (const uint8_t *q = p, *e = p + d->len; (q = memchr(q, 0xef, (size_t)(e - q))) != NULL; q++)
        replaced += q + 2 < e && q[1] == 0xbf && q[2] == 0xbd;
    double all = chars > 0 ? (double)chars : 1.0;
    if ((double)replaced > l->undecoded * all)
        return yh_draft_remove(d, step, (double)replaced / all, "characters not decoded", err);
    if ((double)(letters - replaced) < l->letters * all)
        return yh_draft_remove(d, step, (double)(letters - replaced) / all, "few letters", err);
    return YH_OK;
}

const yh_rule yh_rule_not_text = {
    .name = "not_text",
    .doc = "removes what is no text: characters that could not be decoded, or hardly any letters",
    .params = params,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
