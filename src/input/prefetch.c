#include "input/prefetch.h"

#include <pthread.h>
#include <stdio.h>

#include "base/file.h"

enum {
    THREADS_MAX = 64,
    CHUNKS_MAX = 256, /* chunks in one queue */
    SPARES_MAX = 256,
    SPARE_BYTES = 8 << 20 /* of one spare buffer at most */
};

/* A reader: takes the next file that nobody has, and queues its chunks. Its queue is in the order
 * of the files, and the lowest file that is not finished is always with somebody, so the one who
 * takes the chunks and the readers cannot wait for each other. */
typedef struct queue {
    yh_prefetch *p;
    pthread_t thread;
    bool running, done;
    yh_chunk *ring; /* CHUNKS_MAX */
    size_t head, n, bytes;
    yh_status status; /* of the reader, behind what is queued */
    yh_err err;
    size_t failed; /* the file that it was */
} queue;

struct yh_prefetch {
    const char *const *path;
    size_t n_paths, next_file, at; /* at: file that chunks are taken from */
    yh_prefetch_options o;
    size_t limit; /* bytes a queue */
    queue *q;
    int n_queues;
    bool quit;
    yh_buf spare[SPARES_MAX]; /* memory of pieces that were done with */
    int n_spares;
    size_t spare_bytes; /* at most as much as may be read ahead */
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
};

void yh_prefetch_spare(yh_prefetch *p, yh_buf *b)
{
    bool take = false;
    if (b->data != NULL && b->cap <= SPARE_BYTES) {
        pthread_mutex_lock(&p->lock);
        take = p->n_spares < SPARES_MAX && p->spare_bytes + b->cap <= p->o.bytes;
        if (take) {
            p->spare[p->n_spares++] = *b;
            p->spare_bytes += b->cap;
        }
        pthread_mutex_unlock(&p->lock);
    }
    if (take)
        yh_buf_init(b, 0);
    else
        yh_buf_fini(b);
}

static void take_spare(yh_prefetch *p, yh_source *s)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    pthread_mutex_lock(&p->lock);
    if (p->n_spares > 0) {
        b = p->spare[--p->n_spares];
        p->spare_bytes -= b.cap;
    }
    pthread_mutex_unlock(&p->lock);
    if (b.data != NULL)
        yh_source_spare(s, &b);
}

/* Waits for room and queues c (moved); false: the reader must end. */
static bool put(queue *q, yh_chunk *c)
{
    yh_prefetch *p = q->p;
    pthread_mutex_lock(&p->lock);
    while (!p->quit && q->n > 0 && (q->n == CHUNKS_MAX || q->bytes >= p->limit))
        pthread_cond_wait(&p->room, &p->lock);
    bool ok = !p->quit;
    if (ok) {
        q->ring[(q->head + q->n) % CHUNKS_MAX] = *c;
        q->n++;
        q->bytes += c->piece.bytes.cap;
        pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->lock);
    if (!ok)
        yh_chunk_fini(c);
    memset(c, 0, sizeof *c);
    return ok;
}

static yh_status cannot_open(yh_chunk *c, yh_status s, const yh_err *e, yh_err *err)
{
    if (s == YH_NOMEM || s == YH_INVALID)
        return yh_fail(err, s, "%s", e->msg);
    return yh_chunk_note(c, YH_NOTE_SKIPPED, "cannot be read", NULL, e->msg, err);
}

/* Reads one file; *go false: asked to end. One chunk is held back, to know which is the last. */
static yh_status read_file(queue *q, size_t file, bool *go, yh_err *err)
{
    yh_prefetch *p = q->p;
    uint64_t skip = file == p->o.first ? p->o.skip : 0;
    yh_chunk held, c;
    yh_source *s = NULL;
    yh_err e = YH_ERR_INIT;
    bool more = true, have = false;
    memset(&held, 0, sizeof held);
    memset(&c, 0, sizeof c);
    const yh_slice *part = p->o.slice != NULL ? &p->o.slice[file] : NULL;
    yh_status st = part != NULL && part->end > 0
                       ? yh_source_open_slice(&s, p->path[file], part, p->o.read, &e)
                       : yh_source_open(&s, p->path[file], p->o.read, &e);
    if (st != YH_OK) {
        st = cannot_open(&held, st, &e, err);
        more = false;
    }
    while (st == YH_OK && more && *go) {
        take_spare(p, s);
        st = yh_source_next(s, &c, &more, err);
        if (st != YH_OK || !more)
            break;
        if (skip > 0) {
            skip--;
            yh_chunk_fini(&c);
            continue;
        }
        c.file = file;
        if (have)
            *go = put(q, &held);
        held = c;
        have = true;
    }
    yh_source_close(s);
    held.file = file;
    held.last = true;
    if (st == YH_OK && *go)
        *go = put(q, &held);
    else
        yh_chunk_fini(&held);
    return st;
}

