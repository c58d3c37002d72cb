/* What the names of an element (class, id) and the first words of a block say about its content. */
#ifndef YH_INPUT_HTML_NAMES_H
#define YH_INPUT_HTML_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    YH_NAME_NO_CONTENT = 1, /* navigation, comments, advertisements ... */
    YH_NAME_PERHAPS = 2,    /* the same element may hold the article: not dropped for its name */
    YH_NAME_FOR = 4,        /* speaks for content */
    YH_NAME_AGAINST = 8,    /* speaks against it */
    YH_NAME_ASIDE = 16,     /* captions, credits, boxes about the author: never the article */
    YH_NAME_MARKED = 32,    /* names that templates give to the article's own box */
    YH_NAME_CERTAIN = 64,   /* comments, related pages: no article, however long they are */
    YH_NAME_NEVER = 128     /* of no page's content */
};

/* The flags of all known words that occur in the name, whatever their case. One pass. */
unsigned yh_html_name_flags(const char *name);
/* Whether a short block that begins with this text is page furniture ("Advertisement", "Read
 * more:", "Photo:", ...). prose: it reads like sentences ("By then it was late ..."), so that the
 * first word alone does not say so. */
bool yh_html_opens_furniture(const char *text, bool prose);

#endif
