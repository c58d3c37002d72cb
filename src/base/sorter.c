/* External merge sort. Memory is divided into segments, one more than there are threads: whoever
 * fills a segment sorts it and writes it as a run while the others go on with another one, so runs
 * are sorted in parallel although the pool itself is busy with the callers. */
#include "base/sorter.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/sort_records.h"
#include "base/temp_file.h"

enum {
    READ_MAX = 1 << 20, /* bytes read at once from a run */
    READ_MIN = 1 << 16, /* below this, rather merge in several passes */
    OUT_MAX = 1 << 18,  /* bytes given by _next */
    FAN_MAX = 1024
};

typedef struct segment {
    uint8_t *data;
    size_t n; /* records */
} segment;

typedef struct run {
    uint64_t at, bytes; /* in the file */
} run;

/* One input of the merge: a run on disk, or a sorted stretch of memory (buf NULL). */
typedef struct source {
    const uint8_t *p, *end;
    uint8_t *buf;
    uint64_t at, left; /* of the run, not read yet */
} source;

struct yh_sorter {
    size_t size;     /* of a record */
    uint64_t memory; /* bytes */
    char *dir;
    yh_pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    segment *seg;
    int *spare; /* stack of segments that are empty */
    int n_seg, n_spare, filling;
    size_t seg_cap; /* records */
    int fd;         /* of the runs; -1: none yet */
    uint64_t file_end;
    run *runs;
    size_t n_run, cap_run;
    uint64_t count;
    yh_status failed;
    yh_err error;
    /* merge */
    bool merging;
    source *src;
    int32_t *tree; /* losers; [0] the winner */
    uint64_t *head;
    size_t n_src, read_size;
    uint8_t *out;
    size_t out_cap; /* records */
};

yh_status yh_sorter_create(yh_sorter **out, size_t size, uint64_t memory, const char *dir,
                           yh_pool *pool, yh_err *err)
{
    *out = NULL;
    if (size < 4 || size > 256 || size % 4 != 0)
        return yh_fail(err, YH_INVALID, "records of %zu bytes cannot be sorted", size);
    yh_sorter *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to sort");
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->freed, NULL);
    s->fd = -1;
    s->filling = -1;
    s->size = size;
    s->memory = memory;
    s->pool = pool;
    s->n_seg = yh_pool_threads(pool) + 1;
    uint64_t cap = memory / (uint64_t)s->n_seg / size;
    s->seg_cap = cap < 4 ? 4 : cap > UINT32_MAX / 2 ? UINT32_MAX / 2 : (size_t)cap;
    s->dir = yh_strdup(dir);
    s->seg = yh_calloc((size_t)s->n_seg, sizeof *s->seg);
    s->spare = yh_calloc((size_t)s->n_seg, sizeof *s->spare);
    if (s->dir == NULL || s->seg == NULL || s->spare == NULL) {
        yh_sorter_free(s);
        return yh_fail(err, YH_NOMEM, "no memory to sort");
    }
    for (int i = s->n_seg; i-- > 0;)
        s->spare[s->n_spare++] = i;
    *out = s;
    return YH_OK;
}

static void free_segments(yh_sorter *s)
{
    for (int i = 0; s->seg != NULL && i < s->n_seg; i++) {
        yh_free(s->seg[i].data);
        s->seg[i] = (segment){NULL, 0};
    }
}

static void free_merge(yh_sorter *s)
{
    for (size_t i = 0; s->src != NULL && i < s->n_src; i++)
        yh_free(s->src[i].buf);
    yh_free(s->src);
    yh_free(s->tree);
    yh_free(s->head);
    yh_free(s->out);
    s->src = NULL;
    s->tree = NULL;
    s->head = NULL;
    s->out = NULL;
    s->n_src = 0;
}

void yh_sorter_free(yh_sorter *s)
{
    if (s == NULL)
        return;
    free_merge(s);
    free_segments(s);
    if (s->fd >= 0)
        close(s->fd);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->freed);
    yh_free(s->seg);
    yh_free(s->spare);
    yh_free(s->runs);
    yh_free(s->dir);
    yh_free(s);
}

