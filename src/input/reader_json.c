/* JSON Lines, and JSON arrays or single values. Both are handed to the workers as blocks with one
 * value a line. Splitting needs no memory for nesting: it counts brackets and knows strings. */
#include <stdio.h>

#include "input/charset.h"
#include "input/json_record.h"
#include "input/json_scan.h"
#include "input/reader.h"
#include "input/utf8_scan.h"

enum { UNKNOWN, LINES, VALUES, NOTHING };
enum { SEARCH_DEPTH = 16 /* of data sets in one value */, LOOK = 1 << 16 };

static const char *const extensions[] = {".jsonl", ".json", ".ndjson", NULL};

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ------------------------------------------------------------------ JSON Lines */

/* Skips a line that is longer than the limit. */
static yh_status skip_line(yh_stream *s, yh_err *err)
{
    for (;;) {
        const uint8_t *p;
        size_t n;
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        if (n == 0)
            return YH_OK;
        const uint8_t *nl = memchr(p, '\n', n);
        yh_stream_skip(s, nl != NULL ? (size_t)(nl - p) + 1 : n);
        if (nl != NULL)
            return YH_OK;
    }
}

static yh_status next_lines(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                            yh_err *err)
{
    size_t want = YH_JSON_BLOCK, searched = 0;
    for (;;) {
        const uint8_t *p, *nl = NULL;
        size_t n;
        YH_TRY(yh_stream_peek(s, want, &p, &n, err));
        *more = n > 0;
        if (n == 0)
            return YH_OK;
        size_t take = n < want ? n : 0;
        if (take == 0 && (nl = memrchr(p + searched, '\n', want - searched)) != NULL)
            take = (size_t)(nl - p) + 1;
        if (take == 0 && want >= YH_JSON_VALUE_MAX) {
            YH_TRY(skip_line(s, err));
            snprintf(state->problem, sizeof state->problem,
                     "line %llu is longer than %d bytes and was left out",
                     (unsigned long long)++state->counter, YH_JSON_VALUE_MAX);
            want = YH_JSON_BLOCK;
            searched = 0;
            continue;
        }
        if (take == 0) { /* a long line: look further */
            searched = want;
            want *= 2;
            continue;
        }
        piece->number = state->counter + 1;
        piece->offset = yh_stream_offset(s);
        for (const uint8_t *q = p; (q = memchr(q, '\n', take - (size_t)(q - p))) != NULL; q++)
            state->counter++;
        YH_TRY(yh_buf_add(&piece->bytes, p, take, err));
        yh_stream_skip(s, take);
        return YH_OK;
    }
}

/* ------------------------------------------------------------------ values */

/* Copies one value that begins at the stream's front into the piece as one line, behind its offset
 * (8 bytes). Returns with *dropped set when it is longer than the limit. */
static yh_status take_value(yh_stream *s, yh_piece *piece, bool *dropped, yh_err *err)
{
    const uint64_t offset = yh_stream_offset(s);
    const size_t start = piece->bytes.len, before = start + sizeof offset;
    uint64_t depth = 0;
    bool string = false, escaped = false, done = false, first = true;
    *dropped = false;
    YH_TRY(yh_buf_add(&piece->bytes, &offset, sizeof offset, err));
    while (!done) {
        const uint8_t *p;
        size_t n, i = 0;
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        if (n == 0)
            break;
        for (; i < n && !done; i++) {
            uint8_t c = p[i];
            if (string) {
                string = escaped || c != '"';
                escaped = !escaped && c == '\\';
                /* no string has a line end: a quote was lost, and the next line begins anew */
                done = (!string && depth == 0) || c == '\n';
            } else if (c == '"') {
                string = true;
            } else if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                if (depth == 0)
                    break; /* the end of what contains a bare value */
                done = --depth == 0;
            } else if (depth == 0 && (blank(c) || c == ',')) {
                break;
            }
        }
        bool stopped = i < n && !done;
        if (i > 0 && !*dropped) {
            if (piece->bytes.len - before + i > YH_JSON_VALUE_MAX) {
                *dropped = true;
                piece->bytes.len = start;
            } else {
                YH_TRY(yh_buf_add(&piece->bytes, p, i, err));
            }
        }
        yh_stream_skip(s, i);
        first = first && i == 0;
        if (stopped)
            break;
    }
    if (first) { /* a bracket or comma where no value is: leave it out */
        const uint8_t *p;
        size_t n;
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        YH_TRY(yh_buf_add(&piece->bytes, p, n > 0, err));
        yh_stream_skip(s, n > 0);
    }
    for (size_t i = before; i < piece->bytes.len; i++)
        if (piece->bytes.data[i] == '\n')
            piece->bytes.data[i] = ' ';
    return *dropped ? YH_OK : yh_buf_addc(&piece->bytes, '\n', err);
}

