/* A loaded tokenizer: life, look-up, decoding. */
#include "base/hash.h"
#include "base/json.h"
#include "text/tok_impl.h"
#include "text/utf8.h"

void yh_tok_idle_free(yh_tok *t);

yh_status yh_tok_new(yh_tok **out, yh_err *err)
{
    yh_tok *t = yh_calloc(1, sizeof *t);
    *out = t;
    if (t == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a tokenizer");
    yh_bpe_init(&t->model);
    t->eos = t->bos = -1;
    pthread_mutex_init(&t->lock, NULL);
    return YH_OK;
}

void yh_tok_free(yh_tok *t)
{
    if (t == NULL)
        return;
    yh_tok_idle_free(t);
    yh_bpe_fini(&t->model);
    yh_norm_fini(&t->norm);
    yh_pre_fini(&t->pre);
    for (size_t i = 0; i < t->n_added; i++)
        yh_free(t->added[i].content);
    yh_free(t->added);
    yh_trie_fini(&t->raw);
    yh_trie_fini(&t->normal);
    yh_free(t->special);
    yh_free(t->template_text);
    json_decref(t->json);
    json_decref(t->config);
    pthread_mutex_destroy(&t->lock);
    yh_free(t);
}

static uint64_t hash_text(uint64_t h, uint32_t id, const char *text, size_t n)
{
    uint64_t head[2] = {id, n};
    return yh_hash64(text, n, yh_hash64(head, sizeof head, h));
}

static yh_status hash_all(yh_tok *t, yh_err *err)
{
    uint64_t h = t->model.ignore_merges ? 2 : 1;
    const yh_bpe *m = &t->model;
    for (uint32_t i = 0; i < m->size; i++)
        if (m->begin[i] != SIZE_MAX)
            h = hash_text(h, i, m->blob + m->begin[i], m->len[i]);
    h = yh_hash64(m->left, m->merges * sizeof *m->left, h);
    h = yh_hash64(m->right, m->merges * sizeof *m->right, h);
    for (size_t i = 0; i < t->n_added; i++)
        h = hash_text(h ^ (uint64_t)t->added[i].special, t->added[i].id, t->added[i].content,
                      t->added[i].len);
    /* how text is cut and normalised decides the ids as well */
    const char *const part[] = {"normalizer", "pre_tokenizer", "post_processor"};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        const json_t *j = json_object_get(t->json, part[i]);
        char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        if (text == NULL && j != NULL)
            return yh_fail(err, YH_NOMEM, "no memory for a tokenizer");
        h = hash_text(h, (uint32_t)i, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
        if (text != NULL)
            yh_json_text_free(text);
    }
    t->hash = h;
    return YH_OK;
}

yh_status yh_tok_finish(yh_tok *t, const char *name, yh_err *err)
{
    t->special = yh_calloc((size_t)t->model.size + 1, 1);
    if (t->special == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = YH_OK;
    for (size_t i = 0; i < t->n_added && s == YH_OK; i++) {
        const yh_added *a = &t->added[i];
        t->special[a->id] = a->special ? 3 : 1;
        if (!a->normalized) {
            s = yh_trie_add(&t->raw, a->content, a->len, (int32_t)i, err);
            continue;
        }
        yh_buf_clear(&b);
        s = yh_norm_text(&t->norm, a->content, a->len, &b, err);
        if (s == YH_OK)
            s = yh_trie_add(&t->normal, b.data, b.len, (int32_t)i, err);
    }
    yh_buf_fini(&b);
    yh_trie_finish(&t->raw);
    yh_trie_finish(&t->normal);
    return s == YH_OK ? hash_all(t, err) : s;
}

const char *yh_tok_bytes(const yh_tok *t, uint32_t id, size_t *len, bool *special)
{
    bool known = id < t->model.size && t->model.begin[id] != SIZE_MAX;
    if (special != NULL)
        *special = known && (t->special[id] & 2) != 0;
    if (len != NULL)
        *len = known ? t->model.len[id] : 0;
    return known ? t->model.blob + t->model.begin[id] : "";
}

yh_status yh_tok_decode(const yh_tok *t, const uint32_t *id, size_t n, bool skip_special,
                        char **text, size_t *len, yh_err *err)
{
    yh_buf bytes, out;
    yh_buf_init(&bytes, 0);
    yh_buf_init(&out, 0);
    yh_status s = yh_buf_add(&bytes, "", 0, err);
    *text = NULL;
    for (size_t i = 0; i < n && s == YH_OK; i++) {
        size_t k;
        bool special;
        const char *p = yh_tok_bytes(t, id[i], &k, &special);
        if (id[i] >= t->model.size)
            s = yh_fail(err, YH_INVALID, "id %u at position %zu: the vocabulary ends at %u", id[i],
                        i, t->model.size);
        else if (!(special && skip_special))
            s = yh_buf_add(&bytes, p, k, err);
    }
    if (s == YH_OK && yh_utf8_valid((const uint8_t *)bytes.data, bytes.len) != bytes.len) {
        s = yh_utf8_repair((const uint8_t *)bytes.data, bytes.len, &out, err);
        yh_buf_fini(&bytes);
        bytes = out;
    }
    if (s != YH_OK) {
        yh_buf_fini(&bytes);
        return s;
    }
    *text = bytes.data;
    if (len != NULL)
        *len = bytes.len;
    return YH_OK;
}

void yh_text_free(char *text)
{
    yh_free(text);
}

/* Writes what is complete of held + p[0..n) and holds the rest. */
static size_t push_bytes(yh_tok_stream *s, const uint8_t *p, size_t n, char *out, size_t cap)
{
    size_t w = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t cp;
        s->held[s->n++] = p[i];
        for (;;) {
            if (s->n == 0 || yh_utf8_partial(s->held, s->n) == s->n)
                break; /* wait for more */
            int len = yh_utf8_decode(s->held, s->n, &cp);
            size_t used = (size_t)(len > 0 ? len : -len), put = len > 0 ? used : 3;
            if (w + put > cap)
                return w;
            memcpy(out + w, len > 0 ? (const char *)s->held : "\xEF\xBF\xBD", put);
            w += put;
            s->n -= used;
            memmove(s->held, s->held + used, s->n);
        }
    }
    return w;
}

size_t yh_tok_stream_push(const yh_tok *t, yh_tok_stream *s, uint32_t id, char *out, size_t cap)
{
    size_t n;
    const char *p = yh_tok_bytes(t, id, &n, NULL);
    return push_bytes(s, (const uint8_t *)p, n, out, cap);
}

size_t yh_tok_stream_end(yh_tok_stream *s, char *out, size_t cap)
{
    bool held = s->n > 0;
    s->n = 0;
    if (!held || cap < 3)
        return 0;
    memcpy(out, "\xEF\xBF\xBD", 3);
    return 3;
}

uint32_t yh_tok_size(const yh_tok *t)
{
    return t->model.size;
}

size_t yh_tok_longest(const yh_tok *t)
{
    return t->model.longest;
}

int64_t yh_tok_find(const yh_tok *t, const char *token)
{
    for (size_t i = 0; i < t->n_added; i++)
        if (strcmp(t->added[i].content, token) == 0)
            return t->added[i].id;
    return -1;
}

int64_t yh_tok_eos(const yh_tok *t)
{
    return t->eos;
}

int64_t yh_tok_bos(const yh_tok *t)
{
    return t->bos;
}

uint64_t yh_tok_hash(const yh_tok *t)
{
    return t->hash;
}

const char *yh_tok_chat_template(const yh_tok *t)
{
    return t->template_text;
}
