/* yh_clean_run. The input is a sequence of pieces (data/reader.h), taken in batches whose bounds
 * follow from the bytes alone. A batch goes through: documents and rules without memory, in
 * parallel; rules with memory, one document after the other; records and compression, in parallel;
 * writing. So the output does not depend on threads, and memory is that of one batch. */
#include <stdio.h>

#include "base/hash.h"
#include "base/thread.h"
#include "data/clean_parts.h"
#include "data/clean_report.h"
#include "input/normalize.h"
#include "data/record.h"

enum {
    BATCH_BYTES = 16 << 20,
    BATCH_PIECES = 4096,
    FRAME_BYTES = 1 << 20,  /* records are compressed in frames of at least this many bytes */
    SHARD_BYTES = 128 << 20 /* of text; a shard is what a killed run loses at most */
};

/* A piece of input on its way, and what became of it. */
typedef struct item {
    yh_piece piece;
    const yh_reader *reader;
    size_t file;
    yh_drafts drafts;
    yh_buf kept, removed; /* records */
    yh_err err;
    yh_status status;
    uint64_t first_doc, first_part; /* counters of the file before this piece */
    uint64_t n_kept, kept_bytes, kept_chars, cut_lines;
} item;

typedef struct cleaner {
    const yh_clean_options *o;
    yh_pool *pool;
    const yh_filter *const *filter;
    int n_filters, slot[64]; /* slot: of the filters with memory, else -1 */
    void *state[64];
    yh_inputs in;
    yh_shards out;
    json_t *stats;
    yh_cursor cursor;
    yh_stream *stream;
    yh_reader_state reader_state;
    uint64_t bytes_done, file_bytes; /* of finished files; of the open one */
    double seconds, began, last_progress;
    item *items;
    size_t n_items;
    struct {
        size_t first, n;
        yh_buf kept, removed;
        yh_err err;
        yh_status status;
    } * frame;
    size_t n_frames, cap_frames;
} cleaner;

/* ------------------------------------------------------------------ reading */

static void item_reset(item *it)
{
    yh_buf_fini(&it->piece.bytes);
    yh_drafts_fini(&it->drafts);
    yh_buf_fini(&it->kept);
    yh_buf_fini(&it->removed);
    memset(it, 0, sizeof *it);
}

static yh_status count_file(cleaner *c, const yh_input *f, yh_err *err)
{
    YH_TRY(yh_stats_add(c->stats, 1, "input", "files", NULL, err));
    YH_TRY(yh_stats_add(c->stats, f->size, "input", "bytes", NULL, err));
    return yh_stats_add(c->stats, 1, "input", "by_type", f->type[0] ? f->type : "(none)", err);
}

/* Opens the file under the cursor; *ok false: skipped, counted. */
static yh_status open_file(cleaner *c, bool *ok, yh_err *err)
{
    const yh_input *f = &c->in.f[c->cursor.file];
    bool again = c->cursor.piece > 0;
    yh_err e = YH_ERR_INIT;
    *ok = false;
    if (!again)
        YH_TRY(count_file(c, f, err));
    if (f->reader == NULL)
        return yh_stats_name(c->stats, "skipped", "format not known", f->id, NULL,
                             "its name has none of the endings .txt .md .html .htm .jsonl .json "
                             "(with or without .gz, .zst)",
                             err);
    if (f->size == 0)
        return yh_stats_name(c->stats, "skipped", "empty", f->id, NULL, "has no bytes", err);
    yh_status s = yh_stream_open(&c->stream, f->path, &e);
    if (s == YH_NOMEM)
        return yh_fail(err, s, "%s", e.msg);
    if (s != YH_OK)
        return yh_stats_name(c->stats, "skipped", "cannot be read", f->id, NULL, e.msg, err);
    memset(&c->reader_state, 0, sizeof c->reader_state);
    for (uint64_t i = 0; i < c->cursor.piece; i++) { /* a run goes on: taken before */
        yh_piece skip = {0};
        bool more = true;
        s = f->reader->next(c->stream, &c->reader_state, &skip, &more, err);
        c->reader_state.problem[0] = '\0';
        yh_buf_fini(&skip.bytes);
        YH_TRY(s);
    }
    *ok = true;
    return YH_OK;
}

