/* Counting the n-grams of a text: in tables, and when these are full in sorted runs on disk. */
#include <stdlib.h>

#include "rules/ngram_lm.h"

enum { LEAST = 1 << 20 /* bytes of memory */ };

typedef struct gram {
    uint64_t key, context, suffix; /* key 0: an empty slot */
    uint32_t count, begins;        /* with <s> */
} gram;

typedef struct grams {
    gram *g;
    size_t n, slots;
} grams;

struct yh_ngram_builder {
    yh_lm_counts counts;
    yh_word_rule rule;
    uint64_t used; /* bytes of the tables */
    grams t[YH_LM_ORDER_MAX];
    uint64_t lines;
};

static yh_status check(const yh_ngram_options *o, yh_err *err)
{
    if (o->order < 1 || o->order > YH_LM_ORDER_MAX)
        return yh_fail(err, YH_INVALID, "the order of a model is 1 to %d", YH_LM_ORDER_MAX);
    if (o->memory > 0 && o->memory < LEAST)
        return yh_fail(err, YH_LIMIT, "counting n-grams takes at least %d bytes of memory", LEAST);
    for (int i = 0; i < o->order; i++)
        if (i == 0 ? o->prune[0] > 0 : o->prune[i] < o->prune[i - 1])
            return yh_fail(err, YH_INVALID,
                           "pruning: single words all stay (0), and longer n-grams cannot stay "
                           "where shorter ones go: %u of length %d",
                           o->prune[i], i + 1);
    return YH_OK;
}

yh_status yh_ngram_builder_create(yh_ngram_builder **out, const yh_ngram_options *o, yh_err *err)
{
    *out = NULL;
    YH_TRY(check(o, err));
    const char *words = o->words != NULL ? o->words : "space";
    yh_ngram_builder *b = yh_calloc(1, sizeof *b);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a model");
    b->counts.order = o->order;
    b->counts.memory = o->memory > 0 ? o->memory : 1ull << 30;
    memcpy(b->counts.prune, o->prune, sizeof b->counts.prune);
    b->counts.dir = yh_strdup(o->dir != NULL ? o->dir : ".");
    yh_status s = b->counts.dir == NULL ? yh_fail(err, YH_NOMEM, "no memory for a model")
                                        : yh_lm_words(&b->rule, words, err);
    if (s == YH_OK)
        memcpy(b->counts.words, words, strlen(words)); /* one of the known kinds: it fits */
    if (s != YH_OK)
        yh_ngram_builder_free(b);
    else
        *out = b;
    return s;
}

void yh_ngram_builder_free(yh_ngram_builder *b)
{
    if (b == NULL)
        return;
    for (int i = 0; i < YH_LM_ORDER_MAX; i++) {
        yh_free(b->t[i].g);
        yh_sorter_free(b->counts.sorted[i]);
    }
    yh_free(b->counts.dir);
    yh_word_rule_fini(&b->rule);
    yh_free(b);
}

static gram *slot_of(const grams *t, uint64_t key)
{
    size_t i = key & (t->slots - 1);
    while (t->g[i].key != 0 && t->g[i].key != key)
        i = (i + 1) & (t->slots - 1);
    return &t->g[i];
}

/* Hands the counts of one table to the sorter of its length. */
static yh_status empty(yh_ngram_builder *b, int i, yh_err *err)
{
    grams *t = &b->t[i];
    yh_sorter **s = &b->counts.sorted[i];
    if (*s == NULL)
        YH_TRY(yh_sorter_create(s, YH_LM_COUNT_BYTES, yh_lm_share(&b->counts), b->counts.dir, NULL,
                                err));
    yh_batch out = {.s = *s, .size = YH_LM_COUNT_BYTES};
    for (size_t k = 0; k < t->slots; k++) {
        const gram *g = &t->g[k];
        uint8_t *r;
        if (g->key == 0)
            continue;
        YH_TRY(yh_batch_add(&out, &r, err));
        yh_sort_put64(r, g->key);
        yh_sort_put64(r + 8, g->context);
        yh_sort_put64(r + 16, g->suffix);
        yh_sort_put32(r + 24, g->begins);
        yh_sort_put32(r + 28, g->count);
    }
    YH_TRY(yh_batch_flush(&out, err));
    b->used -= t->slots * sizeof(gram);
    yh_free(t->g);
    *t = (grams){NULL, 0, 0};
    return YH_OK;
}

/* Room for one more; when memory is used up, all tables begin anew. */
static yh_status widen(yh_ngram_builder *b, grams *t, yh_err *err)
{
    size_t slots = t->slots > 0 ? 2 * t->slots : 256;
    if (t->slots > 0 && b->used + slots * sizeof(gram) > b->counts.memory / 2) {
        for (int i = 0; i < b->counts.order; i++)
            YH_TRY(empty(b, i, err));
        slots = 256;
    }
    grams w = {yh_calloc(slots, sizeof *w.g), t->n, slots};
    if (w.g == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu n-grams", w.slots);
    b->used += (w.slots - t->slots) * sizeof(gram);
    for (size_t i = 0; i < t->slots; i++)
        if (t->g[i].key != 0)
            *slot_of(&w, t->g[i].key) = t->g[i];
    yh_free(t->g);
    *t = w;
    return YH_OK;
}

/* Counts all n-grams of <s> word[0] ... word[n-1]. */
static yh_status count_line(void *ctx, const uint64_t *word, size_t n, yh_err *err)
{
    yh_ngram_builder *b = ctx;
    b->lines++;
    for (size_t i = 0; i <= n; i++) { /* the place of the last token, 0: <s> */
        for (size_t len = 1; len <= (size_t)b->counts.order && len <= i + 1; len++) {
            grams *t = &b->t[len - 1];
            uint64_t context = 0, suffix = 0, last = i == 0 ? yh_lm_begin : word[i - 1];
            for (size_t k = i + 1 - len; k < i; k++) {
                uint64_t w = k == 0 ? yh_lm_begin : word[k - 1];
                context = yh_lm_key(context, w);
                suffix = k > i + 1 - len ? yh_lm_key(suffix, w) : 0;
            }
            if (2 * t->n + 2 > t->slots)
                YH_TRY(widen(b, t, err));
            uint64_t key = yh_lm_key(context, last);
            gram *g = slot_of(t, key);
            if (g->key == 0) {
                *g = (gram){.key = key, .context = context, .begins = len == i + 1};
                g->suffix = yh_lm_key(suffix, last);
                t->n++;
            }
            g->count += g->count < UINT32_MAX;
        }
    }
    return YH_OK;
}

yh_status yh_ngram_builder_add(yh_ngram_builder *b, const char *text, size_t n, yh_err *err)
{
    return yh_lm_lines(&b->rule, text, n, count_line, b, err);
}

yh_status yh_ngram_builder_finish(yh_ngram_builder *b, const char *path, yh_err *err)
{
    if (b->lines == 0)
        return yh_fail(err, YH_INVALID, "%s: there was no text to learn from", path);
    for (int i = 0; i < b->counts.order; i++) {
        YH_TRY(empty(b, i, err));
        YH_TRY(yh_sorter_finish(b->counts.sorted[i], err));
    }
    return yh_lm_estimate(&b->counts, path, err);
}
