#include "rules/ngrams.h"

#include "base/hash.h"

typedef struct slot {
    uint64_t hash;
    uint32_t stamp, count; /* a slot of another stamp is empty */
    uint32_t first;        /* where it occurred first */
} slot;

struct yh_ngrams {
    const yh_tokens *words;
    uint64_t *word;   /* hash of words [0, i), one after the other */
    uint64_t *joined; /* of their bytes */
    uint64_t *shift;  /* what moves a hash of bytes by those of word i */
    size_t *chars;    /* of words [0, i) */
    slot *table;
    size_t mask;
    uint32_t stamp;
};

/* Polynomials modulo 2^61 - 1, so that the hash of a stretch follows from those of two beginnings.
 */
static const uint64_t prime = (1ull << 61) - 1;
static const uint64_t base_byte = 0x1a7c3f29b5d46e13ull % ((1ull << 61) - 1);
static const uint64_t base_word = 0x0b31d5f7a9c8e264ull;

static uint64_t mul(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide v = (wide)a * b;
    uint64_t r = (uint64_t)(v & prime) + (uint64_t)(v >> 61);
    return r >= prime ? r - prime : r;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t r = a + b;
    return r >= prime ? r - prime : r;
}

yh_status yh_repeated(const char *text, const yh_token *span, size_t n, bool first, yh_repeats *out,
                      yh_err *err)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    struct seen {
        uint64_t hash;
        uint32_t count;
    } *table = yh_calloc(slots, sizeof *table);
    *out = (yh_repeats){0};
    if (table == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu lines", n);
    for (size_t i = 0; i < n; i++) {
        uint64_t h = yh_hash64(text + span[i].at, span[i].len, 7);
        size_t k = h & (slots - 1);
        while (table[k].count > 0 && table[k].hash != h)
            k = (k + 1) & (slots - 1);
        table[k].hash = h;
        size_t copies = table[k].count > 0 ? 1 + (first && table[k].count == 1) : 0;
        table[k].count++;
        out->n += copies;
        out->chars += copies * span[i].chars;
    }
    yh_free(table);
    return YH_OK;
}

yh_status yh_ngrams_create(yh_ngrams **out, const char *text, const yh_tokens *words, yh_err *err)
{
    yh_ngrams *g = yh_calloc(1, sizeof *g);
    size_t n = words->n, slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    *out = g;
    if (g != NULL) {
        g->words = words;
        g->word = yh_malloc((n + 1) * sizeof *g->word);
        g->joined = yh_malloc((n + 1) * sizeof *g->joined);
        g->shift = yh_malloc((n + 1) * sizeof *g->shift);
        g->chars = yh_malloc((n + 1) * sizeof *g->chars);
        g->table = yh_calloc(slots, sizeof *g->table);
        g->mask = slots - 1;
    }
    if (g == NULL || g->word == NULL || g->joined == NULL || g->shift == NULL || g->chars == NULL ||
        g->table == NULL) {
        yh_ngrams_free(g);
        *out = NULL;
        return yh_fail(err, YH_NOMEM, "no memory for the n-grams of %zu words", n);
    }
    g->word[0] = g->joined[0] = g->chars[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const yh_token *t = &words->t[i];
        uint64_t h = g->joined[i], s = 1;
        for (size_t k = 0; k < t->len; k++) {
            h = add(mul(h, base_byte), (uint8_t)text[t->at + k] + 1u);
            s = mul(s, base_byte);
        }
        g->joined[i + 1] = h;
        g->shift[i] = s;
        g->word[i + 1] =
            add(mul(g->word[i], base_word), yh_hash64(text + t->at, t->len, 3) % prime);
        g->chars[i + 1] = g->chars[i] + t->chars;
    }
    return YH_OK;
}

void yh_ngrams_free(yh_ngrams *g)
{
    if (g == NULL)
        return;
    yh_free(g->word);
    yh_free(g->joined);
    yh_free(g->shift);
    yh_free(g->chars);
    yh_free(g->table);
    yh_free(g);
}

static slot *find(yh_ngrams *g, uint64_t hash)
{
    size_t k = (size_t)(hash * 0x9e3779b97f4a7c15ull >> 20) & g->mask;
    while (g->table[k].stamp == g->stamp && g->table[k].hash != hash)
        k = (k + 1) & g->mask;
    return &g->table[k];
}

/* Hash of what stands between two beginnings, `moved` being the first moved to the second's end. */
static uint64_t between(uint64_t moved, uint64_t end)
{
    return add(end, prime - moved);
}

size_t yh_ngrams_top(yh_ngrams *g, size_t n)
{
    size_t words = g->words->n;
    uint64_t shift = 1;
    if (n == 0 || words < n)
        return 0;
    for (size_t i = 0; i < n; i++)
        shift = mul(shift, base_word);
    g->stamp++;
    uint32_t most = 0;
    for (size_t i = 0; i + n <= words; i++) {
        uint64_t h = between(mul(g->word[i], shift), g->word[i + n]);
        slot *s = find(g, h);
        if (s->stamp != g->stamp)
            *s = (slot){h, g->stamp, 0, (uint32_t)i};
        if (++s->count > most)
            most = s->count;
    }
    size_t first = words; /* of the most frequent ones the first */
    for (size_t k = 0; k <= g->mask; k++)
        if (g->table[k].stamp == g->stamp && g->table[k].count == most && g->table[k].first < first)
            first = g->table[k].first;
    return (g->chars[first + n] - g->chars[first] + n - 1) * most;
}

size_t yh_ngrams_dup(yh_ngrams *g, size_t n)
{
    size_t words = g->words->n, chars = 0;
    g->stamp++;
    for (size_t i = 0; n > 0 && i + n <= words;) {
        uint64_t moved = g->joined[i];
        for (size_t k = i; k < i + n; k++)
            moved = mul(moved, g->shift[k]);
        uint64_t h = between(moved, g->joined[i + n]);
        slot *s = find(g, h);
        if (s->stamp == g->stamp) {
            chars += g->chars[i + n] - g->chars[i];
            i += n;
            continue;
        }
        *s = (slot){h, g->stamp, 1, (uint32_t)i};
        i++;
    }
    return chars;
}
