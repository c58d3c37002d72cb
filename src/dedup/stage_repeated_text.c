/* Long stretches that occur again, wherever they begin: quotations, copied passages, notices. */
#include "dedup/repeats.h"
#include "input/utf8_scan.h"

static const yh_param params[] = {
    {"min_length", YH_PARAM_NUMBER, "100", "least length of a stretch, in units", YH_REPEAT_MIN,
     YH_REPEAT_MAX},
    {"unit", YH_PARAM_TEXT, "\"bytes\"",
     "bytes (100 are about 50 tokens of Lee et al., or 33 Chinese characters) or characters", 0, 0},
    {"keep", YH_PARAM_TEXT, "\"first\"", "first: one copy stays; none: all copies are cut", 0, 0},
    {"whole", YH_PARAM_TEXT, "\"characters\"",
     "what is never cut apart: characters, lines or sentences", 0, 0},
    {"within", YH_PARAM_TEXT, "\"corpus\"",
     "where copies count: corpus, source, site (host of the address, else source), document", 0, 0},
    {NULL, 0, NULL, NULL, 0, 0},
};

typedef enum keep_whole { CHARACTERS, LINES, SENTENCES } keep_whole;

typedef struct emit {
    const yh_repeats *o;
    const yh_by_doc *found;
    yh_stage_run *x;
    keep_whole whole;
    uint64_t cuts, bytes, removed;
} emit;

/* Whether a sentence (a line) may begin at i: what stands before it ends one. */
static bool boundary(const uint8_t *t, size_t n, size_t i, keep_whole whole)
{
    if (i == 0 || i >= n || t[i - 1] == '\n')
        return true;
    if (whole == LINES)
        return false;
    if (i >= 3 && t[i - 3] == 0xe3 && t[i - 2] == 0x80 && t[i - 1] == 0x82)
        return true; /* ideographic full stop */
    if (i >= 3 && t[i - 3] == 0xef && t[i - 2] == 0xbc && (t[i - 1] == 0x81 || t[i - 1] == 0x9f))
        return true; /* full-width ! ? */
    size_t k = i;
    while (k > 0 && (t[k - 1] == ' ' || t[k - 1] == '\t'))
        k--;
    if (k == i)
        return false;
    while (k > 0 && (t[k - 1] == '"' || t[k - 1] == '\'' || t[k - 1] == ')'))
        k--;
    return k > 0 && (t[k - 1] == '.' || t[k - 1] == '!' || t[k - 1] == '?');
}

/* Shrinks [*at, *end) until nothing is cut apart. */
static void shrink(const yh_stored *d, keep_whole whole, size_t *at, size_t *end)
{
    const uint8_t *t = (const uint8_t *)d->text;
    while (*at < *end && (t[*at] & 0xc0) == 0x80)
        ++*at;
    while (*end > *at && *end < d->len && (t[*end] & 0xc0) == 0x80)
        --*end;
    if (whole == CHARACTERS)
        return;
    while (*at < *end && !boundary(t, d->len, *at, whole))
        ++*at;
    while (*end > *at && !boundary(t, d->len, *end, whole))
        --*end;
}

/* The byte at which symbol `symbol` begins, going on from (*symbols, *bytes). */
static size_t byte_of(const emit *e, const yh_stored *d, size_t symbol, size_t *symbols,
                      size_t *bytes)
{
    uint32_t cp;
    if (!e->o->characters)
        return symbol;
    for (; *symbols < symbol && *bytes < d->len; ++*symbols) {
        size_t len = yh_utf8_at((const uint8_t *)d->text + *bytes, d->len - *bytes, &cp);
        *bytes += len != 0 ? len : 1;
    }
    return *bytes;
}

