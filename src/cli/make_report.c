/* DIR/report.json (everything) and DIR/report.html (the same for people, one file, no script). */
#include <stdio.h>

#include "base/report_page.h"
#include "cli/make.h"

static yh_status headline(const make_job *j, yh_buf *b, yh_err *err)
{
    const json_t *train = make_state_done(j, "train"), *ev = make_state_done(j, "evaluate");
    const json_t *m = json_object_get(ev, "model"), *held = json_object_get(ev, "heldout");
    char v[64], w[32];
    YH_TRY(yh_buf_adds(b, "<div class=\"cards\">\n", err));
    snprintf(v, sizeof v, "%.3f", make_num(held, "bits_per_byte"));
    YH_TRY(yh_page_card(b, v, "bits per byte, held out", err));
    YH_TRY(yh_page_card(b, yh_fmt_count(make_num(m, "weights"), w), "weights", err));
    YH_TRY(yh_page_card(b, yh_fmt_count(make_num(train, "tokens"), w), "tokens trained", err));
    snprintf(v, sizeof v, "%.0f", make_num(train, "tokens_per_second"));
    YH_TRY(yh_page_card(b, v, "tokens per second", err));
    snprintf(v, sizeof v, "%.0f%%", 100 * make_num(train, "peak_fraction"));
    YH_TRY(yh_page_card(b, v, "of the machine's measured peak", err));
    return yh_buf_adds(b, "</div>\n", err);
}

/* A table of an object's numbers: {name: number} or {name: {documents, lines, bytes ...}}. */
static yh_status number_table(const json_t *obj, const char *head, yh_buf *b, yh_err *err)
{
    const char *key;
    json_t *v;
    YH_TRY(yh_buf_addf(b, err, "<table><tr><th>%s</th><th class=\"n\">count</th></tr>\n", head));
    json_object_foreach((json_t *)(uintptr_t)obj, key, v)
    {
        YH_TRY(yh_buf_adds(b, "<tr><td>", err));
        YH_TRY(yh_page_text(b, key, err));
        YH_TRY(yh_buf_adds(b, "</td><td class=\"n\">", err));
        if (json_is_number(v)) {
            YH_TRY(yh_buf_addf(b, err, "%.0f", json_number_value(v)));
        } else if (json_is_object(v)) {
            const char *k2;
            json_t *v2;
            json_object_foreach(v, k2, v2)
            {
                if (!json_is_number(v2))
                    continue;
                YH_TRY(yh_buf_addf(b, err, "%.0f ", json_number_value(v2)));
                YH_TRY(yh_page_text(b, k2, err));
                YH_TRY(yh_buf_adds(b, "&ensp;", err));
            }
        }
        YH_TRY(yh_buf_adds(b, "</td></tr>\n", err));
    }
    return yh_buf_adds(b, "</table>\n", err);
}

static yh_status data_section(const make_job *j, yh_buf *b, yh_err *err)
{
    const json_t *c = make_state_done(j, "clean"), *docs = json_object_get(c, "documents");
    const json_t *lines = json_object_get(c, "lines_removed"), *in = json_object_get(c, "input");
    const struct {
        const json_t *counts;
        const char *title;
    } part[] = {{json_object_get(in, "by_type"), "Files that came in"},
                {json_object_get(json_object_get(c, "skipped"), "by_kind"), "Files passed over"},
                {json_object_get(json_object_get(c, "problems"), "by_kind"), "Broken places"},
                {json_object_get(docs, "removed_by_reason"), "Documents removed, and why"},
                {json_object_get(lines, "by_reason"), "Lines removed, and why"},
                {json_object_get(c, "encodings"), "Encodings of the documents"},
                {json_object_get(c, "sources"), "Sources"}};
    char bytes[32], text[32];
    YH_TRY(yh_buf_addf(b, err,
                       "<h2>The data</h2>\n<p>%.0f files of %s came in; %.0f of %.0f documents "
                       "with %s of text were kept.</p>\n",
                       make_num(in, "files"), yh_fmt_bytes(make_num(in, "bytes"), bytes),
                       make_num(docs, "kept"), make_num(docs, "in"),
                       yh_fmt_bytes(make_num(json_object_get(c, "text"), "bytes"), text)));
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (json_object_size(part[i].counts) > 0)
            YH_TRY(number_table(part[i].counts, part[i].title, b, err));
    return yh_buf_adds(b,
                       "<p class=\"mute\">Everything removed is kept, with its reason, in "
                       "<code>work/corpus/removed-*.jsonl.zst</code>.</p>\n",
                       err);
}

