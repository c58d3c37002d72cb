/* Training a tokenizer: counting words over all documents, then merging. */
#include "base/hash.h"
#include "base/thread.h"
#include "text/bpe_train.h"
#include "text/tok_impl.h"
#include "text/utf8.h"

/* BATCH: text that is counted at once. PIECE: a worker's share. WORD_MAX: longer words (spaceless
 * runs) are counted in pieces of at most so many bytes, so that neither memory nor a merge grows
 * with them. WORDS_MEMORY: bytes of counted words above which rare ones are forgotten. */
enum { SHARDS = 16, BATCH = 16 << 20, PIECE = 256 << 10, WORD_MAX = 1024 };
#define WORDS_MEMORY ((size_t)1536 << 20)

static const char *const specials[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
enum { SPECIALS = 3 };

typedef struct counted {
    uint64_t hash, at; /* word: bytes at `at` of the blob */
    int64_t count;     /* 0: empty slot */
    uint32_t len;
} counted;

typedef struct words {
    counted *slot;
    size_t slots, n;
    char *blob;
    size_t len, cap;
} words;

typedef struct span {
    size_t begin, end;
} span;

typedef struct worker {
    words words;
    yh_scan_state *scan;
    yh_buf repaired, normal;
    yh_err err;
    yh_status status;
} worker;

struct yh_tok_trainer {
    yh_pattern *pattern;
    char *pattern_text;
    uint32_t vocab;
    yh_pool *pool;
    worker *worker;
    int workers;
    char *batch;
    size_t batch_len, batch_cap;
    span *piece;
    size_t pieces, piece_cap;
    words shard[SHARDS];
    yh_err shard_err[SHARDS];
    uint64_t forgotten;
};

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to count words");
}

