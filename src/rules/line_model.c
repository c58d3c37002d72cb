#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "input/utf8_scan.h"
#include "rules/line_model.h"

enum {
    FEATURES = 4096, /* of one line; longer ones are judged by their beginning */
    BITS_MIN = 10,
    BITS_MAX = 24,
    FILE_MAX_BYTES = 80 << 20,
    SAMPLES_FILE_MAX = 1 << 30
};
static const char magic[] = "YHLINES1\n";

struct yh_line_model {
    int bits, epochs;
    uint64_t samples;
    bool simplified;
    float *weight;
};

/* ------------------------------------------------------------------ features */

typedef struct features {
    uint32_t at[FEATURES];
    size_t n;
} features;

static void feature(features *f, int bits, uint64_t kind, uint64_t value)
{
    if (f->n < FEATURES)
        f->at[f->n++] = (uint32_t)(yh_mix64(value * 0x9e3779b97f4a7c15u + kind) >> (64 - bits));
}

/* Numbers in classes that double. */
static uint64_t class_of(size_t n)
{
    uint64_t k = 0;
    while (n > 0) {
        n /= 2;
        k++;
    }
    return k;
}

static uint64_t share_of(size_t part, size_t all)
{
    return all == 0 ? 0 : part * 8 / all + (part > 0);
}

static void grams(features *f, int bits, const char *t, size_t n)
{
    uint32_t last[4] = {1, 1, 1, 1}; /* 1: the beginning */
    for (size_t i = 0; i <= n;) {
        uint32_t c = 2; /* the end */
        size_t k = i < n ? yh_utf8_at((const uint8_t *)t + i, n - i, &c) : 1;
        if (c >= '0' && c <= '9')
            c = '0';
        last[0] = last[1];
        last[1] = last[2];
        last[2] = last[3];
        last[3] = c;
        uint64_t h = c;
        for (int g = 1; g <= 4; g++) {
            feature(f, bits, (uint64_t)g, h);
            h = yh_mix64(h) ^ last[g < 4 ? 3 - g : 0];
            if (g < 4 && last[4 - g] == 1)
                break;
        }
        i += k > 0 ? k : 1;
    }
}

static void form(features *f, int bits, const char *t, size_t n, double place)
{
    size_t chars = 0, han = 0, digits = 0, letters = 0, marks = 0, stops = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t k = yh_utf8_at((const uint8_t *)t + i, n - i, &c);
        chars++;
        han += yh_is_han(c);
        digits += c >= '0' && c <= '9';
        letters += c >= 'a' && c <= 'z';
        stops += c == 0x3002 || c == '!' || c == '?' || c == ',' || c == '.';
        marks += c == '|' || c == '>' || c == '/' || c == ':' || c == 0xa9 || c == '@';
        i += k > 0 ? k : 1;
    }
    feature(f, bits, 10, 0); /* what all lines share */
    feature(f, bits, 11, class_of(chars));
    feature(f, bits, 12, share_of(han, chars));
    feature(f, bits, 13, share_of(digits, chars));
    feature(f, bits, 14, share_of(letters, chars));
    feature(f, bits, 15, share_of(stops, chars));
    feature(f, bits, 16, share_of(marks, chars));
    if (place >= 0) {
        double p = place > 1 ? 1 : place;
        feature(f, bits, 17, (uint64_t)(p * 9.99));
        feature(f, bits, 18, (uint64_t)(p * 9.99) * 16 + class_of(chars));
    }
}

static double sum(const float *weight, const features *f)
{
    double s = 0;
    for (size_t i = 0; i < f->n; i++)
        s += (double)weight[f->at[i]];
    return s / sqrt((double)(f->n > 0 ? f->n : 1));
}

static double logistic(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static yh_status read_line(const yh_han *h, int bits, const char *text, size_t len, double place,
                           yh_buf *folded, features *f, yh_err *err)
{
    yh_buf_clear(folded);
    f->n = 0;
    YH_TRY(yh_han_fold(h, text, len, folded, err));
    form(f, bits, folded->data, folded->len, place); /* first, so that long lines have them */
    grams(f, bits, folded->data, folded->len);
    return YH_OK;
}

/* ------------------------------------------------------------------ training */

static void shuffle(size_t *order, size_t n, uint64_t seed, int epoch)
{
    yh_rng r;
    yh_rng_init(&r, seed, (uint64_t)epoch);
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)yh_rng_below(&r, i), t = order[i - 1];
        order[i - 1] = order[k];
        order[k] = t;
    }
}

