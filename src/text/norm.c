/* The normalizers' steps. */
#include "text/charsmap.h"
#include "text/norm.h"
#include "text/unicode.h"
#include "text/utf8.h"

void yh_norm_fini(yh_norm *m)
{
    for (size_t i = 0; i < m->n; i++) {
        yh_norm_step *s = &m->step[i];
        yh_free(s->text);
        yh_free(s->literal);
        yh_pattern_free(s->pattern);
        yh_charsmap_free(s->map);
    }
    m->n = 0;
}

/* ---- one character to at most one ---- */

enum { DROP = -1 };

/* Cc, Cf, Co: what BERT calls control characters. */
static bool is_other(uint32_t c)
{
    return (yh_uc_old(c) & YH_UC_OLD_OTHER) != 0;
}

static int32_t bert_clean(uint32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        return ' ';
    if (c == 0 || c == 0xFFFD || is_other(c))
        return DROP;
    return (yh_uc_class(c) & YH_UC_S) ? ' ' : (int32_t)c;
}

static int32_t nmt(uint32_t c)
{
    if ((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
        c == 0x9F)
        return DROP;
    if (c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
        c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
        return ' ';
    return (int32_t)c;
}

static int32_t strip_marks(uint32_t c)
{
    return (yh_uc_old(c) & YH_UC_OLD_M) ? DROP : (int32_t)c;
}

static int32_t strip_accents(uint32_t c)
{
    return (yh_uc_old(c) & YH_UC_NONSPACING) ? DROP : (int32_t)c;
}

/* Writes what `one` makes of each character; runs that stay are copied at once. Characters dropped
 * before the first that stays are no part of what follows. */
static yh_status by_one(int32_t (*one)(uint32_t), const uint8_t *p, size_t n, yh_buf *out,
                        yh_pieces *map, bool *changed, yh_err *err)
{
    yh_rewrite e;
    size_t run = 0;
    bool any = false;
    int len;
    *changed = false;
    yh_rewrite_init(&e, p, n, out, map);
    for (size_t i = 0; i < n; i += (size_t)len) {
        uint32_t c = yh_utf8_next(p + i, &len);
        int32_t to = one(c);
        if (to == (int32_t)c)
            continue;
        *changed = true;
        YH_TRY(yh_rewrite_copy(&e, p + run, i - run, err));
        any = any || i > run;
        run = i + (size_t)len;
        if (to >= 0) {
            YH_TRY(yh_rewrite_put(&e, (uint32_t)to, 0, err));
            any = true;
        } else if (any) {
            yh_rewrite_drop(&e, 1);
        } else {
            yh_rewrite_skip(&e, (size_t)len);
        }
    }
    if (!*changed)
        return YH_OK;
    YH_TRY(yh_rewrite_copy(&e, p + run, n - run, err));
    return yh_rewrite_end(&e, err);
}

/* ---- the others ---- */

static bool is_chinese(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
           (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static yh_status bert_chinese(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *map,
                              bool *changed, yh_err *err)
{
    yh_rewrite e;
    size_t run = 0;
    int len;
    *changed = false;
    yh_rewrite_init(&e, p, n, out, map);
    for (size_t i = 0; i < n; i += (size_t)len) {
        if (p[i] < 0xE3) { /* U+3000 at least */
            len = yh_utf8_len(p[i]);
            continue;
        }
        uint32_t c = yh_utf8_next(p + i, &len);
        if (!is_chinese(c))
            continue;
        *changed = true;
        YH_TRY(yh_rewrite_copy(&e, p + run, i - run, err));
        YH_TRY(yh_rewrite_put(&e, ' ', 0, err));
        YH_TRY(yh_rewrite_put(&e, c, 1, err));
        YH_TRY(yh_rewrite_put(&e, ' ', 1, err));
        run = i + (size_t)len;
    }
    if (!*changed)
        return YH_OK;
    YH_TRY(yh_rewrite_copy(&e, p + run, n - run, err));
    return yh_rewrite_end(&e, err);
}

static yh_status lowercase(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *map, bool *changed,
                           yh_err *err)
{
    yh_rewrite e;
    size_t run = 0;
    int len;
    *changed = false;
    yh_rewrite_init(&e, p, n, out, map);
    for (size_t i = 0; i < n; i += (size_t)len) {
        uint32_t c = yh_utf8_next(p + i, &len);
        uint32_t to = c < 0x80 ? (c >= 'A' && c <= 'Z' ? c + 32 : c) : yh_uc_lower(c);
        if (to == c)
            continue;
        *changed = true;
        YH_TRY(yh_rewrite_copy(&e, p + run, i - run, err));
        YH_TRY(yh_rewrite_put(&e, to, 0, err));
        if (c == 0x130) /* the one character whose lower case is two */
            YH_TRY(yh_rewrite_put(&e, 0x307, 1, err));
        run = i + (size_t)len;
    }
    if (!*changed)
        return YH_OK;
    YH_TRY(yh_rewrite_copy(&e, p + run, n - run, err));
    return yh_rewrite_end(&e, err);
}

static yh_status strip(const yh_norm_step *m, const uint8_t *p, size_t n, yh_buf *out,
                       yh_pieces *map, bool *changed, yh_err *err)
{
    yh_rewrite e;
    size_t b = 0, end = n;
    int len;
    if (m->flags & YH_STRIP_LEFT)
        while (b < n && (yh_uc_class(yh_utf8_next(p + b, &len)) & YH_UC_S))
            b += (size_t)len;
    while (end > b && (m->flags & YH_STRIP_RIGHT)) {
        size_t c = end - 1;
        while (c > b && (p[c] & 0xC0) == 0x80)
            c--;
        if ((yh_uc_class(yh_utf8_next(p + c, &len)) & YH_UC_S) == 0)
            break;
        end = c;
    }
    *changed = b > 0 || end < n;
    if (!*changed)
        return YH_OK;
    yh_rewrite_init(&e, p, n, out, map);
    yh_rewrite_skip(&e, b);
    YH_TRY(yh_rewrite_copy(&e, p + b, end - b, err));
    return yh_rewrite_end(&e, err);
}

/* Writes text that stands for the last character consumed. */
static yh_status insert(yh_rewrite *e, const char *text, size_t n, int first, yh_err *err)
{
    int len;
    if (e->map == NULL)
        return yh_buf_add(e->out, text, n, err);
    for (size_t i = 0; i < n; i += (size_t)len)
        YH_TRY(yh_rewrite_put(e, yh_utf8_next((const uint8_t *)text + i, &len), i == 0 ? first : 1,
                              err));
    return YH_OK;
}

static yh_status prepend(const yh_norm_step *m, const uint8_t *p, size_t n, yh_buf *out,
                         yh_pieces *map, bool *changed, yh_err *err)
{
    yh_rewrite e;
    int len;
    *changed = m->text_len > 0;
    if (!*changed)
        return YH_OK;
    yh_rewrite_init(&e, p, n, out, map);
    /* all of it, and the first character, stand for the first character */
    YH_TRY(insert(&e, m->text, m->text_len, 0, err));
    YH_TRY(yh_rewrite_put(&e, yh_utf8_next(p, &len), 1, err));
    YH_TRY(yh_rewrite_end(&e, err));
    if (map == NULL)
        return yh_buf_add(out, p + len, n - (size_t)len, err);
    YH_TRY(yh_rewrite_copy(&e, p + len, n - (size_t)len, err));
    return yh_rewrite_end(&e, err);
}

/* The next match at or behind at; *b == n: none. */
static yh_status next_match(const yh_norm_step *m, yh_scan_state *scan, const uint8_t *p, size_t n,
                            size_t at, size_t *b, size_t *e, yh_err *err)
{
    if (m->literal == NULL)
        return yh_scan_next(m->pattern, scan, p, n, at, b, e, err);
    *b = *e = n;
    const uint8_t *f = m->literal_len == 1 ? memchr(p + at, m->literal[0], n - at)
                                           : memmem(p + at, n - at, m->literal, m->literal_len);
    if (f != NULL) {
        *b = (size_t)(f - p);
        *e = *b + m->literal_len;
    }
    return YH_OK;
}

/* A byte by a short text, without alignments. */
static yh_status replace_byte(const yh_norm_step *m, const uint8_t *p, size_t n, yh_buf *out,
                              yh_err *err)
{
    const uint8_t c = (uint8_t)m->literal[0];
    size_t found = 0;
    uint32_t text = 0;
    memcpy(&text, m->text, m->text_len);
    for (size_t i = 0; i < n; i++)
        found += p[i] == c;
    YH_TRY(yh_buf_reserve(out, n + found * m->text_len + sizeof text, err));
    char *to = out->data + out->len;
    for (size_t i = 0; i < n; i++) { /* no jumps: where words end cannot be guessed */
        uint32_t put = p[i] == c ? text : p[i];
        memcpy(to, &put, sizeof put);
        to += p[i] == c ? m->text_len : 1;
    }
    *to = '\0';
    out->len = (size_t)(to - out->data);
    return YH_OK;
}

static yh_status replace(const yh_norm_step *m, yh_scan_state *scan, const uint8_t *p, size_t n,
                         yh_buf *out, yh_pieces *map, bool *changed, yh_err *err)
{
    yh_rewrite e;
    size_t at = 0, mb, me;
    if (map == NULL && m->literal_len == 1 && m->literal != NULL &&
        m->text_len <= sizeof(uint32_t)) {
        *changed = memchr(p, m->literal[0], n) != NULL;
        return *changed ? replace_byte(m, p, n, out, err) : YH_OK;
    }
    *changed = false;
    yh_rewrite_init(&e, p, n, out, map);
    while (at < n) {
        YH_TRY(next_match(m, scan, p, n, at, &mb, &me, err));
        if (mb == n)
            break;
        *changed = true;
        YH_TRY(yh_rewrite_copy(&e, p + at, mb - at, err));
        YH_TRY(yh_rewrite_end(&e, err)); /* nothing held stands for what is skipped */
        yh_rewrite_skip(&e, me - mb);
        YH_TRY(insert(&e, m->text, m->text_len, 1, err));
        at = me;
    }
    if (!*changed)
        return YH_OK;
    YH_TRY(yh_rewrite_end(&e, err));
    YH_TRY(yh_rewrite_copy(&e, p + at, n - at, err));
    return yh_rewrite_end(&e, err);
}

static yh_status normal_form(yh_norm_kind kind, const uint8_t *p, size_t n, yh_buf *out,
                             yh_pieces *map, bool *changed, yh_err *err)
{
    yh_form form = kind == YH_NORM_NFC    ? YH_FORM_C
                   : kind == YH_NORM_NFD  ? YH_FORM_D
                   : kind == YH_NORM_NFKC ? YH_FORM_KC
                                          : YH_FORM_KD;
    *changed = yh_nf_prefix(form, p, n) != n;
    return *changed ? yh_nf(form, p, n, out, map, err) : YH_OK;
}

yh_status yh_norm_run(const yh_norm_step *m, yh_scan_state *scan, const uint8_t *p, size_t n,
                      yh_buf *out, yh_pieces *map, bool *changed, yh_err *err)
{
    switch (m->kind) {
    case YH_NORM_NFC:
    case YH_NORM_NFD:
    case YH_NORM_NFKC:
    case YH_NORM_NFKD:
        return normal_form(m->kind, p, n, out, map, changed, err);
    case YH_NORM_LOWERCASE:
        return lowercase(p, n, out, map, changed, err);
    case YH_NORM_STRIP:
        return strip(m, p, n, out, map, changed, err);
    case YH_NORM_STRIP_MARKS:
        return by_one(strip_marks, p, n, out, map, changed, err);
    case YH_NORM_STRIP_ACCENTS:
        return by_one(strip_accents, p, n, out, map, changed, err);
    case YH_NORM_PREPEND:
        return prepend(m, p, n, out, map, changed, err);
    case YH_NORM_REPLACE:
        return replace(m, scan, p, n, out, map, changed, err);
    case YH_NORM_BERT_CLEAN:
        return by_one(bert_clean, p, n, out, map, changed, err);
    case YH_NORM_BERT_CHINESE:
        return bert_chinese(p, n, out, map, changed, err);
    case YH_NORM_NMT:
        return by_one(nmt, p, n, out, map, changed, err);
    case YH_NORM_CHARSMAP:
        break;
    }
    return yh_charsmap_run(m->map, p, n, out, map, changed, err);
}

yh_status yh_norm_text(const yh_norm *m, const char *p, size_t n, yh_buf *out, yh_err *err)
{
    yh_buf next;
    yh_buf_init(&next, 0);
    yh_status s = yh_buf_add(out, p, n, err);
    for (size_t i = 0; i < m->n && s == YH_OK && out->len > 0; i++) {
        yh_scan_state *scan = NULL;
        bool changed = false;
        yh_buf_clear(&next);
        if (m->step[i].pattern != NULL)
            YH_GOTO(s, yh_scan_state_create(&scan, m->step[i].pattern, err), done);
        s = yh_norm_run(&m->step[i], scan, (const uint8_t *)out->data, out->len, &next, NULL,
                        &changed, err);
        yh_scan_state_free(scan);
        if (changed) {
            yh_buf swap = *out;
            *out = next;
            next = swap;
        }
    }
done:
    yh_buf_fini(&next);
    return s;
}
