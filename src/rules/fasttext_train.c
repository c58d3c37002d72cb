/* Training a classifier: stochastic gradient descent, one example after the other in an order drawn
 * from the seed, so that the result is the same whatever the machine does beside it. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "rules/fasttext.h"

enum { LABELS_MAX = 64 }; /* of one example */
static const char prefix[] = "__label__";

/* ------------------------------------------------------------------ examples */

static yh_status text_line(const char *p, size_t n, yh_ft_example_fn fn, void *ctx, yh_err *err)
{
    const char *label[LABELS_MAX];
    size_t len[LABELS_MAX], n_label = 0, i = 0, text = 0;
    for (;;) {
        while (i < n && yh_ft_blank(p[i]))
            i++;
        size_t from = i;
        while (i < n && !yh_ft_blank(p[i]))
            i++;
        if (i - from <= 9 || memcmp(p + from, prefix, 9) != 0 || n_label == LABELS_MAX) {
            text = from;
            break;
        }
        label[n_label] = p + from;
        len[n_label++] = i - from;
    }
    return n_label > 0 ? fn(ctx, label, len, n_label, p + text, n - text, err) : YH_OK;
}

static yh_status json_line(const char *p, size_t n, const char *path, size_t line,
                           yh_ft_example_fn fn, void *ctx, yh_err *err)
{
    json_t *j = NULL;
    yh_buf name;
    yh_buf_init(&name, 0);
    yh_status s = yh_json_parse(&j, p, n, path, err);
    if (s != YH_OK)
        return s;
    const json_t *text = json_object_get(j, "text"), *label = json_object_get(j, "label");
    if (!json_is_string(text) || !json_is_string(label))
        s = yh_fail(err, YH_CORRUPT, "%s: line %zu has no \"text\" and \"label\"", path, line);
    if (s == YH_OK)
        s = yh_buf_addf(&name, err, "%s%s", prefix, json_string_value(label));
    for (size_t i = 0; i < name.len; i++)
        if (yh_ft_blank(name.data[i]))
            name.data[i] = '_';
    if (s == YH_OK)
        s = fn(ctx, (const char *const[]){name.data}, &name.len, 1, json_string_value(text),
               json_string_length(text), err);
    json_decref(j);
    yh_buf_fini(&name);
    return s;
}

yh_status yh_ft_examples(const char *path, yh_ft_example_fn fn, void *ctx, yh_err *err)
{
    yh_map map;
    size_t name = strlen(path), line = 0;
    bool json = name > 6 && strcmp(path + name - 6, ".jsonl") == 0;
    YH_TRY(yh_map_open(&map, path, err));
    yh_status s = YH_OK;
    for (size_t i = 0; i < map.size && s == YH_OK;) {
        const char *p = (const char *)map.data + i;
        const char *nl = memchr(p, '\n', map.size - i);
        size_t n = nl != NULL ? (size_t)(nl - p) : map.size - i;
        i += n + 1;
        line++;
        if (n > 0)
            s = json ? json_line(p, n, path, line, fn, ctx, err) : text_line(p, n, fn, ctx, err);
    }
    yh_map_close(&map);
    return s;
}

/* ------------------------------------------------------------------ training set */

typedef struct example {
    uint64_t row, n_row; /* in rows */
    uint64_t label, n_label;
} example;

typedef struct set {
    yh_classifier *c;
    example *e;
    size_t n, cap;
    int32_t *row, *label;
    size_t n_row, cap_row, n_label, cap_label;
    yh_ft_rows features;
} set;

static yh_status count_example(void *ctx, const char *const *label, const size_t *len,
                               size_t n_label, const char *text, size_t n, yh_err *err)
{
    yh_classifier *c = ctx;
    for (size_t i = 0; i < n_label; i++)
        YH_TRY(yh_ft_count(c, label[i], len[i], true, err));
    for (size_t i = 0; i < n; i++) {
        size_t from = i;
        while (i < n && !yh_ft_blank(text[i]))
            i++;
        if (i > from && !(i - from >= 9 && memcmp(text + from, prefix, 9) == 0)) {
            YH_TRY(yh_ft_count(c, text + from, i - from, false, err));
            c->ntokens++;
        }
    }
    c->ntokens++;
    return yh_ft_count(c, "</s>", 4, false, err);
}

static yh_status append(int32_t **list, size_t *n, size_t *cap, int32_t v, yh_err *err)
{
    if (*n == *cap) {
        int32_t *p = yh_grow(*list, cap, *n + 1, sizeof *p);
        if (p == NULL)
            return yh_fail(err, YH_NOMEM, "no memory for %zu features to train on", *n + 1);
        *list = p;
    }
    (*list)[(*n)++] = v;
    return YH_OK;
}

