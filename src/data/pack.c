/* yh_pack_run: documents to token shards. Batches of documents are encoded in parallel and written
 * in order. A shard of either split is closed when one of them is full; .pack/manifest.json,
 * written after the files, names what is valid and how many documents of the corpus it holds. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/thread.h"
#include "data/doc_batch.h"
#include "data/token_files.h"

#include "yh/tokens.h"

const char *const yh_split_names[2] = {"train", "heldout"};

enum { BATCH_BYTES = 8 << 20, SHARD_TOKENS = 1 << 26, MANIFEST_MAX = 1 << 30 };

typedef struct output { /* the open shard of one split */
    yh_writer bin, idx;
    XXH3_state_t *bin_hash, *idx_hash;
    uint64_t docs, tokens, bytes;
    bool open;
} output;

typedef struct packer {
    const yh_tok *tok;
    const yh_pack_options *o;
    yh_pool *pool;
    const char *dir;
    char hidden[PATH_MAX - 64];
    yh_corpus *corpus;
    uint32_t eos, vocab;
    bool wide;
    json_t *manifest, *sources, *shards;   /* the latter two borrowed from the manifest */
    json_t *index;                         /* source name -> number */
    uint64_t docs, tokens, bytes, pending; /* pending: tokens since the last commit */
    output out[2];
    yh_buf ids;
} packer;

static yh_status no_memory(yh_err *err)
{
    return yh_fail(err, YH_NOMEM, "no memory to pack tokens");
}

/* ------------------------------------------------------------------ shards */

static yh_status open_output(packer *p, int split, yh_err *err)
{
    output *o = &p->out[split];
    char path[PATH_MAX];
    uint64_t number = 0;
    size_t i;
    json_t *e;
    json_array_foreach(p->shards, i, e)
    {
        number +=
            strcmp(json_string_value(json_object_get(e, "split")), yh_split_names[split]) == 0;
    }
    o->docs = o->tokens = o->bytes = 0;
    if (o->bin_hash == NULL)
        o->bin_hash = XXH3_createState();
    if (o->idx_hash == NULL)
        o->idx_hash = XXH3_createState();
    if (o->bin_hash == NULL || o->idx_hash == NULL)
        return no_memory(err);
    XXH3_64bits_reset(o->bin_hash);
    XXH3_64bits_reset(o->idx_hash);
    snprintf(path, sizeof path, "%s/%s-%05" PRIu64 ".bin", p->dir, yh_split_names[split], number);
    YH_TRY(yh_writer_open(&o->bin, path, err));
    memcpy(path + strlen(path) - 3, "idx", 3);
    YH_TRY(yh_writer_open(&o->idx, path, err));
    o->open = true;
    return YH_OK;
}

static yh_status source_number(packer *p, const char *name, uint32_t *out, yh_err *err);

/* The ids as they are on disk, the EOS behind them. */
static yh_status disk_ids(packer *p, const yh_ids *ids, yh_err *err)
{
    size_t n = ids->n + 1, width = p->wide ? 4 : 2;
    uint32_t most = 0;
    yh_buf_clear(&p->ids);
    YH_TRY(yh_buf_reserve(&p->ids, n * width, err));
    uint8_t *to = (uint8_t *)p->ids.data;
    for (size_t i = 0; i < ids->n; i++)
        most = ids->id[i] > most ? ids->id[i] : most;
    if (most >= p->vocab)
        return yh_fail(err, YH_INTERNAL, "the tokenizer gave id %u of %u", most, p->vocab);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = i + 1 < n ? ids->id[i] : p->eos;
        to[i * width] = (uint8_t)id;
        to[i * width + 1] = (uint8_t)(id >> 8);
        if (p->wide) {
            to[i * 4 + 2] = (uint8_t)(id >> 16);
            to[i * 4 + 3] = (uint8_t)(id >> 24);
        }
    }
    return YH_OK;
}

static yh_status write_doc(packer *p, const yh_batch_doc *d, yh_err *err)
{
    output *o = &p->out[d->heldout];
    size_t n = d->ids.n + 1, width = p->wide ? 4 : 2;
    uint32_t source = 0;
    YH_TRY(source_number(p, d->source, &source, err));
    if (!o->open)
        YH_TRY(open_output(p, d->heldout, err));
    YH_TRY(disk_ids(p, &d->ids, err));
    yh_token_entry e = {o->tokens, n, d->len, source, 0};
    YH_TRY(yh_writer_write(&o->bin, p->ids.data, n * width, err));
    YH_TRY(yh_writer_write(&o->idx, &e, sizeof e, err));
    XXH3_64bits_update(o->bin_hash, p->ids.data, n * width);
    XXH3_64bits_update(o->idx_hash, &e, sizeof e);
    o->docs++;
    o->tokens += n;
    o->bytes += d->len;
    json_t *s = json_array_get(p->sources, source);
    static const char *const keys[] = {"documents", "tokens", "bytes"};
    uint64_t add[] = {1, n, d->len};
    json_t *t = json_object_get(s, yh_split_names[d->heldout]);
    for (int i = 0; i < 3; i++) {
        json_t *v = json_object_get(t, keys[i]);
        (void)json_integer_set(v, json_integer_value(v) + (json_int_t)add[i]);
    }
    return YH_OK;
}

