#include "rules/ngram_set.h"

#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "base/hash.h"
#include "input/stream.h"

enum { FILE_MAX = 1 << 30, NAMES_MAX = 65535 };

typedef struct slot {
    uint64_t hash; /* 0: empty */
    uint32_t place;
    uint32_t name; /* index */
} slot;

struct yh_ngram_set {
    yh_ngram_options o;
    slot *slot;
    size_t cap, n;
    char **name;
    size_t n_name, cap_name;
    bool present[YH_NGRAM_MAX + 1]; /* lengths that occur */
    yh_fold_tokens tokens;
};

yh_status yh_ngram_set_create(yh_ngram_set **out, const yh_ngram_options *o, yh_err *err)
{
    *out = NULL;
    if (o->words < 1 || o->chars < 1 || o->words > YH_NGRAM_MAX || o->chars > YH_NGRAM_MAX)
        return yh_fail(err, YH_INVALID, "n-grams of %zu words or %zu characters: 1 to %d", o->words,
                       o->chars, (int)YH_NGRAM_MAX);
    yh_ngram_set *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for n-grams");
    s->o = *o;
    *out = s;
    return YH_OK;
}

void yh_ngram_set_free(yh_ngram_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_name; i++)
        yh_free(s->name[i]);
    yh_free(s->name);
    yh_free(s->slot);
    yh_fold_tokens_fini(&s->tokens);
    yh_free(s);
}

uint64_t yh_ngram_set_count(const yh_ngram_set *s)
{
    return s->n;
}

/* ------------------------------------------------------------------ table */

static slot *find(slot *table, size_t cap, uint64_t hash)
{
    size_t i = (size_t)hash & (cap - 1);
    while (table[i].hash != 0 && table[i].hash != hash)
        i = (i + 1) & (cap - 1);
    return &table[i];
}

