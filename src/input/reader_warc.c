/* Web archives: WARC 0.17 to 1.1 (ISO 28500) and ARC. Pages of HTTP responses, resources and
 * conversions (WET) are documents; requests, metadata and the like are counted. A record whose
 * length is wrong is left at the next "WARC/". */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "input/charset.h"
#include "input/meta.h"
#include "input/page.h"

enum {
    HEAD_MAX = 1 << 16,    /* of a record's own header */
    RECORD_MAX = 16 << 20, /* a longer page is cut here */
    PIECE = 1 << 20,
    KINDS = 8
};

/* Why records are no documents; counted and named at the end of the file. */
static const char *const kinds[KINDS] = {"request",
                                         "metadata",
                                         "warcinfo",
                                         "revisit (page stored "
                                         "elsewhere)",
                                         "other record",
                                         "page with a status other "
                                         "than 2xx",
                                         "not HTML or text",
                                         "empty"};
enum { REQUEST, METADATA, INFO, REVISIT, OTHER, STATUS, MEDIA, EMPTY };

typedef struct archive {
    bool arc;
    uint64_t offset; /* of the record at hand */
    uint64_t left_out[KINDS];
    bool told;
} archive;

/* In front of each record's bytes in a piece: url, date, body. */
typedef struct frame {
    uint64_t number, offset;
    uint32_t url, date, body;
    uint8_t html, chunked, cut;
    char charset[24], encoding[16];
} frame;

typedef struct record {
    const char *url, *date;
    size_t n_url, n_date;
    uint64_t length;
    size_t head; /* bytes before the block */
    int kind;    /* -1: a page; else why not */
    bool http, conversion;
    char type[64], charset[24];
} record;

static bool word(const char *p, size_t n, const char *w)
{
    return p != NULL && n == strlen(w) && strncasecmp(p, w, n) == 0;
}

/* Digits alone, below 2^62. */
static bool number(const char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (n == 0 || n > 18)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(p[i] - '0');
    }
    *out = v;
    return true;
}

/* The end of a header: behind its empty line; 0: not within n. */
static size_t head_end(const char *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(p + at, '\n', n - at);
        if (nl == NULL)
            return 0;
        size_t end = (size_t)(nl - p);
        while (at < end && p[at] == '\r') /* "\r\r\n" has been seen */
            at++;
        if (at > 0 && end == at)
            return end + 1;
        at = end + 1;
    }
    return 0;
}

/* ------------------------------------------------------------------ headers */

/* NULL, or what is wrong. */
static const char *warc_head(const char *p, size_t n, record *r)
{
    size_t len;
    const char *v;
    memset(r, 0, sizeof *r);
    if (n < 8 || memcmp(p, "WARC/", 5) != 0)
        return "does not begin with WARC/";
    r->head = head_end(p, n < HEAD_MAX ? n : HEAD_MAX);
    if (r->head == 0)
        return "has a header without end";
    v = yh_http_field(p, r->head, "Content-Length", &len);
    if (v == NULL || !number(v, len, &r->length))
        return "has no Content-Length that can be read";
    r->url = yh_http_field(p, r->head, "WARC-Target-URI", &r->n_url);
    if (r->n_url > 2 && r->url[0] == '<' && r->url[r->n_url - 1] == '>') { /* some writers do */
        r->url++;
        r->n_url -= 2;
    }
    r->date = yh_http_field(p, r->head, "WARC-Date", &r->n_date);
    v = yh_http_field(p, r->head, "Content-Type", &len);
    if (v != NULL)
        yh_http_type(v, len, r->type, r->charset);
    v = yh_http_field(p, r->head, "WARC-Type", &len);
    r->kind = -1;
    if (word(v, len, "response"))
        r->http = strcmp(r->type, "application/http") == 0 || r->type[0] == '\0';
    else if (word(v, len, "conversion"))
        r->conversion = true;
    else if (word(v, len, "request"))
        r->kind = REQUEST;
    else if (word(v, len, "metadata"))
        r->kind = METADATA;
    else if (word(v, len, "warcinfo"))
        r->kind = INFO;
    else if (word(v, len, "revisit"))
        r->kind = REVISIT;
    else if (!word(v, len, "resource"))
        r->kind = OTHER;
    return NULL;
}

static bool all_digits(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i == n;
}

/* "URL IP DATE TYPE LENGTH", or with more fields before the length in version 2. There are URLs
 * with spaces, so the date is looked for. */
