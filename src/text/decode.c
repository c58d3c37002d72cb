/* What a decoder's steps make of each token. */
#include "text/decode.h"
#include "text/utf8.h"

void yh_decoder_fini(yh_decoder *d)
{
    for (size_t i = 0; i < d->n; i++) {
        yh_free(d->step[i].text);
        yh_free(d->step[i].content);
        yh_pattern_free(d->step[i].pattern);
    }
    yh_free(d->middle.blob);
    yh_free(d->middle.at);
    yh_free(d->first.blob);
    yh_free(d->first.at);
    yh_free(d->kind);
    memset(d, 0, sizeof *d);
}

static yh_status replace_text(const char *p, size_t n, const char *what, size_t len,
                              const char *with, size_t with_len, yh_buf *out, yh_err *err)
{
    while (n > 0) {
        const char *f = memmem(p, n, what, len);
        size_t before = f != NULL ? (size_t)(f - p) : n;
        YH_TRY(yh_buf_add(out, p, before, err));
        if (f == NULL)
            break;
        YH_TRY(yh_buf_add(out, with, with_len, err));
        p = f + len;
        n -= before + len;
    }
    return YH_OK;
}

static yh_status replace_matches(const yh_decode_step *s, yh_scan_state *scan, const char *p,
                                 size_t n, yh_buf *out, yh_err *err)
{
    size_t at = 0, b, e;
    while (at < n) {
        YH_TRY(yh_scan_next(s->pattern, scan, (const uint8_t *)p, n, at, &b, &e, err));
        YH_TRY(yh_buf_add(out, p + at, b - at, err));
        if (e > b)
            YH_TRY(yh_buf_add(out, s->content, s->content_len, err));
        at = e;
    }
    return YH_OK;
}

