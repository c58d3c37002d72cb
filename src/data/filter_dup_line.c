/* Boilerplate lines that repeat over documents: notices, menus, "read more" texts. A line is
 * counted once a document; the first KEEP documents with it keep it, later ones lose it. Only long
 * lines count (weight MIN_WEIGHT: 80 Latin letters, 27 Chinese characters), so that verses, quoted
 * sayings, headings and lines of code stay.
 *
 * Memory is bounded: a table of at most 2^22 lines (64 MB), eight places a line may lie in; when
 * they are taken, the line seen least often and longest ago gives way. */
#include "base/hash.h"
#include "data/filter.h"
#include "input/utf8_scan.h"

enum { MIN_WEIGHT = 80, KEEP = 3, WAYS = 8, FIRST_SETS = 1 << 10, MAX_SETS = 1 << 19 };

typedef struct entry {
    uint64_t tag; /* 0: empty */
    uint32_t count, stamp;
} entry;

typedef struct table {
    entry *e;
    size_t sets, used;
    uint32_t doc;
} table;

static yh_status keys(yh_draft *d, int slot, yh_err *err)
{
    for (size_t at = 0; at < d->len;) {
        const char *nl = memchr(d->text + at, '\n', d->len - at);
        size_t end = nl != NULL ? (size_t)(nl - d->text) : d->len;
        size_t next = nl != NULL ? end + 1 : end;
        if (end - at >= MIN_WEIGHT && yh_utf8_weight(d->text + at, end - at) >= MIN_WEIGHT) {
            uint64_t h = yh_hash64(d->text + at, end - at, 1);
            yh_line l = {(uint32_t)at, (uint32_t)(next - at)};
            YH_TRY(yh_draft_key(d, slot, h == 0 ? 1 : h, &l, err));
        }
        at = next;
    }
    return YH_OK;
}

static void *create(void)
{
    table *t = yh_calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->sets = FIRST_SETS;
    t->e = yh_calloc(t->sets * WAYS, sizeof *t->e);
    if (t->e == NULL) {
        yh_free(t);
        return NULL;
    }
    return t;
}

static void destroy(void *state)
{
    table *t = state;
    if (t != NULL)
        yh_free(t->e);
    yh_free(t);
}

/* The place of a tag; a fresh one (count 0) when it was not there. */
static entry *place(entry *e, size_t sets, uint64_t tag, uint32_t doc, bool *fresh)
{
    entry *s = e + (size_t)(tag & (sets - 1)) * WAYS, *victim = s;
    *fresh = false;
    for (int i = 0; i < WAYS; i++) {
        if (s[i].tag == tag)
            return &s[i];
        if (s[i].tag == 0) {
            *fresh = true;
            s[i] = (entry){tag, 0, doc};
            return &s[i];
        }
        if (s[i].count < victim->count ||
            (s[i].count == victim->count && doc - s[i].stamp > doc - victim->stamp))
            victim = &s[i];
    }
    *victim = (entry){tag, 0, doc};
    return victim;
}

static yh_status grow(table *t, yh_err *err)
{
    size_t sets = t->sets * 4;
    entry *e = yh_calloc(sets * WAYS, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to remember lines");
    for (size_t i = 0; i < t->sets * WAYS; i++)
        if (t->e[i].tag != 0) {
            bool fresh;
            *place(e, sets, t->e[i].tag, t->doc, &fresh) = t->e[i];
        }
    yh_free(t->e);
    t->e = e;
    t->sets = sets;
    return YH_OK;
}

static yh_status decide(void *state, const uint64_t *key, size_t n, bool *remove_document,
                        uint8_t *line, yh_err *err)
{
    table *t = state;
    (void)remove_document;
    t->doc++;
    for (size_t i = 0; i < n; i++) {
        if (t->used * 2 > t->sets * WAYS && t->sets < MAX_SETS)
            YH_TRY(grow(t, err));
        bool fresh;
        entry *e = place(t->e, t->sets, key[i], t->doc, &fresh);
        t->used += fresh;
        if (e->count == 0 || e->stamp != t->doc) {
            e->count += e->count < UINT32_MAX;
            e->stamp = t->doc;
        }
        line[i] = e->count > KEEP;
    }
    return YH_OK;
}

const yh_filter yh_filter_dup_line = {
    .name = "dup_line",
    .doc = "a long line (80 letters or 27 Chinese characters) that three documents had before",
    .order = 70,
    .keys = keys,
    .create = create,
    .destroy = destroy,
    .decide = decide,
};