static const char *arc_head(const char *p, size_t n, record *r)
{
    enum { FIELDS = 64 };
    size_t field[FIELDS], len[FIELDS], k = 0, date = 0;
    memset(r, 0, sizeof *r);
    const char *nl = memchr(p, '\n', n < HEAD_MAX ? n : HEAD_MAX);
    if (nl == NULL)
        return "has a header without end";
    size_t end = (size_t)(nl - p);
    for (size_t at = 0; at < end && k < FIELDS;) {
        while (at < end && (p[at] == ' ' || p[at] == '\r'))
            at++;
        if (at == end)
            break;
        field[k] = at;
        while (at < end && p[at] != ' ' && p[at] != '\r')
            at++;
        len[k] = at - field[k];
        if (k >= 2 && len[k] >= 8 && len[k] <= 18 && all_digits(p + field[k], len[k]))
            date = date == 0 ? k : date;
        k++;
    }
    if (k < 5 || date == 0 || k - date < 3 || memchr(p, ':', len[0]) == NULL ||
        !number(p + field[k - 1], len[k - 1], &r->length))
        return "does not begin like one of an ARC file";
    r->head = end + 1;
    r->url = p + field[0];
    r->n_url = field[date - 1] - 1;
    r->date = p + field[date];
    r->n_date = len[date];
    r->kind = strncmp(r->url, "filedesc:", 9) == 0 ? INFO : -1;
    r->http = strncmp(r->url, "http", 4) == 0;
    return NULL;
}

/* ------------------------------------------------------------------ finding records */

static bool begins_record(const char *p, size_t n, bool arc)
{
    record r;
    if (!arc)
        return n >= 8 && memcmp(p, "WARC/", 5) == 0 && p[5] >= '0' && p[5] <= '9' && p[6] == '.';
    return n > 0 && arc_head(p, n < 4096 ? n : 4096, &r) == NULL;
}

/* The same for one that does not begin a line, because what stands before it was cut off. */
static bool begins_within(const char *p, size_t n)
{
    if (n < 16 || !begins_record(p, n, false))
        return false;
    p += sizeof "WARC/1.0" - 1;
    return memcmp(p, "\r\nWARC-", 7) == 0 || memcmp(p, "\nWARC-", 6) == 0;
}

/* The next place behind p[from] where a record begins; n: none. */
static size_t find_record(const char *p, size_t from, size_t n, bool arc)
{
    while (from + 1 < n) {
        const char *q =
            arc ? memchr(p + from, '\n', n - from) : memmem(p + from + 1, n - from - 1, "WARC/", 5);
        if (q == NULL)
            return n;
        from = (size_t)(q - p) + arc;
        if ((arc || q[-1] == '\n') ? begins_record(p + from, n - from, arc)
                                   : begins_within(p + from, n - from))
            return from;
    }
    return n;
}

/* Passes over bytes until a record begins. */
static yh_status resync(yh_stream *s, bool arc, yh_err *err)
{
    bool first = true;
    for (;;) {
        const uint8_t *p;
        size_t n;
        YH_TRY(yh_stream_peek(s, HEAD_MAX, &p, &n, err));
        if (n == 0)
            return YH_OK;
        if (!first && begins_record((const char *)p, n, arc))
            return YH_OK;
        size_t at = find_record((const char *)p, 0, n, arc);
        if (at < n) {
            yh_stream_skip(s, at);
            return YH_OK;
        }
        first = false;
        yh_stream_skip(s, n > 4096 ? n - 4096 : n);
    }
}

/* Goes behind a block of which `seen` bytes (its beginning) are visible and will be skipped here.
 * A long one is searched for the beginning of a record: its length may be wrong. */