static void learn(yh_line_model *m, float *square, const features *f, double want, double rate,
                  double decay)
{
    double error = logistic(sum(m->weight, f)) - want, scale = 1 / sqrt((double)f->n);
    for (size_t i = 0; i < f->n; i++) {
        float *w = &m->weight[f->at[i]], *q = &square[f->at[i]];
        double g = error * scale;
        *q = (float)((double)*q + g * g);
        *w = (float)((double)*w * (1 - decay) - rate * g / sqrt((double)*q + 1e-8));
    }
}

static yh_status train(yh_line_model *m, const yh_han *h, const yh_line_sample *sample, size_t n,
                       const yh_line_options *o, float *square, size_t *order, features *f,
                       yh_err *err)
{
    yh_buf folded;
    yh_buf_init(&folded, 0);
    double rate = o->rate > 0 ? o->rate : 0.2, decay = o->decay > 0 ? o->decay : 1e-7;
    yh_status s = YH_OK;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (int e = 0; e < m->epochs && s == YH_OK; e++) {
        shuffle(order, n, o->seed, e);
        for (size_t i = 0; i < n && s == YH_OK; i++) {
            const yh_line_sample *x = &sample[order[i]];
            s = read_line(h, m->bits, x->text, x->len, x->place, &folded, f, err);
            if (s == YH_OK)
                learn(m, square, f, x->boilerplate ? 1 : 0, rate, decay);
        }
    }
    yh_buf_fini(&folded);
    return s;
}

static yh_line_model *empty(int bits)
{
    yh_line_model *m = yh_calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->bits = bits;
    m->weight = yh_calloc((size_t)1 << bits, sizeof *m->weight);
    if (m->weight != NULL)
        return m;
    yh_free(m);
    return NULL;
}

yh_status yh_line_model_train(yh_line_model **out, const yh_line_sample *sample, size_t n,
                              const yh_line_options *options, yh_err *err)
{
    yh_line_options none = {0};
    const yh_line_options *o = options != NULL ? options : &none;
    size_t yes = 0;
    *out = NULL;
    for (size_t i = 0; i < n; i++)
        yes += sample[i].boilerplate;
    if (yes == 0 || yes == n)
        return yh_fail(err, YH_INVALID,
                       "%zu lines, %zu of them boilerplate: a model needs both kinds", n, yes);
    int bits = o->bits == 0 ? 18 : o->bits;
    if (bits < BITS_MIN || bits > BITS_MAX)
        return yh_fail(err, YH_INVALID, "a line model has from 2^%d to 2^%d weights", BITS_MIN,
                       BITS_MAX);
    yh_han *h;
    yh_status s = yh_han_create(&h, NULL);
    if (s != YH_OK && s != YH_UNSUPPORTED)
        return yh_fail(err, s, "no memory for a table of characters");
    yh_line_model *m = empty(bits);
    float *square = yh_calloc((size_t)1 << bits, sizeof *square);
    size_t *order = yh_calloc(n, sizeof *order);
    features *f = yh_malloc(sizeof *f);
    if (m == NULL || square == NULL || order == NULL || f == NULL) {
        s = yh_fail(err, YH_NOMEM, "no memory to train on %zu lines", n);
    } else {
        m->epochs = o->epochs > 0 ? o->epochs : 5;
        m->samples = n;
        m->simplified = h != NULL;
        s = train(m, h, sample, n, o, square, order, f, err);
    }
    yh_free(square);
    yh_free(order);
    yh_free(f);
    yh_han_free(h);
    if (s == YH_OK)
        *out = m;
    else
        yh_line_model_free(m);
    return s;
}

