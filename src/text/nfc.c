/* Normal forms with the alignments that Hugging Face's tokenizers keep. */
#include <stdlib.h>
#include <utf8proc.h>

#include "text/unicode.h"
#include "text/utf8.h"

size_t yh_nfc_prefix(const uint8_t *p, size_t n)
{
    return yh_nf_prefix(YH_FORM_C, p, n);
}

size_t yh_nf_prefix(yh_form form, const uint8_t *p, size_t n)
{
    size_t i = 0, safe = 0; /* safe: start of the last safe character */
    while (i < n) {
        if (p[i] < 0x80) {
            safe = i++;
            continue;
        }
        int len;
        uint32_t cp = yh_utf8_next(p + i, &len);
        if (!yh_uc_is_safe(form, cp))
            return safe;
        safe = i;
        i += (size_t)len;
    }
    return n;
}

/* A decomposed character: change is what it adds to the number of characters so far (0 for the
 * first of a source character, 1 for the others, less when it swallowed others in composition). */
typedef struct unit {
    int32_t cp;
    uint8_t ccc;
    int64_t change;
} unit;

typedef struct units {
    unit *at, *spare;
    size_t n, cap, spare_cap;
} units;

static yh_status decompose(units *u, int flags, const uint8_t *p, size_t n, yh_err *err)
{
    u->n = 0;
    for (size_t i = 0; i < n;) {
        int len, boundary = 0;
        utf8proc_int32_t d[32];
        uint32_t cp = yh_utf8_next(p + i, &len);
        bool knows = (flags & UTF8PROC_COMPAT) ? yh_nfkc_knows(cp) : yh_nfc_knows(cp);
        utf8proc_ssize_t k =
            knows ? utf8proc_decompose_char((utf8proc_int32_t)cp, d, 32, flags, &boundary) : 0;
        if (k < 1 || k > 32) {
            d[0] = (utf8proc_int32_t)cp;
            k = 1;
        }
        unit *at = yh_grow(u->at, &u->cap, u->n + (size_t)k, sizeof *at);
        if (at == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to normalise text");
        u->at = at;
        for (utf8proc_ssize_t j = 0; j < k; j++) {
            int ccc =
                yh_nfc_knows((uint32_t)d[j]) ? utf8proc_get_property(d[j])->combining_class : 0;
            u->at[u->n++] = (unit){d[j], (uint8_t)ccc, j > 0};
        }
        i += (size_t)len;
    }
    return YH_OK;
}

/* Stable sort of each run of marks by combining class: counting, so that a megabyte of marks is no
 * worse than a letter with two. */
static yh_status reorder(units *u, yh_err *err)
{
    for (size_t i = 0; i < u->n;) {
        if (u->at[i].ccc == 0) {
            i++;
            continue;
        }
        size_t e = i;
        bool sorted = true;
        while (e < u->n && u->at[e].ccc != 0) {
            if (e > i && u->at[e].ccc < u->at[e - 1].ccc)
                sorted = false;
            e++;
        }
        if (!sorted) {
            size_t start[257] = {0};
            unit *spare = yh_grow(u->spare, &u->spare_cap, e - i, sizeof *spare);
            if (spare == NULL)
                return yh_fail(err, YH_NOMEM, "no memory to normalise text");
            u->spare = spare;
            for (size_t k = i; k < e; k++)
                start[u->at[k].ccc + 1]++;
            for (int c = 0; c < 256; c++)
                start[c + 1] += start[c];
            for (size_t k = i; k < e; k++)
                spare[start[u->at[k].ccc]++] = u->at[k];
            memcpy(u->at + i, spare, (e - i) * sizeof *spare);
        }
        i = e;
    }
    return YH_OK;
}

/* The composite of two characters, or -1. */
static int32_t compose_pair(int32_t a, int32_t b)
{
    const utf8proc_property_t *pb = utf8proc_get_property(b);
    bool hangul = (b >= 0x1161 && b <= 0x1175) || (b >= 0x11A8 && b <= 0x11C2);
    if (!hangul && (pb->comb_index == UINT16_MAX || (pb->comb_index & 0x8000) == 0))
        return -1;
    if (!yh_nfc_knows((uint32_t)b))
        return -1;
    utf8proc_int32_t pair[3] = {a, b, 0};
    return utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1 ? pair[0]
                                                                                      : -1;
}

static void compose(units *u)
{
    size_t n = 0, starter = SIZE_MAX;
    int last = -1; /* combining class of the last unit kept behind the starter; -1: none */
    for (size_t i = 0; i < u->n; i++) {
        unit c = u->at[i];
        if (starter != SIZE_MAX && last < (int)c.ccc) {
            int32_t cp = compose_pair(u->at[starter].cp, c.cp);
            if (cp >= 0) {
                u->at[starter].cp = cp;
                u->at[starter].change += c.change - 1;
                continue;
            }
        }
        if (c.ccc == 0) {
            starter = n;
            last = -1;
        } else {
            last = c.ccc;
        }
        u->at[n++] = c;
    }
    u->n = n;
}

yh_status yh_nfc(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces, yh_err *err)
{
    return yh_nf(YH_FORM_C, p, n, out, pieces, err);
}

yh_status yh_nf(yh_form form, const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces,
                yh_err *err)
{
    units u = {0};
    yh_rewrite edit;
    yh_status s = YH_OK;
    size_t i = 0;
    int flags = UTF8PROC_DECOMPOSE;
    if (form == YH_FORM_KC || form == YH_FORM_KD)
        flags |= UTF8PROC_COMPAT;
    yh_rewrite_init(&edit, p, n, out, pieces);
    while (i < n && s == YH_OK) {
        size_t good = yh_nf_prefix(form, p + i, n - i);
        YH_GOTO(s, yh_rewrite_copy(&edit, p + i, good, err), done);
        i += good;
        if (i == n)
            break;
        /* from the last safe character to the next one behind the unsafe */
        size_t e = i;
        bool unsafe = false;
        while (e < n) {
            int len;
            bool safe = yh_uc_is_safe(form, yh_utf8_next(p + e, &len));
            if (safe && unsafe)
                break;
            unsafe = unsafe || !safe;
            e += (size_t)len;
        }
        YH_GOTO(s, decompose(&u, flags, p + i, e - i, err), done);
        YH_GOTO(s, reorder(&u, err), done);
        if (form == YH_FORM_C || form == YH_FORM_KC)
            compose(&u);
        for (size_t k = 0; k < u.n && s == YH_OK; k++)
            s = yh_rewrite_put(&edit, (uint32_t)u.at[k].cp, (int)u.at[k].change, err);
        if (s == YH_OK)
            s = yh_rewrite_end(&edit, err);
        i = e;
    }
done:
    yh_free(u.at);
    yh_free(u.spare);
    return s;
}
