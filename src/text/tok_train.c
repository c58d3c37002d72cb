/* Training a tokenizer: taking documents, saving what is counted of them, and the end of it. */
#include "text/tok_trainer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/thread.h"
#include "text/bpe.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* A document is counted in pieces of about half this size, where it may be cut. */
enum { PIECE = 256 << 10 };
#define MEMORY ((uint64_t)2 << 30)
/* Less text than this is counted anew after a stop: that takes seconds, and no disk. */
#define WORTH_SAVING ((uint64_t)512 << 20)

static const char *const standard_specials[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>",
                                                NULL};

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to count words");
}

/* ---- the work folder ---- */

static char *work_path(const yh_tok_trainer *t, const char *name, yh_err *err)
{
    char *p = yh_path_join(t->work, name);
    if (p == NULL)
        yh_fail(err, YH_NOMEM, "%s: no memory for a path", t->work);
    return p;
}

/* What is counted so far, for good. Between documents only. */
static yh_status save(yh_tok_trainer *t, bool complete, yh_err *err)
{
    json_t *words = NULL, *state = NULL;
    YH_TRY(yh_train_count_all(t, err));
    YH_TRY(yh_words_save(t->words, &words, err));
    char *path = work_path(t, "state.json", err);
    yh_status s = path != NULL ? YH_OK : YH_NOMEM;
    if (s == YH_OK) {
        state = json_pack("{s:i,s:s,s:I,s:I,s:b,s:O}", "version", 1, "key", t->key, "documents",
                          (json_int_t)t->docs, "bytes", (json_int_t)t->bytes, "complete", complete,
                          "words", words);
        s = state != NULL ? yh_json_save(state, path, false, err) : no_memory(err);
    }
    t->saved_bytes = t->bytes;
    json_decref(state);
    json_decref(words);
    yh_free(path);
    return s;
}

/* Takes up the state of an earlier run, if it is of the same work. */
static yh_status load_state(yh_tok_trainer *t, json_t **words, yh_err *err)
{
    json_t *state = NULL;
    int64_t docs = 0, bytes = 0;
    *words = NULL;
    char *path = work_path(t, "state.json", err);
    if (path == NULL)
        return YH_NOMEM;
    if (!yh_is_file(path)) {
        yh_free(path);
        return YH_OK;
    }
    yh_status s = yh_json_load(&state, path, 0, err);
    const char *key = json_string_value(json_object_get(state, "key"));
    if (s == YH_OK && key != NULL && strcmp(key, t->key) == 0 &&
        json_integer_value(json_object_get(state, "version")) == 1) {
        s = yh_json_int(state, "documents", 0, INT64_MAX, false, 0, path, &docs, err);
        if (s == YH_OK)
            s = yh_json_int(state, "bytes", 0, INT64_MAX, false, 0, path, &bytes, err);
        if (s == YH_OK)
            s = yh_json_bool(state, "complete", true, false, path, &t->complete, err);
        if (s == YH_OK) {
            t->had_docs = t->report.resumed = (uint64_t)docs;
            t->report.bytes = (uint64_t)bytes;
            *words = json_incref(json_object_get(state, "words"));
        }
    } else if (s == YH_OK) {
        yh_log(YH_LOG_INFO, "%s: is of other input or options: counting begins anew", path);
        if (unlink(path) != 0)
            s = yh_fail_errno(err, errno, "%s: cannot remove", path);
    }
    json_decref(state);
    yh_free(path);
    return s;
}

static yh_status open_work(yh_tok_trainer *t, const yh_tok_train_options *o, json_t **words,
                           yh_err *err)
{
    size_t n = strlen(t->pattern_text) + (o->key != NULL ? strlen(o->key) : 0) + 64;
    t->work = yh_strdup(o->work);
    t->key = yh_malloc(n);
    if (t->work == NULL || t->key == NULL)
        return no_memory(err);
    snprintf(t->key, n, "%d:%s:%s", (int)t->kind, t->pattern_text, o->key != NULL ? o->key : "");
    YH_TRY(yh_mkdirs(t->work, err));
    YH_TRY(yh_dir_lock_wait(&t->lock, t->work, err));
    return load_state(t, words, err);
}

/* Ours by name, with what a killed run had half written of it. */
static bool is_work(const char *name)
{
    return strcmp(name, ".lock") == 0 || strcmp(name, "words") == 0 ||
           strncmp(name, "state.json", 10) == 0 || strncmp(name, "temporary-", 10) == 0;
}