static yh_status next_values(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                             yh_err *err)
{
    piece->number = state->counter + 1;
    piece->placed = true;
    while (piece->bytes.len < YH_JSON_BLOCK && state->problem[0] == '\0') {
        const uint8_t *p;
        size_t n, i = 0;
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        if (n == 0)
            break;
        while (i < n && (blank(p[i]) || p[i] == ',' || (p[i] == ']' && state->middle) ||
                         (p[i] == '[' && state->mode == VALUES && !state->middle))) {
            if (p[i] == '[')
                state->middle = true; /* inside the outer array */
            else if (p[i] == ']')
                state->middle = false;
            i++;
        }
        yh_stream_skip(s, i);
        if (i == n)
            continue;
        bool dropped;
        YH_TRY(take_value(s, piece, &dropped, err));
        state->counter++;
        if (dropped)
            snprintf(state->problem, sizeof state->problem,
                     "value %llu is longer than %d bytes and was left out",
                     (unsigned long long)state->counter, YH_JSON_VALUE_MAX);
    }
    *more = piece->bytes.len > 0 || state->problem[0] != '\0';
    return YH_OK;
}

/* A line that ends with its bracket is JSON Lines; anything else is scanned as values. */
static bool is_lines(const uint8_t *p, size_t n)
{
    size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < n && blank(p[i]))
        i++;
    const uint8_t *nl = i < n ? memchr(p + i, '\n', n - i) : NULL;
    size_t e = nl != NULL ? (size_t)(nl - p) : n;
    while (e > i && blank(p[e - 1]))
        e--;
    return i < n && p[i] == '{' && (nl == NULL || (e > i + 1 && p[e - 1] == '}'));
}

/* Bytes of a character if they are not UTF-8's: by the mark, or because JSON begins with ASCII. */
static int width_of(const uint8_t *p, size_t n, bool *big)
{
    const bool marked =
        n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff));
    const bool zeros = n >= 2 && (p[0] == 0) != (p[1] == 0);
    *big = n >= 2 && (p[0] == 0 || p[0] == 0xfe);
    if (n >= 4 && ((p[0] == 0 && p[1] == 0) || (p[2] == 0 && p[3] == 0 && (marked || zeros))))
        return 4;
    return marked || zeros ? 2 : 1;
}

static yh_status begin(yh_stream *s, yh_reader_state *state, yh_err *err)
{
    const uint8_t *p;
    size_t n;
    bool big;
    YH_TRY(yh_stream_peek(s, LOOK, &p, &n, err));
    const int width = width_of(p, n, &big);
    if (width == 4) {
        snprintf(state->problem, sizeof state->problem,
                 "JSON in UTF-32 is not supported; convert the file to UTF-8");
        state->mode = NOTHING;
        return YH_OK;
    }
    if (width == 2)
        YH_TRY(yh_stream_utf16(s, big, err));
    else if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        yh_stream_skip(s, 3);
    YH_TRY(yh_stream_peek(s, LOOK, &p, &n, err));
    state->mode = is_lines(p, n) ? LINES : VALUES;
    return YH_OK;
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    if (state->mode == UNKNOWN && state->sliced)
        state->mode = LINES;
    if (state->mode == UNKNOWN)
        YH_TRY(begin(s, state, err));
    snprintf(piece->undone, sizeof piece->undone, "%s", yh_stream_encoding(s));
    *more = false;
    if (state->mode == NOTHING)
        return YH_OK;
    return state->mode == LINES ? next_lines(s, state, piece, more, err)
                                : next_values(s, state, piece, more, err);
}

/* ------------------------------------------------------------------ documents */

/* Adds the text of one value as a document; *found false: it has none. */
static yh_status add_document(const json_t *j, const char *wanted, uint64_t number,
                              const char *encoding, yh_drafts *out, bool *found, yh_err *err)
{
    yh_buf text;
    const char *used[8];
    yh_buf_init(&text, 0);
    yh_status st = yh_json_text(j, wanted, &text, found, used, err);
    if (st == YH_OK && *found)
        st = yh_drafts_add(out, &text, number, true, encoding, err);
    if (st == YH_OK && *found && json_is_object(j))
        st = yh_json_members_keep(j, used, out, err);
    yh_buf_fini(&text);
    return st;
}

/* A data set in one value (SQuAD's, a book in chapters): every object within that has text is a
 * document. Depth is limited; jansson limits it too. */
static yh_status search(const json_t *j, const char *wanted, uint64_t number, const char *encoding,
                        int depth, yh_drafts *out, bool *found, yh_err *err)
{
    bool here = false;
    if (depth == 0 || json_is_string(j))
        return YH_OK;
    YH_TRY(add_document(j, wanted, number, encoding, out, &here, err));
    *found = *found || here;
    if (here)
        return YH_OK;
    if (json_is_array(j)) {
        for (size_t i = 0; i < json_array_size(j); i++)
            YH_TRY(
                search(json_array_get(j, i), wanted, number, encoding, depth - 1, out, found, err));
    } else if (json_is_object(j)) {
        const char *key;
        json_t *v;
        json_object_foreach((json_t *)(uintptr_t)j, key, v)
        {
            YH_TRY(search(v, wanted, number, encoding, depth - 1, out, found, err));
        }
    }
    return YH_OK;
}

