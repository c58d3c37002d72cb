#include <stdio.h>
#include <strings.h>

#include "input/page.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *yh_http_field(const char *p, size_t n, const char *name, size_t *len)
{
    size_t k = strlen(name);
    *len = 0;
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(p + at, '\n', n - at);
        size_t end = nl != NULL ? (size_t)(nl - p) : n;
        if (end - at > k && p[at + k] == ':' && strncasecmp(p + at, name, k) == 0) {
            size_t b = at + k + 1, e = end;
            while (b < e && blank(p[b]))
                b++;
            while (e > b && blank(p[e - 1]))
                e--;
            *len = e - b;
            return p + b;
        }
        at = end + 1;
    }
    return NULL;
}

static void lower_copy(char *to, size_t room, const char *p, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n && k + 1 < room; i++)
        if (!blank(p[i]) && p[i] != '"' && p[i] != '\'')
            to[k++] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
    to[k] = '\0';
}

void yh_http_type(const char *p, size_t n, char type[64], char charset[24])
{
    const char *semi = memchr(p, ';', n);
    size_t end = semi != NULL ? (size_t)(semi - p) : n;
    lower_copy(type, 64, p, end);
    charset[0] = '\0';
    for (size_t i = end; i + 8 <= n; i++)
        if (strncasecmp(p + i, "charset=", 8) == 0) {
            size_t b = i + 8, e = b;
            while (e < n && p[e] != ';' && p[e] != ',')
                e++;
            lower_copy(charset, 24, p + b, e - b);
            return;
        }
}

void yh_http_head(const char *p, size_t n, yh_http *out)
{
    memset(out, 0, sizeof *out);
    if (n < 12 || strncasecmp(p, "HTTP/", 5) != 0)
        return;
    const char *space = memchr(p, ' ', n < 16 ? n : 16);
    if (space == NULL)
        return;
    for (const char *d = space + 1; d < p + n && *d >= '0' && *d <= '9' && out->status < 1000; d++)
        out->status = out->status * 10 + (*d - '0');
    size_t body = n;
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(p + at, '\n', n - at);
        if (nl == NULL)
            break;
        size_t end = (size_t)(nl - p);
        if (end == at || (end == at + 1 && p[at] == '\r')) {
            body = end + 1;
            break;
        }
        at = end + 1;
    }
    size_t len;
    const char *v = yh_http_field(p, body, "Content-Type", &len);
    if (v != NULL)
        yh_http_type(v, len, out->type, out->charset);
    if ((v = yh_http_field(p, body, "Content-Encoding", &len)) != NULL)
        lower_copy(out->encoding, sizeof out->encoding, v, len);
    if (strcmp(out->encoding, "identity") == 0 || strcmp(out->encoding, "none") == 0)
        out->encoding[0] = '\0';
    v = yh_http_field(p, body, "Transfer-Encoding", &len);
    out->chunked = v != NULL && len >= 7 && strncasecmp(v + len - 7, "chunked", 7) == 0;
    out->body = body;
}

/* The chunks' bytes; *whole false: they stop early. An untouched *out and false: these are no
 * chunks (some crawlers keep the field and store the body without). */
static yh_status unchunk(const char *p, size_t n, yh_buf *out, bool *whole, yh_err *err)
{
    *whole = false;
    for (size_t at = 0; at < n;) {
        size_t size = 0, i = at, digits = 0;
        for (; i < n && digits < 8; i++, digits++) {
            char c = p[i];
            int d = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
            if (d < 0)
                break;
            size = size << 4 | (size_t)d;
        }
        if (digits == 0)
            return YH_OK;
        const char *nl = memchr(p + i, '\n', n - i < 1024 ? n - i : 1024);
        if (nl == NULL || (p[i] != '\r' && p[i] != '\n' && p[i] != ';' && p[i] != ' '))
            return YH_OK;
        at = (size_t)(nl - p) + 1;
        if (size == 0) {
            *whole = true;
            return YH_OK;
        }
        size_t take = size < n - at ? size : n - at;
        YH_TRY(yh_buf_add(out, p + at, take, err));
        at += take;
        if (at < n && p[at] == '\r')
            at++;
        if (at < n && p[at] == '\n')
            at++;
    }
    return YH_OK;
}

yh_status yh_http_body(const yh_http *h, const char *body, size_t n, size_t max, yh_buf *out,
                       const char **what, yh_err *err)
{
    *what = NULL;
    if (h->chunked) {
        bool whole;
        YH_TRY(unchunk(body, n, out, &whole, err));
        if (out->len > 0) {
            body = out->data;
            n = out->len;
            if (!whole)
                *what = "the page's chunks stop early";
        }
    }
    if (h->encoding[0] == '\0' || n == 0)
        return YH_OK;
    const uint8_t *b = (const uint8_t *)body;
    yh_packing k = yh_packing_of(b, n);
    if (strcmp(h->encoding, "deflate") == 0)
        k = n >= 2 && (b[0] & 15) == 8 && (b[0] << 8 | b[1]) % 31 == 0 ? YH_PACKING_ZLIB
                                                                       : YH_PACKING_DEFLATE;
    else if (strcmp(h->encoding, "br") == 0 || strcmp(h->encoding, "compress") == 0)
        k = YH_PACKING_NONE;
    bool text = true; /* stored without its coding, although the field says so */
    for (size_t i = 0; i < n && i < 64; i++)
        text = text && (b[i] >= 0x20 || blank((char)b[i]));
    if (text && k != YH_PACKING_ZLIB)
        return YH_OK;
    if (k == YH_PACKING_NONE) {
        yh_buf_clear(out);
        *what = strcmp(h->encoding, "br") == 0 ? "a page compressed by brotli is not supported"
                                               : "a page in a content coding that is not known";
        return YH_OK;
    }
    yh_buf plain;
    yh_buf_init(&plain, 0);
    const char *bad = NULL;
    yh_status s = yh_unpack_all(k, body, n, max, &plain, &bad, err);
    if (bad != NULL)
        *what = bad;
    if (s == YH_OK) {
        yh_buf_fini(out);
        *out = plain;
    } else {
        yh_buf_fini(&plain);
    }
    return s;
}
