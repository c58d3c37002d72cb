/* Traditional Chinese to Simplified, for corpora that want one script. */
#include "rules/han.h"
#include "rules/rule.h"

typedef struct simplify {
    yh_han *han;
    bool automatic, keep;
    yh_han_from from;
    double min_share;
} simplify;

static const yh_param params[] = {
    {"from", YH_PARAM_TEXT, "\"auto\"",
     "t2s (OpenCC's standard), tw2s (Taiwan), hk2s (Hong Kong), or auto: by the forms in the text",
     0, 0},
    {"min_share", YH_PARAM_NUMBER, "0.5",
     "least share of Traditional among the characters that tell the two scripts apart", 0, 1},
    {"keep_original", YH_PARAM_BOOL, "false", "keep the text before in the record", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

static const char *const names[] = {"t2s", "tw2s", "hk2s"};

static void destroy(void *state)
{
    simplify *s = state;
    yh_han_free(s->han);
    yh_free(s);
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    simplify *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    *state = s;
    const char *from = yh_param_text(p, "from");
    s->automatic = strcmp(from, "auto") == 0;
    s->keep = yh_param_bool(p, "keep_original");
    s->min_share = yh_param_number(p, "min_share");
    int k = 0;
    while (k < 3 && strcmp(from, names[k]) != 0)
        k++;
    if (k == 3 && !s->automatic)
        return yh_fail(err, YH_CORRUPT, "simplify: \"from\" is auto, t2s, tw2s or hk2s, not \"%s\"",
                       from);
    s->from = k < 3 ? (yh_han_from)k : YH_HAN_TW2S;
    return yh_han_create(&s->han, err);
}

/* Japanese and Korean use characters of both scripts. */
static bool foreign(const yh_han_count *c)
{
    return c->kana * 20 > c->han + c->kana || c->hangul * 5 > c->han + c->hangul;
}

/* Lines in Simplified or Japanese inside a Traditional document stay. */
static yh_status convert(const simplify *s, yh_han_from from, const yh_draft *d, yh_buf *out,
                         uint64_t *changed, yh_err *err)
{
    for (size_t at = 0; at < d->len;) {
        const char *nl = memchr(d->text + at, '\n', d->len - at);
        size_t n = nl != NULL ? (size_t)(nl - d->text) + 1 - at : d->len - at, before = out->len;
        yh_han_count c = {0};
        yh_han_look(s->han, d->text + at, n, &c);
        if (c.han == 0 || foreign(&c) || (c.simp >= 3 && c.simp > c.trad))
            YH_TRY(yh_buf_add(out, d->text + at, n, err));
        else
            YH_TRY(yh_han_simplify(s->han, from, d->text + at, n, out, err));
        *changed += out->len - before != n || memcmp(out->data + before, d->text + at, n) != 0;
        at += n;
    }
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const simplify *s = state;
    yh_han_count c = {0};
    yh_han_look(s->han, d->text, d->len, &c);
    if (c.trad == 0 || foreign(&c) || (double)c.trad < s->min_share * (double)(c.trad + c.simp))
        return YH_OK;
    yh_han_from from = s->from;
    if (s->automatic && c.hong_kong > c.taiwan)
        from = YH_HAN_HK2S;
    yh_buf out;
    yh_buf_init(&out, 0);
    uint64_t changed = 0;
    yh_status st = convert(s, from, d, &out, &changed, err);
    if (st == YH_OK && changed > 0 && s->keep && d->original == NULL &&
        (d->original = yh_strdup(d->text)) == NULL)
        st = yh_fail(err, YH_NOMEM, "no memory to keep a text of %zu bytes", d->len);
    if (st == YH_OK && changed > 0)
        st = yh_draft_change(d, step, &out, changed, names[from], err);
    yh_buf_fini(&out);
    return st;
}

const yh_rule yh_rule_simplify = {
    .name = "simplify",
    .doc = "turns Traditional Chinese into Simplified, as OpenCC does; counts changed lines",
    .source = "OpenCC's dictionaries and rules (t2s, tw2s, hk2s)",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
