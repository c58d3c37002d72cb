/* Lines to learn from, out of a finished corpus or of labelled JSON Lines. */
#ifndef YH_DATA_LINE_SAMPLES_H
#define YH_DATA_LINE_SAMPLES_H

#include "base/alloc.h"

typedef struct yh_labelled_line {
    size_t at, len; /* bytes of yh_labelled_lines.text */
    uint64_t group; /* lines of one document share it: a hash of its id; without one, of the line */
    double place;   /* in the document, 0 to 1; negative: not known */
    bool boilerplate;
} yh_labelled_line;

/* Caller-owned; zero it first. */
typedef struct yh_labelled_lines {
    yh_labelled_line *line;
    size_t n, cap;
    yh_buf text;
} yh_labelled_lines;

/* Appends the lines of `path`. A corpus folder: what boilerplate_lines, spam_lines, site_lines and
 * line_model cut is boilerplate, the lines of documents that were kept are not; places are not
 * known, for other steps may have changed the documents in between. A file: JSON Lines {"text":
 * LINE, "boilerplate": true, "place": 0.3, "id": DOCUMENT} (the last two may be missing). Blank
 * lines are left out. YH_LIMIT: more than 1 GB. */
yh_status yh_labelled_lines_read(yh_labelled_lines *l, const char *path, yh_err *err) YH_MUST_CHECK;
void yh_labelled_lines_fini(yh_labelled_lines *l);

#endif
