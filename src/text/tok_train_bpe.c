/* From counted words to a byte-level BPE tokenizer. */
#include "text/bpe.h"
#include "text/bpe_train.h"
#include "text/tok_impl.h"
#include "text/tok_trainer.h"

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to train the tokenizer");
}

/* Words that make up less of the text are left out rather than brought to disk. */
#define RARE 0.01
/* Positions are 32 bits wide. */
#define SYMBOLS_MOST ((uint64_t)UINT32_MAX - 1)

typedef struct gathering {
    const yh_train_words *w;
    uint32_t *at[YH_WORD_SHARDS];
    size_t behind[YH_WORD_SHARDS];
    uint32_t symbol[256];
    int64_t least;
} gathering;

static bool gather_word(void *user, int shard, const uint8_t *t, size_t n, int64_t count)
{
    gathering *g = user;
    if (count >= g->least && n > 1) {
        g->at[shard] = yh_train_word_put(g->at[shard], t, n, count, g->symbol);
        yh_train_words_passed(g->w, &g->behind[shard], (size_t)(g->at[shard] - g->w->data));
    }
    return true;
}

/* Which words to merge, and whether in memory (*memory 0) or on disk. */
static yh_status choose(yh_tok_trainer *t, yh_train_choice *c, uint64_t *memory, yh_err *err)
{
    *memory = 0;
    /* symbols, lists, and what an index takes while it is made */
    YH_TRY(yh_train_choose(t, t->memory, 16, 8, c, err));
    if (c->left_out >= RARE) {
        *memory = t->memory;
        YH_TRY(yh_train_choose(t, SYMBOLS_MOST, YH_TRAIN_HEAD, 1, c, err));
        if (c->left_out > 0.5)
            return yh_fail(err, YH_LIMIT,
                           "the different words have %llu bytes, more than the 4 billion that can "
                           "be merged; train on a part of the corpus",
                           (unsigned long long)c->all);
    }
    return YH_OK;
}

static yh_status gather(yh_tok_trainer *t, yh_train_words *w, yh_err *err)
{
    gathering g = {.w = w};
    yh_train_choice c;
    uint64_t all = 0, memory;
    YH_TRY(choose(t, &c, &memory, err));
    g.least = c.least;
    for (uint32_t i = 0; i < 256; i++)
        g.symbol[yh_byte_order[i]] = i;
    for (int k = 0; k < YH_WORD_SHARDS; k++)
        all += c.words[k] * YH_TRAIN_HEAD + c.bytes[k];
    if (all > SYMBOLS_MOST)
        return yh_fail(err, YH_LIMIT,
                       "the different words have more than 4 billion bytes in all; "
                       "give less --memory to leave the rarest out");
    YH_TRY(yh_train_words_open(w, (size_t)all + 1, t->work, memory, err));
    size_t from[YH_WORD_SHARDS], at = 0;
    for (int k = 0; k < YH_WORD_SHARDS; k++) {
        from[k] = g.behind[k] = at;
        g.at[k] = w->data + at;
        at += c.words[k] * YH_TRAIN_HEAD + c.bytes[k];
    }
    YH_TRY(yh_words_each(t->words, t->pool, false, true, gather_word, &g, err));
    /* words of one byte left room */
    size_t behind = 0;
    for (int k = 0; k < YH_WORD_SHARDS; k++) {
        size_t n = (size_t)(g.at[k] - w->data) - from[k];
        memmove(w->data + w->len, w->data + from[k], n * sizeof *w->data);
        w->len += n;
        yh_train_words_passed(w, &behind, w->len);
    }
    return YH_OK;
}

static yh_status make_tokens(const yh_train_merges *m, yh_buf *bytes, const char **token,
                             size_t *len, yh_err *err)
{
    size_t *at = yh_malloc((256 + (size_t)m->n) * sizeof *at);
    yh_status s = at != NULL ? YH_OK : no_memory(err);
    uint32_t n = 0;
    for (; n < 256 && s == YH_OK; n++) {
        at[n] = bytes->len;
        len[n] = 1;
        s = yh_buf_add(bytes, &yh_byte_order[n], 1, err);
    }
    for (uint32_t i = 0; i < m->n && s == YH_OK; i++) {
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
    const char **token = yh_malloc((256 + (size_t)m->n) * sizeof *token);
    size_t *len = yh_malloc((256 + (size_t)m->n) * sizeof *len);
    json_t *json = NULL, *config = NULL;
    yh_buf bytes;
    yh_buf_init(&bytes, 0);
    yh_status s = token != NULL && len != NULL ? YH_OK : no_memory(err);
    if (s == YH_OK)
        s = make_tokens(m, &bytes, token, len, err);
    if (s == YH_OK)
        s = yh_tok_make_json(&json, token, len, 256 + m->n, m->left, m->right, m->n,
                             t->pattern_text, (const char *const *)t->special, t->specials, err);
    if (s == YH_OK)
        s = yh_tok_make_config(&config, t->specials > 0 ? t->special[0] : NULL, err);
    if (s == YH_OK)
        s = yh_tok_from_json(out, json, config, "the trained tokenizer", err);
    json_decref(json);
    json_decref(config);
    yh_buf_fini(&bytes);
    yh_free(token);
    yh_free(len);
    return s;
}

/* The bytes that the special tokens' texts mean in the vocabulary, where each byte has a character:
 * a token of this text would be both. */
static yh_status reserve(const yh_tok_trainer *t, yh_buf *text, yh_train_words *w, yh_err *err)
{
    bool mapped;
    w->reserved = text;
    for (uint32_t i = 0; i < t->specials; i++) {
        yh_buf *b = &text[w->reserved_n];
        YH_TRY(yh_byte_text(t->special[i], strlen(t->special[i]), b, &mapped, err));
        if (mapped)
            w->reserved_n++;
        else
            yh_buf_clear(b);
    }
    return YH_OK;
}

yh_status yh_train_bpe(yh_tok_trainer *t, yh_train_progress progress, void *user, yh_tok **out,
                       yh_err *err)
{
    yh_train_words w = {0};
    yh_train_merges m = {0};
    yh_buf *reserved = yh_calloc((size_t)t->specials + 1, sizeof *reserved);
    yh_status s = reserved != NULL ? reserve(t, reserved, &w, err) : no_memory(err);
    if (s == YH_OK)
        s = gather(t, &w, err);
    if (s == YH_OK)
        s = yh_bpe_train(&w, t->vocab - t->specials, t->min_count, t->pool, progress, user, &m,
                         err);
    yh_train_words_close(&w);
    for (uint32_t i = 0; i < t->specials && reserved != NULL; i++)
        yh_buf_fini(&reserved[i]);
    yh_free(reserved);
    if (s == YH_OK)
        s = make_tok(t, &m, out, err);
    if (s == YH_OK && yh_tok_size(*out) < t->vocab)
        yh_log(YH_LOG_WARN,
               "the text has no more pairs that occur %lld times: the vocabulary has %u tokens "
               "instead of %u",
               (long long)t->min_count, yh_tok_size(*out), t->vocab);
    yh_train_merges_fini(&m);
    return s;
}
