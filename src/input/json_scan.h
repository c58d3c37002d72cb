/* JSON objects without building a tree: the members of one object as stretches of its bytes, fast.
 * What is odd (but perhaps good) is left to jansson. Thread safe. */
#ifndef YH_INPUT_JSON_SCAN_H
#define YH_INPUT_JSON_SCAN_H

#include "base/alloc.h"

enum { YH_JSON_MEMBERS = 64 };

typedef struct yh_json_member {
    const char *key, *value; /* key: between its quotes; value: with its quotes or brackets */
    size_t n_key, n_value;
    bool escaped; /* a string value with backslashes */
    bool odd;     /* with \/ or \u: a record would be written otherwise */
} yh_json_member;

/* True: p[0, n) is one well-formed object (RFC 8259, UTF-8) with at most YH_JSON_MEMBERS members,
 * no key twice and none with a backslash. False: something else; nothing is said about it. */
bool yh_json_members(const char *p, size_t n, yh_json_member *m, size_t *count);

/* Length of the well-formed object that begins at p; 0: there is none. Nesting is limited. *seen:
 * bytes that were looked at. */
size_t yh_json_object(const char *p, size_t n, size_t *seen);

/* Appends the string between quotes p[0, n) (without them, well-formed) with escapes undone. */
yh_status yh_json_unescape(const char *p, size_t n, yh_buf *out, yh_err *err) YH_MUST_CHECK;

/* Escapes \uD800 to \uDFFF in p[0, n) that are no pair, which stand for no character: written
 * over with \ufffd in a copy (appended to *out, and *count set); none: nothing is appended. */
yh_status yh_json_mend_surrogates(const char *p, size_t n, yh_buf *out, uint64_t *count,
                                  yh_err *err) YH_MUST_CHECK;

/* Bytes from p that are none of '"', '\\' and control characters. */
size_t yh_json_plain(const char *p, size_t n);

#endif