static yh_status close_file(cleaner *c, yh_err *err)
{
    const yh_input *f = &c->in.f[c->cursor.file];
    yh_status s = YH_OK;
    if (c->stream != NULL && yh_stream_broken(c->stream) != NULL)
        s = yh_stats_name(c->stats, "problems", "damaged compression", f->id, "end",
                          yh_stream_broken(c->stream), err);
    else if (c->stream != NULL && c->cursor.piece == 0)
        s = yh_stats_name(c->stats, "skipped", "empty", f->id, NULL, "has no content", err);
    yh_stream_close(c->stream);
    c->stream = NULL;
    c->bytes_done += f->size;
    c->cursor = (yh_cursor){c->cursor.file + 1, 0, 0, 0};
    return s;
}

/* Takes the next piece of the open file; *got false at its end. */
static yh_status take_piece(cleaner *c, item *it, bool *got, yh_err *err)
{
    const yh_input *f = &c->in.f[c->cursor.file];
    yh_err e = YH_ERR_INIT;
    *got = true;
    it->file = (size_t)c->cursor.file;
    it->reader = f->reader;
    yh_status s = f->reader->next(c->stream, &c->reader_state, &it->piece, got, &e);
    if (s == YH_IO) { /* a bad sector: what came before it is good */
        *got = false;
        return yh_stats_name(c->stats, "problems", "cannot be read further", f->id, NULL, e.msg,
                             err);
    }
    if (s != YH_OK)
        return yh_fail(err, s, "%s", e.msg);
    if (c->reader_state.problem[0] != '\0') {
        YH_TRY(yh_stats_name(c->stats, "problems", "over a limit or not supported", f->id, NULL,
                             c->reader_state.problem, err));
        c->reader_state.problem[0] = '\0';
    }
    c->cursor.piece += *got;
    return YH_OK;
}

/* Fills the batch. */
static yh_status read_batch(cleaner *c, yh_err *err)
{
    size_t bytes = 0, limit = BATCH_BYTES;
    if (c->o->shard_bytes != 0 && c->o->shard_bytes < limit) /* small shards: small steps */
        limit = (size_t)c->o->shard_bytes;
    c->n_items = 0;
    while (bytes < limit && c->n_items < BATCH_PIECES && c->cursor.file < c->in.n) {
        bool ok = true;
        if (c->stream == NULL)
            YH_TRY(open_file(c, &ok, err));
        item *it = &c->items[c->n_items];
        bool got = false;
        if (ok)
            YH_TRY(take_piece(c, it, &got, err));
        if (!got) {
            item_reset(it);
            YH_TRY(close_file(c, err));
            continue;
        }
        bytes += it->piece.bytes.len;
        c->n_items++;
    }
    c->file_bytes = c->stream != NULL ? yh_stream_raw_done(c->stream) : 0;
    return YH_OK;
}

/* ------------------------------------------------------------------ documents (parallel) */

static yh_status run_rules(cleaner *c, yh_draft *d, bool whole, bool again, yh_err *err)
{
    for (int i = 0; i < c->n_filters && d->removed_by < 0; i++) {
        const yh_filter *f = c->filter[i];
        if (f->apply != NULL && f->whole == whole && (!again || f->again))
            YH_TRY(f->apply(c->o, d, i, err));
    }
    return YH_OK;
}

static yh_status make_documents(cleaner *c, item *it, yh_err *err)
{
    YH_TRY(it->reader->documents(&it->piece, &it->drafts, err));
    yh_buf_fini(&it->piece.bytes);
    for (size_t i = 0; i < it->drafts.n; i++) {
        yh_draft *d = &it->drafts.d[i];
        yh_buf b;
        yh_buf_init(&b, 0);
        yh_status s = yh_normalize(d->text, d->len, &b, err);
        if (s != YH_OK) {
            yh_buf_fini(&b);
            return s;
        }
        yh_free(d->text);
        d->text = b.data;
        d->len = b.len;
        YH_TRY(run_rules(c, d, true, false, err));
    }
    YH_TRY(yh_drafts_divide(&it->drafts, c->o->part_chars != 0 ? c->o->part_chars : YH_PART_CHARS,
                            err));
    for (size_t i = 0; i < it->drafts.n; i++) {
        yh_draft *d = &it->drafts.d[i];
        YH_TRY(run_rules(c, d, false, false, err));
        for (int k = 0; k < c->n_filters && d->removed_by < 0; k++)
            if (c->slot[k] >= 0)
                YH_TRY(c->filter[k]->keys(d, c->slot[k], err));
    }
    return YH_OK;
}

