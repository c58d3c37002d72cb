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
    uint32_t paragraphs;              /* <p> with text, within */
    float points;                     /* of Readability */
    uint32_t ends;                    /* of a text: characters that end sentences */
    uint32_t own, own_link, own_ends; /* of a block: text that no block within holds; in links */
    uint32_t block;                   /* of an element: the innermost block around it */
    float worth, weight;              /* of a block's own text; of that and all within */
    uint8_t kind;
    bool element, scored, in_link;
    bool drop;          /* found to be no content: the node and all within */
    bool certain;       /* dropped for a name that leaves little doubt: comments, related pages */
    bool by_tag;        /* dropped for what it is (nav, footer), hardly for its name */
    bool marked;        /* an element or a name that templates give to the article */
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

/* The value of an attribute; NULL: it has none. Borrowed. */
const char *yh_html_attribute(const GumboNode *n, const char *name);

/* ---- html_main.c ---- */
/* Marks what is no content (drop), scores, and returns the index of the subtree with the main text.
 * *siblings: other children of its parent may belong to it (yh_html_joins says which). */
size_t yh_html_main(yh_html_tree *t);
bool yh_html_joins(const yh_html_tree *t, size_t top, size_t sibling);

#endif