static yh_status add_example(void *ctx, const char *const *label, const size_t *len, size_t n_label,
                             const char *text, size_t n, yh_err *err)
{
    set *s = ctx;
    example *e = yh_grow(s->e, &s->cap, s->n + 1, sizeof *e);
    if (e == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu examples", s->n + 1);
    s->e = e;
    YH_TRY(yh_ft_features(s->c, text, n, &s->features, err));
    e[s->n] = (example){s->n_row, s->features.n, s->n_label, n_label};
    for (size_t i = 0; i < s->features.n; i++)
        YH_TRY(append(&s->row, &s->n_row, &s->cap_row, s->features.row[i], err));
    for (size_t i = 0; i < n_label; i++)
        YH_TRY(append(&s->label, &s->n_label, &s->cap_label,
                      yh_ft_find(s->c, label[i], len[i]) - s->c->nwords, err));
    s->n += s->features.n > 0;
    return YH_OK;
}

/* Words by falling count, labels behind them; of equal counts by name, so that the order of the
 * examples does not matter. */
static _Thread_local const char *sort_text;
static int by_count(const void *a, const void *b)
{
    const yh_ft_entry *x = a, *y = b;
    if (x->label != y->label)
        return x->label ? 1 : -1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(sort_text + x->at, sort_text + y->at);
}

static yh_status finish_dictionary(yh_classifier *c, const char *data, yh_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_entry; i++)
        if (c->entry[i].label || c->entry[i].count >= c->min_count)
            c->entry[n++] = c->entry[i];
    c->n_entry = n;
    sort_text = c->text.data;
    qsort(c->entry, n, sizeof *c->entry, by_count);
    for (size_t i = 0; i < n; i++)
        *(c->entry[i].label ? &c->nlabels : &c->nwords) += 1;
    if (c->nlabels < 2)
        return yh_fail(err, YH_INVALID,
                       "%s: %d labels, two are needed: lines \"__label__NAME text\", or JSON Lines "
                       "with \"text\" and \"label\" in a file named .jsonl",
                       data, c->nlabels);
    return yh_ft_index(c, err);
}

/* ------------------------------------------------------------------ descent */

static yh_status matrices(yh_classifier *c, uint64_t seed, yh_err *err)
{
    c->in.m = (int64_t)c->nwords + c->bucket;
    c->out.m = c->nlabels;
    c->in.n = c->out.n = c->dim;
    c->in.data = yh_malloc((size_t)(c->in.m * c->dim) * sizeof(float));
    c->out.data = yh_calloc((size_t)(c->out.m * c->dim), sizeof(float));
    if (c->in.data == NULL || c->out.data == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %lld vectors of %d numbers: fewer buckets?",
                       (long long)c->in.m, c->dim);
    yh_rng r;
    yh_rng_init(&r, seed, 1);
    for (int64_t i = 0; i < c->in.m * c->dim; i++)
        c->in.data[i] = (float)((yh_rng_uniform(&r) * 2 - 1) / c->dim);
    return YH_OK;
}

/* One step; returns the loss. hidden, grad: dim numbers, prob: nlabels. */
static float learn(yh_classifier *c, const int32_t *row, size_t n, int32_t target, float rate,
                   float *hidden, float *grad, float *prob)
{
    const int32_t dim = c->dim;
    memset(hidden, 0, sizeof *hidden * (size_t)dim);
    memset(grad, 0, sizeof *grad * (size_t)dim);
    for (size_t k = 0; k < n; k++) {
        const float *p = c->in.data + (int64_t)row[k] * dim;
        for (int32_t i = 0; i < dim; i++)
            hidden[i] += p[i];
    }
    float most = -INFINITY, z = 0;
    for (int32_t i = 0; i < dim; i++)
        hidden[i] /= (float)n;
    for (int32_t l = 0; l < c->nlabels; l++) {
        const float *w = c->out.data + (int64_t)l * dim;
        prob[l] = 0;
        for (int32_t i = 0; i < dim; i++)
            prob[l] += w[i] * hidden[i];
        most = prob[l] > most ? prob[l] : most;
    }
    for (int32_t l = 0; l < c->nlabels; l++)
        z += prob[l] = expf(prob[l] - most);
    for (int32_t l = 0; l < c->nlabels; l++) {
        float *w = c->out.data + (int64_t)l * dim, step = rate * ((l == target) - prob[l] / z);
        for (int32_t i = 0; i < dim; i++) {
            grad[i] += step * w[i];
            w[i] += step * hidden[i];
        }
    }
    for (int32_t i = 0; i < dim; i++)
        grad[i] /= (float)n;
    for (size_t k = 0; k < n; k++) {
        float *p = c->in.data + (int64_t)row[k] * dim;
        for (int32_t i = 0; i < dim; i++)
            p[i] += grad[i];
    }
    return -logf(prob[target] / z + 1e-9f);
}

