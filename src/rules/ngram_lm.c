#include "rules/ngram_lm.h"

#include "base/file.h"

struct yh_ngram_lm {
    yh_map map;
    yh_lm_head head;
    const yh_lm_entry *entry[YH_LM_ORDER_MAX];
    yh_word_rule words;
};

yh_status yh_lm_words(yh_word_rule *w, const char *words, yh_err *err)
{
    json_t *p = json_pack("{s:s,s:s}", "words", words, "dictionary", "");
    if (p == NULL || strcmp(words, "auto") == 0) {
        json_decref(p);
        return yh_fail(err, YH_INVALID,
                       "the words of a model are space, english, chinese or characters, not \"%s\"",
                       words);
    }
    yh_status s = yh_word_rule_create(w, p, err);
    json_decref(p);
    return s;
}

static yh_status line(const yh_word_rule *w, const char *text, size_t from, size_t to,
                      yh_tokens *tokens, uint64_t **hash, size_t *cap, yh_lm_line_fn fn, void *ctx,
                      yh_err *err)
{
    tokens->n = 0;
    YH_TRY(yh_words_of(w, w->kind, tokens, text, from, to, err));
    if (tokens->n == 0)
        return YH_OK;
    uint64_t *h = yh_grow(*hash, cap, tokens->n + 1, sizeof *h);
    if (h == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a line of %zu words", tokens->n);
    *hash = h;
    for (size_t i = 0; i < tokens->n; i++)
        h[i] = yh_hash64(text + tokens->t[i].at, tokens->t[i].len, 11);
    h[tokens->n] = yh_lm_end;
    return fn(ctx, h, tokens->n + 1, err);
}

yh_status yh_lm_lines(const yh_word_rule *w, const char *text, size_t n, yh_lm_line_fn fn,
                      void *ctx, yh_err *err)
{
    yh_tokens tokens = {0};
    uint64_t *hash = NULL;
    size_t cap = 0;
    yh_status s = n < UINT32_MAX ? YH_OK : yh_fail(err, YH_LIMIT, "a text of %zu bytes", n);
    for (size_t i = 0; i < n && s == YH_OK;) {
        const char *nl = memchr(text + i, '\n', n - i);
        size_t end = nl != NULL ? (size_t)(nl - text) : n;
        s = line(w, text, i, end, &tokens, &hash, &cap, fn, ctx, err);
        i = end + 1;
    }
    yh_tokens_fini(&tokens);
    yh_free(hash);
    return s;
}

/* ------------------------------------------------------------------ applying */

static yh_status parse(yh_ngram_lm *m, const uint8_t *p, size_t n, const char *name, yh_err *err)
{
    size_t at = sizeof m->head;
    if (n < at)
        return yh_fail(err, YH_CORRUPT, "%s is too short for an n-gram model", name);
    memcpy(&m->head, p, at);
    m->head.words[sizeof m->head.words - 1] = '\0';
    if (memcmp(m->head.magic, "yhngram1", 8) != 0 || m->head.order < 1 ||
        m->head.order > YH_LM_ORDER_MAX)
        return yh_fail(err, YH_CORRUPT, "%s is not an n-gram model of this program", name);
    for (uint32_t i = 0; i < m->head.order; i++) {
        if (m->head.count[i] > (n - at) / sizeof(yh_lm_entry))
            return yh_fail(err, YH_CORRUPT, "%s ends before all of its %u-grams", name, i + 1);
        m->entry[i] = (const yh_lm_entry *)(const void *)(p + at);
        at += m->head.count[i] * sizeof(yh_lm_entry);
    }
    if (at != n)
        return yh_fail(err, YH_CORRUPT, "%s has %zu bytes too many", name, n - at);
    return yh_lm_words(&m->words, m->head.words, err);
}

yh_status yh_lm_parse(yh_ngram_lm **out, const uint8_t *p, size_t n, const char *name, yh_err *err)
{
    yh_ngram_lm *m = yh_calloc(1, sizeof *m);
    *out = NULL;
    if (m == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", name);
    yh_status s = parse(m, p, n, name, err);
    if (s != YH_OK) {
        yh_ngram_lm_free(m);
        return s;
    }
    *out = m;
    return YH_OK;
}

yh_status yh_ngram_lm_load(yh_ngram_lm **out, const char *path, yh_err *err)
{
    yh_map map;
    *out = NULL;
    YH_TRY(yh_map_open(&map, path, err));
    yh_status s = yh_lm_parse(out, map.data, map.size, path, err);
    if (s == YH_OK)
        (*out)->map = map;
    else
        yh_map_close(&map);
    return s;
}

void yh_ngram_lm_free(yh_ngram_lm *m)
{
    if (m == NULL)
        return;
    if (m->map.data != NULL)
        yh_map_close(&m->map);
    yh_word_rule_fini(&m->words);
    yh_free(m);
}

/* Keys are hashes, so where one stands can be guessed from its value. */
static const yh_lm_entry *find(const yh_ngram_lm *m, size_t order, uint64_t key)
{
    const yh_lm_entry *e = m->entry[order - 1];
    size_t lo = 0, hi = m->head.count[order - 1];
    while (hi - lo > 8) {
        uint64_t a = e[lo].key, b = e[hi - 1].key;
        if (key < a || key > b)
            return NULL;
        size_t mid = lo + (size_t)((double)(key - a) / ((double)(b - a) + 1) * (double)(hi - lo));
        mid = mid >= hi ? hi - 1 : mid;
        /* a narrow window round the guess, if the key is in it */
        size_t l = mid - lo > 16 ? mid - 16 : lo, h = hi - mid > 16 ? mid + 16 : hi;
        if (e[l].key <= key && (h == hi || e[h].key > key)) {
            lo = l;
            hi = h;
            while (hi - lo > 1) {
                size_t k = (lo + hi) / 2;
                if (e[k].key <= key)
                    lo = k;
                else
                    hi = k;
            }
            break;
        }
        size_t half = (lo + hi) / 2; /* and a halving, so that no file makes it slow */
        if (e[half].key <= key)
            lo = half;
        else
            hi = half;
    }
    for (; lo < hi; lo++)
        if (e[lo].key == key)
            return &e[lo];
    return NULL;
}

typedef struct sum {
    const yh_ngram_lm *m;
    double log10;
    uint64_t tokens;
} sum;

static yh_status score_line(void *ctx, const uint64_t *word, size_t n, yh_err *err)
{
    (void)err;
    sum *s = ctx;
    const yh_ngram_lm *m = s->m;
    size_t order = m->head.order;
    for (size_t i = 0; i < n; i++) {
        size_t most = i + 1 < order - 1 ? i + 1 : order - 1; /* tokens before, <s> included */
        double p = 0;
        bool done = false;
        for (size_t before = most + 1; before-- > 0 && !done;) {
            uint64_t key = 0;
            for (size_t k = before; k > 0; k--)
                key = yh_lm_key(key, i + 1 == k ? yh_lm_begin : word[i - k]);
            const yh_lm_entry *e = find(m, before + 1, yh_lm_key(key, word[i]));
            if (e != NULL) {
                p += (double)e->prob;
                done = true;
            } else if (before > 0 && (e = find(m, before, key)) != NULL) {
                p += (double)e->backoff;
            }
        }
        s->log10 += p + (done ? 0 : (double)m->head.unknown);
        s->tokens++;
    }
    return YH_OK;
}

yh_status yh_ngram_lm_score(const yh_ngram_lm *m, const char *text, size_t n, double *log10,
                            uint64_t *tokens, yh_err *err)
{
    sum s = {.m = m};
    YH_TRY(yh_lm_lines(&m->words, text, n, score_line, &s, err));
    *log10 += s.log10;
    *tokens += s.tokens;
    return YH_OK;
}
