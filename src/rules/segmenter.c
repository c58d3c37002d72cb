#include "rules/segmenter.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "text/utf8.h"

static const char installed[] = "/usr/lib/python3/dist-packages/jieba/dict.txt";
static const double none = -3.14e100; /* the log probability of what never happens, as in jieba */

enum {
    HAN_LO = 0x4e00,
    HAN_HI = 0x9fd5,
    HAN = HAN_HI - HAN_LO + 1,
    WORD_CHARS = 64,      /* longer entries are refused */
    NODES_MAX = 1 << 22,  /* of the trie */
    DICT_MAX = 256 << 20, /* bytes */
    STATES = 4
};
enum { B, E, M, S }; /* in the order that breaks ties */

struct yh_segmenter {
    uint32_t *first; /* of characters below U+10000: node of the word of this one, 0: none */
    uint64_t *slot;  /* (node, character) -> node: key in the upper 42 bits */
    size_t slots, n_slot;
    double *logp; /* of nodes: frequency's logarithm minus the total's; NAN: no word, a beginning */
    size_t n, cap;
    double log_one; /* of a frequency of 1 */
    bool hmm;
    double start[STATES], trans[STATES][STATES];
    double *emit; /* [STATES][HAN] */
    char *path;
    int users;
};

/* ------------------------------------------------------------------ trie */

static size_t place(const yh_segmenter *s, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (s->slots - 1);
    while (s->slot[i] != 0 && s->slot[i] >> 22 != key)
        i = (i + 1) & (s->slots - 1);
    return i;
}

static inline uint32_t child(const yh_segmenter *s, uint32_t node, uint32_t cp)
{
    if (node == 0 && cp < 0x10000)
        return s->first[cp];
    uint64_t v = s->slot[place(s, (uint64_t)node << 20 | (cp & 0xfffff))];
    return (uint32_t)(v & (NODES_MAX - 1));
}

