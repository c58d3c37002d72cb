#include <math.h>

#include "data/engine_record.h"
#include "data/record.h"

static yh_status member(yh_buf *out, const char *key, const char *text, size_t n, yh_err *err)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        YH_TRY(yh_buf_addc(out, ',', err));
    YH_TRY(yh_buf_addc(out, '"', err));
    YH_TRY(yh_buf_adds(out, key, err));
    YH_TRY(yh_buf_adds(out, "\":", err));
    return yh_record_string(out, text, n, err);
}

static yh_status number(yh_buf *out, const char *key, double v, yh_err *err)
{
    const char *sep = out->len > 0 && out->data[out->len - 1] != '{' ? "," : "";
    return isfinite(v) ? yh_buf_addf(out, err, "%s\"%s\":%.6g", sep, key, v) : YH_OK;
}

/* Whether p[0, n) ends with a quoted name (of ours: no escapes within). */
static bool ends_with(const char *p, size_t n, const char *name)
{
    size_t k = strlen(name);
    return n >= k + 2 && p[n - 1] == '"' && p[n - k - 2] == '"' &&
           memcmp(p + n - k - 1, name, k) == 0;
}

/* Whether a rendered list of members has one of these keys, or one of the values' names. */
static bool has_key(const char *members, size_t n, const char *const *keys, size_t n_keys,
                    const yh_draft *d)
{
    for (size_t at = 0; at < n; at++) {
        const char *colon = memchr(members + at, ':', n - at);
        if (colon == NULL)
            return false;
        at = (size_t)(colon - members);
        if (at == 0 || members[at - 1] != '"')
            continue;
        for (size_t i = 0; i < n_keys; i++)
            if (ends_with(members, at, keys[i]))
                return true;
        for (int i = 0; d != NULL && i < d->n_value; i++)
            if (ends_with(members, at, d->value[i].name))
                return true;
    }
    return false;
}

/* Whether the record says this itself, so that the input's member of the name must go. */
static bool says(const yh_draft *d, const yh_origin *o, const char *key)
{
    const struct {
        const char *key;
        bool says;
    } own[] = {{"part", o->part > 1},
               {"encoding", strcmp(d->encoding, "UTF-8") != 0},
               {"title", d->title != NULL},
               {"url", d->url != NULL},
               {"lang", d->lang[0] != '\0'},
               {"lang_score", d->lang[0] != '\0'},
               {"original", d->original != NULL}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].says && strcmp(own[i].key, key) == 0)
            return true;
    for (int i = 0; i < d->n_value; i++)
        if (strcmp(d->value[i].name, key) == 0)
            return true;
    return false;
}

/* What the input had beside the text, such as a corpus that is cleaned again: without what the
 * record says itself; edits and offset of the run before are "earlier_edits", "earlier_offset". */
static yh_status add_kept_meta(yh_buf *out, const yh_draft *d, const yh_origin *o, yh_err *err)
{
    static const char *const ours[] = {"part",     "encoding", "title",      "url",   "lang",
                                       "original", "edits",    "lang_score", "offset"};
    static const char *const moved[2][2] = {{"edits", "earlier_edits"},
                                            {"offset", "earlier_offset"}};
    const char *sep = out->len > 0 && out->data[out->len - 1] != '{' ? "," : "";
    size_t n = strlen(d->meta);
    if (!has_key(d->meta, n, ours, sizeof ours / sizeof *ours, d)) {
        YH_TRY(yh_buf_adds(out, sep, err));
        return yh_buf_add(out, d->meta, n, err);
    }
    yh_buf b;
    json_t *j = NULL, *v;
    void *next;
    const char *key;
    char *text = NULL;
    yh_buf_init(&b, 0);
    yh_status s = yh_buf_addf(&b, err, "{%s}", d->meta);
    if (s == YH_OK)
        s = yh_json_parse(&j, b.data, b.len, "meta", err);
    yh_buf_fini(&b);
    for (int i = 0; i < 2; i++)
        if ((v = json_object_get(j, moved[i][0])) != NULL &&
            (json_object_set(j, moved[i][1], v) != 0 || json_object_del(j, moved[i][0]) != 0))
            s = yh_fail(err, YH_NOMEM, "no memory for a record");
    json_object_foreach_safe(j, next, key, v)
    {
        if (says(d, o, key))
            (void)json_object_del(j, key);
    }
    if (s == YH_OK && json_object_size(j) > 0)
        s = yh_json_print_exact(&text, j, JSON_COMPACT, err);
    if (s == YH_OK && text != NULL)
        s = yh_buf_adds(out, sep, err);
    if (s == YH_OK && text != NULL)
        s = yh_buf_add(out, text + 1, strlen(text) - 2, err);
    if (text != NULL)
        yh_json_text_free(text);
    json_decref(j);
    return s;
}

