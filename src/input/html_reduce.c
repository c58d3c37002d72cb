/* HTML without what extraction does not look at: a tree builder spends most of its time on scripts,
 * styles and attributes. Tags are divided as the HTML standard's tokenizer divides them (13.2.5).
 */
#include <strings.h>

#include "input/html_text.h"

typedef struct scan {
    const char *p;
    size_t n;
    bool noscript; /* its content is kept */
    yh_buf *out;
} scan;

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is(const char *p, size_t n, const char *word)
{
    return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

/* Elements that are left out with all their content. */
static bool opaque(const scan *s, const char *name, size_t n)
{
    switch (n) {
    case 3:
        return is(name, n, "svg");
    case 5:
        return is(name, n, "style");
    case 6:
        return is(name, n, "script") || is(name, n, "iframe");
    case 8:
        return (!s->noscript && is(name, n, "noscript")) || is(name, n, "template");
    default:
        return false;
    }
}

/* Attributes that say what an element is. */
static bool wanted(const char *name, size_t n)
{
    switch (n) {
    case 2:
        return is(name, n, "id");
    case 4:
        return is(name, n, "role");
    case 5:
        return is(name, n, "class") || is(name, n, "style");
    case 6:
        return is(name, n, "hidden");
    case 8:
        return is(name, n, "itemprop") || is(name, n, "encoding");
    case 11:
        return is(name, n, "aria-hidden");
    default:
        return false;
    }
}

/* Behind the end tag of `name` from i on; n: there is none. */
static size_t behind_element(const scan *s, size_t i, const char *name, size_t k)
{
    while (i < s->n) {
        const char *lt = memchr(s->p + i, '<', s->n - i);
        if (lt == NULL)
            return s->n;
        i = (size_t)(lt - s->p);
        if (s->n - i > k + 2 && s->p[i + 1] == '/' && strncasecmp(s->p + i + 2, name, k) == 0 &&
            (blank(s->p[i + 2 + k]) || s->p[i + 2 + k] == '/' || s->p[i + 2 + k] == '>')) {
            const char *gt = memchr(s->p + i, '>', s->n - i);
            return gt != NULL ? (size_t)(gt - s->p) + 1 : s->n;
        }
        i++;
    }
    return s->n;
}

/* Copies the attribute at i when it is wanted; returns the place behind it. */
static size_t attribute(const scan *s, size_t i, yh_status *st, yh_err *err)
{
    const char *p = s->p;
    size_t from = i;
    i += p[i] == '='; /* a name may begin with it */
    while (i < s->n && !blank(p[i]) && p[i] != '/' && p[i] != '>' && p[i] != '=')
        i++;
    size_t name_end = i, value = 0, value_end = 0;
    size_t k = i;
    while (k < s->n && blank(p[k]))
        k++;
    if (k < s->n && p[k] == '=') {
        k++;
        while (k < s->n && blank(p[k]))
            k++;
        if (k < s->n && (p[k] == '"' || p[k] == '\'')) {
            const char *q = memchr(p + k + 1, p[k], s->n - k - 1);
            value = k;
            value_end = q != NULL ? (size_t)(q - p) + 1 : s->n;
        } else {
            value = k;
            while (k < s->n && !blank(p[k]) && p[k] != '>')
                k++;
            value_end = k;
        }
        i = value_end;
    }
    if (!wanted(p + from, name_end - from))
        return i;
    if (*st == YH_OK)
        *st = yh_buf_addc(s->out, ' ', err);
    if (*st == YH_OK)
        *st = yh_buf_add(s->out, p + from, name_end - from, err);
    if (*st == YH_OK && value_end > value) {
        *st = yh_buf_addc(s->out, '=', err);
        if (*st == YH_OK)
            *st = yh_buf_add(s->out, p + value, value_end - value, err);
    }
    return i;
}

/* The tag at i; returns the place behind it, or behind the whole element when that is left out. */
static size_t tag(const scan *s, size_t i, yh_status *st, yh_err *err)
{
    const char *p = s->p;
    size_t start = i, name = i + 1 + (p[i + 1] == '/');
    bool closing = p[i + 1] == '/';
    for (i = name; i < s->n && !blank(p[i]) && p[i] != '/' && p[i] != '>';)
        i++;
    size_t k = i - name, mark = s->out->len;
    *st = yh_buf_add(s->out, p + start, i - start, err);
    while (i < s->n && p[i] != '>' && *st == YH_OK) {
        if (blank(p[i]) || p[i] == '/')
            i++;
        else
            i = attribute(s, i, st, err);
    }
    if (*st == YH_OK)
        *st = yh_buf_addc(s->out, '>', err);
    i += i < s->n;
    if (*st == YH_OK && opaque(s, p + name, k)) {
        s->out->len = mark;
        return closing ? i : behind_element(s, i, p + name, k);
    }
    if (*st == YH_OK && !closing && (is(p + name, k, "textarea") || is(p + name, k, "title"))) {
        size_t end = behind_element(s, i, p + name, k); /* its content is no markup */
        *st = yh_buf_add(s->out, p + i, end - i, err);
        return end;
    }
    return i;
}

yh_status yh_html_reduce(const char *p, size_t n, bool noscript, yh_buf *out, yh_err *err)
{
    scan s = {p, n, noscript, out};
    yh_status st = YH_OK;
    for (size_t i = 0; i < n && st == YH_OK;) {
        const char *lt = memchr(p + i, '<', n - i);
        size_t k = lt != NULL ? (size_t)(lt - p) : n;
        YH_TRY(yh_buf_add(out, p + i, k - i, err));
        i = k;
        if (n - i >= 4 && memcmp(p + i, "<!--", 4) == 0) {
            /* "<!-->" and "<!--->" are whole comments */
            const char *e = memmem(p + i + 2, n - i - 2, "-->", 3);
            i = e != NULL ? (size_t)(e - p) + 3 : n;
        } else if (n - i >= 3 && (letter(p[i + 1]) || (p[i + 1] == '/' && letter(p[i + 2])))) {
            i = tag(&s, i, &st, err);
        } else if (i < n) {
            st = yh_buf_addc(out, p[i++], err);
        }
    }
    return st;
}
