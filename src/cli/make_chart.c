/* The training curve as an inline SVG: loss of the steps above, held-out bits per byte below. */
#include <math.h>

#include "cli/make.h"

enum { WIDTH = 760, PANEL = 190, LEFT = 52, TOP = 26, GAP = 54, BUCKETS = 240 };

typedef struct point {
    double x, y;
} point;

typedef struct series {
    point *p;
    size_t n, cap;
    double lo, hi;
} series;

static yh_status series_add(series *s, double x, double y, yh_err *err)
{
    if (!isfinite(x) || !isfinite(y))
        return YH_OK;
    point *p = yh_grow(s->p, &s->cap, s->n + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a chart");
    s->p = p;
    s->p[s->n++] = (point){x, y};
    return YH_OK;
}

/* Averages neighbours so that at most BUCKETS points are drawn. */
static void series_thin(series *s)
{
    size_t per = s->n / BUCKETS + 1, out = 0;
    for (size_t i = 0; i < s->n; i += per) {
        double x = 0, y = 0;
        size_t n = i + per <= s->n ? per : s->n - i;
        for (size_t k = 0; k < n; k++) {
            x += s->p[i + k].x;
            y += s->p[i + k].y;
        }
        s->p[out++] = (point){x / (double)n, y / (double)n};
    }
    s->n = out;
    s->lo = (double)INFINITY;
    s->hi = -(double)INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        s->lo = fmin(s->lo, s->p[i].y);
        s->hi = fmax(s->hi, s->p[i].y);
    }
    if (!(s->hi > s->lo)) {
        s->lo -= 0.5;
        s->hi += 0.5;
    }
}

static yh_status panel(yh_buf *out, const series *s, double max_x, int top, const char *title,
                       const char *css, yh_err *err)
{
    const double w = WIDTH - LEFT - 12;
    YH_TRY(yh_buf_addf(out, err, "<text x=\"%d\" y=\"%d\" class=\"t\">%s</text>\n", (int)LEFT,
                       top - 9, title));
    for (int i = 0; i <= 4; i++) {
        double y = top + PANEL * i / 4.0, v = s->hi - (s->hi - s->lo) * i / 4.0;
        YH_TRY(yh_buf_addf(out, err,
                           "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"g\"/><text "
                           "x=\"%d\" y=\"%.1f\" class=\"n\">%.2f</text>\n",
                           (int)LEFT, y, WIDTH - 12, y, LEFT - 6, y + 4, v));
    }
    YH_TRY(yh_buf_addf(out, err, "<polyline class=\"%s\" points=\"", css));
    for (size_t i = 0; i < s->n; i++)
        YH_TRY(yh_buf_addf(out, err, "%.1f,%.1f ", LEFT + w * s->p[i].x / max_x,
                           top + PANEL * (s->hi - s->p[i].y) / (s->hi - s->lo)));
    return yh_buf_adds(out, "\"/>\n", err);
}

/* One line of metrics.jsonl; a line that is not JSON (cut by a crash) is passed over. */
static yh_status take_line(const char *line, size_t n, series *loss, series *held, yh_err *err)
{
    json_t *j;
    if (yh_json_parse(&j, line, n, "metrics.jsonl", NULL) != YH_OK)
        return YH_OK;
    yh_status s = YH_OK;
    double x = make_num(j, "tokens");
    if (json_is_number(json_object_get(j, "loss")))
        s = series_add(loss, x, make_num(j, "loss"), err);
    if (s == YH_OK && json_is_number(json_object_get(j, "bits_per_byte")))
        s = series_add(held, x, make_num(j, "bits_per_byte"), err);
    json_decref(j);
    return s;
}

static yh_status draw(const series *loss, const series *held, double best_x, double max_x,
                      yh_buf *out, yh_err *err)
{
    char tokens[32];
    int second = TOP + PANEL + GAP, bottom = second + PANEL;
    YH_TRY(yh_buf_addf(out, err,
                       "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Training curve\">\n",
                       (int)WIDTH, bottom + 30));
    YH_TRY(panel(out, loss, max_x, TOP, "Training loss (nats per token)", "a", err));
    if (held->n > 0) {
        YH_TRY(panel(out, held, max_x, second, "Held-out bits per byte", "b", err));
        if (best_x > 0)
            YH_TRY(yh_buf_addf(
                out, err, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"best\"/>\n",
                LEFT + (WIDTH - LEFT - 12) * best_x / max_x, second,
                LEFT + (WIDTH - LEFT - 12) * best_x / max_x, bottom));
    }
    return yh_buf_addf(out, err, "<text x=\"%d\" y=\"%d\" class=\"n\">%s tokens</text>\n</svg>\n",
                       WIDTH - 12, bottom + 18, yh_fmt_count(max_x, tokens));
}

yh_status make_chart(const char *metrics, const json_t *train, yh_buf *out, yh_err *err)
{
    series loss = {0}, held = {0};
    yh_buf text;
    yh_buf_init(&text, 0);
    yh_status s = yh_file_read(metrics, 0, &text, err);
    for (size_t at = 0; s == YH_OK && at < text.len;) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        size_t n = end != NULL ? (size_t)(end - text.data) - at : text.len - at;
        s = take_line(text.data + at, n, &loss, &held, err);
        at += n + 1;
    }
    if (s == YH_OK && loss.n > 1) {
        double max_x = loss.p[loss.n - 1].x, steps = make_num(train, "steps");
        double best_x = steps > 0 ? max_x * make_num(train, "best_step") / steps : 0;
        series_thin(&loss);
        series_thin(&held);
        s = draw(&loss, &held, best_x, max_x > 0 ? max_x : 1.0, out, err);
    }
    yh_free(loss.p);
    yh_free(held.p);
    yh_buf_fini(&text);
    return s;
}
