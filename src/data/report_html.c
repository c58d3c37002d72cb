/* report.html of a corpus: what came in, what was removed and why, with examples to judge by. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/report_page.h"
#include "data/engine_stats.h"
#include "data/report.h"

static double num(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static const char *txt(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t != NULL ? t : "";
}

/* "1.2 GB", "345 kB" */
static const char *bytes_text(double n, char out[32])
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
    int u = 0;
    while (n >= 999.5 && u < 4) {
        n /= 1000.0;
        u++;
    }
    snprintf(out, 32, u == 0 || n >= 99.95 ? "%.0f %s" : "%.1f %s", n, unit[u]);
    return out;
}

/* 1234567 as "1,234,567" */
static const char *count_text(double n, char out[32])
{
    char plain[32];
    int len = snprintf(plain, sizeof plain, "%.0f", n), k = 0;
    for (int i = 0; i < len && k < 30; i++) {
        if (i > 0 && (len - i) % 3 == 0 && plain[i - 1] != '-')
            out[k++] = ',';
        out[k++] = plain[i];
    }
    out[k] = '\0';
    return out;
}

static yh_status cards(yh_buf *b, const json_t *r, yh_err *err)
{
    char v[32];
    const json_t *docs = json_object_get(r, "documents"), *text = json_object_get(r, "text");
    const json_t *in = json_object_get(r, "input");
    double kept = num(docs, "in") > 0 ? num(docs, "kept") / num(docs, "in") : 1;
    YH_TRY(yh_buf_adds(b, "<div class=\"cards\">\n", err));
    YH_TRY(yh_page_card(b, bytes_text(num(in, "bytes"), v), "raw bytes came in", err));
    YH_TRY(yh_page_card(b, count_text(num(docs, "kept"), v), "documents kept", err));
    snprintf(v, sizeof v, "%.1f%%", 100 * kept);
    YH_TRY(yh_page_card(b, v, "of the documents", err));
    YH_TRY(yh_page_card(b, bytes_text(num(text, "bytes"), v), "of text", err));
    snprintf(v, sizeof v, "%.1f MB/s", num(r, "input_mb_per_second"));
    YH_TRY(yh_page_card(b, v, "raw, all phases", err));
    return yh_buf_adds(b, "</div>\n", err);
}

/* ------------------------------------------------------------------ steps */

static yh_status cell(yh_buf *b, double n, yh_err *err)
{
    char v[32];
    return n > 0 ? yh_buf_addf(b, err, "<td class=\"n\">%s</td>", count_text(n, v))
                 : yh_buf_adds(b, "<td class=\"n mute\">&middot;</td>", err);
}

static yh_status steps(yh_buf *b, const json_t *r, yh_err *err)
{
    size_t i;
    json_t *s;
    char v[32];
    YH_TRY(yh_buf_adds(
        b,
        "<h2>What each step did</h2>\n<div class=\"wide steps\"><table><tr><th>step</th>"
        "<th class=\"n\">documents removed</th><th class=\"n\">text</th>"
        "<th class=\"n\">documents cut</th><th class=\"n\">text</th>"
        "<th class=\"n\">documents changed</th></tr>\n",
        err));
    json_array_foreach(json_object_get(r, "steps"), i, s)
    {
        YH_TRY(yh_buf_addf(b, err, "<tr><td>%zu. <b>", i + 1));
        YH_TRY(yh_page_text(b, txt(s, "rule"), err));
        YH_TRY(yh_buf_adds(b, "</b><br><span class=\"mute\">", err));
        YH_TRY(yh_page_text(b, txt(s, "doc"), err));
        YH_TRY(yh_buf_adds(b, "</span></td>", err));
        YH_TRY(cell(b, num(s, "removed"), err));
        YH_TRY(yh_buf_addf(b, err, "<td class=\"n\">%s</td>",
                           num(s, "removed") > 0 ? bytes_text(num(s, "removed_bytes"), v) : ""));
        YH_TRY(cell(b, num(s, "cut_documents"), err));
        YH_TRY(yh_buf_addf(b, err, "<td class=\"n\">%s</td>",
                           num(s, "cuts") > 0 ? bytes_text(num(s, "cut_bytes"), v) : ""));
        YH_TRY(cell(b, num(s, "changed_documents"), err));
        YH_TRY(yh_buf_adds(b, "</tr>\n", err));
    }
    return yh_buf_adds(b, "</table></div>\n", err);
}

