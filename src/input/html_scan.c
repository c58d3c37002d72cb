/* Linear scans over HTML without a tree: the check before a tree is built, and the plain reading of
 * pages that fail it. */
#include <ctype.h>
#include <strings.h>

#include "input/html_text.h"
#include "input/utf8_scan.h"

enum { MAX_DEPTH = 600, MAX_ATTRIBUTES = 500, NAMES = 64, NAME = 24 };

typedef struct tag {
    char name[NAME];
    bool closing, self;
    size_t end;        /* behind '>' */
    size_t attributes; /* about */
} tag;

/* Parses the tag at p[i] == '<'; false when it is none. */
static bool parse_tag(const char *p, size_t n, size_t i, tag *t)
{
    size_t k = 0, at = i + 1;
    t->closing = at < n && p[at] == '/';
    at += t->closing;
    if (at >= n || !isalpha((unsigned char)p[at]))
        return false;
    while (at < n && strchr(" \t\r\n\f/>", p[at]) == NULL) {
        if (k + 1 < NAME)
            t->name[k++] = (char)tolower((unsigned char)p[at]);
        at++;
    }
    t->name[k] = '\0';
    t->attributes = 0;
    bool gap = false;
    char quote = 0;
    for (; at < n; at++) {
        char c = p[at];
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            continue;
        }
        if (c == '>')
            break;
        if ((c == '"' || c == '\'') && at > 0 && p[at - 1] == '=')
            quote = c;
        bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '/';
        t->attributes += gap && !space;
        gap = space;
    }
    t->self = at < n && p[at - 1] == '/';
    t->end = at < n ? at + 1 : n;
    return true;
}

static bool one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (name[0] == (*list)[0] && strcmp(name, *list) == 0)
            return true;
    return false;
}

/* Elements that take no end tag, or whose end tag is usually left out and that close themselves. */
static const char *const shallow[] = {
    "br",    "img",    "input", "meta",  "link",   "hr",    "area",     "base",   "col",
    "embed", "source", "track", "wbr",   "param",  "p",     "li",       "dd",     "dt",
    "td",    "th",     "tr",    "tbody", "thead",  "tfoot", "colgroup", "option", "optgroup",
    "html",  "head",   "body",  "frame", "keygen", NULL};

static const char *const opaque[] = {"script", "style",    "noscript", "template", "svg",
                                     "iframe", "textarea", "xmp",      "title",    NULL};

/* The place behind the end tag of an element whose content is no markup. */
static size_t skip_raw(const char *p, size_t n, size_t i, const char *name)
{
    size_t k = strlen(name);
    for (; i < n; i++) {
        const char *lt = memchr(p + i, '<', n - i);
        if (lt == NULL)
            return n;
        i = (size_t)(lt - p);
        if (n - i > k + 2 && p[i + 1] == '/' && strncasecmp(p + i + 2, name, k) == 0) {
            const char *gt = memchr(p + i, '>', n - i);
            return gt != NULL ? (size_t)(gt - p) + 1 : n;
        }
    }
    return n;
}

/* Behind a comment, a declaration or a processing instruction at p[i] == '<'; i when none. */
static size_t skip_markup(const char *p, size_t n, size_t i)
{
    if (n - i >= 4 && memcmp(p + i, "<!--", 4) == 0) {
        const char *e = memmem(p + i + 4, n - i - 4, "-->", 3);
        return e != NULL ? (size_t)(e - p) + 3 : n;
    }
    if (n - i >= 2 && (p[i + 1] == '!' || p[i + 1] == '?')) {
        const char *e = memchr(p + i, '>', n - i);
        return e != NULL ? (size_t)(e - p) + 1 : n;
    }
    return i;
}

bool yh_html_is_tame(const char *p, size_t n)
{
    struct {
        char name[NAME];
        size_t open;
    } seen[NAMES];
    size_t n_seen = 0, depth = 0;
    for (size_t i = 0; i < n;) {
        const char *lt = memchr(p + i, '<', n - i);
        if (lt == NULL)
            break;
        i = (size_t)(lt - p);
        tag t;
        size_t behind = skip_markup(p, n, i);
        if (behind > i) {
            i = behind;
            continue;
        }
        if (!parse_tag(p, n, i, &t)) {
            i++;
            continue;
        }
        i = t.end;
        if (t.attributes > MAX_ATTRIBUTES)
            return false;
        if (!t.closing && (strcmp(t.name, "script") == 0 || strcmp(t.name, "style") == 0)) {
            i = skip_raw(p, n, i, t.name);
            continue;
        }
        if (one_of(t.name, shallow))
            continue;
        size_t k = 0;
        while (k < n_seen && (seen[k].name[0] != t.name[0] || strcmp(seen[k].name, t.name) != 0))
            k++;
        if (t.closing) {
            if (k < n_seen && seen[k].open > 0) {
                seen[k].open--;
                depth--;
            }
            continue;
        }
        if (k == n_seen && n_seen < NAMES) {
            memcpy(seen[k].name, t.name, NAME);
            seen[n_seen++].open = 0;
        }
        if (k < n_seen)
            seen[k].open++;
        if (++depth > MAX_DEPTH)
            return false;
    }
    return true;
}