static yh_status one_sample(const char *line, size_t n, size_t number, const char *path,
                            yh_line_sample *x, json_t **keep, yh_err *err)
{
    char name[300];
    snprintf(name, sizeof name, "%.200s line %zu", path, number);
    const char *text;
    YH_TRY(yh_json_parse(keep, line, n, name, err));
    YH_TRY(yh_json_str(*keep, "text", false, name, &text, err));
    YH_TRY(yh_json_bool(*keep, "boilerplate", false, false, name, &x->boilerplate, err));
    YH_TRY(yh_json_num(*keep, "place", -1, 1, true, -1, name, &x->place, err));
    x->text = text;
    x->len = strlen(text);
    return YH_OK;
}

yh_status yh_line_model_train_file(yh_line_model **out, const char *path,
                                   const yh_line_options *options, yh_err *err)
{
    yh_map map;
    *out = NULL;
    YH_TRY(yh_map_open(&map, path, err));
    yh_line_sample *sample = NULL;
    json_t **keep = NULL; /* the texts are borrowed from these */
    size_t n = 0, cap = 0, cap_keep = 0, number = 0;
    yh_status s = YH_OK;
    if (map.size > SAMPLES_FILE_MAX)
        s = yh_fail(err, YH_LIMIT, "%s: more than 1 GB of lines to train on", path);
    for (size_t at = 0; at < map.size && s == YH_OK;) {
        const uint8_t *nl = memchr(map.data + at, '\n', map.size - at);
        size_t end = nl != NULL ? (size_t)(nl - map.data) : map.size;
        number++;
        if (end > at) {
            yh_line_sample *a = yh_grow(sample, &cap, n + 1, sizeof *a);
            json_t **b = yh_grow(keep, &cap_keep, n + 1, sizeof *b);
            sample = a != NULL ? a : sample;
            keep = b != NULL ? b : keep;
            if (a == NULL || b == NULL) {
                s = yh_fail(err, YH_NOMEM, "%s: no memory for its lines", path);
                break;
            }
            keep[n] = NULL;
            s = one_sample((const char *)map.data + at, end - at, number, path, &sample[n],
                           &keep[n], err);
            n++;
        }
        at = end + 1;
    }
    if (s == YH_OK)
        s = yh_line_model_train(out, sample, n, options, err);
    for (size_t i = 0; i < n; i++)
        json_decref(keep[i]);
    yh_free(keep);
    yh_free(sample);
    yh_map_close(&map);
    return s;
}

void yh_line_model_free(yh_line_model *m)
{
    if (m == NULL)
        return;
    yh_free(m->weight);
    yh_free(m);
}

/* ------------------------------------------------------------------ files */

static yh_status encode(const yh_line_model *m, yh_buf *b, yh_err *err)
{
    YH_TRY(yh_buf_adds(b, magic, err));
    YH_TRY(yh_buf_addf(
        b, err, "{\"bits\": %d, \"samples\": %llu, \"epochs\": %d, \"simplified\": %s}\n", m->bits,
        (unsigned long long)m->samples, m->epochs, m->simplified ? "true" : "false"));
    for (size_t i = 0; i < (size_t)1 << m->bits; i++) {
        uint32_t u;
        memcpy(&u, &m->weight[i], 4);
        uint8_t le[4] = {(uint8_t)u, (uint8_t)(u >> 8), (uint8_t)(u >> 16), (uint8_t)(u >> 24)};
        YH_TRY(yh_buf_add(b, le, 4, err));
    }
    uint64_t sum_of = yh_hash64(b->data, b->len, 0);
    for (int i = 0; i < 8; i++)
        YH_TRY(yh_buf_addc(b, (char)(sum_of >> (8 * i)), err));
    return YH_OK;
}

yh_status yh_line_model_save(const yh_line_model *m, const char *path, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    yh_status s = encode(m, &b, err);
    if (s == YH_OK)
        s = yh_file_write(path, b.data, b.len, err);
    yh_buf_fini(&b);
    return s;
}

