/* A loaded tokenizer: life, look-up. */
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
    yh_sp_free(t->sp);
    yh_free(t->file);
    yh_pre_fini(&t->pre);
    yh_decoder_fini(&t->decoder);
    yh_units_fini(&t->units);
    yh_unigram_fini(&t->unigram);
    yh_wordpiece_fini(&t->wordpiece);
    for (size_t i = 0; i < t->n_added; i++) {
        yh_free(t->added[i].content);
        yh_free(t->added[i].shown);
    }
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

yh_status yh_tok_hash_all(yh_tok *t, yh_err *err)
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
    h ^= (uint64_t)t->kind << 8;
    if (t->file != NULL)
        h = yh_hash64(t->file, t->file_len, h);
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

/* The normalised text of an added token, whose trie it goes into; behind loading it is also what
 * the token decodes to. */
static yh_status add_normalised(yh_tok *t, size_t i, const char **shown, yh_err *err)
{
    yh_added *a = &t->added[i];
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = yh_norm_text(&t->norm, a->content, a->len, &b, err);
    if (s == YH_OK)
        s = yh_trie_add(&t->normal, b.data, b.len, (int32_t)i, err);
    if (s == YH_OK && (b.len != a->len || memcmp(b.data, a->content, b.len) != 0)) {
        shown[a->id] = a->shown = b.data;
        return YH_OK;
    }
    yh_buf_fini(&b);
    return s;
}

yh_status yh_tok_finish(yh_tok *t, const char *name, yh_err *err)
{
    t->special = yh_calloc((size_t)t->model.size + 1, 1);
    const char **shown = yh_calloc((size_t)t->model.size + 1, sizeof *shown);
    yh_status s = t->special != NULL && shown != NULL
                      ? YH_OK
                      : yh_fail(err, YH_NOMEM, "%s: no memory for added tokens", name);
    for (size_t i = 0; i < t->n_added && s == YH_OK; i++) {
        const yh_added *a = &t->added[i];
        t->special[a->id] = a->special ? 3 : 1;
        s = a->normalized ? add_normalised(t, i, shown, err)
                          : yh_trie_add(&t->raw, a->content, a->len, (int32_t)i, err);
    }
    yh_trie_finish(&t->raw);
    yh_trie_finish(&t->normal);
    if (s == YH_OK)
        s = yh_decoder_build(&t->decoder, &t->model, t->byte_level, shown, name, err);
    yh_free(shown);
    return s == YH_OK ? yh_tok_hash_all(t, err) : s;
}

uint32_t yh_tok_size(const yh_tok *t)
{
    return t->model.size;
}

size_t yh_tok_longest(const yh_tok *t)
{
    return t->decoder.longest;
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