static yh_status words_grow(words *w, yh_err *err)
{
    size_t slots = w->slots == 0 ? 1024 : w->slots * 2;
    counted *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return no_memory(err);
    for (size_t i = 0; i < w->slots; i++) {
        if (w->slot[i].count == 0)
            continue;
        size_t k = w->slot[i].hash & (slots - 1);
        while (slot[k].count != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = w->slot[i];
    }
    yh_free(w->slot);
    w->slot = slot;
    w->slots = slots;
    return YH_OK;
}

static yh_status words_add(words *w, const char *text, uint32_t n, uint64_t hash, int64_t count,
                           yh_err *err)
{
    if (w->n * 2 >= w->slots)
        YH_TRY(words_grow(w, err));
    size_t k = hash & (w->slots - 1);
    for (; w->slot[k].count != 0; k = (k + 1) & (w->slots - 1))
        if (w->blob != NULL && w->slot[k].hash == hash && w->slot[k].len == n &&
            memcmp(w->blob + w->slot[k].at, text, n) == 0) {
            w->slot[k].count += count;
            return YH_OK;
        }
    char *blob = yh_grow(w->blob, &w->cap, w->len + n, 1);
    if (blob == NULL)
        return no_memory(err);
    w->blob = blob;
    memcpy(blob + w->len, text, n);
    w->slot[k] = (counted){hash, w->len, count, n};
    w->len += n;
    w->n++;
    return YH_OK;
}

static void words_fini(words *w)
{
    yh_free(w->slot);
    yh_free(w->blob);
    memset(w, 0, sizeof *w);
}

/* ---- counting one piece of text ---- */

static yh_status count_word(words *w, const uint8_t *t, size_t n, yh_err *err)
{
    while (n > 0) {
        size_t k = n;
        if (k > WORD_MAX)
            for (k = WORD_MAX; (t[k] & 0xC0) == 0x80;)
                k--;
        YH_TRY(words_add(w, (const char *)t, (uint32_t)k, yh_hash64(t, k, 0), 1, err));
        t += k;
        n -= k;
    }
    return YH_OK;
}

static yh_status count_text(const yh_tok_trainer *t, worker *w, const uint8_t *text, size_t n)
{
    if (yh_utf8_valid(text, n) != n) {
        yh_buf_clear(&w->repaired);
        YH_TRY(yh_utf8_repair(text, n, &w->repaired, &w->err));
        text = (const uint8_t *)w->repaired.data;
        n = w->repaired.len;
    }
    if (yh_nfc_prefix(text, n) != n) {
        yh_buf_clear(&w->normal);
        YH_TRY(yh_nfc(text, n, &w->normal, NULL, &w->err));
        text = (const uint8_t *)w->normal.data;
        n = w->normal.len;
    }
    for (size_t at = 0; at < n;) {
        size_t b, e;
        YH_TRY(yh_scan_next(t->pattern, w->scan, text, n, at, &b, &e, &w->err));
        if (b > at)
            YH_TRY(count_word(&w->words, text + at, b - at, &w->err));
        YH_TRY(count_word(&w->words, text + b, e - b, &w->err));
        at = e;
    }
    return YH_OK;
}

static void count_pieces(void *arg, int64_t begin, int64_t end, int index)
{
    yh_tok_trainer *t = arg;
    worker *w = &t->worker[index];
    for (int64_t i = begin; i < end && w->status == YH_OK; i++)
        w->status = count_text(t, w, (const uint8_t *)t->batch + t->piece[i].begin,
                               t->piece[i].end - t->piece[i].begin);
}

/* Shard s of the sum takes its words from every worker: sums do not depend on who counted. */
static void merge_shards(void *arg, int64_t begin, int64_t end, int index)
{
    yh_tok_trainer *t = arg;
    (void)index;
    for (int64_t s = begin; s < end; s++)
        for (int k = 0; k < t->workers; k++) {
            const words *w = &t->worker[k].words;
            for (size_t i = 0; i < w->slots; i++)
                if (w->slot[i].count != 0 && (int64_t)(w->slot[i].hash >> 60) == s &&
                    words_add(&t->shard[s], w->blob + w->slot[i].at, w->slot[i].len,
                              w->slot[i].hash, w->slot[i].count, &t->shard_err[s]) != YH_OK)
                    return;
        }
}

static size_t memory_of(const yh_tok_trainer *t)
{
    size_t sum = 0;
    for (int s = 0; s < SHARDS; s++)
        sum += t->shard[s].len + t->shard[s].n * 2 * sizeof(counted);
    return sum;
}

static yh_status forget(words *w, int64_t below, uint64_t *forgotten, yh_err *err)
{
    words kept = {0};
    for (size_t i = 0; i < w->slots; i++) {
        const counted *c = &w->slot[i];
        if (c->count == 0)
            continue;
        if (c->count < below) {
            *forgotten += 1;
            continue;
        }
        yh_status s = words_add(&kept, w->blob + c->at, c->len, c->hash, c->count, err);
        if (s != YH_OK) {
            words_fini(&kept);
            return s;
        }
    }
    words_fini(w);
    *w = kept;
    return YH_OK;
}

static yh_status flush(yh_tok_trainer *t, yh_err *err)
{
    if (t->batch_len == 0)
        return YH_OK;
    yh_pool_run_dynamic(t->pool, (int64_t)t->pieces, 1, count_pieces, t);
    for (int i = 0; i < t->workers; i++)
        if (t->worker[i].status != YH_OK)
            return yh_fail(err, t->worker[i].status, "%s", t->worker[i].err.msg);
    yh_pool_run_dynamic(t->pool, SHARDS, 1, merge_shards, t);
    for (int s = 0; s < SHARDS; s++)
        if (t->shard_err[s].code != YH_OK)
            return yh_fail(err, t->shard_err[s].code, "%s", t->shard_err[s].msg);
    for (int i = 0; i < t->workers; i++) {
        words *w = &t->worker[i].words;
        w->n = w->len = 0;
        if (w->slots > 0)
            memset(w->slot, 0, w->slots * sizeof *w->slot);
    }
    t->batch_len = t->pieces = 0;
    for (int64_t below = 2; memory_of(t) > WORDS_MEMORY; below *= 2)
        for (int s = 0; s < SHARDS; s++)
            YH_TRY(forget(&t->shard[s], below, &t->forgotten, err));
    return YH_OK;
}

/* ---- cutting documents ---- */

/* First place at or behind `from` where a document may be cut without changing its words: behind a
 * newline, before a character that is neither white space nor able to combine. True of the patterns
 * of Llama 3 and Qwen2 only. */
static size_t find_cut(const uint8_t *t, size_t n, size_t from)
{
    while (from < n) {
        const uint8_t *p = memchr(t + from, '\n', n - from);
        if (p == NULL)
            return n;
        from = (size_t)(p - t) + 1;
        uint32_t cp;
        if (from < n && yh_utf8_decode(t + from, n - from, &cp) > 0) {
            uint8_t k = yh_uc_class(cp);
            if ((k & YH_UC_SAFE) && !(k & YH_UC_S))
                return from;
        }
    }
    return n;
}

static yh_status add_piece(yh_tok_trainer *t, const char *text, size_t n, yh_err *err)
{
    char *batch = yh_grow(t->batch, &t->batch_cap, t->batch_len + n, 1);
    if (batch != NULL)
        t->batch = batch;
    span *piece = yh_grow(t->piece, &t->piece_cap, t->pieces + 1, sizeof *piece);
    if (piece != NULL)
        t->piece = piece;
    if (batch == NULL || piece == NULL)
        return no_memory(err);
    memcpy(batch + t->batch_len, text, n);
    piece[t->pieces++] = (span){t->batch_len, t->batch_len + n};
    t->batch_len += n;
    return t->batch_len >= BATCH ? flush(t, err) : YH_OK;
}

yh_status yh_tok_trainer_add(yh_tok_trainer *t, const char *text, size_t n, yh_err *err)
{
    yh_scan kind = yh_pattern_kind(t->pattern);
    bool may_cut = kind == YH_SCAN_LLAMA3 || kind == YH_SCAN_QWEN2;
    while (n > 0) {
        size_t k = may_cut && n > PIECE ? find_cut((const uint8_t *)text, n, PIECE / 2) : n;
        YH_TRY(add_piece(t, text, k, err));
        text += k;
        n -= k;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return YH_OK;
}

/* ---- life ---- */

yh_status yh_tok_trainer_create(yh_tok_trainer **out, const yh_tok_train_options *o, yh_err *err)
{
    const char *pattern = o->pattern != NULL ? o->pattern : YH_PATTERN_QWEN2;
    *out = NULL;
    uint32_t vocab = o->vocab != 0 ? o->vocab : 32768;
    if (vocab < 256 + SPECIALS || vocab >= YH_MAX_TOKENS)
        return yh_fail(err, YH_INVALID, "a vocabulary of %u: must be %d to %u", vocab,
                       256 + SPECIALS, YH_MAX_TOKENS - 1);
    yh_tok_trainer *t = yh_calloc(1, sizeof *t);
    if (t == NULL)
        return no_memory(err);
    t->vocab = vocab;
    t->pattern_text = yh_strdup(pattern);
    yh_status s = t->pattern_text != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK)
        s = yh_pattern_create(&t->pattern, pattern, false, "pattern", err);
    if (s == YH_OK)
        s = yh_pool_create(&t->pool, o->threads, err);
    if (s == YH_OK) {
        t->workers = yh_pool_threads(t->pool);
        t->worker = yh_calloc((size_t)t->workers, sizeof *t->worker);
        if (t->worker == NULL)
            s = no_memory(err);
    }
    for (int i = 0; i < t->workers && s == YH_OK; i++)
        s = yh_scan_state_create(&t->worker[i].scan, t->pattern, err);
    if (s != YH_OK)
        yh_tok_trainer_free(t);
    else
        *out = t;
    return s;
}

void yh_tok_trainer_free(yh_tok_trainer *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < t->workers && t->worker != NULL; i++) {
        words_fini(&t->worker[i].words);
        yh_scan_state_free(t->worker[i].scan);
        yh_buf_fini(&t->worker[i].repaired);
        yh_buf_fini(&t->worker[i].normal);
    }
    yh_free(t->worker);
    yh_pool_free(t->pool);
    for (int s = 0; s < SHARDS; s++)
        words_fini(&t->shard[s]);
    yh_pattern_free(t->pattern);
    yh_free(t->pattern_text);
    yh_free(t->batch);
    yh_free(t->piece);
    yh_free(t);
}

