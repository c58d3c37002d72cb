/* Reading token shards. Every size, count and offset of the index is checked when the folder is
 * opened, so that later reads need no checks. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/token_files.h"

#include "yh/tokens.h"

typedef struct shard {
    yh_map bin, idx;
    uint64_t first_doc; /* of the split */
    uint64_t docs;
} shard;

typedef struct split {
    shard *s;
    size_t n, cap;
    uint64_t docs, tokens, bytes;
} split;

struct yh_tokens {
    split split[2];
    json_t *index;
    const char **source;
    size_t n_sources;
    uint32_t vocab, eos;
    uint64_t hash;
    bool wide;
};

void yh_tokens_close(yh_tokens *t)
{
    if (t == NULL)
        return;
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < t->split[k].n; i++) {
            yh_map_close(&t->split[k].s[i].bin);
            yh_map_close(&t->split[k].s[i].idx);
        }
        yh_free(t->split[k].s);
    }
    json_decref(t->index);
    yh_free(t->source);
    yh_free(t);
}

static const yh_token_entry *entries(const shard *s)
{
    return (const yh_token_entry *)(const void *)s->idx.data;
}

static uint32_t id_at(const yh_tokens *t, const shard *s, uint64_t i)
{
    if (t->wide)
        return ((const uint32_t *)(const void *)s->bin.data)[i];
    return ((const uint16_t *)(const void *)s->bin.data)[i];
}

static yh_status check_entries(const yh_tokens *t, const shard *s, uint64_t tokens, uint64_t bytes,
                               const char *path, yh_err *err)
{
    uint64_t at = 0, text = 0;
    for (uint64_t i = 0; i < s->docs; i++) {
        const yh_token_entry *e = &entries(s)[i];
        if (e->first != at || e->n == 0 || e->n > tokens - at || e->source >= t->n_sources ||
            e->bytes > bytes - text)
            return yh_fail(err, YH_CORRUPT,
                           "%s: entry %" PRIu64 " (byte %" PRIu64 ") does not fit; pack again",
                           path, i, i * sizeof *e);
        at += e->n;
        text += e->bytes;
    }
    if (at != tokens || text != bytes)
        return yh_fail(err, YH_CORRUPT,
                       "%s: its entries hold %" PRIu64 " tokens and %" PRIu64
                       " bytes of text, tokens.json says %" PRIu64 " and %" PRIu64 "; pack again",
                       path, at, text, tokens, bytes);
    return YH_OK;
}

static yh_status check_hash(const yh_map *m, const json_t *e, const char *key, const char *path,
                            yh_err *err)
{
    char hex[20];
    const char *want;
    YH_TRY(yh_json_str(e, key, false, "tokens.json", &want, err));
    snprintf(hex, sizeof hex, "%016" PRIx64, yh_hash64(m->data, m->size, 0));
    if (strcmp(hex, want) != 0)
        return yh_fail(err, YH_CORRUPT,
                       "%s: the checksum is %s, tokens.json says %s; remove the folder "
                       "and pack again",
                       path, hex, want);
    return YH_OK;
}

static yh_status check_ids(const yh_tokens *t, const shard *s, const char *path, yh_err *err)
{
    for (uint64_t d = 0; d < s->docs; d++) {
        const yh_token_entry *e = &entries(s)[d];
        for (uint64_t i = e->first; i < e->first + e->n; i++)
            if (id_at(t, s, i) >= t->vocab)
                return yh_fail(err, YH_CORRUPT,
                               "%s: token %" PRIu64 " is %u, the vocabulary has %u", path, i,
                               id_at(t, s, i), t->vocab);
        if (id_at(t, s, e->first + e->n - 1) != t->eos)
            return yh_fail(err, YH_CORRUPT, "%s: document %" PRIu64 " does not end with token %u",
                           path, d, t->eos);
    }
    return YH_OK;
}

static yh_status open_map(yh_map *m, const char *path, uint64_t count, size_t width, yh_err *err)
{
    size_t want;
    YH_TRY(yh_map_open(m, path, err));
    if (count > SIZE_MAX || !yh_mul_size((size_t)count, width, &want) || want != m->size)
        return yh_fail(err, YH_CORRUPT,
                       "%s: has %zu bytes, tokens.json says %" PRIu64 " items of %zu; the file was "
                       "cut or changed: pack again",
                       path, m->size, count, width);
    return YH_OK;
}