/* WordPiece's cleanup, one replacement after the other. */
static yh_status tidy(yh_buf *b, yh_buf *spare, yh_err *err)
{
    static const char *const rules[][2] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                           {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                           {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                           {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        yh_buf_clear(spare);
        YH_TRY(replace_text(b->data, b->len, rules[i][0], strlen(rules[i][0]), rules[i][1],
                            strlen(rules[i][1]), spare, err));
        YH_TRY(yh_buf_add(spare, "", 0, err));
        yh_buf swap = *b;
        *b = *spare;
        *spare = swap;
    }
    return YH_OK;
}

static yh_status strip_ends(const yh_decode_step *s, const char *p, size_t n, yh_buf *out,
                            yh_err *err)
{
    size_t len = s->text_len;
    for (size_t i = 0; i < s->n_start && n >= len && memcmp(p, s->text, len) == 0; i++) {
        p += len;
        n -= len;
    }
    for (size_t i = 0; i < s->n_stop && n >= len && memcmp(p + n - len, s->text, len) == 0; i++)
        n -= len;
    return yh_buf_add(out, p, n, err);
}

/* One step over *b, by way of *spare. */
static yh_status run_step(const yh_decode_step *s, yh_scan_state *scan, bool first, bool mapped,
                          yh_buf *b, yh_buf *spare, bool *owes, yh_err *err)
{
    bool is_mapped, replaces;
    size_t cut = 0;
    yh_buf_clear(spare);
    switch (s->kind) {
    case YH_DECODE_BYTES:
        if (mapped)
            return YH_OK;
        YH_TRY(yh_byte_text(b->data, b->len, spare, &is_mapped, err));
        break;
    case YH_DECODE_REPLACE:
        if (s->pattern != NULL)
            YH_TRY(replace_matches(s, scan, b->data, b->len, spare, err));
        else
            YH_TRY(replace_text(b->data, b->len, s->text, s->text_len, s->content, s->content_len,
                                spare, err));
        break;
    case YH_DECODE_METASPACE:
        replaces = !(first && s->flag);
        YH_TRY(replace_text(b->data, b->len, s->text, s->text_len, " ", replaces, spare, err));
        break;
    case YH_DECODE_SPACES:
        if (first && b->len >= s->text_len && memcmp(b->data, s->text, s->text_len) == 0)
            cut = s->text_len;
        YH_TRY(replace_text(b->data + cut, b->len - cut, s->text, s->text_len, " ", 1, spare, err));
        break;
    case YH_DECODE_WORDPIECE:
        if (!first && b->len >= s->text_len && memcmp(b->data, s->text, s->text_len) == 0) {
            YH_TRY(yh_buf_add(spare, b->data + s->text_len, b->len - s->text_len, err));
        } else {
            YH_TRY(yh_buf_adds(spare, first ? "" : " ", err));
            YH_TRY(yh_buf_add(spare, b->data, b->len, err));
        }
        if (s->flag)
            YH_TRY(tidy(spare, b, err));
        break;
    case YH_DECODE_SUFFIX:
        cut = s->text_len;
        *owes = b->len >= cut && memcmp(b->data + b->len - cut, s->text, cut) == 0;
        YH_TRY(yh_buf_add(spare, b->data, b->len - (*owes ? cut : 0), err));
        if (memmem(spare->data, spare->len, s->text, cut) != NULL)
            return yh_fail(err, YH_UNSUPPORTED,
                           "BPEDecoder: the suffix \"%.40s\" inside the token \"%.60s\"", s->text,
                           b->data);
        break;
    case YH_DECODE_STRIP:
        YH_TRY(strip_ends(s, b->data, b->len, spare, err));
        break;
    case YH_DECODE_JOIN:
        YH_TRY(yh_buf_adds(spare, first ? "" : " ", err));
        YH_TRY(yh_buf_add(spare, b->data, b->len, err));
        break;
    }
    YH_TRY(yh_buf_add(spare, "", 0, err));
    yh_buf swap = *b;
    *b = *spare;
    *spare = swap;
    return YH_OK;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The byte that "<0x41>" stands for, or -1. */
static int byte_of(const char *p, size_t n)
{
    if (n != 6 || memcmp(p, "<0x", 3) != 0 || p[5] != '>')
        return -1;
    if (p[3] == '+' && hex(p[4]) >= 0) /* as Rust reads numbers */
        return hex(p[4]);
    return hex(p[3]) < 0 || hex(p[4]) < 0 ? -1 : hex(p[3]) * 16 + hex(p[4]);
}

typedef struct builder {
    yh_decoder *d;
    const yh_bpe *v;
    bool mapped;
    const char *const *shown;
    yh_scan_state *scan[YH_DECODE_STEPS];
    yh_buf b, spare;
    bool owes;
} builder;

/* All steps over one token's text, left in w->b. */
static yh_status token_text(builder *w, uint32_t id, bool first, yh_err *err)
{
    const yh_decoder *d = w->d;
    const char *shown = w->shown != NULL ? w->shown[id] : NULL;
    w->owes = false;
    yh_buf_clear(&w->b);
    YH_TRY(yh_buf_add(&w->b, "", 0, err));
    if (shown != NULL)
        YH_TRY(yh_buf_adds(&w->b, shown, err));
    else if (w->v->begin[id] != SIZE_MAX)
        YH_TRY(yh_buf_add(&w->b, w->v->blob + w->v->begin[id], w->v->len[id], err));
    for (size_t i = 0; i < d->n; i++)
        YH_TRY(run_step(&d->step[i], w->scan[i], first, w->mapped && shown == NULL, &w->b,
                        &w->spare, &w->owes, err));
    return YH_OK;
}

static yh_status add_text(yh_decode_table *t, uint32_t id, const char *p, size_t n, yh_err *err)
{
    char *blob = yh_grow(t->blob, &t->cap, t->len + n + 1, 1);
    if (blob == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a decoder's table");
    t->blob = blob;
    memcpy(blob + t->len, p, n);
    blob[t->len + n] = '\0';
    t->len += n + 1;
    t->at[id + 1] = t->len;
    return YH_OK;
}

static yh_status fill(builder *w, yh_decode_table *t, bool first, yh_err *err)
{
    yh_decoder *d = w->d;
    t->at = yh_calloc((size_t)d->size + 1, sizeof *t->at);
    if (t->at == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a decoder's table");
    for (uint32_t id = 0; id < d->size; id++) {
        YH_TRY(token_text(w, id, first, err));
        int byte = d->fallback ? byte_of(w->b.data, w->b.len) : -1;
        if (byte >= 0) {
            char c = (char)byte;
            d->kind[id] = YH_ROLE_BYTE;
            YH_TRY(add_text(t, id, &c, 1, err));
            continue;
        }
        size_t n = w->b.len;
        if (w->owes)
            d->kind[id] = YH_ROLE_OWES;
        if (w->v->begin[id] == SIZE_MAX)
            n = 0;
        size_t wide = yh_utf8_valid((const uint8_t *)w->b.data, n) == n ? n : 3 * n;
        if (wide > d->longest)
            d->longest = wide;
        YH_TRY(add_text(t, id, w->b.data, n, err));
    }
    return YH_OK;
}

yh_status yh_decoder_build(yh_decoder *d, const yh_bpe *v, bool mapped, const char *const *shown,
                           const char *name, yh_err *err)
{
    builder w = {.d = d, .v = v, .mapped = mapped, .shown = shown};
    bool by_place = false;
    yh_status s = YH_OK;
    d->size = v->size;
    d->longest = 1;
    d->kind = yh_calloc((size_t)v->size + 1, 1);
    if (d->kind == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a decoder", name);
    yh_buf_init(&w.b, 0);
    yh_buf_init(&w.spare, 0);
    for (size_t i = 0; i < d->n && s == YH_OK; i++) {
        yh_decode_kind k = d->step[i].kind;
        by_place = by_place || k == YH_DECODE_WORDPIECE || k == YH_DECODE_JOIN ||
                   k == YH_DECODE_SPACES || (k == YH_DECODE_METASPACE && d->step[i].flag);
        if (k == YH_DECODE_SPACES) {
            d->spaces = true;
            d->spaces_all = d->step[i].flag;
        }
        if (mapped && k != YH_DECODE_BYTES)
            s = yh_fail(err, YH_UNSUPPORTED,
                        "%s: a byte-level vocabulary with a decoder other than ByteLevel", name);
        else if (d->step[i].pattern != NULL)
            s = yh_scan_state_create(&w.scan[i], d->step[i].pattern, err);
    }
    if (s == YH_OK)
        s = fill(&w, &d->middle, false, err);
    if (s == YH_OK && by_place)
        s = fill(&w, &d->first, true, err);
    for (size_t i = 0; i < d->n; i++)
        yh_scan_state_free(w.scan[i]);
    yh_buf_fini(&w.b);
    yh_buf_fini(&w.spare);
    return s;
}

const char *yh_decoder_text(const yh_decoder *d, uint32_t id, bool first, size_t *len,
                            yh_decode_role *role)
{
    const yh_decode_table *t = first && d->first.at != NULL ? &d->first : &d->middle;
    if (id >= d->size) {
        *len = 0;
        *role = YH_ROLE_TEXT;
        return "";
    }
    *len = t->at[id + 1] - t->at[id] - 1;
    *role = (yh_decode_role)d->kind[id];
    return t->blob + t->at[id];
}
