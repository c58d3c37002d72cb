/* What bytes are, by their beginning. */
#ifndef YH_INPUT_SNIFF_H
#define YH_INPUT_SNIFF_H

#include "input/reader.h"

enum { YH_SNIFF = 1 << 16 }; /* bytes that are looked at */

typedef enum yh_container { YH_NO_CONTAINER, YH_TAR, YH_ZIP } yh_container;

typedef struct yh_sniffed {
    const char *format;  /* a reader's name, from a mark that only this format has; NULL: none */
    const char *likely;  /* a reader's name, from the look of it ("html", "json", "text"); NULL */
    const char *foreign; /* "a PNG picture": known, and not for us; NULL */
    yh_container container;
} yh_sniffed;

/* p[0, n): the first bytes, YH_SNIFF of them if there are as many; whole: there are no more. */
void yh_sniff(const uint8_t *p, size_t n, bool whole, yh_sniffed *out);

/* The reader for a file of this name and content. NULL: none, and *why (may be NULL) says what
 * it is; or a container. */
const yh_reader *yh_reader_for(const char *name, const yh_sniffed *is, char why[120]);

#endif