static yh_status header(const char *line, size_t n, const char *name, yh_line_model *to,
                        yh_err *err)
{
    json_t *j = NULL;
    int64_t bits = 0, samples = 0, epochs = 0;
    yh_status s = yh_json_parse(&j, line, n, name, err);
    if (s == YH_OK)
        s = yh_json_int(j, "bits", BITS_MIN, BITS_MAX, false, 0, name, &bits, err);
    if (s == YH_OK)
        s = yh_json_int(j, "samples", 0, INT64_MAX, true, 0, name, &samples, err);
    if (s == YH_OK)
        s = yh_json_int(j, "epochs", 0, 1000000, true, 0, name, &epochs, err);
    if (s == YH_OK)
        s = yh_json_bool(j, "simplified", true, false, name, &to->simplified, err);
    to->bits = (int)bits;
    to->samples = (uint64_t)samples;
    to->epochs = (int)epochs;
    json_decref(j);
    return s;
}

yh_status yh_line_model_parse(yh_line_model **out, const void *bytes, size_t n, const char *name,
                              yh_err *err)
{
    const uint8_t *p = bytes;
    const size_t skip = sizeof magic - 1;
    yh_line_model head = {0};
    *out = NULL;
    if (n < skip || memcmp(p, magic, skip) != 0)
        return yh_fail(err, YH_CORRUPT, "%s: not a line model", name);
    const uint8_t *nl = memchr(p + skip, '\n', n - skip < 4096 ? n - skip : 4096);
    if (nl == NULL)
        return yh_fail(err, YH_CORRUPT, "%s: no header line", name);
    YH_TRY(header((const char *)p + skip, (size_t)(nl - p) - skip, name, &head, err));
    size_t at = (size_t)(nl - p) + 1, count = (size_t)1 << head.bits;
    if (n - at != 4 * count + 8)
        return yh_fail(err, YH_CORRUPT, "%s: %zu bytes, not %zu: cut off, or not whole", name, n,
                       at + 4 * count + 8);
    uint64_t sum_of = 0;
    for (int i = 0; i < 8; i++)
        sum_of |= (uint64_t)p[n - 8 + (size_t)i] << (8 * i);
    if (yh_hash64(p, n - 8, 0) != sum_of)
        return yh_fail(err, YH_CORRUPT, "%s: checksum does not fit: damaged", name);
    yh_line_model *m = empty(head.bits);
    if (m == NULL)
        return yh_fail(err, YH_NOMEM, "%s: no memory for 2^%d weights", name, head.bits);
    m->samples = head.samples;
    m->epochs = head.epochs;
    m->simplified = head.simplified;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *q = p + at + 4 * i;
        uint32_t u = q[0] | (uint32_t)q[1] << 8 | (uint32_t)q[2] << 16 | (uint32_t)q[3] << 24;
        memcpy(&m->weight[i], &u, 4);
        if (!isfinite(m->weight[i])) {
            yh_line_model_free(m);
            return yh_fail(err, YH_CORRUPT, "%s: weight %zu is no number", name, i);
        }
    }
    *out = m;
    return YH_OK;
}

yh_status yh_line_model_load(yh_line_model **out, const char *path, yh_err *err)
{
    yh_buf b;
    yh_buf_init(&b, 0);
    *out = NULL;
    yh_status s = yh_file_read(path, FILE_MAX_BYTES, &b, err);
    if (s == YH_OK)
        s = yh_line_model_parse(out, b.data != NULL ? b.data : "", b.len, path, err);
    yh_buf_fini(&b);
    return s;
}

/* ------------------------------------------------------------------ use */

yh_status yh_line_model_score(const yh_line_model *m, const yh_han *h, const char *text, size_t len,
                              double place, double *probability, yh_err *err)
{
    features f;
    yh_buf folded;
    yh_buf_init(&folded, 0);
    size_t most = (size_t)FEATURES * 3;
    while (len > most && most > 0 && ((uint8_t)text[most] & 0xc0) == 0x80)
        most--;
    yh_status s = read_line(m->simplified ? h : NULL, m->bits, text, len < most ? len : most, place,
                            &folded, &f, err);
    if (s == YH_OK)
        *probability = logistic(sum(m->weight, &f));
    yh_buf_fini(&folded);
    return s;
}

bool yh_line_model_simplified(const yh_line_model *m)
{
    return m->simplified;
}
