#include "base/hash.h"
#include "data/diff.h"

enum { SHOWN = 400, LINES_MAX = 200000 };

typedef struct text {
    const char *p;
    size_t *at; /* n + 1 */
    uint64_t *hash;
    size_t n;
} text;

static void text_fini(text *t)
{
    yh_free(t->at);
    yh_free(t->hash);
}

static yh_status split(text *t, const char *p, size_t n, yh_err *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n';
    t->p = p;
    t->at = yh_calloc(lines + 1, sizeof *t->at);
    t->hash = yh_calloc(lines + 1, sizeof *t->hash);
    if (t->at == NULL || t->hash == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to compare %zu lines", lines);
    for (size_t at = 0; at <= n; t->n++) {
        const char *nl = at < n ? memchr(p + at, '\n', n - at) : NULL;
        size_t end = nl != NULL ? (size_t)(nl - p) : n;
        t->at[t->n] = at;
        t->hash[t->n] = yh_hash64(p + at, end - at, 0);
        at = end + 1;
    }
    t->at[t->n] = n + 1;
    return YH_OK;
}

static yh_status add(json_t *list, const char *op, const text *t, size_t i, yh_err *err)
{
    const char *p = t->p + t->at[i];
    size_t n = t->at[i + 1] - t->at[i] - 1;
    if (n > SHOWN)
        for (n = SHOWN; n > 0 && ((uint8_t)p[n] & 0xc0) == 0x80;)
            n--;
    json_t *j = json_pack("{s:s,s:I,s:s%}", "op", op, "line", (json_int_t)(i + 1), "text", p, n);
    return json_array_insert_new(list, 0, j) == 0 ? YH_OK : yh_fail(err, YH_NOMEM, "no memory");
}

/* Walks back through the saved frontiers: trace[d] has 2 * d + 3 values for k = -d-1 .. d+1. */
static yh_status walk_back(json_t *list, const text *a, const text *b, int64_t *const *trace,
                           int64_t steps, yh_err *err)
{
    int64_t x = (int64_t)a->n, y = (int64_t)b->n;
    for (int64_t d = steps; d > 0; d--) {
        const int64_t *v = trace[d - 1] + d; /* v[k] for k in -(d-1)-1 .. d */
        int64_t k = x - y;
        bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
        int64_t before = down ? k + 1 : k - 1;
        x = v[before];
        y = x - before;
        YH_TRY(down ? add(list, "+", b, (size_t)y, err) : add(list, "-", a, (size_t)x, err));
    }
    return YH_OK;
}

static int64_t snake(const text *a, const text *b, int64_t x, int64_t k)
{
    while (x < (int64_t)a->n && x - k < (int64_t)b->n && x - k >= 0 && a->hash[x] == b->hash[x - k])
        x++;
    return x;
}

/* Fills trace[0..*steps]; *steps stays -1 when more than `most` lines differ. */
static yh_status search(const text *a, const text *b, int64_t **trace, int64_t most, int64_t *steps,
                        yh_err *err)
{
    *steps = -1;
    for (int64_t d = 0; d <= most; d++) {
        trace[d] = yh_calloc((size_t)(2 * d + 3), sizeof **trace);
        if (trace[d] == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to compare lines");
        int64_t *v = trace[d] + d + 1;
        const int64_t *u = d > 0 ? trace[d - 1] + d : NULL;
        for (int64_t k = -d; k <= d; k += 2) {
            int64_t x = 0;
            if (d > 0)
                x = k == -d || (k != d && u[k - 1] < u[k + 1]) ? u[k + 1] : u[k - 1] + 1;
            x = snake(a, b, x, k);
            v[k] = x;
            if (k == (int64_t)a->n - (int64_t)b->n && x >= (int64_t)a->n) {
                *steps = d;
                return YH_OK;
            }
        }
    }
    return YH_OK;
}

yh_status yh_diff_lines(json_t **out, const char *a, size_t na, const char *b, size_t nb,
                        size_t most, yh_err *err)
{
    text ta = {0}, tb = {0};
    int64_t steps = -1;
    *out = NULL;
    int64_t **trace = yh_calloc(most + 1, sizeof *trace);
    yh_status s = trace != NULL ? YH_OK : yh_fail(err, YH_NOMEM, "no memory to compare lines");
    if (s == YH_OK)
        s = split(&ta, a, na, err);
    if (s == YH_OK)
        s = split(&tb, b, nb, err);
    if (s == YH_OK && ta.n < LINES_MAX && tb.n < LINES_MAX)
        s = search(&ta, &tb, trace, (int64_t)most, &steps, err);
    if (s == YH_OK && steps >= 0) {
        *out = json_array();
        s = *out != NULL ? walk_back(*out, &ta, &tb, trace, steps, err)
                         : yh_fail(err, YH_NOMEM, "no memory");
    }
    for (size_t i = 0; trace != NULL && i <= most; i++)
        yh_free(trace[i]);
    yh_free(trace);
    text_fini(&ta);
    text_fini(&tb);
    return s;
}
