/* Tables as text: CSV (RFC 4180) and TSV. The delimiter is found by counting, the text is the
 * column named so. A quote is special at a field's beginning only, as in Python's csv module. */
#include <stdio.h>
#include <strings.h>

#include "input/charset.h"
#include "input/fields.h"
#include "input/meta.h"

enum {
    BLOCK = 1 << 20,
    LOOK = 1 << 18, /* bytes by which the delimiter is judged */
    COLUMNS = 4096  /* columns of a table */
};

/* In front of each piece's bytes: the header record follows, then the records. */
typedef struct frame {
    uint32_t header, text, columns;
    uint8_t delimiter, broken; /* broken: one line whose quotes do not close */
} frame;

/* ------------------------------------------------------------------ records */

typedef enum { START, PLAIN, QUOTED, CLOSED } field_state;

/* One step of reading: after byte c. *end: the record ends with it. */
static inline field_state advance(field_state s, char c, char delimiter, bool *end)
{
    *end = c == '\n' && s != QUOTED;
    if (s == QUOTED)
        return c == '"' ? CLOSED : QUOTED;
    if (c == delimiter || c == '\n')
        return START;
    if (c == '"' && s != PLAIN)
        return QUOTED; /* opens, or a doubled one */
    return PLAIN;
}

/* Behind the last record that ends within p[0, n); 0: none does. */
static size_t last_record(const char *p, size_t n, char delimiter, uint64_t *records)
{
    field_state s = START;
    size_t last = 0;
    *records = 0;
    for (size_t i = 0; i < n; i++) {
        if (s == PLAIN || s == QUOTED) { /* most bytes */
            while (i < n && p[i] != '"' && p[i] != '\n' && p[i] != delimiter)
                i++;
            if (i == n)
                break;
        }
        bool end;
        s = advance(s, p[i], delimiter, &end);
        if (end) {
            last = i + 1;
            ++*records;
        }
    }
    return last;
}

static size_t first_record(const char *p, size_t n, char delimiter, bool *closed)
{
    field_state s = START;
    bool end = false;
    for (size_t i = 0; i < n; i++) {
        s = advance(s, p[i], delimiter, &end);
        if (end) {
            *closed = true;
            return i + 1;
        }
    }
    *closed = s != QUOTED;
    return n;
}

/* A field in p[*at, n), unquoted into out (cleared). *at goes behind its delimiter; *last: it is
 * the record's last one. */
static yh_status take_field(const char *p, size_t n, size_t *at, char delimiter, bool quotes,
                            yh_buf *out, bool *last, yh_err *err)
{
    field_state s = quotes ? START : PLAIN;
    size_t i = *at, from = i;
    yh_buf_clear(out);
    *last = true;
    for (; i < n; i++) {
        char c = p[i];
        if (s != QUOTED && (c == delimiter || c == '\n')) {
            *last = c == '\n';
            break;
        }
        bool end;
        field_state to = quotes ? advance(s, c, delimiter, &end) : PLAIN;
        if (c == '"' && (s == START || s == QUOTED) && quotes) { /* itself no part of the field */
            YH_TRY(yh_buf_add(out, p + from, i - from, err));
            from = i + 1;
        }
        s = to;
    }
    YH_TRY(yh_buf_add(out, p + from, i - from, err));
    if (*last && out->len > 0 && out->data[out->len - 1] == '\r')
        out->data[--out->len] = '\0';
    *at = i < n ? i + 1 : n;
    *last = *last || i == n;
    return YH_OK;
}

/* Fields of the record at p, at most COLUMNS. */
static size_t count_fields(const char *p, size_t n, char delimiter)
{
    field_state s = START;
    size_t k = 1;
    bool end = false;
    for (size_t i = 0; i < n && !end && k < COLUMNS; i++) {
        k += p[i] == delimiter && s != QUOTED;
        s = advance(s, p[i], delimiter, &end);
    }
    return k;
}

/* ------------------------------------------------------------------ next */