static yh_status close_output(packer *p, int split, yh_err *err)
{
    output *o = &p->out[split];
    char a[20], b[20];
    if (!o->open)
        return YH_OK;
    snprintf(a, sizeof a, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(o->bin_hash));
    snprintf(b, sizeof b, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(o->idx_hash));
    YH_TRY(yh_writer_commit(&o->bin, err));
    YH_TRY(yh_writer_commit(&o->idx, err));
    o->open = false;
    json_t *e = json_pack("{s:s,s:I,s:I,s:I,s:s,s:s}", "split", yh_split_names[split], "documents",
                          (json_int_t)o->docs, "tokens", (json_int_t)o->tokens, "bytes",
                          (json_int_t)o->bytes, "bin_hash", a, "idx_hash", b);
    return json_array_append_new(p->shards, e) == 0 ? YH_OK : no_memory(err);
}

static yh_status commit(packer *p, yh_err *err)
{
    YH_TRY(close_output(p, YH_TRAIN, err));
    YH_TRY(close_output(p, YH_HELDOUT, err));
    p->pending = 0;
    if (json_object_set_new(p->manifest, "documents", json_integer((json_int_t)p->docs)) != 0)
        return no_memory(err);
    char *path = yh_path_join(p->hidden, "manifest.json");
    yh_status s = path != NULL ? yh_json_save(p->manifest, path, false, err) : no_memory(err);
    yh_free(path);
    return s;
}

/* ------------------------------------------------------------------ documents */

static yh_status source_number(packer *p, const char *name, uint32_t *out, yh_err *err)
{
    const json_t *v = json_object_get(p->index, name);
    if (v == NULL) {
        size_t n = json_array_size(p->sources);
        json_t *e = json_pack("{s:s,s:{s:i,s:i,s:i},s:{s:i,s:i,s:i}}", "name", name, "train",
                              "documents", 0, "tokens", 0, "bytes", 0, "heldout", "documents", 0,
                              "tokens", 0, "bytes", 0);
        if (n >= YH_TOKEN_SOURCES_MAX)
            return yh_fail(err, YH_LIMIT, "more than %zu sources in the corpus", n);
        if (json_array_append_new(p->sources, e) != 0 ||
            json_object_set_new(p->index, name, json_integer((json_int_t)n)) != 0)
            return no_memory(err);
        v = json_object_get(p->index, name);
    }
    *out = (uint32_t)json_integer_value(v);
    return YH_OK;
}

static void encode_doc(void *arg, yh_batch_doc *d, int worker)
{
    const packer *p = arg;
    (void)worker;
    d->status = yh_tok_encode(p->tok, d->text, d->len, 0, &d->ids, &d->err);
    d->heldout = yh_doc_is_heldout(d->text, d->len, p->o->heldout_per_mille);
}

static yh_status write_batch(void *arg, yh_doc_batch *b, yh_err *err)
{
    packer *p = arg;
    uint64_t limit = p->o->shard_tokens != 0 ? p->o->shard_tokens : SHARD_TOKENS;
    for (size_t i = 0; i < b->n; i++) {
        const yh_batch_doc *d = &b->doc[i];
        if (d->status != YH_OK)
            return yh_fail(err, d->status, "%s", d->err.msg);
        YH_TRY(write_doc(p, d, err));
        p->tokens += d->ids.n + 1;
        p->pending += d->ids.n + 1;
        p->bytes += d->len;
    }
    p->docs += b->n + b->empty;
    if (p->pending >= limit)
        YH_TRY(commit(p, err));
    if (p->o->progress != NULL)
        p->o->progress(p->o->user, p->docs, p->tokens, p->bytes);
    return YH_OK;
}

static yh_status pack_all(packer *p, yh_err *err)
{
    bool more = true;
    yh_batches r = {.corpus = p->corpus, .batch_bytes = BATCH_BYTES};
    r.work = encode_doc;
    r.take = write_batch;
    r.arg = p;
    if (p->o->shard_tokens != 0 && p->o->shard_tokens < BATCH_BYTES) /* small shards: small steps */
        r.batch_bytes = (size_t)p->o->shard_tokens;
    for (uint64_t skip = p->docs; skip > 0 && more; skip--) {
        yh_doc d;
        YH_TRY(yh_corpus_next(p->corpus, &d, &more, err));
    }
    if (more)
        YH_TRY(yh_batches_run(&r, p->pool, err));
    return commit(p, err);
}

