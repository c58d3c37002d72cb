#include "base/report_page.h"

static const char css[] =
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--mute:#66707c;--line:#dde2e8;"
    "--a:#0969da;--b:#bc4c00;--fill:#f4f6f8}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6e9ed;--bg:#14171b;--mute:#98a2ae;"
    "--line:#31373f;--a:#58a6ff;--b:#f0883e;--fill:#1d2127}}\n"
    "body{font:16px/1.55 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:820px;"
    "margin:2.5rem auto;padding:0 1rem}\n"
    "h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.4rem 0 .6rem}\n"
    "h3{font-size:1rem;margin:1.4rem 0 .4rem}\n"
    ".mute{color:var(--mute)}table{border-collapse:collapse;width:100%;font-size:.93rem}\n"
    "td,th{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;"
    "overflow-wrap:anywhere}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}\n"
    "td.n{white-space:nowrap}.steps td:first-child{width:48%}"
    ".wide{overflow-x:auto}.cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.4rem 0}\n"
    ".card{flex:1 1 105px;background:var(--fill);border-radius:10px;padding:.8rem 1rem}\n"
    ".card b{display:block;font-size:1.45rem}\n"
    "svg{width:100%;height:auto}.t{font:600 13px system-ui;fill:var(--fg)}\n"
    "svg .n{font:11px system-ui;fill:var(--mute);text-anchor:end}.g{stroke:var(--line)}\n"
    "svg .m{font:11px system-ui;fill:var(--mute);text-anchor:middle}.col{fill:var(--a)}\n"
    ".a,.b{fill:none;stroke-width:1.8}.a{stroke:var(--a)}.b{stroke:var(--b)}\n"
    ".best{stroke:var(--mute);stroke-dasharray:4 4}\n"
    ".sample{background:var(--fill);border-radius:10px;padding:.7rem 1rem;margin:.7rem 0;"
    "white-space:pre-wrap;overflow-wrap:anywhere}.sample b{color:var(--a)}\n"
    ".gone{font-size:.88rem;max-height:9.5rem;overflow:auto}.gone i{color:var(--mute);"
    "font-style:normal;display:block}\n"
    "details summary{cursor:pointer;margin:.5rem 0}summary b{font-weight:600}\n"
    ".bar{height:1.1rem;border-radius:4px;background:var(--a)}.bar.o{background:var(--mute)}\n"
    ".bar.r{background:var(--b)}\n";

yh_status yh_page_escape(yh_buf *b, const char *text, size_t n, yh_err *err)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        const char *r = text[i] == '&'   ? "&amp;"
                        : text[i] == '<' ? "&lt;"
                        : text[i] == '>' ? "&gt;"
                        : text[i] == '"' ? "&quot;"
                                         : NULL;
        if (r == NULL)
            continue;
        YH_TRY(yh_buf_add(b, text + from, i - from, err));
        YH_TRY(yh_buf_adds(b, r, err));
        from = i + 1;
    }
    return yh_buf_add(b, text + from, n - from, err);
}

yh_status yh_page_text(yh_buf *b, const char *text, yh_err *err)
{
    return yh_page_escape(b, text, strlen(text), err);
}

yh_status yh_page_begin(yh_buf *b, const char *title, const char *below, yh_err *err)
{
    YH_TRY(yh_buf_adds(b,
                       "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\"><title>Yinghuo "
                       "report</title><style>\n",
                       err));
    YH_TRY(yh_buf_adds(b, css, err));
    YH_TRY(yh_buf_adds(b, "</style></head><body>\n<h1>", err));
    YH_TRY(yh_page_text(b, title, err));
    YH_TRY(yh_buf_adds(b, "</h1><div class=\"mute\">", err));
    YH_TRY(yh_page_text(b, below, err));
    return yh_buf_adds(b, "</div>\n", err);
}

yh_status yh_page_end(yh_buf *b, yh_err *err)
{
    return yh_buf_adds(b, "</body></html>\n", err);
}

yh_status yh_page_card(yh_buf *b, const char *value, const char *label, yh_err *err)
{
    return yh_buf_addf(b, err,
                       "<div class=\"card\"><b>%s</b><span class=\"mute\">%s</span></div>\n", value,
                       label);
}

yh_status yh_page_bar(yh_buf *b, const char *name, const char *number, double value, double max,
                      const char *class, yh_err *err)
{
    YH_TRY(yh_buf_adds(b, "<tr><td>", err));
    YH_TRY(yh_page_text(b, name, err));
    return yh_buf_addf(b, err,
                       "</td><td class=\"n\">%s</td><td style=\"width:45%%\"><div class=\"bar "
                       "%s\" style=\"width:%.1f%%\"></div></td></tr>\n",
                       number, class, max > 0 ? 100 * value / max : 0);
}

yh_status yh_page_columns(yh_buf *b, const char *title, const double *value,
                          const char *const *label, size_t n, yh_err *err)
{
    enum { WIDTH = 760, HEIGHT = 150, TOP = 26, LEFT = 8 };
    double max = 0, step = (WIDTH - 2 * LEFT) / (n > 0 ? (double)n : 1.0);
    for (size_t i = 0; i < n; i++)
        max = value[i] > max ? value[i] : max;
    YH_TRY(yh_buf_addf(b, err, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", (int)WIDTH,
                       TOP + HEIGHT + 22));
    YH_TRY(yh_page_text(b, title, err));
    YH_TRY(yh_buf_addf(b, err, "\">\n<text x=\"%d\" y=\"15\" class=\"t\">", (int)LEFT));
    YH_TRY(yh_page_text(b, title, err));
    YH_TRY(yh_buf_addf(b, err, "</text><text x=\"%d\" y=\"15\" class=\"n\">tallest: %.0f</text>\n",
                       WIDTH - LEFT, max));
    for (size_t i = 0; i < n; i++) {
        double h = max > 0 ? HEIGHT * value[i] / max : 0, x = LEFT + step * (double)i;
        if (value[i] > 0)
            h = h < 1 ? 1 : h;
        YH_TRY(yh_buf_addf(b, err,
                           "<rect class=\"col\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                           "height=\"%.1f\" rx=\"1.5\"><title>%.0f</title></rect>\n",
                           x + step * 0.08, TOP + HEIGHT - h, step * 0.84, h, value[i]));
        if (label[i] == NULL)
            continue;
        YH_TRY(yh_buf_addf(b, err, "<text x=\"%.1f\" y=\"%d\" class=\"m\">", x + step * 0.5,
                           TOP + HEIGHT + 16));
        YH_TRY(yh_page_text(b, label[i], err));
        YH_TRY(yh_buf_adds(b, "</text>", err));
    }
    return yh_buf_addf(b, err,
                       "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"g\"/></svg>\n",
                       (int)LEFT, TOP + HEIGHT, WIDTH - LEFT, TOP + HEIGHT);
}
