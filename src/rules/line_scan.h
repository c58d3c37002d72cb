/* The lines of a document with what rules about lines ask for: folded text, counts, and which lines
 * are the body of the text and which stand before and behind it. */
#ifndef YH_RULES_LINE_SCAN_H
#define YH_RULES_LINE_SCAN_H

#include "rules/han.h"

typedef enum yh_zone {
    YH_ZONE_HEAD, /* before the first line of running text */
    YH_ZONE_BODY,
    YH_ZONE_TAIL /* behind the last one */
} yh_zone;

typedef struct yh_line_info {
    size_t at, len;        /* bytes of the text, line end not included */
    size_t fold, fold_len; /* the folded line (rules/han.h): bytes of yh_lines.folded */
    uint32_t chars;        /* of the folded line */
    uint32_t words;        /* of those: Han, kana, hangul, ASCII letters and digits */
    uint32_t han;          /* of those */
    uint32_t stops;        /* 。！？.!?… and the like */
    uint32_t pauses;       /* ，、；： and the like */
    uint32_t bars;         /* separators of menus: | > » · / */
    bool blank;            /* nothing visible */
    bool prose;            /* reads like running text */
    bool heading;          /* begins with # */
    bool in_brackets;      /* the whole line is one bracket */
    yh_zone zone;          /* set by yh_lines_zones */
} yh_line_info;

/* Caller-owned. */
typedef struct yh_lines {
    yh_line_info *line;
    size_t n, cap;
    yh_buf folded;
} yh_lines;

void yh_lines_init(yh_lines *l);
void yh_lines_fini(yh_lines *l);
/* Divides text (valid UTF-8); h may be NULL (no folding of Traditional). All lines are body. */
yh_status yh_lines_scan(yh_lines *l, const yh_han *h, const char *text, size_t n,
                        yh_err *err) YH_MUST_CHECK;
/* Finds head and tail: lines before the first and behind the last line of prose that is not a hit
 * (hit: one flag a line, may be NULL), but for a document of few lines or without any prose no more
 * than three visible lines at each end. */
void yh_lines_zones(yh_lines *l, const bool *hit);

static inline const char *yh_line_folded(const yh_lines *l, size_t i)
{
    return l->folded.data + l->line[i].fold;
}

/* The stretch to cut for lines [from, to): with their line ends, and with the blank lines behind
 * when there are blank lines before too (or the text begins), so that no gap stays. */
void yh_lines_span(const yh_lines *l, size_t text_len, size_t from, size_t to, size_t *at,
                   size_t *len);

#endif
