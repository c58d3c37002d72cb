/* From counted words to a unigram tokenizer: Metaspace words, byte fallback. */
#include <stdlib.h>

#include "text/script.h"
#include "text/tok_impl.h"
#include "text/tok_trainer.h"
#include "text/unigram_train.h"
#include "text/utf8.h"

/* Text that reads like <unk> or the name of a byte is made of these, which are tokens for that. */
static const char names[] = "<unk>0x123456789ABCDEF";

/* WORD_CUT: longer runs of one script are counted in pieces of at most so many bytes. */
enum { WORD_CUT = 128, UNICODE = 0x110000, BYTES = 256 };

/* Bytes of memory that training takes for each word and for each of its bytes, about. */
enum { WORD_NEEDS = 24, BYTE_NEEDS = 13 };

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to train the tokenizer");
}

static yh_status count_word(yh_words_local *w, const uint8_t *t, size_t n, bool space, yh_err *err)
{
    uint8_t word[WORD_CUT + 3];
    if (!space)
        return n > 0 ? yh_words_add(w, t, n, err) : YH_OK;
    memcpy(word, "\xE2\x96\x81", 3);
    memcpy(word + 3, t, n);
    return yh_words_add(w, word, n + 3, err);
}

yh_status yh_train_count_unigram(yh_words_local *w, const uint8_t *t, size_t n, yh_err *err)
{
    size_t begin = 0;
    bool space = false; /* the word begins with one, which is not in t[begin..) */
    yh_script script = YH_SCRIPT_ANY;
    for (size_t at = 0; at < n;) {
        int len;
        uint32_t c = yh_utf8_next(t + at, &len);
        size_t next = at + (size_t)len;
        if (c == ' ' || c == 0x2581) {
            YH_TRY(count_word(w, t + begin, at - begin, space, err));
            begin = next;
            space = true;
            script = YH_SCRIPT_ANY;
        } else {
            yh_script now = yh_script_of(c);
            bool change = (now != script && now != YH_SCRIPT_ANY && script != YH_SCRIPT_ANY) ||
                          (now == YH_SCRIPT_LINE && space && begin == at);
            if (change || next - begin > WORD_CUT) {
                YH_TRY(count_word(w, t + begin, at - begin, space, err));
                begin = at;
                space = false;
            }
            if (now != YH_SCRIPT_ANY)
                script = now;
        }
        at = next;
    }
    return count_word(w, t + begin, n - begin, space, err);
}

/* ---- which characters ---- */

static bool add_chars(void *user, int shard, const uint8_t *t, size_t n, int64_t count)
{
    int64_t *sum = user;
    (void)shard;
    for (size_t i = 0; i < n;) {
        int len;
        __atomic_fetch_add(&sum[yh_utf8_next(t + i, &len)], count, __ATOMIC_RELAXED);
        i += (size_t)len;
    }
    return true;
}

typedef struct char_count {
    int64_t count;
    uint32_t c;
} char_count;

static int often_first(const void *x, const void *y)
{
    const char_count *a = x, *b = y;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->c > b->c) - (a->c < b->c);
}

/* Sets the count of characters beyond the coverage to zero: they are left to the byte tokens. */
static yh_status cover(const yh_tok_trainer *t, int64_t *sum, yh_err *err)
{
    size_t n = 0;
    double all = 0, covered = 0;
    sum[0] = 0; /* ends words */
    for (uint32_t c = 0; c < UNICODE; c++) {
        n += sum[c] > 0;
        all += (double)sum[c];
    }
    char_count *list = yh_malloc((n + 1) * sizeof *list);
    if (list == NULL)
        return no_memory(err);
    n = 0;
    for (uint32_t c = 0; c < UNICODE; c++)
        if (sum[c] > 0)
            list[n++] = (char_count){sum[c], c};
    qsort(list, n, sizeof *list, often_first);
    for (size_t i = 0; i < n; i++) {
        if (covered >= all * t->coverage)
            sum[list[i].c] = 0;
        covered += (double)list[i].count;
    }
    yh_free(list);
    return YH_OK;
}

/* ---- the words ---- */

typedef struct gathering {
    const int64_t *chars;
    uint64_t every;
    uint64_t bytes[YH_WORD_SHARDS], words[YH_WORD_SHARDS];
    yh_uni_words *w; /* NULL: only bytes and words are wanted */
} gathering;