/* The delimiter that gives the first records the same number of fields, and most of them. */
static char sniff_delimiter(const char *p, size_t n)
{
    static const char candidates[] = "\t,;|";
    char best = ',';
    double best_score = 0;
    for (const char *c = candidates; *c != '\0'; c++) {
        size_t at = 0, first = 0, same = 0, all = 0;
        while (at < n && all < 50) {
            bool closed;
            size_t len = first_record(p + at, n - at, *c, &closed);
            size_t k = count_fields(p + at, len, *c);
            if (all == 0)
                first = k;
            else if (at + len == n && p[n - 1] != '\n')
                break; /* cut off by the window */
            same += k == first;
            all++;
            at += len;
        }
        double score = first > 1 && all > 0
                           ? (double)same / (double)all * (first > 4 ? 4.0 : (double)first)
                           : 0;
        if (score > best_score) {
            best_score = score;
            best = *c;
        }
    }
    return best;
}

static bool is_number(const char *s, uint32_t *out)
{
    uint32_t v = 0;
    if (s == NULL || *s == '\0' || strlen(s) > 4)
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (uint32_t)(*s - '0');
    }
    *out = v;
    return v > 0;
}

/* Finds the text's column in the header record; false: there is none, and problem names those that
 * are there. */
static yh_status find_column(const char *p, size_t n, frame *f, const char *wanted, bool *found,
                             bool *header, char *problem, size_t room, yh_err *err)
{
    yh_buf field;
    yh_buf_init(&field, 0);
    yh_status s = YH_OK;
    size_t at = 0;
    int best = -1;
    bool last = false;
    int len = snprintf(problem, room, "no column is named %s; there are:",
                       wanted != NULL ? wanted : "text, content or body");
    *found = *header = false;
    f->columns = 0;
    while (!last && s == YH_OK && f->columns < COLUMNS) {
        s = take_field(p, n, &at, (char)f->delimiter, true, &field, &last, err);
        int rank = yh_field_rank(field.data, field.len, wanted);
        if (rank >= 0 && (best < 0 || rank < best)) {
            best = rank;
            f->text = f->columns;
            *found = *header = true;
        }
        if (len >= 0 && (size_t)len < room)
            len += snprintf(problem + len, room - (size_t)len, " %.40s", field.data);
        f->columns++;
    }
    yh_buf_fini(&field);
    uint32_t number;
    if (!*found && is_number(wanted, &number) && number <= f->columns) {
        f->text = number - 1;
        *found = true; /* by its number: a table without header */
    } else if (!*found && wanted == NULL && f->columns == 1) {
        f->text = 0;
        *found = true;
    }
    return s;
}

static yh_status begin(yh_stream *s, yh_reader_state *state, yh_err *err)
{
    const uint8_t *p;
    size_t n;
    frame f = {0};
    bool found, header, closed;
    const char *wanted = state->options != NULL ? state->options->text : NULL;
    YH_TRY(yh_stream_peek(s, LOOK, &p, &n, err));
    yh_charset_guess(p, n < LOOK ? n : LOOK, NULL, state->charset);
    if (strncmp(state->charset, "UTF-16", 6) == 0) {
        YH_TRY(yh_stream_utf16(s, state->charset[6] == 'B', err));
        YH_TRY(yh_stream_peek(s, LOOK, &p, &n, err));
        snprintf(state->charset, sizeof state->charset, "UTF-8");
    } else if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        yh_stream_skip(s, 3);
        p += 3;
        n -= 3;
    }
    state->mode = 1;
    if (strncmp(state->charset, "UTF-32", 6) == 0) {
        snprintf(state->problem, sizeof state->problem,
                 "a table in %s is not supported; convert the file to UTF-8", state->charset);
        state->mode = 2;
        return YH_OK;
    }
    f.delimiter = (uint8_t)sniff_delimiter((const char *)p, n);
    size_t len = first_record((const char *)p, n, (char)f.delimiter, &closed);
    YH_TRY(find_column((const char *)p, len, &f, wanted, &found, &header, state->problem,
                       sizeof state->problem, err));
    if (!found) {
        state->mode = 2;
        return YH_OK;
    }
    state->problem[0] = '\0';
    f.header = header ? (uint32_t)len : 0;
    YH_TRY(yh_buf_add(&state->keep, &f, sizeof f, err));
    YH_TRY(yh_buf_add(&state->keep, p, f.header, err));
    if (header) {
        yh_stream_skip(s, len);
        state->counter++;
    }
    return YH_OK;
}

