/* Classifiers of lines for the public interface: training, judging, use. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "data/line_samples.h"
#include "rules/line_model.h"

#include "yh/classify.h"

struct yh_line_classifier {
    yh_line_model *model;
    yh_han *han; /* when the model wants folded lines */
};

void yh_line_classifier_free(yh_line_classifier *c)
{
    if (c == NULL)
        return;
    yh_line_model_free(c->model);
    yh_han_free(c->han);
    yh_free(c);
}

/* Takes the model, also on failure. */
static yh_status wrap(yh_line_classifier **out, yh_line_model *m, yh_err *err)
{
    yh_line_classifier *c = yh_calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL) {
        yh_line_model_free(m);
        return yh_fail(err, YH_NOMEM, "no memory for a line model");
    }
    c->model = m;
    yh_status s = yh_line_model_simplified(m) ? yh_han_create(&c->han, err) : YH_OK;
    if (s == YH_OK)
        *out = c;
    else
        yh_line_classifier_free(c);
    return s;
}

yh_status yh_line_classifier_load(yh_line_classifier **out, const char *path, yh_err *err)
{
    yh_line_model *m;
    *out = NULL;
    YH_TRY(yh_line_model_load(&m, path, err));
    return wrap(out, m, err);
}

yh_status yh_line_classifier_predict(const yh_line_classifier *c, const char *line, size_t n,
                                     double place, double *probability, yh_err *err)
{
    return yh_line_model_score(c->model, c->han, line, n, place, probability, err);
}

/* ------------------------------------------------------------------ judging */

/* Whether a document's lines are for judging: a hash, so that it is the same every time. */
static bool held(const yh_labelled_line *x, double share)
{
    return (double)(yh_mix64(x->group) >> 11) * 0x1p-53 < share;
}

static uint64_t text_hash(const yh_labelled_lines *l, const yh_labelled_line *x)
{
    return yh_hash64(l->text.data + x->at, x->len, 0);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* seen: hashes of the lines that were learned, in order; NULL: not known. */
static yh_status judge(const yh_line_classifier *c, const yh_labelled_lines *l, double share,
                       double threshold, const uint64_t *seen, size_t n_seen, yh_line_score *score,
                       yh_err *err)
{
    *score = (yh_line_score){0};
    for (size_t i = 0; i < l->n; i++) {
        const yh_labelled_line *x = &l->line[i];
        double p = 0;
        if (!held(x, share))
            continue;
        YH_TRY(yh_line_classifier_predict(c, l->text.data + x->at, x->len, x->place, &p, err));
        bool cut = p >= threshold;
        score->lines++;
        score->boilerplate += x->boilerplate;
        score->cut += cut;
        score->cut_boilerplate += cut && x->boilerplate;
        if (seen == NULL)
            continue;
        uint64_t h = text_hash(l, x);
        if (bsearch(&h, seen, n_seen, sizeof h, by_value) != NULL)
            continue;
        score->new_lines++;
        score->new_boilerplate += x->boilerplate;
        score->new_cut += cut;
        score->new_cut_boilerplate += cut && x->boilerplate;
    }
    return YH_OK;
}

yh_status yh_line_classifier_eval(const yh_line_classifier *c, const char *data, double threshold,
                                  yh_line_score *score, yh_err *err)
{
    yh_labelled_lines l = {0};
    *score = (yh_line_score){0};
    yh_status s = yh_labelled_lines_read(&l, data, err);
    if (s == YH_OK)
        s = judge(c, &l, 1, threshold, NULL, 0, score, err);
    yh_labelled_lines_fini(&l);
    return s;
}

/* ------------------------------------------------------------------ training */

/* sample, seen: l->n of each; *n: how many of them are for learning. */
static void choose(const yh_labelled_lines *l, double share, yh_line_sample *sample, uint64_t *seen,
                   size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < l->n; i++) {
        const yh_labelled_line *x = &l->line[i];
        if (held(x, share))
            continue;
        sample[*n] = (yh_line_sample){l->text.data + x->at, x->len, x->place, x->boilerplate};
        seen[(*n)++] = text_hash(l, x);
    }
    if (*n > 0)
        qsort(seen, *n, sizeof *seen, by_value);
}

static yh_status train(const yh_labelled_lines *l, const char *data, const char *out,
                       const yh_line_classifier_options *o, yh_line_sample *sample, uint64_t *seen,
                       yh_line_score *score, yh_err *err)
{
    yh_line_options lo = {
        .bits = (int)o->bits, .epochs = (int)o->epochs, .rate = o->rate, .seed = o->seed};
    yh_line_model *m;
    yh_line_classifier *c;
    size_t n;
    choose(l, o->hold_out, sample, seen, &n);
    if (n == 0)
        return yh_fail(err, YH_INVALID, "%s: no lines to learn from", data);
    YH_TRY(yh_line_model_train(&m, sample, n, &lo, err));
    YH_TRY(wrap(&c, m, err));
    yh_status s = judge(c, l, o->hold_out, o->threshold > 0 ? o->threshold : YH_LINE_THRESHOLD,
                        seen, n, score, err);
    if (s == YH_OK)
        s = yh_line_model_save(c->model, out, err);
    score->learned = n;
    for (size_t i = 0; i < n; i++)
        score->learned_boilerplate += sample[i].boilerplate;
    yh_line_classifier_free(c);
    return s;
}

yh_status yh_line_classifier_train(const char *data, const char *out,
                                   const yh_line_classifier_options *options,
                                   yh_line_score *held_out, yh_err *err)
{
    yh_line_classifier_options none = {0};
    const yh_line_classifier_options *o = options != NULL ? options : &none;
    yh_labelled_lines l = {0};
    yh_line_score ignored, *score = held_out != NULL ? held_out : &ignored;
    *score = (yh_line_score){0};
    if (!(o->hold_out >= 0 && o->hold_out < 1))
        return yh_fail(err, YH_INVALID, "the share that is held out must be from 0 to below 1");
    yh_status s = yh_labelled_lines_read(&l, data, err);
    yh_line_sample *sample = s == YH_OK ? yh_calloc(l.n + 1, sizeof *sample) : NULL;
    uint64_t *seen = s == YH_OK ? yh_calloc(l.n + 1, sizeof *seen) : NULL;
    if (s == YH_OK && (sample == NULL || seen == NULL))
        s = yh_fail(err, YH_NOMEM, "%s: no memory to train on %zu lines", data, l.n);
    if (s == YH_OK)
        s = train(&l, data, out, o, sample, seen, score, err);
    yh_free(sample);
    yh_free(seen);
    yh_labelled_lines_fini(&l);
    return s;
}
