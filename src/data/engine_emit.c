/* Emit: the store with all decisions, through the steps behind the stages, to part and removed
 * files. A block of the store is a group. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "data/engine_work.h"

enum { BATCH = 256, CHECKPOINT_SECONDS = 2, STATE_LIMIT = 256 << 20 };

enum { ID_MAX = 16 << 10 };

/* The ids of documents by number, for "repeats ID". Read, not mapped: pages of a mapped file count
 * as this process's memory, and there would be more of them the larger the corpus is. */
typedef struct id_table {
    struct id_file {
        int fd;
        uint64_t first, n, size;
    } * f;
    size_t n;
} id_table;

typedef struct emit {
    yh_engine *e;
    char dir[PATH_MAX - 64];
    yh_store *store;
    yh_store_cursor **cursor; /* one a worker */
    int workers;
    id_table ids;
    yh_output out;
    yh_work *work;
    uint64_t block, n_blocks; /* next; all */
    size_t n, most;           /* of the batch */
    json_t *stats;
    double seconds, began, saved;
    uint64_t unsaved;
} emit;

/* ------------------------------------------------------------------ ids */

static yh_status add_ids(id_table *t, const char *path, yh_err *err)
{
    struct id_file *f = &t->f[t->n];
    struct stat st;
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return yh_fail_errno(err, errno, "%s: cannot open", path);
    t->n++;
    f->first = t->n > 1 ? f[-1].first + f[-1].n : 0;
    if (fstat(f->fd, &st) != 0 || st.st_size < 8 || pread(f->fd, &f->n, 8, 0) != 8)
        return yh_fail(err, YH_CORRUPT, "%s: is damaged", path);
    f->size = (uint64_t)st.st_size;
    return f->n <= f->size / 8 - 1 ? YH_OK : yh_fail(err, YH_CORRUPT, "%s: is damaged", path);
}

static yh_status open_ids(emit *m, yh_err *err)
{
    char path[PATH_MAX];
    const yh_engine *e = m->e;
    size_t cap = 0;
    for (uint64_t u = 0; u < e->in.n_units; u++)
        for (uint64_t i = 0;; i++) {
            YH_TRY(yh_engine_path(e, path, sizeof path, err, "unit-%06llu/seg-%05llu.ids",
                                  (unsigned long long)u, (unsigned long long)i));
            if (!yh_is_file(path))
                break;
            void *p = yh_grow(m->ids.f, &cap, m->ids.n + 1, sizeof *m->ids.f);
            if (p == NULL)
                return yh_fail(err, YH_NOMEM, "no memory for a list of files");
            m->ids.f = p;
            memset(&m->ids.f[m->ids.n], 0, sizeof *m->ids.f);
            YH_TRY(add_ids(&m->ids, path, err));
        }
    return YH_OK;
}

/* Into id, ID_MAX bytes; false: it cannot be found. */
static bool id_of(const id_table *t, uint64_t ordinal, char *id)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) { /* the first file behind it */
        size_t mid = (lo + hi) / 2;
        if (t->f[mid].first > ordinal)
            hi = mid;
        else
            lo = mid + 1;
    }
    if (lo == 0)
        return false;
    const struct id_file *f = &t->f[lo - 1];
    uint64_t k = ordinal - f->first, at, base = 8 + 8 * f->n;
    if (k >= f->n || pread(f->fd, &at, 8, (off_t)(8 + 8 * k)) != 8 || at >= f->size - base)
        return false;
    ssize_t n = pread(f->fd, id, ID_MAX, (off_t)(base + at));
    return n > 0 && memchr(id, 0, (size_t)n) != NULL;
}

/* ------------------------------------------------------------------ one document */

static const char *repeats(const emit *m, uint64_t other, yh_buf *b, yh_err *err)
{
    char id[ID_MAX];
    yh_buf_clear(b);
    return other != UINT64_MAX && id_of(&m->ids, other, id) &&
                   yh_buf_addf(b, err, "repeats %s", id) == YH_OK
               ? b->data
               : NULL;
}

/* Applies one stage's decisions about a document. */
static yh_status decide(const emit *m, yh_draft *d, int step, const yh_decision *x, size_t n,
                        yh_buf *b, yh_err *err)
{
    if (n == 0)
        return YH_OK;
    for (size_t i = 0; i < n; i++)
        if (x[i].len == UINT64_MAX)
            return yh_draft_remove(d, step, x[i].score, repeats(m, x[i].other, b, err), err);
    yh_span *span = yh_calloc(n, sizeof *span);
    char **text = yh_calloc(n, sizeof *text);
    yh_status s = span != NULL && text != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
    for (size_t i = 0; i < n && s == YH_OK; i++) {
        const char *why = repeats(m, x[i].other, b, err);
        if (x[i].at > d->len || x[i].len > d->len - x[i].at)
            s = yh_fail(err, YH_CORRUPT, "a decision about a document lies behind its end");
        else if (why != NULL && (text[i] = yh_strdup(why)) == NULL)
            s = yh_fail(err, YH_NOMEM, "no memory");
        span[i] = (yh_span){(size_t)x[i].at, (size_t)x[i].len, x[i].score, text[i]};
    }
    if (s == YH_OK)
        s = yh_draft_cut_spans(d, step, span, n, err);
    if (s == YH_OK)
        s = yh_engine_emptied(d, step, err);
    for (size_t i = 0; text != NULL && i < n; i++)
        yh_free(text[i]);
    yh_free(text);
    yh_free(span);
    return s;
}