static void documents_range(void *arg, int64_t begin, int64_t end, int worker)
{
    cleaner *c = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        c->items[i].status = make_documents(c, &c->items[i], &c->items[i].err);
}

/* ------------------------------------------------------------------ rules with memory (serial) */

/* Decides about one document by its keys; line is one byte a key of that filter. */
static yh_status decide(cleaner *c, int f, const uint64_t *key, size_t n, yh_buf *line,
                        bool *remove, yh_err *err)
{
    yh_buf_clear(line);
    YH_TRY(yh_buf_reserve(line, n, err));
    memset(line->data, 0, n + 1);
    *remove = false;
    return c->filter[f]->decide(c->state[f], key, n, remove, (uint8_t *)line->data, err);
}

static yh_status cut_lines(yh_draft *d, int f, int slot, const uint8_t *line, uint64_t *count,
                           yh_err *err)
{
    for (size_t i = d->n_key[slot]; i-- > 0;) /* from the end, so that offsets stay true */
        if (line[i] != 0) {
            YH_TRY(yh_draft_cut(d, f, d->line[slot][i].at, d->line[slot][i].len, err));
            ++*count;
        }
    return YH_OK;
}

static yh_status remember(cleaner *c, item *it, yh_buf *line, yh_err *err)
{
    for (size_t i = 0; i < it->drafts.n; i++) {
        yh_draft *d = &it->drafts.d[i];
        if (d->removed_by >= 0)
            continue;
        for (int f = 0; f < c->n_filters && d->removed_by < 0; f++) {
            int slot = c->slot[f];
            if (slot < 0)
                continue;
            bool remove;
            uint64_t n = d->n_key[slot];
            YH_TRY(decide(c, f, d->key[slot], n, line, &remove, err));
            YH_TRY(yh_buf_add(&c->out.keys, &n, sizeof n, err));
            if (n > 0)
                YH_TRY(yh_buf_add(&c->out.keys, d->key[slot], n * sizeof n, err));
            if (remove)
                d->removed_by = f;
            else if (d->line[slot] != NULL)
                YH_TRY(cut_lines(d, f, slot, (uint8_t *)line->data, &it->cut_lines, err));
        }
    }
    return YH_OK;
}

/* The same decisions again from a finished shard's keys, so that the rules remember. */
static yh_status replay(void *arg, const uint64_t *key, size_t n, yh_err *err)
{
    cleaner *c = arg;
    yh_buf line;
    yh_buf_init(&line, 0);
    yh_status s = YH_OK;
    for (size_t at = 0; at < n && s == YH_OK;) {
        bool remove = false;
        for (int f = 0; f < c->n_filters && !remove && s == YH_OK; f++) {
            if (c->slot[f] < 0)
                continue;
            if (at >= n || key[at] > n - at - 1) {
                s = yh_fail(err, YH_CORRUPT, "%s: the state of a shard does not fit", c->out.dir);
                break;
            }
            s = decide(c, f, key + at + 1, (size_t)key[at], &line, &remove, err);
            at += 1 + (size_t)key[at];
        }
    }
    yh_buf_fini(&line);
    return s;
}

/* ------------------------------------------------------------------ records (parallel) */

static yh_status add_record(yh_buf *out, const char *text, size_t n, const char *id,
                            const yh_input *f, const char *reason, const char *what, yh_err *err)
{
    YH_TRY(yh_buf_adds(out, "{\"text\":", err));
    YH_TRY(yh_record_string(out, text, n, err));
    YH_TRY(yh_buf_adds(out, ",\"id\":", err));
    YH_TRY(yh_record_string(out, id, strlen(id), err));
    YH_TRY(yh_buf_adds(out, ",\"source\":", err));
    YH_TRY(yh_record_string(out, f->source, strlen(f->source), err));
    if (reason != NULL)
        YH_TRY(yh_buf_addf(out, err, ",\"reason\":\"%s\",\"what\":\"%s\"}\n", reason, what));
    return YH_OK;
}

