/* Segments of sorted words in one file, and merging them. The file is working memory on disk: it is
 * only ever appended to, and what a stored state does not name is cut off when it is opened again.
 * A record: count and length as varints, then the bytes. Records of a segment are in the order of
 * (hash, bytes), and every word is in the segments of its shard only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/temp_file.h"
#include "base/thread.h"
#include "text/word_parts.h"

enum { WRITE_BLOCK = 1 << 20, READ_BLOCK = 1 << 16, RECORD_MOST = YH_WORD_LONGEST + 20 };

/* ---- sorting ---- */

static inline int order_of(const uint8_t *blob_a, const yh_word_slot *a, const uint8_t *blob_b,
                           const yh_word_slot *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    int c = memcmp(blob_a + a->at, blob_b + b->at, a->len < b->len ? a->len : b->len);
    return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static void sift(yh_word_slot *h, size_t i, size_t n, const uint8_t *blob)
{
    yh_word_slot v = h[i];
    for (size_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && order_of(blob, &h[c + 1], blob, &h[c]) > 0)
            c++;
        if (order_of(blob, &h[c], blob, &v) <= 0)
            break;
        h[i] = h[c];
    }
    h[i] = v;
}

static void heap_sort(yh_word_slot *h, size_t n, const uint8_t *blob)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(h, i, n, blob);
    while (n > 1) {
        yh_word_slot v = h[0];
        h[0] = h[--n];
        h[n] = v;
        sift(h, 0, n, blob);
    }
}

/* In place by eight bits of the hash at a time (hashes are even), then plainly. */
static void sort(yh_word_slot *h, size_t n, int shift, const uint8_t *blob)
{
    if (n <= 16 || shift < 0) {
        if (n > 16) {
            heap_sort(h, n, blob); /* equal hashes only */
            return;
        }
        for (size_t i = 1; i < n; i++) {
            yh_word_slot v = h[i];
            size_t k = i;
            for (; k > 0 && order_of(blob, &v, blob, &h[k - 1]) < 0; k--)
                h[k] = h[k - 1];
            h[k] = v;
        }
        return;
    }
    size_t begin[257] = {0}, at[256];
    for (size_t i = 0; i < n; i++)
        begin[(h[i].hash >> shift & 0xFF) + 1]++;
    for (int k = 0; k < 256; k++) {
        begin[k + 1] += begin[k];
        at[k] = begin[k];
    }
    for (int k = 0; k < 256; k++)
        while (at[k] < begin[k + 1]) {
            size_t to = h[at[k]].hash >> shift & 0xFF;
            if (to == (size_t)k) {
                at[k]++;
                continue;
            }
            yh_word_slot v = h[at[to]];
            h[at[to]++] = h[at[k]];
            h[at[k]] = v;
        }
    for (int k = 0; k < 256; k++)
        if (begin[k + 1] - begin[k] > 1)
            sort(h + begin[k], begin[k + 1] - begin[k], shift - 8, blob); /* eight deep at most */
}

void yh_word_shard_sort(yh_word_shard *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->slots; i++)
        if (s->slot[i].count != 0)
            s->slot[n++] = s->slot[i];
    for (size_t i = n; i < s->slots; i++)
        s->slot[i].count = 0;
    sort(s->slot, n, 50, s->blob); /* the upper six bits are the shard */
}

void yh_word_shard_clear(yh_word_shard *s)
{
    yh_free(s->slot);
    yh_free(s->blob);
    s->slot = NULL;
    s->blob = NULL;
    s->slots = s->n = s->len = s->cap = 0;
}

/* ---- the file ---- */

static const char *name_of(const yh_words *w)
{
    return w->path != NULL ? w->path : "the temporary file of counted words";
}