/* Every record has one: written without printf. */
static yh_status add_offset(yh_buf *out, uint64_t v, yh_err *err)
{
    char digits[24];
    size_t at = sizeof digits;
    for (; v > 0; v /= 10)
        digits[--at] = (char)('0' + v % 10);
    if (out->len > 0 && out->data[out->len - 1] != '{')
        YH_TRY(yh_buf_addc(out, ',', err));
    YH_TRY(yh_buf_adds(out, "\"offset\":", err));
    return yh_buf_add(out, digits + at, sizeof digits - at, err);
}

/* Members of meta that are known before the stages; `before` holds those rendered earlier. */
static yh_status add_meta(yh_buf *out, const yh_draft *d, const yh_origin *o, yh_err *err)
{
    if (o->meta_len > 0)
        YH_TRY(yh_buf_add(out, o->meta, o->meta_len, err));
    if (o->meta == NULL) {
        if (d->offset > 0)
            YH_TRY(add_offset(out, d->offset, err));
        const char *sep = out->len > 0 && out->data[out->len - 1] != '{' ? "," : "";
        if (o->part > 1)
            YH_TRY(yh_buf_addf(out, err, "%s\"part\":%llu", sep, (unsigned long long)o->part));
        if (strcmp(d->encoding, "UTF-8") != 0)
            YH_TRY(member(out, "encoding", d->encoding, strlen(d->encoding), err));
        if (d->title != NULL)
            YH_TRY(member(out, "title", d->title, strlen(d->title), err));
        if (d->url != NULL)
            YH_TRY(member(out, "url", d->url, strlen(d->url), err));
    }
    for (int i = 0; i < d->n_value; i++)
        if (o->meta_len == 0 || !has_key(o->meta, o->meta_len, &d->value[i].name, 1, NULL))
            YH_TRY(number(out, d->value[i].name, d->value[i].value, err));
    return d->meta != NULL && d->meta[0] != '\0' ? add_kept_meta(out, d, o, err) : YH_OK;
}

/* Elements of "edits": neighbours of one step and kind are one. */
static yh_status add_edits(yh_buf *out, const yh_draft *d, const yh_recipe *r, bool first,
                           yh_err *err)
{
    for (size_t i = 0; i < d->n_edit;) {
        const yh_edit *e = &d->edit[i];
        uint64_t n = 0, bytes = 0, count = 0;
        size_t k = i;
        for (; k < d->n_edit && d->edit[k].step == e->step && d->edit[k].kind == e->kind; k++) {
            n++;
            bytes += d->edit[k].len;
            count += d->edit[k].count;
        }
        YH_TRY(yh_buf_addf(out, err, "%s{\"rule\":\"%s\",\"step\":%d", first ? "" : ",",
                           r->step[e->step].name, e->step + 1));
        if (e->kind == YH_EDIT_CUT)
            YH_TRY(yh_buf_addf(out, err, ",\"cuts\":%llu,\"bytes\":%llu", (unsigned long long)n,
                               (unsigned long long)bytes));
        else
            YH_TRY(yh_buf_addf(out, err, ",\"changes\":%llu", (unsigned long long)count));
        if (e->kind == YH_EDIT_CHANGE && e->evidence != NULL)
            YH_TRY(member(out, "evidence", e->evidence, strlen(e->evidence), err));
        YH_TRY(yh_buf_addc(out, '}', err));
        first = false;
        i = k;
    }
    return YH_OK;
}

static yh_status add_origin(yh_buf *out, const yh_origin *o, yh_err *err)
{
    YH_TRY(yh_buf_adds(out, ",\"id\":", err));
    YH_TRY(yh_record_string(out, o->id, strlen(o->id), err));
    YH_TRY(yh_buf_adds(out, ",\"source\":", err));
    return yh_record_string(out, o->source, strlen(o->source), err);
}

static yh_status add_head(yh_buf *out, const char *text, size_t n, const yh_origin *o, yh_err *err)
{
    YH_TRY(yh_buf_adds(out, "{\"text\":", err));
    YH_TRY(yh_record_string(out, text, n, err));
    return add_origin(out, o, err);
}

yh_status yh_record_kept(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                         yh_err *err)
{
    if (d->raw != NULL && d->n_edit == 0 && d->len == d->raw_text) {
        YH_TRY(yh_buf_adds(out, "{\"text\":\"", err));
        YH_TRY(yh_buf_add(out, d->raw, d->raw_len, err));
        YH_TRY(yh_buf_addc(out, '"', err));
        YH_TRY(add_origin(out, o, err));
    } else {
        YH_TRY(add_head(out, d->text, d->len, o, err));
    }
    YH_TRY(yh_buf_adds(out, ",\"meta\":{", err));
    YH_TRY(add_meta(out, d, o, err));
    if (d->lang[0] != '\0') {
        YH_TRY(member(out, "lang", d->lang, strlen(d->lang), err));
        YH_TRY(number(out, "lang_score", d->lang_score, err));
    }
    if (o->original_len > 0)
        YH_TRY(member(out, "original", o->original, o->original_len, err));
    else if (d->original != NULL)
        YH_TRY(member(out, "original", d->original, strlen(d->original), err));
    if (d->n_edit > 0 || o->edits_len > 0) {
        const char *sep = out->data[out->len - 1] != '{' ? "," : "";
        YH_TRY(yh_buf_addf(out, err, "%s\"edits\":[", sep));
        if (o->edits_len > 0)
            YH_TRY(yh_buf_add(out, o->edits, o->edits_len, err));
        YH_TRY(add_edits(out, d, r, o->edits_len == 0, err));
        YH_TRY(yh_buf_addc(out, ']', err));
    }
    return yh_buf_adds(out, "}}\n", err);
}

