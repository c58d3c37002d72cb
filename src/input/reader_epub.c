/* EPUB books (EPUB 2 and 3): a zip archive with XHTML chapters, whose order the package file tells.
 * A book is one document. */
#include <stdio.h>
#include <strings.h>

#include "input/charset.h"
#include "input/html_text.h"
#include "input/meta.h"
#include "input/reader.h"
#include "input/sniff.h"
#include "input/zip.h"

enum {
    PACKAGE_MAX = 8 << 20, /* of container.xml and of the package file */
    CHAPTERS_MAX = 1 << 14,
    PIECE = 4 << 20,
    BOOK_FREE = 256 << 20 /* bytes of text that a book may always have, however small its file */
};

typedef struct book {
    yh_zip zip;
    yh_buf package, name, part;
    char *folder, *title; /* of the package file, with a slash at its end */
    size_t at;            /* in the package: behind the itemrefs taken */
    uint64_t searched;    /* bytes of the archive's directory and of the package */
    uint64_t made;        /* bytes of chapters */
    yh_buf taken;         /* uint64_t: where the entries read so far begin */
    unsigned chapters, read;
} book;

static void book_free(void *own)
{
    book *b = own;
    yh_zip_close(&b->zip);
    yh_buf_fini(&b->package);
    yh_buf_fini(&b->name);
    yh_buf_fini(&b->part);
    yh_buf_fini(&b->taken);
    yh_free(b->folder);
    yh_free(b->title);
    yh_free(b);
}

/* ------------------------------------------------------------------ XML, as far as needed */

typedef struct tag {
    const char *name, *attr, *end; /* the element's name; its attributes up to end ('>') */
    size_t n_name;
} tag;

/* The next start tag at or behind *at; false: none. Prefixes ("opf:item") are dropped. */
static bool next_tag(const char *p, size_t n, size_t *at, tag *t)
{
    while (*at < n) {
        const char *open = memchr(p + *at, '<', n - *at);
        if (open == NULL)
            return false;
        size_t i = (size_t)(open - p) + 1;
        if (n - i >= 3 && memcmp(p + i, "!--", 3) == 0) {
            const char *close = memmem(p + i, n - i, "-->", 3);
            *at = close != NULL ? (size_t)(close - p) + 3 : n;
            continue;
        }
        const char *end = memchr(p + i, '>', n - i);
        if (end == NULL)
            return false;
        *at = (size_t)(end - p) + 1;
        if (p[i] == '/' || p[i] == '!' || p[i] == '?')
            continue;
        size_t k = i;
        while (p + k < end && p[k] != ' ' && p[k] != '\t' && p[k] != '\r' && p[k] != '\n' &&
               p[k] != '/')
            k++;
        const char *colon = memchr(p + i, ':', k - i);
        t->name = colon != NULL ? colon + 1 : p + i;
        t->n_name = (size_t)(p + k - t->name);
        t->attr = p + k;
        t->end = end;
        return true;
    }
    return false;
}

static bool is(const tag *t, const char *name)
{
    return t->n_name == strlen(name) && memcmp(t->name, name, t->n_name) == 0;
}

/* The value of an attribute, as it stands there. */
static const char *attribute(const tag *t, const char *name, size_t *len)
{
    size_t k = strlen(name);
    for (const char *p = t->attr; p < t->end;) {
        const char *eq = memchr(p, '=', (size_t)(t->end - p));
        if (eq == NULL)
            break;
        const char *e = eq, *v = eq + 1;
        while (e > p && (e[-1] == ' ' || e[-1] == '\n' || e[-1] == '\t' || e[-1] == '\r'))
            e--;
        while (v < t->end && *v != '"' && *v != '\'')
            v++;
        if (v == t->end)
            break;
        const char *close = memchr(v + 1, *v, (size_t)(t->end - v - 1));
        if (close == NULL)
            break;
        if ((size_t)(e - p) >= k && memcmp(e - k, name, k) == 0 &&
            ((size_t)(e - p) == k || strchr(" \t\r\n:", e[-(ptrdiff_t)k - 1]) != NULL)) {
            *len = (size_t)(close - v - 1);
            return v + 1;
        }
        p = close + 1;
    }
    *len = 0;
    return NULL;
}