yh_status yh_tok_trainer_clear(yh_tok_trainer *t, yh_err *err)
{
    DIR *d = t->work != NULL ? opendir(t->work) : NULL;
    if (d == NULL)
        return t->work == NULL || errno == ENOENT
                   ? YH_OK
                   : yh_fail_errno(err, errno, "%s: cannot list the folder", t->work);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;)
        if (is_work(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) != 0 && errno != ENOENT)
            s = yh_fail_errno(err, errno, "%s/%s: cannot remove", t->work, e->d_name);
    closedir(d);
    YH_TRY(s);
    yh_dir_lock_release(&t->lock);
    if (rmdir(t->work) != 0 && errno != ENOENT && errno != ENOTEMPTY)
        return yh_fail_errno(err, errno, "%s: cannot remove", t->work);
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

yh_status yh_tok_trainer_add(yh_tok_trainer *t, const char *text, size_t n, yh_err *err)
{
    yh_scan kind = yh_pattern_kind(t->pattern);
    bool may_cut = kind == YH_SCAN_LLAMA3 || kind == YH_SCAN_QWEN2;
    if (t->docs < t->had_docs || t->complete) {
        t->docs++;
        t->bytes += n;
        t->saved_bytes = t->bytes;
        return yh_stop_requested() ? yh_fail(err, YH_STOPPED, "stopped") : YH_OK;
    }
    if (t->work != NULL && t->bytes - t->saved_bytes >= t->save_bytes)
        YH_TRY(save(t, false, err));
    t->docs++;
    t->bytes += n;
    while (n > 0) {
        size_t k = may_cut && n > PIECE ? find_cut((const uint8_t *)text, n, PIECE / 2) : n;
        YH_TRY(yh_train_count_add(t, text, k, err));
        text += k;
        n -= k;
        if (yh_stop_requested())
            return yh_fail(err, YH_STOPPED, "stopped");
    }
    return YH_OK;
}

bool yh_tok_trainer_counted(const yh_tok_trainer *t)
{
    return t->complete;
}

void yh_tok_trainer_report(const yh_tok_trainer *t, yh_tok_train_report *r)
{
    *r = t->report;
}

/* ---- life ---- */

/* Texts of tokens that every vocabulary of the kind has. */
static bool is_always_there(const yh_tok_trainer *t, const char *special)
{
    static const char spelling[] = "<unk>0x123456789ABCDEF";
    size_t n = strlen(special);
    uint32_t c;
    if (t->kind == YH_TOK_UNIGRAM)
        return strcmp(special, "<unk>") == 0 || (n == 1 && strchr(spelling, *special) != NULL) ||
               (n == 6 && memcmp(special, "<0x", 3) == 0 && special[5] == '>');
    for (int b = 0; b < 256; b++)
        if (yh_utf8_decode((const uint8_t *)special, n, &c) == (int)n &&
            yh_byte_char((uint8_t)b) == c)
            return true;
    return false;
}

static yh_status take_specials(yh_tok_trainer *t, const char *const *special, yh_err *err)
{
    uint32_t n = 0;
    while (special[n] != NULL)
        n++;
    t->special = yh_calloc((size_t)n + 1, sizeof *t->special);
    if (t->special == NULL)
        return no_memory(err);
    for (; t->specials < n; t->specials++) {
        const char *s = special[t->specials];
        if (s[0] == '\0' || yh_utf8_valid((const uint8_t *)s, strlen(s)) != strlen(s))
            return yh_fail(err, YH_INVALID, "special token %u is empty or no UTF-8", t->specials);
        if (is_always_there(t, s))
            return yh_fail(err, YH_INVALID,
                           "special token %s: the vocabulary has a token of this text anyway", s);
        for (uint32_t i = 0; i < t->specials; i++)
            if (strcmp(s, t->special[i]) == 0)
                return yh_fail(err, YH_INVALID, "special token %s is given twice", s);
        if ((t->special[t->specials] = yh_strdup(s)) == NULL)
            return no_memory(err);
    }
    return YH_OK;
}

static yh_status make_workers(yh_tok_trainer *t, yh_err *err)
{
    t->workers = yh_pool_threads(t->pool);
    t->worker = yh_calloc((size_t)t->workers, sizeof *t->worker);
    if (t->worker == NULL)
        return no_memory(err);
    for (int i = 0; i < t->workers; i++) {
        t->worker[i].words = yh_words_local_of(t->words, i);
        YH_TRY(yh_scan_state_create(&t->worker[i].scan, t->pattern, err));
    }
    return YH_OK;
}