/* ---- from words to a tokenizer ---- */

static yh_status gather(yh_tok_trainer *t, yh_train_words *w, yh_err *err)
{
    uint32_t order[256];
    size_t n = 0, bytes = 0;
    for (uint32_t i = 0; i < 256; i++)
        order[yh_byte_order[i]] = i;
    for (int s = 0; s < SHARDS; s++) {
        n += t->shard[s].n;
        bytes += t->shard[s].len;
    }
    if (n >= UINT32_MAX)
        return yh_fail(err, YH_LIMIT, "more than 4 billion different words");
    w->sym = yh_malloc((bytes + 1) * sizeof *w->sym);
    w->start = yh_malloc((n + 1) * sizeof *w->start);
    w->count = yh_malloc((n + 1) * sizeof *w->count);
    if (w->sym == NULL || w->start == NULL || w->count == NULL)
        return no_memory(err);
    uint64_t at = 0;
    for (int s = 0; s < SHARDS; s++) {
        const words *from = &t->shard[s];
        for (size_t i = 0; i < from->slots; i++) {
            const counted *c = &from->slot[i];
            if (c->count == 0 || c->len < 2)
                continue;
            w->start[w->n] = at;
            w->count[w->n++] = c->count;
            for (uint32_t k = 0; k < c->len; k++)
                w->sym[at++] = order[(uint8_t)from->blob[c->at + k]];
        }
        words_fini(&t->shard[s]);
    }
    w->start[w->n] = at;
    return YH_OK;
}