static yh_status open_shard(yh_tokens *t, const char *dir, const json_t *e, bool verify,
                            yh_err *err)
{
    const char *name;
    int64_t docs, tokens, bytes;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tokens.json", dir);
    YH_TRY(yh_json_str(e, "split", false, path, &name, err));
    int k = strcmp(name, yh_split_names[1]) == 0;
    if (k == 0 && strcmp(name, yh_split_names[0]) != 0)
        return yh_fail(err, YH_CORRUPT, "%s: there is no split \"%.40s\"", path, name);
    YH_TRY(yh_json_int(e, "documents", 0, INT64_MAX, false, 0, path, &docs, err));
    YH_TRY(yh_json_int(e, "tokens", 0, INT64_MAX, false, 0, path, &tokens, err));
    YH_TRY(yh_json_int(e, "bytes", 0, INT64_MAX, false, 0, path, &bytes, err));
    split *sp = &t->split[k];
    shard *s = yh_grow(sp->s, &sp->cap, sp->n + 1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open", dir);
    sp->s = s;
    s += sp->n;
    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "%s/%s-%05zu.bin", dir, yh_split_names[k], sp->n++);
    s->first_doc = sp->docs;
    s->docs = (uint64_t)docs;
    YH_TRY(open_map(&s->bin, path, (uint64_t)tokens, t->wide ? 4 : 2, err));
    if (verify)
        YH_TRY(check_hash(&s->bin, e, "bin_hash", path, err));
    memcpy(path + strlen(path) - 3, "idx", 3);
    YH_TRY(open_map(&s->idx, path, (uint64_t)docs, sizeof(yh_token_entry), err));
    if (verify)
        YH_TRY(check_hash(&s->idx, e, "idx_hash", path, err));
    YH_TRY(check_entries(t, s, (uint64_t)tokens, (uint64_t)bytes, path, err));
    if (verify)
        YH_TRY(check_ids(t, s, path, err));
    if (__builtin_add_overflow(sp->docs, (uint64_t)docs, &sp->docs) ||
        __builtin_add_overflow(sp->tokens, (uint64_t)tokens, &sp->tokens) ||
        __builtin_add_overflow(sp->bytes, (uint64_t)bytes, &sp->bytes))
        return yh_fail(err, YH_CORRUPT, "%s/tokens.json: the counts are absurd", dir);
    return YH_OK;
}

