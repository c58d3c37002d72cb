#include "text/unigram_train.h"

#include <math.h>
#include <stdlib.h>

#include "base/thread.h"
#include "text/utf8.h"

/* As in SentencePiece: two rounds of expectation and maximisation before each removal, which leaves
 * three quarters; what is expected less than half a time goes; the last removal but one leaves a
 * tenth too much, and the best of those are taken. */
enum { ROUNDS = 2, GRAIN = 512 };
static const double KEPT = 0.75, TOO_MANY = 1.1, RARE = 0.5, NEVER = -1e30;

typedef struct scratch {
    int64_t *sum, *words;  /* [pieces] */
    double *alpha, *beta;  /* [longest + 1] */
    uint32_t *best, *from; /* [longest + 1] */
} scratch;

typedef struct em {
    const yh_uni_words *w;
    yh_piece_list *p;
    uint32_t chars; /* the first pieces are the single characters, which always stay */
    double *prob;   /* [pieces] exp(score) */
    yh_datrie trie;
    uint32_t longest; /* bytes of a word or piece */
    scratch *scratch;
    int threads;
    yh_pool *pool;
    double scale; /* of the integers that sum up expectations */
    double *loss; /* [pieces] */
    int64_t *sum, *words;
    double log_sum, all, words_all;
} em;

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM,
                   "no memory to train the tokenizer; give it less with --memory, "
                   "or train on a part of the corpus");
}

/* Derivative of the logarithm of the gamma function, x > 0 (asymptotic series). */
static double digamma(double x)
{
    double r = 0;
    for (; x < 7; x++)
        r -= 1 / x;
    x -= 0.5;
    double y = 1 / x, y2 = y * y, y4 = y2 * y2;
    return r + log(x) + y2 / 24 - 7.0 / 960 * y4 + 31.0 / 8064 * y4 * y2 - 127.0 / 30720 * y4 * y4;
}

/* ---- words ---- */

/* Expected counts of the pieces of one word: forward and backward sums of products. Returns false
 * when the numbers leave the range of doubles. */
static bool expect(const em *m, scratch *s, const uint8_t *t, uint32_t n, int64_t count)
{
    double *alpha = s->alpha, *beta = s->beta;
    const yh_datrie_node *node = m->trie.node;
    memset(alpha, 0, (n + 1) * sizeof *alpha);
    alpha[0] = 1;
    for (uint32_t i = 0; i < n; i++) {
        if (alpha[i] == 0)
            continue;
        for (uint32_t k = i, at = 0; k < n && (at = yh_datrie_child(&m->trie, at, t[k])) != 0; k++)
            if (node[at].value != YH_DATRIE_NONE)
                alpha[k + 1] += alpha[i] * m->prob[node[at].value];
    }
    double z = alpha[n];
    if (!(z > 1e-290 && z < 1e290))
        return false;
    double by = (double)count / z * m->scale;
    beta[n] = 1;
    for (uint32_t i = n; i-- > 0;) {
        beta[i] = 0;
        if (alpha[i] == 0)
            continue;
        for (uint32_t k = i, at = 0; k < n && (at = yh_datrie_child(&m->trie, at, t[k])) != 0;
             k++) {
            uint32_t v = node[at].value;
            if (v == YH_DATRIE_NONE)
                continue;
            double both = m->prob[v] * beta[k + 1];
            beta[i] += both;
            s->sum[v] += llrint(alpha[i] * both * by);
        }
    }
    return true;
}

/* The best path, without the piece `without` (or YH_DATRIE_NONE): pieces s->best[k] end at k and
 * begin at s->from[k]. Returns its score, NEVER when there is none. */
static double best_path(const em *m, scratch *s, const uint8_t *t, uint32_t n, uint32_t without)
{
    double *score = s->alpha;
    for (uint32_t i = 0; i <= n; i++)
        score[i] = NEVER;
    score[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (score[i] == NEVER)
            continue;
        for (uint32_t k = i, at = 0; k < n && (at = yh_datrie_child(&m->trie, at, t[k])) != 0;
             k++) {
            uint32_t v = m->trie.node[at].value;
            if (v == YH_DATRIE_NONE || v == without || m->prob[v] == 0)
                continue;
            double x = score[i] + m->p->score[v];
            if (x > score[k + 1]) {
                score[k + 1] = x;
                s->best[k + 1] = v;
                s->from[k + 1] = i;
            }
        }
    }
    return score[n];
}

