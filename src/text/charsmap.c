#include <utf8proc.h>

#include "text/charsmap.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { CLUSTER = 6 }; /* clusters of fewer bytes are looked up as a whole */

struct yh_charsmap {
    uint32_t *unit;
    size_t units;
    char *text; /* closed by a zero byte */
    size_t text_len;
    bool starts[256]; /* whether a key begins with the byte */
};

static inline size_t unit_offset(uint32_t u)
{
    return (size_t)(u >> 10) << ((u & (1u << 9)) >> 6);
}

/* The unit behind `at` by byte c, or false. */
static inline bool follow(const yh_charsmap *m, size_t *at, uint8_t c, uint32_t *unit)
{
    size_t to = *at ^ c;
    if (to >= m->units || (m->unit[to] & (0x80000000u | 0xFF)) != c)
        return false;
    *unit = m->unit[to];
    *at = to ^ unit_offset(*unit);
    return true;
}

void yh_charsmap_free(yh_charsmap *m)
{
    if (m == NULL)
        return;
    yh_free(m->unit);
    yh_free(m->text);
    yh_free(m);
}

yh_status yh_charsmap_create(yh_charsmap **out, const char *blob, size_t n, const char *name,
                             yh_err *err)
{
    const uint8_t *p = (const uint8_t *)blob;
    *out = NULL;
    size_t size = n >= 4 ? p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24 : 0;
    if (size < 4 || size % 4 != 0 || size > n - 4)
        return yh_fail(err, YH_CORRUPT, "%s: the precompiled character map is damaged: %zu bytes",
                       name, n);
    if (yh_utf8_valid(p + 4 + size, n - 4 - size) != n - 4 - size)
        return yh_fail(err, YH_CORRUPT, "%s: the precompiled character map's texts are not UTF-8",
                       name);
    yh_charsmap *m = yh_calloc(1, sizeof *m);
    if (m == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the character map", name);
    m->units = size / 4;
    m->text_len = n - 4 - size;
    m->unit = yh_malloc(size);
    m->text = yh_strndup(blob + 4 + size, m->text_len);
    if (m->unit == NULL || m->text == NULL) {
        yh_charsmap_free(m);
        return yh_fail(err, YH_NOMEM, "%s: no memory for the character map", name);
    }
    for (size_t i = 0; i < m->units; i++) {
        const uint8_t *q = p + 4 + 4 * i;
        m->unit[i] = q[0] | (uint32_t)q[1] << 8 | (uint32_t)q[2] << 16 | (uint32_t)q[3] << 24;
    }
    for (int c = 1; c < 256; c++) {
        size_t at = unit_offset(m->unit[0]);
        uint32_t unit;
        m->starts[c] = follow(m, &at, (uint8_t)c, &unit);
    }
    *out = m;
    return YH_OK;
}

size_t yh_charsmap_find(const yh_charsmap *m, const uint8_t *p, size_t n, bool longest,
                        const char **text, size_t *text_len)
{
    size_t at = unit_offset(m->unit[0]), found = 0;
    uint32_t unit;
    for (size_t i = 0; i < n && p[i] != 0 && follow(m, &at, p[i], &unit); i++) {
        if ((unit >> 8 & 1) == 0 || at >= m->units)
            continue;
        size_t value = m->unit[at] & 0x7FFFFFFF;
        if (value > m->text_len)
            continue;
        found = i + 1;
        *text = m->text + value;
        if (!longest)
            break;
    }
    if (found > 0)
        *text_len = strlen(*text);
    return found;
}

bool yh_charsmap_begins(const yh_charsmap *m, const uint8_t *p, size_t n)
{
    size_t at = unit_offset(m->unit[0]);
    uint32_t unit;
    for (size_t i = 0; i < n; i++) {
        if (!follow(m, &at, p[i], &unit))
            return false;
        if (unit >> 8 & 1)
            return true;
    }
    return true;
}

bool yh_charsmap_has(const yh_charsmap *m, uint8_t byte)
{
    for (size_t i = 1; i < m->units; i++)
        if ((m->unit[i] & (0x80000000u | 0xFF)) == byte)
            return true;
    return false;
}

/* Characters newer than the library's tables are taken for what their category mostly is. Those of
 * the newest Unicode extend clusters for others, while their patterns do not know them yet. */
static int bound_class(uint32_t c)
{
    static const uint32_t marks[][2] = {{0x1ACF, 0x1ADD},   {0x1AE0, 0x1AEB},   {0x10EFA, 0x10EFB},
                                        {0x11B60, 0x11B67}, {0x1E6E3, 0x1E6E3}, {0x1E6E6, 0x1E6E6},
                                        {0x1E6EE, 0x1E6EF}, {0x1E6F5, 0x1E6F5}};
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
    if (p->category != UTF8PROC_CATEGORY_CN)
        return p->boundclass;
    for (size_t i = 0; c >= marks[0][0] && i < sizeof marks / sizeof *marks; i++)
        if (c >= marks[i][0] && c <= marks[i][1])
            return UTF8PROC_BOUNDCLASS_EXTEND;
    const char *k = yh_uc_category(c);
    if (k[0] != 'M')
        return p->boundclass;
    return k[1] == 'c' ? UTF8PROC_BOUNDCLASS_SPACINGMARK : UTF8PROC_BOUNDCLASS_EXTEND;
}

/* Whether clusters (UAX 29) break between a and b. ri: how many regional indicators end with a;
 * pictograph: whether a ends a picture, maybe with extenders. */
static bool breaks(int a, int b, size_t ri, bool pictograph)
{
    if (a == UTF8PROC_BOUNDCLASS_CR && b == UTF8PROC_BOUNDCLASS_LF)
        return false;
    if ((a >= UTF8PROC_BOUNDCLASS_CR && a <= UTF8PROC_BOUNDCLASS_CONTROL) ||
        (b >= UTF8PROC_BOUNDCLASS_CR && b <= UTF8PROC_BOUNDCLASS_CONTROL))
        return true;
    if (a == UTF8PROC_BOUNDCLASS_L && (b == UTF8PROC_BOUNDCLASS_L || b == UTF8PROC_BOUNDCLASS_V ||
                                       b == UTF8PROC_BOUNDCLASS_LV || b == UTF8PROC_BOUNDCLASS_LVT))
        return false;
    if ((a == UTF8PROC_BOUNDCLASS_LV || a == UTF8PROC_BOUNDCLASS_V) &&
        (b == UTF8PROC_BOUNDCLASS_V || b == UTF8PROC_BOUNDCLASS_T))
        return false;
    if ((a == UTF8PROC_BOUNDCLASS_LVT || a == UTF8PROC_BOUNDCLASS_T) && b == UTF8PROC_BOUNDCLASS_T)
        return false;
    if (b == UTF8PROC_BOUNDCLASS_EXTEND || b == UTF8PROC_BOUNDCLASS_ZWJ ||
        b == UTF8PROC_BOUNDCLASS_SPACINGMARK || a == UTF8PROC_BOUNDCLASS_PREPEND)
        return false;
    if (a == UTF8PROC_BOUNDCLASS_ZWJ && b == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC)
        return !pictograph;
    if (a == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR && b == a)
        return ri % 2 == 0;
    return true;
}

/* End of the cluster that begins at i. */
static size_t cluster(const uint8_t *p, size_t n, size_t i)
{
    int len;
    int a = bound_class(yh_utf8_next(p + i, &len));
    size_t ri = 0;
    bool pictograph = false;
    for (i += (size_t)len; i < n; i += (size_t)len) {
        if (a == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC)
            pictograph = true;
        else if (a != UTF8PROC_BOUNDCLASS_EXTEND && a != UTF8PROC_BOUNDCLASS_ZWJ)
            pictograph = false;
        ri = a == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR ? ri + 1 : 0;
        int b = bound_class(yh_utf8_next(p + i, &len));
        if (breaks(a, b, ri, pictograph))
            break;
        a = b;
    }
    return i;
}

static size_t count_chars(const uint8_t *p, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += (p[i] & 0xC0) != 0x80;
    return k;
}

/* Text for the next `old` characters: as many replace as can, the rest is added or vanishes. */
static yh_status put_text(yh_rewrite *e, const char *text, size_t len, size_t old, yh_err *err)
{
    int k;
    const uint8_t *t = (const uint8_t *)text;
    if (e->map == NULL)
        return yh_buf_add(e->out, text, len, err);
    size_t new = count_chars(t, len), at = 0;
    for (size_t i = 0; i < len; i += (size_t)k, at++)
        YH_TRY(yh_rewrite_put(e, yh_utf8_next(t + i, &k), at < old ? 0 : 1, err));
    if (new < old)
        yh_rewrite_drop(e, old - new);
    return YH_OK;
}

yh_status yh_charsmap_run(const yh_charsmap *m, const uint8_t *p, size_t n, yh_buf *out,
                          yh_pieces *map, bool *changed, yh_err *err)
{
    yh_rewrite e;
    size_t run = 0, i = 0, len, end;
    const char *text;
    *changed = false;
    yh_rewrite_init(&e, p, n, out, map);
    while (i < n) {
        if (p[i] < 0x80 && !m->starts[p[i]] && (i + 1 == n || p[i + 1] < 0x80) && p[i] != '\r') {
            i++;
            continue;
        }
        end = cluster(p, n, i);
        size_t step = end - i;
        if (step >= CLUSTER || yh_charsmap_find(m, p + i, step, false, &text, &len) == 0)
            step = 0; /* by characters */
        while (i < end) {
            size_t k = step > 0 ? step : (size_t)yh_utf8_len(p[i]);
            if (step > 0 || yh_charsmap_find(m, p + i, k, false, &text, &len) > 0) {
                *changed = true;
                YH_TRY(yh_rewrite_copy(&e, p + run, i - run, err));
                YH_TRY(put_text(&e, text, len, count_chars(p + i, k), err));
                run = i + k;
            }
            i += k;
        }
    }
    if (!*changed)
        return YH_OK;
    YH_TRY(yh_rewrite_copy(&e, p + run, n - run, err));
    return yh_rewrite_end(&e, err);
}