static yh_status read_state(yh_words *w, const json_t *saved, yh_err *err)
{
    const json_t *list = json_object_get(saved, "segments"), *row;
    size_t i;
    int64_t end;
    YH_TRY(yh_json_int(saved, "bytes", 0, INT64_MAX, false, 0, w->path, &end, err));
    w->segment = yh_malloc((json_array_size(list) + 1) * sizeof *w->segment);
    if (w->segment == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to count words");
    w->segment_cap = json_array_size(list) + 1;
    json_array_foreach(list, i, row)
    {
        json_int_t v[4];
        for (size_t k = 0; k < 4; k++)
            v[k] = json_integer_value(json_array_get(row, k));
        if (v[0] < 0 || v[0] >= YH_WORD_SHARDS || v[1] < 0 || v[2] < 0 || v[3] < 0 || v[1] > end ||
            v[2] > end - v[1])
            return yh_fail(err, YH_CORRUPT,
                           "%s: segment %zu of the state is wrong; remove the "
                           "folder to count anew",
                           w->path, i);
        w->segment[w->segments++] =
            (yh_word_segment){(uint64_t)v[1], (uint64_t)v[2], (uint64_t)v[3], (uint32_t)v[0]};
    }
    w->end = (uint64_t)end;
    return YH_OK;
}

yh_status yh_word_file_open(yh_words *w, const char *folder, const json_t *saved,
                            yh_err *err) YH_MUST_CHECK;
yh_status yh_word_file_open(yh_words *w, const char *folder, const json_t *saved, yh_err *err)
{
    w->path = yh_path_join(folder, "words");
    if (w->path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for a path", folder);
    if (saved != NULL)
        YH_TRY(read_state(w, saved, err));
    w->fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return yh_fail_errno(err, errno, "%s: cannot open", w->path);
    off_t size = lseek(w->fd, 0, SEEK_END);
    if (size < 0 || (uint64_t)size < w->end)
        return yh_fail(err, YH_CORRUPT,
                       "%s: is shorter than its state says; remove the folder to count anew",
                       w->path);
    if (ftruncate(w->fd, (off_t)w->end) != 0)
        return yh_fail_errno(err, errno, "%s: cannot cut", w->path);
    return YH_OK;
}

void yh_word_file_close(yh_words *w);
void yh_word_file_close(yh_words *w)
{
    if (w->fd >= 0)
        close(w->fd);
    yh_free(w->path);
    yh_free(w->segment);
}

static yh_status write_at(const yh_words *w, const uint8_t *p, size_t n, uint64_t at, yh_err *err)
{
    while (n > 0) {
        ssize_t k = pwrite(w->fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return yh_fail_errno(err, k < 0 ? errno : EIO, "%s: cannot write", name_of(w));
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return YH_OK;
}

static size_t put_varint(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

/* Under file_lock. */
static yh_status write_segment(yh_words *w, int shard, yh_err *err)
{
    yh_word_shard *s = &w->shard[shard];
    yh_word_segment *all = yh_grow(w->segment, &w->segment_cap, w->segments + 1, sizeof *all);
    if (all != NULL)
        w->segment = all;
    uint8_t *block = yh_malloc(WRITE_BLOCK + RECORD_MOST);
    if (all == NULL || block == NULL) {
        yh_free(block);
        return yh_fail(err, YH_NOMEM, "no memory to count words");
    }
    yh_status st = w->fd < 0 ? yh_temp_open(&w->fd, NULL, err) : YH_OK;
    uint64_t at = w->end;
    size_t used = 0;
    for (size_t i = 0; i < s->n && st == YH_OK; i++) {
        const yh_word_slot *o = &s->slot[i];
        used += put_varint(block + used, (uint64_t)o->count);
        used += put_varint(block + used, o->len);
        memcpy(block + used, s->blob + o->at, o->len);
        used += o->len;
        if (used >= WRITE_BLOCK || i + 1 == s->n) {
            st = write_at(w, block, used, at, err);
            at += used;
            used = 0;
        }
    }
    if (st == YH_OK) {
        w->segment[w->segments++] = (yh_word_segment){w->end, at - w->end, s->n, (uint32_t)shard};
        w->end = at;
    }
    yh_free(block);
    return st;
}

yh_status yh_word_shard_spill(yh_words *w, int shard, yh_err *err)
{
    yh_word_shard *s = &w->shard[shard];
    if (s->n == 0)
        return YH_OK;
    yh_word_shard_sort(s);
    pthread_mutex_lock(&w->file_lock);
    yh_status st = write_segment(w, shard, err);
    pthread_mutex_unlock(&w->file_lock);
    yh_word_shard_clear(s);
    return st;
}

yh_status yh_words_save(yh_words *w, json_t **state, yh_err *err)
{
    *state = NULL;
    YH_TRY(yh_words_settle(w, err));
    for (int s = 0; s < YH_WORD_SHARDS; s++)
        YH_TRY(yh_word_shard_spill(w, s, err));
    if (w->fd >= 0 && fdatasync(w->fd) != 0)
        return yh_fail_errno(err, errno, "%s: cannot write", name_of(w));
    json_t *list = json_array(), *j = NULL;
    bool good = list != NULL;
    for (size_t i = 0; i < w->segments && good; i++) {
        const yh_word_segment *g = &w->segment[i];
        json_t *row = json_pack("[i,I,I,I]", (int)g->shard, (json_int_t)g->begin,
                                (json_int_t)g->bytes, (json_int_t)g->words);
        good = row != NULL && json_array_append_new(list, row) == 0;
    }
    if (good)
        j = json_pack("{s:I,s:O}", "bytes", (json_int_t)w->end, "segments", list);
    json_decref(list);
    *state = j;
    return j != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory to count words");
}

uint64_t yh_words_spilled(const yh_words *w, uint64_t *bytes)
{
    if (bytes != NULL)
        *bytes = w->end;
    return w->segments;
}

/* ---- merging ---- */

/* One sorted source: a segment of the file, or the shard in memory (fd part unused). */
typedef struct source {
    uint64_t at, end; /* bytes of the file not yet in block */
    uint8_t *block;
    size_t from, have;
    const yh_word_shard *shard; /* NULL: a segment */
    size_t next;
    /* current word */
    const uint8_t *t;
    uint32_t len;
    int64_t count;
    uint64_t hash;
    bool done;
} source;

typedef struct walk {
    yh_words *w;
    bool sorted, last;
    yh_word_fn fn;
    void *user;
    pthread_mutex_t lock;
    yh_err err;
} walk;

static yh_status fill(const yh_words *w, source *s, yh_err *err)
{
    memmove(s->block, s->block + s->from, s->have - s->from);
    s->have -= s->from;
    s->from = 0;
    size_t want = READ_BLOCK + RECORD_MOST - s->have;
    if (want > s->end - s->at)
        want = (size_t)(s->end - s->at);
    while (want > 0) {
        ssize_t k = pread(w->fd, s->block + s->have, want, (off_t)s->at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return yh_fail_errno(err, k < 0 ? errno : EIO, "%s: cannot read", name_of(w));
        s->have += (size_t)k;
        s->at += (uint64_t)k;
        want -= (size_t)k;
    }
    return YH_OK;
}

static bool get_varint(source *s, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; shift < 63 && s->from < s->have; shift += 7) {
        uint8_t b = s->block[s->from++];
        *v |= (uint64_t)(b & 0x7F) << shift;
        if (b < 0x80)
            return true;
    }
    return false;
}

static yh_status advance(const yh_words *w, source *s, yh_err *err)
{
    if (s->shard != NULL) {
        s->done = s->next == s->shard->n;
        if (s->done)
            return YH_OK;
        const yh_word_slot *o = &s->shard->slot[s->next++];
        s->t = s->shard->blob + o->at;
        s->len = o->len;
        s->count = o->count;
        s->hash = o->hash;
        return YH_OK;
    }
    if (s->have - s->from < RECORD_MOST && s->at < s->end)
        YH_TRY(fill(w, s, err));
    s->done = s->from == s->have;
    if (s->done)
        return YH_OK;
    uint64_t count, len;
    if (!get_varint(s, &count) || !get_varint(s, &len) || len == 0 || len > s->have - s->from ||
        count == 0 || count > INT64_MAX)
        return yh_fail(err, YH_CORRUPT, "%s: is damaged; remove the folder to count anew",
                       name_of(w));
    s->t = s->block + s->from;
    s->len = (uint32_t)len;
    s->count = (int64_t)count;
    s->hash = yh_word_hash(s->t, len);
    s->from += len;
    return YH_OK;
}

static inline bool earlier(const source *a, const source *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    int c = memcmp(a->t, b->t, a->len < b->len ? a->len : b->len);
    return c != 0 ? c < 0 : a->len < b->len;
}

static inline bool same_word(const source *a, const source *b)
{
    return a->hash == b->hash && a->len == b->len && memcmp(a->t, b->t, a->len) == 0;
}

static void settle_source(source **heap, size_t n, size_t i)
{
    source *v = heap[i];
    for (size_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && earlier(heap[c + 1], heap[c]))
            c++;
        if (!earlier(heap[c], v))
            break;
        heap[i] = heap[c];
    }
    heap[i] = v;
}

/* Takes the smallest word of all sources again and again, and adds up equal ones. */
static yh_status merge(const walk *k, int shard, source *all, source **heap, size_t n,
                       uint8_t *word, yh_err *err)
{
    size_t live = 0;
    for (size_t i = 0; i < n; i++) {
        YH_TRY(advance(k->w, &all[i], err));
        if (!all[i].done)
            heap[live++] = &all[i];
    }
    for (size_t i = live / 2; i-- > 0;)
        settle_source(heap, live, i);
    source current = {.t = word};
    while (live > 0) {
        current.len = heap[0]->len;
        current.hash = heap[0]->hash;
        memcpy(word, heap[0]->t, current.len);
        int64_t count = 0;
        while (live > 0 && same_word(heap[0], &current)) {
            count += heap[0]->count;
            YH_TRY(advance(k->w, heap[0], err));
            if (heap[0]->done)
                heap[0] = heap[--live];
            if (live > 0)
                settle_source(heap, live, 0);
        }
        if (!k->fn(k->user, shard, word, current.len, count))
            return yh_fail(err, YH_NOMEM, "no memory for the counted words");
    }
    return YH_OK;
}

static yh_status walk_merged(const walk *k, int shard, yh_err *err)
{
    yh_words *w = k->w;
    size_t n = 0;
    for (size_t i = 0; i < w->segments; i++)
        n += w->segment[i].shard == (uint32_t)shard;
    source *all = yh_calloc(n + 1, sizeof *all), **heap = yh_calloc(n + 1, sizeof(source *));
    uint8_t *word = yh_malloc(YH_WORD_LONGEST);
    yh_status s = YH_OK;
    if (all == NULL || heap == NULL || word == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory for the counted words");
        goto done;
    }
    n = 0;
    for (size_t i = 0; i < w->segments; i++) {
        const yh_word_segment *g = &w->segment[i];
        if (g->shard != (uint32_t)shard)
            continue;
        all[n].at = g->begin;
        all[n].end = g->begin + g->bytes;
        all[n].block = yh_malloc(READ_BLOCK + RECORD_MOST);
        if (all[n++].block == NULL) {
            s = yh_fail(err, YH_NOMEM, "no memory for the counted words");
            goto done;
        }
    }
    all[n++].shard = &w->shard[shard];
    s = merge(k, shard, all, heap, n, word, err);
done:
    for (size_t i = 0; i < n && all != NULL; i++)
        yh_free(all[i].block);
    yh_free(all);
    yh_free(heap);
    yh_free(word);
    return s;
}

static yh_status walk_shard(const walk *k, int shard, yh_err *err)
{
    yh_word_shard *s = &k->w->shard[shard];
    yh_status st = YH_OK;
    if (k->sorted || k->w->segments > 0)
        yh_word_shard_sort(s);
    if (k->w->segments > 0) {
        st = walk_merged(k, shard, err);
    } else {
        for (size_t i = 0; i < s->slots && st == YH_OK; i++) {
            const yh_word_slot *o = &s->slot[i];
            if (o->count != 0 && !k->fn(k->user, shard, s->blob + o->at, o->len, o->count))
                st = yh_fail(err, YH_NOMEM, "no memory for the counted words");
        }
    }
    if (k->last)
        yh_word_shard_clear(s);
    return st;
}

static void walk_shards(void *arg, int64_t begin, int64_t end, int thread)
{
    walk *k = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        yh_err err = YH_ERR_INIT;
        if (walk_shard(k, (int)i, &err) != YH_OK) {
            pthread_mutex_lock(&k->lock);
            if (k->err.code == YH_OK)
                k->err = err;
            pthread_mutex_unlock(&k->lock);
        }
    }
}

yh_status yh_words_each(yh_words *w, yh_pool *pool, bool sorted, bool last, yh_word_fn fn,
                        void *user, yh_err *err)
{
    YH_TRY(yh_words_settle(w, err));
    if (last)
        yh_words_drop_locals(w);
    walk k = {.w = w, .sorted = sorted, .last = last, .fn = fn, .user = user, .err = YH_ERR_INIT};
    pthread_mutex_init(&k.lock, NULL);
    yh_pool_run_dynamic(pool, YH_WORD_SHARDS, 1, walk_shards, &k);
    pthread_mutex_destroy(&k.lock);
    return k.err.code == YH_OK ? YH_OK : yh_fail(err, k.err.code, "%s", k.err.msg);
}
