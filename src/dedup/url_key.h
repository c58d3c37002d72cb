/* One form for addresses that mean the same page, and the site that a document belongs to. */
#ifndef YH_DEDUP_URL_KEY_H
#define YH_DEDUP_URL_KEY_H

#include "base/json.h"
#include "dedup/store.h"

/* Appends the address without scheme (http, https), "www.", default port, fragment (but "#!"),
 * trailing slash and the query's tracking parameters; host in lower case, escapes of unreserved
 * characters undone, parameters in order. tracking: a list of names, one with '*' at its end
 * stands for all that begin so; NULL: none. */
yh_status yh_url_key(const char *url, const json_t *tracking, yh_buf *out,
                     yh_err *err) YH_MUST_CHECK;

/* The host of the document's address without "www." and port, else its source; borrowed; *n bytes,
 * not in lower case. */
const char *yh_url_site(const yh_stored *d, size_t *n);

#endif