uint64_t yh_sorter_count(const yh_sorter *s)
{
    return s->count;
}

/* ------------------------------------------------------------------ runs on disk */

/* lock held */
static yh_status new_run(yh_sorter *s, uint64_t bytes, run *r, yh_err *err)
{
    if (s->fd < 0)
        YH_TRY(yh_temp_open(&s->fd, s->dir, err));
    run *p = yh_grow(s->runs, &s->cap_run, s->n_run + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to sort");
    s->runs = p;
    *r = (run){s->file_end, bytes};
    s->runs[s->n_run++] = *r;
    s->file_end += bytes;
    return YH_OK;
}

static yh_status spill(yh_sorter *s, segment *g, yh_err *err)
{
    run r;
    yh_sort_records(g->data, g->n, s->size);
    pthread_mutex_lock(&s->lock);
    yh_status st = new_run(s, (uint64_t)g->n * s->size, &r, err);
    int fd = s->fd;
    pthread_mutex_unlock(&s->lock);
    if (st == YH_OK)
        st = yh_temp_write(fd, g->data, g->n * s->size, r.at, s->dir, err);
    g->n = 0;
    return st;
}

/* ------------------------------------------------------------------ adding */

/* lock held on entry and exit */
static yh_status fill(yh_sorter *s, const uint8_t **p, size_t *n, yh_err *err)
{
    while (s->filling < 0 && s->n_spare == 0 && s->failed == YH_OK)
        pthread_cond_wait(&s->freed, &s->lock);
    if (s->failed != YH_OK)
        return yh_fail(err, s->failed, "%s", s->error.msg);
    if (s->filling < 0)
        s->filling = s->spare[--s->n_spare];
    int mine = s->filling;
    segment *g = &s->seg[mine];
    if (g->data == NULL && (g->data = yh_malloc(s->seg_cap * s->size)) == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to sort (%zu bytes)", s->seg_cap * s->size);
    size_t k = s->seg_cap - g->n < *n ? s->seg_cap - g->n : *n;
    memcpy(g->data + g->n * s->size, *p, k * s->size);
    g->n += k;
    *p += k * s->size;
    *n -= k;
    s->count += k;
    if (g->n < s->seg_cap)
        return YH_OK;
    s->filling = -1;
    pthread_mutex_unlock(&s->lock);
    yh_status st = spill(s, g, err);
    pthread_mutex_lock(&s->lock);
    s->spare[s->n_spare++] = mine;
    pthread_cond_signal(&s->freed);
    return st;
}

yh_status yh_sorter_add(yh_sorter *s, const void *records, size_t n, yh_err *err)
{
    const uint8_t *p = records;
    yh_status st = YH_OK;
    yh_err own = YH_ERR_INIT;
    pthread_mutex_lock(&s->lock);
    if (s->merging)
        st = yh_fail(&own, YH_INTERNAL, "records added behind the end of sorting");
    while (n > 0 && st == YH_OK)
        st = fill(s, &p, &n, &own);
    if (st != YH_OK && s->failed == YH_OK) {
        s->failed = st;
        s->error = own;
        pthread_cond_broadcast(&s->freed);
    }
    pthread_mutex_unlock(&s->lock);
    return st == YH_OK ? st : yh_fail(err, st, "%s", own.msg);
}

/* ------------------------------------------------------------------ merging */

static yh_status refill(const yh_sorter *s, source *c, yh_err *err)
{
    size_t want = c->left < s->read_size ? (size_t)c->left : s->read_size;
    YH_TRY(yh_temp_read(s->fd, c->buf, want, c->at, s->dir, err));
    c->at += want;
    c->left -= want;
    c->p = c->buf;
    c->end = c->buf + want;
    if (c->left > 0) /* the next piece, while this one is merged */
        (void)posix_fadvise(s->fd, (off_t)c->at,
                            (off_t)(c->left < s->read_size ? c->left : s->read_size),
                            POSIX_FADV_WILLNEED);
    return YH_OK;
}

/* The first eight bytes as a number: most comparisons need no more. */
static inline uint64_t head_of(const uint8_t *p, size_t size)
{
    return size >= 8 ? yh_sort_get64(p) : yh_sort_get32(p);
}

/* Whether source a comes before b; an empty source comes last. */
static inline bool before(const yh_sorter *s, int32_t a, int32_t b)
{
    const source *x = &s->src[a], *y = &s->src[b];
    if (x->p == x->end || y->p == y->end)
        return x->p != x->end;
    if (s->head[a] != s->head[b])
        return s->head[a] < s->head[b];
    return memcmp(x->p, y->p, s->size) <= 0;
}

static void set_head(yh_sorter *s, size_t i)
{
    if (s->src[i].p != s->src[i].end)
        s->head[i] = head_of(s->src[i].p, s->size);
}

/* Builds the tree of losers by playing every leaf upwards. */
static void build_tree(yh_sorter *s)
{
    for (size_t i = 0; i < s->n_src; i++) {
        set_head(s, i);
        s->tree[i] = -1;
    }
    for (size_t i = 0; i < s->n_src; i++) {
        int32_t winner = (int32_t)i;
        size_t t = (i + s->n_src) / 2;
        for (; t > 0; t /= 2) {
            if (s->tree[t] < 0) {
                s->tree[t] = winner;
                break;
            }
            if (before(s, s->tree[t], winner)) {
                int32_t x = winner;
                winner = s->tree[t];
                s->tree[t] = x;
            }
        }
        if (t == 0)
            s->tree[0] = winner;
    }
}

static void replay(yh_sorter *s, int32_t winner)
{
    for (size_t t = ((size_t)winner + s->n_src) / 2; t > 0; t /= 2)
        if (before(s, s->tree[t], winner)) {
            int32_t x = winner;
            winner = s->tree[t];
            s->tree[t] = x;
        }
    s->tree[0] = winner;
}

static yh_status merge_next(yh_sorter *s, size_t *n, yh_err *err)
{
    *n = 0;
    if (s->n_src == 0)
        return YH_OK;
    if (yh_stop_requested())
        return yh_fail(err, YH_STOPPED, "stopped");
    uint8_t *o = s->out;
    for (; *n < s->out_cap; ++*n, o += s->size) {
        int32_t w = s->tree[0];
        source *c = &s->src[w];
        if (c->p == c->end)
            break;
        memcpy(o, c->p, s->size);
        c->p += s->size;
        if (c->p == c->end && c->left > 0)
            YH_TRY(refill(s, c, err));
        set_head(s, (size_t)w);
        replay(s, w);
    }
    return YH_OK;
}

static yh_status alloc_merge(yh_sorter *s, size_t n, yh_err *err)
{
    s->src = yh_calloc(n, sizeof *s->src);
    s->tree = yh_calloc(n, sizeof *s->tree);
    s->head = yh_calloc(n, sizeof *s->head);
    s->out = yh_malloc(s->out_cap * s->size);
    if (s->src == NULL || s->tree == NULL || s->head == NULL || s->out == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to sort");
    s->n_src = n;
    return YH_OK;
}

static size_t clamp(uint64_t v, size_t lo, size_t hi)
{
    return v < lo ? lo : v > hi ? hi : (size_t)v;
}

static yh_status open_runs(yh_sorter *s, const run *r, size_t n, yh_err *err)
{
    s->out_cap = clamp(s->memory / (n + 1) / s->size, 1, OUT_MAX / s->size);
    s->read_size = clamp(s->memory / (n + 1) / s->size, 1, READ_MAX / s->size) * s->size;
    YH_TRY(alloc_merge(s, n, err));
    for (size_t i = 0; i < n; i++) {
        source *c = &s->src[i];
        if ((c->buf = yh_malloc(s->read_size)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to sort");
        c->at = r[i].at;
        c->left = r[i].bytes;
        YH_TRY(refill(s, c, err));
    }
    build_tree(s);
    return YH_OK;
}

/* Merges runs [begin, begin + n) into one run of a new file. */
static yh_status merge_group(yh_sorter *s, size_t begin, size_t n, int fd, run *made, yh_err *err)
{
    made->bytes = 0;
    yh_status st = open_runs(s, s->runs + begin, n, err);
    for (size_t k = 1; st == YH_OK && k > 0;) {
        st = merge_next(s, &k, err);
        if (st == YH_OK && k > 0)
            st = yh_temp_write(fd, s->out, k * s->size, made->at + made->bytes, s->dir, err);
        made->bytes += k * s->size;
    }
    free_merge(s);
    return st;
}

/* One pass: every `fan` runs become one. */
static yh_status merge_pass(yh_sorter *s, size_t fan, yh_err *err)
{
    int fd;
    YH_TRY(yh_temp_open(&fd, s->dir, err));
    size_t n = 0;
    uint64_t at = 0;
    for (size_t b = 0; b < s->n_run; b += fan) {
        run made = {at, 0};
        yh_status st = merge_group(s, b, s->n_run - b < fan ? s->n_run - b : fan, fd, &made, err);
        if (st != YH_OK) {
            close(fd);
            return st;
        }
        at += made.bytes;
        s->runs[n++] = made; /* never behind what is read next: fan >= 2 */
    }
    close(s->fd);
    s->fd = fd;
    s->n_run = n;
    return YH_OK;
}

typedef struct piece {
    uint8_t *data;
    size_t n, size;
} piece;

static void sort_pieces(void *arg, int64_t begin, int64_t end, int worker)
{
    const piece *p = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        yh_sort_records(p[i].data, p[i].n, p[i].size);
}

/* Everything fits: sorts it in pieces, which are then merged from memory. */
static yh_status merge_memory(yh_sorter *s, yh_err *err)
{
    const size_t threads = (size_t)yh_pool_threads(s->pool);
    size_t n = 0;
    piece *p = yh_calloc((size_t)s->n_seg * threads, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to sort");
    for (int i = 0; i < s->n_seg; i++) {
        size_t parts = s->seg[i].n / 4096 + 1, done = 0;
        parts = parts > threads ? threads : parts;
        for (size_t k = 0; k < parts && s->seg[i].n > 0; k++) {
            size_t e = s->seg[i].n * (k + 1) / parts;
            p[n++] = (piece){s->seg[i].data + done * s->size, e - done, s->size};
            done = e;
        }
    }
    yh_pool_run_dynamic(s->pool, (int64_t)n, 1, sort_pieces, p);
    s->out_cap = clamp(s->memory / 4 / s->size, 1, OUT_MAX / s->size);
    yh_status st = n > 0 ? alloc_merge(s, n, err) : YH_OK;
    for (size_t i = 0; i < n && st == YH_OK; i++)
        s->src[i] = (source){.p = p[i].data, .end = p[i].data + p[i].n * s->size};
    if (st == YH_OK && n > 0)
        build_tree(s);
    yh_free(p);
    return st;
}

yh_status yh_sorter_finish(yh_sorter *s, yh_err *err)
{
    if (s->failed != YH_OK)
        return yh_fail(err, s->failed, "%s", s->error.msg);
    if (s->merging)
        return yh_fail(err, YH_INTERNAL, "sorting ended twice");
    s->merging = true;
    if (s->n_run == 0)
        return merge_memory(s, err);
    for (int i = 0; i < s->n_seg; i++)
        if (s->seg[i].n > 0)
            YH_TRY(spill(s, &s->seg[i], err));
    free_segments(s);
    size_t fan = clamp(s->memory / READ_MIN, 3, FAN_MAX) - 1;
    while (s->n_run > fan)
        YH_TRY(merge_pass(s, fan, err));
    return open_runs(s, s->runs, s->n_run, err);
}

yh_status yh_sorter_rewind(yh_sorter *s, yh_err *err)
{
    free_merge(s);
    return s->n_run == 0 ? merge_memory(s, err) : open_runs(s, s->runs, s->n_run, err);
}

yh_status yh_sorter_next(yh_sorter *s, const uint8_t **records, size_t *n, yh_err *err)
{
    *records = s->out;
    return merge_next(s, n, err);
}
