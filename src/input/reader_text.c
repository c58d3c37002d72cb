/* Plain text and Markdown: one document, unless it contains <|endoftext|> marks, which separate
 * documents. A long file is read in pieces that end behind a mark, else a blank line, else a line.
 */
#include <stdio.h>

#include "input/charset.h"
#include "input/reader.h"

static const char mark[] = "<|endoftext|>";
/* SMALL: bytes of a piece where marks separate small documents. */
enum { MARK = sizeof mark - 1, BACK = 1 << 17, SLOP = 8, SMALL = 256 << 10 };

/* The last place in p[0..n) behind which a piece may end; 0: none. */
static size_t last_boundary(const uint8_t *p, size_t n, bool *document_ends)
{
    *document_ends = false;
    for (size_t i = n; i >= MARK; i--) {
        const uint8_t *at = memrchr(p, '|', i);
        if (at == NULL)
            break;
        i = (size_t)(at - p);
        if (i + 2 <= n && i + 2 >= MARK && memcmp(p + i + 2 - MARK, mark, MARK) == 0) {
            *document_ends = true;
            return i + 2;
        }
        if (i < MARK)
            break;
    }
    size_t lo = n > BACK ? n - BACK : 0;
    for (size_t i = n; i > lo + 1; i--)
        if (p[i - 1] == '\n' && p[i - 2] == '\n')
            return i;
    const uint8_t *nl = memrchr(p, '\n', n);
    return nl != NULL ? (size_t)(nl - p) + 1 : 0;
}

/* The same for two- and four-byte encodings. */
static size_t last_wide_boundary(const uint8_t *p, size_t n, const char *charset)
{
    size_t w = strncmp(charset, "UTF-32", 6) == 0 ? 4 : 2;
    bool big = strcmp(charset + strlen(charset) - 2, "BE") == 0;
    size_t at = big ? w - 1 : 0;
    for (size_t i = n / w * w; i >= w; i -= w) {
        size_t zeros = 0;
        for (size_t k = 0; k < w; k++)
            zeros += p[i - w + k] == 0;
        if (zeros == w - 1 && p[i - w + at] == '\n')
            return i;
    }
    return n / w * w;
}

/* Bytes of UTF-8 up to a mark near by: the same documents as of a large piece, in less memory. 0:
 * there is none. */
static yh_status small_piece(yh_stream *s, const char *charset, size_t *take, yh_err *err)
{
    const uint8_t *p;
    size_t n;
    char guess[sizeof((yh_reader_state *)NULL)->charset] = "";
    bool ends = false;
    YH_TRY(yh_stream_peek(s, SMALL, &p, &n, err));
    *take = 0;
    if (n < SMALL || memmem(p, n, mark, MARK) == NULL)
        return YH_OK;
    if (charset[0] == '\0')
        yh_charset_guess(p, n, NULL, guess);
    if (strcmp(charset[0] == '\0' ? guess : charset, "UTF-8") != 0)
        return YH_OK;
    size_t cut = last_boundary(p, n, &ends);
    *take = ends ? cut : 0;
    return YH_OK;
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    const uint8_t *p;
    size_t n, small;
    YH_TRY(small_piece(s, state->charset, &small, err));
    YH_TRY(yh_stream_peek(s, small > 0 ? small : YH_TEXT_PIECE + SLOP, &p, &n, err));
    *more = n > 0;
    if (n == 0)
        return YH_OK;
    size_t take = n <= YH_TEXT_PIECE ? n : YH_TEXT_PIECE;
    if (state->charset[0] == '\0')
        yh_charset_guess(p, take, NULL, state->charset);
    piece->middle = state->middle;
    state->middle = false;
    if (small > 0) {
        take = small;
    } else if (take < n) {
        bool ends = false;
        size_t cut;
        if (strncmp(state->charset, "UTF-16", 6) == 0 || strncmp(state->charset, "UTF-32", 6) == 0)
            cut = last_wide_boundary(p, take, state->charset);
        else
            cut = last_boundary(p, take, &ends);
        if (cut == 0) { /* one endless line: cut between characters of UTF-8 if it is that */
            for (cut = take; cut > take - SLOP && (p[cut] & 0xc0) == 0x80;)
                cut--;
            snprintf(state->problem, sizeof state->problem,
                     "a line longer than %d bytes was cut in two", YH_TEXT_PIECE);
            piece->cut = true;
        }
        take = cut;
        state->middle = !ends;
    }
    piece->number = 0;
    /* "UTF-8" is not passed on: each piece is checked again, which costs next to nothing */
    if (strcmp(state->charset, "UTF-8") != 0)
        memcpy(piece->charset, state->charset, sizeof piece->charset);
    YH_TRY(yh_buf_add(&piece->bytes, p, take, err));
    yh_stream_skip(s, take);
    return YH_OK;
}

/* Goes behind the next mark in the piece's own bytes, which in all charsets but the wide ones
 * (whose documents have the place of their piece) holds as many of them as the text. */
static void pass_mark(const yh_piece *piece, size_t *at)
{
    const char *p = piece->bytes.data;
    const char *m = memmem(p + *at, piece->bytes.len - *at, mark, MARK);
    if (m != NULL)
        *at = (size_t)(m - p) + MARK;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    yh_charset info;
    yh_buf text, part;
    yh_buf_init(&text, 0);
    yh_buf_init(&part, 0);
    yh_status st = yh_charset_decode((const uint8_t *)piece->bytes.data, piece->bytes.len,
                                     piece->charset[0] != '\0' ? piece->charset : NULL, NULL, &text,
                                     &info, err);
    if (st != YH_OK)
        goto out;
    out->replaced += info.replaced;
    bool starts = !piece->middle;
    if (text.len == 0 || memmem(text.data, text.len, mark, MARK) == NULL) {
        st = yh_drafts_add(out, &text, 0, starts, info.name, err);
        if (st == YH_OK)
            out->d[out->n - 1].offset = piece->offset;
        goto out;
    }
    for (size_t at = 0, raw = 0; at < text.len;) {
        const char *m = memmem(text.data + at, text.len - at, mark, MARK);
        size_t end = m != NULL ? (size_t)(m - text.data) : text.len;
        size_t b = at;
        while (b < end && strchr(" \t\r\n", text.data[b]) != NULL && text.data[b] != '\0')
            b++;
        if (b < end) { /* nothing but blanks between two marks is no document */
            YH_GOTO(st, yh_buf_add(&part, text.data + at, end - at, err), out);
            YH_GOTO(st, yh_drafts_add(out, &part, 0, starts, info.name, err), out);
            out->d[out->n - 1].offset = piece->offset + raw;
        }
        pass_mark(piece, &raw);
        starts = true;
        at = m != NULL ? end + MARK : end;
    }
out:
    yh_buf_fini(&text);
    yh_buf_fini(&part);
    return st;
}

static const char *const extensions[] = {".txt", ".md", NULL};

const yh_reader yh_reader_text = {"text", extensions, next, documents, NULL, false};
