/* Scan: the files of one unit to documents, through the steps before the stages. */
#include <stdio.h>

#include "base/thread.h"
#include "data/engine_work.h"
#include "input/normalize.h"

enum { BATCH_GROUPS = 256, CHECKPOINT_SECONDS = 2, STATE_LIMIT = 256 << 20 };

typedef struct batch {
    yh_group group[BATCH_GROUPS];
    size_t n;
    bool more; /* something may follow */
    yh_status status;
    yh_err err;
} batch;

typedef struct scan {
    yh_engine *e;
    uint64_t unit;
    char dir[PATH_MAX - 64];
    yh_dir_lock lock;
    yh_output out;
    yh_unit_reader reader;
    batch now;
    yh_work *work;
    size_t batch_groups, batch_bytes;
    json_t *stats;
    yh_cursor cursor; /* behind what was written */
    uint64_t lines;   /* of a divided file, as far as an earlier run came with the unit; else 0 */
    double seconds, began, saved;
    uint64_t unsaved; /* bytes of text since the last checkpoint */
    /* store */
    yh_store_writer *store;
    yh_buf ids;
    uint64_t segments, n_ids;
    yh_buf offsets; /* u64 a document, into ids */
} scan;

/* ------------------------------------------------------------------ reading */

static void fill(scan *s)
{
    batch *b = &s->now;
    size_t bytes = 0;
    b->n = 0;
    b->more = true;
    while (b->more && b->n < s->batch_groups && bytes < s->batch_bytes) {
        yh_group *g = &b->group[b->n];
        b->n++;
        b->status = yh_unit_reader_next(&s->reader, g, &b->more, &b->err);
        if (b->status != YH_OK)
            break;
        bytes += g->bytes;
    }
}

static void drop(batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        yh_group_fini(&b->group[i]);
    b->n = 0;
}

/* ------------------------------------------------------------------ documents (parallel) */

static yh_status normalize(yh_draft *d, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_normalize(d->text, d->len, &b, err);
    if (s == YH_OK)
        s = yh_buf_reserve(&b, 0, err);
    if (s != YH_OK) {
        yh_buf_fini(&b);
        return s;
    }
    b.data[b.len] = '\0';
    yh_free(d->text);
    d->text = b.data;
    d->len = b.len;
    yh_draft_stale(d);
    return YH_OK;
}

static yh_status make_documents(const yh_engine *e, yh_part_in *p, yh_prefetch *from, yh_err *err)
{
    const yh_recipe *r = e->recipe;
    YH_TRY(p->chunk.reader->documents(&p->chunk.piece, &p->drafts, err));
    bool raw = false;
    for (size_t i = 0; i < p->drafts.n; i++) {
        yh_draft *d = &p->drafts.d[i];
        if (r->normalize)
            YH_TRY(normalize(d, err));
        YH_TRY(yh_engine_steps(e, d, 0, r->whole, err));
    }
    if (r->part_chars > 0)
        YH_TRY(yh_drafts_divide(&p->drafts, r->part_chars, err));
    for (size_t i = 0; i < p->drafts.n; i++) {
        YH_TRY(yh_engine_steps(e, &p->drafts.d[i], r->whole, r->scan_end, err));
        raw = raw || p->drafts.d[i].raw != NULL;
    }
    if (!raw || e->stages) /* else records are copied from it */
        yh_prefetch_spare(from, &p->chunk.piece.bytes);
    return YH_OK;
}

static void documents_range(void *arg, int64_t begin, int64_t end, int worker)
{
    scan *s = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        yh_group *g = &s->now.group[i];
        yh_work *w = &s->work[i];
        for (size_t k = 0; k < g->n && w->status == YH_OK; k++) {
            yh_err e = YH_ERR_INIT;
            w->status = make_documents(s->e, &g->part[k], s->reader.ahead, &e);
            if (w->status != YH_OK)
                (void)yh_fail(&w->err, w->status, "%s: %s", s->e->in.f[g->part[k].file].path,
                              e.msg);
        }
    }
}

/* ------------------------------------------------------------------ numbers (serial) */

