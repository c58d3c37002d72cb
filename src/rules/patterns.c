#include <ctype.h>

#include "rules/patterns.h"

#define NONE UINT32_MAX
enum { DENSE_MAX = 32 << 20 }; /* bytes of a full transition table; beyond, edges are hashed */

/* Two representations of one automaton: `next[state * classes + class]` complete (a lookup a byte),
 * or, for long lists, the tree's edges in a hash table and failure links. */
struct yh_patterns {
    uint16_t class_of[256]; /* bytes that no pattern has share class 0 */
    uint32_t classes, states;
    uint32_t *next;         /* NULL: hashed */
    uint64_t *edge;         /* slots: state * classes + class + 1, 0 empty; only when hashed */
    uint32_t *target, mask; /* of the slots */
    uint32_t *fail;         /* only when hashed */
    uint32_t *found;        /* pattern that ends in a state; NONE */
    uint32_t *also;         /* next state on the failure path where a pattern ends; 0: none */
    uint32_t *length;       /* of each pattern */
};

static uint64_t slot_of(uint64_t key)
{
    return (key * 0x9e3779b97f4a7c15u) >> 32;
}

static uint32_t edge_get(const yh_patterns *p, uint32_t state, uint32_t class)
{
    uint64_t key = (uint64_t)state * p->classes + class + 1;
    for (uint64_t i = slot_of(key);; i++) {
        uint64_t s = p->edge[i & p->mask];
        if (s == key)
            return p->target[i & p->mask];
        if (s == 0)
            return 0;
    }
}

static void edge_put(yh_patterns *p, uint32_t state, uint32_t class, uint32_t target)
{
    uint64_t key = (uint64_t)state * p->classes + class + 1, i = slot_of(key);
    while (p->edge[i & p->mask] != 0)
        i++;
    p->edge[i & p->mask] = key;
    p->target[i & p->mask] = target;
}

void yh_patterns_free(yh_patterns *p)
{
    if (p == NULL)
        return;
    yh_free(p->next);
    yh_free(p->edge);
    yh_free(p->target);
    yh_free(p->fail);
    yh_free(p->found);
    yh_free(p->also);
    yh_free(p->length);
    yh_free(p);
}

typedef struct source {
    const char *const *text;
    const size_t *len;
    size_t n, total;
    bool fold;
} source;

static size_t length_of(const source *s, size_t i)
{
    return s->len != NULL ? s->len[i] : strlen(s->text[i]);
}

static uint8_t byte_of(const source *s, uint8_t b)
{
    return s->fold && b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
}

