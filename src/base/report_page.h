/* Report pages: one HTML file without scripts or anything from outside, light and dark. */
#ifndef YH_BASE_REPORT_PAGE_H
#define YH_BASE_REPORT_PAGE_H

#include "base/alloc.h"

/* Head with the style, <h1>title</h1> and a line below it; the caller goes on in the body. */
yh_status yh_page_begin(yh_buf *b, const char *title, const char *below, yh_err *err) YH_MUST_CHECK;
yh_status yh_page_end(yh_buf *b, yh_err *err) YH_MUST_CHECK;
/* n bytes of text for HTML. */
yh_status yh_page_escape(yh_buf *b, const char *text, size_t n, yh_err *err) YH_MUST_CHECK;
yh_status yh_page_text(yh_buf *b, const char *text, yh_err *err) YH_MUST_CHECK;
/* A number with its label, between <div class="cards"> and </div>. */
yh_status yh_page_card(yh_buf *b, const char *value, const char *label, yh_err *err) YH_MUST_CHECK;

/* A column chart as SVG. label[i] may be NULL: no label below that column. */
yh_status yh_page_columns(yh_buf *b, const char *title, const double *value,
                          const char *const *label, size_t n, yh_err *err) YH_MUST_CHECK;
/* A row of a table: name, number as text, bar of value / max. class: "a" ours, "o" others. */
yh_status yh_page_bar(yh_buf *b, const char *name, const char *number, double value, double max,
                      const char *class, yh_err *err) YH_MUST_CHECK;

#endif
