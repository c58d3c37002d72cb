/* Normal form C with the alignments that Hugging Face's tokenizers keep. */
#include <stdlib.h>
#include <utf8proc.h>

#include "text/unicode.h"
#include "text/utf8.h"

yh_status yh_pieces_add(yh_pieces *p, yh_piece piece, yh_err *err)
{
    if (piece.same && p->n > 0 && p->at[p->n - 1].same &&
        p->at[p->n - 1].src + p->at[p->n - 1].src_len == piece.src) {
        p->at[p->n - 1].out_len += piece.out_len;
        p->at[p->n - 1].src_len += piece.src_len;
        return YH_OK;
    }
    yh_piece *at = yh_grow(p->at, &p->cap, p->n + 1, sizeof *at);
    if (at == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for text positions");
    p->at = at;
    p->at[p->n++] = piece;
    return YH_OK;
}

size_t yh_nfc_prefix(const uint8_t *p, size_t n)
{
    size_t i = 0, safe = 0; /* safe: start of the last safe character */
    while (i < n) {
        if (p[i] < 0x80) {
            safe = i++;
            continue;
        }
        int len;
        uint32_t cp = yh_utf8_next(p + i, &len);
        if ((yh_uc_class(cp) & YH_UC_SAFE) == 0)
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

static yh_status decompose(units *u, const uint8_t *p, size_t n, yh_err *err)
{
    u->n = 0;
    for (size_t i = 0; i < n;) {
        int len, boundary = 0;
        utf8proc_int32_t d[32];
        uint32_t cp = yh_utf8_next(p + i, &len);
        utf8proc_ssize_t k = yh_nfc_knows(cp)
                                 ? utf8proc_decompose_char((utf8proc_int32_t)cp, d, 32,
                                                           UTF8PROC_DECOMPOSE, &boundary)
                                 : 0;
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

/* Appends the units; the k-th character's place in the source follows from the changes. */
static yh_status emit(const units *u, const uint8_t *p, size_t n, size_t src, yh_buf *out,
                      yh_pieces *pieces, yh_err *err)
{
    size_t at = 0, last = 0; /* source bytes consumed; begin of the last character of them */
    for (size_t i = 0; i < u->n; i++) {
        uint8_t text[4];
        int len = yh_utf8_encode((uint32_t)u->at[i].cp, text);
        size_t begin = last;
        if (u->at[i].change <= 0 && at < n) {
            begin = at;
            for (int64_t k = u->at[i].change; k <= 0 && at < n; k++) {
                last = at;
                at += (size_t)yh_utf8_len(p[at]);
            }
        }
        if (pieces != NULL)
            YH_TRY(yh_pieces_add(pieces,
                                 (yh_piece){out->len, (size_t)len, src + begin,
                                            (size_t)yh_utf8_len(p[begin]), false},
                                 err));
        YH_TRY(yh_buf_add(out, text, (size_t)len, err));
    }
    return YH_OK;
}

static yh_status copy(const uint8_t *p, size_t n, size_t src, yh_buf *out, yh_pieces *pieces,
                      yh_err *err)
{
    if (n == 0)
        return YH_OK;
    if (pieces != NULL)
        YH_TRY(yh_pieces_add(pieces, (yh_piece){out->len, n, src, n, true}, err));
    return yh_buf_add(out, p, n, err);
}

yh_status yh_nfc(const uint8_t *p, size_t n, yh_buf *out, yh_pieces *pieces, yh_err *err)
{
    units u = {0};
    yh_status s = YH_OK;
    size_t i = 0;
    while (i < n && s == YH_OK) {
        size_t good = yh_nfc_prefix(p + i, n - i);
        YH_GOTO(s, copy(p + i, good, i, out, pieces, err), done);
        i += good;
        if (i == n)
            break;
        /* from the last safe character to the next one behind the unsafe */
        size_t e = i;
        bool unsafe = false;
        while (e < n) {
            int len;
            bool safe = (yh_uc_class(yh_utf8_next(p + e, &len)) & YH_UC_SAFE) != 0;
            if (safe && unsafe)
                break;
            unsafe = unsafe || !safe;
            e += (size_t)len;
        }
        YH_GOTO(s, decompose(&u, p + i, e - i, err), done);
        YH_GOTO(s, reorder(&u, err), done);
        compose(&u);
        YH_GOTO(s, emit(&u, p + i, e - i, i, out, pieces, err), done);
        i = e;
    }
done:
    yh_free(u.at);
    yh_free(u.spare);
    return s;
}
