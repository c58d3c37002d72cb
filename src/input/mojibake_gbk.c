#include <stdio.h>

#include "input/mojibake_impl.h"
#include "input/utf8_scan.h"

enum { RUN = 512, SHIFTED = 48 };

static size_t at(const char *t, size_t n, size_t i, uint32_t *c)
{
    *c = 0;
    size_t k = i < n ? yh_utf8_at((const uint8_t *)t + i, n - i, c) : 0;
    return k > 0 ? k : 1;
}

static bool is_han(uint32_t c)
{
    return c >= 0x4e00 && c < 0xa000;
}

static yh_status put(yh_buf *out, uint32_t c, yh_err *err)
{
    char b[4];
    return yh_buf_add(out, b, yh_utf8_put(c, b), err);
}

/* ------------------------------------------------------------------ UTF-8 read as GBK */

/* A run of characters that GBK writes with two bytes; its bytes. */
typedef struct run {
    uint8_t byte[2 * RUN];
    size_t n, chars, common, han;
    size_t end; /* of the text */
} run;

static void read_run(const yh_mojibake *m, const char *t, size_t n, size_t i, run *r)
{
    r->n = r->chars = r->common = r->han = 0;
    r->end = i;
    while (r->end < n && r->chars < RUN) {
        uint32_t c;
        size_t k = at(t, n, r->end, &c);
        uint32_t code = c < 0x80 ? 0 : yh_gbk_of(m, c);
        if (code == 0)
            break;
        r->byte[r->n++] = (uint8_t)(code >> 8);
        r->byte[r->n++] = (uint8_t)code;
        r->chars++;
        r->han += is_han(c);
        r->common += c < 0x10000 && (m->common[c] & 1) != 0;
        r->end += k;
    }
}

/* Whether the bytes are UTF-8 of ordinary Chinese; writes it. The last character may be cut off
 * when a byte was lost there. */
static bool as_utf8(const yh_mojibake *m, const run *r, bool cut_off, char *out, size_t *len,
                    bool *lost)
{
    size_t chars = 0, good = 0, marks = 0, i = 0;
    *len = 0;
    *lost = false;
    while (i < r->n) {
        uint32_t c = 0;
        size_t k = yh_utf8_at(r->byte + i, r->n - i, &c);
        if (k == 0 && cut_off && r->n - i < 4 && r->byte[i] >= 0xe2 && chars > 0) {
            *lost = true;
            break;
        }
        if (k == 0)
            return false;
        bool mark = (c >= 0x2010 && c < 0x2040) || (c >= 0x3001 && c < 0x3012) ||
                    (c >= 0xff01 && c < 0xff5f);
        chars++;
        marks += mark;
        good += mark || c < 0x80 || (c < 0x10000 && (m->common[c] & 1) != 0);
        memcpy(out + *len, r->byte + i, k);
        *len += k;
        i += k;
    }
    bool wrong = r->common * 2 <= r->chars; /* what stands there is not ordinary */
    return chars > 0 && wrong && good * 10 >= chars * 9 && (chars >= 2 || marks > 0);
}

static yh_status undo_utf8(const yh_mojibake *m, const char *t, size_t n, size_t *i, yh_buf *out,
                           yh_mojibake_info *info, bool *done, yh_err *err)
{
    run r;
    char text[2 * RUN + 4];
    size_t len;
    bool lost;
    uint32_t next;
    *done = false;
    read_run(m, t, n, *i, &r);
    (void)at(t, n, r.end, &next);
    if (r.chars >= 2 && as_utf8(m, &r, next == '?' || next == 0xfffd, text, &len, &lost)) {
        YH_TRY(yh_buf_add(out, text, len, err));
        if (lost)
            YH_TRY(yh_buf_add(out, "\xef\xbf\xbd", 3, err));
        *i = r.end + (lost ? (next == '?' ? 1 : 3) : 0);
        info->repaired++;
        info->lost += lost;
        *done = true;
        return YH_OK;
    }
    YH_TRY(yh_buf_add(out, t + *i, r.end - *i, err));
    *i = r.end;
    return YH_OK;
}

/* ------------------------------------------------------------------ GBK read as Latin-1 */

/* A run of characters that are the bytes A1..FE: its end; the bytes, and how many pairs of them are
 * ordinary characters. */