static yh_status read_head(yh_tokens *t, const char *path, yh_err *err)
{
    int64_t v, bits;
    const char *hash;
    YH_TRY(yh_json_int(t->index, "version", 1, INT32_MAX, false, 0, path, &v, err));
    if (v != YH_TOKENS_VERSION)
        return yh_fail(err, YH_UNSUPPORTED, "%s: version %lld is not known; pack again", path,
                       (long long)v);
    YH_TRY(yh_json_int(t->index, "vocabulary", 1, INT32_MAX, false, 0, path, &v, err));
    t->vocab = (uint32_t)v;
    YH_TRY(yh_json_int(t->index, "eos", 0, v - 1, false, 0, path, &v, err));
    t->eos = (uint32_t)v;
    YH_TRY(yh_json_int(t->index, "bits", 16, 32, false, 0, path, &bits, err));
    if (bits != 16 && bits != 32)
        return yh_fail(err, YH_CORRUPT, "%s: \"bits\" must be 16 or 32", path);
    t->wide = bits == 32;
    YH_TRY(yh_json_str(t->index, "vocabulary_hash", false, path, &hash, err));
    char tail;
    if (sscanf(hash, "%16" SCNx64 "%c", &t->hash, &tail) != 1)
        return yh_fail(err, YH_CORRUPT, "%s: \"vocabulary_hash\" is no hash", path);
    const json_t *s = json_object_get(t->index, "sources");
    t->n_sources = json_array_size(s);
    t->source = yh_calloc(t->n_sources + 1, sizeof *t->source);
    if (t->source == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", path);
    for (size_t i = 0; i < t->n_sources; i++)
        YH_TRY(yh_json_str(json_array_get(s, i), "name", false, path, &t->source[i], err));
    return YH_OK;
}

/* The tokenizer that lies in the folder must be the one that made the tokens. */
static yh_status check_tokenizer(const yh_tokens *t, const char *dir, yh_err *err)
{
    char *path = yh_path_join(dir, "tokenizer.json");
    if (path == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", dir);
    yh_tok *tok = NULL;
    yh_status s = YH_OK;
    if (yh_is_file(path)) {
        s = yh_tok_load(&tok, path, err);
        if (s == YH_OK && yh_tok_hash(tok) != t->hash)
            s = yh_fail(err, YH_MISMATCH,
                        "%s: is not the tokenizer that made these tokens; pack again", path);
        yh_tok_free(tok);
    }
    yh_free(path);
    return s;
}

yh_status yh_tokens_open(yh_tokens **out, const char *dir, bool verify, yh_err *err)
{
    *out = NULL;
    char path[PATH_MAX];
    yh_tokens *t = yh_calloc(1, sizeof *t);
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory to open", dir);
    yh_status s = YH_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/tokens.json", dir) >= sizeof path - 32)
        s = yh_fail(err, YH_INVALID, "%s: folder name is too long", dir);
    else if (!yh_is_file(path))
        s = yh_fail(err, YH_NOTFOUND,
                    "%s: is no finished token folder (there is no tokens.json); make one with yh "
                    "pack",
                    dir);
    if (s == YH_OK)
        s = yh_json_load(&t->index, path, (size_t)1 << 30, err);
    if (s == YH_OK)
        s = read_head(t, path, err);
    const json_t *shards = json_object_get(t->index, "shards");
    size_t n = json_array_size(shards);
    if (s == YH_OK && (!json_is_array(shards) || n > YH_TOKEN_SHARDS_MAX))
        s = yh_fail(err, YH_CORRUPT, "%s: \"shards\" must be a list of at most %d", path,
                    YH_TOKEN_SHARDS_MAX);
    for (size_t i = 0; i < n && s == YH_OK; i++)
        s = open_shard(t, dir, json_array_get(shards, i), verify, err);
    if (s == YH_OK && verify)
        s = check_tokenizer(t, dir, err);
    if (s != YH_OK) {
        yh_tokens_close(t);
        return s;
    }
    *out = t;
    return YH_OK;
}

uint32_t yh_tokens_vocab(const yh_tokens *t)
{
    return t->vocab;
}

uint64_t yh_tokens_vocab_hash(const yh_tokens *t)
{
    return t->hash;
}

uint32_t yh_tokens_eos(const yh_tokens *t)
{
    return t->eos;
}

uint64_t yh_tokens_docs(const yh_tokens *t, yh_split s)
{
    return t->split[s].docs;
}

uint64_t yh_tokens_total(const yh_tokens *t, yh_split s)
{
    return t->split[s].tokens;
}

uint64_t yh_tokens_bytes(const yh_tokens *t, yh_split s)
{
    return t->split[s].bytes;
}

static const shard *shard_of(const split *sp, uint64_t doc)
{
    size_t lo = 0, hi = sp->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (sp->s[mid].first_doc <= doc)
            lo = mid;
        else
            hi = mid;
    }
    return &sp->s[lo];
}

void yh_tokens_doc(const yh_tokens *t, yh_split s, uint64_t doc, yh_token_doc *out)
{
    const shard *sh = shard_of(&t->split[s], doc);
    const yh_token_entry *e = &entries(sh)[doc - sh->first_doc];
    *out = (yh_token_doc){e->n, e->bytes, t->source[e->source]};
}

void yh_tokens_copy(const yh_tokens *t, yh_split s, uint64_t doc, uint64_t first, uint64_t n,
                    int32_t *out)
{
    const shard *sh = shard_of(&t->split[s], doc);
    uint64_t at = entries(sh)[doc - sh->first_doc].first + first;
    for (uint64_t i = 0; i < n; i++)
        out[i] = (int32_t)id_at(t, sh, at + i);
}

void yh_tokens_release(const yh_tokens *t)
{
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < t->split[k].n; i++) {
            yh_map_release(&t->split[k].s[i].bin);
            yh_map_release(&t->split[k].s[i].idx);
        }
}
