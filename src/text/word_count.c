#include "text/word_count.h"

#include "base/thread.h"
#include "text/word_parts.h"

/* LOCAL_SLOTS * 16 bytes stay in a core's second-level cache. */
enum { LOCAL_SLOTS = 1 << 16, LOCAL_WORDS = LOCAL_SLOTS / 4 * 3, LOCAL_BLOB = 2 << 20 };

typedef struct local_slot {
    uint64_t hash;
    uint32_t at;    /* in blob: two bytes of length, then the word */
    uint32_t count; /* 0: empty; a local is emptied long before this is full */
} local_slot;

struct yh_words_local {
    yh_words *words;
    local_slot *slot;
    uint32_t *order; /* [LOCAL_WORDS] by shard */
    uint8_t *blob;
    uint32_t n, len, adds;
    int index;
};

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to count words");
}

static bool shard_grow(yh_word_shard *s)
{
    size_t slots = s->slots == 0 ? 256 : s->slots * 2;
    yh_word_slot *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < s->slots; i++) {
        if (s->slot[i].count == 0)
            continue;
        size_t k = s->slot[i].hash & (slots - 1);
        while (slot[k].count != 0)
            k = (k + 1) & (slots - 1);
        slot[k] = s->slot[i];
    }
    yh_free(s->slot);
    s->slot = slot;
    s->slots = slots;
    return true;
}

static bool shard_add(yh_word_shard *s, const uint8_t *t, uint32_t n, uint64_t hash, int64_t count)
{
    if ((s->n + 1) * 4 > s->slots * 3 && !shard_grow(s))
        return false;
    size_t k = hash & (s->slots - 1);
    for (; s->slot[k].count != 0; k = (k + 1) & (s->slots - 1)) {
        yh_word_slot *o = &s->slot[k];
        if (o->hash == hash && o->len == n && memcmp(s->blob + o->at, t, n) == 0) {
            o->count += count;
            return true;
        }
    }
    uint8_t *blob = yh_grow(s->blob, &s->cap, s->len + n, 1);
    if (blob == NULL)
        return false;
    s->blob = blob;
    memcpy(blob + s->len, t, n);
    s->slot[k] = (yh_word_slot){hash, count, (uint32_t)s->len, n};
    s->len += n;
    s->n++;
    return true;
}

static size_t shard_bytes(const yh_word_shard *s)
{
    return s->slots * sizeof *s->slot + s->cap;
}

/* What the shard will take once it has grown, or once its offsets are used up. */
static bool shard_full(const yh_words *w, const yh_word_shard *s)
{
    size_t bytes = shard_bytes(s);
    bool grows = (s->n + 1) * 4 > s->slots * 3;
    return s->len > UINT32_MAX / 2 ||
           bytes + (grows ? s->slots * sizeof *s->slot : 0) > w->shard_memory;
}