static yh_status set_up(yh_patterns *p, source *s, yh_err *err)
{
    bool used[256] = {false};
    for (size_t i = 0; i < s->n; i++) {
        size_t k = length_of(s, i);
        s->total += k;
        if (k > INT32_MAX || s->total > INT32_MAX || s->n > INT32_MAX)
            return yh_fail(err, YH_LIMIT, "a list of patterns may have 2 GB");
        for (size_t j = 0; j < k; j++)
            used[byte_of(s, (uint8_t)s->text[i][j])] = true;
    }
    p->classes = 1;
    for (int b = 0; b < 256; b++)
        if (used[b])
            p->class_of[b] = (uint16_t)p->classes++;
    for (int b = 'A'; b <= 'Z' && s->fold; b++)
        p->class_of[b] = p->class_of[b + 32];
    size_t slots = 16;
    while (slots < 2 * (s->total + 1))
        slots *= 2;
    p->mask = (uint32_t)(slots - 1);
    p->edge = yh_calloc(slots, sizeof *p->edge);
    p->target = yh_calloc(slots, sizeof *p->target);
    p->fail = yh_calloc(s->total + 1, sizeof *p->fail);
    p->found = yh_calloc(s->total + 1, sizeof *p->found);
    p->also = yh_calloc(s->total + 1, sizeof *p->also);
    p->length = yh_calloc(s->n + 1, sizeof *p->length);
    if (p->edge == NULL || p->target == NULL || p->fail == NULL || p->found == NULL ||
        p->also == NULL || p->length == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu patterns", s->n);
    return YH_OK;
}

/* The states that a search goes through: parent and class of each, in the order of their making;
 * `order` sorts them by depth. */
typedef struct tree {
    uint32_t *parent, *order, *depth;
    uint16_t *class;
} tree;

static void grow_tree(yh_patterns *p, tree *t, const source *s)
{
    p->states = 1;
    p->found[0] = NONE;
    for (size_t i = 0; i < s->n; i++) {
        size_t k = length_of(s, i);
        uint32_t state = 0;
        p->length[i] = (uint32_t)k;
        for (size_t j = 0; j < k; j++) {
            uint16_t c = p->class_of[byte_of(s, (uint8_t)s->text[i][j])];
            uint32_t to = edge_get(p, state, c);
            if (to == 0) {
                to = p->states++;
                edge_put(p, state, c, to);
                p->found[to] = NONE;
                t->parent[to] = state;
                t->class[to] = c;
                t->depth[to] = (uint32_t)j + 1;
            }
            state = to;
        }
        if (k > 0 && p->found[state] == NONE)
            p->found[state] = (uint32_t)i;
    }
}

/* Counting sort by depth: failure links point to shallower states, which must be ready. */
static yh_status order_states(const yh_patterns *p, tree *t, yh_err *err)
{
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < p->states; i++)
        deepest = t->depth[i] > deepest ? t->depth[i] : deepest;
    uint32_t *start = yh_calloc((size_t)deepest + 2, sizeof *start);
    if (start == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for patterns");
    for (uint32_t i = 0; i < p->states; i++)
        start[t->depth[i] + 1]++;
    for (uint32_t d = 1; d <= deepest; d++)
        start[d] += start[d - 1];
    for (uint32_t i = 0; i < p->states; i++)
        t->order[start[t->depth[i]]++] = i;
    yh_free(start);
    return YH_OK;
}

static uint32_t follow(const yh_patterns *p, uint32_t state, uint32_t class)
{
    for (;;) {
        uint32_t to = edge_get(p, state, class);
        if (to != 0 || state == 0)
            return to;
        state = p->fail[state];
    }
}

static void link_states(yh_patterns *p, const tree *t)
{
    for (uint32_t k = 1; k < p->states; k++) {
        uint32_t s = t->order[k], up = t->parent[s];
        p->fail[s] = up == 0 ? 0 : follow(p, p->fail[up], t->class[s]);
        p->also[s] = p->found[p->fail[s]] != NONE ? p->fail[s] : p->also[p->fail[s]];
    }
}

static yh_status complete(yh_patterns *p, const tree *t, yh_err *err)
{
    size_t cells = (size_t)p->states * p->classes;
    if (cells * sizeof *p->next > DENSE_MAX)
        return YH_OK;
    p->next = yh_calloc(cells, sizeof *p->next);
    if (p->next == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for patterns");
    for (uint32_t k = 0; k < p->states; k++) {
        uint32_t s = t->order[k];
        const uint32_t *from = p->next + (size_t)p->fail[s] * p->classes;
        uint32_t *row = p->next + (size_t)s * p->classes;
        if (s != 0)
            memcpy(row, from, p->classes * sizeof *row);
        for (uint32_t c = 1; c < p->classes; c++) {
            uint32_t to = edge_get(p, s, c);
            if (to != 0)
                row[c] = to;
        }
    }
    yh_free(p->edge);
    yh_free(p->target);
    yh_free(p->fail);
    p->edge = NULL;
    p->target = p->fail = NULL;
    return YH_OK;
}

static yh_status build(yh_patterns *p, source *s, yh_err *err)
{
    YH_TRY(set_up(p, s, err));
    size_t n = s->total + 1;
    tree t = {.parent = yh_calloc(n, sizeof *t.parent),
              .order = yh_calloc(n, sizeof *t.order),
              .depth = yh_calloc(n, sizeof *t.depth),
              .class = yh_calloc(n, sizeof *t.class)};
    yh_status st = YH_OK;
    if (t.parent == NULL || t.order == NULL || t.depth == NULL || t.class == NULL)
        st = yh_fail(err, YH_NOMEM, "no memory for %zu patterns", s->n);
    if (st == YH_OK) {
        grow_tree(p, &t, s);
        st = order_states(p, &t, err);
    }
    if (st == YH_OK) {
        link_states(p, &t);
        st = complete(p, &t, err);
    }
    yh_free(t.parent);
    yh_free(t.order);
    yh_free(t.depth);
    yh_free(t.class);
    return st;
}

yh_status yh_patterns_create(yh_patterns **out, const char *const *pattern, const size_t *len,
                             size_t n, unsigned flags, yh_err *err)
{
    source s = {pattern, len, n, 0, (flags & YH_PATTERNS_FOLD) != 0};
    *out = yh_calloc(1, sizeof **out);
    if (*out == NULL)
        return yh_fail(err, YH_NOMEM, "no memory for %zu patterns", n);
    yh_status st = build(*out, &s, err);
    if (st != YH_OK) {
        yh_patterns_free(*out);
        *out = NULL;
    }
    return st;
}

/* Everything that ends behind byte `end` in this state. */
static bool report(const yh_patterns *p, uint32_t state, size_t end, yh_match_fn fn, void *ctx)
{
    if (p->found[state] == NONE)
        state = p->also[state];
    for (; state != 0; state = p->also[state]) {
        uint32_t k = p->found[state];
        yh_match m = {end - p->length[k], p->length[k], k};
        if (!fn(ctx, &m))
            return false;
    }
    return true;
}

void yh_patterns_scan(const yh_patterns *p, const char *text, size_t n, yh_match_fn fn, void *ctx)
{
    const uint8_t *t = (const uint8_t *)text;
    uint32_t state = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = p->class_of[t[i]];
        if (p->next != NULL)
            state = p->next[(size_t)state * p->classes + c];
        else
            state = c == 0 ? 0 : follow(p, state, c);
        if ((p->found[state] != NONE || p->also[state] != 0) && !report(p, state, i + 1, fn, ctx))
            return;
    }
}

static bool keep_first(void *ctx, const yh_match *m)
{
    *(yh_match *)ctx = *m;
    return false;
}

bool yh_patterns_find(const yh_patterns *p, const char *text, size_t n, yh_match *m)
{
    yh_match first = {0};
    yh_patterns_scan(p, text, n, keep_first, &first);
    if (m != NULL)
        *m = first;
    return first.len > 0;
}
