/* Documents that hold parts of evaluation sets: a model that has seen the questions is not judged
 * by them. */
#include <stdio.h>

#include "rules/ngram_set.h"
#include "rules/rule.h"

static const yh_param params[] = {
    {"sets", YH_PARAM_LIST, "[]",
     "files or folders of evaluation sets: JSON Lines, JSON, CSV, TSV, text; also compressed", 0,
     0},
    {"fields", YH_PARAM_LIST, "[]", "names of fields that are read of JSON and CSV; none: all", 0,
     0},
    {"n", YH_PARAM_NUMBER, "13", "words of an n-gram (12 is datatrove's length)", 1, YH_NGRAM_MAX},
    {"chars", YH_PARAM_NUMBER, "20",
     "characters of an n-gram in text that is written without spaces (about 13 Chinese words)", 1,
     YH_NGRAM_MAX},
    {"least", YH_PARAM_NUMBER, "8",
     "a shorter text of a set is looked for as a whole from so many words on (spaceless text: in "
     "proportion); n or more: never",
     1, 1e9},
    {"min_hits", YH_PARAM_NUMBER, "1", "least n-grams that must be found", 1, 1e9},
    {"action", YH_PARAM_TEXT, "\"remove\"",
     "remove: the document goes; cut: the lines that hold n-grams go", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

typedef struct decontaminate {
    yh_ngram_set *set;
    size_t min_hits;
    bool cut;
} decontaminate;

static void destroy(void *state)
{
    decontaminate *s = state;
    yh_ngram_set_free(s->set);
    yh_free(s);
}

static yh_status load(decontaminate *s, const json_t *p, yh_err *err)
{
    const json_t *sets = json_object_get(p, "sets");
    const char *action = yh_param_text(p, "action");
    const yh_ngram_options o = {.words = (size_t)yh_param_number(p, "n"),
                                .chars = (size_t)yh_param_number(p, "chars"),
                                .least = (size_t)yh_param_number(p, "least"),
                                .fields = json_object_get(p, "fields")};
    if (json_array_size(sets) == 0)
        return yh_fail(err, YH_CORRUPT,
                       "decontaminate: \"sets\" names no evaluation set; give files or folders");
    s->cut = strcmp(action, "cut") == 0;
    if (!s->cut && strcmp(action, "remove") != 0)
        return yh_fail(err, YH_CORRUPT,
                       "decontaminate: \"action\" must be \"remove\" or \"cut\", not \"%s\"",
                       action);
    YH_TRY(yh_ngram_set_create(&s->set, &o, err));
    for (size_t i = 0; i < json_array_size(sets); i++)
        YH_TRY(yh_ngram_set_load(s->set, json_string_value(json_array_get(sets, i)), err));
    if (yh_ngram_set_count(s->set) == 0)
        return yh_fail(err, YH_CORRUPT,
                       "decontaminate: the evaluation sets hold no text of %zu words or %zu "
                       "characters",
                       o.least, o.chars);
    return YH_OK;
}

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    decontaminate *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    s->min_hits = (size_t)yh_param_number(p, "min_hits");
    yh_status st = load(s, p, err);
    if (st == YH_OK)
        *state = s;
    else
        destroy(s);
    return st;
}

typedef struct found {
    yh_ngram_hit first;
    size_t hits;
    bool *token; /* that are in a match; NULL: only counted */
} found;

static bool take(void *user, const yh_ngram_hit *h)
{
    found *f = user;
    if (f->hits++ == 0)
        f->first = *h;
    for (size_t i = 0; f->token != NULL && i < h->length; i++)
        f->token[h->first + i] = true;
    return true;
}

/* "gsm8k: 17: the matching words", cut at a character */
static yh_status describe(yh_buf *b, const yh_draft *d, const yh_ngram_hit *h, yh_err *err)
{
    size_t at, end;
    yh_fold_place(d->text, d->len, h->first, h->length, &at, &end);
    if (end - at > 300)
        for (end = at + 300; end > at && ((uint8_t)d->text[end] & 0xc0) == 0x80;)
            end--;
    YH_TRY(yh_buf_addf(b, err, "%s:%llu: ", h->set, (unsigned long long)h->place));
    return yh_buf_add(b, d->text + at, end - at, err);
}

/* Whether a token that begins in this line is marked; *token is the number of its first one and is
 * moved on. */
static yh_status marked(const char *p, size_t n, const bool *mark, size_t *token, yh_fold_tokens *t,
                        bool *any, yh_err *err)
{
    *any = false;
    YH_TRY(yh_fold_hash(p, n, t, err));
    for (size_t i = 0; i < t->n; i++)
        *any = *any || mark[*token + i];
    *token += t->n;
    return YH_OK;
}

static yh_status cut_lines(yh_draft *d, int step, const bool *mark, const char *evidence,
                           yh_fold_tokens *t, yh_err *err)
{
    yh_span *span = NULL;
    size_t n = 0, cap = 0, token = 0, next;
    yh_status st = YH_OK;
    for (size_t at = 0; at < d->len && st == YH_OK; at = next) {
        const char *end = memchr(d->text + at, '\n', d->len - at);
        bool any;
        next = end != NULL ? (size_t)(end - d->text) + 1 : d->len;
        st = marked(d->text + at, next - at, mark, &token, t, &any, err);
        if (st != YH_OK || !any)
            continue;
        if (n > 0 && span[n - 1].at + span[n - 1].len == at) {
            span[n - 1].len = next - span[n - 1].at;
            continue;
        }
        yh_span *p = yh_grow(span, &cap, n + 1, sizeof *p);
        if (p == NULL) {
            st = yh_fail(err, YH_NOMEM, "no memory to cut a document");
            break;
        }
        span = p;
        span[n++] = (yh_span){at, next - at, 1, evidence};
    }
    if (st == YH_OK && n > 0)
        st = n == 1 && span[0].len == d->len ? yh_draft_remove(d, step, 1, evidence, err)
                                             : yh_draft_cut_spans(d, step, span, n, err);
    yh_free(span);
    return st;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    const decontaminate *s = state;
    yh_fold_tokens t = {0};
    found f = {.hits = 0};
    yh_buf evidence;
    yh_buf_init(&evidence, 0);
    yh_status st = yh_fold_hash(d->text, d->len, &t, err);
    if (st == YH_OK)
        yh_ngram_set_find(s->set, &t, take, &f);
    if (st == YH_OK && f.hits >= s->min_hits) {
        size_t hits = f.hits;
        st = describe(&evidence, d, &f.first, err);
        if (st == YH_OK && s->cut) {
            f.token = yh_calloc(t.n, sizeof *f.token);
            if (f.token == NULL)
                st = yh_fail(err, YH_NOMEM, "no memory to cut a document");
            else
                yh_ngram_set_find(s->set, &t, take, &f);
            if (st == YH_OK)
                st = cut_lines(d, step, f.token, evidence.data, &t, err);
        } else if (st == YH_OK) {
            st = yh_draft_remove(d, step, (double)hits, evidence.data, err);
        }
    }
    yh_free(f.token);
    yh_buf_fini(&evidence);
    yh_fold_tokens_fini(&t);
    return st;
}

const yh_rule yh_rule_decontaminate = {
    .name = "decontaminate",
    .doc = "removes documents (or lines) that share an n-gram with an evaluation set",
    .source = "Brown et al. 2020 (GPT-3), appendix C: 13-grams",
    .params = params,
    .create = create,
    .destroy = destroy,
    .apply = apply,
};
