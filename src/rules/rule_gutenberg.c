/* Header and licence of Project Gutenberg's e-books: what stands before "*** START OF ..." and from
 * "*** END OF ..." on; in older files the same marks without asterisks or the "small print". Only
 * in documents that name Project Gutenberg near the mark. */
#include <strings.h>

#include "rules/rule.h"

enum { HEAD_LIMIT = 40000, LINE_LIMIT = 200 };

static bool line_has(const char *p, size_t n, const char *word)
{
    size_t w = strlen(word);
    for (size_t i = 0; i + w <= n; i++)
        if (strncasecmp(p + i, word, w) == 0)
            return true;
    return false;
}

static bool is_start(const char *p, size_t n)
{
    return n >= 3 && n < LINE_LIMIT && memcmp(p, "***", 3) == 0 &&
           (line_has(p, n, "START OF TH") || line_has(p, n, "START OF THE PROJECT") ||
            line_has(p, n, "START OF PROJECT") || line_has(p, n, "END*THE SMALL PRINT") ||
            line_has(p, n, "END THE SMALL PRINT"));
}

static bool is_end(const char *p, size_t n)
{
    if (n >= LINE_LIMIT || n < 10 || (p[0] != '*' && (p[0] | 0x20) != 'e') ||
        !line_has(p, n, "PROJECT GUTENBERG"))
        return false;
    return (memcmp(p, "***", 3) == 0 && line_has(p, n, "END OF")) ||
           strncasecmp(p, "End of Project Gutenberg", 24) == 0 ||
           strncasecmp(p, "End of the Project Gutenberg", 28) == 0;
}

static yh_status apply(const void *state, yh_draft *d, int step, yh_err *err)
{
    (void)state;
    if (d->len < 40 || memmem(d->text, d->len, "Gutenberg", 9) == NULL)
        return YH_OK;
    size_t begin = 0, end = d->len;
    for (size_t at = 0; at < d->len;) {
        const char *nl = memchr(d->text + at, '\n', d->len - at);
        size_t stop = nl != NULL ? (size_t)(nl - d->text) : d->len;
        if (at < HEAD_LIMIT && is_start(d->text + at, stop - at)) {
            begin = stop;
        } else if (at > begin && is_end(d->text + at, stop - at)) {
            end = at;
            break;
        }
        at = stop + 1;
    }
    if (begin > 0)
        while (begin < end && d->text[begin] == '\n')
            begin++;
    while (end < d->len && end > begin && d->text[end - 1] == '\n')
        end--;
    yh_span span[2];
    size_t n = 0;
    if (begin > 0)
        span[n++] = (yh_span){.at = 0, .len = begin, .evidence = "header"};
    if (end < d->len)
        span[n++] = (yh_span){.at = end, .len = d->len - end, .evidence = "licence"};
    return yh_draft_cut_spans(d, step, span, n, err);
}

const yh_rule yh_rule_gutenberg = {
    .name = "gutenberg",
    .doc = "cuts header and licence text of a Project Gutenberg e-book",
    .whole = true,
    .apply = apply,
};