/* Quotes that do not close within the limit: the first line by itself. */
static yh_status one_line(yh_stream *s, yh_reader_state *state, yh_piece *piece, yh_err *err)
{
    const uint8_t *p;
    size_t n;
    YH_TRY(yh_stream_peek(s, YH_JSON_VALUE_MAX, &p, &n, err));
    const uint8_t *nl = memchr(p, '\n', n);
    state->counter++;
    if (nl == NULL && n >= YH_JSON_VALUE_MAX) {
        snprintf(state->problem, sizeof state->problem,
                 "record %llu is longer than %d bytes and was left out",
                 (unsigned long long)state->counter, YH_JSON_VALUE_MAX);
        for (;;) {
            yh_stream_skip(s, nl != NULL ? (size_t)(nl - p) + 1 : n);
            if (nl != NULL)
                break;
            YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
            if (n == 0)
                break;
            nl = memchr(p, '\n', n);
        }
        yh_buf_clear(&piece->bytes);
        return YH_OK;
    }
    size_t take = nl != NULL ? (size_t)(nl - p) + 1 : n;
    frame *f = (frame *)(void *)piece->bytes.data;
    f->broken = 1;
    snprintf(state->problem, sizeof state->problem,
             "record %llu has a quote that does not close; its first line was taken alone",
             (unsigned long long)state->counter);
    YH_TRY(yh_buf_add(&piece->bytes, p, take, err));
    yh_stream_skip(s, take);
    return YH_OK;
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    if (state->mode == 0)
        YH_TRY(begin(s, state, err));
    *more = false;
    if (state->mode == 2)
        return YH_OK;
    frame f;
    memcpy(&f, state->keep.data, sizeof f);
    for (size_t want = BLOCK;; want *= 2) {
        const uint8_t *p;
        size_t n;
        uint64_t records;
        YH_TRY(yh_stream_peek(s, want, &p, &n, err));
        if (n == 0)
            return YH_OK;
        bool end = n < want;
        size_t look = end ? n : want;
        size_t take = last_record((const char *)p, look, (char)f.delimiter, &records);
        if (end && take < n) { /* the last record has no line end */
            bool closed;
            (void)first_record((const char *)p + take, n - take, (char)f.delimiter, &closed);
            if (closed || take > 0) {
                records += closed;
                take = closed ? n : take;
            }
        }
        if (take == 0 && !end && want < YH_JSON_VALUE_MAX)
            continue;
        *more = true;
        piece->number = state->counter + 1;
        memcpy(piece->charset, state->charset, sizeof piece->charset);
        snprintf(piece->undone, sizeof piece->undone, "%s", yh_stream_encoding(s));
        piece->offset = yh_stream_offset(s);
        YH_TRY(yh_buf_add(&piece->bytes, state->keep.data, state->keep.len, err));
        if (take == 0)
            return one_line(s, state, piece, err);
        YH_TRY(yh_buf_add(&piece->bytes, p, take, err));
        yh_stream_skip(s, take);
        state->counter += records;
        return YH_OK;
    }
}

/* ------------------------------------------------------------------ documents */

typedef struct table {
    frame f;
    char **name; /* of columns; NULL entries: none */
    size_t n_names;
} table;