/* Gives the pieces the numbers of their documents; g->after.docs and .part go on with them. */
static void number_group(yh_group *g, yh_cursor *at)
{
    uint64_t docs = at->docs, part = at->part;
    size_t file = (size_t)at->file;
    for (size_t i = 0; i < g->n; i++) {
        yh_part_in *p = &g->part[i];
        if (p->chunk.first || p->file != file)
            docs = part = 0;
        file = p->file;
        p->first_doc = docs;
        p->first_part = part;
        for (size_t k = 0; k < p->drafts.n; k++) {
            if (p->drafts.d[k].starts) {
                docs++;
                part = 0;
            }
            part++;
        }
    }
    bool goes_on = g->after.piece > 0 && g->after.file == file;
    g->after.docs = goes_on ? docs : 0;
    g->after.part = goes_on ? part : 0;
    *at = g->after;
}

/* ------------------------------------------------------------------ records (parallel) */

typedef struct numbering {
    uint64_t doc, part, last, nth;
    yh_buf id;
} numbering;

/* ":N"; printf would be the slowest part of passing a short document through. */
static yh_status add_number(yh_buf *out, uint64_t n, yh_err *err)
{
    char text[24], *p = text + sizeof text;
    for (; n > 0; n /= 10)
        *--p = (char)('0' + n % 10);
    *--p = ':';
    return yh_buf_add(out, p, (size_t)(text + sizeof text - p), err);
}

static yh_status next_id(numbering *n, const yh_draft *d, const yh_input *f, const char *entry,
                         yh_err *err)
{
    if (d->starts) {
        n->doc++;
        n->part = 0;
        n->nth = d->number == n->last ? n->nth + 1 : 1; /* of one JSON value: N, N.2, ... */
        n->last = d->number;
    }
    n->part++;
    uint64_t number = d->number != 0 ? d->number : n->doc > 1 ? n->doc : 0;
    yh_buf_clear(&n->id);
    YH_TRY(yh_buf_adds(&n->id, f->id, err));
    if (entry != NULL)
        YH_TRY(yh_buf_addf(&n->id, err, "/%s", entry));
    if (number > 0)
        YH_TRY(add_number(&n->id, number, err));
    if (d->number != 0 && n->nth > 1)
        YH_TRY(yh_buf_addf(&n->id, err, ".%llu", (unsigned long long)n->nth));
    if (n->part > 1)
        YH_TRY(yh_buf_addf(&n->id, err, "#%llu", (unsigned long long)n->part));
    return YH_OK;
}

/* A document for the stages: its place in `docs` and the rest in `extras`. */
static yh_status to_store(const yh_engine *e, yh_work *w, const yh_draft *d, const yh_origin *o,
                          yh_stored *docs, yh_buf *extras, yh_err *err)
{
    yh_stored *doc = &docs[w->n_docs++];
    size_t at = extras->len;
    YH_TRY(yh_record_pack(extras, d, o, e->recipe, err));
    /* pointers into the two buffers are set when they no longer move */
    *doc = (yh_stored){.ordinal = at, .text = d->text, .len = d->len, .source = o->source};
    doc->url = d->url != NULL ? d->url : "";
    doc->lang = d->lang;
    doc->extra_len = extras->len - at;
    w->bytes += d->len;
    YH_TRY(yh_tally_values(yh_work_tally(w, o->source), d, err));
    return yh_buf_add(&w->ids, o->id, strlen(o->id) + 1, err);
}

static yh_status make_block(yh_work *w, yh_stored *docs, const yh_buf *extras, yh_err *err)
{
    const char *id = w->ids.data;
    for (size_t i = 0; i < w->n_docs; i++) {
        docs[i].id = id;
        id += strlen(id) + 1;
        docs[i].extra = extras->data + docs[i].ordinal;
        docs[i].ordinal = 0;
    }
    return w->n_docs > 0 ? yh_store_block(docs, w->n_docs, &w->block, err) : YH_OK;
}