/* Where stages cut a document's last line, the line end before it would stay. Later decisions may
 * reach over it, so it goes when all were applied. */
static void trim_end(yh_draft *d, bool ended_so)
{
    if (ended_so || d->n_edit == 0)
        return;
    while (d->len > 0 && d->text[d->len - 1] == '\n')
        d->text[--d->len] = '\0';
    yh_draft_stale(d);
}

/* The steps behind the stages, and what became of the document. */
static yh_status finish(const emit *m, yh_work *w, yh_draft *d, const yh_origin *o, yh_err *err)
{
    const yh_recipe *r = m->e->recipe;
    if (d->removed_by < 0)
        YH_TRY(yh_engine_steps(m->e, d, r->stage_end, r->n, err));
    if (d->removed_by >= 0 || d->n_edit > 0)
        YH_TRY(yh_work_removed(m->e, w, d, o, err));
    return d->removed_by < 0 ? yh_work_kept(m->e, w, d, o, err) : YH_OK;
}

static yh_status one_document(const emit *m, yh_work *w, const yh_store_raw *raw, size_t i,
                              size_t *at, yh_buf *b, yh_err *err)
{
    const yh_stored *doc = &raw->doc[i];
    const yh_recipe *r = m->e->recipe;
    yh_drafts list = {0};
    yh_buf text;
    yh_buf_init(&text, 0);
    yh_origin o = {.id = doc->id, .source = doc->source};
    double score = 0;
    yh_status s = yh_buf_reserve(&text, doc->len, err);
    if (s == YH_OK)
        s = yh_buf_add(&text, doc->text, doc->len, err);
    if (s == YH_OK)
        s = yh_drafts_add(&list, &text, 0, true, "UTF-8", err);
    if (s == YH_OK)
        s = yh_record_unpack(doc->extra, doc->extra_len, &o, &score, err);
    if (s == YH_OK) {
        yh_draft *d = &list.d[0];
        snprintf(d->lang, sizeof d->lang, "%s", doc->lang);
        d->lang_score = score;
        const bool ended_so = d->len > 0 && d->text[d->len - 1] == '\n';
        d->url = doc->url[0] != '\0' ? yh_strdup(doc->url) : NULL;
        for (int k = 0; k < r->stage_end - r->scan_end && s == YH_OK; k++) {
            const yh_decision *x = raw->decision[k] + at[k];
            size_t n = 0;
            while (at[k] + n < raw->n_decision[k] && x[n].ordinal == doc->ordinal)
                n++;
            if (d->removed_by < 0)
                s = decide(m, d, r->scan_end + k, x, n, b, err);
            at[k] += n;
        }
        trim_end(d, ended_so);
        if (s == YH_OK)
            s = finish(m, w, d, &o, err);
    }
    yh_buf_fini(&text);
    yh_drafts_fini(&list);
    return s;
}

static yh_status one_block(emit *m, yh_work *w, uint64_t block, int worker, yh_err *err)
{
    yh_store_raw raw = {0};
    size_t at[YH_RECIPE_STEPS] = {0};
    yh_buf b;
    YH_TRY(yh_store_block_raw(m->cursor[worker], block, &raw, err));
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (size_t i = 0; i < raw.n && s == YH_OK; i++)
        s = one_document(m, w, &raw, i, at, &b, err);
    yh_buf_fini(&b);
    return s == YH_OK ? yh_work_pack(m->e, w, err) : s;
}

static void blocks_range(void *arg, int64_t begin, int64_t end, int worker)
{
    emit *m = arg;
    for (int64_t i = begin; i < end; i++)
        m->work[i].status =
            one_block(m, &m->work[i], m->block + (uint64_t)i, worker, &m->work[i].err);
}

/* ------------------------------------------------------------------ the pass */