/* The way of the documents: how many are left behind each rule that removes. */
static yh_status funnel(yh_buf *b, const json_t *r, yh_err *err)
{
    size_t i;
    json_t *s;
    char v[32];
    double all = num(json_object_get(r, "documents"), "in"), left = all;
    YH_TRY(yh_buf_adds(b, "<h2>What was left after each step</h2>\n<table>\n", err));
    YH_TRY(yh_page_bar(b, "documents read", count_text(all, v), all, all, "o", err));
    json_array_foreach(json_object_get(r, "steps"), i, s)
    {
        if (!(num(s, "removed") > 0))
            continue;
        left -= num(s, "removed");
        YH_TRY(yh_page_bar(b, txt(s, "rule"), count_text(left, v), left, all, "a", err));
    }
    return yh_buf_adds(b, "</table>\n", err);
}

/* ------------------------------------------------------------------ sources */

static yh_status sources(yh_buf *b, const json_t *r, yh_err *err)
{
    enum { SHOWN = 40 };
    const char *name, *rule;
    json_t *s, *n;
    size_t shown = 0, all = json_object_size(json_object_get(r, "sources"));
    char v[32], w[32], x[32];
    YH_TRY(yh_buf_adds(b,
                       "<h2>By source</h2>\n<div class=\"wide\"><table><tr><th>source</th><th "
                       "class=\"n\">documents in</th><th class=\"n\">kept</th><th class=\"n\">"
                       "text</th><th>removed by</th></tr>\n",
                       err));
    json_object_foreach((json_t *)(uintptr_t)json_object_get(r, "sources"), name, s)
    {
        if (shown++ == SHOWN)
            break;
        YH_TRY(yh_buf_adds(b, "<tr><td>", err));
        YH_TRY(yh_page_text(b, name, err));
        YH_TRY(yh_buf_addf(b, err,
                           "</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td "
                           "class=\"n\">%s</td><td>",
                           count_text(num(s, "documents_in"), v),
                           count_text(num(s, "documents"), w), bytes_text(num(s, "bytes"), x)));
        json_object_foreach(json_object_get(s, "removed"), rule, n)
        {
            YH_TRY(yh_page_text(b, rule, err));
            YH_TRY(yh_buf_addf(b, err, " %s&ensp;", count_text(json_number_value(n), v)));
        }
        YH_TRY(yh_buf_adds(b, "</td></tr>\n", err));
    }
    YH_TRY(yh_buf_adds(b, "</table></div>\n", err));
    return all > SHOWN ? yh_buf_addf(b, err, "<p class=\"mute\">and %zu more, in report.json</p>\n",
                                     all - SHOWN)
                       : YH_OK;
}

/* ------------------------------------------------------------------ distributions */

static double bin_of(const json_t *o, int i)
{
    char key[16];
    snprintf(key, sizeof key, "%d", i);
    return num(o, key);
}

static yh_status lengths(yh_buf *b, const json_t *o, yh_err *err)
{
    static const char *const label[] = {"1",   "2",    "4",    "8",    "16", "32", "64",  "128",
                                        "256", "512",  "1k",   "2k",   "4k", "8k", "16k", "32k",
                                        "65k", "131k", "262k", "524k", "1M", "2M", "4M",  "8M"};
    enum { N = sizeof label / sizeof *label };
    double v[N];
    int lo = N, hi = 0;
    for (int i = 0; i < (int)N; i++) {
        v[i] = bin_of(o, i);
        if (v[i] > 0) {
            lo = i < lo ? i : lo;
            hi = i;
        }
    }
    return hi >= lo ? yh_page_columns(b, "Characters of a kept document, from this many on", v + lo,
                                      label + lo, (size_t)(hi - lo + 1), err)
                    : YH_OK;
}