static yh_status count_piece(yh_work *w, const yh_part_in *p, const yh_input *f, json_t *notes,
                             yh_err *err)
{
    enum { KEPT = sizeof p->drafts.problem / sizeof *p->drafts.problem };
    yh_tally *t = yh_work_tally(w, f->source);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for statistics");
    t->in += p->drafts.n;
    t->replaced += p->drafts.replaced;
    for (size_t i = 0; i < p->drafts.n; i++)
        yh_tally_add_name(t->encoding, &t->n_encodings, sizeof t->encoding / sizeof *t->encoding,
                          p->drafts.d[i].encoding);
    for (uint64_t i = 0; i < p->drafts.n_problems; i++) {
        const yh_problem *x = &p->drafts.problem[i < KEPT ? i : KEPT - 1];
        char place[32], kind[sizeof x->what];
        if (i >= KEPT) { /* counted, no longer named */
            YH_TRY(yh_stats_add(notes, p->drafts.n_problems - i, "problems", "count", NULL, err));
            YH_TRY(yh_stats_add(notes, p->drafts.n_problems - i, "problems", "by_kind",
                                "further ones like these", err));
            break;
        }
        snprintf(place, sizeof place, "%s %llu", p->chunk.reader->name,
                 (unsigned long long)x->place);
        snprintf(kind, sizeof kind, "%.*s", (int)strcspn(x->what, ":"), x->what);
        YH_TRY(yh_stats_name(notes, "problems", kind, f->id, place, x->what, err));
    }
    return YH_OK;
}

/* docs NULL: no stage follows. */
static yh_status piece_records(const yh_engine *e, yh_work *w, yh_part_in *p, yh_stored *docs,
                               yh_buf *extras, yh_err *err)
{
    const yh_input *f = &e->in.f[p->file];
    numbering n = {.doc = p->first_doc, .part = p->first_part, .nth = 1};
    yh_status s = YH_OK;
    for (size_t i = 0; i < p->drafts.n && s == YH_OK; i++) {
        yh_draft *d = &p->drafts.d[i];
        YH_GOTO(s, next_id(&n, d, f, p->chunk.entry, err), out);
        yh_origin o = {.id = n.id.data, .source = f->source, .part = n.part};
        if (d->removed_by >= 0 || d->n_edit > 0)
            YH_GOTO(s, yh_work_removed(e, w, d, &o, err), out);
        if (d->removed_by < 0)
            s = docs != NULL ? to_store(e, w, d, &o, docs, extras, err)
                             : yh_work_kept(e, w, d, &o, err);
    }
out:
    yh_buf_fini(&n.id);
    return s;
}

