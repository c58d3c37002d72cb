#include "text/sp.h"
#include "text/utf8.h"

#define SPACE "\xE2\x96\x81"

void yh_sp_free(yh_sp *m)
{
    if (m == NULL)
        return;
    yh_charsmap_free(m->map);
    yh_datrie_fini(&m->user);
    yh_free(m);
}

void yh_sp_finish(yh_sp *m)
{
    m->spaces = m->map == NULL || !yh_charsmap_has(m->map, ' ');
    for (uint32_t i = 0; i < m->user.slots; i++)
        m->spaces = m->spaces && (m->user.node[i].link & 0x1FF) != (0x100 | ' ');
    for (uint32_t cp = 0; cp < 0x10000; cp++) {
        uint8_t text[4];
        size_t n = (size_t)yh_utf8_encode(cp, text);
        uint32_t at = 0;
        bool quiet = (cp < 0xD800 || cp > 0xDFFF) && cp != ' ' &&
                     (m->map == NULL || !yh_charsmap_begins(m->map, text, n));
        for (size_t i = 0; i < n && m->user.slots > 0 && quiet; i++)
            if ((at = yh_datrie_child(&m->user, at, text[i])) == 0)
                break;
            else
                quiet = i + 1 < n && m->user.node[at].value == YH_DATRIE_NONE;
        m->quiet[cp / 64] |= (uint64_t)quiet << (cp % 64);
        if (cp < 128)
            m->plain[cp] = quiet;
    }
}

/* What the text at t begins with: *text is what it becomes. Returns its length. */
static size_t next_part(const yh_sp *m, const uint8_t *t, size_t n, const char **text, size_t *len)
{
    size_t used = 0;
    uint32_t cp;
    if (m->user.slots > 0)
        used = yh_datrie_longest(&m->user, 0, t, n, &cp);
    *text = (const char *)t;
    *len = used;
    if (used > 0)
        return used;
    if (m->map != NULL && (used = yh_charsmap_find(m->map, t, n, true, text, len)) > 0)
        return used;
    int k = t[0] < 0x80 ? 1 : yh_utf8_decode(t, n, &cp);
    if (k > 0) {
        *text = (const char *)t;
        *len = (size_t)k;
        return (size_t)k;
    }
    *text = "\xEF\xBF\xBD"; /* one for every bad byte */
    *len = 3;
    return 1;
}

static yh_status add(yh_buf *out, yh_pieces *map, const char *p, size_t n, size_t src, bool same,
                     yh_err *err)
{
    if (map != NULL)
        YH_TRY(yh_pieces_add(map, (yh_piece){out->len, n, src, same ? n : 1, same}, err));
    return yh_buf_add(out, p, n, err);
}

yh_status yh_sp_space(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t src, yh_err *err)
{
    return add(out, map, m->escape ? SPACE : " ", m->escape ? 3 : 1, src, false, err);
}

/* Writes text, which stands for the source from byte src on; copied: it is the source's own. */
static yh_status add_part(const yh_sp *m, yh_buf *out, yh_pieces *map, const char *text, size_t len,
                          size_t src, bool copied, yh_err *err)
{
    while (len > 0) {
        const char *s = m->escape ? memchr(text, ' ', len) : NULL;
        size_t k = s != NULL ? (size_t)(s - text) : len;
        if (k > 0)
            YH_TRY(add(out, map, text, k, src, copied, err));
        if (s == NULL)
            break;
        YH_TRY(yh_sp_space(m, out, map, src, err));
        text = s + 1;
        len -= k + 1;
    }
    return YH_OK;
}

void yh_sp_drop(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t *tail)
{
    const char *space = m->escape ? SPACE : " ";
    size_t k = strlen(space), hint = 0;
    while (out->len >= k && memcmp(out->data + out->len - k, space, k) == 0) {
        out->len -= k;
        if (map == NULL)
            continue;
        const yh_piece *p = yh_pieces_find(map, &hint, out->len);
        *tail = p->src + (p->same ? out->len - p->out : 0);
    }
}

