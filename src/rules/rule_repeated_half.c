/* Pages of serial novels often carry their chapter twice, the second copy beginning where the first
 * one ends; other documents hold a chapter twice, or each paragraph. The text is taken as a row of
 * sentences; runs of sentences that stood earlier in the same order, with few differences, are cut.
 * One hash table and one pass: linear. */
#include <stdio.h>

#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/rule.h"

typedef struct half {
    size_t min_chars, chapter_chars, gap;
    double min_share, alike, doubled;
} half;

static const yh_param params[] = {
    {"min_chars", YH_PARAM_NUMBER, "300",
     "least characters of a repeated stretch; one of Chinese, Japanese or Korean counts three", 1,
     1e9},
    {"min_share", YH_PARAM_NUMBER, "0.2", "least share of the document that it makes up", 0, 1},
    {"chapter_chars", YH_PARAM_NUMBER, "6000",
     "a stretch of so many characters goes whatever its share", 1, 1e9},
    {"alike", YH_PARAM_NUMBER, "0.9",
     "least share of the stretch that must be equal, of sentences that are nearly equal their "
     "letters",
     0.5, 1},
    {"gap", YH_PARAM_NUMBER, "4", "sentences in a row that may differ inside it", 0, 1000},
    {"doubled", YH_PARAM_NUMBER, "0.4",
     "shorter stretches go too where those that repeat what stands right before them make up this "
     "share of the document: every paragraph twice",
     0.01, 1},
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
    s->doubled = yh_param_number(p, "doubled");
    *state = s;
    return YH_OK;
}

/* A sentence: bytes [at, at+len) with the blanks behind it, a hash of its letters, its weight. */
typedef struct unit {
    size_t at, len, weight;
    uint64_t hash;
    size_t first; /* the first sentence with this hash */
    bool again;   /* has its like in the stretch that it repeats */
} unit;

/* A stretch of sentences that stood before. */
typedef struct run {
    size_t from, last, source, source_last;
    size_t all, alike,
        equal; /* weights: of what it would cut, of what is like, of equal sentences */
} run;