static const struct {
    const char *name;
    uint32_t cp;
} entities[] = {{"amp", '&'},       {"lt", '<'},       {"gt", '>'},       {"quot", '"'},
                {"apos", '\''},     {"nbsp", ' '},     {"mdash", 0x2014}, {"ndash", 0x2013},
                {"hellip", 0x2026}, {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"lsquo", 0x2018},
                {"rsquo", 0x2019},  {"copy", 0xa9},    {"middot", 0xb7}};

/* Decodes the reference at p[i] == '&' into cp; returns the bytes taken, 0: it is none. */
static size_t entity(const char *p, size_t n, uint32_t *cp)
{
    size_t m = n < 12 ? n : 12;
    const char *semi = memchr(p, ';', m);
    if (semi == NULL)
        return 0;
    size_t len = (size_t)(semi - p);
    if (len > 2 && p[1] == '#') {
        bool hex = p[2] == 'x' || p[2] == 'X';
        uint32_t v = 0;
        for (size_t i = hex ? 3 : 2; i < len; i++) {
            if (hex ? !isxdigit((unsigned char)p[i]) : !isdigit((unsigned char)p[i]))
                return 0;
            uint32_t d = isdigit((unsigned char)p[i]) ? (uint32_t)(p[i] - '0')
                                                      : (uint32_t)((p[i] | 0x20) - 'a' + 10);
            v = v > 0x110000 ? v : v * (hex ? 16 : 10) + d;
        }
        *cp = v == 0 || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0xfffd : v;
        return len + 1;
    }
    for (size_t k = 0; k < sizeof entities / sizeof *entities; k++)
        if (strlen(entities[k].name) == len - 1 && memcmp(p + 1, entities[k].name, len - 1) == 0) {
            *cp = entities[k].cp;
            return len + 1;
        }
    return 0;
}

static yh_status plain_text(yh_buf *out, const char *p, size_t n, yh_err *err)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        char utf8[4];
        const char *amp = memchr(p + i, '&', n - i);
        size_t k = amp != NULL ? (size_t)(amp - p) - i : n - i;
        YH_TRY(yh_buf_add(out, p + i, k, err));
        i += k;
        if (i == n)
            break;
        k = entity(p + i, n - i, &cp);
        if (k == 0)
            YH_TRY(yh_buf_addc(out, '&', err));
        else
            YH_TRY(yh_buf_add(out, utf8, yh_utf8_put(cp, utf8), err));
        i += k == 0 ? 1 : k;
    }
    return YH_OK;
}

yh_status yh_html_plain(const char *p, size_t n, yh_buf *out, yh_err *err)
{
    static const char *const inlined[] = {"a",    "b",     "i",   "em",  "strong", "span", "font",
                                          "code", "small", "sub", "sup", "u",      "s",    "q",
                                          "abbr", "cite",  "big", "tt",  "mark",   NULL};
    for (size_t i = 0; i < n;) {
        const char *lt = memchr(p + i, '<', n - i);
        size_t k = lt != NULL ? (size_t)(lt - p) : n;
        YH_TRY(plain_text(out, p + i, k - i, err));
        i = k;
        if (i >= n)
            break;
        tag t;
        size_t behind = skip_markup(p, n, i);
        if (behind > i) {
            i = behind;
        } else if (!parse_tag(p, n, i, &t)) {
            YH_TRY(yh_buf_addc(out, '<', err));
            i++;
        } else {
            i = t.end;
            if (!t.closing && one_of(t.name, opaque))
                i = skip_raw(p, n, i, t.name);
            if (!one_of(t.name, inlined))
                YH_TRY(yh_buf_addc(out, '\n', err));
        }
    }
    return YH_OK;
}