static yh_status group_records(const yh_engine *e, yh_work *w, yh_group *g, yh_prefetch *from,
                               yh_err *err)
{
    yh_status s = YH_OK;
    size_t n = 0;
    yh_buf extras;
    yh_stored *docs = NULL;
    yh_buf_init(&extras, 0);
    for (size_t i = 0; i < g->n; i++)
        n += g->part[i].drafts.n;
    if (e->stages && n > 0) {
        docs = yh_calloc(n, sizeof *docs);
        if (docs == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu documents", n);
    } else if (!e->stages) {
        YH_TRY(yh_buf_reserve(&w->kept, g->bytes + g->bytes / 8, err));
    }
    for (size_t i = 0; i < g->n && s == YH_OK; i++) {
        s = count_piece(w, &g->part[i], &e->in.f[g->part[i].file], g->notes, err);
        if (s == YH_OK)
            s = piece_records(e, w, &g->part[i], docs, &extras, err);
    }
    if (s == YH_OK && docs != NULL)
        s = make_block(w, docs, &extras, err);
    yh_buf_fini(&extras);
    yh_free(docs);
    for (size_t i = 0; i < g->n; i++) {
        yh_drafts_fini(&g->part[i].drafts);
        yh_prefetch_spare(from, &g->part[i].chunk.piece.bytes);
    }
    return s == YH_OK ? yh_work_pack(e, w, err) : s;
}

static void records_range(void *arg, int64_t begin, int64_t end, int worker)
{
    scan *s = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        s->work[i].status =
            group_records(s->e, &s->work[i], &s->now.group[i], s->reader.ahead, &s->work[i].err);
}

/* ------------------------------------------------------------------ writing (serial) */

static yh_status store_add(scan *s, const yh_work *w, yh_err *err)
{
    char path[PATH_MAX];
    if (w->n_docs == 0)
        return YH_OK;
    if (s->store == NULL) {
        snprintf(path, sizeof path, "%s/seg-%05llu.store", s->dir, (unsigned long long)s->segments);
        YH_TRY(yh_store_writer_create(&s->store, path, err));
    }
    for (size_t at = 0; at < w->ids.len; at += strlen(w->ids.data + at) + 1) {
        uint64_t where = s->ids.len + at;
        YH_TRY(yh_buf_add(&s->offsets, &where, sizeof where, err));
    }
    YH_TRY(yh_buf_add(&s->ids, w->ids.data, w->ids.len, err));
    return yh_store_writer_add(s->store, &w->block, w->n_docs, w->bytes, err);
}

static yh_status store_commit(scan *s, yh_err *err)
{
    char path[PATH_MAX];
    yh_writer w = YH_WRITER_INIT;
    uint64_t n = s->offsets.len / sizeof n;
    if (s->store == NULL)
        return YH_OK;
    snprintf(path, sizeof path, "%s/seg-%05llu.ids", s->dir, (unsigned long long)s->segments);
    YH_TRY(yh_writer_open(&w, path, err));
    yh_status st = yh_writer_write(&w, &n, sizeof n, err);
    if (st == YH_OK)
        st = yh_writer_write(&w, s->offsets.data, s->offsets.len, err);
    if (st == YH_OK)
        st = yh_writer_write(&w, s->ids.data, s->ids.len, err);
    if (st != YH_OK)
        yh_writer_abort(&w);
    YH_TRY(st);
    YH_TRY(yh_writer_commit(&w, err));
    st = yh_store_writer_commit(s->store, err);
    yh_store_writer_free(s->store);
    s->store = NULL;
    yh_buf_clear(&s->ids);
    yh_buf_clear(&s->offsets);
    s->segments += st == YH_OK;
    return st;
}

/* Makes everything up to the cursor lasting. */
static yh_status checkpoint(scan *s, bool finished, yh_err *err)
{
    char path[PATH_MAX], hex[32];
    YH_TRY(yh_output_sync(&s->out, err));
    YH_TRY(store_commit(s, err));
    double now = yh_now();
    s->seconds += now - s->began;
    s->began = s->saved = now;
    s->unsaved = 0;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)s->e->fingerprint);
    snprintf(path, sizeof path, "%s/state.json", s->dir);
    json_t *output = yh_output_state(&s->out);
    json_t *j =
        json_pack("{s:s,s:b,s:{s:I,s:I,s:I,s:I},s:O,s:I,s:I,s:f,s:O}", "fingerprint", hex,
                  "finished", (int)finished, "cursor", "file", (json_int_t)s->cursor.file, "piece",
                  (json_int_t)s->cursor.piece, "docs", (json_int_t)s->cursor.docs, "part",
                  (json_int_t)s->cursor.part, "output", output, "segments", (json_int_t)s->segments,
                  "lines", (json_int_t)s->reader.lines, "seconds", s->seconds, "stats", s->stats);
    json_decref(output);
    if (j == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    yh_status st = yh_json_save(j, path, false, err);
    json_decref(j);
    return st;
}

/* ------------------------------------------------------------------ batches */

static yh_status first_error(const scan *s, yh_err *err)
{
    for (size_t i = 0; i < s->now.n; i++)
        if (s->work[i].status != YH_OK)
            return yh_fail(err, s->work[i].status, "%s", s->work[i].err.msg);
    return YH_OK;
}

static yh_status write_batch(scan *s, yh_err *err)
{
    yh_engine *e = s->e;
    for (size_t i = 0; i < s->now.n; i++) {
        yh_work *w = &s->work[i];
        yh_group *g = &s->now.group[i];
        YH_TRY(store_add(s, w, err));
        YH_TRY(yh_stats_merge(s->stats, g->notes, err));
        YH_TRY(yh_work_write(e, w, &s->out, s->stats, err));
        for (size_t k = 0; k < w->n_tally; k++) {
            e->docs_in += w->tally[k].in;
            e->docs_kept += e->stages ? w->tally[k].in - w->tally[k].removed : w->tally[k].kept;
        }
        e->text_bytes += e->stages ? w->bytes : w->kept_text;
        s->unsaved += w->bytes + w->kept_text + w->gone_text;
        s->cursor = g->after;
        e->bytes_done = e->units_done_bytes + g->raw_done;
        e->files_done = g->after.file < e->in.n ? e->in.f[g->after.file].file : e->in.n_files;
    }
    return YH_OK;
}