/* Takes "." and ".." out of a path; one that leads out of the archive stays at its root. */
static void resolve(yh_buf *b)
{
    char *p = b->data;
    size_t to = 0;
    for (size_t at = 0, end; at < b->len; at = end) {
        const char *slash = memchr(p + at, '/', b->len - at);
        size_t n = slash != NULL ? (size_t)(slash - p) - at : b->len - at;
        end = at + n + (slash != NULL);
        if (n == 0 || (n == 1 && p[at] == '.'))
            continue;
        if (n == 2 && p[at] == '.' && p[at + 1] == '.') {
            to -= to > 0; /* the slash */
            while (to > 0 && p[to - 1] != '/')
                to--;
            continue;
        }
        memmove(p + to, p + at, end - at);
        to += end - at;
    }
    b->len = to;
    p[to] = '\0';
}

/* A path in the archive: percent codes and &amp; undone, then "../" resolved. */
static yh_status path_of(const char *folder, const char *href, size_t n, yh_buf *out, yh_err *err)
{
    static const char hex[] = "0123456789abcdef";
    yh_buf_clear(out);
    YH_TRY(yh_buf_reserve(out, strlen(folder) + n + 1, err));
    if (n == 0 || href[0] != '/')
        YH_TRY(yh_buf_adds(out, folder, err));
    for (size_t i = 0; i < n && href[i] != '#'; i++) {
        char c = href[i];
        const char *a = i + 2 < n && c == '%' ? memchr(hex, href[i + 1] | 32, 16) : NULL;
        const char *b = a != NULL ? memchr(hex, href[i + 2] | 32, 16) : NULL;
        if (b != NULL) {
            c = (char)((a - hex) << 4 | (b - hex));
            i += 2;
        } else if (n - i >= 5 && memcmp(href + i, "&amp;", 5) == 0) {
            i += 4;
        }
        YH_TRY(yh_buf_addc(out, c, err));
    }
    resolve(out);
    return YH_OK;
}

/* ------------------------------------------------------------------ the archive */

/* Whether the archive's present entry was read before; now it was. A spine that names one chapter
 * again and again would make an endless book of a small file. */
static yh_status read_before(book *b, bool *before, yh_err *err)
{
    uint64_t at;
    *before = false;
    for (size_t i = 0; i < b->taken.len && !*before; i += sizeof at) {
        memcpy(&at, b->taken.data + i, sizeof at);
        *before = at == b->zip.header;
    }
    return *before ? YH_OK : yh_buf_add(&b->taken, &b->zip.header, sizeof b->zip.header, err);
}

/* The whole of an entry; *found false: there is none, or it cannot be read (problem says so). */
static yh_status take_entry(book *b, const char *name, size_t n, size_t max, yh_buf *out,
                            bool *found, char problem[160], yh_err *err)
{
    yh_stream *s = NULL;
    const uint8_t *p;
    size_t got;
    bool before;
    char shown[64];
    snprintf(shown, sizeof shown, "%.*s", (int)(n < 60 ? n : 60), name);
    yh_buf_clear(out);
    b->searched += b->zip.dir.len;
    YH_TRY(yh_zip_find(&b->zip, name, n, found, err));
    if (!*found) {
        snprintf(problem, 160, "%s is not in the book's archive", shown);
        return YH_OK;
    }
    YH_TRY(read_before(b, &before, err));
    if (before) {
        snprintf(problem, 160, "%s is named again and was not read again", shown);
        *found = false;
        return YH_OK;
    }
    YH_TRY(yh_zip_entry(&b->zip, shown, &s, err));
    if (s == NULL) {
        snprintf(problem, 160, "%s: %.90s", shown, b->zip.problem);
        *found = false;
        return YH_OK;
    }
    yh_status st = yh_stream_peek(s, max + 1, &p, &got, err);
    if (st == YH_OK)
        st = yh_buf_add(out, p, got < max ? got : max, err);
    if (st == YH_OK && yh_stream_broken(s) != NULL)
        snprintf(problem, 160, "%s: %.90s", shown, yh_stream_broken(s));
    else if (st == YH_OK && got > max)
        snprintf(problem, 160, "%s is longer than %zu bytes and was cut there", shown, max);
    yh_stream_close(s);
    return st;
}

static yh_status take_title(book *b, yh_err *err)
{
    tag t;
    size_t at = 0;
    while (next_tag(b->package.data, b->package.len, &at, &t))
        if (is(&t, "title") && t.end[-1] != '/') {
            const char *end =
                memchr(t.end, '<', b->package.len - (size_t)(t.end - b->package.data));
            size_t n = end != NULL ? (size_t)(end - t.end - 1) : 0;
            const char *p = t.end + 1;
            while (n > 0 && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
                p++;
                n--;
            }
            YH_TRY(yh_meta_copy(&b->title, p, n, err));
            for (char *amp = b->title; amp != NULL && (amp = strstr(amp, "&amp;")) != NULL; amp++)
                memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
            return YH_OK;
        }
    return YH_OK;
}

