/* Reading the document store, as it was written and through the decisions of stages. */
#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/thread.h"
#include "dedup/store_disk.h"

enum { CURSOR_BLOCKS = 4, STAGES_MAX = 64 };

typedef struct part {
    char *path;
    int fd;
    yh_store_entry *entry;
    uint64_t blocks;
    uint64_t first_block; /* number of its first block in the whole store */
} part;

typedef struct layer {
    char *path;
    int fd;
    uint64_t *first; /* [blocks + 1]: first decision about each block's documents */
} layer;

struct yh_store {
    part *p;
    size_t n;
    uint64_t blocks, documents, bytes;
    uint64_t *ordinal; /* [blocks + 1]: of each block's first document */
    layer l[STAGES_MAX];
    size_t n_layer;
};

/* A block in memory. */
typedef struct view {
    uint64_t block; /* UINT64_MAX: none */
    char *raw, *packed;
    size_t raw_cap, packed_cap;
    yh_stored *doc;
    size_t n, doc_cap;
    yh_decision *decision; /* of all layers, one behind the other */
    size_t decision_cap;
    const yh_decision *of_layer[STAGES_MAX];
    size_t n_of_layer[STAGES_MAX];
    uint64_t used; /* for the cursor: when */
} view;

static void view_fini(view *v)
{
    yh_free(v->raw);
    yh_free(v->packed);
    yh_free(v->doc);
    yh_free(v->decision);
    *v = (view){.block = UINT64_MAX};
}

/* ------------------------------------------------------------------ files */

