/* Pages of serial novels often carry their chapter twice, the second copy beginning where the first
 * one ends; other documents hold a chapter twice. The text is taken as a row of sentences; runs of
 * sentences that stood earlier in the same order, with few differences, are cut. One hash table and
 * one pass: linear. */
#include <stdio.h>

#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/rule.h"

typedef struct half {
    size_t min_chars, chapter_chars, gap;
    double min_share, alike;
} half;

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "300",
     "least characters of a repeated stretch; one of Chinese, Japanese or Korean counts three", 1,
     1e9},
    {"min_share", YH_PARAM_NUMBER, "0.2", "least share of the document that it makes up", 0, 1},
    {"chapter_chars", YH_PARAM_NUMBER, "6000",
     "a stretch of so many characters goes whatever its share", 1, 1e9},
    {"alike", YH_PARAM_NUMBER, "0.9", "least share of the stretch that must be equal", 0.5, 1},
    {"gap", YH_PARAM_NUMBER, "4", "sentences in a row that may differ inside it", 0, 1000},
    {NULL, 0, NULL, NULL, 0, 0},
};

static yh_status create(void **state, const json_t *p, yh_err *err)
{
    half *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a rule");
    s->min_chars = (size_t)yh_param_number(p, "min_chars");
    s->min_share = yh_param_number(p, "min_share");
    s->chapter_chars = (size_t)yh_param_number(p, "chapter_chars");
    s->alike = yh_param_number(p, "alike");
    s->gap = (size_t)yh_param_number(p, "gap");
    *state = s;
    return YH_OK;
}

/* A sentence: bytes [at, at+len) with the blanks behind it, a hash of its letters, its weight. */
typedef struct unit {
    size_t at, len, weight;
    uint64_t hash;
    size_t first; /* the first sentence with this hash */
} unit;

typedef struct work {
    const half *s;
    const char *text;
    unit *u;
    size_t n, cap, weight;
    yh_span *span;
    size_t n_span, cap_span;
    char **evidence;
    size_t n_evidence, cap_evidence;
} work;

static bool is_stop(uint32_t c)
{
    return c == 0x3002 || c == 0xff01 || c == 0xff1f || c == '!' || c == '?' || c == '\n';
}

/* What belongs to the sentence before it: closing quotes and brackets, further stops, blanks. */
static bool trails(uint32_t c)
{
    return is_stop(c) || c == 0x201d || c == 0x2019 || c == 0x300d || c == 0x300f || c == '"' ||
           c == ')' || c == 0xff09 || c == ' ' || c == 0x3000 || c == '\r' || c == '\t';
}

static bool letter(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= 0xc0 && c < 0x2000) || (c >= 0x3041 && c < 0xfe00) || c >= 0x10000;
}

static yh_status add(work *w, unit u, yh_err *err)
{
    if (u.len == 0)
        return YH_OK;
    unit *list = yh_grow(w->u, &w->cap, w->n + 1, sizeof *list);
    if (list == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu sentences", w->n + 1);
    w->u = list;
    w->weight += u.weight;
    list[w->n++] = u;
    return YH_OK;
}

static yh_status divide(work *w, size_t n, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)w->text;
    unit u = {0};
    bool ended = false;
    u.hash = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t k = yh_utf8_at(p + i, n - i, &c);
        k = k == 0 ? 1 : k;
        if (ended && !trails(c)) {
            u.len = i - u.at;
            YH_TRY(add(w, u, err));
            u = (unit){.at = i, .hash = 0x9e3779b97f4a7c15u};
            ended = false;
        }
        ended =
            ended || is_stop(c) || (c == '.' && i + 1 < n && (p[i + 1] == ' ' || p[i + 1] == '\n'));
        if (letter(c)) {
            u.hash = (u.hash ^ c) * 0x100000001b3u;
            u.hash ^= u.hash >> 29;
            u.weight += c >= 0x2e80 ? 3 : 1;
        }
        i += k;
    }
    u.len = n - u.at;
    return add(w, u, err);
}

/* Sentences of so little say nothing alone. */
enum { KNOWN = 18 };