static yh_status tokens_section(const make_job *j, yh_buf *b, yh_err *err)
{
    const json_t *t = make_state_done(j, "tokenizer"), *p = make_state_done(j, "pack");
    static const char *const split[] = {"train", "heldout"};
    YH_TRY(yh_buf_addf(b, err,
                       "<h2>The tokenizer</h2>\n<p>Byte-level BPE, %.0f tokens, trained in %.1f "
                       "s.</p>\n<table><tr><th>split</th><th class=\"n\">documents</th><th "
                       "class=\"n\">tokens</th><th class=\"n\">bytes per token</th></tr>\n",
                       make_num(t, "vocab"), make_num(t, "seconds")));
    for (int i = 0; i < 2; i++) {
        const json_t *s = json_object_get(p, split[i]);
        double n = make_num(s, "tokens");
        YH_TRY(yh_buf_addf(b, err,
                           "<tr><td>%s</td><td class=\"n\">%.0f</td><td class=\"n\">%.0f</td><td "
                           "class=\"n\">%.2f</td></tr>\n",
                           i == 0 ? "training" : "held out", make_num(s, "documents"), n,
                           n > 0 ? make_num(s, "bytes") / n : 0));
    }
    return yh_buf_adds(b, "</table>\n", err);
}

static yh_status model_section(const make_job *j, yh_buf *b, yh_err *err)
{
    const json_t *t = make_state_done(j, "train");
    const json_t *m = json_object_get(make_state_done(j, "evaluate"), "model");
    char time[32], predicted[32], peak[32];
    YH_TRY(yh_buf_addf(
        b, err,
        "<h2>The training</h2>\n<p>%s, %.0f layers, width %.0f, %.0f heads, context %.0f. %.0f "
        "steps in %s; the folder holds the weights of step %.0f, the best on held-out documents. "
        "Stopped because: ",
        make_text(m, "family"), make_num(m, "layers"), make_num(m, "width"), make_num(m, "heads"),
        make_num(m, "context"), make_num(t, "steps"), yh_fmt_seconds(make_num(t, "seconds"), time),
        make_num(t, "best_step")));
    YH_TRY(yh_page_text(b, make_text(t, "stopped_because"), err));
    YH_TRY(yh_buf_addf(b, err, ". Memory: %s predicted, %s at most.</p>\n",
                       yh_fmt_bytes(make_num(t, "memory_predicted"), predicted),
                       yh_fmt_bytes(make_num(t, "memory_peak"), peak)));
    char *metrics = yh_path_join(j->out, "metrics.jsonl");
    if (metrics == NULL)
        return yh_fail(err, YH_NOMEM, "no memory");
    yh_status s = make_chart(metrics, t, b, err);
    yh_free(metrics);
    return s;
}

static yh_status bar(yh_buf *b, const char *name, double value, double max, bool ours, yh_err *err)
{
    char number[32];
    snprintf(number, sizeof number, "%.3f", value);
    return yh_page_bar(b, name, number, value, max, ours ? "a" : "o", err);
}

