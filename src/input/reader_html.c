/* HTML pages: the main text of each file is one document. */
#include <stdio.h>

#include "input/charset.h"
#include "input/html_text.h"
#include "input/normalize.h"
#include "input/page.h"

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    const uint8_t *p;
    size_t n;
    YH_TRY(yh_stream_peek(s, state->mode == 0 ? YH_HTML_MAX + 1 : 1, &p, &n, err));
    *more = n > 0 && state->mode == 0;
    if (!*more)
        return YH_OK;
    state->mode = 1;
    if (n > YH_HTML_MAX) {
        snprintf(state->problem, sizeof state->problem, "a page longer than %d bytes was cut there",
                 YH_HTML_MAX);
        piece->cut = true;
        n = YH_HTML_MAX;
    }
    YH_TRY(yh_buf_add(&piece->bytes, p, n, err));
    yh_stream_skip(s, n);
    return YH_OK;
}

yh_status yh_html_draft(const uint8_t *bytes, size_t n, const char *charset, uint64_t number,
                        yh_drafts *out, yh_err *err)
{
    char label[24];
    yh_charset info;
    yh_buf utf8, text, title, tidy;
    bool plain;
    yh_buf_init(&utf8, 0);
    yh_buf_init(&text, 0);
    yh_buf_init(&title, 0);
    yh_buf_init(&tidy, 0);
    if (charset != NULL && charset[0] != '\0')
        snprintf(label, sizeof label, "%s", charset);
    else
        yh_charset_declared(bytes, n, label);
    yh_status s = yh_charset_decode(bytes, n, NULL, label, &utf8, &info, err);
    if (s == YH_OK) {
        out->replaced += info.replaced;
        s = yh_html_text(utf8.data != NULL ? utf8.data : "", utf8.len, YH_HTML_MAIN, &text, &title,
                         &plain, err);
    }
    if (s == YH_OK && title.len > 0)
        s = yh_normalize(title.data, title.len, &tidy, err);
    if (s == YH_OK)
        s = yh_drafts_add(out, &text, number, true, info.name, err);
    if (s == YH_OK && tidy.len > 0) {
        yh_draft *d = &out->d[out->n - 1];
        size_t k = 0;
        for (size_t i = 0; i < tidy.len; i++) { /* blanks folded, in one line */
            char c = tidy.data[i] == '\n' || tidy.data[i] == '\t' ? ' ' : tidy.data[i];
            if (c != ' ' || (k > 0 && tidy.data[k - 1] != ' '))
                tidy.data[k++] = c;
        }
        tidy.data[k] = '\0';
        d->title = tidy.data;
        yh_buf_init(&tidy, 0);
    }
    yh_buf_fini(&utf8);
    yh_buf_fini(&text);
    yh_buf_fini(&title);
    yh_buf_fini(&tidy);
    return s;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    return yh_html_draft((const uint8_t *)piece->bytes.data, piece->bytes.len, NULL, 0, out, err);
}

static const char *const extensions[] = {".html", ".htm", ".xhtml", NULL};

const yh_reader yh_reader_html = {"html", extensions, next, documents, NULL, false};