static size_t latin_run(const yh_mojibake *m, const char *t, size_t n, size_t i, uint8_t byte[RUN],
                        size_t *k, size_t *common)
{
    *k = *common = 0;
    while (i < n && *k < RUN) {
        uint32_t c;
        size_t l = at(t, n, i, &c);
        uint8_t b = c >= 0x80 && c < 0x2700 ? m->set[0].from[c] : 0;
        if (b < 0xa1)
            break;
        byte[(*k)++] = b;
        i += l;
    }
    for (size_t j = 0; j + 1 < *k; j += 2)
        *common += (m->common[yh_gbk_to(m, (uint32_t)byte[j] << 8 | byte[j + 1])] & 1) != 0;
    return i;
}

static bool latin_line(const yh_mojibake *m, const char *t, size_t n)
{
    uint8_t byte[RUN];
    for (size_t i = 0; i < n;) {
        size_t k, common, end = latin_run(m, t, n, i, byte, &k, &common);
        if (k >= 6 && k % 2 == 0 && common * 20 >= k * 9 && yh_utf8_valid_prefix(byte, k) < k)
            return true;
        uint32_t c;
        i = end > i ? end : i + at(t, n, i, &c);
    }
    return false;
}

yh_status yh_mojibake_latin(const yh_mojibake *m, const char *t, size_t n, yh_buf *out,
                            yh_mojibake_info *info, yh_err *err)
{
    uint8_t byte[RUN];
    if (!latin_line(m, t, n))
        return YH_OK;
    if (info->repaired == 0)
        snprintf(info->from, sizeof info->from, "GBK as Latin-1");
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t k, common, end = latin_run(m, t, n, i, byte, &k, &common);
        bool good = k > 0 && k % 2 == 0 && common * 4 >= k;
        if (end == i)
            end = i + at(t, n, i, &c);
        for (size_t j = 0; good && j < k; j += 2)
            YH_TRY(put(out, yh_gbk_to(m, (uint32_t)byte[j] << 8 | byte[j + 1]), err));
        if (!good)
            YH_TRY(yh_buf_add(out, t + i, end - i, err));
        info->repaired += good;
        i = end;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ shifted by one byte */

/* A closing tag that lost its <, behind the question mark that took it; its length with that. */
static size_t torn_tag(const char *t, size_t n)
{
    static const char *const tags[] = {"?/p>",  "?/strong>", "?/span>", "?/div>",
                                       "?/em>", "?/b>",      "?/li>"};
    for (size_t j = 0; j < sizeof tags / sizeof *tags; j++)
        if (n >= strlen(tags[j]) && memcmp(t, tags[j], strlen(tags[j])) == 0)
            return strlen(tags[j]);
    return 0;
}

size_t yh_gbk_realign(const yh_mojibake *m, uint8_t lost, const char *t, size_t n, yh_buf *out,
                      uint8_t *half)
{
    uint32_t text[SHIFTED];
    size_t k = 0, i = 0, odd = 0, strange = 0, han = 0;
    unsigned pending = lost;
    for (size_t chars = 0; i < n && chars < SHIFTED / 2 && pending != 0; chars++) {
        uint32_t c;
        size_t l = at(t, n, i, &c), tag = torn_tag(t + i, n - i);
        uint32_t code = yh_gbk_of(m, c);
        if (tag > 0 && k > 0 && (pending == 0xa1 || pending == 0xa3)) { /* 。”< or ？< */
            text[k++] = pending == 0xa1 ? 0x3002 : 0xff1f;
            if (pending == 0xa1)
                text[k++] = 0x201d;
            pending = 0;
            i += tag;
            break;
        }
        if (half != NULL && c == '?' && k > 0) {
            *half = (uint8_t)pending;
            pending = 0;
            break;
        }
        if (code == 0)
            return 0;
        /* full-width marks are often ASCII by now */
        if (pending != 0 && c < 0x80 && c != 0 &&
            (strchr("!,:;()", (int)c) != NULL || (c == '?' && i == 0)))
            code = 0xa380 + c;
        strange += c >= 0x80 && !yh_gbk_common(m, c);
        uint8_t two[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        for (int b = code < 0x100; b < 2; b++) {
            if (pending == 0 && two[b] < 0x80) {
                text[k++] = two[b];
                continue;
            }
            if (pending == 0) {
                pending = two[b];
                continue;
            }
            uint32_t r = yh_gbk_to(m, pending << 8 | two[b]);
            if (r == 0)
                return 0;
            pending = 0;
            text[k++] = r;
            han += is_han(r);
            odd += !yh_gbk_common(m, r);
        }
        i += l;
    }
    /* ordinary all through, and what stood there was not (or is short: then the caller knows) */
    if (pending != 0 || odd * 10 > k || han == 0 || (k > 4 && strange == 0 && odd > 0))
        return 0;
    for (size_t j = 0; j < k; j++)
        if (put(out, text[j], NULL) != YH_OK)
            return 0;
    return i;
}

/* A question mark for the first byte of a full stop, and what comes then shifted: 。 is A1 A3. */
static yh_status undo_shift(const yh_mojibake *m, const char *t, size_t n, size_t *i, yh_buf *out,
                            yh_mojibake_info *info, bool *done, yh_err *err)
{
    uint32_t c;
    size_t k = at(t, n, *i + 1, &c);
    *done = false;
    bool mark = c < 0x80 ? c != 0 && strchr("!,:;?", (int)c) != NULL : yh_gbk_of(m, c) >> 8 == 0xa3;
    if (!mark || *i < 3 || ((uint8_t)t[*i - 1] < 0x80 && t[*i - 1] != ')'))
        return YH_OK;
    /* 。”</p>: of the quote's second byte and the < a question mark is left */
    size_t rest = *i + 1 + k, tag = rest < n ? torn_tag(t + rest, n - rest) : 0;
    if ((c == 0xff01 || c == '!') && tag > 0) {
        *i = rest + tag;
        info->repaired++;
        *done = true;
        return yh_buf_adds(out, "\xe3\x80\x82\xe2\x80\x9d", err);
    }
    size_t used = yh_gbk_realign(m, 0xa1, t + *i + 1, n - *i - 1, out, NULL);
    if (used > 0) {
        *i += 1 + used;
        info->repaired++;
        *done = true;
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ lines */

/* Cheap: whether a line has anything that the above is about. */
static bool worth(const yh_mojibake *m, const char *t, size_t n)
{
    size_t han = 0, common = 0;
    bool question = false;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        if ((uint8_t)t[i] < 0x80) {
            question =
                question || (t[i] == '?' && i + 1 < n &&
                             ((uint8_t)t[i + 1] == 0xef || strchr("!,:;?", t[i + 1]) != NULL));
            i++;
            continue;
        }
        i += at(t, n, i, &c);
        if (c < 0x3000)
            continue;
        han++;
        common += c < 0x10000 && (m->common[c] & 1) != 0;
    }
    return question || (han > 0 && common * 10 < han * 9);
}

static yh_status repair(const yh_mojibake *m, const char *t, size_t n, yh_buf *out,
                        yh_mojibake_info *info, yh_err *err)
{
    static const char lost[] = "\xe9\x94\x9f\xe6\x96\xa4\xe6\x8b\xb7"; /* 锟斤拷: two U+FFFD */
    for (size_t i = 0; i < n;) {
        uint32_t c;
        bool done = false;
        size_t k = at(t, n, i, &c);
        if (c == 0x951f && n - i >= 9 && memcmp(t + i, lost, 9) == 0) {
            YH_TRY(yh_buf_adds(out, "\xef\xbf\xbd\xef\xbf\xbd", err));
            i += 9;
            info->repaired++;
            info->lost += 2;
            continue;
        }
        if (c == '?') {
            YH_TRY(undo_shift(m, t, n, &i, out, info, &done, err));
        } else if (c >= 0x2000 && yh_gbk_of(m, c) != 0) {
            YH_TRY(undo_utf8(m, t, n, &i, out, info, &done, err));
            continue;
        }
        if (!done) {
            YH_TRY(yh_buf_add(out, t + i, k, err));
            i += k;
        }
    }
    return YH_OK;
}

yh_status yh_mojibake_gbk(const yh_mojibake *m, yh_buf *out, size_t start, yh_mojibake_info *info,
                          yh_err *err)
{
    if (!worth(m, out->data + start, out->len - start))
        return YH_OK;
    yh_buf b;
    yh_buf_init(&b, 0);
    uint64_t before = info->repaired;
    yh_status s = repair(m, out->data + start, out->len - start, &b, info, err);
    if (s == YH_OK && info->repaired > before) {
        out->len = start;
        s = yh_buf_add(out, b.data, b.len, err);
        if (before == 0)
            snprintf(info->from, sizeof info->from, "Chinese in GBK");
    }
    yh_buf_fini(&b);
    return s;
}
