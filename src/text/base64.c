#include "text/base64.h"

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

yh_status yh_base64_decode(const char *text, size_t n, yh_buf *out, yh_err *err)
{
    uint32_t bits = 0;
    int have = 0;
    for (int pad = 0; pad < 2 && n > 0 && text[n - 1] == '='; pad++)
        n--;
    if (n % 4 == 1)
        return yh_fail(err, YH_CORRUPT, "base64 of %zu characters", n);
    YH_TRY(yh_buf_reserve(out, n / 4 * 3 + 3, err));
    for (size_t i = 0; i < n; i++) {
        int d = digit(text[i]);
        if (d < 0)
            return yh_fail(err, YH_CORRUPT, "character %zu is no base64", i);
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out->data[out->len++] = (char)(bits >> have & 0xFF);
        }
    }
    return yh_buf_add(out, "", 0, err);
}