static yh_status names(table *t, const char *p, yh_err *err)
{
    yh_buf field;
    size_t at = 0;
    bool last = t->f.header == 0;
    yh_buf_init(&field, 0);
    yh_status s = YH_OK;
    t->name = yh_calloc(t->f.columns > 0 ? t->f.columns : 1, sizeof *t->name);
    if (t->name == NULL)
        s = yh_fail(err, YH_NOMEM, "no memory for %u columns", (unsigned)t->f.columns);
    while (s == YH_OK && !last && t->n_names < t->f.columns) {
        s = take_field(p, t->f.header, &at, (char)t->f.delimiter, true, &field, &last, err);
        if (s == YH_OK && (t->name[t->n_names++] = yh_strndup(field.data, field.len)) == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory for a column's name");
    }
    yh_buf_fini(&field);
    return s;
}

/* One record at p[*at, n). */
static yh_status row(const table *t, const char *p, size_t n, size_t *at, uint64_t number,
                     const char *encoding, yh_drafts *out, yh_err *err)
{
    yh_buf field, text, meta;
    yh_draft d = {0};
    bool last = false, found = false;
    size_t k = 0, begin = *at;
    yh_buf_init(&field, 0);
    yh_buf_init(&text, 0);
    yh_buf_init(&meta, 0);
    yh_status s = YH_OK;
    while (!last && s == YH_OK) {
        s = take_field(p, n, at, (char)t->f.delimiter, !t->f.broken, &field, &last, err);
        if (s != YH_OK)
            break;
        if (k == t->f.text) {
            found = true;
            s = yh_buf_add(&text, field.data, field.len, err);
        } else if (k < t->n_names && t->name[k] != NULL) {
            s = yh_field_keep(&d, &meta, t->name[k], strlen(t->name[k]), field.data, field.len,
                              err);
        }
        k++;
    }
    bool blank = k == 1 && (*at - begin <= 1 || (*at - begin == 2 && p[begin] == '\r'));
    if (s == YH_OK && !blank && k != t->f.columns) {
        char what[100];
        snprintf(what, sizeof what, "a record with %zu fields instead of %u%s", k,
                 (unsigned)t->f.columns, found ? "" : ", without the text's");
        yh_drafts_problem(out, number, what);
    }
    if (s == YH_OK && found && text.len > 0) {
        s = yh_drafts_add(out, &text, number, true, encoding, err);
        if (s == YH_OK) {
            yh_draft *to = &out->d[out->n - 1];
            to->url = d.url;
            to->title = d.title;
            d.url = d.title = NULL;
            s = yh_meta_give(&meta, to, err);
        }
    }
    yh_free(d.url);
    yh_free(d.title);
    yh_buf_fini(&field);
    yh_buf_fini(&text);
    yh_buf_fini(&meta);
    return s;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    table t = {0};
    yh_buf all;
    yh_charset info;
    yh_buf_init(&all, 0);
    if (piece->bytes.len < sizeof t.f)
        return YH_OK;
    memcpy(&t.f, piece->bytes.data, sizeof t.f);
    const uint8_t *raw = (const uint8_t *)piece->bytes.data + sizeof t.f;
    size_t n = piece->bytes.len - sizeof t.f;
    const char *charset = strcmp(piece->charset, "UTF-8") == 0 ? NULL : piece->charset;
    size_t head = t.f.header;
    yh_status s = yh_charset_decode(raw, head, charset, NULL, &all, NULL, err);
    t.f.header = (uint32_t)all.len;
    if (s == YH_OK)
        s = yh_charset_decode(raw + head, n - head, charset, NULL, &all, &info, err);
    if (s == YH_OK) {
        out->replaced += info.replaced;
        s = names(&t, all.data, err);
    }
    uint64_t number = piece->number;
    /* places in the file: those of the bytes, whose records are the same in every charset here */
    const bool same = all.len == n;
    for (size_t at = t.f.header, place = head; s == YH_OK && at < all.len; number++) {
        size_t from = out->n, begin = at;
        s = row(&t, all.data, all.len, &at, number, info.name, out, err);
        for (size_t i = from; i < out->n; i++) {
            out->d[i].offset = piece->offset + (same ? begin : place) - head;
            if (piece->undone[0] != '\0')
                memcpy(out->d[i].encoding, piece->undone, sizeof out->d[i].encoding);
        }
        bool closed;
        if (!same && place < n)
            place +=
                first_record((const char *)raw + place, n - place, (char)t.f.delimiter, &closed);
    }
    for (size_t i = 0; i < t.n_names; i++)
        yh_free(t.name[i]);
    yh_free(t.name);
    yh_buf_fini(&all);
    return s;
}

static const char *const extensions[] = {".csv", ".tsv", ".tab", NULL};

const yh_reader yh_reader_csv = {"csv", extensions, next, documents, NULL, false};