static yh_status add_meta(yh_buf *out, const yh_draft *d, uint64_t part, yh_err *err)
{
    YH_TRY(yh_buf_adds(out, ",\"meta\":{", err));
    const char *sep = "";
    if (part > 1 || strcmp(d->encoding, "UTF-8") != 0 || d->title != NULL || d->n_edit > 0) {
        if (part > 1) {
            YH_TRY(yh_buf_addf(out, err, "\"part\":%llu", (unsigned long long)part));
            sep = ",";
        }
        if (strcmp(d->encoding, "UTF-8") != 0) {
            YH_TRY(yh_buf_addf(out, err, "%s\"encoding\":\"%s\"", sep, d->encoding));
            sep = ",";
        }
        if (d->title != NULL) {
            YH_TRY(yh_buf_addf(out, err, "%s\"title\":", sep));
            YH_TRY(yh_record_string(out, d->title, strlen(d->title), err));
            sep = ",";
        }
        if (d->n_edit > 0)
            YH_TRY(yh_buf_addf(out, err, "%s\"removed_lines\":%zu", sep, d->n_edit));
    }
    return yh_buf_adds(out, "}}\n", err);
}

static yh_status make_records(cleaner *c, item *it, yh_err *err)
{
    const yh_input *f = &c->in.f[it->file];
    uint64_t doc = it->first_doc, part = it->first_part, last = 0, nth = 1;
    yh_buf id;
    yh_buf_init(&id, 0);
    yh_status s = YH_OK;
    for (size_t i = 0; i < it->drafts.n; i++) {
        yh_draft *d = &it->drafts.d[i];
        if (d->starts) {
            doc++;
            part = 0;
            nth = d->number == last ? nth + 1 : 1; /* documents of one JSON value: N, N.2, ... */
            last = d->number;
        }
        part++;
        uint64_t number = d->number != 0 ? d->number : doc > 1 ? doc : 0;
        yh_buf_clear(&id);
        YH_GOTO(s, yh_buf_adds(&id, f->id, err), out);
        if (number > 0)
            YH_GOTO(s, yh_buf_addf(&id, err, ":%llu", (unsigned long long)number), out);
        if (d->number != 0 && nth > 1)
            YH_GOTO(s, yh_buf_addf(&id, err, ".%llu", (unsigned long long)nth), out);
        if (part > 1)
            YH_GOTO(s, yh_buf_addf(&id, err, "#%llu", (unsigned long long)part), out);
        if (d->removed_by < 0 && d->n_edit > 0)
            YH_GOTO(s, run_rules(c, d, false, true, err), out);
        for (size_t k = 0; k < d->n_edit; k++)
            YH_GOTO(s,
                    add_record(&it->removed, d->edit[k].text, d->edit[k].len, id.data, f,
                               c->filter[d->edit[k].step]->name, "part", err),
                    out);
        if (d->removed_by >= 0) {
            YH_GOTO(s,
                    add_record(&it->removed, d->text, d->len, id.data, f,
                               c->filter[d->removed_by]->name, "document", err),
                    out);
            continue;
        }
        YH_GOTO(s, add_record(&it->kept, d->text, d->len, id.data, f, NULL, NULL, err), out);
        YH_GOTO(s, add_meta(&it->kept, d, part, err), out);
        it->n_kept++;
        it->kept_bytes += d->len;
        for (size_t k = 0; k < d->len; k++)
            it->kept_chars += ((uint8_t)d->text[k] & 0xc0) != 0x80;
    }
out:
    yh_buf_fini(&id);
    return s;
}

static void records_range(void *arg, int64_t begin, int64_t end, int worker)
{
    cleaner *c = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        c->items[i].status = make_records(c, &c->items[i], &c->items[i].err);
}

static yh_status compress_frame(cleaner *c, size_t k, yh_err *err)
{
    yh_buf all, gone;
    yh_buf_init(&all, 0);
    yh_buf_init(&gone, 0);
    yh_status s = YH_OK;
    for (size_t i = c->frame[k].first; i < c->frame[k].first + c->frame[k].n; i++) {
        item *it = &c->items[i];
        if (it->kept.len > 0)
            YH_GOTO(s, yh_buf_add(&all, it->kept.data, it->kept.len, err), out);
        if (it->removed.len > 0)
            YH_GOTO(s, yh_buf_add(&gone, it->removed.data, it->removed.len, err), out);
        yh_buf_fini(&it->kept);
        yh_buf_fini(&it->removed);
    }
    if (all.len > 0)
        YH_GOTO(s, yh_record_compress(&c->frame[k].kept, all.data, all.len, err), out);
    if (gone.len > 0)
        YH_GOTO(s, yh_record_compress(&c->frame[k].removed, gone.data, gone.len, err), out);
out:
    yh_buf_fini(&all);
    yh_buf_fini(&gone);
    return s;
}