static yh_status read_at(int fd, void *to, size_t n, uint64_t at, const char *path, yh_err *err)
{
    char *p = to;
    while (n > 0) {
        ssize_t k = pread(fd, p, n > (1u << 30) ? (1u << 30) : n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return yh_fail_errno(err, errno, "%s: cannot read at %llu", path,
                                 (unsigned long long)at);
        if (k == 0)
            return yh_fail(err, YH_CORRUPT,
                           "%s: ends at %llu, more is needed; remove it and run again", path,
                           (unsigned long long)at);
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return YH_OK;
}

static yh_status open_file(const char *path, int *fd, uint64_t *size, yh_err *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return yh_fail_errno(err, errno, "%s: cannot open", path);
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
        return YH_OK;
    }
    close(*fd);
    *fd = -1;
    return yh_fail(err, YH_CORRUPT, "%s: is not a regular file", path);
}

static yh_status damaged(const char *path, const char *what, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: %s; remove it and run again", path, what);
}

/* Everything that the index says is checked here once. */
static yh_status check_index(const part *p, const yh_store_head *h, uint64_t size, const char *path,
                             yh_err *err)
{
    uint64_t at = 8, docs = 0, bytes = 0;
    if (h->check != yh_store_check(h, p->entry))
        return damaged(path, "the index is damaged (checksum)", err);
    for (uint64_t b = 0; b < h->blocks; b++) {
        const yh_store_entry *e = &p->entry[b];
        if (e->at != at || e->raw > YH_STORE_BLOCK_MAX || e->docs > YH_STORE_DOCS_MAX ||
            e->bytes > e->raw)
            return damaged(path, "the index is damaged (a block)", err);
        at += e->packed;
        docs += e->docs;
        bytes += e->bytes;
    }
    if (docs != h->documents || bytes != h->bytes || at != h->size)
        return damaged(path, "the index is damaged (sums)", err);
    if (h->size != size)
        return damaged(p->path, "has not the length that its index says", err);
    return YH_OK;
}

static yh_status read_index(part *p, int idx, uint64_t idx_size, uint64_t size, const char *path,
                            yh_store_head *h, yh_err *err)
{
    if (idx_size < sizeof *h || (idx_size - sizeof *h) % sizeof *p->entry != 0)
        return damaged(path, "is no index of a document store", err);
    YH_TRY(read_at(idx, h, sizeof *h, 0, path, err));
    if (memcmp(h->magic, YH_STORE_IDX_MAGIC, 8) != 0 ||
        h->blocks != (idx_size - sizeof *h) / sizeof *p->entry)
        return damaged(path, "is no index of a document store", err);
    p->entry = yh_malloc((size_t)(idx_size - sizeof *h));
    if (p->entry == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for the index", path);
    YH_TRY(read_at(idx, p->entry, (size_t)(idx_size - sizeof *h), sizeof *h, path, err));
    p->blocks = h->blocks;
    return check_index(p, h, size, path, err);
}

static yh_status open_part(yh_store *s, part *p, const char *path, yh_err *err)
{
    char magic[8];
    uint64_t size = 0, idx_size = 0;
    yh_store_head h;
    yh_buf name;
    int idx = -1;
    p->fd = -1;
    p->first_block = s->blocks;
    yh_buf_init(&name, 0);
    p->path = yh_strdup(path);
    if (p->path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open", path);
    yh_status st = yh_buf_addf(&name, err, "%s.idx", path);
    if (st == YH_OK)
        st = open_file(path, &p->fd, &size, err);
    if (st == YH_OK)
        st = size < 8 ? damaged(path, "is no document store", err)
                      : read_at(p->fd, magic, 8, 0, path, err);
    if (st == YH_OK && memcmp(magic, YH_STORE_MAGIC, 8) != 0)
        st = damaged(path, "is no document store", err);
    if (st == YH_OK)
        st = open_file(name.data, &idx, &idx_size, err);
    if (st == YH_OK)
        st = read_index(p, idx, idx_size, size, name.data, &h, err);
    if (st == YH_OK) {
        s->blocks += h.blocks;
        s->documents += h.documents;
        s->bytes += h.bytes;
    }
    if (idx >= 0)
        close(idx);
    yh_buf_fini(&name);
    return st;
}

static yh_status number_blocks(yh_store *s, yh_err *err)
{
    uint64_t block = 0, ordinal = 0;
    s->ordinal = yh_calloc((size_t)s->blocks + 1, sizeof *s->ordinal);
    if (s->ordinal == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the index of the document store");
    for (size_t i = 0; i < s->n; i++)
        for (uint64_t b = 0; b < s->p[i].blocks; b++) {
            s->ordinal[block++] = ordinal;
            ordinal += s->p[i].entry[b].docs;
        }
    s->ordinal[block] = ordinal;
    return YH_OK;
}

yh_status yh_store_open(yh_store **out, const char *const *paths, size_t n, yh_err *err)
{
    *out = NULL;
    yh_store *s = yh_calloc(1, sizeof *s);
    if (s == NULL || (s->p = yh_calloc(n + 1, sizeof *s->p)) == NULL) {
        yh_free(s);
        return yh_fail(err, YH_NOMEM, "no memory to open the document store");
    }
    yh_status st = YH_OK;
    for (size_t i = 0; i < n && st == YH_OK; i++) {
        s->n = i + 1;
        st = open_part(s, &s->p[i], paths[i], err);
    }
    if (st == YH_OK)
        st = number_blocks(s, err);
    if (st != YH_OK) {
        yh_store_close(s);
        return st;
    }
    *out = s;
    return YH_OK;
}

void yh_store_close(yh_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (s->p[i].fd >= 0)
            close(s->p[i].fd);
        yh_free(s->p[i].path);
        yh_free(s->p[i].entry);
    }
    for (size_t k = 0; k < s->n_layer; k++) {
        if (s->l[k].fd >= 0)
            close(s->l[k].fd);
        yh_free(s->l[k].path);
        yh_free(s->l[k].first);
    }
    yh_free(s->ordinal);
    yh_free(s->p);
    yh_free(s);
}

uint64_t yh_store_documents(const yh_store *s)
{
    return s->documents;
}

uint64_t yh_store_bytes(const yh_store *s)
{
    return s->bytes;
}

uint64_t yh_store_blocks(const yh_store *s)
{
    return s->blocks;
}

/* ------------------------------------------------------------------ decisions */

/* Whether x may stand behind prev (NULL: at the beginning). */
static bool in_order(const yh_decision *prev, const yh_decision *x, uint64_t documents)
{
    /* the whole document: at is 0, or the sum overflows */
    if (x->ordinal >= documents || x->len == 0 || x->at + x->len < x->at)
        return false;
    if (prev == NULL || prev->ordinal < x->ordinal)
        return true;
    return prev->ordinal == x->ordinal && prev->len != UINT64_MAX && x->len != UINT64_MAX &&
           prev->at + prev->len <= x->at;
}

static yh_status index_layer(const yh_store *s, layer *l, const yh_decisions_tail *t,
                             yh_decision *chunk, yh_err *err)
{
    uint64_t check = 0, block = 0;
    yh_decision prev = {0};
    for (uint64_t done = 0; done <= t->count;) {
        size_t n =
            t->count - done < YH_DECISIONS_CHUNK ? (size_t)(t->count - done) : YH_DECISIONS_CHUNK;
        YH_TRY(read_at(l->fd, chunk, n * sizeof *chunk, 8 + done * sizeof *chunk, l->path, err));
        check = yh_hash64(chunk, n * sizeof *chunk, check);
        for (size_t i = 0; i < n; i++) {
            if (!in_order(done + i > 0 ? &prev : NULL, &chunk[i], s->documents))
                return damaged(l->path, "decisions are not in order or not about these documents",
                               err);
            while (s->ordinal[block + 1] <= chunk[i].ordinal)
                l->first[++block] = done + i;
            prev = chunk[i];
        }
        done += n;
        if (n < YH_DECISIONS_CHUNK)
            break;
    }
    while (block < s->blocks)
        l->first[++block] = t->count;
    return check == t->check ? YH_OK
                             : damaged(l->path, "the decisions are damaged (checksum)", err);
}

static yh_status open_layer(const yh_store *s, layer *l, const char *path, yh_err *err)
{
    uint64_t size = 0;
    char magic[8];
    yh_decisions_tail t;
    l->path = yh_strdup(path);
    l->first = yh_calloc((size_t)s->blocks + 1, sizeof *l->first);
    if (l->path == NULL || l->first == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open", path);
    YH_TRY(open_file(path, &l->fd, &size, err));
    if (size < 8 + sizeof t)
        return damaged(path, "is no file of decisions", err);
    YH_TRY(read_at(l->fd, magic, 8, 0, path, err));
    YH_TRY(read_at(l->fd, &t, sizeof t, size - sizeof t, path, err));
    if (memcmp(magic, YH_DECISIONS_MAGIC, 8) != 0 ||
        (size - 8 - sizeof t) % sizeof(yh_decision) != 0 ||
        t.count != (size - 8 - sizeof t) / sizeof(yh_decision))
        return damaged(path, "is no file of decisions", err);
    yh_decision *chunk = yh_malloc(YH_DECISIONS_CHUNK * sizeof *chunk);
    if (chunk == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open", path);
    yh_status st = index_layer(s, l, &t, chunk, err);
    yh_free(chunk);
    return st;
}

yh_status yh_store_apply(yh_store *s, const char *decisions, yh_err *err)
{
    if (s->n_layer == STAGES_MAX)
        return yh_fail(err, YH_LIMIT, "more than %d stages", (int)STAGES_MAX);
    layer *l = &s->l[s->n_layer];
    *l = (layer){.fd = -1};
    yh_status st = open_layer(s, l, decisions, err);
    if (st == YH_OK) {
        s->n_layer++;
        return st;
    }
    if (l->fd >= 0)
        close(l->fd);
    yh_free(l->path);
    yh_free(l->first);
    *l = (layer){.fd = -1};
    return st;
}

/* ------------------------------------------------------------------ one block */

static yh_status room(void **p, size_t *cap, size_t need, yh_err *err)
{
    if (need <= *cap)
        return YH_OK;
    yh_free(*p);
    *cap = 0;
    *p = yh_malloc(need);
    if (*p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a block of documents (%zu bytes)", need);
    *cap = need;
    return YH_OK;
}

static yh_status bad_block(const part *p, const yh_store_entry *e, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: the block at %llu is damaged; remove it and run again",
                   p->path, (unsigned long long)e->at);
}

/* Points the documents into the unpacked block; false: it is not one. */
static bool parse_block(view *v, const yh_store_entry *e, uint64_t ordinal)
{
    uint64_t at = (uint64_t)e->docs * YH_STORE_FIELDS * 4, text = 0;
    if (at > e->raw)
        return false;
    for (uint32_t i = 0; i < e->docs; i++) {
        const char *f[YH_STORE_FIELDS];
        uint32_t len[YH_STORE_FIELDS];
        memcpy(len, v->raw + (size_t)i * sizeof len, sizeof len);
        for (int k = 0; k < YH_STORE_FIELDS; k++) {
            if (len[k] >= e->raw - at || v->raw[at + len[k]] != '\0')
                return false;
            f[k] = v->raw + at;
            at += (uint64_t)len[k] + 1;
        }
        text += len[0];
        v->doc[i] = (yh_stored){.ordinal = ordinal + i,
                                .text = f[0],
                                .len = len[0],
                                .id = f[1],
                                .source = f[2],
                                .url = f[3],
                                .lang = f[4],
                                .extra = f[5],
                                .extra_len = len[5]};
    }
    return at == e->raw && text == e->bytes;
}

/* Reads the block and the decisions of every stage about its documents. */
static yh_status load(const yh_store *s, uint64_t block, view *v, yh_err *err)
{
    size_t lo = 0, hi = s->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (s->p[mid].first_block <= block)
            lo = mid;
        else
            hi = mid;
    }
    const part *p = &s->p[lo];
    const yh_store_entry *e = &p->entry[block - p->first_block];
    v->block = UINT64_MAX;
    YH_TRY(room((void **)&v->packed, &v->packed_cap, e->packed, err));
    YH_TRY(room((void **)&v->raw, &v->raw_cap, e->raw, err));
    YH_TRY(read_at(p->fd, v->packed, e->packed, e->at, p->path, err));
    if (yh_hash64(v->packed, e->packed, 0) != e->check)
        return bad_block(p, e, err);
    uint32_t raw;
    if (e->packed < sizeof raw)
        return bad_block(p, e, err);
    memcpy(&raw, v->packed, sizeof raw);
    if (raw != e->raw ||
        LZ4_decompress_safe(v->packed + sizeof raw, v->raw, (int)(e->packed - sizeof raw),
                            (int)e->raw) != (int)e->raw)
        return bad_block(p, e, err);
    if (v->doc_cap < e->docs) {
        yh_free(v->doc);
        v->doc_cap = 0;
        if ((v->doc = yh_calloc(e->docs, sizeof *v->doc)) == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a block of documents");
        v->doc_cap = e->docs;
    }
    v->n = e->docs;
    if (!parse_block(v, e, s->ordinal[block]))
        return bad_block(p, e, err);
    uint64_t all = 0;
    for (size_t k = 0; k < s->n_layer; k++)
        all += s->l[k].first[block + 1] - s->l[k].first[block];
    size_t bytes;
    if (!yh_mul_size((size_t)all, sizeof *v->decision, &bytes))
        return yh_fail(err, YH_NOMEM, "no memory for decisions");
    YH_TRY(room((void **)&v->decision, &v->decision_cap, bytes, err));
    yh_decision *d = v->decision;
    for (size_t k = 0; k < s->n_layer; k++) {
        const layer *l = &s->l[k];
        size_t n = (size_t)(l->first[block + 1] - l->first[block]);
        if (n > 0)
            YH_TRY(read_at(l->fd, d, n * sizeof *d, 8 + l->first[block] * sizeof *d, l->path, err));
        v->of_layer[k] = d;
        v->n_of_layer[k] = n;
        if (n > 0)
            d += n;
    }
    return YH_OK;
}

/* Takes the stretches d[0..n) out of the text. False: they do not fit it. */
static bool cut_text(yh_stored *x, const yh_decision *d, size_t n)
{
    char *text = (char *)(uintptr_t)x->text; /* inside the view's own block */
    size_t to = 0, from = 0;
    for (size_t i = 0; i < n; i++) {
        /* the file may have changed since it was checked */
        if (d[i].at < from || d[i].at > x->len || d[i].len > x->len - d[i].at)
            return false;
        memmove(text + to, text + from, (size_t)d[i].at - from);
        to += (size_t)d[i].at - from;
        from = (size_t)(d[i].at + d[i].len);
    }
    memmove(text + to, text + from, x->len - from);
    x->len = to + (x->len - from);
    text[x->len] = '\0';
    return true;
}

static yh_status apply_layer(const yh_store *s, view *v, size_t k, yh_err *err)
{
    const yh_decision *d = v->of_layer[k];
    size_t n = v->n_of_layer[k];
    for (size_t i = 0, e; i < n; i = e) {
        for (e = i + 1; e < n && d[e].ordinal == d[i].ordinal; e++)
            ;
        uint64_t at = d[i].ordinal - s->ordinal[v->block];
        bool good = at < v->n;
        if (good && d[i].len == UINT64_MAX)
            v->doc[at].text = NULL;
        else if (good && v->doc[at].text != NULL)
            good = cut_text(&v->doc[at], d + i, e - i);
        if (!good)
            return damaged(s->l[k].path, "decisions do not fit the documents", err);
    }
    return YH_OK;
}

static yh_status load_view(const yh_store *s, uint64_t block, view *v, yh_err *err)
{
    YH_TRY(load(s, block, v, err));
    v->block = block;
    for (size_t k = 0; k < s->n_layer; k++) {
        yh_status st = apply_layer(s, v, k, err);
        if (st != YH_OK) {
            v->block = UINT64_MAX;
            return st;
        }
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ all blocks */

typedef struct each {
    const yh_store *s;
    yh_store_fn fn;
    void *user;
    view *v; /* one per worker */
    pthread_mutex_t lock;
    yh_status st;
    yh_err error;
} each;

static yh_status each_block(each *x, uint64_t block, int worker, yh_err *err)
{
    view *v = &x->v[worker];
    size_t n = 0;
    if (yh_stop_requested())
        return yh_fail(err, YH_STOPPED, "stopped");
    YH_TRY(load_view(x->s, block, v, err));
    for (size_t i = 0; i < v->n; i++)
        if (v->doc[i].text != NULL)
            v->doc[n++] = v->doc[i];
    return x->fn(x->user, worker, v->doc, n, err);
}

static void each_range(void *arg, int64_t begin, int64_t end, int worker)
{
    each *x = arg;
    for (int64_t b = begin; b < end; b++) {
        yh_err err = YH_ERR_INIT;
        if (__atomic_load_n(&x->st, __ATOMIC_RELAXED) != YH_OK)
            return;
        yh_status st = each_block(x, (uint64_t)b, worker, &err);
        if (st == YH_OK)
            continue;
        pthread_mutex_lock(&x->lock);
        if (x->st == YH_OK) {
            __atomic_store_n(&x->st, st, __ATOMIC_RELAXED);
            x->error = err;
        }
        pthread_mutex_unlock(&x->lock);
        return;
    }
}

yh_status yh_store_each(yh_store *s, yh_pool *pool, yh_store_fn fn, void *user, yh_err *err)
{
    const int threads = yh_pool_threads(pool);
    each x = {.s = s, .fn = fn, .user = user, .st = YH_OK};
    x.v = yh_calloc((size_t)threads, sizeof *x.v);
    if (x.v == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to read documents");
    for (int i = 0; i < threads; i++)
        x.v[i].block = UINT64_MAX;
    pthread_mutex_init(&x.lock, NULL);
    yh_pool_run_dynamic(pool, (int64_t)s->blocks, 1, each_range, &x);
    pthread_mutex_destroy(&x.lock);
    for (int i = 0; i < threads; i++)
        view_fini(&x.v[i]);
    yh_free(x.v);
    return x.st == YH_OK ? YH_OK : yh_fail(err, x.st, "%s", x.error.msg);
}

/* ------------------------------------------------------------------ by number */

struct yh_store_cursor {
    const yh_store *s;
    view v[CURSOR_BLOCKS];
    view raw;
    uint64_t clock;
};

yh_status yh_store_cursor_create(yh_store_cursor **out, const yh_store *s, yh_err *err)
{
    yh_store_cursor *c = yh_calloc(1, sizeof *c);
    *out = c;
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to read documents");
    c->s = s;
    c->raw.block = UINT64_MAX;
    for (int i = 0; i < CURSOR_BLOCKS; i++)
        c->v[i].block = UINT64_MAX;
    return YH_OK;
}

void yh_store_cursor_free(yh_store_cursor *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < CURSOR_BLOCKS; i++)
        view_fini(&c->v[i]);
    view_fini(&c->raw);
    yh_free(c);
}

/* The block that holds the document. */
static uint64_t block_of(const yh_store *s, uint64_t ordinal)
{
    uint64_t lo = 0, hi = s->blocks;
    while (hi - lo > 1) {
        uint64_t mid = (lo + hi) / 2;
        if (s->ordinal[mid] <= ordinal)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

yh_status yh_store_get(yh_store_cursor *c, uint64_t ordinal, yh_stored *out, yh_err *err)
{
    const yh_store *s = c->s;
    if (ordinal >= s->documents)
        return yh_fail(err, YH_INVALID, "there is no document %llu, the store has %llu",
                       (unsigned long long)ordinal, (unsigned long long)s->documents);
    view *v = NULL, *oldest = &c->v[0];
    for (int i = 0; i < CURSOR_BLOCKS; i++) {
        view *w = &c->v[i];
        if (w->block != UINT64_MAX && s->ordinal[w->block] <= ordinal &&
            ordinal < s->ordinal[w->block + 1])
            v = w;
        if (w->used < oldest->used)
            oldest = w;
    }
    if (v == NULL) {
        v = oldest;
        YH_TRY(load_view(s, block_of(s, ordinal), v, err));
    }
    v->used = ++c->clock;
    *out = v->doc[ordinal - s->ordinal[v->block]];
    return YH_OK;
}

yh_status yh_store_block_raw(yh_store_cursor *c, uint64_t block, yh_store_raw *out, yh_err *err)
{
    const yh_store *s = c->s;
    if (block >= s->blocks)
        return yh_fail(err, YH_INVALID, "there is no block %llu, the store has %llu",
                       (unsigned long long)block, (unsigned long long)s->blocks);
    YH_TRY(load(s, block, &c->raw, err));
    *out = (yh_store_raw){c->raw.doc, c->raw.n, c->raw.of_layer, c->raw.n_of_layer};
    return YH_OK;
}