static yh_status setup(yh_tok_trainer *t, const yh_tok_train_options *o, yh_err *err)
{
    json_t *words = NULL;
    t->kind = o->kind;
    t->vocab = o->vocab != 0 ? o->vocab : 32768;
    t->min_count = o->min_count == 0              ? 2
                   : o->min_count > INT64_MAX / 2 ? INT64_MAX / 2
                                                  : (int64_t)o->min_count;
    t->memory = o->memory != 0 ? o->memory : MEMORY;
    t->save_bytes = o->save_bytes != 0 ? o->save_bytes : 4 * t->memory;
    YH_TRY(take_specials(t, o->special != NULL ? o->special : standard_specials, err));
    t->coverage = o->coverage != 0 ? o->coverage : 0.9995;
    if (!(t->coverage > 0 && t->coverage <= 1))
        return yh_fail(err, YH_INVALID, "the coverage must be above 0 and at most 1");
    t->byte_fallback = !o->no_byte_fallback;
    uint32_t least = t->kind == YH_TOK_BPE ? 256u : t->byte_fallback ? 258u : 2u;
    if (t->vocab < least + t->specials || t->vocab >= YH_MAX_TOKENS)
        return yh_fail(err, YH_INVALID, "a vocabulary of %u: must be %u to %u", t->vocab,
                       least + t->specials, YH_MAX_TOKENS - 1);
    const char *pattern = o->pattern != NULL ? o->pattern : YH_PATTERN_QWEN2;
    t->pattern_text = yh_strdup(pattern);
    if (t->pattern_text == NULL)
        return no_memory(err);
    YH_TRY(yh_pattern_create(&t->pattern, pattern, false, "pattern", err));
    YH_TRY(yh_pool_create(&t->pool, o->threads, err));
    if (o->work != NULL)
        YH_TRY(open_work(t, o, &words, err));
    yh_status s = yh_words_create(&t->words, (size_t)(t->memory / 4), t->work, words,
                                  yh_pool_threads(t->pool), err);
    json_decref(words);
    if (s == YH_OK)
        s = make_workers(t, err);
    return s == YH_OK ? yh_train_count_start(t, err) : s;
}

yh_status yh_tok_trainer_create(yh_tok_trainer **out, const yh_tok_train_options *o, yh_err *err)
{
    *out = NULL;
    yh_tok_trainer *t = yh_calloc(1, sizeof *t);
    if (t == NULL)
        return no_memory(err);
    t->lock = (yh_dir_lock)YH_DIR_LOCK_INIT;
    yh_status s = setup(t, o, err);
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
    yh_train_count_stop(t);
    for (int i = 0; i < t->workers && t->worker != NULL; i++)
        yh_scan_state_free(t->worker[i].scan);
    yh_free(t->worker);
    yh_words_free(t->words);
    yh_pool_free(t->pool);
    yh_pattern_free(t->pattern);
    yh_free(t->pattern_text);
    for (uint32_t i = 0; i < t->specials; i++)
        yh_free(t->special[i]);
    yh_free(t->special);
    yh_dir_lock_release(&t->lock);
    yh_free(t->work);
    yh_free(t->key);
    yh_free(t);
}

/* ---- from words to a tokenizer ---- */

/* Counts below EXACT have a class each, larger ones one for each power of two. */
enum { EXACT = 64, CLASSES = EXACT + 64, SAMPLE_SEED = 20 };

typedef struct class_sum {
    uint64_t words, bytes;
    double text; /* bytes, as often as they occur */
} class_sum;

static int class_of(int64_t count)
{
    return count < EXACT ? (int)count : EXACT + 63 - __builtin_clzll((uint64_t)count);
}

static int64_t least_of(int class)
{
    return class < EXACT ? class : class >= EXACT + 63 ? INT64_MAX : (int64_t)1 << (class - EXACT);
}

static bool tally(void *user, int shard, const uint8_t *t, size_t n, int64_t count)
{
    class_sum *c = (class_sum *)user + (size_t)shard * CLASSES + class_of(count);
    (void)t;
    c->words++;
    c->bytes += n;
    c->text += (double)count * (double)n;
    return true;
}

/* The different words by shard and class: [YH_WORD_SHARDS][CLASSES], the caller's to free, or NULL.
 */
static yh_status tally_all(yh_tok_trainer *t, class_sum **sum, yh_err *err)
{
    *sum = yh_calloc((size_t)YH_WORD_SHARDS * CLASSES, sizeof **sum);
    if (*sum == NULL)
        return no_memory(err);
    yh_status s = yh_words_each(t->words, t->pool, false, false, tally, *sum, err);
    if (s != YH_OK) {
        yh_free(*sum);
        *sum = NULL;
    }
    return s;
}