static yh_status make_tokens(const yh_train_merges *m, yh_buf *bytes, const char **token,
                             size_t *len, yh_err *err)
{
    size_t *at = yh_malloc((size_t)m->tokens * sizeof *at);
    yh_status s = at != NULL ? YH_OK : no_memory(err);
    uint32_t n = 0;
    for (; n < 256 && s == YH_OK; n++) {
        at[n] = bytes->len;
        len[n] = 1;
        s = yh_buf_add(bytes, &yh_byte_order[n], 1, err);
    }
    for (uint32_t i = 0; i < m->n && s == YH_OK; i++) {
        if (m->result[i] != n)
            continue; /* a text that is there already */
        size_t l = len[m->left[i]], r = len[m->right[i]];
        at[n] = bytes->len;
        len[n] = l + r;
        s = yh_buf_reserve(bytes, l + r, err);
        if (s == YH_OK)
            s = yh_buf_add(bytes, bytes->data + at[m->left[i]], l, err);
        if (s == YH_OK)
            s = yh_buf_add(bytes, bytes->data + at[m->right[i]], r, err);
        n++;
    }
    for (uint32_t i = 0; i < n && s == YH_OK; i++)
        token[i] = bytes->data + at[i];
    yh_free(at);
    return s;
}

static yh_status make_tok(const yh_tok_trainer *t, const yh_train_merges *m, yh_tok **out,
                          yh_err *err)
{
    const char **token = yh_malloc((size_t)m->tokens * sizeof *token);
    size_t *len = yh_malloc((size_t)m->tokens * sizeof *len);
    json_t *json = NULL, *config = NULL;
    yh_buf bytes;
    yh_buf_init(&bytes, 0);
    yh_status s = token != NULL && len != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK)
        s = make_tokens(m, &bytes, token, len, err);
    if (s == YH_OK)
        s = yh_tok_make_json(&json, token, len, m->tokens, m->left, m->right, m->n, t->pattern_text,
                             specials, SPECIALS, err);
    if (s == YH_OK)
        s = yh_tok_make_config(&config, err);
    if (s == YH_OK)
        s = yh_tok_from_json(out, json, config, "the trained tokenizer", err);
    json_decref(json);
    json_decref(config);
    yh_buf_fini(&bytes);
    yh_free(token);
    yh_free(len);
    return s;
}

yh_status yh_tok_trainer_finish(yh_tok_trainer *t,
                                void (*progress)(void *user, uint64_t done, uint64_t total),
                                void *user, yh_tok **out, yh_err *err)
{
    yh_train_words w = {0};
    yh_train_merges m = {0};
    *out = NULL;
    yh_status s = flush(t, err);
    if (s == YH_OK)
        s = gather(t, &w, err);
    if (s == YH_OK)
        s = yh_bpe_train(&w, t->vocab - SPECIALS, progress, user, &m, err);
    yh_free(w.sym);
    yh_free(w.start);
    yh_free(w.count);
    if (s == YH_OK)
        s = make_tok(t, &m, out, err);
    if (s == YH_OK && t->forgotten > 0)
        yh_log(YH_LOG_INFO, "tokenizer: %llu rare words were forgotten to bound memory",
               (unsigned long long)t->forgotten);
    if (s == YH_OK && yh_tok_size(*out) < t->vocab)
        yh_log(YH_LOG_WARN,
               "the text has no more pairs that occur twice: the vocabulary has %u tokens instead "
               "of %u",
               yh_tok_size(*out), t->vocab);
    yh_train_merges_fini(&m);
    return s;
}