typedef struct work {
    const half *s;
    const char *text;
    unit *u;
    size_t n, cap, weight;
    run *r;
    size_t n_run, cap_run;
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

/* ------------------------------------------------------------------ sentences that are alike */

enum {
    NEAR = 80, /* hundredths of the letters */
    SKIP = 4,  /* letters in a row that may be missing or others */
    KEPT =
        150,   /* so much in a copy that the first does not have is no line of advertising: stays */
    EXACT = 4, /* a share of 1/EXACT of a stretch must be sentences that are equal */
    LETTERS = 512 /* of a sentence that are compared */
};

/* Its letters; digits again in `digits`, hashed. */
static size_t letters_of(const work *w, const unit *u, uint32_t *to, uint64_t *digits)
{
    const uint8_t *p = (const uint8_t *)w->text + u->at;
    size_t n = 0;
    *digits = 0;
    for (size_t i = 0, k; i < u->len && n < LETTERS; i += k) {
        uint32_t c = 0;
        k = yh_utf8_at(p + i, u->len - i, &c);
        k = k == 0 ? 1 : k;
        if (letter(c))
            to[n++] = c;
        if (c >= '0' && c <= '9')
            *digits = *digits * 31 + c;
    }
    return n;
}

/* Moves both behind the next few letters that are not equal. false: no such place is near. */
static bool step_over(const uint32_t *x, size_t n, size_t *i, const uint32_t *y, size_t m,
                      size_t *j)
{
    for (size_t d = 1; d <= SKIP; d++)
        for (size_t e = 0; e <= 2 * d; e++) { /* the pairs whose larger number is d */
            size_t a = e <= d ? d : 2 * d - e, b = e <= d ? e : d;
            if (*i + a < n && *j + b < m && x[*i + a] == y[*j + b] &&
                (*i + a + 1 == n || *j + b + 1 == m || x[*i + a + 1] == y[*j + b + 1])) {
                *i += a;
                *j += b;
                return true;
            }
        }
    return false;
}

/* Most letters are the same, in order. Not so if the numbers differ: rows of a table, dates. */
static bool alike(const work *w, const unit *a, const unit *b)
{
    uint32_t x[LETTERS], y[LETTERS];
    uint64_t digits[2];
    if (a->hash == b->hash)
        return true;
    if (a->weight < KNOWN || 100 * a->weight < NEAR * b->weight ||
        100 * b->weight < NEAR * a->weight)
        return false;
    size_t n = letters_of(w, a, x, &digits[0]), m = letters_of(w, b, y, &digits[1]);
    size_t same = 0, i = 0, j = 0;
    if (digits[0] != digits[1])
        return false;
    while (i < n && j < m) {
        if (x[i] != y[j] && !step_over(x, n, &i, y, m, &j))
            break;
        same++;
        i++;
        j++;
    }
    return 100 * 2 * same >= NEAR * (n + m);
}

/* ------------------------------------------------------------------ stretches */

static void count_unit(run *r, unit *u, const unit *source)
{
    u->again = true;
    r->all += u->weight;
    r->alike += u->weight;
    r->equal += u->hash == source->hash ? u->weight : 0;
}

/* Sentence i repeats one behind r->source_last; which? w->n: none. */
static size_t counterpart(const work *w, const run *r, size_t i, size_t missed)
{
    const size_t want = r->source_last + 1 + missed, f = w->u[i].first;
    if (want < r->from && alike(w, &w->u[i], &w->u[want]))
        return want;
    if (f >= r->from || f <= r->source_last)
        return w->n;
    if (f <= want + w->s->gap)
        return f;
    /* further on: the copy leaves something out */
    return i + 1 < w->n && f + 1 < r->from && w->u[i + 1].hash == w->u[f + 1].hash ? f : w->n;
}

/* The stretch that begins at r->from, whose like is at r->source. */
static void follow(work *w, run *r)
{
    size_t missed = 0, pending = 0;
    r->last = r->from;
    r->source_last = r->source;
    count_unit(r, &w->u[r->from], &w->u[r->source]);
    for (size_t i = r->from + 1; i < w->n && missed <= w->s->gap; i++) {
        size_t f = counterpart(w, r, i, missed);
        if (f == w->n) {
            pending += w->u[i].weight;
            missed++;
            continue;
        }
        r->all += pending < KEPT ? pending : 0;
        count_unit(r, &w->u[i], &w->u[f]);
        pending = missed = 0;
        r->last = i;
        r->source_last = f;
    }
}

static yh_status seek(work *w, yh_err *err)
{
    size_t floor = 1; /* what is before belongs to another stretch */
    for (size_t i = 1; i < w->n;) {
        if (w->u[i].first == i) {
            i++;
            continue;
        }
        run r = {.from = i, .source = w->u[i].first}, *list;
        follow(w, &r);
        /* right before: short sentences, which the table does not hold, and nearly equal ones */
        while (r.from > r.source_last + 1 && r.from > floor && r.source > 0 &&
               alike(w, &w->u[r.from - 1], &w->u[r.source - 1])) {
            r.from--;
            r.source--;
            count_unit(&r, &w->u[r.from], &w->u[r.source]);
        }
        i = floor = r.last + 1;
        if (r.source_last >= r.from || (double)r.alike < w->s->alike * (double)r.all ||
            EXACT * r.equal < r.all)
            continue;
        list = yh_grow(w->r, &w->cap_run, w->n_run + 1, sizeof *list);
        if (list == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu repeated stretches", w->n_run + 1);
        w->r = list;
        list[w->n_run++] = r;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ what goes */

static yh_status cut_units(work *w, size_t from, size_t to, double share, const char *evidence,
                           yh_err *err)
{
    yh_span *span = yh_grow(w->span, &w->cap_span, w->n_span + 1, sizeof *span);
    if (span == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a repeated stretch");
    w->span = span;
    size_t at = w->u[from].at, end = w->u[to].at + w->u[to].len;
    span[w->n_span++] = (yh_span){at, end - at, share, evidence};
    return YH_OK;
}

/* Cuts the stretch, but for what is long and in no earlier copy. */
static yh_status cut(work *w, const run *r, yh_err *err)
{
    char text[96];
    const unit *s = &w->u[r->source], *e = &w->u[r->source_last];
    char **list = yh_grow(w->evidence, &w->cap_evidence, w->n_evidence + 1, sizeof *list);
    if (list != NULL)
        w->evidence = list;
    snprintf(text, sizeof text, "repeats bytes %zu to %zu", s->at, e->at + e->len);
    char *copy = list != NULL ? yh_strdup(text) : NULL;
    if (copy == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a repeated stretch");
    list[w->n_evidence++] = copy;
    const double share = (double)r->alike / (double)r->all;
    size_t from = r->from;
    for (size_t i = r->from; i <= r->last;) {
        size_t k = i, weight = 0;
        while (!w->u[k].again) /* the last one is */
            weight += w->u[k++].weight;
        if (weight >= KEPT) {
            YH_TRY(cut_units(w, from, i - 1, share, copy, err));
            from = k;
        }
        i = k + 1;
    }
    return cut_units(w, from, r->last, share, copy, err);
}

static yh_status judge(work *w, yh_err *err)
{
    const half *s = w->s;
    size_t doubled = 0;
    bool any = false;
    for (size_t i = 0; i < w->n_run; i++) {
        const run *r = &w->r[i];
        any = any ||
              (r->alike >= s->min_chars && ((double)r->alike >= s->min_share * (double)w->weight ||
                                            r->alike >= s->chapter_chars));
        doubled += r->source_last + 1 == r->from ? r->alike : 0;
    }
    const bool all = doubled >= s->min_chars && (double)doubled >= s->doubled * (double)w->weight;
    for (size_t i = 0; i < w->n_run; i++) {
        const run *r = &w->r[i];
        /* where one is large, the others are pieces of it or like it */
        if ((any && r->alike >= s->min_chars) || (all && r->source_last + 1 == r->from))
            YH_TRY(cut(w, r, err));
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
    if (s == YH_OK)
        s = judge(&w, err);
    if (s == YH_OK && w.n_span > 0) {
        s = yh_draft_cut_spans(d, step, w.span, w.n_span, err);
        while (s == YH_OK && d->len > 0 && d->text[d->len - 1] == '\n')
            d->text[--d->len] = '\0';
    }
    for (size_t i = 0; i < w.n_evidence; i++)
        yh_free(w.evidence[i]);
    yh_free(w.evidence);
    yh_free(w.span);
    yh_free(w.r);
    yh_free(w.u);
    return s;
}

const yh_rule yh_rule_repeated_half = {
    .name = "repeated_half",
    .doc =
        "cuts further copies where a document, a chapter in it, or each of its paragraphs stands "
        "more than once, exactly or with few differences",
    .params = params,
    .whole = true,
    .create = create,
    .destroy = yh_free,
    .apply = apply,
};