static yh_status index_units(work *w, yh_err *err)
{
    size_t slots = 16;
    while (slots < 2 * w->n)
        slots *= 2;
    size_t *table = yh_calloc(slots, sizeof *table); /* number + 1 */
    if (table == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu sentences", w->n);
    for (size_t i = 0; i < w->n; i++) {
        size_t k = (size_t)((w->u[i].hash * 0x9e3779b97f4a7c15u) >> 20) & (slots - 1);
        w->u[i].first = i;
        if (w->u[i].weight < KNOWN)
            continue;
        while (table[k] != 0 && w->u[table[k] - 1].hash != w->u[i].hash)
            k = (k + 1) & (slots - 1);
        if (table[k] == 0)
            table[k] = i + 1;
        w->u[i].first = table[k] - 1;
    }
    yh_free(table);
    return YH_OK;
}

static yh_status cut(work *w, size_t from, size_t to, size_t source, size_t source_end,
                     double alike, yh_err *err)
{
    yh_span *span = yh_grow(w->span, &w->cap_span, w->n_span + 1, sizeof *span);
    if (span != NULL)
        w->span = span;
    char **list = yh_grow(w->evidence, &w->cap_evidence, w->n_evidence + 1, sizeof *list);
    if (list != NULL)
        w->evidence = list;
    char text[96];
    const unit *s = &w->u[source], *e = &w->u[source_end];
    snprintf(text, sizeof text, "repeats bytes %zu to %zu", s->at, e->at + e->len);
    char *copy = span != NULL && list != NULL ? yh_strdup(text) : NULL;
    if (copy == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a repeated stretch");
    list[w->n_evidence++] = copy;
    size_t at = w->u[from].at, end = w->u[to].at + w->u[to].len;
    span[w->n_span++] = (yh_span){at, end - at, alike, copy};
    return YH_OK;
}

/* The run of repeated sentences that begins at k; sets *last to its last equal sentence, the
 * source's last one, and the weights of all and of the equal ones. */
static void follow(const work *w, size_t k, size_t *last, size_t *source_last, size_t *all,
                   size_t *equal)
{
    size_t p = w->u[k].first, missed = 0, pending = 0;
    *last = k;
    *source_last = p;
    *all = *equal = w->u[k].weight;
    for (size_t i = k + 1; i < w->n && missed <= w->s->gap; i++) {
        size_t want = *source_last + 1 + missed, f = w->u[i].first;
        bool hit = want < k && w->u[i].hash == w->u[want].hash;
        if (!hit && f < k && f > *source_last && f <= want + w->s->gap) {
            hit = true;
            want = f;
        }
        pending += w->u[i].weight;
        missed++;
        if (!hit)
            continue;
        *all += pending;
        *equal += w->u[i].weight;
        pending = missed = 0;
        *last = i;
        *source_last = want;
    }
}

static yh_status seek(work *w, yh_err *err)
{
    for (size_t i = 1; i < w->n;) {
        if (w->u[i].first == i) {
            i++;
            continue;
        }
        size_t last, source_last, all, equal, from = i;
        follow(w, i, &last, &source_last, &all, &equal);
        /* short sentences right before, which the table does not hold */
        size_t p = w->u[i].first;
        while (from > source_last + 1 && p > 0 && w->u[from - 1].hash == w->u[p - 1].hash &&
               w->u[from - 1].weight < KNOWN &&
               (w->n_span == 0 ||
                w->u[from - 1].at >= w->span[w->n_span - 1].at + w->span[w->n_span - 1].len)) {
            from--;
            p--;
        }
        bool large =
            equal >= w->s->min_chars &&
            ((double)equal >= w->s->min_share * (double)w->weight || equal >= w->s->chapter_chars);
        if (large && (double)equal >= w->s->alike * (double)all && source_last < from)
            YH_TRY(cut(w, from, last, p, source_last, (double)equal / (double)all, err));
        i = last + 1;
    }
    return YH_OK;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    work w = {.s = state, .text = d->text};
    if (d->len < 2 * w.s->min_chars / 3)
        return YH_OK;
    yh_status s = divide(&w, d->len, err);
    if (s == YH_OK)
        s = index_units(&w, err);
    if (s == YH_OK)
        s = seek(&w, err);
    if (s == YH_OK && w.n_span > 0) {
        s = yh_draft_cut_spans(d, step, w.span, w.n_span, err);
        while (s == YH_OK && d->len > 0 && d->text[d->len - 1] == '\n')
            d->text[--d->len] = '\0';
    }
    for (size_t i = 0; i < w.n_evidence; i++)
        yh_free(w.evidence[i]);
    yh_free(w.evidence);
    yh_free(w.span);
    yh_free(w.u);
    return s;
}

const yh_rule yh_rule_repeated_half = {
    .name = "repeated_half",
    .doc = "cuts the second copy where a document, or a chapter in it, stands twice, exactly or "
           "with few differences",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