static yh_status descend(set *s, const yh_classifier_options *o, double rate, yh_err *err)
{
    yh_classifier *c = s->c;
    size_t *order = yh_malloc(sizeof *order * s->n);
    float *work = yh_malloc(sizeof *work * (2 * (size_t)c->dim + (size_t)c->nlabels));
    yh_status st = order == NULL || work == NULL
                       ? yh_fail(err, YH_NOMEM, "no memory to train on %zu examples", s->n)
                       : YH_OK;
    uint64_t steps = (uint64_t)c->epoch * s->n, done = 0;
    double loss = 0;
    yh_rng r;
    yh_rng_init(&r, o->seed, 2);
    for (size_t i = 0; i < s->n && st == YH_OK; i++)
        order[i] = i;
    for (int32_t epoch = 0; epoch < c->epoch && st == YH_OK; epoch++) {
        for (size_t i = s->n; i > 1; i--) {
            size_t k = yh_rng_below(&r, i), t = order[k];
            order[k] = order[i - 1];
            order[i - 1] = t;
        }
        for (size_t i = 0; i < s->n && st == YH_OK; i++, done++) {
            const example *e = &s->e[order[i]];
            int32_t target = s->label[e->label + yh_rng_below(&r, e->n_label)];
            float now = (float)(rate * (1 - (double)done / (double)steps));
            float l = learn(c, s->row + e->row, e->n_row, target, now, work, work + c->dim,
                            work + 2 * c->dim);
            loss += ((double)l - loss) / (double)(done < 1000 ? done + 1 : 1000);
            if (done % 256 == 0 && yh_stop_requested())
                st = yh_fail(err, YH_STOPPED, "training was stopped; nothing was written");
            if (done % 4096 == 0 && o->progress != NULL)
                o->progress(o->user, (double)done / (double)steps, loss);
        }
    }
    yh_free(order);
    yh_free(work);
    return st;
}

yh_status yh_classifier_train(const char *data, const char *out, const yh_classifier_options *o,
                              yh_err *err)
{
    static const yh_classifier_options none = {0};
    o = o != NULL ? o : &none;
    yh_classifier *c = yh_calloc(1, sizeof *c);
    if (c == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a classifier");
    set s = {.c = c};
    yh_buf_init(&c->text, 0);
    c->dim = o->dim > 0 && o->dim <= 4096 ? (int32_t)o->dim : 32;
    c->epoch = o->epochs > 0 ? (int32_t)o->epochs : 5;
    c->min_count = o->min_count > 0 ? (int32_t)o->min_count : 1;
    c->word_ngrams = o->word_ngrams > 0 && o->word_ngrams <= 64 ? (int32_t)o->word_ngrams : 2;
    c->minn = (int32_t)o->min_chars;
    c->maxn = o->max_chars <= 64 ? (int32_t)o->max_chars : 64;
    c->bucket = o->buckets > 0 && o->buckets <= INT32_MAX / 2 ? (int32_t)o->buckets : 200000;
    c->loss = YH_FT_SOFTMAX;
    c->model = 3;
    c->ws = c->neg = 5;
    c->lr_update = 100;
    c->t = 1e-4;
    c->pruned = -1;
    yh_status st = yh_ft_index(c, err);
    if (st == YH_OK)
        st = yh_ft_examples(data, count_example, c, err);
    if (st == YH_OK)
        st = finish_dictionary(c, data, err);
    if (st == YH_OK)
        st = yh_ft_examples(data, add_example, &s, err);
    if (st == YH_OK)
        st = matrices(c, o->seed, err);
    if (st == YH_OK)
        st = descend(&s, o, o->rate > 0 ? o->rate : 0.5, err);
    if (st == YH_OK)
        st = yh_ft_save(c, out, err);
    yh_free(s.e);
    yh_free(s.row);
    yh_free(s.label);
    yh_ft_rows_fini(&s.features);
    yh_classifier_free(c);
    return st;
}

/* ------------------------------------------------------------------ evaluation */

typedef struct judge {
    const yh_classifier *c;
    yh_classifier_score *score;
    uint64_t *given, *truth, *both;
    float *p;
} judge;

static yh_status judge_one(void *ctx, const char *const *label, const size_t *len, size_t n_label,
                           const char *text, size_t n, yh_err *err)
{
    judge *j = ctx;
    YH_TRY(yh_classifier_predict(j->c, text, n, j->p, err));
    int32_t best = 0;
    for (int32_t i = 1; i < j->c->nlabels; i++)
        if (j->p[i] > j->p[best])
            best = i;
    bool right = false;
    for (size_t i = 0; i < n_label; i++) {
        int32_t id = yh_ft_find(j->c, label[i], len[i]) - j->c->nwords;
        right = right || id == best;
        if (id >= 0 && j->truth != NULL)
            j->truth[id]++;
    }
    if (j->given != NULL)
        j->given[best]++;
    if (j->both != NULL)
        j->both[best] += right;
    j->score->n++;
    j->score->right += right;
    return YH_OK;
}

yh_status yh_classifier_eval(const yh_classifier *c, const char *data, yh_classifier_score *score,
                             uint64_t *given, uint64_t *truth, uint64_t *both, yh_err *err)
{
    *score = (yh_classifier_score){0};
    judge j = {c, score, given, truth, both, yh_calloc((size_t)c->nlabels, sizeof(float))};
    if (j.p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to classify");
    yh_status s = yh_ft_examples(data, judge_one, &j, err);
    yh_free(j.p);
    return s;
}
