/* Writing the document store. */
#include <stdio.h>
#include <lz4.h>

#include "base/file.h"
#include "base/hash.h"
#include "dedup/store_disk.h"

struct yh_store_writer {
    yh_writer file;
    char *path;
    yh_store_entry *entry;
    size_t cap;
    yh_store_head head;
};

uint64_t yh_store_check(const yh_store_head *h, const yh_store_entry *e)
{
    uint64_t seed = yh_hash64(h, offsetof(yh_store_head, check), 0);
    return yh_hash64(e, (size_t)h->blocks * sizeof *e, seed);
}

yh_status yh_store_writer_create(yh_store_writer **out, const char *path, yh_err *err)
{
    *out = NULL;
    yh_store_writer *w = yh_calloc(1, sizeof *w);
    if (w == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to write", path);
    w->file = (yh_writer)YH_WRITER_INIT;
    memcpy(w->head.magic, YH_STORE_IDX_MAGIC, sizeof w->head.magic);
    w->path = yh_strdup(path);
    yh_status s = w->path != NULL ? yh_writer_open(&w->file, path, err)
                                  : yh_fail(err, YH_NOMEM, "%s: no memory to write", path);
    if (s == YH_OK)
        s = yh_writer_write(&w->file, YH_STORE_MAGIC, 8, err);
    if (s != YH_OK) {
        yh_store_writer_free(w);
        return s;
    }
    *out = w;
    return YH_OK;
}

void yh_store_writer_free(yh_store_writer *w)
{
    if (w == NULL)
        return;
    yh_writer_abort(&w->file);
    yh_free(w->entry);
    yh_free(w->path);
    yh_free(w);
}

/* ------------------------------------------------------------------ blocks */

static void fields_of(const yh_stored *d, const char *p[YH_STORE_FIELDS], size_t n[YH_STORE_FIELDS])
{
    const char *f[YH_STORE_FIELDS] = {d->text, d->id, d->source, d->url, d->lang, d->extra};
    for (int k = 0; k < YH_STORE_FIELDS; k++) {
        p[k] = f[k] != NULL ? f[k] : "";
        n[k] = k == 0 ? d->len : k == 5 ? d->extra_len : strlen(p[k]);
    }
}

static yh_status pack(const yh_stored *doc, size_t n, yh_buf *raw, yh_err *err)
{
    const char *p[YH_STORE_FIELDS];
    size_t len[YH_STORE_FIELDS];
    for (size_t i = 0; i < n; i++) {
        uint32_t small[YH_STORE_FIELDS];
        fields_of(&doc[i], p, len);
        for (int k = 0; k < YH_STORE_FIELDS; k++) {
            if (len[k] >= YH_STORE_BLOCK_MAX)
                return yh_fail(err, YH_LIMIT,
                               "document %s has %zu bytes, the store takes less than %d", p[1],
                               len[k], YH_STORE_BLOCK_MAX);
            small[k] = (uint32_t)len[k];
        }
        YH_TRY(yh_buf_add(raw, small, sizeof small, err));
    }
    for (size_t i = 0; i < n; i++) {
        fields_of(&doc[i], p, len);
        for (int k = 0; k < YH_STORE_FIELDS; k++) {
            YH_TRY(yh_buf_add(raw, p[k], len[k], err));
            YH_TRY(yh_buf_addc(raw, '\0', err));
        }
    }
    return YH_OK;
}

yh_status yh_store_block(const yh_stored *doc, size_t n, yh_buf *block, yh_err *err)
{
    yh_buf raw;
    yh_buf_init(&raw, YH_STORE_BLOCK_MAX);
    if (n > YH_STORE_DOCS_MAX)
        return yh_fail(err, YH_LIMIT, "%zu documents in a block, at most %d", n, YH_STORE_DOCS_MAX);
    yh_status s = pack(doc, n, &raw, err);
    const int bound = LZ4_compressBound((int)raw.len);
    const uint32_t size = (uint32_t)raw.len;
    if (s == YH_OK)
        s = yh_buf_add(block, &size, sizeof size, err);
    if (s == YH_OK)
        s = yh_buf_reserve(block, (size_t)bound, err);
    if (s == YH_OK)
        block->len += (size_t)LZ4_compress_default(raw.data != NULL ? raw.data : "",
                                                   block->data + block->len, (int)raw.len, bound);
    yh_buf_fini(&raw);
    return s;
}

yh_status yh_store_writer_add(yh_store_writer *w, const yh_buf *block, size_t n, uint64_t bytes,
                              yh_err *err)
{
    uint32_t raw = UINT32_MAX;
    if (block->len >= sizeof raw)
        memcpy(&raw, block->data, sizeof raw);
    if (raw > YH_STORE_BLOCK_MAX || block->len > UINT32_MAX || n > YH_STORE_DOCS_MAX)
        return yh_fail(err, YH_INVALID, "%s: this is no block of yh_store_block", w->path);
    yh_store_entry *e = yh_grow(w->entry, &w->cap, (size_t)w->head.blocks + 1, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to write", w->path);
    w->entry = e;
    e[w->head.blocks] = (yh_store_entry){.at = w->file.written,
                                         .packed = (uint32_t)block->len,
                                         .raw = raw,
                                         .docs = (uint32_t)n,
                                         .bytes = bytes,
                                         .check = yh_hash64(block->data, block->len, 0)};
    YH_TRY(yh_writer_write(&w->file, block->data, block->len, err));
    w->head.blocks++;
    w->head.documents += n;
    w->head.bytes += bytes;
    return YH_OK;
}

yh_status yh_store_writer_commit(yh_store_writer *w, yh_err *err)
{
    yh_writer idx = YH_WRITER_INIT;
    yh_buf path;
    yh_buf_init(&path, 0);
    w->head.size = w->file.written;
    w->head.check = yh_store_check(&w->head, w->entry);
    yh_status s = yh_buf_addf(&path, err, "%s.idx", w->path);
    if (s == YH_OK)
        s = yh_writer_commit(&w->file, err);
    if (s == YH_OK)
        s = yh_writer_open(&idx, path.data, err);
    if (s == YH_OK)
        s = yh_writer_write(&idx, &w->head, sizeof w->head, err);
    if (s == YH_OK)
        s = yh_writer_write(&idx, w->entry, (size_t)w->head.blocks * sizeof *w->entry, err);
    if (s == YH_OK)
        s = yh_writer_commit(&idx, err);
    yh_writer_abort(&idx);
    yh_buf_fini(&path);
    return s;
}
