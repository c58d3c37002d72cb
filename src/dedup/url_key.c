#include "dedup/url_key.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { QUERY_MAX = 256 }; /* parameters; a query with more stays as it is */

typedef struct slice {
    const char *p;
    size_t n;
} slice;

static bool starts(slice s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && strncasecmp(s.p, with, n) == 0;
}

static slice skip(slice s, size_t n)
{
    return (slice){s.p + n, s.n - n};
}

/* The part before the first of `stops`; *rest begins with it. */
static slice until(slice s, const char *stops, slice *rest)
{
    size_t n = 0;
    while (n < s.n && strchr(stops, s.p[n]) == NULL)
        n++;
    *rest = skip(s, n);
    return (slice){s.p, n};
}

/* Takes scheme, user, port and "www." off; the host is left, *rest is what follows. */
static slice host_of(slice s, slice *rest)
{
    int port = 0;
    if (starts(s, "http://")) {
        s = skip(s, 7);
        port = 80;
    } else if (starts(s, "https://")) {
        s = skip(s, 8);
        port = 443;
    }
    slice host = until(s, "/?#", rest);
    for (size_t i = host.n; i-- > 0;)
        if (host.p[i] == '@') {
            host = skip(host, i + 1);
            break;
        }
    if (port == 80 && host.n > 3 && memcmp(host.p + host.n - 3, ":80", 3) == 0)
        host.n -= 3;
    if (port == 443 && host.n > 4 && memcmp(host.p + host.n - 4, ":443", 4) == 0)
        host.n -= 4;
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    return starts(host, "www.") ? skip(host, 4) : host;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Escapes: of unreserved characters undone, of others in upper case. */
static yh_status add_escaped(yh_buf *out, slice s, yh_err *err)
{
    for (size_t i = 0; i < s.n; i++) {
        int hi = s.p[i] == '%' && i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex(s.p[i + 2]) : -1;
        if (lo < 0) {
            YH_TRY(yh_buf_addc(out, s.p[i], err));
            continue;
        }
        int c = hi * 16 + lo;
        if (c < 0x80 && (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~'))
            YH_TRY(yh_buf_addc(out, (char)c, err));
        else
            YH_TRY(yh_buf_addf(out, err, "%%%02X", (unsigned)c));
        i += 2;
    }
    return YH_OK;
}

static bool tracks(slice parameter, const json_t *list)
{
    slice rest;
    slice name = until(parameter, "=", &rest);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *w = json_string_value(json_array_get(list, i));
        size_t n = w != NULL ? strlen(w) : 0;
        if (n > 0 && w[n - 1] == '*' ? name.n >= n - 1 && strncasecmp(name.p, w, n - 1) == 0
                                     : n > 0 && name.n == n && strncasecmp(name.p, w, n) == 0)
            return true;
    }
    return false;
}

static int by_text(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

/* query: without the question mark */
static yh_status add_query(yh_buf *out, slice query, const json_t *tracking, yh_err *err)
{
    slice part[QUERY_MAX];
    size_t n = 0;
    char sign = '?';
    for (slice q = query; q.n > 0;) {
        slice rest;
        slice one = until(q, "&", &rest);
        q = rest.n > 0 ? skip(rest, 1) : rest;
        if (one.n == 0 || tracks(one, tracking))
            continue;
        if (n == QUERY_MAX) {
            YH_TRY(yh_buf_addc(out, '?', err));
            return yh_buf_add(out, query.p, query.n, err);
        }
        part[n++] = one;
    }
    if (n > 1)
        qsort(part, n, sizeof *part, by_text);
    for (size_t i = 0; i < n; i++) {
        YH_TRY(yh_buf_addc(out, sign, err));
        YH_TRY(add_escaped(out, part[i], err));
        sign = '&';
    }
    return YH_OK;
}

yh_status yh_url_key(const char *url, const json_t *tracking, yh_buf *out, yh_err *err)
{
    slice s = {url, strlen(url)}, rest;
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = skip(s, 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    slice host = host_of(s, &rest);
    for (size_t i = 0; i < host.n; i++)
        YH_TRY(yh_buf_addc(out, (char)tolower((unsigned char)host.p[i]), err));
    slice path = until(rest, "?#", &rest);
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    YH_TRY(add_escaped(out, path, err));
    if (rest.n > 0 && rest.p[0] == '?') {
        slice query = until(skip(rest, 1), "#", &rest);
        YH_TRY(add_query(out, query, tracking, err));
    }
    return starts(rest, "#!") ? yh_buf_add(out, rest.p, rest.n, err) : YH_OK;
}

const char *yh_url_site(const yh_stored *d, size_t *n)
{
    slice rest;
    slice host = host_of((slice){d->url, strlen(d->url)}, &rest);
    host = until(host, ":", &rest);
    if (host.n == 0)
        host = (slice){d->source, strlen(d->source)};
    *n = host.n;
    return host.p;
}