/* r[0..n): the document's stretches */
static yh_status emit_document(emit *e, const yh_stored *d, const uint8_t *r, size_t n, yh_err *err)
{
    size_t symbols = 0, bytes = 0;
    for (size_t i = 0; i < n; i++, r += YH_REPEAT_RECORD) {
        uint32_t first = yh_sort_get32(r + 4), count = yh_sort_get32(r + 8);
        size_t at = byte_of(e, d, first, &symbols, &bytes);
        size_t end = byte_of(e, d, (size_t)first + count, &symbols, &bytes);
        if (end > d->len || at > end)
            return yh_fail(err, YH_INTERNAL, "repeated_text: a stretch behind the end");
        if (at == 0 && end == d->len) {
            __atomic_add_fetch(&e->removed, 1, __ATOMIC_RELAXED);
            return yh_decisions_remove(e->x->out, d->ordinal, count, yh_sort_get32(r + 12), err);
        }
        shrink(d, e->whole, &at, &end);
        if (at == end)
            continue;
        __atomic_add_fetch(&e->cuts, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&e->bytes, end - at, __ATOMIC_RELAXED);
        YH_TRY(yh_decisions_cut(e->x->out, d->ordinal, at, end - at, count, yh_sort_get32(r + 12),
                                err));
    }
    return YH_OK;
}

static yh_status emit_block(void *user, int worker, const yh_stored *docs, size_t n, yh_err *err)
{
    emit *e = user;
    yh_buf found;
    size_t m = 0, at = 0;
    (void)worker;
    yh_buf_init(&found, 0);
    yh_status st =
        yh_by_doc_read(e->found, docs[0].ordinal, docs[n - 1].ordinal, &found, &m, NULL, err);
    const uint8_t *r = (const uint8_t *)found.data;
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        if (yh_by_doc_find(r, m, YH_REPEAT_RECORD, &at, docs[i].ordinal) == NULL)
            continue;
        size_t end = at;
        while (end < m && yh_sort_get32(r + end * YH_REPEAT_RECORD) == docs[i].ordinal)
            end++;
        st = emit_document(e, &docs[i], r + at * YH_REPEAT_RECORD, end - at, err);
    }
    yh_buf_fini(&found);
    return st;
}

static yh_status choose(const json_t *p, const char *name, const char *const *values, int n,
                        int *out, yh_err *err)
{
    const char *text = yh_param_text(p, name);
    for (int i = 0; i < n; i++)
        if (strcmp(text, values[i]) == 0) {
            *out = i;
            return YH_OK;
        }
    return yh_fail(err, YH_CORRUPT, "repeated_text: \"%s\" cannot be \"%s\"; say %s%s%s%s%s", name,
                   text, values[0], n > 1 ? ", " : "", n > 1 ? values[1] : "", n > 2 ? ", " : "",
                   n > 2 ? values[2] : "");
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    static const char *const units[] = {"bytes", "characters"}, *const keeps[] = {"first", "none"},
                             *const wholes[] = {"characters", "lines", "sentences"};
    int unit = 0, keep = 0, whole = 0;
    yh_repeats o = {.window = (size_t)yh_param_number(p, "min_length")};
    YH_TRY(choose(p, "unit", units, 2, &unit, err));
    YH_TRY(choose(p, "keep", keeps, 2, &keep, err));
    YH_TRY(choose(p, "whole", wholes, 3, &whole, err));
    YH_TRY(yh_scope_of(yh_param_text(p, "within"), &o.scope, err));
    YH_TRY(yh_pass_check(x, "repeated_text", err));
    o.gram = o.window * 2 / 5;
    o.characters = unit == 1;
    o.keep_first = keep == 0;
    emit e = {.o = &o, .x = x, .whole = (keep_whole)whole};
    yh_by_doc *found;
    YH_TRY(yh_repeats_find(&found, &o, x, err));
    e.found = found;
    yh_status st =
        yh_by_doc_count(found) > 0 ? yh_pass_each(x, 0.8, 1, emit_block, &e, err) : YH_OK;
    yh_by_doc_free(found);
    if (st == YH_OK)
        st = yh_pass_count(x, "removed", e.removed, err);
    if (st == YH_OK)
        st = yh_pass_count(x, "cut", e.cuts, err);
    return st == YH_OK ? yh_pass_count(x, "cut_bytes", e.bytes, err) : st;
}

const yh_stage yh_stage_repeated_text = {
    .name = "repeated_text",
    .doc =
        "cuts every stretch of at least min_length that occurs before, exactly as a suffix array "
        "over all documents would find it",
    .source = "after Lee et al. 2022 (Deduplicating Training Data Makes Language Models Better)",
    .params = params,
    .run = run,
};