/* A value that is damaged may hold objects that are not: a list in one line that lost a quote. */
static yh_status salvage(const char *p, size_t n, uint64_t number, const char *wanted,
                         yh_drafts *out, yh_err *err)
{
    size_t budget = 8 * n; /* bytes to look at: an attempt may go far and fail */
    for (size_t at = 1; at < n && budget > 0;) {
        const char *open = memchr(p + at, '{', n - at);
        if (open == NULL)
            return YH_OK;
        at = (size_t)(open - p);
        size_t seen, len = yh_json_object(open, n - at, &seen);
        budget = seen + 1 < budget ? budget - seen - 1 : 0;
        bool done;
        if (len > 0)
            YH_TRY(yh_json_record(open, len, number, wanted, out, &done, err));
        at += len > 0 ? len : 1;
    }
    return YH_OK;
}

/* A value that the fast way does not know. */
static yh_status odd_value(const char *p, size_t n, uint64_t number, const char *wanted,
                           const char *encoding, yh_drafts *out, yh_err *err)
{
    json_error_t je;
    char what[120];
    bool found = false;
    yh_status st;
    json_t *j = json_loadb(p, n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &je);
    if (j == NULL) {
        if (json_error_code(&je) == json_error_out_of_memory)
            return yh_fail(err, YH_NOMEM, "no memory to parse a JSON value of %zu bytes", n);
        snprintf(what, sizeof what, "not valid JSON: %.90s", je.text);
        yh_drafts_problem(out, number, what);
        return salvage(p, n, number, wanted, out, err);
    }
    if (json_is_string(j))
        st = add_document(j, wanted, number, encoding, out, &found, err);
    else
        st = search(j, wanted, number, encoding, SEARCH_DEPTH, out, &found, err);
    if (st == YH_OK && !found)
        yh_drafts_problem(out, number, "a JSON value without text of a known kind");
    json_decref(j);
    return st;
}

static yh_status one_value(const char *p, size_t n, uint64_t number, const char *wanted,
                           yh_drafts *out, yh_err *err)
{
    yh_buf fixed, mended;
    yh_charset info = {"UTF-8", 0};
    bool found = false;
    uint64_t lone;
    size_t before = out->n;
    yh_status st = yh_json_record(p, n, number, wanted, out, &found, err);
    if (st != YH_OK || found)
        return st;
    yh_buf_init(&fixed, 0);
    yh_buf_init(&mended, 0);
    if (yh_utf8_valid_prefix((const uint8_t *)p, n) < n) {
        YH_GOTO(st, yh_charset_decode((const uint8_t *)p, n, NULL, NULL, &fixed, &info, err), out);
        out->replaced += info.replaced;
        p = fixed.data;
        n = fixed.len;
    }
    YH_GOTO(st, yh_json_mend_surrogates(p, n, &mended, &lone, err), out);
    if (lone > 0) {
        out->replaced += lone;
        p = mended.data;
        st = yh_json_record(p, n, number, wanted, out, &found, err);
    }
    if (st == YH_OK && !found)
        st = odd_value(p, n, number, wanted, info.name, out, err);
out:
    for (size_t i = before; i < out->n; i++)
        out->d[i].raw = NULL; /* it would point into what is freed here */
    yh_buf_fini(&fixed);
    yh_buf_fini(&mended);
    return st;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    const char *p = piece->bytes.data;
    size_t n = piece->bytes.len;
    uint64_t number = piece->number;
    const char *wanted = piece->options != NULL ? piece->options->text : NULL;
    for (size_t at = 0; at < n; number++) {
        uint64_t offset = piece->offset;
        size_t from = out->n;
        if (piece->placed) {
            memcpy(&offset, p + at, sizeof offset);
            at += sizeof offset;
        }
        const char *nl = memchr(p + at, '\n', n - at);
        size_t end = nl != NULL ? (size_t)(nl - p) : n;
        size_t b = at;
        while (b < end && blank((uint8_t)p[b]))
            b++;
        if (b < end)
            YH_TRY(one_value(p + b, end - b, number, wanted, out, err));
        for (size_t i = from; i < out->n; i++) {
            out->d[i].offset = offset + (piece->placed ? 0 : b);
            if (piece->undone[0] != '\0')
                memcpy(out->d[i].encoding, piece->undone, sizeof out->d[i].encoding);
        }
        at = end + 1;
    }
    return YH_OK;
}

const yh_reader yh_reader_json = {"json", extensions, next, documents, is_lines, false};