static yh_status heldout_section(const make_job *j, yh_buf *b, yh_err *err)
{
    const json_t *ev = make_state_done(j, "evaluate"), *base = json_object_get(ev, "baseline");
    double ours = make_num(json_object_get(ev, "heldout"), "bits_per_byte");
    double xz = make_num(base, "xz_bits_per_byte"), zs = make_num(base, "zstd_bits_per_byte");
    double max = ours > xz ? ours : xz;
    if (zs > max)
        max = zs;
    YH_TRY(yh_buf_addf(b, err,
                       "<h2>Held-out documents</h2>\n<p>Bits per byte: lower is better. The "
                       "compressors saw %.1f MB of the training text before the held-out "
                       "text.</p>\n<table>\n",
                       make_num(base, "primed_with_bytes") / 1e6));
    YH_TRY(bar(b, "this model", ours, max, true, err));
    YH_TRY(bar(b, "xz -9e", xz, max, false, err));
    YH_TRY(bar(b, "zstd -19 --long", zs, max, false, err));
    YH_TRY(yh_buf_adds(b,
                       "</table>\n<table><tr><th>source</th><th class=\"n\">documents</th><th "
                       "class=\"n\">bytes</th><th class=\"n\">bytes per token</th><th "
                       "class=\"n\">bits per byte</th></tr>\n",
                       err));
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(ev, "by_source"), i, r)
    {
        YH_TRY(yh_buf_adds(b, "<tr><td>", err));
        YH_TRY(yh_page_text(b, make_text(r, "source"), err));
        YH_TRY(yh_buf_addf(b, err,
                           "</td><td class=\"n\">%.0f</td><td class=\"n\">%.0f</td><td "
                           "class=\"n\">%.2f</td><td class=\"n\">%.3f</td></tr>\n",
                           make_num(r, "documents"), make_num(r, "bytes"),
                           make_num(r, "bytes_per_token"), make_num(r, "bits_per_byte")));
    }
    return yh_buf_adds(b, "</table>\n", err);
}

static yh_status samples_section(const make_job *j, yh_buf *b, yh_err *err)
{
    size_t i;
    json_t *s;
    YH_TRY(yh_buf_adds(b,
                       "<h2>Samples</h2>\n<p class=\"mute\">In colour: the beginning of a held-out "
                       "document. Then: what the model went on to write.</p>\n",
                       err));
    json_array_foreach(json_object_get(make_state_done(j, "evaluate"), "samples"), i, s)
    {
        YH_TRY(yh_buf_adds(b, "<div class=\"sample\"><b>", err));
        YH_TRY(yh_page_text(b, make_text(s, "prompt"), err));
        YH_TRY(yh_buf_adds(b, "</b>", err));
        YH_TRY(yh_page_text(b, make_text(s, "text"), err));
        YH_TRY(yh_buf_adds(b, "</div>\n", err));
    }
    return YH_OK;
}

static yh_status write_html(const make_job *j, yh_buf *b, yh_err *err)
{
    char below[64];
    snprintf(below, sizeof below, "made by Yinghuo %s on %s", YH_VERSION, yh_isa_name());
    YH_TRY(yh_page_begin(b, yh_path_base(j->out), below, err));
    YH_TRY(headline(j, b, err));
    YH_TRY(heldout_section(j, b, err));
    YH_TRY(model_section(j, b, err));
    YH_TRY(samples_section(j, b, err));
    YH_TRY(data_section(j, b, err));
    YH_TRY(tokens_section(j, b, err));
    return yh_page_end(b, err);
}

yh_status make_report_write(make_job *j, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    char *html = yh_path_join(j->out, "report.html"), *json = yh_path_join(j->out, "report.json");
    yh_status s = html != NULL && json != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
    if (s == YH_OK)
        s = yh_json_save(j->state, json, true, err);
    if (s == YH_OK)
        s = write_html(j, &b, err);
    if (s == YH_OK)
        s = yh_file_write(html, b.data, b.len, err);
    yh_buf_fini(&b);
    yh_free(html);
    yh_free(json);
    return s;
}
