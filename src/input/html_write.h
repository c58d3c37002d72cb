/* Writing parts of a page's tree as Markdown: headings, lists, quotes, code, tables of data. */
#ifndef YH_INPUT_HTML_WRITE_H
#define YH_INPUT_HTML_WRITE_H

#include "input/html_tree.h"

/* Appends the subtrees root[0..n), a blank line between them, without what is dropped (all: drop
 * marks are ignored). yh_html_main or yh_html_flatten's counts must be there. */
yh_status yh_html_write(const yh_html_tree *t, const size_t *root, size_t n, bool all, yh_buf *out,
                        yh_err *err) YH_MUST_CHECK;

#endif
