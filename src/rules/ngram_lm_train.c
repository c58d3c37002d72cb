/* Estimating a model: counts in memory, adjusted counts (of what stands before), discounts, and
 * probabilities from short n-grams to long ones. The definitions are those of Heafield et al.,
 * "Scalable Modified Kneser-Ney Language Model Estimation", ACL 2013. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "rules/ngram_lm.h"

typedef struct gram {
    uint64_t key, context, suffix; /* key 0: an empty slot */
    uint32_t count, left;          /* occurrences; different tokens before it */
    bool begins;                   /* with <s> */
    float backoff;                 /* log10 */
    double prob;
} gram;

typedef struct grams {
    gram *g;
    size_t n, slots;
} grams;

struct yh_ngram_builder {
    int order;
    char words[16];
    yh_word_rule rule;
    uint64_t memory, used;
    grams t[YH_LM_ORDER_MAX];
    float unknown;
};

yh_status yh_ngram_builder_create(yh_ngram_builder **out, int order, const char *words,
                                  uint64_t memory, yh_err *err)
{
    *out = NULL;
    if (order < 1 || order > YH_LM_ORDER_MAX || strlen(words) >= sizeof(*out)->words)
        return yh_fail(err, YH_INVALID, "the order of a model is 1 to %d", YH_LM_ORDER_MAX);
    yh_ngram_builder *b = yh_calloc(1, sizeof *b);
    if (b == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a model");
    b->order = order;
    b->memory = memory > 0 ? memory : 1ull << 30;
    memcpy(b->words, words, strlen(words));
    yh_status s = yh_lm_words(&b->rule, words, err);
    if (s != YH_OK) {
        yh_ngram_builder_free(b);
        return s;
    }
    *out = b;
    return YH_OK;
}

void yh_ngram_builder_free(yh_ngram_builder *b)
{
    if (b == NULL)
        return;
    for (int i = 0; i < YH_LM_ORDER_MAX; i++)
        yh_free(b->t[i].g);
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

static yh_status widen(yh_ngram_builder *b, grams *t, yh_err *err)
{
    grams w = {NULL, t->n, t->slots > 0 ? 2 * t->slots : 1024};
    b->used += (w.slots - t->slots) * sizeof(gram);
    if (b->used + t->slots * sizeof(gram) > b->memory)
        return yh_fail(
            err, YH_LIMIT,
            "counting n-grams takes more than %llu bytes: allow more, take a lower order "
            "or less text",
            (unsigned long long)b->memory);
    w.g = yh_calloc(w.slots, sizeof *w.g);
    if (w.g == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu n-grams", w.slots);
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
    for (size_t i = 0; i <= n; i++) { /* the place of the last token, 0: <s> */
        for (size_t len = 1; len <= (size_t)b->order && len <= i + 1; len++) {
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

/* ------------------------------------------------------------------ estimation */

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const gram *)a)->key, y = ((const gram *)b)->key;
    return x < y ? -1 : x > y;
}

static const gram *look(const grams *t, uint64_t key)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->g[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n && t->g[lo].key == key ? &t->g[lo] : NULL;
}

/* Packs and sorts, so that sums run in an order that does not depend on the table. */
static void pack(grams *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->slots; i++)
        if (t->g[i].key != 0)
            t->g[n++] = t->g[i];
    if (n > 0)
        qsort(t->g, n, sizeof *t->g, by_key);
}

typedef struct discounts {
    double d[4];
} discounts;

/* Of adjusted counts; where the formula has no answer, KenLM's substitutes. */
static discounts discounts_of(const grams *t)
{
    double n[5] = {0};
    discounts d = {{0, 0.5, 1, 1.5}};
    for (size_t i = 0; i < t->n; i++)
        if (t->g[i].count >= 1 && t->g[i].count <= 4)
            n[t->g[i].count]++;
    if (n[1] == 0 || n[2] == 0 || n[3] == 0 || n[4] == 0)
        return d;
    double y = n[1] / (n[1] + 2 * n[2]);
    discounts e = {{0, 0, 0, 0}};
    for (int k = 1; k <= 3; k++) {
        e.d[k] = k - (k + 1) * y * n[k + 1] / n[k];
        if (e.d[k] < 0 || e.d[k] > k)
            return d;
    }
    return e;
}

static double discount(const discounts *d, uint32_t count)
{
    return d->d[count < 3 ? count : 3];
}

/* Adjusted counts of the shorter n-grams: different tokens before them, unless they begin a line.
 */
static void adjust(yh_ngram_builder *b)
{
    for (int n = 1; n < b->order; n++) {
        grams *t = &b->t[n - 1];
        const grams *longer = &b->t[n];
        for (size_t i = 0; i < longer->n; i++) {
            gram *g = (gram *)(uintptr_t)look(t, longer->g[i].suffix);
            if (g != NULL)
                g->left++;
        }
        for (size_t i = 0; i < t->n; i++)
            if (!t->g[i].begins)
                t->g[i].count = t->g[i].left;
    }
    gram *s = (gram *)(uintptr_t)look(&b->t[0], yh_lm_key(0, yh_lm_begin));
    if (s != NULL)
        s->count = 0; /* it is never predicted */
}

static void unigrams(yh_ngram_builder *b)
{
    grams *t = &b->t[0];
    discounts d = discounts_of(t);
    double total = 0, left = 0;
    for (size_t i = 0; i < t->n; i++) {
        total += t->g[i].count;
        left += discount(&d, t->g[i].count);
    }
    double uniform = left / total / (double)t->n; /* <unk> comes in, <s> goes */
    for (size_t i = 0; i < t->n; i++)
        t->g[i].prob = (t->g[i].count - discount(&d, t->g[i].count)) / total + uniform;
    b->unknown = (float)log10(uniform);
}

typedef struct context_sum {
    uint64_t context;
    uint32_t i; /* of the n-gram */
} context_sum;

static int by_context(const void *a, const void *b)
{
    const context_sum *x = a, *y = b;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

static yh_status estimate(yh_ngram_builder *b, int order, yh_err *err)
{
    grams *t = &b->t[order - 1], *shorter = &b->t[order - 2];
    discounts d = discounts_of(t);
    context_sum *c = yh_malloc((t->n + 1) * sizeof *c);
    if (c == NULL || t->n > UINT32_MAX) {
        yh_free(c);
        return yh_fail(err, YH_NOMEM, "no memory to estimate %zu n-grams", t->n);
    }
    for (size_t i = 0; i < t->n; i++)
        c[i] = (context_sum){t->g[i].context, (uint32_t)i};
    if (t->n > 0)
        qsort(c, t->n, sizeof *c, by_context);
    for (size_t i = 0; i < t->n;) {
        size_t end = i;
        double total = 0, left = 0;
        for (; end < t->n && c[end].context == c[i].context; end++) {
            total += t->g[c[end].i].count;
            left += discount(&d, t->g[c[end].i].count);
        }
        double gamma = left / total;
        gram *before = (gram *)(uintptr_t)look(shorter, c[i].context);
        if (before != NULL)
            before->backoff = (float)log10(gamma);
        for (; i < end; i++) {
            gram *g = &t->g[c[i].i];
            const gram *s = look(shorter, g->suffix);
            g->prob = (g->count - discount(&d, g->count)) / total + gamma * (s ? s->prob : 0);
        }
    }
    yh_free(c);
    return YH_OK;
}

static yh_status put(yh_ngram_builder *b, yh_writer *w, yh_err *err)
{
    yh_lm_head head = {.magic = "yhngram", .order = (uint32_t)b->order, .unknown = b->unknown};
    head.magic[7] = '1';
    memcpy(head.words, b->words, sizeof head.words);
    for (int i = 0; i < b->order; i++)
        head.count[i] = b->t[i].n;
    YH_TRY(yh_writer_write(w, &head, sizeof head, err));
    for (int n = 0; n < b->order; n++)
        for (size_t i = 0; i < b->t[n].n; i++) {
            const gram *g = &b->t[n].g[i];
            yh_lm_entry e = {g->key, (float)log10(g->prob), g->backoff};
            YH_TRY(yh_writer_write(w, &e, sizeof e, err));
        }
    return YH_OK;
}

yh_status yh_ngram_builder_finish(yh_ngram_builder *b, const char *path, yh_err *err)
{
    if (b->t[0].n < 2)
        return yh_fail(err, YH_INVALID, "%s: there was no text to learn from", path);
    for (int i = 0; i < b->order; i++)
        pack(&b->t[i]);
    adjust(b);
    unigrams(b);
    for (int n = 2; n <= b->order; n++)
        YH_TRY(estimate(b, n, err));
    yh_writer w = YH_WRITER_INIT;
    YH_TRY(yh_writer_open(&w, path, err));
    yh_status s = put(b, &w, err);
    if (s == YH_OK)
        s = yh_writer_commit(&w, err);
    yh_writer_abort(&w);
    return s;
}
