/* Running one stage over documents that a test makes: the result is one line a living document,
 * "id<TAB>text<LF>", sorted, so that results of different orders, threads and memory compare. */
#ifndef YH_TESTS_STAGE_CASE_H
#define YH_TESTS_STAGE_CASE_H

#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "dedup/stage.h"
#include "scratch_dir.h"

typedef struct item {
    const char *id, *text, *url, *source; /* NULL: "" */
    size_t len;                           /* 0: strlen(text) */
} item;

typedef struct stage_case {
    const char *stage, *params; /* params: JSON, NULL: defaults */
    const item *it;
    size_t n;
    uint64_t order;  /* 0: as given; else a permutation */
    int threads;     /* 0: 1 */
    uint64_t memory; /* 0: 16 MiB */
    size_t block;    /* documents; 0: 7 */
    json_t *stats;   /* out, if it was set to an object */
} stage_case;

typedef struct stage_line {
    char *text;
} stage_line;

typedef struct stage_lines {
    stage_line *l;
    size_t n, cap;
    pthread_mutex_t lock;
} stage_lines;

static inline void stage_ok(yh_status s, const yh_err *err)
{
    if (s != YH_OK)
        fail_msg("status %d: %s", (int)s, err->msg);
}

static inline yh_status stage_collect(void *user, int worker, const yh_stored *d, size_t n,
                                      yh_err *err)
{
    stage_lines *o = user;
    (void)worker;
    (void)err;
    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; i < n; i++) {
        if (o->n == o->cap)
            o->l = realloc(o->l, (o->cap = o->cap * 2 + 64) * sizeof *o->l);
        char *t = malloc(strlen(d[i].id) + d[i].len + 3);
        sprintf(t, "%s\t%s\n", d[i].id, d[i].text);
        o->l[o->n++].text = t;
    }
    pthread_mutex_unlock(&o->lock);
    return YH_OK;
}

static inline int stage_by_text(const void *a, const void *b)
{
    return strcmp(((const stage_line *)a)->text, ((const stage_line *)b)->text);
}

static inline int stage_by_hash(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Writes the documents as a store. */
static inline yh_status stage_store(const stage_case *c, const char *path, yh_err *err)
{
    yh_store_writer *w;
    yh_buf b;
    size_t block = c->block != 0 ? c->block : 7;
    uint64_t(*place)[2] = malloc((c->n + 1) * sizeof *place);
    for (size_t i = 0; i < c->n; i++) {
        place[i][0] = c->order == 0 ? i : yh_hash64(&i, sizeof i, c->order);
        place[i][1] = i;
    }
    qsort(place, c->n, sizeof *place, stage_by_hash);
    yh_stored *d = calloc(block, sizeof *d);
    yh_buf_init(&b, 0);
    yh_status s = yh_store_writer_create(&w, path, err);
    for (size_t i = 0; i < c->n && s == YH_OK;) {
        size_t k = 0;
        uint64_t bytes = 0;
        for (; k < block && i < c->n; k++, i++) {
            const item *it = &c->it[place[i][1]];
            d[k] = (yh_stored){.text = it->text,
                               .len = it->len != 0 ? it->len : strlen(it->text),
                               .id = it->id,
                               .url = it->url,
                               .source = it->source};
            bytes += d[k].len;
        }
        yh_buf_clear(&b);
        s = yh_store_block(d, k, &b, err);
        if (s == YH_OK)
            s = yh_store_writer_add(w, &b, k, bytes, err);
    }
    if (s == YH_OK)
        s = yh_store_writer_commit(w, err);
    yh_store_writer_free(w);
    yh_buf_fini(&b);
    free(d);
    free(place);
    return s;
}

/* Runs the stage over the store and applies what it decided. */
static inline yh_status stage_apply(const stage_case *c, yh_store *store, yh_pool *pool,
                                    yh_err *err)
{
    const char *decided = in_dir("decided");
    json_t *given = c->params != NULL ? json_loads(c->params, 0, NULL) : NULL, *params;
    const yh_stage *stage = yh_stage_find(c->stage);
    if (stage == NULL)
        return yh_fail(err, YH_INVALID, "no stage %s", c->stage);
    if (c->params != NULL && given == NULL)
        return yh_fail(err, YH_INVALID, "bad JSON: %s", c->params);
    yh_stage_run x = {.store = store,
                      .pool = pool,
                      .memory = c->memory != 0 ? c->memory : 16 << 20,
                      .work = dir,
                      .stats = c->stats};
    yh_status s = yh_params_complete(&params, given, stage->params, c->stage, err);
    if (s == YH_OK) {
        s = yh_decisions_create(&x.out, 1 << 20, dir, pool, err);
        if (s == YH_OK)
            s = stage->run(params, &x, err);
        if (s == YH_OK)
            s = yh_decisions_commit(x.out, decided, err);
        if (s == YH_OK)
            s = yh_store_apply(store, decided, err);
        yh_decisions_free(x.out);
        json_decref(params);
    }
    json_decref(given);
    return s;
}

/* Free the result. */
static inline char *stage_result(const stage_case *c)
{
    char path[400];
    const char *paths[] = {path};
    yh_err err = YH_ERR_INIT;
    yh_store *store;
    yh_pool *pool;
    stage_lines o = {.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(path, sizeof path, "%s/store", dir);
    stage_ok(stage_store(c, path, &err), &err);
    stage_ok(yh_store_open(&store, paths, 1, &err), &err);
    stage_ok(yh_pool_create(&pool, c->threads != 0 ? c->threads : 1, &err), &err);
    stage_ok(stage_apply(c, store, pool, &err), &err);
    stage_ok(yh_store_each(store, pool, stage_collect, &o, &err), &err);
    yh_store_close(store);
    yh_pool_free(pool);
    if (o.n > 1)
        qsort(o.l, o.n, sizeof *o.l, stage_by_text);
    size_t len = 0;
    for (size_t i = 0; i < o.n; i++)
        len += strlen(o.l[i].text);
    char *all = malloc(len + 1), *p = all;
    for (size_t i = 0; i < o.n; i++) {
        size_t n = strlen(o.l[i].text);
        memcpy(p, o.l[i].text, n);
        p += n;
        free(o.l[i].text);
    }
    *p = '\0';
    free(o.l);
    return all;
}

/* The result must be `expected`, in any order of the documents, with any threads and memory. */
static inline void stage_expect(stage_case c, const char *expected)
{
    static const uint64_t memory[] = {0, 3000, 40000};
    for (uint64_t order = 0; order < 4; order++)
        for (int threads = 1; threads <= 2; threads++)
            for (size_t m = 0; m < 3; m++) {
                c.order = order;
                c.threads = threads;
                c.memory = memory[m];
                char *got = stage_result(&c);
                assert_string_equal(got, expected);
                free(got);
            }
}

/* one document for ITEMS */
#define D(ID, TEXT)                                                                                \
    {                                                                                              \
        .id = (ID), .text = (TEXT)                                                                 \
    }
#define DU(ID, TEXT, URL)                                                                          \
    {                                                                                              \
        .id = (ID), .text = (TEXT), .url = (URL), .source = "s"                                    \
    }
#define ITEMS(...)                                                                                 \
    .it = (const item[]){__VA_ARGS__}, .n = sizeof((const item[]){__VA_ARGS__}) / sizeof(item)

#endif
