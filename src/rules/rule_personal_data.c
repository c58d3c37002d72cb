/* Personal data replaced by tags. The datum itself is written nowhere: the evidence says how many
 * of which kind. (What other rules remove before this one is stored as it was.) */
#include <stdio.h>

#include "rules/personal_data.h"
#include "rules/rule.h"

static const yh_param params[] = {
    {"email", YH_PARAM_TEXT, "\"<email>\"", "what e-mail addresses become; empty: they stay", 0, 0},
    {"ip", YH_PARAM_TEXT, "\"<ip>\"", "what network addresses become (v4, v6); empty: they stay", 0,
     0},
    {"phone", YH_PARAM_TEXT, "\"<phone>\"", "what telephone numbers become; empty: they stay", 0,
     0},
    {"cn_id", YH_PARAM_TEXT, "\"<id>\"",
     "what Chinese identity numbers become (check digit verified); empty: they stay", 0, 0},
    {"bank_card", YH_PARAM_TEXT, "\"<card>\"",
     "what bank card numbers become (prefix, length and check digit verified); empty: they stay", 0,
     0},
    {"private_ip", YH_PARAM_BOOL, "false",
     "also addresses of private networks, such as 192.168.1.1 and fe80::1", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

/* In the order of yh_personal_kind. */
static const char *const kinds[YH_PERSONAL_KINDS] = {"email", "ip", "phone", "cn_id", "bank_card"};

typedef struct tags {
    char *tag[YH_PERSONAL_KINDS];
    size_t len[YH_PERSONAL_KINDS];
    bool private_ip;
} tags;

static void destroy(void *state)
{
    tags *t = state;
    for (int i = 0; t != NULL && i < YH_PERSONAL_KINDS; i++)
        yh_free(t->tag[i]);
    yh_free(t);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    tags *t = yh_calloc(1, sizeof *t);
    for (int i = 0; t != NULL && i < YH_PERSONAL_KINDS; i++) {
        t->tag[i] = yh_strdup(yh_param_text(p, kinds[i]));
        if (t->tag[i] == NULL) {
            destroy(t);
            return yh_fail(err, YH_NOMEM, "no memory for a rule");
        }
        t->len[i] = strlen(t->tag[i]);
    }
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    t->private_ip = yh_param_bool(p, "private_ip");
    *state = t;
    return YH_OK;
}

/* Writes the text with tags; out stays empty when there is nothing to replace. */
static yh_status replace(const tags *t, const yh_draft *d, yh_buf *out,
                         uint64_t count[YH_PERSONAL_KINDS], yh_err *err)
{
    yh_personal x;
    size_t copied = 0, from = 0;
    while (yh_personal_next(d->text, d->len, from, t->private_ip, &x)) {
        from = x.at + x.len;
        if (t->len[x.kind] == 0)
            continue;
        YH_TRY(yh_buf_add(out, d->text + copied, x.at - copied, err));
        YH_TRY(yh_buf_add(out, t->tag[x.kind], t->len[x.kind], err));
        copied = from;
        count[x.kind]++;
    }
    return out->len > 0 ? yh_buf_add(out, d->text + copied, d->len - copied, err) : YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    static const char *const names[YH_PERSONAL_KINDS] = {"pii_email", "pii_ip", "pii_phone",
                                                         "pii_cn_id", "pii_bank_card"};
    uint64_t count[YH_PERSONAL_KINDS] = {0}, all = 0;
    char evidence[200] = "";
    yh_buf out;
    yh_buf_init(&out, 0);
    yh_status s = replace(state, d, &out, count, err);
    for (int i = 0; i < YH_PERSONAL_KINDS && s == YH_OK; i++) {
        size_t n = strlen(evidence);
        all += count[i];
        if (count[i] == 0)
            continue;
        snprintf(evidence + n, sizeof evidence - n, "%s%s %llu", n > 0 ? ", " : "", kinds[i],
                 (unsigned long long)count[i]);
        s = yh_draft_value(d, names[i], (double)count[i], err);
    }
    if (s == YH_OK && all > 0)
        s = yh_draft_change(d, step, &out, all, evidence, err);
    yh_buf_fini(&out);
    return s;
}

const yh_rule yh_rule_personal_data = {
    .name = "personal_data",
    .doc = "replaces e-mail, network and telephone numbers, Chinese identity and bank card numbers "
           "by tags",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