static yh_status checkpoint(emit *m, bool finished, yh_err *err)
{
    char path[PATH_MAX];
    YH_TRY(yh_output_sync(&m->out, err));
    double now = yh_now();
    m->seconds += now - m->began;
    m->began = m->saved = now;
    m->unsaved = 0;
    snprintf(path, sizeof path, "%s/state.json", m->dir);
    json_t *output = yh_output_state(&m->out);
    json_t *j =
        json_pack("{s:b,s:I,s:O,s:f,s:O}", "finished", (int)finished, "block", (json_int_t)m->block,
                  "output", output, "seconds", m->seconds, "stats", m->stats);
    json_decref(output);
    if (j == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    yh_status s = yh_json_save(j, path, false, err);
    json_decref(j);
    return s;
}

static yh_status run_batch(emit *m, yh_err *err)
{
    yh_status s = YH_OK;
    yh_engine *e = m->e;
    m->n = m->most;
    if (m->n > m->n_blocks - m->block)
        m->n = (size_t)(m->n_blocks - m->block);
    yh_pool_run_dynamic(e->pool, (int64_t)m->n, 1, blocks_range, m);
    for (size_t i = 0; i < m->n; i++) {
        yh_work *w = &m->work[i];
        if (s == YH_OK && w->status != YH_OK)
            s = yh_fail(err, w->status, "%s", w->err.msg);
        if (s == YH_OK)
            s = yh_work_write(e, w, &m->out, m->stats, err);
        m->unsaved += w->kept_text + w->gone_text;
        yh_work_fini(w);
    }
    m->block += m->n;
    return s;
}

static yh_status run(emit *m, yh_err *err)
{
    yh_engine *e = m->e;
    e->phase = "write";
    m->began = m->saved = yh_now();
    while (m->block < m->n_blocks) {
        YH_TRY(run_batch(m, err));
        double now = yh_now();
        bool stop = yh_stop_requested();
        if (stop || m->unsaved >= e->shard_bytes ||
            (now - m->saved > CHECKPOINT_SECONDS && now - m->saved > m->seconds / 50))
            YH_TRY(checkpoint(m, false, err));
        if (stop)
            return yh_fail(err, YH_STOPPED, "stopped; the same command goes on from here");
        e->docs_kept = yh_stats_get(m->stats, "documents", "kept");
        e->text_bytes = yh_stats_get(m->stats, "text", "bytes");
        e->fraction = (double)m->block / (double)m->n_blocks;
        yh_engine_progress(e, false);
    }
    return checkpoint(m, true, err);
}

static yh_status set_up(emit *m, bool *finished, yh_err *err)
{
    yh_engine *e = m->e;
    char path[PATH_MAX];
    json_t *state = NULL;
    YH_TRY(yh_engine_path(e, m->dir, sizeof m->dir, err, "emit"));
    YH_TRY(yh_mkdirs(m->dir, err));
    snprintf(path, sizeof path, "%s/state.json", m->dir);
    if (yh_is_file(path))
        YH_TRY(yh_json_load(&state, path, STATE_LIMIT, err));
    *finished = json_is_true(json_object_get(state, "finished"));
    m->block = (uint64_t)json_integer_value(json_object_get(state, "block"));
    m->seconds = json_number_value(json_object_get(state, "seconds"));
    m->stats = json_deep_copy(json_object_get(state, "stats"));
    yh_status s = m->stats != NULL ? YH_OK : yh_stats_create(&m->stats, err);
    if (s == YH_OK && !*finished)
        s = yh_output_open(&m->out, m->dir, e->shard_bytes, json_object_get(state, "output"), err);
    json_decref(state);
    if (s != YH_OK || *finished)
        return s;
    YH_TRY(open_ids(m, err));
    YH_TRY(yh_engine_store(e, &m->store, e->recipe->stage_end - e->recipe->scan_end, err));
    m->n_blocks = yh_store_blocks(m->store);
    m->workers = yh_pool_threads(e->pool);
    m->most = yh_engine_batch(e, BATCH);
    m->cursor = yh_calloc((size_t)m->workers, sizeof *m->cursor);
    m->work = yh_calloc(BATCH, sizeof *m->work);
    if (m->cursor == NULL || m->work == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a batch");
    for (int i = 0; i < m->workers; i++)
        YH_TRY(yh_store_cursor_create(&m->cursor[i], m->store, err));
    return YH_OK;
}

yh_status yh_engine_emit(yh_engine *e, yh_err *err)
{
    emit m = {.e = e};
    bool finished = false;
    m.out.row[0].fd = m.out.row[1].fd = -1;
    yh_status s = set_up(&m, &finished, err);
    if (s == YH_OK && !finished)
        s = run(&m, err);
    for (int i = 0; m.cursor != NULL && i < m.workers; i++)
        if (m.cursor[i] != NULL)
            yh_store_cursor_free(m.cursor[i]);
    yh_free(m.cursor);
    yh_store_close(m.store);
    yh_output_close(&m.out);
    for (size_t i = 0; i < m.ids.n; i++)
        close(m.ids.f[i].fd);
    yh_free(m.ids.f);
    yh_free(m.work);
    json_decref(m.stats);
    return s;
}
