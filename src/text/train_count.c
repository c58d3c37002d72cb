/* Counting the words of all documents by all threads, while the caller reads: one batch of pieces
 * is counted as the next one is filled. Which thread counts a piece does not matter to the sums. */
#include <errno.h>
#include <pthread.h>

#include "base/thread.h"
#include "text/tok_trainer.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* Bytes of a batch: more for many threads, less in little memory. Words longer than WORD_CUT
 * (spaceless runs) are counted in pieces of that size, so that neither memory nor a merge grows
 * with them. */
enum { BATCH_LEAST = 64 << 10, BATCH_THREAD = 256 << 10, BATCH_MOST = 16 << 20, WORD_CUT = 1024 };

typedef struct span {
    size_t begin, end;
} span;

typedef struct batch {
    char *text;
    size_t len, cap;
    span *piece;
    size_t pieces, piece_cap;
} batch;

/* A helper thread and its index among the workers; the caller is worker 0. */
typedef struct helper {
    yh_tok_trainer *trainer;
    pthread_t thread;
    int index;
} helper;

struct yh_train_counters {
    batch batch[2];
    size_t most;     /* bytes of a batch */
    int fill;        /* the batch that the caller fills; the other one is counted */
    yh_buf *scratch; /* [worker]: text repaired, text normalised */
    helper *helper;
    int helpers;
    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    size_t next,
        busy; /* piece of the counted batch that nobody has; pieces that are being counted */
    bool quit;
};

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to count words");
}

/* ---- counting one piece of text ---- */

static yh_status count_long(yh_words_local *w, const uint8_t *t, size_t n, yh_err *err)
{
    while (n > 0) {
        size_t k = n;
        if (k > WORD_CUT)
            for (k = WORD_CUT; (t[k] & 0xC0) == 0x80;)
                k--;
        YH_TRY(yh_words_add(w, t, k, err));
        t += k;
        n -= k;
    }
    return YH_OK;
}

static yh_status count_words(const yh_pattern *p, yh_train_worker *w, const uint8_t *t, size_t n)
{
    yh_scan kind = yh_pattern_kind(p);
    if (kind != YH_SCAN_REGEX) {
        for (size_t at = 0; at < n;) {
            size_t e = yh_scan_word(kind, t, n, at);
            YH_TRY(e - at <= WORD_CUT ? yh_words_add(w->words, t + at, e - at, &w->err)
                                      : count_long(w->words, t + at, e - at, &w->err));
            at = e;
        }
        return YH_OK;
    }
    for (size_t at = 0; at < n;) {
        size_t b, e;
        YH_TRY(yh_scan_next(p, w->scan, t, n, at, &b, &e, &w->err));
        if (b > at)
            YH_TRY(count_long(w->words, t + at, b - at, &w->err));
        YH_TRY(count_long(w->words, t + b, e - b, &w->err));
        at = e;
    }
    return YH_OK;
}

static yh_status count_text(const yh_tok_trainer *t, yh_train_worker *w, yh_buf scratch[2],
                            const uint8_t *text, size_t n)
{
    yh_buf *repaired = &scratch[0], *normal = &scratch[1];
    if (yh_utf8_valid(text, n) != n) {
        yh_buf_clear(repaired);
        YH_TRY(yh_utf8_repair(text, n, repaired, &w->err));
        text = (const uint8_t *)repaired->data;
        n = repaired->len;
    }
    if (yh_nfc_prefix(text, n) != n) {
        yh_buf_clear(normal);
        YH_TRY(yh_nfc(text, n, normal, NULL, &w->err));
        text = (const uint8_t *)normal->data;
        n = normal->len;
    }
    return t->kind == YH_TOK_UNIGRAM ? yh_train_count_unigram(w->words, text, n, &w->err)
                                     : count_words(t->pattern, w, text, n);
}

/* ---- threads ---- */

/* Counts pieces of the published batch until nobody lacks one. Under lock, which it lets go of
 * while it counts. */
static void help(yh_tok_trainer *t, int index)
{
    struct yh_train_counters *c = t->counters;
    yh_train_worker *w = &t->worker[index];
    for (;;) {
        const batch *b = &c->batch[!c->fill];
        if (c->next >= b->pieces)
            return;
        span p = b->piece[c->next++];
        c->busy++;
        pthread_mutex_unlock(&c->lock);
        if (w->err.code == YH_OK) {
            yh_status s = count_text(t, w, c->scratch + 2 * (size_t)index,
                                     (const uint8_t *)b->text + p.begin, p.end - p.begin);
            if (s != YH_OK && w->err.code == YH_OK)
                yh_fail(&w->err, s, "cannot count words");
        }
        pthread_mutex_lock(&c->lock);
        if (--c->busy == 0 && c->next >= b->pieces)
            pthread_cond_signal(&c->idle);
    }
}