/* ------------------------------------------------------------------ the folder */

/* Of the corpus's files (names, sizes, times), the tokenizer and the options. */
static yh_status fingerprint(const packer *p, const char *corpus, char hex[20], yh_err *err)
{
    yh_file_list l = {0};
    uint64_t h = yh_tok_hash(p->tok);
    h = yh_hash64(&p->o->heldout_per_mille, sizeof p->o->heldout_per_mille, h);
    h = yh_hash64(&p->o->shard_tokens, sizeof p->o->shard_tokens, h);
    yh_status s = yh_file_list_add(&l, corpus, err);
    for (size_t i = 0; i < l.n && s == YH_OK; i++) {
        const char *name = yh_path_base(l.path[i]);
        struct stat st;
        if (strncmp(name, "removed-", 8) == 0 || strcmp(name, "report.json") == 0 ||
            stat(l.path[i], &st) != 0)
            continue;
        h = yh_hash64(name, strlen(name), h);
        h = yh_hash64(&l.size[i], sizeof l.size[i], h);
        h = yh_hash64(&st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec, h);
        h = yh_hash64(&st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec, h);
    }
    yh_file_list_fini(&l);
    snprintf(hex, 20, "%016" PRIx64, h);
    return s;
}

static bool shard_file(const char *name)
{
    return strncmp(name, "train-", 6) == 0 || strncmp(name, "heldout-", 8) == 0 ||
           strncmp(name, "tokens.json", 11) == 0 || strncmp(name, "manifest.json", 13) == 0;
}

/* all false: only temporary files of killed runs */
static yh_status sweep(const char *dir, bool all, yh_err *err)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return yh_fail_errno(err, errno, "%s: cannot list the folder", dir);
    yh_status s = YH_OK;
    for (struct dirent *e; s == YH_OK && (e = readdir(d)) != NULL;) {
        if (!shard_file(e->d_name) || (!all && strstr(e->d_name, ".tmp") == NULL))
            continue;
        char *path = yh_path_join(dir, e->d_name);
        if (path == NULL)
            s = no_memory(err);
        else if (unlink(path) != 0 && errno != ENOENT)
            s = yh_fail_errno(err, errno, "%s: cannot remove", path);
        yh_free(path);
    }
    closedir(d);
    return s;
}

static bool sizes_fit(const packer *p)
{
    uint64_t number[2] = {0, 0};
    size_t i;
    json_t *e;
    json_array_foreach(p->shards, i, e)
    {
        const char *split = json_string_value(json_object_get(e, "split"));
        int k = split != NULL && strcmp(split, "heldout") == 0;
        char path[PATH_MAX];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s-%05" PRIu64 ".bin", p->dir, yh_split_names[k],
                 number[k]++);
        int64_t tokens = json_integer_value(json_object_get(e, "tokens"));
        if (stat(path, &st) != 0 || (int64_t)st.st_size != tokens * (p->wide ? 4 : 2))
            return false;
        memcpy(path + strlen(path) - 3, "idx", 3);
        int64_t docs = json_integer_value(json_object_get(e, "documents"));
        if (stat(path, &st) != 0 || (int64_t)st.st_size != docs * (int64_t)sizeof(yh_token_entry))
            return false;
    }
    return true;
}

/* Sums what the committed shards hold. */
static void resume_counts(packer *p)
{
    size_t i;
    json_t *e;
    json_array_foreach(p->shards, i, e)
    {
        p->tokens += (uint64_t)json_integer_value(json_object_get(e, "tokens"));
        p->bytes += (uint64_t)json_integer_value(json_object_get(e, "bytes"));
    }
    json_array_foreach(p->sources, i, e)
    {
        const char *name = json_string_value(json_object_get(e, "name"));
        if (name != NULL)
            (void)json_object_set_new(p->index, name, json_integer((json_int_t)i));
    }
    p->docs = (uint64_t)json_integer_value(json_object_get(p->manifest, "documents"));
}