static void expect_words(void *arg, int64_t begin, int64_t end, int thread)
{
    em *m = arg;
    scratch *s = &m->scratch[thread];
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *t = m->w->blob + m->w->at[i];
        uint32_t n = m->w->at[i + 1] - 1 - m->w->at[i];
        if (expect(m, s, t, n, m->w->count[i]))
            continue;
        /* very improbable words: their best path alone */
        if (best_path(m, s, t, n, YH_DATRIE_NONE) == NEVER)
            continue;
        for (uint32_t k = n; k > 0; k = s->from[k])
            s->sum[s->best[k]] += llrint((double)m->w->count[i] * m->scale);
    }
}

static void count_best(void *arg, int64_t begin, int64_t end, int thread)
{
    em *m = arg;
    scratch *s = &m->scratch[thread];
    for (int64_t i = begin; i < end; i++) {
        uint32_t n = m->w->at[i + 1] - 1 - m->w->at[i];
        int64_t count = m->w->count[i];
        if (best_path(m, s, m->w->blob + m->w->at[i], n, YH_DATRIE_NONE) == NEVER)
            continue;
        for (uint32_t k = n; k > 0; k = s->from[k]) {
            s->sum[s->best[k]] += count;
            bool again = false; /* in this word */
            for (uint32_t j = n; j > k && !again; j = s->from[j])
                again = s->best[j] == s->best[k];
            s->words[s->best[k]] += again ? 0 : count;
        }
    }
}

/* Runs fn over all words and adds up what the threads counted. */
static void sum_words(em *m, yh_range_fn fn)
{
    uint32_t n = m->p->n;
    for (int i = 0; i < m->threads; i++) {
        memset(m->scratch[i].sum, 0, n * sizeof(int64_t));
        memset(m->scratch[i].words, 0, n * sizeof(int64_t));
    }
    yh_pool_run_dynamic(m->pool, m->w->n, GRAIN, fn, m);
    m->sum = m->scratch[0].sum;
    m->words = m->scratch[0].words;
    for (int i = 1; i < m->threads; i++)
        for (uint32_t v = 0; v < n; v++) {
            m->sum[v] += m->scratch[i].sum[v];
            m->words[v] += m->scratch[i].words[v];
        }
}

/* ---- the model ---- */

static yh_status build_trie(em *m, yh_err *err)
{
    const yh_piece_list *p = m->p;
    yh_datrie_key *key = yh_malloc(((size_t)p->n + 1) * sizeof *key);
    if (key == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < p->n; i++) {
        key[i] = (yh_datrie_key){p->blob + p->at[i], p->at[i + 1] - p->at[i], i};
        m->prob[i] = exp(p->score[i]);
    }
    yh_datrie_fini(&m->trie);
    memset(&m->trie, 0, sizeof m->trie);
    yh_status s = yh_datrie_build(&m->trie, key, p->n, NULL, err);
    yh_free(key);
    return s;
}

/* Leaves the pieces whose mark is set, in their order. */
static void leave(em *m, const bool *stays)
{
    yh_piece_list *p = m->p;
    uint32_t to = 0;
    size_t len = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t begin = p->at[i], n = p->at[i + 1] - begin;
        if (!stays[i])
            continue;
        memmove(p->blob + len, p->blob + begin, n);
        p->at[to] = (uint32_t)len;
        p->score[to++] = p->score[i];
        len += n;
    }
    p->at[to] = (uint32_t)len;
    p->len = len;
    p->n = to;
}

/* New scores from the expected counts; rare pieces take no part until the next removal. */
static void maximise(em *m)
{
    yh_piece_list *p = m->p;
    double all = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        double c = (double)m->sum[i] / m->scale;
        if (c < RARE)
            c = i < m->chars ? RARE : 0;
        all += c;
        p->score[i] = c;
    }
    double log_all = digamma(all);
    for (uint32_t i = 0; i < p->n; i++) {
        p->score[i] = p->score[i] > 0 ? digamma(p->score[i]) - log_all : NEVER;
        m->prob[i] = exp(p->score[i]);
    }
}