/* The length of the character at t[0..n) when it stays as it is, 0: look closer. */
static inline size_t quiet_at(const yh_sp *m, const uint8_t *t, size_t n)
{
    uint32_t cp;
    if (t[0] < 0x80)
        return m->plain[t[0]];
    if (t[0] < 0xE0) {
        if (t[0] < 0xC2 || n < 2 || (t[1] & 0xC0) != 0x80)
            return 0;
        cp = (t[0] & 0x1Fu) << 6 | (t[1] & 0x3Fu);
        return m->quiet[cp / 64] >> (cp % 64) & 1 ? 2 : 0;
    }
    if (t[0] >= 0xF0 || n < 3 || (t[1] & 0xC0) != 0x80 || (t[2] & 0xC0) != 0x80)
        return 0;
    cp = (t[0] & 0xFu) << 12 | (t[1] & 0x3Fu) << 6 | (t[2] & 0x3Fu);
    return cp >= 0x800 && (m->quiet[cp / 64] >> (cp % 64) & 1) ? 3 : 0;
}

/* Copies characters that stay as they are, and spaces, from *at on, as long as there are such. */
static yh_status copy_quiet(const yh_sp *m, const uint8_t *t, size_t n, size_t *at, bool *prev,
                            yh_buf *out, yh_err *err)
{
    enum { STEP = 4096 };
    size_t i = *at, end, len;
    bool space = *prev, more = true;
    while (more && i < n) {
        end = n - i < STEP ? n : i + STEP;
        YH_TRY(yh_buf_reserve(out, 3 * (end - i) + 4, err));
        char *to = out->data + out->len;
        while (i < end) {
            if (t[i] == ' ') {
                if (!space) {
                    memcpy(to, m->escape ? SPACE : " \0\0", 3);
                    to += m->escape ? 3 : 1;
                    space = m->remove_spaces;
                }
                i++;
                continue;
            }
            len = quiet_at(m, t + i, n - i);
            if (len == 0) {
                more = false;
                break;
            }
            to[0] = (char)t[i];
            if (len > 1)
                to[1] = (char)t[i + 1];
            if (len > 2)
                to[2] = (char)t[i + 2];
            to += len;
            i += len;
            space = false;
        }
        *to = '\0';
        out->len = (size_t)(to - out->data);
    }
    *at = i;
    *prev = space;
    return YH_OK;
}

size_t yh_sp_skip(const yh_sp *m, const uint8_t *t, size_t n)
{
    const char *text;
    size_t at = 0, len, used;
    while (m->remove_spaces && at < n) {
        used = next_part(m, t + at, n - at, &text, &len);
        if (len != 1 || text[0] != ' ')
            break;
        at += used;
    }
    return at;
}

yh_status yh_sp_part(const yh_sp *m, const uint8_t *t, size_t n, size_t at, bool *space,
                     yh_buf *out, yh_pieces *map, yh_err *err)
{
    const char *text;
    size_t len, used, run;
    bool prev = *space;
    while (at < n) {
        if (m->spaces && map == NULL) {
            YH_TRY(copy_quiet(m, t, n, &at, &prev, out, err));
            if (at == n)
                break;
        }
        for (run = 0; at + run < n && (len = quiet_at(m, t + at + run, n - at - run)) > 0;)
            run += len;
        if (run > 0) {
            YH_TRY(add(out, map, (const char *)t + at, run, at, true, err));
            at += run;
            prev = false;
            continue;
        }
        used = next_part(m, t + at, n - at, &text, &len);
        bool copied = text == (const char *)t + at;
        for (; prev && len > 0 && text[0] == ' '; len--)
            text++;
        if (len > 0) {
            YH_TRY(add_part(m, out, map, text, len, at, copied && len == used, err));
            prev = text[len - 1] == ' ';
        }
        at += used;
        prev = prev && m->remove_spaces;
    }
    *space = prev;
    return YH_OK;
}

yh_status yh_sp_normalize(const yh_sp *m, const uint8_t *t, size_t n, yh_buf *out, yh_pieces *map,
                          size_t *tail, yh_err *err)
{
    bool space = m->remove_spaces;
    size_t at = yh_sp_skip(m, t, n);
    *tail = at == n ? 0 : n;
    if (at == n)
        return YH_OK;
    if (!m->suffix && m->dummy_prefix)
        YH_TRY(yh_sp_space(m, out, map, at, err));
    YH_TRY(yh_sp_part(m, t, n, at, &space, out, map, err));
    if (m->remove_spaces)
        yh_sp_drop(m, out, map, tail);
    return m->suffix && m->dummy_prefix ? yh_sp_space(m, out, map, *tail, err) : YH_OK;
}