static void *helper_main(void *arg)
{
    helper *h = arg;
    struct yh_train_counters *c = h->trainer->counters;
    pthread_mutex_lock(&c->lock);
    while (!c->quit) {
        help(h->trainer, h->index);
        if (!c->quit)
            pthread_cond_wait(&c->work, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Returns when the published batch is counted. */
static yh_status settle(yh_tok_trainer *t, yh_err *err)
{
    struct yh_train_counters *c = t->counters;
    pthread_mutex_lock(&c->lock);
    help(t, 0);
    while (c->busy > 0)
        pthread_cond_wait(&c->idle, &c->lock);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < t->workers; i++)
        if (t->worker[i].err.code != YH_OK)
            return yh_fail(err, t->worker[i].err.code, "%s", t->worker[i].err.msg);
    return YH_OK;
}

/* Gives the filled batch to the counters, once they are done with the one before. */
static yh_status publish(yh_tok_trainer *t, yh_err *err)
{
    struct yh_train_counters *c = t->counters;
    YH_TRY(settle(t, err));
    pthread_mutex_lock(&c->lock);
    c->fill = !c->fill;
    c->batch[c->fill].len = c->batch[c->fill].pieces = 0;
    c->next = 0;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    return YH_OK;
}

yh_status yh_train_count_add(yh_tok_trainer *t, const char *text, size_t n, yh_err *err)
{
    struct yh_train_counters *c = t->counters;
    if (c == NULL)
        return yh_fail(err, YH_INVALID, "the tokenizer is finished: it takes no more text");
    batch *b = &c->batch[c->fill];
    char *all = yh_grow(b->text, &b->cap, b->len + n, 1);
    if (all != NULL)
        b->text = all;
    span *piece = yh_grow(b->piece, &b->piece_cap, b->pieces + 1, sizeof *piece);
    if (piece != NULL)
        b->piece = piece;
    if (all == NULL || piece == NULL)
        return no_memory(err);
    memcpy(all + b->len, text, n);
    piece[b->pieces++] = (span){b->len, b->len + n};
    b->len += n;
    return b->len >= c->most ? publish(t, err) : YH_OK;
}

yh_status yh_train_count_all(yh_tok_trainer *t, yh_err *err)
{
    if (t->counters == NULL)
        return YH_OK;
    YH_TRY(publish(t, err));
    return settle(t, err);
}

yh_status yh_train_count_start(yh_tok_trainer *t, yh_err *err)
{
    struct yh_train_counters *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return no_memory(err);
    t->counters = c;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->idle, NULL);
    size_t most = (size_t)t->workers * BATCH_THREAD, share = (size_t)(t->memory / 64);
    most = most < BATCH_MOST ? most : BATCH_MOST;
    most = most < share ? most : share;
    c->most = most > BATCH_LEAST ? most : BATCH_LEAST;
    c->scratch = yh_calloc((size_t)t->workers * 2, sizeof *c->scratch);
    c->helper = yh_calloc((size_t)t->workers, sizeof *c->helper);
    if (c->scratch == NULL || c->helper == NULL)
        return no_memory(err);
    for (int i = 1; i < t->workers; i++) {
        helper *h = &c->helper[c->helpers];
        *h = (helper){.trainer = t, .index = i};
        int e = pthread_create(&h->thread, NULL, helper_main, h);
        if (e != 0)
            return yh_fail_errno(err, e, "cannot start thread %d of %d", i + 1, t->workers);
        c->helpers++;
    }
    return YH_OK;
}

void yh_train_count_stop(yh_tok_trainer *t)
{
    struct yh_train_counters *c = t->counters;
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    c->batch[0].pieces = c->batch[1].pieces = 0; /* what is left of a failed run */
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->helpers; i++)
        pthread_join(c->helper[i].thread, NULL);
    for (int i = 0; i < 2; i++) {
        yh_free(c->batch[i].text);
        yh_free(c->batch[i].piece);
    }
    for (int i = 0; i < 2 * t->workers && c->scratch != NULL; i++)
        yh_buf_fini(&c->scratch[i]);
    yh_free(c->scratch);
    yh_free(c->helper);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->idle);
    yh_free(c);
    t->counters = NULL;
}
