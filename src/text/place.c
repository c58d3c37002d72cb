/* Offsets: from the text that a model sees back to the caller's. */
#include "text/encode.h"
#include "text/utf8.h"

void yh_place_byte(const yh_run *r, size_t x, size_t *b, size_t *e)
{
    for (size_t k = r->layers; k-- > 0;) {
        yh_layer *l = &r->e->layer[k];
        if (l->map.n == 0)
            continue;
        const yh_piece *p = yh_pieces_find(&l->map, &l->hint, x);
        if (!p->same && p->src_len == 0) {
            *b = *e = r->at;
            return;
        }
        x = l->base + p->src + (p->same ? x - p->out : 0);
    }
    x += r->at;
    while (x > 0 && (r->source[x] & 0xC0) == 0x80)
        x--;
    *b = x;
    *e = x + (size_t)yh_utf8_len(r->source[x]);
}

/* [*b, *e) of the repaired text to the caller's. */
static void map_back(const yh_run *r, size_t *b, size_t *e)
{
    size_t want[2] = {*b, *e > *b ? *e - 1 : *e}, got[2] = {0, 0};
    if (r->repair == NULL)
        return;
    for (size_t k = 0; k < 2; k++) {
        const yh_piece *p = yh_pieces_find(r->repair, &r->e->repair_hint, want[k]);
        if (p->same)
            got[k] = p->src + (want[k] - p->out) + (*e > *b ? k : 0);
        else
            got[k] = k == 0 || *e == *b ? p->src : p->src + p->src_len;
    }
    *b = got[0];
    *e = got[1];
}

static bool is_space(const uint8_t *p, size_t n, bool byte_level, size_t *len)
{
    int k;
    *len = 1;
    if (byte_level)
        return p[0] == ' ';
    uint32_t c = yh_utf8_next(p, &k);
    *len = (size_t)k <= n ? (size_t)k : n;
    return c == 0x120 || (yh_uc_class(c) & YH_UC_S) != 0; /* 0x120: a space in GPT-2's alphabet */
}

void yh_place_trim(const yh_run *r, const uint8_t *p, size_t n, bool byte_level, size_t index,
                   size_t *b, size_t *e)
{
    size_t leading = 0, trailing = 0, len;
    for (size_t i = 0; i < n && is_space(p + i, n - i, byte_level, &len); i += len)
        leading++;
    for (size_t i = n; i > 0; trailing++) {
        size_t c = i - 1;
        while (!byte_level && c > 0 && (p[c] & 0xC0) == 0x80)
            c--;
        if (!is_space(p + c, n - c, byte_level, &len))
            break;
        i = c;
    }
    if (r->t->trim_prefix && (index == 0 || *b == 0) && leading == 1)
        leading = 0;
    for (; leading > 0 && *b < *e; leading--)
        *b += (size_t)yh_utf8_len(r->source[*b]);
    for (; trailing > 0 && *e > *b; trailing--)
        do
            --*e;
        while (*e > *b && (r->source[*e] & 0xC0) == 0x80);
}

/* SentencePiece: each byte has a place in the source, and a token ends where the next byte has it.
 */
static size_t sp_place(const yh_run *r, size_t x)
{
    yh_layer *l = &r->e->layer[0];
    if (x >= r->n)
        return r->tail;
    const yh_piece *p = yh_pieces_find(&l->map, &l->hint, x);
    return p->src + (p->same ? x - p->out : 0);
}

void yh_place(const yh_run *r, size_t b, size_t e, size_t *begin, size_t *end)
{
    if (r->t->sp != NULL) {
        *begin = sp_place(r, b);
        *end = sp_place(r, e);
        return;
    }
    size_t x, last = r->n - 1;
    yh_place_byte(r, b < last ? b : last, begin, &x);
    yh_place_byte(r, e <= b ? (b < last ? b : last) : e - 1 < last ? e - 1 : last, &x, end);
    if (*end < *begin)
        *end = *begin;
}

void yh_place_set(const yh_run *r, size_t i, size_t begin, size_t end)
{
    map_back(r, &begin, &end);
    r->out->begin[i] = begin;
    r->out->end[i] = end;
}

void yh_place_id(const yh_run *r, size_t i, size_t b, size_t e)
{
    const yh_bpe *m = &r->t->model;
    uint32_t id = r->out->id[i];
    size_t begin, end;
    yh_place(r, b, e, &begin, &end);
    if (r->t->trim_offsets)
        yh_place_trim(r, (const uint8_t *)m->blob + m->begin[id], m->len[id], r->t->byte_level,
                      i - r->first, &begin, &end);
    yh_place_set(r, i, begin, end);
}
