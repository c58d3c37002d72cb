/* yh_corpus_diff: two corpora joined by the hash of the id, sorted out of core. A first pass over
 * the four rows of files (parts and removed of A and of B) leaves a record of 40 bytes a document;
 * the sorted records say what happened to each; a second pass fetches the texts of the examples,
 * which are those with the lowest hashes. */
#include <limits.h>
#include <stdio.h>

#include "base/hash.h"
#include "data/diff.h"
#include "data/lines.h"
#include "base/sorter.h"
#include "yh/corpus.h"

enum { RECORD = 40, DIFF_LINES = 200, EXAMPLES_MAX = 1000, RULE_NAMES = 256 };
enum { IN_A, IN_B, GONE_A, GONE_B }; /* kinds, in the order of sorting */
enum { ONLY_A, ONLY_B, CHANGED, SAME, CLASSES };

static const char *const class_name[] = {"only_a", "only_b", "changed", "same"};

typedef struct example {
    yh_hash128 id;
    int class;
    int rule; /* of the other side's removal; -1: none */
    json_t *out;
    char *text[2];
    size_t len[2];
} example;

typedef struct diff {
    const char *corpus[2];
    const yh_diff_options *o;
    yh_sorter *s;
    char *rule[RULE_NAMES];
    int n_rules;
    uint64_t count[CLASSES], bytes[2], docs[2];
    uint64_t by_rule[2][RULE_NAMES + 1]; /* of only_a: B's rules; last: not in the other's input */
    example *ex;
    size_t n_ex;
} diff;

/* Records: id hash (16), kind (4), rule (4), text hash (8), bytes of text (8). */
static void put_record(uint8_t *r, yh_hash128 id, uint32_t kind, uint32_t rule, uint64_t hash,
                       uint64_t len)
{
    yh_sort_put64(r, id.hi);
    yh_sort_put64(r + 8, id.lo);
    yh_sort_put32(r + 16, kind);
    yh_sort_put32(r + 20, rule);
    yh_sort_put64(r + 24, hash);
    yh_sort_put64(r + 32, len);
}

static int rule_number(diff *d, const char *name)
{
    for (int i = 0; i < d->n_rules; i++)
        if (strcmp(d->rule[i], name) == 0)
            return i;
    if (d->n_rules == RULE_NAMES || (d->rule[d->n_rules] = yh_strdup(name)) == NULL)
        return -1;
    return d->n_rules++;
}

typedef yh_status (*record_fn)(diff *d, int side, bool gone, const json_t *j, yh_err *err);

/* Calls fn for every record of one row. */
static yh_status each(diff *d, int side, bool gone, record_fn fn, yh_err *err)
{
    yh_lines *l;
    const char *p;
    size_t n;
    bool more = true;
    YH_TRY(yh_lines_open(&l, d->corpus[side], gone ? "removed" : "part", err));
    yh_status s;
    while ((s = yh_lines_next(l, &p, &n, &more, err)) == YH_OK && more) {
        static const char part[] = "\"what\":\"part\"";
        json_t *j = NULL;
        char name[PATH_MAX + 32];
        uint64_t line;
        if (yh_stop_requested()) {
            s = yh_fail(err, YH_STOPPED, "stopped");
            break;
        }
        /* "what" stands behind the text: the last one is the record's own */
        if (gone && n > 400 && memmem(p + n - 400, 400, part, sizeof part - 1) != NULL)
            continue;
        const char *path = yh_lines_place(l, NULL, &line);
        snprintf(name, sizeof name, "%s line %llu", path, (unsigned long long)line);
        s = yh_json_parse(&j, p, n, name, err);
        const char *what = json_string_value(json_object_get(j, "what"));
        if (s == YH_OK && !json_is_string(json_object_get(j, "id")))
            s = yh_fail(err, YH_CORRUPT, "%s: has no \"id\"", name);
        if (s == YH_OK && !(gone && (what == NULL || strcmp(what, "document") != 0)))
            s = fn(d, side, gone, j, err);
        json_decref(j);
        if (s != YH_OK)
            break;
    }
    yh_lines_close(l);
    return s;
}

static yh_status each_of_all(diff *d, record_fn fn, yh_err *err)
{
    for (int side = 0; side < 2; side++)
        for (int gone = 0; gone < 2; gone++)
            YH_TRY(each(d, side, gone != 0, fn, err));
    return YH_OK;
}

static yh_hash128 id_hash(const json_t *j)
{
    const json_t *id = json_object_get(j, "id");
    return yh_hash128_of(json_string_value(id), json_string_length(id));
}