static void *reader(void *arg)
{
    queue *q = arg;
    yh_prefetch *p = q->p;
    yh_status s = YH_OK;
    yh_err err = YH_ERR_INIT;
    bool go = true;
    size_t file = 0;
    while (s == YH_OK && go) {
        pthread_mutex_lock(&p->lock);
        while (p->next_file < p->n_paths && p->path[p->next_file] == NULL)
            p->next_file++;
        file = p->next_file++;
        go = !p->quit && file < p->n_paths;
        pthread_mutex_unlock(&p->lock);
        if (go)
            s = read_file(q, file, &go, &err);
    }
    pthread_mutex_lock(&p->lock);
    q->done = true;
    q->status = s;
    q->err = err;
    q->failed = file;
    pthread_cond_signal(&p->ready);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

yh_status yh_prefetch_create(yh_prefetch **out, const char *const *path, size_t n,
                             const yh_prefetch_options *o, yh_err *err)
{
    yh_prefetch *p = *out = yh_calloc(1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to read ahead");
    if (o != NULL)
        p->o = *o;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->room, NULL);
    pthread_cond_init(&p->ready, NULL);
    p->path = path;
    p->n_paths = n;
    p->at = p->next_file = p->o.first;
    p->n_queues = p->o.threads < 1 ? 1 : p->o.threads > THREADS_MAX ? THREADS_MAX : p->o.threads;
    if (p->o.bytes == 0)
        p->o.bytes = (size_t)64 << 20;
    p->limit = p->o.bytes / (size_t)p->n_queues;
    p->q = yh_calloc((size_t)p->n_queues, sizeof *p->q);
    yh_status s = p->q != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory to read ahead");
    for (int i = 0; i < p->n_queues && s == YH_OK; i++) {
        queue *q = &p->q[i];
        q->p = p;
        q->ring = yh_calloc(CHUNKS_MAX, sizeof *q->ring);
        if (q->ring == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory to read ahead");
        else if (pthread_create(&q->thread, NULL, reader, q) != 0)
            s = yh_fail(err, YH_NOMEM, "no memory for a thread that reads ahead");
        else
            q->running = true;
    }
    if (s != YH_OK) {
        yh_prefetch_free(p);
        *out = NULL;
    }
    return s;
}

/* The queue whose head is of file `at`, or the reader that failed with it; NULL: none yet. */
static queue *queue_of(yh_prefetch *p)
{
    for (int i = 0; i < p->n_queues; i++) {
        queue *q = &p->q[i];
        if (q->n > 0 && q->ring[q->head].file == p->at)
            return q;
        if (q->n == 0 && q->done && q->status != YH_OK && q->failed == p->at)
            return q;
    }
    return NULL;
}

yh_status yh_prefetch_next(yh_prefetch *p, yh_chunk *c, bool *more, yh_err *err)
{
    memset(c, 0, sizeof *c);
    while (p->at < p->n_paths && p->path[p->at] == NULL)
        p->at++;
    *more = p->at < p->n_paths;
    if (!*more)
        return YH_OK;
    pthread_mutex_lock(&p->lock);
    queue *q;
    while ((q = queue_of(p)) == NULL)
        pthread_cond_wait(&p->ready, &p->lock);
    yh_status s = YH_OK;
    if (q->n == 0) {
        s = yh_fail(err, q->status, "%s", q->err.msg);
    } else {
        *c = q->ring[q->head];
        q->head = (q->head + 1) % CHUNKS_MAX;
        q->n--;
        q->bytes -= c->piece.bytes.cap;
        p->at += c->last;
        pthread_cond_broadcast(&p->room);
    }
    pthread_mutex_unlock(&p->lock);
    return s;
}

void yh_prefetch_free(yh_prefetch *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->room);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; p->q != NULL && i < p->n_queues; i++) {
        queue *q = &p->q[i];
        if (q->running)
            pthread_join(q->thread, NULL);
        for (; q->n > 0; q->n--, q->head = (q->head + 1) % CHUNKS_MAX)
            yh_chunk_fini(&q->ring[q->head]);
        yh_free(q->ring);
    }
    yh_free(p->q);
    for (int i = 0; i < p->n_spares; i++)
        yh_buf_fini(&p->spare[i]);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->room);
    pthread_cond_destroy(&p->ready);
    yh_free(p);
}
