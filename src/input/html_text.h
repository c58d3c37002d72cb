/* The main text of an HTML page. */
#ifndef YH_INPUT_HTML_TEXT_H
#define YH_INPUT_HTML_TEXT_H

#include "base/alloc.h"

typedef enum yh_html_mode {
    YH_HTML_MAIN, /* the main text alone */
    YH_HTML_ALL   /* everything that is shown, without scripts and styles */
} yh_html_mode;

/* html: UTF-8. Appends the text: paragraphs, headings, list items and table rows as lines, a blank
 * line between blocks. title (may be NULL): appended the page's title. A page that is nested too
 * deep or in other ways hostile to a tree builder is read by a plain scan (*plain true), whose
 * memory and time grow with its length only.
 *
 * The main text is found by two judges: Arc90's Readability (paragraphs score their ancestors by
 * length and commas, link density counts against, names of classes help), and the subtree in which
 * prose outweighs links the most, which wins where the first leaves most of the prose out. Names
 * that would drop what the page is about are overruled. What is left of page furniture inside is
 * pruned block by block. Of a page with next to no text, what it shows where no script runs is
 * taken when that is more. Thread safe. */
yh_status yh_html_text(const char *html, size_t n, yh_html_mode mode, yh_buf *out, yh_buf *title,
                       bool *plain, yh_err *err) YH_MUST_CHECK;

/* Appends the page without scripts, styles, comments, drawings, and without the attributes that
 * extraction does not look at. noscript: what is shown where no script runs is kept. */
yh_status yh_html_reduce(const char *html, size_t n, bool noscript, yh_buf *out,
                         yh_err *err) YH_MUST_CHECK;

/* Whether a tree builder may be let loose on the page: nesting, attributes and unclosed elements
 * within limits. */
bool yh_html_is_tame(const char *html, size_t n);
/* The plain scan by itself. */
yh_status yh_html_plain(const char *html, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

#endif
