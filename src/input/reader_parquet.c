/* Parquet tables: the column named text (or as the user says) is the text, the table's other plain
 * columns are kept in the records' meta. */
#include <stdio.h>

#include "input/charset.h"
#include "input/fields.h"
#include "input/meta.h"
#include "input/parquet.h"
#include "input/utf8_scan.h"

enum { PIECE = 1 << 20, META_COLUMNS = 256 };

/* In front of each row's bytes in a piece: text, url, title, meta. */
typedef struct frame {
    uint64_t number;
    uint32_t text, url, title, meta;
} frame;

typedef struct table {
    yh_parquet_file f;
    size_t text;  /* leaf */
    size_t *kept; /* leaves */
    bool *lost;   /* of these: damaged in this row group */
    size_t n_kept;
    yh_parquet_column text_column, *column;
    bool open; /* the columns are those of a row group */
    size_t group;
    uint64_t row, made; /* of the group; bytes so far */
    yh_buf buf, meta;
} table;

static void close_group(table *t)
{
    yh_parquet_column_close(&t->text_column);
    for (size_t i = 0; t->column != NULL && i < t->n_kept; i++)
        yh_parquet_column_close(&t->column[i]);
    t->open = false;
}

static void table_free(void *own)
{
    table *t = own;
    close_group(t);
    yh_parquet_close(&t->f);
    yh_free(t->kept);
    yh_free(t->lost);
    yh_free(t->column);
    yh_buf_fini(&t->buf);
    yh_buf_fini(&t->meta);
    yh_free(t);
}

/* ------------------------------------------------------------------ columns */

/* How well a leaf serves as the text; -1: not at all. */
static int rank_of(const yh_parquet_leaf *l, const char *wanted)
{
    const char *dot = strchr(l->path, '.'), *last = strrchr(l->path, '.');
    int r = yh_field_rank(l->path, strlen(l->path), wanted);
    if (l->type != YH_PQ_BYTES)
        return -1;
    if (r >= 0)
        return r * 4;
    if (dot != NULL && (r = yh_field_rank(l->path, (size_t)(dot - l->path), wanted)) >= 0)
        return r * 4 + (yh_field_rank(last + 1, strlen(last + 1), NULL) >= 0 ? 1 : 2);
    if (last != NULL && (r = yh_field_rank(last + 1, strlen(last + 1), wanted)) >= 0)
        return r * 4 + 3;
    return -1;
}

static bool can_keep(const yh_parquet_leaf *l)
{
    return l->depth == 1 && l->max_rep == 0 && l->type != YH_PQ_INT96 && l->type != YH_PQ_FIXED;
}