static yh_status run_batch(scan *s, yh_cursor *numbered, yh_err *err)
{
    int64_t n = (int64_t)s->now.n;
    yh_pool_run_dynamic(s->e->pool, n, 1, documents_range, s);
    yh_status st = first_error(s, err);
    for (size_t i = 0; i < s->now.n && st == YH_OK; i++)
        number_group(&s->now.group[i], numbered);
    if (st == YH_OK) {
        yh_pool_run_dynamic(s->e->pool, n, 1, records_range, s);
        st = first_error(s, err);
    }
    if (st == YH_OK)
        st = write_batch(s, err);
    for (size_t i = 0; i < s->now.n; i++)
        yh_work_reset(&s->work[i]);
    return st;
}

static yh_status run(scan *s, yh_err *err)
{
    yh_cursor numbered = s->cursor;
    yh_status st = YH_OK;
    for (bool more = true; more && st == YH_OK;) {
        fill(s);
        if (s->now.status != YH_OK)
            return yh_fail(err, s->now.status, "%s", s->now.err.msg);
        more = s->now.more;
        st = run_batch(s, &numbered, err);
        drop(&s->now);
        double now = yh_now();
        bool due = s->unsaved >= s->e->shard_bytes ||
                   (now - s->saved > CHECKPOINT_SECONDS && now - s->saved > s->seconds / 50);
        if (st == YH_OK && more && yh_stop_requested()) {
            st = checkpoint(s, false, err);
            if (st == YH_OK)
                st = yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        } else if (st == YH_OK && (due || !more)) {
            st = checkpoint(s, !more, err);
        }
        yh_engine_progress(s->e, false);
    }
    return st;
}

/* ------------------------------------------------------------------ set up */