static yh_status pass_block(yh_stream *s, uint64_t length, bool arc, bool *early, yh_err *err)
{
    *early = false;
    while (length > 0) {
        const uint8_t *p;
        size_t n, at;
        YH_TRY(yh_stream_peek(s, 1 << 18, &p, &n, err));
        if (n == 0) {
            *early = true;
            return YH_OK;
        }
        size_t take = length < n ? (size_t)length : n;
        if (!arc && (at = find_record((const char *)p, 0, take, false)) < take) {
            *early = true;
            yh_stream_skip(s, at);
            return YH_OK;
        }
        if (take == n && length > n && n > 16)
            take = n - 16; /* a mark may lie across the border */
        yh_stream_skip(s, take);
        length -= take;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ next */

/* The media types that become documents. */
static int media(const char *type, bool *html)
{
    *html = strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0 ||
            strcmp(type, "application/vnd.wap.xhtml+xml") == 0;
    return *html || strcmp(type, "text/plain") == 0 || strcmp(type, "text/markdown") == 0 ? -1
                                                                                          : MEDIA;
}

/* Adds the record's page to the piece, or counts why it is none. */
static yh_status take(archive *a, const record *r, const char *block, size_t n, bool cut,
                      uint64_t count, yh_piece *piece, yh_err *err)
{
    frame f = {.number = count, .offset = a->offset, .cut = cut};
    yh_http h = {0};
    int why = r->kind;
    bool html = false;
    if (why < 0 && r->url != NULL && strncasecmp(r->url, "http", 4) != 0 &&
        strncasecmp(r->url, "file:", 5) != 0 && strncasecmp(r->url, "ftp", 3) != 0)
        why = OTHER; /* what crawlers note about themselves: metadata://, urn:, dns: */
    if (why < 0 && r->http)
        yh_http_head(block, n, &h);
    if (why < 0 && (h.status == 0 || !r->http)) { /* a resource, a conversion, HTTP/0.9 */
        memcpy(h.type, r->type, sizeof h.type);
        memcpy(h.charset, r->charset, sizeof h.charset);
        h.body = 0;
        if (r->http || (r->type[0] == '\0' && !r->conversion))
            h.type[0] = '\0';
    } else if (why < 0 && (h.status < 200 || h.status > 299)) {
        why = STATUS;
    }
    const char *body = block + h.body;
    size_t len = n - h.body;
    if (why < 0 && h.type[0] == '\0') { /* nobody said: by the look of it */
        size_t i = 0;
        while (i < len && i < 512 && body[i] != '<')
            i++;
        bool page = i + 5 < len && (strncasecmp(body + i, "<html", 5) == 0 ||
                                    strncasecmp(body + i, "<!doc", 5) == 0);
        snprintf(h.type, sizeof h.type, "%s", page ? "text/html" : "unknown");
    }
    if (why < 0)
        why = media(h.type, &html);
    if (why < 0 && len == 0)
        why = EMPTY;
    if (why >= 0) {
        a->left_out[why]++;
        return YH_OK;
    }
    f.url = (uint32_t)r->n_url;
    f.date = (uint32_t)r->n_date;
    f.body = (uint32_t)len;
    f.html = html;
    f.chunked = h.chunked;
    memcpy(f.charset, h.charset, sizeof f.charset);
    memcpy(f.encoding, h.encoding, sizeof f.encoding);
    YH_TRY(yh_buf_add(&piece->bytes, &f, sizeof f, err));
    if (f.url > 0)
        YH_TRY(yh_buf_add(&piece->bytes, r->url, f.url, err));
    if (f.date > 0)
        YH_TRY(yh_buf_add(&piece->bytes, r->date, f.date, err));
    return yh_buf_add(&piece->bytes, body, len, err);
}

static void problem(yh_reader_state *state, yh_stream *s, const char *what)
{
    snprintf(state->problem, sizeof state->problem, "record %llu at byte %llu %s",
             (unsigned long long)state->counter, (unsigned long long)yh_stream_offset(s), what);
}

/* One record at the stream's front; the blank lines behind it are passed too. */
static yh_status one_record(yh_stream *s, yh_reader_state *state, yh_piece *piece, yh_err *err)
{
    archive *a = state->own;
    record r;
    const uint8_t *p;
    size_t n, want = HEAD_MAX;
    state->counter++;
    a->offset = yh_stream_offset(s);
    YH_TRY(yh_stream_peek(s, want, &p, &n, err));
    const char *bad = a->arc ? arc_head((const char *)p, n, &r) : warc_head((const char *)p, n, &r);
    if (bad != NULL) {
        problem(state, s, bad);
        return resync(s, a->arc, err);
    }
    bool whole = r.length <= RECORD_MAX;
    size_t block = whole ? (size_t)r.length : RECORD_MAX;
    want = r.head + block + 8;
    YH_TRY(yh_stream_peek(s, want, &p, &n, err));
    if (a->arc)
        (void)arc_head((const char *)p, n, &r); /* the bytes may have moved */
    else
        (void)warc_head((const char *)p, n, &r);
    const char *b = (const char *)p + r.head;
    size_t have = n - r.head, got = have < block ? have : block, end = r.head + got;
    if (whole) { /* another record, or the end, must follow */
        while (end < n && (p[end] == '\r' || p[end] == '\n'))
            end++;
        bool fits = end < n ? end > r.head + got || a->arc || r.length == 0 : have >= block;
        if (end + 8 <= n && !begins_record((const char *)p + end, n - end, a->arc) && !a->arc)
            fits = false;
        if (!fits) {
            problem(state, s, have < block ? "ends too early" : "has a wrong length");
            size_t cut = find_record(b, 0, got, a->arc);
            got = cut;
            YH_TRY(take(a, &r, b, got, false, state->counter, piece, err));
            yh_stream_skip(s, r.head + got);
            if (cut < have && begins_record(b + cut, have - cut, a->arc))
                return YH_OK;
            return resync(s, a->arc, err);
        }
    }
    YH_TRY(take(a, &r, b, got, !whole, state->counter, piece, err));
    if (whole) {
        yh_stream_skip(s, end);
        return YH_OK;
    }
    bool early;
    if (r.kind < 0)
        problem(state, s, "is longer than 16 MiB and was cut there");
    yh_stream_skip(s, r.head);
    YH_TRY(pass_block(s, r.length, a->arc, &early, err));
    if (early)
        problem(state, s, "is shorter than its length says");
    return YH_OK;
}

/* What was left out, once. */
static void tell(archive *a, yh_reader_state *state)
{
    size_t at = 0;
    a->told = true;
    for (int k = 0; k < KINDS; k++)
        if (a->left_out[k] > 0 && at < sizeof state->info)
            at +=
                (size_t)snprintf(state->info + at, sizeof state->info - at, "%s%llu %s",
                                 at > 0 ? ", " : "", (unsigned long long)a->left_out[k], kinds[k]);
}

static yh_status next(yh_stream *s, yh_reader_state *state, yh_piece *piece, bool *more,
                      yh_err *err)
{
    archive *a = state->own;
    const uint8_t *p;
    size_t n;
    if (a == NULL) {
        a = state->own = yh_calloc(1, sizeof *a);
        state->own_free = yh_free;
        if (a == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a web archive");
        YH_TRY(yh_stream_peek(s, 9, &p, &n, err));
        a->arc = n >= 9 && memcmp(p, "filedesc:", 9) == 0;
    }
    piece->number = state->counter + 1;
    while (piece->bytes.len < PIECE && state->problem[0] == '\0') {
        YH_TRY(yh_stream_peek(s, 1, &p, &n, err));
        size_t i = 0;
        while (i < n && (p[i] == '\r' || p[i] == '\n'))
            i++;
        yh_stream_skip(s, i);
        if (i < n) {
            YH_TRY(one_record(s, state, piece, err));
        } else if (n == 0) {
            if (!a->told)
                tell(a, state);
            break;
        }
    }
    *more = piece->bytes.len > 0 || state->problem[0] != '\0';
    return YH_OK;
}

/* ------------------------------------------------------------------ documents */

static yh_status page(const frame *f, const char *url, const char *body, yh_drafts *out,
                      yh_err *err)
{
    yh_http h = {.chunked = f->chunked != 0};
    const char *what;
    yh_buf plain, text;
    yh_buf_init(&plain, 0);
    yh_buf_init(&text, 0);
    memcpy(h.encoding, f->encoding, sizeof h.encoding);
    size_t n = f->body, before = out->n;
    yh_status s = yh_http_body(&h, body, n, YH_HTML_MAX, &plain, &what, err);
    if (s == YH_OK && what != NULL) {
        yh_drafts_problem(out, f->number, what);
        n = plain.len; /* what came before the damage */
    }
    if (plain.len > 0) {
        body = plain.data;
        n = plain.len;
    }
    if (n > YH_HTML_MAX)
        n = YH_HTML_MAX;
    if (s == YH_OK && n > 0 && f->html) {
        s = yh_html_draft((const uint8_t *)body, n, f->charset, f->number, out, err);
    } else if (s == YH_OK && n > 0) {
        yh_charset info;
        s = yh_charset_decode((const uint8_t *)body, n, NULL, f->charset, &text, &info, err);
        if (s == YH_OK) {
            out->replaced += info.replaced;
            s = yh_drafts_add(out, &text, f->number, true, info.name, err);
        }
    }
    if (s == YH_OK && out->n > before) {
        yh_draft *d = &out->d[out->n - 1];
        d->offset = f->offset;
        s = yh_meta_copy(&d->url, url, f->url, err);
        yh_buf_clear(&text);
        if (s == YH_OK && f->date > 0)
            s = yh_meta_string(&text, "date", url + f->url, f->date, err);
        if (s == YH_OK)
            s = yh_meta_give(&text, d, err);
    }
    yh_buf_fini(&plain);
    yh_buf_fini(&text);
    return s;
}

static yh_status documents(const yh_piece *piece, yh_drafts *out, yh_err *err)
{
    const char *p = piece->bytes.data;
    for (size_t at = 0; at + sizeof(frame) <= piece->bytes.len;) {
        frame f;
        memcpy(&f, p + at, sizeof f);
        at += sizeof f;
        YH_TRY(page(&f, p + at, p + at + f.url + f.date, out, err));
        at += (size_t)f.url + f.date + f.body;
    }
    return YH_OK;
}

static const char *const extensions[] = {".warc", ".arc", ".wet", NULL};

const yh_reader yh_reader_warc = {"warc", extensions, next, documents, NULL, false};
