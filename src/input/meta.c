#include "input/meta.h"

#include <stdio.h>

#include "input/utf8_scan.h"

yh_status yh_meta_quote(yh_buf *out, const char *text, size_t n, yh_err *err)
{
    YH_TRY(yh_buf_addc(out, '"', err));
    for (size_t i = 0; i < n;) {
        size_t k = yh_utf8_valid_prefix((const uint8_t *)text + i, n - i), run = 0;
        for (size_t j = i; j < i + k; j++) {
            uint8_t c = (uint8_t)text[j];
            if (c >= 0x20 && c != '"' && c != '\\') {
                run++;
                continue;
            }
            YH_TRY(yh_buf_add(out, text + j - run, run, err));
            run = 0;
            if (c >= 0x20)
                YH_TRY(yh_buf_addf(out, err, "\\%c", c));
            else
                YH_TRY(c == '\n'   ? yh_buf_adds(out, "\\n", err)
                       : c == '\t' ? yh_buf_adds(out, "\\t", err)
                                   : yh_buf_addf(out, err, "\\u%04x", c));
        }
        YH_TRY(yh_buf_add(out, text + i + k - run, run, err));
        i += k;
        if (i < n) {
            YH_TRY(yh_buf_adds(out, "\xef\xbf\xbd", err));
            i++;
        }
    }
    return yh_buf_addc(out, '"', err);
}

yh_status yh_meta_raw(yh_buf *out, const char *key, size_t n_key, const char *json, size_t n,
                      yh_err *err)
{
    if (out->len > 0)
        YH_TRY(yh_buf_addc(out, ',', err));
    YH_TRY(yh_meta_quote(out, key, n_key, err));
    YH_TRY(yh_buf_addc(out, ':', err));
    return yh_buf_add(out, json, n, err);
}

yh_status yh_meta_string(yh_buf *out, const char *key, const char *value, size_t n, yh_err *err)
{
    if (out->len > 0)
        YH_TRY(yh_buf_addc(out, ',', err));
    YH_TRY(yh_meta_quote(out, key, strlen(key), err));
    YH_TRY(yh_buf_addc(out, ':', err));
    return yh_meta_quote(out, value, n, err);
}

yh_status yh_meta_give(yh_buf *out, yh_draft *d, yh_err *err)
{
    if (out->len == 0)
        return YH_OK;
    d->meta = yh_strndup(out->data, out->len);
    if (d->meta == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a document's fields");
    yh_buf_clear(out);
    return YH_OK;
}

yh_status yh_meta_copy(char **out, const char *text, size_t n, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    *out = NULL;
    for (size_t i = 0; i < n && s == YH_OK;) {
        size_t k = yh_utf8_valid_prefix((const uint8_t *)text + i, n - i);
        for (size_t j = i; j < i + k && s == YH_OK; j++) {
            uint8_t c = (uint8_t)text[j];
            s = yh_buf_addc(&b, c < 0x20 || c == 0x7f ? ' ' : (char)c, err);
        }
        i += k;
        if (i < n && s == YH_OK) {
            s = yh_buf_adds(&b, "\xef\xbf\xbd", err);
            i++;
        }
    }
    while (b.len > 0 && b.data[b.len - 1] == ' ')
        b.data[--b.len] = '\0';
    if (s != YH_OK || b.len == 0)
        yh_buf_fini(&b);
    else
        *out = b.data;
    return s;
}
