#include <stdio.h>
#include <zstd.h>

#include "data/record.h"

yh_status yh_record_string(yh_buf *out, const char *text, size_t n, yh_err *err)
{
    YH_TRY(yh_buf_reserve(out, n + 2, err));
    YH_TRY(yh_buf_addc(out, '"', err));
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        YH_TRY(yh_buf_add(out, text + from, i - from, err));
        from = i + 1;
        char e[8] = {'\\', (char)c, 0};
        if (c == '\n')
            e[1] = 'n';
        else if (c == '\t')
            e[1] = 't';
        else if (c < 0x20)
            snprintf(e, sizeof e, "\\u%04x", c);
        YH_TRY(yh_buf_adds(out, e, err));
    }
    YH_TRY(yh_buf_add(out, text + from, n - from, err));
    return yh_buf_addc(out, '"', err);
}

yh_status yh_record_compress(yh_buf *out, const void *p, size_t n, yh_err *err)
{
    size_t bound = ZSTD_compressBound(n);
    YH_TRY(yh_buf_reserve(out, bound, err));
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to compress");
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 3);
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t k = ZSTD_compress2(c, out->data + out->len, bound, p, n);
    ZSTD_freeCCtx(c);
    if (ZSTD_isError(k))
        return yh_fail(err, YH_NOMEM, "cannot compress %zu bytes: %s", n, ZSTD_getErrorName(k));
    out->len += k;
    return YH_OK;
}
