#include <stdlib.h>

#include "input/utf8_scan.h"
#include "rules/han.h"
#include "rules/list.h"

enum { PAGES = 0x1100 };

/* A dictionary: of the entries that begin with a character, the longest first. */
typedef struct entry {
    const char *key, *value;
    uint32_t key_len, value_len, first, order;
} entry;
typedef struct dict {
    entry *entry;
    size_t n, cap;
    uint32_t *page[PAGES]; /* number of the first entry + 1; 0: none */
} dict;

enum { IS_TRAD = 1, IS_SIMP = 2, IS_TAIWAN = 4, IS_HONG_KONG = 8 };

struct yh_han {
    yh_list list[7];
    dict phrases;            /* TSPhrases: what the text is divided by */
    dict to_simple;          /* TSPhrases, TSCharacters */
    dict variants[2];        /* Taiwan's, Hong Kong's to the standard */
    uint8_t *mark[256];      /* of the characters below U+10000 */
    uint32_t *simple[PAGES]; /* one character for another; 0: itself */
};

static void dict_fini(dict *d)
{
    for (int i = 0; i < PAGES; i++)
        yh_free(d->page[i]);
    yh_free(d->entry);
}

static int by_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->key_len != y->key_len)
        return x->key_len > y->key_len ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Appends a list's entries; of several values the first counts. */
static yh_status dict_add(dict *d, const yh_list *l, yh_err *err)
{
    entry *e = yh_grow(d->entry, &d->cap, d->n + l->n, sizeof *e);
    if (e == NULL && l->n > 0)
        return yh_fail(err, YH_NOMEM, "no memory for a dictionary");
    d->entry = e;
    for (size_t i = 0; i < l->n; i++) {
        const yh_list_entry *s = &l->entry[i];
        uint32_t cp = 0;
        if (yh_utf8_at((const uint8_t *)s->text, s->len, &cp) == 0)
            continue;
        e[d->n] =
            (entry){s->text, s->value,      (uint32_t)s->len, (uint32_t)strcspn(s->value, " "),
                    cp,      (uint32_t)d->n};
        d->n++;
    }
    return YH_OK;
}

