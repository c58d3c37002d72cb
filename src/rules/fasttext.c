#include "rules/fasttext.h"

#include <math.h>

uint32_t yh_ft_hash(const char *p, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) {
        h ^= (uint32_t)(int8_t)p[i];
        h *= 16777619u;
    }
    return h;
}

bool yh_ft_blank(char c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0;
}

/* ------------------------------------------------------------------ dictionary */

static size_t place(const yh_classifier *c, const char *p, size_t n)
{
    size_t i = yh_ft_hash(p, n) & (c->slots - 1);
    for (; c->slot[i] != 0; i = (i + 1) & (c->slots - 1)) {
        const yh_ft_entry *e = &c->entry[c->slot[i] - 1];
        if (e->len == n && memcmp(c->text.data + e->at, p, n) == 0)
            break;
    }
    return i;
}

int32_t yh_ft_find(const yh_classifier *c, const char *p, size_t n)
{
    return c->slots == 0 ? -1 : c->slot[place(c, p, n)] - 1;
}

yh_status yh_ft_index(yh_classifier *c, yh_err *err)
{
    size_t slots = 1024;
    while (slots < 2 * c->n_entry + 2)
        slots *= 2;
    int32_t *slot = yh_calloc(slots, sizeof *slot);
    if (slot == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a dictionary of %zu words", c->n_entry);
    yh_free(c->slot);
    c->slot = slot;
    c->slots = slots;
    for (size_t i = 0; i < c->n_entry; i++) {
        size_t k = place(c, c->text.data + c->entry[i].at, c->entry[i].len);
        if (slot[k] == 0)
            slot[k] = (int32_t)i + 1;
    }
    return YH_OK;
}

yh_status yh_ft_count(yh_classifier *c, const char *p, size_t n, bool label, yh_err *err)
{
    int32_t id = yh_ft_find(c, p, n);
    if (id >= 0) {
        c->entry[id].count++;
        return YH_OK;
    }
    yh_ft_entry *e = yh_grow(c->entry, &c->cap_entry, c->n_entry + 1, sizeof *e);
    if (e == NULL || c->n_entry >= 100000000)
        return yh_fail(err, YH_NOMEM, "no memory for a dictionary of %zu words", c->n_entry + 1);
    c->entry = e;
    e[c->n_entry] = (yh_ft_entry){(uint32_t)c->text.len, (uint32_t)n, 1, label};
    YH_TRY(yh_buf_add(&c->text, p, n, err));
    YH_TRY(yh_buf_addc(&c->text, '\0', err));
    if (c->text.len > UINT32_MAX - 65536)
        return yh_fail(err, YH_LIMIT, "more than 4 GB of different words");
    c->n_entry++;
    if (2 * c->n_entry + 2 > c->slots)
        return yh_ft_index(c, err);
    c->slot[place(c, p, n)] = (int32_t)c->n_entry;
    return YH_OK;
}

/* ------------------------------------------------------------------ features */

void yh_ft_rows_fini(yh_ft_rows *r)
{
    yh_free(r->row);
    yh_free(r->hash);
    *r = (yh_ft_rows){0};
}

static yh_status push(yh_ft_rows *r, int32_t row, yh_err *err)
{
    if (r->n == r->cap) {
        int32_t *p = yh_grow(r->row, &r->cap, r->n + 1, sizeof *p);
        if (p == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu features", r->n + 1);
        r->row = p;
    }
    r->row[r->n++] = row;
    return YH_OK;
}

static yh_status push_bucket(const yh_classifier *c, yh_ft_rows *r, uint64_t hash, yh_err *err)
{
    if (c->pruned == 0 || c->bucket <= 0)
        return YH_OK;
    int32_t id = (int32_t)(hash % (uint64_t)c->bucket);
    if (c->pruned > 0) {
        size_t lo = 0, hi = (size_t)c->pruned;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (c->prune[2 * mid] < id)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo == (size_t)c->pruned || c->prune[2 * lo] != id)
            return YH_OK;
        id = c->prune[2 * lo + 1];
    }
    return push(r, c->nwords + id, err);
}

/* n-grams of the characters of <word>. */
static yh_status characters(const yh_classifier *c, yh_ft_rows *r, const char *p, size_t n,
                            yh_err *err)
{
    if (c->maxn <= 0)
        return YH_OK;
    const size_t size = n + 2;
    for (size_t i = 0; i < size; i++) {
        char first = i == 0 ? '<' : i == size - 1 ? '>' : p[i - 1];
        if ((first & 0xc0) == 0x80)
            continue;
        uint32_t h = 2166136261u;
        for (size_t j = i, len = 1; j < size && len <= (size_t)c->maxn; len++) {
            for (bool more = true; more;) {
                char b = j == 0 ? '<' : j == size - 1 ? '>' : p[j - 1];
                h = (h ^ (uint32_t)(int8_t)b) * 16777619u;
                j++;
                more = j < size - 1 && (p[j - 1] & 0xc0) == 0x80;
            }
            if (len >= (size_t)(c->minn > 0 ? c->minn : 0) && !(len == 1 && (i == 0 || j == size)))
                YH_TRY(push_bucket(c, r, h, err));
        }
    }
    return YH_OK;
}

static yh_status word(const yh_classifier *c, yh_ft_rows *r, const char *p, size_t n, bool end,
                      yh_err *err)
{
    int32_t id = yh_ft_find(c, p, n);
    if (id >= 0 ? c->entry[id].label : n >= 9 && memcmp(p, "__label__", 9) == 0)
        return YH_OK;
    int32_t *h = yh_grow(r->hash, &r->cap_hash, r->n_hash + 1, sizeof *h);
    if (h == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu words", r->n_hash + 1);
    r->hash = h;
    h[r->n_hash++] = (int32_t)yh_ft_hash(p, n);
    if (id >= 0)
        YH_TRY(push(r, id, err));
    return end ? YH_OK : characters(c, r, p, n, err);
}

yh_status yh_ft_features(const yh_classifier *c, const char *text, size_t n, yh_ft_rows *out,
                         yh_err *err)
{
    out->n = out->n_hash = 0;
    bool end = false; /* the mark of the end of a line ends it in a text too */
    for (size_t i = 0; i < n && !end; i++) {
        size_t from = i;
        while (i < n && !yh_ft_blank(text[i]))
            i++;
        end = i - from == 4 && memcmp(text + from, "</s>", 4) == 0;
        if (i > from)
            YH_TRY(word(c, out, text + from, i - from, end, err));
    }
    if (!end)
        YH_TRY(word(c, out, "</s>", 4, true, err));
    for (size_t i = 0; i < out->n_hash; i++) {
        uint64_t h = (uint64_t)(int64_t)out->hash[i];
        for (size_t j = i + 1; j < out->n_hash && j < i + (size_t)c->word_ngrams; j++) {
            h = h * 116049371u + (uint64_t)(int64_t)out->hash[j];
            YH_TRY(push_bucket(c, out, h, err));
        }
    }
    return YH_OK;
}

/* ------------------------------------------------------------------ arithmetic */

static const float *centroid(const yh_ft_quantizer *q, int32_t part, uint8_t code)
{
    size_t at = part == q->nsubq - 1
                    ? (size_t)part * 256 * (size_t)q->dsub + (size_t)code * (size_t)q->lastdsub
                    : ((size_t)part * 256 + code) * (size_t)q->dsub;
    return q->centroids + at;
}

static void add_row(const yh_ft_matrix *a, int64_t row, float *x)
{
    if (a->data != NULL) {
        const float *p = a->data + row * a->n;
        for (int64_t i = 0; i < a->n; i++)
            x[i] += p[i];
        return;
    }
    float norm = a->qnorm ? centroid(&a->npq, 0, a->norm_codes[row])[0] : 1;
    for (int32_t m = 0; m < a->pq.nsubq; m++) {
        const float *p = centroid(&a->pq, m, a->codes[row * a->pq.nsubq + m]);
        int32_t d = m == a->pq.nsubq - 1 ? a->pq.lastdsub : a->pq.dsub;
        for (int32_t i = 0; i < d; i++)
            x[m * a->pq.dsub + i] += norm * p[i];
    }
}

static float dot_row(const yh_ft_matrix *a, int64_t row, const float *x)
{
    float s = 0;
    if (a->data != NULL) {
        const float *p = a->data + row * a->n;
        for (int64_t i = 0; i < a->n; i++)
            s += p[i] * x[i];
        return s;
    }
    float norm = a->qnorm ? centroid(&a->npq, 0, a->norm_codes[row])[0] : 1;
    for (int32_t m = 0; m < a->pq.nsubq; m++) {
        const float *p = centroid(&a->pq, m, a->codes[row * a->pq.nsubq + m]);
        int32_t d = m == a->pq.nsubq - 1 ? a->pq.lastdsub : a->pq.dsub;
        for (int32_t i = 0; i < d; i++)
            s += p[i] * x[m * a->pq.dsub + i];
    }
    return s * norm;
}

static void softmax(const yh_classifier *c, const float *hidden, float *out)
{
    float most = -INFINITY, z = 0;
    for (int32_t i = 0; i < c->nlabels; i++) {
        out[i] = dot_row(&c->out, i, hidden);
        most = out[i] > most ? out[i] : most;
    }
    for (int32_t i = 0; i < c->nlabels; i++) {
        out[i] = expf(out[i] - most);
        z += out[i];
    }
    for (int32_t i = 0; i < c->nlabels; i++)
        out[i] /= z;
}

/* Probabilities of the leaves; a node stands behind its children in the table. */
static yh_status tree(const yh_classifier *c, const float *hidden, float *out, yh_err *err)
{
    int32_t n = c->nlabels, all = 2 * n - 1;
    float *p = yh_malloc(sizeof *p * (size_t)all);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to classify");
    p[all - 1] = 1;
    for (int32_t i = all - 1; i >= n; i--) {
        float f = 1 / (1 + expf(-dot_row(&c->out, i - n, hidden)));
        p[c->tree[i].left] = p[i] * (1 - f);
        p[c->tree[i].right] = p[i] * f;
    }
    memcpy(out, p, sizeof *p * (size_t)n);
    yh_free(p);
    return YH_OK;
}

/* fastText takes it from a table of 512 steps from -8 to 8. */
static float sigmoid_step(float x)
{
    if (!(x >= -8))
        return 0;
    if (x > 8)
        return 1;
    float at = (float)(int)((x + 8) * 512 / 8 / 2);
    return 1 / (1 + expf(-(at * 2 * 8 / 512 - 8)));
}

yh_status yh_classifier_predict(const yh_classifier *c, const char *text, size_t n,
                                float *probability, yh_err *err)
{
    yh_ft_rows r = {0};
    memset(probability, 0, sizeof *probability * (size_t)c->nlabels);
    yh_status s = yh_ft_features(c, text, n, &r, err);
    float *hidden = yh_calloc((size_t)c->dim, sizeof *hidden);
    if (hidden == NULL && s == YH_OK)
        s = yh_fail(err, YH_NOMEM, "no memory to classify");
    if (s == YH_OK && r.n > 0) {
        for (size_t i = 0; i < r.n; i++)
            add_row(&c->in, r.row[i], hidden);
        for (int32_t i = 0; i < c->dim; i++)
            hidden[i] *= (float)(1.0 / (double)r.n);
        if (c->loss == YH_FT_SOFTMAX) {
            softmax(c, hidden, probability);
        } else if (c->loss == YH_FT_HS) {
            s = tree(c, hidden, probability, err);
        } else {
            for (int32_t i = 0; i < c->nlabels; i++)
                probability[i] = sigmoid_step(dot_row(&c->out, i, hidden));
        }
    }
    yh_free(hidden);
    yh_ft_rows_fini(&r);
    return s;
}

int yh_classifier_labels(const yh_classifier *c)
{
    return c->nlabels;
}

const char *yh_classifier_label(const yh_classifier *c, int i)
{
    const yh_ft_entry *e = &c->entry[(size_t)c->nwords + (size_t)i];
    const char *name = c->text.data + e->at;
    return e->len > 9 && memcmp(name, "__label__", 9) == 0 ? name + 9 : name;
}
