/* Files that CMake put into the program (cmake/embed.cmake). */
#ifndef YH_BASE_EMBED_H
#define YH_BASE_EMBED_H

#include <stddef.h>

typedef struct yh_embedded {
    const char *name;          /* file name without folder and ending; NULL ends a table */
    const unsigned char *data; /* size bytes and a NUL */
    size_t size;
} yh_embedded;

extern const yh_embedded yh_embedded_list[]; /* src/rules/lists: read by rules/list.h */

#endif