static json_t *load_state(const yh_engine *e, uint64_t unit)
{
    char path[PATH_MAX], hex[32];
    json_t *j = NULL;
    yh_err err = YH_ERR_INIT;
    if (yh_engine_path(e, path, sizeof path, &err, "unit-%06llu/state.json",
                       (unsigned long long)unit) != YH_OK ||
        !yh_is_file(path) || yh_json_load(&j, path, STATE_LIMIT, &err) != YH_OK)
        return NULL;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)e->fingerprint);
    const char *have = json_string_value(json_object_get(j, "fingerprint"));
    if (have == NULL || strcmp(have, hex) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

bool yh_engine_unit_finished(const yh_engine *e, uint64_t unit)
{
    json_t *j = load_state(e, unit);
    bool is = json_is_true(json_object_get(j, "finished"));
    json_decref(j);
    return is;
}

static uint64_t cursor_value(const json_t *state, const char *key)
{
    const json_t *v = json_object_get(json_object_get(state, "cursor"), key);
    json_int_t n = json_integer_value(v);
    return n > 0 ? (uint64_t)n : 0;
}

static yh_status go_on(scan *s, const json_t *state, yh_err *err)
{
    yh_engine *e = s->e;
    yh_err why = YH_ERR_INIT;
    yh_status st =
        yh_output_open(&s->out, s->dir, e->shard_bytes, json_object_get(state, "output"), &why);
    if (st == YH_CORRUPT) {
        yh_log(YH_LOG_WARN, "%s; reading this part of the input again", why.msg);
        yh_output_close(&s->out);
        state = NULL;
        st = yh_output_open(&s->out, s->dir, e->shard_bytes, NULL, &why);
    }
    if (st != YH_OK)
        return yh_fail(err, st, "%s", why.msg);
    if (state == NULL)
        return yh_stats_create(&s->stats, err);
    s->cursor = (yh_cursor){cursor_value(state, "file"), cursor_value(state, "piece"),
                            cursor_value(state, "docs"), cursor_value(state, "part")};
    s->segments = (uint64_t)json_integer_value(json_object_get(state, "segments"));
    s->seconds = json_number_value(json_object_get(state, "seconds"));
    s->lines = (uint64_t)json_integer_value(json_object_get(state, "lines"));
    s->stats = json_deep_copy(json_object_get(state, "stats"));
    return s->stats != NULL ? YH_OK : yh_stats_create(&s->stats, err);
}

/* Lines of the file before a unit that begins within it: from the nearest unit before that is
 * finished, and what lies between is counted. */
static yh_status lines_before(const scan *s, uint64_t *lines, yh_err *err)
{
    const yh_inputs *in = &s->e->in;
    const size_t first = in->unit[s->unit];
    const yh_input *f = first < in->n ? &in->f[first] : NULL;
    uint64_t from = 0, place, more;
    *lines = 0;
    if (f == NULL || f->begin == 0)
        return YH_OK;
    for (uint64_t u = s->unit; u > 0 && from == 0; u--) {
        const yh_input *last = &in->f[in->unit[u] - 1]; /* of unit u - 1 */
        if (last->file != f->file)
            break;
        json_t *state = load_state(s->e, u - 1);
        if (json_is_true(json_object_get(state, "finished"))) {
            *lines = (uint64_t)json_integer_value(json_object_get(state, "lines"));
            from = last->end;
        }
        json_decref(state);
    }
    if (from > 0)
        YH_TRY(yh_stream_line_at(f->path, from, 0, &from, NULL, err));
    if (from >= f->begin)
        return YH_OK;
    YH_TRY(yh_stream_line_at(f->path, f->begin, from, &place, &more, err));
    *lines += more;
    return YH_OK;
}

static yh_status scan_unit(scan *s, yh_err *err)
{
    yh_engine *e = s->e;
    YH_TRY(
        yh_engine_path(e, s->dir, sizeof s->dir, err, "unit-%06llu", (unsigned long long)s->unit));
    YH_TRY(yh_mkdirs(s->dir, err));
    YH_TRY(yh_dir_lock_wait(&s->lock, s->dir, err));
    json_t *state = load_state(e, s->unit);
    if (json_is_true(json_object_get(state, "finished"))) {
        json_decref(state);
        return YH_OK;
    }
    yh_status st = go_on(s, state, err);
    json_decref(state);
    YH_TRY(st);
    s->batch_groups = yh_engine_batch(e, BATCH_GROUPS);
    s->batch_bytes = (size_t)(e->memory / 32);
    s->work = yh_calloc(BATCH_GROUPS, sizeof *s->work);
    if (s->work == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a batch");
    /* two batches ahead: the memory of pieces goes round, and is in the cache when it comes back */
    size_t ahead = 2 * s->batch_groups * YH_GROUP_BYTES;
    ahead = ahead < s->batch_bytes ? ahead : s->batch_bytes;
    uint64_t lines;
    YH_TRY(lines_before(s, &lines, err));
    YH_TRY(yh_unit_reader_open(&s->reader, &e->in, (size_t)s->unit, s->cursor, lines, ahead,
                               &e->recipe->read, err));
    s->reader.lines = s->lines > lines ? s->lines : lines;
    s->cursor.file = s->reader.at.file;
    s->began = s->saved = yh_now();
    return run(s, err);
}

yh_status yh_engine_scan(yh_engine *e, uint64_t unit, yh_err *err)
{
    scan s = {.e = e, .unit = unit, .lock = YH_DIR_LOCK_INIT};
    s.out.row[0].fd = s.out.row[1].fd = -1;
    yh_status st = scan_unit(&s, err);
    yh_unit_reader_close(&s.reader);
    yh_output_close(&s.out);
    yh_store_writer_free(s.store);
    yh_buf_fini(&s.ids);
    yh_buf_fini(&s.offsets);
    drop(&s.now);
    for (size_t i = 0; s.work != NULL && i < BATCH_GROUPS; i++)
        yh_work_fini(&s.work[i]);
    yh_free(s.work);
    json_decref(s.stats);
    yh_dir_lock_release(&s.lock);
    if (st == YH_OK)
        e->units_done_bytes += e->in.unit_byte[unit + 1] - e->in.unit_byte[unit];
    return st;
}