typedef struct gone {
    const char *text, *what, *evidence;
    size_t n;
    int step;
    uint64_t at;
    double score;
} gone;

static yh_status add_removed(yh_buf *out, const gone *g, const yh_origin *o, const yh_recipe *r,
                             yh_err *err)
{
    YH_TRY(add_head(out, g->text, g->n, o, err));
    YH_TRY(yh_buf_addf(
        out, err, ",\"rule\":\"%s\",\"step\":%d,\"what\":\"%s\",\"at\":%llu,\"len\":%zu",
        r->step[g->step].name, g->step + 1, g->what, (unsigned long long)g->at, g->n));
    if (g->score < 0 || g->score > 0)
        YH_TRY(number(out, "score", g->score, err));
    if (g->evidence != NULL)
        YH_TRY(member(out, "evidence", g->evidence, strlen(g->evidence), err));
    return yh_buf_adds(out, "}\n", err);
}

yh_status yh_record_removed(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                            yh_err *err)
{
    for (size_t i = 0; i < d->n_edit; i++) {
        const yh_edit *e = &d->edit[i];
        gone g = {e->text, "part", e->evidence, e->len, e->step, e->at, e->score};
        if (e->kind == YH_EDIT_CUT)
            YH_TRY(add_removed(out, &g, o, r, err));
    }
    if (d->removed_by < 0)
        return YH_OK;
    gone g = {d->text, "document", d->removed_evidence, d->len, d->removed_by, 0, d->removed_score};
    return add_removed(out, &g, o, r, err);
}

/* ------------------------------------------------------------------ through the store */

/* Writes the length of what was appended since `at` into the 8 bytes before it. */
static void close_field(yh_buf *out, size_t at)
{
    uint64_t n = out->len - at;
    memcpy(out->data + at - sizeof n, &n, sizeof n);
}

static yh_status open_field(yh_buf *out, size_t *at, yh_err *err)
{
    uint64_t zero = 0;
    YH_TRY(yh_buf_add(out, &zero, sizeof zero, err));
    *at = out->len;
    return YH_OK;
}

yh_status yh_record_pack(yh_buf *out, const yh_draft *d, const yh_origin *o, const yh_recipe *r,
                         yh_err *err)
{
    size_t at;
    yh_buf meta;
    yh_buf_init(&meta, 0);
    YH_TRY(yh_buf_add(out, &d->lang_score, sizeof d->lang_score, err));
    yh_status s = add_meta(&meta, d, o, err);
    if (s == YH_OK)
        s = open_field(out, &at, err);
    if (s == YH_OK && meta.len > 0)
        s = yh_buf_add(out, meta.data, meta.len, err);
    yh_buf_fini(&meta);
    YH_TRY(s);
    close_field(out, at);
    YH_TRY(open_field(out, &at, err));
    YH_TRY(add_edits(out, d, r, true, err));
    close_field(out, at);
    YH_TRY(open_field(out, &at, err));
    if (d->original != NULL)
        YH_TRY(yh_buf_adds(out, d->original, err));
    close_field(out, at);
    return YH_OK;
}

yh_status yh_record_unpack(const char *extra, size_t len, yh_origin *o, double *lang_score,
                           yh_err *err)
{
    const char **field[] = {&o->meta, &o->edits, &o->original};
    size_t *size[] = {&o->meta_len, &o->edits_len, &o->original_len};
    size_t at = sizeof *lang_score;
    if (len < at)
        return yh_fail(err, YH_CORRUPT, "the store's record of %s is too short", o->id);
    memcpy(lang_score, extra, sizeof *lang_score);
    for (int i = 0; i < 3; i++) {
        uint64_t n;
        if (len - at < sizeof n)
            return yh_fail(err, YH_CORRUPT, "the store's record of %s is too short", o->id);
        memcpy(&n, extra + at, sizeof n);
        at += sizeof n;
        if (n > len - at)
            return yh_fail(err, YH_CORRUPT, "the store's record of %s is damaged", o->id);
        *field[i] = extra + at;
        *size[i] = (size_t)n;
        at += (size_t)n;
    }
    return YH_OK;
}