static yh_status begin(yh_stream *s, yh_reader_state *state, yh_err *err)
{
    static const char container[] = "META-INF/container.xml";
    yh_random r;
    tag t;
    size_t at = 0, n;
    bool found;
    book *b = state->own = yh_calloc(1, sizeof *b);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a book");
    state->own_free = book_free;
    state->mode = 2;
    YH_TRY(yh_stream_random(s, &r, err));
    YH_TRY(yh_zip_open(&b->zip, &r, err));
    YH_TRY(take_entry(b, container, sizeof container - 1, PACKAGE_MAX, &b->package, &found,
                      state->problem, err));
    if (!found)
        return YH_OK;
    const char *path = NULL;
    while (path == NULL && next_tag(b->package.data, b->package.len, &at, &t))
        if (is(&t, "rootfile"))
            path = attribute(&t, "full-path", &n);
    if (path == NULL) {
        snprintf(state->problem, sizeof state->problem, "container.xml names no package file");
        return YH_OK;
    }
    YH_TRY(path_of("", path, n, &b->name, err));
    const char *slash = memrchr(b->name.data, '/', b->name.len);
    b->folder = yh_strndup(b->name.data, slash != NULL ? (size_t)(slash - b->name.data) + 1 : 0);
    if (b->folder == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a path");
    YH_TRY(take_entry(b, b->name.data, b->name.len, PACKAGE_MAX, &b->package, &found,
                      state->problem, err));
    if (found)
        state->mode = 1;
    return found ? take_title(b, err) : YH_OK;
}

/* The path of the manifest's item with this id. */
static yh_status find_item(book *b, const char *id, size_t n, bool *found, yh_err *err)
{
    tag t;
    size_t at = 0, len;
    *found = false;
    b->searched += b->package.len;
    while (next_tag(b->package.data, b->package.len, &at, &t)) {
        const char *v = is(&t, "item") ? attribute(&t, "id", &len) : NULL;
        if (v == NULL || len != n || memcmp(v, id, n) != 0)
            continue;
        v = attribute(&t, "href", &len);
        if (v == NULL)
            return YH_OK;
        *found = true;
        return path_of(b->folder, v, len, &b->name, err);
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ next */

/* Adds the next chapter; *more false: there is none. */
static yh_status chapter(book *b, yh_reader_state *state, yh_piece *piece, bool *more, yh_err *err)
{
    const uint64_t search_max = (uint64_t)4 << 30;
    tag t = {0};
    size_t n = 0;
    const char *id = NULL;
    bool found;
    while (id == NULL && next_tag(b->package.data, b->package.len, &b->at, &t))
        if (is(&t, "itemref"))
            id = attribute(&t, "idref", &n);
    *more = id != NULL;
    if (id == NULL)
        return YH_OK;
    if (++b->chapters > CHAPTERS_MAX || b->searched + b->zip.looked > search_max ||
        (b->made > BOOK_FREE && b->made / YH_UNPACK_RATIO > b->zip.file.size)) {
        snprintf(state->problem, sizeof state->problem,
                 "has more chapters than are read; the others were left out");
        *more = false;
        b->at = b->package.len;
        return YH_OK;
    }
    YH_TRY(find_item(b, id, n, &found, err));
    if (!found) {
        snprintf(state->problem, sizeof state->problem, "chapter \"%.*s\" is not in the manifest",
                 (int)(n < 60 ? n : 60), id);
        return YH_OK;
    }
    YH_TRY(take_entry(b, b->name.data, b->name.len, YH_HTML_MAX, &b->part, &found, state->problem,
                      err));
    b->made += b->part.len;
    uint32_t len = (uint32_t)b->part.len;
    yh_sniffed is_what;
    yh_sniff((const uint8_t *)b->part.data, len < YH_SNIFF ? len : YH_SNIFF, len < YH_SNIFF,
             &is_what);
    if (found && len > 0 && is_what.likely == NULL && state->problem[0] == '\0')
        snprintf(state->problem, sizeof state->problem,
                 "chapter %.60s is no text; the book may be encrypted", b->name.data);
    if (!found || len == 0 || is_what.likely == NULL)
        return YH_OK;
    b->read++;
    YH_TRY(yh_buf_add(&piece->bytes, &len, sizeof len, err));
    return yh_buf_add(&piece->bytes, b->part.data, len, err);
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    if (state->mode == 0)
        YH_TRY(begin(s, state, err));
    book *b = state->own;
    bool go = state->mode == 1;
    uint32_t title = b->title != NULL ? (uint32_t)strlen(b->title) : 0;
    unsigned before = b->read;
    YH_TRY(yh_buf_add(&piece->bytes, &title, sizeof title, err));
    if (title > 0)
        YH_TRY(yh_buf_add(&piece->bytes, b->title, title, err));
    size_t head = piece->bytes.len;
    while (go && piece->bytes.len - head < PIECE && state->problem[0] == '\0')
        YH_TRY(chapter(b, state, piece, &go, err));
    piece->middle = before > 0;
    *more = piece->bytes.len > head;
    if (!*more && go) { /* a chapter that cannot be read: named, and on with the next */
        yh_buf_clear(&piece->bytes);
        title = 0;
        *more = true;
        YH_TRY(yh_buf_add(&piece->bytes, &title, sizeof title, err));
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ documents */

static bool is_void(const char *p, size_t n)
{
    static const char *const names[] = {"area",  "base", "br",   "col",   "embed",  "hr",    "img",
                                        "input", "link", "meta", "param", "source", "track", "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && strncasecmp(p, names[i], n) == 0)
            return true;
    return false;
}

/* XHTML's <title/> opens an element for HTML's rules: it becomes <title></title>. */
static yh_status open_close(const char *p, size_t n, yh_buf *out, yh_err *err)
{
    size_t from = 0, at = 0;
    while (at < n) {
        const char *lt = memchr(p + at, '<', n - at);
        const char *gt = lt != NULL ? memchr(lt, '>', n - (size_t)(lt - p)) : NULL;
        if (gt == NULL)
            break;
        at = (size_t)(gt - p) + 1;
        size_t k = 1;
        while (lt + k < gt && strchr(" \t\r\n/", lt[k]) == NULL)
            k++;
        if (gt[-1] != '/' || lt[1] == '!' || lt[1] == '?' || is_void(lt + 1, k - 1))
            continue;
        YH_TRY(yh_buf_add(out, p + from, (size_t)(gt - 1 - p) - from, err));
        YH_TRY(yh_buf_adds(out, "></", err));
        YH_TRY(yh_buf_add(out, lt + 1, k - 1, err));
        from = at - 1; /* the '>' */
    }
    return yh_buf_add(out, p + from, n - from, err);
}

static yh_status add_chapter(const char *p, size_t n, yh_buf *text, yh_drafts *out, yh_err *err)
{
    yh_buf utf8, html, one;
    yh_charset info;
    bool plain;
    yh_buf_init(&utf8, 0);
    yh_buf_init(&html, 0);
    yh_buf_init(&one, 0);
    yh_status s = yh_charset_decode((const uint8_t *)p, n, NULL, NULL, &utf8, &info, err);
    if (s == YH_OK) {
        out->replaced += info.replaced;
        s = open_close(utf8.data, utf8.len, &html, err);
    }
    if (s == YH_OK)
        s = yh_html_text(html.data, html.len, YH_HTML_ALL, &one, NULL, &plain, err);
    if (s == YH_OK && one.len > 0 && text->len > 0)
        s = yh_buf_adds(text, "\n\n", err);
    if (s == YH_OK && one.len > 0)
        s = yh_buf_add(text, one.data, one.len, err);
    yh_buf_fini(&utf8);
    yh_buf_fini(&html);
    yh_buf_fini(&one);
    return s;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    const char *p = piece->bytes.data;
    size_t n = piece->bytes.len, at = 0;
    uint32_t title, len;
    yh_buf text;
    yh_buf_init(&text, 0);
    if (n < sizeof title)
        return YH_OK;
    memcpy(&title, p, sizeof title);
    yh_status s = YH_OK;
    for (at = sizeof title + title; s == YH_OK && at + sizeof len <= n; at += len) {
        memcpy(&len, p + at, sizeof len);
        at += sizeof len;
        s = add_chapter(p + at, len, &text, out, err);
    }
    if (s == YH_OK && text.len > 0)
        s = yh_drafts_add(out, &text, 0, !piece->middle, "UTF-8", err);
    if (s == YH_OK && out->n > 0 && title > 0)
        s = yh_meta_copy(&out->d[out->n - 1].title, p + sizeof title, title, err);
    yh_buf_fini(&text);
    return s;
}

static const char *const extensions[] = {".epub", NULL};

const yh_reader yh_reader_epub = {"epub", extensions, next, documents, NULL, true};
