/* Chapters that stand in several files or twice in one: web novels are copied with other notes,
 * other numbers, other typing errors around the same chapter. A chapter is what follows a heading
 * line, up to the next heading; chapters are compared like documents. */
#include <strings.h>

#include "dedup/near.h"
#include "dedup/spans.h"
#include "input/utf8_scan.h"

static const yh_param params[] = {
    YH_NEAR_PARAMS("0.6"),
    {"min_tokens", YH_PARAM_NUMBER, "100",
     "chapters with fewer words (characters of a spaceless script) are not compared", 0, 1e9},
    {NULL, 0, NULL, NULL, 0, 0},
};

enum { HEADING_MAX = 120, NUMBER_MAX = 12 }; /* weight of the line; characters of the number */

static bool among(uint32_t c, const uint32_t *set)
{
    while (*set != 0 && *set != c)
        set++;
    return *set != 0;
}

/* "第十二章 ..." and its like */
static bool chinese_heading(const char *p, size_t n)
{
    static const uint32_t digits[] = {0x3007, 0x96f6, 0x4e00, 0x4e8c, 0x4e09, 0x56db, 0x4e94,
                                      0x516d, 0x4e03, 0x516b, 0x4e5d, 0x5341, 0x767e, 0x5343,
                                      0x842c, 0x4e07, 0x4e24, 0x5169, 0x5eff, 0x5345, 0};
    /* zhang hui jie hua juan ji pian mu, both scripts */
    static const uint32_t kinds[] = {0x7ae0, 0x56de, 0x8282, 0x7bc0, 0x8bdd, 0x8a71,
                                     0x5377, 0x96c6, 0x7bc7, 0x5e55, 0};
    uint32_t c = 0;
    size_t i = n >= 3 ? yh_utf8_at((const uint8_t *)p, n, &c) : 0, count = 0, len;
    if (i == 0 || c != 0x7b2c) /* di */
        return false;
    for (; i < n; i += len, count++) {
        len = yh_utf8_at((const uint8_t *)p + i, n - i, &c);
        if (len == 0)
            return false;
        bool digit =
            (c >= '0' && c <= '9') || (c >= 0xff10 && c <= 0xff19) || c == ' ' || among(c, digits);
        if (!digit)
            return count > 0 && among(c, kinds);
        if (count == NUMBER_MAX)
            return false;
    }
    return false;
}

/* "Chapter 12", "CHAPTER XII. ..." */
static bool english_heading(const char *p, size_t n)
{
    static const char *const words[] = {"chapter ", "part ", "book ", "volume ", "letter "};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t w = strlen(words[k]), i = w;
        if (n <= w || strncasecmp(p, words[k], w) != 0)
            continue;
        while (i < n && strchr("0123456789IVXLCDMivxlcdm", p[i]) != NULL)
            i++;
        return i > w && (i == n || strchr(" .:-\t", p[i]) != NULL);
    }
    return false;
}

static bool is_heading(const char *p, size_t n)
{
    while (n > 0 && (*p == '#' || *p == ' ')) { /* Markdown */
        p++;
        n--;
    }
    return n <= 3 * HEADING_MAX && (chinese_heading(p, n) || english_heading(p, n)) &&
           yh_utf8_weight(p, n) <= HEADING_MAX;
}

/* The first heading from `at` on, which begins a line; len if there is none. */
static size_t heading_from(const yh_stored *d, size_t at)
{
    yh_text_line l = {0, 0, at};
    while (yh_text_next(d->text, d->len, false, &l))
        if (is_heading(d->text + l.at, l.len))
            return l.at;
    return d->len;
}

static size_t line_end(const yh_stored *d, size_t at)
{
    const char *e = at < d->len ? memchr(d->text + at, '\n', d->len - at) : NULL;
    return e != NULL ? (size_t)(e - d->text) + 1 : d->len;
}

static bool chapter(const yh_stored *d, yh_near_unit *u)
{
    const bool first = u->number == UINT32_MAX;
    size_t at = first ? heading_from(d, 0) : u->at + u->len;
    if (at >= d->len)
        return false;
    size_t end = heading_from(d, line_end(d, at));
    yh_text_line l = {0, 0, 0};
    bool whole = first && end == d->len && yh_text_next(d->text, d->len, false, &l) && l.at == at;
    *u = (yh_near_unit){at, end - at, first ? 0 : u->number + 1, whole};
    return true;
}

static yh_status run(const json_t *p, yh_stage_run *x, yh_err *err)
{
    yh_near_options o = {.stage = "repeated_chapters",
                         .min_tokens = (size_t)yh_param_number(p, "min_tokens"),
                         .next = chapter,
                         .cut = true};
    YH_TRY(yh_near_options_get(&o, p, err));
    return yh_near_run(&o, x, err);
}

const yh_stage yh_stage_repeated_chapters = {
    .name = "repeated_chapters",
    .doc = "cuts chapters (from a heading like \"Chapter 5\" to the next) that occur, the same or "
           "nearly so, in another document or earlier in their own",
    .params = params,
    .run = run,
};