/* What the text's likelihood would lose without each piece; below zero: nothing. */
static void lose_pieces(void *arg, int64_t begin, int64_t end, int thread)
{
    em *m = arg;
    scratch *s = &m->scratch[thread];
    const yh_piece_list *p = m->p;
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *t = (const uint8_t *)p->blob + p->at[i];
        uint32_t n = p->at[i + 1] - p->at[i];
        m->loss[i] = -1;
        if ((uint32_t)i < m->chars || m->sum[i] == 0 || m->prob[i] == 0)
            continue;
        double other = best_path(m, s, t, n, (uint32_t)i);
        if (other == NEVER || other >= p->score[i])
            continue; /* the characters are there, so the first never holds */
        double parts = 0, with = log((double)m->sum[i]) - m->log_sum, without = 0;
        for (uint32_t k = n; k > 0; k = s->from[k])
            parts++;
        double log_alt = log(m->all + (double)m->sum[i] * (parts - 1));
        for (uint32_t k = n; k > 0; k = s->from[k])
            without += log((double)m->sum[s->best[k]] + (double)m->sum[i]) - log_alt;
        m->loss[i] = (double)m->words[i] / m->words_all * (with - without);
    }
}

typedef struct ranked {
    double loss;
    uint32_t piece;
} ranked;

static int dearest_first(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->loss != b->loss)
        return a->loss > b->loss ? -1 : 1;
    return (a->piece > b->piece) - (a->piece < b->piece);
}

static yh_status prune(em *m, uint32_t size, yh_err *err)
{
    yh_piece_list *p = m->p;
    sum_words(m, count_best);
    m->all = 0;
    for (uint32_t i = 0; i < p->n; i++)
        m->all += (double)m->sum[i];
    m->log_sum = log(m->all);
    yh_pool_run_dynamic(m->pool, p->n, GRAIN, lose_pieces, m);
    ranked *rank = yh_malloc(((size_t)p->n + 1) * sizeof *rank);
    bool *stays = yh_calloc((size_t)p->n + 1, sizeof *stays);
    yh_status s = rank != NULL && stays != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < p->n; i++) {
            stays[i] = i < m->chars;
            if (m->loss[i] >= 0)
                rank[n++] = (ranked){m->loss[i], i};
        }
        qsort(rank, n, sizeof *rank, dearest_first);
        for (uint32_t k = 0, left = m->chars; k < n && left < size; k++, left++)
            stays[rank[k].piece] = true;
        leave(m, stays);
    }
    yh_free(rank);
    yh_free(stays);
    return s == YH_OK ? build_trie(m, err) : s;
}

static void em_fini(em *m)
{
    for (int i = 0; i < m->threads && m->scratch != NULL; i++) {
        scratch *s = &m->scratch[i];
        yh_free(s->sum);
        yh_free(s->words);
        yh_free(s->alpha);
        yh_free(s->beta);
        yh_free(s->best);
        yh_free(s->from);
    }
    yh_free(m->scratch);
    yh_free(m->prob);
    yh_free(m->loss);
    yh_datrie_fini(&m->trie);
}

static yh_status em_init(em *m, yh_err *err)
{
    uint64_t mass = 1;
    m->longest = 4 * YH_UNIGRAM_CHARS;
    for (uint32_t i = 0; i < m->w->n; i++) {
        uint32_t n = m->w->at[i + 1] - 1 - m->w->at[i];
        m->longest = n > m->longest ? n : m->longest;
        mass += (uint64_t)m->w->count[i] * (n + 1);
        m->words_all += (double)m->w->count[i];
    }
    /* the sum of all expectations stays below 2^62 */
    m->scale = ldexp(1, 61 - (int)ceil(log2((double)mass)));
    m->threads = yh_pool_threads(m->pool);
    m->prob = yh_malloc(((size_t)m->p->n + 1) * sizeof *m->prob);
    m->loss = yh_malloc(((size_t)m->p->n + 1) * sizeof *m->loss);
    m->scratch = yh_calloc((size_t)m->threads, sizeof *m->scratch);
    if (m->prob == NULL || m->loss == NULL || m->scratch == NULL)
        return no_memory(err);
    for (int i = 0; i < m->threads; i++) {
        scratch *s = &m->scratch[i];
        size_t n = (size_t)m->longest + 1;
        s->sum = yh_malloc(((size_t)m->p->n + 1) * sizeof *s->sum);
        s->words = yh_malloc(((size_t)m->p->n + 1) * sizeof *s->words);
        s->alpha = yh_malloc(n * sizeof *s->alpha);
        s->beta = yh_malloc(n * sizeof *s->beta);
        s->best = yh_malloc(n * sizeof *s->best);
        s->from = yh_malloc(n * sizeof *s->from);
        if (s->sum == NULL || s->words == NULL || s->alpha == NULL || s->beta == NULL ||
            s->best == NULL || s->from == NULL)
            return no_memory(err);
    }
    return build_trie(m, err);
}