yh_status yh_train_choose(yh_tok_trainer *t, uint64_t memory, size_t fixed, size_t each,
                          yh_train_choice *out, yh_err *err)
{
    class_sum *sum;
    YH_TRY(tally_all(t, &sum, err));
    uint64_t need = 0;
    double text = 0, left_out = 0;
    int kept = CLASSES;
    bool fits = true;
    memset(out, 0, sizeof *out);
    t->report.words = t->report.dropped = 0;
    /* from the frequent to the rare, as long as they fit */
    for (int class = CLASSES - 1; class > 0; class --) {
        class_sum all = {0, 0, 0};
        for (int k = 0; k < YH_WORD_SHARDS; k++) {
            const class_sum *c = &sum[k * CLASSES + class];
            all.words += c->words;
            all.bytes += c->bytes;
            all.text += c->text;
        }
        uint64_t more = all.words * fixed + all.bytes * each;
        out->all += more;
        text += all.text;
        fits = fits && (more == 0 || need + more <= memory);
        t->report.words += all.words;
        t->report.dropped += fits ? 0 : all.words;
        left_out += fits ? 0 : all.text;
        need += fits ? more : 0;
        kept = fits ? class : kept;
    }
    for (int k = 0; k < YH_WORD_SHARDS; k++)
        for (int c = kept; c < CLASSES; c++) {
            out->words[k] += sum[k * CLASSES + c].words;
            out->bytes[k] += sum[k * CLASSES + c].bytes;
        }
    yh_free(sum);
    out->least = least_of(kept);
    out->left_out = text > 0 ? left_out / text : 0;
    t->report.dropped_below = t->report.dropped > 0 ? (uint64_t)out->least : 0;
    return YH_OK;
}

/* Bytes that the words need of which every `every`th occurrence is taken; *kept: how many words. */
static double thinned(const class_sum *sum, uint64_t every, size_t fixed, size_t each, double *kept)
{
    double need = 0;
    *kept = 0;
    for (int k = 0; k < YH_WORD_SHARDS * CLASSES; k++) {
        double share = (double)least_of(k % CLASSES) / (double)every;
        share = share < 1 ? share : 1;
        *kept += share * (double)sum[k].words;
        need += share * (double)(sum[k].words * fixed + sum[k].bytes * each);
    }
    return need;
}

yh_status yh_train_thin(yh_tok_trainer *t, uint64_t memory, size_t fixed, size_t each,
                        uint64_t *every, yh_err *err)
{
    class_sum *sum;
    YH_TRY(tally_all(t, &sum, err));
    double all, kept, most = (double)memory;
    for (*every = 1; thinned(sum, *every, fixed, each, &kept) > most; *every += 1 + *every / 64)
        most = 0.97 * (double)memory; /* chance gives a little more */
    (void)thinned(sum, 1, fixed, each, &all);
    t->report.words = (uint64_t)all;
    t->report.dropped = (uint64_t)(all - kept);
    t->report.sampled = *every;
    yh_free(sum);
    return YH_OK;
}

int64_t yh_train_thin_count(const uint8_t *word, size_t n, int64_t count, uint64_t every)
{
    uint64_t whole = (uint64_t)count / every, rest = (uint64_t)count % every;
    return (int64_t)(whole + (rest > 0 && yh_hash64(word, n, SAMPLE_SEED) % every < rest));
}

yh_status yh_tok_trainer_finish(yh_tok_trainer *t,
                                void (*progress)(void *user, uint64_t done, uint64_t total),
                                void *user, yh_tok **out, yh_err *err)
{
    *out = NULL;
    YH_TRY(yh_train_count_all(t, err));
    if (!t->complete) {
        if (t->docs < t->had_docs)
            return yh_fail(err, YH_MISMATCH,
                           "%s: was counted from %llu documents, now there are only %llu; remove "
                           "the folder to begin anew",
                           t->work, (unsigned long long)t->had_docs, (unsigned long long)t->docs);
        t->report.bytes = t->bytes;
        uint64_t worth = t->save_bytes < WORTH_SAVING ? t->save_bytes : WORTH_SAVING;
        if (t->work != NULL && (t->saved_bytes > 0 || t->bytes >= worth))
            YH_TRY(save(t, true, err));
    }
    t->report.docs = t->complete ? t->had_docs : t->docs;
    yh_train_count_stop(t);
    YH_TRY(t->kind == YH_TOK_UNIGRAM ? yh_train_unigram(t, progress, user, out, err)
                                     : yh_train_bpe(t, progress, user, out, err));
    yh_words_spilled(t->words, &t->report.spilled);
    if (t->report.dropped_below > 0)
        yh_log(YH_LOG_WARN,
               "memory was short: %llu of %llu different words, those that occur less than %llu "
               "times, were left out",
               (unsigned long long)t->report.dropped, (unsigned long long)t->report.words,
               (unsigned long long)t->report.dropped_below);
    return YH_OK;
}