static yh_status add_record(diff *d, int side, bool gone, const json_t *j, yh_err *err)
{
    uint8_t r[RECORD];
    const json_t *t = json_object_get(j, "text");
    const char *rule = json_string_value(json_object_get(j, "rule"));
    size_t n = json_string_length(t);
    int k = gone && rule != NULL ? rule_number(d, rule) : -1;
    put_record(r, id_hash(j), (uint32_t)(gone ? GONE_A : IN_A) + (uint32_t)side, (uint32_t)k,
               json_is_string(t) ? yh_hash64(json_string_value(t), n, 0) : 0, n);
    return yh_sorter_add(d->s, r, 1, err);
}

/* ------------------------------------------------------------------ joining */

typedef struct group {
    yh_hash128 id;
    bool has[4];
    uint64_t hash[2], len[2];
    int rule[2]; /* of the removal in A, in B */
} group;

static yh_status offer(diff *d, const group *g, int class, int rule, yh_err *err)
{
    size_t most = d->o->examples, n = 0;
    for (size_t i = 0; i < d->n_ex; i++)
        n += d->ex[i].class == class;
    if (n >= most) /* they come sorted: the first ones have the lowest hashes */
        return YH_OK;
    if (d->ex == NULL)
        d->ex = yh_calloc(most * CLASSES, sizeof *d->ex);
    if (d->ex == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for examples");
    d->ex[d->n_ex++] = (example){.id = g->id, .class = class, .rule = rule};
    return YH_OK;
}

static yh_status finish_group(diff *d, const group *g, yh_err *err)
{
    if (!g->has[IN_A] && !g->has[IN_B])
        return YH_OK;
    for (int i = 0; i < 2; i++) {
        d->docs[i] += g->has[i];
        d->bytes[i] += g->has[i] ? g->len[i] : 0;
    }
    int class = !g->has[IN_B]                                        ? ONLY_A
                : !g->has[IN_A]                                      ? ONLY_B
                : g->hash[0] == g->hash[1] && g->len[0] == g->len[1] ? SAME
                                                                     : CHANGED;
    int other = class == ONLY_A ? 1 : 0, rule = -1;
    d->count[class]++;
    if (class == ONLY_A || class == ONLY_B) {
        rule = g->has[GONE_A + other] ? g->rule[other] : -1;
        d->by_rule[class][rule >= 0 ? rule : RULE_NAMES]++;
    }
    return class == SAME ? YH_OK : offer(d, g, class, rule, err);
}

static yh_status join(diff *d, yh_err *err)
{
    group g = {0};
    bool open = false;
    YH_TRY(yh_sorter_finish(d->s, err));
    for (;;) {
        const uint8_t *r;
        size_t n;
        YH_TRY(yh_sorter_next(d->s, &r, &n, err));
        if (n == 0)
            break;
        for (; n > 0; n--, r += RECORD) {
            yh_hash128 id = {yh_sort_get64(r), yh_sort_get64(r + 8)};
            if (!open || id.hi != g.id.hi || id.lo != g.id.lo) {
                if (open)
                    YH_TRY(finish_group(d, &g, err));
                memset(&g, 0, sizeof g);
                g.id = id;
                open = true;
            }
            uint32_t kind = yh_sort_get32(r + 16) & 3;
            g.has[kind] = true;
            if (kind >= GONE_A) {
                g.rule[kind - GONE_A] = (int)yh_sort_get32(r + 20);
            } else {
                g.hash[kind] = yh_sort_get64(r + 24);
                g.len[kind] = yh_sort_get64(r + 32);
            }
        }
    }
    return open ? finish_group(d, &g, err) : YH_OK;
}

/* ------------------------------------------------------------------ examples */

static yh_status take_example(diff *d, int side, bool gone, const json_t *j, yh_err *err)
{
    yh_hash128 id = id_hash(j);
    for (size_t i = 0; i < d->n_ex; i++) {
        example *x = &d->ex[i];
        if (x->id.hi != id.hi || x->id.lo != id.lo)
            continue;
        if (x->out == NULL)
            x->out = json_object();
        bool ok = json_object_set(x->out, "id", json_object_get(j, "id")) == 0 &&
                  json_object_set(x->out, "source", json_object_get(j, "source")) == 0;
        static const char *const keys[] = {"rule", "step", "score", "evidence"};
        for (int k = 0; gone && k < 4; k++)
            if (json_object_get(j, keys[k]) != NULL && side == (x->class == ONLY_A ? 1 : 0))
                ok = ok && json_object_set(x->out, keys[k], json_object_get(j, keys[k])) == 0;
        const json_t *t = json_object_get(j, "text");
        if (ok && !gone && x->text[side] == NULL) {
            x->len[side] = json_string_length(t);
            x->text[side] = yh_strndup(json_string_value(t), x->len[side]);
            ok = x->text[side] != NULL;
        }
        return ok ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for examples");
    }
    return YH_OK;
}

static yh_status add_example(const example *x, json_t *list, yh_err *err)
{
    enum { SHOWN = 600 };
    json_t *lines = NULL;
    if (x->class == CHANGED && x->text[0] != NULL && x->text[1] != NULL) {
        YH_TRY(
            yh_diff_lines(&lines, x->text[0], x->len[0], x->text[1], x->len[1], DIFF_LINES, err));
        if (json_object_set_new(x->out, "lines", lines != NULL ? lines : json_null()) != 0)
            return yh_fail(err, YH_NOMEM, "no memory for examples");
    } else {
        int side = x->class == ONLY_B;
        size_t n = x->len[side];
        if (n > SHOWN)
            for (n = SHOWN; n > 0 && ((uint8_t)x->text[side][n] & 0xc0) == 0x80;)
                n--;
        if (x->text[side] != NULL &&
            json_object_set_new(x->out, "text", json_stringn(x->text[side], n)) != 0)
            return yh_fail(err, YH_NOMEM, "no memory for examples");
    }
    return json_array_append(list, x->out) == 0 ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
}

static json_t *rules_json(const diff *d, int class)
{
    json_t *o = json_object();
    for (int i = 0; i < d->n_rules; i++)
        if (d->by_rule[class][i] > 0)
            (void)json_object_set_new(o, d->rule[i],
                                      json_integer((json_int_t)d->by_rule[class][i]));
    if (d->by_rule[class][RULE_NAMES] > 0)
        (void)json_object_set_new(o, "(not there)",
                                  json_integer((json_int_t)d->by_rule[class][RULE_NAMES]));
    return o;
}

static yh_status report(const diff *d, char **json, yh_err *err)
{
    json_t *out = json_object();
    yh_status s = YH_OK;
    for (int i = 0; i < 2; i++)
        (void)json_object_set_new(out, i == 0 ? "a" : "b",
                                  json_pack("{s:s,s:I,s:I}", "corpus", d->corpus[i], "documents",
                                            (json_int_t)d->docs[i], "bytes",
                                            (json_int_t)d->bytes[i]));
    (void)json_object_set_new(out, "same", json_integer((json_int_t)d->count[SAME]));
    for (int c = 0; c < SAME && s == YH_OK; c++) {
        json_t *list = json_array(), *o;
        for (size_t i = 0; i < d->n_ex && s == YH_OK; i++)
            if (d->ex[i].class == c && d->ex[i].out != NULL)
                s = add_example(&d->ex[i], list, err);
        o = json_pack("{s:I,s:o}", "documents", (json_int_t)d->count[c], "examples", list);
        if (o != NULL && c != CHANGED)
            (void)json_object_set_new(o, "by_rule", rules_json(d, c));
        if (json_object_set_new(out, class_name[c], o) != 0 && s == YH_OK)
            s = yh_fail(err, YH_NOMEM, "no memory");
    }
    char *t = NULL;
    if (s == YH_OK)
        s = yh_json_print(&t, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6), err);
    *json = t != NULL ? yh_strdup(t) : NULL;
    if (t != NULL)
        yh_json_text_free(t);
    json_decref(out);
    return s != YH_OK || *json != NULL ? s : yh_fail(err, YH_NOMEM, "no memory");
}