static yh_status load_state(packer *p, const char *hex, yh_err *err)
{
    char *path = yh_path_join(p->hidden, "manifest.json");
    if (path == NULL)
        return no_memory(err);
    bool good = false;
    yh_err e = YH_ERR_INIT;
    if (yh_is_file(path)) {
        if (yh_json_load(&p->manifest, path, MANIFEST_MAX, &e) == YH_OK) {
            const char *have = json_string_value(json_object_get(p->manifest, "fingerprint"));
            p->sources = json_object_get(p->manifest, "sources");
            p->shards = json_object_get(p->manifest, "shards");
            good = have != NULL && strcmp(have, hex) == 0 && json_is_array(p->sources) &&
                   json_is_array(p->shards) && sizes_fit(p);
        }
        if (!good)
            yh_log(YH_LOG_WARN,
                   "%s: the corpus, the tokenizer or the options changed; packing again from the "
                   "beginning",
                   p->dir);
    }
    yh_free(path);
    p->index = json_object();
    if (good) {
        YH_TRY(sweep(p->dir, false, err));
        YH_TRY(sweep(p->hidden, false, err));
        resume_counts(p);
        return YH_OK;
    }
    YH_TRY(sweep(p->dir, true, err));
    YH_TRY(sweep(p->hidden, true, err));
    json_decref(p->manifest);
    p->manifest = json_pack("{s:i,s:s,s:[],s:[]}", "version", YH_TOKENS_VERSION, "fingerprint", hex,
                            "shards", "sources");
    p->sources = json_object_get(p->manifest, "sources");
    p->shards = json_object_get(p->manifest, "shards");
    return p->manifest != NULL && p->index != NULL ? YH_OK : no_memory(err);
}

static yh_status write_index(packer *p, yh_err *err)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, yh_tok_hash(p->tok));
    json_t *j = json_pack("{s:i,s:I,s:s,s:I,s:i,s:i,s:O,s:O}", "version", YH_TOKENS_VERSION,
                          "vocabulary", (json_int_t)p->vocab, "vocabulary_hash", hash, "eos",
                          (json_int_t)p->eos, "bits", p->wide ? 32 : 16, "heldout_per_mille",
                          (int)p->o->heldout_per_mille, "shards", p->shards, "sources", p->sources);
    char *path = yh_path_join(p->dir, "tokens.json");
    yh_status s = j != NULL && path != NULL ? yh_json_save(j, path, true, err) : no_memory(err);
    yh_free(path);
    json_decref(j);
    return s;
}

static yh_status run(packer *p, const char *corpus, yh_err *err)
{
    char hex[20];
    if ((size_t)snprintf(p->hidden, sizeof p->hidden, "%s/.pack", p->dir) >= sizeof p->hidden)
        return yh_fail(err, YH_INVALID, "%s: folder name is too long", p->dir);
    YH_TRY(yh_mkdirs(p->hidden, err));
    YH_TRY(fingerprint(p, corpus, hex, err));
    YH_TRY(load_state(p, hex, err));
    char *index = yh_path_join(p->dir, "tokens.json");
    if (index == NULL)
        return no_memory(err);
    bool finished = yh_is_file(index);
    yh_free(index);
    if (finished) {
        yh_log(YH_LOG_INFO, "%s: is finished already, nothing to do", p->dir);
        return YH_OK;
    }
    if (p->docs > 0)
        yh_log(YH_LOG_INFO, "%s: goes on behind document %" PRIu64, p->dir, p->docs);
    YH_TRY(pack_all(p, err));
    if (p->docs == 0)
        return yh_fail(err, YH_INVALID, "%s: holds no document to pack", corpus);
    YH_TRY(yh_tok_save(p->tok, p->dir, err));
    return write_index(p, err);
}

yh_status yh_pack_run(const char *corpus, const yh_tok *tok, const char *out,
                      const yh_pack_options *o, yh_pool *pool, yh_err *err)
{
    static const yh_pack_options defaults = {0};
    packer p = {.tok = tok, .o = o != NULL ? o : &defaults, .pool = pool, .dir = out};
    yh_dir_lock lock = YH_DIR_LOCK_INIT;
    for (int k = 0; k < 2; k++)
        p.out[k].bin = p.out[k].idx = (yh_writer)YH_WRITER_INIT;
    int64_t eos = yh_tok_eos(tok);
    if (p.o->heldout_per_mille > 1000)
        return yh_fail(err, YH_INVALID, "held-out share must be 0 to 1000 per mille");
    if (eos < 0)
        return yh_fail(err, YH_UNSUPPORTED,
                       "the tokenizer has no end-of-text token, so documents cannot be ended; use "
                       "one with <|endoftext|> or an eos_token");
    p.eos = (uint32_t)eos;
    p.vocab = yh_tok_size(tok);
    p.wide = p.vocab > 65536;
    yh_status s = yh_corpus_open(&p.corpus, corpus, err);
    if (s == YH_OK)
        s = yh_mkdirs(out, err);
    if (s == YH_OK)
        s = yh_dir_lock_wait(&lock, out, err);
    if (s == YH_OK)
        s = run(&p, corpus, err);
    for (int k = 0; k < 2; k++) {
        yh_writer_abort(&p.out[k].bin);
        yh_writer_abort(&p.out[k].idx);
        XXH3_freeState(p.out[k].bin_hash);
        XXH3_freeState(p.out[k].idx_hash);
    }
    yh_buf_fini(&p.ids);
    json_decref(p.manifest);
    json_decref(p.index);
    yh_corpus_close(p.corpus);
    yh_dir_lock_release(&lock);
    return s;
}