static yh_status choose(table *t, yh_reader_state *state, bool *ok, yh_err *err)
{
    const char *wanted = state->options != NULL ? state->options->text : NULL;
    int best = -1;
    size_t dropped = 0;
    int len = snprintf(state->problem, sizeof state->problem, "no text column named %s; there are:",
                       wanted != NULL ? wanted : "text, content or body");
    *ok = false;
    for (size_t i = 0; i < t->f.n_leaves; i++) {
        const yh_parquet_leaf *l = &t->f.leaf[i];
        int r = rank_of(l, wanted);
        if (r >= 0 && (best < 0 || r < best)) {
            best = r;
            t->text = i;
            *ok = true;
        }
        if (len >= 0 && (size_t)len < sizeof state->problem)
            len += snprintf(state->problem + len, sizeof state->problem - (size_t)len, " %.40s",
                            l->path);
    }
    if (!*ok)
        return YH_OK;
    state->problem[0] = '\0';
    t->kept = yh_calloc(t->f.n_leaves + 1, sizeof *t->kept);
    t->lost = yh_calloc(t->f.n_leaves + 1, sizeof *t->lost);
    t->column = yh_calloc(META_COLUMNS, sizeof *t->column);
    if (t->kept == NULL || t->lost == NULL || t->column == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu columns", t->f.n_leaves);
    len = 0;
    for (size_t i = 0; i < t->f.n_leaves; i++) {
        if (i == t->text)
            continue;
        if (can_keep(&t->f.leaf[i]) && t->n_kept < META_COLUMNS) {
            t->kept[t->n_kept++] = i;
            continue;
        }
        if (len >= 0 && (size_t)len < sizeof state->info)
            len +=
                snprintf(state->info + len, sizeof state->info - (size_t)len, "%s%.40s",
                         dropped++ == 0 ? "columns that were not kept: " : ", ", t->f.leaf[i].path);
    }
    return YH_OK;
}

static yh_status begin(yh_stream *s, yh_reader_state *state, yh_err *err)
{
    yh_random r;
    yh_err e = YH_ERR_INIT;
    bool ok = false;
    table *t = state->own = yh_calloc(1, sizeof *t);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a table");
    state->own_free = table_free;
    YH_TRY(yh_stream_random(s, &r, err));
    yh_status st = yh_parquet_open(&t->f, &r, &e);
    if (st == YH_OK)
        st = choose(t, state, &ok, &e);
    if (st == YH_NOMEM || st == YH_IO)
        return yh_fail(err, st, "%s", e.msg);
    if (st != YH_OK)
        snprintf(state->problem, sizeof state->problem, "%.150s", e.msg);
    uint64_t rows = 0;
    for (size_t i = 0; st == YH_OK && i < t->f.n_groups; i++)
        rows += t->f.rows[i];
    if (st == YH_OK && ok && rows != t->f.all_rows)
        snprintf(state->problem, sizeof state->problem,
                 "the footer says %llu rows and its row groups %llu: it is damaged",
                 (unsigned long long)t->f.all_rows, (unsigned long long)rows);
    state->mode = ok ? 1 : 2;
    return YH_OK;
}

/* ------------------------------------------------------------------ rows */

/* Errors of the file's contents leave the row group, and are named. */
static yh_status leave_group(table *t, yh_reader_state *state, yh_status st, const yh_err *e,
                             yh_err *err)
{
    if (st == YH_NOMEM || st == YH_IO)
        return yh_fail(err, st, "%s", e->msg);
    snprintf(state->problem, sizeof state->problem, "row group %zu, row %llu: %.100s", t->group,
             (unsigned long long)t->row, e->msg);
    state->counter += t->f.rows[t->group] - t->row; /* so that the next rows keep their numbers */
    close_group(t);
    t->group++;
    return YH_OK;
}

static yh_status open_group(table *t, yh_reader_state *state, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    t->row = 0;
    yh_status st = yh_parquet_column_open(&t->text_column, &t->f, t->group, t->text, &e);
    if (st != YH_OK)
        return leave_group(t, state, st, &e, err);
    t->open = true;
    for (size_t i = 0; i < t->n_kept; i++) {
        st = yh_parquet_column_open(&t->column[i], &t->f, t->group, t->kept[i], &e);
        t->lost[i] = st != YH_OK;
        if (st != YH_OK)
            snprintf(state->problem, sizeof state->problem, "row group %zu: %.100s", t->group,
                     e.msg);
        e = (yh_err)YH_ERR_INIT;
    }
    return YH_OK;
}

/* The other columns of the row, to t->meta and d. */
static yh_status take_others(table *t, yh_reader_state *state, yh_draft *d, yh_err *err)
{
    yh_buf_clear(&t->meta);
    for (size_t i = 0; i < t->n_kept; i++) {
        const yh_parquet_leaf *l = &t->f.leaf[t->kept[i]];
        yh_err e = YH_ERR_INIT;
        bool found;
        if (t->lost[i])
            continue;
        yh_buf_clear(&t->buf);
        yh_status st = yh_parquet_row(&t->column[i], &t->buf, &found, &e);
        if (st == YH_NOMEM || st == YH_IO)
            return yh_fail(err, st, "%s", e.msg);
        if (st != YH_OK) { /* the texts are good all the same */
            t->lost[i] = true;
            snprintf(state->problem, sizeof state->problem, "row group %zu, row %llu: %.100s",
                     t->group, (unsigned long long)t->row, e.msg);
            continue;
        }
        if (!found)
            continue;
        if (l->type == YH_PQ_BYTES)
            YH_TRY(
                yh_field_keep(d, &t->meta, l->path, strlen(l->path), t->buf.data, t->buf.len, err));
        else
            YH_TRY(yh_meta_raw(&t->meta, l->path, strlen(l->path), t->buf.data, t->buf.len, err));
    }
    return YH_OK;
}

static yh_status add_part(yh_piece *piece, const char *p, size_t n, yh_err *err)
{
    return n > 0 ? yh_buf_add(&piece->bytes, p, n, err) : YH_OK;
}

static yh_status one_row(table *t, yh_reader_state *state, yh_piece *piece, yh_err *err)
{
    yh_err e = YH_ERR_INIT;
    yh_draft d = {0};
    bool found;
    frame f = {.number = ++state->counter};
    size_t at = piece->bytes.len;
    YH_TRY(yh_buf_add(&piece->bytes, &f, sizeof f, err));
    size_t from = piece->bytes.len;
    yh_status st = yh_parquet_row(&t->text_column, &piece->bytes, &found, &e);
    if (st != YH_OK) {
        piece->bytes.len = at;
        state->counter--;
        return leave_group(t, state, st, &e, err);
    }
    size_t text = piece->bytes.len - from;
    st = take_others(t, state, &d, err);
    t->row++;
    if (text > YH_JSON_VALUE_MAX) {
        snprintf(state->problem, sizeof state->problem,
                 "row %llu is longer than %d bytes and was left out", (unsigned long long)f.number,
                 YH_JSON_VALUE_MAX);
        found = false;
    }
    if (st == YH_OK && found && text > 0) {
        f.text = (uint32_t)text;
        f.url = d.url != NULL ? (uint32_t)strlen(d.url) : 0;
        f.title = d.title != NULL ? (uint32_t)strlen(d.title) : 0;
        f.meta = (uint32_t)t->meta.len;
        memcpy(piece->bytes.data + at, &f, sizeof f);
        st = add_part(piece, d.url, f.url, err);
        if (st == YH_OK)
            st = add_part(piece, d.title, f.title, err);
        if (st == YH_OK)
            st = add_part(piece, t->meta.data, f.meta, err);
    } else {
        piece->bytes.len = at;
    }
    yh_free(d.url);
    yh_free(d.title);
    return st;
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    if (state->mode == 0)
        YH_TRY(begin(s, state, err));
    table *t = state->own;
    *more = false;
    if (state->mode == 2)
        return YH_OK;
    piece->number = state->counter + 1;
    while (t->group < t->f.n_groups && piece->bytes.len < PIECE && state->problem[0] == '\0') {
        if (!t->open) {
            YH_TRY(open_group(t, state, err));
        } else if (t->row >= t->f.rows[t->group]) {
            if (yh_parquet_more(&t->text_column))
                snprintf(state->problem, sizeof state->problem,
                         "row group %zu has more values than rows: its footer is damaged",
                         t->group);
            close_group(t);
            t->group++;
        } else {
            YH_TRY(one_row(t, state, piece, err));
        }
    }
    t->made += piece->bytes.len; /* one long string in a dictionary, and a million references */
    if (t->made > YH_UNPACK_FREE && t->made / YH_UNPACK_RATIO > t->f.file.size) {
        snprintf(state->problem, sizeof state->problem,
                 "its rows grow to more than %u times the file's size; reading stopped",
                 YH_UNPACK_RATIO);
        state->mode = 2;
    }
    *more = piece->bytes.len > 0 ||
            (state->problem[0] != '\0' && t->group < t->f.n_groups && state->mode == 1);
    return YH_OK;
}

/* ------------------------------------------------------------------ documents */

static yh_status one_document(const frame *f, const char *p, yh_drafts *out, yh_err *err)
{
    yh_buf text, meta;
    yh_charset info = {"UTF-8", 0};
    yh_buf_init(&text, 0);
    yh_buf_init(&meta, 0);
    yh_status s =
        yh_utf8_valid_prefix((const uint8_t *)p, f->text) == f->text
            ? yh_buf_add(&text, p, f->text, err)
            : yh_charset_decode((const uint8_t *)p, f->text, NULL, NULL, &text, &info, err);
    out->replaced += info.replaced;
    if (s == YH_OK)
        s = yh_drafts_add(out, &text, f->number, true, info.name, err);
    if (s == YH_OK) {
        yh_draft *d = &out->d[out->n - 1];
        p += f->text;
        s = yh_meta_copy(&d->url, p, f->url, err);
        p += f->url;
        if (s == YH_OK)
            s = yh_meta_copy(&d->title, p, f->title, err);
        if (s == YH_OK && f->meta > 0)
            s = yh_buf_add(&meta, p + f->title, f->meta, err);
        if (s == YH_OK)
            s = yh_meta_give(&meta, d, err);
    }
    yh_buf_fini(&text);
    yh_buf_fini(&meta);
    return s;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    const char *p = piece->bytes.data;
    for (size_t at = 0; at + sizeof(frame) <= piece->bytes.len;) {
        frame f;
        memcpy(&f, p + at, sizeof f);
        at += sizeof f;
        YH_TRY(one_document(&f, p + at, out, err));
        at += (size_t)f.text + f.url + f.title + f.meta;
    }
    return YH_OK;
}

static const char *const extensions[] = {".parquet", NULL};

const yh_reader yh_reader_parquet = {"parquet", extensions, next, documents, NULL, true};
