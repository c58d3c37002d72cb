/* fastText's model files: numbers are little-endian and follow each other without padding. */
#include <stdlib.h>

#include "base/file.h"
#include "rules/fasttext.h"

enum { MAGIC = 793712314, VERSION = 12, DIM_MAX = 4096, ENTRIES_MAX = 100000000, SUPERVISED = 3 };

typedef struct reader {
    const uint8_t *p, *end;
    const char *name;
    bool bad; /* over the end */
} reader;

static void get(reader *r, void *to, size_t n)
{
    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        memset(to, 0, n);
        return;
    }
    memcpy(to, r->p, n);
    r->p += n;
}

static int32_t i32(reader *r)
{
    int32_t v;
    get(r, &v, sizeof v);
    return v;
}

static int64_t i64(reader *r)
{
    int64_t v;
    get(r, &v, sizeof v);
    return v;
}

static bool flag(reader *r)
{
    uint8_t v;
    get(r, &v, 1);
    return v != 0;
}

static yh_status corrupt(const reader *r, const char *what, yh_err *err)
{
    return yh_fail(err, YH_CORRUPT, "%s: not a whole fastText model: %s", r->name, what);
}

/* n elements of a size, checked against what is left of the file. */
static yh_status take(reader *r, void *out, int64_t n, size_t size, yh_err *err)
{
    void **to = out;
    if (n < 0 || (uint64_t)n > (uint64_t)(r->end - r->p) / size)
        return corrupt(r, "it ends too early", err);
    *to = yh_malloc((size_t)n * size + 1);
    if (*to == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for %lld numbers", r->name, (long long)n);
    get(r, *to, (size_t)n * size);
    return YH_OK;
}

static yh_status quantizer(reader *r, yh_ft_quantizer *q, int64_t dim, yh_err *err)
{
    q->dim = i32(r);
    q->nsubq = i32(r);
    q->dsub = i32(r);
    q->lastdsub = i32(r);
    if (q->dim != dim || q->dsub < 1 || q->nsubq < 1 || q->nsubq > q->dim || q->lastdsub < 1 ||
        q->lastdsub > q->dsub || (int64_t)(q->nsubq - 1) * q->dsub + q->lastdsub != (int64_t)q->dim)
        return corrupt(r, "the parts of quantized vectors do not fit together", err);
    return take(r, &q->centroids, (int64_t)q->dim * 256, sizeof(float), err);
}

static yh_status matrix(reader *r, yh_ft_matrix *a, bool quantized, int64_t dim, yh_err *err)
{
    a->qnorm = quantized && flag(r);
    a->m = i64(r);
    a->n = i64(r);
    if (r->bad || a->m < 0 || a->m > INT32_MAX || a->n != dim)
        return corrupt(r, "a matrix of an impossible size", err);
    if (!quantized)
        return take(r, &a->data, a->m * a->n, sizeof(float), err);
    int32_t n = i32(r);
    YH_TRY(take(r, &a->codes, n, 1, err));
    YH_TRY(quantizer(r, &a->pq, dim, err));
    if (n != a->m * a->pq.nsubq)
        return corrupt(r, "codes of quantized vectors are missing", err);
    if (!a->qnorm)
        return YH_OK;
    YH_TRY(take(r, &a->norm_codes, a->m, 1, err));
    return quantizer(r, &a->npq, 1, err);
}

static yh_status dictionary(reader *r, yh_classifier *c, yh_err *err)
{
    int32_t size = i32(r);
    c->nwords = i32(r);
    c->nlabels = i32(r);
    c->ntokens = i64(r);
    c->pruned = i64(r);
    if (r->bad || size < 0 || size > ENTRIES_MAX || c->nwords < 0 || c->nlabels < 1 ||
        (int64_t)c->nwords + c->nlabels != size || size > (r->end - r->p) / 10 + 1)
        return corrupt(r, "a dictionary of an impossible size", err);
    c->entry = yh_grow(NULL, &c->cap_entry, (size_t)size, sizeof *c->entry);
    if (c->entry == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for %d words", r->name, size);
    for (int32_t i = 0; i < size; i++) {
        const uint8_t *end = memchr(r->p, 0, (size_t)(r->end - r->p));
        if (end == NULL || c->text.len > UINT32_MAX - 65536 || end - r->p > INT32_MAX)
            return corrupt(r, "a word without end", err);
        size_t n = (size_t)(end - r->p);
        yh_ft_entry *e = &c->entry[c->n_entry];
        *e = (yh_ft_entry){(uint32_t)c->text.len, (uint32_t)n, 0, false};
        YH_TRY(yh_buf_add(&c->text, r->p, n + 1, err));
        r->p = end + 1;
        e->count = i64(r);
        e->label = flag(r);
        if (r->bad || e->label != (i >= c->nwords) || e->count < 0 || e->count > INT64_MAX / 4096)
            return corrupt(r, "words and labels do not fit together", err);
        c->n_entry++;
    }
    if (c->pruned > 0) {
        YH_TRY(take(r, &c->prune, c->pruned, 2 * sizeof(int32_t), err));
    } else if (c->pruned < -1) {
        return corrupt(r, "a negative number of rows", err);
    }
    return yh_ft_index(c, err);
}

static int by_bucket(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The tree of hierarchical softmax: Huffman's, over labels in falling order of their counts. */
static yh_status make_tree(reader *r, yh_classifier *c, yh_err *err)
{
    int32_t n = c->nlabels, all = 2 * n - 1;
    c->tree = yh_calloc((size_t)all, sizeof *c->tree);
    if (c->tree == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for %d labels", r->name, n);
    for (int32_t i = 0; i < all; i++)
        c->tree[i].count = i < n ? c->entry[c->nwords + i].count : 1000000000000000;
    int32_t leaf = n - 1, node = n;
    for (int32_t i = n; i < all; i++) {
        int32_t two[2];
        for (int k = 0; k < 2; k++)
            two[k] = leaf >= 0 && (node >= i || c->tree[leaf].count < c->tree[node].count) ? leaf--
                                                                                           : node++;
        if (two[0] >= i || two[1] >= i)
            return corrupt(r, "counts of labels of which no tree can be made", err);
        c->tree[i] = (yh_ft_node){two[0], two[1], c->tree[two[0]].count + c->tree[two[1]].count};
    }
    return YH_OK;
}

static yh_status check_rows(reader *r, yh_classifier *c, yh_err *err)
{
    int64_t rows = c->nwords + (c->pruned >= 0 ? c->pruned : c->bucket);
    if (c->pruned < 0 && c->maxn <= 0 && c->word_ngrams <= 1 && c->in.m >= c->nwords)
        c->bucket = c->in.m > c->nwords ? c->bucket : 0;
    if (c->in.m < rows && !(c->pruned < 0 && c->bucket == 0 && c->in.m >= c->nwords))
        return corrupt(r, "the matrix of words has too few rows", err);
    if (c->out.m < c->nlabels)
        return corrupt(r, "the matrix of labels has too few rows", err);
    for (int64_t i = 0; i < c->pruned; i++)
        if (c->prune[2 * i] < 0 || c->prune[2 * i + 1] < 0 ||
            c->prune[2 * i + 1] >= c->in.m - c->nwords)
            return corrupt(r, "a row that there is not", err);
    if (c->pruned > 0)
        qsort(c->prune, (size_t)c->pruned, 2 * sizeof(int32_t), by_bucket);
    return YH_OK;
}

static yh_status parse(reader *r, yh_classifier *c, yh_err *err)
{
    int32_t magic = i32(r), version = i32(r);
    if (magic != MAGIC || version > VERSION || version < 11)
        return yh_fail(err, YH_CORRUPT, "%s is not a fastText model of version 11 or 12", r->name);
    int32_t *const field[] = {&c->dim,    &c->ws,          &c->epoch, &c->min_count,
                              &c->neg,    &c->word_ngrams, &c->loss,  &c->model,
                              &c->bucket, &c->minn,        &c->maxn,  &c->lr_update};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        *field[i] = i32(r);
    get(r, &c->t, sizeof c->t);
    if (version == 11 && c->model == SUPERVISED)
        c->maxn = 0; /* characters were not used then, whatever the file says */
    if (r->bad || c->dim < 1 || c->dim > DIM_MAX || c->bucket < 0 || c->loss < YH_FT_HS ||
        c->loss > YH_FT_OVA || c->word_ngrams > 64 || c->maxn > 64)
        return corrupt(r, "settings out of range", err);
    if (c->model != SUPERVISED)
        return yh_fail(err, YH_UNSUPPORTED, "%s has word vectors, no classifier: train with labels",
                       r->name);
    YH_TRY(dictionary(r, c, err));
    bool quantized = flag(r);
    YH_TRY(matrix(r, &c->in, quantized, c->dim, err));
    bool quantized_out = flag(r);
    YH_TRY(matrix(r, &c->out, quantized && quantized_out, c->dim, err));
    YH_TRY(check_rows(r, c, err));
    return c->loss == YH_FT_HS ? make_tree(r, c, err) : YH_OK;
}

yh_status yh_ft_parse(yh_classifier **out, const uint8_t *p, size_t n, const char *name,
                      yh_err *err)
{
    reader r = {p, p + n, name, false};
    yh_classifier *c = yh_calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory", name);
    yh_buf_init(&c->text, 0);
    yh_status s = parse(&r, c, err);
    if (s != YH_OK) {
        yh_classifier_free(c);
        return s;
    }
    *out = c;
    return YH_OK;
}

yh_status yh_classifier_load(yh_classifier **out, const char *path, yh_err *err)
{
    yh_map map;
    *out = NULL;
    YH_TRY(yh_map_open(&map, path, err));
    yh_status s = yh_ft_parse(out, map.data, map.size, path, err);
    yh_map_close(&map);
    return s;
}

static void matrix_fini(yh_ft_matrix *a)
{
    yh_free(a->data);
    yh_free(a->codes);
    yh_free(a->norm_codes);
    yh_free(a->pq.centroids);
    yh_free(a->npq.centroids);
}

void yh_classifier_free(yh_classifier *c)
{
    if (c == NULL)
        return;
    yh_free(c->entry);
    yh_buf_fini(&c->text);
    yh_free(c->slot);
    yh_free(c->prune);
    yh_free(c->tree);
    matrix_fini(&c->in);
    matrix_fini(&c->out);
    yh_free(c);
}

static yh_status put_matrix(yh_writer *w, const yh_ft_matrix *a, yh_err *err)
{
    YH_TRY(yh_writer_write(w, "", 1, err)); /* not quantized */
    YH_TRY(yh_writer_write(w, &a->m, sizeof a->m, err));
    YH_TRY(yh_writer_write(w, &a->n, sizeof a->n, err));
    return yh_writer_write(w, a->data, (size_t)(a->m * a->n) * sizeof(float), err);
}

static yh_status put(yh_writer *w, const yh_classifier *c, yh_err *err)
{
    const int32_t head[] = {MAGIC,        VERSION, c->dim,         c->ws,       c->epoch,
                            c->min_count, c->neg,  c->word_ngrams, c->loss,     c->model,
                            c->bucket,    c->minn, c->maxn,        c->lr_update};
    const int32_t sizes[] = {(int32_t)c->n_entry, c->nwords, c->nlabels};
    const int64_t none = -1;
    YH_TRY(yh_writer_write(w, head, sizeof head, err));
    YH_TRY(yh_writer_write(w, &c->t, sizeof c->t, err));
    YH_TRY(yh_writer_write(w, sizes, sizeof sizes, err));
    YH_TRY(yh_writer_write(w, &c->ntokens, sizeof c->ntokens, err));
    YH_TRY(yh_writer_write(w, &none, sizeof none, err));
    for (size_t i = 0; i < c->n_entry; i++) {
        const yh_ft_entry *e = &c->entry[i];
        uint8_t label = e->label;
        YH_TRY(yh_writer_write(w, c->text.data + e->at, e->len, err));
        YH_TRY(yh_writer_write(w, "", 1, err));
        YH_TRY(yh_writer_write(w, &e->count, sizeof e->count, err));
        YH_TRY(yh_writer_write(w, &label, 1, err));
    }
    YH_TRY(put_matrix(w, &c->in, err));
    return put_matrix(w, &c->out, err);
}

yh_status yh_ft_save(const yh_classifier *c, const char *path, yh_err *err)
{
    yh_writer w = YH_WRITER_INIT;
    YH_TRY(yh_writer_open(&w, path, err));
    yh_status s = put(&w, c, err);
    if (s == YH_OK)
        s = yh_writer_commit(&w, err);
    yh_writer_abort(&w);
    return s;
}
