/* Header and licence of Project Gutenberg's e-books: what stands before "*** START OF ..." and from
 * "*** END OF ..." on; in older files the same marks without asterisks or the "small print". Only
 * in documents that name Project Gutenberg near the mark. */
#include <strings.h>

#include "data/filter.h"

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

static yh_status apply(const yh_clean_options *o, yh_draft *d, int self, yh_err *err)
{
    (void)o;
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
    if (end < d->len)
        YH_TRY(yh_draft_cut(d, self, end, d->len - end, err));
    if (begin > 0) {
        while (begin < d->len && d->text[begin] == '\n')
            begin++;
        YH_TRY(yh_draft_cut(d, self, 0, begin, err));
    }
    while (d->len > 0 && d->text[d->len - 1] == '\n')
        d->text[--d->len] = '\0';
    return YH_OK;
}

const yh_filter yh_filter_gutenberg = {
    .name = "gutenberg",
    .doc = "header and licence text of a Project Gutenberg e-book",
    .order = 10,
    .whole = true,
    .apply = apply,
};
