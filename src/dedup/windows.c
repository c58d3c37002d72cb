/* Windows of a document and their anchors, by rolling hashes. */
#include "rules/fold.h"
#include "dedup/repeats.h"
#include "input/utf8_scan.h"

/* Polynomials modulo the prime 2^61 - 1: unlike those modulo 2^64 no text is bad for them. */
static const uint64_t prime = (UINT64_C(1) << 61) - 1;
static const uint64_t base_gram = 0x1d3b5f8a92c47e61u, base_window = 0x0b7e151628aed2a7u;

__extension__ typedef unsigned __int128 wide;

static inline uint64_t reduce(uint64_t x)
{
    x = (x & prime) + (x >> 61);
    return x >= prime ? x - prime : x;
}

static inline uint64_t times(uint64_t a, uint64_t b)
{
    wide p = (wide)a * b;
    return reduce(((uint64_t)p & prime) + (uint64_t)(p >> 61));
}

/* h * base + in - out * power, where power is base to the length */
static inline uint64_t slide(uint64_t h, uint64_t base, uint64_t in, uint64_t out, uint64_t power)
{
    return reduce(times(h, base) + in + 1 + (prime - times(out, power)));
}

yh_status yh_symbols_make(yh_symbols *y, const yh_repeats *o, const yh_stored *d, yh_err *err)
{
    const uint8_t *p = (const uint8_t *)d->text;
    uint32_t *s = yh_grow(y->s, &y->cap, d->len + 1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the text of a document");
    y->s = s;
    y->n = 0;
    for (size_t i = 0, len = 1; i < d->len; i += len) {
        uint32_t cp = p[i];
        if (o->characters && (len = yh_utf8_at(p + i, d->len - i, &cp)) == 0) {
            cp = 0x110000u + p[i]; /* no character: a symbol of its own */
            len = 1;
        }
        s[y->n++] = cp;
    }
    return YH_OK;
}

static uint64_t raise(uint64_t base, size_t n)
{
    uint64_t p = 1;
    for (size_t i = 0; i < n; i++)
        p = times(p, base);
    return p;
}

yh_status yh_windows_init(yh_windows *w, const yh_repeats *o, yh_err *err)
{
    size_t size = 1;
    while (size < o->window - o->gram + 2)
        size *= 2;
    *w = (yh_windows){.window = o->window, .gram = o->gram, .mask = size - 1};
    w->power = raise(base_gram, o->gram);
    w->full_power = raise(base_window, o->window);
    w->hash = yh_calloc(size, sizeof *w->hash);
    w->place = yh_calloc(size, sizeof *w->place);
    if (w->hash != NULL && w->place != NULL)
        return YH_OK;
    yh_windows_fini(w);
    return yh_fail(err, YH_NOMEM, "no memory for the windows of a document");
}

void yh_windows_fini(yh_windows *w)
{
    yh_free(w->hash);
    yh_free(w->place);
    *w = (yh_windows){0};
}

/* Adds the k-gram at w->next, whose hash is in w->roll, and slides the hash on. */
static inline void add_gram(yh_windows *w)
{
    const size_t i = w->next++;
    const uint64_t h = yh_fold_mix(w->roll);
    while (w->tail != w->head && w->hash[(w->tail - 1) & w->mask] > h)
        w->tail--;
    w->hash[w->tail & w->mask] = h;
    w->place[w->tail & w->mask] = i;
    w->tail++;
    if (i + w->gram < w->n)
        w->roll = slide(w->roll, base_gram, w->s[i + w->gram], (uint64_t)w->s[i] + 1, w->power);
}

void yh_windows_start(yh_windows *w, const yh_symbols *y)
{
    w->s = y->s;
    w->n = y->n;
    w->head = w->tail = w->next = 0;
    w->at = SIZE_MAX;
    w->roll = w->full = 0;
    if (w->n < w->window)
        return;
    for (size_t i = 0; i < w->gram; i++)
        w->roll = slide(w->roll, base_gram, w->s[i], 0, 0);
    for (size_t i = 0; i < w->window; i++)
        w->full = slide(w->full, base_window, w->s[i], 0, 0);
    while (w->next + w->gram < w->window)
        add_gram(w);
}

bool yh_windows_next(yh_windows *w)
{
    const size_t p = ++w->at; /* from SIZE_MAX to 0 at first */
    if (w->n < w->window || p > w->n - w->window)
        return false;
    if (p > 0)
        w->full = slide(w->full, base_window, w->s[p + w->window - 1], (uint64_t)w->s[p - 1] + 1,
                        w->full_power);
    add_gram(w);
    while (w->place[w->head & w->mask] < p)
        w->head++;
    w->anchor = w->place[w->head & w->mask];
    w->anchor_hash = w->hash[w->head & w->mask];
    w->window_hash = w->full;
    return true;
}
