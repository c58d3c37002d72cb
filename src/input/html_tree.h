/* A page's tree as a flat list in document order, so that every walk is a loop. */
#ifndef YH_INPUT_HTML_TREE_H
#define YH_INPUT_HTML_TREE_H

#include <gumbo.h>

#include "base/alloc.h"

typedef enum yh_html_kind {
    YH_H_INLINE,
    YH_H_BLOCK, /* breaks the line around it */
    YH_H_SKIP   /* never shown as text: script, style, form fields */
} yh_html_kind;

typedef struct yh_html_node {
    const GumboNode *node;
    uint32_t parent; /* index; the root is its own */
    uint32_t end;    /* index behind the last descendant */
    uint32_t text;   /* characters of text within (blanks folded), skipped parts left out */
    uint32_t link;   /* of these, inside links */
    uint32_t commas;
    uint32_t paragraphs; /* <p> with text, within */
    float score;
    uint8_t kind;
    bool element, scored;
    bool drop;          /* found to be no content: the node and all within */
    int8_t name_weight; /* what class and id say: -1 against, 1 for */
} yh_html_node;

typedef struct yh_html_tree {
    yh_html_node *n;
    size_t count, cap;
    const char *title; /* of <title>; borrowed from gumbo's tree; NULL */
} yh_html_tree;

/* Flattens. The nodes borrow from `root`. */
yh_status yh_html_flatten(yh_html_tree *t, const GumboNode *root, yh_err *err) YH_MUST_CHECK;
void yh_html_tree_fini(yh_html_tree *t);

/* Marks what is no content (drop), scores, and returns the index of the subtree with the main text.
 * *siblings: other children of its parent may belong to it (yh_html_joins says which). */
size_t yh_html_main(yh_html_tree *t);
bool yh_html_joins(const yh_html_tree *t, size_t top, size_t sibling);

#endif