static yh_status insert(yh_ngram_set *s, slot x, yh_err *err)
{
    if (s->n * 3 >= s->cap * 2) {
        size_t cap = s->cap == 0 ? 1024 : s->cap * 2;
        slot *t = yh_calloc(cap, sizeof *t);
        if (t == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu n-grams", s->n);
        for (size_t i = 0; i < s->cap; i++)
            if (s->slot[i].hash != 0)
                *find(t, cap, s->slot[i].hash) = s->slot[i];
        yh_free(s->slot);
        s->slot = t;
        s->cap = cap;
    }
    slot *to = find(s->slot, s->cap, x.hash);
    if (to->hash == 0) { /* the first set that has it is named */
        *to = x;
        s->n++;
    }
    return YH_OK;
}

/* Rolls a polynomial over n tokens of t. */
typedef struct rolling {
    const uint64_t *t;
    size_t length;
    uint64_t sum, high;
} rolling;

static const uint64_t base = 0x9e3779b97f4a7c15u;

static rolling roll_start(const uint64_t *t, size_t length)
{
    rolling r = {t, length, 0, 1};
    for (size_t i = 0; i < length; i++) {
        r.sum = r.sum * base + t[i];
        r.high *= base;
    }
    return r;
}

static uint64_t roll_hash(const rolling *r)
{
    uint64_t h = yh_fold_mix(r->sum ^ yh_fold_mix(r->length));
    return h | (h == 0);
}

/* From the window at i - 1 to the one at i. */
static void roll_on(rolling *r, size_t i)
{
    r->sum = r->sum * base + r->t[i + r->length - 1] - r->t[i - 1] * r->high;
}

static yh_status name_of(yh_ngram_set *s, const char *name, uint32_t *index, yh_err *err)
{
    if (s->n_name > 0 && strcmp(s->name[s->n_name - 1], name) == 0) {
        *index = (uint32_t)s->n_name - 1;
        return YH_OK;
    }
    char **p = yh_grow(s->name, &s->cap_name, s->n_name + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for n-grams");
    s->name = p;
    if (s->n_name == NAMES_MAX)
        return yh_fail(err, YH_LIMIT, "more than %d evaluation sets", (int)NAMES_MAX);
    if ((p[s->n_name] = yh_strdup(name)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for n-grams");
    *index = (uint32_t)s->n_name++;
    return YH_OK;
}

yh_status yh_ngram_set_add(yh_ngram_set *s, const char *name, uint64_t place, const char *text,
                           size_t n, yh_err *err)
{
    slot x = {.place = place > UINT32_MAX ? UINT32_MAX : (uint32_t)place};
    YH_TRY(name_of(s, name, &x.name, err));
    YH_TRY(yh_fold_hash(text, n, &s->tokens, err));
    const yh_fold_tokens *t = &s->tokens;
    bool chars = 2 * t->spaceless > t->n;
    size_t length = chars ? s->o.chars : s->o.words;
    size_t least = chars ? s->o.least * s->o.chars / s->o.words : s->o.least;
    if (t->n == 0 || (t->n < length && t->n < least))
        return YH_OK;
    if (length > t->n)
        length = t->n;
    rolling r = roll_start(t->t, length);
    for (size_t i = 0;;) {
        x.hash = roll_hash(&r);
        YH_TRY(insert(s, x, err));
        if (++i + length > t->n)
            break;
        roll_on(&r, i);
    }
    s->present[length] = true;
    return YH_OK;
}

void yh_ngram_set_find(const yh_ngram_set *s, const yh_fold_tokens *t,
                       bool (*fn)(void *user, const yh_ngram_hit *hit), void *user)
{
    for (size_t length = YH_NGRAM_MAX; length > 0 && s->n > 0; length--) {
        if (!s->present[length] || t->n < length)
            continue;
        rolling r = roll_start(t->t, length);
        for (size_t i = 0;;) {
            const slot *x = find(s->slot, s->cap, roll_hash(&r));
            if (x->hash != 0) {
                const yh_ngram_hit hit = {i, length, s->name[x->name], x->place};
                if (!fn(user, &hit))
                    return;
            }
            if (++i + length > t->n)
                break;
            roll_on(&r, i);
        }
    }
}

/* ------------------------------------------------------------------ files */

static bool wanted(const yh_ngram_set *s, const char *field, size_t n)
{
    size_t count = json_array_size(s->o.fields);
    for (size_t i = 0; i < count; i++) {
        const char *w = json_string_value(json_array_get(s->o.fields, i));
        if (w != NULL && strlen(w) == n && memcmp(w, field, n) == 0)
            return true;
    }
    return count == 0;
}

typedef struct todo {
    const json_t *j;
    bool take; /* strings in it count */
} todo;

/* Every string of a value, by a stack of its own: no recursion on its depth. */
static yh_status add_json(yh_ngram_set *s, const char *name, uint64_t place, const json_t *top,
                          yh_err *err)
{
    todo *stack = NULL;
    size_t n = 0, cap = 0;
    yh_status st = YH_OK;
    bool all = json_array_size(s->o.fields) == 0;
    for (todo x = {top, all}; st == YH_OK; x = stack[--n]) {
        const size_t children = json_is_object(x.j) ? json_object_size(x.j) : json_array_size(x.j);
        todo *grown = yh_grow(stack, &cap, n + children + 1, sizeof *stack);
        if (grown == NULL) {
            st = yh_fail(err, YH_NOMEM, "no memory for an evaluation set");
            break;
        }
        stack = grown;
        const char *key;
        json_t *v;
        if (json_is_string(x.j) && x.take)
            st = yh_ngram_set_add(s, name, place, json_string_value(x.j), json_string_length(x.j),
                                  err);
        for (size_t i = 0; i < json_array_size(x.j); i++)
            stack[n++] = (todo){json_array_get(x.j, i), x.take};
        json_object_foreach((json_t *)(uintptr_t)x.j, key, v) stack[n++] =
            (todo){v, x.take || wanted(s, key, strlen(key))};
        if (n == 0)
            break;
    }
    yh_free(stack);
    return st;
}

static yh_status add_json_lines(yh_ngram_set *s, const char *name, const char *path, char *p,
                                size_t n, yh_err *err)
{
    uint64_t line = 0;
    for (size_t at = 0, next; at < n; at = next) {
        const char *end = memchr(p + at, '\n', n - at);
        size_t len = end != NULL ? (size_t)(end - p) - at : n - at, blank = 0;
        char where[300];
        json_t *j;
        next = at + len + 1;
        line++;
        while (blank < len && strchr(" \t\r", p[at + blank]) != NULL)
            blank++;
        if (blank == len)
            continue;
        snprintf(where, sizeof where, "%s line %llu", path, (unsigned long long)line);
        YH_TRY(yh_json_parse(&j, p + at, len, where, err));
        yh_status st = add_json(s, name, line, j, err);
        json_decref(j);
        YH_TRY(st);
    }
    return YH_OK;
}

/* JSON Lines, or one value; the elements of an array are numbered. */
static yh_status add_json_file(yh_ngram_set *s, const char *name, const char *path, yh_buf *b,
                               yh_err *err)
{
    yh_err first = YH_ERR_INIT;
    json_t *j;
    if (yh_json_parse(&j, b->data, b->len, path, &first) != YH_OK)
        return add_json_lines(s, name, path, b->data, b->len, err);
    yh_status st = YH_OK;
    if (json_is_array(j))
        for (size_t i = 0; i < json_array_size(j) && st == YH_OK; i++)
            st = add_json(s, name, i + 1, json_array_get(j, i), err);
    else
        st = add_json(s, name, 1, j, err);
    json_decref(j);
    return st;
}

/* One field of RFC 4180, quotes undone in place; *at moves behind it and its separator. */
static size_t csv_field(char *p, size_t n, char comma, size_t *at, size_t *len, bool *last)
{
    size_t i = *at, to = *at, begin = *at;
    bool quoted = i < n && p[i] == '"';
    if (quoted)
        i++;
    for (; i < n; i++) {
        if (quoted && p[i] == '"') {
            if (i + 1 < n && p[i + 1] == '"')
                i++;
            else {
                quoted = false;
                continue;
            }
        } else if (!quoted && (p[i] == comma || p[i] == '\n')) {
            break;
        }
        p[to++] = p[i];
    }
    *last = i >= n || p[i] == '\n';
    *at = i + 1;
    *len = to - begin;
    return begin;
}

enum { COLUMNS = 1024 };

static yh_status add_csv(yh_ngram_set *s, const char *name, yh_buf *b, char comma, yh_err *err)
{
    bool take[COLUMNS];
    const bool header = json_array_size(s->o.fields) > 0;
    uint64_t record = 0;
    for (size_t at = 0, column = 0; at < b->len;) {
        size_t len;
        bool last;
        size_t begin = csv_field(b->data, b->len, comma, &at, &len, &last);
        if (header && record == 0 && column < COLUMNS)
            take[column] = wanted(s, b->data + begin, len);
        else if (!header || (record > 0 && column < COLUMNS && take[column]))
            YH_TRY(yh_ngram_set_add(s, name, record + 1, b->data + begin, len, err));
        column++;
        if (last) {
            for (; header && record == 0 && column < COLUMNS; column++)
                take[column] = false;
            column = 0;
            record++;
        }
    }
    return YH_OK;
}

static yh_status add_lines(yh_ngram_set *s, const char *name, const yh_buf *b, yh_err *err)
{
    uint64_t line = 0;
    for (size_t at = 0, len; at < b->len; at += len + 1) {
        const char *end = memchr(b->data + at, '\n', b->len - at);
        len = end != NULL ? (size_t)(end - b->data) - at : b->len - at;
        YH_TRY(yh_ngram_set_add(s, name, ++line, b->data + at, len, err));
    }
    return YH_OK;
}

static yh_status read_stream(const char *path, yh_buf *b, yh_err *err)
{
    yh_stream *in;
    YH_TRY(yh_stream_open(&in, path, err));
    yh_status st = YH_OK;
    for (size_t n = 1; n > 0 && st == YH_OK;) {
        const uint8_t *p;
        st = yh_stream_peek(in, 1, &p, &n, err);
        if (st == YH_OK && n > 0)
            st = yh_buf_add(b, p, n, err);
        if (st == YH_OK && n > 0)
            yh_stream_skip(in, n);
    }
    if (st == YH_OK && yh_stream_broken(in) != NULL)
        st = yh_fail(err, YH_CORRUPT, "%s: %s", path, yh_stream_broken(in));
    yh_stream_close(in);
    if (st == YH_OK && b->len > 0 && memchr(b->data, '\0', b->len) != NULL)
        st = yh_fail(err, YH_CORRUPT, "%s: is not text, JSON or CSV", path);
    return st;
}

/* The name's ending behind compression, or NULL. */
static bool ends_in(const char *path, size_t n, const char *ending)
{
    size_t k = strlen(ending);
    return n >= k && strncasecmp(path + n - k, ending, k) == 0;
}

static yh_status load_file(yh_ngram_set *s, const char *path, yh_err *err)
{
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", ".lz4"};
    char name[256];
    yh_buf b;
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (ends_in(path, n, packed[i])) {
            n -= strlen(packed[i]);
            break;
        }
    const char *file = yh_path_base(path);
    size_t stem = n - (size_t)(file - path), dot = stem;
    while (dot > 0 && file[dot] != '.')
        dot--;
    snprintf(name, sizeof name, "%.*s", (int)(dot > 0 ? dot : stem), file);
    yh_buf_init(&b, FILE_MAX);
    yh_status st = read_stream(path, &b, err);
    if (st == YH_OK && b.len > 0) {
        if (ends_in(path, n, ".jsonl") || ends_in(path, n, ".ndjson") || ends_in(path, n, ".json"))
            st = add_json_file(s, name, path, &b, err);
        else if (ends_in(path, n, ".csv") || ends_in(path, n, ".tsv"))
            st = add_csv(s, name, &b, ends_in(path, n, ".csv") ? ',' : '\t', err);
        else
            st = add_lines(s, name, &b, err);
    }
    yh_buf_fini(&b);
    return st;
}

yh_status yh_ngram_set_load(yh_ngram_set *s, const char *path, yh_err *err)
{
    yh_file_list l = {0};
    yh_status st = yh_file_list_add(&l, path, err);
    if (st == YH_OK && l.n == 0)
        st = yh_fail(err, YH_NOTFOUND, "%s: there is no evaluation set in this folder", path);
    for (size_t i = 0; i < l.n && st == YH_OK; i++)
        st = load_file(s, l.path[i], err);
    yh_file_list_fini(&l);
    return st;
}
