#include "base/embed.h"
#include "base/file.h"
#include "input/utf8_scan.h"
#include "rules/list.h"

enum { FILE_MAX = 64 << 20 };

void yh_list_init(yh_list *l)
{
    memset(l, 0, sizeof *l);
}

void yh_list_fini(yh_list *l)
{
    for (size_t i = 0; i < l->n_store; i++)
        yh_free(l->store[i]);
    yh_free(l->store);
    yh_free(l->entry);
    memset(l, 0, sizeof *l);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* One line, NUL-terminated in place at `end`. */
static yh_status add_line(yh_list *l, char *line, char *end, const char **section, yh_err *err)
{
    while (line < end && blank(*line))
        line++;
    while (end > line && blank(end[-1]))
        end--;
    *end = '\0';
    if (line == end || *line == '#')
        return YH_OK;
    if (*line == '[' && end[-1] == ']') {
        end[-1] = '\0';
        *section = line + 1;
        return YH_OK;
    }
    if (*line == '\\')
        line++;
    char *tab = memchr(line, '\t', (size_t)(end - line)), *value = end;
    if (tab != NULL) {
        for (value = tab; blank(*value);)
            value++;
        for (end = tab; end > line && blank(end[-1]);)
            end--;
        *end = '\0';
    }
    if (end == line)
        return YH_OK;
    yh_list_entry *e = yh_grow(l->entry, &l->cap, l->n + 1, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a list of %zu entries", l->n + 1);
    l->entry = e;
    e[l->n++] = (yh_list_entry){line, value, *section, (size_t)(end - line)};
    return YH_OK;
}

yh_status yh_list_parse(yh_list *l, const char *text, size_t n, const char *name, yh_err *err)
{
    if (n > FILE_MAX)
        return yh_fail(err, YH_LIMIT, "%s: a list may have %d MB", name, FILE_MAX >> 20);
    size_t good = yh_utf8_valid_prefix((const uint8_t *)text, n);
    const char *nul = memchr(text, 0, good);
    if (nul != NULL)
        good = (size_t)(nul - text);
    if (good < n)
        return yh_fail(err, YH_CORRUPT, "%s: not UTF-8 text at byte %zu", name, good);
    char **store = yh_grow(l->store, &l->cap_store, l->n_store + 1, sizeof *store);
    if (store != NULL)
        l->store = store;
    char *copy = store != NULL ? yh_strndup(text, n) : NULL;
    if (copy == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for %zu bytes", name, n);
    l->store[l->n_store++] = copy;
    char *p = copy, *all = copy + n;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    const char *section = all; /* "" */
    while (p < all) {
        char *end = memchr(p, '\n', (size_t)(all - p));
        if (end == NULL)
            end = all;
        YH_TRY(add_line(l, p, end, &section, err));
        p = end + 1;
    }
    return YH_OK;
}

static yh_status unknown(const char *name, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (const yh_embedded *e = yh_embedded_list; e->name != NULL && s == YH_OK; e++)
        s = yh_buf_addf(&b, err, "%s%s", b.len > 0 ? ", " : "", e->name);
    if (s == YH_OK)
        s = yh_fail(err, YH_NOTFOUND,
                    "there is no list \"%s\"; there is: %s; a file is given by a path with / or .",
                    name, b.len > 0 ? b.data : "none");
    yh_buf_fini(&b);
    return s;
}

yh_status yh_list_load(yh_list *l, const char *name, yh_err *err)
{
    if (strpbrk(name, "/.") == NULL) {
        for (const yh_embedded *e = yh_embedded_list; e->name != NULL; e++)
            if (strcmp(e->name, name) == 0)
                return yh_list_parse(l, (const char *)e->data, e->size, name, err);
        return unknown(name, err);
    }
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_file_read(name, FILE_MAX, &b, err);
    if (s == YH_OK && b.len > 0)
        s = yh_list_parse(l, b.data, b.len, name, err);
    yh_buf_fini(&b);
    return s;
}