static yh_status dict_index(dict *d, yh_err *err)
{
    if (d->n > 0)
        qsort(d->entry, d->n, sizeof *d->entry, by_first);
    for (size_t i = d->n; i-- > 0;) {
        uint32_t c = d->entry[i].first;
        uint32_t **p = &d->page[c >> 8];
        if (*p == NULL && (*p = yh_calloc(256, sizeof **p)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a dictionary");
        (*p)[c & 0xff] = (uint32_t)i + 1;
    }
    return YH_OK;
}

/* The longest entry that the text begins with; NULL: none. */
static const entry *dict_at(const dict *d, uint32_t c, const char *text, size_t n)
{
    const uint32_t *p = d->page[c >> 8];
    if (p == NULL || p[c & 0xff] == 0)
        return NULL;
    for (size_t i = p[c & 0xff] - 1; i < d->n && d->entry[i].first == c; i++)
        if (d->entry[i].key_len <= n && memcmp(d->entry[i].key, text, d->entry[i].key_len) == 0)
            return &d->entry[i];
    return NULL;
}

/* ------------------------------------------------------------------ set-up */

static bool same(const yh_list_entry *e, size_t at, size_t len)
{
    return len == e->len && memcmp(e->value + at, e->text, len) == 0;
}

/* Whether a value, or any of them, is the key itself. */
static bool maps_to_itself(const yh_list_entry *e, bool any)
{
    for (size_t at = 0;; at++) {
        size_t len = strcspn(e->value + at, " ");
        if (same(e, at, len))
            return true;
        at += len;
        if (!any || e->value[at] == '\0')
            return false;
    }
}

static yh_status mark(yh_han *h, const yh_list *l, uint8_t flag, bool any, yh_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        uint32_t c = 0;
        size_t k = yh_utf8_at((const uint8_t *)l->entry[i].text, l->entry[i].len, &c);
        if (k != l->entry[i].len || c > 0xffff || maps_to_itself(&l->entry[i], any))
            continue;
        uint8_t **p = &h->mark[c >> 8];
        if (*p == NULL && (*p = yh_calloc(256, 1)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a table of characters");
        (*p)[c & 0xff] |= flag;
    }
    return YH_OK;
}

/* The single characters of a dictionary, for the folding of lines. */
static yh_status set_simple(yh_han *h, yh_err *err)
{
    for (size_t i = 0; i < h->to_simple.n; i++) {
        const entry *e = &h->to_simple.entry[i];
        uint32_t to = e->first, **p = &h->simple[e->first >> 8];
        if (e->key_len != (e->first < 0x10000 ? 3u : 4u))
            continue;
        (void)yh_utf8_at((const uint8_t *)e->value, e->value_len, &to);
        if (*p == NULL && (*p = yh_calloc(256, sizeof **p)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a table of characters");
        (*p)[e->first & 0xff] = to;
    }
    return YH_OK;
}

static yh_status set_up(yh_han *h, yh_err *err)
{
    enum { TSP, TSC, STC, TW, TWP, HK, HKP };
    static const char *const names[] = {
        "opencc_TSPhrases",           "opencc_TSCharacters",         "opencc_STCharacters",
        "opencc_TWVariantsRev",       "opencc_TWVariantsRevPhrases", "opencc_HKVariantsRev",
        "opencc_HKVariantsRevPhrases"};
    for (int i = 0; i < 7; i++)
        if (yh_list_load(&h->list[i], names[i], NULL) != YH_OK)
            return yh_fail(err, YH_UNSUPPORTED,
                           "this yh was built without OpenCC's dictionaries: install the package "
                           "opencc and build it again (cmake says what it found)");
    YH_TRY(dict_add(&h->phrases, &h->list[TSP], err));
    YH_TRY(dict_add(&h->to_simple, &h->list[TSP], err));
    YH_TRY(dict_add(&h->to_simple, &h->list[TSC], err));
    YH_TRY(dict_add(&h->variants[0], &h->list[TWP], err));
    YH_TRY(dict_add(&h->variants[0], &h->list[TW], err));
    YH_TRY(dict_add(&h->variants[1], &h->list[HKP], err));
    YH_TRY(dict_add(&h->variants[1], &h->list[HK], err));
    YH_TRY(dict_index(&h->phrases, err));
    YH_TRY(dict_index(&h->to_simple, err));
    YH_TRY(dict_index(&h->variants[0], err));
    YH_TRY(dict_index(&h->variants[1], err));
    YH_TRY(set_simple(h, err));
    YH_TRY(mark(h, &h->list[TSC], IS_TRAD, false, err));
    YH_TRY(mark(h, &h->list[STC], IS_SIMP, true, err));
    YH_TRY(mark(h, &h->list[TW], IS_TAIWAN, true, err));
    YH_TRY(mark(h, &h->list[HK], IS_HONG_KONG, true, err));
    return YH_OK;
}

yh_status yh_han_create(yh_han **out, yh_err *err)
{
    *out = yh_calloc(1, sizeof **out);
    if (*out == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a table of characters");
    yh_status s = set_up(*out, err);
    if (s != YH_OK) {
        yh_han_free(*out);
        *out = NULL;
    }
    return s;
}

void yh_han_free(yh_han *h)
{
    if (h == NULL)
        return;
    for (int i = 0; i < 7; i++)
        yh_list_fini(&h->list[i]);
    dict_fini(&h->phrases);
    dict_fini(&h->to_simple);
    dict_fini(&h->variants[0]);
    dict_fini(&h->variants[1]);
    for (int i = 0; i < 256; i++)
        yh_free(h->mark[i]);
    for (int i = 0; i < PAGES; i++)
        yh_free(h->simple[i]);
    yh_free(h);
}

/* ------------------------------------------------------------------ conversion */

static yh_status replace(const dict *d, const char *text, size_t n, yh_buf *out, yh_err *err)
{
    size_t from = 0; /* not yet copied */
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t k = yh_utf8_at((const uint8_t *)text + i, n - i, &c);
        const entry *e = k < 3 ? NULL : dict_at(d, c, text + i, n - i);
        if (e == NULL) {
            i += k > 0 ? k : 1;
            continue;
        }
        YH_TRY(yh_buf_add(out, text + from, i - from, err));
        YH_TRY(yh_buf_add(out, e->value, e->value_len, err));
        i += e->key_len;
        from = i;
    }
    return yh_buf_add(out, text + from, n - from, err);
}

static yh_status chain(const yh_han *h, const dict *variants, const char *text, size_t n,
                       yh_buf *middle, yh_buf *out, yh_err *err)
{
    if (n == 0)
        return YH_OK;
    yh_buf_clear(middle);
    YH_TRY(replace(variants, text, n, middle, err));
    return replace(&h->to_simple, middle->data, middle->len, out, err);
}

static yh_status convert_chain(const yh_han *h, const dict *variants, const char *text, size_t n,
                               yh_buf *middle, yh_buf *out, yh_err *err)
{
    size_t from = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t k = yh_utf8_at((const uint8_t *)text + i, n - i, &c);
        const entry *e = k < 3 ? NULL : dict_at(&h->phrases, c, text + i, n - i);
        if (e == NULL) {
            i += k > 0 ? k : 1;
            continue;
        }
        YH_TRY(chain(h, variants, text + from, i - from, middle, out, err));
        YH_TRY(chain(h, variants, text + i, e->key_len, middle, out, err));
        i += e->key_len;
        from = i;
    }
    return chain(h, variants, text + from, n - from, middle, out, err);
}

yh_status yh_han_simplify(const yh_han *h, yh_han_from from, const char *text, size_t n,
                          yh_buf *out, yh_err *err)
{
    YH_TRY(yh_buf_reserve(out, n + 1, err));
    if (from == YH_HAN_T2S) /* the phrases that divide are those that are replaced: one pass */
        return replace(&h->to_simple, text, n, out, err);
    yh_buf middle;
    yh_buf_init(&middle, 0);
    yh_status s = convert_chain(h, &h->variants[from == YH_HAN_HK2S], text, n, &middle, out, err);
    yh_buf_fini(&middle);
    return s;
}

uint32_t yh_han_simple(const yh_han *h, uint32_t c)
{
    const uint32_t *p = h != NULL ? h->simple[c >> 8] : NULL;
    return p != NULL && p[c & 0xff] != 0 ? p[c & 0xff] : c;
}

void yh_han_look(const yh_han *h, const char *text, size_t n, yh_han_count *add)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t k = yh_utf8_at(p + i, n - i, &c);
        i += k > 0 ? k : 1;
        if (k < 3)
            continue;
        add->han += yh_is_han(c);
        add->kana += yh_is_kana(c);
        add->hangul += c >= 0xac00 && c < 0xd7a4;
        const uint8_t *m = c < 0x10000 ? h->mark[c >> 8] : NULL;
        uint8_t f = m != NULL ? m[c & 0xff] : 0;
        /* 干, 后, 里 are in both tables' keys: they say nothing */
        add->trad += (f & (IS_TRAD | IS_SIMP)) == IS_TRAD;
        add->simp += (f & (IS_TRAD | IS_SIMP)) == IS_SIMP;
        add->taiwan += (f & (IS_TAIWAN | IS_HONG_KONG)) == IS_TAIWAN;
        add->hong_kong += (f & (IS_TAIWAN | IS_HONG_KONG)) == IS_HONG_KONG;
    }
}

/* ------------------------------------------------------------------ folding */

static bool invisible(uint32_t c)
{
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad;
}

static bool space(uint32_t c)
{
    return c <= 0x20 || c == 0x7f || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x202f;
}

static bool word(uint32_t c)
{
    return c < 0x80 && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'));
}

yh_status yh_han_fold(const yh_han *h, const char *text, size_t n, yh_buf *out, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)text;
    bool gap = false;
    uint32_t before = 0;
    YH_TRY(yh_buf_reserve(out, 4 * n + 8, err));
    for (size_t i = 0; i < n;) {
        uint32_t c = 0xfffd;
        size_t k = yh_utf8_at(p + i, n - i, &c);
        i += k > 0 ? k : 1;
        if (invisible(c))
            continue;
        if (space(c)) {
            gap = true;
            continue;
        }
        if (c >= 0xff01 && c <= 0xff5e)
            c -= 0xfee0;
        if (c >= 'A' && c <= 'Z')
            c += 32;
        if (c >= 0x3000)
            c = yh_han_simple(h, c);
        /* no character becomes longer than four bytes with a blank before it */
        if (gap && word(before) && word(c))
            out->data[out->len++] = ' ';
        out->len += yh_utf8_put(c, out->data + out->len);
        gap = false;
        before = c;
    }
    out->data[out->len] = '\0';
    return YH_OK;
}