/* Scores within [0, 1] in fifty bins; larger ones by quarter octaves. */
static yh_status values(yh_buf *b, const char *name, const json_t *o, yh_err *err)
{
    double v[YH_VALUE_BINS];
    static char text[YH_VALUE_BINS][16];
    const char *label[YH_VALUE_BINS] = {NULL};
    int lo = YH_VALUE_BINS, hi = 0;
    for (int i = 0; i < YH_VALUE_BINS; i++) {
        v[i] = bin_of(o, i);
        if (v[i] > 0) {
            lo = i < lo ? i : lo;
            hi = i;
        }
    }
    if (hi < lo)
        return YH_OK;
    bool unit = hi <= 50 && lo >= 1;
    lo = unit ? 1 : lo;
    hi = unit ? 50 : hi;
    int every = (hi - lo) / 10 + 1;
    for (int i = lo; i <= hi; i++)
        if ((i - lo) % every == 0 && i > 0) { /* the last of [0, 1] is 1 where there are counts */
            snprintf(text[i], sizeof text[i], "%.3g",
                     !unit && i == 50 ? 1.0 : yh_value_bin_begin(i));
            label[i] = text[i];
        }
    return yh_page_columns(b, name, v + lo, label + lo, (size_t)(hi - lo + 1), err);
}

static yh_status bars(yh_buf *b, const char *title, const json_t *o, yh_err *err)
{
    const char *name;
    json_t *n;
    double max = 0;
    char v[32];
    if (json_object_size(o) == 0)
        return YH_OK;
    json_object_foreach((json_t *)(uintptr_t)o, name, n) max = fmax(max, json_number_value(n));
    YH_TRY(yh_buf_addf(b, err, "<h3>%s</h3>\n<table>\n", title));
    json_object_foreach((json_t *)(uintptr_t)o, name, n)
    {
        double x = json_number_value(n);
        YH_TRY(yh_page_bar(b, name, count_text(x, v), x, max, "a", err));
    }
    return yh_buf_adds(b, "</table>\n", err);
}

static yh_status distributions(yh_buf *b, const json_t *r, yh_err *err)
{
    const json_t *d = json_object_get(r, "distributions");
    const char *name;
    json_t *o;
    YH_TRY(yh_buf_adds(b, "<h2>What the documents are like</h2>\n", err));
    YH_TRY(lengths(b, json_object_get(d, "length"), err));
    json_object_foreach(json_object_get(d, "values"), name, o)
    {
        YH_TRY(values(b, name, o, err));
    }
    YH_TRY(bars(b, "Language", json_object_get(d, "language"), err));
    return bars(b, "Encoding of the bytes", json_object_get(r, "encodings"), err);
}

/* ------------------------------------------------------------------ examples */

static yh_status example(yh_buf *b, const json_t *e, yh_err *err)
{
    char v[32];
    const json_t *score = json_object_get(e, "score");
    const char *what = txt(e, "what");
    YH_TRY(yh_buf_adds(b, "<div class=\"sample gone\"><i>", err));
    YH_TRY(yh_page_text(b, txt(e, "id"), err));
    YH_TRY(yh_buf_addf(b, err, " &middot; %s",
                       strcmp(what, "part") == 0     ? "a stretch was cut"
                       : strcmp(what, "change") == 0 ? "changed"
                                                     : "the document was removed"));
    if (strcmp(what, "change") != 0)
        YH_TRY(yh_buf_addf(b, err, ", %s", bytes_text(num(e, "len"), v)));
    if (score != NULL)
        YH_TRY(yh_buf_addf(b, err, " &middot; score %.4g", json_number_value(score)));
    if (txt(e, "evidence")[0] != '\0') {
        YH_TRY(yh_buf_adds(b, " &middot; ", err));
        YH_TRY(yh_page_text(b, txt(e, "evidence"), err));
    }
    YH_TRY(yh_buf_adds(b, "</i>", err));
    YH_TRY(yh_page_text(b, txt(e, "text"), err));
    if (json_string_length(json_object_get(e, "text")) < (size_t)num(e, "len"))
        YH_TRY(yh_buf_adds(b, " <span class=\"mute\">&hellip;</span>", err));
    return yh_buf_adds(b, "</div>\n", err);
}

