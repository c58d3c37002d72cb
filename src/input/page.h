/* What readers that hold web pages share. */
#ifndef YH_INPUT_PAGE_H
#define YH_INPUT_PAGE_H

#include "input/reader.h"

/* Appends a page's main text as a document. charset: what the server said (NULL or "": nothing;
 * then the page is asked). */
yh_status yh_html_draft(const uint8_t *bytes, size_t n, const char *charset, uint64_t number,
                        yh_drafts *out, yh_err *err) YH_MUST_CHECK;

/* ---- HTTP/1.x messages as crawls keep them (RFC 9112). Nothing here fails. ---- */
typedef struct yh_http {
    int status;  /* 0: this is no HTTP response */
    size_t body; /* offset of the body */
    bool chunked;
    char type[64];     /* media type, lower case, without parameters; "": not said */
    char charset[24];  /* "": not said */
    char encoding[16]; /* content coding, lower case; "": none */
} yh_http;
void yh_http_head(const char *p, size_t n, yh_http *out);
/* "text/html; charset=x" in parts. */
void yh_http_type(const char *p, size_t n, char type[64], char charset[24]);
/* The value of a header field between p and p + n (lines "Name: value"); *len 0 and NULL: none. */
const char *yh_http_field(const char *p, size_t n, const char *name, size_t *len);
/* The body without chunks and content coding, moved to *out when it differs from body[0, n) (*out
 * is empty else). At most max bytes. *what: NULL or (static) what is wrong. */
yh_status yh_http_body(const yh_http *h, const char *body, size_t n, size_t max, yh_buf *out,
                       const char **what, yh_err *err) YH_MUST_CHECK;

#endif
