/* extract_pages [--all] FILE...: the main text of HTML files (--all: everything they show) as JSON
 * Lines {"id", "text"} on standard output, in normal form, as yh clean leaves it; on standard error
 * the seconds that this took, one thread, files read before. For bench/extraction_vs_peers.py. */
#include <stdio.h>

#include "base/file.h"
#include "data/record.h"
#include "input/html_text.h"
#include "input/normalize.h"
#include "input/reader.h"

extern const yh_reader yh_reader_html;

/* Everything that a page in UTF-8 shows, in normal form. */
static yh_status whole(const yh_buf *page, yh_buf *text, yh_err *err)
{
    bool plain;
    yh_buf raw;
    yh_buf_init(&raw, 0);
    yh_status s = yh_html_text(page->data != NULL ? page->data : "", page->len, YH_HTML_ALL, &raw,
                               NULL, &plain, err);
    if (s == YH_OK)
        s = yh_normalize(raw.data != NULL ? raw.data : "", raw.len, text, err);
    yh_buf_fini(&raw);
    return s;
}

static int fail(const yh_err *err)
{
    fprintf(stderr, "extract_pages: %s\n", err->msg);
    return 1;
}

int main(int argc, char **argv)
{
    yh_err err = YH_ERR_INIT;
    double seconds = 0, bytes = 0;
    const bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    for (int i = 1 + all; i < argc; i++) {
        yh_piece piece = {0};
        yh_drafts out = {0};
        yh_buf line, text;
        yh_buf_init(&line, 0);
        yh_buf_init(&text, 0);
        yh_buf_init(&piece.bytes, 0);
        if (yh_file_read(argv[i], 0, &piece.bytes, &err) != YH_OK)
            return fail(&err);
        bytes += (double)piece.bytes.len;
        double begin = yh_now();
        if (all ? whole(&piece.bytes, &text, &err) != YH_OK
                : yh_reader_html.documents(&piece, &out, &err) != YH_OK ||
                      (out.n > 0 &&
                       yh_normalize(out.d[0].text, out.d[0].len, &text, &err) != YH_OK))
            return fail(&err);
        seconds += yh_now() - begin;
        if (yh_buf_adds(&line, "{\"id\":", &err) != YH_OK ||
            yh_record_string(&line, argv[i], strlen(argv[i]), &err) != YH_OK ||
            yh_buf_adds(&line, ",\"text\":", &err) != YH_OK ||
            yh_record_string(&line, text.data != NULL ? text.data : "", text.len, &err) != YH_OK ||
            yh_buf_adds(&line, "}\n", &err) != YH_OK)
            return fail(&err);
        fwrite(line.data, 1, line.len, stdout);
        yh_buf_fini(&line);
        yh_buf_fini(&text);
        yh_buf_fini(&piece.bytes);
        yh_drafts_fini(&out);
    }
    fprintf(stderr, "{\"seconds\": %.6f, \"bytes\": %.0f}\n", seconds, bytes);
    return 0;
}