yh_status yh_corpus_diff(const char *a, const char *b, const yh_diff_options *o, char **json,
                         yh_err *err)
{
    static const yh_diff_options defaults = {.examples = 5};
    diff d = {.corpus = {a, b}, .o = o != NULL ? o : &defaults};
    const char *work = d.o->work != NULL ? d.o->work : "/tmp";
    uint64_t memory = d.o->memory != 0 ? d.o->memory : (uint64_t)256 << 20;
    *json = NULL;
    if (d.o->examples > EXAMPLES_MAX)
        return yh_fail(err, YH_INVALID, "at most %d examples can be shown", (int)EXAMPLES_MAX);
    YH_TRY(yh_sorter_create(&d.s, RECORD, memory, work, NULL, err));
    yh_status s = each_of_all(&d, add_record, err);
    if (s == YH_OK)
        s = join(&d, err);
    if (s == YH_OK && d.n_ex > 0)
        s = each_of_all(&d, take_example, err);
    if (s == YH_OK)
        s = report(&d, json, err);
    yh_sorter_free(d.s);
    for (size_t i = 0; i < d.n_ex; i++) {
        json_decref(d.ex[i].out);
        yh_free(d.ex[i].text[0]);
        yh_free(d.ex[i].text[1]);
    }
    yh_free(d.ex);
    for (int i = 0; i < d.n_rules; i++)
        yh_free(d.rule[i]);
    return s;
}
