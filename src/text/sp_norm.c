#include "text/sp.h"
#include "text/utf8.h"

#define SPACE "\xE2\x96\x81"

void yh_sp_free(yh_sp *m)
{
    if (m == NULL)
        return;
    yh_charsmap_free(m->map);
    yh_dtrie_fini(&m->user);
    yh_free(m);
}

/* What the text at t begins with: *text is what it becomes. Returns its length. */
static size_t next_part(const yh_sp *m, const uint8_t *t, size_t n, const char **text, size_t *len)
{
    size_t used = 0;
    uint32_t at = 0, cp;
    for (size_t i = 0; m->user.n > 0 && i < n && yh_dtrie_step(&m->user, &at, t[i]); i++)
        if (m->user.node[at].value != YH_DTRIE_NONE)
            used = i + 1;
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

static yh_status add_space(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t src, yh_err *err)
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
        YH_TRY(add_space(m, out, map, src, err));
        text = s + 1;
        len -= k + 1;
    }
    return YH_OK;
}

/* Takes the spaces at the end away again. */
static void drop_spaces(const yh_sp *m, yh_buf *out, yh_pieces *map, size_t *tail)
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

/* How many bytes at t[i..n) stay as they are: plain characters that no rule begins with. */
static size_t plain_run(const bool *plain, const uint8_t *t, size_t n, size_t i)
{
    size_t b = i;
    while (i < n && plain[t[i]])
        i++;
    return i - b;
}

static void find_plain(const yh_sp *m, bool plain[256], bool *space)
{
    for (int c = 0; c < 256; c++) {
        uint32_t at = 0;
        plain[c] = c < 0x80 && (m->map == NULL || !yh_charsmap_starts(m->map, (uint8_t)c)) &&
                   (m->user.n == 0 || !yh_dtrie_step(&m->user, &at, (uint8_t)c));
    }
    *space = plain[' '];
    plain[' '] = false;
}

/* Copies plain characters and spaces from *at on, as long as there are such. prev: see below. */
static yh_status copy_plain(const yh_sp *m, const bool *plain, const uint8_t *t, size_t n,
                            size_t *at, bool *prev, yh_buf *out, yh_err *err)
{
    enum { STEP = 4096 };
    size_t i = *at, end;
    bool space = *prev, more = true;
    while (more && i < n) {
        end = n - i < STEP ? n : i + STEP;
        YH_TRY(yh_buf_reserve(out, 3 * (end - i), err));
        char *to = out->data + out->len;
        for (; i < end; i++) {
            if (plain[t[i]]) {
                *to++ = (char)t[i];
                space = false;
            } else if (t[i] != ' ') {
                more = false;
                break;
            } else if (!space) {
                memcpy(to, m->escape ? SPACE : " \0\0", 3);
                to += m->escape ? 3 : 1;
                space = m->remove_spaces;
            }
        }
        *to = '\0';
        out->len = (size_t)(to - out->data);
    }
    *at = i;
    *prev = space;
    return YH_OK;
}

yh_status yh_sp_normalize(const yh_sp *m, const uint8_t *t, size_t n, yh_buf *out, yh_pieces *map,
                          size_t *tail, yh_err *err)
{
    const char *text;
    size_t at = 0, len, used;
    bool plain[256], plain_space, prev_space = m->remove_spaces;
    *tail = 0;
    while (m->remove_spaces && at < n) {
        used = next_part(m, t + at, n - at, &text, &len);
        if (len != 1 || text[0] != ' ')
            break;
        at += used;
    }
    if (at == n)
        return YH_OK;
    find_plain(m, plain, &plain_space);
    if (!m->suffix && m->dummy_prefix)
        YH_TRY(add_space(m, out, map, at, err));
    while (at < n) {
        if (plain_space && map == NULL && (plain[t[at]] || t[at] == ' ')) {
            YH_TRY(copy_plain(m, plain, t, n, &at, &prev_space, out, err));
            continue;
        }
        size_t run = plain_run(plain, t, n, at);
        if (run > 0) {
            YH_TRY(add(out, map, (const char *)t + at, run, at, true, err));
            at += run;
            prev_space = false;
            continue;
        }
        used = next_part(m, t + at, n - at, &text, &len);
        bool copied = text == (const char *)t + at;
        for (; prev_space && len > 0 && text[0] == ' '; len--)
            text++;
        if (len > 0) {
            YH_TRY(add_part(m, out, map, text, len, at, copied && len == used, err));
            prev_space = text[len - 1] == ' ';
        }
        at += used;
        prev_space = prev_space && m->remove_spaces;
    }
    *tail = at;
    if (m->remove_spaces)
        drop_spaces(m, out, map, tail);
    return m->suffix && m->dummy_prefix ? add_space(m, out, map, *tail, err) : YH_OK;
}