static void frames_range(void *arg, int64_t begin, int64_t end, int worker)
{
    cleaner *c = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        c->frame[i].status = compress_frame(c, (size_t)i, &c->frame[i].err);
}

/* Groups the items' records into frames. */
static yh_status plan_frames(cleaner *c, yh_err *err)
{
    size_t bytes = 0;
    c->n_frames = 0;
    for (size_t i = 0; i < c->n_items; i++) {
        if (c->n_frames == 0 || bytes >= FRAME_BYTES) {
            void *p = yh_grow(c->frame, &c->cap_frames, c->n_frames + 1, sizeof *c->frame);
            if (p == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for %zu frames", c->n_frames);
            c->frame = p;
            memset(&c->frame[c->n_frames], 0, sizeof *c->frame);
            c->frame[c->n_frames++].first = i;
            bytes = 0;
        }
        c->frame[c->n_frames - 1].n++;
        bytes += c->items[i].kept.len + c->items[i].removed.len;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ statistics */

static yh_status count_item(cleaner *c, item *it, yh_err *err)
{
    const yh_input *f = &c->in.f[it->file];
    uint64_t gone = 0;
    json_t *st = c->stats, *src;
    for (size_t i = 0; i < it->drafts.n; i++) {
        const yh_draft *d = &it->drafts.d[i];
        if (d->removed_by >= 0) {
            const char *why = c->filter[d->removed_by]->name;
            gone++;
            YH_TRY(yh_stats_add(st, 1, "documents", "removed_by_reason", why, err));
        }
        for (size_t k = 0; k < d->n_edit; k++) {
            uint64_t lines = 1;
            for (size_t j = 0; j + 1 < d->edit[k].len; j++)
                lines += d->edit[k].text[j] == '\n';
            YH_TRY(yh_stats_add(st, lines, "lines_removed", "lines", NULL, err));
            YH_TRY(yh_stats_add(st, d->edit[k].len, "lines_removed", "bytes", NULL, err));
            YH_TRY(yh_stats_add(st, lines, "lines_removed", "by_reason",
                                c->filter[d->edit[k].step]->name, err));
        }
    }
    YH_TRY(yh_stats_add(st, it->drafts.n, "documents", "in", NULL, err));
    YH_TRY(yh_stats_add(st, it->n_kept, "documents", "kept", NULL, err));
    YH_TRY(yh_stats_add(st, gone, "documents", "removed", NULL, err));
    YH_TRY(yh_stats_add(st, it->kept_bytes, "text", "bytes", NULL, err));
    YH_TRY(yh_stats_add(st, it->kept_chars, "text", "characters", NULL, err));
    YH_TRY(yh_stats_add(st, it->drafts.replaced, "text", "replaced", NULL, err));
    if (it->drafts.n > 0)
        YH_TRY(yh_stats_add(st, it->drafts.n, "encodings", it->drafts.d[0].encoding, NULL, err));
    src = json_object_get(st, "sources");
    YH_TRY(yh_stats_add(src, it->drafts.n, f->source, "documents_in", NULL, err));
    YH_TRY(yh_stats_add(src, it->n_kept, f->source, "documents", NULL, err));
    YH_TRY(yh_stats_add(src, it->kept_bytes, f->source, "bytes", NULL, err));
    YH_TRY(yh_stats_add(src, it->kept_chars, f->source, "characters", NULL, err));
    for (uint64_t i = 0; i < it->drafts.n_problems; i++) {
        enum { KEPT = sizeof it->drafts.problem / sizeof *it->drafts.problem };
        const yh_problem *p = &it->drafts.problem[i < KEPT ? i : KEPT - 1];
        char place[32], kind[sizeof p->what];
        if (i >= KEPT) { /* counted, no longer named */
            YH_TRY(yh_stats_add(st, it->drafts.n_problems - i, "problems", "count", NULL, err));
            YH_TRY(yh_stats_add(st, it->drafts.n_problems - i, "problems", "by_kind",
                                "further ones like these", err));
            break;
        }
        snprintf(place, sizeof place, "%s %llu", it->reader->name, (unsigned long long)p->place);
        snprintf(kind, sizeof kind, "%.*s", (int)strcspn(p->what, ":"), p->what);
        YH_TRY(yh_stats_name(st, "problems", kind, f->id, place, p->what, err));
    }
    return YH_OK;
}

static void report_progress(cleaner *c, bool final)
{
    double now = yh_now();
    if (c->o->progress == NULL || (!final && now - c->last_progress < 0.2))
        return;
    c->last_progress = now;
    yh_clean_progress p = {
        .files_done = c->cursor.file,
        .files_total = c->in.n,
        .bytes_done = c->bytes_done + c->file_bytes,
        .bytes_total = c->in.bytes,
        .docs_in = yh_stats_get(c->stats, "documents", "in"),
        .docs_kept = yh_stats_get(c->stats, "documents", "kept"),
        .text_bytes = yh_stats_get(c->stats, "text", "bytes"),
        .seconds = c->seconds + now - c->began,
    };
    c->o->progress(c->o->user, &p);
}

/* ------------------------------------------------------------------ the run */

static yh_status first_error(cleaner *c, bool frames, yh_err *err)
{
    for (size_t i = 0; !frames && i < c->n_items; i++)
        if (c->items[i].status != YH_OK)
            return yh_fail(err, c->items[i].status, "%s: %s", c->in.f[c->items[i].file].path,
                           c->items[i].err.msg);
    for (size_t i = 0; frames && i < c->n_frames; i++)
        if (c->frame[i].status != YH_OK)
            return yh_fail(err, c->frame[i].status, "%s", c->frame[i].err.msg);
    return YH_OK;
}

/* Gives the items the numbers of their documents. A file whose pieces lie in several batches goes
 * on with cursor.docs and cursor.part, which are of the file read last. */
static void number_items(cleaner *c, yh_cursor before)
{
    uint64_t docs = before.docs, part = before.part;
    size_t file = (size_t)before.file;
    for (size_t i = 0; i < c->n_items; i++) {
        item *it = &c->items[i];
        if (it->file != file) {
            docs = part = 0;
            file = it->file;
        }
        it->first_doc = docs;
        it->first_part = part;
        for (size_t k = 0; k < it->drafts.n; k++) {
            if (it->drafts.d[k].starts) {
                docs++;
                part = 0;
            }
            part++;
        }
    }
    if (c->stream != NULL && file == c->cursor.file) {
        c->cursor.docs = docs;
        c->cursor.part = part;
    }
}

static yh_status run_batch(cleaner *c, yh_buf *line, yh_err *err)
{
    yh_cursor before = c->cursor;
    YH_TRY(read_batch(c, err));
    yh_pool_run_dynamic(c->pool, (int64_t)c->n_items, 1, documents_range, c);
    YH_TRY(first_error(c, false, err));
    number_items(c, before);
    for (size_t i = 0; i < c->n_items; i++)
        YH_TRY(remember(c, &c->items[i], line, err));
    yh_pool_run_dynamic(c->pool, (int64_t)c->n_items, 1, records_range, c);
    YH_TRY(first_error(c, false, err));
    YH_TRY(plan_frames(c, err));
    yh_pool_run_dynamic(c->pool, (int64_t)c->n_frames, 1, frames_range, c);
    yh_status s = first_error(c, true, err);
    for (size_t i = 0; i < c->n_frames; i++) {
        if (s == YH_OK)
            s = yh_shards_write(&c->out, &c->frame[i].kept, &c->frame[i].removed, err);
        yh_buf_fini(&c->frame[i].kept);
        yh_buf_fini(&c->frame[i].removed);
    }
    for (size_t i = 0; i < c->n_items; i++) {
        if (s == YH_OK)
            s = count_item(c, &c->items[i], err);
        c->out.text += c->items[i].kept_bytes;
        item_reset(&c->items[i]);
    }
    c->n_items = 0;
    return s;
}

static yh_status run_all(cleaner *c, yh_err *err)
{
    yh_buf line;
    yh_buf_init(&line, 0);
    yh_status s = YH_OK;
    uint64_t limit = c->o->shard_bytes != 0 ? c->o->shard_bytes : SHARD_BYTES;
    while (s == YH_OK && c->cursor.file < c->in.n) {
        if (yh_stop_requested()) {
            s = yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
            break;
        }
        s = run_batch(c, &line, err);
        if (s == YH_OK && c->out.text >= limit)
            s = yh_shards_commit(&c->out, &c->cursor, c->stats, c->seconds + yh_now() - c->began,
                                 false, err);
        report_progress(c, false);
    }
    yh_buf_fini(&line);
    return s;
}

static yh_status set_up(cleaner *c, yh_err *err)
{
    int slots = 0;
    c->filter = yh_filters(&c->n_filters);
    if (c->n_filters > (int)(sizeof c->slot / sizeof *c->slot))
        return yh_fail(err, YH_INTERNAL, "too many filters");
    for (int i = 0; i < c->n_filters; i++) {
        c->slot[i] = -1;
        if (c->filter[i]->create == NULL)
            continue;
        if (slots == YH_MEMORY_FILTERS)
            return yh_fail(err, YH_INTERNAL, "more than %d filters with memory", slots);
        c->slot[i] = slots++;
        c->state[i] = c->filter[i]->create();
        if (c->state[i] == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for the filter %s", c->filter[i]->name);
    }
    c->items = yh_calloc(BATCH_PIECES, sizeof *c->items);
    return c->items != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory for a batch");
}

static void tear_down(cleaner *c)
{
    for (int i = 0; i < c->n_filters; i++)
        if (c->state[i] != NULL)
            c->filter[i]->destroy(c->state[i]);
    for (size_t i = 0; c->items != NULL && i < BATCH_PIECES; i++)
        item_reset(&c->items[i]);
    for (size_t i = 0; i < c->n_frames; i++) {
        yh_buf_fini(&c->frame[i].kept);
        yh_buf_fini(&c->frame[i].removed);
    }
    yh_free(c->frame);
    yh_free(c->items);
    yh_stream_close(c->stream);
    yh_shards_close(&c->out);
    json_decref(c->stats);
    yh_inputs_fini(&c->in);
}

static yh_status run(cleaner *c, const char *out, yh_err *err)
{
    bool finished;
    uint64_t fp = c->in.fingerprint;
    fp = yh_hash64(&c->o->min_chars, sizeof c->o->min_chars, fp);
    fp = yh_hash64(&c->o->part_chars, sizeof c->o->part_chars, fp);
    fp = yh_hash64(&c->o->shard_bytes, sizeof c->o->shard_bytes, fp);
    YH_TRY(set_up(c, err));
    for (int i = 0; i < c->n_filters; i++)
        fp = yh_hash64(c->filter[i]->name, strlen(c->filter[i]->name), fp);
    YH_TRY(yh_shards_open(&c->out, out, fp, &finished, &c->cursor, &c->stats, &c->seconds, err));
    if (finished && yh_report_exists(out)) {
        yh_log(YH_LOG_INFO, "%s: is finished already, nothing to do", out);
        return YH_OK;
    }
    if (!finished) {
        if (c->out.number > 0)
            yh_log(YH_LOG_INFO, "%s: goes on behind shard %llu", out,
                   (unsigned long long)c->out.number);
        for (uint64_t i = 0; i < c->cursor.file && i < c->in.n; i++)
            c->bytes_done += c->in.f[i].size;
        YH_TRY(yh_shards_replay(&c->out, replay, c, err));
        c->began = yh_now();
        YH_TRY(run_all(c, err));
        c->seconds += yh_now() - c->began;
        c->began = yh_now();
        YH_TRY(yh_shards_commit(&c->out, &c->cursor, c->stats, c->seconds, true, err));
        report_progress(c, true);
    }
    return yh_report_write(out, c->stats, c->seconds, c->out.number, c->filter, c->n_filters, err);
}

yh_status yh_clean_run(const char *const *paths, size_t n, const char *out,
                       const yh_clean_options *o, yh_pool *pool, yh_err *err)
{
    static const yh_clean_options defaults = {0};
    cleaner c = {.o = o != NULL ? o : &defaults, .pool = pool};
    yh_dir_lock lock = YH_DIR_LOCK_INIT;
    c.out.part = c.out.removed = (yh_writer)YH_WRITER_INIT;
    if (n == 0)
        return yh_fail(err, YH_INVALID, "no input was named");
    yh_status s = yh_inputs_list(&c.in, paths, n, out, c.o->leave_out, err);
    if (s == YH_OK && c.in.n == 0)
        s = yh_fail(err, YH_INVALID, "%s%s: no file is there to clean", paths[0],
                    n > 1 ? " and the others" : "");
    if (s == YH_OK)
        s = yh_mkdirs(out, err);
    if (s == YH_OK)
        s = yh_dir_lock_take(&lock, out, err);
    if (s == YH_OK)
        s = run(&c, out, err);
    tear_down(&c);
    yh_dir_lock_release(&lock);
    return s;
}