/* Gives the words of one shard to it; order[0..n) are their slots. */
static yh_status give(yh_words_local *l, int shard, const uint32_t *order, uint32_t n, yh_err *err)
{
    enum { AHEAD = 8 };
    yh_words *w = l->words;
    yh_word_shard *s = &w->shard[shard];
    yh_status st = YH_OK;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < n && st == YH_OK; i++) {
        if (i + AHEAD < n && s->slots > 0)
            __builtin_prefetch(&s->slot[l->slot[order[i + AHEAD]].hash & (s->slots - 1)]);
        const local_slot *o = &l->slot[order[i]];
        const uint8_t *t = l->blob + o->at;
        uint32_t len = t[0] | (uint32_t)t[1] << 8;
        if (s->n > 0 && shard_full(w, s))
            st = yh_word_shard_spill(w, shard, err);
        if (st == YH_OK && !shard_add(s, t + 2, len, o->hash, o->count))
            st = no_memory(err);
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

static yh_status local_empty(yh_words_local *l, yh_err *err)
{
    uint32_t at[YH_WORD_SHARDS + 1] = {0};
    if (l->n == 0)
        return YH_OK;
    for (uint32_t i = 0; i < LOCAL_SLOTS; i++)
        if (l->slot[i].count != 0)
            at[yh_word_shard_of(l->slot[i].hash) + 1]++;
    for (int s = 0; s < YH_WORD_SHARDS; s++)
        at[s + 1] += at[s];
    uint32_t end[YH_WORD_SHARDS];
    memcpy(end, at, sizeof end);
    for (uint32_t i = 0; i < LOCAL_SLOTS; i++)
        if (l->slot[i].count != 0)
            l->order[end[yh_word_shard_of(l->slot[i].hash)]++] = i;
    yh_status st = YH_OK;
    for (int k = 0; k < YH_WORD_SHARDS && st == YH_OK; k++) {
        int s = (k + l->index * 7) % YH_WORD_SHARDS; /* threads begin at different shards */
        st = give(l, s, l->order + at[s], at[s + 1] - at[s], err);
    }
    memset(l->slot, 0, LOCAL_SLOTS * sizeof *l->slot);
    l->n = l->len = l->adds = 0;
    return st;
}

yh_status yh_words_add(yh_words_local *l, const uint8_t *t, size_t n, yh_err *err)
{
    uint64_t hash = yh_word_hash(t, n);
    l->adds++;
    for (;;) {
        uint32_t k = (uint32_t)hash & (LOCAL_SLOTS - 1);
        for (; l->slot[k].count != 0; k = (k + 1) & (LOCAL_SLOTS - 1)) {
            local_slot *o = &l->slot[k];
            const uint8_t *p = l->blob + o->at;
            if (o->hash == hash && (p[0] | (size_t)p[1] << 8) == n && memcmp(p + 2, t, n) == 0) {
                o->count++;
                return YH_OK;
            }
        }
        if (l->n >= LOCAL_WORDS || l->len + n + 2 > LOCAL_BLOB || l->adds >= UINT32_MAX / 2) {
            YH_TRY(local_empty(l, err));
            continue;
        }
        uint8_t *p = l->blob + l->len;
        p[0] = (uint8_t)n;
        p[1] = (uint8_t)(n >> 8);
        memcpy(p + 2, t, n);
        l->slot[k] = (local_slot){hash, l->len, 1};
        l->len += (uint32_t)n + 2;
        l->n++;
        return YH_OK;
    }
}

yh_status yh_words_settle(yh_words *w, yh_err *err)
{
    for (int i = 0; i < w->locals; i++)
        YH_TRY(local_empty(&w->local[i], err));
    return YH_OK;
}

yh_words_local *yh_words_local_of(yh_words *w, int thread)
{
    return &w->local[thread];
}

static yh_status make_locals(yh_words *w, int threads, yh_err *err)
{
    w->local = yh_calloc((size_t)threads, sizeof *w->local);
    if (w->local == NULL)
        return no_memory(err);
    w->locals = threads;
    for (int i = 0; i < threads; i++) {
        yh_words_local *l = &w->local[i];
        l->words = w;
        l->index = i;
        l->slot = yh_calloc(LOCAL_SLOTS, sizeof *l->slot);
        l->order = yh_malloc(LOCAL_WORDS * sizeof *l->order);
        l->blob = yh_malloc(LOCAL_BLOB);
        if (l->slot == NULL || l->order == NULL || l->blob == NULL)
            return no_memory(err);
    }
    return YH_OK;
}

void yh_words_drop_locals(yh_words *w)
{
    for (int i = 0; i < w->locals; i++) {
        yh_free(w->local[i].slot);
        yh_free(w->local[i].order);
        yh_free(w->local[i].blob);
    }
    w->locals = 0;
}

yh_status yh_word_file_open(yh_words *w, const char *folder, const json_t *saved,
                            yh_err *err) YH_MUST_CHECK;
void yh_word_file_close(yh_words *w);

yh_status yh_words_create(yh_words **out, size_t memory, const char *folder, const json_t *saved,
                          int threads, yh_err *err)
{
    *out = NULL;
    yh_words *w = yh_calloc(1, sizeof *w);
    if (w == NULL)
        return no_memory(err);
    w->fd = -1;
    w->shard_memory = memory / YH_WORD_SHARDS;
    if (w->shard_memory < 4096)
        w->shard_memory = 4096;
    pthread_mutex_init(&w->file_lock, NULL);
    for (int s = 0; s < YH_WORD_SHARDS; s++)
        pthread_mutex_init(&w->shard[s].lock, NULL);
    yh_status s = make_locals(w, threads, err);
    if (s == YH_OK && folder != NULL)
        s = yh_word_file_open(w, folder, saved, err);
    if (s != YH_OK)
        yh_words_free(w);
    else
        *out = w;
    return s;
}

void yh_words_free(yh_words *w)
{
    if (w == NULL)
        return;
    yh_word_file_close(w);
    yh_words_drop_locals(w);
    yh_free(w->local);
    for (int s = 0; s < YH_WORD_SHARDS; s++) {
        yh_word_shard_clear(&w->shard[s]);
        pthread_mutex_destroy(&w->shard[s].lock);
    }
    pthread_mutex_destroy(&w->file_lock);
    yh_free(w);
}