/* The characters and the best of the others, by falling score. */
static yh_status finish(em *m, uint32_t size, yh_piece_list *out, yh_err *err)
{
    const yh_piece_list *p = m->p;
    ranked *rank = yh_malloc(((size_t)p->n + 1) * sizeof *rank);
    if (rank == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < p->n; i++)
        rank[i] = (ranked){p->score[i], i};
    qsort(rank + m->chars, p->n - m->chars, sizeof *rank, dearest_first);
    uint32_t n = p->n < size ? p->n : size;
    while (n > m->chars && rank[n - 1].loss == NEVER)
        n--;
    qsort(rank, n, sizeof *rank, dearest_first);
    yh_status s = YH_OK;
    for (uint32_t i = 0; i < n && s == YH_OK; i++) {
        uint32_t k = rank[i].piece;
        s = yh_piece_list_add(out, p->blob + p->at[k], p->at[k + 1] - p->at[k], p->score[k], err);
    }
    yh_free(rank);
    return s;
}

/* As many seeds as the trie takes. */
static yh_status seeds_and_trie(em *m, uint32_t size, yh_err *err)
{
    uint32_t most = YH_UNIGRAM_SEEDS;
    if (size > YH_UNIGRAM_SEEDS / 4)
        most = size < UINT32_MAX / 4 ? size * 4 : size;
    for (;; most /= 2) {
        yh_err mine = YH_ERR_INIT;
        YH_TRY(yh_unigram_seed(m->w, most, m->pool, m->p, &m->chars, err));
        yh_status s = em_init(m, &mine);
        if (s == YH_OK || s != YH_LIMIT || most / 2 <= size)
            return s == YH_OK ? s : yh_fail(err, s, "%s", mine.msg);
        em_fini(m);
        yh_piece_list_fini(m->p);
        *m = (em){.w = m->w, .p = m->p, .pool = m->pool};
    }
}

yh_status yh_unigram_train(const yh_uni_words *w, uint32_t size, yh_pool *pool,
                           void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                           yh_piece_list *out, yh_err *err)
{
    yh_piece_list pieces = {0};
    em m = {.w = w, .p = &pieces, .pool = pool};
    memset(out, 0, sizeof *out);
    yh_status s = seeds_and_trie(&m, size, err);
    double aim = (double)size * TOO_MANY, begin = log((double)pieces.n + 1);
    while (s == YH_OK) {
        for (int i = 0; i < ROUNDS; i++) {
            sum_words(&m, expect_words);
            maximise(&m);
        }
        if (progress != NULL) { /* the pieces fall by a fixed factor */
            double part = (begin - log((double)pieces.n + 1)) / (begin - log(aim + 1) + 1e-9);
            progress(user, part > 1 ? 1000 : part > 0 ? (uint64_t)(1000 * part) : 0, 1000);
        }
        if (yh_stop_requested())
            s = yh_fail(err, YH_STOPPED, "stopped");
        if (s != YH_OK || pieces.n <= (uint32_t)aim || pieces.n <= m.chars)
            break;
        double next = (double)pieces.n * KEPT;
        uint32_t had = pieces.n;
        s = prune(&m, (uint32_t)(next > aim ? next : aim), err);
        if (pieces.n == had)
            break;
    }
    if (s == YH_OK && m.chars > size)
        s = yh_fail(err, YH_INVALID,
                    "the text has %u characters that must be tokens, more than the vocabulary has "
                    "room for (%u); give more with --vocab, or less with --coverage",
                    m.chars, size);
    if (s == YH_OK)
        s = finish(&m, size, out, err);
    em_fini(&m);
    yh_piece_list_fini(&pieces);
    return s;
}