static yh_status examples(yh_buf *b, const json_t *r, yh_err *err)
{
    const char *rule;
    json_t *list, *e;
    size_t i;
    if (json_object_size(json_object_get(r, "examples")) == 0)
        return YH_OK;
    YH_TRY(yh_buf_adds(b,
                       "<h2>Examples of what went</h2>\n<p class=\"mute\">Chosen by a hash of the "
                       "document's id. All of it is in removed-*.jsonl.zst.</p>\n",
                       err));
    json_object_foreach(json_object_get(r, "examples"), rule, list)
    {
        YH_TRY(yh_buf_adds(b, "<details open><summary><b>", err));
        YH_TRY(yh_page_text(b, rule, err));
        YH_TRY(yh_buf_adds(b, "</b> <span class=\"mute\">", err));
        YH_TRY(yh_page_text(b, txt(json_object_get(r, "rules"), rule), err));
        YH_TRY(yh_buf_adds(b, "</span></summary>\n", err));
        json_array_foreach(list, i, e)
        {
            YH_TRY(example(b, e, err));
        }
        YH_TRY(yh_buf_adds(b, "</details>\n", err));
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ the rest */

static yh_status named(yh_buf *b, const json_t *r, const char *key, const char *title, yh_err *err)
{
    enum { SHOWN = 30 };
    const json_t *o = json_object_get(r, key), *list = json_object_get(o, "list");
    char v[32];
    if (!(num(o, "count") > 0))
        return YH_OK;
    YH_TRY(yh_buf_addf(b, err, "<h2>%s: %s</h2>\n<div class=\"wide\"><table>\n", title,
                       count_text(num(o, "count"), v)));
    for (size_t i = 0; i < json_array_size(list) && i < SHOWN; i++) {
        const json_t *e = json_array_get(list, i);
        YH_TRY(yh_buf_adds(b, "<tr><td>", err));
        YH_TRY(yh_page_text(b, txt(e, "file"), err));
        YH_TRY(yh_buf_adds(b, "</td><td>", err));
        YH_TRY(yh_page_text(b, txt(e, "place"), err));
        YH_TRY(yh_buf_adds(b, "</td><td>", err));
        YH_TRY(yh_page_text(b, txt(e, "what"), err));
        YH_TRY(yh_buf_adds(b, "</td></tr>\n", err));
    }
    YH_TRY(yh_buf_adds(b, "</table></div>\n", err));
    return num(o, "count") > SHOWN
               ? yh_buf_adds(b, "<p class=\"mute\">report.json names up to a thousand.</p>\n", err)
               : YH_OK;
}

static yh_status times(yh_buf *b, const json_t *r, yh_err *err)
{
    const char *name;
    json_t *n;
    char v[32];
    double max = 0, in = num(json_object_get(r, "input"), "bytes");
    json_object_foreach(json_object_get(r, "time"), name, n) max = fmax(max, json_number_value(n));
    YH_TRY(yh_buf_adds(b, "<h2>Time</h2>\n<table>\n", err));
    json_object_foreach(json_object_get(r, "time"), name, n)
    {
        char label[80];
        double s = json_number_value(n);
        snprintf(label, sizeof label, "%.*s", (int)(strlen(name) - strlen("_seconds")), name);
        snprintf(v, sizeof v, "%.1f s &middot; %.0f MB/s", s, s > 0 ? in / 1e6 / s : 0);
        YH_TRY(yh_page_bar(b, label, v, s, max, "o", err));
    }
    return yh_buf_adds(b,
                       "</table>\n<p class=\"mute\">Of the processes together; MB/s of raw "
                       "input.</p>\n",
                       err);
}

yh_status yh_report_page(const json_t *report, const char *name, yh_buf *out, yh_err *err)
{
    char below[200];
    snprintf(below, sizeof below, "cleaned by Yinghuo %s, recipe %.80s (recipe.json)", YH_VERSION,
             txt(report, "recipe"));
    YH_TRY(yh_page_begin(out, yh_path_base(name), below, err));
    YH_TRY(cards(out, report, err));
    if (num(json_object_get(report, "documents"), "removed") > 0)
        YH_TRY(funnel(out, report, err));
    if (json_array_size(json_object_get(report, "steps")) > 0)
        YH_TRY(steps(out, report, err));
    YH_TRY(sources(out, report, err));
    YH_TRY(distributions(out, report, err));
    YH_TRY(examples(out, report, err));
    YH_TRY(named(out, report, "skipped", "Files passed over", err));
    YH_TRY(named(out, report, "problems", "Broken places", err));
    YH_TRY(named(out, report, "left_out", "Records that are no documents", err));
    YH_TRY(times(out, report, err));
    return yh_page_end(out, err);
}