static yh_status new_node(yh_segmenter *s, uint32_t *out, yh_err *err)
{
    if (s->n + 1 >= NODES_MAX)
        return yh_fail(err, YH_LIMIT, "%s: more than %d beginnings of words", s->path, NODES_MAX);
    double *p = yh_grow(s->logp, &s->cap, s->n + 1, sizeof *p);
    if (p == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the dictionary %s", s->path);
    s->logp = p;
    p[s->n] = (double)NAN;
    *out = (uint32_t)s->n++;
    return YH_OK;
}

static yh_status widen(yh_segmenter *s, yh_err *err)
{
    size_t old = s->slots;
    uint64_t *from = s->slot;
    s->slots = old == 0 ? 1 << 16 : old * 2;
    s->slot = yh_calloc(s->slots, sizeof *s->slot);
    if (s->slot == NULL) {
        s->slot = from;
        s->slots = old;
        return yh_fail(err, YH_NOMEM, "no memory for the dictionary %s", s->path);
    }
    for (size_t i = 0; i < old; i++)
        if (from[i] != 0)
            s->slot[place(s, from[i] >> 22)] = from[i];
    yh_free(from);
    return YH_OK;
}

static yh_status step(yh_segmenter *s, uint32_t node, uint32_t cp, uint32_t *out, yh_err *err)
{
    *out = child(s, node, cp);
    if (*out != 0)
        return YH_OK;
    if (s->n_slot * 2 >= s->slots)
        YH_TRY(widen(s, err));
    YH_TRY(new_node(s, out, err));
    if (node == 0 && cp < 0x10000) {
        s->first[cp] = *out;
        return YH_OK;
    }
    uint64_t key = (uint64_t)node << 20 | (cp & 0xfffff);
    s->slot[place(s, key)] = key << 22 | *out;
    s->n_slot++;
    return YH_OK;
}

/* ------------------------------------------------------------------ the dictionary */

/* Frequencies are kept where their logarithms will stand. */
static yh_status add_word(yh_segmenter *s, const char *p, size_t n, double freq, size_t line,
                          yh_err *err)
{
    uint32_t node = 0;
    size_t chars = 0;
    for (size_t i = 0; i < n; chars++) {
        int len;
        uint32_t cp = yh_utf8_next((const uint8_t *)p + i, &len);
        i += (size_t)len;
        YH_TRY(step(s, node, cp, &node, err));
    }
    if (chars == 0 || chars > WORD_CHARS)
        return yh_fail(err, YH_CORRUPT, "%s: line %zu: a word of %zu characters", s->path, line,
                       chars);
    s->logp[node] = freq;
    return YH_OK;
}

static yh_status read_dict(yh_segmenter *s, const char *text, size_t n, yh_err *err)
{
    double total = 0;
    size_t line = 0;
    if (yh_utf8_valid((const uint8_t *)text, n) != n)
        return yh_fail(err, YH_CORRUPT, "%s: not UTF-8", s->path);
    for (size_t i = 0; i < n;) {
        const char *p = text + i, *nl = memchr(p, '\n', n - i);
        size_t len = nl != NULL ? (size_t)(nl - p) : n - i;
        i += len + 1;
        line++;
        if (len > 0 && p[len - 1] == '\r')
            len--;
        if (len == 0)
            continue;
        const char *blank = memchr(p, ' ', len);
        double freq = 0;
        size_t digits = 0;
        for (const char *q = blank != NULL ? blank + 1 : p + len;
             q < p + len && *q >= '0' && *q <= '9' && digits < 15; q++, digits++)
            freq = freq * 10 + (*q - '0');
        if (blank == NULL || digits == 0)
            return yh_fail(err, YH_CORRUPT, "%s: line %zu is not \"word frequency\"", s->path,
                           line);
        if (freq == 0)
            continue;
        YH_TRY(add_word(s, p, (size_t)(blank - p), freq, line, err));
        total += freq;
    }
    if (total <= 0)
        return yh_fail(err, YH_CORRUPT, "%s: no words", s->path);
    s->log_one = log(1.0) - log(total);
    for (size_t i = 0; i < s->n; i++)
        s->logp[i] = log(s->logp[i]) - log(total);
    return YH_OK;
}

/* ------------------------------------------------------------------ the model of characters */

static int state_of(char c)
{
    const char *p = strchr("BEMS", c);
    return c != '\0' && p != NULL ? (int)(p - "BEMS") : -1;
}

typedef void (*pair_fn)(yh_segmenter *s, int outer, const char *key, double value);

/* Reads a Python literal {'B': {'x': -1.5, ...}, ...} or {'B': -0.2, ...}: every number with the
 * quoted key before it and the state's key that is open. */
static void read_pairs(yh_segmenter *s, const char *p, const char *end, pair_fn fn)
{
    char key[16] = "";
    int outer = -1, depth = 0;
    while (p < end) {
        if (*p == '{') {
            depth++;
            if (depth == 2)
                outer = state_of(key[0]);
            p++;
        } else if (*p == '}') {
            depth--;
            p++;
        } else if (*p == '\'') {
            const char *q = memchr(p + 1, '\'', (size_t)(end - p - 1));
            if (q == NULL)
                return;
            size_t len = (size_t)(q - p - 1);
            snprintf(key, sizeof key, "%.*s", (int)(len < 15 ? len : 15), p + 1);
            p = q + 1;
        } else if (*p == ':') {
            while (++p < end && (*p == ' ' || *p == '\n'))
                ;
            if (p < end && *p != '{' && *p != '\'') {
                char *stop = NULL;
                double v = strtod(p, &stop); /* the text ends with a NUL */
                fn(s, depth == 2 ? outer : -1, key, v);
                p = stop > p ? stop : p + 1;
            }
        } else {
            p++;
        }
    }
}

static void pair_start(yh_segmenter *s, int outer, const char *key, double v)
{
    (void)outer;
    if (state_of(key[0]) >= 0)
        s->start[state_of(key[0])] = v;
}

static void pair_trans(yh_segmenter *s, int outer, const char *key, double v)
{
    if (outer >= 0 && state_of(key[0]) >= 0)
        s->trans[outer][state_of(key[0])] = v;
}

static void pair_emit(yh_segmenter *s, int outer, const char *key, double v)
{
    if (outer < 0 || key[0] != '\\' || key[1] != 'u')
        return;
    unsigned long cp = strtoul(key + 2, NULL, 16);
    if (cp >= HAN_LO && cp <= HAN_HI)
        s->emit[(size_t)outer * HAN + (cp - HAN_LO)] = v;
}

static yh_status read_model(yh_segmenter *s, const char *dict, yh_err *err)
{
    static const char *const name[] = {"prob_start.py", "prob_trans.py", "prob_emit.py"};
    static const pair_fn fn[] = {pair_start, pair_trans, pair_emit};
    s->emit = yh_malloc(sizeof *s->emit * STATES * HAN);
    if (s->emit == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for a model of characters");
    for (size_t i = 0; i < (size_t)STATES * HAN; i++)
        s->emit[i] = none;
    for (int i = 0; i < STATES; i++) {
        s->start[i] = none;
        for (int k = 0; k < STATES; k++)
            s->trans[i][k] = none;
    }
    int n = (int)(yh_path_base(dict) - dict);
    for (int i = 0; i < 3; i++) {
        yh_buf path, text;
        yh_buf_init(&path, 0);
        yh_buf_init(&text, 0);
        yh_status st = yh_buf_addf(&path, err, "%.*sfinalseg/%s", n, dict, name[i]);
        bool there = st == YH_OK && yh_is_file(path.data);
        if (there)
            st = yh_file_read(path.data, 64 << 20, &text, err);
        if (there && st == YH_OK)
            read_pairs(s, text.data, text.data + text.len, fn[i]);
        yh_buf_fini(&path);
        yh_buf_fini(&text);
        YH_TRY(st);
        if (!there)
            return YH_OK;
    }
    s->hmm = true;
    return YH_OK;
}

/* ------------------------------------------------------------------ life */

static void destroy(yh_segmenter *s)
{
    yh_free(s->first);
    yh_free(s->slot);
    yh_free(s->logp);
    yh_free(s->emit);
    yh_free(s->path);
    yh_free(s);
}

yh_status yh_segmenter_parse(yh_segmenter **out, const char *dict, size_t n, const char *name,
                             yh_err *err)
{
    yh_segmenter *s = yh_calloc(1, sizeof *s);
    if (s == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for the dictionary %s", name);
    uint32_t root;
    s->path = yh_strdup(name);
    s->first = yh_calloc(0x10000, sizeof *s->first);
    s->users = 1;
    yh_status st = YH_OK;
    if (s->path == NULL || s->first == NULL)
        st = yh_fail(err, YH_NOMEM, "no memory for the dictionary %s", name);
    if (st == YH_OK)
        st = widen(s, err);
    if (st == YH_OK)
        st = new_node(s, &root, err);
    if (st == YH_OK)
        st = read_dict(s, dict, n, err);
    if (st != YH_OK) {
        destroy(s);
        s = NULL;
    }
    *out = s;
    return st;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static yh_segmenter *shared; /* the one last loaded, while somebody uses it */

static yh_status load(yh_segmenter **out, const char *dict, yh_err *err)
{
    if (!yh_is_file(dict))
        return yh_fail(err, YH_NOTFOUND,
                       "%s: there is no dictionary of Chinese words; install the package "
                       "python3-jieba, name one of your own, or set \"words\": \"characters\"",
                       dict);
    yh_buf text;
    yh_buf_init(&text, 0);
    yh_status s = yh_file_read(dict, DICT_MAX, &text, err);
    if (s == YH_OK)
        s = yh_segmenter_parse(out, text.data, text.len, dict, err);
    yh_buf_fini(&text);
    if (s == YH_OK && (s = read_model(*out, dict, err)) != YH_OK) {
        destroy(*out);
        *out = NULL;
    }
    return s;
}

yh_status yh_segmenter_get(yh_segmenter **out, const char *dict, yh_err *err)
{
    yh_status s = YH_OK;
    if (dict == NULL || dict[0] == '\0')
        dict = installed;
    (void)pthread_mutex_lock(&lock);
    if (shared != NULL && strcmp(shared->path, dict) == 0) {
        *out = shared;
        shared->users++;
    } else if ((s = load(out, dict, err)) == YH_OK && shared == NULL) {
        shared = *out;
    }
    (void)pthread_mutex_unlock(&lock);
    return s;
}

void yh_segmenter_free(yh_segmenter *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    bool over = --s->users == 0;
    if (over && s == shared)
        shared = NULL;
    (void)pthread_mutex_unlock(&lock);
    if (over)
        destroy(s);
}

/* ------------------------------------------------------------------ dividing */

typedef struct piece {
    uint32_t cp, at; /* character and where it begins; one more at the end for `at` */
} piece;

typedef struct work {
    const yh_segmenter *s;
    yh_tokens *out;
    piece *c; /* of one block */
    size_t n, cap;
    double *best; /* of the rest of the block from here */
    uint32_t *next;
    uint8_t *path; /* of the Viterbi search: where each state came from, 2 bits each */
    size_t cap_best, cap_next, cap_path;
} work;

static yh_status add(work *w, size_t from, size_t to, yh_err *err)
{
    return yh_tokens_add(w->out, w->c[from].at, w->c[to].at - w->c[from].at, to - from, err);
}

static bool block_char(uint32_t cp)
{
    if (cp < 0x80)
        return (cp | 32) - 'a' < 26u || cp - '0' < 10u ||
               (cp != 0 && strchr("+#&._%-", (int)cp) != NULL);
    return cp >= HAN_LO && cp <= HAN_HI;
}

/* The best way from every place to the end; of equal ones the longer word. */
static void route(work *w)
{
    const yh_segmenter *s = w->s;
    w->best[w->n] = 0;
    for (size_t i = w->n; i-- > 0;) {
        double best = (double)-INFINITY;
        uint32_t to = 0, node = 0;
        for (size_t k = i; k < w->n; k++) {
            node = child(s, node, w->c[k].cp);
            if (node == 0)
                break;
            double lp = s->logp[node];
            if (isnan(lp))
                continue;
            double v = lp + w->best[k + 1];
            if (v >= best) {
                best = v;
                to = (uint32_t)k + 1;
            }
        }
        if (to == 0) {
            best = s->log_one + w->best[i + 1];
            to = (uint32_t)i + 1;
        }
        w->best[i] = best;
        w->next[i] = to;
    }
}

static double emission(const yh_segmenter *s, int state, uint32_t cp)
{
    return s->emit[(size_t)state * HAN + (cp - HAN_LO)];
}

/* Divides characters [from, to), all Han, by the most probable states. */
static yh_status viterbi(work *w, size_t from, size_t to, yh_err *err)
{
    static const uint8_t before[STATES][2] = {{S, E}, {M, B}, {M, B}, {S, E}};
    const yh_segmenter *s = w->s;
    double v[STATES], fresh[STATES];
    for (int y = 0; y < STATES; y++)
        v[y] = s->start[y] + emission(s, y, w->c[from].cp);
    for (size_t t = from + 1; t < to; t++) {
        uint8_t came = 0;
        for (int y = 0; y < STATES; y++) {
            double em = emission(s, y, w->c[t].cp);
            double a = v[before[y][0]] + s->trans[before[y][0]][y] + em;
            double b = v[before[y][1]] + s->trans[before[y][1]][y] + em;
            bool first = a >= b; /* listed first: the state that wins ties */
            fresh[y] = first ? a : b;
            came |= (uint8_t)(before[y][first ? 0 : 1] << (2 * y));
        }
        w->path[t - from] = came;
        memcpy(v, fresh, sizeof v);
    }
    int y = v[S] >= v[E] ? S : E;
    for (size_t t = to - from; t-- > 0;) { /* from the path of origins to the states themselves */
        uint8_t came = w->path[t];
        w->path[t] = (uint8_t)y;
        y = came >> (2 * y) & 3;
    }
    size_t begin = from, rest = from;
    for (size_t t = from; t < to; t++) {
        int p = w->path[t - from];
        if (p == B)
            begin = t;
        if (p != E && p != S)
            continue;
        YH_TRY(add(w, p == E ? begin : t, t + 1, err));
        rest = t + 1;
    }
    return rest < to ? add(w, rest, to, err) : YH_OK;
}

static bool han(uint32_t cp)
{
    return cp >= HAN_LO && cp <= HAN_HI;
}

static bool letter_digit(uint32_t cp)
{
    return (cp | 32) - 'a' < 26u || cp - '0' < 10u;
}

/* Numbers and Latin words of a run without Han: [a-zA-Z0-9]+(\.[0-9]+)?%? are words, what stands
 * between them too. */
static yh_status latin(work *w, size_t from, size_t to, yh_err *err)
{
    size_t begin = from;
    for (size_t i = from; i < to;) {
        size_t k = i;
        while (k < to && letter_digit(w->c[k].cp))
            k++;
        if (k == i) {
            i++;
            continue;
        }
        if (i > begin)
            YH_TRY(add(w, begin, i, err));
        size_t m = k + 1;
        while (m < to && w->c[k].cp == '.' && w->c[m].cp - '0' < 10u)
            m++;
        if (m > k + 1)
            k = m;
        if (k < to && w->c[k].cp == '%')
            k++;
        YH_TRY(add(w, i, k, err));
        begin = i = k;
    }
    return begin < to ? add(w, begin, to, err) : YH_OK;
}

static bool known(const work *w, size_t from, size_t to)
{
    uint32_t node = 0;
    for (size_t i = from; i < to; i++)
        if ((node = child(w->s, node, w->c[i].cp)) == 0)
            return false;
    return !isnan(w->s->logp[node]);
}

/* A run of single characters that the dictionary left over. */
static yh_status leftover(work *w, size_t from, size_t to, yh_err *err)
{
    if (to - from == 1 || !w->s->hmm || known(w, from, to)) {
        for (; from < to; from++)
            YH_TRY(add(w, from, from + 1, err));
        return YH_OK;
    }
    while (from < to) {
        size_t k = from;
        bool h = han(w->c[from].cp);
        while (k < to && han(w->c[k].cp) == h)
            k++;
        YH_TRY(h ? viterbi(w, from, k, err) : latin(w, from, k, err));
        from = k;
    }
    return YH_OK;
}

static yh_status block(work *w, yh_err *err)
{
    double *best = yh_grow(w->best, &w->cap_best, w->n + 1, sizeof *best);
    if (best != NULL)
        w->best = best;
    uint32_t *next = yh_grow(w->next, &w->cap_next, w->n + 1, sizeof *next);
    if (next != NULL)
        w->next = next;
    uint8_t *path = yh_grow(w->path, &w->cap_path, w->n + 1, sizeof *path);
    if (path != NULL)
        w->path = path;
    if (best == NULL || next == NULL || path == NULL)
        return yh_fail(err, YH_NOMEM, "no memory to divide %zu characters into words", w->n);
    route(w);
    size_t single = 0;
    for (size_t i = 0; i < w->n; i = w->next[i]) {
        if (w->next[i] == i + 1)
            continue;
        if (i > single)
            YH_TRY(leftover(w, single, i, err));
        YH_TRY(add(w, i, w->next[i], err));
        single = w->next[i];
    }
    return w->n > single ? leftover(w, single, w->n, err) : YH_OK;
}

static yh_status push(work *w, uint32_t cp, size_t at, yh_err *err)
{
    if (w->n == w->cap) {
        piece *c = yh_grow(w->c, &w->cap, w->n + 1, sizeof *c);
        if (c == NULL)
            return yh_fail(err, YH_NOMEM, "no memory to divide text into words");
        w->c = c;
    }
    w->c[w->n] = (piece){cp, (uint32_t)at};
    return YH_OK;
}

static yh_status run(work *w, const char *text, size_t from, size_t to, bool spaces, yh_err *err)
{
    size_t blank = from, had = w->out->n; /* where white space began; tokens before it */
    for (size_t i = from; i <= to;) {
        int len = 1;
        uint32_t cp = i < to ? yh_utf8_next((const uint8_t *)text + i, &len) : 0;
        if (i < to && block_char(cp)) {
            YH_TRY(push(w, cp, i, err));
            w->n++;
            i += (size_t)len;
            if (w->n == 1 && spaces &&
                i - (size_t)len > blank + (w->out->n > had && text[blank] == ' '))
                YH_TRY(yh_tokens_add(w->out, blank, i - (size_t)len - blank, 0, err));
            continue;
        }
        if (w->n > 0) {
            YH_TRY(push(w, 0, i, err));
            YH_TRY(block(w, err));
            w->n = 0;
            blank = i;
        }
        bool space = i < to && yh_char_space(cp);
        if (!space && spaces && i > blank + (w->out->n > had && text[blank] == ' '))
            YH_TRY(yh_tokens_add(w->out, blank, i - blank, 0, err));
        if (i < to && !space) {
            YH_TRY(yh_tokens_add(w->out, i, (size_t)len, 1, err));
            blank = i + (size_t)len;
        }
        i += (size_t)len;
    }
    return YH_OK;
}

yh_status yh_words_chinese(const yh_segmenter *s, yh_tokens *out, const char *text, size_t from,
                           size_t to, bool spaces, yh_err *err)
{
    work w = {.s = s, .out = out};
    yh_status st = run(&w, text, from, to, spaces, err);
    yh_free(w.c);
    yh_free(w.best);
    yh_free(w.next);
    yh_free(w.path);
    return st;
}