/* A word in parts without the characters that are not covered. */
static bool gather_word(void *user, int shard, const uint8_t *t, size_t n, int64_t count)
{
    gathering *g = user;
    size_t begin = 0;
    if (g->every > 1 && (count = yh_train_thin_count(t, n, count, g->every)) == 0)
        return true;
    for (size_t at = 0; at <= n;) {
        int len = 1;
        bool ends = at == n || g->chars[yh_utf8_next(t + at, &len)] == 0;
        if (ends && at > begin) {
            if (g->w != NULL) {
                uint64_t k = g->words[shard], b = g->bytes[shard];
                memcpy(g->w->blob + b, t + begin, at - begin);
                g->w->blob[b + at - begin] = 0;
                g->w->at[k] = (uint32_t)b;
                g->w->count[k] = count;
            }
            g->bytes[shard] += at - begin + 1;
            g->words[shard]++;
        }
        at += (size_t)len;
        if (ends)
            begin = at;
    }
    return true;
}

static yh_status gather(yh_tok_trainer *t, yh_uni_words *w, yh_err *err)
{
    gathering g = {0};
    uint64_t all_words = 0, all_bytes = 0;
    int64_t *chars = yh_calloc(UNICODE, sizeof *chars);
    if (chars == NULL)
        return no_memory(err);
    yh_status s;
    /* sorted: the order of words, and so of equal candidates, is always the same */
    YH_GOTO(s, yh_words_each(t->words, t->pool, true, false, add_chars, chars, err), done);
    YH_GOTO(s, cover(t, chars, err), done);
    for (uint32_t i = 0; i < t->specials; i++) { /* a special token of one character is no piece */
        uint32_t c;
        size_t n = strlen(t->special[i]);
        if (yh_utf8_decode((const uint8_t *)t->special[i], n, &c) == (int)n)
            chars[c] = 0;
    }
    for (const char *c = names; *c != '\0'; c++)
        chars[(uint8_t)*c]++;
    /* a quarter is for the table of characters, the seeds and the finished pieces */
    YH_GOTO(s, yh_train_thin(t, t->memory - t->memory / 4, WORD_NEEDS, BYTE_NEEDS, &g.every, err),
            done);
    g.chars = chars;
    YH_GOTO(s, yh_words_each(t->words, t->pool, true, false, gather_word, &g, err), done);
    for (int k = 0; k < YH_WORD_SHARDS; k++) {
        uint64_t n = g.words[k], b = g.bytes[k];
        g.words[k] = all_words;
        g.bytes[k] = all_bytes;
        all_words += n;
        all_bytes += b;
    }
    uint64_t own = all_bytes;
    all_bytes += sizeof names;
    all_words++;
    if (all_bytes >= UINT32_MAX) {
        s = yh_fail(err, YH_LIMIT,
                    "the different words have more than 4 billion bytes in all; "
                    "give less --memory to leave the rarest out");
        goto done;
    }
    w->blob = yh_malloc((size_t)all_bytes + 1);
    w->at = yh_malloc(((size_t)all_words + 1) * sizeof *w->at);
    w->count = yh_malloc(((size_t)all_words + 1) * sizeof *w->count);
    if (w->blob == NULL || w->at == NULL || w->count == NULL) {
        s = no_memory(err);
        goto done;
    }
    w->n = (uint32_t)all_words;
    w->at[w->n] = (uint32_t)all_bytes;
    w->at[w->n - 1] = (uint32_t)own;
    w->count[w->n - 1] = 1;
    memcpy(w->blob + own, names, sizeof names);
    g.w = w;
    s = yh_words_each(t->words, t->pool, true, true, gather_word, &g, err);
done:
    yh_free(chars);
    return s;
}

/* ---- the tokenizer ---- */

yh_status yh_train_unigram(yh_tok_trainer *t, yh_train_progress progress, void *user, yh_tok **out,
                           yh_err *err)
{
    yh_uni_words w = {.reserved = t->special, .reserved_n = t->specials};
    yh_piece_list pieces = {0};
    json_t *json = NULL, *config = NULL;
    uint32_t fixed = 1 + (t->byte_fallback ? BYTES : 0) + t->specials;
    yh_status s = gather(t, &w, err);
    if (s == YH_OK)
        s = yh_unigram_train(&w, t->vocab - fixed, t->pool, progress, user, &pieces, err);
    yh_free(w.blob);
    yh_free(w.at);
    yh_free(w.count);
    if (s == YH_OK)
        s = yh_tok_make_unigram_json(&json, pieces.blob, pieces.at, pieces.score, pieces.n,
                                     t->byte_fallback, (const char *const *)t->special, t->specials,
                                     err);
    yh_piece_list_fini(&pieces);
    if (s == YH_OK)
        s = yh_tok_make_config(&config, t->specials > 0 ? t->special[0] : NULL, err);
    if (s == YH_OK)
        s = yh_tok_from_json(out, json, config, "the trained tokenizer", err);
    if (s == YH_OK && yh_tok_size(*out) < t->vocab)
        yh_log(YH_LOG_WARN,
               "the text has no more different pieces: the vocabulary has %u tokens instead of %u",
               yh_tok_size(*out), t->vocab);
    json_decref(json);
    json_decref(config);
    return s;
}
